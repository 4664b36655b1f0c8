//! Bodies of any kind are masked or refused, whatever is in them and wherever they are cut: the same comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_model::TextMask;
use sluice_protocol::edit::FieldEdit;
use sluice_protocol::http::mask::{FieldRules, Masker, kind_of};
use std::sync::Arc;

/// Finds every text with a digit in it.
struct Digits;

impl TextMask for Digits {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let found = text.bytes().any(|b| b.is_ascii_digit());
        if found {
            out.extend(text.chars().map(|c| if c.is_ascii_digit() { '*' } else { c }));
        }
        found
    }
}

struct Rules;

impl FieldRules for Rules {
    fn edit(&self, path: &[&str]) -> FieldEdit {
        match path.last() {
            Some(name) if name.len() % 3 == 0 => FieldEdit::Redact,
            _ => FieldEdit::Scan(Arc::new(Digits)),
        }
    }

    fn prose(&self) -> Arc<dyn TextMask> {
        Arc::new(Digits)
    }
}

const KINDS: &[&str] = &[
    "application/json",
    "application/x-www-form-urlencoded",
    "text/csv",
    "application/xml",
    "text/plain",
    "text/event-stream",
];

fuzz_target!(|data: &[u8]| {
    let [seed, body @ ..] = data else { return };
    let kind = KINDS[usize::from(*seed) % KINDS.len()];
    let masked = |pieces: &[&[u8]]| {
        let mut masker = Masker::new(kind_of(kind).unwrap(), Arc::new(Rules));
        let mut out = Vec::new();
        let fed = pieces.iter().try_for_each(|piece| masker.feed(piece, &mut out));
        let done = fed.and_then(|()| masker.finish(&mut out));
        (done.is_ok(), out)
    };
    let whole = masked(&[body]);
    let (first, second) = body.split_at(body.len() * usize::from(*seed) / 256);
    let cut = masked(&[first, second]);
    assert_eq!(whole.0, cut.0);
    if whole.0 {
        assert_eq!(whole.1, cut.1);
    }
});
