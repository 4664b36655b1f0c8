//! What notifiers send, and what the doubles of these tests send back, before judges of the vendors' own: their types,
//! models, parsers and schemas from their packages. That each judge can say no is shown by payloads that are broken.
//! `ServiceNow` and Jira's issues around their documents have no judge that can be had.

use super::doubles::{Double, Received};
use super::jira::MADE;
use super::limits;
use super::slack::{POSTED, SIGNING, pressed, signed, submitted};
use super::teams_and_templates::HOSTILE;
use crate::api::tests::rig::{Rig, principal};
use crate::api::types::{ApprovalInfo, GivenConsent, ShownParameter};
use crate::identity::fetch::Fetcher;
use crate::notify::{
    Context, Delivery, DeliveryState, Message, Notice, Notifier, Step, Subject, send,
};
use serde_json::{Value, json};
use sluice_model::{HeldParameter, SessionId, Timestamp};
use sluice_tests::judges;
use std::collections::{BTreeMap, BTreeSet};

/// The judges of each kind of payload, every one of which has to be heard.
const JUDGES: &[(&str, &[&str])] = &[
    (
        "chat.postMessage",
        &["@slack/types", "@slack/web-api", "slack_sdk"],
    ),
    (
        "chat.update",
        &["@slack/types", "@slack/web-api", "slack_sdk"],
    ),
    ("chat.postEphemeral", &["@slack/web-api"]),
    (
        "views.open",
        &["@slack/types", "@slack/web-api", "slack_sdk"],
    ),
    ("response_url", &["@slack/bolt"]),
    ("block_actions", &["@slack/bolt"]),
    ("view_submission", &["@slack/bolt"]),
    ("signature", &["slack_sdk"]),
    ("card", &["@microsoft/teams.cards", "adaptivecards"]),
    ("issue", &["@atlaskit/adf-schema"]),
    ("comment", &["@atlaskit/adf-schema"]),
    ("event", &["@pagerduty/pdjs"]),
    ("alert", &["opsgenie-sdk"]),
    ("close", &["opsgenie-sdk"]),
];

