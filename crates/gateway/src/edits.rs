//! What policies say about a column or a field, as the protocols' editors do it.

use sluice_model::TextMask;
use sluice_policy::{ColumnPlan, ValueMask};
use sluice_protocol::edit::FieldEdit;
use std::sync::Arc;

/// The edit of a plan; `scan` is what goes over texts that are shown.
#[must_use]
pub fn of_plan(plan: &ColumnPlan, scan: &Arc<dyn TextMask>) -> FieldEdit {
    match plan {
        ColumnPlan::Clear => FieldEdit::Clear,
        ColumnPlan::Scan => FieldEdit::Scan(Arc::clone(scan)),
        ColumnPlan::Redact => FieldEdit::Redact,
        ColumnPlan::Mask { mask, .. } => match mask {
            ValueMask::Redact => FieldEdit::Redact,
            ValueMask::Null => FieldEdit::Null,
            ValueMask::Constant(text) => FieldEdit::Constant(text.as_str().into()),
            ValueMask::Text(rule) => FieldEdit::Text(Arc::clone(rule)),
        },
    }
}
