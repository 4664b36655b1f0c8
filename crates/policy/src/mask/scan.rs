//! What detectors share: a find, the boundaries around it, and small readers over bytes.

use std::ops::Range;

use super::detector::Detector;

/// One find in a text: which detector, and the bytes that are to be masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) detector: Detector,
    pub(super) span: Range<usize>,
}

/// Collects the finds of one text. Empty, it has not allocated.
pub(super) type Hits = Vec<Hit>;

/// The byte at `at`, or 0 outside of the text (0 is in no class that a detector asks for).
pub(super) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The byte `back` places before `at`, or 0 before the start.
pub(super) fn before(text: &[u8], at: usize, back: usize) -> u8 {
    at.checked_sub(back).map_or(0, |place| byte(text, place))
}

/// Whether a word (ASCII letters and digits) goes on across the left edge of `at`. The letter of an escape such as
/// the `n` of `\n` is not part of a word. Letters outside of ASCII do not count: scripts without spaces
/// put numbers right behind them.
pub(super) fn in_word_before(text: &[u8], at: usize) -> bool {
    before(text, at, 1).is_ascii_alphanumeric() && before(text, at, 2) != b'\\'
}

/// How many bytes from `at` on satisfy `test`, looking at no more than `limit`.
pub(super) fn run(text: &[u8], at: usize, limit: usize, test: impl Fn(u8) -> bool) -> usize {
    text.get(at..)
        .unwrap_or_default()
        .iter()
        .take(limit)
        .take_while(|b| test(**b))
        .count()
}

/// How many digits stand at `at`, looking at no more than `limit`.
pub(super) fn digits(text: &[u8], at: usize, limit: usize) -> usize {
    run(text, at, limit, |b| b.is_ascii_digit())
}

/// A separator between groups of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Space,
    Hyphen,
}

/// Reads the space or hyphen at `at`, also in the forms of typesetting, with its length in bytes.
pub(super) fn separator(text: &[u8], at: usize) -> Option<(Separator, usize)> {
    match byte(text, at) {
        b' ' => Some((Separator::Space, 1)),
        b'-' => Some((Separator::Hyphen, 1)),
        // U+00A0, the space that does not break
        0xC2 if byte(text, at + 1) == 0xA0 => Some((Separator::Space, 2)),
        0xE2 => match (byte(text, at + 1), byte(text, at + 2)) {
            // U+2010 to U+2015, the hyphens and dashes; U+2212, the minus
            (0x80, 0x90..=0x95) | (0x88, 0x92) => Some((Separator::Hyphen, 3)),
            // U+2007 and U+202F, spaces within numbers
            (0x80, 0x87 | 0xAF) => Some((Separator::Space, 3)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a number goes on across the left edge of `at` through one of `joints` (as `7.` or `7-` before it).
pub(super) fn number_before(text: &[u8], at: usize, joints: &[u8]) -> bool {
    joints.contains(&before(text, at, 1)) && before(text, at, 2).is_ascii_digit()
}

/// Whether a number goes on across the right edge of `at` through one of `joints` (as `.7` or `-7` after it).
pub(super) fn number_after(text: &[u8], at: usize, joints: &[u8]) -> bool {
    joints.contains(&byte(text, at)) && byte(text, at + 1).is_ascii_digit()
}
