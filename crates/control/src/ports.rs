//! What the control plane needs from the data plane. The binary implements all of it over the gateway, so that
//! neither crate knows the other.

use crate::api::types::{ExplainRequest, ExplainResponse, SessionInfo, TargetHealth, TestStep};
use sluice_model::{Connection, Decision, Principal, PrincipalId, SessionId};
use sluice_policy::Snapshot;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

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

    /// What each of these snapshots decides about a text, in their order. Nothing runs, and its target is asked for no
    /// more than what exists there.
    fn judge<'a>(
        &'a self,
        snapshots: &'a [Arc<Snapshot>],
        request: &'a JudgeRequest,
    ) -> Judging<'a>;
}

/// What snapshots are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeRequest {
    /// For whom.
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// With which account; the default one when absent.
    pub account: Option<String>,
    /// In which database; the default one when absent.
    pub database: Option<String>,
    /// The text.
    pub text: String,
    /// The text is what a record holds of an operation, which may have had more to it.
    pub recorded: bool,
}

/// Why nothing can be decided about a text. In words for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotJudge {
    /// Because of the text itself, or of what is not known about it.
    #[error("{0}")]
    Text(String),
    /// Because its target cannot be asked what there is: the same is true of all other texts there.
    #[error("{0}")]
    Target(String),
}

/// Decisions that are still being worked out.
pub type Judging<'a> =
    Pin<Box<dyn Future<Output = Vec<Result<Decision, CannotJudge>>> + Send + 'a>>;

/// A test of a target that is still going on.
pub type Testing<'a> = Pin<Box<dyn Future<Output = Vec<TestStep>> + Send + 'a>>;

/// The servers behind connections.
pub trait Targets: Send + Sync {
    /// Opens a target as for a session and ends that at once; nothing is asked of it. What was tried, in turn: the last
    /// step is where it stopped.
    fn test<'a>(&'a self, connection: &'a Connection, account: &'a str) -> Testing<'a>;
    /// How the target of a registered connection was when it was last opened, by a session or a test; `None` where it
    /// never was as it is configured now.
    fn health(&self, connection: &str) -> Option<TargetHealth>;
}
