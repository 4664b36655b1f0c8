//! Logins that wait for a human: policies let the principal connect under an approval that nobody has given yet.
//!
//! ```text
//! AuthenticationOk, NOTICE --approved--> the login goes on (target, ParameterStatus, ReadyForQuery)
//!                          --denied, timed out, ended, client gone--> no session
//! ```
//! The target hears nothing of a login that waits. AuthenticationOk comes first because the token is good, and because
//! client libraries take a notice only after it.

use super::Shared;
use super::login::PARTING;
use super::refusal::{ENDED, Refusal};
use crate::asking;
use crate::clock;
use crate::digest;
use crate::duplex::Side;
use crate::pipeline::{HoldOver, Pipeline, Unrecorded};
use crate::port::{HoldProgress, PortError, Ticket};
use crate::registry::Live;
use crate::stream::Stream;
use parking_lot::Mutex;
use sluice_model::{
    ApprovalFacts, ApprovalId, Ask, Decision, Denial, HeldOperation, PrincipalId, SessionContext,
};
use sluice_policy::Snapshot;
use sluice_protocol::postgres::{FrontendTag, encode, frame};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The most logins that wait, of all: a quarter of those that can be under way.
const MAX_WAITING: usize = 1_024;
/// The most logins of one principal that wait: a large connection pool. They wait for one answer.
const MAX_WAITING_EACH: usize = 64;
/// What a client may send ahead of the end of its login: a few statements, and no more than memory for a thousand
/// that wait.
const MAX_AHEAD: usize = 16 * 1024;
/// How long the answer to a request may take to arrive after the access that it gives.
const ANSWER_LAG: Duration = Duration::from_secs(1);

/// Counts the logins that wait.
#[derive(Debug, Default)]
pub struct WaitingLogins(Mutex<HashMap<PrincipalId, usize>>);

impl WaitingLogins {
    /// A place to wait, until it is dropped; `None` when too many wait.
    fn enter(&self, principal: &PrincipalId) -> Option<Place<'_>> {
        let mut waiting = self.0.lock();
        let all: usize = waiting.values().sum();
        let own = waiting.get(principal).copied().unwrap_or_default();
        if all >= MAX_WAITING || own >= MAX_WAITING_EACH {
            return None;
        }
        waiting.insert(principal.clone(), own + 1);
        metrics::gauge!("sluice_holds_waiting").increment(1.0);
        Some(Place {
            logins: self,
            principal: principal.clone(),
        })
    }
}

struct Place<'a> {
    logins: &'a WaitingLogins,
    principal: PrincipalId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        metrics::gauge!("sluice_holds_waiting").decrement(1.0);
        let mut waiting = self.logins.0.lock();
        if let Some(own) = waiting.get_mut(&self.principal) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.principal);
            }
        }
    }
}

/// Why a login that waited became no session.
#[derive(Debug)]
pub enum Over {
    /// The client is told.
    Told(Refusal),
    /// The client went away.
    Left,
}

impl From<Refusal> for Over {
    fn from(refusal: Refusal) -> Self {
        Self::Told(refusal)
    }
}

impl From<Unrecorded> for Over {
    fn from(error: Unrecorded) -> Self {
        Self::Told(error.into())
    }
}

impl From<PortError> for Over {
    fn from(error: PortError) -> Self {
        Self::Told(error.into())
    }
}

/// What ends a wait.
enum Waited {
    /// Somebody decided, or the request ended.
    Decided,
    /// The policies, or another approval, let the principal connect now.
    Allowed,
    /// The policies refuse now, or the principal is switched off.
    Refused(Denial),
    /// Nobody decided.
    TimedOut,
    /// The client left.
    Left,
    /// The gateway ends it.
    Ended(Refusal),
}

/// A login that waits.
pub struct Waiting<'a> {
    /// What all sessions share.
    pub shared: &'a Shared,
    /// Who wants to act on what.
    pub context: &'a SessionContext,
    /// The client, with AuthenticationOk in its outbox.
    pub client: &'a mut Side<Stream>,
    /// Decisions and record.
    pub pipeline: &'a mut Pipeline,
    /// Its place in the registry.
    pub live: &'a Live,
    /// Where it hears of new policies and grants.
    pub snapshots: &'a mut watch::Receiver<Arc<Snapshot>>,
}

