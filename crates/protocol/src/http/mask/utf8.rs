//! UTF-8 across the cuts between pieces.

use super::CannotMask;

/// The beginning of a character that was cut.
#[derive(Default)]
pub(super) struct Utf8 {
    begun: Vec<u8>,
}

impl Utf8 {
    /// Gives on what is whole of `input`, in order. What comes before wrong bytes is given on, too.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        mut each: impl FnMut(&str) -> Result<(), CannotMask>,
    ) -> Result<(), CannotMask> {
        let mut rest = input;
        while !self.begun.is_empty()
            && let Some((byte, after)) = rest.split_first()
        {
            self.begun.push(*byte);
            rest = after;
            match std::str::from_utf8(&self.begun) {
                Ok(text) => {
                    each(text)?;
                    self.begun.clear();
                }
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(CannotMask::NotUtf8),
            }
        }
        let (text, error) = match std::str::from_utf8(rest) {
            Ok(text) => (text, None),
            Err(error) => {
                let (whole, other) = rest
                    .split_at_checked(error.valid_up_to())
                    .unwrap_or_default();
                if error.error_len().is_none() {
                    self.begun.extend_from_slice(other);
                }
                (
                    std::str::from_utf8(whole).unwrap_or_default(),
                    error.error_len(),
                )
            }
        };
        if !text.is_empty() {
            each(text)?;
        }
        match error {
            Some(_) => Err(CannotMask::NotUtf8),
            None => Ok(()),
        }
    }

    /// Refuses a character that was begun.
    pub(super) fn finish(&self) -> Result<(), CannotMask> {
        if self.begun.is_empty() {
            Ok(())
        } else {
            Err(CannotMask::NotUtf8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> (String, bool) {
        let mut utf8 = Utf8::default();
        let mut all = String::new();
        for piece in pieces {
            let fed = utf8.feed(piece.as_ref(), |text| {
                assert!(!text.is_empty());
                all.push_str(text);
                Ok(())
            });
            if fed.is_err() {
                return (all, false);
            }
        }
        (all, utf8.finish().is_ok())
    }

    proptest! {
        #[test]
        fn as_the_standard_library_reads_it(
            parts in proptest::collection::vec("[a\u{e4}\u{20ac}\u{1f600}]{0,3}", 0..4),
            junk in proptest::collection::vec(0x7f_u8.., 0..3),
            piece in 1..6_usize,
        ) {
            let bytes: Vec<u8> = parts.join("x").into_bytes();
            for cut in 0..=bytes.len() {
                let mut bytes = bytes.clone();
                bytes.splice(cut..cut, junk.iter().copied());
                let (text, whole) = read(bytes.chunks(piece));
                match std::str::from_utf8(&bytes) {
                    Ok(expected) => prop_assert_eq!((text.as_str(), whole), (expected, true)),
                    Err(error) => {
                        prop_assert!(!whole);
                        prop_assert_eq!(text.as_bytes(), &bytes[..error.valid_up_to()]);
                    }
                }
            }
        }
    }
}
