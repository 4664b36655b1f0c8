//! A text that was read: its statements, each with everything that does not need a catalog.

use std::ops::Range;

use super::lineage::Lineage;
use super::walk::MAX_LEVELS_DEEP;
use super::{Effect, RoutineUse, Use};

/// Every statement of one text, in order. An empty text has none.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The statements.
    pub statements: Vec<Statement>,
}

impl Script {
    /// Whether another text that differs in plain literals only reads the same: one plain statement whose reading
    /// does not depend on them.
    pub(crate) fn is_alike_for_all_literals(&self) -> bool {
        match self.statements.as_slice() {
            [only] => {
                !only.literal_matters
                    && matches!(only.kind, "SELECT" | "INSERT" | "UPDATE" | "DELETE")
            }
            _ => false,
        }
    }
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The command, such as `SELECT` or `DROP TABLE`.
    pub kind: &'static str,
    /// What it needs, without the routines.
    pub uses: Vec<Use>,
    /// What it calls; which of them matter is known once they are looked up.
    pub routines: Vec<RoutineUse>,
    /// What it changes in its session.
    pub effects: Vec<Effect>,
    /// False when some UPDATE, DELETE or TRUNCATE in it takes every row.
    pub has_where: bool,
    /// Whether it answers with rows.
    pub returns_rows: bool,
    /// Whether it is an EXPLAIN.
    pub explain: bool,
    /// How many statements were sent together.
    pub statement_count: usize,
    /// Where it stands in the text; `None` when it is the only one.
    pub(crate) range: Option<Range<usize>>,
    /// The reading depends on a literal: a position in ORDER BY, a value of SET.
    pub(crate) literal_matters: bool,
    /// Where its columns come from and go to.
    pub(crate) lineage: Lineage,
}

impl Statement {
    /// Its part of the text that it was read from.
    #[must_use]
    pub fn text<'text>(&self, text: &'text str) -> &'text str {
        match &self.range {
            Some(range) => text.get(range.clone()).unwrap_or(text).trim(),
            None => text,
        }
    }

    /// What it and the statements that it keeps (prepared, behind a cursor) change, sooner or later: each keeping
    /// effect, then those of the statement that it keeps.
    pub fn deep_effects(&self) -> impl Iterator<Item = &Effect> {
        let mut pending = vec![self.effects.iter()];
        std::iter::from_fn(move || {
            let effect = loop {
                match pending.last_mut()?.next() {
                    Some(effect) => break effect,
                    None => pending.pop(),
                };
            };
            if let Effect::Prepare { statement, .. } | Effect::Declare { statement, .. } = effect
                // No statement that was read is nested more deeply.
                && pending.len() <= MAX_LEVELS_DEEP
            {
                pending.push(statement.effects.iter());
            }
            Some(effect)
        })
    }

    /// Whether it could end a read-only mode that was put on the session.
    #[must_use]
    pub fn leaves_read_only(&self) -> bool {
        self.effects.iter().any(Effect::leaves_read_only)
    }
}
