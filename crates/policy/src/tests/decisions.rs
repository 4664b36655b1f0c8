//! Decisions: the examples of the policy guide, default deny, erring policies, agents, time, approvals.

use super::world::*;
use sluice_model::{ApprovalFacts, Decision, Facts};
use std::sync::Arc;

/// The five examples that the documentation shows, word for word.
const EXAMPLES: &str = r#"
@id("eng-reads-prod")
permit (principal in Group::"engineering", action in Action::"read", resource in Environment::"prod");

@id("eng-writes-prod-with-dba")
permit (principal in Group::"engineering", action in [Action::"write", Action::"delete"], resource in Environment::"prod")
when { context.approved_by.contains(Group::"dba") };

@id("ci-reads-reporting-off-peak")
permit (principal in Group::"ci", action in Action::"read", resource == Connection::"reporting-db")
when { context.clock.hour >= 22 || context.clock.hour < 6 };

@id("no-drop-database") @message("DROP DATABASE never runs through the gateway")
forbid (principal, action == Action::"sql:drop_database", resource);

@id("fraud-team-sees-cards")
permit (principal in Group::"fraud", action == Action::"reveal", resource in DataClass::"card");
"#;

#[test]
fn the_documented_examples_do_what_they_say() {
    let snapshot = build(EXAMPLES);
    for (who, connection, accesses, expected) in [
        (
            "user:ada",
            "shop",
            "sql:select public.orders",
            "allow eng-reads-prod",
        ),
        ("user:ada", "shop", "sql:show app", "allow eng-reads-prod"),
        (
            "user:ada",
            "play",
            "sql:select public.orders",
            "deny -: no policy permits sql:select on table public.orders",
        ),
        (
            "user:fred",
            "shop",
            "sql:select public.orders",
            "deny -: no policy permits sql:select on table public.orders",
        ),
        (
            "user:ada",
            "shop",
            "sql:delete public.orders",
            "ask 1 [dba] by eng-writes-prod-with-dba",
        ),
        (
            "user:ada",
            "shop",
            "sql:select public.items, sql:delete public.orders",
            "ask 1 [dba] by eng-reads-prod,eng-writes-prod-with-dba",
        ),
        (
            "user:ada",
            "shop",
            "sql:drop public.orders",
            "deny -: no policy permits sql:drop on table public.orders",
        ),
        (
            "user:ada",
            "shop",
            "sql:drop_database app",
            "deny no-drop-database: DROP DATABASE never runs through the gateway",
        ),
        (
            "user:ada",
            "shop",
            "sql:delete public.orders, sql:drop_database app",
            "deny no-drop-database: DROP DATABASE never runs through the gateway",
        ),
        (
            "user:ada",
            "shop",
            "connect connection",
            "deny -: no policy permits connect on connection",
        ),
        (
            "user:fred",
            "shop",
            "reveal public.orders.card",
            "allow fraud-team-sees-cards",
        ),
        (
            "user:ada",
            "shop",
            "reveal public.orders.card",
            "deny -: no policy permits reveal on column public.orders.card of data class card",
        ),
        (
            "user:fred",
            "shop",
            "reveal public.orders.ssn",
            "deny -: no policy permits reveal on column public.orders.ssn of data class ssn",
        ),
        (
            "user:fred",
            "shop",
            "search public.orders.card",
            "allow fraud-team-sees-cards",
        ),
        (
            "user:ada",
            "shop",
            "search public.orders.card",
            "deny -: no policy permits search on column public.orders.card of data class card",
        ),
        ("user:ada", "shop", "search public.orders.note", "allow "),
        (
            "user:ada",
            "shop",
            "sql:unknown public.orders",
            "deny -: this could not be decided, so it is not allowed; report it to whoever runs the gateway",
        ),
    ] {
        assert_eq!(
            decide(&snapshot, who, connection, accesses),
            expected,
            "{who} {connection} {accesses}"
        );
    }
}

