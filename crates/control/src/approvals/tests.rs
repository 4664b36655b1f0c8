//! Who may decide what, as tables.

use super::*;

fn groups(names: &str) -> BTreeSet<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

fn person(name: &str, in_groups: &str) -> Principal {
    Principal {
        id: name.parse().unwrap(),
        groups: groups(in_groups),
        owner: None,
    }
}

fn held(principal: &str, needed: &str, people: u32) -> Approval {
    let held = HeldOperation {
        session: SessionId::from_bits(7),
        principal: principal.parse().unwrap(),
        credential: None,
        connection: "shop".into(),
        account: "app".into(),
        database: "shop".into(),
        text: "DELETE FROM t".into(),
        parameters: vec![],
        digest: "d1".into(),
        group_sets: needed.split('|').map(groups).collect(),
        people,
        policies: vec![],
        estimated_rows: None,
        reason: None,
        connect: false,
        client: None,
    };
    let owner = principal
        .starts_with("agent:")
        .then(|| PrincipalId::user("ada"));
    Approval::of_operation(ApprovalId::from_bits(1), held, owner, Timestamp(0))
}

const NOW: Timestamp = Timestamp(1_000_000);

#[test]
fn requester_owner_services_and_strangers_cannot_decide() {
    let check = |requester: &str, approver: &str, in_groups: &str, allowed: bool| {
        let request = held(requester, "dba", 1);
        let who = person(approver, in_groups);
        let once = request.approve(&who, ApproveScope::Once, NOW).is_ok();
        let denied = request.deny(&who, None, NOW).is_ok();
        assert_eq!(
            (once, denied),
            (allowed, allowed),
            "{approver} on {requester}"
        );
    };
    check("user:ada", "user:bob", "dba", true);
    check("user:ada", "user:bob", "engineering admins", false);
    check("user:ada", "user:bob", "", false);
    check("user:ada", "user:ada", "dba", false);
    check("user:ada", "service:ada", "dba", false);
    check("user:ada", "agent:bob", "dba", false);
    check("agent:bot", "user:ada", "dba", false);
    check("agent:bot", "user:bob", "dba", true);
    check("service:job", "user:bob", "dba", true);
}

#[test]
fn one_person_does_not_fill_two_groups_nor_agree_twice() {
    let request = held("user:ada", "dba security", 2);
    let both = person("user:bob", "dba security");
    let first = request.approve(&both, ApproveScope::Once, NOW).unwrap();
    assert_eq!(first.state, ApprovalState::Pending);
    assert!(matches!(
        first.approve(&both, ApproveScope::Once, NOW),
        Err(ApprovalError::Conflict(_))
    ));
    let second = first
        .approve(&person("user:eve", "dba"), ApproveScope::Once, NOW)
        .unwrap();
    assert_eq!(second.state, ApprovalState::Approved);
    assert_eq!(
        second.facts(),
        ApprovalFacts {
            groups: groups("dba security"),
            people: 2
        }
    );
}

#[test]
fn one_run_of_one_operation_is_bought_once() {
    let approved = held("user:ada", "dba", 1)
        .approve(&person("user:bob", "dba"), ApproveScope::Once, NOW)
        .unwrap();
    let ada = PrincipalId::user("ada");
    let check =
        |approval: &Approval, digest, who: &PrincipalId, connection, now, expected: bool| {
            assert_eq!(
                approval
                    .spend(digest, who, connection, &SessionId::from_bits(7), now)
                    .is_some(),
                expected,
                "{digest} {who} {connection}"
            );
        };
    check(&approved, "d2", &ada, "shop", NOW, false);
    check(
        &approved,
        "d1",
        &PrincipalId::user("eve"),
        "shop",
        NOW,
        false,
    );
    check(&approved, "d1", &ada, "other", NOW, false);
    check(&approved, "d1", &ada, "shop", approved.expires, false);
    check(&held("user:ada", "dba", 1), "d1", &ada, "shop", NOW, false);
    check(&approved, "d1", &ada, "shop", NOW, true);
    let spent = approved
        .spend("d1", &ada, "shop", &SessionId::from_bits(7), NOW)
        .unwrap();
    check(&spent, "d1", &ada, "shop", NOW, false);
    assert_eq!(approved.grant(NOW), None);
}

