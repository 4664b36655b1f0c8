//! A response's head (RFC 9112, 4).

use super::Version;
use super::fields;
use super::framing::{self, Framing};
use super::lines::{HEAD_SECTION, Lines};
use super::request::{keeps_alive, upgrade};
use super::violation::{Peer, Violation};
use http::{HeaderMap, Method, StatusCode};

/// What every response begins with.
const BEGINNING: &[u8] = b"HTTP/1.";

/// What a response begins with.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status; interim ones (1xx) are followed by another head, except 101. The text after it is not kept.
    pub status: StatusCode,
    /// The target's version.
    pub version: Version,
    /// All fields, also those of framing and connection, sharing memory as a request's do.
    pub headers: HeaderMap,
    /// Where the body ends.
    pub framing: Framing,
    /// What Content-Length says, also where the body that it is about is not sent (to HEAD, and 304).
    pub declared_length: Option<u64>,
    /// Whether the target takes another request afterwards.
    pub keep_alive: bool,
    /// The protocol that the connection changes to (with 101), in lower case.
    pub upgrade: Option<String>,
}

/// Without the fields' values, which may be secrets.
impl std::fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("framing", &self.framing)
            .field("declared_length", &self.declared_length)
            .field("keep_alive", &self.keep_alive)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}

/// Reads the response head at the front of `buf`: the head and how many bytes it took, or `None` until all of
/// it is there. `asked` is the method of the request that this answers; a body depends on it.
///
/// # Errors
/// It is not a head that everyone reads in the same way, or a limit is exceeded. The connection must end.
pub fn parse_response(
    buf: &[u8],
    asked: &Method,
) -> Result<Option<(ResponseHead, usize)>, Violation> {
    // Refused at once: bytes that a target sends beyond its last response, or another protocol.
    if !BEGINNING.iter().zip(buf).all(|(a, b)| a == b) {
        return Err(malformed("HTTP/1.1 or HTTP/1.0"));
    }
    let Some(lines) = Lines::find(Peer::Target, buf, &HEAD_SECTION)? else {
        return Ok(None);
    };
    let (version, status) = parse_line(lines.first())?;
    let (headers, noted) = fields::read(Peer::Target, &lines, 1)?;
    let (framing, declared_length) = framing::of_response(&noted, version, status, asked)?;
    let head = ResponseHead {
        status,
        version,
        headers,
        framing,
        declared_length,
        keep_alive: framing != Framing::UntilClose && keeps_alive(&noted, version),
        upgrade: upgrade(Peer::Target, &noted, version)?,
    };
    Ok(Some((head, lines.total())))
}

fn malformed(expected: &'static str) -> Violation {
    Violation::Malformed {
        peer: Peer::Target,
        part: "status line",
        expected,
    }
}

/// `HTTP/1.1 200 text`. The space before an empty text may be missing, as some servers have it.
fn parse_line(line: &[u8]) -> Result<(Version, StatusCode), Violation> {
    let space = memchr::memchr(b' ', line).unwrap_or(line.len());
    let (version, rest) = line.split_at_checked(space).unwrap_or_default();
    let version = Version::parse(Peer::Target, version)?;
    let Some((&[b' ', a, b, c], text)) = rest.split_first_chunk::<4>() else {
        return Err(malformed("a status of three digits"));
    };
    let status =
        StatusCode::from_bytes(&[a, b, c]).map_err(|_| malformed("a status of three digits"))?;
    // The text may have tabs, spaces, visible characters and bytes above 127.
    let is_text = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    match text {
        [] => Ok((version, status)),
        [b' ', text @ ..] if text.iter().all(is_text) => Ok((version, status)),
        _ => Err(malformed("a space and a text without control bytes")),
    }
}
