//! What the console asks: who sees which records and numbers, and who ends what was given.

use super::rig::{REMOTE, Rig, principal};
use crate::api::types::{
    CreatedToken, LogList, OperationList, Overview, SessionInfo, SessionList, SessionVerified,
};
use sluice_model::{Allowed, Decision, EventBody, RecordedAccess, SessionId};

/// A session of ada's on the shop with one operation.
async fn with_a_session(rig: &Rig) -> SessionId {
    let id = rig.control.mint_session_id().unwrap();
    let opening = EventBody::SessionOpened {
        session: id.clone(),
        principal: principal("user:ada"),
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
    };
    let mut record = rig.control.log().begin(&id, rig.now(), &opening).unwrap();
    let asked = EventBody::Asked {
        op: 1,
        text: "get the secret plans".into(),
        parameters: vec![],
        accesses: vec![RecordedAccess(
            "demo:get".into(),
            "table public.plans".into(),
        )],
        decision: Decision::Allow(Allowed {
            policies: vec!["eng-connects".into()],
        }),
        approval: None,
    };
    let _receipt = record.append(rig.now(), &asked).unwrap();
    record.close(rig.now(), "over").unwrap();
    id
}

#[tokio::test]
async fn operations_are_seen_by_their_owner_and_by_whom_a_policy_lets_watch() {
    let rig = Rig::new().await;
    let id = with_a_session(&rig).await;
    for (who, operations, sessions) in [
        ("user:ada", 1, 1),
        ("user:wat", 1, 1),
        ("user:eve", 0, 0),
        ("agent:bot", 0, 0),
        // Knows that there was a session, and not what was asked in it.
        ("user:root", 0, 1),
    ] {
        let token = rig.token(who).await.secret;
        let found: OperationList = rig.get("/v1/operations", &token).await.json();
        assert_eq!(found.operations.len(), operations, "{who}");
        let list: SessionList = rig.get("/v1/sessions", &token).await.json();
        assert_eq!(list.sessions.len(), sessions, "{who}");
        // What was asked is no way to learn of it either.
        for search in [
            "text=secret",
            "resource=plans",
            "action=demo:get",
            "policy=eng-connects",
        ] {
            let path = format!("/v1/sessions?{search}");
            let found: SessionList = rig.get(&path, &token).await.json();
            assert_eq!(found.sessions.len(), operations, "{who} {search}");
        }
        let one = rig.get(&format!("/v1/sessions/{id}"), &token).await;
        assert_eq!(one.status == 200, sessions == 1, "{who}");
        let verified = rig.get(&format!("/v1/sessions/{id}/verify"), &token).await;
        assert_eq!(verified.status == 200, sessions == 1, "{who}");
        let overview: Overview = rig.get("/v1/overview", &token).await.json();
        let counted: u64 = overview.points.iter().map(|p| p.allowed).sum();
        assert_eq!(counted, sessions as u64, "{who}");
        assert_eq!(overview.log.is_some(), who == "user:root", "{who}");
    }
    let wat = rig.token("user:wat").await.secret;
    let one: SessionInfo = rig.get(&format!("/v1/sessions/{id}"), &wat).await.json();
    assert_eq!((one.counts.operations, one.protocol.as_str()), (1, "demo"));
    let verified: SessionVerified = rig
        .get(&format!("/v1/sessions/{id}/verify"), &wat)
        .await
        .json();
    assert!(
        verified.ok && verified.closed && verified.events == 3,
        "{verified:?}"
    );
    // Looking into others' records is on record, once for each search; into one's own alone it is not.
    let root = rig.token("user:root").await.secret;
    let log: LogList = rig.get("/v1/log?act=session.search", &root).await.json();
    let by = |who: &str| {
        let theirs = log
            .entries
            .iter()
            .filter(|e| e.actor == Some(principal(who)));
        theirs.count()
    };
    assert_eq!((by("user:wat"), by("user:ada"), by("user:eve")), (5, 0, 0));
}

