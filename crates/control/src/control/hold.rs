//! Approvals: asking, waiting, deciding, using up. The rules are in [`crate::approvals`]; here they are recorded,
//! stored and published.

use super::caller::{Caller, administers};
use super::waits::{Waiting, is_waited_for};
use super::{Control, Working};
use crate::api::console::CONSOLE;
use crate::api::types::{ApprovalInfo, ApproveScope, CreateRequest};
use crate::approvals::{Approval, LIFE_SECONDS, MAX_WINDOW_SECONDS, What};
use crate::error::ControlError;
use crate::port_types::{ApprovalError, ApprovalTicket, Spent};
use crate::ports::LiveSessions;
use crate::rights;
use crate::store::Changes;
use sluice_model::{
    ApprovalId, ApprovalState, HeldOperation, MAX_SHOWN, Principal, PrincipalId, SessionId,
};
use sluice_policy::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Requests of one principal that can be open at a time: a runaway job cannot bury the approvers.
const MAX_OPEN_EACH: usize = 50;
/// Requests that can be open altogether.
const MAX_OPEN: usize = 5_000;
/// Decided requests that stay listed; older ones are in the store and the log.
const MAX_OVER: usize = 1_000;
/// The longest reason.
const MAX_REASON: usize = 1_000;

impl Control {
    /// Asks humans about an operation that waits.
    ///
    /// # Errors
    /// It cannot be recorded or stored, or too many are open.
    pub async fn request_approval(
        &self,
        held: HeldOperation,
    ) -> Result<ApprovalTicket, ApprovalError> {
        // Bounds the memory of open requests as well.
        let shown = held
            .parameters
            .iter()
            .flat_map(|p| p.value.as_deref())
            .map(str::len);
        if shown.fold(held.text.len(), usize::saturating_add) > MAX_SHOWN {
            return Err(ApprovalError::Conflict(format!(
                "the operation is longer than {MAX_SHOWN} bytes, too long for a person to judge; split it"
            )));
        }
        let mut working = self.0.working.lock().await;
        let principal = held.principal.clone();
        let owner = match self.snapshot().principal(&principal) {
            None => {
                return Err(ApprovalError::Forbidden(format!(
                    "{principal} is switched off"
                )));
            }
            Some(p) => p.owner.as_ref().map(|o| o.id.clone()),
        };
        if let Some(ticket) = self.join(&mut working, &held) {
            return Ok(ticket);
        }
        let (id, client) = (new_id()?, held.client.clone());
        let approval = Approval::of_operation(id.clone(), held, owner, self.now());
        let approval = self.0.desk.narrowed(approval, &self.snapshot());
        let progress = approval.progress();
        self.open(&mut working, approval)
            .await
            .map_err(to_approval_error)?;
        Ok(self.ticket(&mut working, id, progress, client))
    }

    /// Where a request can be looked at and decided.
    pub(super) fn approval_url(&self, id: &ApprovalId) -> String {
        format!("{}{CONSOLE}approvals/{id}", self.0.config.public_url)
    }

    /// The client gave up or went away: its request is withdrawn. A login that was approved meanwhile keeps that.
    pub async fn cancel_approval(&self, id: &ApprovalId) {
        let mut working = self.0.working.lock().await;
        let kept = |a: &&Approval| !(a.is_connect() && a.state == ApprovalState::Approved);
        let found = working.approvals.get(id).filter(kept);
        let Some(next) = found.and_then(Approval::cancel) else {
            return;
        };
        let actor = next.principal.clone();
        // A withdrawal that cannot be kept still holds in this process: it only takes away.
        let _ = self.record(&actor, "approval.cancel", id, "");
        let _ = self.write(&Changes::approvals(vec![next.clone()])).await;
        keep(&mut working, vec![next]);
        self.publish(&mut working);
    }

