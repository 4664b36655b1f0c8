//! Reads field lines (RFC 9112, 5) into a map, and notes on the way what says how to go on: the fields of
//! framing, routing and the connection.

use super::hops::{self, ConnectionOptions};
use super::limits::NAME;
use super::lines::Lines;
use super::violation::{Peer, Violation};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use memchr::{memchr, memchr2};
use std::ops::Range;

/// The fields that decide how a message is handled. Each may be there only once, unless it says otherwise.
#[derive(Debug, Default)]
pub(super) struct Noted<'a> {
    pub(super) host: Option<&'a [u8]>,
    pub(super) content_length: Option<&'a [u8]>,
    pub(super) transfer_encoding: Option<&'a [u8]>,
    /// What all Connection fields list together.
    pub(super) connection: ConnectionOptions,
    /// The first of several counts.
    pub(super) upgrade: Option<&'a [u8]>,
    pub(super) expect: Option<&'a [u8]>,
}

impl<'a> Noted<'a> {
    /// Called for every field, so that a name's length is looked at before the name.
    fn note(&mut self, peer: Peer, name: &HeaderName, value: &'a [u8]) -> Result<(), Violation> {
        match name.as_str().len() {
            4 if *name == header::HOST => once(&mut self.host, value, peer, "Host field"),
            6 if *name == header::EXPECT => once(&mut self.expect, value, peer, "Expect field"),
            7 if *name == header::UPGRADE => {
                self.upgrade.get_or_insert(value);
                Ok(())
            }
            10 if *name == header::CONNECTION => self.connection.read(peer, value),
            14 if *name == header::CONTENT_LENGTH => {
                let part = "Content-Length field";
                once(&mut self.content_length, value, peer, part)
            }
            17 if *name == header::TRANSFER_ENCODING => {
                let part = "Transfer-Encoding field";
                once(&mut self.transfer_encoding, value, peer, part)
            }
            _ => Ok(()),
        }
    }
}

/// Two equal ones are refused too: another reader may see one, both, or a list.
fn once<'a>(
    slot: &mut Option<&'a [u8]>,
    value: &'a [u8],
    peer: Peer,
    part: &'static str,
) -> Result<(), Violation> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Violation::Malformed {
            peer,
            part,
            expected: "one such field",
        }),
    }
}

/// Reads all lines but the first `skip`.
///
/// # Errors
/// A line is not `name: value`, or one of the noted fields is there twice.
pub(super) fn read<'a>(
    peer: Peer,
    lines: &Lines<'a>,
    skip: usize,
) -> Result<(HeaderMap, Noted<'a>), Violation> {
    let mut noted = Noted::default();
    let count = lines.count().saturating_sub(skip);
    let mut map = HeaderMap::try_with_capacity(count).map_err(|_| too_many(peer))?;
    // One copy that all values share costs less than one for each.
    let shared = Bytes::copy_from_slice(lines.text());
    for line in lines.ranges().skip(skip) {
        let raw = lines.text().get(line.clone()).unwrap_or_default();
        let (name, value) = split(peer, raw)?;
        let at = line.start + value.start..line.start + value.end;
        let value = raw.get(value).unwrap_or_default();
        noted.note(peer, &name, value)?;
        map.try_append(name, parse_value(peer, &shared, at)?)
            .map_err(|_| too_many(peer))?;
    }
    Ok((map, noted))
}

fn too_many(peer: Peer) -> Violation {
    let limit = super::limits::FIELDS;
    Violation::TooLong { peer, limit }
}

/// The name, and where in the line its value is, without the blanks around it.
fn split(peer: Peer, line: &[u8]) -> Result<(HeaderName, Range<usize>), Violation> {
    let malformed = |part, expected| Violation::Malformed {
        peer,
        part,
        expected,
    };
    if let Some(b' ' | b'\t') = line.first() {
        return Err(malformed(
            "field line",
            "a name, and no line folded into the one before",
        ));
    }
    // Targets that speak CGI take `_` and `-` for the same, so that a client could set what only the gateway
    // may set. Nobody reads a target's answer like that.
    let end = match peer {
        Peer::Client => memchr2(b':', b'_', line),
        Peer::Target | Peer::Gateway => memchr(b':', line),
    };
    let (raw, rest) = end
        .and_then(|end| line.split_at_checked(end))
        .ok_or_else(|| malformed("field line", "a name, a colon and a value"))?;
    if rest.first() == Some(&b'_') {
        return Err(malformed("field name", "no underscore"));
    }
    NAME.check(peer, raw.len())?;
    let name = HeaderName::from_bytes(raw).map_err(|_| {
        malformed(
            "field name",
            "letters, digits and a few signs, then a colon",
        )
    })?;
    let mut value = raw.len() + 1..line.len();
    let blank = |at: usize| matches!(line.get(at), Some(b' ' | b'\t'));
    while !value.is_empty() && blank(value.start) {
        value.start += 1;
    }
    while !value.is_empty() && blank(value.end - 1) {
        value.end -= 1;
    }
    Ok((name, value))
}

/// The part of `shared` as a value: no control byte but the tab.
fn parse_value(peer: Peer, shared: &Bytes, at: Range<usize>) -> Result<HeaderValue, Violation> {
    let inside = at.start <= at.end && at.end <= shared.len();
    let value = if inside {
        shared.slice(at)
    } else {
        Bytes::new()
    };
    HeaderValue::from_maybe_shared(value).map_err(|_| Violation::Malformed {
        peer,
        part: "field value",
        expected: "no control bytes",
    })
}

/// The first of the protocols in an Upgrade field, in lower case (RFC 9110, 7.8).
pub(super) fn first_upgrade(peer: Peer, value: &[u8]) -> Result<String, Violation> {
    let first = value.split(|&byte| byte == b',').next();
    let first = hops::trim_blanks(first.unwrap_or_default());
    let (name, version) = match memchr(b'/', first).and_then(|at| first.split_at_checked(at)) {
        Some((name, version)) => (name, version.get(1..)),
        None => (first, None),
    };
    let text = std::str::from_utf8(first).ok();
    match text {
        Some(text) if hops::is_token(name) && version.is_none_or(hops::is_token) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(Violation::Malformed {
            peer,
            part: "Upgrade field",
            expected: "a protocol's name",
        }),
    }
}
