//! What changes without a new policy: principals, tokens, grants, connections.

use super::world::*;
use crate::{Snapshot, Standing, StandingToken};
use sluice_model::{
    ApprovalFacts, ApprovalId, ApprovalScope, Decision, Grant, SessionId, Timestamp,
};
use std::sync::Arc;

const POLICIES: &str = r#"
@id("read") permit (principal, action in Action::"read", resource);
@id("dba") permit (principal, action in Action::"delete", resource) when { context.approved_by.contains(Group::"dba") };
@id("two") permit (principal, action in Action::"define", resource) when { context.approvals >= 2 };
"#;

fn changed(snapshot: &Snapshot, change: impl FnOnce(&mut Standing)) -> Arc<Snapshot> {
    let mut standing = standing();
    change(&mut standing);
    Arc::new(snapshot.with_standing(2, standing))
}

fn grant(who: &str, connection: &str, scope: ApprovalScope, groups: &[&str]) -> Grant {
    Grant {
        approval: ApprovalId::from_bits(1),
        principal: who.parse().unwrap(),
        connection: connection.into(),
        scope,
        groups: set(groups),
        people: 1,
        reason: Some("INC-1".into()),
    }
}

fn window(until: &str) -> ApprovalScope {
    ApprovalScope::Window { until: at(until) }
}

#[test]
fn a_session_ends_with_what_it_stands_on() {
    let first = build(POLICIES);
    for (who, change, expected) in [
        ("user:ada", (|_| {}) as fn(&mut Standing), None),
        (
            "user:ada",
            |s| s.principals.retain(|p| p.id.name != "ada"),
            Some("user:ada is switched off or does not exist"),
        ),
        (
            "agent:helper",
            |s| s.principals.retain(|p| p.id.name != "ada"),
            Some("user:ada is switched off or does not exist"),
        ),
        (
            "agent:helper",
            |s| s.principals.iter_mut().for_each(|p| p.owner = None),
            Some("agent:helper has no owner; an agent acts for a user"),
        ),
        (
            "user:ada",
            |s| s.tokens.clear(),
            Some("token t-000000000007 was revoked; create a new one"),
        ),
        (
            "user:ada",
            |s| {
                s.tokens
                    .insert(token(), standing_token("user:ada", at(NOON)));
            },
            Some("token t-000000000007 has expired; create a new one"),
        ),
        (
            "user:ada",
            |s| {
                let anothers = standing_token("user:fred", at("2030-01-01T00:00:00Z"));
                s.tokens.insert(token(), anothers);
            },
            Some("token t-000000000007 was revoked; create a new one"),
        ),
        (
            "user:ada",
            |s| {
                let elsewhere = StandingToken {
                    networks: vec!["192.0.2.0/24".parse().unwrap()],
                    ..(*standing_token("user:ada", at("2030-01-01T00:00:00Z"))).clone()
                };
                s.tokens.insert(token(), Arc::new(elsewhere));
            },
            Some("token t-000000000007 may not be used from 10.1.2.3"),
        ),
        (
            "user:ada",
            |s| s.unknown = true,
            Some(
                "the gateway cannot reach its store, so it does not know who may go on; try again later",
            ),
        ),
    ] {
        let session = session(&first, who, "shop");
        let found = changed(&first, change)
            .view(&session, at(NOON))
            .err()
            .map(|d| d.message);
        assert_eq!(found.as_deref(), expected, "{who}");
    }
}

#[test]
fn a_session_ends_when_its_connection_leads_elsewhere() {
    let first = build(POLICIES);
    let session = session(&first, "user:ada", "shop");
    for (change, ends) in [
        ((|_| {}) as fn(&mut crate::SnapshotInput), false),
        (|i| i.connections[0].labels.clear(), false),
        (|i| i.connections[0].environment = "dev".into(), false),
        (
            |i| i.connections[0].target.address = "10.0.0.1:5432".into(),
            true,
        ),
        (
            |i| i.connections[0].target.tls = sluice_model::TlsMode::Require,
            true,
        ),
        (
            |i| i.connections[0].accounts[0].username = "root".into(),
            true,
        ),
        (|i| i.connections[0].accounts[0].name = "other".into(), true),
        (|i| i.connections[0].databases = Some(vec![]), false),
        (|i| i.connections[0].name = "renamed".into(), true),
    ] {
        let mut input = input(POLICIES);
        change(&mut input);
        let second = Arc::new(Snapshot::build(2, input, standing()).unwrap());
        assert_eq!(second.view(&session, at(NOON)).is_err(), ends);
    }
}

#[test]
fn groups_and_labels_are_todays() {
    let first = build(
        r#"permit (principal in Group::"engineering", action, resource in Label::"team=payments");"#,
    );
    let session = session(&first, "user:ada", "shop");
    let none = ApprovalFacts::default();
    let allowed = |snapshot: &Arc<Snapshot>| {
        let view = snapshot.view(&session, at(NOON)).unwrap();
        matches!(
            view.decide(&op("sql:select a.b"), at(NOON), &none),
            Decision::Allow(_)
        )
    };
    assert!(allowed(&first));
    assert!(!allowed(&changed(&first, |s| s.principals[0]
        .groups
        .clear())));
}

