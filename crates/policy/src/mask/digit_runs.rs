//! Where digits start in a text, eight bytes at a time in one machine word.

/// Bytes that are looked at together: one bit each in a `u64`.
const BLOCK: usize = 64;

/// Bytes in a machine word.
const WORD: usize = 8;

const fn every(b: u8) -> u64 {
    u64::from_ne_bytes([b; WORD])
}

const HIGH: u64 = every(0x80);

/// The high bit of each byte of `word` that is from `low` up to `high`; both are ASCII. No carry leaves its byte,
/// since both sums stay below 256.
const fn between(word: u64, low: u8, high: u8) -> u64 {
    let ascii = word & !HIGH;
    let from = ascii + every(0x80 - low);
    let beyond = ascii + every(0x7F - high);
    from & !beyond & !word & HIGH
}

/// Gathers the high bits of eight bytes into the low eight bits.
const fn gather(high_bits: u64) -> u64 {
    high_bits.wrapping_mul(0x0002_0408_1020_4081) >> 56
}

/// Up to [`BLOCK`] bytes: whole words, and what is left in a word of its own with zeros above.
struct Block<'a> {
    offset: usize,
    words: &'a [[u8; WORD]],
    rest: u64,
}

impl Block<'_> {
    /// One bit for each byte for which `test` sets the high bit.
    #[inline]
    fn bits(&self, test: impl Fn(u64) -> u64) -> u64 {
        let mut mask = 0;
        let mut shift = 0;
        for word in self.words {
            mask |= gather(test(u64::from_le_bytes(*word))) << shift;
            shift += WORD;
        }
        // After eight whole words nothing is left, and the shift would be too long.
        if self.rest == 0 {
            mask
        } else {
            mask | gather(test(self.rest)) << shift
        }
    }
}

/// The bytes behind the last whole word of `text`, of which there are `count` (fewer than eight).
fn rest_of(text: &[u8], count: usize) -> u64 {
    match text.last_chunk::<WORD>() {
        Some(last) if count > 0 => u64::from_le_bytes(*last) >> ((WORD - count) * 8),
        Some(_) => 0,
        None => text
            .iter()
            .rev()
            .fold(0, |word, b| word << 8 | u64::from(*b)),
    }
}

/// A run of digits: where it starts, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DigitRun {
    pub(super) start: usize,
    pub(super) length: usize,
}

/// Calls `each` with the runs of digits in `text` that may start a find: those outside of words, and those behind
/// two letters when `after_letters`. A filter: some others come through at the edges of blocks.
pub(super) fn for_each_digit_run(text: &[u8], after_letters: bool, mut each: impl FnMut(DigitRun)) {
    let (words, tail) = text.as_chunks::<WORD>();
    let rest = rest_of(text, tail.len());
    let blocks = words.chunks_exact(BLOCK / WORD);
    let last = blocks.remainder();
    let mut offset = 0;
    for words in blocks {
        block_runs(
            text,
            &Block {
                offset,
                words,
                rest: 0,
            },
            after_letters,
            &mut each,
        );
        offset += BLOCK;
    }
    block_runs(
        text,
        &Block {
            offset,
            words: last,
            rest,
        },
        after_letters,
        &mut each,
    );
}

#[inline]
fn block_runs(
    text: &[u8],
    block: &Block<'_>,
    after_letters: bool,
    each: &mut impl FnMut(DigitRun),
) {
    let digits = block.bits(|word| between(word, b'0', b'9'));
    if digits == 0 {
        return;
    }
    let offset = block.offset;
    let digit_before = offset > 0 && text.get(offset - 1).is_some_and(u8::is_ascii_digit);
    let starts = digits & !(digits << 1 | u64::from(digit_before));
    let letters = block.bits(|word| between(word | every(0x20), b'a', b'z'));
    let escapes = block.bits(|word| between(word, b'\\', b'\\'));
    let words = letters & !(escapes << 1);
    let behind_letters = if after_letters {
        letters << 1 & letters << 2
    } else {
        0
    };
    // What stands before the first two bytes is in the block before.
    let mut candidates = starts & (!(words << 1) | behind_letters | 0b11);
    while candidates != 0 {
        let bit = candidates.trailing_zeros();
        candidates &= candidates - 1;
        let start = offset + bit as usize;
        let mut length = (digits >> bit).trailing_ones() as usize;
        if bit as usize + length == BLOCK {
            let rest = text.get(start + length..).unwrap_or_default();
            length += rest.iter().take_while(|b| b.is_ascii_digit()).count();
        }
        each(DigitRun { start, length });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DigitRun, for_each_digit_run};

    fn runs(text: &str, after_letters: bool) -> Vec<DigitRun> {
        let mut runs = Vec::new();
        for_each_digit_run(text.as_bytes(), after_letters, |run| runs.push(run));
        runs
    }

    /// The same, byte by byte.
    fn slow(text: &str, after_letters: bool) -> Vec<DigitRun> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        for start in 0..bytes.len() {
            let back = |n: usize| start.checked_sub(n).map_or(0, |at| bytes[at]);
            let letters = back(1).is_ascii_alphabetic() && back(2).is_ascii_alphabetic();
            let word = back(1).is_ascii_alphabetic() && back(2) != b'\\';
            let wanted = !word || (after_letters && letters);
            if bytes[start].is_ascii_digit() && !back(1).is_ascii_digit() && wanted {
                let length = bytes[start..]
                    .iter()
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                found.push(DigitRun { start, length });
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_run_outside_of_words_is_missed(text in "[0-9a-zA-Z :/@\\\\`{\\[é\u{7f}]{0,200}", letters: bool) {
            let fast = runs(&text, letters);
            for run in slow(&text, letters) {
                prop_assert!(fast.contains(&run), "{run:?} of {fast:?}");
            }
            let every: Vec<_> = fast.iter().filter(|run| !slow(&text, letters).contains(run)).collect();
            prop_assert!(every.iter().all(|run| run.start % 64 < 2), "{every:?}");
        }

        #[test]
        fn runs_across_blocks_are_whole(before in "[a -]{0,130}", digits in "[0-9]{1,140}", after in "[a -]{0,70}") {
            let text = format!("{before} {digits}{after}");
            let whole = DigitRun { start: before.len() + 1, length: digits.len() };
            prop_assert_eq!(runs(&text, false), vec![whole]);
        }
    }
}
