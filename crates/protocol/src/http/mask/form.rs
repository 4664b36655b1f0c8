//! Forms: `application/x-www-form-urlencoded`, as the URL Standard reads it (url.spec.whatwg.org, section 5).

use super::edit::{Context, Fate, Plan};
use super::{CannotMask, check_length};
use crate::edit::FieldEdit;
use memchr::{memchr, memchr2};

/// The reader of a form.
#[derive(Default)]
pub(super) struct Form {
    at: At,
    /// What was begun of a name, or of a value that is judged, as it is written.
    held: Vec<u8>,
    /// The name of the pair, as it is told.
    name: String,
}

#[derive(Default)]
enum At {
    #[default]
    Name,
    Value(FieldEdit),
}

impl Form {
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        let mut rest = input;
        while !rest.is_empty() {
            let end = match self.at {
                At::Name => memchr2(b'=', b'&', rest),
                At::Value(_) => memchr(b'&', rest),
            };
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            self.part(part, out)?;
            let Some(end) = end else {
                return Ok(());
            };
            match (&self.at, rest.get(end)) {
                (At::Name, Some(b'=')) => self.end_name(true, context, out)?,
                (At::Name, _) => self.end_name(false, context, out)?,
                (At::Value(_), _) => self.end_value(context, out)?,
            }
            if matches!(self.at, At::Name) {
                out.push(b'&');
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        match self.at {
            At::Name => self.end_name(false, context, out),
            At::Value(_) => self.end_value(context, out),
        }
    }

    /// Takes some of a name or value.
    fn part(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let fate = match &self.at {
            At::Name => Fate::Judge,
            At::Value(edit) => Plan::of(edit).fate(),
        };
        match fate {
            Fate::Pass => out.extend_from_slice(part),
            Fate::Drop => {}
            Fate::Judge => {
                check_length(self.held.len() + part.len())?;
                self.held.extend_from_slice(part);
            }
        }
        Ok(())
    }

    fn end_name(
        &mut self,
        has_value: bool,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        let written = std::mem::take(&mut self.held);
        // Nothing between two separators is no pair.
        if written.is_empty() && !has_value {
            return Ok(());
        }
        let name = decode(&written)?;
        let edit = context.rules.edit(&[name.as_str()]);
        match context.masked_prose(&name) {
            Some(masked) => {
                encode(&masked, out);
                context.marks.add(&masked);
                self.name = masked;
            }
            None => {
                out.extend_from_slice(&written);
                self.name = name;
            }
        }
        if has_value {
            out.push(b'=');
            if let Plan::Put(text) = Plan::of(&edit) {
                encode(text, out);
                context.marks.add(&self.name);
            }
            self.at = At::Value(edit);
        } else {
            self.put_missing_value(&edit, context, out);
        }
        Ok(())
    }

    /// A name alone has a value that is empty. What becomes of that is told, unless it stays empty.
    fn put_missing_value(&self, edit: &FieldEdit, context: &mut Context, out: &mut Vec<u8>) {
        let mut masked = String::new();
        if Plan::of(edit).apply("", &mut masked) && !masked.is_empty() {
            out.push(b'=');
            encode(&masked, out);
            context.marks.add(&self.name);
        }
    }

    fn end_value(&mut self, context: &mut Context, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let At::Value(edit) = std::mem::take(&mut self.at) else {
            return Ok(());
        };
        let written = std::mem::take(&mut self.held);
        let Plan::Judge(mask) = Plan::of(&edit) else {
            // It is written already.
            return Ok(());
        };
        let mut masked = String::new();
        if mask.mask_text(&decode(&written)?, &mut masked) {
            encode(&masked, out);
            context.marks.add(&self.name);
        } else {
            out.extend_from_slice(&written);
        }
        Ok(())
    }
}

/// What a name or value means. A percent sign without two hexadecimal digits stands for itself.
fn decode(written: &[u8]) -> Result<String, CannotMask> {
    let mut meant = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let meant_byte = match byte {
            b'+' => b' ',
            b'%' => match after {
                [high, low, after @ ..] => match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => {
                        rest = after;
                        high << 4 | low
                    }
                    _ => b'%',
                },
                _ => b'%',
            },
            byte => *byte,
        };
        meant.push(meant_byte);
    }
    String::from_utf8(meant).map_err(|_| CannotMask::NotUtf8)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| digit.try_into().ok())
}