impl Waiting<'_> {
    /// Waits until the principal may connect.
    ///
    /// # Errors
    /// It may not, or did not wait.
    pub async fn until_allowed(mut self, ask: Ask) -> Result<(), Over> {
        let op = self
            .pipeline
            .asked_to_connect(Decision::Ask(ask.clone()), None)?;
        let digest = digest::of_login(self.context);
        if let Some(spent) = self.pipeline.spend(None, digest).await? {
            return self.let_in(Some(spent.id));
        }
        let shared = self.shared;
        let _place = shared
            .waiting
            .enter(&self.context.principal.id)
            .ok_or_else(|| Refusal::new("53300", "too many logins wait for an approval"))?;
        let mut ticket = self.pipeline.hold(op, self.held(&ask)).await??;
        self.tell(&ticket).await?;
        let waited = self.wait(&mut ticket).await;
        self.over(op, &ticket, waited).await
    }

    fn held(&self, ask: &Ask) -> HeldOperation {
        let digest = digest::of_login(self.context);
        asking::of_login(self.context, ask.clone(), digest)
    }

    async fn tell(&mut self, ticket: &Ticket) -> Result<(), Over> {
        let id = &ticket.id;
        let report = encode::Report {
            severity: "NOTICE",
            sqlstate: "00000",
            message: &format!("waiting for approval to connect, request {id}"),
            detail: Some(&format!(
                "an approver decides at {} or with: sluice approve {id} --for 2h",
                ticket.url
            )),
            hint: Some(
                "the login goes on by itself once it is approved; the request stays open if you stop waiting",
            ),
        };
        encode::notice_response(&mut self.client.outbox, &report);
        match timeout(PARTING, self.client.send()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over::Left),
        }
    }

    async fn wait(&mut self, ticket: &mut Ticket) -> Waited {
        let seconds = self.context.connection.hold_timeout_seconds;
        let deadline = Instant::now() + Duration::from_secs(seconds.into());
        let mut ended = self.live.ended();
        let mut draining = self.shared.registry.draining();
        loop {
            tokio::select! {
                biased;
                reason = ended.wait_for(Option::is_some) => {
                    let reason = reason.ok().and_then(|reason| reason.clone());
                    let reason = reason.map(|reason| reason.0).unwrap_or_default();
                    return Waited::Ended(Refusal::new(ENDED, format!("the login was ended: {reason}")));
                }
                changed = self.snapshots.changed() => {
                    if changed.is_err() {
                        return Waited::Ended(Refusal::new(ENDED, "the control plane is gone"));
                    }
                    if let Some(waited) = self.decided_anew() {
                        return waited;
                    }
                }
                // An error means that the control plane dropped the request, which ends it as well.
                _ = ticket.progress.wait_for(|now| *now != HoldProgress::Waiting) => return Waited::Decided,
                _ = draining.wait_for(|draining| *draining) => {
                    return Waited::Ended(Refusal::new(ENDED, "the gateway is shutting down; connect again"));
                }
                waited = left(self.client) => return waited,
                () = tokio::time::sleep_until(deadline) => return Waited::TimedOut,
            }
        }
    }

    /// What the newest snapshot says; `None` when it still asks.
    fn decided_anew(&mut self) -> Option<Waited> {
        let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
        let now = clock::now();
        let view = match snapshot.view(self.context, now) {
            Ok(view) => view,
            Err(denial) => return Some(Waited::Refused(denial)),
        };
        match view.connect(now, &ApprovalFacts::default()) {
            Decision::Allow(_) => Some(Waited::Allowed),
            Decision::Deny(denial) => Some(Waited::Refused(denial)),
            Decision::Ask(_) => None,
        }
    }

    async fn over(&mut self, op: u64, ticket: &Ticket, waited: Waited) -> Result<(), Over> {
        let id = &ticket.id;
        let connection = &self.context.connection;
        let port = Arc::clone(self.pipeline.port());
        match waited {
            Waited::Decided => self.decided(op, ticket).await,
            Waited::Allowed => {
                // A grant is published before whoever waits hears of it.
                let mut progress = ticket.progress.clone();
                let heard = progress.wait_for(|now| *now != HoldProgress::Waiting);
                if timeout(ANSWER_LAG, heard).await.is_ok() {
                    return self.decided(op, ticket).await;
                }
                port.cancel_hold(id).await;
                self.ended(op, id, HoldOver::undecided("not needed any more"))?;
                self.let_in(None)
            }
            Waited::Refused(denial) => {
                port.cancel_hold(id).await;
                self.ended(op, id, HoldOver::undecided("cancelled"))?;
                Err(Refusal::denied(&denial, &connection.name).into())
            }
            Waited::TimedOut => {
                port.leave_open(id).await;
                self.ended(op, id, HoldOver::undecided("timed out"))?;
                Err(Refusal::login_timed_out(id, connection.hold_timeout_seconds).into())
            }
            Waited::Left => {
                port.leave_open(id).await;
                self.ended(op, id, HoldOver::undecided("the client left"))?;
                Err(Over::Left)
            }
            Waited::Ended(refusal) => {
                port.leave_open(id).await;
                self.ended(op, id, HoldOver::undecided("ended"))?;
                Err(refusal.into())
            }
        }
    }

    async fn decided(&mut self, op: u64, ticket: &Ticket) -> Result<(), Over> {
        let id = &ticket.id;
        let progress = ticket.progress.borrow().clone();
        match progress {
            HoldProgress::Waiting | HoldProgress::Ended => {
                self.ended(op, id, HoldOver::undecided("expired"))?;
                Err(Refusal::undecided(id).into())
            }
            HoldProgress::Denied { by, reason } => {
                let refusal = Refusal::denied_by(id, &by, reason.as_deref());
                self.ended(op, id, HoldOver::denied(by, reason))?;
                Err(refusal.into())
            }
            HoldProgress::Approved { by, .. } => {
                self.ended(op, id, HoldOver::approved(by))?;
                let digest = digest::of_login(self.context);
                match self.pipeline.spend(Some(id), digest).await? {
                    Some(_) => self.let_in(Some(id.clone())),
                    None => Err(Refusal::used_up(id).into()),
                }
            }
        }
    }

    fn ended(&mut self, op: u64, id: &ApprovalId, over: HoldOver) -> Result<(), Unrecorded> {
        self.pipeline.hold_ended(op, id.clone(), over)
    }

    /// Decides again, under the newest snapshot, with the consent that is in it now.
    fn let_in(&mut self, approval: Option<ApprovalId>) -> Result<(), Over> {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let decision = match self.pipeline.renew(&snapshot) {
            Ok(()) => {
                let view = self.pipeline.view();
                view.connect(clock::now(), &ApprovalFacts::default())
            }
            Err(denial) => Decision::Deny(denial),
        };
        self.pipeline.asked_to_connect(decision.clone(), approval)?;
        match decision {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(denial) => {
                Err(Refusal::denied(&denial, &self.context.connection.name).into())
            }
            Decision::Ask(_) => Err(Refusal::internal("the approval does not suffice").into()),
        }
    }
}

