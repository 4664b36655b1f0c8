//! What services say about what they take in words alone: lengths, numbers, and how a text is kept from being a format.
//! Names, types and shapes are left to the vendors' own judges (see `judged`).

use serde_json::Value;
use std::collections::BTreeSet;

fn text<'v>(value: &'v Value, name: &str, longest: usize) -> &'v str {
    let text = value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is no text: {value}"));
    let length = text.chars().count();
    assert!(
        (1..=longest).contains(&length),
        "{name} has {length} characters"
    );
    text
}

fn has_names<const N: usize>(value: &Value, expected: [&str; N]) {
    let names = value.as_object().unwrap().keys();
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(expected));
}

/// How much text stands in a document of Jira's.
fn length(node: &Value) -> usize {
    let own = node["text"].as_str().unwrap_or_default().chars().count();
    let inner = node["content"].as_array().into_iter().flatten();
    own + inner.map(length).sum::<usize>()
}

/// Slack gives three characters a meaning wherever a text is not rich text.
fn escaped(text: &str) {
    assert!(!text.contains(['<', '>']), "{text}");
    let entities = ["&amp;", "&lt;", "&gt;"];
    for (at, _) in text.match_indices('&') {
        assert!(entities.iter().any(|e| text[at..].starts_with(e)), "{text}");
    }
}

/// Every text in a part of a message: without markup and escaped, or a run of rich text, in which nothing is a format.
fn slack_texts(part: &Value) {
    match part["type"].as_str() {
        Some("mrkdwn") => panic!("markup: {part}"),
        Some("plain_text") => {
            escaped(text(part, "text", 3_000));
        }
        Some("text") => {
            text(part, "text", 3_000);
        }
        _ => {}
    }
    for field in part["fields"].as_array().into_iter().flatten() {
        text(field, "text", 2_000);
    }
    match part {
        Value::Array(parts) => parts.iter().for_each(slack_texts),
        Value::Object(parts) => parts.values().for_each(slack_texts),
        _ => {}
    }
}

/// `chat.postMessage` and `chat.update`.
pub(super) fn slack_message(body: &Value) {
    escaped(text(body, "text", 4_000));
    let blocks = body["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    slack_texts(&body["blocks"]);
}

/// An adaptive card in the message that a workflow of Teams takes.
pub(super) fn teams_message(body: &Value) {
    assert!(
        body.to_string().len() <= 28 << 10,
        "the message is larger than Teams takes"
    );
    has_names(body, ["attachments", "type"]);
    assert_eq!(body["type"], "message");
    let [attachment] = body["attachments"].as_array().unwrap().as_slice() else {
        panic!("one card was expected: {body}");
    };
    has_names(attachment, ["content", "contentType", "contentUrl"]);
    assert_eq!(
        attachment["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let card = &attachment["content"];
    assert_eq!(
        card["version"], "1.4",
        "the version that is shown everywhere"
    );
    for block in card["body"].as_array().unwrap() {
        // Other blocks read markup.
        assert_eq!(block["type"], "RichTextBlock");
    }
    for action in card["actions"].as_array().unwrap() {
        assert!(action["url"].as_str().unwrap().starts_with("https://"));
    }
}

/// `POST /rest/api/3/issue`.
pub(super) fn jira_issue(body: &Value) {
    has_names(body, ["fields"]);
    let fields = &body["fields"];
    has_names(
        fields,
        ["description", "issuetype", "labels", "project", "summary"],
    );
    assert!(!text(fields, "summary", 255).contains(['\n', '\r']));
    has_names(&fields["project"], ["key"]);
    has_names(&fields["issuetype"], ["name"]);
    assert!(length(&fields["description"]) <= 32_767);
    for label in fields["labels"].as_array().unwrap() {
        assert!(!label.as_str().unwrap().contains(' '));
    }
}

/// An event of PagerDuty's Events API v2.
pub(super) fn pagerduty_event(body: &Value) {
    assert!(body.to_string().len() <= 512 << 10);
    text(body, "routing_key", 32);
    text(body, "dedup_key", 255);
    text(&body["payload"], "summary", 1_024);
    text(&body["payload"], "source", 255);
}

/// An alert of Opsgenie's.
pub(super) fn opsgenie_alert(body: &Value) {
    text(body, "message", 130);
    text(body, "alias", 512);
    text(body, "description", 15_000);
    text(body, "source", 100);
    assert!(body["entity"].as_str().unwrap().chars().count() <= 512);
    let tags = body["tags"].as_array().unwrap();
    let fits = |tag: &Value| (1..=50).contains(&tag.as_str().unwrap().len());
    assert!(tags.len() <= 20 && tags.iter().all(fits));
    assert!(body["details"].to_string().len() <= 8_000);
}

/// The end of one.
pub(super) fn opsgenie_close(body: &Value) {
    text(body, "note", 25_000);
    text(body, "source", 100);
}

/// By the kind of a payload.
pub(super) fn check(kind: &str, body: &Value) {
    match kind {
        "chat.postMessage" | "chat.update" => slack_message(body),
        "chat.postEphemeral" | "response_url" => escaped(text(body, "text", 4_000)),
        "views.open" => slack_texts(&body["view"]),
        "card" => teams_message(body),
        "issue" => jira_issue(body),
        "event" => pagerduty_event(body),
        "alert" => opsgenie_alert(body),
        "close" => opsgenie_close(body),
        _ => {}
    }
}
