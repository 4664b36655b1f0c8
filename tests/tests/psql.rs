//! psql, as a person uses it: masked answers in every shape, exact refusals, holds in a real terminal.

use sluice_tests::terminal::{CTRL_C, Terminal};
use sluice_tests::{Gateway, Postgres, Settings};

fn stage() -> (Postgres, Gateway, String) {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default()).unwrap();
    let token = gateway.token("user:ada").unwrap();
    (shop, gateway, token)
}

#[test]
fn no_shape_of_a_statement_brings_out_an_unrevealed_value() {
    let (shop, gateway, token) = stage();
    let ssn = shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    let digits: String = ssn.chars().filter(char::is_ascii_digit).collect();
    for sql in [
        "SELECT ssn FROM customers WHERE id = 7",
        "SELECT ssn AS harmless FROM customers WHERE id = 7",
        "SELECT * FROM customers WHERE id = 7",
        "SELECT upper(ssn) FROM customers WHERE id = 7",
        "SELECT ssn || '' FROM customers WHERE id = 7",
        "SELECT substring(ssn, 1, 11) FROM customers WHERE id = 7",
        "SELECT reverse(reverse(ssn)) FROM customers WHERE id = 7",
        "SELECT replace(ssn, '-', '') FROM customers WHERE id = 7",
        "SELECT row_to_json(c) FROM customers c WHERE id = 7",
        "SELECT to_jsonb(c) FROM customers c WHERE id = 7",
        "SELECT c FROM customers c WHERE id = 7",
        "SELECT c::text FROM customers c WHERE id = 7",
        "SELECT array_agg(ssn) FROM customers WHERE id = 7",
        "SELECT string_agg(ssn, ',') FROM customers WHERE id = 7",
        "SELECT json_build_object('x', ssn) FROM customers WHERE id = 7",
        "SELECT s FROM (SELECT ssn AS s FROM customers WHERE id = 7) AS t",
        "WITH t AS (SELECT ssn AS s FROM customers WHERE id = 7) SELECT s || '' FROM t",
        "SELECT ssn FROM customers WHERE id = 7 UNION ALL SELECT 'x'",
        "SELECT 'x' AS ssn_of UNION ALL SELECT ssn FROM customers WHERE id = 7",
        "SELECT max(ssn) FROM customers WHERE id = 7",
        "SELECT (SELECT ssn FROM customers WHERE id = 7)",
        "SELECT CASE WHEN true THEN ssn END FROM customers WHERE id = 7",
        "SELECT coalesce(ssn, '') FROM customers WHERE id = 7",
        "SELECT encode(ssn::bytea, 'hex') FROM customers WHERE id = 7",
        "SELECT ssn::varchar(20) FROM customers WHERE id = 7",
        "SELECT t.x FROM customers c, LATERAL (SELECT c.ssn AS x) AS t WHERE c.id = 7",
        "VALUES ((SELECT ssn FROM customers WHERE id = 7))",
        "COPY (SELECT ssn FROM customers WHERE id = 7) TO STDOUT",
        "COPY customers TO STDOUT",
        "COPY (SELECT ssn FROM customers WHERE id = 7) TO STDOUT (FORMAT csv, HEADER)",
        "COPY (SELECT ssn FROM customers WHERE id = 7) TO STDOUT (FORMAT binary)",
        "BEGIN; DECLARE w CURSOR FOR SELECT ssn FROM customers WHERE id = 7; FETCH ALL FROM w; COMMIT",
        "PREPARE p AS SELECT ssn FROM customers WHERE id = 7; EXECUTE p",
        "EXPLAIN ANALYZE SELECT ssn FROM customers WHERE id = 7",
        "SELECT CAST(ssn AS integer) FROM customers WHERE id = 7",
        "SELECT query_to_xml('SELECT ssn FROM customers WHERE id = 7', true, true, '')",
        "SELECT table_to_xml('customers', true, true, '')",
    ] {
        let output = gateway.psql(&token, &[sql]).unwrap();
        let shown = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let hex: String = ssn.bytes().map(|byte| format!("{byte:02x}")).collect();
        for secret in [&ssn, &digits, &hex] {
            assert!(
                !shown.contains(secret.as_str()),
                "{sql} shows {secret}:\n{shown}"
            );
        }
    }
    // What holds nothing sensitive stays as it is.
    assert_eq!(
        gateway
            .answer(&token, "SELECT count(*), min(id) FROM customers")
            .unwrap(),
        "300|1"
    );
    assert_eq!(
        gateway
            .answer(&token, "SELECT name FROM products WHERE id = 3")
            .unwrap(),
        "Chair C"
    );
}

