//! The small parts of XML 1.0: characters, names, references, the declaration.

use super::malformed;
use crate::http::mask::CannotMask;

/// White space (XML 1.0, production 3).
pub(super) const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

pub(super) fn is_space(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Whether there is a control character that is no character of XML (production 2).
pub(super) fn has_control(text: &str) -> bool {
    let is_control = |b: u8| b < b' ' && !matches!(b, b'\t' | b'\r' | b'\n');
    // Not `any`, which would look at one byte after the other.
    text.bytes().fold(false, |found, b| found | is_control(b))
}

/// Production 4.
pub(super) fn begins_name(c: char) -> bool {
    matches!(c,
        ':' | '_' | 'A'..='Z' | 'a'..='z'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// Production 4a.
fn goes_on_name(c: char) -> bool {
    begins_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// Bytes at the front of `text` that may be some of a name.
pub(super) fn name_length(text: &str) -> usize {
    let is_usual = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
    let usual = text.as_bytes().iter().take_while(|b| is_usual(b)).count();
    match text.as_bytes().get(usual) {
        Some(byte) if !byte.is_ascii() => text.find(|c| !goes_on_name(c)).unwrap_or(text.len()),
        _ => usual,
    }
}

/// The name without its prefix (Namespaces in XML 1.0, production 7).
pub(super) fn local_name(name: &str) -> Result<&str, CannotMask> {
    let (prefix, local) = name.split_once(':').unwrap_or(("_", name));
    let parts = [prefix, local];
    if parts
        .iter()
        .all(|part| part.starts_with(begins_name) && !part.contains(':'))
    {
        Ok(local)
    } else {
        Err(malformed("a name with at most one prefix"))
    }
}

/// What a reference means, by what is between `&` and `;`.
pub(super) fn referenced(reference: &str) -> Result<char, CannotMask> {
    let named = match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    };
    let numbered = || {
        let number = reference.strip_prefix('#')?;
        let (digits, radix) = match number.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
        is_char(c).then_some(c)
    };
    named.or_else(numbered).ok_or(malformed(
        "a character by number, or one of the five entities of XML",
    ))
}

/// Production 2.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\r' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Appends a text that was changed, so that readers get it as it is meant. Line ends in the form of other systems
/// become those that readers make of them (section 2.11).
pub(super) fn put_text(text: &str, in_quotes: bool, out: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let written = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' if in_quotes => "&quot;",
            '\'' if in_quotes => "&apos;",
            '\t' if in_quotes => "&#9;",
            '\n' if in_quotes => "&#10;",
            '\r' if chars.peek() == Some(&'\n') => "",
            '\r' => "&#13;",
            c if is_char(c) => c.encode_utf8(&mut bytes),
            _ => "\u{fffd}",
        };
        out.extend_from_slice(written.as_bytes());
    }
}

/// A text that was changed, so that it can stand in a comment (production 15).
pub(super) fn as_comment(text: &str) -> String {
    let mut comment = String::new();
    // Readers of HTML would end the comment there.
    if text.starts_with('>') || text.starts_with("->") {
        comment.push(' ');
    }
    for c in text.chars() {
        if c == '-' && comment.ends_with('-') {
            comment.push(' ');
        }
        comment.push(if is_char(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        });
    }
    if comment.ends_with('-') {
        comment.push(' ');
    }
    comment
}

/// Reads the declaration (production 23) from after `<?xml`.
pub(super) fn check_declaration(text: &str) -> Result<(), CannotMask> {
    const EXPECTED: CannotMask = CannotMask::Malformed {
        kind: "XML",
        expected: "a declaration of XML 1.0 in UTF-8",
    };
    let mut rest = text;
    let mut known = 0;
    loop {
        let inner = rest.trim_start_matches(SPACE);
        if inner.is_empty() {
            break;
        }
        if inner.len() == rest.len() {
            return Err(EXPECTED);
        }
        let (name, after) = inner.split_once('=').ok_or(EXPECTED)?;
        let after = after.trim_start_matches(SPACE);
        let quote = after.chars().next().filter(|c| "\"'".contains(*c));
        let (_, quoted) = quote
            .and_then(|quote| after.split_once(quote))
            .ok_or(EXPECTED)?;
        let (value, after) = quote
            .and_then(|quote| quoted.split_once(quote))
            .ok_or(EXPECTED)?;
        let (order, right) = match name.trim_end_matches(SPACE) {
            "version" => (1, value == "1.0"),
            "encoding" => (2, is_utf8(value)),
            "standalone" => (3, value == "yes" || value == "no"),
            _ => return Err(EXPECTED),
        };
        if !right || order <= known || known == 0 && order != 1 {
            return Err(EXPECTED);
        }
        known = order;
        rest = after;
    }
    if known == 0 { Err(EXPECTED) } else { Ok(()) }
}

fn is_utf8(encoding: &str) -> bool {
    ["utf-8", "us-ascii"]
        .iter()
        .any(|known| encoding.eq_ignore_ascii_case(known))
}

/// Reads a document type (production 28) from after `<!DOCTYPE`. One that names other files or declares entities may
/// make anything of what follows.
pub(super) fn check_doctype(text: &str) -> Result<(), CannotMask> {
    let name = text.trim_matches(SPACE);
    if text.starts_with(SPACE) && name.starts_with(begins_name) && name_length(name) == name.len() {
        Ok(())
    } else {
        Err(malformed("a document type that is only a name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_known_by_heart() {
        for (reference, expected) in [
            ("amp", Some('&')),
            ("quot", Some('"')),
            ("#65", Some('A')),
            ("#x41", Some('A')),
            ("#x1F600", Some('\u{1f600}')),
            ("#13", Some('\r')),
            ("#X41", None),
            ("#0", None),
            ("#8", None),
            ("#xD800", None),
            ("#xFFFE", None),
            ("#x110000", None),
            ("#+65", None),
            ("#", None),
            ("#x", None),
            ("", None),
            ("nbsp", None),
            ("AMP", None),
        ] {
            assert_eq!(referenced(reference).ok(), expected, "{reference}");
        }
    }

    #[test]
    fn comments_end_where_they_should() {
        for (text, expected) in [
            ("", ""),
            ("a - b", "a - b"),
            ("--->", "- - ->"),
            (">", " >"),
            ("->-", " ->- "),
            ("\u{0}-", "\u{fffd}- "),
        ] {
            assert_eq!(as_comment(text), expected, "{text}");
        }
    }

    #[test]
    fn only_declarations_of_utf8_are_taken() {
        for (text, expected) in [
            (" version=\"1.0\"", true),
            (" version = '1.0' encoding='UTF-8'", true),
            (" version='1.0' encoding='us-ascii' standalone='yes' ", true),
            (" version='1.0' standalone='no'", true),
            ("", false),
            (" encoding='UTF-8'", false),
            (" version='1.1'", false),
            (" version='1.0'encoding='UTF-8'", false),
            (" version='1.0' encoding='iso-8859-1'", false),
            (" version='1.0' encoding='UTF-8' encoding='UTF-16'", false),
            (" version='1.0' standalone='no' encoding='UTF-8'", false),
            (" version='1.0' standalone='maybe'", false),
            (" version='1.0' other='x'", false),
            (" version=\"1.0'", false),
            (" version", false),
            (" version=1.0", false),
            (" version=", false),
        ] {
            assert_eq!(check_declaration(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn names_have_one_prefix() {
        for (name, expected) in [
            ("a", Some("a")),
            ("x:a-1.b", Some("a-1.b")),
            ("ä", Some("ä")),
            (":a", None),
            ("a:", None),
            ("a:b:c", None),
            ("a:1", None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(local_name(name).ok(), expected, "{name}");
        }
    }
}
