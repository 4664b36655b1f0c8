//! The text forms of `bytea`: `\x` and hexadecimal, or the older escapes.

use super::types::Format;
use super::values::CannotEdit;
use bytes::{BufMut, BytesMut};

/// The bytes that a text form means.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, CannotEdit> {
    const EXPECTED: CannotEdit = CannotEdit("bytes in hexadecimal or with escapes");
    match text.strip_prefix(b"\\x") {
        Some(digits) => decode_hex(digits).ok_or(EXPECTED),
        None => decode_escapes(text).ok_or(EXPECTED),
    }
}

fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let digit = |b: &u8| {
        char::from(*b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(high)? << 4) | digit(low)?),
            _ => None,
        })
        .collect()
}

/// `\\` is a backslash and `\ooo` a byte in octal.
fn decode_escapes(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'\\', b'\\', after @ ..] => {
                bytes.push(b'\\');
                after
            }
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] => {
                bytes.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                after
            }
            [b'\\', ..] => return None,
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

/// Appends bytes in this format; in text as hexadecimal, which every client reads.
pub(super) fn put(format: Format, bytes: &[u8], out: &mut BytesMut) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    if format == Format::Binary {
        out.put_slice(bytes);
        return;
    }
    out.put_slice(b"\\x");
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.put_u8(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
        }
    }
}
