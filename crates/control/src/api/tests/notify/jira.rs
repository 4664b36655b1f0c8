//! Jira.

use super::doubles::{Double, Received, hmac_hex};
use super::limits::jira_issue;
use crate::api::tests::rig::{Reply, Rig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sluice_model::{ApprovalId, ApprovalState};
use std::sync::Arc;

const SECRET: &str = "jira's secret";
const ISSUE: &str = "/rest/api/3/issue/OPS-24";
pub(super) const MADE: &str =
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

    /// A Jira with an issue for a request.
    async fn with_issue(&self) -> (Double, Site, ApprovalId) {
        let double = Double::start().await;
        let site = Site::of(&double);
        self.with_jira(&double).await;
        let id = self.asked().await;
        self.control.carry_all().await;
        (double, site, id)
    }

    async fn state(&self, id: &ApprovalId) -> ApprovalState {
        self.approval(id).await.state
    }
}

/// The issue as Jira keeps and shows it.
#[derive(Clone)]
struct Site(Arc<Mutex<Value>>);

impl Site {
    fn of(double: &Double) -> Self {
        let site = Self(Arc::default());
        let issue = Arc::clone(&site.0);
        double.acts(
            move |request| match (request.method.as_str(), &*request.path) {
                ("POST", "/rest/api/3/issue") => {
                    // With what it does to spaces.
                    let kept = request.body.replace("put t", "put  t");
                    let kept: Value = serde_json::from_str(&kept).unwrap();
                    let fields = json!({
                        "summary": kept["fields"]["summary"],
                        "description": kept["fields"]["description"],
                        "status": {"id": "1", "name": "Open"},
                    });
                    let changelog =
                        json!({"startAt": 0, "maxResults": 100, "total": 0, "histories": []});
                    *issue.lock() =
                        json!({"key": "OPS-24", "fields": fields, "changelog": changelog});
                    Some((201, MADE.to_owned()))
                }
                ("GET", _) => Some((200, issue.lock().to_string())),
                _ => None,
            },
        );
        site
    }

    /// Somebody changes a field, which its history has.
    fn changes(&self, field: &str, value: Value) {
        let mut issue = self.0.lock();
        let item = json!({"field": field, "fieldtype": "jira", "fieldId": field});
        issue["fields"][field] = value;
        let change = json!({"id": "7", "items": [item]});
        let histories = issue["changelog"]["histories"].as_array_mut().unwrap();
        histories.push(change);
        let total = histories.len();
        issue["changelog"]["total"] = total.into();
    }

    fn moves(&self, to: &str) {
        self.changes("status", json!({"id": "3", "name": to}));
    }
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

/// An approval by a comment that does not count, and what is said about it.
async fn is_refused(rig: &Rig, double: &Double, id: &ApprovalId, nonce: i64, says: &str) {
    double.received();
    let approve = commented(rig, "acc-bob", json!(" Approve \n"), nonce);
    assert_eq!(rig.jira_says(&approve).await.status, 200);
    let told = double.receives(2).await;
    let read = format!("GET {ISSUE}?fields=summary,description,status&expand=changelog");
    assert_eq!(paths(&told), [read, format!("POST {ISSUE}/comment")]);
    assert!(told[1].body.contains(says), "{nonce}: {}", told[1].body);
    assert_eq!(rig.state(id).await, ApprovalState::Pending, "{nonce}");
}

#[tokio::test]
async fn an_issue_is_made_moved_and_closed() {
    let rig = Rig::new().await;
    let (double, site, id) = rig.with_issue().await;
    let [made, read] = double.received().try_into().unwrap();
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
    assert!(read.path.starts_with(ISSUE), "{}", read.path);
    site.moves("Approved");
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
        assert_eq!(rig.state(&id).await, ApprovalState::Pending, "{nonce}");
    }
    // Two were told why: eve and ada, each after the issue was read again.
    double.receives(4).await;
    let approves = moved(&rig, "acc-bob", "Approved", 9);
    assert_eq!(rig.jira_says(&approves).await.status, 200);
    assert_eq!(rig.state(&id).await, ApprovalState::Approved);
    assert_eq!(rig.jira_says(&approves).await.status, 409);
    double.received();
    rig.control.carry_all().await;
    let told = double.received();
    assert_eq!(
        paths(&told),
        [
            format!("POST {ISSUE}/comment"),
            format!("POST {ISSUE}/transitions")
        ]
    );
    assert!(told[0].body.contains(&format!("/console/approvals/{id}")));
    assert_eq!(told[1].json(), json!({"transition": {"id": "31"}}));
}

