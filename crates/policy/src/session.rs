//! The snapshot as one session sees it, and the decisions in it.

use crate::plan::MaskPlan;
use crate::snapshot::Snapshot;
use sluice_model::{
    ApprovalFacts, Decision, Denial, Operation, SessionContext, ShapeColumn, TextMask, Timestamp,
};
use std::sync::Arc;

/// The snapshot as one session sees it.
pub struct SessionView {
    snapshot: Arc<Snapshot>,
    session: SessionContext,
}

struct Nothing;
impl TextMask for Nothing {
    fn mask_text(&self, _text: &str, _out: &mut String) -> bool {
        false
    }
}

fn unfinished() -> Denial {
    Denial { policy: None, message: "no policy permits this".into() }
}

impl SessionView {
    pub(crate) fn new(snapshot: Arc<Snapshot>, session: SessionContext) -> Self {
        Self { snapshot, session }
    }

    /// The snapshot that it was made from.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The session that it was made for.
    #[must_use]
    pub fn session(&self) -> &SessionContext {
        &self.session
    }

    /// May the session be opened at all?
    #[must_use]
    pub fn connect(&self, _now: Timestamp, _extra: &ApprovalFacts) -> Decision {
        Decision::Deny(unfinished())
    }

    /// May this operation run? Approvals in the snapshot that hold now count besides `extra`.
    #[must_use]
    pub fn decide(&self, _op: &Operation, _now: Timestamp, _extra: &ApprovalFacts) -> Decision {
        Decision::Deny(unfinished())
    }

    /// Whether an answer of [`Self::decide`] may change by time alone before [`Self::ends_at`].
    #[must_use]
    pub fn time_dependent(&self) -> bool {
        true
    }

    /// Could any policy permit any action in these groups, with any approval? `false` is a proof.
    #[must_use]
    pub fn could_ever(&self, _general_actions: &[&str]) -> bool {
        true
    }

    /// Whether any data class exists that this session does not see in clear everywhere.
    #[must_use]
    pub fn has_classes(&self) -> bool {
        true
    }

    /// The data classes that a column is in.
    #[must_use]
    pub fn classes_of(&self, _schema: &str, _table: &str, _column: &str) -> Vec<String> {
        Vec::new()
    }

    /// The data classes of a column that this session may not see in clear; `None` stands for any.
    #[must_use]
    pub fn unrevealed(
        &self,
        _schema: Option<&str>,
        _table: Option<&str>,
        _column: &str,
        _now: Timestamp,
    ) -> Vec<String> {
        Vec::new()
    }

    /// What is to be done with each column of an answer.
    ///
    /// # Errors
    /// A denial when it cannot be told.
    pub fn bind_mask(&self, _shape: &[ShapeColumn], _now: Timestamp) -> Result<MaskPlan, Denial> {
        Err(unfinished())
    }

    /// The detectors of every class that this session may not see, for errors, notices and recorded parameters.
    #[must_use]
    pub fn scrubber(&self, _now: Timestamp) -> Arc<dyn TextMask> {
        Arc::new(Nothing)
    }

    /// When a window or token that the session stands on ends; ask the snapshot for a new view then.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        None
    }
}
