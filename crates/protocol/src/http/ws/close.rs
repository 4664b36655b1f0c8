//! What a close frame contains (RFC 6455, 5.5.1 and 7.4).

use super::Side;
use super::violation::Violation;

/// Whether a code may be in a close frame: those that the RFC and the IANA registry define for it, and the
/// ranges for libraries and applications.
#[must_use]
pub fn is_close_code(code: u16) -> bool {
    // 1004 is reserved; 1005, 1006 and 1015 say that there was no close frame.
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads code and reason.
pub(super) fn parse(side: Side, payload: &[u8]) -> Result<(Option<u16>, String), Violation> {
    let malformed = |expected| Violation::Protocol {
        side,
        part: "close frame",
        expected,
    };
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok((None, String::new()))
        } else {
            Err(malformed("a code of two bytes, or nothing"))
        };
    };
    let code = u16::from_be_bytes(*code);
    if !is_close_code(code) {
        return Err(malformed("a code that may be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok((Some(code), reason.to_owned())),
        Err(_) => Err(Violation::Text { side }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_never_sent_are_refused() {
        for code in 0..=u16::MAX {
            let defined = [
                1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
            ];
            let expected = defined.contains(&code) || (3000..5000).contains(&code);
            assert_eq!(is_close_code(code), expected, "{code}");
        }
    }

    #[test]
    fn payloads_are_empty_or_a_code_and_a_text() {
        let check = |payload: &[u8], expected: Result<(Option<u16>, &str), u16>| {
            let got = parse(Side::Client, payload).map_err(|v| v.close_code());
            assert_eq!(
                got,
                expected.map(|(code, reason)| (code, reason.to_owned())),
                "{payload:?}"
            );
        };
        check(b"", Ok((None, "")));
        check(b"\x03\xe8", Ok((Some(1000), "")));
        check(b"\x0b\xb8\xc3\xa4", Ok((Some(3000), "\u{e4}")));
        check(b"\x03", Err(1002));
        check(b"\x03\xed", Err(1002));
        check(b"\x03\xe8\xc3", Err(1007));
        check(b"\x03\xe8\xff", Err(1007));
    }
}
