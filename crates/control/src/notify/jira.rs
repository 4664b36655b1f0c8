//! Jira: an issue for each request, answered by moving it or by a comment, and closed with a link to the record. Text goes
//! into Jira's document format as text nodes, which have no markup. How an issue is read again is in [`issue`].

pub(crate) mod issue;

use super::Notifier;
use super::declared::Jira;
use super::http::{Request, secret};
use super::message::{Room, capped};
use super::outbox::Delivery;
use super::send::{Context, Failure, Sent, can_decide};
use super::templates::{filled, values};
use crate::identity::fetch::Fetcher;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use issue::{Issue, is_key, parts, reference};
use serde_json::{Value, json};
use sluice_model::Secret;

/// The longest operation that is shown, in characters. A description holds 32,767.
const MAX_OPERATION: usize = 16_000;
/// What an issue shows.
pub(crate) const ROOM: Room = Room {
    operation: MAX_OPERATION,
    fact: usize::MAX,
    total: usize::MAX,
};
/// The longest summary of an issue (Jira's limit).
const MAX_SUMMARY: usize = 255;
/// The longest text before the facts.
const MAX_OPENING: usize = 4_000;

pub(crate) async fn send(
    notifier: &Notifier,
    jira: &Jira,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<Sent, Failure> {
    let issue = context.reference.as_deref().and_then(parts);
    let step = delivery.message.request().map(|(step, _)| step);
    let (Some((issue, _)), Some(step)) = (issue, step) else {
        return create(notifier, jira, fetcher, delivery, context).await;
    };
    if step.is_first() {
        return Ok(Sent::default());
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
    Ok(Sent::default())
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
) -> Result<Sent, Failure> {
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
    let sent = Issue::new(summary.clone(), description.clone());
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
    let key = key.ok_or_else(wrong)?;
    // Jira keeps spaces and attributes in its own way: what counts later is what it shows, if that has the words that it
    // was sent. A second try would make a second issue, so that an issue that cannot be read just approves nothing.
    let kept = issue::read(jira, fetcher, key).await.ok();
    let kept = kept.filter(|kept| kept.is_untouched() && kept.words() == sent.words());
    let shown = kept.as_ref().unwrap_or(&sent);
    Ok(Sent {
        reference: Some(reference(key, shown)),
        whole: kept.is_some() && can_decide(notifier, &delivery.message, context),
    })
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
