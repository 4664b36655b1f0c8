//! Detectors that start at `@` or `:`: mail addresses, IPv6 addresses, passwords in URLs.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::detector::{Detector, Detectors};
use super::scan::{Hit, Hits, before, byte, in_word_before, run};

/// Finds values by the `@` or `:` within them.
#[derive(Debug)]
pub(super) struct NetworkScan {
    email: bool,
    ipv6: bool,
    url: bool,
}

impl NetworkScan {
    pub(super) fn new(active: Detectors) -> Self {
        Self {
            email: active.has(Detector::Email),
            ipv6: active.has(Detector::Ipv6),
            url: active.has(Detector::UrlPassword),
        }
    }

    /// Linear in the text: a detector looks around its trigger no further than its own longest value.
    pub(super) fn find(&self, text: &[u8], hits: &mut Hits) {
        if self.email {
            for at in memchr::memchr_iter(b'@', text) {
                if let Some(span) = email(text, at) {
                    hits.push(Hit {
                        detector: Detector::Email,
                        span,
                    });
                }
            }
        }
        if self.ipv6 || self.url {
            self.at_colons(text, hits);
        }
    }

    fn at_colons(&self, text: &[u8], hits: &mut Hits) {
        let mut done = 0;
        for at in memchr::memchr_iter(b':', text) {
            if at < done {
                continue;
            }
            let next = byte(text, at + 1);
            if next == b'/' && self.url {
                if let Some(span) = url_password(text, at) {
                    done = span.end;
                    hits.push(Hit {
                        detector: Detector::UrlPassword,
                        span,
                    });
                }
            } else if self.ipv6 && (next == b':' || next.is_ascii_hexdigit()) {
                let end = at + run(text, at, MAX_IPV6 + 1, is_ipv6);
                if may_be_ipv6(text, at, end) {
                    if let Some(span) = ipv6(text, at, end) {
                        done = span.end;
                        hits.push(Hit {
                            detector: Detector::Ipv6,
                            span,
                        });
                    }
                } else {
                    // Neither may any part of it, so that times are read once.
                    done = end;
                }
            }
        }
    }
}

/// The longest local part of a mail address (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// The longest domain (RFC 5321 section 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;

/// Signs of a local part that occur in practice. Those that RFC 5322 allows beyond them (`/`, `=`, `?`, `'`, ...)
/// are more often the text around an address. Letters outside of ASCII belong to it (RFC 6531).
fn is_local(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-') || b >= 0x80
}

fn is_domain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-') || b >= 0x80
}

/// The mail address around the `@` at `at`.
fn email(text: &[u8], at: usize) -> Option<Range<usize>> {
    let left = text
        .get(..at)?
        .iter()
        .rev()
        .take(MAX_LOCAL)
        .take_while(|b| is_local(**b))
        .count();
    let mut start = at - left;
    // A dot cannot lead; neither may a cut leave half a character.
    while start < at && (byte(text, start) == b'.' || byte(text, start) & 0xC0 == 0x80) {
        start += 1;
    }
    let mut end = at + 1 + run(text, at + 1, MAX_DOMAIN, is_domain);
    while end > at && matches!(before(text, end, 1), b'.' | b'-') {
        end -= 1;
    }
    // The length limit may have left half a character at the right edge, too.
    while byte(text, end) & 0xC0 == 0x80 {
        end += 1;
    }
    let domain = text.get(at + 1..end)?;
    let last = domain.rsplit(|b| *b == b'.').next()?;
    let labels =
        last.len() < domain.len() && domain.split(|b| *b == b'.').all(|label| !label.is_empty());
    let top = last.len() >= 2 && !last.first()?.is_ascii_digit();
    (start < at && labels && top).then_some(start..end)
}

/// The longest text form of an IPv6 address, with an IPv4 address in its end (as `inet_ntop` has it).
const MAX_IPV6: usize = 45;

fn is_ipv6(b: u8) -> bool {
    b.is_ascii_hexdigit() || matches!(b, b':' | b'.')
}

/// Whether an address may have its first colon at `at` and go on to `end`, or be within: it has a gap, or colons
/// enough (six before an IPv4 address in its end).
fn may_be_ipv6(text: &[u8], at: usize, end: usize) -> bool {
    let rest = text.get(at..end).unwrap_or_default();
    let colons = rest.iter().filter(|b| **b == b':').count();
    colons >= 6 || (colons >= 2 && memchr::memmem::find(rest, b"::").is_some())
}

/// The IPv6 address whose first colon is at `at`, and whose signs go on to `end` or to the length limit;
/// a colon before it may belong to a label (`host:fe80::1`).
fn ipv6(text: &[u8], at: usize, end: usize) -> Option<Range<usize>> {
    let left = text
        .get(..at)?
        .iter()
        .rev()
        .take(5)
        .take_while(|b| b.is_ascii_hexdigit())
        .count();
    let start = at - left;
    if left > 4 || in_word_before(text, start) || before(text, start, 1) == b'.' {
        return None;
    }
    let mut end = end;
    let word_goes_on = byte(text, end).is_ascii_alphanumeric();
    // The dot or colon of the sentence around it; two colons are part of an address.
    match (before(text, end, 2), before(text, end, 1)) {
        (_, b'.') => end -= 1,
        (two, b':') if two != b':' => end -= 1,
        _ if word_goes_on => return None,
        _ => {}
    }
    let address = text.get(start..end)?;
    // Paths and casts such as `a::b` have no digit; an address without any is rarer than they are.
    if !address.iter().any(u8::is_ascii_digit)
        || memchr::memchr(b':', address.get(left + 1..)?).is_none()
    {
        return None;
    }
    std::str::from_utf8(address)
        .ok()?
        .parse::<Ipv6Addr>()
        .ok()?;
    Some(start..end)
}

/// The longest user name and password of a URL that are looked at; passwords may be tokens.
const MAX_USERINFO: usize = 4096;

/// The password in the URL whose scheme ends with the colon at `at` (RFC 3986 section 3.2.1).
fn url_password(text: &[u8], at: usize) -> Option<Range<usize>> {
    if text.get(at..at + 3) != Some(b"://") || !before(text, at, 1).is_ascii_alphanumeric() {
        return None;
    }
    let start = at + 3;
    let ends = |b: u8| {
        b.is_ascii_whitespace()
            || matches!(b, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'`' | b'\\')
    };
    let length = run(text, start, MAX_USERINFO, |b| !ends(b));
    let authority = text.get(start..start + length)?;
    let userinfo = authority.get(..memchr::memrchr(b'@', authority)?)?;
    let password = memchr::memchr(b':', userinfo)? + 1;
    (password < userinfo.len()).then_some(start + password..start + userinfo.len())
}
