//! Jira: an issue for each request, answered by moving it or by a comment, and closed with a link to the record. Text goes
//! into Jira's document format as text nodes, which have no markup.

use super::Notifier;
use super::declared::Jira;
use super::http::{Request, secret};
use super::message::{Step, capped};
use super::outbox::Delivery;
use super::send::{Context, Failure};
use super::templates::{filled, values};
use crate::identity::fetch::Fetcher;
use crate::keys::hex;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sluice_model::Secret;

/// The longest operation that is shown, in characters. A description holds 32,767.
pub(crate) const MAX_OPERATION: usize = 16_000;
/// The longest summary of an issue (Jira's limit).
const MAX_SUMMARY: usize = 255;
/// The longest text before the facts.
const MAX_OPENING: usize = 4_000;
/// Between the key of an issue and the digest of what it showed.
const BETWEEN: char = ' ';
/// The longest key of an issue: ten letters of a project, a dash and a number.
const MAX_KEY: usize = 32;

pub(crate) async fn send(
    notifier: &Notifier,
    jira: &Jira,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<Option<String>, Failure> {
    let issue = context.reference.as_deref().and_then(parts);
    let step = delivery.message.request().map(|(step, _)| step);
    let (Some((issue, _)), Some(step)) = (issue, step) else {
        return create(notifier, jira, fetcher, delivery, context)
            .await
            .map(Some);
    };
    if matches!(step, Step::Opened | Step::Escalated { .. }) {
        return Ok(None);
    }
    let url = format!("{}/rest/api/3/issue/{issue}/comment", site(jira));
    let comment = json!({"body": comment(delivery, context)});
    authorized(jira, Request::post(url, comment))?
        .send(fetcher)
        .await?;
    if let Some(id) = jira.close_transition.as_ref().filter(|_| !step.is_open()) {
        let url = format!("{}/rest/api/3/issue/{issue}/transitions", site(jira));
        let body = json!({"transition": {"id": id}});
        authorized(jira, Request::post(url, body))?
            .send(fetcher)
            .await?;
    }
    Ok(None)
}

/// Says something under an issue.
pub(crate) async fn say(
    jira: &Jira,
    fetcher: &Fetcher,
    issue: &str,
    why: &str,
) -> Result<(), Failure> {
    let url = format!("{}/rest/api/3/issue/{issue}/comment", site(jira));
    let body = json!({"body": document(vec![paragraph(&format!("Not done: {why}"))])});
    authorized(jira, Request::post(url, body))?
        .send(fetcher)
        .await
        .map(|_| ())
}

fn site(jira: &Jira) -> &str {
    jira.url.trim_end_matches('/')
}

fn authorized(jira: &Jira, request: Request) -> Result<Request, Failure> {
    let token = secret("the token", &jira.token)?;
    let pair = STANDARD.encode(format!("{}:{}", jira.email, token.expose()));
    Ok(request.with("authorization", Secret::new(format!("Basic {pair}"))))
}

async fn create(
    notifier: &Notifier,
    jira: &Jira,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<String, Failure> {
    let values = values(notifier, delivery, context);
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let fill = |template: &Option<String>, otherwise: &str| {
        let template = template.as_deref().unwrap_or(otherwise);
        filled(template, value).map_err(Failure::new)
    };
    let summary = fill(&jira.summary, "{{title}}")?.replace('\n', " ");
    let opening = fill(&jira.description, "{{title}}")?;
    let summary = capped(&summary, MAX_SUMMARY);
    let description = description(notifier, delivery, context, &capped(&opening, MAX_OPENING));
    let shown = digest_of(&summary, &description);
    let body = json!({"fields": {
        "project": {"key": jira.project},
        "issuetype": {"name": jira.issue_type},
        "summary": summary,
        "description": description,
        "labels": ["sluice"],
    }});
    let url = format!("{}/rest/api/3/issue", site(jira));
    let answer = authorized(jira, Request::post(url, body))?
        .send(fetcher)
        .await?;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let key = answer
        .get("key")
        .and_then(Value::as_str)
        .filter(|key| is_key(key));
    let wrong = || Failure::new("jira made an issue and did not say which".to_owned());
    key.map(|key| format!("{key}{BETWEEN}{shown}"))
        .ok_or_else(wrong)
}

/// The key of an issue and the digest of what it showed, in what the message is referred to by.
pub(crate) fn parts(reference: &str) -> Option<(&str, &str)> {
    let (key, shown) = reference.split_once(BETWEEN)?;
    is_key(key).then_some((key, shown))
}

/// A digest of every word of an issue. Spaces do not count: Jira keeps some otherwise than they were sent.
fn digest_of(summary: &str, description: &Value) -> String {
    let mut text = summary.to_owned();
    gather(description, &mut text);
    text.retain(|c| !c.is_whitespace());
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn gather(node: &Value, text: &mut String) {
    text.extend(node.get("text").and_then(Value::as_str));
    let children = node.get("content").and_then(Value::as_array);
    for child in children.into_iter().flatten() {
        gather(child, text);
    }
}

/// Whether a text is the key of an issue, which is all that is put into an address.
pub(crate) fn is_key(text: &str) -> bool {
    let Some((project, number)) = text.split_once('-') else {
        return false;
    };
    let letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let named =
        project.starts_with(|c: char| c.is_ascii_uppercase()) && project.chars().all(letters);
    let numbered = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    text.len() <= MAX_KEY && named && numbered
}

fn description(
    notifier: &Notifier,
    delivery: &Delivery,
    context: &Context,
    opening: &str,
) -> Value {
    let message = &delivery.message;
    let mut content: Vec<Value> = opening
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(paragraph)
        .collect();
    content.push(facts(delivery));
    if let Some(operation) = message.operation(notifier.details) {
        let shown = capped(&operation, MAX_OPERATION);
        content.push(json!({"type": "codeBlock", "content": [{"type": "text", "text": shown}]}));
    }
    content.push(link(&context.request_url(message)));
    document(content)
}

fn comment(delivery: &Delivery, context: &Context) -> Value {
    let message = &delivery.message;
    let title = paragraph(&message.title());
    document(vec![
        title,
        facts(delivery),
        link(&context.request_url(message)),
    ])
}

fn document(content: Vec<Value>) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

/// A text node must not be empty.
fn paragraph(text: &str) -> Value {
    json!({"type": "paragraph", "content": [{"type": "text", "text": text}]})
}

fn facts(delivery: &Delivery) -> Value {
    let facts = delivery.message.facts().into_iter();
    let item = |(name, value): (&str, String)| json!({"type": "listItem", "content": [paragraph(&format!("{name}: {value}"))]});
    let items: Vec<Value> = facts.map(item).collect();
    json!({"type": "bulletList", "content": items})
}

fn link(url: &str) -> Value {
    json!({"type": "paragraph", "content": [{
        "type": "text", "text": "Open in the console",
        "marks": [{"type": "link", "attrs": {"href": url}}],
    }]})
}

/// The digest of what an issue shows now: somebody may have changed it.
pub(crate) async fn shown_now(
    jira: &Jira,
    fetcher: &Fetcher,
    issue: &str,
) -> Result<String, Failure> {
    let site = site(jira);
    let request = Request {
        method: Method::GET,
        url: format!("{site}/rest/api/3/issue/{issue}?fields=summary,description"),
        headers: Vec::new(),
        body: None,
    };
    let answer = authorized(jira, request)?.send(fetcher).await?;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let field = |name: &str| answer.get("fields").and_then(|fields| fields.get(name));
    let summary = field("summary").and_then(Value::as_str).unwrap_or_default();
    Ok(digest_of(
        summary,
        field("description").unwrap_or(&Value::Null),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_issues_are_put_into_addresses() {
        for (text, good) in [
            ("OPS-1", true),
            ("A1_B-99", true),
            ("ops-1", false),
            ("OPS-", false),
            ("OPS-1/../2", false),
            ("-1", false),
            ("1A-1", false),
            ("OPS-1?x", false),
            ("", false),
        ] {
            assert_eq!(is_key(text), good, "{text}");
        }
    }
}
