//! Slack.

use super::doubles::{Double, hmac_hex};
use super::limits::slack_message;
use crate::api::tests::rig::{Reply, Rig};
use serde_json::{Value, json};
use sluice_identity::form::percent;
use sluice_model::{ApprovalId, ApprovalState, HeldOperation, HeldParameter};

pub(super) const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(super) const POSTED: &str = r#"{"ok": true, "channel": "C0123", "ts": "1503435956.000247"}"#;

impl Rig {
    pub(super) async fn with_slack(&self, double: &Double, more: &str) {
        self.with_slack_at(&double.url, more).await;
    }

    pub(super) async fn with_slack_at(&self, url: &str, more: &str) {
        let (token, signing) = (
            self.secret("slack.token", "xoxb-1-canary"),
            self.secret("slack.key", SIGNING),
        );
        let yaml = format!(
            "kind: Notifier\nname: chat\nslack: {{token: {token}, signing_secret: {signing}, channel: C0123, api_url: '{url}/api'}}\npeople: {{UBOB: bob, UADA: ada, UEVE: eve}}\n{more}\n"
        );
        self.add(&yaml).await;
    }

    /// Somebody presses a button, and whatever that leads to.
    pub(super) async fn presses(
        &self,
        who: &str,
        action: &str,
        id: &ApprovalId,
        double: &Double,
        nonce: u32,
    ) -> Reply {
        let reply = self.presses_alone(who, action, id, double, nonce).await;
        self.control.settled().await;
        reply
    }

    /// The same, up to the answer.
    pub(super) async fn presses_alone(
        &self,
        who: &str,
        action: &str,
        id: &ApprovalId,
        double: &Double,
        nonce: u32,
    ) -> Reply {
        let payload = pressed(who, action, id.as_str(), &double.url, nonce);
        self.sends_to_slack_hook(&payload).await
    }

    pub(super) async fn sends_to_slack_hook(&self, payload: &Value) -> Reply {
        let (headers, body) = signed(SIGNING, self.now().seconds(), payload);
        let headers = headers.each_ref().map(|(n, v)| (*n, v.as_str()));
        self.hook_alone("chat", &headers, &body).await
    }
}

