//! Masking rows: the fields of a DataRow are walked in place, runs of fields that stay are copied at once,
//! and only masked ones are written anew.

use super::arrays::split_value;
use super::columns::{Column, Memory, Now};
use super::encode::patch_length;
use super::frame::HEADER_LEN;
use super::tags::{BackendTag, Tag};
use super::values::{CannotEdit, ColumnEdit};
use super::violation::{Peer, Violation};
use bytes::{BufMut, BytesMut};

/// Room for what masks add to a row, so that most rows need none to be made while they are written.
const GROWTH: usize = 64;

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
pub struct RowEditor(FieldsEditor);

impl RowEditor {
    /// For rows of these columns.
    #[must_use]
    pub fn new(columns: Vec<ColumnEdit>) -> Self {
        Self(FieldsEditor::new(columns))
    }

    /// Whether no column is edited: rows can be forwarded without being looked at.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.0.columns.iter().all(Column::is_clear)
    }

    /// Masks one row. `body` is that of the DataRow message.
    ///
    /// # Errors
    /// The row does not fit the shape, a length leads out of it, or a value cannot be masked. `out` is then
    /// as before.
    pub fn rewrite(&mut self, body: &[u8], out: &mut BytesMut) -> Result<RowOutcome, RowError> {
        let start = out.len();
        out.reserve(HEADER_LEN + body.len() + GROWTH);
        out.put_slice(&[BackendTag::DataRow.rule().tag, 0, 0, 0, 0]);
        let edited = self.0.edit(body, out);
        if matches!(edited, Ok(true)) {
            patch_length(out, start + 1);
            return Ok(RowOutcome::Rewritten);
        }
        out.truncate(start);
        edited.map(|_| RowOutcome::Unchanged)
    }
}

/// Edits the fields of rows in the layout that DataRow and binary COPY share; keeps its memory between them.
pub(super) struct FieldsEditor {
    columns: Vec<Column>,
    memory: Memory,
}

impl FieldsEditor {
    pub(super) fn new(columns: Vec<ColumnEdit>) -> Self {
        Self {
            columns: columns.into_iter().map(Column::new).collect(),
            memory: Memory::default(),
        }
    }

    /// Appends `body` (the number of fields, then each with its length) edited and returns `true`, or returns
    /// `false` with `out` untouched when nothing in it changes. After an error, what was appended is of no use.
    pub(super) fn edit(&mut self, body: &[u8], out: &mut BytesMut) -> Result<bool, RowError> {
        let (count, mut rest) = body
            .split_first_chunk::<2>()
            .ok_or(malformed("a number of fields"))?;
        if usize::from(u16::from_be_bytes(*count)) != self.columns.len() {
            return Err(malformed("as many fields as its shape has").into());
        }
        // Up to where the body is in `out`.
        let mut copied = 0;
        for column in &self.columns {
            let at = body.len() - rest.len();
            let (value, after) = split_value(rest).ok_or(malformed("fields that fit into it"))?;
            rest = after;
            if column.is_clear() {
                continue;
            }
            match column.edit(value, &mut self.memory)? {
                Now::Same => {}
                Now::Is(now) => {
                    out.put_slice(body.get(copied..at).unwrap_or_default());
                    put_value(now, out)?;
                    copied = body.len() - rest.len();
                }
            }
        }
        if !rest.is_empty() {
            return Err(malformed("nothing after its last field").into());
        }
        if copied == 0 {
            return Ok(false);
        }
        out.put_slice(body.get(copied..).unwrap_or_default());
        Ok(true)
    }
}

fn put_value(value: Option<&[u8]>, out: &mut BytesMut) -> Result<(), Violation> {
    let Some(value) = value else {
        out.put_i32(-1);
        return Ok(());
    };
    out.put_i32(i32::try_from(value.len()).map_err(|_| malformed("values of less than 2 GiB"))?);
    out.put_slice(value);
    Ok(())
}

fn malformed(expected: &'static str) -> Violation {
    Violation::Malformed {
        peer: Peer::Target,
        message: BackendTag::DataRow.rule().name,
        expected,
    }
}
