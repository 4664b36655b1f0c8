//! What an operation changed in its session, once it has ended.

use super::analyst::Analysis;
use super::expect::Running;
use super::names::{Portal, Prepared, StatementRef};
use super::session::{End, Session, answer};
use bytes::Bytes;
use sluice_model::Outcome;
use sluice_protocol::postgres::types::{Formats, TransactionStatus};
use sluice_protocol::sql::{Effect, Statement};
use std::sync::Arc;

impl Session {
    /// Records the end of an operation, and what it changed in the session.
    pub(super) fn finish(
        &mut self,
        mut run: Running,
        outcome: Outcome,
        succeeded: bool,
    ) -> Result<(), End> {
        let op = run.permit.op();
        std::mem::take(&mut run.capture).record(op, &mut self.pipeline)?;
        let answer = answer(&run, outcome);
        self.operation_seconds.record(answer.micros as f64 / 1e6);
        self.pipeline.answered(op, answer)?;
        if counts(&run.analysis) {
            self.effects_in_flight = self.effects_in_flight.saturating_sub(1);
        }
        // Also when it failed or goes on: a setting may have been changed on the way.
        if run.analysis.touches_scope || run.analysis.runs_code {
            self.scope_stale = true;
            self.scope_in_transaction = true;
        }
        // A failed SET changes nothing, but what a failed transaction takes back is told at its end.
        if succeeded {
            self.apply(&run);
        }
        Ok(())
    }

    fn apply(&mut self, run: &Running) {
        for effect in run.analysis.effects() {
            match effect {
                Effect::Prepare { name, statement } => {
                    let prepared = Prepared {
                        text: Arc::clone(&run.text),
                        statement: StatementRef::Nested(Arc::clone(statement)),
                        parameter_types: Vec::new(),
                        told_types: Default::default(),
                        shape: Default::default(),
                    };
                    self.names.set_statement(name, Some(Arc::new(prepared)));
                }
                Effect::Deallocate(Some(name)) => drop(self.names.set_statement(name, None)),
                Effect::Deallocate(None) => self.names.forget_statements(),
                Effect::Declare {
                    cursor,
                    statement,
                    hold,
                    ..
                } => {
                    let prepared = Prepared {
                        text: Arc::clone(&run.text),
                        statement: StatementRef::Nested(Arc::clone(statement)),
                        parameter_types: Vec::new(),
                        told_types: Default::default(),
                        shape: Default::default(),
                    };
                    let portal = Portal {
                        prepared: Arc::new(prepared),
                        result_formats: Formats::default(),
                        bound: Bytes::new(),
                        cursor: Some(Arc::clone(&run.analysis.cursor)),
                        hold: *hold,
                        step: self.step,
                        scope: self.analyst.scope(),
                    };
                    self.names.set_portal(cursor, Some(Arc::new(portal)));
                }
                Effect::Close(Some(name)) => drop(self.names.set_portal(name, None)),
                Effect::Close(None) => self.names.forget_portals(),
                Effect::DiscardAll => {
                    self.names.forget_statements();
                    self.names.forget_portals();
                }
                Effect::RollbackTo(_) | Effect::Rollback { .. } | Effect::Commit { .. } => {
                    if self.transaction == TransactionStatus::Failed {
                        // Statements run again, before ReadyForQuery says so.
                        self.transaction = TransactionStatus::InBlock;
                    }
                    self.scope_stale |= self.scope_in_transaction;
                }
                Effect::CatalogChanged | Effect::TemporaryTable(_) => {
                    self.catalog_changed = true;
                    self.scope_stale = true;
                    self.analyst.changing_catalog = true;
                    self.analyst.outdate();
                }
                _ => {}
            }
        }
    }
}

/// Whether a statement can change where names lead.
pub(super) fn renames(statement: &Statement) -> bool {
    statement.deep_effects().any(changes_scope)
}

/// Whether an effect can change the search path or the role that it depends on.
pub(super) fn changes_scope(effect: &Effect) -> bool {
    let scope = |name: &str| matches!(name, "search_path" | "role" | "session_authorization");
    match effect {
        Effect::Set { name, .. } => name.as_deref().is_none_or(scope),
        Effect::Reset(name) => scope(name),
        Effect::ResetAll | Effect::DiscardAll => true,
        _ => false,
    }
}

/// Whether an effect changes anything that the gateway keeps track of, so that the next statement can be
/// read only once it is over.
fn changes_session(effect: &Effect) -> bool {
    !matches!(
        effect,
        Effect::Begin(_)
            | Effect::Savepoint(_)
            | Effect::Release(_)
            | Effect::Fetch(_)
            | Effect::Move(_)
            | Effect::Execute { .. }
            | Effect::CopyIn(_)
            | Effect::CopyOut(_)
            | Effect::Listen(_)
            | Effect::Unlisten(_)
    )
}

/// Whether the next message can be understood only once this operation is over.
pub(super) fn counts(analysis: &Analysis) -> bool {
    analysis.touches_scope || analysis.runs_code || analysis.effects().iter().any(changes_session)
}
