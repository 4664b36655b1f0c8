//! What the gateway's side of the control plane hands out: logins, approvals, credentials, health.

use crate::control::Present;
use sluice_model::{
    ApprovalFacts, ApprovalId, ApprovalScope, Credential, Principal, PrincipalId, Timestamp,
};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Who logged in.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The principal with its groups as they are now.
    pub principal: Principal,
    /// What they proved it with.
    pub credential: Credential,
    /// When that ends.
    pub expires: Timestamp,
    /// The only connection that it is good for.
    pub audience: Option<String>,
}

/// Why a login failed. The caller is told no more than this, so that nothing can be probed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Unknown, expired or revoked token, one that may not be used here, or its principal is switched off.
    #[error("the token is not valid; get a new one with `sluice login` or `sluice token create`")]
    Refused,
    /// Too many failures from this address, or too many old secrets of this principal.
    #[error("too many failed logins; wait a minute")]
    LockedOut,
    /// The store cannot be read, so nobody new is let in.
    #[error("the gateway cannot check logins right now; try again shortly")]
    Unavailable,
}

/// Why a credential could not be leased. Names the connection and account, never the secret or where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// No such account.
    #[error("connection {connection} has no account {account}")]
    NoAccount {
        /// The connection.
        connection: String,
        /// The account asked for.
        account: String,
    },
    /// The reference leads nowhere.
    #[error(
        "the credential of account {account} of connection {connection} cannot be read: {why}; \
         an administrator has to provide it to the gateway"
    )]
    Unavailable {
        /// The connection.
        connection: String,
        /// The account.
        account: String,
        /// In words, without the secret.
        why: &'static str,
    },
}

/// Where a waiting request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalProgress {
    /// Nobody, or not enough people, decided yet.
    Pending,
    /// Enough people agreed. For [`ApprovalScope::Once`] the run still has to be taken with
    /// `Control::spend`; the other scopes are grants in the next snapshot.
    Approved {
        /// What for.
        scope: ApprovalScope,
        /// What counts in the decision.
        facts: ApprovalFacts,
        /// Who agreed.
        by: Vec<PrincipalId>,
    },
    /// Somebody refused.
    Denied {
        /// Who.
        by: PrincipalId,
        /// Why, in their words.
        reason: Option<String>,
    },
    /// The request was withdrawn.
    Cancelled,
    /// Nobody decided within its life.
    Expired,
}

/// How a request for approval stands, for whoever made it.
#[derive(Debug, Clone)]
pub struct ApprovalLook {
    /// `pending`, `approved`, `denied`, `expired`, `cancelled` or `used`.
    pub state: String,
    /// How many people agreed.
    pub people_given: u32,
    /// How many have to.
    pub people_needed: u32,
    /// When it ends.
    pub expires: Timestamp,
}

/// What a browser is let in to one connection with.
pub struct SiteToken {
    /// The token.
    pub token: Zeroizing<String>,
    /// How long it lasts.
    pub seconds: u32,
}

/// A request for approval that was made.
#[derive(Debug)]
pub struct ApprovalTicket {
    /// Its id, minted here.
    pub id: ApprovalId,
    /// Where it can be decided.
    pub url: String,
    /// Follows it.
    pub progress: watch::Receiver<ApprovalProgress>,
    /// Approvers see that somebody waits for as long as this is kept.
    pub present: Present,
}

/// Why the approvals did not take a request or a decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// No such request, or not for this caller to see.
    #[error("there is no request {0}")]
    NotFound(String),
    /// The caller may not decide this one.
    #[error("{0}")]
    Forbidden(String),
    /// It is not open any more, or what was asked does not fit it.
    #[error("{0}")]
    Conflict(String),
    /// Too many are open.
    #[error("{0}")]
    TooMany(String),
    /// It could not be recorded or stored.
    #[error("the approvals cannot be reached right now; try again shortly")]
    Unavailable,
}

/// A run that was taken from an approval: nobody else gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The request it came from.
    pub approval: ApprovalId,
    /// What counts in the decision.
    pub facts: ApprovalFacts,
    /// Who agreed.
    pub by: Vec<PrincipalId>,
}

/// How the control plane is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when the store cannot be read or written.
    pub store_failing_since: Option<Timestamp>,
    /// Why the resources directory could not be taken over; the last good snapshot stays.
    pub resources_failing: Option<String>,
    /// Why the log could not be written or signed.
    pub log_failing: Option<String>,
    /// The gateway was told to stop: what lives may end by itself, nothing new begins.
    pub draining: bool,
}

impl Health {
    /// Whether it can be told who comes.
    #[must_use]
    pub fn accepts_logins(&self) -> bool {
        self.store_failing_since.is_none()
    }

    /// Whether new sessions are taken: they can be opened and recorded, and the gateway is to go on. Resources that
    /// do not load are no reason to stop: the last good ones stay in force.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.accepts_logins() && self.log_failing.is_none() && !self.draining
    }

    /// What fails or ends, in words that may be shown to anybody.
    #[must_use]
    pub fn failing(&self) -> Vec<String> {
        let parts = [
            (self.store_failing_since.is_some(), "store"),
            (self.resources_failing.is_some(), "resources"),
            (self.log_failing.is_some(), "log"),
            (self.draining, "draining"),
        ];
        parts
            .into_iter()
            .filter(|(failing, _)| *failing)
            .map(|(_, name)| name.to_owned())
            .collect()
    }
}
