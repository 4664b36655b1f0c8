//! Tokens, approvals, resources and sessions from end to end.

use super::rig::{LOCAL, RESOURCES, Rig, principal};
use crate::api::types::{
    ApplyResponse, ApprovalInfo, ApprovalList, ChangeKind, ConnectionList, CreatedToken, ErrorBody,
    OperationCounts, SessionInfo, SessionList, TokenList,
};
use crate::port_types::{ApprovalProgress, LoginError};
use sluice_model::{
    ApprovalScope, ApprovalState, EventBody, HeldOperation, SessionId, WayIn, WaysIn,
};

#[tokio::test]
async fn tokens_are_capped_listed_revoked_and_never_shown_again() {
    let rig = Rig::new().await;
    let eve = rig.token("user:eve").await;
    let own = r#"{"for": "user:eve", "ttl_seconds": 7000000, "name": "laptop"}"#;
    let made: CreatedToken = rig.post("/v1/tokens", &eve.secret, own).await.json();
    assert_eq!(
        made.expires, eve.expires,
        "nobody prolongs their own access"
    );
    let list = rig.get("/v1/tokens", &eve.secret).await;
    assert!(!list.text.contains(&made.secret) && !format!("{made:?}").contains(&made.secret));
    assert_eq!(list.json::<TokenList>().tokens.len(), 2);
    let other = rig.token("user:bob").await;
    let foreign = format!("/v1/tokens/{}/revoke", other.id);
    assert_eq!(rig.post(&foreign, &eve.secret, "").await.status, 404);
    let for_bob = r#"{"for": "user:bob", "ttl_seconds": 60}"#;
    assert_eq!(
        rig.post("/v1/tokens", &eve.secret, for_bob).await.status,
        403
    );
    let root = rig.token("user:root").await.secret;
    for (wanted, status) in [
        (r#"{"for": "user:nobody", "ttl_seconds": 60}"#, 404),
        (r#"{"for": "user:eve", "ttl_seconds": 0}"#, 400),
        (r#"{"for": "user:eve", "ttl_seconds": 7776001}"#, 400),
        (r#"{"for": "eve", "ttl_seconds": 60}"#, 422),
    ] {
        assert_eq!(
            rig.post("/v1/tokens", &root, wanted).await.status,
            status,
            "{wanted}"
        );
    }
    assert_eq!(
        rig.post(&format!("/v1/tokens/{}/revoke", made.id), &eve.secret, "")
            .await
            .status,
        200
    );
    assert_eq!(rig.get("/v1/whoami", &made.secret).await.status, 401);
    rig.advance(3_600);
    let from = LOCAL.parse().unwrap();
    assert_eq!(
        rig.control
            .authenticate_token(&eve.secret, WaysIn::of(&[WayIn::Token]), from)
            .err(),
        Some(LoginError::Refused)
    );
}

#[tokio::test]
async fn a_held_operation_is_approved_by_somebody_else_and_runs_once() {
    let rig = Rig::new().await;
    let (ada, bob, eve, bot) = (
        rig.token("user:ada").await.secret,
        rig.token("user:bob").await.secret,
        rig.token("user:eve").await.secret,
        rig.token("agent:bot").await.secret,
    );
    let ticket = rig
        .control
        .request_approval(rig.held("user:ada"))
        .await
        .unwrap();
    let path = format!("/v1/approvals/{}", ticket.id);
    let approve = format!("{path}/approve");
    assert_eq!(rig.get(&path, &eve).await.status, 404);
    assert_eq!(rig.post(&approve, &eve, "{}").await.status, 404);
    assert_eq!(rig.post(&approve, &ada, "{}").await.status, 403);
    assert_eq!(rig.post(&approve, &bot, "{}").await.status, 404);
    let seen: ApprovalList = rig.get("/v1/approvals", &bob).await.json();
    assert!(seen.approvals[0].may_decide && seen.approvals[0].estimated_rows == Some(3));
    assert_eq!(*ticket.progress.borrow(), ApprovalProgress::Pending);
    let done: ApprovalInfo = rig
        .post(&approve, &bob, r#"{"scope": "once"}"#)
        .await
        .json();
    assert_eq!(done.state, ApprovalState::Approved);
    let now = ticket.progress.borrow().clone();
    assert!(
        matches!(now, ApprovalProgress::Approved { ref by, .. } if *by == [principal("user:bob")])
    );
    let spend = async |digest, who| {
        rig.control
            .spend(
                Some(&ticket.id),
                digest,
                &principal(who),
                "shop",
                &SessionId::from_bits(7),
            )
            .await
            .unwrap()
    };
    assert_eq!(spend("d2", "user:ada").await, None);
    assert_eq!(spend("d1", "agent:bot").await, None);
    assert_eq!(spend("d1", "user:ada").await.unwrap().facts.people, 1);
    assert_eq!(spend("d1", "user:ada").await, None);
    assert_eq!(rig.post(&approve, &bob, "{}").await.status, 409);
}

#[tokio::test]
async fn logins_of_one_principal_wait_for_the_same_answer_and_one_is_let_in() {
    let rig = Rig::new().await;
    let bob = rig.token("user:bob").await.secret;
    let login = || HeldOperation {
        connect: true,
        ..rig.held("user:ada")
    };
    let ask = async |held| rig.control.request_approval(held).await.unwrap();
    let first = ask(login()).await;
    let second = ask(login()).await;
    assert_eq!(
        first.id, second.id,
        "one request, however often one connects"
    );
    let other = HeldOperation {
        digest: "d2".into(),
        ..login()
    };
    assert_ne!(ask(other).await.id, first.id);
    // One of them gives up: the other goes on waiting, and a third joins.
    rig.control.expire_wait(&first.id).await;
    drop(first);
    assert_eq!(*second.progress.borrow(), ApprovalProgress::Pending);
    assert_eq!(ask(login()).await.id, second.id);
    let approve = format!("/v1/approvals/{}/approve", second.id);
    assert_eq!(rig.post(&approve, &bob, "{}").await.status, 200);
    let approved = second.progress.borrow().clone();
    assert!(matches!(approved, ApprovalProgress::Approved { .. }));
    let (ada, id) = (principal("user:ada"), second.id.clone());
    drop(second);
    // Withdrawing is for what nobody has decided; this one was, and waits for the next login.
    rig.control.cancel_approval(&id).await;
    let spend = async |bits| {
        let session = SessionId::from_bits(bits);
        let spent = rig.control.spend(None, "d1", &ada, "shop", &session);
        spent.await.unwrap().is_some()
    };
    assert!(
        spend(8).await,
        "nobody waits any more: the next one is let in"
    );
    assert!(!spend(9).await, "and nobody else");
}

#[tokio::test]
async fn after_the_wait_an_approval_buys_one_run_also_across_a_restart() {
    let rig = Rig::new().await;
    let bob = rig.token("user:bob").await.secret;
    let ticket = rig
        .control
        .request_approval(rig.held("user:ada"))
        .await
        .unwrap();
    rig.control.expire_wait(&ticket.id).await;
    let approve = format!("/v1/approvals/{}/approve", ticket.id);
    assert_eq!(rig.post(&approve, &bob, "{}").await.status, 200);
    let rig = rig.restart().await.unwrap();
    let ada = principal("user:ada");
    assert!(
        rig.control
            .spend(None, "d1", &ada, "shop", &SessionId::from_bits(7))
            .await
            .unwrap()
            .is_some()
    );
    let rig = rig.restart().await.unwrap();
    assert!(
        rig.control
            .spend(None, "d1", &ada, "shop", &SessionId::from_bits(7))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        rig.get("/v1/whoami", &bob).await.status,
        200,
        "tokens survive a restart"
    );
}

#[tokio::test]
async fn a_wait_ends_when_its_requester_is_cancelled_refused_or_switched_off() {
    let rig = Rig::new().await;
    let bob = rig.token("user:bob").await.secret;
    let ask = async || {
        rig.control
            .request_approval(rig.held("user:ada"))
            .await
            .unwrap()
    };
    let (first, second, third) = (ask().await, ask().await, ask().await);
    rig.control.cancel_approval(&first.id).await;
    assert_eq!(*first.progress.borrow(), ApprovalProgress::Cancelled);
    let deny = format!("/v1/approvals/{}/deny", second.id);
    assert_eq!(
        rig.post(&deny, &bob, r#"{"reason": "not now"}"#)
            .await
            .status,
        200
    );
    let denied = ApprovalProgress::Denied {
        by: principal("user:bob"),
        reason: Some("not now".into()),
    };
    assert_eq!(*second.progress.borrow(), denied);
    let root = rig.token("user:root").await.secret;
    rig.post("/v1/principals/user:ada/disable", &root, "{}")
        .await;
    assert_eq!(*third.progress.borrow(), ApprovalProgress::Cancelled);
    assert!(
        rig.control
            .request_approval(rig.held("user:ada"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_window_is_asked_for_ahead_and_ends_absolutely() {
    let rig = Rig::new().await;
    let (ada, bob, eve) = (
        rig.token("user:ada").await.secret,
        rig.token("user:bob").await.secret,
        rig.token("user:eve").await.secret,
    );
    for (who, connection, status) in [
        (&eve, "vault", 404),
        (&ada, "nowhere", 404),
        (&ada, "vault", 201),
        (&ada, "shop", 201),
    ] {
        let body =
            format!(r#"{{"connection": "{connection}", "window_seconds": 600, "reason": "r"}}"#);
        let reply = rig.post("/v1/requests", who, &body).await;
        assert_eq!(reply.status, status, "{connection}: {}", reply.text);
        if status != 201 {
            continue;
        }
        let asked: ApprovalInfo = reply.json();
        assert!(
            asked.group_sets.iter().flatten().eq(["dba"]),
            "{:?}",
            asked.group_sets
        );
        let approve = format!("/v1/approvals/{}/approve", asked.id);
        assert_eq!(rig.post(&approve, &ada, "{}").await.status, 403);
        let done: ApprovalInfo = rig.post(&approve, &bob, "{}").await.json();
        let until = rig.now().plus_seconds(600);
        assert_eq!(done.scope, Some(ApprovalScope::Window { until }));
    }
    let names = async || {
        let list: ConnectionList = rig.get("/v1/connections", &ada).await.json();
        list.connections
            .into_iter()
            .map(|c| c.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["shop", "vault"]);
    let list: ConnectionList = rig.get("/v1/connections", &eve).await.json();
    assert_eq!(
        list.connections,
        vec![],
        "what one cannot reach is not told"
    );
}

#[tokio::test]
async fn resources_are_applied_whole_or_not_at_all() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let eve = rig.token("user:eve").await.secret;
    let file = |name: &str, text: &str| serde_json::json!({"name": name, "text": text});
    let body = |files: Vec<serde_json::Value>, dry_run: bool, prune: bool| {
        serde_json::json!({"files": files, "dry_run": dry_run, "prune": prune}).to_string()
    };
    let more = file("more.yaml", "{kind: User, name: new, groups: [guests]}");
    let dry: ApplyResponse = rig
        .post(
            "/v1/resources/apply",
            &root,
            &body(vec![more.clone()], true, false),
        )
        .await
        .json();
    assert_eq!((dry.changes.len(), dry.applied), (1, false));
    let broken = file("b.yaml", "kind: User\nnmae: x");
    let reply = rig
        .post(
            "/v1/resources/apply",
            &root,
            &body(vec![more.clone(), broken], false, false),
        )
        .await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.json::<ErrorBody>().problems[0].line, 2);
    let policy = file(
        "p.cedar",
        "permit (principal, action == Action::\"raed\", resource);",
    );
    let reply = rig
        .post(
            "/v1/resources/apply",
            &root,
            &body(vec![more.clone(), policy], false, false),
        )
        .await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.json::<ErrorBody>().problems[0].file, "p.cedar");
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:new"))
            .is_none()
    );
    let done: ApplyResponse = rig
        .post(
            "/v1/resources/apply",
            &root,
            &body(vec![more.clone()], false, false),
        )
        .await
        .json();
    assert!(
        done.applied
            && rig
                .control
                .snapshot()
                .principal(&principal("user:new"))
                .is_some()
    );
    let again: ApplyResponse = rig
        .post(
            "/v1/resources/apply",
            &root,
            &body(vec![more.clone()], false, false),
        )
        .await
        .json();
    assert_eq!((again.changes.len(), again.version), (0, done.version));
    // Pruned: everybody but root is gone, and eve's token with her, for good.
    let only = file("r.yaml", "{kind: User, name: root, groups: [admins]}");
    let pruned: ApplyResponse = rig
        .post("/v1/resources/apply", &root, &body(vec![only], false, true))
        .await
        .json();
    assert!(
        pruned
            .changes
            .iter()
            .all(|c| c.change == ChangeKind::Deleted)
    );
    let back = file("all.yaml", RESOURCES);
    assert_eq!(
        rig.post(
            "/v1/resources/apply",
            &root,
            &body(vec![back], false, false)
        )
        .await
        .status,
        200
    );
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:eve"))
            .is_some()
    );
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 401);
}

fn opened(id: &SessionId, by: &str) -> EventBody {
    EventBody::SessionOpened {
        session: id.clone(),
        principal: principal(by),
        groups: Default::default(),
        owner: None,
        token: None,
        workload: None,
        connection: "shop".into(),
        protocol: "demo".into(),
        account: "app".into(),
        database: "shop".into(),
        client_address: "192.0.2.1".into(),
        application: None,
        reason: None,
        break_glass: false,
        policies: vec![],
    }
}

#[tokio::test]
async fn sessions_are_seen_by_their_owner_and_by_whom_a_policy_lets_watch() {
    let rig = Rig::new().await;
    let id = rig.control.mint_session_id().unwrap();
    let log = rig.control.log();
    let record = log.begin(&id, rig.now(), &opened(&id, "user:ada")).unwrap();
    record.close(rig.now(), "over").unwrap();
    rig.control.beat().await;
    let replay = format!("/v1/sessions/{id}/replay");
    for (who, listed, status) in [
        ("user:ada", 1, 200),
        ("user:wat", 1, 200),
        ("user:eve", 0, 404),
        ("service:job", 0, 404),
        ("agent:bot", 0, 404),
        ("user:root", 1, 403),
    ] {
        let token = rig.token(who).await.secret;
        let list: SessionList = rig.get("/v1/sessions", &token).await.json();
        assert_eq!(list.sessions.len(), listed, "{who}");
        let reply = rig.get(&replay, &token).await;
        assert_eq!(reply.status, status, "{who}: {}", reply.text);
        if status == 200 {
            assert_eq!(reply.text.lines().count(), 2, "{}", reply.text);
        }
    }
    let watched = sluice_record::entries(log.dir()).unwrap().filter_map(Result::ok).filter(|(_, e)| {
        matches!(e, sluice_record::Entry::Admin { act, .. } if act.act == "session.watch")
    });
    assert_eq!(watched.count(), 2, "watching is itself recorded");
    let root = rig.token("user:root").await.secret;
    let report: crate::api::types::AuditReport =
        rig.post("/v1/audit/verify", &root, "").await.json();
    assert!(report.ok && report.sessions == 1, "{report:?}");
}

#[tokio::test]
async fn only_the_owner_and_administrators_end_a_session() {
    let rig = Rig::new().await;
    let id = rig.control.mint_session_id().unwrap();
    let live = SessionInfo {
        id: id.clone(),
        principal: principal("user:ada"),
        connection: "shop".into(),
        account: "app".into(),
        database: "shop".into(),
        client_address: "192.0.2.1".into(),
        application: None,
        started: rig.now(),
        live: true,
        events: 1,
        protocol: "toy".into(),
        ended: None,
        counts: OperationCounts::default(),
    };
    let kill = format!("/v1/sessions/{id}/kill");
    for (who, status) in [
        ("user:eve", 404),
        ("user:wat", 404),
        ("user:ada", 200),
        ("user:root", 200),
    ] {
        *rig.sessions.0.lock() = vec![live.clone()];
        let token = rig.token(who).await.secret;
        assert_eq!(rig.post(&kill, &token, "{}").await.status, status, "{who}");
        assert_eq!(rig.sessions.0.lock().is_empty(), status == 200, "{who}");
    }
}

#[tokio::test]
async fn refusals_of_tokens_are_all_alike_and_secrets_are_kept_nowhere() {
    let rig = Rig::new().await;
    let (expired, revoked, disabled) = (
        rig.token("user:eve").await,
        rig.token("user:bob").await,
        rig.token("user:wat").await,
    );
    rig.advance(3_601);
    let root = rig.token("user:root").await;
    let revoke = format!("/v1/tokens/{}/revoke", revoked.id);
    assert_eq!(rig.post(&revoke, &root.secret, "").await.status, 200);
    rig.post("/v1/principals/user:wat/disable", &root.secret, "{}")
        .await;
    let unknown = crate::tokens::mint().unwrap();
    let mut answers = std::collections::BTreeSet::new();
    for secret in [
        &expired.secret,
        &revoked.secret,
        &disabled.secret,
        unknown.expose(),
        "x",
        "",
    ] {
        let reply = rig.get("/v1/whoami", secret).await;
        answers.insert((reply.status.as_u16(), reply.text));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    rig.control.beat().await;
    let secrets = [root.secret, expired.secret, rig.admin_secret()];
    let mut directories = vec![rig.dir.path().join("data")];
    while let Some(dir) = directories.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if !path.ends_with("admin.token") {
                let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                let found = secrets.iter().any(|s| content.contains(s.as_str()));
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
}