#[test]
fn searching_is_for_those_who_see_unless_it_is_forbidden() {
    let reveal = r#"@id("see") permit (principal, action == Action::"reveal", resource in DataClass::"ssn");"#;
    let search = r#"@id("look") permit (principal, action == Action::"search", resource in DataClass::"ssn");"#;
    let forbid = r#"@id("no") forbid (principal, action == Action::"search", resource);"#;
    let ask = r#"@id("ask") permit (principal, action == Action::"reveal", resource)
                 when { context.approved_by.contains(Group::"dpo") };"#;
    for (policies, expected) in [
        (reveal.to_owned(), "allow see"),
        (search.to_owned(), "allow look"),
        (format!("{reveal}{search}"), "allow look"),
        (
            format!("{reveal}{forbid}"),
            "deny no: search on column public.customers.ssn is forbidden",
        ),
        (
            format!("{search}{forbid}"),
            "deny no: search on column public.customers.ssn is forbidden",
        ),
        (ask.to_owned(), "ask 1 [dpo] by ask"),
    ] {
        let snapshot = build(&policies);
        let found = decide(&snapshot, "user:ada", "shop", "search public.customers.ssn");
        assert_eq!(found, expected, "{policies}");
    }
}

#[test]
fn an_approval_that_exists_counts() {
    let snapshot = build(EXAMPLES);
    let view = view(&snapshot, "user:ada", "shop");
    for (extra, expected) in [
        (approvals(&["dba"], 1), "allow eng-writes-prod-with-dba"),
        (
            approvals(&["legal"], 1),
            "ask 1 [dba] by eng-writes-prod-with-dba",
        ),
        (approvals(&[], 9), "ask 1 [dba] by eng-writes-prod-with-dba"),
    ] {
        let decision = view.decide(&op("sql:delete public.orders"), at(NOON), &extra);
        assert_eq!(line(&decision), expected, "{extra:?}");
    }
}

/// Windows over midnight, in a zone with daylight saving, at every boundary.
#[test]
fn overnight_windows_hold_across_midnight_and_daylight_saving() {
    let snapshot = build(EXAMPLES);
    let view = view(&snapshot, "service:reporting-job", "reporting-db");
    assert!(view.time_dependent());
    for (moment, allowed) in [
        // Winter: Berlin is one hour ahead.
        ("2026-01-15T20:59:59.999999Z", false),
        ("2026-01-15T21:00:00Z", true),
        ("2026-01-15T22:59:59Z", true),
        ("2026-01-15T23:00:00Z", true),
        ("2026-01-16T04:59:59.999999Z", true),
        ("2026-01-16T05:00:00Z", false),
        // Summer: two hours.
        ("2026-07-15T19:59:59Z", false),
        ("2026-07-15T20:00:00Z", true),
        ("2026-07-15T22:00:00Z", true),
        ("2026-07-16T03:59:59Z", true),
        ("2026-07-16T04:00:00Z", false),
        // The night that loses an hour: 22:00 is still winter time, 06:00 is summer time.
        ("2026-03-28T20:59:59Z", false),
        ("2026-03-28T21:00:00Z", true),
        ("2026-03-29T00:59:59Z", true),
        ("2026-03-29T01:00:00Z", true),
        ("2026-03-29T03:59:59Z", true),
        ("2026-03-29T04:00:00Z", false),
        // The night that has an hour twice: 22:00 is still summer time, 06:00 is winter time.
        ("2026-10-24T19:59:59Z", false),
        ("2026-10-24T20:00:00Z", true),
        ("2026-10-25T00:30:00Z", true),
        ("2026-10-25T01:30:00Z", true),
        ("2026-10-25T04:59:59Z", true),
        ("2026-10-25T05:00:00Z", false),
    ] {
        // Twice, so that what is kept of the first answer is judged as well.
        for _ in 0..2 {
            let decision = view.decide(
                &op("sql:select public.orders"),
                at(moment),
                &ApprovalFacts::default(),
            );
            assert_eq!(
                matches!(decision, Decision::Allow(_)),
                allowed,
                "{moment}: {decision:?}"
            );
        }
    }
}

