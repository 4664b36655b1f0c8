//! A mask's constant text as a value of a type that is not text, where it fits.

use super::kinds::{Fixed, Kind, Number};
use super::types::Format;
use bytes::{BufMut, BytesMut};
use std::net::IpAddr;

/// Appends `text` as a value of `kind` and returns `true`, or returns `false` when it does not fit or the type
/// takes no constants (dates and times, whose text form depends on the session; `numeric` in binary).
pub(super) fn put(kind: Kind, format: Format, text: &str, out: &mut BytesMut) -> bool {
    let text = text.trim();
    let start = out.len();
    let fits = match kind {
        Kind::Number(number) => put_number(number, format, text, out).is_some(),
        Kind::Fixed(Fixed::Bool) => put_bool(format, text, out).is_some(),
        Kind::Fixed(Fixed::Uuid) => put_uuid(text, out).is_some(),
        Kind::Inet { network: false } => put_inet(text, out).is_some(),
        _ => false,
    };
    if fits && format == Format::Text && !matches!(kind, Kind::Fixed(Fixed::Bool)) {
        out.truncate(start);
        out.put_slice(text.as_bytes());
    }
    fits
}

/// Appends the binary form where there is one.
fn put_number(number: Number, format: Format, text: &str, out: &mut BytesMut) -> Option<()> {
    match number {
        Number::Int2 => out.put_i16(text.parse().ok()?),
        Number::Int4 => out.put_i32(text.parse().ok()?),
        Number::Int8 => out.put_i64(text.parse().ok()?),
        Number::Float4 => out.put_f32(text.parse().ok()?),
        Number::Float8 => out.put_f64(text.parse().ok()?),
        Number::Numeric => {
            let plain = text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
            if format == Format::Binary || !plain || text.parse::<f64>().is_err() {
                return None;
            }
        }
    }
    Some(())
}

fn put_bool(format: Format, text: &str, out: &mut BytesMut) -> Option<()> {
    let value = match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "yes" | "on" | "1" => true,
        "f" | "false" | "no" | "off" | "0" => false,
        _ => return None,
    };
    out.put_u8(match format {
        Format::Binary => u8::from(value),
        Format::Text if value => b't',
        Format::Text => b'f',
    });
    Some(())
}

/// 32 hexadecimal digits with hyphens after 8, 12, 16 and 20.
fn put_uuid(text: &str, out: &mut BytesMut) -> Option<()> {
    let hyphens = [8, 13, 18, 23];
    let well_placed = text
        .bytes()
        .enumerate()
        .all(|(at, b)| hyphens.contains(&at) == (b == b'-'));
    if text.len() != 36 || !well_placed {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    out.put_u128(u128::from_str_radix(&digits, 16).ok()?);
    Some(())
}

fn put_inet(text: &str, out: &mut BytesMut) -> Option<()> {
    match text.parse().ok()? {
        IpAddr::V4(address) => {
            out.put_slice(&[2, 32, 0, 4]);
            out.put_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.put_slice(&[3, 128, 0, 16]);
            out.put_slice(&address.octets());
        }
    }
    Some(())
}
