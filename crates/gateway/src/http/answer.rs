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
use sluice_protocol::http::mask::{CannotMask, Kind, Masker, kind_of};
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
    "www-authenticate",
    "proxy-authenticate",
    "public-key-pins",
];
/// Fields that would speak for all connections of a shared origin.
const FOR_THE_ORIGIN: &[&str] = &[
    "clear-site-data",
    "service-worker-allowed",
    "strict-transport-security",
];
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
    let text = |name| {
        head.headers
            .get(name)
            .and_then(|v: &http::HeaderValue| v.to_str().ok())
    };
    let named = text(header::CONTENT_TYPE).unwrap_or_default();
    let coding = coding_of(text(header::CONTENT_ENCODING).unwrap_or_default());
    if let (Some(kind), Some(coding)) = (kind_of(named), coding) {
        return Ok(Treatment::Mask(kind, coding));
    }
    let connection = &route.connection;
    let kind = super::operation::media_type(named);
    let passes = |pattern: &String| is_of(pattern, &kind);
    let opaque = coding.is_some() && connection.settings.opaque_types.iter().any(passes);
    if opaque || without || !connection.strict_masking {
        return Ok(Treatment::Pass);
    }
    let what = if kind.is_empty() {
        "of no stated type".to_owned()
    } else {
        format!("{kind:?}")
    };
    let hint =
        "an administrator can list media types that pass unread in the connection's opaque_types";
    Err(unreadable(&what, hint))
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
) -> HeaderMap {
    let mut theirs = head.headers.clone();
    remove_hop_by_hop(&mut theirs);
    let by_path = matches!(route.by, By::Path(_));
    let mut headers = HeaderMap::with_capacity(theirs.len() + 2);
    for (name, field) in &theirs {
        let text = name.as_str();
        let left_out = LEFT_OUT.contains(&text)
            || text == "content-length"
            || by_path && FOR_THE_ORIGIN.contains(&text)
            || treatment != Treatment::Pass && ABOUT_BYTES.contains(&text);
        if left_out {
            continue;
        }
        let field = match text {
            "set-cookie" => {
                let cookie = field
                    .to_str()
                    .ok()
                    .and_then(|line| cookies::as_set(line, &route.by));
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
    if let Treatment::Mask(_, coding) = treatment {
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
            Ok(text) => {
                let mut out = String::new();
                plan.scan.mask_text(text, &mut out).then_some(out)
            }
            Err(_) => Some("(masked)".to_owned()),
        },
    };
    edited.map_or(field, |text| value(&text))
}

/// The fields after a body, without what the session may not see.
#[must_use]
pub fn trailers(trailers: &HeaderMap, plan: &FieldPlan) -> HeaderMap {
    let each = trailers.iter();
    each.map(|(name, field)| (name.clone(), scanned(name, field.clone(), plan)))
        .collect()
}

/// Where a redirect leads, as the caller goes there: through the gateway, if it is the same target.
fn located(there: &str, asked: &Asked, route: &Route) -> String {
    let scheme = if asked.is_plain { "http" } else { "https" };
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
        Some(_) => format!("{scheme}://{}{prefix}{path}", asked.authority),
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
    masker: Masker,
    encoder: Encoder,
    plain: Vec<u8>,
}

impl Body {
    /// For an answer that is treated so.
    #[must_use]
    pub fn new(treatment: Treatment, asked: &Asked, plan: &FieldPlan) -> Self {
        match treatment {
            Treatment::Pass => Self::Pass,
            Treatment::Mask(kind, coding) => Self::Mask(Box::new(Masking {
                decoder: Decoder::new(coding),
                masker: Masker::new(kind, Arc::new(Planned(plan.clone()))),
                encoder: Encoder::new(coding != Coding::Identity && wants_gzip(asked)),
                plain: Vec::new(),
            })),
        }
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
                    masker,
                    encoder,
                    plain,
                } = masking.as_mut();
                decoder.feed::<Unfit>(&data, |part| {
                    plain.clear();
                    let fed = masker.feed(part, plain);
                    capture.feed(plain);
                    encoder.feed(plain);
                    Ok(fed?)
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
                masking.masker.finish(&mut masking.plain)?;
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
        masking.masker.masked().map(column).collect()
    }
}
