//! Comma-separated values (RFC 4180), and the same with other separators.
//!
//! Readers of such files differ, so whatever they would cut into fields in different ways is refused: quotes that are
//! not around a whole field, line ends that are a carriage return alone, a separator that is not the one between the
//! names. Lines with nothing in them are no records.

use super::FieldRules;
use super::edit::{Context, Fate, Plan};
use super::{CannotMask, check_length};
use crate::edit::FieldEdit;
use memchr::{memchr, memchr3};
use std::borrow::Cow;

/// The most columns that are told apart: as many as the widest spreadsheets have.
const MAX_COLUMNS: usize = 16_384;

/// What separates fields in files that call themselves comma-separated. Names do not have these in them.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

const BOM: &[u8] = "\u{feff}".as_bytes();

/// A column, by the header or its number.
struct Column {
    /// How it is told.
    name: String,
    edit: FieldEdit,
}

/// Where the reader is in a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In what may become a byte order mark.
    Bom,
    /// Before the first byte of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// After a quote inside quotes.
    Quote,
    /// After a carriage return; `empty` when there was nothing else on its line.
    Return { empty: bool },
}

/// The reader of separated values.
pub(super) struct Csv {
    separator: u8,
    at: At,
    /// The next record is the header.
    naming: bool,
    /// Bytes of the header's names so far.
    name_bytes: usize,
    /// A header of no more than the name that was read may have been meant with another separator.
    unclear_alone: bool,
    columns: Vec<Column>,
    /// Columns have numbers and no names.
    numbered: bool,
    /// Of fields that the header has no name for.
    beyond: Column,
    /// The field's number in its record, from 0.
    index: usize,
    /// What becomes of the field.
    fate: Fate,
    /// What came of a field that is judged, as it is written.
    held: Vec<u8>,
    /// The field is in quotes.
    quoted: bool,
}

fn malformed(expected: &'static str) -> CannotMask {
    CannotMask::Malformed {
        kind: "separated values",
        expected,
    }
}

const OTHER_SEPARATOR: CannotMask = CannotMask::Malformed {
    kind: "separated values",
    expected: "the separator that the kind of the body says between the names of the header",
};

impl Csv {
    pub(super) fn new(separator: u8, header: bool, rules: &dyn FieldRules) -> Self {
        Self {
            separator,
            at: At::Bom,
            naming: header,
            name_bytes: 0,
            unclear_alone: false,
            columns: Vec::new(),
            numbered: !header,
            beyond: Column {
                name: String::new(),
                edit: rules.edit(&[""]),
            },
            index: 0,
            fate: Fate::Judge,
            held: Vec::new(),
            quoted: false,
        }
    }

