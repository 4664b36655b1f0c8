//! COPY as lines: `FORMAT text` with its backslashes and `FORMAT csv` with its quotes.

use super::CopyError;
use crate::postgres::columns::{Column, Memory, Now};
use crate::postgres::values::ColumnEdit;
use bytes::{BufMut, BytesMut};
use memchr::{memchr, memchr2};

/// How fields are kept apart.
#[derive(Clone, Copy)]
pub(super) enum Syntax {
    /// With backslashes.
    Text { delimiter: u8 },
    /// In quotes.
    Csv {
        delimiter: u8,
        quote: u8,
        escape: u8,
    },
}

/// The lines of one COPY.
pub(super) struct Lines {
    syntax: Syntax,
    columns: Vec<Column>,
    null: Vec<u8>,
    /// The next line is the header.
    header: bool,
    /// Up to where the line that is not whole yet was looked at, and whether that is inside quotes.
    searched: usize,
    quoted: bool,
    /// A field as it is meant.
    value: Vec<u8>,
    memory: Memory,
}

impl Lines {
    pub(super) fn new(
        syntax: Syntax,
        null: String,
        header: bool,
        columns: Vec<ColumnEdit>,
    ) -> Self {
        Self {
            syntax,
            columns: columns.into_iter().map(Column::new).collect(),
            null: null.into_bytes(),
            header,
            searched: 0,
            quoted: false,
            value: Vec::new(),
            memory: Memory::default(),
        }
    }

    /// Where the line at the front of `data` ends (after its line feed), once it does. Goes on where it
    /// stopped when it is called with more of the same line.
    pub(super) fn find_end(&mut self, data: &[u8]) -> Option<usize> {
        let end = match self.syntax {
            // A line feed in a value is written as \n.
            Syntax::Text { .. } => data
                .get(self.searched..)
                .and_then(|new| memchr(b'\n', new))
                .map(|found| self.searched + found + 1),
            Syntax::Csv { quote, escape, .. } => self.find_csv_end(data, quote, escape),
        };
        if end.is_some() {
            self.searched = 0;
            self.quoted = false;
        } else if matches!(self.syntax, Syntax::Text { .. }) {
            self.searched = data.len();
        }
        end
    }

    fn find_csv_end(&mut self, data: &[u8], quote: u8, escape: u8) -> Option<usize> {
        let mut at = self.searched;
        loop {
            let new = data.get(at..)?;
            let found = if self.quoted {
                memchr2(quote, escape, new)
            } else {
                memchr2(quote, b'\n', new)
            };
            let Some(found) = found else {
                self.searched = data.len();
                return None;
            };
            at += found;
            let byte = *data.get(at)?;
            if !self.quoted && byte == b'\n' {
                return Some(at + 1);
            }
            if self.quoted && byte == escape && escape != quote {
                let Some(next) = data.get(at + 1) else {
                    self.searched = at;
                    return None;
                };
                at += if *next == quote || *next == escape {
                    2
                } else {
                    1
                };
            } else {
                self.quoted = !self.quoted;
                at += 1;
            }
            self.searched = at;
        }
    }

    /// Appends a whole line, edited; says whether it is a row.
    pub(super) fn edit(&mut self, line: &[u8], out: &mut BytesMut) -> Result<bool, CopyError> {
        const EXPECTED: CopyError = CopyError::Malformed("as many fields as the COPY has columns");
        if std::mem::take(&mut self.header) {
            out.put_slice(line);
            return Ok(false);
        }
        let row = line.strip_suffix(b"\n").unwrap_or(line);
        // A server ends lines with a line feed alone; where one does not, the return is no part of the value.
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let mut at = 0;
        let mut copied = 0;
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                if row.get(at).is_none() {
                    return Err(EXPECTED);
                }
                at += 1;
            }
            let start = at;
            let wanted = !column.is_clear();
            let quoted;
            (at, quoted) = self.syntax.field_end(row, start, wanted, &mut self.value)?;
            if !wanted {
                continue;
            }
            let is_null = !quoted && row.get(start..at) == Some(self.null.as_slice());
            let value = (!is_null).then_some(self.value.as_slice());
            if let Now::Is(now) = column.edit(value, &mut self.memory)? {
                out.put_slice(row.get(copied..start).unwrap_or_default());
                // Whether it was in quotes tells of the value, and goes with it.
                let quoted = quoted && column.depends_on_value();
                match now {
                    None => out.put_slice(&self.null),
                    Some(value) => self.syntax.put(value, quoted, &self.null, out),
                }
                copied = at;
            }
        }
        if at != row.len() {
            return Err(EXPECTED);
        }
        out.put_slice(line.get(copied..).unwrap_or_default());
        Ok(true)
    }
}

