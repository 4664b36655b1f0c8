//! Masking the elements of arrays, in text (`{a,"b c",NULL}`) and in binary.

use super::types::Format;
use super::values::{CannotEdit, Edited, Editor};
use bytes::{BufMut, BytesMut};

/// The most dimensions of an array (`MAXDIM`).
const MAX_DIMENSIONS: usize = 6;

/// The longest that an array may become when its elements are replaced by longer ones: twice the longest row.
const MAX_EDITED: usize = 128 * 1024 * 1024;

const TOO_LARGE: CannotEdit = CannotEdit("an array that is at most 128 MiB when it is masked");
const EXPECTED_TEXT: CannotEdit = CannotEdit("an array");
const EXPECTED_BINARY: CannotEdit = CannotEdit("an array in binary format");

/// Edits every element of an array in text format.
pub(super) fn edit_text(
    editor: &mut Editor<'_>,
    element: u32,
    value: &[u8],
    out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    // Bounds other than 1 stand in front: [0:2]={...}
    let mut at = if value.first() == Some(&b'[') {
        memchr::memchr(b'=', value).ok_or(EXPECTED_TEXT)? + 1
    } else {
        0
    };
    if value.get(at) != Some(&b'{') {
        return Err(EXPECTED_TEXT);
    }
    let mut copied = 0;
    let mut depth = 0;
    let mut edited = BytesMut::new();
    let mut unquoted = Vec::new();
    loop {
        match value.get(at).ok_or(EXPECTED_TEXT)? {
            b'{' if depth < MAX_DIMENSIONS => {
                depth += 1;
                at += 1;
            }
            b'{' => return Err(EXPECTED_TEXT),
            b'}' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            b',' => at += 1,
            _ => {
                let (end, quoted) = element_end(value, at, &mut unquoted)?;
                if quoted || !unquoted.eq_ignore_ascii_case(b"NULL") {
                    edited.clear();
                    let outcome = editor.nested(element, Format::Text, &unquoted, &mut edited)?;
                    if outcome != Edited::Unchanged {
                        out.put_slice(value.get(copied..at).unwrap_or_default());
                        put_element(outcome, &edited, out);
                        copied = end;
                        if out.len() > MAX_EDITED {
                            return Err(TOO_LARGE);
                        }
                    }
                }
                at = end;
            }
        }
    }
    if at != value.len() {
        return Err(EXPECTED_TEXT);
    }
    if copied == 0 {
        return Ok(Edited::Unchanged);
    }
    out.put_slice(value.get(copied..).unwrap_or_default());
    Ok(Edited::Changed)
}

/// Reads the element at `at` into `unquoted`; returns where it ends and whether it was quoted.
fn element_end(
    value: &[u8],
    mut at: usize,
    unquoted: &mut Vec<u8>,
) -> Result<(usize, bool), CannotEdit> {
    unquoted.clear();
    let quoted = value.get(at) == Some(&b'"');
    at += usize::from(quoted);
    loop {
        match value.get(at).ok_or(EXPECTED_TEXT)? {
            b'"' if quoted => return Ok((at + 1, true)),
            b',' | b'}' if !quoted => return Ok((at, false)),
            b'"' | b'{' if !quoted => return Err(EXPECTED_TEXT),
            b'\\' => {
                unquoted.push(*value.get(at + 1).ok_or(EXPECTED_TEXT)?);
                at += 2;
            }
            byte => {
                unquoted.push(*byte);
                at += 1;
            }
        }
    }
}

/// Appends an edited element, in quotes where the array's syntax needs them.
fn put_element(outcome: Edited, element: &[u8], out: &mut BytesMut) {
    if outcome == Edited::Null {
        out.put_slice(b"NULL");
        return;
    }
    let plain = !element.is_empty()
        && !element.eq_ignore_ascii_case(b"NULL")
        && !element
            .iter()
            .any(|b| matches!(b, b'{' | b'}' | b'"' | b',' | b'\\') || b.is_ascii_whitespace());
    if plain {
        out.put_slice(element);
        return;
    }
    out.put_u8(b'"');
    for byte in element {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

/// Edits every element of an array in binary format: dimensions, whether there are NULLs, the elements'
/// type, (length, lower bound) of each dimension, then the elements with a length in front of each.
pub(super) fn edit_binary(
    editor: &mut Editor<'_>,
    value: &[u8],
    out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    let (head, rest) = value.split_first_chunk::<12>().ok_or(EXPECTED_BINARY)?;
    let &[d1, d2, d3, d4, _, _, _, nulls, e1, e2, e3, e4] = head;
    let dimensions = usize::try_from(u32::from_be_bytes([d1, d2, d3, d4]))
        .ok()
        .filter(|d| *d <= MAX_DIMENSIONS && nulls <= 1)
        .ok_or(EXPECTED_BINARY)?;
    let element = u32::from_be_bytes([e1, e2, e3, e4]);
    let (bounds, mut rest) = rest
        .split_at_checked(dimensions * 8)
        .ok_or(EXPECTED_BINARY)?;
    let start = out.len();
    out.put_slice(head);
    out.put_slice(bounds);
    let mut changed = false;
    let mut null = nulls;
    while !rest.is_empty() {
        let (field, after) = split_value(rest).ok_or(EXPECTED_BINARY)?;
        rest = after;
        let outcome = put_edited(editor, element, field, out)?;
        changed |= outcome != Edited::Unchanged;
        null |= u8::from(outcome == Edited::Null);
        if out.len() > MAX_EDITED {
            return Err(TOO_LARGE);
        }
    }
    if let Some(flag) = out.get_mut(start + 7) {
        *flag = null;
    }
    Ok(if changed {
        Edited::Changed
    } else {
        Edited::Unchanged
    })
}

/// Appends an array without elements.
pub(super) fn put_empty(element: u32, format: Format, out: &mut BytesMut) {
    match format {
        Format::Text => out.put_slice(b"{}"),
        Format::Binary => {
            // No dimensions, no NULLs.
            out.put_slice(&[0; 8]);
            out.put_u32(element);
        }
    }
}

/// Cuts a value with its length in front off; the inner `None` is NULL.
pub(super) fn split_value(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    match i32::from_be_bytes(*length) {
        -1 => Some((None, rest)),
        length => {
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((Some(value), rest))
        }
    }
}

/// Appends a value in binary format, edited, with its length in front.
pub(super) fn put_edited(
    editor: &mut Editor<'_>,
    type_oid: u32,
    value: Option<&[u8]>,
    out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    const TOO_LONG: CannotEdit = CannotEdit("a value of less than 2 GiB");
    let Some(value) = value else {
        out.put_i32(-1);
        return Ok(Edited::Unchanged);
    };
    let at = out.len();
    out.put_i32(-1);
    let outcome = editor.nested(type_oid, Format::Binary, value, out)?;
    if outcome == Edited::Unchanged {
        out.put_slice(value);
    }
    if outcome != Edited::Null {
        let length = i32::try_from(out.len() - at - 4).map_err(|_| TOO_LONG)?;
        if let Some(field) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) {
            *field = length.to_be_bytes();
        }
    }
    Ok(outcome)
}
