//! The generic webhook, the outbox behind every notifier, decisions that come back, rules and notices.

use super::KEY;
use super::doubles::{Double, Received, hmac_hex};
use crate::api::tests::rig::{Rig, principal};
use crate::api::types::{DeliveryInfo, DeliveryList, NotifierList, TestResult};
use crate::notify::Notice;
use crate::port_types::ApprovalProgress;
use serde_json::json;
use sluice_model::{ApprovalState, HeldOperation, SessionId};

/// What the guide says about checking a message, written from the guide.
fn check_signature(message: &Received) {
    let header = message.header("sluice-signature");
    let (time, tag) = header.split_once(',').unwrap();
    let (time, tag) = (
        time.strip_prefix("t=").unwrap(),
        tag.strip_prefix("v1=").unwrap(),
    );
    assert_eq!(tag, hmac_hex(KEY, &format!("{time}.{}", message.body)));
    assert!(message.header("sluice-delivery").starts_with("d-"));
    assert_eq!(
        message.header("sluice-delivery"),
        message.header("idempotency-key")
    );
}

#[tokio::test]
async fn a_request_and_its_outcome_are_told_signed_and_once() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let [told] = double.received().try_into().unwrap();
    check_signature(&told);
    let body = told.json();
    assert_eq!(body["event"], "approval");
    assert_eq!(body["step"], "opened");
    assert_eq!(body["operation"], "put t");
    assert_eq!(body["request"]["id"], id.as_str());
    assert_eq!(body["request"]["estimated_rows"], 3);
    assert!(body["callback"].as_str().unwrap().ends_with("/hooks/hook"));
    assert!(
        body["url"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/console/approvals/{id}"))
    );
    rig.control.carry_all().await;
    assert!(double.received().is_empty());
    assert_eq!(rig.says("u-bob", "approve", &id).await.status, 200);
    rig.control.carry_all().await;
    let [told] = double.received().try_into().unwrap();
    check_signature(&told);
    assert_eq!(told.json()["step"], "approved");
    // It is used up, which is nobody's news.
    let by = principal("user:ada");
    let spent = rig
        .control
        .spend(Some(&id), "d1", &by, "shop", &SessionId::from_bits(7))
        .await;
    assert!(spent.unwrap().is_some());
    rig.control.carry_all().await;
    assert!(double.received().is_empty());
}

#[tokio::test]
async fn what_is_not_delivered_is_tried_again_given_up_and_sent_after_all() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    double.answers_with(503, ("retry-after", "30"));
    rig.asked().await;
    rig.control.carry_all().await;
    assert_eq!(double.received().len(), 1);
    rig.advance(29);
    rig.control.carry_all().await;
    assert_eq!(
        double.received().len(),
        0,
        "the service asked to be left alone"
    );
    rig.advance(10);
    rig.control.carry_all().await;
    let first = double.received().pop().unwrap().header("sluice-delivery");
    // It survives a restart.
    let rig = rig.restart().await.unwrap();
    for _ in 0..200 {
        rig.advance(900);
        rig.control.carry_all().await;
    }
    let root = rig.token("user:root").await.secret;
    let dead: DeliveryList = rig.get("/v1/deliveries?state=dead", &root).await.json();
    let [letter] = <[DeliveryInfo; 1]>::try_from(dead.deliveries).unwrap();
    assert_eq!(letter.id, first);
    assert_eq!(
        letter.last_error.as_deref(),
        Some("the service answered 503")
    );
    let notifiers: NotifierList = rig.get("/v1/notifiers", &root).await.json();
    assert_eq!(
        (notifiers.notifiers[0].dead, notifiers.notifiers[0].pending),
        (1, 0)
    );
    double.received();
    double.answers(200, "");
    let retry = format!("/v1/deliveries/{}/retry", letter.id);
    assert_eq!(rig.post(&retry, &root, "").await.status, 200);
    rig.control.carry_all().await;
    let again = double.received().pop().unwrap();
    assert_eq!(
        again.header("sluice-delivery"),
        first,
        "the other side can tell that it is the same"
    );
    check_signature(&again);
    assert_eq!(rig.post(&retry, &root, "").await.status, 409);
    let page: DeliveryList = rig
        .get("/v1/deliveries?limit=1&notifier=hook", &root)
        .await
        .json();
    let next = format!("/v1/deliveries?cursor={}", page.next.unwrap());
    let rest: DeliveryList = rig.get(&next, &root).await.json();
    assert!(
        rest.deliveries
            .iter()
            .all(|d| d.id != page.deliveries[0].id)
    );
}

