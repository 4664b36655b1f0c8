//! Detectors that start at a digit: social security and card numbers, telephone numbers, IBANs, IPv4 addresses.

use std::ops::Range;

use super::detector::{Detector, Detectors};
use super::digit_runs::for_each_digit_run;
use super::iban;
use super::scan::{
    Hit, Hits, Separator, before, byte, digits, in_word_before, number_after, number_before,
    separator,
};

/// The detectors of this file.
const FAMILY: &[Detector] = &[
    Detector::UsSsn,
    Detector::PaymentCard,
    Detector::Phone,
    Detector::Iban,
    Detector::Ipv4,
];

/// The shortest text that holds any find: `1.2.3.4`.
const SHORTEST: usize = 7;

/// Finds values that start at a digit (an IBAN two letters before it).
#[derive(Debug)]
pub(super) struct NumberScan {
    active: Detectors,
    any: bool,
}

impl NumberScan {
    pub(super) fn new(active: Detectors) -> Self {
        Self {
            active,
            any: active.has_any(FAMILY),
        }
    }

    /// Looks at each run of digits once. A detector reads on from there by no more than its own longest value,
    /// so that the whole is linear in the text.
    pub(super) fn find(&self, text: &[u8], hits: &mut Hits) {
        if !self.any || text.len() < SHORTEST {
            return;
        }
        for_each_digit_run(text, self.active.has(Detector::Iban), |run| {
            self.at_run(text, run.start..run.start + run.length, hits);
        });
    }

    #[inline]
    fn at_run(&self, text: &[u8], first: Range<usize>, hits: &mut Hits) {
        if in_word_before(text, first.start) {
            self.try_one(Detector::Iban, hits, || iban::iban(text, &first));
            return;
        }
        // The byte behind the run rules out most runs before any detector is asked.
        let next = byte(text, first.end);
        match first.len() {
            1..=3 if next == b'.' => self.try_one(Detector::Ipv4, hits, || ipv4(text, &first)),
            4 if may_separate(next) => {
                self.try_one(Detector::PaymentCard, hits, || payment_card(text, &first))
            }
            12..=MAX_CARD => {
                self.try_one(Detector::PaymentCard, hits, || payment_card(text, &first))
            }
            _ => {}
        }
        if first.len() == 3 && (may_separate(next) || matches!(next, b'.' | b')')) {
            self.try_one(Detector::UsSsn, hits, || us_ssn(text, &first));
            self.try_one(Detector::Phone, hits, || north_american_phone(text, &first));
        }
        if before(text, first.start, 1) == b'+' {
            self.try_one(Detector::Phone, hits, || international_phone(text, &first));
        }
    }

    #[inline]
    fn try_one(
        &self,
        detector: Detector,
        hits: &mut Hits,
        find: impl FnOnce() -> Option<Range<usize>>,
    ) {
        if self.active.has(detector)
            && let Some(span) = find()
        {
            hits.push(Hit { detector, span });
        }
    }
}

/// Whether `b` is, or begins, a separator between groups of digits.
fn may_separate(b: u8) -> bool {
    matches!(b, b' ' | b'-' | 0xC2 | 0xE2)
}

/// The number that `span` spells; `span` holds digits only.
fn value(text: &[u8], span: Range<usize>) -> u32 {
    text.get(span)
        .unwrap_or_default()
        .iter()
        .fold(0, |sum: u32, b| {
            sum.wrapping_mul(10)
                .wrapping_add(u32::from(b.wrapping_sub(b'0')))
        })
}

/// A group of exactly `length` digits at `at`.
fn group(text: &[u8], at: usize, length: usize) -> Option<Range<usize>> {
    (digits(text, at, length + 1) == length).then(|| at..at + length)
}

/// Social Security Administration, "Social Security Number Randomization": what is never assigned.
fn us_ssn(text: &[u8], first: &Range<usize>) -> Option<Range<usize>> {
    let (kind, width) = separator(text, first.end)?;
    let middle = group(text, first.end + width, 2)?;
    let (second, width) = separator(text, middle.end)?;
    let last = group(text, middle.end + width, 4)?;
    let assigned = !matches!(value(text, first.clone()), 0 | 666 | 900..)
        && value(text, middle) != 0
        && value(text, last.clone()) != 0;
    let joints: &[u8] = if kind == Separator::Hyphen {
        b"-."
    } else {
        b"."
    };
    (second == kind && assigned && stands_alone(text, first.start, last.end, joints))
        .then_some(first.start..last.end)
}

