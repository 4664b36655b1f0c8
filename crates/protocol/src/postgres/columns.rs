//! Columns as their rows are walked: what is done to each field, as far as it is known before the first row.

use super::kinds::Kind;
use super::types::Format;
use super::values::{CannotEdit, ColumnEdit, Edited, Editor, redacted};
use crate::edit::FieldEdit;
use bytes::BytesMut;

/// What becomes of a field; the inner `None` is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now<'a> {
    /// What it was.
    Same,
    /// This.
    Is(Option<&'a [u8]>),
}

/// What is done to each field.
enum Step {
    /// Nothing.
    Keep,
    /// It becomes this, whatever it was; NULL too.
    Always(Option<Box<[u8]>>),
    /// It is edited, unless it is NULL.
    Edit(FieldEdit),
}

/// One column.
pub(super) struct Column {
    kind: Kind,
    format: Format,
    step: Step,
}

/// Where fields are edited; kept from field to field.
#[derive(Default)]
pub(super) struct Memory {
    scratch: String,
    field: BytesMut,
}

impl Column {
    pub(super) fn new(column: ColumnEdit) -> Self {
        let kind = Kind::of(column.type_oid);
        Self {
            kind,
            format: column.format,
            step: match column.edit {
                FieldEdit::Clear => Step::Keep,
                FieldEdit::Null => Step::Always(None),
                FieldEdit::Redact => Step::Always(redacted(kind, column.format)),
                edit => Step::Edit(edit),
            },
        }
    }

    /// Whether nothing is done.
    pub(super) fn is_clear(&self) -> bool {
        matches!(self.step, Step::Keep)
    }

    /// Whether what a field becomes depends on what it was.
    pub(super) fn depends_on_value(&self) -> bool {
        match &self.step {
            Step::Keep | Step::Edit(FieldEdit::Text(_) | FieldEdit::Scan(_)) => true,
            Step::Always(_) | Step::Edit(_) => false,
        }
    }

    /// What becomes of `value`; `None` is NULL.
    pub(super) fn edit<'a>(
        &'a self,
        value: Option<&[u8]>,
        memory: &'a mut Memory,
    ) -> Result<Now<'a>, CannotEdit> {
        let (edit, value) = match (&self.step, value) {
            (Step::Keep, _) | (Step::Edit(_), None) => return Ok(Now::Same),
            (Step::Always(now), value) if now.as_deref() == value => return Ok(Now::Same),
            (Step::Always(now), _) => return Ok(Now::Is(now.as_deref())),
            (Step::Edit(edit), Some(value)) => (edit, value),
        };
        // Most columns are text: from the mask to the row without a stop.
        if let (Kind::Text, FieldEdit::Text(mask) | FieldEdit::Scan(mask)) = (self.kind, edit)
            && let Ok(text) = std::str::from_utf8(value)
        {
            memory.scratch.clear();
            return Ok(if mask.mask_text(text, &mut memory.scratch) {
                Now::Is(Some(memory.scratch.as_bytes()))
            } else {
                Now::Same
            });
        }
        memory.field.clear();
        let mut editor = Editor::new(edit, &mut memory.scratch);
        Ok(
            match editor.of_kind(self.kind, self.format, value, &mut memory.field)? {
                Edited::Unchanged => Now::Same,
                Edited::Changed => Now::Is(Some(&memory.field)),
                Edited::Null => Now::Is(None),
            },
        )
    }
}
