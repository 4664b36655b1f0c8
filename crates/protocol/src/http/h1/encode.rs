//! Writes messages from their parsed parts, so that nothing of how a peer wrote them reaches the other one.
//!
//! How a message is framed, and what becomes of the connection, is said by arguments alone: fields that say the
//! same are skipped wherever they come from. What would be refused when read is not written; the violation is then
//! the gateway's, and nothing was appended.

use super::Version;
use super::framing::{self, Framing};
use super::hops;
use super::limits::{FIELDS, HEAD, LENGTH, Limit, NAME, TRAILER, TRAILER_FIELDS};
use super::request;
use super::trailers;
use super::violation::{Peer, Violation};
use bytes::{BufMut, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};
use std::fmt::Write as _;

/// What becomes of the connection after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection<'a> {
    /// It goes on.
    Keep,
    /// It ends.
    Close,
    /// It changes to this protocol, or is asked to.
    Upgrade(&'a str),
}

/// A request to write. It is always HTTP/1.1.
#[derive(Clone, Copy)]
pub struct OutgoingRequest<'a> {
    /// The method, in capitals.
    pub method: &'a Method,
    /// The target, as in [`super::RequestHead::target`].
    pub target: &'a str,
    /// The fields, with exactly one Host; those of framing and connection are skipped.
    pub headers: &'a HeaderMap,
    /// How the body will be written; not [`Framing::UntilClose`].
    pub framing: Framing,
    /// What becomes of the connection.
    pub connection: Connection<'a>,
}

/// A response to write. It says HTTP/1.1 also to an older client, as RFC 9110, 2.5 asks for.
#[derive(Clone, Copy)]
pub struct OutgoingResponse<'a> {
    /// The method of the request that this answers.
    pub asked: &'a Method,
    /// The client's version.
    pub version: Version,
    /// The status.
    pub status: StatusCode,
    /// The fields; those of framing and connection are skipped.
    pub headers: &'a HeaderMap,
    /// How the body will be written. To HEAD, and with 304, it describes a body that is not written, and may be
    /// [`Framing::None`]; interim statuses, 204 and success of CONNECT have no other. HTTP/1.0 has no chunks.
    pub framing: Framing,
    /// What becomes of the connection: [`Connection::Upgrade`] goes with 101, and only with it.
    /// [`Framing::UntilClose`] needs [`Connection::Close`].
    pub connection: Connection<'a>,
}

/// Appends a request head.
///
/// # Errors
/// It would be refused when read.
pub fn write_request(out: &mut BytesMut, request: &OutgoingRequest<'_>) -> Result<(), Violation> {
    let host = host(request.headers)?;
    let (method, target) = (request.method, request.target);
    request::check(Peer::Gateway, method, target, Version::V11, host)?;
    if request.framing == Framing::UntilClose {
        return Err(malformed("request framing", "a length or chunks"));
    }
    all_or_nothing(out, |out| {
        out.put_slice(method.as_str().as_bytes());
        out.put_u8(b' ');
        out.put_slice(target.as_bytes());
        out.put_slice(b" HTTP/1.1\r\n");
        let own = write_own_fields(out, request.framing, request.connection, Version::V11)?;
        write_fields(out, request.headers, own, FIELDS)
    })
}

/// Appends a response head.
///
/// # Errors
/// It would be refused when read, or the framing is not one that this client takes with this status.
pub fn write_response(
    out: &mut BytesMut,
    response: &OutgoingResponse<'_>,
) -> Result<(), Violation> {
    check_response(response)?;
    all_or_nothing(out, |out| {
        out.put_slice(b"HTTP/1.1 ");
        out.put_slice(response.status.as_str().as_bytes());
        out.put_u8(b' ');
        let text = response.status.canonical_reason();
        out.put_slice(text.unwrap_or_default().as_bytes());
        out.put_slice(b"\r\n");
        let (framing, connection) = (response.framing, response.connection);
        let own = write_own_fields(out, framing, connection, response.version)?;
        write_fields(out, response.headers, own, FIELDS)
    })
}

