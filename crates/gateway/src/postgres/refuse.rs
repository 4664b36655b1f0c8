//! Refusing as a server would: in the right place among the answers, with the transaction and the pipeline
//! left as an error leaves them.

use super::expect::{Admitted, Expect, Resume};
use super::refusal::Refusal;
use super::session::{End, Session, Skip};
use crate::pipeline::Answer;
use sluice_model::Outcome;
use sluice_protocol::postgres::encode;
use sluice_protocol::postgres::types::TransactionStatus;
use std::sync::Arc;

/// Sent in place of a refused statement where the target must fail too, so that its transaction and its
/// pipeline end as they would have. The target's operator sees why in the log.
const REFUSED_IN_PLACE: &str = "statement_refused_by_gateway";

impl Session {
    /// Refuses a batch that was already decided in part.
    pub(super) fn refuse_batch(
        &mut self,
        batch: &[Admitted],
        resume: &Resume,
        refusal: Refusal,
    ) -> Result<(), End> {
        self.drop_batch(batch)?;
        match resume {
            Resume::Query(_) => self.refuse_query(refusal),
            Resume::Execute(..) => self.refuse_extended(refusal),
        }
    }

    /// Records that operations which were allowed did not run, because their batch was refused.
    pub(super) fn drop_batch(&mut self, batch: &[Admitted]) -> Result<(), End> {
        for admitted in batch {
            let answer = Answer {
                outcome: Outcome::Cut("not forwarded".into()),
                rows: 0,
                bytes: 0,
                masked: Arc::default(),
                micros: 0,
            };
            self.pipeline.answered(admitted.op, answer)?;
        }
        Ok(())
    }

    /// Refuses a simple query as a server would: an error, then ReadyForQuery; a transaction fails.
    pub(super) fn refuse_query(&mut self, refusal: Refusal) -> Result<(), End> {
        let alone = self.expect.is_empty() && !self.unsynced;
        if alone && self.transaction != TransactionStatus::InBlock {
            refusal.encode("ERROR", &mut self.client.outbox);
            encode::ready_for_query(&mut self.client.outbox, self.transaction);
            return Ok(());
        }
        encode::query(&mut self.target.outbox, REFUSED_IN_PLACE)?;
        self.expect.push_back(Expect::Refused {
            refusal,
            then_ready: true,
        });
        self.unsynced = false;
        self.step += 1;
        Ok(())
    }

    /// Refuses a step of a pipeline as a server would: an error, and everything up to Sync is skipped.
    pub(super) fn refuse_extended(&mut self, refusal: Refusal) -> Result<(), End> {
        let alone = self.expect.is_empty() && !self.unsynced;
        if alone && self.transaction != TransactionStatus::InBlock {
            refusal.encode("ERROR", &mut self.client.outbox);
            self.skip = Skip::Local;
            return Ok(());
        }
        self.names.set_statement("", None);
        encode::parse(&mut self.target.outbox, "", REFUSED_IN_PLACE, &[])?;
        self.expect.push_back(Expect::Refused {
            refusal,
            then_ready: false,
        });
        self.skip = Skip::Target;
        self.in_step();
        self.step_names = true;
        Ok(())
    }
}
