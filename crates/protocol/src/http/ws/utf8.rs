//! Whether a text is UTF-8, however it is cut.

/// The longest character.
const MAX_CHARACTER: usize = 4;

/// Looks at a text piece by piece. A wrong byte is found when it comes, not when its character or the text ends.
#[derive(Debug, Default)]
pub(super) struct Utf8Check {
    /// The bytes of a character whose end has not come yet.
    begun: [u8; MAX_CHARACTER],
    len: usize,
}

impl Utf8Check {
    /// Takes the next piece; says whether the text can still be UTF-8.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> bool {
        while self.len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return true;
            };
            piece = rest;
            if !self.push_byte(byte) {
                return false;
            }
        }
        let Err(error) = std::str::from_utf8(piece) else {
            return true;
        };
        let rest = piece.get(error.valid_up_to()..).unwrap_or_default();
        error.error_len().is_none() && rest.iter().all(|&byte| self.push_byte(byte))
    }

    /// Whether the text may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.len == 0
    }

    /// Adds to the character that was begun.
    fn push_byte(&mut self, byte: u8) -> bool {
        let Some(slot) = self.begun.get_mut(self.len) else {
            return false;
        };
        *slot = byte;
        self.len += 1;
        match std::str::from_utf8(self.begun.get(..self.len).unwrap_or_default()) {
            Ok(_) => {
                self.len = 0;
                true
            }
            Err(error) => error.error_len().is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wrong_byte_is_found_when_it_comes() {
        let check = |text: &[u8], valid: usize| {
            let mut utf8 = Utf8Check::default();
            let taken = text.iter().take_while(|&&byte| utf8.push(&[byte])).count();
            assert_eq!(taken, valid, "{text:02x?}");
            assert_eq!(
                Utf8Check::default().push(text),
                valid == text.len(),
                "{text:02x?}"
            );
        };
        check("a\u{e4}\u{20ac}\u{10ffff}".as_bytes(), 10);
        check(b"\x80", 0);
        check(b"\xc0\x80", 0);
        check(b"\xc1\xbf", 0);
        check(b"\xc3a", 1);
        check(b"\xe0\x9f\xbf", 1);
        check(b"\xed\xa0\x80", 1);
        check(b"\xe2\x82a", 2);
        check(b"\xf0\x8f\xbf\xbf", 1);
        check(b"\xf4\x90\x80\x80", 1);
        check(b"\xf0\x9f\x98(", 3);
        check(b"\xf5", 0);
        check(b"\xff", 0);
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_whole_text(
            text in prop_oneof![
                any::<String>().prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..12),
                prop::collection::vec(0x80..=0xff_u8, 0..6),
            ],
            removed in any::<prop::sample::Index>(),
            size in 1_usize..6,
        ) {
            let mut cut = text.clone();
            if !cut.is_empty() {
                cut.remove(removed.index(text.len()));
            }
            for text in [text, cut] {
                let mut utf8 = Utf8Check::default();
                let pushed = text.chunks(size).all(|piece| utf8.push(piece));
                let whole = std::str::from_utf8(&text);
                prop_assert_eq!(pushed && utf8.is_whole(), whole.is_ok());
                // What is only cut short could still have become a text.
                prop_assert_eq!(pushed, whole.map_or_else(|e| e.error_len().is_none(), |_| true));
            }
        }
    }
}