    pub(super) fn feed(
        &mut self,
        input: &[u8],
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        if !self.separator.is_ascii() || b"\"\r\n".contains(&self.separator) {
            return Err(malformed(
                "a separator that is ASCII, and no quote or line end",
            ));
        }
        let mut rest = input;
        while let Some(byte) = rest.first() {
            let used = match self.at {
                At::Bom => self.bom(*byte, context, out)?,
                At::Start => self.start(*byte, context, out)?,
                At::Plain => self.plain(rest, context, out)?,
                At::Quoted => self.inside_quotes(rest, out)?,
                At::Quote => self.after_quote(*byte, context, out)?,
                At::Return { empty } => {
                    if *byte != b'\n' {
                        return Err(malformed("a line feed after a carriage return"));
                    }
                    self.end_line(empty, out)?
                }
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        if self.at == At::Bom {
            self.no_bom(context, out)?;
        }
        match self.at {
            At::Start if self.index == 0 => return Ok(()),
            At::Start => self.begin_field(false, context, out)?,
            At::Plain | At::Quote => {}
            At::Bom | At::Return { .. } | At::Quoted => {
                return Err(malformed("a whole record at the end"));
            }
        }
        self.end_field(context, out)?;
        self.end_record()
    }

    /// A mark of the byte order may come before everything, and belongs to no name.
    fn bom(
        &mut self,
        byte: u8,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        if BOM.get(self.held.len()) != Some(&byte) {
            self.no_bom(context, out)?;
            return Ok(0);
        }
        self.held.push(byte);
        if self.held == BOM {
            out.extend_from_slice(BOM);
            self.held.clear();
            self.at = At::Start;
        }
        Ok(1)
    }

    /// What looked like the beginning of a mark is some of a field.
    fn no_bom(&mut self, context: &mut Context, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let begun = std::mem::take(&mut self.held);
        self.at = At::Start;
        self.feed(&begun, context, out)
    }

    fn start(
        &mut self,
        byte: u8,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        if self.index == 0 {
            match byte {
                b'\n' => return self.end_line(true, out),
                b'\r' => {
                    self.at = At::Return { empty: true };
                    return Ok(1);
                }
                _ => {}
            }
        }
        let quoted = byte == b'"';
        self.begin_field(quoted, context, out)?;
        self.at = if quoted { At::Quoted } else { At::Plain };
        Ok(usize::from(quoted))
    }

    fn plain(
        &mut self,
        rest: &[u8],
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let end = memchr3(self.separator, b'\n', b'\r', rest);
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if memchr(b'"', part).is_some() {
            return Err(malformed("quotes around a whole field only"));
        }
        self.part(part, out)?;
        let end_byte = end.and_then(|end| rest.get(end));
        let after = end_byte.map_or(Ok(0), |byte| self.after_field(*byte, context, out))?;
        Ok(part.len() + after)
    }

    fn inside_quotes(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<usize, CannotMask> {
        let end = memchr(b'"', rest);
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        // The registration of tab-separated values (IANA) knows no quotes; both readings must see the same fields.
        if self.separator == b'\t' && memchr3(b'\t', b'\n', b'\r', part).is_some() {
            return Err(malformed("no tab or line end inside of quotes"));
        }
        self.part(part, out)?;
        if end.is_some() {
            self.at = At::Quote;
        }
        Ok(part.len() + usize::from(end.is_some()))
    }

    /// A quote that was held back ended the field, or stands for itself with another one.
    fn after_quote(
        &mut self,
        byte: u8,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        if byte == b'"' {
            self.part(b"\"\"", out)?;
            self.at = At::Quoted;
            return Ok(1);
        }
        if byte != self.separator && byte != b'\n' && byte != b'\r' {
            return Err(malformed("quotes around a whole field only"));
        }
        self.after_field(byte, context, out)
    }

    /// What follows a field: a separator or the line's end.
    fn after_field(
        &mut self,
        byte: u8,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        self.end_field(context, out)?;
        match byte {
            b'\n' => return self.end_line(false, out),
            b'\r' => self.at = At::Return { empty: false },
            separator => {
                out.push(separator);
                self.index += 1;
                self.at = At::Start;
            }
        }
        Ok(1)
    }

    /// Takes the line feed of a line. A carriage return before it was held back.
    fn end_line(&mut self, empty: bool, out: &mut Vec<u8>) -> Result<usize, CannotMask> {
        if !empty {
            self.end_record()?;
        }
        if matches!(self.at, At::Return { .. }) {
            out.push(b'\r');
        }
        out.push(b'\n');
        self.at = At::Start;
        Ok(1)
    }

    fn begin_field(
        &mut self,
        quoted: bool,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        self.held.clear();
        self.quoted = quoted;
        if self.naming {
            self.fate = Fate::Judge;
            return Ok(());
        }
        if self.numbered && self.index == self.columns.len() {
            self.add_column(format!("column{}", self.index + 1), None, context)?;
        }
        let column = self.columns.get(self.index).unwrap_or(&self.beyond);
        let plan = Plan::of(&column.edit);
        self.fate = plan.fate();
        match plan {
            Plan::Pass if quoted => out.push(b'"'),
            Plan::Pass | Plan::Judge(_) => {}
            Plan::Put(text) => {
                context.marks.add(&column.name);
                self.put(text, false, out);
            }
        }
        Ok(())
    }

    /// Takes some of a field, without the quotes around it.
    fn part(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), CannotMask> {
        match self.fate {
            Fate::Pass => out.extend_from_slice(part),
            Fate::Drop => {}
            Fate::Judge => {
                check_length(self.held.len() + part.len())?;
                self.held.extend_from_slice(part);
            }
        }
        Ok(())
    }

    fn end_field(&mut self, context: &mut Context, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        match self.fate {
            Fate::Pass if self.quoted => out.push(b'"'),
            Fate::Pass | Fate::Drop => {}
            Fate::Judge => self.judge(context, out)?,
        }
        Ok(())
    }

    fn judge(&mut self, context: &mut Context, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let written = std::mem::take(&mut self.held);
        let text = std::str::from_utf8(&written).map_err(|_| CannotMask::NotUtf8)?;
        let meant = if self.quoted && text.contains('"') {
            Cow::Owned(text.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(text)
        };
        let mut masked = String::new();
        let found = if self.naming {
            let found = context.prose.mask_text(&meant, &mut masked);
            self.name(&meant, found.then_some(masked.as_str()), context)?;
            found
        } else {
            let column = self.columns.get(self.index).unwrap_or(&self.beyond);
            let found = Plan::of(&column.edit).apply(&meant, &mut masked);
            if found {
                context.marks.add(&column.name);
            }
            found
        };
        if found {
            self.put(&masked, self.quoted, out);
        } else if self.quoted {
            out.push(b'"');
            out.extend_from_slice(&written);
            out.push(b'"');
        } else {
            out.extend_from_slice(&written);
        }
        self.held = written;
        self.held.clear();
        Ok(())
    }

    /// Takes a name of the header.
    fn name(
        &mut self,
        name: &str,
        masked: Option<&str>,
        context: &mut Context,
    ) -> Result<(), CannotMask> {
        let is_other = |b: u8| SEPARATORS.contains(&b) && b != self.separator;
        let has = |wanted: &dyn Fn(u8) -> bool| !self.quoted && name.bytes().any(wanted);
        // A comma may be in a name where something else separates, unless there is no other name.
        if has(&|b| is_other(b) && b != b',') {
            return Err(OTHER_SEPARATOR);
        }
        // Spreadsheets take such a first line for what tells the separator.
        let tells = name
            .get(..4)
            .is_some_and(|s| s.eq_ignore_ascii_case("sep="));
        self.unclear_alone = tells || has(&is_other);
        self.name_bytes += name.len();
        check_length(self.name_bytes)?;
        // Many readers take no notice of the spaces that people put after separators.
        let trimmed = name.trim_matches(|c: char| c.is_ascii_whitespace());
        self.add_column(trimmed.to_owned(), masked, context)
    }

    fn add_column(
        &mut self,
        name: String,
        masked: Option<&str>,
        context: &mut Context,
    ) -> Result<(), CannotMask> {
        if self.columns.len() == MAX_COLUMNS {
            return Err(malformed("no more columns than a spreadsheet has"));
        }
        let edit = context.rules.edit(&[name.as_str()]);
        let name = masked.map_or(name, str::to_owned);
        if masked.is_some() {
            context.marks.add(&name);
        }
        self.columns.push(Column { name, edit });
        Ok(())
    }

    fn end_record(&mut self) -> Result<(), CannotMask> {
        self.index = 0;
        if std::mem::take(&mut self.naming) && self.columns.len() == 1 && self.unclear_alone {
            return Err(OTHER_SEPARATOR);
        }
        Ok(())
    }

    /// Appends a field that was changed.
    fn put(&self, text: &str, keep_quotes: bool, out: &mut Vec<u8>) {
        let text = if self.separator == b'\t' {
            // Where readers may know no quotes, these cannot be in a field.
            Cow::Owned(text.replace(['\t', '\n', '\r'], " "))
        } else {
            Cow::Borrowed(text)
        };
        let special = |b: u8| b == self.separator || b"\"\r\n".contains(&b);
        // A line with nothing in it is no record.
        let empty_line = text.is_empty() && self.columns.len() <= 1;
        if keep_quotes || empty_line || text.bytes().any(special) {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
