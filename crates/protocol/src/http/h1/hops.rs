//! Fields that are about one connection and not about the message (RFC 9110, 7.6.1).

use super::violation::{Peer, Violation};
use http::header::{CONNECTION, HeaderMap, HeaderName};

/// What Connection fields list, as far as it is acted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ConnectionOptions {
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
}

impl ConnectionOptions {
    /// Adds what one Connection field lists.
    ///
    /// # Errors
    /// It is no list of tokens, or it lists a field that frames or routes the message: whoever removes what is
    /// listed, as proxies must, would forward another message than they read.
    pub(super) fn read(&mut self, peer: Peer, value: &[u8]) -> Result<(), Violation> {
        let malformed = |expected| Violation::Malformed {
            peer,
            part: "Connection field",
            expected,
        };
        for option in value.split(|&byte| byte == b',').map(trim_blanks) {
            let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
            if is("close") {
                self.close = true;
            } else if is("keep-alive") {
                self.keep_alive = true;
            } else if is("upgrade") {
                self.upgrade = true;
            } else if is("host") || is("content-length") || is("transfer-encoding") {
                return Err(malformed("no field that every recipient needs"));
            } else if !option.is_empty() && !is_token(option) {
                return Err(malformed("a list of names"));
            }
        }
        Ok(())
    }
}

/// Without spaces and tabs at both ends. (`trim_ascii` would also take line ends, and so hide them.)
pub(super) fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Whether it is a `token` (RFC 9110, 5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_token_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_token_byte)
}

/// Whether a field is only ever about one connection, or says how its message is framed on it. These are never
/// copied from one connection to another.
pub(super) fn is_of_the_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "content-length"
            | "http2-settings"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Removes the fields that must not be forwarded: those of the connection, and those that Connection lists.
/// Call it before adding fields of the gateway's own, since a peer may list any name.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|option| HeaderName::from_bytes(trim_blanks(option)).ok())
        .collect();
    let of_the_connection: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_of_the_connection(name))
        .cloned()
        .collect();
    for name in listed.iter().chain(&of_the_connection) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn options_are_read_from_lists() {
        let check = |value: &str, expected: Option<(bool, bool, bool)>| {
            let mut options = ConnectionOptions::default();
            let read = options.read(Peer::Client, value.as_bytes());
            let got = (options.close, options.keep_alive, options.upgrade);
            assert_eq!(read.ok().map(|()| got), expected, "{value}");
        };
        check("", Some((false, false, false)));
        check("close", Some((true, false, false)));
        check("Keep-Alive, UPGRADE", Some((false, true, true)));
        check(" ,close\t,, te ", Some((true, false, false)));
        check("closed, x-close", Some((false, false, false)));
        for refused in [
            "close;q=1",
            "a b",
            "\"close\"",
            "Host",
            "x, content-length",
            "Transfer-Encoding",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn tokens_are_the_bytes_of_the_rfc() {
        let token =
            b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for byte in 0..=u8::MAX {
            assert_eq!(is_token(&[byte]), token.contains(&byte), "{byte}");
            // What reads field names agrees.
            assert_eq!(
                HeaderName::from_bytes(&[byte]).is_ok(),
                token.contains(&byte),
                "{byte}"
            );
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn what_connection_lists_is_removed() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "X-One, close"),
            ("connection", "x-two,, not a name"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("content-length", "5"),
            ("host", "a"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        remove_hop_by_hop(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", "x-three"]);
    }
}
