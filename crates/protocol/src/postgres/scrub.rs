//! Taking data out of the target's errors and notices.
//!
//! Errors repeat values: `Key (ssn)=(078-05-1120) already exists`, `invalid input syntax for type integer:
//! "078-05-1120"`. A caller that a column is hidden from could read it with casts that fail.

use super::backend::{self, BackendMessage, Fields};
use super::encode::patch_length;
use super::kinds::REDACTED;
use super::tags::{BackendTag, Tag};
use super::violation::{Peer, Violation};
use bytes::{BufMut, BytesMut};
use sluice_model::TextMask;

/// Digits in a row that no name of a type or encoding in the server's messages needs.
const LONG_NUMBER: usize = 3;

/// How much is taken out.
#[derive(Clone, Copy)]
pub enum Scrub<'a> {
    /// What the mask finds in any text.
    Found(&'a dyn TextMask),
    /// That, and everything that may repeat a value: details, hints, contexts, and in messages about rows
    /// (not about the statement's own text) what is quoted, what follows a colon, and numbers. For sessions to
    /// which columns are hidden that no detector knows.
    Strict(&'a dyn TextMask),
}

/// Appends the ErrorResponse or NoticeResponse `tag` with this `body`, scrubbed. Severity, SQLSTATE, positions
/// and source lines stay, and names of objects where the server itself gives them.
///
/// # Errors
/// The body cannot be read.
pub fn scrub_report(
    tag: BackendTag,
    body: &[u8],
    scrub: Scrub<'_>,
    out: &mut BytesMut,
) -> Result<(), Violation> {
    let (BackendMessage::ErrorResponse(fields) | BackendMessage::NoticeResponse(fields)) =
        backend::parse(tag, body)?
    else {
        return Err(Violation::Malformed {
            peer: Peer::Target,
            message: tag.rule().name,
            expected: "an error or a notice",
        });
    };
    let start = out.len();
    out.put_u8(tag.rule().tag);
    out.put_i32(0);
    let wording = wording_of(&fields);
    for (letter, text) in fields.iter() {
        if let Some(kept) = scrub_field(letter, text, wording, scrub) {
            out.put_u8(letter);
            out.extend(kept.bytes().filter(|b| *b != 0));
            out.put_u8(0);
        }
    }
    out.put_u8(0);
    patch_length(out, start + 1);
    Ok(())
}

/// How a message may repeat values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wording {
    /// Never: it names objects, settings and states.
    NamesOnly,
    /// In quotes, after a colon, or as numbers.
    QuotedValues,
    /// Anywhere: it was written by a function or on another server.
    Free,
}

/// Judges by SQLSTATE (source: PostgreSQL documentation, "Error Codes") and by when the report was made.
fn wording_of(fields: &Fields<'_>) -> Wording {
    if fields.get(b'F').is_none_or(is_free_source) {
        return Wording::Free;
    }
    // A position in the statement's own text is told by parse analysis, which no row has reached yet. (Errors
    // in texts that are made while rows are read have an internal position instead.)
    if fields.get(b'P').is_some() {
        return Wording::NamesOnly;
    }
    let Some(code) = fields.sqlstate() else {
        return Wording::Free;
    };
    match code.get(..2) {
        // Connections, constraints, transactions, resources, states, cancels. What these name exists. Not the
        // system's errors (58): they name files that a function was asked to open.
        Some("08" | "23" | "25" | "40" | "53" | "55" | "57") => Wording::NamesOnly,
        // A missing privilege names what exists.
        Some("42") if code == "42501" => Wording::NamesOnly,
        // Everything else that rows can cause. A name may be a value: `reverse(ssn)::regclass`.
        Some(
            "00" | "01" | "02" | "03" | "0A" | "0B" | "20" | "21" | "22" | "24" | "26" | "27"
            | "28" | "2B" | "2D" | "34" | "3B" | "3D" | "3F" | "42" | "44" | "54" | "58" | "F0",
        ) => Wording::QuotedValues,
        _ => Wording::Free,
    }
}

/// Whether a report from this source file may have any SQLSTATE and any text. Functions can raise such; the
/// file tells that one did: `pl_exec.c`, `plpy_elog.c`, `plperl.c`, `pltcl.c`, beside which only the planner's
/// files begin like that. So can other servers: `dblink.c`, and `connection.c` of `postgres_fdw`.
fn is_free_source(file: &str) -> bool {
    (file.starts_with("pl") && !file.starts_with("plan"))
        || file == "dblink.c"
        || file == "connection.c"
}

