//! Denying in Slack, with a reason: the dialog, and what comes back from it.

use super::doubles::{Double, Received};
use super::slack::{POSTED, SIGNING, pressed, signed, submitted};
use crate::api::tests::rig::{Reply, Rig};
use serde_json::{Value, json};
use sluice_model::{ApprovalId, ApprovalState};
use std::time::Duration;

const OPENED: &str = r#"{"ok": true, "view": {"id": "V1"}}"#;

impl Rig {
    /// Somebody submits a dialog, and whatever that leads to.
    async fn submits(&self, who: &str, view: &Value, reason: Option<&str>, nonce: u32) -> Reply {
        let payload = submitted(who, view, reason, nonce);
        let reply = self.sends_to_slack_hook(&payload).await;
        self.control.settled().await;
        reply
    }

    /// A request that was told in Slack, and the dialog that bob opened.
    async fn with_dialog(&self) -> (Double, ApprovalId, Value) {
        let double = Double::start().await;
        self.with_slack(&double, "").await;
        double.answers(200, POSTED);
        let id = self.asked().await;
        self.control.carry_all().await;
        double.answers(200, OPENED);
        double.received();
        self.presses("UBOB", "sluice_deny", &id, &double, 1).await;
        let [opened] = double.received().try_into().unwrap();
        assert_eq!(opened.path, "/api/views.open");
        (double, id, opened.json()["view"].clone())
    }

    async fn is_pending(&self, id: &ApprovalId) -> bool {
        self.approval(id).await.state == ApprovalState::Pending
    }
}

/// Somebody was told this, for them alone: by their id, as a dialog has no place to answer to.
fn was_told(told: &Received, who: &str, says: &str) {
    let body = told.json();
    assert_eq!(told.path, "/api/chat.postEphemeral");
    assert_eq!(
        (&body["channel"], &body["user"]),
        (&json!("C0123"), &json!(who))
    );
    assert!(body["text"].as_str().unwrap().contains(says), "{body}");
}

#[tokio::test]
async fn denying_asks_why_and_the_reason_is_kept() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    double.answers(200, OPENED);
    double.received();
    let reply = rig.presses("UBOB", "sluice_deny", &id, &double, 7).await;
    assert_eq!((reply.status.as_u16(), &*reply.text), (200, ""));
    let [opened] = double.received().try_into().unwrap();
    assert_eq!(opened.path, "/api/views.open");
    assert_eq!(opened.header("authorization"), "Bearer xoxb-1-canary");
    let body = opened.json();
    assert_eq!(body["trigger_id"], "1.2.7");
    assert_eq!(body["view"]["private_metadata"], id.as_str());
    assert!(opened.body.contains("user:ada on shop"), "{}", opened.body);
    assert!(rig.is_pending(&id).await);
    assert!(rig.acts("approval.deny").is_empty());
    let why = Some("  not in the freeze <@U1> & co \u{202e} ");
    let reply = rig.submits("UBOB", &body["view"], why, 8).await;
    // Anything but an empty body would be an instruction to Slack.
    assert_eq!((reply.status.as_u16(), &*reply.text), (200, ""));
    let denied = rig.approval(&id).await;
    assert_eq!(denied.state, ApprovalState::Denied);
    let refusal = denied.refusal.unwrap();
    assert!(refusal.starts_with("user:bob: not in the freeze <@U1> & co"));
    let [act] = <[_; 1]>::try_from(rig.acts("approval.deny")).unwrap();
    assert!(
        act.detail.starts_with("not in the freeze")
            && act.detail.ends_with("through notifier chat as UBOB"),
        "{}",
        act.detail
    );
    rig.control.carry_all().await;
    let [changed] = double.received().try_into().unwrap();
    assert_eq!(changed.path, "/api/chat.update");
    assert!(
        changed
            .body
            .contains("not in the freeze &lt;@U1&gt; &amp; co")
    );
    assert!(!changed.body.contains('\u{202e}') && !changed.body.contains("sluice_deny"));
}

