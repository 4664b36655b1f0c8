//! Bodies of webhooks for services that want their own: three that are built in, and those that administrators write.
//! Values are put into JSON as texts, after the template was read: none can become anything else.

use super::declared::{Template, Webhook};
use super::http::{Request, secret};
use super::message::{Message, Room, Step, Subject, capped, moment_for_programs};
use super::outbox::Delivery;
use super::send::{Context, Failure};
use super::{EventKind, Notifier};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The longest summary of an event in PagerDuty, in characters (Events API v2).
const PAGERDUTY_SUMMARY: usize = 1_024;
/// The longest message of an alert in Opsgenie, in characters (Alert API).
const OPSGENIE_MESSAGE: usize = 130;
/// The longest description of an alert in Opsgenie.
const OPSGENIE_DESCRIPTION: usize = 15_000;
/// The longest short description of a record in ServiceNow.
const SERVICENOW_SHORT: usize = 160;
/// The longest description in ServiceNow that is used: its field holds 4,000 characters unless it was made larger.
const SERVICENOW_DESCRIPTION: usize = 4_000;
/// The longest operation that a built-in template shows whole; facts take the rest of a description.
const MAX_OPERATION: usize = 2_000;

/// Empty lines around an address and an operation in a description.
const AROUND_URL: usize = 4;

/// Names that stand in every message.
const NAMES: [&str; 14] = [
    "id",
    "event",
    "step",
    "at",
    "title",
    "details",
    "operation",
    "principal",
    "connection",
    "reason",
    "request",
    "url",
    "callback",
    "severity",
];
/// What a name of a secret begins with.
const SECRETS: &str = "values.";

/// What is wrong with the names in a template, given those of its secrets.
pub(crate) fn placeholder_problem<'a>(
    template: &Value,
    secrets: impl Fn(&str) -> bool + Copy + 'a,
) -> Option<String> {
    match template {
        Value::String(text) => {
            let mut problem = None;
            let _ = filled(text, |name| {
                let known = NAMES.contains(&name) || name.strip_prefix(SECRETS).is_some_and(secrets);
                if !known && problem.is_none() {
                    problem = Some(format!(
                        "unknown name {name:?}, expected one of: {}, or values.NAME of a secret in \"values\"",
                        NAMES.join(", ")
                    ));
                }
                String::new()
            })
            .inspect_err(|why| problem = Some(why.clone()));
            problem
        }
        Value::Array(items) => items
            .iter()
            .find_map(|item| placeholder_problem(item, secrets)),
        Value::Object(fields) => fields
            .values()
            .find_map(|field| placeholder_problem(field, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A text with each name in double braces replaced.
pub(crate) fn filled(text: &str, mut value: impl FnMut(&str) -> String) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| "\"{{\" without \"}}\"".to_owned())?;
        out.push_str(before);
        out.push_str(&value(name.trim()));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// How much of a request a template shows, with `url` in it.
pub(crate) fn room(template: &Template, url: &str) -> Room {
    let described = |longest: usize| longest.saturating_sub(url.chars().count() + AROUND_URL);
    let (operation, fact, total) = match template {
        Template::Inline(template) => {
            let shows = |name| match has_name(template, name) {
                true => usize::MAX,
                false => 0,
            };
            (shows("operation"), shows("details"), usize::MAX)
        }
        Template::Pagerduty => (MAX_OPERATION, usize::MAX, usize::MAX),
        Template::Opsgenie => (usize::MAX, usize::MAX, described(OPSGENIE_DESCRIPTION)),
        Template::Servicenow => (usize::MAX, usize::MAX, described(SERVICENOW_DESCRIPTION)),
    };
    Room {
        operation,
        fact,
        total,
    }
}

/// Whether a template of an administrator's own shows what a name stands for.
fn has_name(template: &Value, wanted: &str) -> bool {
    match template {
        Value::String(text) => {
            let mut found = false;
            let _ = filled(text, |name| {
                found |= name == wanted;
                String::new()
            });
            found
        }
        Value::Array(items) => items.iter().any(|item| has_name(item, wanted)),
        Value::Object(fields) => fields.values().any(|field| has_name(field, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What the names stand for in one message.
pub(crate) fn values(
    notifier: &Notifier,
    delivery: &Delivery,
    context: &Context,
) -> BTreeMap<&'static str, String> {
    let message = &delivery.message;
    let (principal, connection) = about(message);
    let request = message.request().map(|(_, r)| r.id.to_string());
    let known = [
        ("id", delivery.id()),
        ("event", message.event().name().to_owned()),
        ("step", message.step_name().unwrap_or_default().to_owned()),
        ("at", moment_for_programs(message.at)),
        ("title", message.title()),
        ("details", details(message)),
        (
            "operation",
            message.operation(notifier.details).unwrap_or_default(),
        ),
        ("principal", principal),
        ("connection", connection),
        ("reason", message.reason()),
        ("request", request.unwrap_or_default()),
        ("url", context.request_url(message)),
        ("callback", context.callback(notifier).unwrap_or_default()),
        ("severity", severity(message.event()).to_owned()),
    ];
    known.into_iter().collect()
}

fn about(message: &Message) -> (String, String) {
    match &message.subject {
        Subject::Approval { request, .. } => {
            (request.principal.to_string(), request.connection.clone())
        }
        Subject::Notice { notice, .. } => (
            notice
                .principal()
                .map(ToString::to_string)
                .unwrap_or_default(),
            notice.connection().unwrap_or_default().to_owned(),
        ),
        Subject::Test => Default::default(),
    }
}

/// The facts, one per line.
pub(crate) fn details(message: &Message) -> String {
    let facts = message.facts().into_iter();
    let lines: Vec<String> = facts
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.join("\n")
}

fn severity(event: EventKind) -> &'static str {
    match event {
        EventKind::BreakGlass | EventKind::LogGap => "critical",
        EventKind::Approval | EventKind::Refused => "warning",
        EventKind::Masked | EventKind::NewConnection | EventKind::Test => "info",
    }
}

/// The request that one template makes of a message.
pub(crate) fn request(
    notifier: &Notifier,
    webhook: &Webhook,
    template: &Template,
    delivery: &Delivery,
    context: &Context,
) -> Result<Request, Failure> {
    let values = values(notifier, delivery, context);
    match template {
        Template::Inline(template) => {
            let mut secrets = BTreeMap::new();
            for (name, reference) in &webhook.values {
                let value = secret(&format!("the value {name}"), reference)?;
                secrets.insert(format!("{SECRETS}{name}"), value);
            }
            let value = |name: &str| match secrets.get(name) {
                Some(secret) => secret.expose().to_owned(),
                None => values.get(name).cloned().unwrap_or_default(),
            };
            Ok(Request::post(&webhook.url, inline(template, &value)?))
        }
        Template::Pagerduty => pagerduty(webhook, delivery, &values, context),
        Template::Opsgenie => Ok(opsgenie(webhook, delivery, &values)),
        Template::Servicenow => Ok(servicenow(webhook, delivery, &values, context)),
    }
}

fn inline(template: &Value, value: &impl Fn(&str) -> String) -> Result<Value, Failure> {
    Ok(match template {
        Value::String(text) => filled(text, value).map_err(Failure::new)?.into(),
        Value::Array(items) => {
            let items: Result<Vec<Value>, Failure> =
                items.iter().map(|item| inline(item, value)).collect();
            items?.into()
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), inline(field, value)?)));
            let fields: Result<Map<String, Value>, Failure> = fields.collect();
            fields?.into()
        }
        other => other.clone(),
    })
}

type Values = BTreeMap<&'static str, String>;

fn get<'v>(values: &'v Values, name: &str) -> &'v str {
    values.get(name).map(String::as_str).unwrap_or_default()
}

