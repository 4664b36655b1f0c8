//! A target's answer as the caller gets it: its head for this side, its body masked as it streams.

use super::asked::{Asked, value};
use super::call::Head;
use super::capture::Capture;
use super::cookies;
use super::encoding::{Coding, Decoder, Encoder, NotCoded, accepts_gzip, coding_of};
use super::outgoing::{base_of, host_of};
use super::refusal::Refusal;
use super::route::{By, Route};
use super::rules::Planned;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use sluice_model::MaskedColumn;
use sluice_policy::{ColumnPlan, FieldPlan};
use sluice_protocol::http::h1::remove_hop_by_hop;
use sluice_protocol::http::mask::{CannotMask, Kind, Masker, kind_of, looks_like_json};
use std::sync::Arc;

/// Fields that say something about the bytes of a body, which are not those any more.
const ABOUT_BYTES: &[&str] = &[
    "accept-ranges",
    "content-digest",
    "content-length",
    "content-md5",
    "digest",
    "repr-digest",
    "x-amz-checksum-crc32",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-goog-hash",
];
/// Fields that are about another way to the target, or about a challenge that the gateway has answered.
const LEFT_OUT: &[&str] = &[
    "alt-svc",
    // Its reach is the whole domain, with the gateway's own pages.
    "clear-site-data",
    "www-authenticate",
    "proxy-authenticate",
    "public-key-pins",
];
/// Fields that would speak for all connections of a shared origin.
const FOR_THE_ORIGIN: &[&str] = &["service-worker-allowed", "strict-transport-security"];
/// Fields whose values are read by machines and hold no data.
const NO_DATA: &[&str] = &[
    "cache-control",
    "connection",
    "content-encoding",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "vary",
];

/// What is done to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Nothing.
    Pass,
    /// It is read as this, out of this coding.
    Mask(Kind, Coding),
    /// The same of a text that is a script, and may be JSON in a call.
    MaskScript(Coding),
}

/// What becomes of an answer's body.
///
/// # Errors
/// It may hold what the session must not see, and cannot be read.
pub fn treat(
    head: &Head,
    asked: &Asked,
    route: &Route,
    plan: &FieldPlan,
) -> Result<Treatment, Refusal> {
    let without = asked.method == Method::HEAD
        || head.status == StatusCode::NO_CONTENT
        || head.status == StatusCode::NOT_MODIFIED;
    if plan.is_clear() || head.is_empty && !without {
        return Ok(Treatment::Pass);
    }
    if head.status == StatusCode::PARTIAL_CONTENT {
        return Err(unreadable("a part of something", "ask for all of it"));
    }
    let (named, coding) = (
        only(head, &header::CONTENT_TYPE),
        only(head, &header::CONTENT_ENCODING),
    );
    let coding = coding.and_then(coding_of);
    let connection = &route.connection;
    let media = super::operation::media_type(named.unwrap_or_default());
    let passes = |pattern: &String| is_of(pattern, &media);
    let is_clear = named.is_some() && coding.is_some();
    if is_clear && connection.settings.opaque_types.iter().any(passes) {
        return Ok(Treatment::Pass);
    }
    if let (Some(kind), Some(coding)) = (named.and_then(kind_of), coding) {
        let by_names = connection.strict_masking && plan.goes_by_names();
        if !(by_names && hides_names(kind, &media)) {
            let is_script = kind == Kind::Text && media.ends_with("script");
            return Ok(match is_script && plan.goes_by_names() {
                true => Treatment::MaskScript(coding),
                false => Treatment::Mask(kind, coding),
            });
        }
    } else if without || !connection.strict_masking {
        return Ok(Treatment::Pass);
    }
    let what = match media.is_empty() {
        true => "of no stated type".to_owned(),
        false => format!("{media:?}"),
    };
    let hint =
        "an administrator can list media types that pass unread in the connection's opaque_types";
    Err(unreadable(&what, hint))
}

/// A field's value, where it is there once; what is said twice is understood in two ways.
fn only<'h>(head: &'h Head, name: &HeaderName) -> Option<&'h str> {
    let mut all = head.headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Some(""),
        (Some(one), None) => one.to_str().ok(),
        (Some(_), Some(_)) => None,
    }
}

/// Whether documents of this kind have fields with names that nobody reads here.
fn hides_names(kind: Kind, media: &str) -> bool {
    match kind {
        Kind::Text => ["yaml", "toml"]
            .iter()
            .any(|language| media.ends_with(language)),
        Kind::Csv { header, .. } => !header,
        Kind::Json | Kind::Form | Kind::Xml | Kind::Events => false,
    }
}

