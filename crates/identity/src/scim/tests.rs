//! Filters and changes, as the standard and the large providers write them.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn kim() -> Map<String, Value> {
    let value = json!({
        "userName": "Kim@corp.example", "externalId": "X1", "active": true, "age": 7,
        "name": {"givenName": "Kim", "familyName": ""},
        "emails": [{"type": "work", "value": "kim@corp.example", "primary": true}, {"type": "home", "value": "k@h.example"}],
        "meta": {"lastModified": "2026-11-28T12:00:00Z"},
        ENTERPRISE: {"department": "Eng"},
    });
    value.as_object().unwrap().clone()
}

#[test]
fn filters_select() {
    for (text, expected) in [
        ("userName eq \"kim@CORP.example\"", true),
        ("USERNAME EQ \"kim@corp.example\"", true),
        ("userName eq \"kim\"", false),
        ("externalId eq \"X1\"", true),
        ("externalId eq \"x1\"", false),
        ("userName sw \"kim\" and active eq true", true),
        ("userName sw \"kim\" and active eq \"False\"", false),
        ("active eq \"True\"", true),
        ("userName co \"corp\"", true),
        ("userName ew \".example\"", true),
        ("userName ne \"lee\"", true),
        ("name.givenName eq \"kim\"", true),
        ("name.familyName pr", false),
        ("title pr", false),
        ("title eq null", true),
        ("emails pr", true),
        ("emails eq \"k@h.example\"", true),
        ("emails.type eq \"work\"", true),
        ("emails[type eq \"work\" and value co \"corp\"]", true),
        ("emails[type eq \"home\" and value co \"corp\"]", false),
        ("not (userName eq \"lee\")", true),
        (
            "not (userName eq \"lee\") and (active eq false or age ge 7)",
            true,
        ),
        ("active eq false or active eq true and age lt 7", false),
        ("age gt 6.5", true),
        ("age eq \"7\"", false),
        ("meta.lastModified gt \"2026-01-01T00:00:00Z\"", true),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"kim\"",
            true,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"eng\"",
            true,
        ),
        ("notes eq null", true),
    ] {
        let filter = Filter::read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(filter.matches(&kim()), expected, "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    let deep = format!("{}userName pr{}", "(".repeat(40), ")".repeat(40));
    let long = format!("userName eq \"{}\"", "x".repeat(3_000));
    for text in [
        "",
        "userName",
        "userName eq",
        "userName eq kim",
        "userName is \"x\"",
        "(userName pr",
        "userName pr)",
        "emails[type eq \"x\"",
        "userName eq \"x\" and",
        "userName eq [1]",
        "not userName pr",
        "1a eq 2",
        "a.b.c eq 1",
        "userName eq \"x\" \"y\"",
        "x:y eq 1",
        &deep,
        &long,
    ] {
        assert!(
            matches!(Filter::read(text), Err(ScimError::InvalidFilter(_))),
            "{text}"
        );
    }
}

fn check(operations: Value, expected: Result<Value>) {
    let request = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let got =
        Change::read_all(request.as_object().unwrap()).and_then(|changes| apply(&kim(), &changes));
    let parts = |changed: Map<String, Value>| {
        let before = kim();
        let mut parts: Map<String, Value> = changed
            .clone()
            .into_iter()
            .filter(|(k, v)| before.get(k) != Some(v))
            .collect();
        parts.extend(
            before
                .into_iter()
                .filter(|(k, _)| !changed.contains_key(k))
                .map(|(k, _)| (k, Value::Null)),
        );
        Value::from(parts)
    };
    assert_eq!(got.map(parts), expected, "{request}");
}

#[test]
fn changes_are_made_as_providers_write_them() {
    let emails = kim()["emails"].clone();
    let (work, home) = (emails[0].clone(), emails[1].clone());
    for (operations, expected) in [
        (
            json!([{"op": "replace", "path": "active", "value": false}]),
            json!({"active": false}),
        ),
        // Entra
        (
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
            json!({"active": "False"}),
        ),
        (
            json!([{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "n@x"}]),
            json!({"emails": [{"type": "work", "value": "n@x", "primary": true}, home]}),
        ),
        (
            json!([{"op": "Add", "path": "emails[type eq \"other\"].value", "value": "n@x"}]),
            json!({"emails": [work, home, {"type": "other", "value": "n@x"}]}),
        ),
        (
            json!([{"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Ops"}]),
            json!({ENTERPRISE: {"department": "Ops"}}),
        ),
        (
            json!([{"op": "Replace", "value": {"name.givenName": "K", "displayName": "KK"}}]),
            json!({"name": {"givenName": "K", "familyName": ""}, "displayName": "KK"}),
        ),
        // Extensions of their own
        (
            json!([{"op": "add", "path": "urn:corp:scim:2.0:User:costCenter", "value": "7"}]),
            json!({"urn:corp:scim:2.0:User": {"costCenter": "7"}}),
        ),
        (
            json!([{"op": "add", "value": {"urn:corp:scim:2.0:User": {"costCenter": "7"}, "urn:corp:scim:2.0:User:floor": 1}}]),
            json!({"urn:corp:scim:2.0:User": {"costCenter": "7", "floor": 1}}),
        ),
        (
            json!([{"op": "remove", "path": "emails", "value": {"value": "k@h.example"}}]),
            json!({"emails": [work]}),
        ),
        // Okta
        (
            json!([{"op": "replace", "value": {"id": "7", "active": false}}]),
            json!({"active": false}),
        ),
        // the standard
        (
            json!([{"op": "add", "value": {"emails": [{"value": "k@h.example"}, {"value": "third"}], "nickName": "K"}}]),
            json!({"emails": [work, home, {"value": "third"}], "nickName": "K"}),
        ),
        (
            json!([{"op": "replace", "path": "emails", "value": [{"value": "only"}]}]),
            json!({"emails": [{"value": "only"}]}),
        ),
        (
            json!([{"op": "remove", "path": "emails[type eq \"home\"]"}]),
            json!({"emails": [work]}),
        ),
        (
            json!([{"op": "remove", "path": "emails[type eq \"none\"]"}]),
            json!({}),
        ),
        (
            json!([{"op": "remove", "path": "emails", "value": [{"value": "k@h.example"}]}]),
            json!({"emails": [work]}),
        ),
        (
            json!([{"op": "remove", "path": "emails"}]),
            json!({"emails": null}),
        ),
        (
            json!([{"op": "remove", "path": "name.givenName"}]),
            json!({"name": {"familyName": ""}}),
        ),
        (
            json!([{"op": "replace", "path": "NAME", "value": {"givenName": "K"}}]),
            json!({"name": {"givenName": "K", "familyName": ""}}),
        ),
        (
            json!([{"op": "add", "path": "title", "value": "x"}, {"op": "remove", "path": "title"}]),
            json!({}),
        ),
        (
            json!([{"op": "remove", "path": "emails[type eq \"home\"].type"}]),
            json!({"emails": [work, {"value": "k@h.example"}]}),
        ),
    ] {
        check(operations, Ok(expected));
    }
}

/// ATTACKS: a list whose every value is compared with every other would take minutes.
#[test]
fn many_values_are_added_and_removed_at_once() {
    let members: Vec<Value> = (0..50_000)
        .map(|n| json!({"value": n.to_string()}))
        .collect();
    let change = |op: &str, value: &[Value]| {
        let request = json!({"Operations": [{"op": op, "path": "members", "value": value}]});
        Change::read_all(request.as_object().unwrap()).unwrap()
    };
    let before = json!({"members": members[..25_000]});
    let all = [change("add", &members), change("add", &members)].concat();
    let changed = apply(before.as_object().unwrap(), &all).unwrap();
    assert_eq!(changed["members"].as_array().unwrap().len(), 50_000);
    let one = apply(&changed, &change("remove", &members[1..])).unwrap();
    assert_eq!(one["members"], json!([{"value": "0"}]));
    let more = json!({"value": "one more"});
    assert!(apply(&changed, &change("add", &[more])).is_err());
}

#[test]
fn changes_that_cannot_be_made_are_refused() {
    for (operations, kind) in [
        (
            json!([{"op": "replace", "path": "id", "value": "x"}]),
            "mutability",
        ),
        (
            json!([{"op": "replace", "path": "meta.created", "value": "x"}]),
            "mutability",
        ),
        (json!([{"op": "remove"}]), "noTarget"),
        (
            json!([{"op": "remove", "path": "emails[type eq \"none\"].value"}]),
            "noTarget",
        ),
        (
            json!([{"op": "replace", "path": "emails[type co \"none\"].value", "value": 1}]),
            "noTarget",
        ),
        (json!([{"op": "add", "path": "active"}]), "invalidValue"),
        (json!([{"op": "add", "value": 7}]), "invalidValue"),
        (
            json!([{"op": "move", "path": "a", "value": 1}]),
            "invalidSyntax",
        ),
        (json!([7]), "invalidSyntax"),
        (json!({}), "invalidSyntax"),
        (
            json!([{"op": "add", "path": 7, "value": 1}]),
            "invalidSyntax",
        ),
        (
            json!([{"op": "add", "path": "a b", "value": 1}]),
            "invalidPath",
        ),
        (
            json!([{"op": "add", "path": "emails[type eq \"x\"", "value": 1}]),
            "invalidPath",
        ),
        (
            json!([{"op": "add", "path": "active.x", "value": 1}]),
            "invalidPath",
        ),
        (
            json!([{"op": "add", "path": "active[a eq 1].x", "value": 1}]),
            "invalidPath",
        ),
        (
            json!([{"op": "add", "path": "emails[nonsense].value", "value": 1}]),
            "invalidFilter",
        ),
    ] {
        let request = json!({"Operations": operations});
        let got = Change::read_all(request.as_object().unwrap())
            .and_then(|changes| apply(&kim(), &changes));
        assert_eq!(got.map_err(|e| e.kind()), Err(kind), "{request}");
    }
}

#[test]
fn names_that_stand_twice_are_refused_in_any_case() {
    for (text, read) in [
        ("{\"active\": true, \"name\": {\"a\": 1}}", true),
        ("{\"active\": true, \"Active\": false}", false),
        ("{\"a\": [{\"b\": 1, \"B\": 2}]}", false),
        ("[]", false),
    ] {
        assert_eq!(object(text.as_bytes()).is_ok(), read, "{text}");
    }
}

proptest! {
    #[test]
    fn any_filter_and_path_is_read_or_refused(text in "[a-z\\[\\]().\" \\\\]{0,60}") {
        if let Ok(filter) = Filter::read(&text) {
            let _ = filter.matches(&kim());
        }
        let operations = json!({"Operations": [{"op": "add", "path": text, "value": 1}]});
        if let Ok(changes) = Change::read_all(operations.as_object().unwrap()) {
            let _ = apply(&kim(), &changes);
        }
    }
}