#[test]
fn grants_hold_for_whom_where_and_until_they_were_given() {
    let first = build(POLICIES);
    let later = "2026-06-03T13:00:00Z";
    let other_session = SessionId::from_bits(2);
    for (grant, expected) in [
        (grant("user:ada", "shop", window(later), &["dba"]), true),
        (grant("user:ada", "shop", window(NOON), &["dba"]), false),
        (grant("user:ada", "shop", window(later), &["legal"]), false),
        (grant("user:ada", "play", window(later), &["dba"]), false),
        (grant("user:fred", "shop", window(later), &["dba"]), false),
        (
            grant("agent:helper", "shop", window(later), &["dba"]),
            false,
        ),
        (
            grant(
                "user:ada",
                "shop",
                ApprovalScope::Session {
                    session: SessionId::from_bits(1),
                },
                &["dba"],
            ),
            true,
        ),
        (
            grant(
                "user:ada",
                "shop",
                ApprovalScope::Session {
                    session: other_session,
                },
                &["dba"],
            ),
            false,
        ),
        (
            grant(
                "user:ada",
                "shop",
                ApprovalScope::Once {
                    digest: String::new(),
                },
                &["dba"],
            ),
            false,
        ),
    ] {
        let snapshot = changed(&first, |s| s.grants.push(grant.clone()));
        let view = view(&snapshot, "user:ada", "shop");
        let decision = view.decide(&op("sql:delete a.b"), at(NOON), &ApprovalFacts::default());
        assert_eq!(
            matches!(decision, Decision::Allow(_)),
            expected,
            "{grant:?}"
        );
    }
}

#[test]
fn consent_to_a_login_is_for_being_connected_and_for_nothing_that_is_asked_then() {
    let first = build(&format!(
        "{POLICIES}\n@id(\"in\") permit (principal, action == Action::\"connect\", resource) \
         when {{ context.approved_by.contains(Group::\"dba\") && context.approvals >= 1 }};"
    ));
    let none = ApprovalFacts::default();
    for (session, connects) in [(1, true), (2, false)] {
        let scope = ApprovalScope::Login {
            session: SessionId::from_bits(session),
        };
        let grant = grant("user:ada", "shop", scope, &["dba"]);
        let snapshot = changed(&first, |s| s.grants.push(grant.clone()));
        let view = view(&snapshot, "user:ada", "shop");
        let connect = view.connect(at(NOON), &none);
        assert_eq!(matches!(connect, Decision::Allow(_)), connects);
        // Kept answers to the one are no answers to the other.
        for _ in 0..2 {
            let delete = view.decide(&op("sql:delete a.b"), at(NOON), &none);
            assert!(matches!(delete, Decision::Ask(_)), "{delete:?}");
            let connect = view.connect(at(NOON), &none);
            assert_eq!(matches!(connect, Decision::Allow(_)), connects);
        }
    }
}

#[test]
fn a_window_ends_by_itself_also_for_what_is_kept() {
    let first = build(POLICIES);
    let end = at("2026-06-03T13:00:00Z");
    let snapshot = changed(&first, |s| {
        s.grants.push(grant(
            "user:ada",
            "shop",
            ApprovalScope::Window { until: end },
            &["dba"],
        ));
    });
    let view = view(&snapshot, "user:ada", "shop");
    assert_eq!(view.ends_at(), Some(end));
    assert!(!view.time_dependent());
    for (now, expected) in [
        (at(NOON), true),
        (Timestamp(end.0 - 1), true),
        (end, false),
        (at(NOON), true),
    ] {
        let decision = view.decide(&op("sql:delete a.b"), now, &ApprovalFacts::default());
        assert_eq!(matches!(decision, Decision::Allow(_)), expected);
    }
    // Nothing is decided after the token's end either, even in a view made before.
    let after = at("2030-01-01T00:00:00Z");
    assert!(matches!(
        view.decide(&op("sql:select a.b"), after, &ApprovalFacts::default()),
        Decision::Deny(_)
    ));
}

#[test]
fn one_person_who_agrees_twice_is_one_person() {
    let first = build(POLICIES);
    let snapshot = changed(&first, |s| {
        s.grants.push(grant(
            "user:ada",
            "shop",
            window("2026-06-03T13:00:00Z"),
            &["dba"],
        ));
        s.grants.push(grant(
            "user:ada",
            "shop",
            window("2026-06-03T14:00:00Z"),
            &["lead"],
        ));
    });
    let view = view(&snapshot, "user:ada", "shop");
    let decision = view.decide(&op("sql:drop a.b"), at(NOON), &approvals(&[], 1));
    assert_eq!(line(&decision), "ask 2 [] by two");
    let decision = view.decide(&op("sql:drop a.b"), at(NOON), &approvals(&[], 2));
    assert_eq!(line(&decision), "allow two");
}
