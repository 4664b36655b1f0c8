//! What a request is to policies, to approvers and to records.

use super::asked::Asked;
use super::route::Route;
use crate::digest::Digest;
use bytes::Bytes;
use http::header;
use sluice_model::{Access, Fact, Facts, Operation, OperationDigest, Resource, SessionContext};
use sluice_protocol::http::actions::{self, FACT_NAMESPACE, FIELDS, NUMBERS};
use sluice_protocol::http::fields::{self, CannotRead};
use sluice_protocol::http::openapi;
use std::collections::BTreeMap;

/// Fields that do not change what a request does: they are no part of what is approved.
const WITHOUT_MEANING: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "baggage",
    "cache-control",
    "content-length",
    "date",
    "dnt",
    "origin",
    "pragma",
    "priority",
    "referer",
    "sec-gpc",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
    "sluice-account",
    "sluice-reason",
    "traceparent",
    "tracestate",
    "upgrade-insecure-requests",
    "user-agent",
    "x-request-id",
    "x-correlation-id",
];
/// What the names of other such fields begin with.
const WITHOUT_MEANING_PREFIX: &[&str] = &["sec-ch-", "sec-fetch-"];
/// Names in a query whose values are secrets, besides those that are anywhere.
const SECRET_NAMES: &[&str] = &[
    "auth",
    "code",
    "key",
    "sig",
    "signature",
    "x-amz-credential",
    "x-amz-signature",
];

/// The body of a request, as far as it is known before it is decided.
#[derive(Debug, Clone, Copy)]
pub enum Known<'b> {
    /// All of it.
    Whole(&'b Bytes),
    /// It is passed on while it comes in.
    Streamed,
}

/// What a request is to policies. With `fields`, its body is looked into.
///
/// # Errors
/// It is to be looked into and cannot be.
pub fn of(
    asked: &Asked,
    route: &Route,
    described: Option<&openapi::Operation>,
    known: Known<'_>,
    fields: bool,
) -> Result<Operation, CannotRead> {
    // The driver refuses other methods before anything else.
    let own = actions::of(&asked.method).unwrap_or(actions::UPGRADE);
    let action = if asked.websocket {
        actions::UPGRADE
    } else {
        own
    };
    let parts = match described {
        Some(operation) => template_parts(&operation.template),
        None => route.target.segments().to_vec(),
    };
    let mut values = BTreeMap::new();
    let mut put = |name: &str, fact: Fact| values.insert(name.to_owned(), fact);
    put("method", Fact::Text(asked.method.to_string()));
    put("path", Fact::Text(plain_path(route)));
    put("query", Fact::Texts(route.target.query_names().clone()));
    if let Some(operation) = described {
        put("operation", Fact::Text(operation.id.clone()));
    }
    let kind = asked.only(header::CONTENT_TYPE.as_str());
    if let Some(kind) = kind.filter(|_| asked.has_body) {
        put("content_type", Fact::Text(media_type(kind)));
    }
    let length = match known {
        Known::Whole(body) => Some(body.len() as u64),
        Known::Streamed => asked.length,
    };
    if let Some(length) = length {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        put("body_bytes", Fact::Long(length));
    }
    if asked.websocket {
        put("upgrade", Fact::Text(super::asked::WEBSOCKET.to_owned()));
    }
    if fields {
        let Known::Whole(body) = known else {
            return Err(CannotRead::TooMuch);
        };
        let encoded = asked.headers.contains_key(header::CONTENT_ENCODING);
        if encoded && !body.is_empty() {
            return Err(CannotRead::Kind);
        }
        let found = fields::read(kind, body)?;
        put(FIELDS, Fact::NamedTexts(found.texts));
        put(NUMBERS, Fact::NamedLongs(found.numbers));
    }
    Ok(Operation {
        text: text(asked, route).into(),
        accesses: vec![Access {
            action,
            resource: Resource::Endpoint { parts },
        }],
        facts: Facts {
            namespace: FACT_NAMESPACE.to_owned(),
            values,
        },
    })
}

/// The parts of a description's template.
fn template_parts(template: &str) -> Vec<String> {
    let parts = template.split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The path without escapes.
fn plain_path(route: &Route) -> String {
    let mut path: String = String::new();
    for segment in route.target.segments() {
        path.push('/');
        path.push_str(segment);
    }
    if path.is_empty() || route.target.ends_with_slash() {
        path.push('/');
    }
    path
}

/// A media type without parameters, in lower case.
#[must_use]
pub fn media_type(content_type: &str) -> String {
    let bare = content_type.split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// A request in one line, for records and approvers. Values that are secrets by their name are left out.
#[must_use]
pub fn text(asked: &Asked, route: &Route) -> String {
    let method = if asked.websocket {
        "WEBSOCKET"
    } else {
        asked.method.as_str()
    };
    match route.target.query() {
        Some(query) => format!(
            "{method} {}?{}",
            route.target.path(),
            query_without_secrets(query)
        ),
        None => format!("{method} {}", route.target.path()),
    }
}

/// A query without the values of secrets.
#[must_use]
pub fn query_without_secrets(query: &str) -> String {
    let shown = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=(hidden)"),
        _ => pair.to_owned(),
    };
    query.split('&').map(shown).collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    SECRET_NAMES.iter().any(|s| s.eq_ignore_ascii_case(&name)) || super::rules::is_secret(&name)
}

/// The fields that can change what a request does, in one order.
#[must_use]
pub fn with_meaning(asked: &Asked) -> Vec<(&str, Vec<u8>)> {
    let mut fields: Vec<(&str, Vec<u8>)> = asked
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes().to_vec()))
        .filter_map(|(name, value)| match name {
            // What the gateway is asked for is no part of what the target is.
            "prefer" => Some((name, without_async(&value))).filter(|(_, rest)| !rest.is_empty()),
            "cookie" => None,
            _ => Some((name, value)),
        })
        .filter(|(name, _)| {
            let begins = |prefix: &&str| name.starts_with(*prefix);
            !WITHOUT_MEANING.contains(name) && !WITHOUT_MEANING_PREFIX.iter().any(begins)
        })
        .collect();
    if let Some(cookies) = super::cookies::of_target(&asked.headers) {
        fields.push(("cookie", cookies.into_bytes()));
    }
    fields.sort_unstable();
    fields
}

fn without_async(prefer: &[u8]) -> Vec<u8> {
    let others = prefer.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let others = others.filter(|one| !one.eq_ignore_ascii_case(b"respond-async"));
    others.collect::<Vec<_>>().join(&b", "[..])
}

/// The digest of a request with its whole body.
#[must_use]
pub fn digest(
    context: &SessionContext,
    asked: &Asked,
    route: &Route,
    body: &Bytes,
) -> OperationDigest {
    let mut digest = Digest::of(b"sluice request 1", context);
    digest.part(asked.method.as_str().as_bytes());
    digest.part(&[u8::from(asked.websocket)]);
    digest.part(route.target.sent().as_bytes());
    for (name, value) in with_meaning(asked) {
        digest.part(name.as_bytes());
        digest.part(&value);
    }
    digest.part(b"body");
    digest.part(body);
    digest.finish()
}
