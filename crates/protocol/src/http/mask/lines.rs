//! Plain text, line by line.

use super::edit::Context;
use super::{CannotMask, check_length};
use memchr::memchr;

/// The reader of plain text.
#[derive(Default)]
pub(super) struct Lines {
    /// The line that is not whole yet.
    begun: String,
}

impl Lines {
    pub(super) fn feed(
        &mut self,
        text: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        let mut rest = text;
        while let Some((line, after)) = memchr(b'\n', rest.as_bytes())
            .and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?)))
        {
            check_length(self.begun.len() + line.len())?;
            if self.begun.is_empty() {
                put_line(line, context, out);
            } else {
                self.begun.push_str(line);
                put_line(&self.begun, context, out);
                self.begun.clear();
            }
            out.push(b'\n');
            rest = after;
        }
        check_length(self.begun.len() + rest.len())?;
        self.begun.push_str(rest);
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        put_line(&self.begun, context, out);
        self.begun.clear();
        Ok(())
    }
}

/// Appends a line without its line feed; a carriage return before that is no part of it either.
fn put_line(line: &str, context: &mut Context, out: &mut Vec<u8>) {
    let text = line.strip_suffix('\r').unwrap_or(line);
    match context.masked_prose(text) {
        Some(masked) => {
            context.marks.add("");
            out.extend_from_slice(masked.as_bytes());
            out.extend_from_slice(line.as_bytes().get(text.len()..).unwrap_or_default());
        }
        None => out.extend_from_slice(line.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Table, check, refused, run};
    use super::super::{CannotMask, Kind, MAX_VALUE};

    #[test]
    fn lines_are_judged_one_by_one() {
        for (sent, expected, masked) in [
            ("", "", &[][..]),
            ("a\r\nb\n\nc", "a\r\nb\n\nc", &[]),
            (
                "tel 1234567\r\n1234567\r\n",
                "tel *******\r\n*******\r\n",
                &[""],
            ),
            ("123\n4567", "123\n4567", &[]),
            ("ä 1234567", "ä *******", &[""]),
            ("1234567\r", "*******\r", &[""]),
            ("\u{feff}<p>1234567</p>", "\u{feff}<p>*******</p>", &[""]),
        ] {
            check(Kind::Text, &Table::new([]), sent, expected, masked);
        }
        for sent in [&b"a\xe4b"[..], b"a\n\xc3", b"\xf0\x9f\x98", b"\x80"] {
            refused(Kind::Text, &Table::new([]), sent, CannotMask::NotUtf8);
        }
    }

    #[test]
    fn lines_have_a_limit() {
        let line = "x".repeat(MAX_VALUE);
        let fits = format!("{line}\n{line}");
        check(Kind::Text, &Table::new([]), &fits, &fits, &[]);
        for long in [format!("{line}x"), format!("a\n{line}x\n")] {
            refused(Kind::Text, &Table::new([]), long, CannotMask::TooLong);
        }
    }

    #[test]
    fn whole_lines_go_on_at_once() {
        let got = run(Kind::Text, &Table::new([]), [&b"a\nb"[..], b"c\r\nd"]);
        assert_eq!(&got.out[..got.streamed], b"a\nbc\r\n");
    }
}