#[test]
fn a_login_is_bought_once_and_stands_for_the_session_that_it_let_in() {
    let mut login = held("user:ada", "dba", 1);
    if let What::Operation(held) = &mut login.what {
        held.connect = true;
    }
    let ada = PrincipalId::user("ada");
    let (first, second) = (SessionId::from_bits(8), SessionId::from_bits(9));
    for scope in [ApproveScope::Once, ApproveScope::Session] {
        let approved = login
            .approve(&person("user:bob", "dba"), scope, NOW)
            .unwrap();
        assert_eq!(approved.grant(NOW), None, "nobody has come yet");
        let let_in = approved.spend("d1", &ada, "shop", &first, NOW).unwrap();
        let grant = let_in.grant(NOW).unwrap();
        let session = first.clone();
        assert_eq!(grant.scope, ApprovalScope::Login { session });
        assert_eq!(let_in.spend("d1", &ada, "shop", &second, NOW), None);
        assert_eq!(
            let_in.spend("d1", &ada, "shop", &first, NOW),
            Some(let_in.clone())
        );
        let gone = let_in.without_its_session(&BTreeSet::new()).unwrap();
        assert_eq!(gone.grant(NOW), None);
    }
}

#[test]
fn the_end_of_a_window_is_absolute_and_the_narrowest_scope_wins() {
    let request = held("user:ada", "dba security", 2);
    let first = request
        .approve(
            &person("user:bob", "dba"),
            ApproveScope::Window { seconds: 600 },
            NOW,
        )
        .unwrap();
    let later = NOW.plus_seconds(60);
    let approved = first
        .approve(
            &person("user:eve", "security"),
            ApproveScope::Window { seconds: 300 },
            later,
        )
        .unwrap();
    let until = later.plus_seconds(300);
    assert_eq!(approved.scope, Some(ApprovalScope::Window { until }));
    assert!(approved.grant(Timestamp(until.0 - 1)).is_some());
    assert_eq!(approved.grant(until), None);
    assert_eq!(approved.aged(until).unwrap().state, ApprovalState::Spent);
    let once = first
        .approve(&person("user:eve", "security"), ApproveScope::Once, later)
        .unwrap();
    assert_eq!(
        once.scope,
        Some(ApprovalScope::Once {
            digest: "d1".into()
        })
    );
}

#[test]
fn a_window_asked_for_ahead_is_never_widened() {
    let mut request = held("user:ada", "dba", 1);
    request.what = What::Window { seconds: 600 };
    let bob = person("user:bob", "dba");
    let check = |scope, expected: Option<i64>| {
        let got = request.approve(&bob, scope, NOW).ok().and_then(|a| a.scope);
        let until = expected.map(|s| ApprovalScope::Window {
            until: NOW.plus_seconds(s),
        });
        assert_eq!(got, until, "{scope:?}");
    };
    check(ApproveScope::Once, Some(600));
    check(ApproveScope::Window { seconds: 60 }, Some(60));
    check(ApproveScope::Window { seconds: 601 }, None);
    check(ApproveScope::Window { seconds: 0 }, None);
    check(ApproveScope::Session, None);
}

#[test]
fn what_is_over_stays_over() {
    let bob = person("user:bob", "dba");
    let request = held("user:ada", "dba", 1);
    let denied = request.deny(&bob, Some("no".into()), NOW).unwrap();
    let cancelled = request.cancel().unwrap();
    let expired = request.aged(request.expires).unwrap();
    for over in [denied, cancelled, expired] {
        assert!(over.is_over());
        assert!(
            over.approve(&bob, ApproveScope::Once, NOW).is_err(),
            "{:?}",
            over.state
        );
        assert!(over.deny(&bob, None, NOW).is_err());
        assert_eq!(over.cancel(), None);
        assert_eq!(over.next_change(), None);
    }
    assert!(
        request
            .approve(&bob, ApproveScope::Once, request.expires)
            .is_err()
    );
}

#[test]
fn a_session_grant_ends_with_its_session() {
    let approved = held("user:ada", "dba", 1)
        .approve(&person("user:bob", "dba"), ApproveScope::Session, NOW)
        .unwrap();
    let live = BTreeSet::from([SessionId::from_bits(7), SessionId::from_bits(8)]);
    assert_eq!(approved.without_its_session(&live), None);
    let over = approved
        .without_its_session(&BTreeSet::from([SessionId::from_bits(8)]))
        .unwrap();
    assert_eq!(over.grant(NOW), None);
}
