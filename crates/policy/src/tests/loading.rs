//! Loading: every problem has its place, and nothing loads that has one.

use super::world::*;
use crate::{Snapshot, actions};

#[test]
fn problems_name_their_place_and_what_was_meant() {
    for (policies, line, column, words) in [
        (
            "permit (principal, action, resource)",
            1,
            37,
            "ends with `;`",
        ),
        ("\npermit (principal, action resource);", 2, 0, "unexpected"),
        (
            "// x\n\nforbid (principal, action == Action::\"sql:selec\", resource);",
            3,
            0,
            "sql:select",
        ),
        (
            "permit (principal in Grup::\"a\", action, resource);",
            1,
            0,
            "Group",
        ),
        (
            "@id(\"p\")\npermit (principal, action == Action::\"sql:select\", resource)\nwhen { context.sql.has_were };",
            3,
            8,
            "has_where",
        ),
        (
            "permit (principal, action, resource) when { context.clock.hour == \"x\" };",
            1,
            0,
            "type",
        ),
        (
            "permit (principal, action, resource) when { context.sql.has_where };",
            1,
            0,
            "sql",
        ),
        (
            "permit (principal, action == Action::\"sql:select\", resource) when { context.sql.estimated_rows > 5 };",
            1,
            0,
            "optional",
        ),
        (
            "permit (principal, action == Action::\"connect\", resource in DataClass::\"ssn\");",
            1,
            0,
            "what each of them can be done to",
        ),
        (
            "permit (principal == ?principal, action, resource);",
            1,
            0,
            "template",
        ),
        (
            "@id(\"\") permit (principal, action, resource);",
            1,
            1,
            "@id",
        ),
        (
            "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") permit (principal, action, resource);",
            2,
            1,
            "same id",
        ),
        (
            "permit (principal, action, resource) when { \"abc };",
            1,
            0,
            "",
        ),
    ] {
        let problems = try_build(policies).map(|_| ()).unwrap_err();
        let problem = problems.first().unwrap();
        assert_eq!(
            (problem.file.as_str(), problem.line),
            ("test.cedar", line),
            "{policies}\n{problem:?}"
        );
        assert!(
            column == 0 || problem.column == column,
            "{policies}\n{problem:?}"
        );
        let said = problem.to_string();
        assert!(said.contains(words), "{policies}\n{said}");
        assert_eq!(problems.len(), 1, "{problems:#?}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let mut input =
        input("permit (principal, action, resorce);\nforbid (principl, action, resource);");
    input.connections[0].time_zone = Some("Europe/Atlantis".into());
    input.connections[1].protocol = "telnet".into();
    input.connections[2].name = "shop".into();
    input.data_classes[0].detectors.push("us_sns".into());
    input.data_classes[1]
        .columns
        .push(sluice_model::ColumnPattern::Glob("a..b".into()));
    input.data_classes[2].name = "ssn".into();
    let problems: Vec<String> = Snapshot::build(1, input, standing())
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    for words in [
        "test.cedar:1:",
        "test.cedar:2:",
        "Atlantis",
        "telnet",
        "two connections",
        "us_sns",
        "empty part",
        "two with this name",
    ] {
        assert!(
            problems.iter().any(|p| p.contains(words)),
            "{words}: {problems:#?}"
        );
    }
}

#[test]
fn a_connection_in_a_scope_speaks_of_everything_in_it() {
    let snapshot = build(r#"@id("p") permit (principal, action, resource == Connection::"shop");"#);
    for (connection, accesses, expected) in [
        ("shop", "connect connection", "allow p"),
        ("shop", "sql:select public.orders", "allow p"),
        (
            "play",
            "connect connection",
            "deny -: no policy permits connect on connection",
        ),
        (
            "play",
            "sql:select public.orders",
            "deny -: no policy permits sql:select on table public.orders",
        ),
    ] {
        assert_eq!(
            decide(&snapshot, "user:ada", connection, accesses),
            expected
        );
    }
}

#[test]
fn the_listing_holds_every_action_once() {
    let listing = actions(PROTOCOLS);
    let names: Vec<&str> = listing.iter().map(|a| a.name).collect();
    assert!(names.starts_with(&["connect", "read", "write"]));
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
    let truncate = listing.iter().find(|a| a.name == "sql:truncate").unwrap();
    assert_eq!(
        (truncate.groups.as_slice(), truncate.resources.as_slice()),
        (&["delete", "administer"][..], &["Table"][..])
    );
}
