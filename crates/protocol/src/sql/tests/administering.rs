//! What definitions, administration and the housekeeping of a session need.

use super::accesses::check;

#[test]
fn defining_and_administering() {
    check(&[
        (
            "CREATE TABLE x (a int REFERENCES t (a), LIKE u)",
            &[
                "create table app.x",
                "select table public.t",
                "select table public.u",
            ],
        ),
        (
            "CREATE TABLE x PARTITION OF t FOR VALUES IN (1)",
            &["create table app.x", "alter table public.t"],
        ),
        ("ALTER TABLE t ADD COLUMN x int", &["alter table public.t"]),
        (
            "ALTER TABLE t OWNER TO bob",
            &["alter table public.t", "grant table public.t"],
        ),
        (
            "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
            &["alter table public.t", "security table public.t"],
        ),
        ("ALTER TABLE t RENAME TO x", &["alter table public.t"]),
        (
            "ALTER TABLE t SET SCHEMA archive",
            &["alter table public.t", "create schema archive"],
        ),
        (
            "DROP TABLE t, archive.orders CASCADE",
            &["drop table public.t", "drop table archive.orders"],
        ),
        ("DROP FUNCTION pay(int)", &["drop routine public.pay"]),
        ("DROP SCHEMA archive", &["drop schema archive"]),
        ("DROP INDEX i", &["drop schema app"]),
        ("DROP TRIGGER g ON t", &["drop table public.t"]),
        ("DROP DATABASE shop", &["drop_database database shop"]),
        ("DROP DATABASE other", &["drop_database database other"]),
        ("CREATE DATABASE other", &["create_database database other"]),
        (
            "ALTER DATABASE other SET work_mem = 1",
            &["alter_database database other"],
        ),
        (
            "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION pay()",
            &[
                "create_routine table public.t",
                "function routine public.pay",
            ],
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            &["create_routine schema app"],
        ),
        ("CREATE EXTENSION dblink", &["extension DB"]),
        ("DROP EXTENSION dblink", &["extension DB"]),
        ("GRANT SELECT ON t TO bob", &["grant table public.t"]),
        (
            "GRANT ALL ON ALL TABLES IN SCHEMA archive TO bob",
            &["grant schema archive"],
        ),
        (
            "REVOKE ALL ON SCHEMA archive FROM bob",
            &["grant schema archive"],
        ),
        ("GRANT admin TO bob", &["role DB"]),
        ("CREATE ROLE bob SUPERUSER", &["role DB"]),
        ("ALTER ROLE bob SET search_path = x", &["role DB"]),
        ("ALTER SYSTEM SET fsync = off", &["alter_system DB"]),
        ("VACUUM FULL t", &["vacuum table public.t"]),
        ("ANALYZE", &["analyze DB"]),
        ("REINDEX TABLE t", &["reindex table public.t"]),
        ("CHECKPOINT", &["checkpoint DB"]),
        (
            "CREATE SUBSCRIPTION s CONNECTION 'host=evil' PUBLICATION p",
            &["replication DB"],
        ),
        (
            "CREATE PUBLICATION p FOR TABLE t",
            &["replication DB", "copy_out table public.t"],
        ),
        (
            "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO archive",
            &["foreign schema archive", "create schema archive"],
        ),
        ("CREATE SERVER y FOREIGN DATA WRAPPER z", &["foreign DB"]),
        (
            "SECURITY LABEL ON TABLE t IS 'x'",
            &["security table public.t"],
        ),
        ("COMMENT ON COLUMN t.a IS 'x'", &["comment table public.t"]),
        ("DROP OWNED BY bob", &["role DB", "drop DB"]),
        ("REFRESH MATERIALIZED VIEW t", &["refresh table public.t"]),
        ("PREPARE TRANSACTION 'x'", &["two_phase DB"]),
    ]);
}

#[test]
fn session_housekeeping() {
    check(&[
        ("BEGIN", &["transaction DB"]),
        ("SAVEPOINT a", &["transaction DB"]),
        (
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            &["transaction DB"],
        ),
        ("SET work_mem = '1GB'", &["set DB"]),
        ("SET search_path = app, public", &["set DB"]),
        ("SET enable_seqscan = off", &["set DB"]),
        ("SET client_encoding = 'UTF8'", &["set DB"]),
        ("SET NAMES 'SJIS'", &["set_protected DB"]),
        ("SET standard_conforming_strings = on", &["set DB"]),
        (
            "SET standard_conforming_strings = off",
            &["set_protected DB"],
        ),
        ("SET ROLE postgres", &["set_protected DB"]),
        ("RESET ROLE", &["set_protected DB"]),
        ("SET SESSION AUTHORIZATION postgres", &["set_protected DB"]),
        (
            "SET session_replication_role = replica",
            &["set_protected DB"],
        ),
        ("SET log_statement = none", &["set_protected DB"]),
        ("SET app.tenant = 5", &["set_protected DB"]),
        ("RESET ALL", &["set DB"]),
        ("DISCARD ALL", &["set DB"]),
        ("SHOW work_mem", &["show DB"]),
        ("PREPARE q AS DELETE FROM t", &["prepare DB"]),
        ("EXECUTE q(1)", &["prepare DB"]),
        ("DEALLOCATE ALL", &["prepare DB"]),
        ("FETCH 5 FROM c", &["cursor DB"]),
        ("CLOSE c", &["cursor DB"]),
        ("LISTEN x", &["listen DB"]),
        ("NOTIFY x, 'y'", &["notify DB"]),
    ]);
}