/// What a request, or anything else, is called at a service that joins messages by a key.
fn key(delivery: &Delivery) -> String {
    delivery
        .approval()
        .map_or_else(|| delivery.id(), str::to_owned)
}

fn is_over(delivery: &Delivery) -> bool {
    delivery
        .message
        .request()
        .is_some_and(|(step, _)| !step.is_open())
}

/// Details with the operation under them.
fn description(values: &Values, longest: usize) -> String {
    let operation = get(values, "operation");
    let text = match operation.is_empty() {
        true => get(values, "details").to_owned(),
        false => format!("{operation}\n\n{}", get(values, "details")),
    };
    capped(&text, longest)
}

/// An event of PagerDuty's Events API v2.
fn pagerduty(
    webhook: &Webhook,
    delivery: &Delivery,
    values: &Values,
    context: &Context,
) -> Result<Request, Failure> {
    let routing_key = webhook.values.get("routing_key");
    let routing_key =
        routing_key.ok_or_else(|| Failure::new("values.routing_key is missing".to_owned()))?;
    let routing_key = secret("values.routing_key", routing_key)?;
    let action = match is_over(delivery) {
        true => "resolve",
        false => "trigger",
    };
    let facts = delivery.message.facts().into_iter();
    let mut custom: Map<String, Value> = facts
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    if !get(values, "operation").is_empty() {
        custom.insert(
            "Operation".to_owned(),
            capped(get(values, "operation"), MAX_OPERATION).into(),
        );
    }
    let body = json!({
        "routing_key": routing_key.expose(),
        "event_action": action,
        "dedup_key": key(delivery),
        "client": "Sluice",
        "client_url": context.public_url,
        "links": [{"href": get(values, "url"), "text": "Open in the console"}],
        "payload": {
            "summary": capped(get(values, "title"), PAGERDUTY_SUMMARY),
            "source": context.public_url,
            "severity": get(values, "severity"),
            "timestamp": get(values, "at"),
            "component": get(values, "connection"),
            "class": get(values, "event"),
            "custom_details": custom,
        },
    });
    Ok(Request::post(&webhook.url, body))
}