/// What Slack sends: headers and a body.
pub(super) fn signed(
    key: &str,
    time: i64,
    payload: &Value,
) -> ([(&'static str, String); 3], String) {
    let body = format!("payload={}", percent(&payload.to_string()));
    let tag = format!("v0={}", hmac_hex(key, &format!("v0:{time}:{body}")));
    let headers = [
        (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        ),
        ("x-slack-request-timestamp", time.to_string()),
        ("x-slack-signature", tag),
    ];
    (headers, body)
}

/// What Slack says when somebody presses a button of a message.
pub(super) fn pressed(who: &str, action: &str, value: &str, url: &str, nonce: u32) -> Value {
    let text = json!({"type": "plain_text", "text": "Deny", "emoji": false});
    json!({
        "type": "block_actions",
        "user": {"id": who, "username": "x", "name": "x", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "x",
        "container": {
            "type": "message", "message_ts": "1503435956.000247", "channel_id": "C0123",
            "is_ephemeral": false,
        },
        "trigger_id": format!("1.2.{nonce}"),
        "team": {"id": "T1", "domain": "x"},
        "is_enterprise_install": false,
        "channel": {"id": "C0123", "name": "approvals"},
        "message": {"type": "message", "user": "U1", "ts": "1503435956.000247", "text": "x"},
        "response_url": format!("{url}/actions/T1/2/x"),
        "actions": [{
            "type": "button", "action_id": action, "block_id": "sluice_decide", "text": text,
            "value": value, "action_ts": format!("1548426417.{nonce:06}"),
        }],
    })
}

/// What Slack says when somebody submits a dialog that was opened with this view.
pub(super) fn submitted(who: &str, view: &Value, reason: Option<&str>, nonce: u32) -> Value {
    let input = json!({"type": "plain_text_input", "value": reason});
    json!({
        "type": "view_submission",
        "team": {"id": "T1", "domain": "x"},
        "user": {"id": who, "name": "x", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "x",
        "trigger_id": format!("3.4.{nonce}"),
        "view": {
            "id": format!("V{nonce}"), "team_id": "T1", "type": "modal", "app_id": "A1", "bot_id": "B1",
            "callback_id": view["callback_id"], "private_metadata": view["private_metadata"],
            "title": view["title"], "close": view["close"], "submit": view["submit"], "blocks": view["blocks"],
            "state": {"values": {"sluice_reason": {"sluice_reason": input}}},
            "hash": "1.x", "clear_on_close": false, "notify_on_close": false, "root_view_id": "V1",
            "previous_view_id": null, "app_installed_team_id": "T1", "external_id": "",
        },
        "response_urls": [],
        "is_enterprise_install": false,
    })
}

fn buttons(body: &Value) -> Vec<String> {
    let last = body["blocks"].as_array().unwrap().last().unwrap();
    let name = |b: &Value| b["action_id"].as_str().unwrap().to_owned();
    last["elements"]
        .as_array()
        .unwrap()
        .iter()
        .map(name)
        .collect()
}

#[tokio::test]
async fn a_message_has_buttons_that_decide_and_is_changed_when_it_is_over() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    let held = HeldOperation {
        text: "put <!channel> `x` *y* <https://evil.example|click> & ```\u{202e}".into(),
        reason: Some("<!here> & <@U1>".into()),
        parameters: HeldParameter::numbered([Some("<@UBOB>".into()), None]),
        ..rig.held("user:ada")
    };
    let id = rig.control.request_approval(held).await.unwrap().id;
    rig.control.carry_all().await;
    let [posted] = double.received().try_into().unwrap();
    assert_eq!(posted.path, "/api/chat.postMessage");
    assert_eq!(posted.header("authorization"), "Bearer xoxb-1-canary");
    let body = posted.json();
    slack_message(&body);
    assert_eq!(
        buttons(&body),
        ["sluice_approve", "sluice_deny", "sluice_open"]
    );
    assert!(
        posted.body.contains("&lt;!here&gt; &amp; &lt;@U1&gt;"),
        "{}",
        posted.body
    );
    assert!(posted.body.contains("\\\\u{202e}"), "{}", posted.body);
    // A link to the console is no decision.
    assert_eq!(
        rig.presses("UBOB", "sluice_open", &id, &double, 0)
            .await
            .status,
        200
    );
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
    let reply = rig.presses("UBOB", "sluice_approve", &id, &double, 1).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Approved);
    rig.control.carry_all().await;
    let [changed] = double.received().try_into().unwrap();
    assert_eq!(changed.path, "/api/chat.update");
    let body = changed.json();
    slack_message(&body);
    assert_eq!(
        (&body["ts"], &body["channel"]),
        (&json!("1503435956.000247"), &json!("C0123"))
    );
    assert_eq!(buttons(&body), ["sluice_open"]);
}

#[tokio::test]
async fn who_may_not_is_told_why_and_nothing_is_decided() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    double.received();
    for (nonce, who, says) in [
        (1, "UADA", "nobody approves their own request"),
        (2, "UEVE", "there is no request"),
        (3, "UNOBODY", "does not know who you are"),
    ] {
        assert_eq!(
            rig.presses(who, "sluice_approve", &id, &double, nonce)
                .await
                .status,
            200,
            "{who}"
        );
        let [told] = double.receives(1).await.try_into().unwrap();
        let body = told.json();
        assert_eq!(told.path, "/actions/T1/2/x");
        assert_eq!(body["response_type"], "ephemeral");
        assert!(body["text"].as_str().unwrap().contains(says), "{body}");
        assert_eq!(
            rig.approval(&id).await.state,
            ApprovalState::Pending,
            "{who}"
        );
    }
}

#[tokio::test]
async fn forged_stale_and_replayed_interactions_are_refused() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let payload = json!({
        "type": "block_actions", "user": {"id": "UBOB"},
        "actions": [{"action_id": "sluice_approve", "block_id": "sluice_decide", "value": id.as_str()}],
    });
    let now = rig.now().seconds();
    let body = signed(SIGNING, now, &payload).1;
    let send = async |key: &str, time: i64, body: &str| {
        let tag = format!("v0={}", hmac_hex(key, &format!("v0:{time}:{body}")));
        let time = time.to_string();
        let headers = [
            ("x-slack-request-timestamp", time.as_str()),
            ("x-slack-signature", tag.as_str()),
        ];
        rig.hook("chat", &headers, body).await.status.as_u16()
    };
    assert_eq!(rig.hook("chat", &[], &body).await.status, 404);
    assert_eq!(send("another", now, &body).await, 404);
    assert_eq!(send(SIGNING, now - 301, &body).await, 404);
    assert_eq!(send(SIGNING, now + 301, &body).await, 404);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
    let twice = format!("{body}&{body}");
    assert_eq!(send(SIGNING, now, &twice).await, 400);
    assert_eq!(send(SIGNING, now, &body).await, 200);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Approved);
    assert_eq!(
        send(SIGNING, now, &body).await,
        409,
        "the very same message"
    );
    let rig = rig.restart().await.unwrap();
    let (headers, body) = signed(SIGNING, now, &payload);
    let headers = headers.each_ref().map(|(n, v)| (*n, v.as_str()));
    assert_eq!(
        rig.hook("chat", &headers, &body).await.status,
        409,
        "also after a restart"
    );
}

