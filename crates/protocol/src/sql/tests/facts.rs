//! What policies may ask about a statement, what is said of names that are not found, and what is refused.

use std::collections::BTreeSet;

use sluice_model::{Fact, GENERAL_ACTIONS};

use super::{one, resolved, shop};
use crate::sql::{ACTIONS, FACTS, NameScope, ReadError, ReadOptions, read, resolve};

#[test]
fn whether_every_row_is_taken() {
    let cases = [
        ("SELECT 1", true),
        ("DELETE FROM t", false),
        ("DELETE FROM t WHERE a = 1", true),
        ("DELETE FROM t WHERE true", false),
        ("DELETE FROM t WHERE 1 = 1", false),
        ("DELETE FROM t WHERE 'x' LIKE '%'", false),
        ("DELETE FROM t WHERE a = 1 OR true", false),
        ("DELETE FROM t WHERE a = 1 AND true", true),
        ("DELETE FROM t WHERE NOT false", false),
        ("DELETE FROM t WHERE $1", false),
        ("DELETE FROM t WHERE CURRENT OF c", true),
        ("DELETE FROM t WHERE EXISTS (SELECT 1)", false),
        (
            "DELETE FROM t WHERE EXISTS (SELECT FROM u WHERE u.a = t.a)",
            true,
        ),
        (
            "DELETE FROM t WHERE EXISTS (SELECT FROM u WHERE u.a = u.c)",
            false,
        ),
        ("UPDATE t SET a = 1", false),
        ("UPDATE t SET a = 1 WHERE b = 1", true),
        ("WITH x AS (DELETE FROM t) SELECT 1", false),
        ("EXPLAIN ANALYZE UPDATE t SET a = 1", false),
        ("TRUNCATE t", false),
    ];
    for (sql, expected) in cases {
        assert_eq!(one(sql).has_where, expected, "{sql}");
        let facts = resolved(sql).facts;
        assert_eq!(
            facts.values.get("has_where"),
            Some(&Fact::Bool(expected)),
            "{sql}"
        );
    }
}

#[test]
fn facts_are_those_of_the_table() {
    for sql in [
        "SELECT 1",
        "SET a.b = 1",
        "DROP TABLE t",
        "EXPLAIN SELECT 1",
    ] {
        let facts = resolved(sql).facts;
        assert_eq!(facts.namespace, "sql");
        for spec in FACTS.iter().filter(|spec| spec.required) {
            assert!(facts.values.contains_key(spec.name), "{sql}: {}", spec.name);
        }
        for name in facts.values.keys() {
            assert!(FACTS.iter().any(|spec| spec.name == name), "{sql}: {name}");
        }
    }
    let facts = resolved("SET app.x = 1").facts;
    assert_eq!(
        facts.values.get("set_parameters"),
        Some(&Fact::Texts(["app.x".to_owned()].into()))
    );
    let facts = resolved("SELECT * FROM t, archive.orders").facts;
    assert_eq!(
        facts.values.get("tables"),
        Some(&Fact::Texts(
            ["public.t".to_owned(), "archive.orders".to_owned()].into()
        ))
    );
}

#[test]
fn actions_are_well_formed() {
    let mut names = BTreeSet::new();
    for action in ACTIONS {
        assert!(names.insert(action.name), "{} is listed twice", action.name);
        assert!(action.name.starts_with("sql:"));
        assert!(!action.groups.is_empty() && !action.resources.is_empty());
        for group in action.groups {
            assert!(GENERAL_ACTIONS.iter().any(|general| general.name == *group));
        }
    }
}

/// Every access has an action of the table and a resource of a kind that the action is for.
#[test]
fn accesses_are_of_the_table() {
    for sql in super::limits::EVERY_KIND {
        for access in resolved(sql).accesses {
            let spec = ACTIONS
                .iter()
                .find(|action| action.name == access.action.as_str())
                .unwrap_or_else(|| panic!("{sql}: {} is not in the table", access.action));
            assert!(
                spec.resources.contains(&access.resource.kind()),
                "{sql}: {} on {}",
                access.action,
                access.resource
            );
        }
    }
}

#[test]
fn what_is_not_found_is_said() {
    assert!(resolved("SELECT * FROM nowhere").unresolved);
    assert!(resolved("SELECT nothing(1)").unresolved);
    assert!(!resolved("SELECT upper(name) FROM customers").unresolved);
    assert!(!resolved("CREATE TABLE fresh (a int)").unresolved);
    // The first listed schema that has it.
    let scope = NameScope {
        database: "shop".to_owned(),
        search_path: vec!["archive".to_owned(), "public".to_owned()],
    };
    let found = resolve(&one("SELECT * FROM orders"), &shop(), &scope);
    assert_eq!(
        found
            .accesses
            .first()
            .map(|a| a.resource.to_string())
            .as_deref(),
        Some("table archive.orders")
    );
}

#[test]
fn what_the_grammar_refuses_is_refused() {
    for sql in [
        "SELEC 1",
        "SELECT 'abc",
        "DROP TABLE",
        "SELECT 1 /* open",
        "\u{0}",
        "SELECT \"\"",
    ] {
        let refused = read(sql, ReadOptions::default()).unwrap_err();
        assert!(
            matches!(refused, ReadError::Syntax { .. } | ReadError::Nul),
            "{sql}: {refused:?}"
        );
    }
    let ReadError::Syntax { message, near } =
        read("SELECT 1 FROM FROM 'secret'", ReadOptions::default()).unwrap_err()
    else {
        panic!("not a syntax error");
    };
    assert_eq!(
        (message.as_str(), near.as_deref()),
        ("syntax error", Some("FROM"))
    );
    let ReadError::Syntax { message, .. } =
        read("SELECT 1 'secret' 'secret'", ReadOptions::default()).unwrap_err()
    else {
        panic!("not a syntax error");
    };
    assert!(!message.contains("secret"));
    assert!(
        read(" ; ; -- nothing", ReadOptions::default())
            .unwrap()
            .statements
            .is_empty()
    );
}