#[tokio::test]
async fn a_comment_decides_and_an_issue_that_was_edited_does_not() {
    let rig = Rig::new().await;
    let (double, site, id) = rig.with_issue().await;
    let whole = site.0.lock().clone();
    let code = whole["fields"]["description"]["content"]
        .as_array()
        .unwrap();
    let code = code.iter().position(|n| n["type"] == "codeBlock").unwrap();
    let code = format!("/fields/description/content/{code}");
    let white = json!([{"type": "textColor", "attrs": {"color": "#ffffff"}}]);
    let edits = [
        ("/fields/summary", json!("Access: harmless")),
        (
            &*format!("{code}/content/0/text"),
            json!("put something harmless"),
        ),
        (&*format!("{code}/content/0/text"), json!("put t")),
        (&*format!("{code}/content/0/marks"), white),
        (&*format!("{code}/attrs"), json!({"language": "x"})),
        (&*format!("{code}/type"), json!("expand")),
        (
            "/fields/description/content/9",
            json!({"type": "inlineCard", "attrs": {"url": "https://x"}}),
        ),
    ];
    for (nonce, (place, value)) in (0_i64..).zip(edits) {
        // Even if no history told of it.
        let mut edited = whole.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        match edited.pointer_mut(parent).unwrap() {
            Value::Array(items) => items.push(value),
            object => object[name] = value,
        }
        *site.0.lock() = edited;
        is_refused(&rig, &double, &id, nonce, "the issue was edited").await;
    }
    *site.0.lock() = whole;
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
async fn an_edit_that_was_undone_and_a_history_that_is_not_whole_approve_nothing() {
    let rig = Rig::new().await;
    let (double, site, id) = rig.with_issue().await;
    let whole = site.0.lock().clone();
    for (nonce, field) in (0_i64..).zip(["description", "summary"]) {
        // Something harmless was shown for the blink of an eye, and what was there is there again.
        let before = whole["fields"][field].clone();
        site.changes(field, json!("harmless"));
        site.changes(field, before);
        assert_eq!(site.0.lock()["fields"], whole["fields"]);
        is_refused(&rig, &double, &id, nonce, "the issue was edited").await;
        *site.0.lock() = whole.clone();
    }
    for (nonce, changelog) in (2_i64..).zip([
        json!(null),
        json!({"startAt": 0, "maxResults": 100, "total": 101, "histories": []}),
    ]) {
        site.0.lock()["changelog"] = changelog;
        is_refused(&rig, &double, &id, nonce, "cannot be read whole").await;
    }
    site.0.lock()["changelog"] = json!({"total": 1});
    is_refused(&rig, &double, &id, 8, "could not be read again").await;
    *site.0.lock() = whole;
    // Whatever else happened to it is its team's affair.
    site.changes("labels", json!(["urgent"]));
    let approve = commented(&rig, "acc-bob", json!("approve"), 9);
    assert_eq!(rig.jira_says(&approve).await.status, 200);
    assert_eq!(rig.state(&id).await, ApprovalState::Approved);
}

#[tokio::test]
async fn an_approval_that_was_moved_back_does_not_count_when_it_is_heard_of_late() {
    let rig = Rig::new().await;
    let (double, site, id) = rig.with_issue().await;
    double.received();
    site.moves("Approved");
    let late = moved(&rig, "acc-bob", "Approved", 1);
    site.moves("Open");
    rig.advance(60);
    assert_eq!(rig.jira_says(&late).await.status, 200);
    let told = double.receives(2).await;
    assert!(
        told[1].body.contains("not in the status"),
        "{}",
        told[1].body
    );
    assert_eq!(rig.state(&id).await, ApprovalState::Pending);
    site.moves("Approved");
    let again = moved(&rig, "acc-bob", "Approved", 2);
    assert_eq!(rig.jira_says(&again).await.status, 200);
    assert_eq!(rig.state(&id).await, ApprovalState::Approved);
}

#[tokio::test]
async fn an_issue_that_shows_other_words_than_it_was_sent_approves_nothing() {
    let rig = Rig::new().await;
    let double = Double::start().await;
    let site = Site::of(&double);
    rig.with_jira(&double).await;
    let id = rig.asked().await;
    let kept = Arc::clone(&site.0);
    double.acts(move |request| match request.method.as_str() {
        "POST" if request.path.ends_with("/issue") => Some((201, MADE.to_owned())),
        "GET" => Some((200, kept.lock().to_string())),
        _ => None,
    });
    *site.0.lock() = json!({
        "key": "OPS-24", "fields": {"summary": "something else", "status": {"name": "Open"}},
        "changelog": {"total": 0, "histories": []},
    });
    rig.control.carry_all().await;
    double.received();
    let approve = commented(&rig, "acc-bob", json!("approve"), 1);
    assert_eq!(rig.jira_says(&approve).await.status, 200);
    let told = double.receives(1).await;
    assert!(told[0].body.contains("not all of what is asked for"));
    assert_eq!(rig.state(&id).await, ApprovalState::Pending);
}

#[tokio::test]
async fn forged_stale_and_foreign_events_are_refused() {
    let rig = Rig::new().await;
    let (_double, site, id) = rig.with_issue().await;
    site.moves("Approved");
    let good = moved(&rig, "acc-bob", "Approved", 1).to_string();
    let tag = |key: &str, body: &str| format!("sha256={}", hmac_hex(key, body));
    assert_eq!(rig.hook("tickets", &[], &good).await.status, 404);
    let send = async |tag: &str| {
        let headers = [("x-hub-signature", tag)];
        rig.hook("tickets", &headers, &good).await.status
    };
    assert_eq!(send(&tag("other", &good)).await, 404);
    rig.advance(3_601);
    assert_eq!(send(&tag(SECRET, &good)).await, 404);
    let mut other = moved(&rig, "acc-bob", "Approved", 2);
    other["issue"]["key"] = "OPS-25".into();
    rig.jira_says(&other).await;
    other["issue"]["key"] = "../../x".into();
    assert_eq!(rig.jira_says(&other).await.status, 200);
    assert_eq!(rig.state(&id).await, ApprovalState::Pending);
}
