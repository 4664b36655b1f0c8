//! SASL OAUTHBEARER (RFC 7628) on the gateway's side: reading what a client sends, and telling it where tokens are had.

/// The mechanism's name.
pub const MECHANISM: &str = "OAUTHBEARER";
/// What separates the parts of a message.
const SEPARATOR: char = '\u{1}';

/// What a client sent first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Initial<'a> {
    /// A token.
    Token(&'a str),
    /// None: it asks where one is had.
    Discovery,
}

impl std::fmt::Debug for Initial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(..)",
            Self::Discovery => "Discovery",
        })
    }
}

/// Reads SASLInitialResponse of this mechanism: its body, without tag and length. `None` for anything else, also for
/// another mechanism, channel binding and an identity to act as, none of which there is here.
#[must_use]
pub fn initial(body: &[u8]) -> Option<Initial<'_>> {
    let rest = body.strip_prefix(MECHANISM.as_bytes())?;
    let rest = rest.strip_prefix(b"\0")?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    if length != rest.len() {
        return None;
    }
    let message = std::str::from_utf8(rest).ok()?;
    let pairs = message.strip_prefix("n,,")?.strip_prefix(SEPARATOR)?;
    let pairs = pairs.strip_suffix(SEPARATOR)?.strip_suffix(SEPARATOR)?;
    let mut auth = None;
    for pair in pairs.split(SEPARATOR) {
        let (key, value) = pair.split_once('=')?;
        let twice = key == "auth" && auth.replace(value).is_some();
        if twice || !key.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
    }
    let auth = auth?;
    if auth.is_empty() {
        return Some(Initial::Discovery);
    }
    let (scheme, token) = auth.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let is_token = !token.is_empty() && token.bytes().all(good);
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(Initial::Token(token))
}

/// What a client is told that sent no good token (RFC 7628, section 3.2.2): where to get one.
#[must_use]
pub fn failure(issuer: &str) -> String {
    let address = quoted_address(&format!("{issuer}/.well-known/openid-configuration"));
    format!(
        "{{\"status\":\"invalid_token\",\"openid-configuration\":{address},\"scope\":\"openid\"}}"
    )
}

/// An address as a JSON text; what is no plain address is left out.
fn quoted_address(url: &str) -> String {
    let plain = url
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    format!("\"{}\"", if plain { url } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(mechanism: &str, message: &str) -> Vec<u8> {
        let length = i32::try_from(message.len()).unwrap().to_be_bytes();
        [mechanism.as_bytes(), b"\0", &length, message.as_bytes()].concat()
    }

    #[test]
    fn a_token_is_read_and_nothing_else() {
        for (message, expected) in [
            (
                "n,,\u{1}auth=Bearer sluice_x\u{1}\u{1}",
                Some(Initial::Token("sluice_x")),
            ),
            (
                "n,,\u{1}auth=bearer  a.b-c\u{1}\u{1}",
                Some(Initial::Token("a.b-c")),
            ),
            (
                "n,,\u{1}host=h\u{1}auth=Bearer x\u{1}\u{1}",
                Some(Initial::Token("x")),
            ),
            ("n,,\u{1}auth=\u{1}\u{1}", Some(Initial::Discovery)),
            ("n,,\u{1}auth=Bearer x\u{1}auth=Bearer y\u{1}\u{1}", None),
            ("n,,\u{1}auth=Basic x\u{1}\u{1}", None),
            ("n,,\u{1}auth=Bearer \u{1}\u{1}", None),
            ("n,,\u{1}auth=Bearer x y\u{1}\u{1}", None),
            ("n,,\u{1}auth=Bearer x\u{1}", None),
            ("n,a=admin,\u{1}auth=Bearer x\u{1}\u{1}", None),
            ("p=tls-exporter,,\u{1}auth=Bearer x\u{1}\u{1}", None),
            ("y,,\u{1}auth=Bearer x\u{1}\u{1}", None),
            ("n,,\u{1}\u{1}", None),
            ("", None),
        ] {
            assert_eq!(initial(&body(MECHANISM, message)), expected, "{message:?}");
        }
        let good = "n,,\u{1}auth=Bearer x\u{1}\u{1}";
        assert_eq!(initial(&body("SCRAM-SHA-256", good)), None);
        let mut longer = body(MECHANISM, good);
        longer.push(1);
        assert_eq!(initial(&longer), None);
        assert_eq!(format!("{:?}", Initial::Token("secret")), "Token(..)");
    }

    /// The length before the message is no text, whatever it is.
    #[test]
    fn a_token_of_any_length_is_read() {
        for length in 1..2_000 {
            let token = "x".repeat(length);
            let message = format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}");
            let body = body(MECHANISM, &message);
            assert_eq!(initial(&body), Some(Initial::Token(&token)), "{length}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = initial(&bytes);
            let _ = initial(&[b"OAUTHBEARER\0".as_slice(), &bytes].concat());
        }
    }
}
