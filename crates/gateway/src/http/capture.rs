//! What records keep of messages: heads without secrets, and bodies as the caller sent or saw them, up to a cap.

use super::encoding::{Coding, Decoder, NotCoded, coding_of};
use super::rules::{ForRecord, is_secret};
use http::header::{self, HeaderMap};
use sluice_model::RecordedValue;
use sluice_protocol::http::mask::{Kind, Masker, kind_of};
use std::sync::Arc;

/// The most bytes kept of one body.
pub const CAP: usize = 16 * 1024;
/// The most bytes kept of one field's value.
pub const CAP_VALUE: usize = 2 * 1024;
/// How a value is shown that is not kept.
const HIDDEN: &str = "(hidden)";

/// Fields whose values are secrets.
const SECRET: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "set-cookie",
    "x-amz-security-token",
    "x-auth-token",
    "x-csrf-token",
    "x-vault-token",
    "x-xsrf-token",
    "private-token",
];

/// The fields of a message for its record. `secret` are names of others that hold one.
#[must_use]
pub fn fields(headers: &HeaderMap, secret: &[&str]) -> Vec<(String, String)> {
    let text = |value: &header::HeaderValue| match value.is_sensitive() {
        true => HIDDEN.to_owned(),
        false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    let all = headers
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)));
    let shown = |(name, value): (&str, String)| {
        let hidden = secret.iter().any(|s| name.eq_ignore_ascii_case(s));
        (
            name.to_owned(),
            if hidden {
                HIDDEN.to_owned()
            } else {
                shortened(shown_value(name, value))
            },
        )
    };
    all.map(shown).collect()
}

/// Fields without what is secret in them, whole for people who judge them.
#[must_use]
pub fn hidden(fields: Vec<(&str, String)>) -> Vec<(String, String)> {
    let each = fields.into_iter();
    each.map(|(name, value)| (name.to_owned(), shown_value(name, value)))
        .collect()
}

fn shown_value(name: &str, value: String) -> String {
    if SECRET.contains(&name) || is_secret(name.trim_start_matches("x-")) {
        return HIDDEN.to_owned();
    }
    match name {
        "location" | "content-location" | "referer" => without_secrets(&value),
        _ => value,
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(CAP_VALUE) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// An address without the values of secrets in its query.
fn without_secrets(url: &str) -> String {
    match url.split_once('?') {
        Some((path, query)) => format!("{path}?{}", super::operation::query_without_secrets(query)),
        None => url.to_owned(),
    }
}

/// Keeps a body.
pub struct Capture {
    kind: Option<Kind>,
    coding: Option<Coding>,
    kept: Vec<u8>,
    all: u64,
    cap: usize,
}

impl Capture {
    /// Of a message with this head.
    #[must_use]
    pub fn new(headers: &HeaderMap) -> Self {
        Self::with_cap(headers, CAP)
    }

    /// The same with so many bytes at most.
    #[must_use]
    pub fn with_cap(headers: &HeaderMap, cap: usize) -> Self {
        let text = |name| {
            headers
                .get(name)
                .and_then(|v: &header::HeaderValue| v.to_str().ok())
        };
        Self {
            kind: text(header::CONTENT_TYPE).and_then(kind_of),
            coding: coding_of(text(header::CONTENT_ENCODING).unwrap_or_default()),
            kept: Vec::new(),
            all: 0,
            cap,
        }
    }

    /// A piece of it went by.
    pub fn feed(&mut self, data: &[u8]) {
        self.all += data.len() as u64;
        let room = self.cap.saturating_sub(self.kept.len());
        if self.kind.is_some() && self.coding.is_some() {
            self.kept
                .extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        }
    }

    /// How many bytes went by.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.all
    }

    /// What is kept, and whether it is not all. `None` of an empty body.
    #[must_use]
    pub fn kept(&self, rules: ForRecord) -> Option<(RecordedValue, bool)> {
        if self.all == 0 {
            return None;
        }
        let is_kept = self.all == self.kept.len() as u64;
        let text = self.kind.zip(self.coding).and_then(|(kind, coding)| {
            let (plain, is_all) = decoded(&self.kept, coding, self.cap)?;
            let (text, is_whole) = shown(kind, &plain, rules)?;
            Some((text, !(is_kept && is_all && is_whole)))
        });
        Some(match text {
            Some((text, capped)) => (RecordedValue::Text(text), capped),
            None => (RecordedValue::Bytes(self.all), false),
        })
    }
}

/// The body of a text, decoded as far as it was kept, and whether that is all of what was kept.
fn decoded(kept: &[u8], coding: Coding, cap: usize) -> Option<(Vec<u8>, bool)> {
    let mut plain = Vec::new();
    let mut decoder = Decoder::new(coding);
    let mut is_all = true;
    let fed = decoder.feed::<NotCoded>(kept, |part| {
        let room = cap.saturating_sub(plain.len());
        plain.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
        is_all = part.len() <= room;
        // The rest is not kept, and so not read.
        if is_all { Ok(()) } else { Err(NotCoded) }
    });
    match (fed, is_all) {
        (Ok(()), _) => Some((plain, decoder.finish().is_ok())),
        (Err(NotCoded), false) => Some((plain, false)),
        (Err(NotCoded), true) => None,
    }
}

/// What is kept of a text, with what is secret in it left out, and whether it came to an end. `None` when that cannot be
/// told.
fn shown(kind: Kind, plain: &[u8], rules: ForRecord) -> Option<(String, bool)> {
    let mut masker = Masker::new(kind, Arc::new(rules));
    let mut out = Vec::with_capacity(plain.len());
    masker.feed(plain, &mut out).ok()?;
    // Where the kept part ends in the middle of a value, that value is left out.
    let is_whole = masker.finish(&mut out).is_ok();
    Some((String::from_utf8(out).ok()?, is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn secrets_in_heads_are_not_kept() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer x"),
            ("x-api-key", "x"),
            ("accept", "text/html"),
            ("x-tenant-key", "x"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let kept = fields(&headers, &["X-Tenant-Key"]);
        let shown: Vec<&str> = kept
            .iter()
            .filter(|(_, value)| value != HIDDEN)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(shown, ["accept"]);
    }
}
