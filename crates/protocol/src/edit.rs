//! What is done to a value on its way to the caller, whatever protocol it is in.

use sluice_model::TextMask;
use std::sync::Arc;

/// What is done to a column.
#[derive(Clone)]
pub enum FieldEdit {
    /// Nothing.
    Clear,
    /// The type's neutral value, the same whatever was there: of rows and COPY also of NULL, since whether
    /// a value is NULL can tell of it (`nullif(substr(ssn, 1, 1), '1')`), and of arrays of any length.
    Redact,
    /// NULL.
    Null,
    // What follows leaves NULL as it is.
    /// This text; the neutral value where it does not fit the type.
    Constant(Arc<str>),
    /// The whole value goes through this rule; the neutral value where the result does not fit the type.
    Text(Arc<dyn TextMask>),
    /// What this finds inside the value is masked.
    Scan(Arc<dyn TextMask>),
}

impl std::fmt::Debug for FieldEdit {
    /// The name alone: a constant is none of a log's business, and a rule has nothing to show.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clear => "Clear",
            Self::Redact => "Redact",
            Self::Null => "Null",
            Self::Constant(_) => "Constant(..)",
            Self::Text(_) => "Text(..)",
            Self::Scan(_) => "Scan(..)",
        })
    }
}
