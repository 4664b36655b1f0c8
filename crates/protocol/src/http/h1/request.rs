//! A request's head (RFC 9112, 3).

use super::Version;
use super::authority;
use super::fields::{self, Noted};
use super::framing::{self, Framing};
use super::limits::{METHOD, TARGET};
use super::lines::{HEAD_SECTION, Lines};
use super::violation::{Peer, Violation};
use http::{HeaderMap, Method};
use memchr::memchr;

/// The longest line of a request: a method, a target, a version and what is between them.
const MAX_REQUEST_LINE: u64 =
    METHOD.most + TARGET.most + " ".len() as u64 + " HTTP/1.1\r\n".len() as u64;

/// What a request begins with.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// In capitals; not only the registered ones.
    pub method: Method,
    /// As sent: visible ASCII without `#`, in one of the four forms of RFC 9112, 3.2. If it names a host, that
    /// is the one in Host.
    pub target: String,
    /// The client's version.
    pub version: Version,
    /// All fields, also those of framing and connection. At most one Host, exactly one in HTTP/1.1. The values
    /// share one copy of the head: copy what is kept for longer than it.
    pub headers: HeaderMap,
    /// Where the body ends; never [`Framing::UntilClose`].
    pub framing: Framing,
    /// Whether the client may send another request afterwards.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// The protocol that the client wants to change to, in lower case; the first one if it offers several.
    pub upgrade: Option<String>,
}

/// Without the target and the fields' values, which may be secrets.
impl std::fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("version", &self.version)
            .field("framing", &self.framing)
            .field("keep_alive", &self.keep_alive)
            .field("expects_continue", &self.expects_continue)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}

/// Reads the request head at the front of `buf`: the head and how many bytes it took, or `None` until all of
/// it is there. One empty line before it is tolerated (RFC 9112, 2.2). Once the head is whole, the body follows.
///
/// # Errors
/// It is not a head that everyone reads in the same way, or a limit is exceeded. The connection must end.
pub fn parse_request(buf: &[u8]) -> Result<Option<(RequestHead, usize)>, Violation> {
    let (skipped, buf) = match buf {
        [] | [b'\r'] | [b'\r', b'\n'] => return Ok(None),
        [b'\r', b'\n', rest @ ..] => (2, rest),
        _ => (0, buf),
    };
    // So that another protocol, such as TLS, is refused before anyone waits for its first line to end.
    if !buf.first().is_some_and(u8::is_ascii_uppercase) {
        return Err(no_method(Peer::Client));
    }
    let Some(lines) = Lines::find(Peer::Client, buf, &HEAD_SECTION)? else {
        let line = memchr(b'\n', buf).unwrap_or(buf.len());
        return if line as u64 > MAX_REQUEST_LINE {
            Err(Violation::TooLong {
                peer: Peer::Client,
                limit: TARGET,
            })
        } else {
            Ok(None)
        };
    };
    let (method, target, version) = parse_line(lines.first())?;
    let (headers, noted) = fields::read(Peer::Client, &lines, 1)?;
    check(Peer::Client, &method, target, version, noted.host)?;
    let framing = framing::of_request(&noted, version)?;
    let head = RequestHead {
        framing,
        keep_alive: keeps_alive(&noted, version),
        expects_continue: expects_continue(&noted, version, framing)?,
        upgrade: upgrade(Peer::Client, &noted, version)?,
        method,
        target: target.to_owned(),
        version,
        headers,
    };
    Ok(Some((head, skipped + lines.total())))
}

fn no_method(peer: Peer) -> Violation {
    Violation::Malformed {
        peer,
        part: "method",
        expected: "capital letters and hyphens, then one space",
    }
}

fn parse_line(line: &[u8]) -> Result<(Method, &str, Version), Violation> {
    let peer = Peer::Client;
    let space = memchr(b' ', line);
    let (raw, rest) = space
        .and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)))
        .ok_or_else(|| no_method(peer))?;
    METHOD.check(peer, raw.len())?;
    let method = Method::from_bytes(raw).map_err(|_| no_method(peer))?;
    let end = memchr(b' ', rest).unwrap_or(rest.len());
    TARGET.check(peer, end)?;
    let (target, version) = rest.split_at_checked(end).unwrap_or_default();
    let target = std::str::from_utf8(target).map_err(|_| Violation::Malformed {
        peer,
        part: "request target",
        expected: "visible ASCII",
    })?;
    let version = Version::parse(peer, version.get(1..).unwrap_or_default())?;
    Ok((method, target, version))
}

/// What is true of every request that is read or written. `host` is what the one Host field says.
pub(super) fn check(
    peer: Peer,
    method: &Method,
    target: &str,
    version: Version,
    host: Option<&[u8]>,
) -> Result<(), Violation> {
    let name = method.as_str();
    METHOD.check(peer, name.len())?;
    // Methods are told apart by case; a target that does not would run another method than was decided on.
    if !name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return Err(no_method(peer));
    }
    if version == Version::V11 && host.is_none() {
        return Err(Violation::Malformed {
            peer,
            part: "Host field",
            expected: "one such field",
        });
    }
    authority::check_target(peer, method, target, host)
}

/// Whether the connection outlives the message (RFC 9112, 9.3).
pub(super) fn keeps_alive(noted: &Noted<'_>, version: Version) -> bool {
    let options = noted.connection;
    !options.close && (version == Version::V11 || options.keep_alive)
}

/// An expectation counts from HTTP/1.1 on, and only when there is a body to wait with (RFC 9110, 10.1.1).
fn expects_continue(
    noted: &Noted<'_>,
    version: Version,
    framing: Framing,
) -> Result<bool, Violation> {
    match (noted.expect, version) {
        (None, _) | (_, Version::V10) => Ok(false),
        (Some(value), Version::V11) if value.eq_ignore_ascii_case(b"100-continue") => {
            Ok(!matches!(framing, Framing::None | Framing::Length(0)))
        }
        (Some(_), Version::V11) => Err(Violation::Expectation { peer: Peer::Client }),
    }
}

/// An Upgrade field counts from HTTP/1.1 on, and only when Connection lists it (RFC 9110, 7.8).
pub(super) fn upgrade(
    peer: Peer,
    noted: &Noted<'_>,
    version: Version,
) -> Result<Option<String>, Violation> {
    match noted.upgrade {
        Some(value) if version == Version::V11 && noted.connection.upgrade => {
            fields::first_upgrade(peer, value).map(Some)
        }
        _ => Ok(None),
    }
}
