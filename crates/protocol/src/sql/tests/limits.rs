//! Limits, depth, and that every kind of statement is known.

use proptest::prelude::*;

use super::{resolved, scope, shop};
use crate::sql::{MAX_STATEMENT_BYTES, ReadError, ReadOptions, read, resolve};

/// At least one statement of every kind that the grammar has.
pub(super) const EVERY_KIND: &[&str] = &[
    "SELECT 1",
    "SELECT a INTO x FROM t",
    "VALUES (1)",
    "INSERT INTO t DEFAULT VALUES",
    "UPDATE t SET a = 1",
    "DELETE FROM t",
    "MERGE INTO t USING u ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
    "MERGE INTO t USING u ON t.a = u.a WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), t.*",
    "COPY t TO STDOUT (FORMAT csv, HEADER)",
    "COPY t FROM STDIN",
    "TRUNCATE t",
    "LOCK t",
    "CREATE TABLE x AS SELECT 1",
    "EXPLAIN SELECT 1",
    "CALL pay(1)",
    "DO 'x'",
    "BEGIN",
    "START TRANSACTION READ ONLY",
    "COMMIT AND CHAIN",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "ROLLBACK TO s",
    "PREPARE TRANSACTION 'x'",
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "SET CONSTRAINTS ALL DEFERRED",
    "PREPARE q AS SELECT 1",
    "EXECUTE q",
    "DEALLOCATE q",
    "DECLARE c BINARY CURSOR WITH HOLD FOR SELECT 1",
    "FETCH c",
    "MOVE c",
    "CLOSE c",
    "SET a = 1",
    "SET LOCAL a TO DEFAULT",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET TRANSACTION SNAPSHOT 'x'",
    "SET TIME ZONE LOCAL",
    "RESET a",
    "RESET ALL",
    "SHOW a",
    "SHOW ALL",
    "DISCARD ALL",
    "DISCARD PLANS",
    "LISTEN x",
    "UNLISTEN *",
    "NOTIFY x",
    "LOAD 'x'",
    "CHECKPOINT",
    "CREATE TABLE x (a int GENERATED ALWAYS AS IDENTITY, b int CHECK (b > 0), EXCLUDE USING gist (a WITH =)) PARTITION BY RANGE (a)",
    "CREATE TABLE x (LIKE t)",
    "CREATE TABLE x PARTITION OF t FOR VALUES FROM (1) TO (MAXVALUE)",
    "CREATE TABLE x OF ty",
    "CREATE FOREIGN TABLE x (a int) SERVER s",
    "CREATE VIEW v AS SELECT 1",
    "CREATE OR REPLACE TEMP VIEW v AS SELECT 1",
    "CREATE RECURSIVE VIEW v (a) AS SELECT 1",
    "CREATE MATERIALIZED VIEW v AS SELECT 1",
    "REFRESH MATERIALIZED VIEW v",
    "CREATE INDEX i ON t (a, (b + 1)) WHERE a > 0",
    "CREATE SCHEMA s",
    "CREATE SCHEMA AUTHORIZATION bob",
    "CREATE SEQUENCE s",
    "ALTER SEQUENCE s RESTART",
    "ALTER TABLE t ADD COLUMN x int DEFAULT 1, DROP COLUMN b, ADD CONSTRAINT c CHECK (a > 0)",
    "ALTER TABLE t ATTACH PARTITION u FOR VALUES IN (1)",
    "ALTER TABLE t DETACH PARTITION u",
    "ALTER TABLE t INHERIT u",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "ALTER TABLE t CLUSTER ON i",
    "ALTER TABLE t ALTER COLUMN a SET STATISTICS 1",
    "ALTER TABLE t ALTER COLUMN a SET (n_distinct = 5)",
    "ALTER TABLE t SET (fillfactor = 70)",
    "ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE",
    "ALTER TABLE t ENABLE TRIGGER ALL",
    "ALTER INDEX i SET TABLESPACE ts",
    "ALTER VIEW v ALTER a SET DEFAULT 1",
    "ALTER TYPE ty ADD ATTRIBUTE a int",
    "ALTER FOREIGN TABLE t OPTIONS (ADD a 'b')",
    "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b",
    "CREATE FUNCTION f(a int DEFAULT 1) RETURNS int LANGUAGE sql AS 'x'",
    "CREATE FUNCTION f() RETURNS int RETURN 1",
    "CREATE PROCEDURE p() LANGUAGE sql AS 'x'",
    "ALTER FUNCTION f() SECURITY DEFINER",
    "CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION f()",
    "CREATE EVENT TRIGGER g ON ddl_command_start EXECUTE FUNCTION f()",
    "ALTER EVENT TRIGGER g DISABLE",
    "CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY x",
    "CREATE STATISTICS s ON a, b FROM t",
    "ALTER STATISTICS s SET STATISTICS 1",
    "CREATE TYPE ty AS (a int)",
    "CREATE TYPE ty AS ENUM ('a')",
    "CREATE TYPE ty AS RANGE (subtype = int)",
    "CREATE TYPE ty",
    "ALTER TYPE ty ADD VALUE 'b'",
    "ALTER TYPE ty SET (storage = plain)",
    "CREATE DOMAIN d AS int CHECK (VALUE > 0)",
    "ALTER DOMAIN d ADD CHECK (VALUE > 0)",
    "CREATE AGGREGATE g (int) (sfunc = f, stype = int)",
    "CREATE OPERATOR + (leftarg = int, procedure = f)",
    "CREATE COLLATION c FROM \"C\"",
    "ALTER COLLATION c REFRESH VERSION",
    "CREATE TEXT SEARCH DICTIONARY d (template = x)",
    "ALTER TEXT SEARCH DICTIONARY d (a = b)",
    "ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR x WITH y",
    "CREATE CAST (int AS text) WITH FUNCTION f(int)",
    "CREATE TRANSFORM FOR int LANGUAGE l (FROM SQL WITH FUNCTION f(internal))",
    "CREATE CONVERSION c FOR 'a' TO 'b' FROM f",
    "CREATE OPERATOR CLASS c FOR TYPE int USING btree AS OPERATOR 1 <",
    "CREATE OPERATOR FAMILY c USING btree",
    "ALTER OPERATOR FAMILY c USING btree ADD OPERATOR 1 < (int, int)",
    "ALTER OPERATOR + (int, int) SET (restrict = x)",
    "CREATE LANGUAGE l HANDLER h",
    "CREATE ACCESS METHOD m TYPE INDEX HANDLER h",
    "CREATE EXTENSION e",
    "ALTER EXTENSION e UPDATE",
    "ALTER EXTENSION e ADD TABLE t",
    "CREATE FOREIGN DATA WRAPPER w",
    "ALTER FOREIGN DATA WRAPPER w NO HANDLER",
    "CREATE SERVER s FOREIGN DATA WRAPPER w",
    "ALTER SERVER s VERSION 'x'",
    "CREATE USER MAPPING FOR bob SERVER s",
    "ALTER USER MAPPING FOR bob SERVER s OPTIONS (SET a 'b')",
    "DROP USER MAPPING FOR bob SERVER s",
    "IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b",
    "CREATE POLICY p ON t",
    "ALTER POLICY p ON t USING (true)",
    "DROP TABLE t",
    "DROP VIEW v",
    "DROP INDEX i",
    "DROP SEQUENCE s",
    "DROP TYPE ty",
    "DROP DOMAIN d",
    "DROP FUNCTION f",
    "DROP AGGREGATE g(int)",
    "DROP OPERATOR + (int, int)",
    "DROP OPERATOR CLASS c USING btree",
    "DROP CAST (int AS text)",
    "DROP RULE r ON t",
    "DROP POLICY p ON t",
    "DROP LANGUAGE l",
    "DROP SERVER s",
    "DROP PUBLICATION p",
    "DROP EXTENSION e",
    "DROP ACCESS METHOD m",
    "DROP EVENT TRIGGER g",
    "DROP TEXT SEARCH PARSER p",
    "DROP STATISTICS s",
    "DROP OWNED BY bob",
    "REASSIGN OWNED BY a TO b",
    "ALTER TABLE t RENAME a TO x",
    "ALTER TYPE ty RENAME TO x",
    "ALTER DATABASE d RENAME TO x",
    "ALTER ROLE a RENAME TO b",
    "ALTER SCHEMA a RENAME TO b",
    "ALTER INDEX i RENAME TO j",
    "ALTER TRIGGER g ON t RENAME TO h",
    "ALTER TABLE t SET SCHEMA s",
    "ALTER TYPE ty SET SCHEMA s",
    "ALTER TABLE t OWNER TO bob",
    "ALTER DATABASE d OWNER TO bob",
    "ALTER LARGE OBJECT 1 OWNER TO bob",
    "ALTER FUNCTION f() DEPENDS ON EXTENSION e",
    "COMMENT ON TABLE t IS 'x'",
    "COMMENT ON DATABASE d IS 'x'",
    "COMMENT ON OPERATOR CLASS c USING btree IS 'x'",
    "SECURITY LABEL ON ROLE bob IS 'x'",
    "GRANT SELECT ON t TO bob",
    "GRANT USAGE ON SCHEMA s TO bob",
    "GRANT EXECUTE ON FUNCTION f() TO bob",
    "GRANT CONNECT ON DATABASE d TO bob",
    "GRANT SET ON PARAMETER p TO bob",
    "GRANT a TO b",
    "REVOKE a FROM b",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob",
    "CREATE ROLE r",
    "CREATE USER u",
    "ALTER ROLE r LOGIN",
    "ALTER GROUP g ADD USER u",
    "ALTER ROLE ALL SET a = 1",
    "DROP ROLE r",
    "CREATE DATABASE d",
    "ALTER DATABASE d WITH CONNECTION LIMIT 1",
    "ALTER DATABASE d SET a = 1",
    "ALTER DATABASE d REFRESH COLLATION VERSION",
    "DROP DATABASE d (FORCE)",
    "CREATE TABLESPACE ts LOCATION '/x'",
    "ALTER TABLESPACE ts SET (a = 1)",
    "DROP TABLESPACE ts",
    "ALTER SYSTEM SET a = 1",
    "ALTER SYSTEM RESET ALL",
    "VACUUM",
    "VACUUM (ANALYZE) t (a)",
    "ANALYZE t",
    "CLUSTER",
    "CLUSTER t USING i",
    "REINDEX INDEX i",
    "REINDEX SYSTEM shop",
    "REINDEX SCHEMA s",
    "CREATE PUBLICATION p FOR ALL TABLES",
    "CREATE PUBLICATION p FOR TABLE t (a) WHERE (a > 1), TABLES IN SCHEMA s",
    "ALTER PUBLICATION p ADD TABLE t",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
    "ALTER SUBSCRIPTION s ENABLE",
    "DROP SUBSCRIPTION s",
    // Expressions that are rare.
    "SELECT xmlelement(name a, xmlattributes(b AS c), xmlforest(a)), xmlserialize(DOCUMENT a AS text), a IS DOCUMENT FROM t",
    "SELECT * FROM xmltable(XMLNAMESPACES('x' AS y), '/a' PASSING '<a/>' COLUMNS b int PATH 'c' DEFAULT 1)",
    "SELECT * FROM json_table('{}', '$' PASSING 1 AS z COLUMNS (a int PATH '$.a' DEFAULT 1 ON EMPTY, NESTED PATH '$.b' COLUMNS (c int)))",
    "SELECT json_object('a': 1), json_array(1, 2), json_array(SELECT a FROM t), json_objectagg('a': b), json_arrayagg(a ORDER BY b), json('1'), json_scalar(1), json_serialize('1') FROM t",
    "SELECT json_query('{}', '$' WITH WRAPPER), json_value('{}', '$.a' DEFAULT 1 ON ERROR), json_exists('{}', '$'), '1' IS JSON",
    "SELECT (a).b, (x)[1], (x)[1:2], ROW(1, 2), ARRAY[[1], [2]], a COLLATE \"C\", GREATEST(1, 2), COALESCE(a, 1), NULLIF(a, b) FROM t",
    "SELECT a, grouping(a) FROM t GROUP BY GROUPING SETS ((a), ()), ROLLUP (b), CUBE (a, b)",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), f(VARIADIC ARRAY[1]), f(x => 1) FROM t WINDOW w AS (PARTITION BY a ORDER BY b ROWS 1 PRECEDING)",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), f() AS (a int)) WITH ORDINALITY AS x (a, b, c)",
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a FROM r) SEARCH DEPTH FIRST BY a SET s CYCLE a SET c USING p SELECT * FROM r",
    "SELECT a BETWEEN 1 AND 2, a IN (1, 2), a LIKE 'x' ESCAPE 'y', a SIMILAR TO 'x', a IS DISTINCT FROM b, a = ANY ('{}'), a IS NULL, a IS TRUE, (1, 2) OVERLAPS (3, 4) FROM t",
    "SELECT extract(year FROM now()), position('a' IN 'b'), substring('a' FROM 1), trim(BOTH FROM 'a'), now() AT TIME ZONE 'x', current_date, CURRENT_ROLE",
    "SELECT DISTINCT ON (a) a FROM t ORDER BY a USING >, b NULLS FIRST OFFSET 1 ROW FETCH NEXT 2 ROWS WITH TIES",
    "UPDATE t SET (a, b) = ROW(1, DEFAULT), a[1] = 2, b.c = 3 RETURNING WITH (OLD AS o, NEW AS n) o.a, n.b",
    "INSERT INTO t (a[1]) OVERRIDING SYSTEM VALUE VALUES (DEFAULT) ON CONFLICT ON CONSTRAINT c DO UPDATE SET a = 1 WHERE t.b = 2",
];

