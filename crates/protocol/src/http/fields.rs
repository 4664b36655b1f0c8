//! What a document that a request brings holds, by name: for policies that look into bodies. What could be read in two
//! ways is refused.

use super::mask::{Kind, kind_of};
use serde::de::{Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Values of one document: documents that policies are about have tens.
pub const MAX_FIELDS: usize = 1_000;
/// How deep they may nest.
pub const MAX_DEPTH: usize = 32;
/// The longest name, all that lead to a value together, and the longest value, in bytes.
pub const MAX_TEXT: usize = 4 * 1024;
/// Names and values of one document together, as they are flattened.
pub const MAX_ALL: usize = 256 * 1024;

/// The values of a document by the names that lead to them, with dots between.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Texts, numbers and truth values, as texts.
    pub texts: BTreeMap<String, String>,
    /// Whole numbers.
    pub numbers: BTreeMap<String, i64>,
}

/// Why a body cannot be looked into. A policy looks at it, so that it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRead {
    /// It is neither.
    #[error("a policy looks into the body; expected JSON or a form, in UTF-8")]
    Kind,
    /// It is not what it says, or names something twice.
    #[error("a policy looks into the body; expected {0}")]
    Malformed(&'static str),
    /// It is too large to be looked into.
    #[error(
        "a policy looks into the body; expected at most {MAX_FIELDS} values of {MAX_TEXT} bytes, {MAX_DEPTH} levels deep"
    )]
    TooMuch,
}

/// Reads a whole body. An empty one holds nothing.
///
/// # Errors
/// It cannot be read, or not by everybody in the same way.
pub fn read(content_type: Option<&str>, body: &[u8]) -> Result<Fields, CannotRead> {
    if body.is_empty() {
        return Ok(Fields::default());
    }
    match content_type.and_then(kind_of) {
        Some(Kind::Json) => json(body),
        Some(Kind::Form) => form(body),
        _ => Err(CannotRead::Kind),
    }
}

fn json(body: &[u8]) -> Result<Fields, CannotRead> {
    let mut walk = Walk::default();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = reader.deserialize_any(&mut walk);
    match (walk.too_much, read.and_then(|()| reader.end())) {
        (true, _) => Err(CannotRead::TooMuch),
        (false, Ok(())) => Ok(walk.found),
        (false, Err(_)) => Err(CannotRead::Malformed(
            "one JSON document in which no name stands twice in an object",
        )),
    }
}

/// Goes through a document and flattens it.
#[derive(Default)]
struct Walk {
    found: Fields,
    path: String,
    depth: usize,
    values: usize,
    bytes: usize,
    too_much: bool,
}

impl Walk {
    fn stop<E: serde::de::Error>(&mut self) -> E {
        self.too_much = true;
        E::custom("too much")
    }

    fn put<E: serde::de::Error>(&mut self, text: String) -> Result<(), E> {
        self.values += 1;
        self.bytes += text.len() + self.path.len();
        let too_long = text.len() > MAX_TEXT || self.path.len() > MAX_TEXT;
        if self.values > MAX_FIELDS || too_long || self.bytes > MAX_ALL {
            return Err(self.stop());
        }
        // `{"a.b": 1, "a": {"b": 2}}` names one value twice.
        match self.found.texts.insert(self.path.clone(), text) {
            None => Ok(()),
            Some(_) => Err(E::custom("twice")),
        }
    }

    fn number<E: serde::de::Error>(&mut self, number: i64) -> Result<(), E> {
        self.put(number.to_string())?;
        self.found.numbers.insert(self.path.clone(), number);
        Ok(())
    }

    /// Goes into a value that is called so, does something and comes back.
    fn within<T, E: serde::de::Error>(
        &mut self,
        name: &str,
        inside: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let outside = self.path.len();
        if self.depth >= MAX_DEPTH || outside + name.len() > MAX_TEXT {
            return Err(self.stop());
        }
        if outside > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        self.depth += 1;
        let done = inside(self);
        self.depth -= 1;
        self.path.truncate(outside);
        done
    }
}

impl<'de> Visitor<'de> for &mut Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.number(value),
            Err(_) => self.put(value.to_string()),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        // `1000.0` and `1e3` are a thousand to whoever reads numbers.
        match whole(value) {
            Some(value) => self.number(value),
            None => self.put(value.to_string()),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.put(value.to_owned())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for at in 0.. {
            let more = self.within(&at.to_string(), |walk| items.next_element_seed(Seed(walk)))?;
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = std::collections::HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.within(&name, |walk| members.next_value_seed(Seed(walk)))?;
            if names.len() >= MAX_FIELDS {
                return Err(self.stop());
            }
            if !names.insert(folded(&name)) {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(())
    }
}

/// A name as readers take it that do not look at its case: two that they take for one are refused.
fn folded(name: &str) -> String {
    let lower = name.chars().flat_map(char::to_uppercase);
    lower.flat_map(char::to_lowercase).collect()
}

/// A number that is whole, if it is one of those that both sides can count exactly.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_whole = value.fract() == 0.0 && value.abs() <= EXACT;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole, and no larger than that"
    )]
    is_whole.then_some(value as i64)
}

struct Seed<'w>(&'w mut Walk);

impl<'de> serde::de::DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self.0)
    }
}

