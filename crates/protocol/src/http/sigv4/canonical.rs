//! The request as it is hashed: what the service rebuilds from what it receives.

use super::super::path::{Part, Unit, Units, is_unreserved, push_escaped};
use super::{CONTENT_HASH, DATE, Request, SignError, TOKEN};
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// A request in canonical form.
pub(super) struct Canonical {
    /// What is hashed. Bytes: a field's value need not be text.
    pub(super) text: Vec<u8>,
    /// The names of the fields in it, in order, with `;` between them.
    pub(super) signed: String,
}

/// Writes the request with the fields that signing `added`.
pub(super) fn write(
    request: &Request<'_>,
    added: &[(HeaderName, HeaderValue)],
    is_s3: bool,
    payload: &str,
) -> Result<Canonical, SignError> {
    let fields = fields(request, added)?;
    let names: Vec<&str> = fields.keys().copied().collect();
    let signed = names.join(";");
    let path = path(request.path, is_s3)?;
    let query = query(request.query.unwrap_or_default())?;
    let head = [request.method.as_str(), &path, &query, ""].join("\n");
    let mut text = head.into_bytes();
    for (name, value) in &fields {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    let tail = ["", &signed, payload].join("\n");
    text.extend_from_slice(tail.as_bytes());
    Ok(Canonical { text, signed })
}

/// All fields in the order of their names. Values of one name come in their order, with commas between them.
fn fields<'a>(
    request: &'a Request<'_>,
    added: &'a [(HeaderName, HeaderValue)],
) -> Result<BTreeMap<&'a str, Vec<u8>>, SignError> {
    let mut fields = BTreeMap::new();
    for name in request.headers.keys().filter(|name| **name != HOST) {
        if [AUTHORIZATION, DATE, TOKEN, CONTENT_HASH].contains(name) {
            return Err(SignError::Reserved);
        }
        let values = request.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| trimmed(value.as_bytes())).collect();
        fields.insert(name.as_str(), values.join(&b','));
    }
    for (name, value) in added {
        fields.insert(name.as_str(), trimmed(value.as_bytes()));
    }
    let host = HeaderValue::from_str(request.host);
    let host = host.map_err(|_| SignError::Value { part: "host" })?;
    fields.insert(HOST.as_str(), trimmed(host.as_bytes()));
    Ok(fields)
}

/// A value without white space at its ends and with one space for each run of it, also in quotes.
fn trimmed(value: &[u8]) -> Vec<u8> {
    let words = value.split(|byte| b" \t".contains(byte));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// The path with everything escaped that is not unreserved. S3 has its segments escaped once, as they are sent;
/// every other service has what is sent escaped again.
fn path(path: &str, is_s3: bool) -> Result<String, SignError> {
    if !path.starts_with('/') {
        return Err(SignError::Path);
    }
    let mut out = String::with_capacity(path.len());
    let mut push = |byte: u8| match byte {
        b'/' => out.push('/'),
        _ => push_canonical(&mut out, byte),
    };
    if !is_s3 {
        path.bytes().for_each(push);
        return Ok(out);
    }
    for unit in Units::new(path.as_bytes(), Part::Path) {
        match unit.map_err(|_| SignError::Path)? {
            // A slash behind an escape would become one that separates.
            Unit::Escaped(b'/') => return Err(SignError::Path),
            Unit::Plain(byte) | Unit::Escaped(byte) => push(byte),
        }
    }
    Ok(out)
}

/// Pairs in the order of their names and then of their values, both escaped; each has an equals sign.
fn query(query: &str) -> Result<String, SignError> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((rewritten(name)?, rewritten(value)?));
    }
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| [name, "=", value].concat())
        .collect();
    Ok(pairs.join("&"))
}

/// A name or a value with exactly the escapes that are needed.
fn rewritten(raw: &str) -> Result<String, SignError> {
    let mut out = String::with_capacity(raw.len());
    for unit in Units::new(raw.as_bytes(), Part::Query) {
        match unit.map_err(|_| SignError::Query)? {
            // A space for some services and a plus for others.
            Unit::Plain(b'+') => return Err(SignError::Plus),
            Unit::Plain(byte) | Unit::Escaped(byte) => push_canonical(&mut out, byte),
        }
    }
    Ok(out)
}

fn push_canonical(out: &mut String, byte: u8) {
    if is_unreserved(byte) {
        out.push(char::from(byte));
    } else {
        push_escaped(out, byte);
    }
}