fn scrub_field(letter: u8, text: &[u8], wording: Wording, scrub: Scrub<'_>) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let (mask, strict) = match scrub {
        Scrub::Found(mask) => (mask, false),
        Scrub::Strict(mask) => (mask, true),
    };
    let text = match letter {
        b'M' if strict => match wording {
            Wording::NamesOnly => text.into_owned(),
            Wording::QuotedValues => without_values(&text),
            Wording::Free => REDACTED.to_owned(),
        },
        // Detail, hint, internal query, context.
        b'D' | b'H' | b'q' | b'W' if strict => return None,
        // Names of objects, which a function that raises can make of values.
        b's' | b't' | b'c' | b'd' | b'n' if strict && wording == Wording::Free => return None,
        b'M' | b'D' | b'H' | b'q' | b'W' => text.into_owned(),
        // Severity, SQLSTATE, positions, names of objects, source lines.
        b'S' | b'V' | b'C' | b'P' | b'p' | b's' | b't' | b'c' | b'd' | b'n' | b'F' | b'L'
        | b'R' => return Some(text.into_owned()),
        // Fields that the protocol may get.
        _ => return None,
    };
    let mut masked = String::new();
    if mask.mask_text(&text, &mut masked) {
        Some(masked)
    } else {
        Some(text)
    }
}

/// `text` without what may be a value: everything from its first double quote to its last (the value may have
/// quotes in itself), everything after a colon, and numbers. Nothing of a text that is left with more than
/// ASCII: it is not English, where quotes may be others.
fn without_values(text: &str) -> String {
    let value_at = [text.find('"'), text.find(": ")].into_iter().flatten();
    let (wording, value) = text.split_at(value_at.min().unwrap_or(text.len()));
    let mut kept = without_numbers(wording);
    if let Some(quoted) = value.strip_prefix('"') {
        let after = quoted.rsplit_once('"').map_or("", |(_, after)| after);
        kept.extend(["\"", REDACTED, "\"", &without_values(after)]);
    } else if let Some(named) = value.strip_prefix(": ") {
        let quote = if named.starts_with('"') { "\"" } else { "" };
        kept.extend([": ", quote, REDACTED, quote]);
    }
    if kept.is_ascii() {
        kept
    } else {
        REDACTED.to_owned()
    }
}