/// An alert of Opsgenie's Alert API, or its end.
fn opsgenie(webhook: &Webhook, delivery: &Delivery, values: &Values) -> Request {
    let title = get(values, "title");
    if is_over(delivery) {
        let url = format!(
            "{}/{}/close?identifierType=alias",
            webhook.url.trim_end_matches('/'),
            key(delivery)
        );
        let note = capped(
            &format!("{title}\n{}", get(values, "details")),
            OPSGENIE_DESCRIPTION,
        );
        return Request::post(url, json!({"source": "Sluice", "note": note}));
    }
    let priority = match get(values, "severity") {
        "critical" => "P1",
        "warning" => "P3",
        _ => "P5",
    };
    let description = format!(
        "{}\n\n{}",
        get(values, "url"),
        description(values, OPSGENIE_DESCRIPTION)
    );
    let body = json!({
        "message": capped(title, OPSGENIE_MESSAGE),
        "alias": key(delivery),
        "description": capped(&description, OPSGENIE_DESCRIPTION),
        "source": "Sluice",
        "entity": get(values, "connection"),
        "priority": priority,
        "tags": ["sluice", get(values, "event")],
        "details": {"request": get(values, "request"), "url": get(values, "url")},
    });
    Request::post(&webhook.url, body)
}

/// A record of ServiceNow's Table API; what comes later is a work note on it.
fn servicenow(
    webhook: &Webhook,
    delivery: &Delivery,
    values: &Values,
    context: &Context,
) -> Request {
    let title = get(values, "title");
    let text = description(values, SERVICENOW_DESCRIPTION);
    let step = delivery.message.request().map(|(step, _)| step);
    let opens = step.is_none_or(Step::is_first);
    let record = context.reference.as_deref().filter(|_| !opens);
    let Some(record) = record else {
        let urgency = match get(values, "severity") {
            "critical" => "1",
            "warning" => "2",
            _ => "3",
        };
        let body = json!({
            "short_description": capped(title, SERVICENOW_SHORT),
            "description": capped(&format!("{}\n\n{text}", get(values, "url")), SERVICENOW_DESCRIPTION),
            "urgency": urgency,
            "correlation_id": key(delivery),
            "correlation_display": "Sluice",
        });
        return Request::post(&webhook.url, body);
    };
    let url = format!("{}/{record}", webhook.url.trim_end_matches('/'));
    Request {
        method: Method::PATCH,
        ..Request::post(
            url,
            json!({"work_notes": format!("{title}\n{}", get(values, "details"))}),
        )
    }
}

/// What ServiceNow calls the record that it made: 32 hexadecimal digits, and nothing else is put into an address.
pub(crate) fn created_record(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let id = answer.pointer("/result/sys_id")?.as_str()?;
    let good = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_nothing_else_is() {
        let value = |name: &str| format!("<{name}>");
        for (text, expected) in [
            ("plain", Some("plain")),
            ("{{title}}", Some("<title>")),
            ("a {{ title }} b {{at}}", Some("a <title> b <at>")),
            ("{title} }}", Some("{title} }}")),
            ("{{title", None),
        ] {
            let got = filled(text, value).ok();
            assert_eq!(got.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn values_stay_texts() {
        let hostile = r#"", "admin": true, "x": "{{title}}"#;
        let template = json!({"a": ["{{title}}", 1, null], "b": {"c": "x{{title}}"}});
        let made = inline(&template, &|_: &str| hostile.to_owned()).unwrap();
        assert_eq!(
            made,
            json!({"a": [hostile, 1, null], "b": {"c": format!("x{hostile}")}})
        );
    }

    #[test]
    fn unknown_names_are_problems() {
        for (template, problem) in [
            (json!({"a": "{{title}} {{values.key}}"}), None),
            (json!({"a": ["{{titel}}"]}), Some("unknown name \"titel\"")),
            (
                json!("{{values.other}}"),
                Some("unknown name \"values.other\""),
            ),
            (json!("{{title"), Some("\"{{\" without")),
        ] {
            let got = placeholder_problem(&template, |name| name == "key");
            assert_eq!(got.is_some(), problem.is_some(), "{got:?}");
            let begins = got
                .unwrap_or_default()
                .starts_with(problem.unwrap_or_default());
            assert!(begins, "{template}");
        }
    }
}