#[test]
fn a_policy_that_errs_denies_whatever_others_say() {
    // Long arithmetic overflows: the one error that strict validation lets through.
    const ERRS: &str = "context.sql.has_where || 9223372036854775807 + context.approvals + 1 > 0";
    for effect in ["forbid", "permit"] {
        let snapshot = build(&format!(
            r#"@id("all") permit (principal, action, resource);
               @id("errs") {effect} (principal, action == Action::"sql:select", resource) when {{ {ERRS} }};"#
        ));
        assert_eq!(
            decide(&snapshot, "user:ada", "shop", "sql:select public.orders"),
            "deny errs: a policy could not be evaluated, so nothing is allowed; it must be corrected",
            "{effect}"
        );
        assert_eq!(
            decide(&snapshot, "user:ada", "shop", "sql:insert public.orders"),
            "allow all"
        );
    }
}

#[test]
fn facts_that_do_not_fit_the_schema_deny() {
    let snapshot = build("permit (principal, action, resource);");
    let view = view(&snapshot, "user:ada", "shop");
    let good = op("sql:select public.orders");
    let with = |change: fn(&mut Facts)| {
        let mut op = good.clone();
        change(&mut op.facts);
        view.decide(&op, at(NOON), &ApprovalFacts::default())
    };
    assert!(matches!(with(|_| {}), Decision::Allow(_)));
    for change in [
        (|f| *f = Facts::default()) as fn(&mut Facts),
        |f| f.namespace = "other".into(),
        |f| {
            f.values.remove("has_where");
        },
        |f| {
            f.values
                .insert("has_where".into(), sluice_model::Fact::Long(1));
        },
        |f| {
            f.values
                .insert("unheard_of".into(), sluice_model::Fact::Long(1));
        },
    ] {
        assert!(matches!(with(change), Decision::Deny(_)));
    }
    let mut nothing = good.clone();
    nothing.accesses.clear();
    assert!(matches!(
        view.decide(&nothing, at(NOON), &ApprovalFacts::default()),
        Decision::Deny(_)
    ));
}

#[test]
fn an_agent_needs_its_owners_rights_and_its_own() {
    for (policies, expected) in [
        (
            r#"@id("e") permit (principal in Group::"engineering", action, resource);"#,
            "deny -: no policy permits sql:select on table public.orders",
        ),
        (
            r#"@id("a") permit (principal in Group::"agents", action, resource);"#,
            "deny -: no policy permits sql:select on table public.orders to user:ada, for whom agent:helper acts",
        ),
        (
            r#"@id("a") permit (principal in Group::"agents", action, resource);
               @id("e") permit (principal in Group::"engineering", action, resource);"#,
            "allow a,e",
        ),
        (
            r#"@id("a") permit (principal is Agent, action, resource)
                 when { principal.owner in Group::"engineering" };
               @id("u") permit (principal is User, action, resource);"#,
            "allow a,u",
        ),
        (
            r#"@id("a") permit (principal, action, resource);
               @id("no") forbid (principal == User::"ada", action, resource);"#,
            "deny no: sql:select on table public.orders is forbidden",
        ),
        (
            r#"@id("a") permit (principal is Agent, action, resource) when { context.approved_by.contains(Group::"sec") };
               @id("u") permit (principal is User, action, resource) when { context.approved_by.contains(Group::"dba") };"#,
            "ask 2 [dba+sec] by a,u",
        ),
    ] {
        let snapshot = build(policies);
        let found = decide(
            &snapshot,
            "agent:helper",
            "shop",
            "sql:select public.orders",
        );
        assert_eq!(found, expected, "{policies}");
    }
}