    /// Uses an approval up. A wait names its request; without one, a request for this exact operation that was
    /// approved after its client had stopped waiting is looked for. A consent for a session or a window is not
    /// used up. One for a login becomes one for `session`, and is in the snapshot before this returns.
    ///
    /// # Errors
    /// It could not be stored that the run is taken, so it is not.
    pub async fn spend(
        &self,
        id: Option<&ApprovalId>,
        digest: &str,
        principal: &PrincipalId,
        connection: &str,
        session: &SessionId,
    ) -> Result<Option<Spent>, ApprovalError> {
        let mut working = self.0.working.lock().await;
        let now = self.now();
        let candidates: Vec<&Approval> = match id {
            Some(id) => working.approvals.get(id).into_iter().collect(),
            None => working
                .approvals
                .values()
                .filter(|a| !is_waited_for(&working, &a.id))
                .collect(),
        };
        let found = candidates.into_iter().find_map(|a| {
            let next = a.spend(digest, principal, connection, session, now)?;
            Some((a.clone(), next))
        });
        let Some((before, next)) = found else {
            return Ok(None);
        };
        let spent = Spent {
            approval: next.id.clone(),
            facts: next.facts(),
            by: next.approvers(),
        };
        if before != next {
            let stored = self.write(&Changes::approvals(vec![next.clone()])).await;
            stored.map_err(|_| ApprovalError::Unavailable)?;
            // Nobody is told: the one that waited is the one that takes it.
            working.waiting.remove(&next.id);
            let let_in = !next.is_over();
            working.approvals.insert(next.id.clone(), next);
            if let_in {
                self.publish(&mut working);
            }
        }
        Ok(Some(spent))
    }

    /// Ends what was granted to sessions that do not live any more.
    pub(super) async fn end_session_grants(&self, sessions: &dyn LiveSessions) {
        let mut working = self.0.working.lock().await;
        // Asked under the lock: a session that a grant is given to from now on is live already.
        let live: BTreeSet<SessionId> = sessions.list().into_iter().map(|s| s.id).collect();
        let ended: Vec<Approval> = working
            .approvals
            .values()
            .filter_map(|a| a.without_its_session(&live))
            .collect();
        if ended.is_empty() {
            return;
        }
        let _ = self.write(&Changes::approvals(ended.clone())).await;
        keep(&mut working, ended);
        self.publish(&mut working);
    }

    /// Asks for a window on a connection ahead of any operation.
    pub(crate) async fn request_window(
        &self,
        caller: &Caller,
        request: CreateRequest,
        from: IpAddr,
    ) -> Result<ApprovalInfo, ControlError> {
        if !(1..=MAX_WINDOW_SECONDS).contains(&request.window_seconds) {
            let what = format!(
                "expected a window of 1 to {MAX_WINDOW_SECONDS} seconds, got {}",
                request.window_seconds
            );
            return Err(ControlError::Invalid(
                what,
                "longer standing access belongs in a policy",
            ));
        }
        let reason = check_reason(Some(request.reason))?;
        if reason.is_none() {
            return Err(ControlError::Invalid(
                "the reason is empty".to_owned(),
                "say why, in words",
            ));
        }
        let (mut working, caller) = self.turn(caller).await?;
        let caller = &caller;
        let asked = rights::who_could_agree(self, caller, &request.connection, from)?;
        let now = self.now();
        let approval = Approval {
            id: new_id()?,
            state: ApprovalState::Pending,
            principal: caller.id().clone(),
            credential: caller.credential.mark(),
            owner: caller.principal.owner.as_ref().map(|o| o.id.clone()),
            connection: request.connection,
            what: What::Window {
                seconds: request.window_seconds,
            },
            reason,
            group_sets: asked.group_sets,
            people: asked.people,
            policies: asked.policies,
            given: Vec::new(),
            agreed: None,
            scope: None,
            groups: BTreeSet::new(),
            refused_by: None,
            refusal: None,
            created: now,
            expires: now.plus_seconds(LIFE_SECONDS),
        };
        let approval = self.0.desk.narrowed(approval, &self.snapshot());
        let info = self.info(&working, &approval, &caller.principal);
        self.open(&mut working, approval).await?;
        Ok(info)
    }