fn unreadable(what: &str, hint: &str) -> Refusal {
    let why = format!(
        "the answer is {what}, which cannot be read, and there is data on this connection that you may not see"
    );
    Refusal::new(StatusCode::FORBIDDEN, why).hint(hint)
}

/// Whether a media type is of a pattern such as `image/*`.
#[must_use]
pub fn is_of(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(&prefix.to_ascii_lowercase()),
        None => pattern.eq_ignore_ascii_case(kind),
    }
}

/// The head of the answer as the caller gets it.
#[must_use]
pub fn headers(
    head: &Head,
    asked: &Asked,
    route: &Route,
    plan: &FieldPlan,
    treatment: Treatment,
    secret_cookie: Option<&str>,
) -> HeaderMap {
    let mut theirs = head.headers.clone();
    remove_hop_by_hop(&mut theirs);
    let by_path = matches!(route.by, By::Path(_));
    let strict = route.connection.strict_masking;
    let mut headers = HeaderMap::with_capacity(theirs.len() + 2);
    for (name, field) in &theirs {
        let text = name.as_str();
        let left_out = LEFT_OUT.contains(&text)
            || text == "content-length"
            || is_unread(name, plan, strict)
            || by_path && FOR_THE_ORIGIN.contains(&text)
            || treatment != Treatment::Pass && ABOUT_BYTES.contains(&text);
        if left_out {
            continue;
        }
        let field = match text {
            "set-cookie" => {
                let line = field.to_str().ok();
                // The account's own credential is none of the caller's.
                let line = line
                    .filter(|line| !secret_cookie.is_some_and(|name| cookies::sets(line, name)));
                let base = base_of(&route.connection);
                let base = base.as_ref().map(|base| base.path()).unwrap_or_default();
                let cookie = line.and_then(|line| cookies::as_set(line, &route.by, base));
                match cookie {
                    Some(cookie) => value(&cookie),
                    None => continue,
                }
            }
            "location" | "content-location" => {
                let there = field
                    .to_str()
                    .ok()
                    .map(|there| located(there, asked, route));
                there.map_or_else(|| field.clone(), |there| value(&there))
            }
            _ => field.clone(),
        };
        headers.append(name.clone(), scanned(name, field, plan));
    }
    if by_path {
        // So that the gateway knows where a link to `/x` comes from, and no other site does.
        headers.insert(header::REFERRER_POLICY, value("same-origin"));
    }
    if let Treatment::Mask(_, coding) | Treatment::MaskScript(coding) = treatment {
        headers.remove(header::CONTENT_ENCODING);
        if coding != Coding::Identity && wants_gzip(asked) {
            headers.insert(header::CONTENT_ENCODING, value("gzip"));
        }
    }
    headers
}

fn wants_gzip(asked: &Asked) -> bool {
    accepts_gzip(asked.only("accept-encoding").unwrap_or_default())
}

/// A field's value without what the session may not see.
fn scanned(name: &HeaderName, field: http::HeaderValue, plan: &FieldPlan) -> http::HeaderValue {
    if plan.is_clear() || NO_DATA.contains(&name.as_str()) {
        return field;
    }
    let edited = match plan.of(&[name.as_str()]) {
        ColumnPlan::Clear => return field,
        ColumnPlan::Mask { .. } | ColumnPlan::Redact => Some("(masked)".to_owned()),
        ColumnPlan::Scan => match field.to_str() {
            Ok(text) => found(text, plan),
            Err(_) => Some("(masked)".to_owned()),
        },
    };
    edited.map_or(field, |text| value(&text))
}

/// What becomes of a value that detectors look through, as it stands and without the escapes of URLs.
fn found(text: &str, plan: &FieldPlan) -> Option<String> {
    let mut out = String::new();
    if plan.scan.mask_text(text, &mut out) {
        return Some(out);
    }
    let plain = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    let hidden = plain != text && plan.scan.mask_text(&plain, &mut out);
    hidden.then(|| "(masked)".to_owned())
}

/// Whether a field holds bytes that nobody reads here (of gRPC, in base64).
fn is_unread(name: &HeaderName, plan: &FieldPlan, strict: bool) -> bool {
    strict && !plan.is_clear() && name.as_str().ends_with("-bin")
}

