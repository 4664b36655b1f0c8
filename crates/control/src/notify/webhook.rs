//! The generic webhook: the gateway's own body, or a template's, signed where there is a secret.

use super::declared::{Template, Webhook};
use super::http::{Request, secret};
use super::message::{Message, in_lines, moment_for_programs};
use super::outbox::Delivery;
use super::send::{Context, Failure, Sent, can_decide};
use super::{Details, Notifier, signature, templates};
use crate::identity::fetch::Fetcher;
use serde_json::{Value, json};
use sluice_model::Secret;

/// What the other side checks; see the guide.
const SIGNATURE: &str = "Sluice-Signature";
/// What it knows a message by that comes again.
const DELIVERY: &str = "Sluice-Delivery";
/// The same, by the name that many services look for.
const IDEMPOTENCY: &str = "Idempotency-Key";
const EVENT: &str = "Sluice-Event";

pub(crate) async fn send(
    notifier: &Notifier,
    webhook: &Webhook,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<Sent, Failure> {
    let mut request = match &webhook.template {
        None => Request::post(&webhook.url, body(notifier, delivery, context)),
        Some(template) => templates::request(notifier, webhook, template, delivery, context)?,
    };
    for (name, header) in &webhook.headers {
        let value = secret(&format!("the value of header {name}"), &header.value)?;
        let value = format!("{}{}", header.prefix, value.expose());
        request = request.with(name, Secret::new(value));
    }
    let said = |text: &str| Secret::new(text.to_owned());
    request = request
        .with(DELIVERY, said(&delivery.id()))
        .with(IDEMPOTENCY, said(&delivery.id()))
        .with(EVENT, said(delivery.message.event().name()));
    if let Some(reference) = &webhook.secret {
        let key = secret("the secret", reference)?;
        let bytes = request
            .body
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let signed = signature::own(&key, bytes.as_bytes(), context.now);
        request = request.with(SIGNATURE, Secret::new(signed));
    }
    let answer = request.send(fetcher).await?;
    let reference = match webhook.template {
        Some(Template::Servicenow) => templates::created_record(&answer.body),
        _ => None,
    };
    let shown = match &webhook.template {
        None | Some(Template::Inline(_)) => true,
        // These services put later messages about a request under the first one, without the operation.
        Some(_) => delivery
            .message
            .request()
            .is_some_and(|(s, _)| s.is_first()),
    };
    Ok(Sent {
        reference,
        whole: shown && can_decide(notifier, &delivery.message, context),
    })
}

/// What programs are sent.
fn body(notifier: &Notifier, delivery: &Delivery, context: &Context) -> Value {
    let message = &delivery.message;
    let facts = message.facts().into_iter();
    let facts: Vec<Value> = facts
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({
        "id": delivery.id(),
        "event": message.event().name(),
        "step": message.step_name(),
        "at": moment_for_programs(message.at),
        "title": message.title(),
        "facts": facts,
        "operation": message.operation(notifier.details),
        "request": request(message, notifier.details),
        "url": context.request_url(message),
        "callback": context.callback(notifier),
    })
}

/// The request as the API describes it; without what must not leave.
fn request(message: &Message, details: Details) -> Value {
    let Some((_, request)) = message.request() else {
        return Value::Null;
    };
    let mut value = serde_json::to_value(request).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        // What the caller may do is about whoever looks at it in the console.
        fields.remove("may_decide");
        if details == Details::Summary {
            fields.remove("text");
            fields.remove("parameters");
        } else {
            fields.insert("text".to_owned(), in_lines(&request.text).into());
        }
    }
    value
}
