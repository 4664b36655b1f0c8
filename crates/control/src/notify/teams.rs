//! Microsoft Teams: an adaptive card through a workflow that begins with a webhook. It leads to the console; what became
//! of a request is another card, because such a workflow changes none. Whatever a stranger wrote stands in runs of text,
//! in which nothing is a format.

use super::Notifier;
use super::declared::Teams;
use super::http::{Request, secret};
use super::message::capped;
use super::outbox::Delivery;
use super::send::{Context, Failure, Sent};
use crate::identity::fetch::Fetcher;
use serde_json::{Value, json};

/// The longest operation that is shown, in characters: a card has to stay within 28 KB, in which each can take four bytes
/// and be escaped.
const MAX_OPERATION: usize = 4_000;
const CARD: &str = "application/vnd.microsoft.card.adaptive";
const SCHEMA: &str = "http://adaptivecards.io/schemas/adaptive-card.json";
/// The version that Teams shows everywhere.
const VERSION: &str = "1.4";

pub(crate) async fn send(
    notifier: &Notifier,
    teams: &Teams,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<Sent, Failure> {
    let url = secret("the url", &teams.url)?;
    let body = json!({
        "type": "message",
        "attachments": [{
            "contentType": CARD,
            "contentUrl": null,
            "content": card(notifier, delivery, context),
        }],
    });
    Request::post(url.expose(), body).send(fetcher).await?;
    Ok(Sent::default())
}

fn card(notifier: &Notifier, delivery: &Delivery, context: &Context) -> Value {
    let message = &delivery.message;
    let mut body = vec![runs(&[json!({
        "type": "TextRun", "text": message.title(), "weight": "Bolder", "size": "Medium",
    })])];
    for (name, value) in message.facts() {
        body.push(runs(&[
            json!({"type": "TextRun", "text": format!("{name}: "), "weight": "Bolder"}),
            json!({"type": "TextRun", "text": value}),
        ]));
    }
    if let Some(operation) = message.operation(notifier.details) {
        let shown = capped(&operation, MAX_OPERATION);
        body.push(runs(&[
            json!({"type": "TextRun", "text": shown, "fontType": "Monospace"}),
        ]));
    }
    json!({
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "msteams": {"width": "full"},
        "body": body,
        "actions": [{
            "type": "Action.OpenUrl",
            "title": "Open in the console",
            "url": context.request_url(message),
        }],
    })
}

fn runs(inlines: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}
