//! What is to be done with each column of an answer.

use crate::mask::whole_text;
use crate::session::SessionView;
use sluice_model::{Denial, Mask, MaskedColumn, Origin, ShapeColumn, TextMask, Timestamp};
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

/// An answer with more columns is refused; PostgreSQL itself stops at 1,664.
const MAX_COLUMNS: usize = 10_000;

impl SessionView {
    /// What is to be done with each column of an answer. The first of these that knows decides: the column that the
    /// server or the statement names as the origin; what a computed column mentions; the name that the answer gives
    /// the column; and where nothing can be told, the connection's strict setting. Text that is shown is still gone
    /// over by the detectors of hidden classes.
    ///
    /// # Errors
    /// A denial when the answer cannot be bound.
    pub fn bind_mask(&self, shape: &[ShapeColumn], now: Timestamp) -> Result<MaskPlan, Denial> {
        if shape.len() > MAX_COLUMNS {
            return Err(crate::snapshot::denial(format!(
                "the answer has more than {MAX_COLUMNS} columns; select fewer"
            )));
        }
        let (scan, scans) = self.scanner(now);
        let hides_any = (0..self.core().data_classes.len()).any(|c| !self.surely_revealed(c, now));
        let mut masked = Vec::new();
        let columns = shape
            .iter()
            .map(|column| {
                let plan = match self.known(column, hides_any, now) {
                    Some(plan) => plan,
                    None if scans => ColumnPlan::Scan,
                    None => ColumnPlan::Clear,
                };
                let class = match &plan {
                    ColumnPlan::Mask { class, .. } => Some(Some(class.clone())),
                    ColumnPlan::Redact => Some(None),
                    ColumnPlan::Clear | ColumnPlan::Scan => None,
                };
                masked.extend(class.map(|class| MaskedColumn {
                    name: column.name.clone(),
                    class,
                }));
                plan
            })
            .collect();
        Ok(MaskPlan {
            columns,
            scan,
            masked,
        })
    }

    /// What is known to be masked; `None` for a column that may be shown.
    fn known(&self, column: &ShapeColumn, hides_any: bool, now: Timestamp) -> Option<ColumnPlan> {
        // Classes that the origin shows to be revealed; the answer's name for the column does not hide them again.
        let mut settled: Vec<usize> = Vec::new();
        match &column.origin {
            Origin::Column {
                schema,
                table,
                column,
            } => {
                let hidden = self.unrevealed_classes(Some(schema), Some(table), column, now);
                if let Some(class) = hidden.first() {
                    return Some(self.mask_for(*class));
                }
                settled.extend(self.core().columns.of(schema, table, column).iter());
            }
            Origin::Derived(mentions) => {
                for (schema, table, column) in mentions {
                    let (schema, table) = (schema.as_deref(), table.as_deref());
                    if !self
                        .unrevealed_classes(schema, table, column, now)
                        .is_empty()
                    {
                        return Some(ColumnPlan::Redact);
                    }
                    settled.extend(self.core().columns.any(schema, table, column));
                }
            }
            Origin::Unknown => {}
        }
        let by_name = self.core().columns.by_name(&column.name);
        let hidden = by_name
            .into_iter()
            .find(|class| !settled.contains(class) && !self.class_revealed(*class, now));
        if let Some(class) = hidden {
            return Some(self.mask_for(class));
        }
        let untold = column.origin == Origin::Unknown;
        (untold && hides_any && self.session.connection.strict_masking)
            .then_some(ColumnPlan::Redact)
    }

    pub(crate) fn mask_for(&self, class: usize) -> ColumnPlan {
        let Some(class) = self.core().data_classes.get(class) else {
            return ColumnPlan::Redact;
        };
        let mask = match &class.mask {
            Mask::Redact => ValueMask::Redact,
            Mask::Null => ValueMask::Null,
            Mask::Constant(text) => ValueMask::Constant(text.clone()),
            mask @ (Mask::KeepFirst(_) | Mask::KeepLast(_) | Mask::Hash) => {
                ValueMask::Text(whole_text(mask, self.core().detectors.hash_key()))
            }
        };
        ColumnPlan::Mask {
            class: class.name.clone(),
            mask,
        }
    }
}
