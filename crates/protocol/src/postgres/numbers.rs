//! Numbers as the digits that a detector would look for.

use super::kinds::Number;
use super::types::Format;
use std::fmt::Write as _;

/// Numbers with fewer digits before the point are not looked at: no detector knows anything shorter than a
/// telephone number.
const MIN_DIGITS: usize = 7;
/// Numbers with more digits are not looked at: nothing that is written as a number is longer than a card's.
const MAX_DIGITS: usize = 40;
/// Digits that one group of a binary `numeric` has.
const GROUP_DIGITS: usize = 4;

/// Appends the digits before the point of a number's value, and says whether they are worth a look.
/// `None` when the value is not a number of its type.
pub(super) fn whole_digits(
    number: Number,
    format: Format,
    value: &[u8],
    digits: &mut String,
) -> Option<bool> {
    match format {
        Format::Text => text_digits(std::str::from_utf8(value).ok()?, digits),
        Format::Binary => binary_digits(number, value, digits)?,
    }
    let length = digits.len();
    Some((MIN_DIGITS..=MAX_DIGITS).contains(&length))
}

/// As [`whole_digits`] for a number written out, also with an exponent: JSON numbers, all text formats.
pub(super) fn text_has_digits(text: &str, digits: &mut String) -> bool {
    text_digits(text, digits);
    (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
}

fn text_digits(text: &str, digits: &mut String) {
    let unsigned = text.trim_start_matches(['-', '+']);
    if unsigned.contains(['e', 'E']) {
        if let Ok(float) = unsigned.parse::<f64>() {
            float_digits(float, digits);
        }
    } else {
        digits.push_str(unsigned.split('.').next().unwrap_or_default());
    }
}

fn binary_digits(number: Number, value: &[u8], digits: &mut String) -> Option<()> {
    // Writing to a String cannot fail.
    match number {
        Number::Int2 => {
            let _ = write!(
                digits,
                "{}",
                i16::from_be_bytes(value.try_into().ok()?).unsigned_abs()
            );
        }
        Number::Int4 => {
            let _ = write!(
                digits,
                "{}",
                i32::from_be_bytes(value.try_into().ok()?).unsigned_abs()
            );
        }
        Number::Int8 => {
            let _ = write!(
                digits,
                "{}",
                i64::from_be_bytes(value.try_into().ok()?).unsigned_abs()
            );
        }
        Number::Float4 => float_digits(f32::from_be_bytes(value.try_into().ok()?).into(), digits),
        Number::Float8 => float_digits(f64::from_be_bytes(value.try_into().ok()?), digits),
        Number::Numeric => numeric_digits(value, digits)?,
    }
    Some(())
}

/// Above this a float is no exact number any more, and no identifier.
const MAX_FLOAT: f64 = 1e20;

fn float_digits(float: f64, digits: &mut String) {
    if float.abs() < MAX_FLOAT {
        let _ = write!(digits, "{:.0}", float.abs().trunc());
    }
}

/// Groups of four digits, the first worth 10,000 to the power of `weight`.
fn numeric_digits(value: &[u8], digits: &mut String) -> Option<()> {
    let (header, groups) = value.split_first_chunk::<8>()?;
    let &[n1, n2, w1, w2, ..] = header;
    let count = usize::from(u16::from_be_bytes([n1, n2]));
    let weight = i16::from_be_bytes([w1, w2]);
    if groups.len() != count * 2 {
        return None;
    }
    // Groups before the point; too many are not worth a look, and a negative weight has none.
    let whole = usize::try_from(i32::from(weight) + 1).unwrap_or(0);
    if whole > MAX_DIGITS.div_ceil(GROUP_DIGITS) {
        return Some(());
    }
    let mut given = groups
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
    for index in 0..whole {
        let group = given.next().unwrap_or(0);
        let _ = if index == 0 {
            write!(digits, "{group}")
        } else {
            write!(digits, "{group:04}")
        };
    }
    Some(())
}
