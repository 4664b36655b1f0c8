//! Masking what is found in the fields of rows: `(1,"a b",)` in text, with type numbers in binary.

use super::arrays::{put_edited, split_value};
use super::types::Format;
use super::values::{CannotEdit, Edited, Editor, TEXT_OID};
use bytes::{BufMut, BytesMut};

const EXPECTED_TEXT: CannotEdit = CannotEdit("a row");
const EXPECTED_BINARY: CannotEdit = CannotEdit("a row in binary format");

/// Edits every field of a row in text format. Nothing tells the fields' types: each is edited as text.
pub(super) fn edit_text(
    editor: &mut Editor<'_>,
    value: &[u8],
    out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    let inside = value
        .strip_prefix(b"(")
        .and_then(|v| v.strip_suffix(b")"))
        .ok_or(EXPECTED_TEXT)?;
    let mut changed = false;
    let mut field = Vec::new();
    let mut edited = BytesMut::new();
    let mut at = 0;
    out.put_u8(b'(');
    loop {
        let end = field_end(inside, at, &mut field)?;
        let raw = inside.get(at..end).unwrap_or_default();
        edited.clear();
        // Nothing at all between two commas is NULL.
        let outcome = if raw.is_empty() {
            Edited::Unchanged
        } else {
            editor.nested(TEXT_OID, Format::Text, &field, &mut edited)?
        };
        match outcome {
            Edited::Unchanged => out.put_slice(raw),
            Edited::Changed => put_field(&edited, out),
            Edited::Null => {}
        }
        changed |= outcome != Edited::Unchanged;
        if end == inside.len() {
            break;
        }
        out.put_u8(b',');
        at = end + 1;
    }
    out.put_u8(b')');
    Ok(if changed {
        Edited::Changed
    } else {
        Edited::Unchanged
    })
}

/// Reads the field at `at` into `field`; returns where its comma or the end is.
fn field_end(inside: &[u8], mut at: usize, field: &mut Vec<u8>) -> Result<usize, CannotEdit> {
    field.clear();
    let mut quoted = false;
    loop {
        let next = inside.get(at + 1);
        match (inside.get(at), quoted) {
            (None, false) | (Some(b','), false) => return Ok(at),
            (None, true) => return Err(EXPECTED_TEXT),
            (Some(b'(' | b')'), false) => return Err(EXPECTED_TEXT),
            (Some(b'"'), true) if next == Some(&b'"') => {
                field.push(b'"');
                at += 2;
            }
            (Some(b'"'), _) => {
                quoted = !quoted;
                at += 1;
            }
            (Some(b'\\'), _) => {
                field.push(*next.ok_or(EXPECTED_TEXT)?);
                at += 2;
            }
            (Some(byte), _) => {
                field.push(*byte);
                at += 1;
            }
        }
    }
}

/// Appends a field in quotes, which are always allowed.
fn put_field(field: &[u8], out: &mut BytesMut) {
    out.put_u8(b'"');
    for byte in field {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(*byte);
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

/// Edits every field of a row in binary format: the number of fields, then type, length and value of each.
pub(super) fn edit_binary(
    editor: &mut Editor<'_>,
    value: &[u8],
    out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    let (count, mut rest) = value.split_first_chunk::<4>().ok_or(EXPECTED_BINARY)?;
    out.put_slice(count);
    let mut changed = false;
    for _ in 0..u32::from_be_bytes(*count) {
        let (type_oid, after) = rest.split_first_chunk::<4>().ok_or(EXPECTED_BINARY)?;
        let (field, after) = split_value(after).ok_or(EXPECTED_BINARY)?;
        rest = after;
        out.put_slice(type_oid);
        let outcome = put_edited(editor, u32::from_be_bytes(*type_oid), field, out)?;
        changed |= outcome != Edited::Unchanged;
    }
    match (rest, changed) {
        ([], true) => Ok(Edited::Changed),
        ([], false) => Ok(Edited::Unchanged),
        _ => Err(EXPECTED_BINARY),
    }
}
