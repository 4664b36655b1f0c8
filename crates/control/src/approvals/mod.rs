//! Requests for a human's consent: who may decide, when enough people agreed, and what that buys.
//!
//! ```text
//! Pending --enough people--> Approved --one run (scope once)--> Spent
//!    |                          |--one login (scope once)--> Approved for that session
//!    |                          |--end of window or session---> Spent
//!    |--somebody refuses--> Denied
//!    |--requester goes----> Cancelled   (also from Approved, unless it is spent)
//!    `--a day passes------> Expired     (also from Approved with scope once)
//! ```
//! No I/O and no clock here: the control plane stores what these functions return before it shows it to anybody.

mod consent;

use crate::api::types::{ApproveScope, GivenConsent};
use crate::port_types::{ApprovalError, ApprovalProgress};
use serde::{Deserialize, Serialize};
use sluice_model::{
    ApprovalFacts, ApprovalId, ApprovalScope, ApprovalState, Grant, HeldOperation, Principal,
    PrincipalId, PrincipalKind, SessionId, Timestamp,
};
use std::collections::BTreeSet;

/// How long a request stays open: a working day and a night.
pub(crate) const LIFE_SECONDS: i64 = 86_400;
/// The longest window: longer standing access belongs in a policy.
pub(crate) const MAX_WINDOW_SECONDS: u32 = 7 * 86_400;
/// The most people that a request can ask for.
const MAX_PEOPLE: u32 = 16;

/// A request with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) id: ApprovalId,
    pub(crate) state: ApprovalState,
    pub(crate) principal: PrincipalId,
    /// What the requester proved who they are with (see [`sluice_model::Credential::mark`]).
    #[serde(default)]
    pub(crate) credential: Option<String>,
    /// Of an agent: who answers for it.
    pub(crate) owner: Option<PrincipalId>,
    pub(crate) connection: String,
    pub(crate) what: What,
    pub(crate) reason: Option<String>,
    pub(crate) group_sets: Vec<BTreeSet<String>>,
    pub(crate) people: u32,
    /// The policies that permit it then.
    #[serde(default)]
    pub(crate) policies: Vec<String>,
    pub(crate) given: Vec<GivenConsent>,
    /// The narrowest scope that an approver agreed to so far.
    pub(crate) agreed: Option<ApproveScope>,
    /// What it is approved for, once it is.
    pub(crate) scope: Option<ApprovalScope>,
    /// What counts in decisions, once it is approved.
    pub(crate) groups: BTreeSet<String>,
    pub(crate) refused_by: Option<PrincipalId>,
    pub(crate) refusal: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// An operation that waits.
    Operation(Box<HeldOperation>),
    /// A window on the connection, ahead of any operation.
    Window {
        /// How long.
        seconds: u32,
    },
}