/// Waits until the client goes away, or sends more than one may that is not logged in yet.
async fn left(client: &mut Side<Stream>) -> Waited {
    loop {
        let header = match frame::peek_header::<FrontendTag>(&client.inbox) {
            Ok(header) => header,
            Err(violation) => return Waited::Ended(violation.into()),
        };
        if header.is_some_and(|header| header.tag == FrontendTag::Terminate) {
            return Waited::Left;
        }
        if client.inbox.len() > MAX_AHEAD {
            let much = "too much was sent before the login was over";
            return Waited::Ended(Refusal::new("08P01", much));
        }
        if !client.receive().await.unwrap_or(false) {
            return Waited::Left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_logins_are_bounded_for_each_principal_and_altogether() {
        let logins = WaitingLogins::default();
        let enter = |name: &str| logins.enter(&PrincipalId::user(name));
        let ada: Vec<_> = std::iter::repeat_with(|| enter("ada"))
            .map_while(|place| place)
            .collect();
        assert_eq!(ada.len(), MAX_WAITING_EACH);
        let others: Vec<_> = (0..MAX_WAITING)
            .map_while(|n| enter(&n.to_string()))
            .collect();
        assert_eq!(others.len(), MAX_WAITING - MAX_WAITING_EACH);
        drop(ada);
        assert!(enter("ada").is_some());
        drop(others);
        assert!(
            logins.0.lock().is_empty(),
            "nothing is kept of who has left"
        );
    }
}
