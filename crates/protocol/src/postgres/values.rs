//! Masking one field while keeping its wire type, in text and in binary format.

use super::types::Format;
use bytes::BytesMut;
use sluice_model::TextMask;
use std::sync::Arc;

/// What is done to a column.
#[derive(Clone)]
pub enum FieldEdit {
    /// Nothing.
    Clear,
    /// The type's neutral value.
    Redact,
    /// NULL.
    Null,
    /// This text; the neutral value where it does not fit the type.
    Constant(Arc<str>),
    /// The whole value goes through this rule; the neutral value where the result does not fit the type.
    Text(Arc<dyn TextMask>),
    /// What this finds inside the value is masked.
    Scan(Arc<dyn TextMask>),
}

/// A column of an answer and what is done to it.
#[derive(Clone)]
pub struct ColumnEdit {
    /// Number of its type.
    pub type_oid: u32,
    /// How values are written.
    pub format: Format,
    /// What is done.
    pub edit: FieldEdit,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// Forward it as it is; nothing was appended.
    Unchanged,
    /// The new value was appended.
    Changed,
    /// It is NULL now; nothing was appended.
    Null,
}

/// The value is not of its type, so that what it carries cannot be told: the answer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a value from the target cannot be read as {0}, so it cannot be masked; the answer is refused"
)]
pub struct CannotEdit(pub(super) &'static str);

/// Edits one value that is not NULL.
///
/// # Errors
/// The value is not of its type.
pub fn edit_field(
    _type_oid: u32,
    _format: Format,
    _value: &[u8],
    _edit: &FieldEdit,
    _out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    Err(CannotEdit("a value"))
}