/// The fields after a body, without what the session may not see.
#[must_use]
pub fn trailers(trailers: &HeaderMap, plan: &FieldPlan, strict: bool) -> HeaderMap {
    let each = trailers.iter();
    let each = each.filter(|(name, _)| !is_unread(name, plan, strict));
    each.map(|(name, field)| (name.clone(), scanned(name, field.clone(), plan)))
        .collect()
}

/// Where a redirect leads, as the caller goes there: through the gateway, if it is the same target.
fn located(there: &str, asked: &Asked, route: &Route) -> String {
    let connection = &route.connection;
    let hosts = [
        host_of(connection),
        connection.target.address.clone(),
        asked.authority.clone(),
    ];
    let of_target = hosts.iter().find_map(|host| {
        let rest = there
            .strip_prefix("https://")
            .or(there.strip_prefix("http://"));
        let rest = rest
            .or(there.strip_prefix("//"))?
            .strip_prefix(host.as_str())?;
        let ends = rest.is_empty() || rest.starts_with(['/', '?', '#']);
        ends.then_some(rest)
    });
    let local = there.starts_with('/') && !there.starts_with("//");
    let path = match of_target {
        Some("") => "/",
        Some(rest) => rest,
        None if local => there,
        // Somewhere else: the caller's own business, without anything of the target's.
        None => return there.to_owned(),
    };
    let base = base_of(connection);
    let base = base.as_ref().map(|base| base.path()).unwrap_or_default();
    let below = path
        .strip_prefix(base)
        .filter(|rest| rest.starts_with('/') || rest.is_empty());
    let path = below.unwrap_or(path);
    let prefix = route.by.prefix();
    // A target that knows where it is reached from has put the prefix there itself.
    let path = match path.strip_prefix(prefix) {
        Some(rest) if !prefix.is_empty() && rest.starts_with('/') => rest,
        _ => path,
    };
    match of_target {
        Some(_) => format!("{}{prefix}{path}", asked.origin()),
        None => format!("{prefix}{path}"),
    }
}

/// Why a body is not passed on any further.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be masked.
    #[error(transparent)]
    Mask(#[from] CannotMask),
    /// It is not coded as it says.
    #[error(transparent)]
    Coded(#[from] NotCoded),
    /// It is JSON as a script.
    #[error("the body is JSON inside a script, whose fields cannot be read; ask for JSON")]
    Script,
}

/// A body on its way.
pub enum Body {
    /// As it is.
    Pass,
    /// Masked.
    Mask(Box<Masking>),
}

/// A body that is masked.
pub struct Masking {
    decoder: Decoder,
    reading: Reading,
    encoder: Encoder,
    plain: Vec<u8>,
}

/// How a body is read.
enum Reading {
    /// A text, of which nobody knows yet whether it is JSON that is called something else, or is inside a script.
    Undecided {
        held: Vec<u8>,
        plan: FieldPlan,
        is_script: bool,
    },
    Known(Masker),
}

/// What is looked at to tell what a text is.
const SNIFFED: usize = 512;

impl Reading {
    fn new(kind: Kind, is_script: bool, plan: &FieldPlan) -> Self {
        match kind {
            Kind::Text if plan.goes_by_names() => Self::Undecided {
                held: Vec::new(),
                plan: plan.clone(),
                is_script,
            },
            _ => Self::Known(Masker::new(kind, Arc::new(Planned(plan.clone())))),
        }
    }

    /// Settles on what it is.
    fn settle(&mut self, kind: Kind, out: &mut Vec<u8>) -> Result<&mut Masker, CannotMask> {
        if let Self::Undecided { held, plan, .. } = self {
            let mut masker = Masker::new(kind, Arc::new(Planned(plan.clone())));
            let fed = masker.feed(held, out);
            *self = Self::Known(masker);
            fed?;
        }
        match self {
            Self::Known(masker) => Ok(masker),
            Self::Undecided { .. } => Err(CannotMask::Ended),
        }
    }

    fn feed(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        let kind = match self {
            Self::Known(masker) => return Ok(masker.feed(part, out)?),
            Self::Undecided {
                held, is_script, ..
            } => {
                held.extend_from_slice(part);
                let is_short = held.len() < SNIFFED;
                match looks_like_json(held) {
                    Some(true) => Kind::Json,
                    None if is_short => return Ok(()),
                    // It begins as JSON, and goes on with nothing for long.
                    None if !held.trim_ascii().is_empty() => Kind::Json,
                    _ if *is_script && is_short => return Ok(()),
                    _ if *is_script && is_padded_json(held) => return Err(Unfit::Script),
                    _ => Kind::Text,
                }
            }
        };
        self.settle(kind, out)?;
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let kind = match self {
            Self::Undecided {
                held,
                is_script: true,
                ..
            } if is_padded_json(held) => return Err(Unfit::Script),
            _ => Kind::Text,
        };
        Ok(self.settle(kind, out)?.finish(out)?)
    }
}

/// Whether a text is JSON inside the call of a function (JSONP), whose fields nobody finds.
fn is_padded_json(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text.get(..SNIFFED).unwrap_or(text));
    let text = text.trim_start().trim_start_matches("/**/").trim_start();
    let Some((name, rest)) = text.split_once('(') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_$.[]\"'".contains(c);
    let is_name = !name.is_empty() && name.len() <= 200 && name.trim_end().chars().all(plain);
    let rest = rest.trim_start();
    let holds = |open: char, next: &[char]| {
        let inside = rest.strip_prefix(open).map(str::trim_start);
        inside.is_some_and(|inside| inside.starts_with(next))
    };
    is_name && (holds('{', &['"']) || holds('[', &['{', '[']))
}

