//! Whom a request is for: the Host field and the request target, which must not contradict each other
//! (RFC 9112, 3.2; RFC 3986, 3.2).

use super::limits::{HOST, TARGET};
use super::violation::{Peer, Violation};
use http::Method;
use std::net::Ipv6Addr;

/// A host and its port, as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// A name or address; an IPv6 address without its brackets.
    pub host: &'a str,
    /// The port, if one was written.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host` or `host:port`, with letters, digits and `-._~` as a host's characters: what URIs allow
    /// beyond these is not in any name that can be looked up. No userinfo; at most 254 bytes of host.
    ///
    /// # Errors
    /// It is something else; the violation names `peer` and `part`.
    pub fn parse(peer: Peer, part: &'static str, raw: &'a [u8]) -> Result<Self, Violation> {
        let malformed = Violation::Malformed {
            peer,
            part,
            expected: "a host name or address, with a port or without",
        };
        let text = std::str::from_utf8(raw).map_err(|_| malformed)?;
        let (host, rest) = if let Some(bracketed) = text.strip_prefix('[') {
            let (host, rest) = bracketed.split_once(']').ok_or(malformed)?;
            host.parse::<Ipv6Addr>().map_err(|_| malformed)?;
            (host, rest)
        } else {
            let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            HOST.check(peer, host.len())?;
            if host.is_empty() || !host.bytes().all(is_host_byte) {
                return Err(malformed);
            }
            (host, rest)
        };
        let port = match rest.strip_prefix(':') {
            Some(digits) => Some(parse_port(digits).ok_or(malformed)?),
            None if rest.is_empty() => None,
            None => return Err(malformed),
        };
        Ok(Self { host, port })
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Digits alone: `parse` by itself takes a sign.
fn parse_port(digits: &str) -> Option<u16> {
    let all_digits = digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits {
        digits.parse().ok()
    } else {
        None
    }
}

/// Checks a request target against its method and the Host field. `host` is what the one Host field says.
///
/// # Errors
/// The target has none of the four forms, or not one that the method can have; or it and Host disagree.
pub(super) fn check_target(
    peer: Peer,
    method: &Method,
    target: &str,
    host: Option<&[u8]>,
) -> Result<(), Violation> {
    let malformed = |expected| Violation::Malformed {
        peer,
        part: "request target",
        expected,
    };
    TARGET.check(peer, target.len())?;
    // A fragment is never sent, and is cut off by some readers and not by others.
    if !target
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#')
    {
        return Err(malformed("visible ASCII without a fragment"));
    }
    let host = match host {
        Some(raw) => Some(Authority::parse(peer, "Host field", raw)?),
        None => None,
    };
    let named = if *method == Method::CONNECT {
        let named = Authority::parse(peer, "request target", target.as_bytes())?;
        if named.port.is_none() {
            return Err(malformed("a host and a port"));
        }
        // Without a port, Host means the one that is asked for.
        Some((named, named.port))
    } else if target.starts_with('/') || (target == "*" && *method == Method::OPTIONS) {
        None
    } else {
        Some(absolute_form(peer, target)?)
    };
    let (Some((named, default)), Some(host)) = (named, host) else {
        return Ok(());
    };
    let same_host = named.host.eq_ignore_ascii_case(host.host);
    if same_host && named.port.or(default) == host.port.or(default) {
        Ok(())
    } else {
        Err(malformed("the same host as in the Host field"))
    }
}

/// The authority in `http://authority/path` and the scheme's own port.
fn absolute_form(peer: Peer, target: &str) -> Result<(Authority<'_>, Option<u16>), Violation> {
    let malformed = Violation::Malformed {
        peer,
        part: "request target",
        expected: "a path, or an http or https URL",
    };
    let (scheme, rest) = target.split_once("://").ok_or(malformed)?;
    let default = if scheme.eq_ignore_ascii_case("http") {
        80
    } else if scheme.eq_ignore_ascii_case("https") {
        443
    } else {
        return Err(malformed);
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let raw = rest.as_bytes().get(..end).unwrap_or_default();
    let authority = Authority::parse(peer, "request target", raw)?;
    Ok((authority, Some(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        let check = |raw: &str, expected: Option<(&str, Option<u16>)>| {
            let got = Authority::parse(Peer::Client, "Host field", raw.as_bytes());
            let got = got.ok().map(|authority| (authority.host, authority.port));
            assert_eq!(got, expected, "{raw}");
        };
        check("a", Some(("a", None)));
        check(
            "db-1.prod_eu.example.",
            Some(("db-1.prod_eu.example.", None)),
        );
        check("127.0.0.1:8080", Some(("127.0.0.1", Some(8080))));
        check("a:65535", Some(("a", Some(65535))));
        check("[::1]", Some(("::1", None)));
        check("[2001:db8::1]:443", Some(("2001:db8::1", Some(443))));
        check(&"a".repeat(254), Some((&"a".repeat(254), None)));
        check(&"a".repeat(255), None);
        for refused in [
            "",
            ":80",
            "a:",
            "a:+1",
            "a:65536",
            "a:000080",
            "a:80:80",
            "a:8o",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[]",
            "[a]",
            "[::1%25eth0]",
            "[v1.a]",
            "::1",
            "u@a",
            "a/b",
            "a b",
            "a\tb",
            "a,b",
            "a%2eb",
            "a\\b",
            "a?b",
            "a\0",
            "\u{e4}",
            "a#b",
            "a;b",
            "\"a\"",
        ] {
            check(refused, None);
        }
        assert!(Authority::parse(Peer::Client, "Host field", b"\xff").is_err());
    }

    #[test]
    fn targets_have_the_form_of_their_method_and_agree_with_host() {
        let check = |method: &str, target: &str, host: Option<&str>, accepted: bool| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let got = check_target(Peer::Client, &method, target, host.map(str::as_bytes));
            assert_eq!(got.is_ok(), accepted, "{method} {target} {host:?}");
        };
        check("GET", "/", Some("a"), true);
        check("GET", "//x/../%2e?a=b&c=|{}\\", None, true);
        check("GET", "/a#b", None, false);
        check("GET", "/a b", None, false);
        check("GET", "/\u{e4}", None, false);
        check("GET", "/\u{7f}", None, false);
        check("GET", "", None, false);
        check("GET", "a", None, false);
        check("GET", "?a", None, false);
        check("GET", "*", None, false);
        check("OPTIONS", "*", Some("a"), true);
        check("OPTIONS", "**", Some("a"), false);
        check("GET", "http://a", Some("a"), true);
        check("GET", "HTTP://A?b", Some("a:80"), true);
        check("GET", "https://a:443/b", Some("a"), true);
        check("GET", "http://[::1]/b", Some("[::1]"), true);
        check("GET", "http://a/", None, true);
        check("GET", "http://a/", Some("b"), false);
        check("GET", "http://a:81/", Some("a"), false);
        check("GET", "http://a/", Some("a:443"), false);
        check("GET", "http://u@a/", Some("a"), false);
        check("GET", "http:///b", Some("b"), false);
        check("GET", "ftp://a/", Some("a"), false);
        check("GET", "a:80", Some("a:80"), false);
        check("CONNECT", "a:80", Some("a:80"), true);
        check("CONNECT", "a:80", Some("a"), true);
        check("CONNECT", "a:80", None, true);
        check("CONNECT", "a:80", Some("a:81"), false);
        check("CONNECT", "a:80", Some("b"), false);
        check("CONNECT", "a", Some("a"), false);
        check("CONNECT", "/", Some("a"), false);
        check("CONNECT", "http://a:80/", Some("a:80"), false);
    }
}