impl Approval {
    /// A request for an operation that waits.
    pub(crate) fn of_operation(
        id: ApprovalId,
        held: HeldOperation,
        owner: Option<PrincipalId>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            state: ApprovalState::Pending,
            principal: held.principal.clone(),
            credential: held.credential.clone(),
            owner,
            connection: held.connection.clone(),
            reason: held.reason.clone(),
            group_sets: held.group_sets.clone(),
            people: held.people.clamp(1, MAX_PEOPLE),
            policies: held.policies.clone(),
            what: What::Operation(Box::new(held)),
            given: Vec::new(),
            agreed: None,
            scope: None,
            groups: BTreeSet::new(),
            refused_by: None,
            refusal: None,
            created: now,
            expires: now.plus_seconds(LIFE_SECONDS),
        }
    }

    /// Whether something waits for it, or waited: it was not asked ahead.
    pub(crate) fn is_of_operation(&self) -> bool {
        matches!(self.what, What::Operation(_))
    }

    /// Whether it is a login that waits, or waited.
    pub(crate) fn is_connect(&self) -> bool {
        matches!(&self.what, What::Operation(held) if held.connect)
    }

    /// Whether it stands for this login too: the same requester is asked about the same thing, and nobody has
    /// decided. A client that connects again and again is one request.
    pub(crate) fn stands_for(&self, login: &HeldOperation) -> bool {
        let same = |held: &HeldOperation| {
            (&held.digest, &held.principal, &held.connection)
                == (&login.digest, &login.principal, &login.connection)
                && (&held.group_sets, held.people) == (&login.group_sets, login.people)
        };
        let pending = self.state == ApprovalState::Pending && login.connect == self.is_connect();
        pending && matches!(&self.what, What::Operation(held) if same(held))
    }

    /// Whether nobody has to do anything about it any more.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.state, ApprovalState::Pending | ApprovalState::Approved)
    }

    /// How many distinct people agreed.
    pub(crate) fn people_given(&self) -> u32 {
        u32::try_from(self.given.len()).unwrap_or(u32::MAX)
    }

    /// What counts in a decision under this approval.
    pub(crate) fn facts(&self) -> ApprovalFacts {
        ApprovalFacts {
            groups: self.groups.clone(),
            people: self.people_given(),
        }
    }

    /// Who agreed.
    pub(crate) fn approvers(&self) -> Vec<PrincipalId> {
        self.given.iter().map(|g| g.by.clone()).collect()
    }

    /// Whether this person may decide, with the groups they are in now.
    pub(crate) fn may_decide(&self, who: &Principal) -> Result<(), ApprovalError> {
        let forbidden = |why: &str| Err(ApprovalError::Forbidden(why.to_owned()));
        if who.id.kind != PrincipalKind::User {
            return forbidden("only people approve; a service or an agent cannot");
        }
        if who.id == self.principal {
            return forbidden("nobody approves their own request; ask a colleague");
        }
        if self.owner.as_ref() == Some(&who.id) {
            return forbidden("the owner of an agent cannot approve its requests; ask a colleague");
        }
        if !consent::concerns(&self.group_sets, &who.groups) {
            let needed: BTreeSet<&str> = self
                .group_sets
                .iter()
                .flatten()
                .map(String::as_str)
                .collect();
            let needed: Vec<&str> = needed.into_iter().collect();
            return Err(ApprovalError::Forbidden(format!(
                "this request waits for {}, and you are in none of these groups",
                needed.join(", ")
            )));
        }
        Ok(())
    }

    /// One person agrees. Says what the request is then; it is approved once enough people agreed.
    pub(crate) fn approve(
        &self,
        who: &Principal,
        scope: ApproveScope,
        now: Timestamp,
    ) -> Result<Self, ApprovalError> {
        self.may_decide(who)?;
        self.must_be_open(now)?;
        if self.given.iter().any(|g| g.by == who.id) {
            return Err(ApprovalError::Conflict(
                "you have agreed already; somebody else has to as well".to_owned(),
            ));
        }
        let mut next = self.clone();
        next.agreed = Some(self.narrowed(scope)?);
        let asked: BTreeSet<&String> = self.group_sets.iter().flatten().collect();
        let groups = who
            .groups
            .iter()
            .filter(|g| asked.contains(g))
            .cloned()
            .collect();
        next.given.push(GivenConsent {
            by: who.id.clone(),
            groups,
            at: now,
        });
        if !consent::helps(&self.group_sets, self.people, &self.given, &next.given) {
            return Err(ApprovalError::Conflict(
                "the groups that you are in have agreed already; somebody of another group has to as well".to_owned(),
            ));
        }
        if let Some(groups) = consent::satisfied(&next.group_sets, next.people, &next.given) {
            next.state = ApprovalState::Approved;
            next.groups = groups;
            next.scope = Some(next.final_scope(now));
        }
        Ok(next)
    }

    /// The narrowest of what was agreed to before and now.
    fn narrowed(&self, scope: ApproveScope) -> Result<ApproveScope, ApprovalError> {
        let conflict = |why: String| Err(ApprovalError::Conflict(why));
        let scope = match (&self.what, scope) {
            (What::Window { seconds }, ApproveScope::Once) => {
                ApproveScope::Window { seconds: *seconds }
            }
            // The session that is let in is known once it takes the approval.
            (What::Operation(held), ApproveScope::Session) if held.connect => ApproveScope::Once,
            (What::Window { .. }, ApproveScope::Session) => {
                return conflict(
                    "no session waits for this request; approve it as a window of time".to_owned(),
                );
            }
            (What::Window { seconds }, ApproveScope::Window { seconds: given })
                if given > *seconds =>
            {
                return conflict(format!(
                    "{seconds} seconds were asked for; expected at most that"
                ));
            }
            (_, scope) => scope,
        };
        if let ApproveScope::Window { seconds } = scope
            && !(1..=MAX_WINDOW_SECONDS).contains(&seconds)
        {
            return conflict(format!(
                "expected a window of 1 to {MAX_WINDOW_SECONDS} seconds, got {seconds}"
            ));
        }
        let width = |s: &ApproveScope| match s {
            ApproveScope::Once => (0, 0),
            ApproveScope::Session => (1, 0),
            ApproveScope::Window { seconds } => (2, *seconds),
        };
        Ok(self
            .agreed
            .into_iter()
            .chain([scope])
            .min_by_key(width)
            .unwrap_or(scope))
    }

    /// The end of a window is absolute: it is fixed here and never moves.
    fn final_scope(&self, now: Timestamp) -> ApprovalScope {
        match (self.agreed.unwrap_or_default(), &self.what) {
            (ApproveScope::Window { seconds }, _) => ApprovalScope::Window {
                until: now.plus_seconds(i64::from(seconds)),
            },
            (ApproveScope::Session, What::Operation(held)) => ApprovalScope::Session {
                session: held.session.clone(),
            },
            (_, What::Operation(held)) => ApprovalScope::Once {
                digest: held.digest.clone(),
            },
            (_, What::Window { seconds }) => ApprovalScope::Window {
                until: now.plus_seconds(i64::from(*seconds)),
            },
        }
    }

    /// One person refuses, and that is the end of it.
    pub(crate) fn deny(
        &self,
        who: &Principal,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Self, ApprovalError> {
        self.may_decide(who)?;
        self.must_be_open(now)?;
        let state = ApprovalState::Denied;
        Ok(Self {
            state,
            refused_by: Some(who.id.clone()),
            refusal: reason,
            ..self.clone()
        })
    }

    /// The same, and what that is called: refusing one's own request is taking it back.
    pub(crate) fn refused_by(
        &self,
        who: &Principal,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<(&'static str, Self), ApprovalError> {
        if self.principal == who.id {
            let gone = || ApprovalError::Conflict(format!("request {} is over", self.id));
            return Ok(("approval.cancel", self.cancel().ok_or_else(gone)?));
        }
        Ok(("approval.deny", self.deny(who, reason, now)?))
    }

    /// The requester goes away. `None` when there is nothing left to withdraw.
    pub(crate) fn cancel(&self) -> Option<Self> {
        (!self.is_over()).then(|| Self {
            state: ApprovalState::Cancelled,
            ..self.clone()
        })
    }

    /// What was approved ends now. `None` when nothing stands that could end.
    pub(crate) fn end(&self) -> Option<Self> {
        (self.state == ApprovalState::Approved).then(|| Self {
            state: ApprovalState::Spent,
            ..self.clone()
        })
    }

    /// Takes the one run or the one login, or looks at a consent that covers more than one.
    pub(crate) fn spend(
        &self,
        digest: &str,
        principal: &PrincipalId,
        connection: &str,
        session: &SessionId,
        now: Timestamp,
    ) -> Option<Self> {
        let same_caller = self.principal == *principal && self.connection == connection;
        let What::Operation(held) = &self.what else {
            return None;
        };
        if self.state != ApprovalState::Approved || !same_caller || held.digest != digest {
            return None;
        }
        match self.scope.as_ref()? {
            ApprovalScope::Once { digest: approved } => (approved == digest && now < self.expires)
                .then(|| self.taken(held.connect.then_some(session))),
            ApprovalScope::Login { session: let_in }
            | ApprovalScope::Session { session: let_in } => {
                (let_in == session).then(|| self.clone())
            }
            ApprovalScope::Window { until } => (now < *until).then(|| self.clone()),
        }
    }

    /// Used up by one run, or from now on for the login of the session that it let in.
    fn taken(&self, let_in: Option<&SessionId>) -> Self {
        let mut next = self.clone();
        match let_in {
            None => next.state = ApprovalState::Spent,
            Some(session) => {
                next.scope = Some(ApprovalScope::Login {
                    session: session.clone(),
                });
            }
        }
        next
    }

    /// What time alone makes of it; `None` while it stays as it is.
    pub(crate) fn aged(&self, now: Timestamp) -> Option<Self> {
        let state = match (self.state, &self.scope) {
            (ApprovalState::Pending, _) if now >= self.expires => ApprovalState::Expired,
            (ApprovalState::Approved, Some(ApprovalScope::Once { .. })) if now >= self.expires => {
                ApprovalState::Expired
            }
            (ApprovalState::Approved, Some(ApprovalScope::Window { until })) if now >= *until => {
                ApprovalState::Spent
            }
            _ => return None,
        };
        Some(Self {
            state,
            ..self.clone()
        })
    }

    /// What is left of a consent for a session that is not among those that live; `None` when nothing changes.
    pub(crate) fn without_its_session(&self, live: &BTreeSet<SessionId>) -> Option<Self> {
        let gone = match &self.scope {
            Some(ApprovalScope::Login { session } | ApprovalScope::Session { session }) => {
                !live.contains(session)
            }
            _ => false,
        };
        (gone && self.state == ApprovalState::Approved).then(|| Self {
            state: ApprovalState::Spent,
            ..self.clone()
        })
    }

    /// When time alone changes it next.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        match (self.state, &self.scope) {
            (ApprovalState::Pending, _) => Some(self.expires),
            (ApprovalState::Approved, Some(ApprovalScope::Window { until })) => Some(*until),
            (ApprovalState::Approved, Some(ApprovalScope::Once { .. })) => Some(self.expires),
            _ => None,
        }
    }

    /// The standing consent that it is, if it is one now.
    pub(crate) fn grant(&self, now: Timestamp) -> Option<Grant> {
        let scope = self
            .scope
            .clone()
            .filter(|_| self.state == ApprovalState::Approved)?;
        match &scope {
            ApprovalScope::Once { .. } => return None,
            ApprovalScope::Window { until } if now >= *until => return None,
            ApprovalScope::Window { .. }
            | ApprovalScope::Login { .. }
            | ApprovalScope::Session { .. } => {}
        }
        Some(Grant {
            approval: self.id.clone(),
            principal: self.principal.clone(),
            connection: self.connection.clone(),
            scope,
            groups: self.groups.clone(),
            people: self.people_given(),
            reason: self.reason.clone(),
        })
    }

    /// What the waiting side sees.
    pub(crate) fn progress(&self) -> ApprovalProgress {
        match (self.state, &self.scope) {
            (ApprovalState::Pending, _) => ApprovalProgress::Pending,
            (ApprovalState::Approved | ApprovalState::Spent, Some(scope)) => {
                ApprovalProgress::Approved {
                    scope: scope.clone(),
                    facts: self.facts(),
                    by: self.approvers(),
                }
            }
            (ApprovalState::Denied, _) => ApprovalProgress::Denied {
                by: self
                    .refused_by
                    .clone()
                    .unwrap_or_else(|| self.principal.clone()),
                reason: self.refusal.clone(),
            },
            (ApprovalState::Expired, _) => ApprovalProgress::Expired,
            (ApprovalState::Cancelled | ApprovalState::Approved | ApprovalState::Spent, _) => {
                ApprovalProgress::Cancelled
            }
        }
    }

    fn must_be_open(&self, now: Timestamp) -> Result<(), ApprovalError> {
        let what = match self.state {
            ApprovalState::Pending if now < self.expires => return Ok(()),
            ApprovalState::Pending | ApprovalState::Expired => "has expired",
            ApprovalState::Approved => "is approved already",
            ApprovalState::Denied => "was refused",
            ApprovalState::Spent => "was approved and used",
            ApprovalState::Cancelled => "was withdrawn",
        };
        Err(ApprovalError::Conflict(format!(
            "request {} {what}",
            self.id
        )))
    }
}

#[cfg(test)]
mod tests;