#[tokio::test]
async fn a_changed_record_is_not_as_it_was_written() {
    let rig = Rig::new().await;
    let id = with_a_session(&rig).await;
    let ada = rig.token("user:ada").await.secret;
    let path = format!("/v1/sessions/{id}/verify");
    let whole: SessionVerified = rig.get(&path, &ada).await.json();
    assert!(whole.ok, "{whole:?}");
    let file = rig
        .control
        .log()
        .dir()
        .join(format!("sessions/{id}/events"));
    let text = std::fs::read(&file).unwrap();
    let at = text.windows(6).position(|w| w == b"secret").unwrap();
    let mut changed = text.clone();
    changed[at] = b'S';
    std::fs::write(&file, changed).unwrap();
    let report: SessionVerified = rig.get(&path, &ada).await.json();
    assert!(!report.ok && !report.problems.is_empty(), "{report:?}");
    // Cut back to what the log committed to no more.
    std::fs::write(&file, &text[..text.len() - 40]).unwrap();
    let report: SessionVerified = rig.get(&path, &ada).await.json();
    assert!(!report.ok, "{report:?}");
}

#[tokio::test]
async fn what_was_given_is_ended_by_those_it_concerns() {
    let rig = Rig::new().await;
    let [ada, bob, eve, root] = ["user:ada", "user:bob", "user:eve", "user:root"];
    let mut tokens: Vec<CreatedToken> = Vec::new();
    for who in [ada, bob, eve, root] {
        tokens.push(rig.token(who).await);
    }
    let secret = |place: usize| tokens.get(place).unwrap().secret.as_str();
    for (ender, status) in [(2, 404), (0, 200), (1, 200), (3, 200)] {
        let body = r#"{"connection": "vault", "window_seconds": 600, "reason": "plans"}"#;
        let asked = rig.post("/v1/requests", secret(0), body).await;
        assert_eq!(asked.status, 201, "{}", asked.text);
        let id = asked.json::<serde_json::Value>()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let end = format!("/v1/approvals/{id}/end");
        let early = rig.post(&end, secret(0), r#"{"reason": "early"}"#).await;
        assert_eq!(early.status, 409, "nothing was given yet: {}", early.text);
        let approve = format!("/v1/approvals/{id}/approve");
        assert_eq!(rig.post(&approve, secret(1), "{}").await.status, 200);
        let state = async || {
            let seen = rig.get(&format!("/v1/approvals/{id}"), secret(0)).await;
            seen.json::<serde_json::Value>()["state"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(state().await, "approved");
        let reply = rig.post(&end, secret(ender), r#"{"reason": "done"}"#).await;
        assert_eq!(reply.status, status, "{ender}: {}", reply.text);
        let expected = if status == 200 { "spent" } else { "approved" };
        assert_eq!(state().await, expected);
        if status == 200 {
            let again = rig.post(&end, secret(ender), "{}").await;
            assert_eq!(again.status, 409, "{}", again.text);
        } else {
            rig.post(&end, secret(0), "{}").await;
        }
    }
}

#[tokio::test]
async fn cursors_that_no_list_gave_are_refused() {
    let rig = Rig::new().await;
    let ada = rig.token("user:ada").await.secret;
    let root = rig.token("user:root").await.secret;
    for (path, secret) in [
        ("/v1/operations?cursor=x", &ada),
        ("/v1/sessions?cursor=1", &ada),
        ("/v1/log?cursor=-", &root),
        ("/v1/operations?unknown=1", &ada),
    ] {
        assert_eq!(rig.get(path, secret).await.status, 400, "{path}");
    }
    let page = rig
        .call("get", "/console/approvals/a-1", None, REMOTE, "")
        .await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn what_cannot_be_an_id_is_the_id_of_nothing() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    for (path, said) in [
        (
            "/v1/sessions/nonsense/replay",
            "there is no session \\\"nonsense\\\"",
        ),
        (
            "/v1/approvals/nonsense",
            "there is no request \\\"nonsense\\\"",
        ),
    ] {
        let reply = rig.get(path, &root).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text);
        assert!(reply.text.contains(said), "{path}: {}", reply.text);
    }
    let body = r#"{"as": "ada", "connection": "shop", "operation": "get t"}"#;
    let reply = rig.post("/v1/explain", &root, body).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert!(
        reply
            .text
            .contains("as: expected user:NAME, service:NAME or agent:NAME"),
        "{}",
        reply.text
    );
    assert!(!reply.text.contains("column"), "{}", reply.text);
}
