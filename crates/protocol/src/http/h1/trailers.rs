//! The fields after the last chunk (RFC 9110, 6.5).

use super::fields;
use super::lines::Lines;
use super::violation::{Peer, Violation};
use http::{HeaderMap, HeaderName};

/// Fields that mean something before the body is read, and so must not come after it (RFC 9110, 6.5.1): who
/// merges them into the head would frame, route, admit or decode another message than was decided on.
/// In alphabetical order.
const FORBIDDEN: &[&str] = &[
    "age",
    "authentication-info",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "www-authenticate",
];

/// The beginnings of names that are forbidden too: all of the body's description, conditions, and what
/// proxies and browsers say of where a request comes from.
const FORBIDDEN_PREFIXES: &[&str] = &["access-control-", "content-", "if-", "sec-", "x-forwarded-"];

/// Whether a field may come after a body.
fn is_allowed(name: &HeaderName) -> bool {
    let name = name.as_str();
    FORBIDDEN.binary_search(&name).is_err()
        && !FORBIDDEN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Refuses trailers with a field that must not come after a body.
pub(super) fn check(peer: Peer, trailers: &HeaderMap) -> Result<(), Violation> {
    if trailers.keys().all(is_allowed) {
        Ok(())
    } else {
        Err(Violation::Malformed {
            peer,
            part: "trailer section",
            expected: "no field of framing, routing, access or content",
        })
    }
}

/// Reads a whole trailer section.
pub(super) fn read(peer: Peer, lines: &Lines<'_>) -> Result<HeaderMap, Violation> {
    let (trailers, _) = fields::read(peer, lines, 0)?;
    check(peer, &trailers)?;
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_the_head_is_forbidden() {
        assert!(FORBIDDEN.is_sorted());
        let check = |name: &'static str, allowed: bool| {
            assert_eq!(
                is_allowed(&HeaderName::from_static(name)),
                allowed,
                "{name}"
            );
        };
        for name in FORBIDDEN {
            check(name, false);
        }
        for name in [
            "content-length",
            "content-type",
            "if-match",
            "x-forwarded-for",
            "sec-fetch-site",
        ] {
            check(name, false);
        }
        for name in [
            "etag",
            "grpc-status",
            "digest",
            "server-timing",
            "x-amz-checksum-crc32",
            "x-host",
        ] {
            check(name, true);
        }
    }
}
