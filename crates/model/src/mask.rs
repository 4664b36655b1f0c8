//! What policy and protocols agree on about masking: the shape of an answer, and the edit of a text.

use serde::{Deserialize, Serialize};

/// Where a column of an answer comes from, as far as the protocol can tell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A plain column, passed through unchanged.
    Column {
        /// Schema of its table.
        schema: String,
        /// Its table or view.
        table: String,
        /// Its name there, whatever the answer calls it.
        column: String,
    },
    /// Computed from these columns (empty: from constants and harmless routines only).
    /// Each is (schema, table, column) with what is known; an unknown part is `None`.
    Derived(Vec<(Option<String>, Option<String>, String)>),
    /// Nothing can be told.
    Unknown,
}

/// One column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShapeColumn {
    /// What the answer calls it.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// One column that was masked, for records and `explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedColumn {
    /// What the answer calls it.
    pub name: String,
    /// The data class that it was masked for; `None` when its origin could not be told.
    pub class: Option<String>,
}

/// An edit of one text value. The protocol finds the texts in a field (plain, JSON, array, binary) and
/// puts them back; the policy's masker decides what they become.
pub trait TextMask: Send + Sync {
    /// Appends the masked form of `text` to `out` and returns `true`, or returns `false` with `out`
    /// untouched when nothing in it needs masking.
    fn mask_text(&self, text: &str, out: &mut String) -> bool;
}
