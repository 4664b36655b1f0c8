//! What detectors share: a find, the boundaries around it, and small readers over bytes.

use std::ops::Range;

use super::detector::Detector;

/// One find in a text: which detector, and the bytes that are to be masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) detector: Detector,
    pub(super) span: Range<usize>,
}

/// Collects the finds of one text.
pub(super) type Hits = Vec<Hit>;

/// The byte at `at`, or 0 outside of the text (0 is in no class that a detector asks for).
pub(super) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The byte before `at`, or 0 at the start.
pub(super) fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(0, |before| byte(text, before))
}

/// Whether a word (ASCII letters and digits) goes on across the left edge of `at`. The letter of an escape such as
/// the `n` of `\n` is not part of a word. Letters outside of ASCII do not count: scripts without spaces
/// put numbers right behind them.
pub(super) fn in_word_before(text: &[u8], at: usize) -> bool {
    let last = before(text, at);
    if !last.is_ascii_alphanumeric() {
        return false;
    }
    !(matches!(last, b'n' | b'r' | b't' | b'b' | b'f' | b'v') && at >= 2 && byte(text, at - 2) == b'\\')
}

/// How many bytes from `at` on satisfy `test`, looking at no more than `limit`.
pub(super) fn run(text: &[u8], at: usize, limit: usize, test: impl Fn(u8) -> bool) -> usize {
    text.get(at..).unwrap_or_default().iter().take(limit).take_while(|b| test(**b)).count()
}
