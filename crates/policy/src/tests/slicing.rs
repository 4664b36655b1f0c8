//! Slicing by scope never changes a decision: random policies and requests, against Cedar with the whole set.

use super::world::*;
use crate::{PolicySource, Snapshot};
use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request, Schema};
use proptest::prelude::*;
use sluice_model::{ApprovalFacts, Decision};
use std::sync::Arc;

fn policy() -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("permit"), 1 => Just("forbid")];
    let principal = prop::sample::select(vec![
        "principal",
        "principal == User::\"ada\"",
        "principal == User::\"fred\"",
        "principal in Group::\"engineering\"",
        "principal in Group::\"fraud\"",
        "principal is User",
        "principal is Service",
        "principal is User in Group::\"engineering\"",
        "principal in User::\"ada\"",
    ]);
    let action = prop::sample::select(vec![
        "action",
        "action in Action::\"read\"",
        "action in [Action::\"write\", Action::\"delete\"]",
        "action == Action::\"sql:select\"",
        "action == Action::\"sql:truncate\"",
        "action in Action::\"administer\"",
        "action in Action::\"sql:delete\"",
    ]);
    let resource = prop::sample::select(vec![
        "resource",
        "resource in Environment::\"prod\"",
        "resource in Environment::\"dev\"",
        "resource in Label::\"team=payments\"",
        "resource in Label::\"team=other\"",
        "resource in Connection::\"shop\"",
        "resource in Connection::\"play\"",
        "resource in Database::\"shop/app\"",
        "resource in Database::\"play/app\"",
        "resource in Schema::\"shop/app/public\"",
        "resource == Table::\"shop/app/public/orders\"",
        "resource is Table",
        "resource is Table in Environment::\"prod\"",
    ]);
    let condition = prop::sample::select(vec![
        "",
        "when { context.clock.hour == 14 }",
        "when { context.break_glass }",
        "unless { context.approvals > 0 }",
        "when { 9223372036854775807 + context.clock.minute + 1 > 0 }",
        "when { resource in Environment::\"prod\" }",
    ]);
    (effect, principal, action, resource, condition)
        .prop_map(|(e, p, a, r, c)| format!("{e} ({p}, {a}, {r}) {c};"))
}

