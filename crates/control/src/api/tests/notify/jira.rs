//! Jira.

use super::doubles::{Double, Received, hmac_hex};
use super::schemas::{adf, jira_issue};
use crate::api::tests::rig::{Reply, Rig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_model::ApprovalState;

const SECRET: &str = "jira's secret";
const MADE: &str =
    r#"{"id": "10000", "key": "OPS-24", "self": "https://x/rest/api/3/issue/10000"}"#;

impl Rig {
    async fn with_jira(&self, double: &Double) {
        let (token, key) = (
            self.secret("jira.token", "canary"),
            self.secret("jira.key", SECRET),
        );
        let yaml = format!(
            "kind: Notifier\nname: tickets\njira: {{url: '{}', email: bot@example.com, token: {token}, project: OPS, issue_type: Task, summary: 'Access: {{{{title}}}}', webhook_secret: {key}, approve_status: Approved, deny_status: Rejected, approve_comment: approve, deny_comment: deny, close_transition: '31'}}\npeople: {{acc-bob: bob, acc-eve: eve, acc-ada: ada}}\n",
            double.url
        );
        self.add(&yaml).await;
    }

    async fn jira_says(&self, event: &Value) -> Reply {
        let body = event.to_string();
        let tag = format!("sha256={}", hmac_hex(SECRET, &body));
        self.hook("tickets", &[("x-hub-signature", &tag)], &body)
            .await
    }
}

/// The issue as Jira gives it back: as it was made, with what it does to spaces.
fn shown(made: &Received) -> String {
    let fields = made.body.replace("put t", "put t ");
    let fields: Value = serde_json::from_str(&fields).unwrap();
    json!({"key": "OPS-24", "fields": fields["fields"]}).to_string()
}

fn moved(rig: &Rig, who: &str, to: &str, nonce: i64) -> Value {
    json!({
        "timestamp": rig.now().millis() + nonce, "webhookEvent": "jira:issue_updated",
        "user": {"accountId": who}, "issue": {"key": "OPS-24"},
        "changelog": {"id": "1", "items": [{"field": "status", "fromString": "Open", "toString": to, "to": "3"}]},
    })
}

fn commented(rig: &Rig, who: &str, text: Value, nonce: i64) -> Value {
    json!({
        "timestamp": rig.now().millis() + nonce, "webhookEvent": "comment_created",
        "comment": {"author": {"accountId": who}, "body": text}, "issue": {"key": "OPS-24"},
    })
}

fn paths(received: &[Received]) -> Vec<String> {
    received
        .iter()
        .map(|r| format!("{} {}", r.method, r.path))
        .collect()
}

#[tokio::test]
async fn an_issue_is_made_moved_and_closed() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_jira(&double).await;
    double.answers(201, MADE);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let [made] = double.received().try_into().unwrap();
    assert_eq!(made.path, "/rest/api/3/issue");
    assert_eq!(
        made.header("authorization"),
        format!("Basic {}", STANDARD.encode("bot@example.com:canary"))
    );
    let body = made.json();
    jira_issue(&body);
    assert_eq!(
        body["fields"]["summary"],
        "Access: Approval needed: user:ada on shop"
    );
    assert!(made.body.contains("codeBlock") && made.body.contains("put t"));
    double.answers(200, &shown(&made));
    // Somebody who may not, another status, and a word in a sentence: nothing.
    for (nonce, event) in [
        moved(&rig, "acc-eve", "Approved", 1),
        moved(&rig, "acc-bob", "In Progress", 2),
        commented(&rig, "acc-bob", json!("I would not approve"), 3),
        commented(&rig, "acc-ada", json!("approve"), 4),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = rig.jira_says(&event).await;
        assert_eq!(reply.status, 200, "{nonce}: {}", reply.text);
        assert_eq!(
            rig.approval(&id).await.state,
            ApprovalState::Pending,
            "{nonce}"
        );
    }
    // Two were told why: eve and ada, each after the issue was read again.
    double.receives(4).await;
    let approves = moved(&rig, "acc-bob", "Approved", 9);
    assert_eq!(rig.jira_says(&approves).await.status, 200);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Approved);
    assert_eq!(rig.jira_says(&approves).await.status, 409);
    double.received();
    rig.control.carry_all().await;
    let told = double.received();
    assert_eq!(
        paths(&told),
        [
            "POST /rest/api/3/issue/OPS-24/comment",
            "POST /rest/api/3/issue/OPS-24/transitions"
        ]
    );
    adf(&told[0].json()["body"], "comment");
    assert!(told[0].body.contains(&format!("/console/approvals/{id}")));
    assert_eq!(told[1].json(), json!({"transition": {"id": "31"}}));
}

#[tokio::test]
async fn a_comment_decides_and_an_issue_that_was_edited_does_not() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_jira(&double).await;
    double.answers(201, MADE);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let [made] = double.received().try_into().unwrap();
    let edits = [
        ("put t", "put something harmless"),
        ("Connection: shop", "Connection: staging"),
        ("Access: Approval", "Access: harmless approval"),
    ];
    for (nonce, (from, to)) in edits.into_iter().enumerate() {
        let issue = shown(&made);
        assert!(issue.contains(from), "{issue}");
        double.answers(200, &issue.replace(from, to));
        let nonce = i64::try_from(nonce).unwrap();
        let approve = commented(&rig, "acc-bob", json!(" Approve \n"), nonce);
        rig.jira_says(&approve).await;
        let told = double.receives(2).await;
        let read = "GET /rest/api/3/issue/OPS-24?fields=summary,description";
        assert_eq!(paths(&told)[0], read);
        let why = &told[1].body;
        assert!(why.contains("the issue was edited"), "{why}");
        assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
    }
    let document = json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "deny: not today"}]},
    ]});
    assert_eq!(
        rig.jira_says(&commented(&rig, "acc-bob", document, 9))
            .await
            .status,
        200
    );
    let denied = rig.approval(&id).await;
    assert_eq!(
        (denied.state, denied.refusal.as_deref()),
        (ApprovalState::Denied, Some("user:bob: not today"))
    );
}

#[tokio::test]
async fn forged_stale_and_foreign_events_are_refused() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    rig.with_jira(&double).await;
    double.answers(201, MADE);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    let [made] = double.received().try_into().unwrap();
    double.answers(200, &shown(&made));
    let good = moved(&rig, "acc-bob", "Approved", 1).to_string();
    let tag = |key: &str, body: &str| format!("sha256={}", hmac_hex(key, body));
    assert_eq!(rig.hook("tickets", &[], &good).await.status, 404);
    assert_eq!(
        rig.hook(
            "tickets",
            &[("x-hub-signature", &tag("other", &good))],
            &good
        )
        .await
        .status,
        404
    );
    rig.advance(3_601);
    assert_eq!(
        rig.hook(
            "tickets",
            &[("x-hub-signature", &tag(SECRET, &good))],
            &good
        )
        .await
        .status,
        404
    );
    let mut other = moved(&rig, "acc-bob", "Approved", 2);
    other["issue"]["key"] = "OPS-25".into();
    rig.jira_says(&other).await;
    other["issue"]["key"] = "../../x".into();
    assert_eq!(rig.jira_says(&other).await.status, 200);
    assert_eq!(rig.approval(&id).await.state, ApprovalState::Pending);
}