/// Whether neither a word nor a number through `joints` goes on beyond the edges.
fn stands_alone(text: &[u8], start: usize, end: usize, joints: &[u8]) -> bool {
    !byte(text, end).is_ascii_alphanumeric()
        && !number_before(text, start, joints)
        && !number_after(text, end, joints)
}

/// The most digits of a card number (ISO/IEC 7812-1).
const MAX_CARD: usize = 19;

/// Issuer ranges by the first four digits, and the lengths that they use.
const ISSUERS: &[(u32, u32, usize, usize)] = &[
    // Mir
    (2200, 2204, 16, 19),
    // Mastercard
    (2221, 2720, 16, 16),
    (5100, 5599, 16, 16),
    // Diners Club
    (3000, 3059, 14, 19),
    (3090, 3099, 14, 19),
    (3600, 3699, 14, 19),
    (3800, 3999, 14, 19),
    // American Express
    (3400, 3499, 15, 15),
    (3700, 3799, 15, 15),
    // JCB
    (3528, 3589, 16, 19),
    // Visa
    (4000, 4999, 13, 13),
    (4000, 4999, 16, 16),
    (4000, 4999, 19, 19),
    // Maestro
    (5018, 5018, 12, 19),
    (5020, 5020, 12, 19),
    (5038, 5038, 12, 19),
    (5893, 5893, 12, 19),
    (6304, 6304, 12, 19),
    (6759, 6759, 12, 19),
    (6761, 6763, 12, 19),
    // RuPay
    (5080, 5089, 16, 16),
    (6000, 6099, 16, 16),
    (8200, 8299, 16, 16),
    // Discover
    (6011, 6011, 16, 19),
    (6440, 6599, 16, 19),
    // UnionPay
    (6200, 6299, 16, 19),
    (8100, 8199, 16, 19),
];

/// The digits of a card number, gathered from its groups.
struct CardDigits {
    digits: [u8; MAX_CARD],
    length: usize,
}

impl CardDigits {
    fn push(&mut self, text: &[u8], span: Range<usize>) -> Option<()> {
        let source = text.get(span)?;
        self.digits
            .get_mut(self.length..self.length + source.len())?
            .copy_from_slice(source);
        self.length += source.len();
        Some(())
    }

    fn is_card(&self) -> bool {
        let digits = self.digits.get(..self.length).unwrap_or_default();
        let prefix = value(digits, 0..4);
        let known = ISSUERS.iter().any(|(low, high, least, most)| {
            (*low..=*high).contains(&prefix) && (*least..=*most).contains(&self.length)
        });
        known && luhn(digits)
    }
}

/// ISO/IEC 7812-1 annex B: from the right, every second digit doubled.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, b)| {
            let digit = u32::from(b.wrapping_sub(b'0'));
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 - if digit > 4 { 9 } else { 0 }
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A plain card number, or one in groups: four digits, then groups of three to seven behind one kind of separator.
fn payment_card(text: &[u8], first: &Range<usize>) -> Option<Range<usize>> {
    let mut card = CardDigits {
        digits: [0; MAX_CARD],
        length: 0,
    };
    card.push(text, first.clone())?;
    if first.len() > 4 {
        let alone = stands_alone(text, first.start, first.end, b".");
        return (alone && card.is_card()).then(|| first.clone());
    }
    let (kind, _) = separator(text, first.end)?;
    let joints: &[u8] = if kind == Separator::Hyphen {
        b"-."
    } else {
        b"."
    };
    let (mut end, mut found) = (first.end, None);
    // The longest reading wins: with spaces, a number that follows may look like one more group.
    while let Some((_, width)) = separator(text, end).filter(|(next, _)| *next == kind) {
        let start = end + width;
        let length = digits(text, start, 8);
        if !(3..=7).contains(&length) || card.push(text, start..start + length).is_none() {
            break;
        }
        end = start + length;
        if card.is_card() && stands_alone(text, first.start, end, joints) {
            found = Some(first.start..end);
        }
    }
    found
}