#[test]
fn whoever_may_see_a_class_sees_it_and_no_other() {
    let (shop, gateway, _) = stage();
    let farid = gateway.token("user:farid").unwrap();
    let clear = shop
        .superuser_sql("SELECT card FROM customers WHERE id = 7")
        .unwrap();
    assert_eq!(
        gateway
            .answer(&farid, "SELECT card FROM customers WHERE id = 7")
            .unwrap(),
        clear
    );
    let ssn = gateway
        .answer(&farid, "SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    assert!(ssn.contains('*'), "{ssn}");
}

#[test]
fn a_refusal_names_the_policy_and_its_message() {
    let (shop, gateway, token) = stage();
    let said = gateway.refusal(&token, "DROP DATABASE shop").unwrap();
    for part in [
        "42501",
        "no-drop-database",
        "DROP DATABASE never runs through the gateway",
    ] {
        assert!(said.contains(part), "expected {part} in: {said}");
    }
    let said = gateway.refusal(&token, "DROP TABLE customers").unwrap();
    assert!(
        said.contains("42501") && said.contains("no policy permits"),
        "{said}"
    );
    let log = shop.log().unwrap();
    assert!(
        !log.contains("DROP DATABASE") && !log.contains("DROP TABLE"),
        "a refused statement reached the target"
    );
}

#[test]
fn several_statements_in_one_query_are_decided_before_any_runs() {
    let (shop, gateway, token) = stage();
    let said = gateway
        .refusal(&token, "SELECT 1 AS before; DROP TABLE products; SELECT 2")
        .unwrap();
    assert!(said.contains("42501"), "{said}");
    assert!(
        !shop.log().unwrap().contains("AS before"),
        "a part of a refused query reached the target"
    );
    let output = gateway.psql(&token, &["SELECT 1; SELECT 2"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n2\n");
}

#[test]
fn a_refusal_inside_a_transaction_aborts_it() {
    let (_shop, gateway, token) = stage();
    let output = gateway
        .psql(
            &token,
            &[
                "BEGIN",
                "DROP TABLE products",
                "SELECT 1",
                "ROLLBACK",
                "SELECT 'alive'",
            ],
        )
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("42501") && said.contains("25P02"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("alive"));
}

#[test]
fn the_usual_commands_of_psql_work() {
    let (_shop, gateway, token) = stage();
    for (command, expected) in [
        ("\\dt", "customers"),
        ("\\d customers", "ssn"),
        ("\\dv", "revenue_by_month"),
        ("\\df", "order_total"),
        ("\\l", "shop"),
        ("\\conninfo", "shop"),
        ("\\dn", "public"),
        ("SHOW server_version", "."),
        ("SET application_name = 'x'", "SET"),
        ("EXPLAIN SELECT * FROM orders", "Seq Scan"),
    ] {
        let output = gateway.psql(&token, &[command]).unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && shown.contains(expected),
            "{command}: {shown}{said}"
        );
    }
}

#[test]
fn utf8_may_be_spelled_as_the_client_likes_and_nothing_else_may_be_set() {
    let (_shop, gateway, token) = stage();
    for spelling in ["UTF8", "UNICODE", "utf-8"] {
        let set = format!("SET client_encoding TO '{spelling}'");
        let output = gateway.psql(&token, &[&set, "SELECT 'alive'"]).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "SET\nalive\n",
            "{spelling}: {said}"
        );
    }
    let said = gateway
        .refusal(&token, "SET client_encoding TO 'LATIN1'")
        .unwrap();
    assert!(said.contains("0A000"), "{said}");
}

fn terminal(gateway: &Gateway, token: &str) -> Terminal {
    let line = format!("psql -X '{}'", gateway.address("shop", "app"));
    let mut terminal = Terminal::start(&line, &[("PGPASSWORD", token)]).unwrap();
    terminal.expect("shop=>").unwrap();
    terminal
}

#[test]
fn a_held_statement_is_told_in_the_terminal_and_runs_once_approved() {
    let (_shop, gateway, token) = stage();
    let dana = gateway.token("user:dana").unwrap();
    let mut terminal = terminal(&gateway, &token);
    terminal
        .send("DELETE FROM payments WHERE order_id = 1;\n")
        .unwrap();
    let notice = terminal.expect("NOTICE").unwrap() + &terminal.expect("\n").unwrap();
    let id = gateway.pending_approval().unwrap();
    assert!(
        notice.contains(&id),
        "the notice names the request: {notice}"
    );
    sluice_tests::process::checked(&mut gateway.sluice_as(&dana, &["approve", &id])).unwrap();
    terminal.expect("DELETE 1").unwrap();
    terminal.send("\\q\n").unwrap();
    assert!(terminal.finish().unwrap());
}

#[test]
fn ctrl_c_ends_a_wait_and_the_session_goes_on() {
    let (shop, gateway, token) = stage();
    let mut terminal = terminal(&gateway, &token);
    terminal
        .send("DELETE FROM payments WHERE order_id = 1;\n")
        .unwrap();
    terminal.expect("NOTICE").unwrap();
    gateway.pending_approval().unwrap();
    terminal.send(CTRL_C).unwrap();
    terminal.expect("ERROR").unwrap();
    terminal.expect("shop=>").unwrap();
    terminal.send("SELECT 'still ' || 'here';\n").unwrap();
    terminal.expect("still here").unwrap();
    let pending = gateway.admin_json(&["approvals"]).unwrap();
    assert!(!pending.to_string().contains("\"pending\""), "{pending}");
    assert_eq!(
        shop.superuser_sql("SELECT count(*) FROM payments WHERE order_id = 1")
            .unwrap(),
        "1"
    );
}

#[test]
fn ctrl_c_ends_a_running_statement() {
    let (_shop, gateway, token) = stage();
    let mut terminal = terminal(&gateway, &token);
    terminal
        .send("SELECT count(*) FROM customers a, customers b, customers c, customers d;\n")
        .unwrap();
    // Running once the target says so.
    sluice_tests::process::wait_for("the statement at the target", || {
        let active = _shop.superuser_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%customers d%' AND pid <> pg_backend_pid()",
        )?;
        Ok((active != "0").then_some(()))
    })
    .unwrap();
    terminal.send(CTRL_C).unwrap();
    terminal.expect("canceling statement").unwrap();
    terminal.expect("shop=>").unwrap();
}
