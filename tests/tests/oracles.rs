//! Values that may not be seen stay unseen: predicates, errors, copies and masks written back give nothing away.

use sluice_tests::wire::{Wire, sqlstates};
use sluice_tests::{Settings, Stage};

fn stage_with(settings: Settings) -> Stage {
    Stage::start(settings).unwrap()
}

fn stage() -> Stage {
    stage_with(Settings::default())
}

#[test]
fn an_unrevealed_column_is_no_oracle() {
    let stage = stage();
    let ssn = stage
        .shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    for sql in [
        format!("SELECT id FROM customers WHERE ssn = '{ssn}'"),
        "SELECT id FROM customers WHERE ssn LIKE '1%'".to_owned(),
        "SELECT id FROM customers ORDER BY ssn".to_owned(),
        "SELECT count(*) FROM customers GROUP BY ssn".to_owned(),
        "SELECT count(*) FROM customers GROUP BY city HAVING max(ssn) > '5'".to_owned(),
        "SELECT a.id FROM customers a JOIN customers b ON a.ssn = b.ssn".to_owned(),
        "SELECT a.id FROM customers a JOIN customers b USING (ssn)".to_owned(),
        "SELECT id, row_number() OVER (ORDER BY ssn) FROM customers".to_owned(),
        "SELECT CASE WHEN ssn > '5' THEN 1 ELSE 0 END FROM customers".to_owned(),
    ] {
        let outcome = stage.gateway.psql(&stage.token, &[&sql]).unwrap();
        let said = String::from_utf8_lossy(&outcome.stderr);
        let shown = String::from_utf8_lossy(&outcome.stdout);
        let constant = shown
            .lines()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
            <= 1;
        assert!(
            said.contains("42501") || (outcome.status.success() && constant),
            "{sql}: {shown}{said}"
        );
    }
}

#[test]
fn errors_and_notices_of_the_target_carry_no_data() {
    let stage = stage();
    let ssn = stage
        .shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    let email = stage
        .shop
        .superuser_sql("SELECT email FROM customers WHERE id = 7")
        .unwrap();
    for sql in [
        "SELECT CAST(ssn AS integer) FROM customers WHERE id = 7",
        "SELECT ssn::date FROM customers WHERE id = 7",
        "SELECT (ssn || 'x')::inet FROM customers WHERE id = 7",
        "SELECT email::integer FROM customers WHERE id = 7",
    ] {
        let said = stage.gateway.refusal(&stage.token, sql).unwrap();
        assert!(
            !said.contains(&ssn) && !said.contains(&email),
            "{sql}: {said}"
        );
    }
}

#[test]
fn an_unrevealed_column_is_not_copied_elsewhere() {
    let stage = stage_with(Settings::default().policies(
        "@id(\"most\") permit (principal, action, resource) unless { action in [Action::\"reveal\", Action::\"search\"] };",
    ));
    for sql in [
        "INSERT INTO products SELECT 901, ssn, 1, 1 FROM customers WHERE id = 7",
        "UPDATE customers SET name = ssn",
        "CREATE TEMP TABLE t AS SELECT ssn FROM customers",
        "SELECT ssn AS other INTO TEMP t FROM customers",
        "CREATE TEMP VIEW v AS SELECT ssn AS other FROM customers",
        "SELECT set_config('application_name', ssn, false) FROM customers WHERE id = 7",
        "SELECT pg_notify('c', ssn) FROM customers WHERE id = 7",
    ] {
        let said = stage.gateway.refusal(&stage.token, sql).unwrap();
        assert!(said.contains("42501"), "{sql}: {said}");
        assert!(!stage.tap.saw(sql), "{sql} reached the target");
    }
}

