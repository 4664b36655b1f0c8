//! Reveal and mask plans: who sees which column in clear, and what happens to the others.

use super::world::*;
use crate::{ColumnPlan, SessionView, Snapshot};
use sluice_model::{Origin, ShapeColumn};
use std::sync::Arc;

fn from(schema: &str, table: &str, column: &str, name: &str) -> ShapeColumn {
    let origin = Origin::Column {
        schema: schema.into(),
        table: table.into(),
        column: column.into(),
    };
    ShapeColumn {
        name: name.into(),
        origin,
    }
}

fn derived(mentions: &[&str], name: &str) -> ShapeColumn {
    let mentions = mentions.iter().map(|m| {
        let mut parts = m.rsplit('.');
        let column = parts.next().unwrap().to_owned();
        let table = parts.next().filter(|p| *p != "?").map(ToOwned::to_owned);
        (
            parts.next().filter(|p| *p != "?").map(ToOwned::to_owned),
            table,
            column,
        )
    });
    ShapeColumn {
        name: name.into(),
        origin: Origin::Derived(mentions.collect()),
    }
}

fn unknown(name: &str) -> ShapeColumn {
    ShapeColumn {
        name: name.into(),
        origin: Origin::Unknown,
    }
}

fn plan(view: &SessionView, column: ShapeColumn) -> String {
    let plan = view.bind_mask(&[column], at(NOON)).unwrap();
    match &plan.columns[0] {
        ColumnPlan::Clear => "clear".into(),
        ColumnPlan::Scan => "scan".into(),
        ColumnPlan::Redact => "redact".into(),
        ColumnPlan::Mask { class, mask } => format!("{class} {mask:?}"),
    }
}

const NOBODY: &str = "permit (principal, action in Action::\"read\", resource);";

#[test]
fn the_first_that_knows_the_origin_decides() {
    let snapshot = build(NOBODY);
    let view = view(&snapshot, "user:ada", "shop");
    for (column, expected) in [
        (from("public", "customers", "ssn", "ssn"), "ssn Text"),
        (from("public", "customers", "ssn", "harmless"), "ssn Text"),
        (
            from("hr", "people", "Social_Security_Number", "x"),
            "ssn Text",
        ),
        (from("public", "orders", "card_number", "c"), "card Redact"),
        (from("public", "customers", "email", "email"), "email Text"),
        (from("public", "suppliers", "email", "email"), "scan"),
        (from("public", "orders", "note", "note"), "scan"),
        (from("public", "orders", "note", "ssn"), "ssn Text"),
        (derived(&[], "now"), "scan"),
        (derived(&["public.orders.note"], "x"), "scan"),
        (
            derived(&["public.orders.note", "public.customers.ssn"], "x"),
            "redact",
        ),
        (derived(&["?.?.ssn"], "x"), "redact"),
        (derived(&["?.customers.*"], "x"), "redact"),
        (derived(&["?.?.total"], "card"), "card Redact"),
        (unknown("x"), "redact"),
        (unknown("ssn"), "ssn Text"),
    ] {
        let shown = format!("{column:?}");
        assert_eq!(plan(&view, column), expected, "{shown}");
    }
}

#[test]
fn without_the_strict_setting_the_unknown_is_scanned() {
    let mut input = input(NOBODY);
    input.connections[0].strict_masking = false;
    let snapshot = Arc::new(Snapshot::build(1, input, standing()).unwrap());
    assert_eq!(
        plan(&view(&snapshot, "user:ada", "shop"), unknown("x")),
        "scan"
    );
}

#[test]
fn without_classes_nothing_is_touched() {
    let mut input = input(NOBODY);
    input.data_classes.clear();
    let snapshot = Arc::new(Snapshot::build(1, input, standing()).unwrap());
    let view = view(&snapshot, "user:ada", "shop");
    assert!(!view.has_classes());
    let plan = view
        .bind_mask(&[unknown("ssn"), from("a", "b", "ssn", "ssn")], at(NOON))
        .unwrap();
    assert!(plan.is_clear() && plan.masked.is_empty());
}

#[test]
fn what_is_revealed_is_revealed_class_by_class() {
    let reveal =
        |scope: &str| format!("permit (principal, action == Action::\"reveal\", resource{scope});");
    let forbidding = format!(
        "{}\nforbid (principal, action == Action::\"reveal\", resource in Table::\"shop/app/hr/people\");",
        reveal("")
    );
    // Who reveals what; then: has_classes, ssn of customers, ssn of hr.people, card, anything unknown.
    for (policies, has_classes, customers, people, card, untold) in [
        (reveal(""), false, "clear", "clear", "clear", "clear"),
        (
            reveal(" in Environment::\"prod\""),
            false,
            "clear",
            "clear",
            "clear",
            "clear",
        ),
        (
            reveal(" in Environment::\"dev\""),
            true,
            "ssn Text",
            "ssn Text",
            "card Redact",
            "redact",
        ),
        (
            reveal(" in DataClass::\"ssn\""),
            true,
            "scan",
            "scan",
            "card Redact",
            "redact",
        ),
        (
            reveal(" == Column::\"shop/app/public/customers/ssn\""),
            true,
            "scan",
            "ssn Text",
            "card Redact",
            "redact",
        ),
        (
            reveal(" in Schema::\"shop/app/hr\""),
            true,
            "ssn Text",
            "scan",
            "card Redact",
            "redact",
        ),
        (forbidding, true, "clear", "ssn Text", "clear", "redact"),
        (
            format!(
                "{} {}",
                reveal(" in DataClass::\"ssn\""),
                reveal(" in DataClass::\"card\"")
            ),
            true,
            "clear",
            "clear",
            "clear",
            "redact",
        ),
    ] {
        let snapshot = build(&policies);
        let view = view(&snapshot, "user:ada", "shop");
        // Twice, so that what is kept is judged as well.
        for _ in 0..2 {
            let found = (
                view.has_classes(),
                plan(&view, from("public", "customers", "ssn", "a")),
                plan(&view, from("hr", "people", "ssn", "a")),
                plan(&view, from("public", "orders", "card", "a")),
                plan(&view, unknown("a")),
            );
            let expected = (
                has_classes,
                customers.into(),
                people.into(),
                card.into(),
                untold.into(),
            );
            assert_eq!(found, expected, "{policies}");
        }
    }
}

