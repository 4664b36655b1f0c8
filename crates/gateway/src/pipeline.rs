//! The one way from an operation to the target: decide, hold, record, permit.
//!
//! [`Permit`] has private fields and is made only here, from an `Allow` and the receipt of its record.
//! Whatever writes an operation to a target asks for one, so "undecided" and "unrecorded" cannot be written.

use crate::clock;
use crate::port::{ControlPort, PortError, Spent, Ticket};
use sluice_model::{
    Access, ApprovalFacts, ApprovalId, Ask, Decision, Denial, EventBody, HeldOperation,
    MaskedColumn, Operation, OperationDigest, Outcome, PrincipalId, RecordedAccess, RecordedValue,
    SessionContext,
};
use sluice_policy::{SessionView, Snapshot};
use sluice_record::{EventRef, Receipt, RecordError, Rendered, RowsJson, SessionRecord};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How a login stands in records and requests, where a statement stands otherwise.
pub const CONNECT: &str = "(connect)";

/// Leave to write one operation to the target.
#[derive(Debug)]
pub struct Permit {
    op: u64,
    _receipt: Receipt,
}

impl Permit {
    /// The number of the operation in its session.
    #[must_use]
    pub fn op(&self) -> u64 {
        self.op
    }
}

/// An `Allow` that holds for this statement as long as the session sees the same policies: none of them looks
/// at the time. Made here only; another one of the same text need not be decided again.
#[derive(Debug, Clone)]
pub struct StandingAllow {
    epoch: u64,
    decision: Rendered<Decision>,
    accesses: Rendered<[RecordedAccess]>,
}

/// What an operation needed, where that is known, and what was decided.
type Told<'a> = (
    Option<&'a Rendered<[RecordedAccess]>>,
    &'a Rendered<Decision>,
);

/// Accesses of one operation that are kept: statements need a handful, generated ones some dozens.
const MAX_ACCESSES: usize = 32;

/// What an operation needs, for its record: each once.
fn needed(operation: &Operation) -> Result<Rendered<[RecordedAccess]>, RecordError> {
    let accesses: BTreeSet<&Access> = operation.accesses.iter().collect();
    let written =
        |access: &Access| RecordedAccess(access.action.to_string(), access.resource.to_string());
    let more = accesses.len().saturating_sub(MAX_ACCESSES);
    let mut kept: Vec<RecordedAccess> = accesses
        .into_iter()
        .take(MAX_ACCESSES)
        .map(written)
        .collect();
    if more > 0 {
        let rest = format!("{more} that are not kept");
        kept.push(RecordedAccess(RecordedAccess::MORE.to_owned(), rest));
    }
    Rendered::new(kept.as_slice())
}

