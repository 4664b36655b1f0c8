//! What the readers of all kinds share: what becomes of a value, and which fields were changed.

use super::FieldRules;
use super::MAX_PATHS;
use crate::edit::FieldEdit;
use sluice_model::TextMask;
use std::sync::Arc;

/// What stands in place of a redacted text.
pub(super) const REDACTED: &str = "[redacted]";

/// Bytes of a path that are told of a field that was changed: enough for any that was named by hand, and little
/// enough to be recorded.
pub(super) const MAX_SHOWN: usize = 256;

/// What becomes of the token that a reader is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It passes as it comes.
    Pass,
    /// It is left out; what stands for it is written already, or will be.
    Drop,
    /// It is held until it can be looked at whole.
    Judge,
}

/// What becomes of a text by an edit, before the text is known.
pub(super) enum Plan<'e> {
    /// It passes.
    Pass,
    /// It is replaced by this, whatever it is.
    Put(&'e str),
    /// This has to see it.
    Judge(&'e dyn TextMask),
}

impl<'e> Plan<'e> {
    /// Of a text where null is written as nothing.
    pub(super) fn of(edit: &'e FieldEdit) -> Self {
        match edit {
            FieldEdit::Clear => Self::Pass,
            FieldEdit::Redact => Self::Put(REDACTED),
            FieldEdit::Null => Self::Put(""),
            FieldEdit::Constant(text) => Self::Put(text),
            FieldEdit::Text(mask) | FieldEdit::Scan(mask) => Self::Judge(mask.as_ref()),
        }
    }

    /// Appends what becomes of the text now that it is known, and says whether it does not stay as it is.
    pub(super) fn apply(self, text: &str, masked: &mut String) -> bool {
        match self {
            Self::Pass => false,
            Self::Put(instead) => {
                masked.push_str(instead);
                true
            }
            Self::Judge(mask) => mask.mask_text(text, masked),
        }
    }

    pub(super) fn fate(&self) -> Fate {
        match self {
            Self::Pass => Fate::Pass,
            Self::Put(_) => Fate::Drop,
            Self::Judge(_) => Fate::Judge,
        }
    }
}

/// What a reader is given beside the body.
pub(super) struct Context {
    pub(super) rules: Arc<dyn FieldRules>,
    /// What the rules have for text outside of fields.
    pub(super) prose: Arc<dyn TextMask>,
    pub(super) marks: Marks,
}

impl Context {
    pub(super) fn new(rules: Arc<dyn FieldRules>) -> Self {
        Self {
            prose: rules.prose(),
            rules,
            marks: Marks::default(),
        }
    }

    /// The masked form of text outside of fields, when there is something in it.
    pub(super) fn masked_prose(&self, text: &str) -> Option<String> {
        let mut masked = String::new();
        self.prose.mask_text(text, &mut masked).then_some(masked)
    }
}

/// The paths of fields that were changed.
#[derive(Default)]
pub(super) struct Marks {
    paths: Vec<Box<str>>,
}

impl Marks {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(AsRef::as_ref)
    }

    pub(super) fn is_full(&self) -> bool {
        self.paths.len() >= MAX_PATHS
    }

    pub(super) fn add(&mut self, path: &str) {
        let path = path
            .get(..path.floor_char_boundary(MAX_SHOWN))
            .unwrap_or(path);
        if !self.is_full() && !self.iter().any(|known| known == path) {
            self.paths.push(path.into());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }

    /// Takes back what was added since there were `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.paths.truncate(len);
    }
}