#[test]
fn every_kind_of_statement_needs_something() {
    let mut wrong = Vec::new();
    for sql in EVERY_KIND {
        match read(sql, ReadOptions::default()) {
            Err(refused) => wrong.push(format!("{sql}: {refused:?}")),
            Ok(_) if resolved(sql).accesses.is_empty() => wrong.push(format!("{sql}: nothing")),
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn limits_are_kept() {
    let long = format!("SELECT '{}'", "x".repeat(MAX_STATEMENT_BYTES));
    assert_eq!(
        read(&long, ReadOptions::default()).unwrap_err(),
        ReadError::TooLong
    );
    assert_eq!(
        read("SELECT '\0'", ReadOptions::default()).unwrap_err(),
        ReadError::Nul
    );
    let nested = format!("SELECT {}1{}", "(SELECT ".repeat(400), ")".repeat(400));
    assert_eq!(
        read(&nested, ReadOptions::default()).unwrap_err(),
        ReadError::TooDeep
    );
}

/// On a thread with the usual stack: depth must not be the caller's concern.
#[test]
fn depth_is_read_or_refused() {
    let terms = |count: usize| format!("SELECT {}a FROM t", "a||".repeat(count));
    assert!(read(&terms(4_900), ReadOptions::default()).is_ok());
    assert_eq!(
        read(&terms(20_000), ReadOptions::default()).unwrap_err(),
        ReadError::TooDeep
    );
    let cases = [
        format!("SELECT {}a FROM t", "- ".repeat(100_000)),
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT {}true", "NOT ".repeat(50_000)),
        format!("SELECT {}1{}", "ARRAY[".repeat(20_000), "]".repeat(20_000)),
        format!("SELECT {}1{}", "f(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(20_000)),
        format!("SELECT * FROM t {}", "CROSS JOIN u ".repeat(20_000)),
        format!("DELETE FROM t WHERE a = 1 {}", "OR a = 1 ".repeat(50_000)),
        format!(
            "SELECT * FROM {}t{}",
            "(".repeat(20_000),
            ")".repeat(20_000)
        ),
    ];
    assert_eq!(
        read(&cases[0], ReadOptions::default()).unwrap_err(),
        ReadError::TooDeep
    );
    for sql in cases {
        if let Ok(script) = read(&sql, ReadOptions::default()) {
            for statement in &script.statements {
                let _ = resolve(statement, &shop(), &scope());
            }
        }
    }
}

/// What nobody writes, but what must not cost much either.
#[test]
fn tangles_end() {
    let names: Vec<String> = (0..4_000).map(|n| format!("c{n}")).collect();
    let tables: Vec<String> = (0..4_000).map(|n| format!("t{n}")).collect();
    let joins: String = (0..150).fold("t".to_owned(), |inner, n| {
        format!("({inner} CROSS JOIN u x{n}) AS j{n}")
    });
    let cases = [
        format!("SELECT {} FROM {}", names.join(","), tables.join(",")),
        format!("SELECT {} FROM t UNION SELECT 1, 2", names.join(",")),
        format!("SELECT * FROM {joins}"),
        format!(
            "SELECT * FROM t, {}",
            (0..2_000)
                .map(|n| format!("unnest(x{}) x{n}(x{n})", n + 1))
                .collect::<Vec<_>>()
                .join(",")
        ),
        format!(
            "WITH {} SELECT * FROM w999",
            (0..1_000)
                .map(|n| if n == 0 {
                    "w0 AS (SELECT * FROM t)".to_owned()
                } else {
                    format!("w{n} AS (SELECT * FROM w{})", n - 1)
                })
                .collect::<Vec<_>>()
                .join(",")
        ),
    ];
    for sql in cases {
        let script = read(&sql, ReadOptions::default()).unwrap();
        let resolved = resolve(&script.statements[0], &shop(), &scope());
        assert!(!resolved.outputs.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = read(&text, ReadOptions::default());
    }

    #[test]
    fn any_words_are_read_or_refused(
        words in proptest::collection::vec(
            prop_oneof![
                Just("SELECT"), Just("FROM"), Just("t"), Just("a"), Just("*"), Just(","), Just("("), Just(")"),
                Just("WITH"), Just("AS"), Just("DELETE"), Just("WHERE"), Just("="), Just("1"), Just("'x'"), Just("JOIN"),
                Just("ON"), Just("UNION"), Just("ORDER BY"), Just("INSERT INTO"), Just("VALUES"), Just("RETURNING"),
                Just("UPDATE"), Just("SET"), Just(";"), Just("."), Just("u"), Just("LATERAL"), Just("EXISTS"), Just("f"),
            ],
            0..30,
        )
    ) {
        if let Ok(script) = read(&words.join(" "), ReadOptions::default()) {
            for statement in &script.statements {
                prop_assert!(!resolve(statement, &shop(), &scope()).accesses.is_empty());
            }
        }
    }
}