#[tokio::test]
async fn no_reason_is_needed_a_long_one_is_cut_and_ones_own_request_is_taken_back() {
    let long = "\u{1f600}".repeat(500);
    for (who, reason, state, expected) in [
        ("UBOB", None, ApprovalState::Denied, "user:bob".to_owned()),
        (
            "UBOB",
            Some(" "),
            ApprovalState::Denied,
            "user:bob".to_owned(),
        ),
        (
            "UBOB",
            Some(&*long),
            ApprovalState::Denied,
            format!("user:bob: {}\u{2026}", "\u{1f600}".repeat(239)),
        ),
        (
            "UADA",
            Some("a slip"),
            ApprovalState::Cancelled,
            String::new(),
        ),
    ] {
        let rig = Rig::new().await;
        let (double, id, _) = rig.with_dialog().await;
        rig.presses(who, "sluice_deny", &id, &double, 2).await;
        let [opened] = double.received().try_into().unwrap();
        rig.submits(who, &opened.json()["view"], reason, 3).await;
        let got = rig.approval(&id).await;
        assert_eq!(got.state, state, "{who} {reason:?}");
        assert_eq!(got.refusal.unwrap_or_default(), expected);
    }
}

#[tokio::test]
async fn who_may_not_deny_gets_no_dialog_and_cannot_submit_one() {
    let rig = Rig::new().await;
    let (double, id, view) = rig.with_dialog().await;
    for (nonce, who, says) in [
        (2, "UEVE", "there is no request"),
        (3, "UNOBODY", "does not know who you are"),
    ] {
        rig.presses(who, "sluice_deny", &id, &double, nonce).await;
        let [told] = double.receives(1).await.try_into().unwrap();
        assert_eq!(told.path, "/actions/T1/2/x", "no dialog");
        assert!(told.body.contains(says), "{}", told.body);
        let reply = rig.submits(who, &view, Some("no"), nonce).await;
        assert_eq!((reply.status.as_u16(), &*reply.text), (200, ""), "{who}");
        let [told] = double.receives(1).await.try_into().unwrap();
        was_told(&told, who, says);
        assert!(rig.is_pending(&id).await, "{who}");
    }
    // It is the moment of the submission that counts.
    rig.add("{kind: User, name: bob, groups: [guests]}").await;
    rig.submits("UBOB", &view, Some("no"), 4).await;
    was_told(&double.receives(1).await[0], "UBOB", "there is no request");
    rig.add("{kind: User, name: bob, groups: [dba]}").await;
    let root = rig.token("user:root").await.secret;
    rig.post("/v1/principals/user:bob/disable", &root, "{}")
        .await;
    rig.submits("UBOB", &view, Some("no"), 5).await;
    was_told(&double.receives(1).await[0], "UBOB", "switched off");
    assert!(rig.is_pending(&id).await);
    rig.post("/v1/principals/user:bob/enable", &root, "{}")
        .await;
    rig.submits("UBOB", &view, Some("no"), 6).await;
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Denied);
}

#[tokio::test]
async fn forged_stale_replayed_second_and_late_submissions_count_for_nothing() {
    let rig = Rig::new().await;
    let (double, id, view) = rig.with_dialog().await;
    let payload = submitted("UBOB", &view, Some("no"), 1);
    let send = async |key: &str, time: i64, payload: &Value| {
        let (headers, body) = signed(key, time, payload);
        let headers = headers.each_ref().map(|(n, v)| (*n, v.as_str()));
        rig.hook("chat", &headers, &body).await.status.as_u16()
    };
    let now = rig.now().seconds();
    assert_eq!(send("another", now, &payload).await, 404);
    assert_eq!(send(SIGNING, now - 301, &payload).await, 404);
    assert_eq!(send(SIGNING, now + 301, &payload).await, 404);
    assert!(rig.is_pending(&id).await);
    assert_eq!(send(SIGNING, now, &payload).await, 200);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Denied);
    assert_eq!(send(SIGNING, now, &payload).await, 409, "the very same");
    let second = submitted("UBOB", &view, Some("another reason"), 2);
    assert_eq!(send(SIGNING, now, &second).await, 200);
    was_told(&double.receives(1).await[0], "UBOB", "was refused");
    let kept = rig.approval(&id).await.refusal;
    assert_eq!(kept.as_deref(), Some("user:bob: no"));
    assert_eq!(rig.acts("approval.deny").len(), 1);
    // A dialog may stay open for longer than its request.
    let late = Rig::new().await;
    let (double, id, view) = late.with_dialog().await;
    late.advance(86_401);
    late.submits("UBOB", &view, Some("no"), 1).await;
    was_told(&double.receives(1).await[0], "UBOB", "has expired");
    assert_ne!(late.approval(&id).await.state, ApprovalState::Denied);
    assert!(late.acts("approval.deny").is_empty());
}