impl Body {
    /// For an answer that is treated so.
    #[must_use]
    pub fn new(treatment: Treatment, asked: &Asked, plan: &FieldPlan) -> Self {
        let (kind, coding, is_script) = match treatment {
            Treatment::Pass => return Self::Pass,
            Treatment::Mask(kind, coding) => (kind, coding, false),
            Treatment::MaskScript(coding) => (Kind::Text, coding, true),
        };
        Self::Mask(Box::new(Masking {
            decoder: Decoder::new(coding),
            reading: Reading::new(kind, is_script, plan),
            encoder: Encoder::new(coding != Coding::Identity && wants_gzip(asked)),
            plain: Vec::new(),
        }))
    }

    /// What can be sent of a piece; with `all`, nothing is held back that need not be.
    ///
    /// # Errors
    /// The body must not be passed on any further.
    pub fn feed(&mut self, data: Bytes, all: bool, capture: &mut Capture) -> Result<Bytes, Unfit> {
        match self {
            Self::Pass => {
                capture.feed(&data);
                Ok(data)
            }
            Self::Mask(masking) => {
                let Masking {
                    decoder,
                    reading,
                    encoder,
                    plain,
                } = masking.as_mut();
                decoder.feed::<Unfit>(&data, |part| {
                    plain.clear();
                    let fed = reading.feed(part, plain);
                    capture.feed(plain);
                    encoder.feed(plain);
                    fed
                })?;
                Ok(encoder.take(all).into())
            }
        }
    }

    /// The rest.
    ///
    /// # Errors
    /// The body ends where it must not.
    pub fn finish(&mut self, capture: &mut Capture) -> Result<Bytes, Unfit> {
        match self {
            Self::Pass => Ok(Bytes::new()),
            Self::Mask(masking) => {
                masking.decoder.finish()?;
                masking.plain.clear();
                masking.reading.finish(&mut masking.plain)?;
                capture.feed(&masking.plain);
                masking.encoder.feed(&masking.plain);
                Ok(masking.encoder.finish().into())
            }
        }
    }

    /// The fields that were masked.
    #[must_use]
    pub fn masked(&self, plan: &FieldPlan) -> Vec<MaskedColumn> {
        let Self::Mask(masking) = self else {
            return Vec::new();
        };
        let column = |path: &str| {
            let names: Vec<&str> = path.split('.').collect();
            MaskedColumn {
                name: path.to_owned(),
                class: match plan.of(&names) {
                    ColumnPlan::Mask { class, .. } => Some(class),
                    ColumnPlan::Clear | ColumnPlan::Scan | ColumnPlan::Redact => None,
                },
            }
        };
        match &masking.reading {
            Reading::Known(masker) => masker.masked().map(column).collect(),
            Reading::Undecided { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_a_call_is_known() {
        for (text, expected) in [
            ("x({\"a\":1})", true),
            ("/**/ app.cb( [ {\"a\":1}])", true),
            ("window[\"x\"]([[1]])", true),
            ("define([\"a\"], function(){})", false),
            ("function f(a) { return {\"a\": 1} }", false),
            ("f({a: 1})", false),
            ("!function(){}()", false),
            ("a line (with {\"a\"})", false),
            ("", false),
        ] {
            assert_eq!(is_padded_json(text.as_bytes()), expected, "{text}");
        }
    }
}
