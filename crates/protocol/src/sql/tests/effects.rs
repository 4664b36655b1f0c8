//! What statements leave behind.

use super::one;
use crate::sql::{Effect, ReadOptions, read};

fn effects(sql: &str) -> String {
    one(sql)
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::Prepare { name, statement } => format!("Prepare {name} {}", statement.kind),
            Effect::Declare {
                cursor,
                statement,
                hold,
                binary,
            } => {
                format!("Declare {cursor} {} {hold} {binary}", statement.kind)
            }
            other => format!("{other:?}"),
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn effects_are_told() {
    let cases = [
        ("BEGIN", "Begin(Unsaid)"),
        ("BEGIN READ ONLY", "Begin(ReadOnly)"),
        ("START TRANSACTION READ WRITE", "Begin(ReadWrite)"),
        ("BEGIN READ ONLY, READ WRITE", "Begin(ReadWrite)"),
        ("END", "Commit { chain: false }"),
        ("ROLLBACK AND CHAIN", "Rollback { chain: true }"),
        ("ROLLBACK TO s", "RollbackTo(\"s\")"),
        (
            "SET TRANSACTION READ WRITE",
            "TransactionMode { mode: ReadWrite, session: false }",
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "TransactionMode { mode: ReadWrite, session: true }",
        ),
        (
            "SET search_path = app, \"My\"",
            "Set { name: Some(\"search_path\"), value: Some(\"app, My\"), list: [\"app\", \"My\"], local: false }",
        ),
        (
            "SET LOCAL work_mem = 64",
            "Set { name: Some(\"work_mem\"), value: Some(\"64\"), list: [\"64\"], local: true }",
        ),
        (
            "SET x.y TO DEFAULT",
            "Set { name: Some(\"x.y\"), value: None, list: [], local: false }",
        ),
        (
            "SELECT set_config('search_path', 'a, b', false)",
            "Set { name: Some(\"search_path\"), value: Some(\"a, b\"), list: [\"a\", \"b\"], local: false }",
        ),
        (
            "SELECT set_config('search_path', $1, false)",
            "Set { name: None, value: None, list: [], local: false }",
        ),
        (
            "SELECT pg_catalog.set_config('jit', $1, false)",
            "Set { name: Some(\"jit\"), value: None, list: [], local: false }",
        ),
        (
            "SELECT set_config('Application_Name', $1, true)",
            "Set { name: Some(\"application_name\"), value: None, list: [], local: true }",
        ),
        (
            "SELECT set_config('client_encoding', $1, false)",
            "Set { name: None, value: None, list: [], local: false }",
        ),
        (
            "SELECT set_config('role', $1, false)",
            "Set { name: None, value: None, list: [], local: false }",
        ),
        (
            "SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = 'a.b'",
            "Set { name: Some(\"a.b\"), value: Some(\"view\"), list: [\"view\"], local: false }",
        ),
        (
            "SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = 'a.b' OR true",
            "Set { name: None, value: None, list: [], local: false }",
        ),
        (
            "SELECT set_config(name, 'view', false) FROM other WHERE name = 'a.b'",
            "Set { name: None, value: None, list: [], local: false }",
        ),
        (
            "SELECT set_config(other, 'view', false) FROM pg_settings WHERE name = 'a.b'",
            "Set { name: None, value: None, list: [], local: false }",
        ),
        ("RESET search_path", "Reset(\"search_path\")"),
        ("DISCARD ALL", "DiscardAll"),
        ("PREPARE q AS DELETE FROM t", "Prepare q DELETE"),
        ("EXECUTE q(1)", "Execute { name: \"q\", copies: false }"),
        (
            "EXPLAIN ANALYZE EXECUTE q",
            "Execute { name: \"q\", copies: false }",
        ),
        ("DEALLOCATE PREPARE q", "Deallocate(Some(\"q\"))"),
        (
            "DECLARE c BINARY CURSOR WITH HOLD FOR SELECT 1",
            "Declare c SELECT true true",
        ),
        ("FETCH ALL c", "Fetch(\"c\")"),
        ("MOVE c", "Move(\"c\")"),
        ("CLOSE ALL", "Close(None)"),
        (
            "CREATE TEMP TABLE x (a int)",
            "TemporaryTable(\"x\"); CatalogChanged",
        ),
        ("SELECT 1", ""),
    ];
    for (sql, expected) in cases {
        assert_eq!(effects(sql), expected, "{sql}");
    }
    let Some(Effect::CopyOut(format)) =
        one("COPY t (a, b) TO STDOUT (FORMAT csv, HEADER, DELIMITER ';', NULL 'x', QUOTE '|')")
            .effects
            .into_iter()
            .next()
    else {
        panic!("no COPY");
    };
    assert_eq!(
        (
            format.format.as_str(),
            format.header,
            format.delimiter.as_deref(),
            format.null.as_deref(),
            format.quote.as_deref(),
            format.columns.len()
        ),
        ("csv", true, Some(";"), Some("x"), Some("|"), 2)
    );
    assert!(
        matches!(one("COPY t FROM STDIN WITH BINARY").effects.as_slice(), [Effect::CopyIn(format)] if format.format == "binary")
    );
}

/// A statement that is kept carries its own effects, and the one that keeps it shows them.
#[test]
fn kept_statements_have_effects() {
    let own = |sql: &str| -> Vec<String> {
        one(sql)
            .deep_effects()
            .map(|effect| match effect {
                Effect::Prepare { .. } => "prepare".to_owned(),
                Effect::Declare { .. } => "declare".to_owned(),
                Effect::Set { name, value, .. } => {
                    format!("{}={}", show(name), show(value))
                }
                other => format!("{other:?}"),
            })
            .collect()
    };
    fn show(text: &Option<String>) -> &str {
        text.as_deref().unwrap_or("?")
    }
    let cases: &[(&str, &[&str])] = &[
        (
            "PREPARE x AS SELECT set_config('search_path', 'evil', false)",
            &["prepare", "search_path=evil"],
        ),
        (
            "PREPARE x AS SELECT set_config($1, $2, false)",
            &["prepare", "?=?"],
        ),
        (
            "PREPARE x AS SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = 'a.b'",
            &["prepare", "a.b=view"],
        ),
        ("PREPARE x AS SELECT 1", &["prepare"]),
        // The query of a cursor runs with it, so its effects are the statement's own too.
        (
            "DECLARE c CURSOR FOR SELECT set_config('search_path', 'evil', false)",
            &["search_path=evil", "declare", "search_path=evil"],
        ),
        (
            "EXPLAIN ANALYZE EXECUTE x",
            &["Execute { name: \"x\", copies: false }"],
        ),
        (
            "EXPLAIN ANALYZE SELECT set_config('search_path', 'evil', false)",
            &["search_path=evil"],
        ),
        ("SELECT 1", &[]),
    ];
    for (sql, expected) in cases {
        assert_eq!(own(sql), *expected, "{sql}");
    }
}

#[test]
fn leaving_read_only_is_seen() {
    let cases = [
        ("BEGIN", false),
        ("BEGIN READ ONLY", false),
        ("BEGIN READ WRITE", true),
        ("SET TRANSACTION READ WRITE", true),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            true,
        ),
        ("SET transaction_read_only = off", true),
        ("SET transaction_read_only = on", false),
        ("SET default_transaction_read_only TO DEFAULT", true),
        ("RESET default_transaction_read_only", true),
        ("RESET ALL", true),
        ("DISCARD ALL", true),
        (
            "SELECT set_config('transaction_read_only', 'off', false)",
            true,
        ),
        ("SELECT set_config($1, $2, false)", true),
        (
            "SELECT set_config('transaction_read_only', $1, false)",
            true,
        ),
        ("SELECT set_config('jit', $1, false)", false),
        ("SET work_mem = 1", false),
        ("SELECT 1", false),
    ];
    for (sql, expected) in cases {
        assert_eq!(one(sql).leaves_read_only(), expected, "{sql}");
    }
}

#[test]
fn statements_know_their_text() {
    let text = " SELECT 1 ;\n/* x */ DELETE FROM t WHERE a = 'ö;' ; BEGIN";
    let script = read(text, ReadOptions::default()).unwrap();
    let texts: Vec<&str> = script.statements.iter().map(|s| s.text(text)).collect();
    assert_eq!(texts, ["SELECT 1", "DELETE FROM t WHERE a = 'ö;'", "BEGIN"]);
    assert!(script.statements.iter().all(|s| s.statement_count == 3));
    assert_eq!(one("SELECT 1").text("SELECT 1"), "SELECT 1");
}

/// The same text with other settings of the session is another statement.
#[test]
fn session_settings_change_the_reading() {
    let text = r"SELECT 'a\'; DELETE FROM t; --'";
    let plain = read(text, ReadOptions::default()).unwrap();
    assert_eq!(plain.statements.len(), 2);
    let escaped = ReadOptions {
        standard_conforming_strings: false,
        ..ReadOptions::default()
    };
    assert_eq!(read(text, escaped).unwrap().statements.len(), 1);
    let no_quote = ReadOptions {
        standard_conforming_strings: false,
        backslash_quote: false,
    };
    assert!(read(text, no_quote).is_err());
}
