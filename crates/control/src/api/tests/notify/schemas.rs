//! What the services say about what they take, as checks: required fields, types, lengths, and no field that they do not
//! know.

use serde_json::Value;

fn fields<'v>(
    value: &'v Value,
    needed: &[&str],
    known: &[&str],
    at: &str,
) -> &'v serde_json::Map<String, Value> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("{at}: no object: {value}"));
    for name in needed {
        assert!(
            object.contains_key(*name),
            "{at}: {name} is missing: {value}"
        );
    }
    for name in object.keys() {
        let is_known = needed.contains(&name.as_str()) || known.contains(&name.as_str());
        assert!(is_known, "{at}: {name} is not known");
    }
    object
}

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

/// A text object, of which only the kind without markup is taken, escaped as Slack asks.
fn slack_plain(value: &Value, longest: usize) {
    fields(value, &["type", "text"], &["emoji"], "text");
    assert_eq!(value["type"], "plain_text");
    escaped(text(value, "text", longest));
}

fn escaped(text: &str) {
    assert!(!text.contains(['<', '>']), "{text}");
    let entities = ["&amp;", "&lt;", "&gt;"];
    for (at, _) in text.match_indices('&') {
        assert!(entities.iter().any(|e| text[at..].starts_with(e)), "{text}");
    }
}

fn slack_button(button: &Value) {
    fields(
        button,
        &["type", "action_id", "text"],
        &["url", "value", "style"],
        "button",
    );
    assert_eq!(button["type"], "button");
    text(button, "action_id", 255);
    slack_plain(&button["text"], 75);
    if button.get("value").is_some() {
        text(button, "value", 2_000);
    }
    if button.get("url").is_some() {
        text(button, "url", 3_000);
    }
    if let Some(style) = button.get("style") {
        assert!(style == "primary" || style == "danger", "{style}");
    }
}