    async fn open(&self, working: &mut Working, approval: Approval) -> Result<(), ControlError> {
        let open = || working.approvals.values().filter(|a| !a.is_over());
        if open().count() >= MAX_OPEN {
            let what = format!("{MAX_OPEN} requests are open; some have to be decided first");
            return Err(ControlError::TooMany(what));
        }
        if open().filter(|a| a.principal == approval.principal).count() >= MAX_OPEN_EACH {
            let what = format!(
                "{} has {MAX_OPEN_EACH} open requests; some have to be decided first",
                approval.principal
            );
            return Err(ControlError::TooMany(what));
        }
        let detail = match &approval.what {
            What::Operation(held) => {
                format!("operation {} on {}", held.digest, approval.connection)
            }
            What::Window { seconds } => format!("{seconds} seconds on {}", approval.connection),
        };
        self.record(
            &approval.principal,
            "approval.request",
            &approval.id,
            detail,
        )?;
        self.write(&Changes::approvals(vec![approval.clone()]))
            .await?;
        working.approvals.insert(approval.id.clone(), approval);
        self.0.timer.notify_one();
        Ok(())
    }

    /// One person agrees.
    pub(crate) async fn approve(
        &self,
        caller: &Caller,
        id: &ApprovalId,
        scope: ApproveScope,
    ) -> Result<ApprovalInfo, ControlError> {
        let (mut working, caller) = self.turn(caller).await?;
        self.agree(&mut working, &caller.principal, id, scope, "")
            .await
    }

    /// One person refuses.
    pub(crate) async fn deny(
        &self,
        caller: &Caller,
        id: &ApprovalId,
        reason: Option<String>,
    ) -> Result<ApprovalInfo, ControlError> {
        let (mut working, caller) = self.turn(caller).await?;
        self.refuse(&mut working, &caller.principal, id, reason, "")
            .await
    }

    /// Agrees as somebody who was looked up under this very lock. `through` says by which way, for the record.
    pub(super) async fn agree(
        &self,
        working: &mut Working,
        who: &Principal,
        id: &ApprovalId,
        scope: ApproveScope,
        through: &str,
    ) -> Result<ApprovalInfo, ControlError> {
        let request = visible(working, who, id)?;
        let next = request.approve(who, scope, self.now())?;
        let scope = serde_json::to_string(&scope).unwrap_or_default();
        self.record(
            &who.id,
            "approval.approve",
            id,
            format!("scope {scope}{through}"),
        )?;
        self.decided(working, next, who).await
    }

    /// The same for refusing.
    pub(super) async fn refuse(
        &self,
        working: &mut Working,
        who: &Principal,
        id: &ApprovalId,
        reason: Option<String>,
        through: &str,
    ) -> Result<ApprovalInfo, ControlError> {
        let reason = check_reason(reason)?;
        let request = visible(working, who, id)?;
        let (act, next) = request.refused_by(who, reason.clone(), self.now())?;
        let detail = format!("{}{through}", reason.unwrap_or_default());
        self.record(&who.id, act, id, detail)?;
        self.decided(working, next, who).await
    }

    /// Whether somebody could refuse this now, and what it is. Nothing changes.
    pub(super) fn could_refuse(
        &self,
        working: &Working,
        who: &Principal,
        id: &ApprovalId,
    ) -> Result<ApprovalInfo, ControlError> {
        let request = visible(working, who, id)?;
        request.refused_by(who, None, self.now())?;
        Ok(self.info(working, request, who))
    }

    /// Ends what was approved: those it is about, those who agreed, and administrators may.
    pub(crate) async fn end_approval(
        &self,
        caller: &Caller,
        id: &ApprovalId,
        reason: Option<String>,
    ) -> Result<ApprovalInfo, ControlError> {
        let reason = check_reason(reason)?;
        let (mut working, caller) = self.turn(caller).await?;
        let caller = &caller;
        let request = visible(&working, &caller.principal, id)?;
        let theirs = request.principal == *caller.id()
            || request.owner.as_ref() == Some(caller.id())
            || request.given.iter().any(|g| g.by == *caller.id());
        if !theirs && !caller.is_admin() {
            let what = "only those who asked, those who agreed and administrators end it";
            return Err(ControlError::Forbidden(what.to_owned(), None));
        }
        let nothing = || ControlError::Conflict(format!("request {id} grants nothing now"));
        let next = request.end().ok_or_else(nothing)?;
        self.record(caller.id(), "approval.end", id, reason.unwrap_or_default())?;
        self.decided(&mut working, next, &caller.principal).await
    }