fn encode(text: &str, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    for byte in text.bytes() {
        match byte {
            b' ' => out.push(b'+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte),
            byte if byte.is_ascii_alphanumeric() => out.push(byte),
            byte => out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Table, check, constant, first_letter, refused, scan};
    use super::super::{CannotMask, FieldEdit, Kind, MAX_VALUE};

    #[test]
    fn values_are_judged_by_name() {
        let rules = Table::new([
            ("ssn", FieldEdit::Redact),
            ("gone", FieldEdit::Null),
            ("fixed", constant("a b&ä")),
            ("whole", first_letter()),
            ("clear", FieldEdit::Clear),
        ])
        .otherwise(scan());
        for (sent, expected, masked) in [
            ("", "", &[][..]),
            ("a=1&b=2", "a=1&b=2", &[]),
            ("tel=555+1234567&x=1", "tel=555+*******&x=1", &["tel"]),
            ("tel=%31%32%334567", "tel=*******", &["tel"]),
            ("tel=a%20b%zz%4&x=%", "tel=a%20b%zz%4&x=%", &[]),
            (
                "ssn=1&ssn=&s%73n=2",
                "ssn=%5Bredacted%5D&ssn=%5Bredacted%5D&s%73n=%5Bredacted%5D",
                &["ssn"],
            ),
            ("ssn", "ssn=%5Bredacted%5D", &["ssn"]),
            ("gone=1&gone", "gone=&gone", &["gone"]),
            ("fixed=1", "fixed=a+b%26%C3%A4", &["fixed"]),
            (
                "whole=xyz&whole",
                "whole=x*%2C+%22%5C%09%29%7D%0A&whole=*%2C+%22%5C%09%29%7D%0A",
                &["whole"],
            ),
            ("clear=1234567&clear", "clear=1234567&clear", &[]),
            (
                "1234567=1&x1234567",
                "*******=1&x*******",
                &["*******", "x*******"],
            ),
            ("&&a=1&&", "&&a=1&&", &[]),
            ("=1234567&=", "=*******&=", &[""]),
            ("a=b=1234567", "a=b%3D*******", &["a"]),
            ("ä=%C3%A4", "ä=%C3%A4", &[]),
        ] {
            check(Kind::Form, &rules, sent, expected, masked);
        }
    }

    #[test]
    fn only_pairs_have_values() {
        let rules = Table::new([("", FieldEdit::Redact)]);
        check(
            Kind::Form,
            &rules,
            "&&=1&&a=1&",
            "&&=%5Bredacted%5D&&a=1&",
            &[""],
        );
    }

    #[test]
    fn other_bytes_pass_only_where_nothing_looks() {
        let rules = Table::new([("clear", FieldEdit::Clear)]).otherwise(scan());
        check(Kind::Form, &rules, b"clear=\xe4%E4", b"clear=\xe4%E4", &[]);
        for sent in [&b"a=\xe4"[..], b"a=%E4", b"\xe4", b"%e4=1"] {
            refused(Kind::Form, &rules, sent, CannotMask::NotUtf8);
        }
        let long = format!("a={}", "x".repeat(MAX_VALUE + 1));
        refused(Kind::Form, &rules, long, CannotMask::TooLong);
        let clear = format!("clear={}", "x".repeat(MAX_VALUE + 1));
        check(Kind::Form, &rules, &clear, &clear, &[]);
    }
}