impl Syntax {
    /// Where the field at `start` ends, and whether it was in quotes; what it means, when `wanted`.
    fn field_end(
        self,
        row: &[u8],
        start: usize,
        wanted: bool,
        value: &mut Vec<u8>,
    ) -> Result<(usize, bool), CopyError> {
        value.clear();
        match self {
            Self::Text { delimiter } => {
                let end = text_field_end(row, start, delimiter);
                if wanted {
                    unescape(row.get(start..end).unwrap_or_default(), value);
                }
                Ok((end, false))
            }
            Self::Csv {
                delimiter,
                quote,
                escape,
            } => csv_field(row, start, [delimiter, quote, escape], value),
        }
    }

    /// Appends a value that is not NULL.
    fn put(self, value: &[u8], quoted: bool, null: &[u8], out: &mut BytesMut) {
        match self {
            Self::Text { delimiter } => put_escaped(value, delimiter, out),
            Self::Csv {
                delimiter,
                quote,
                escape,
            } => {
                let special = |b: &u8| [delimiter, quote, b'\n', b'\r'].contains(b);
                let needs_quotes =
                    quoted || value == null || value == b"\\." || value.iter().any(special);
                if needs_quotes {
                    put_quoted(value, quote, escape, out);
                } else {
                    out.put_slice(value);
                }
            }
        }
    }
}

fn text_field_end(row: &[u8], start: usize, delimiter: u8) -> usize {
    let mut at = start;
    while let Some(found) = row
        .get(at..)
        .and_then(|rest| memchr2(delimiter, b'\\', rest))
    {
        at += found;
        if row.get(at) == Some(&delimiter) {
            return at;
        }
        at += 2;
    }
    row.len()
}

/// What a field of `FORMAT text` means.
fn unescape(field: &[u8], value: &mut Vec<u8>) {
    let mut rest = field;
    while let Some(at) = memchr(b'\\', rest) {
        value.extend_from_slice(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at + 1..).unwrap_or_default();
        rest = match escape {
            [b'x', digits @ ..] => unescape_number(digits, 16, 2, b'x', value),
            [b'0'..=b'7', ..] => unescape_number(escape, 8, 3, b'\\', value),
            [letter, after @ ..] => {
                value.push(match letter {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    other => *other,
                });
                after
            }
            [] => {
                value.push(b'\\');
                escape
            }
        };
    }
    value.extend_from_slice(rest);
}

/// A byte by its number in up to `most` digits; `otherwise` when there is no digit.
fn unescape_number<'a>(
    digits: &'a [u8],
    radix: u32,
    most: usize,
    otherwise: u8,
    value: &mut Vec<u8>,
) -> &'a [u8] {
    let mut number = None;
    let mut rest = digits;
    for _ in 0..most {
        let Some((digit, after)) = rest
            .split_first()
            .and_then(|(b, after)| Some((char::from(*b).to_digit(radix)?, after)))
        else {
            break;
        };
        number = Some(number.unwrap_or(0) * radix + digit);
        rest = after;
    }
    // PostgreSQL keeps the lower eight bits of three octal digits.
    value.push(number.map_or(otherwise, |n| n.to_le_bytes()[0]));
    rest
}

fn put_escaped(value: &[u8], delimiter: u8, out: &mut BytesMut) {
    for byte in value {
        let letter = match *byte {
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            b'\\' => b'\\',
            byte if byte == delimiter => byte,
            byte => {
                out.put_u8(byte);
                continue;
            }
        };
        out.put_slice(&[b'\\', letter]);
    }
}

/// Where the field of `FORMAT csv` at `at` ends, and whether it was in quotes; appends what it means.
fn csv_field(
    row: &[u8],
    mut at: usize,
    [delimiter, quote, escape]: [u8; 3],
    value: &mut Vec<u8>,
) -> Result<(usize, bool), CopyError> {
    let mut inside = false;
    let mut quoted = false;
    loop {
        let next = row.get(at + 1).copied();
        match row.get(at).copied() {
            None if inside => return Err(CopyError::Malformed("a closing quote")),
            None => return Ok((at, quoted)),
            Some(byte) if !inside && byte == delimiter => return Ok((at, quoted)),
            Some(byte) if !inside && byte == quote => {
                inside = true;
                quoted = true;
            }
            Some(byte)
                if inside && byte == escape && (next == Some(quote) || next == Some(escape)) =>
            {
                value.extend(next);
                at += 1;
            }
            Some(byte) if inside && byte == quote => inside = false,
            Some(byte) => value.push(byte),
        }
        at += 1;
    }
}

fn put_quoted(value: &[u8], quote: u8, escape: u8, out: &mut BytesMut) {
    out.put_u8(quote);
    for byte in value {
        if *byte == quote || *byte == escape {
            out.put_u8(escape);
        }
        out.put_u8(*byte);
    }
    out.put_u8(quote);
}
