//! Endpoints are in those of the shorter paths, and what a document holds are facts by name.

use super::world::*;
use sluice_model::{Access, Action, ApprovalFacts, Fact, Facts, Operation, Resource};
use std::collections::BTreeMap;

const POLICIES: &str = r#"
@id("api") permit (principal, action in Action::"read", resource in Endpoint::"shop/api");
@id("no-admin") forbid (principal, action, resource in Endpoint::"shop/api/admin");
@id("root") permit (principal, action == Action::"web:get", resource == Endpoint::"shop/");
@id("slashed") permit (principal, action == Action::"web:post", resource == Endpoint::"shop/a%2Fb/{id}");
@id("small") permit (principal, action == Action::"web:post", resource in Endpoint::"shop/refunds")
when { context.web has numbers && context.web.numbers.hasTag("order.amount")
    && context.web.numbers.getTag("order.amount") <= 100
    && context.web has fields && context.web.fields.hasTag("kind") && context.web.fields.getTag("kind") == "part" };
"#;

fn said(connection: &str, action: &str, path: &str, facts: Facts) -> String {
    let snapshot = build(POLICIES);
    let view = view(&snapshot, "user:ada", connection);
    let parts = match path {
        "/" => Vec::new(),
        path => path
            .split('/')
            .skip(1)
            .map(|p| p.replace('|', "/"))
            .collect(),
    };
    let operation = Operation {
        text: path.into(),
        accesses: vec![Access {
            action: serde_json::from_value::<Action>(action.into()).unwrap(),
            resource: Resource::Endpoint { parts },
        }],
        facts,
    };
    line(&view.decide(&operation, at(NOON), &ApprovalFacts::default()))
}

#[test]
fn a_path_is_in_the_shorter_ones() {
    for (connection, action, path, expected) in [
        ("shop", "web:get", "/api", "allow api"),
        ("shop", "web:get", "/api/", "allow api"),
        ("shop", "web:get", "/api/v1/orders", "allow api"),
        ("shop", "web:get", "/api/admin/users", "deny no-admin: "),
        ("shop", "web:get", "/api/admin", "deny no-admin: "),
        ("shop", "web:get", "/api/administrators", "allow api"),
        ("shop", "web:get", "/apis", "deny "),
        ("shop", "web:get", "/", "allow root"),
        ("shop", "web:get", "/other", "deny "),
        ("shop", "web:post", "/api", "deny "),
        ("shop", "web:post", "/a|b/{id}", "allow slashed"),
        ("shop", "web:post", "/a/b/{id}", "deny "),
        ("play", "web:get", "/api", "deny "),
    ] {
        let none = Facts {
            namespace: "web".into(),
            values: BTreeMap::new(),
        };
        let got = said(connection, action, path, none);
        assert!(
            got.starts_with(expected),
            "{connection} {action} {path}: {got}"
        );
    }
}

#[test]
fn what_a_document_holds_is_a_fact_by_name() {
    let facts = |amount: Option<i64>, kind: &str| Facts {
        namespace: "web".into(),
        values: BTreeMap::from([
            (
                "numbers".to_owned(),
                Fact::NamedLongs(
                    amount
                        .map(|n| ("order.amount".to_owned(), n))
                        .into_iter()
                        .collect(),
                ),
            ),
            (
                "fields".to_owned(),
                Fact::NamedTexts(BTreeMap::from([("kind".to_owned(), kind.to_owned())])),
            ),
        ]),
    };
    for (facts, expected) in [
        (facts(Some(100), "part"), "allow small"),
        (facts(Some(101), "part"), "deny "),
        (facts(Some(1), "whole"), "deny "),
        (facts(None, "part"), "deny "),
        (
            Facts {
                namespace: "web".into(),
                values: BTreeMap::new(),
            },
            "deny ",
        ),
    ] {
        let got = said("shop", "web:post", "/refunds/7", facts);
        assert!(got.starts_with(expected), "{got}");
    }
}
