//! What the gateway needs of a control plane. The binary adapts the local one; a remote data plane is
//! another adapter.

use serde_json::Value;
use sluice_model::{
    ApprovalFacts, ApprovalId, Connection, Credential, HeldOperation, Lease, OperationDigest,
    Principal, PrincipalId, SessionContext, SessionId, Timestamp, WaysIn,
};
use sluice_policy::Snapshot;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// A boxed future, so that the port can be a trait object.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who came, once the token was checked.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The principal with its groups.
    pub principal: Principal,
    /// What they proved it with.
    pub credential: Credential,
    /// When that ends.
    pub expires: Timestamp,
    /// The only connection that it is good for, where it is for one.
    pub audience: Option<String>,
}

/// How a request for approval stands.
#[derive(Debug, Clone)]
pub struct Looked {
    /// `pending`, `approved`, `denied`, `expired`, `cancelled` or `used`.
    pub state: String,
    /// How many people agreed, and have to.
    pub people_given: u32,
    /// See above.
    pub people_needed: u32,
    /// When it ends.
    pub expires: Timestamp,
}

/// What a browser is let in with.
pub struct Entered {
    /// A token for one connection.
    pub token: Zeroizing<String>,
    /// How long it lasts.
    pub seconds: u32,
}

/// Where a waiting operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldProgress {
    /// Nobody decided yet.
    Waiting,
    /// Enough people agreed.
    Approved {
        /// In whose name, and how many.
        facts: ApprovalFacts,
        /// Who.
        by: Vec<PrincipalId>,
    },
    /// Somebody refused.
    Denied {
        /// Who.
        by: PrincipalId,
        /// Why, in their words.
        reason: Option<String>,
    },
    /// The request is gone: cancelled, expired, or its requester was switched off.
    Ended,
}

/// A request for approval that a client waits for.
#[derive(Debug)]
pub struct Ticket {
    /// Its id.
    pub id: ApprovalId,
    /// Where an approver decides.
    pub url: String,
    /// How it goes.
    pub progress: watch::Receiver<HoldProgress>,
}

/// Consent that was given after its client had stopped waiting.
#[derive(Debug, Clone)]
pub struct Spent {
    /// The request.
    pub id: ApprovalId,
    /// In whose name, and how many.
    pub facts: ApprovalFacts,
    /// Who.
    pub by: Vec<PrincipalId>,
}

/// Something the control plane could not do, in words for the caller that hold no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// The control plane as the gateway sees it. Every error refuses.
pub trait ControlPort: Send + Sync + 'static {
    /// The snapshots, as they are published.
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>>;
    /// Whether new sessions may start (the store answers, the record can be written).
    fn ready(&self) -> Result<(), PortError>;
    /// Who holds this secret (a token, or a JWT of a trusted issuer), by one of these ways in. The error is the same
    /// whatever was wrong with it.
    fn authenticate<'a>(
        &'a self,
        secret: &'a str,
        ways: WaysIn,
        from: IpAddr,
    ) -> PortFuture<'a, Result<Authenticated, PortError>>;
    /// The target's login for an account of a connection.
    fn lease<'a>(
        &'a self,
        connection: &'a Connection,
        account: &'a str,
    ) -> PortFuture<'a, Result<Lease, PortError>>;
    /// A description of a service, from its file.
    fn description<'a>(&'a self, file: &'a str) -> PortFuture<'a, Result<Value, PortError>>;
    /// A signed statement of who acts in a session, for a target.
    ///
    /// # Errors
    /// It cannot be signed.
    fn identity(&self, context: &SessionContext, audience: &str) -> Result<Arc<str>, PortError>;
    /// What a browser is let in to a connection with, for a code that it got when it signed in.
    fn enter<'a>(
        &'a self,
        code: &'a str,
        challenge: &'a str,
        connection: &'a str,
    ) -> PortFuture<'a, Result<Entered, PortError>>;
    /// How a request for approval stands; `None` when this principal made none of that id.
    fn look<'a>(
        &'a self,
        id: &'a ApprovalId,
        principal: &'a PrincipalId,
    ) -> PortFuture<'a, Option<Looked>>;
    /// Asks humans about an operation that waits.
    fn hold(&self, held: HeldOperation) -> PortFuture<'_, Result<Ticket, PortError>>;
    /// The client went away or gave up: the request ends.
    fn cancel_hold<'a>(&'a self, id: &'a ApprovalId) -> PortFuture<'a, ()>;
    /// The wait timed out, or a login's client left: the request stays open and buys one run, or one login, later.
    fn leave_open<'a>(&'a self, id: &'a ApprovalId) -> PortFuture<'a, ()>;
    /// Uses an approval up. An inline wait names its request; otherwise one that was given after a
    /// timed-out wait is looked for. `None` when there is none (any more). An approval for a login becomes one for
    /// `session`, and is in the newest snapshot when this returns.
    fn spend<'a>(
        &'a self,
        id: Option<&'a ApprovalId>,
        digest: OperationDigest,
        principal: &'a PrincipalId,
        connection: &'a str,
        session: &'a SessionId,
    ) -> PortFuture<'a, Result<Option<Spent>, PortError>>;
}