/// Replaces words that begin with a digit, as numbers in any base do, or that have a long number in them.
/// `int4` and `UTF8` stay.
fn without_numbers(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut kept = String::with_capacity(text.len());
    for part in text.split_inclusive(|c| !is_word(c)) {
        let word = part.trim_end_matches(|c| !is_word(c));
        let long_number = word
            .as_bytes()
            .windows(LONG_NUMBER)
            .any(|digits| digits.iter().all(u8::is_ascii_digit));
        if long_number || word.starts_with(|c: char| c.is_ascii_digit()) {
            kept.push_str(REDACTED);
            kept.push_str(part.get(word.len()..).unwrap_or_default());
        } else {
            kept.push_str(part);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::testing::DigitMask;

    fn scrubbed(fields: &[(u8, &str)], strict: bool) -> Vec<(u8, String)> {
        let mut body = Vec::new();
        for (letter, text) in fields {
            body.push(*letter);
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        body.push(0);
        let mut out = BytesMut::new();
        let scrub = if strict {
            Scrub::Strict(&DigitMask)
        } else {
            Scrub::Found(&DigitMask)
        };
        scrub_report(BackendTag::ErrorResponse, &body, scrub, &mut out).unwrap();
        let frame = super::super::frame::peek::<BackendTag>(&out)
            .unwrap()
            .unwrap();
        assert_eq!(frame.raw.len(), out.len());
        let BackendMessage::ErrorResponse(fields) = backend::parse(frame.tag, frame.body).unwrap()
        else {
            panic!("not an error")
        };
        fields
            .iter()
            .map(|(letter, text)| (letter, String::from_utf8(text.to_vec()).unwrap()))
            .collect()
    }

    #[test]
    fn no_value_is_left_in_an_error() {
        let check = |code: &str, message: &str, strict: bool, expected: &str| {
            let sent = [
                (b'F', "some.c"),
                (b'S', "ERROR"),
                (b'C', code),
                (b'M', message),
                (b'D', "Key (ssn)=(078051120) already exists."),
                (b'W', "SQL function \"f\""),
                (b'n', "customers_ssn_key"),
                (b'?', "new"),
            ];
            let got = scrubbed(&sent, strict);
            let of = |letter: u8| {
                got.iter()
                    .find(|(l, _)| *l == letter)
                    .map(|(_, t)| t.as_str())
            };
            assert_eq!(of(b'M'), Some(expected));
            assert_eq!(of(b'C'), Some(code));
            let free = strict && expected == REDACTED;
            assert_eq!(of(b'n'), (!free).then_some("customers_ssn_key"));
            assert_eq!(of(b'?'), None);
            let detail = (!strict).then_some("Key (ssn)=(*********) already exists.");
            assert_eq!(of(b'D'), detail);
            assert_eq!(of(b'W').is_some(), !strict);
        };
        let duplicate = "duplicate key value violates unique constraint \"customers_ssn_key\"";
        check("23505", duplicate, false, duplicate);
        check("23505", duplicate, true, duplicate);
        let cast = "invalid input syntax for type integer: \"ada \"lovelace\"\"";
        check("22P02", cast, false, cast);
        check(
            "22P02",
            cast,
            true,
            "invalid input syntax for type integer: \"[redacted]\"",
        );
        check(
            "P0001",
            "customer Ada has 1234567",
            false,
            "customer Ada has *******",
        );
        check("P0001", "customer Ada has 1234567", true, "[redacted]");
        check("ZZ000", "whatever", true, "[redacted]");
    }

    #[test]
    fn functions_and_other_servers_may_say_anything() {
        for file in [
            "pl_exec.c",
            "plpy_elog.c",
            "plperl.c",
            "dblink.c",
            "connection.c",
        ] {
            let raised = [
                (b'C', "42501"),
                (b'M', "Ada's is 1"),
                (b'F', file),
                (b'P', "1"),
                (b't', "Ada"),
                (b'c', "Ada"),
            ];
            let got = scrubbed(&raised, true);
            assert_eq!(got[1].1, "[redacted]");
            assert!(got.iter().all(|(_, text)| text != "Ada"));
        }
        let planner = [
            (b'C', "42P01"),
            (b'M', "no \"t\""),
            (b'F', "plancat.c"),
            (b'P', "1"),
        ];
        assert_eq!(scrubbed(&planner, true)[1].1, "no \"t\"");
        assert_eq!(
            scrubbed(&[(b'C', "42P01"), (b'M', "x"), (b'P', "1")], true)[1].1,
            "[redacted]"
        );
    }

    /// Messages of a PostgreSQL server to statements that made errors of values.
    #[test]
    fn no_value_is_left_in_a_message_about_rows() {
        let check = |code: &str, message: &str, expected: &str| {
            let mut sent = vec![(b'F', "some.c"), (b'C', code), (b'M', message)];
            assert_eq!(scrubbed(&sent, true)[2].1, expected, "{message}");
            assert_eq!(scrubbed(&sent, false)[2].1, message);
            // The same about the statement's own text.
            sent.push((b'P', "8"));
            assert_eq!(scrubbed(&sent, true)[2].1, message);
        };
        for (code, message, expected) in [
            (
                "42P01",
                r#"relation "0211-50-870" does not exist"#,
                r#"relation "[redacted]" does not exist"#,
            ),
            (
                "42P01",
                r#"relation "a: "b" c" does not exist"#,
                r#"relation "[redacted]" does not exist"#,
            ),
            (
                "42704",
                r#"unrecognized configuration parameter "x.078-05""#,
                r#"unrecognized configuration parameter "[redacted]""#,
            ),
            (
                "3D000",
                r#"database "0211-50-870" does not exist"#,
                r#"database "[redacted]" does not exist"#,
            ),
            (
                "54000",
                "requested character too large for encoding: 780511",
                "requested character too large for encoding: [redacted]",
            ),
            (
                "22008",
                "date out of range: 11053-01-01",
                "date out of range: [redacted]",
            ),
            (
                "2202E",
                "index 78 out of valid range, 0..-1",
                "index [redacted] out of valid range, [redacted]..-[redacted]",
            ),
            (
                "42883",
                "operator does not exist: 078-05",
                "operator does not exist: [redacted]",
            ),
            (
                "42704",
                "large object 78051 does not exist",
                "large object [redacted] does not exist",
            ),
            (
                "01000",
                "PID 78051 is not a PostgreSQL backend process",
                "PID [redacted] is not a PostgreSQL backend process",
            ),
            (
                "22021",
                r#"invalid byte sequence for encoding "UTF8": 0xe4 0x98"#,
                r#"invalid byte sequence for encoding "[redacted]": [redacted]"#,
            ),
            (
                "58P01",
                r#"could not open file "ada" for reading: No such file or directory"#,
                r#"could not open file "[redacted]" for reading: [redacted]"#,
            ),
            (
                "22P02",
                r#"no end of "ada 0781"#,
                r#"no end of "[redacted]""#,
            ),
            ("22012", "division by zero", "division by zero"),
            (
                "22003",
                "cannot convert UTF8 to int4",
                "cannot convert UTF8 to int4",
            ),
            ("22023", "no x1234y", "no [redacted]"),
            ("42P01", "Relation »ada« existiert nicht", "[redacted]"),
        ] {
            check(code, message, expected);
        }
    }

    #[test]
    fn what_only_names_what_exists_stays() {
        for (code, message) in [
            (
                "23505",
                r#"duplicate key value violates unique constraint "c_1234""#,
            ),
            ("42501", "permission denied for table customers"),
            (
                "55P03",
                r#"could not obtain lock on relation "customers_2024""#,
            ),
            ("40P01", "deadlock detected"),
        ] {
            let sent = [
                (b'F', "some.c"),
                (b'C', code),
                (b'M', message),
                (b'D', "Key"),
            ];
            let got = scrubbed(&sent, true);
            assert_eq!((got.len(), got[2].1.as_str()), (3, message));
        }
    }

    #[test]
    fn only_whole_reports_are_scrubbed() {
        let check = |tag: BackendTag, body: &[u8]| {
            let mut out = BytesMut::new();
            assert!(scrub_report(tag, body, Scrub::Found(&DigitMask), &mut out).is_err());
            assert!(out.is_empty());
        };
        check(BackendTag::ErrorResponse, b"");
        check(BackendTag::ErrorResponse, b"Mno end");
        check(BackendTag::NoticeResponse, b"M\0\0more");
        check(BackendTag::NoData, b"");
    }
}
