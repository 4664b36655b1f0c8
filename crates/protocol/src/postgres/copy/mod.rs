//! Masking COPY TO STDOUT in its three formats, across the cuts between CopyData messages.
//!
//! Whoever runs the COPY makes sure that it writes UTF-8 (no `ENCODING` option), since values are read as that.

mod binary;
mod lines;

use super::encode::patch_length;
use super::rows::RowError;
use super::tags::{BackendTag, Tag};
use super::types::Format;
use super::values::{CannotEdit, ColumnEdit};
use crate::edit::FieldEdit;
use binary::Tuples;
use bytes::{Buf, BufMut, BytesMut};
use lines::{Lines, Syntax};

/// The longest row, which is held whole while it is masked: as long as the longest DataRow.
pub const MAX_ROW: usize = 64 * 1024 * 1024;

/// The most that the rows of one CopyData message may become when short values are replaced by longer ones: a
/// server sends one row in each, so this is far from any that is not made to fill memory.
pub const MAX_MASKED: usize = 2 * MAX_ROW;

/// How a COPY is written, as its statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFormat {
    /// `FORMAT text`.
    Text {
        /// `DELIMITER`, a tab unless given.
        delimiter: u8,
        /// `NULL`, `\N` unless given.
        null: String,
        /// `HEADER`.
        header: bool,
    },
    /// `FORMAT csv`.
    Csv {
        /// `DELIMITER`, a comma unless given.
        delimiter: u8,
        /// `QUOTE`, a double quote unless given.
        quote: u8,
        /// `ESCAPE`, the quote unless given.
        escape: u8,
        /// `NULL`, empty and unquoted unless given.
        null: String,
        /// `HEADER`.
        header: bool,
    },
    /// `FORMAT binary`.
    Binary,
}

impl CopyFormat {
    /// `FORMAT text` as it is when nothing else is said.
    #[must_use]
    pub fn text() -> Self {
        Self::Text {
            delimiter: b'\t',
            null: "\\N".to_owned(),
            header: false,
        }
    }

    /// `FORMAT csv` as it is when nothing else is said.
    #[must_use]
    pub fn csv() -> Self {
        Self::Csv {
            delimiter: b',',
            quote: b'"',
            escape: b'"',
            null: String::new(),
            header: false,
        }
    }
}

/// Why a COPY cannot be forwarded any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// A row is longer than is held.
    #[error("the target sent a COPY row of more than {MAX_ROW} bytes; select fewer columns")]
    RowTooLarge,
    /// A message's rows are longer when masked than is held.
    #[error(
        "the target's COPY data is more than {MAX_MASKED} bytes when masked; select fewer columns"
    )]
    MaskedTooLarge,
    /// The data is not of the format.
    #[error("the target's COPY data cannot be read; expected {0}")]
    Malformed(&'static str),
    /// A row cannot be masked.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A value cannot be masked.
    #[error(transparent)]
    CannotEdit(#[from] CannotEdit),
}

/// The formats' own parts.
enum Layout {
    Lines(Lines),
    Tuples(Tuples),
}

/// Masks one COPY TO STDOUT.
pub struct CopyEditor {
    layout: Layout,
    clear: bool,
    /// The beginning of a row whose end has not come yet.
    pending: BytesMut,
}

impl CopyEditor {
    /// For a COPY of these columns; their `format` is not looked at, since the COPY's own counts.
    #[must_use]
    pub fn new(format: CopyFormat, mut columns: Vec<ColumnEdit>) -> Self {
        let values = match format {
            CopyFormat::Binary => Format::Binary,
            CopyFormat::Text { .. } | CopyFormat::Csv { .. } => Format::Text,
        };
        for column in &mut columns {
            column.format = values;
        }
        Self {
            clear: columns
                .iter()
                .all(|column| matches!(column.edit, FieldEdit::Clear)),
            layout: match format {
                CopyFormat::Binary => Layout::Tuples(Tuples::new(columns)),
                CopyFormat::Text {
                    delimiter,
                    null,
                    header,
                } => Layout::Lines(Lines::new(
                    Syntax::Text { delimiter },
                    null,
                    header,
                    columns,
                )),
                CopyFormat::Csv {
                    delimiter,
                    quote,
                    escape,
                    null,
                    header,
                } => Layout::Lines(Lines::new(
                    Syntax::Csv {
                        delimiter,
                        quote,
                        escape,
                    },
                    null,
                    header,
                    columns,
                )),
            },
            pending: BytesMut::new(),
        }
    }

    /// Whether no column is edited: data can be forwarded without being looked at.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.clear
    }

    /// Takes the body of a CopyData message, of which no more than [`MAX_ROW`] is kept; appends CopyData messages, one for each row that is now whole, as
    /// a server does. Returns how many rows that was (a header is none).
    ///
    /// # Errors
    /// The data cannot be read or masked; the COPY must end. What was appended are whole, masked rows.
    pub fn push(&mut self, chunk: &[u8], out: &mut BytesMut) -> Result<u64, CopyError> {
        let mut rows = 0;
        if self.pending.is_empty() {
            let used = self.units(chunk, out, &mut rows)?;
            let begun = chunk.get(used..).unwrap_or_default();
            check_length(begun)?;
            self.pending.extend_from_slice(begun);
        } else {
            let mut data = std::mem::take(&mut self.pending);
            data.extend_from_slice(chunk);
            let used = self.units(&data, out, &mut rows)?;
            data.advance(used);
            check_length(&data)?;
            self.pending = data;
        }
        Ok(rows)
    }

    /// Takes the end of the data (CopyDone), after which nothing may be left.
    ///
    /// # Errors
    /// The data ended inside a row.
    pub fn finish(&self) -> Result<(), CopyError> {
        let whole = match &self.layout {
            Layout::Lines(_) => true,
            Layout::Tuples(tuples) => tuples.ended(),
        };
        if whole && self.pending.is_empty() {
            Ok(())
        } else {
            Err(CopyError::Malformed("a whole row at the end"))
        }
    }

    /// Edits every whole row (or header, or trailer) of `data`; returns how many bytes they were.
    fn units(
        &mut self,
        data: &[u8],
        out: &mut BytesMut,
        rows: &mut u64,
    ) -> Result<usize, CopyError> {
        let before = out.len();
        let mut rest = data;
        loop {
            let end = match &mut self.layout {
                Layout::Lines(lines) => lines.find_end(rest),
                Layout::Tuples(tuples) => tuples.find_end(rest)?,
            };
            let Some((unit, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
                return Ok(data.len() - rest.len());
            };
            rest = after;
            check_length(unit)?;
            let start = out.len();
            out.put_u8(BackendTag::CopyData.rule().tag);
            out.put_i32(0);
            let edited = match &mut self.layout {
                Layout::Lines(lines) => lines.edit(unit, out),
                Layout::Tuples(tuples) => tuples.edit(unit, out),
            };
            match edited {
                Ok(is_row) => *rows += u64::from(is_row),
                Err(error) => {
                    out.truncate(start);
                    return Err(error);
                }
            }
            patch_length(out, start + 1);
            if out.len() - before > MAX_MASKED {
                return Err(CopyError::MaskedTooLarge);
            }
        }
    }
}

fn check_length(row: &[u8]) -> Result<(), CopyError> {
    if row.len() > MAX_ROW {
        return Err(CopyError::RowTooLarge);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