    async fn decided(
        &self,
        working: &mut Working,
        next: Approval,
        who: &Principal,
    ) -> Result<ApprovalInfo, ControlError> {
        self.write(&Changes::approvals(vec![next.clone()])).await?;
        let info = self.info(working, &next, who);
        if !next.is_over() && next.state == ApprovalState::Approved {
            // The grant is published before the waiting side hears of it.
            working.approvals.insert(next.id.clone(), next.clone());
            self.publish(working);
            keep(working, vec![next]);
        } else {
            keep(working, vec![next]);
            self.publish(working);
        }
        Ok(info)
    }

    /// What the caller asked for or may decide; everything for administrators. Newest first.
    pub(crate) async fn list_approvals(&self, caller: &Caller, all: bool) -> Vec<ApprovalInfo> {
        let working = self.0.working.lock().await;
        let wanted = |a: &&Approval| is_visible(a, &caller.principal) && (all || !a.is_over());
        let mut list: Vec<ApprovalInfo> = working
            .approvals
            .values()
            .filter(wanted)
            .map(|a| self.info(&working, a, &caller.principal))
            .collect();
        list.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        list
    }

    /// A request as one caller sees it.
    pub(super) fn info(&self, working: &Working, a: &Approval, who: &Principal) -> ApprovalInfo {
        let snapshot = self.snapshot();
        let connection = snapshot.connection(&a.connection);
        let protocol = connection.map(|c| c.protocol.clone());
        let decided_already = a.given.iter().any(|g| g.by == who.id);
        let waiting = Waiting::of(a, working.waiting.get(&a.id));
        ApprovalInfo {
            waiting: waiting.count,
            client: waiting.client,
            may_decide: a.state == ApprovalState::Pending
                && !decided_already
                && a.may_decide(who).is_ok(),
            protocol: protocol.unwrap_or_default(),
            ..described(a)
        }
    }

    /// One of them.
    pub(crate) async fn get_approval(
        &self,
        caller: &Caller,
        id: &ApprovalId,
    ) -> Result<ApprovalInfo, ControlError> {
        let working = self.0.working.lock().await;
        let who = &caller.principal;
        visible(&working, who, id).map(|a| self.info(&working, a, who))
    }
}

/// Whether somebody may know of a request: they asked, they may decide, they did, or they administer.
fn is_visible(a: &Approval, who: &Principal) -> bool {
    let decided = a.given.iter().any(|g| g.by == who.id) || a.refused_by.as_ref() == Some(&who.id);
    let own = a.principal == who.id || a.owner.as_ref() == Some(&who.id);
    own || decided || administers(who) || a.may_decide(who).is_ok()
}

/// Somebody else's request does not exist.
fn visible<'w>(
    working: &'w Working,
    who: &Principal,
    id: &ApprovalId,
) -> Result<&'w Approval, ControlError> {
    let found = working.approvals.get(id).filter(|a| is_visible(a, who));
    found.ok_or_else(|| ControlError::NotFound(format!("there is no request {id}")))
}

/// Keeps approvals as they are now and tells whoever waits for them.
pub(super) fn keep(working: &mut Working, changed: Vec<Approval>) {
    for next in changed {
        if let Some(waiters) = working.waiting.get(&next.id) {
            waiters.tell(next.progress());
        }
        if next.is_over() {
            working.waiting.remove(&next.id);
        }
        working.approvals.insert(next.id.clone(), next);
    }
    let over = || working.approvals.values().filter(|a| a.is_over());
    let surplus = over().count().saturating_sub(MAX_OVER);
    if surplus > 0 {
        let mut oldest: Vec<_> = over().map(|a| (a.created, a.id.clone())).collect();
        oldest.sort();
        for (_, id) in oldest.into_iter().take(surplus) {
            working.approvals.remove(&id);
        }
    }
}