#[test]
fn a_column_of_two_classes_is_shown_only_to_who_may_see_both() {
    let mut input =
        input(r#"permit (principal, action == Action::"reveal", resource in DataClass::"card");"#);
    input.data_classes[0]
        .columns
        .push(sluice_model::ColumnPattern::Glob("both".into()));
    input.data_classes[1]
        .columns
        .push(sluice_model::ColumnPattern::Glob("both".into()));
    let snapshot = Arc::new(Snapshot::build(1, input, standing()).unwrap());
    let view = view(&snapshot, "user:ada", "shop");
    assert_eq!(view.classes_of("a", "b", "both"), ["ssn", "card"]);
    assert_eq!(
        view.unrevealed(Some("a"), Some("b"), "both", at(NOON)),
        ["ssn"]
    );
    assert_eq!(view.unrevealed(None, None, "both", at(NOON)), ["ssn"]);
    assert_eq!(plan(&view, from("a", "b", "both", "x")), "ssn Text");
}

#[test]
fn an_agent_sees_what_both_may_see() {
    for (policies, expected) in [
        (
            r#"permit (principal is User, action == Action::"reveal", resource);"#,
            "ssn Text",
        ),
        (
            r#"permit (principal is Agent, action == Action::"reveal", resource);"#,
            "ssn Text",
        ),
        (
            r#"permit (principal, action == Action::"reveal", resource);"#,
            "clear",
        ),
    ] {
        let snapshot = build(policies);
        let view = view(&snapshot, "agent:helper", "shop");
        assert_eq!(
            plan(&view, from("public", "customers", "ssn", "x")),
            expected,
            "{policies}"
        );
    }
}

#[test]
fn a_reveal_can_end_with_the_clock() {
    let snapshot = build(
        r#"permit (principal, action == Action::"reveal", resource) when { context.clock.hour >= 9 && context.clock.hour < 17 };"#,
    );
    let view = view(&snapshot, "user:ada", "shop");
    for (moment, hidden) in [
        ("2026-06-03T06:59:59Z", true),
        ("2026-06-03T07:00:00Z", false),
        ("2026-06-03T15:00:00Z", true),
    ] {
        let found = view.unrevealed(Some("public"), Some("customers"), "ssn", at(moment));
        assert_eq!(!found.is_empty(), hidden, "{moment}");
        let found = view.unrevealed(None, None, "ssn", at(moment));
        assert_eq!(!found.is_empty(), hidden, "{moment}");
    }
}

#[test]
fn a_policy_that_errs_hides() {
    let snapshot = build(
        r#"permit (principal, action == Action::"reveal", resource);
           forbid (principal, action == Action::"reveal", resource) when { 9223372036854775807 + context.approvals + 1 > 0 };
           permit (principal, action == Action::"reveal", resource) when { 9223372036854775807 + context.clock.weekday > 0 };"#,
    );
    let view = view(&snapshot, "user:ada", "shop");
    assert_eq!(
        plan(&view, from("public", "customers", "ssn", "x")),
        "ssn Text"
    );
}

#[test]
fn texts_are_scrubbed_of_what_is_hidden() {
    let snapshot =
        build(r#"permit (principal in Group::"fraud", action == Action::"reveal", resource);"#);
    for (who, hidden) in [("user:ada", true), ("user:fred", false)] {
        let mut out = String::new();
        let found = view(&snapshot, who, "shop")
            .scrubber(at(NOON))
            .mask_text("Key (ssn)=(078-05-1121)", &mut out);
        assert_eq!(found, hidden, "{who}: {out}");
        assert!(!out.contains("078-05-1121"));
    }
}

#[test]
fn fields_of_documents_are_hidden_by_their_names_and_shown_by_policy() {
    let show = |plan: ColumnPlan| match plan {
        ColumnPlan::Clear => "clear".to_owned(),
        ColumnPlan::Scan => "scan".to_owned(),
        ColumnPlan::Redact => "redact".to_owned(),
        ColumnPlan::Mask { class, mask } => format!("{class} {mask:?}"),
    };
    let reveals = format!(
        "{NOBODY} permit (principal, action == Action::\"reveal\", resource in DataClass::\"ssn\");"
    );
    for (policies, path, expected) in [
        (NOBODY, &["customer", "ssn"][..], "ssn Text"),
        (NOBODY, &["rows", "SSN"], "ssn Text"),
        (NOBODY, &["customer", "name"], "scan"),
        (&reveals, &["customer", "ssn"], "scan"),
    ] {
        let snapshot = build(policies);
        let view = view(&snapshot, "user:ada", "shop");
        let fields = view.fields(at(NOON));
        assert!(!fields.is_clear());
        assert_eq!(show(fields.of(path)), expected, "{path:?}");
    }
}