#[tokio::test]
async fn what_a_dialog_carries_is_worth_no_more_than_a_buttons_value() {
    let rig = Rig::new().await;
    let (double, id, view) = rig.with_dialog().await;
    // One that this notifier told nobody about.
    let elsewhere = Double::start().await;
    rig.with_slack(&elsewhere, "only: {environments: [nowhere]}")
        .await;
    let held = sluice_model::HeldOperation {
        digest: "d2".into(),
        ..rig.held("user:ada")
    };
    let untold = rig.control.request_approval(held).await.unwrap().id;
    rig.with_slack(&double, "").await;
    let with = |name: &str, value: Value| {
        let mut view = view.clone();
        view[name] = value;
        view
    };
    let other = with("private_metadata", json!(untold));
    rig.submits("UBOB", &other, Some("no"), 1).await;
    let told = double.receives(1).await;
    was_told(&told[0], "UBOB", "there is no such request");
    assert!(rig.is_pending(&untold).await);
    for (nonce, view, status) in [
        (2, with("private_metadata", json!("../../x")), 400),
        (3, with("private_metadata", json!("")), 400),
        (4, with("private_metadata", json!({"id": id})), 400),
        (5, with("callback_id", json!("sluice_approve")), 200),
        (6, with("callback_id", json!("")), 200),
    ] {
        let reply = rig.submits("UBOB", &view, Some("no"), nonce).await;
        assert_eq!(reply.status, status, "{nonce}: {}", reply.text);
    }
    let mut shapeless = submitted("UBOB", &view, None, 7);
    shapeless["view"]["state"]["values"] = json!({});
    assert_eq!(rig.sends_to_slack_hook(&shapeless).await.status, 400);
    let mut closed = submitted("UBOB", &view, None, 8);
    closed["type"] = json!("view_closed");
    assert_eq!(rig.sends_to_slack_hook(&closed).await.status, 200);
    // A submission that carries a pressed button is no pressed button.
    let mut both = submitted("UBOB", &with("callback_id", json!("x")), None, 9);
    both["actions"] =
        pressed("UBOB", "sluice_approve", id.as_str(), &double.url, 9)["actions"].clone();
    assert_eq!(rig.sends_to_slack_hook(&both).await.status, 200);
    rig.control.settled().await;
    assert!(rig.is_pending(&id).await);
    // Without what opens a dialog there is none, and nobody denies by it.
    let mut without = pressed("UBOB", "sluice_deny", id.as_str(), &double.url, 10);
    without.as_object_mut().unwrap().remove("trigger_id");
    assert_eq!(rig.sends_to_slack_hook(&without).await.status, 400);
    assert!(rig.is_pending(&id).await);
}

#[tokio::test]
async fn a_dialog_that_does_not_open_decides_nothing_and_is_said_to_whoever_pressed() {
    let rig = Rig::new().await;
    let (double, id, _) = rig.with_dialog().await;
    for (nonce, status, answer) in [
        (2, 200, r#"{"ok": false, "error": "expired_trigger_id"}"#),
        (3, 503, ""),
        (4, 200, "no json"),
    ] {
        double.answers(status, answer);
        let reply = rig
            .presses("UBOB", "sluice_deny", &id, &double, nonce)
            .await;
        assert_eq!(reply.status, 200, "{answer}");
        let [_, told] = double.receives(2).await.try_into().unwrap();
        let body = told.json();
        assert_eq!(told.path, "/actions/T1/2/x");
        assert_eq!(body["response_type"], "ephemeral");
        let text = body["text"].as_str().unwrap();
        assert!(
            text.contains("nothing was decided; press the button again"),
            "{body}"
        );
        assert!(rig.is_pending(&id).await, "{answer}");
    }
    assert!(rig.acts("approval.deny").is_empty());
    double.answers(200, OPENED);
    rig.presses("UBOB", "sluice_deny", &id, &double, 5).await;
    assert_eq!(double.received()[0].path, "/api/views.open");
    // One that says nothing is waited for no longer than it would open the dialog.
    double.is_silent_about("/api/views.open");
    let began = std::time::Instant::now();
    rig.presses("UBOB", "sluice_deny", &id, &double, 6).await;
    assert!(began.elapsed() < Duration::from_secs(6));
    let told = double.receives(2).await;
    assert!(told[1].body.contains("nothing was decided"));
    assert!(rig.is_pending(&id).await);
}