/// The record cannot be written: the session ends here.
#[derive(Debug, thiserror::Error)]
#[error("the session's record cannot be written, so the session ends: {0}")]
pub struct Unrecorded(#[from] RecordError);

/// What became of an operation.
#[derive(Debug)]
pub enum Verdict {
    /// It may run.
    Run(Permit, Option<StandingAllow>),
    /// It must wait for humans.
    Hold {
        /// Its number.
        op: u64,
        /// Whose consent suffices.
        ask: Ask,
    },
    /// It may not run.
    Refuse(Denial),
}

/// How an operation ended, for its record.
#[derive(Debug)]
pub struct Answer {
    /// How.
    pub outcome: Outcome,
    /// Rows sent to the caller.
    pub rows: u64,
    /// Bytes sent to the caller.
    pub bytes: u64,
    /// Columns masked.
    pub masked: Arc<[MaskedColumn]>,
    /// Microseconds since it was forwarded.
    pub micros: u64,
}

/// How a wait for humans ended, for its record.
#[derive(Debug, Clone)]
pub struct HoldOver {
    how: &'static str,
    by: Vec<PrincipalId>,
    reason: Option<String>,
}

impl HoldOver {
    /// Without anybody's decision: how.
    #[must_use]
    pub fn undecided(how: &'static str) -> Self {
        Self {
            how,
            by: Vec::new(),
            reason: None,
        }
    }

    /// By consent.
    #[must_use]
    pub fn approved(by: Vec<PrincipalId>) -> Self {
        Self {
            how: "approved",
            by,
            reason: None,
        }
    }

    /// By somebody who said no, and why.
    #[must_use]
    pub fn denied(by: PrincipalId, reason: Option<String>) -> Self {
        Self {
            how: "denied",
            by: vec![by],
            reason,
        }
    }
}

/// One session's decisions and record.
pub struct Pipeline {
    context: Arc<SessionContext>,
    view: SessionView,
    record: SessionRecord,
    port: Arc<dyn ControlPort>,
    next_op: u64,
    epoch: u64,
}

impl Pipeline {
    /// The pipeline of a session whose opening is recorded.
    #[must_use]
    pub fn new(
        context: Arc<SessionContext>,
        view: SessionView,
        record: SessionRecord,
        port: Arc<dyn ControlPort>,
    ) -> Self {
        Self {
            context,
            view,
            record,
            port,
            next_op: 1,
            epoch: 0,
        }
    }

    /// The snapshot as this session sees it.
    #[must_use]
    pub fn view(&self) -> &SessionView {
        &self.view
    }

    /// How often the session has seen other policies.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Moves to a new snapshot.
    ///
    /// # Errors
    /// The session may not go on under it.
    pub fn renew(&mut self, snapshot: &Arc<Snapshot>) -> Result<(), Denial> {
        let now = clock::now();
        let view = snapshot.view(&self.context, now)?;
        standing(&view)?;
        self.view = view;
        self.epoch += 1;
        Ok(())
    }

    /// Moves a session that waits for an approval to connect to a new snapshot: it has to be one that can still be
    /// given.
    ///
    /// # Errors
    /// The session may not go on under it.
    pub fn renew_waiting(&mut self, snapshot: &Arc<Snapshot>) -> Result<(), Denial> {
        let now = clock::now();
        let view = snapshot.view(&self.context, now)?;
        if let Decision::Deny(denial) = view.connect(now, &ApprovalFacts::default()) {
            return Err(denial);
        }
        self.view = view;
        self.epoch += 1;
        Ok(())
    }

    /// Decides an operation and records the decision. Nothing of it was forwarded before this returns.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn admit(
        &mut self,
        operation: &Operation,
        parameters: &[RecordedValue],
    ) -> Result<Verdict, Unrecorded> {
        let decision = self
            .view
            .decide(operation, clock::now(), &ApprovalFacts::default());
        let rendered = Rendered::new(&decision)?;
        let needed = needed(operation)?;
        let told = (Some(&needed), &rendered);
        let permit = self.asked(&operation.text, parameters, told, None)?;
        Ok(match decision {
            Decision::Allow(_) => {
                let standing = !self.view.time_dependent();
                Verdict::Run(
                    permit,
                    standing.then_some(StandingAllow {
                        epoch: self.epoch,
                        decision: rendered,
                        accesses: needed,
                    }),
                )
            }
            Decision::Ask(ask) => Verdict::Hold { op: permit.op, ask },
            Decision::Deny(denial) => Verdict::Refuse(denial),
        })
    }

    /// Records an operation that was decided before, under the same policies; `None` when they are not the
    /// same any more, and it must be decided again.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn admit_again(
        &mut self,
        standing: &StandingAllow,
        text: &str,
        parameters: &[RecordedValue],
    ) -> Result<Option<Permit>, Unrecorded> {
        let ended = |end| end <= clock::now();
        if standing.epoch != self.epoch || self.view.ends_at().is_some_and(ended) {
            return Ok(None);
        }
        let told = (Some(&standing.accesses), &standing.decision);
        self.asked(text, parameters, told, None).map(Some)
    }

    /// Decides an operation again, now that humans have agreed to it, and uses the approval up.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn admit_approved(
        &mut self,
        operation: &Operation,
        parameters: &[RecordedValue],
        spent: &Spent,
    ) -> Result<Verdict, Unrecorded> {
        let decision = match self.view.decide(operation, clock::now(), &spent.facts) {
            Decision::Ask(_) => Decision::Deny(Denial {
                policy: None,
                message: "the approval no longer suffices under the policies of now; ask again"
                    .into(),
            }),
            decided => decided,
        };
        let rendered = Rendered::new(&decision)?;
        let needed = needed(operation)?;
        let told = (Some(&needed), &rendered);
        let permit = self.asked(&operation.text, parameters, told, Some(&spent.id))?;
        Ok(match decision {
            Decision::Allow(_) => Verdict::Run(permit, None),
            Decision::Deny(denial) => Verdict::Refuse(denial),
            Decision::Ask(ask) => Verdict::Hold { op: permit.op, ask },
        })
    }

    /// Records what is decided about connecting, of a login that waits; one that does not wait tells of it in its
    /// opening. Gives the number of it.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn asked_to_connect(
        &mut self,
        decision: Decision,
        approval: Option<ApprovalId>,
    ) -> Result<u64, Unrecorded> {
        let decision = Rendered::new(&decision)?;
        let told = (None, &decision);
        Ok(self.asked(CONNECT, &[], told, approval.as_ref())?.op)
    }

    /// Records an operation that the protocol itself refuses (it was not understood).
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn refuse(&mut self, text: &str, denial: &Denial) -> Result<(), Unrecorded> {
        let decision = Rendered::new(&Decision::Deny(denial.clone()))?;
        self.asked(text, &[], (None, &decision), None).map(drop)
    }

    /// Asks humans about an operation, and records that it waits.
    ///
    /// # Errors
    /// The inner error refuses the operation; [`Unrecorded`] ends the session.
    pub async fn hold(
        &mut self,
        op: u64,
        held: HeldOperation,
    ) -> Result<Result<Ticket, PortError>, Unrecorded> {
        let digest = held.digest.clone();
        let ticket = match self.port.hold(held).await {
            Ok(ticket) => ticket,
            Err(error) => return Ok(Err(error)),
        };
        self.held(op, &ticket, digest)?;
        Ok(Ok(ticket))
    }

    /// Records that an operation waits, about which humans were asked elsewhere.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn held(&mut self, op: u64, ticket: &Ticket, digest: String) -> Result<(), Unrecorded> {
        let body = EventBody::Held {
            op,
            approval: ticket.id.clone(),
            digest,
        };
        self.append(&body)
    }

    /// Records what the next operation brings. It is with the kernel when the decision about it is.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn describe(
        &mut self,
        events: impl FnOnce(u64) -> Vec<EventBody>,
    ) -> Result<(), Unrecorded> {
        for event in events(self.next_op) {
            self.append(&event)?;
        }
        Ok(())
    }

    /// Records how a wait ended.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn hold_ended(
        &mut self,
        op: u64,
        approval: ApprovalId,
        over: HoldOver,
    ) -> Result<(), Unrecorded> {
        let body = EventBody::HoldEnded {
            op,
            approval,
            how: over.how.to_owned(),
            by: over.by,
            reason: over.reason,
        };
        self.append(&body)
    }

    /// Uses an approval up, if there is one for exactly this operation.
    ///
    /// # Errors
    /// The control plane cannot tell; the operation is refused.
    pub async fn spend(
        &self,
        id: Option<&ApprovalId>,
        digest: OperationDigest,
    ) -> Result<Option<Spent>, PortError> {
        spend(self.port.as_ref(), &self.context, id, digest).await
    }

    /// The control plane, to end a wait.
    #[must_use]
    pub fn port(&self) -> &Arc<dyn ControlPort> {
        &self.port
    }

    /// Records a part of an answer as the caller saw it.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn rows(
        &mut self,
        op: u64,
        columns: Option<&Rendered<[String]>>,
        rows: RowsJson,
        capped: bool,
    ) -> Result<(), Unrecorded> {
        let rows = EventRef::Rows {
            op,
            columns,
            rows,
            capped,
        };
        self.append(rows)
    }

    /// Records something else, such as a statement that was prepared.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn note(&mut self, body: &EventBody) -> Result<(), Unrecorded> {
        self.append(body)
    }

    /// Records the end of an operation.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn answered(&mut self, op: u64, answer: Answer) -> Result<(), Unrecorded> {
        let answered = EventRef::Answered {
            op,
            outcome: &answer.outcome,
            rows: answer.rows,
            bytes: answer.bytes,
            masked: &answer.masked,
            micros: answer.micros,
        };
        self.append(answered)
    }

    /// Records the end of the session.
    pub fn close(self, why: &str) {
        if let Err(error) = self.record.close(clock::now(), why) {
            tracing::error!(session = %self.context.id, %error, "the end of a session could not be recorded");
        }
    }

    /// Records a decision. The permit that comes of it is handed on only where the decision was `Allow`.
    fn asked(
        &mut self,
        text: &str,
        parameters: &[RecordedValue],
        (accesses, decision): Told<'_>,
        approval: Option<&ApprovalId>,
    ) -> Result<Permit, Unrecorded> {
        let op = self.next_op;
        self.next_op += 1;
        let asked = EventRef::Asked {
            op,
            text,
            parameters,
            accesses,
            decision,
            approval,
        };
        let receipt = self.record.append(clock::now(), asked)?;
        Ok(Permit {
            op,
            _receipt: receipt,
        })
    }

    /// What follows a decision need not be with the kernel at once.
    fn append<'a>(&mut self, event: impl Into<EventRef<'a>>) -> Result<(), Unrecorded> {
        Ok(self.record.append_later(clock::now(), event)?)
    }

    /// Whether events wait to be written.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.record.is_behind()
    }

    /// Writes the events that wait.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn flush(&mut self) -> Result<(), Unrecorded> {
        Ok(self.record.flush()?)
    }
}

/// Uses an approval up, if there is one for exactly this operation of this session.
///
/// # Errors
/// The control plane cannot tell; the operation is refused.
pub async fn spend(
    port: &dyn ControlPort,
    context: &SessionContext,
    id: Option<&ApprovalId>,
    digest: OperationDigest,
) -> Result<Option<Spent>, PortError> {
    let (principal, connection) = (&context.principal.id, &context.connection.name);
    port.spend(id, digest, principal, connection, &context.id)
        .await
}

/// Whether a session may go on: `connect` must still be allowed, with the approvals that hold now.
pub(crate) fn standing(view: &SessionView) -> Result<(), Denial> {
    match view.connect(clock::now(), &ApprovalFacts::default()) {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(denial) => Err(denial),
        Decision::Ask(_) => Err(Denial {
            policy: None,
            message: "the approval that the session stood on has ended; request it again".into(),
        }),
    }
}