/// What is open or granted of one principal, or of the agents that it answers for, withdrawn.
pub(super) fn requests_of(working: &Working, principal: &PrincipalId) -> Vec<Approval> {
    let of_it = |a: &&Approval| a.principal == *principal || a.owner.as_ref() == Some(principal);
    let all = working.approvals.values().filter(of_it);
    all.filter_map(Approval::cancel).collect()
}

/// What was asked for with a credential that is gone, withdrawn. What was granted stays with its principal.
pub(super) fn requests_with(working: &Working, credential: &str) -> Vec<Approval> {
    let with_it = |a: &&Approval| {
        a.state == ApprovalState::Pending && a.credential.as_deref() == Some(credential)
    };
    let all = working.approvals.values().filter(with_it);
    all.filter_map(Approval::cancel).collect()
}

/// What is asked for by principals who have lost a group (or are off) since `before`, withdrawn: they may ask again
/// as who they are now.
pub(super) fn requests_of_the_demoted(
    working: &Working,
    before: &Snapshot,
    after: &[Principal],
) -> Vec<Approval> {
    let after: BTreeMap<&PrincipalId, &Principal> = after.iter().map(|p| (&p.id, p)).collect();
    let demoted = |id: &PrincipalId| {
        before.principal(id).is_some_and(|was| {
            let is = after.get(id);
            is.is_none_or(|is| !was.groups.is_subset(&is.groups))
        })
    };
    let asking = |a: &&Approval| {
        a.state == ApprovalState::Pending
            && (demoted(&a.principal) || a.owner.as_ref().is_some_and(demoted))
    };
    let all = working.approvals.values().filter(asking);
    all.filter_map(Approval::cancel).collect()
}

fn new_id() -> Result<ApprovalId, ApprovalError> {
    let bits = crate::keys::random::<8>().map_err(|_| ApprovalError::Unavailable)?;
    Ok(ApprovalId::from_bits(
        u128::from(u64::from_be_bytes(*bits)) & ((1 << 50) - 1),
    ))
}

fn check_reason(reason: Option<String>) -> Result<Option<String>, ControlError> {
    let reason = reason
        .map(|r| r.trim().to_owned())
        .filter(|r| !r.is_empty());
    match &reason {
        Some(r) if r.len() > MAX_REASON => {
            let what = format!(
                "expected a reason of at most {MAX_REASON} bytes, got {}",
                r.len()
            );
            Err(ControlError::Invalid(what, "shorten it"))
        }
        _ => Ok(reason),
    }
}

fn to_approval_error(e: ControlError) -> ApprovalError {
    match e {
        ControlError::TooMany(why) => ApprovalError::TooMany(why),
        _ => ApprovalError::Unavailable,
    }
}

/// A request as it is, for nobody in particular.
pub(crate) fn described(a: &Approval) -> ApprovalInfo {
    let held = match &a.what {
        What::Operation(held) => Some(held.as_ref()),
        What::Window { .. } => None,
    };
    let window_seconds = match &a.what {
        What::Operation(_) => None,
        What::Window { seconds } => Some(*seconds),
    };
    let parameters = held.into_iter().flat_map(|h| &h.parameters);
    ApprovalInfo {
        id: a.id.clone(),
        state: a.state,
        principal: a.principal.clone(),
        owner: a.owner.clone(),
        connection: a.connection.clone(),
        account: held.map(|h| h.account.clone()).unwrap_or_default(),
        database: held.map(|h| h.database.clone()).unwrap_or_default(),
        session: held.map(|h| h.session.clone()),
        connect: a.is_connect(),
        text: held.map(|h| h.text.clone()).unwrap_or_default(),
        parameters: parameters.cloned().map(Into::into).collect(),
        estimated_rows: held.and_then(|h| h.estimated_rows),
        reason: a.reason.clone(),
        protocol: String::new(),
        policies: a.policies.clone(),
        group_sets: a.group_sets.clone(),
        people: a.people,
        given: a.given.clone(),
        scope: a.scope.clone(),
        window_seconds,
        refusal: a.refused_by.as_ref().map(|by| match &a.refusal {
            Some(reason) => format!("{by}: {reason}"),
            None => by.to_string(),
        }),
        created: a.created,
        expires: a.expires,
        may_decide: false,
        waiting: None,
        client: None,
    }
}