fn check_response(response: &OutgoingResponse<'_>) -> Result<(), Violation> {
    let (status, asked) = (response.status, response.asked);
    let framed = match response.framing {
        Framing::None => {
            framing::is_never_followed(status, asked) || framing::is_described_only(status, asked)
        }
        _ => !framing::is_never_followed(status, asked),
    };
    if !framed {
        return Err(malformed(
            "response framing",
            "one that goes with status and method",
        ));
    }
    if response.framing == Framing::Chunked && response.version == Version::V10 {
        return Err(malformed("response framing", "no chunks in HTTP/1.0"));
    }
    if status.is_informational() && response.version == Version::V10 {
        return Err(malformed("status", "no interim one in HTTP/1.0"));
    }
    let changes = matches!(response.connection, Connection::Upgrade(_));
    if changes != (status == StatusCode::SWITCHING_PROTOCOLS) {
        return Err(malformed("upgrade", "status 101, and with no other"));
    }
    if response.framing == Framing::UntilClose && response.connection != Connection::Close {
        return Err(malformed(
            "response framing",
            "the connection to close after a body without a length",
        ));
    }
    Ok(())
}

/// Appends a chunk. Nothing is written when there is no data, since that would end the body.
pub fn write_chunk(out: &mut BytesMut, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    out.reserve(data.len() + 20);
    // Writing to a buffer that grows cannot fail.
    let _ = write!(out, "{:x}\r\n", data.len());
    out.put_slice(data);
    out.put_slice(b"\r\n");
}

/// Appends the end of a chunked body.
///
/// # Errors
/// A trailer must not come after a body, or there are too many of them.
pub fn write_last_chunk(out: &mut BytesMut, trailers: Option<&HeaderMap>) -> Result<(), Violation> {
    let none = HeaderMap::new();
    let trailers = trailers.unwrap_or(&none);
    trailers::check(Peer::Gateway, trailers)?;
    all_or_nothing(out, |out| {
        out.put_slice(b"0\r\n");
        let before = out.len();
        write_fields(out, trailers, 0, TRAILER_FIELDS)?;
        TRAILER.check(Peer::Gateway, out.len() - before)
    })
}

fn malformed(part: &'static str, expected: &'static str) -> Violation {
    Violation::Malformed {
        peer: Peer::Gateway,
        part,
        expected,
    }
}

/// Takes back what was appended when it cannot be finished or is too long.
fn all_or_nothing(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let before = out.len();
    let written = write(out).and_then(|()| HEAD.check(Peer::Gateway, out.len() - before));
    if written.is_err() {
        out.truncate(before);
    }
    written
}

fn host(headers: &HeaderMap) -> Result<Option<&[u8]>, Violation> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (host, None) => Ok(host.map(http::HeaderValue::as_bytes)),
        (_, Some(_)) => Err(malformed("Host field", "one such field")),
    }
}

/// Appends the fields that the arguments stand for; returns how many.
fn write_own_fields(
    out: &mut BytesMut,
    framing: Framing,
    connection: Connection<'_>,
    version: Version,
) -> Result<u64, Violation> {
    let mut count = 1;
    match framing {
        Framing::None | Framing::UntilClose => count = 0,
        Framing::Chunked => out.put_slice(b"transfer-encoding: chunked\r\n"),
        Framing::Length(length) => {
            LENGTH.check(Peer::Gateway, length)?;
            // Writing to a buffer that grows cannot fail.
            let _ = write!(out, "content-length: {length}\r\n");
        }
    }
    match connection {
        Connection::Keep if version == Version::V11 => {}
        Connection::Keep => {
            out.put_slice(b"connection: keep-alive\r\n");
            count += 1;
        }
        Connection::Close => {
            out.put_slice(b"connection: close\r\n");
            count += 1;
        }
        Connection::Upgrade(protocol) => {
            if super::fields::first_upgrade(Peer::Gateway, protocol.as_bytes())? != protocol {
                return Err(malformed("upgrade", "one protocol in lower case"));
            }
            out.put_slice(b"connection: upgrade\r\nupgrade: ");
            out.put_slice(protocol.as_bytes());
            out.put_slice(b"\r\n");
            count += 2;
        }
    }
    Ok(count)
}

/// Appends the fields that are not of the connection, after `own` others, and the empty line.
fn write_fields(
    out: &mut BytesMut,
    headers: &HeaderMap,
    own: u64,
    limit: Limit,
) -> Result<(), Violation> {
    let mut count = own;
    for (name, value) in headers {
        if hops::is_of_the_connection(name) {
            continue;
        }
        NAME.check(Peer::Gateway, name.as_str().len())?;
        out.reserve(name.as_str().len() + value.len() + 4);
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
        count += 1;
    }
    out.put_slice(b"\r\n");
    limit.check(Peer::Gateway, count)
}