/// The fewest digits of an international number with its country code that is worth calling one.
const MIN_PHONE: usize = 8;

/// The most digits of an international number (ITU-T E.164).
const MAX_PHONE: usize = 15;

/// The digits of a number in country codes 1 and 7, which are of fixed length.
const FIXED_PHONE: usize = 11;

/// `first` stands behind a `+`: an international number, plain or with up to two signs between groups.
fn international_phone(text: &[u8], first: &Range<usize>) -> Option<Range<usize>> {
    let plus = first.start.checked_sub(1)?;
    let code = byte(text, first.start);
    if in_word_before(text, plus) || code == b'0' {
        return None;
    }
    let most = if matches!(code, b'1' | b'7') {
        FIXED_PHONE
    } else {
        MAX_PHONE
    };
    let (mut count, mut end, mut found) = (first.len(), first.end, None);
    while count <= most {
        let next = byte(text, end);
        if count >= MIN_PHONE && (!next.is_ascii_alphanumeric() || matches!(next, b'x' | b'X')) {
            found = Some(plus..end);
        }
        let Some(start) = after_phone_signs(text, end) else {
            break;
        };
        let length = digits(text, start, MAX_PHONE + 1);
        (count, end) = (count + length, start + length);
    }
    found
}

/// Where digits go on behind one or two signs that separate the groups of a telephone number.
fn after_phone_signs(text: &[u8], at: usize) -> Option<usize> {
    let mut place = at;
    for _ in 0..2 {
        place += match byte(text, place) {
            b'.' | b'/' | b'(' | b')' => 1,
            _ => separator(text, place).map_or(0, |(_, width)| width),
        };
    }
    (place > at && byte(text, place).is_ascii_digit()).then_some(place)
}

/// An area or exchange code of the North American plan: from 200 on, and none of the service codes such as 911.
fn is_north_american_code(code: u32) -> bool {
    (200..=999).contains(&code) && code % 100 != 11
}

/// `(212) 555-0100`, `212-555-0100`, `212.555.0100`, also after `1-`. Ten plain digits are none: more of them are
/// order numbers and timestamps.
fn north_american_phone(text: &[u8], area: &Range<usize>) -> Option<Range<usize>> {
    let bracket = before(text, area.start, 1) == b'(' && byte(text, area.end) == b')';
    let mut place = area.end + usize::from(bracket);
    let gap = north_american_gap(text, place);
    if gap == 0 && !bracket {
        return None;
    }
    place += gap;
    let exchange = group(text, place, 3)?;
    let gap = north_american_gap(text, exchange.end);
    let line = group(text, exchange.end + gap, 4).filter(|_| gap > 0)?;
    let codes = [area.clone(), exchange]
        .into_iter()
        .all(|code| is_north_american_code(value(text, code)));
    let next = byte(text, line.end);
    let ends = (!next.is_ascii_alphanumeric() || matches!(next, b'x' | b'X'))
        && !number_after(text, line.end, b"-.");
    let start = area.start - usize::from(bracket);
    let trunk = before(text, start, 2) == b'1'
        && matches!(before(text, start, 1), b' ' | b'-' | b'.')
        && !in_word_before(text, start - 2);
    let start = if trunk { start - 2 } else { start };
    (codes && ends && !number_before(text, start, b"-.")).then_some(start..line.end)
}

fn north_american_gap(text: &[u8], at: usize) -> usize {
    match byte(text, at) {
        b'.' => 1,
        _ => separator(text, at).map_or(0, |(_, width)| width),
    }
}

/// Four numbers up to 255 without leading zeros. A fifth on either side makes it a version or object identifier.
fn ipv4(text: &[u8], first: &Range<usize>) -> Option<Range<usize>> {
    let octet = |span: Range<usize>| {
        let zero_led = span.len() > 1 && byte(text, span.start) == b'0';
        (!zero_led && value(text, span) <= 255).then_some(())
    };
    octet(first.clone())?;
    let mut end = first.end;
    for _ in 0..3 {
        if byte(text, end) != b'.' {
            return None;
        }
        let length = digits(text, end + 1, 4);
        if !(1..=3).contains(&length) {
            return None;
        }
        octet(end + 1..end + 1 + length)?;
        end += 1 + length;
    }
    stands_alone(text, first.start, end, b".").then_some(first.start..end)
}
