//! After a wait for humans, everything is found out again: what the names of a batch stand for, what its columns
//! are, and what the policies of now say. What changed meanwhile wins.

use super::digest;
use super::estimate::{ESTIMATED_ROWS, Estimate};
use super::expect::Admitted;
use super::front::Batch;
use super::hold::Held;
use super::names::StatementRef;
use super::refusal::{NOT_ALLOWED, Refusal};
use super::session::{End, Session};
use super::write_back;
use crate::clock;
use crate::pipeline::Verdict;
use crate::port::Spent;
use sluice_model::{ApprovalFacts, Decision, Operation};

impl Session {
    /// Understands a batch again and decides all of it, with the approval as a fact for what waited. Some refusal
    /// ends it.
    pub(super) async fn admit_after_wait(
        &mut self,
        held: &mut Held,
        spent: &Spent,
    ) -> Result<Option<Refusal>, End> {
        if let Err(refusal) = self.understand_again(&mut held.batch).await {
            return Ok(Some(refusal));
        }
        if digest::of(&self.context, &held.batch, &held.resume) != held.digest {
            let changed = "what the statement means changed while it waited; run it again";
            return Ok(Some(Refusal::new(NOT_ALLOWED, changed)));
        }
        self.admit_rest(&mut held.batch, spent)
    }

    /// Others can have made or changed what the names in a batch lead to.
    async fn understand_again(&mut self, batch: &mut [Admitted]) -> Result<(), Refusal> {
        let references: Vec<StatementRef> = batch
            .iter()
            .map(|admitted| admitted.analysis.statement.clone())
            .collect();
        if !self.analyst.changing_catalog {
            self.analyst.outdate();
        }
        let mut earlier = Batch::default();
        for (admitted, reference) in batch.iter_mut().zip(&references) {
            admitted.analysis = self.understand_next(reference, &mut earlier).await?;
            earlier.before.extend(reference.get());
        }
        Ok(())
    }

    /// Decides what still waits in a batch, with the approval as a fact.
    pub(super) fn admit_rest(
        &mut self,
        batch: &mut [Admitted],
        spent: &Spent,
    ) -> Result<Option<Refusal>, End> {
        if let Some(refusal) = self.no_longer_allowed(batch) {
            return Ok(Some(refusal));
        }
        for waiting in batch
            .iter_mut()
            .filter(|admitted| admitted.permit.is_none())
        {
            let operation = match self.operation_now(waiting) {
                Ok(operation) => operation,
                Err(refusal) => return Ok(Some(refusal)),
            };
            let parameters = std::mem::take(&mut waiting.bound.recorded);
            match self
                .pipeline
                .admit_approved(&operation, &parameters, spent)?
            {
                Verdict::Run(permit, _) => {
                    waiting.op = permit.op();
                    waiting.permit = Some(permit);
                    waiting.approved = Some(spent.clone());
                }
                Verdict::Refuse(denial) => {
                    return Ok(Some(Refusal::denied(
                        &denial,
                        &self.context.connection.name,
                    )));
                }
                Verdict::Hold { .. } => {
                    return Ok(Some(Refusal::internal("the approval does not suffice")));
                }
            }
        }
        Ok(None)
    }

    /// What was allowed without asking must still be.
    fn no_longer_allowed(&self, batch: &[Admitted]) -> Option<Refusal> {
        let permitted = batch.iter().filter(|admitted| admitted.permit.is_some());
        permitted.into_iter().find_map(|admitted| {
            let operation = match self.operation_now(admitted) {
                Ok(operation) => operation,
                Err(refusal) => return Some(refusal),
            };
            let view = self.pipeline.view();
            match view.decide(&operation, clock::now(), &ApprovalFacts::default()) {
                Decision::Allow(_) => None,
                Decision::Deny(denial) => {
                    Some(Refusal::denied(&denial, &self.context.connection.name))
                }
                Decision::Ask(_) => Some(Refusal::new(
                    NOT_ALLOWED,
                    "the policies changed while the statement waited; run it again",
                )),
            }
        })
    }

    /// What an operation needs under the policies and data classes of now.
    fn operation_now(&self, admitted: &Admitted) -> Result<Operation, Refusal> {
        let (view, now) = (self.pipeline.view(), clock::now());
        let Admitted {
            analysis,
            text,
            bound,
            estimate,
            ..
        } = admitted;
        write_back::check(analysis, text, bound.portal.as_deref(), view, now)?;
        let operation = analysis.operation(text, &self.context, view, now)?;
        if *estimate == Estimate::NotAsked && view.wants_fact(ESTIMATED_ROWS, &operation, now) {
            let changed = "the policies changed while the statement waited; run it again";
            return Err(Refusal::new(NOT_ALLOWED, changed));
        }
        Ok(estimate.in_facts_of(operation))
    }
}
