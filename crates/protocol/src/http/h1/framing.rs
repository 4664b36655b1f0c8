//! How long a message's body is (RFC 9112, 6.3), without any of the repairs that the RFC allows.

use super::Version;
use super::fields::Noted;
use super::limits::LENGTH;
use super::violation::{Peer, Violation};
use http::{Method, StatusCode};

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, and nothing is said of one.
    None,
    /// After this many bytes, at most 2^53.
    Length(u64),
    /// After a chunk of size 0 and the trailers.
    Chunked,
    /// When the connection ends. Only responses have this.
    UntilClose,
}

/// What the fields say, before status and method are looked at.
struct Declared {
    length: Option<u64>,
    chunked: bool,
}

impl Declared {
    fn read(peer: Peer, noted: &Noted<'_>, version: Version) -> Result<Self, Violation> {
        let length = match noted.content_length {
            Some(raw) => Some(parse_length(peer, raw)?),
            None => None,
        };
        let Some(coding) = noted.transfer_encoding else {
            let chunked = false;
            return Ok(Self { length, chunked });
        };
        let expected = match (length, version) {
            (Some(_), _) => "none next to a Content-Length field",
            (None, Version::V10) => "none in HTTP/1.0",
            (None, Version::V11) if coding.eq_ignore_ascii_case(b"chunked") => {
                let chunked = true;
                return Ok(Self { length, chunked });
            }
            (None, Version::V11) => return Err(Violation::TransferCoding { peer }),
        };
        Err(Violation::Malformed {
            peer,
            part: "Transfer-Encoding field",
            expected,
        })
    }
}

/// Reads a Content-Length: digits alone, and no zeros in front, which some readers take for octal.
fn parse_length(peer: Peer, raw: &[u8]) -> Result<u64, Violation> {
    let is_number = match raw {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !is_number {
        return Err(Violation::Malformed {
            peer,
            part: "Content-Length field",
            expected: "one decimal number without leading zeros",
        });
    }
    let length = raw.iter().fold(0_u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit.saturating_sub(b'0')))
    });
    LENGTH.check(peer, length)?;
    Ok(length)
}

/// How a request's body is framed.
///
/// # Errors
/// Content-Length or Transfer-Encoding are not one clear statement.
pub(super) fn of_request(noted: &Noted<'_>, version: Version) -> Result<Framing, Violation> {
    let declared = Declared::read(Peer::Client, noted, version)?;
    Ok(match declared {
        Declared { chunked: true, .. } => Framing::Chunked,
        Declared {
            length: Some(length),
            ..
        } => Framing::Length(length),
        Declared { length: None, .. } => Framing::None,
    })
}

/// How a response's body is framed, and what its Content-Length says, which may be about a body that is not
/// sent.
///
/// # Errors
/// As [`of_request`], or there is a body where none can be.
pub(super) fn of_response(
    noted: &Noted<'_>,
    version: Version,
    status: StatusCode,
    asked: &Method,
) -> Result<(Framing, Option<u64>), Violation> {
    let declared = Declared::read(Peer::Target, noted, version)?;
    if is_never_followed(status, asked) {
        // A body that is announced here and sent would be read as the next response.
        if declared.chunked || declared.length.is_some_and(|length| length > 0) {
            return Err(Violation::Malformed {
                peer: Peer::Target,
                part: "response",
                expected: "no body with this status",
            });
        }
        return Ok((Framing::None, None));
    }
    let framing = match declared {
        _ if is_described_only(status, asked) => Framing::None,
        Declared { chunked: true, .. } => Framing::Chunked,
        Declared {
            length: Some(length),
            ..
        } => Framing::Length(length),
        Declared { length: None, .. } => Framing::UntilClose,
    };
    Ok((framing, declared.length))
}

/// Whether such a response has neither body nor length: interim ones, 204, and success of CONNECT.
pub(super) fn is_never_followed(status: StatusCode, asked: &Method) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || (*asked == Method::CONNECT && status.is_success())
}

/// Whether such a response describes a body and does not send it: those to HEAD, and 304.
pub(super) fn is_described_only(status: StatusCode, asked: &Method) -> bool {
    *asked == Method::HEAD || status == StatusCode::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_plain_numbers() {
        let check = |raw: &[u8], expected: Result<u64, u16>| {
            let got = parse_length(Peer::Client, raw).map_err(|v| v.status().as_u16());
            assert_eq!(got, expected, "{raw:?}");
        };
        check(b"0", Ok(0));
        check(b"42", Ok(42));
        check(b"9007199254740992", Ok(1 << 53));
        check(b"9007199254740993", Err(413));
        check(b"18446744073709551617", Err(413));
        check(&[b'9'; 300], Err(413));
        for raw in [
            &b""[..],
            b"00",
            b"007",
            b"+1",
            b"-1",
            b"0x1",
            b"1,1",
            b"1, 1",
            b"1 1",
            b"1.0",
            b"1e3",
            b"1_0",
            b"\"1\"",
            b"\xd9\xa1",
            b"1\0",
        ] {
            check(raw, Err(400));
        }
    }
}
