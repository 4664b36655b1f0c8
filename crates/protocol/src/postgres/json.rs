//! Masking inside JSON text: strings and numbers change, the structure does not.
//!
//! The reader is a loop with an explicit stack, so that depth costs memory that is bounded and no call stack.

use super::numbers;
use sluice_model::TextMask;
use std::fmt::Write as _;

/// The deepest nesting that is walked. Real documents have tens of levels.
pub const MAX_DEPTH: usize = 512;

/// Why JSON text cannot be masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON.
    #[error("a JSON value cannot be read; expected {0}")]
    Malformed(&'static str),
    /// Nested too deep.
    #[error("a JSON value is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Appends `text` with whatever `mask` finds masked in every string (also in names) and every number, and
/// says whether anything was found; `out` is as before when nothing was, or on an error. A number that holds
/// something becomes 0, so that it stays a number.
///
/// # Errors
/// The text is not JSON, or is nested deeper than [`MAX_DEPTH`].
pub fn mask_json(text: &str, mask: &dyn TextMask, out: &mut String) -> Result<bool, JsonError> {
    let start = out.len();
    let mut walker = Walker {
        text,
        at: 0,
        copied: 0,
        mask,
        out,
        unescaped: String::new(),
        masked: String::new(),
    };
    match walker.walk() {
        Ok(()) if walker.copied > 0 => {
            walker.copy_to(text.len());
            Ok(true)
        }
        Ok(()) => Ok(false),
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Appends `text` as a JSON string.
pub(super) fn push_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The text of a JSON value that is one string, and nothing else.
pub(super) fn single_string(text: &str) -> Option<String> {
    let inner = text.trim_matches(WHITESPACE).strip_prefix('"')?;
    let (length, _) = string_length(inner).ok()?;
    let (content, after) = inner.split_at_checked(length)?;
    if after != "\"" {
        return None;
    }
    let mut out = String::new();
    unescape(content, &mut out).ok()?;
    Some(out)
}

const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// What encloses the place where the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    Array,
}

struct Walker<'a> {
    text: &'a str,
    /// Where the walk is.
    at: usize,
    /// Up to where `text` is in `out`; 0 as long as nothing was found.
    copied: usize,
    mask: &'a dyn TextMask,
    out: &'a mut String,
    unescaped: String,
    masked: String,
}

impl<'a> Walker<'a> {
    fn walk(&mut self) -> Result<(), JsonError> {
        let mut stack: Vec<Inside> = Vec::new();
        loop {
            // A value begins here.
            match self.next_byte() {
                Some(b'{') => {
                    self.at += 1;
                    if self.eat(b'}') {
                        // An empty object is a whole value.
                    } else {
                        push(&mut stack, Inside::Object)?;
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    if !self.eat(b']') {
                        push(&mut stack, Inside::Array)?;
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => return Err(JsonError::Malformed("a value")),
            }
            // A value ended here.
            if self.after_value(&mut stack)? {
                return Ok(());
            }
        }
    }

    /// Closes what ends after a value and goes on to the next one; says whether the text is over.
    fn after_value(&mut self, stack: &mut Vec<Inside>) -> Result<bool, JsonError> {
        loop {
            match (stack.last(), self.next_byte()) {
                (None, None) => return Ok(true),
                (Some(inside), Some(b',')) => {
                    self.at += 1;
                    if *inside == Inside::Object {
                        self.name()?;
                    }
                    return Ok(false);
                }
                (Some(Inside::Object), Some(b'}')) | (Some(Inside::Array), Some(b']')) => {
                    self.at += 1;
                    stack.pop();
                }
                _ => return Err(JsonError::Malformed("a comma or the end")),
            }
        }
    }

    /// The next byte that is not white space.
    fn next_byte(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let skipped = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        self.at += skipped;
        rest.get(skipped).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.next_byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Result<(), JsonError> {
        if self.next_byte() != Some(b'"') {
            return Err(JsonError::Malformed("a name in quotes"));
        }
        self.string()?;
        if self.eat(b':') {
            Ok(())
        } else {
            Err(JsonError::Malformed("a colon after a name"))
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if self.rest().starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(JsonError::Malformed("true, false or null"))
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Appends what was only walked over.
    fn copy_to(&mut self, end: usize) {
        self.out
            .push_str(self.text.get(self.copied..end).unwrap_or_default());
        self.copied = end;
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let inner = self.text.get(start + 1..).unwrap_or_default();
        let (length, escaped) = string_length(inner)?;
        let content = inner.get(..length).unwrap_or_default();
        self.at = start + 1 + length + 1;
        let meant = if escaped {
            self.unescaped.clear();
            unescape(content, &mut self.unescaped)?;
            self.unescaped.as_str()
        } else {
            content
        };
        self.masked.clear();
        if self.mask.mask_text(meant, &mut self.masked) {
            self.copy_to(start);
            push_string(&self.masked, self.out);
            self.copied = self.at;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let rest = self.rest();
        let length = number_length(rest).ok_or(JsonError::Malformed("a number"))?;
        let number = rest.get(..length).unwrap_or_default();
        self.at += length;
        self.unescaped.clear();
        self.masked.clear();
        if numbers::text_has_digits(number, &mut self.unescaped)
            && self.mask.mask_text(&self.unescaped, &mut self.masked)
        {
            self.copy_to(start);
            self.out.push('0');
            self.copied = self.at;
        }
        Ok(())
    }
}

fn push(stack: &mut Vec<Inside>, inside: Inside) -> Result<(), JsonError> {
    if stack.len() == MAX_DEPTH {
        return Err(JsonError::TooDeep);
    }
    stack.push(inside);
    Ok(())
}

/// Bytes up to the closing quote, and whether there is an escape among them.
fn string_length(inner: &str) -> Result<(usize, bool), JsonError> {
    let bytes = inner.as_bytes();
    let mut at = 0;
    let mut escaped = false;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at += 2;
            }
            Some(0..=0x1f) => return Err(JsonError::Malformed("no control character in a string")),
            Some(_) => at += 1,
            None => return Err(JsonError::Malformed("a closing quote")),
        }
    }
}

/// Half of a surrogate pair that has no other half becomes U+FFFD: it can only be looked at, not meant.
fn unescape(content: &str, out: &mut String) -> Result<(), JsonError> {
    const BAD: JsonError = JsonError::Malformed("an escape of JSON");
    let mut rest = content;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = after.chars();
        let escape = chars.next().ok_or(BAD)?;
        rest = chars.as_str();
        match escape {
            '"' | '\\' | '/' => out.push(escape),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let (unit, after) = hex_unit(rest).ok_or(BAD)?;
                rest = after;
                let low = rest.strip_prefix("\\u").and_then(hex_unit);
                match (unit, low) {
                    (0xd800..=0xdbff, Some((low @ 0xdc00..=0xdfff, after))) => {
                        rest = after;
                        let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            _ => return Err(BAD),
        }
    }
    out.push_str(rest);
    Ok(())
}

fn hex_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16)
        .ok()
        .map(|unit| (unit, rest))
}

/// Bytes of the JSON number at the front of `text`.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes.get(at) == Some(&b'0')) {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let decimals = digits(at + 1);
        if decimals == 0 {
            return None;
        }
        at += 1 + decimals;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::testing::{DigitMask, FirstLetter};
    use proptest::prelude::*;
    use serde_json::Value;

    fn masked(text: &str) -> Result<Option<String>, JsonError> {
        let mut out = "before".to_owned();
        let changed = mask_json(text, &DigitMask, &mut out);
        if !matches!(changed, Ok(true)) {
            assert_eq!(out, "before");
        }
        changed.map(|changed| changed.then(|| out.strip_prefix("before").unwrap().to_owned()))
    }

    #[test]
    fn values_change_and_the_rest_stays_byte_for_byte() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(masked(text), Ok(expected.map(str::to_owned)), "{text}");
        };
        check(r#" {"a" : [1, true,null, "x"], "b":{}, "c":[] } "#, None);
        check(
            "{\"tel\" :\t\"call 5551234567\",\n \"n\": [ 4111111111111111 , 12]}",
            Some("{\"tel\" :\t\"call **********\",\n \"n\": [ 0 , 12]}"),
        );
        check(
            r#"{"1234567": "1234567"}"#,
            Some(r#"{"*******": "*******"}"#),
        );
        check("1234567", Some("0"));
        check("-1.234567890e9", Some("0"));
        check("4111111111111111.00", Some("0"));
        check("0.1234567890", None);
        check("1e400", None);
        check(r#""\u0031234567\n\"\\\/""#, Some(r#""*******\n\"\\/""#));
        check(
            r#""\ud83d\ude00 1234567 \ud83d""#,
            Some("\"\u{1f600} ******* \u{fffd}\""),
        );
        check(r#""\ud83d\ud83d\ude00""#, None);
        let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        check(&deep, None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[",
            "]",
            "[1",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "[1}",
            "{\"a\":1]",
            "1 2",
            "tru",
            "truex",
            "nul",
            "01",
            "1.",
            ".1",
            "-",
            "+1",
            "1e",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "'a'",
            "1234567,",
            "[1234567",
            "\"1234567\" x",
        ] {
            assert!(
                matches!(masked(text), Err(JsonError::Malformed(_))),
                "{text}"
            );
        }
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(masked(&deep), Err(JsonError::TooDeep));
        let deep = "{\"1234567\":".repeat(MAX_DEPTH + 1);
        assert_eq!(masked(&deep), Err(JsonError::TooDeep));
    }

    #[test]
    fn a_document_that_is_one_string_is_known() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(single_string(text).as_deref(), expected, "{text}");
        };
        check(r#" "a\u00e4" "#, Some("aä"));
        check(r#""""#, Some(""));
        check(r#""a" "b""#, None);
        check(r#"["a"]"#, None);
        check("1", None);
        check("\"", None);
    }

    /// What masking should do, said once more over parsed values.
    fn expected(value: &Value) -> Value {
        let text = |text: &str| {
            let mut out = String::new();
            if DigitMask.mask_text(text, &mut out) {
                out
            } else {
                text.to_owned()
            }
        };
        match value {
            Value::String(s) => Value::String(text(s)),
            Value::Array(items) => items.iter().map(expected).collect(),
            Value::Object(fields) => fields.iter().map(|(k, v)| (text(k), expected(v))).collect(),
            Value::Number(n) if n.as_i64().is_some_and(|n| n.abs() >= 1_000_000) => 0.into(),
            other => other.clone(),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = "([0-9]{5,9}|[a-z\"\\\\\n\u{e4}\u{1}]){0,3}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_999_999_i64..9_999_999).prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(text, inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn as_masking_the_parsed_document(value in any_json(), pretty: bool) {
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            let got = masked(&text).unwrap().unwrap_or(text);
            prop_assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), expected(&value));
        }

        #[test]
        fn reads_no_more_and_no_less_than_json(text in "[\\[\\]{}\",:0-9.eE\\\\utrn -]{0,12}") {
            let mut out = String::new();
            let ours = mask_json(&text, &FirstLetter, &mut out);
            // serde_json also refuses numbers out of range and half surrogates, which PostgreSQL lets be.
            let theirs = serde_json::from_str::<Box<serde_json::value::RawValue>>(&text);
            if let Ok(changed) = ours {
                if changed {
                    prop_assert!(serde_json::from_str::<Value>(&out).is_ok());
                }
                if let Err(error) = &theirs {
                    prop_assert!(error.to_string().contains("surrogate"), "{} {}", text, error);
                }
            } else {
                prop_assert!(theirs.is_err(), "{}", text);
            }
        }
    }
}
