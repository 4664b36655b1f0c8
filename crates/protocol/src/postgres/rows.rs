//! Masking rows: the fields of a DataRow are walked in place, runs of fields that stay are copied at once,
//! and only masked ones are written anew.

use super::encode::patch_length;
use super::tags::{BackendTag, Tag};
use super::values::{CannotEdit, ColumnEdit, Edited, Editor, FieldEdit};
use super::violation::{Peer, Violation};
use bytes::{BufMut, BytesMut};

/// Why a row cannot be forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row is not one, or not of its shape.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// A value cannot be masked.
    #[error(transparent)]
    CannotEdit(#[from] CannotEdit),
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// Forward the frame as it is; nothing was appended.
    Unchanged,
    /// A whole DataRow message was appended.
    Rewritten,
}

/// Masks the rows of one shape. Made once per shape; keeps its memory from row to row.
pub struct RowEditor {
    columns: Vec<ColumnEdit>,
    clear: bool,
    scratch: String,
    field: BytesMut,
}

impl RowEditor {
    /// For rows of these columns.
    #[must_use]
    pub fn new(columns: Vec<ColumnEdit>) -> Self {
        Self {
            clear: columns
                .iter()
                .all(|column| matches!(column.edit, FieldEdit::Clear)),
            columns,
            scratch: String::new(),
            field: BytesMut::new(),
        }
    }

    /// Whether no column is edited: rows can be forwarded without being looked at.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.clear
    }

    /// Masks one row. `body` is that of the DataRow message.
    ///
    /// # Errors
    /// The row does not fit the shape, a length leads out of it, or a value cannot be masked. `out` is then
    /// as before.
    pub fn rewrite(&mut self, body: &[u8], out: &mut BytesMut) -> Result<RowOutcome, RowError> {
        let start = out.len();
        let outcome = self.walk(body, out);
        match outcome {
            Ok(RowOutcome::Rewritten) => patch_length(out, start + 1),
            _ => out.truncate(start),
        }
        outcome
    }

    fn walk(&mut self, body: &[u8], out: &mut BytesMut) -> Result<RowOutcome, RowError> {
        let (count, mut rest) = body
            .split_first_chunk::<2>()
            .ok_or(malformed("a number of fields"))?;
        if usize::from(u16::from_be_bytes(*count)) != self.columns.len() {
            return Err(malformed("as many fields as its shape has").into());
        }
        // Up to where the body is in `out`, and whether the message was begun there.
        let mut copied = 0;
        let mut begun = false;
        for column in &self.columns {
            let at = body.len() - rest.len();
            let (value, after) =
                super::arrays::split_value(rest).ok_or(malformed("fields that fit into it"))?;
            rest = after;
            let Some(value) = value else {
                continue;
            };
            self.field.clear();
            let edited = Editor::new(&column.edit, &mut self.scratch).field(
                column.type_oid,
                column.format,
                value,
                &mut self.field,
            )?;
            if edited == Edited::Unchanged {
                continue;
            }
            if !begun {
                begun = true;
                out.put_u8(b'D');
                out.put_i32(0);
            }
            out.put_slice(body.get(copied..at).unwrap_or_default());
            copied = body.len() - rest.len();
            if edited == Edited::Null {
                out.put_i32(-1);
            } else {
                let length = i32::try_from(self.field.len())
                    .map_err(|_| malformed("values of less than 2 GiB"))?;
                out.put_i32(length);
                out.put_slice(&self.field);
            }
        }
        if !rest.is_empty() {
            return Err(malformed("nothing after its last field").into());
        }
        if !begun {
            return Ok(RowOutcome::Unchanged);
        }
        out.put_slice(body.get(copied..).unwrap_or_default());
        Ok(RowOutcome::Rewritten)
    }
}

fn malformed(expected: &'static str) -> Violation {
    Violation::Malformed {
        peer: Peer::Target,
        message: BackendTag::DataRow.rule().name,
        expected,
    }
}
