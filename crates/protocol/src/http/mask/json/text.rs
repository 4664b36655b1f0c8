//! Strings and numbers of JSON (RFC 8259 sections 6 and 7), also cut anywhere.

use super::malformed;
use crate::http::mask::CannotMask;
use std::fmt::Write as _;

/// Digits before the point that are worth a look: more than the longest number of a card or an account.
const MAX_DIGITS: usize = 40;

/// Where in an escape a string was cut.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    No,
    /// After the backslash.
    Begun,
    /// So many hexadecimal digits are to come.
    Digits(u8),
}

/// The state of a string that is being read.
#[derive(Clone, Copy, Default)]
pub(super) struct Content {
    escape: Escape,
    /// There was an escape in it.
    pub(super) escaped: bool,
}

impl Content {
    /// Moves `at` to the closing quote, or to the end of `bytes`; says whether it is the quote.
    pub(super) fn read(&mut self, bytes: &[u8], at: &mut usize) -> Result<bool, CannotMask> {
        loop {
            if self.escape == Escape::No {
                *at += plain_length(bytes.get(*at..).unwrap_or_default());
            }
            let Some(byte) = bytes.get(*at) else {
                return Ok(false);
            };
            self.escape = match (self.escape, byte) {
                (Escape::No, b'"') => return Ok(true),
                (Escape::No, b'\\') => {
                    self.escaped = true;
                    Escape::Begun
                }
                (Escape::No, _) => return Err(malformed("no control character in a string")),
                (Escape::Begun, b'u') => Escape::Digits(4),
                (Escape::Begun, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
                | (Escape::Digits(1), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => Escape::No,
                (Escape::Digits(left), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                    Escape::Digits(left - 1)
                }
                _ => return Err(malformed("an escape of JSON")),
            };
            *at += 1;
        }
    }
}

/// Bytes of the scalar at this place, if it is whole and without escapes. What is not is left to the readers of
/// tokens.
pub(super) fn plain_scalar(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    match rest.first()? {
        b'"' => {
            let length = plain_length(rest.get(1..)?);
            (rest.get(length + 1) == Some(&b'"')).then_some(length + 2)
        }
        b'-' | b'0'..=b'9' => {
            let mut number = Number::Begin;
            for (length, byte) in rest.iter().enumerate() {
                match number.next(*byte) {
                    Some(next) => number = next,
                    None => return number.is_whole().then_some(length),
                }
            }
            None
        }
        _ => [&b"true"[..], b"false", b"null"]
            .iter()
            .find(|word| rest.starts_with(word))
            .map(|word| word.len()),
    }
}

/// Bytes up to the first quote, backslash or control character. Eight bytes are looked at in one step: strings are
/// mostly too short for a call of anything faster.
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let marks = special_marks(u64::from_le_bytes(*word));
        if marks != 0 {
            // The lowest mark is never a false one.
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
        rest = after;
    }
    let is_special = |b: &u8| *b == b'"' || *b == b'\\' || *b < 0x20;
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The highest bit of the lowest byte that is special, and maybe of ones above it.
fn special_marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(quote) | zero(backslash) | control) & HIGH
}

/// Appends what the content of a string means. Half of a surrogate pair that has no other half becomes U+FFFD: it
/// can only be looked at, not meant.
pub(super) fn unescape(content: &str, meant: &mut String) {
    let mut rest = content;
    while let Some((plain, after)) = rest.split_once('\\') {
        meant.push_str(plain);
        let mut chars = after.chars();
        let letter = chars.next();
        rest = chars.as_str();
        match letter {
            Some('b') => meant.push('\u{8}'),
            Some('f') => meant.push('\u{c}'),
            Some('n') => meant.push('\n'),
            Some('r') => meant.push('\r'),
            Some('t') => meant.push('\t'),
            Some('u') => {
                let (c, after) = unicode(rest);
                meant.push(c);
                rest = after;
            }
            other => meant.extend(other),
        }
    }
    meant.push_str(rest);
}