#[test]
fn questions_about_what_a_value_names_are_questions_about_the_value() {
    let stage = stage();
    // Each is true, false, NULL or an error by what the column holds, whatever becomes of the answer.
    for question in [
        "has_table_privilege(ssn, 'select')",
        "has_table_privilege('shop_app', ssn, 'select')",
        "has_schema_privilege(ssn, 'usage')",
        "has_database_privilege(ssn, 'connect')",
        "has_column_privilege('customers', ssn, 'select')",
        "has_function_privilege(ssn, 'execute')",
        "pg_has_role(ssn, 'usage')",
        "current_setting(ssn)",
        "current_setting(ssn, true)",
        "to_regclass(ssn)",
        "to_regrole(ssn)",
        "to_regtype(ssn)",
        "ssn::regclass",
        "ssn::regrole",
        "jsonb_path_exists('{}', ssn::jsonpath)",
    ] {
        for sql in [
            format!("SELECT {question} FROM customers WHERE id = 7"),
            format!("SELECT id FROM customers WHERE ({question}) IS NOT NULL"),
        ] {
            let said = stage.gateway.refusal(&stage.token, &sql).unwrap();
            assert!(said.contains("42501"), "{sql}: {said}");
            assert!(!stage.tap.saw(&sql), "{sql} reached the target");
        }
    }
}

#[test]
fn a_masked_value_is_not_written_back() {
    let stage = stage_with(Settings::default().policies(
        "@id(\"most\") permit (principal, action, resource) unless { action in [Action::\"reveal\", Action::\"search\"] };",
    ));
    let row = "SELECT ssn || ' ' || card FROM customers WHERE id = 7";
    let clear = stage.shop.superuser_sql(row).unwrap();
    let seen = |column: &str| {
        let sql = format!("SELECT {column} FROM customers WHERE id = 7");
        stage.gateway.answer(&stage.token, &sql).unwrap()
    };
    for column in ["ssn", "card", "email", "phone"] {
        let masked = seen(column);
        for sql in [
            format!("UPDATE customers SET {column} = '{masked}' WHERE id = 7"),
            format!(
                "INSERT INTO customers (id, name, email, phone, ssn, card, city, created_at) \
                 VALUES (901, '{masked}', '{masked}', '{masked}', '{masked}', '{masked}', 'x', now())"
            ),
        ] {
            let said = stage.gateway.refusal(&stage.token, &sql).unwrap();
            assert!(
                said.contains("42501") && said.contains("masked"),
                "{sql}: {said}"
            );
            assert!(!stage.tap.saw(&sql), "{sql} reached the target");
        }
        // Bound instead of written, alone and deep in a long value.
        let update = format!("UPDATE customers SET {column} = $1 WHERE id = 7");
        let long = format!(
            "{{\"note\": \"{}\", \"was\": \"{masked} [redacted]\"}}",
            "x".repeat(4_000)
        );
        for value in [masked.as_str(), &long] {
            assert_eq!(run_with(&stage, &update, value), ["42501"], "{column}");
        }
    }
    assert_eq!(stage.shop.superuser_sql(row).unwrap(), clear);
    // A value of its own can be written.
    let fresh = "UPDATE customers SET ssn = '123-45-6789' WHERE id = 7";
    assert_eq!(
        stage.gateway.psql(&stage.token, &[fresh]).unwrap().stdout,
        b"UPDATE 1\n"
    );
    for (column, value) in [
        ("ssn", "123-45-6781"),
        ("card", "4539578763621486"),
        ("email", "grace.hopper@example.com"),
        ("phone", "+1 415 555 2671"),
    ] {
        let update = format!("UPDATE customers SET {column} = $1 WHERE id = 7");
        assert!(run_with(&stage, &update, value).is_empty(), "{column}");
        let now = format!("SELECT {column} FROM customers WHERE id = 7");
        assert_eq!(stage.shop.superuser_sql(&now).unwrap(), value);
    }
}

/// Runs a statement with one bound value, and gives the SQLSTATEs of what went wrong.
fn run_with(stage: &Stage, sql: &str, value: &str) -> Vec<String> {
    let mut wire = Wire::login(stage.gateway.port, &stage.token).unwrap();
    sqlstates(&wire.run_bound(sql, value).unwrap())
}
