//! Escapes of addresses: `%` and two hexadecimal digits (RFC 3986, 2.1).

use super::error::{Part, PathError};

/// One byte of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// As it was written.
    Plain(u8),
    /// Behind an escape.
    Escaped(u8),
}

/// The bytes of a part, with escapes undone once.
pub(crate) struct Units<'a> {
    rest: &'a [u8],
    part: Part,
}

impl<'a> Units<'a> {
    pub(crate) fn new(raw: &'a [u8], part: Part) -> Self {
        Self { rest: raw, part }
    }
}

impl Iterator for Units<'_> {
    type Item = Result<Unit, PathError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first != b'%' {
            return Some(Ok(Unit::Plain(*first)));
        }
        let [high, low, after @ ..] = rest else {
            return Some(Err(PathError::Escape { part: self.part }));
        };
        self.rest = after;
        let byte = byte_of(*high, *low).ok_or(PathError::Escape { part: self.part });
        Some(byte.map(Unit::Escaped))
    }
}

/// A text without its escapes, which may have more than ASCII in it.
pub(crate) fn decoded(text: &str, part: Part) -> Result<String, PathError> {
    let byte = |unit| match unit {
        Unit::Plain(byte) | Unit::Escaped(byte) => byte,
    };
    let bytes: Result<Vec<u8>, _> = Units::new(text.as_bytes(), part)
        .map(|unit| unit.map(byte))
        .collect();
    String::from_utf8(bytes?).map_err(|_| PathError::Text { part })
}

/// `text` with escapes undone until none is left, however often they were escaped: what the most eager of the
/// servers behind could make of it. One pass does, because no two escapes share a byte.
pub(super) fn settled(text: &[u8]) -> Vec<u8> {
    let mut settled = Vec::with_capacity(text.len());
    for byte in text {
        settled.push(*byte);
        // What an escape becomes may be the last byte of another one.
        while let [before @ .., b'%', high, low] = settled.as_slice()
            && let Some(byte) = byte_of(*high, *low)
        {
            settled.truncate(before.len());
            settled.push(byte);
        }
    }
    settled
}

/// Appends the escape of `byte`, in capitals.
pub(crate) fn push_escaped(out: &mut String, byte: u8) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digits = [byte >> 4, byte & 15].map(usize::from);
    out.push('%');
    out.extend(digits.iter().filter_map(|digit| DIGITS.get(*digit)));
}

/// Whether `byte` never needs an escape (RFC 3986, 2.3).
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        let check = |raw: &str, expected: Option<&[u8]>| {
            let units: Result<Vec<_>, _> = Units::new(raw.as_bytes(), Part::Path).collect();
            let bytes = units.ok().map(|units| {
                let byte = |unit: &Unit| match *unit {
                    Unit::Plain(byte) | Unit::Escaped(byte) => byte,
                };
                units.iter().map(byte).collect::<Vec<_>>()
            });
            assert_eq!(bytes.as_deref(), expected, "{raw}");
        };
        check("", Some(b""));
        check("a%41%2f%2F%00%ff", Some(b"aA//\x00\xff"));
        check("%2541", Some(b"%41"));
        for refused in [
            "%", "%4", "%g0", "%0g", "%+1", "% 1", "a%", "%%41", "%u0041",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn escapes_of_escapes_settle() {
        let check = |text: &str, expected: &str| {
            assert_eq!(settled(text.as_bytes()), expected.as_bytes(), "{text}");
        };
        check("", "");
        check("100%", "100%");
        check("%zz%", "%zz%");
        check("%2e", ".");
        check("%252e", ".");
        check("%25252525252e", ".");
        check("%%32e", ".");
        check("%2%65", ".");
        check("%%%32%35%32e", "%.");
        check("a%25b", "a%b");
        check("%25zz", "%zz");
        let deep = ["%", &"25".repeat(4_000), "2f"].concat();
        check(&deep, "/");
    }

    #[test]
    fn every_byte_has_one_escape() {
        for byte in 0..=u8::MAX {
            let mut out = String::new();
            push_escaped(&mut out, byte);
            assert_eq!(out, format!("%{byte:02X}"));
        }
    }
}
