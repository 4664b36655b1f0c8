//! What was really told, in which order, and what that lets people decide; and decisions that go on by themselves.

use super::KEY;
use super::doubles::{Double, Received, hmac_hex};
use crate::api::tests::rig::{Rig, principal};
use crate::notify::Notice;
use serde_json::json;
use sluice_model::{ApprovalId, ApprovalState, HeldOperation, SessionId};
use std::time::Duration;

/// Long enough for a message to be taken, short enough to wait for.
const MOMENT: Duration = Duration::from_millis(500);

impl Rig {
    async fn asked_for(&self, held: HeldOperation) -> ApprovalId {
        self.control.request_approval(held).await.unwrap().id
    }

    fn another(&self, digest: &str) -> HeldOperation {
        HeldOperation {
            digest: digest.into(),
            ..self.held("user:ada")
        }
    }
}

fn events(double: &Double) -> Vec<String> {
    let of = |r: &Received| {
        let body = r.json();
        let step = body["step"].as_str().or(body["event"].as_str());
        step.unwrap().to_owned()
    };
    double.received().iter().map(of).collect()
}

#[tokio::test]
async fn what_was_not_shown_when_it_was_sent_is_not_approved_later() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "details: summary").await;
    let id = rig.asked().await;
    rig.control.carry_all().await;
    // An administrator lets more be told from now on, and another request is.
    rig.with_webhook(&double, "details: full").await;
    let next = rig.asked_for(rig.another("d2")).await;
    rig.control.carry_all().await;
    let reply = rig.says("u-bob", "approve", &id).await;
    assert_eq!(reply.status, 403, "{}", reply.text);
    assert!(
        reply
            .text
            .contains("not all of what is asked for was shown")
    );
    assert_eq!(rig.says("u-bob", "approve", &next).await.status, 200);
    // What was shown stays shown, but not at another place of the same name.
    let there = Double::start().await;
    let other = rig.asked_for(rig.another("d3")).await;
    let last = rig.asked_for(rig.another("d4")).await;
    rig.control.carry_all().await;
    rig.with_webhook(&double, "details: summary").await;
    assert_eq!(rig.says("u-bob", "approve", &other).await.status, 200);
    rig.with_webhook(&there, "").await;
    assert_eq!(rig.says("u-bob", "approve", &last).await.status, 403);
    assert_eq!(rig.says("u-bob", "deny", &last).await.status, 200);
}

#[tokio::test]
async fn a_message_that_waits_or_was_given_up_lets_nobody_decide() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    double.answers(503, "");
    let id = rig.asked().await;
    rig.control.carry_all().await;
    for decision in ["approve", "deny"] {
        let reply = rig.says("u-bob", decision, &id).await;
        assert_eq!(reply.status, 404, "{decision}: {}", reply.text);
    }
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
    double.answers(200, "");
    rig.advance(10);
    rig.control.carry_all().await;
    assert_eq!(rig.says("u-bob", "approve", &id).await.status, 200);
}

#[tokio::test]
async fn a_fact_that_is_cut_is_not_approved() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    let template = "template: {inline: {text: '{{title}} {{operation}}'}}, ";
    for (more, database, status) in [
        ("", "d".repeat(900), 200),
        ("", "d".repeat(1_001), 403),
        ("", "\u{200b}".repeat(200), 403),
        (template, "d".to_owned(), 403),
    ] {
        let key = rig.secret("hook.key", KEY);
        let yaml = format!(
            "kind: Notifier\nname: hook\nwebhook: {{{more}url: '{}/in', secret: {key}}}\npeople: {{u-bob: bob}}\n",
            double.url
        );
        rig.add(&yaml).await;
        let held = HeldOperation {
            database: database.clone(),
            ..rig.another(&format!("{more}{database}"))
        };
        let id = rig.asked_for(held).await;
        rig.control.carry_all().await;
        rig.advance(1);
        let reply = rig.says("u-bob", "approve", &id).await;
        assert_eq!(reply.status, status, "{more} {database}: {}", reply.text);
    }
}

#[tokio::test]
async fn what_is_withdrawn_before_anybody_heard_of_it_is_not_told_and_leaves_nothing() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    for i in 0..20 {
        let id = rig.asked_for(rig.another(&i.to_string())).await;
        rig.control.cancel_approval(&id).await;
    }
    let stays = rig.asked().await;
    rig.control.carry_all().await;
    assert_eq!(events(&double), ["opened"]);
    rig.control.cancel_approval(&stays).await;
    rig.control.carry_all().await;
    assert_eq!(events(&double), ["cancelled"]);
    let root = rig.token("user:root").await.secret;
    let all = rig.get("/v1/deliveries", &root).await.text;
    assert_eq!(all.matches("\"d-").count(), 2, "{all}");
    // Whoever was not told of the beginning is not told of the end.
    let id = rig.asked().await;
    let late = Double::start().await;
    let key = rig.secret("late.key", KEY);
    rig.add(&format!(
        "kind: Notifier\nname: late\nwebhook: {{url: '{}/', secret: {key}}}\n",
        late.url
    ))
    .await;
    rig.control.cancel_approval(&id).await;
    rig.control.carry_all().await;
    assert!(late.received().is_empty());
}

