//! Where columns come from and go to.

use super::resolved;
use crate::sql::{ColumnMention, ColumnPart, Output};

fn show(mentions: &[ColumnMention]) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "?".to_owned());
    let mut shown: Vec<String> = mentions
        .iter()
        .map(|mention| {
            let column = match &mention.column {
                ColumnPart::Named(name) => name.as_str(),
                ColumnPart::All => "*",
            };
            match (mention.schema.as_deref(), &mention.table) {
                (Some("public"), Some(table)) => format!("{table}.{column}"),
                _ => format!(
                    "{}.{}.{column}",
                    part(&mention.schema),
                    part(&mention.table)
                ),
            }
        })
        .collect();
    shown.sort();
    shown.join(" ")
}

fn outputs(sql: &str) -> Vec<String> {
    resolved(sql)
        .outputs
        .iter()
        .map(|output| match output {
            Output::Plain(from) => format!("plain {}", show(from)),
            Output::Star(from) => format!("star {}", show(from)),
            Output::Derived(from) => format!("derived {}", show(from)),
            Output::Opaque(from) => format!("opaque {}", show(from)),
        })
        .map(|output| output.trim_end().to_owned())
        .collect()
}

fn check(cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let got = outputs(sql);
        if got != *expected {
            wrong.push(format!(
                "{sql}\n  expected {expected:?}\n  got      {got:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outputs_of_one_level() {
    check(&[
        (
            "SELECT ssn, name AS n FROM customers",
            &["plain customers.ssn", "plain customers.name"],
        ),
        (
            "SELECT * FROM customers",
            &[
                "plain customers.id",
                "plain customers.name",
                "plain customers.ssn",
            ],
        ),
        (
            "SELECT c.*, 1 FROM customers c, t",
            &[
                "plain customers.id",
                "plain customers.name",
                "plain customers.ssn",
                "derived",
            ],
        ),
        (
            "SELECT upper(ssn) FROM customers",
            &["derived customers.ssn"],
        ),
        (
            "SELECT ssn || '' FROM customers",
            &["derived customers.ssn"],
        ),
        (
            "SELECT ssn::text FROM customers",
            &["derived customers.ssn"],
        ),
        (
            "SELECT CASE WHEN ssn > 'a' THEN 1 END FROM customers",
            &["derived customers.ssn"],
        ),
        (
            "SELECT row_to_json(c) FROM customers c",
            &["derived customers.*"],
        ),
        ("SELECT c FROM customers c", &["plain customers.*"]),
        (
            "SELECT (s).*, reverse(c.ssn), (p).* FROM customers c, (SELECT) s, (SELECT 1 a, 2 b) p",
            &["star", "opaque customers.ssn", "star"],
        ),
        (
            "SELECT (c).* AS x, name FROM customers c",
            &["star customers.*", "plain customers.name"],
        ),
        (
            "COPY (SELECT (c).*, upper(ssn) FROM customers c) TO STDOUT",
            &["star customers.*", "derived customers.ssn"],
        ),
        (
            "DELETE FROM customers c RETURNING (c).*, ssn",
            &["star customers.*", "plain customers.ssn"],
        ),
        (
            "SELECT x.b FROM (SELECT (c).*, name AS b FROM customers c) x",
            &["plain customers.name"],
        ),
        (
            "SELECT ssn FROM (SELECT (c).*, 1 AS b FROM customers c) x",
            &["plain customers.*"],
        ),
        (
            "SELECT column3 FROM customers c, LATERAL (VALUES (c.*, 1)) x",
            &["plain customers.*"],
        ),
        (
            "SELECT y FROM customers c, LATERAL (VALUES (1, (c).*)) x (a, b, d, y)",
            &["plain customers.*"],
        ),
        ("SELECT customers FROM customers", &["plain customers.*"]),
        (
            "SELECT c.*::text FROM customers c",
            &["derived customers.*"],
        ),
        ("SELECT (c).ssn FROM customers c", &["derived customers.*"]),
        (
            "SELECT (c.*).ssn FROM customers c",
            &["derived customers.*"],
        ),
        ("SELECT ssn(c) FROM customers c", &["opaque customers.*"]),
        (
            "SELECT array_agg(ssn) FROM customers",
            &["derived customers.ssn"],
        ),
        ("SELECT count(*) FROM customers", &["derived"]),
        ("SELECT pay(id) FROM customers", &["opaque customers.id"]),
        (
            "SELECT customers.ssn, public.customers.name FROM customers",
            &["plain customers.ssn", "plain customers.name"],
        ),
        ("SELECT nothing FROM customers", &["plain ?.?.nothing"]),
        ("SELECT ctid FROM customers", &["plain"]),
        ("SELECT x FROM nowhere", &["plain app.nowhere.x"]),
        ("SELECT * FROM nowhere", &["star app.nowhere.*"]),
        ("SELECT 1, now(), $1", &["derived", "derived", "derived"]),
        ("SELECT histogram_bounds FROM pg_stats", &["opaque ?.?.*"]),
        (
            "VALUES (1, (SELECT max(ssn) FROM customers)), (2, 'x')",
            &["derived", "derived customers.ssn"],
        ),
        ("TABLE t", &["plain t.a", "plain t.b"]),
        ("SHOW work_mem", &["star"]),
        ("EXPLAIN SELECT ssn FROM customers", &["star"]),
        ("FETCH c", &[]),
    ]);
}

#[test]
fn outputs_through_levels() {
    check(&[
        (
            "SELECT s FROM (SELECT ssn AS s FROM customers) x",
            &["plain customers.ssn"],
        ),
        (
            "SELECT x FROM (SELECT upper(ssn) AS x FROM customers) y",
            &["plain customers.ssn"],
        ),
        (
            "SELECT upper FROM (SELECT upper(ssn), name FROM customers) y",
            &["plain customers.ssn"],
        ),
        (
            "SELECT name FROM (SELECT upper(ssn), name FROM customers) y",
            &["plain customers.name"],
        ),
        (
            "SELECT * FROM (SELECT upper(ssn), name FROM customers) y",
            &["plain customers.ssn", "plain customers.name"],
        ),
        (
            "SELECT y FROM (SELECT ssn FROM customers) y",
            &["plain customers.ssn"],
        ),
        (
            "SELECT b FROM (SELECT id, ssn FROM customers) AS y (a, b)",
            &["plain customers.ssn"],
        ),
        (
            "SELECT b FROM customers AS y (a, c, b)",
            &["plain customers.ssn"],
        ),
        (
            "WITH w AS (SELECT ssn AS x FROM customers) SELECT x || '' FROM w",
            &["derived customers.ssn"],
        ),
        (
            "WITH w (x) AS (SELECT ssn FROM customers) SELECT x FROM w",
            &["plain customers.ssn"],
        ),
        (
            "SELECT name FROM customers UNION SELECT ssn FROM customers",
            &["plain customers.name customers.ssn"],
        ),
        (
            "SELECT name, 1 FROM customers UNION ALL SELECT upper(ssn), 2 FROM customers",
            &["derived customers.name customers.ssn", "derived"],
        ),
        (
            "SELECT (SELECT ssn FROM customers LIMIT 1)",
            &["derived customers.ssn"],
        ),
        (
            "SELECT (SELECT c.ssn) FROM customers c",
            &["derived customers.ssn"],
        ),
        (
            "SELECT (SELECT ssn) FROM customers c",
            &["derived customers.ssn"],
        ),
        (
            "SELECT x.y FROM customers c, LATERAL (SELECT c.ssn AS y) x",
            &["plain customers.ssn"],
        ),
        (
            "SELECT z FROM customers c, unnest(ARRAY[c.ssn]) u (z)",
            &["plain customers.ssn"],
        ),
        (
            "SELECT y FROM customers c, unnest(ARRAY[c.ssn]) u (z), LATERAL (SELECT z AS y) x",
            &["plain customers.ssn"],
        ),
        (
            "SELECT g FROM customers c, generate_series(1, 3) g",
            &["plain"],
        ),
        (
            "SELECT j.ssn FROM (customers c JOIN orders o ON c.id = o.customer_id) AS j",
            &["plain customers.ssn"],
        ),
        (
            "SELECT id FROM customers JOIN orders USING (id)",
            &["plain customers.id orders.id"],
        ),
        (
            "SELECT * FROM customers JOIN orders USING (id)",
            &["star customers.* orders.*"],
        ),
        (
            "WITH RECURSIVE r (a, b) AS (SELECT name, ssn FROM customers UNION ALL SELECT b, a FROM r) SELECT a FROM r",
            &["plain customers.name customers.ssn"],
        ),
        (
            "SELECT upper(j.a) FROM (SELECT ssn AS a FROM customers) x JOIN (SELECT 1 AS a) y USING (a) AS j",
            &["derived customers.ssn"],
        ),
        (
            "WITH RECURSIVE r AS (SELECT ssn AS a FROM customers UNION ALL SELECT a FROM r) CYCLE a SET c USING p SELECT p FROM r",
            &["plain customers.ssn"],
        ),
        (
            "SELECT x FROM (SELECT name AS x FROM customers UNION SELECT ssn AS y FROM customers) z",
            &["plain customers.name customers.ssn"],
        ),
        ("SELECT gone.x FROM customers", &["plain ?.?.*"]),
        (
            "SELECT ARRAY(SELECT ssn FROM customers)",
            &["derived customers.ssn"],
        ),
        ("SELECT x FROM (SELECT pay(1) AS x) y", &["opaque"]),
        (
            "DELETE FROM customers RETURNING ssn, upper(name)",
            &["plain customers.ssn", "derived customers.name"],
        ),
        (
            "UPDATE customers SET name = 'x' RETURNING old.ssn, new.name",
            &["plain customers.ssn", "plain customers.name"],
        ),
        (
            "UPDATE t SET a = 1 RETURNING *",
            &["plain t.a", "plain t.b"],
        ),
        (
            "INSERT INTO t VALUES (1) RETURNING (SELECT max(ssn) FROM customers)",
            &["derived customers.ssn"],
        ),
        (
            "WITH d AS (DELETE FROM customers RETURNING ssn AS x) SELECT x FROM d",
            &["plain customers.ssn"],
        ),
        (
            "COPY customers TO STDOUT",
            &[
                "plain customers.id",
                "plain customers.name",
                "plain customers.ssn",
            ],
        ),
        ("COPY customers (ssn) TO STDOUT", &["plain customers.ssn"]),
        (
            "COPY (SELECT upper(ssn) FROM customers) TO STDOUT",
            &["derived customers.ssn"],
        ),
    ]);
}

#[test]
fn searched_columns() {
    let cases = [
        ("SELECT 1 FROM customers WHERE ssn = 'x'", "customers.ssn"),
        ("SELECT name FROM customers ORDER BY ssn", "customers.ssn"),
        ("SELECT ssn FROM customers ORDER BY 1", "customers.ssn"),
        (
            "SELECT upper(ssn) AS x FROM customers ORDER BY x",
            "?.?.x customers.ssn",
        ),
        (
            "SELECT count(*) FROM customers GROUP BY ssn HAVING max(name) > 'a'",
            "customers.name customers.ssn",
        ),
        (
            "SELECT count(*), ssn FROM customers GROUP BY 2",
            "customers.ssn",
        ),
        (
            "SELECT DISTINCT ON (ssn) name FROM customers",
            "customers.ssn",
        ),
        (
            "SELECT count(*) FILTER (WHERE ssn > 'a') FROM customers",
            "customers.ssn",
        ),
        (
            "SELECT sum(id) OVER (PARTITION BY ssn ORDER BY name) FROM customers",
            "customers.name customers.ssn",
        ),
        (
            "SELECT CASE WHEN ssn > 'a' THEN name END FROM customers",
            "customers.ssn",
        ),
        (
            "SELECT CASE ssn WHEN 'a' THEN name END FROM customers",
            "customers.ssn",
        ),
        (
            "SELECT 1 FROM customers c JOIN users u ON c.ssn = u.email",
            "customers.ssn users.email",
        ),
        (
            "SELECT 1 FROM customers JOIN orders USING (id)",
            "customers.id orders.id",
        ),
        ("SELECT 1 FROM t NATURAL JOIN u", "t.* u.*"),
        (
            "SELECT (SELECT 1 FROM users WHERE email = c.ssn) FROM customers c",
            "customers.ssn users.email",
        ),
        (
            "UPDATE customers SET name = 'x' WHERE ssn = 'y'",
            "customers.ssn",
        ),
        ("DELETE FROM customers WHERE ssn LIKE '1%'", "customers.ssn"),
        (
            "INSERT INTO customers VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x' WHERE customers.ssn = 'y'",
            "customers.id customers.ssn",
        ),
        (
            "SELECT name FROM customers UNION SELECT ssn FROM customers ORDER BY 1",
            "customers.name customers.ssn",
        ),
        (
            "SELECT name FROM (SELECT * FROM customers) x WHERE x.ssn = '1'",
            "customers.ssn",
        ),
        (
            "EXPLAIN SELECT 1 FROM customers WHERE ssn = 'x'",
            "customers.ssn",
        ),
        (
            "DECLARE k CURSOR FOR SELECT 1 FROM customers WHERE ssn = 'x'",
            "customers.ssn",
        ),
        (
            "CREATE TABLE x (s text REFERENCES customers (ssn))",
            "customers.ssn",
        ),
        ("SELECT name FROM customers LIMIT 1", ""),
        (
            "SELECT 'x' UNION SELECT ssn FROM customers",
            "customers.ssn",
        ),
        (
            "SELECT 'x' INTERSECT ALL (SELECT name FROM customers EXCEPT SELECT ssn FROM customers)",
            "customers.name customers.ssn",
        ),
        (
            "SELECT name FROM customers UNION ALL SELECT ssn FROM customers",
            "",
        ),
        (
            "(SELECT 'a' UNION SELECT name FROM customers) UNION ALL SELECT ssn FROM customers",
            "customers.name",
        ),
        (
            "(SELECT 'a' UNION ALL SELECT name FROM customers) UNION SELECT ssn FROM customers",
            "customers.name customers.ssn",
        ),
        (
            "WITH RECURSIVE r AS (SELECT 'x' UNION SELECT ssn FROM customers) SELECT count(*) FROM r",
            "customers.ssn",
        ),
        ("SELECT DISTINCT ssn FROM customers", "customers.ssn"),
        ("SELECT DISTINCT t.* FROM customers c, t", "t.*"),
        (
            "SELECT count(*) FROM (SELECT DISTINCT upper(ssn) FROM customers) x",
            "customers.ssn",
        ),
        ("SELECT count(DISTINCT ssn) FROM customers", "customers.ssn"),
        (
            "SELECT 1 FROM customers, generate_series(1, substr(ssn, 9, 3)::int)",
            "customers.ssn",
        ),
        (
            "SELECT generate_series(1, length(ssn)) FROM customers",
            "customers.ssn",
        ),
        ("SELECT unnest(ARRAY[ssn]) FROM customers", "customers.ssn"),
        (
            "SELECT 1 FROM customers c, JSON_TABLE(c.ssn, '$[*]' COLUMNS (a int)) j",
            "customers.ssn",
        ),
        (
            "SELECT 1 FROM customers c, XMLTABLE('/a' PASSING c.ssn COLUMNS a int) x",
            "customers.ssn",
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(show(&resolved(sql).searched), expected, "{sql}");
    }
}

/// What fails, is NULL or is compared tells of a value although the answer is masked.
#[test]
fn deciding_expressions() {
    let deciding = [
        "1 / (id - 7)",
        "id % 7",
        "id + 2147483000",
        "ssn = '1'",
        "ssn < '1'",
        "ssn LIKE '1%'",
        "ssn ~ '^1'",
        "ssn IN ('1', '2')",
        "ssn BETWEEN '1' AND '2'",
        "ssn IS DISTINCT FROM '1'",
        "ssn = ANY ('{1}')",
        "'1' = ANY (SELECT ssn)",
        "ssn OPERATOR(pg_catalog.=) '1'",
        "name OPERATOR(own.||) ssn",
        "NULLIF(ssn, '1')",
        "CASE WHEN ssn = '1' THEN 1 END",
        "id::boolean AND 1 / 0 = 1",
        "ssn::int",
        "substr(ssn, 1, 3)::numeric",
        "ssn::text[]",
        "CAST(ssn AS json)",
        "upper(ssn)::date::text",
        "int4(ssn)",
        "sqrt(id)",
        "to_number(ssn, '9')",
        "regexp_match(ssn, '^1')",
        "has_table_privilege(ssn, 'select')",
        "has_column_privilege('t', ssn, 'select')",
        "pg_has_role(ssn, 'usage')",
        "current_setting(ssn, true)",
        "to_regclass(ssn)",
        "substring(ssn FROM '^1')",
        "substring(ssn SIMILAR '1%' ESCAPE '#')",
        "jsonb_path_query_first('1', '$', ssn)",
        "JSON_VALUE(ssn, '$.a')",
        "XMLPARSE(DOCUMENT ssn)",
        "(ARRAY[1, 2])[id]",
        "'{}'::jsonb -> ssn",
    ];
    let carrying = [
        "ssn",
        "upper(ssn)",
        "ssn || ''",
        "ssn::text",
        "ssn::varchar(3)",
        "ssn COLLATE \"C\"",
        "coalesce(ssn, '')",
        "substring(ssn FROM 1 FOR 3)",
        "left(ssn, 3)",
        "ARRAY[ssn]",
        "row_to_json(customers)",
        "jsonb_build_object('a', ssn) ->> 'a'",
        "(SELECT ssn)",
        "ssn IS NULL",
        "'1'::int + 1",
    ];
    for expression in deciding {
        let found = resolved(&format!("SELECT {expression} FROM customers")).searched;
        let column = if expression.contains("ssn") {
            "ssn"
        } else {
            "id"
        };
        let named = ColumnPart::Named(column.to_owned());
        assert!(
            found.iter().any(|mention| mention.column == named),
            "{expression}: {}",
            show(&found)
        );
    }
    for expression in carrying {
        let found = resolved(&format!("SELECT {expression} FROM customers")).searched;
        assert_eq!(show(&found), "", "{expression}");
    }
}

#[test]
fn copied_columns() {
    let cases = [
        ("SELECT ssn INTO x FROM customers", "customers.ssn"),
        (
            "CREATE TABLE x AS SELECT ssn FROM customers",
            "customers.ssn",
        ),
        (
            "CREATE TABLE x AS WITH w AS (SELECT upper(ssn) AS y FROM customers) SELECT y FROM w",
            "customers.ssn",
        ),
        (
            "INSERT INTO t SELECT id, ssn FROM customers",
            "customers.id customers.ssn",
        ),
        (
            "INSERT INTO t VALUES (1, (SELECT ssn FROM customers))",
            "customers.ssn",
        ),
        ("UPDATE customers SET name = ssn", "customers.ssn"),
        (
            "UPDATE t SET a = c.ssn FROM customers c WHERE c.id = t.b",
            "customers.ssn",
        ),
        (
            "UPDATE t SET (a, b) = (SELECT ssn, name FROM customers)",
            "customers.name customers.ssn",
        ),
        (
            "INSERT INTO customers VALUES (1) ON CONFLICT (id) DO UPDATE SET name = customers.ssn || excluded.name",
            "customers.ssn",
        ),
        (
            "CREATE VIEW v AS SELECT ssn AS x FROM customers",
            "customers.ssn",
        ),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT ssn FROM customers",
            "customers.ssn",
        ),
        (
            "MERGE INTO t USING customers c ON t.a = c.id WHEN MATCHED THEN UPDATE SET b = c.ssn WHEN NOT MATCHED THEN INSERT VALUES (c.name)",
            "customers.name customers.ssn",
        ),
        (
            "SELECT set_config('a.b', ssn, false) FROM customers",
            "customers.ssn",
        ),
        ("SELECT pg_notify('x', ssn) FROM customers", "customers.ssn"),
        ("SELECT setseed(id) FROM customers", "customers.id"),
        ("SELECT pg_sleep(id) FROM customers", "customers.id"),
        ("SELECT pg_sleep_for(ssn) FROM customers", "customers.ssn"),
        (
            "SELECT pg_try_advisory_lock(id) FROM customers",
            "customers.id",
        ),
        ("SELECT setval('s', id) FROM customers", "customers.id"),
        (
            "SELECT lo_from_bytea(0, ssn) FROM customers",
            "customers.ssn",
        ),
        ("SELECT 1 FROM customers, setseed(id)", "customers.id"),
        (
            "SELECT 1 FROM customers WHERE pg_notify('x', ssn) IS NULL",
            "customers.ssn",
        ),
        (
            "COPY customers TO PROGRAM 'cat'",
            "customers.id customers.name customers.ssn",
        ),
        (
            "ALTER TABLE customers ALTER name TYPE text USING ssn",
            "customers.ssn",
        ),
        (
            "ALTER TABLE customers ADD x text GENERATED ALWAYS AS (upper(ssn)) STORED",
            "customers.ssn",
        ),
        ("ALTER TABLE customers RENAME ssn TO x", "customers.ssn"),
        ("ALTER TABLE customers RENAME TO x", "customers.*"),
        ("EXPLAIN UPDATE customers SET name = ssn", ""),
        (
            "EXPLAIN ANALYZE UPDATE customers SET name = ssn",
            "customers.ssn",
        ),
        ("SELECT ssn FROM customers", ""),
        ("INSERT INTO customers VALUES (1, 'a', 'b')", ""),
    ];
    for (sql, expected) in cases {
        assert_eq!(show(&resolved(sql).copied), expected, "{sql}");
    }
}
