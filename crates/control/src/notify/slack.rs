//! Slack: a message of blocks with buttons, changed when the request is over. Whatever a stranger wrote stands in plain
//! text or in preformatted rich text, where nothing is a link, a mention or a format. The dialog that asks why is in
//! [`dialog`].

pub(crate) mod dialog;

use super::Notifier;
use super::declared::Slack;
use super::http::{Request, secret};
use super::message::{Room, Step, capped};
use super::outbox::Delivery;
use super::send::{Context, Failure, Sent, can_decide};
use crate::identity::fetch::Fetcher;
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_model::Secret;

/// Slack's Web API.
const API: &str = "https://slack.com/api";
/// The longest operation that is shown, in characters: in more than two blocks it is no message any more.
const MAX_OPERATION: usize = 5_600;
/// The longest part of it in one block. Slack takes 3,000 in a text; escapes of other senders are counted there too.
const MAX_PART: usize = 2_800;
/// The longest header (Slack's limit is 150).
const MAX_HEADER: usize = 150;
/// Fields of one section (Slack's limit).
const MAX_FIELDS: usize = 10;
/// The longest field (Slack's limit is 2,000, with escapes of up to five characters for one).
const MAX_FIELD: usize = 390;
/// What a message shows.
pub(crate) const ROOM: Room = Room {
    operation: MAX_OPERATION,
    fact: MAX_FIELD,
    total: usize::MAX,
};
/// What the buttons stand in.
pub(crate) const BLOCK: &str = "sluice_decide";
pub(crate) const APPROVE: &str = "sluice_approve";
pub(crate) const DENY: &str = "sluice_deny";
const OPEN: &str = "sluice_open";
/// Between a channel and a moment in what a message is referred to by.
const BETWEEN: char = ' ';
/// Slack says so when a message is gone that should be changed.
const GONE: &[&str] = &[
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
];

/// What every method of the Web API answers.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ts: Option<String>,
}

pub(crate) fn api(slack: &Slack) -> &str {
    slack
        .api_url
        .as_deref()
        .unwrap_or(API)
        .trim_end_matches('/')
}

