//! Masks for this module's tests.

use sluice_model::TextMask;

/// Finds runs of seven or more digits and makes stars of them.
pub(super) struct DigitMask;

impl TextMask for DigitMask {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let mut found = false;
        let mut masked = String::new();
        let mut run = String::new();
        for c in text.chars().chain([' ']) {
            if c.is_ascii_digit() {
                run.push(c);
                continue;
            }
            if run.len() >= 7 {
                found = true;
                masked.extend(run.chars().map(|_| '*'));
            } else {
                masked.push_str(&run);
            }
            run.clear();
            masked.push(c);
        }
        masked.pop();
        if found {
            out.push_str(&masked);
        }
        found
    }
}

/// Masks every text whole: its first letter and a text that every syntax has to quote.
pub(super) struct FirstLetter;

impl TextMask for FirstLetter {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        out.extend(text.chars().next());
        out.push_str("*, \"\\\t)}\n");
        true
    }
}