#[test]
fn asking_names_the_smallest_consent_that_suffices() {
    let check = |policies: &str, expected: &str| {
        let snapshot = build(policies);
        let found = decide(&snapshot, "user:ada", "shop", "sql:delete public.orders");
        assert_eq!(found, expected, "{policies}");
    };
    let when = |condition: &str| {
        format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};")
    };
    check(
        &when(r#"context.approved_by.contains(Group::"dba")"#),
        "ask 1 [dba] by p",
    );
    check(
        &when(r#"context.approved_by.containsAny([Group::"dba", Group::"lead"])"#),
        "ask 1 [dba] [lead] by p",
    );
    check(
        &when(r#"context.approved_by.containsAll([Group::"dba", Group::"lead"])"#),
        "ask 2 [dba+lead] by p",
    );
    check(
        &when(
            r#"context.approved_by.contains(Group::"dba") || context.approved_by.containsAll([Group::"a", Group::"b"])"#,
        ),
        "ask 1 [dba] [a+b] by p",
    );
    check(&when("context.approvals >= 1"), "ask 1 [] by p");
    check(&when("context.approvals >= 2"), "ask 2 [] by p");
    check(&when("context.approvals > 2"), "ask 3 [] by p");
    check(
        &when(r#"context.approvals >= 3 && context.approved_by.contains(Group::"dba")"#),
        "ask 3 [dba] by p",
    );
    // Out of reach: nobody is asked in vain.
    check(
        &when("context.approvals >= 100"),
        "deny -: no policy permits sql:delete on table public.orders",
    );
    check(
        &when(
            r#"context.approved_by.containsAll([Group::"a", Group::"b", Group::"c", Group::"d"])"#,
        ),
        "deny -: no policy permits sql:delete on table public.orders",
    );
    check(
        &when(r#"context.break_glass && context.approved_by.contains(Group::"dba")"#),
        "deny -: no policy permits sql:delete on table public.orders",
    );
    // An approval may lift a policy that forbids, and no approval lifts one that does not ask for any.
    check(
        r#"@id("all") permit (principal, action, resource);
           @id("no") forbid (principal, action in Action::"delete", resource)
           unless { context.approved_by.contains(Group::"dba") };"#,
        "ask 1 [dba] by all",
    );
    check(
        r#"@id("p") permit (principal, action, resource) when { context.approvals > 0 };
           @id("no") @message("never") forbid (principal, action in Action::"delete", resource);"#,
        "deny no: never",
    );
}

#[test]
fn asking_takes_bounded_work() {
    let groups: Vec<String> = (0..60).map(|i| format!("Group::\"g{i}\"")).collect();
    let snapshot = build(&format!(
        "permit (principal, action, resource) when {{ context.break_glass && context.approved_by.containsAny([{}]) && context.approvals >= 5 }};",
        groups.join(", ")
    ));
    assert!(decide(&snapshot, "user:ada", "shop", "sql:delete public.orders").starts_with("deny"));
}

#[test]
fn connecting_can_wait_for_a_window() {
    let snapshot = build(
        r#"@id("jit") permit (principal, action == Action::"connect", resource == Connection::"shop")
           when { context.approved_by.contains(Group::"lead") };"#,
    );
    let none = ApprovalFacts::default();
    assert_eq!(
        line(&view(&snapshot, "user:ada", "shop").connect(at(NOON), &none)),
        "ask 1 [lead] by jit"
    );
    assert!(matches!(
        view(&snapshot, "user:ada", "play").connect(at(NOON), &none),
        Decision::Deny(_)
    ));
}

#[test]
fn context_says_who_calls_from_where_and_why() {
    let snapshot = build(
        r#"@id("p") permit (principal, action == Action::"connect", resource) when {
             context.client.address.isInRange(ip("10.0.0.0/8")) && context.client has application
             && context.client.application like "ps*" && context has reason && context.reason like "INC-*"
             && context.break_glass && context.account == "app" && context.database == "app"
             && context.now < datetime("2027-01-01") && context.clock.weekday == 3 && context.clock.hour == 14
           };"#,
    );
    let mut session = session(&snapshot, "user:ada", "shop");
    let connect = |session: &sluice_model::SessionContext| {
        let view = snapshot.view(session, at(NOON)).unwrap();
        matches!(
            view.connect(at(NOON), &ApprovalFacts::default()),
            Decision::Allow(_)
        )
    };
    assert!(!connect(&session));
    session.reason = Some("INC-7".into());
    session.break_glass = true;
    assert!(connect(&session));
    session.client_address = "::ffff:10.9.9.9".parse().unwrap();
    assert!(
        connect(&session),
        "an IPv4 address in IPv6 clothes is the same address"
    );
    session.client_address = "192.168.0.1".parse().unwrap();
    assert!(!connect(&session));
}

#[test]
fn could_ever_is_false_only_as_a_proof() {
    let snapshot = build(EXAMPLES);
    for (who, connection, groups, expected) in [
        ("user:ada", "shop", &["write"][..], true),
        ("user:ada", "shop", &["define"], false),
        ("user:ada", "shop", &["administer"], true),
        ("user:ada", "play", &["read", "write", "delete"], false),
        (
            "service:reporting-job",
            "reporting-db",
            &["write", "delete", "define", "administer", "run"],
            false,
        ),
        ("service:reporting-job", "reporting-db", &["read"], true),
        ("agent:helper", "shop", &["read"], false),
    ] {
        let found = view(&snapshot, who, connection).could_ever(groups);
        assert_eq!(found, expected, "{who} {connection} {groups:?}");
    }
}

#[test]
fn explaining_says_the_same_and_where_it_is_written() {
    let snapshot = build(EXAMPLES);
    let view = view(&snapshot, "user:ada", "shop");
    let op = op("sql:select public.orders, sql:drop_database app, reveal public.orders.ssn");
    let none = ApprovalFacts::default();
    let explained = view.explain(&op, at(NOON), &none).unwrap();
    assert_eq!(explained.decision, view.decide(&op, at(NOON), &none));
    let lines: Vec<_> = explained
        .accesses
        .iter()
        .map(|a| {
            (
                matches!(a.decision, Decision::Allow(_)),
                a.class.as_deref(),
                a.policies.first().map(|p| (p.id.as_str(), p.line)),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (true, None, Some(("eng-reads-prod", 2))),
            (false, None, Some(("no-drop-database", 13))),
            (false, Some("ssn"), None),
        ]
    );
}

/// What an approval would turn is not said to be denied, whether the rest of the operation can run or not.
#[test]
fn each_access_says_who_could_approve_it() {
    let snapshot = build(EXAMPLES);
    let view = view(&snapshot, "user:ada", "shop");
    let none = ApprovalFacts::default();
    for (text, whole) in [
        ("sql:select public.orders, sql:delete public.orders", "ask"),
        ("sql:drop_database app, sql:delete public.orders", "deny"),
    ] {
        let explained = view.explain(&op(text), at(NOON), &none).unwrap();
        match (&explained.decision, whole) {
            (Decision::Ask(_), "ask") | (Decision::Deny(_), "deny") => {}
            (other, _) => panic!("{text}: {other:?}"),
        }
        let delete = explained.accesses.last().unwrap();
        let Decision::Ask(ask) = &delete.decision else {
            panic!("{text}: {delete:?}");
        };
        assert_eq!(ask.group_sets, [["dba".to_owned()].into()], "{text}");
        let by: Vec<&str> = delete.policies.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(by, ["eng-writes-prod-with-dba"], "{text}");
    }
}

#[test]
fn many_threads_share_one_view() {
    let snapshot = build(EXAMPLES);
    let view = Arc::new(view(&snapshot, "user:ada", "shop"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for i in 0..300 {
                    let op = op(&format!("sql:select public.t{i}"));
                    let decision = view.decide(&op, at(NOON), &ApprovalFacts::default());
                    assert!(matches!(decision, Decision::Allow(_)));
                }
            });
        }
    });
}