/// What is broken in the first payload of a kind, where, what stands there then (nothing, if it is empty), and the judges
/// that have to see it.
const BROKEN: &[(&str, &str, &str, &[&str])] = &[
    ("chat.postMessage", "/channel", "", &["@slack/web-api"]),
    ("chat.postMessage", "/more", "1", &["@slack/web-api"]),
    (
        "chat.postMessage",
        "/blocks/0/text",
        "",
        &["@slack/types", "slack_sdk"],
    ),
    (
        "chat.postMessage",
        "/blocks/0/text/type",
        r#""mrkdwn""#,
        &["@slack/types"],
    ),
    (
        "chat.postMessage",
        "/blocks/1/more",
        "1",
        &["@slack/types", "slack_sdk"],
    ),
    ("chat.postMessage", "/blocks/1/fields", "[]", &["slack_sdk"]),
    (
        "chat.postMessage",
        "/blocks/3/elements/0/type",
        r#""rich_text_code""#,
        &["@slack/types", "slack_sdk"],
    ),
    (
        "chat.postMessage",
        "/blocks/4/elements/0/style",
        r#""loud""#,
        &["@slack/types", "slack_sdk"],
    ),
    ("chat.update", "/ts", "", &["@slack/web-api"]),
    ("chat.postEphemeral", "/user", "", &["@slack/web-api"]),
    ("views.open", "/trigger_id", "", &["@slack/web-api"]),
    ("views.open", "/view/submit", "5", &["@slack/web-api"]),
    (
        "views.open",
        "/view/title/text",
        r#""a title of more than 24 characters""#,
        &["slack_sdk"],
    ),
    (
        "views.open",
        "/view/blocks/1/element/max_length",
        r#""240""#,
        &["@slack/types"],
    ),
    (
        "response_url",
        "/response_type",
        r#""loud""#,
        &["@slack/bolt"],
    ),
    ("block_actions", "/trigger_id", "", &["@slack/bolt"]),
    ("block_actions", "/actions/0/value", "5", &["@slack/bolt"]),
    ("view_submission", "/view/state", "", &["@slack/bolt"]),
    ("signature", "/body", r#""payload=x""#, &["slack_sdk"]),
    ("signature", "/secret", r#""another""#, &["slack_sdk"]),
    ("signature", "/now", "0", &["slack_sdk"]),
    (
        "card",
        "/attachments/0/content/body/0/inlines/0/size",
        r#""Huge""#,
        &["@microsoft/teams.cards", "adaptivecards"],
    ),
    (
        "card",
        "/attachments/0/content/body/0/inlines/0/more",
        "1",
        &["@microsoft/teams.cards", "adaptivecards"],
    ),
    (
        "card",
        "/attachments/0/content/body/0/type",
        r#""RichText""#,
        &["@microsoft/teams.cards", "adaptivecards"],
    ),
    (
        "card",
        "/attachments/0/content/actions/0/url",
        "",
        &["@microsoft/teams.cards", "adaptivecards"],
    ),
    (
        "card",
        "/attachments/0/content/msteams/width",
        r#""Full""#,
        &["@microsoft/teams.cards"],
    ),
    (
        "issue",
        "/fields/description/version",
        "",
        &["@atlaskit/adf-schema"],
    ),
    (
        "issue",
        "/fields/description/content/0/content/0/text",
        r#""""#,
        &["@atlaskit/adf-schema"],
    ),
    (
        "comment",
        "/body/content/0/type",
        r#""text""#,
        &["@atlaskit/adf-schema"],
    ),
    ("event", "/payload/summary", "", &["@pagerduty/pdjs"]),
    (
        "event",
        "/payload/severity",
        r#""loud""#,
        &["@pagerduty/pdjs"],
    ),
    ("event", "/more", "1", &["@pagerduty/pdjs"]),
    ("alert", "/message", "", &["opsgenie-sdk"]),
    ("alert", "/priority", r#""P9""#, &["opsgenie-sdk"]),
    ("alert", "/tags", "[1]", &["opsgenie-sdk"]),
    ("alert", "/more", "1", &["opsgenie-sdk"]),
    ("close", "/note", "5", &["opsgenie-sdk"]),
    ("close", "/more", "1", &["opsgenie-sdk"]),
];

/// The name of what Slack's own code is to sign.
const TO_SIGN: &str = "to sign";

#[derive(Debug, Clone)]
struct Case {
    name: String,
    kind: &'static str,
    body: Value,
}

/// What kind of payload arrived; nothing where its vendor publishes nothing that could judge it.
fn kind(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap();
    Some(match path.trim_start_matches("/api/") {
        "chat.postMessage" => "chat.postMessage",
        "chat.update" => "chat.update",
        "chat.postEphemeral" => "chat.postEphemeral",
        "views.open" => "views.open",
        "/actions/T1/2/x" => "response_url",
        "/workflows/x" => "card",
        "/rest/api/3/issue" => "issue",
        "/v2/enqueue" => "event",
        "/v2/alerts" => "alert",
        path if path.ends_with("/comment") => "comment",
        path if path.ends_with("/close") => "close",
        path if path.ends_with("/transitions") => return None,
        other => panic!("no judge is named for {other}"),
    })
}

fn cases(name: &str, received: Vec<Received>) -> impl Iterator<Item = Case> {
    let posted = received.into_iter().filter(|r| r.method == "POST");
    posted.filter_map(move |r| {
        let kind = kind(&r.path)?;
        let (name, body) = (name.to_owned(), r.json());
        Some(Case { name, kind, body })
    })
}

fn bound<const N: usize>(values: [Option<&str>; N]) -> Vec<ShownParameter> {
    let values = values.map(|value| value.map(ToOwned::to_owned));
    let held = HeldParameter::numbered(values).into_iter();
    held.map(Into::into).collect()
}

/// Requests of all sorts.
fn requests(plain: &ApprovalInfo) -> Vec<(&'static str, ApprovalInfo)> {
    let group = |name: &str| BTreeSet::from([name.to_owned()]);
    let agreed = GivenConsent {
        by: principal("user:bob"),
        groups: group("dba"),
        at: Timestamp(0),
    };
    let full = ApprovalInfo {
        owner: Some(principal("user:ada")),
        reason: Some("INC-12".into()),
        parameters: bound([Some("1"), None]),
        group_sets: vec![group("dba"), group("leads")],
        people: 2,
        given: vec![agreed],
        refusal: Some("user:bob: no".into()),
        window_seconds: Some(7_200),
        ..plain.clone()
    };
    let bare = ApprovalInfo {
        account: String::new(),
        database: String::new(),
        text: String::new(),
        estimated_rows: None,
        connect: true,
        ..plain.clone()
    };
    let hostile = ApprovalInfo {
        connection: HOSTILE.into(),
        account: "<!here>\u{2028}".into(),
        text: HOSTILE.repeat(20),
        reason: Some(HOSTILE.repeat(9)),
        parameters: bound([Some(HOSTILE), Some("\u{0}\n\\")]),
        ..full.clone()
    };
    let long = ApprovalInfo {
        connection: "c".repeat(500),
        database: "&".repeat(2_000),
        text: "&".repeat(60_000),
        reason: Some("r".repeat(1_000)),
        parameters: bound([Some(&*"p".repeat(500)); 40]),
        ..full.clone()
    };
    let wide = ApprovalInfo {
        text: "\u{1f600}".repeat(20_000),
        reason: Some("\u{1f600}".repeat(250)),
        ..full.clone()
    };
    vec![
        ("plain", plain.clone()),
        ("full", full),
        ("bare", bare),
        ("hostile", hostile),
        ("long", long),
        ("wide", wide),
    ]
}

fn notices() -> [Notice; 5] {
    let (principal, session, at) = (principal("user:ada"), SessionId::from_bits(7), Timestamp(0));
    [
        Notice::Refused {
            principal: principal.clone(),
            connection: HOSTILE.into(),
            policy: Some("p".into()),
            message: HOSTILE.repeat(30),
            session: session.clone(),
            op: 1,
            at,
        },
        Notice::Masked {
            principal: principal.clone(),
            connection: "shop".into(),
            classes: vec!["card".into()],
            session: session.clone(),
            op: 1,
            at,
        },
        Notice::BreakGlass {
            principal: principal.clone(),
            connection: "shop".into(),
            reason: None,
            session,
            at,
        },
        Notice::LogGap {
            why: "the disk is full".into(),
            at,
        },
        Notice::NewConnection {
            connection: "shop".into(),
            by: principal,
            at,
        },
    ]
}

/// Everything that can be told.
fn subjects(plain: &ApprovalInfo) -> Vec<(String, Subject)> {
    let mut all = Vec::new();
    for (name, request) in requests(plain) {
        for step in [
            Step::Opened,
            Step::Agreed,
            Step::Reminder,
            Step::Escalated {
                from: HOSTILE.into(),
            },
            Step::Approved,
            Step::Denied,
            Step::Cancelled,
            Step::Expired,
        ] {
            let name = format!("{name} {}", step.name());
            let request = Box::new(request.clone());
            all.push((name, Subject::Approval { step, request }));
        }
    }
    for notice in notices() {
        let name = notice.event().name().to_owned();
        all.push((name, Subject::Notice { notice, count: 3 }));
    }
    all.push(("test".to_owned(), Subject::Test));
    all
}

/// One notifier of each kind that has a judge, and what it calls a message that it sent before.
fn notifiers(rig: &Rig, url: &str) -> Vec<(Notifier, Option<&'static str>)> {
    rig.secret("secret", "canary");
    rig.secret("teams.url", &format!("{url}/workflows/x?sig=canary"));
    let file = |name: &str| json!({"file": rig.dir.path().join(name)});
    let slack = json!({
        "token": file("secret"), "signing_secret": file("secret"), "channel": "C0123", "api_url": format!("{url}/api"),
    });
    let jira = json!({
        "url": url, "email": "bot@example.com", "token": file("secret"), "project": "OPS", "issue_type": "Task",
        "webhook_secret": file("secret"), "description": "{{reason}}\n\n{{title}}", "close_transition": "31",
    });
    let hook = |path: &str, template: &str| json!({"url": format!("{url}{path}"), "template": template, "values": {"routing_key": file("secret")}});
    let posted = Some("C0123 1503435956.000247");
    let of = |value: Value| serde_json::from_value(value).unwrap();
    vec![
        (of(json!({"name": "slack", "slack": slack})), posted),
        (
            of(json!({"name": "brief", "slack": slack, "details": "summary"})),
            posted,
        ),
        (
            of(json!({"name": "teams", "teams": {"url": file("teams.url")}})),
            None,
        ),
        (
            of(json!({"name": "jira", "jira": jira})),
            Some("OPS-24 0000"),
        ),
        (
            of(json!({"name": "pagerduty", "webhook": hook("/v2/enqueue", "pagerduty")})),
            None,
        ),
        (
            of(json!({"name": "opsgenie", "webhook": hook("/v2/alerts", "opsgenie")})),
            None,
        ),
    ]
}

/// What notifiers tell.
async fn told(rig: &Rig) -> Vec<Case> {
    let double = Double::start().await;
    double.acts(|request| {
        Some(match request.path.as_str() {
            "/rest/api/3/issue" => (201, MADE.to_owned()),
            _ => (200, POSTED.to_owned()),
        })
    });
    let id = rig.asked().await;
    let plain = rig.approval(&id).await;
    let fetcher = Fetcher::new(None).unwrap();
    let mut all = Vec::new();
    for (notifier, before) in notifiers(rig, &double.url) {
        for (name, subject) in subjects(&plain) {
            for reference in BTreeSet::from([None, before]) {
                let name = format!("{} {name} {}", notifier.name, reference.is_some());
                let message = Message {
                    at: rig.now(),
                    subject: subject.clone(),
                };
                let context = Context {
                    public_url: "https://gateway.example.com".to_owned(),
                    reference: reference.map(str::to_owned),
                    link: None,
                    now: rig.now(),
                };
                let delivery = delivery(message);
                let sent = send(&notifier, &fetcher, &delivery, &context).await;
                sent.unwrap_or_else(|failure| panic!("{name}: {}", failure.why));
                all.extend(cases(&name, double.received()));
            }
        }
    }
    all
}

fn delivery(message: Message) -> Delivery {
    Delivery {
        number: 1,
        notifier: "n".into(),
        recipient: None,
        message,
        once: "1".into(),
        state: DeliveryState::Pending,
        tries: 0,
        next: Timestamp(0),
        created: Timestamp(0),
        sent: None,
        shown: None,
        last_error: None,
    }
}

/// What is said in Slack back and forth, and how it is signed. The last one is for Slack's code to sign.
async fn conversation(rig: &Rig) -> Vec<Case> {
    let double = Double::start().await;
    rig.with_slack(&double, "").await;
    double.answers(200, POSTED);
    let id = rig.asked().await;
    rig.control.carry_all().await;
    double.received();
    rig.presses("UBOB", "sluice_deny", &id, &double, 1).await;
    let opened = double.received();
    let view = opened[0].json()["view"].clone();
    rig.presses("UEVE", "sluice_deny", &id, &double, 2).await;
    let mut received = double.receives(1).await;
    rig.sends_to_slack_hook(&submitted("UEVE", &view, None, 3))
        .await;
    received.extend(double.receives(1).await);
    received.extend(opened);
    let mut all: Vec<Case> = cases("conversation", received).collect();
    let payloads = [
        (
            "block_actions",
            pressed("UBOB", "sluice_approve", id.as_str(), &double.url, 4),
        ),
        ("view_submission", submitted("UBOB", &view, None, 5)),
        (
            "view_submission",
            submitted("UBOB", &view, Some(HOSTILE), 6),
        ),
    ];
    let now = rig.now().seconds();
    for (at, (kind, body)) in payloads.into_iter().enumerate() {
        let name = format!("said {at}");
        let (headers, text) = signed(SIGNING, now, &body);
        let headers: BTreeMap<&str, String> = headers.into_iter().collect();
        let signed = json!({"secret": SIGNING, "now": now, "headers": headers, "body": text});
        all.push(Case {
            name: format!("{name} signed"),
            kind: "signature",
            body: signed,
        });
        all.push(Case { name, kind, body });
    }
    let payload = submitted("UBOB", &view, Some("as Slack signs it"), 7);
    let body = json!({"secret": SIGNING, "time": now.to_string(), "body": signed(SIGNING, now, &payload).1});
    all.push(Case {
        name: TO_SIGN.to_owned(),
        kind: "to_sign",
        body,
    });
    all
}

/// A payload with something else, or nothing, in one place.
fn broken(body: &Value, place: &str, value: &str) -> Value {
    let mut body = body.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let found = body.pointer_mut(parent);
    let parent = found
        .unwrap_or_else(|| panic!("nothing at {place}"))
        .as_object_mut()
        .unwrap();
    match value {
        "" => assert!(parent.remove(name).is_some(), "{place}"),
        value => {
            parent.insert(name.to_owned(), serde_json::from_str(value).unwrap());
        }
    }
    body
}

type Verdicts = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What all judges say.
fn judged(rig: &Rig, cases: &[Case]) -> Verdicts {
    let as_json = |c: &Case| json!({"name": c.name, "kind": c.kind, "body": c.body});
    let all: Vec<Value> = cases.iter().map(as_json).collect();
    let file = rig.dir.path().join("cases.json");
    std::fs::write(&file, Value::from(all).to_string()).unwrap();
    let mut verdicts = Verdicts::new();
    for said in [judges::in_node(&file), judges::in_python(&file)] {
        let said = said.unwrap_or_else(|error| panic!("{error:#}"));
        for (name, judges) in serde_json::from_str::<Verdicts>(&said).unwrap() {
            verdicts.entry(name).or_default().extend(judges);
        }
    }
    verdicts
}

#[tokio::test]
async fn the_vendors_own_judges_take_what_is_sent_and_refuse_what_is_broken() {
    let rig = Rig::new().await;
    let mut cases = conversation(&rig).await;
    cases.extend(told(&rig).await);
    for (at, case) in cases
        .iter_mut()
        .enumerate()
        .filter(|(_, c)| c.kind != "to_sign")
    {
        case.name = format!("{at} {} {}", case.kind, case.name);
    }
    let good = cases.len();
    for (kind, place, value, _) in BROKEN {
        let first = cases.iter().find(|c| c.kind == *kind);
        let first = first.unwrap_or_else(|| panic!("nothing is a {kind}"));
        let body = broken(&first.body, place, value);
        let name = format!("broken {kind} {place} {value}");
        cases.push(Case { name, kind, body });
    }
    let verdicts = judged(&rig, &cases);
    let mut complaints = Vec::new();
    for case in &cases[..good] {
        let Some((_, judges)) = JUDGES.iter().find(|(kind, _)| *kind == case.kind) else {
            continue;
        };
        limits::check(case.kind, &case.body);
        let said = &verdicts[&case.name];
        assert!(said.keys().eq(judges.iter()), "{}: {said:?}", case.name);
        if said.values().any(|problems| !problems.is_empty()) {
            complaints.push(format!("{}: {said:?}", case.name));
        }
    }
    for (case, (.., judges)) in cases[good..].iter().zip(BROKEN) {
        for judge in *judges {
            if verdicts[&case.name][*judge].is_empty() {
                complaints.push(format!("{judge} takes what is {}", case.name));
            }
        }
    }
    let shown: String = complaints.join("\n").chars().take(4_000).collect();
    assert!(
        complaints.is_empty(),
        "{} complaints:\n{shown}",
        complaints.len()
    );
    for (kind, _) in JUDGES {
        let count = cases[..good].iter().filter(|c| c.kind == *kind).count();
        assert!(count > 0, "nothing is a {kind}");
    }
    // What Slack's own code signs is taken.
    let sent = &cases[..good]
        .iter()
        .find(|c| c.name == TO_SIGN)
        .unwrap()
        .body;
    let text = |name: &str| sent[name].as_str().unwrap();
    let tag = verdicts[TO_SIGN]["signed"][0].as_str();
    let headers = [
        ("x-slack-request-timestamp", text("time")),
        ("x-slack-signature", tag),
    ];
    assert_eq!(rig.hook("chat", &headers, text("body")).await.status, 200);
    let acts = rig.acts("approval.deny");
    assert!(acts[0].detail.starts_with("as Slack signs it"));
}