fn slack_block(block: &Value) {
    match block["type"].as_str().unwrap() {
        "header" => {
            fields(block, &["type", "text"], &["block_id"], "header");
            slack_plain(&block["text"], 150);
        }
        "section" => {
            fields(block, &["type"], &["text", "fields", "block_id"], "section");
            let parts = block["fields"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            assert!(parts.len() <= 10 && (!parts.is_empty() || block.get("text").is_some()));
            parts.iter().for_each(|part| slack_plain(part, 2_000));
            if block.get("text").is_some() {
                slack_plain(&block["text"], 3_000);
            }
        }
        "rich_text" => {
            fields(block, &["type", "elements"], &["block_id"], "rich_text");
            for element in block["elements"].as_array().unwrap() {
                fields(element, &["type", "elements"], &["border"], "element");
                assert_eq!(element["type"], "rich_text_preformatted");
                for run in element["elements"].as_array().unwrap() {
                    fields(run, &["type", "text"], &["style"], "run");
                    assert_eq!(run["type"], "text");
                    text(run, "text", 3_000);
                }
            }
        }
        "actions" => {
            fields(block, &["type", "elements"], &["block_id"], "actions");
            text(block, "block_id", 255);
            let buttons = block["elements"].as_array().unwrap();
            assert!((1..=25).contains(&buttons.len()));
            buttons.iter().for_each(slack_button);
        }
        other => panic!("no block {other}"),
    }
}

/// `chat.postMessage` and `chat.update`.
pub(super) fn slack_message(body: &Value) {
    let more = [
        "mrkdwn",
        "unfurl_links",
        "unfurl_media",
        "ts",
        "thread_ts",
        "reply_broadcast",
    ];
    fields(body, &["channel", "text", "blocks"], &more, "message");
    escaped(text(body, "text", 4_000));
    let blocks = body["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    blocks.iter().for_each(slack_block);
}

/// An adaptive card in the message that a workflow of Teams takes.
pub(super) fn teams_message(body: &Value) {
    assert!(
        body.to_string().len() <= 28 << 10,
        "the message is larger than Teams takes"
    );
    fields(body, &["type", "attachments"], &[], "message");
    assert_eq!(body["type"], "message");
    for attachment in body["attachments"].as_array().unwrap() {
        fields(
            attachment,
            &["contentType", "content"],
            &["contentUrl"],
            "attachment",
        );
        assert_eq!(
            attachment["contentType"],
            "application/vnd.microsoft.card.adaptive"
        );
        let card = &attachment["content"];
        fields(
            card,
            &["type", "version", "body"],
            &["$schema", "actions", "msteams"],
            "card",
        );
        assert_eq!(card["type"], "AdaptiveCard");
        assert_eq!(card["version"], "1.4");
        for block in card["body"].as_array().unwrap() {
            fields(block, &["type", "inlines"], &[], "block");
            assert_eq!(block["type"], "RichTextBlock");
            for run in block["inlines"].as_array().unwrap() {
                fields(
                    run,
                    &["type", "text"],
                    &["weight", "size", "fontType"],
                    "run",
                );
                assert_eq!(run["type"], "TextRun");
            }
        }
        for action in card["actions"].as_array().unwrap() {
            fields(action, &["type", "title", "url"], &[], "action");
            assert_eq!(action["type"], "Action.OpenUrl");
            assert!(action["url"].as_str().unwrap().starts_with("https://"));
        }
    }
}

/// A node of the Atlassian document format.
pub(super) fn adf(node: &Value, at: &str) {
    let content = || {
        node["content"]
            .as_array()
            .unwrap_or_else(|| panic!("{at}: {node}"))
    };
    let allowed: &[&str] = match node["type"].as_str().unwrap() {
        "doc" => {
            fields(node, &["type", "version", "content"], &[], at);
            assert_eq!(node["version"], 1);
            &["paragraph", "bulletList", "codeBlock"]
        }
        "paragraph" => &["text", "hardBreak"],
        "bulletList" => &["listItem"],
        "listItem" => &["paragraph"],
        "codeBlock" => {
            assert!(
                content().iter().all(|part| part.get("marks").is_none()),
                "marks in code"
            );
            &["text"]
        }
        "text" => {
            fields(node, &["type", "text"], &["marks"], at);
            text(node, "text", 32_767);
            for mark in node["marks"].as_array().into_iter().flatten() {
                assert_eq!(mark["type"], "link");
                assert!(
                    mark["attrs"]["href"]
                        .as_str()
                        .unwrap()
                        .starts_with("https://")
                );
            }
            return;
        }
        other => panic!("{at}: no node {other}"),
    };
    for child in content() {
        assert!(
            allowed.contains(&child["type"].as_str().unwrap()),
            "{at}: {child}"
        );
        adf(child, child["type"].as_str().unwrap());
    }
}

/// `POST /rest/api/3/issue`.
pub(super) fn jira_issue(body: &Value) {
    fields(body, &["fields"], &["update"], "issue");
    let known = ["description", "labels"];
    let issue = fields(
        &body["fields"],
        &["project", "issuetype", "summary"],
        &known,
        "fields",
    );
    text(&body["fields"], "summary", 255);
    assert!(!issue["summary"].as_str().unwrap().contains(['\n', '\r']));
    fields(&issue["project"], &["key"], &[], "project");
    fields(&issue["issuetype"], &["name"], &[], "issuetype");
    adf(&issue["description"], "description");
    for label in issue["labels"].as_array().unwrap() {
        assert!(!label.as_str().unwrap().contains(' '));
    }
}

/// An event of PagerDuty's Events API v2.
pub(super) fn pagerduty_event(body: &Value) {
    let known = [
        "dedup_key",
        "payload",
        "images",
        "links",
        "client",
        "client_url",
    ];
    fields(body, &["routing_key", "event_action"], &known, "event");
    text(body, "routing_key", 32);
    text(body, "dedup_key", 255);
    let action = body["event_action"].as_str().unwrap();
    assert!(["trigger", "acknowledge", "resolve"].contains(&action));
    for link in body["links"].as_array().unwrap() {
        fields(link, &["href"], &["text"], "link");
    }
    let payload = &body["payload"];
    let known = ["timestamp", "component", "group", "class", "custom_details"];
    fields(
        payload,
        &["summary", "source", "severity"],
        &known,
        "payload",
    );
    text(payload, "summary", 1_024);
    text(payload, "source", 255);
    assert!(
        ["critical", "error", "warning", "info"].contains(&payload["severity"].as_str().unwrap())
    );
}

/// An alert of Opsgenie's.
pub(super) fn opsgenie_alert(body: &Value) {
    let known = [
        "alias",
        "description",
        "responders",
        "visibleTo",
        "actions",
        "tags",
        "details",
        "entity",
        "source",
        "priority",
        "user",
        "note",
    ];
    fields(body, &["message"], &known, "alert");
    text(body, "message", 130);
    text(body, "alias", 512);
    text(body, "description", 15_000);
    text(body, "source", 100);
    assert!(body["entity"].as_str().unwrap().len() <= 512);
    assert!(["P1", "P2", "P3", "P4", "P5"].contains(&body["priority"].as_str().unwrap()));
    let tags = body["tags"].as_array().unwrap();
    assert!(
        tags.len() <= 20
            && tags
                .iter()
                .all(|tag| (1..=50).contains(&tag.as_str().unwrap().len()))
    );
    assert!(
        body["details"]
            .as_object()
            .unwrap()
            .values()
            .all(Value::is_string)
    );
    assert!(body["details"].to_string().len() <= 8_000);
}