/// Cedar's own answer with every policy; an error denies.
fn whole_set(
    policies: &[String],
    schema: &Schema,
    who: &str,
    connection: &str,
    action: &str,
    table: &str,
) -> bool {
    let set: PolicySet = policies.concat().parse().unwrap();
    let environment = if connection == "play" { "dev" } else { "prod" };
    let group = if who == "ada" { "engineering" } else { "fraud" };
    let uid = |kind: &str, id: &str| serde_json::json!({"type": kind, "id": id});
    let entity = |kind: &str, id: &str, parents: Vec<serde_json::Value>| serde_json::json!({"uid": uid(kind, id), "attrs": {}, "parents": parents});
    let (database, schema_id) = (
        format!("{connection}/app"),
        format!("{connection}/app/public"),
    );
    let table_id = format!("{schema_id}/{table}");
    let entities = serde_json::json!([
        entity("User", who, vec![uid("Group", group)]),
        entity(
            "Connection",
            connection,
            vec![
                uid("Environment", environment),
                uid("Label", "team=payments")
            ]
        ),
        entity("Database", &database, vec![uid("Connection", connection)]),
        entity("Schema", &schema_id, vec![uid("Database", &database)]),
        entity("Table", &table_id, vec![uid("Schema", &schema_id)]),
    ]);
    let entities = Entities::from_json_value(entities, Some(schema)).unwrap();
    let euid = |kind: &str, id: &str| -> EntityUid { format!("{kind}::{id:?}").parse().unwrap() };
    let context = serde_json::json!({
        "now": {"fn": "datetime", "arg": "2026-06-03T12:00:00.000Z"},
        "clock": {"hour": 14, "minute": 0, "weekday": 3},
        "client": {"address": {"fn": "ip", "arg": "10.1.2.3"}, "application": "psql"},
        "approved_by": [], "approvals": 0, "break_glass": false, "account": "app", "database": "app",
        "sql": {"has_where": false, "tables": ["public.orders"], "kind": "SELECT"},
    });
    let action_uid = euid("Action", action);
    let context = Context::from_json_value(context, Some((schema, &action_uid))).unwrap();
    let request = Request::new(
        euid("User", who),
        action_uid,
        euid("Table", &table_id),
        context,
        Some(schema),
    )
    .unwrap();
    let response = Authorizer::new().is_authorized(&request, &set, &entities);
    response.decision() == cedar_policy::Decision::Allow
        && response.diagnostics().errors().next().is_none()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_slice_decides_as_the_whole_set_does(
        policies in prop::collection::vec(policy(), 1..10),
        who in prop::sample::select(vec!["ada", "fred"]),
        connection in prop::sample::select(vec!["shop", "play"]),
        action in prop::sample::select(vec!["sql:select", "sql:insert", "sql:delete", "sql:truncate", "sql:drop"]),
        table in prop::sample::select(vec!["orders", "items"]),
    ) {
        // What can never apply does not load; what is left is what there is to compare.
        let policies: Vec<String> = policies.into_iter().filter(|p| try_build(p).is_ok()).collect();
        let mut input = input("");
        input.policies = policies
            .iter()
            .enumerate()
            .map(|(i, text)| PolicySource { file: format!("{i}.cedar"), text: text.clone() })
            .collect();
        let snapshot = Arc::new(Snapshot::build(1, input, standing()).unwrap());
        let (schema, _) = Schema::from_cedarschema_str(snapshot.schema_text()).unwrap();
        let expected = whole_set(&policies, &schema, who, connection, action, table);
        let view = view(&snapshot, &format!("user:{who}"), connection);
        let decision = view.decide(&op(&format!("{action} public.{table}")), at(NOON), &ApprovalFacts::default());
        prop_assert_eq!(matches!(decision, Decision::Allow(_)), expected, "{:?}\n{:?}", policies, decision);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// One view asked many times, at many moments and with many approvals, says what a new view says each time.
    #[test]
    fn what_is_kept_never_changes_an_answer(
        policies in prop::collection::vec(kept_policy(), 1..6),
        questions in prop::collection::vec(
            (
                prop::sample::select(vec!["sql:select public.a", "sql:delete public.a", "reveal public.a.ssn", "search public.a.ssn"]),
                0_i64..100,
                prop::sample::select(vec![vec![], vec!["dba"], vec!["dba", "lead"]]),
                0_u32..3,
            ),
            1..25,
        ),
    ) {
        let snapshot = build(&policies.concat());
        let session = session(&snapshot, "user:ada", "shop");
        let kept = snapshot.view(&session, at(NOON)).unwrap();
        for (accesses, half_minutes, groups, people) in questions {
            let now = at(NOON).plus_seconds(half_minutes * 30);
            let (op, extra) = (op(accesses), approvals(&groups, people));
            let fresh = snapshot.view(&session, at(NOON)).unwrap();
            prop_assert_eq!(kept.decide(&op, now, &extra), fresh.decide(&op, now, &extra));
            let hidden = |view: &crate::SessionView| view.unrevealed(Some("public"), Some("a"), "ssn", now);
            prop_assert_eq!(hidden(&kept), hidden(&fresh));
            if !kept.time_dependent() {
                prop_assert_eq!(kept.decide(&op, at(NOON), &extra), fresh.decide(&op, now, &extra));
            }
        }
    }
}

fn kept_policy() -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("permit"), 1 => Just("forbid")];
    let action = prop::sample::select(vec![
        "action",
        "action in Action::\"read\"",
        "action in Action::\"delete\"",
        "action == Action::\"reveal\"",
        "action == Action::\"search\"",
    ]);
    let condition = prop::sample::select(vec![
        "",
        "when { context.clock.minute < 20 }",
        "when { context.now < datetime(\"2026-06-03T12:15:30Z\") }",
        "when { context.approved_by.contains(Group::\"dba\") }",
        "when { context.approvals >= 2 }",
        "when { context.clock.minute > 10 && context.approved_by.contains(Group::\"lead\") }",
    ]);
    (effect, action, condition).prop_map(|(e, a, c)| format!("{e} (principal, {a}, resource) {c};"))
}