#[tokio::test]
async fn one_person_cannot_take_the_room_of_others_and_alerts_go_first() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "events: [approval, masked, break_glass, log_gap]")
        .await;
    let (connection, session) = ("shop".to_owned(), SessionId::from_bits(1));
    for i in 0..2_100 {
        rig.control.notice(Notice::Masked {
            principal: principal("user:eve"),
            connection: connection.clone(),
            classes: vec![i.to_string()],
            session: session.clone(),
            op: 1,
            at: rig.now(),
        });
        if i % 700 == 0 {
            rig.control.tell_what_was_heard().await;
            rig.advance(61);
            rig.control.tell_what_was_heard().await;
        }
    }
    rig.control.tell_what_was_heard().await;
    rig.asked().await;
    for _ in 0..1_000 {
        rig.control.notice(Notice::BreakGlass {
            principal: principal("user:ada"),
            connection: connection.clone(),
            reason: None,
            session: session.clone(),
            at: rig.now(),
        });
    }
    let (why, at) = ("the disk is full".to_owned(), rig.now());
    rig.control.notice(Notice::LogGap { why, at });
    rig.control.tell_what_was_heard().await;
    // It survives a restart that these wait.
    let rig = rig.restart().await.unwrap();
    let root = rig.token("user:root").await.secret;
    let dead = rig.get("/v1/deliveries?state=dead", &root).await.text;
    assert!(
        dead.contains("too many messages about this person"),
        "{dead}"
    );
    assert!(!dead.contains("break_glass") && !dead.contains("log_gap") && !dead.contains("opened"));
    let mut fetcher = None;
    let notifier = rig.control.carry_one("hook", &mut fetcher).await;
    assert!(notifier && rig.control.carry_one("hook", &mut fetcher).await);
    let mut first = events(&double);
    first.sort_unstable();
    assert_eq!(first, ["break_glass", "log_gap"]);
}

#[tokio::test]
async fn slack_is_answered_at_once_and_the_decision_goes_on() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, super::slack::POSTED);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    double.received();
    let still = rig.control.standstill().await;
    let reply = rig.presses_alone("UBOB", "sluice_approve", &id, &double, 1);
    let reply = tokio::time::timeout(3 * MOMENT, reply).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text);
    drop(still);
    rig.control.settled().await;
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Approved);
}

#[tokio::test]
async fn a_decision_goes_on_when_its_sender_leaves() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "").await;
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let body = json!({"approval": id, "decision": "approve", "user": "u-bob"}).to_string();
    let seconds = rig.now().seconds();
    let tag = hmac_hex(KEY, &format!("{seconds}.{body}"));
    let header = format!("t={seconds},v1={tag}");
    let headers = [("sluice-signature", header.as_str())];
    let still = rig.control.standstill().await;
    let left = tokio::time::timeout(MOMENT, rig.hook_alone("hook", &headers, &body)).await;
    assert!(left.is_err());
    drop(still);
    rig.control.settled().await;
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Approved);
    assert_eq!(rig.hook("hook", &headers, &body).await.status, 409);
}

#[tokio::test]
async fn what_was_taken_and_could_not_be_decided_may_be_sent_again() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, super::slack::POSTED);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    double.received();
    let still = rig.control.standstill().await;
    let press = async || {
        rig.presses_alone("UBOB", "sluice_approve", &id, &double, 1)
            .await
            .status
    };
    assert_eq!(press().await, 200);
    // The store goes away between taking the message and deciding.
    let (store, away) = (
        rig.dir.path().join("data/sluice.db"),
        rig.dir.path().join("away"),
    );
    std::fs::rename(&store, &away).unwrap();
    drop(still);
    rig.control.settled().await;
    let told = double.receives(1).await;
    assert!(told[0].body.contains("could not be recorded or stored"));
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
    std::fs::rename(&away, &store).unwrap();
    assert_eq!(press().await, 200, "the very same message");
    rig.control.settled().await;
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Approved);
    assert_eq!(press().await, 409, "and not a third time");
}

#[tokio::test]
async fn what_is_sent_says_whether_the_client_waits_as_it_is_then() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_webhook(&double, "remind_after_seconds: 60").await;
    let ticket = rig.control.request_approval(rig.held("user:ada")).await;
    let ticket = ticket.unwrap();
    let sent = async || {
        rig.control.follow_rules().await;
        rig.control.carry_all().await;
        let [sent] = double.received().try_into().unwrap();
        let sent = sent.json();
        let facts = sent["facts"].as_array().unwrap().iter();
        let client = facts.filter(|fact| fact["name"] == "Client");
        let client: Vec<_> = client.map(|fact| fact["value"].clone()).collect();
        (client, sent["request"]["waiting"].clone())
    };
    let waits = "waits: it goes on as soon as it is approved";
    assert_eq!(sent().await, (vec![waits.into()], 1.into()));
    drop(ticket);
    rig.advance(60);
    let left = "waits no more: an approval is good when they ask again";
    assert_eq!(sent().await, (vec![left.into()], 0.into()));
}
