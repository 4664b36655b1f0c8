//! What the control plane needs from the data plane. The binary implements both over the gateway, so that
//! neither crate knows the other.

use crate::api::types::{ExplainRequest, ExplainResponse, SessionInfo};
use sluice_model::{Principal, SessionId};
use std::future::Future;
use std::pin::Pin;

/// The sessions that live now.
pub trait LiveSessions: Send + Sync {
    /// All of them, in any order.
    fn list(&self) -> Vec<SessionInfo>;
    /// Ends one and gives the reason to its client; `false` when there is no such live session.
    fn kill(&self, id: &SessionId, why: &str) -> bool;
}

/// An answer that is still being worked out.
pub type Explaining<'a> =
    Pin<Box<dyn Future<Output = Result<ExplainResponse, String>> + Send + 'a>>;

/// Reads an operation and says what would be decided, without running anything.
pub trait Explainer: Send + Sync {
    /// Explains for this principal. The error is words for the caller: what could not be read and why.
    fn explain<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a ExplainRequest,
    ) -> Explaining<'a>;
}
