//! What is to be done with each column of an answer.

use sluice_model::{MaskedColumn, TextMask};
use std::fmt;
use std::sync::Arc;

/// How one value becomes its masked form.
#[derive(Clone)]
pub enum ValueMask {
    /// A fixed text or the type's neutral value.
    Redact,
    /// SQL NULL.
    Null,
    /// This text (the type's neutral value where a text does not fit).
    Constant(String),
    /// Whatever this makes of the whole value.
    Text(Arc<dyn TextMask>),
}

impl fmt::Debug for ValueMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redact => "Redact",
            Self::Null => "Null",
            Self::Constant(_) => "Constant",
            Self::Text(_) => "Text",
        })
    }
}

/// What is to be done with the values of one column.
#[derive(Debug, Clone)]
pub enum ColumnPlan {
    /// Nothing.
    Clear,
    /// [`MaskPlan::scan`] goes over every text in it.
    Scan,
    /// Every value is masked for this class.
    Mask {
        /// The class.
        class: String,
        /// How.
        mask: ValueMask,
    },
    /// Every value is redacted: its origin cannot be told, or it is derived from an unrevealed column.
    Redact,
}

/// What is to be done with an answer, bound to its shape.
#[derive(Clone)]
pub struct MaskPlan {
    /// One for each column of the shape, in its order.
    pub columns: Vec<ColumnPlan>,
    /// The detectors of every class that the session may not see.
    pub scan: Arc<dyn TextMask>,
    /// The columns that are masked or redacted, for the record.
    pub masked: Vec<MaskedColumn>,
}

impl MaskPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.columns.iter().all(|c| matches!(c, ColumnPlan::Clear))
    }
}

impl fmt::Debug for MaskPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskPlan")
            .field("columns", &self.columns)
            .field("masked", &self.masked)
            .finish_non_exhaustive()
    }
}
