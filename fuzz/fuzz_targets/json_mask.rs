//! Any text is masked as JSON or refused; what comes out is JSON again, with nothing left to find.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_model::TextMask;
use sluice_protocol::postgres::json::mask_json;

/// Finds every text with a digit in it, and makes of it what JSON has to escape.
struct Digits;

impl TextMask for Digits {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let found = text.bytes().any(|b| b.is_ascii_digit());
        if found {
            out.extend(
                text.chars()
                    .map(|c| if c.is_ascii_digit() { '"' } else { c }),
            );
        }
        found
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut out = String::new();
    match mask_json(text, &Digits, &mut out) {
        Ok(true) => assert_eq!(mask_json(&out, &Digits, &mut String::new()), Ok(false)),
        Ok(false) | Err(_) => assert!(out.is_empty()),
    }
});