#[tokio::test]
async fn long_operations_are_cut_and_then_not_approved_in_the_channel() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    for (length, can) in [(5_600, true), (5_601, false), (60_000, false)] {
        let held = HeldOperation {
            text: "&".repeat(length),
            digest: length.to_string(),
            ..rig.held("user:ada")
        };
        let id = rig.control.request_approval(held).await.unwrap().id;
        rig.control.carry_all().await;
        let body = double.received().pop().unwrap().json();
        slack_message(&body);
        assert_eq!(
            buttons(&body).contains(&"sluice_approve".to_owned()),
            can,
            "{length}"
        );
        rig.presses("UBOB", "sluice_approve", &id, &double, 1).await;
        let state = rig.approval(&id).await.state;
        assert_eq!(state == ApprovalState::Approved, can, "{length}");
        rig.control.carry_all().await;
        rig.advance(1);
    }
}

#[tokio::test]
async fn a_fact_that_is_cut_has_no_button_that_approves() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    // "Database: " takes ten of the 390 characters, and one is spared.
    for (length, can) in [(379, true), (381, false), (900, false)] {
        let held = HeldOperation {
            database: "d".repeat(length),
            digest: length.to_string(),
            ..rig.held("user:ada")
        };
        let id = rig.control.request_approval(held).await.unwrap().id;
        rig.control.carry_all().await;
        let body = double.received().pop().unwrap().json();
        let has = buttons(&body).contains(&"sluice_approve".to_owned());
        assert_eq!(has, can, "{length}");
        rig.presses("UBOB", "sluice_approve", &id, &double, 1).await;
        let state = rig.approval(&id).await.state;
        assert_eq!(state == ApprovalState::Approved, can, "{length}");
        rig.control.carry_all().await;
        rig.advance(1);
    }
}

#[tokio::test]
async fn what_slack_refuses_is_tried_again_and_what_is_gone_is_posted_anew() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_slack(&double, "remind_after_seconds: 60").await;
    double.answers(200, r#"{"ok": false, "error": "channel_not_found"}"#);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let root = rig.token("user:root").await.secret;
    let listed = rig.get("/v1/notifiers", &root).await.text;
    assert!(
        listed.contains("slack refused: channel_not_found"),
        "{listed}"
    );
    // The outcome waits for the message that it changes.
    rig.advance(60);
    rig.control.follow_rules().await;
    double.received();
    double.answers(200, POSTED);
    rig.control.carry_all().await;
    let paths = |double: &Double| {
        double
            .received()
            .into_iter()
            .map(|r| r.path)
            .collect::<Vec<_>>()
    };
    let posts = double.received();
    slack_message(&posts[0].json());
    let thread = posts[1].json();
    slack_message(&thread);
    assert_eq!(
        (&thread["thread_ts"], posts.len()),
        (&json!("1503435956.000247"), 2)
    );
    double.answers_in_turn(&[r#"{"ok": false, "error": "message_not_found"}"#, POSTED]);
    rig.presses("UBOB", "sluice_approve", &id, &double, 1).await;
    rig.control.carry_all().await;
    assert_eq!(
        paths(&double),
        ["/api/chat.update", "/api/chat.postMessage"]
    );
}