fn form(body: &[u8]) -> Result<Fields, CannotRead> {
    let malformed = CannotRead::Malformed("a form in which no name stands twice");
    let text = std::str::from_utf8(body).map_err(|_| malformed)?;
    let mut found = Fields::default();
    let mut names = std::collections::HashSet::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (unescaped(name), unescaped(value));
        let (name, value) = name.zip(value).ok_or(malformed)?;
        let too_long = name.len() > MAX_TEXT || value.len() > MAX_TEXT;
        if found.texts.len() >= MAX_FIELDS || too_long {
            return Err(CannotRead::TooMuch);
        }
        // Some readers take blanks off, or end a name at a NUL.
        let odd = |c: char| c.is_control() || c.is_whitespace();
        if name.chars().any(odd) || !names.insert(folded(&name)) {
            return Err(malformed);
        }
        if let Ok(number) = value.trim().parse() {
            found.numbers.insert(name.clone(), number);
        }
        if found.texts.insert(name, value).is_some() {
            return Err(malformed);
        }
    }
    Ok(found)
}

/// A name or value of a form without its escapes (URL Standard, section 5.1).
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

    fn said(content_type: Option<&str>, body: &str) -> String {
        match read(content_type, body.as_bytes()) {
            Ok(found) => {
                let texts = found.texts.iter().map(|(k, v)| format!("{k}={v}"));
                let numbers = found.numbers.iter().map(|(k, v)| format!("{k}:{v}"));
                texts.chain(numbers).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn documents_are_flat_to_policies() {
        for (kind, body, expected) in [
            (
                JSON,
                r#"{"a": {"b": "x"}, "n": 7, "t": true, "z": null}"#,
                "a.b=x n=7 t=true n:7",
            ),
            (
                JSON,
                r#"{"items": [{"sku": "s"}, 5]}"#,
                "items.0.sku=s items.1=5 items.1:5",
            ),
            (
                JSON,
                r#"{"f": 1.5, "big": 18446744073709551615, "min": -9223372036854775808}"#,
                "big=18446744073709551615 f=1.5 min=-9223372036854775808 min:-9223372036854775808",
            ),
            (JSON, "7", "=7 :7"),
            (JSON, "", ""),
            (JSON, "{}", ""),
            (FORM, "a=x+y&b=%41&n=12&e=", "a=x y b=A e= n=12 n:12"),
            (None, "", ""),
        ] {
            assert_eq!(said(kind, body), expected, "{body}");
        }
    }

    /// ATTACKS: what a policy reads and a target reads otherwise.
    #[test]
    fn what_reads_in_two_ways_is_refused() {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        let many = format!("[{}1]", "1,".repeat(1_100));
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(5_000));
        for (kind, body, expected) in [
            (JSON, r#"{"a": 1, "a": 2}"#, "Malformed"),
            (JSON, r#"{"a": 1, "\u0061": 2}"#, "Malformed"),
            (JSON, r#"{"a": null, "a": 2}"#, "Malformed"),
            (JSON, r#"{"a.b": 1, "a": {"b": 2}}"#, "Malformed"),
            (JSON, r#"{"a": 1} {"a": 2}"#, "Malformed"),
            (JSON, r#"{"a": 1,}"#, "Malformed"),
            (JSON, "{\"a\": 1", "Malformed"),
            (JSON, &deep, "TooMuch"),
            (JSON, &many, "TooMuch"),
            (JSON, &long, "TooMuch"),
            (FORM, "a=1&a=2", "Malformed"),
            (FORM, "a=1&%61=2", "Malformed"),
            (FORM, "a=%f", "Malformed"),
            (FORM, "a=%ff", "Malformed"),
            (Some("text/xml"), "<a/>", "Kind"),
            (Some("application/json; charset=utf-16"), "{}", "Kind"),
            (None, "{}", "Kind"),
        ] {
            let got = said(kind, body);
            assert!(got.starts_with(expected), "{body}: {got}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(body in proptest::collection::vec(any::<u8>(), 0..300), form in any::<bool>()) {
            let _ = read(if form { FORM } else { JSON }, &body);
        }
    }

    #[test]
    fn names_that_readers_take_for_one_are_refused() {
        let json = |text: &str| read(Some("application/json"), text.as_bytes());
        let form = |text: &str| read(Some("application/x-www-form-urlencoded"), text.as_bytes());
        for text in [
            "{\"amount\":100,\"Amount\":100000}",
            "{\"role\":\"a\",\"ROLE\":\"b\"}",
            "{\"K\":1,\"\u{212a}\":2}",
            "{\"s\":1,\"\u{17f}\":2}",
        ] {
            assert!(json(text).is_err(), "{text}");
        }
        for text in ["amount=100&+amount=1", "amount=1&Amount=2", "a%00b=1"] {
            assert!(form(text).is_err(), "{text}");
        }
        // A number is one however it is written.
        for text in ["{\"a\":1000}", "{\"a\":1000.0}", "{\"a\":1e3}"] {
            assert_eq!(json(text).unwrap().numbers["a"], 1000, "{text}");
        }
        assert!(json("{\"a\":1000.5}").unwrap().numbers.is_empty());
        // Small documents do not become large ones.
        let members: Vec<String> = (0..900).map(|n| format!("\"{n}\":1")).collect();
        let text = format!("{{\"{}\":{{{}}}}}", "x".repeat(4_000), members.join(","));
        assert_eq!(json(&text), Err(CannotRead::TooMuch));
    }
}
