//! `application/x-www-form-urlencoded` and percent-encoding, as queries and forms carry values.

/// Pairs as a form or a query.
#[must_use]
pub fn encoded(form: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", percent(name), percent(value));
    form.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Everything but unreserved characters (RFC 3986, section 2.3) percent-encoded.
#[must_use]
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The text that was percent-encoded in a query, where `+` is a space; `None` for what is not.
#[must_use]
pub fn plain(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|d| char::from(d).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_its_parts_apart() {
        let form = [("a", "b&c=d"), ("e", "f g+h\u{e9}")];
        assert_eq!(encoded(&form), "a=b%26c%3Dd&e=f%20g%2Bh%C3%A9");
        for text in ["b&c=d", "f g+h\u{e9}", ""] {
            assert_eq!(plain(&percent(text)).as_deref(), Some(text));
        }
        assert_eq!(plain("a+b%2b").as_deref(), Some("a b+"));
        for wrong in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(plain(wrong), None, "{wrong}");
        }
    }
}