/// The character whose escape goes on with `digits`, and what follows it.
fn unicode(digits: &str) -> (char, &str) {
    let Some((unit, after)) = hex_unit(digits) else {
        return (char::REPLACEMENT_CHARACTER, digits);
    };
    if let 0xd800..=0xdbff = unit
        && let Some((low @ 0xdc00..=0xdfff, after)) = after.strip_prefix("\\u").and_then(hex_unit)
    {
        let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            after,
        );
    }
    (
        char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
        after,
    )
}

fn hex_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, after))
}

/// Appends `text` as a JSON string.
pub(super) fn push_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, after) = rest
            .split_at_checked(plain_length(rest.as_bytes()))
            .unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = after.chars();
        let Some(special) = chars.next() else {
            break;
        };
        rest = chars.as_str();
        match special {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', special]),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
        }
    }
    out.push('"');
}

/// Where in a number a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Begin,
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

impl Number {
    /// Where the reader is after this byte, if it can go on the number.
    pub(super) fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Begin, b'-') => Self::Minus,
            (Self::Begin | Self::Minus, b'0') => Self::Zero,
            (Self::Begin | Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Self::Whole,
            (Self::Zero | Self::Whole, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-') => Self::Sign,
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Self::Power,
            _ => return None,
        })
    }

    /// Whether a number may end here.
    pub(super) fn is_whole(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Whole | Self::Fraction | Self::Power
        )
    }
}

/// The digits before the point of a number that is written with a point or an exponent, as they would be without:
/// what software that knows no integers makes of an identifier.
pub(super) fn whole_digits(number: &str) -> Option<String> {
    let unsigned = number.trim_start_matches('-');
    let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() == unsigned.len() {
        return None;
    }
    let power: i64 = power.parse().ok()?;
    let length = i64::try_from(whole.len()).ok()?.checked_add(power)?;
    let length = usize::try_from(length).ok()?;
    let digits = whole.chars().chain(fraction.chars());
    // Zeros in front do not count.
    let zeros = digits.clone().take_while(|digit| *digit == '0').count();
    let length = length.checked_sub(zeros)?;
    if zeros == whole.len() + fraction.len() || !(1..=MAX_DIGITS).contains(&length) {
        return None;
    }
    Some(
        digits
            .skip(zeros)
            .chain(std::iter::repeat('0'))
            .take(length)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_before_the_point_are_told() {
        for (number, expected) in [
            ("12", None),
            ("-0", None),
            ("12.5", Some("12")),
            ("-4.111111111111111e15", Some("4111111111111111")),
            ("4.1E+3", Some("4100")),
            ("0.00041e7", Some("4100")),
            ("41111111111111110e-1", Some("4111111111111111")),
            ("1e40", None),
            ("1e39", Some("1000000000000000000000000000000000000000")),
            ("1e-1", None),
            ("1e-2", None),
            ("0.5", None),
            ("0e5", None),
            ("1e9223372036854775807", None),
            ("1e99999999999999999999", None),
        ] {
            let got = whole_digits(number);
            assert_eq!(got.as_deref(), expected, "{number}");
        }
    }

    proptest! {
        #[test]
        fn strings_come_back(text in "[\\u{0}-\\u{ff}\u{1f600}]{0,40}") {
            let mut written = String::new();
            push_string(&text, &mut written);
            prop_assert_eq!(&serde_json::from_str::<String>(&written).unwrap(), &text);
            let mut at = 0;
            let mut content = Content::default();
            let inner = &written[1..];
            prop_assert!(content.read(inner.as_bytes(), &mut at).unwrap());
            prop_assert_eq!(at + 1, inner.len());
            let mut meant = String::new();
            unescape(&inner[..at], &mut meant);
            prop_assert_eq!(meant, text);
        }

        #[test]
        fn plain_text_ends_where_it_should(bytes: Vec<u8>) {
            let special = |b: &u8| *b == b'"' || *b == b'\\' || *b < 0x20;
            let expected = bytes.iter().position(special).unwrap_or(bytes.len());
            prop_assert_eq!(plain_length(&bytes), expected);
        }
    }
}
