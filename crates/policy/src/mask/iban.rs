//! International bank account numbers (ISO 13616).

use std::ops::Range;

use super::scan::{before, byte, in_word_before, separator};

/// The most letters and digits of any country's IBAN.
const MAX_IBAN: usize = 34;

/// Reads an IBAN whose check digits are at the start of `digits` and whose country stands before them;
/// plain, or in groups of four.
pub(super) fn iban(text: &[u8], digits: &Range<usize>) -> Option<Range<usize>> {
    let start = digits.start.checked_sub(2)?;
    let country = [before(text, digits.start, 2), before(text, digits.start, 1)];
    let length = country_length(country.map(|b| b.to_ascii_uppercase()))?;
    if digits.len() < 2 || in_word_before(text, start) {
        return None;
    }
    let mut signs = [0_u8; MAX_IBAN];
    let mut place = start;
    for (count, sign) in signs.iter_mut().enumerate().take(length) {
        if count > 0 && count % 4 == 0 && !byte(text, place).is_ascii_alphanumeric() {
            place += separator(text, place)?.1;
        }
        *sign = byte(text, place);
        if !sign.is_ascii_alphanumeric() {
            return None;
        }
        place += 1;
    }
    let valid = !byte(text, place).is_ascii_alphanumeric() && remainder(signs.get(..length)?) == 1;
    valid.then_some(start..place)
}

/// The remainder by 97 of the number that the signs spell with the first four moved to the end
/// (ISO 7064 MOD 97-10); a letter counts as 10 to 35.
fn remainder(signs: &[u8]) -> u32 {
    let (head, tail) = signs.split_at_checked(4).unwrap_or((signs, &[]));
    tail.iter().chain(head).fold(0, |sum, sign| match sign {
        b'0'..=b'9' => (sum * 10 + u32::from(sign - b'0')) % 97,
        _ => (sum * 100 + u32::from(sign.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    })
}

/// Length of each country's IBAN (SWIFT IBAN registry).
fn country_length(country: [u8; 2]) -> Option<usize> {
    let length = match &country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"CR" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL"
        | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    };
    Some(length)
}
