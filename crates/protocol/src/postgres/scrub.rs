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

/// How much is taken out.
#[derive(Clone, Copy)]
pub enum Scrub<'a> {
    /// What the mask finds in any text.
    Found(&'a dyn TextMask),
    /// That, and everything that may repeat a value: details, hints, contexts, quoted values. For sessions
    /// to which columns are hidden that no detector knows.
    Strict(&'a dyn TextMask),
}

/// Appends the ErrorResponse or NoticeResponse `tag` with this `body`, scrubbed. Severity, SQLSTATE, names of
/// objects, positions and source lines stay.
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
    /// In double quotes.
    QuotedValues,
    /// Anywhere: it was written by a function.
    Free,
}

/// Judges by SQLSTATE (source: PostgreSQL documentation, "Error Codes"). Functions can raise any SQLSTATE with
/// any text; the source file tells that one did: `pl_exec.c`, `plpy_elog.c`, `plperl.c`, `pltcl.c`, beside
/// which only the planner's files begin like that. A report that does not tell its file may be anything.
fn wording_of(fields: &Fields<'_>) -> Wording {
    let by_function = fields
        .get(b'F')
        .is_none_or(|file| file.starts_with("pl") && !file.starts_with("plan"));
    if by_function {
        return Wording::Free;
    }
    match fields.sqlstate().and_then(|code| code.get(..2)) {
        // Notices, transactions, cardinality, privileges, constraints, syntax, resources, the system.
        Some(
            "00" | "01" | "02" | "03" | "08" | "0A" | "0B" | "20" | "21" | "23" | "24" | "25"
            | "26" | "27" | "28" | "2B" | "2D" | "34" | "3B" | "3D" | "3F" | "40" | "42" | "44"
            | "53" | "54" | "55" | "57" | "58" | "F0",
        ) => Wording::NamesOnly,
        // Values that cannot be cast or are out of range.
        Some("22") => Wording::QuotedValues,
        _ => Wording::Free,
    }
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
            Wording::QuotedValues => without_quoted(&text),
            Wording::Free => REDACTED.to_owned(),
        },
        // Detail, hint, internal query, context.
        b'D' | b'H' | b'q' | b'W' if strict => return None,
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

/// `text` from its first double quote to its last replaced: the value may have quotes in itself.
fn without_quoted(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            let before = text.get(..=first).unwrap_or_default();
            let after = text.get(last..).unwrap_or_default();
            format!("{before}{REDACTED}{after}")
        }
        _ => text.to_owned(),
    }
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
            assert_eq!(of(b'n'), Some("customers_ssn_key"));
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
        for file in ["pl_exec.c", "plpy_elog.c", "plperl.c"] {
            let raised = [(b'C', "42501"), (b'M', "Ada's is 1"), (b'F', file)];
            assert_eq!(scrubbed(&raised, true)[1].1, "[redacted]");
        }
        let planner = [(b'C', "42P01"), (b'M', "no \"t\""), (b'F', "plancat.c")];
        assert_eq!(scrubbed(&planner, true)[1].1, "no \"t\"");
        assert_eq!(
            scrubbed(&[(b'C', "42P01"), (b'M', "x")], true)[1].1,
            "[redacted]"
        );
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