pub(crate) async fn send(
    notifier: &Notifier,
    slack: &Slack,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<Sent, Failure> {
    let title = delivery.message.title();
    let blocks = blocks(notifier, delivery, context);
    let posted = context
        .reference
        .as_deref()
        .and_then(|r| r.split_once(BETWEEN));
    let step = delivery.message.request().map(|(step, _)| step);
    let mut body = message(&slack.channel, &title, &blocks);
    if let (Some((channel, ts)), Some(step)) = (posted, step) {
        if *step == Step::Reminder {
            body = reminder(channel, ts, &title);
        } else if !step.is_first() {
            let change =
                json!({"channel": channel, "ts": ts, "text": escaped(&title), "blocks": blocks});
            let answer = call(slack, fetcher, "chat.update", change).await?;
            let gone = answer.error.as_deref().is_some_and(|e| GONE.contains(&e));
            if !gone {
                let sent = Sent {
                    reference: None,
                    whole: can_decide(notifier, &delivery.message, context),
                };
                return taken(answer).map(|_| sent);
            }
        }
    }
    let is_reply = body.get("thread_ts").is_some();
    let answer = taken(call(slack, fetcher, "chat.postMessage", body).await?)?;
    let reference = answer.channel.zip(answer.ts).filter(|_| !is_reply);
    Ok(Sent {
        reference: reference.map(|(channel, ts)| format!("{channel}{BETWEEN}{ts}")),
        whole: !is_reply && can_decide(notifier, &delivery.message, context),
    })
}

/// Asks a method of the Web API.
async fn call(
    slack: &Slack,
    fetcher: &Fetcher,
    method: &str,
    body: Value,
) -> Result<Answer, Failure> {
    let token = secret("the token", &slack.token)?;
    let bearer = Secret::new(format!("Bearer {}", token.expose()));
    let answer = Request::post(format!("{}/{method}", api(slack)), body)
        .with("authorization", bearer)
        .send(fetcher)
        .await?;
    let wrong = |_| Failure::new("slack answered something else than was expected".to_owned());
    serde_json::from_slice(&answer.body).map_err(wrong)
}

/// Tells one person something in the channel: where they pressed a button, or, as a dialog has no such place, by their id.
pub(crate) async fn whisper(
    slack: &Slack,
    fetcher: &Fetcher,
    who: &str,
    url: Option<&str>,
    why: &str,
) -> Result<(), Failure> {
    let text = escaped(&format!("Not done: {why}"));
    if let Some(url) = url {
        let body = json!({"response_type": "ephemeral", "replace_original": false, "text": text});
        return Request::post(url, body).send(fetcher).await.map(|_| ());
    }
    let body = json!({"channel": slack.channel, "user": who, "text": text});
    taken(call(slack, fetcher, "chat.postEphemeral", body).await?).map(|_| ())
}

fn taken(answer: Answer) -> Result<Answer, Failure> {
    match answer.ok {
        true => Ok(answer),
        false => {
            // A word of Slack's own, such as `channel_not_found`.
            let word = answer.error.unwrap_or_default();
            let word: String = word
                .chars()
                .filter(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            Err(Failure::new(format!(
                "slack refused: {}",
                capped(&word, 60)
            )))
        }
    }
}

/// A message that is posted. Changing one has fewer settings.
fn message(channel: &str, title: &str, blocks: &[Value]) -> Value {
    json!({
        "channel": channel,
        "text": escaped(title),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

/// A reminder in the thread of the message, shown in the channel as well.
fn reminder(channel: &str, ts: &str, title: &str) -> Value {
    let block = json!({"type": "section", "text": plain(title, MAX_PART)});
    let mut body = message(channel, title, &[block]);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("thread_ts".to_owned(), ts.into());
        fields.insert("reply_broadcast".to_owned(), true.into());
    }
    body
}

fn blocks(notifier: &Notifier, delivery: &Delivery, context: &Context) -> Vec<Value> {
    let message = &delivery.message;
    let mut blocks = vec![json!({"type": "header", "text": plain(&message.title(), MAX_HEADER)})];
    let facts = message.facts();
    for facts in facts.chunks(MAX_FIELDS) {
        let field = |(name, value): &(&str, String)| plain(&format!("{name}: {value}"), MAX_FIELD);
        let fields: Vec<Value> = facts.iter().map(field).collect();
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    if let Some(operation) = message.operation(notifier.details) {
        let shown: Vec<char> = capped(&operation, MAX_OPERATION).chars().collect();
        for part in shown.chunks(MAX_PART) {
            let text: String = part.iter().collect();
            blocks.push(json!({
                "type": "rich_text",
                "elements": [{
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": text}],
                }],
            }));
        }
    }
    blocks.push(buttons(notifier, delivery, context));
    blocks
}

fn buttons(notifier: &Notifier, delivery: &Delivery, context: &Context) -> Value {
    let url = context.request_url(&delivery.message);
    let open = button(OPEN, "Open in the console", &[("url", &url)]);
    let mut elements = Vec::new();
    let request = delivery.message.request();
    if let Some((_, request)) = request.filter(|(step, _)| step.is_open()) {
        let value = ("value", request.id.as_str());
        if can_decide(notifier, &delivery.message, context) {
            let text = match request.window_seconds {
                Some(_) => "Approve as asked",
                None => "Approve once",
            };
            elements.push(button(APPROVE, text, &[value, ("style", "primary")]));
        }
        elements.push(button(DENY, "Deny", &[value, ("style", "danger")]));
    }
    elements.push(open);
    json!({"type": "actions", "block_id": BLOCK, "elements": elements})
}

fn button(action: &str, text: &str, more: &[(&str, &str)]) -> Value {
    let text = json!({"type": "plain_text", "text": text, "emoji": false});
    with(
        json!({"type": "button", "action_id": action, "text": text}),
        more,
    )
}

/// An object with more texts in it.
fn with(mut object: Value, more: &[(&str, &str)]) -> Value {
    if let Some(fields) = object.as_object_mut() {
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()));
        fields.extend(more);
    }
    object
}

fn plain(text: &str, longest: usize) -> Value {
    json!({"type": "plain_text", "text": escaped(&capped(text, longest)), "emoji": false})
}

/// The three characters that Slack gives a meaning to.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
