//! Recorded text made safe to show: nothing in it can steer a terminal or pretend to be something else.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that does not simply print written out as an escape (`\x1b`, `\u{202e}`).
/// Line feeds and tabs stay.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    escaped(text, |c| steers(c) && c != '\n' && c != '\t')
}

/// Like [`inert`], and line feeds and tabs are escaped too: the result is one line.
#[must_use]
pub fn inert_line(text: &str) -> Cow<'_, str> {
    escaped(text, steers)
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !hidden(c) {
            out.push(c);
            continue;
        }
        // Writing to a String cannot fail.
        let _ = match c {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if u32::from(c) < 0x80 => write!(out, "\\x{:02x}", u32::from(c)),
            c => write!(out, "\\u{{{:x}}}", u32::from(c)),
        };
    }
    Cow::Owned(out)
}

/// Controls (C0, DEL, C1), and the format characters that hide or reorder text: line and paragraph separators,
/// zero-width characters, bidirectional controls, interlinear marks, tags.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack class 28: terminal escapes in replay and logs.
    #[test]
    fn hostile_text_is_shown_inert() {
        for (text, shown) in [
            ("select 1", "select 1"),
            ("naïve 日本 🙂", "naïve 日本 🙂"),
            ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
            ("\x1b]8;;http://x\x1b\\y", "\\x1b]8;;http://x\\x1b\\y"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("ok\r\x08\x7fgone", "ok\\r\\x08\\x7fgone"),
            (
                "a\u{202e}b\u{2066}c\u{feff}",
                "a\\u{202e}b\\u{2066}c\\u{feff}",
            ),
            ("\0", "\\x00"),
            ("one\n\ttwo", "one\n\ttwo"),
        ] {
            assert_eq!(inert(text), shown);
        }
        assert_eq!(inert_line("one\n\ttwo\u{2028}"), "one\\n\\ttwo\\u{2028}");
    }
}