#[tokio::test]
async fn redirects_are_not_followed_and_nobody_else_is_asked() {
    let rig = Rig::new().await;
    let (double, other) = (Double::start().await, Double::start().await);
    rig.with_webhook(&double, "").await;
    for status in [301, 302, 303, 307, 308] {
        double.answers_with(status, ("location", &format!("{}/metadata", other.url)));
        rig.asked().await;
        rig.control.carry_all().await;
        rig.advance(3_600);
    }
    assert!(!double.received().is_empty());
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn a_notifier_that_hangs_delays_neither_another_nor_a_decision() {
    let rig = Rig::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    let key = rig.secret("slow.key", KEY);
    let url = format!("http://{}/", silent.local_addr().unwrap());
    rig.add(&format!(
        "kind: Notifier\nname: slow\nwebhook: {{url: '{url}', secret: {key}}}\n"
    ))
    .await;
    let id = rig.asked().await;
    let control = rig.control.clone();
    let hanging = tokio::spawn(async move { control.carry_through("slow").await });
    let _held = silent.accept().await.unwrap();
    rig.control.carry_through("hook").await;
    assert_eq!(double.received().len(), 1);
    assert_eq!(rig.says("u-bob", "approve", &id).await.status, 200);
    assert!(!hanging.is_finished());
    hanging.abort();
}

#[tokio::test]
async fn a_decision_from_outside_is_checked_like_any_other() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    rig.add("{kind: User, name: ada, groups: [engineering, dba]}")
        .await;
    for (who, decision, status, state) in [
        ("u-ada", "approve", 403, ApprovalState::Pending),
        ("u-eve", "approve", 404, ApprovalState::Pending),
        ("u-eve", "deny", 404, ApprovalState::Pending),
        ("u-nobody", "approve", 403, ApprovalState::Pending),
        ("bob", "approve", 403, ApprovalState::Pending),
        ("", "approve", 400, ApprovalState::Pending),
        ("u-bob", "both", 400, ApprovalState::Pending),
        ("u-bob", "deny", 200, ApprovalState::Denied),
        ("u-bob", "approve", 409, ApprovalState::Denied),
    ] {
        let id = match state {
            ApprovalState::Pending => {
                let id = rig.asked().await;
                rig.control.carry_all().await;
                id
            }
            _ => {
                let all = rig
                    .control
                    .list_approvals(&rig.caller("user:admin"), true)
                    .await;
                all[0].id.clone()
            }
        };
        rig.advance(1);
        let reply = rig.says(who, decision, &id).await;
        assert_eq!(reply.status, status, "{who} {decision}: {}", reply.text);
        assert_eq!(rig.approval(&id).await.state, state, "{who} {decision}");
    }
    let body = |scope: &str| {
        format!(
            r#"{{"approval": "a-0000000000", "decision": "approve", "user": "u-bob", "scope": {scope}}}"#
        )
    };
    // Only what was asked for can be had, and only about requests that this notifier was told about.
    assert_eq!(rig.signed("hook", &body(r#""session""#)).await.status, 400);
    assert_eq!(
        rig.signed("hook", &body(r#"{"window": {"seconds": 9}}"#))
            .await
            .status,
        400
    );
    assert_eq!(rig.signed("hook", &body(r#""once""#)).await.status, 404);
}

#[tokio::test]
async fn who_is_switched_off_or_a_notifier_that_was_not_told_decides_nothing() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "only: {environments: [staging]}")
        .await;
    let id = rig.asked().await;
    assert_eq!(
        rig.says("u-bob", "approve", &id).await.status,
        404,
        "another environment's"
    );
    rig.with_webhook(&double, "only: {environments: [prod], groups: [dba]}")
        .await;
    let held = HeldOperation {
        digest: "d2".into(),
        ..rig.held("user:ada")
    };
    let id = rig.control.request_approval(held).await.unwrap().id;
    let early = rig.says("u-bob", "approve", &id).await.status;
    assert_eq!(early, 404, "nothing was sent yet");
    rig.control.carry_all().await;
    let root = rig.token("user:root").await.secret;
    rig.post("/v1/principals/user:bob/disable", &root, "{}")
        .await;
    rig.advance(1);
    assert_eq!(rig.says("u-bob", "approve", &id).await.status, 403);
    rig.post("/v1/principals/user:bob/enable", &root, "{}")
        .await;
    rig.advance(1);
    assert_eq!(rig.says("u-bob", "approve", &id).await.status, 200);
    let actor = |name: &str| principal(name);
    let log = rig.dir.path().join("data/records");
    assert!(log.exists() && actor("user:bob") == rig.approval(&id).await.given[0].by);
}

#[tokio::test]
async fn what_is_not_shown_whole_is_not_approved_there() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "details: summary").await;
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let [told] = double.received().try_into().unwrap();
    assert!(!told.body.contains("put t"), "{}", told.body);
    let reply = rig.says("u-bob", "approve", &id).await;
    assert_eq!(reply.status, 403, "{}", reply.text);
    rig.advance(1);
    assert_eq!(rig.says("u-bob", "deny", &id).await.status, 200);
}

#[tokio::test]
async fn reminders_escalation_and_an_early_end() {
    let rig = Rig::new().await;
    let (double, boss) = (Double::start().await, Double::start().await);
    let key = rig.secret("boss.key", KEY);
    let yaml = format!(
        "kind: Notifier\nname: boss\nevents: [log_gap]\nwebhook: {{url: '{}/', secret: {key}}}\npeople: {{u-bob: bob}}\n",
        boss.url
    );
    rig.add(&yaml).await;
    let rules = "remind_after_seconds: 60\nescalate: {after_seconds: 120, to: boss}\nexpire_after_seconds: 600\n";
    rig.with_webhook(&double, rules).await;
    let id = rig.asked().await;
    let steps = async |seconds: i64| {
        rig.advance(seconds);
        for _ in 0..2 {
            rig.control.follow_rules().await;
            rig.control.carry_all().await;
        }
        let step = |r: Received| r.json()["step"].as_str().unwrap().to_owned();
        let here: Vec<String> = double.received().into_iter().map(step).collect();
        let there: Vec<String> = boss.received().into_iter().map(step).collect();
        (here.join(" "), there.join(" "))
    };
    assert_eq!(rig.approval(&id).await.expires, rig.now().plus_seconds(600));
    let expected = |here: &str, there: &str| (here.to_owned(), there.to_owned());
    assert_eq!(steps(0).await, expected("opened", ""));
    assert_eq!(steps(59).await, expected("", ""));
    assert_eq!(steps(1).await, expected("reminder", ""));
    assert_eq!(steps(60).await, expected("", "escalated"));
    assert_eq!(steps(60).await, expected("", ""));
    // Whom it was escalated to decides as well, and both hear of it.
    let body = format!(r#"{{"approval": "{id}", "decision": "approve", "user": "u-bob"}}"#);
    assert_eq!(rig.signed("boss", &body).await.status, 200);
    assert_eq!(steps(1).await, expected("approved", "approved"));
    let late = rig.asked().await;
    rig.control.carry_all().await;
    rig.advance(600);
    let reply = rig.says("u-bob", "approve", &late).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
}

#[tokio::test]
async fn events_are_told_to_those_who_want_them() {
    let rig = Rig::new().await;
    let (double, quiet) = (Double::start().await, Double::start().await);
    rig.with_webhook(
        &double,
        "events: [refused, masked, break_glass, log_gap, new_connection]",
    )
    .await;
    let key = rig.secret("quiet.key", KEY);
    rig.add(&format!(
        "kind: Notifier\nname: quiet\nevents: [refused]\nonly: {{connections: [vault]}}\nwebhook: {{url: '{}/', secret: {key}}}\n",
        quiet.url
    ))
    .await;
    rig.control.tell_what_was_heard().await;
    rig.control.carry_all().await;
    double.received();
    let (who, at) = (principal("user:ada"), rig.now());
    let (connection, session) = ("shop".to_owned(), SessionId::from_bits(1));
    for op in 0..3 {
        rig.control.notice(Notice::Refused {
            principal: who.clone(),
            connection: connection.clone(),
            policy: Some("no-drops".into()),
            message: "never\u{202e}\n<b>".into(),
            session: session.clone(),
            op,
            at,
        });
    }
    rig.control.notice(Notice::Masked {
        principal: who.clone(),
        connection: connection.clone(),
        classes: vec!["ssn".into()],
        session: session.clone(),
        op: 1,
        at,
    });
    rig.control.notice(Notice::BreakGlass {
        principal: who,
        connection,
        reason: Some("INC-1".into()),
        session,
        at,
    });
    rig.control.notice(Notice::LogGap {
        why: "the disk is full".into(),
        at,
    });
    rig.add("kind: Connection\nname: new\nprotocol: demo\nenvironment: prod\ntarget: {address: 'h:3'}\naccounts: [{name: app, username: u}]\n").await;
    rig.control.tell_what_was_heard().await;
    rig.control.carry_all().await;
    let told: Vec<_> = double.received().iter().map(Received::json).collect();
    let mut events: Vec<&str> = told.iter().map(|t| t["event"].as_str().unwrap()).collect();
    events.sort_unstable();
    assert_eq!(
        events,
        [
            "break_glass",
            "log_gap",
            "masked",
            "new_connection",
            "refused"
        ]
    );
    let refused = told.iter().find(|t| t["event"] == "refused").unwrap();
    let facts = refused["facts"].to_string();
    assert!(
        facts.contains("3 times") && facts.contains("no-drops"),
        "{facts}"
    );
    assert!(facts.contains("never\\\\u{202e}\\\\u{a}<b>"), "{facts}");
    assert_eq!(refused["request"], json!(null));
    assert!(quiet.received().is_empty());
}

#[tokio::test]
async fn a_test_message_says_how_it_went_and_secrets_stay_here() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    let root = rig.token("user:root").await.secret;
    let test = async || {
        rig.post("/v1/notifiers/hook/test", &root, "")
            .await
            .json::<TestResult>()
    };
    assert_eq!(
        test().await,
        TestResult {
            ok: true,
            error: None
        }
    );
    assert_eq!(double.received()[0].json()["event"], "test");
    double.answers(401, &format!("bad key {KEY}"));
    let failed = test().await.error.unwrap();
    assert_eq!(failed, "the service answered 401");
    std::fs::remove_file(rig.dir.path().join("hook.key")).unwrap();
    let failed = test().await.error.unwrap();
    assert_eq!(failed, "the secret cannot be read: there is no such file");
    let all =
        rig.get("/v1/deliveries", &root).await.text + &rig.get("/v1/notifiers", &root).await.text;
    assert!(!all.contains(KEY));
}

#[tokio::test]
async fn a_wait_ends_by_a_decision_from_outside() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    let ticket = rig
        .control
        .request_approval(rig.held("user:ada"))
        .await
        .unwrap();
    rig.control.carry_all().await;
    assert_eq!(rig.says("u-bob", "approve", &ticket.id).await.status, 200);
    let now = ticket.progress.borrow().clone();
    assert!(
        matches!(now, ApprovalProgress::Approved { ref by, .. } if *by == [principal("user:bob")])
    );
}

#[tokio::test]
async fn the_background_carries_messages_by_itself() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    let stop = tokio_util::sync::CancellationToken::new();
    let (control, sessions) = (rig.control.clone(), rig.sessions.clone());
    let until = stop.clone();
    let background = tokio::spawn(async move { control.run_background(sessions, until).await });
    rig.asked().await;
    check_signature(&double.receives(1).await[0]);
    stop.cancel();
    background.await.unwrap();
}
