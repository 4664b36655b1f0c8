//! What was recorded, for people who look through it: operations, the log, numbers over time.

use super::answer::{Ask, Id, Refusal};
use super::types::{
    ErrorBody, LogList, LogStanding, OperationList, Overview, SessionInfo, SessionVerified, Verdict,
};
use super::{App, Peer};
use crate::control::Caller;
use crate::error::ControlError;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use sluice_model::{SessionId, Timestamp};

/// Which operations, or sessions with such operations.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of this principal, such as `user:ada`.
    pub(super) principal: Option<String>,
    /// On this connection.
    pub(super) connection: Option<String>,
    /// In this session.
    pub(super) session: Option<String>,
    /// Needing something of this name, such as a table `public.customers` or `customers`, or `orders/{id}`.
    pub(super) resource: Option<String>,
    /// Needing this action, such as `sql:delete`.
    pub(super) action: Option<String>,
    /// Decided so.
    #[param(inline)]
    pub(super) verdict: Option<Verdict>,
    /// Decided by this policy.
    pub(super) policy: Option<String>,
    /// With these words in them.
    pub(super) text: Option<String>,
    /// With values masked in the answer, or without.
    pub(super) masked: Option<bool>,
    /// Since then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) from: Option<Timestamp>,
    /// Before then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) to: Option<Timestamp>,
    /// How many at most: 1 to 200, 50 when absent.
    pub(super) limit: Option<u32>,
    /// Where a list before went on (`next`).
    pub(super) cursor: Option<String>,
    /// Of sessions: only those that live, or only those that ended.
    pub(super) live: Option<bool>,
}

/// Lists operations: one's own, those on connections that one may watch. Looking at others' is recorded.
#[utoipa::path(
    get, path = "/v1/operations", params(Filter),
    responses((status = 200, body = OperationList), (status = 400, body = ErrorBody))
)]
pub(super) async fn operations(
    State(_app): State<App>,
    Ask(_filter): Ask<Filter>,
) -> Result<Json<OperationList>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// One session.
#[utoipa::path(
    get, path = "/v1/sessions/{id}", params(("id" = String, Path)),
    responses((status = 200, body = SessionInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn session(
    State(_app): State<App>,
    Extension(_caller): Extension<Caller>,
    Extension(Peer(_from)): Extension<Peer>,
    Id(_id): Id<SessionId>,
) -> Result<Json<SessionInfo>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// Whether the record of one session is as it was written.
#[utoipa::path(
    get, path = "/v1/sessions/{id}/verify", params(("id" = String, Path)),
    responses((status = 200, body = SessionVerified), (status = 404, body = ErrorBody))
)]
pub(super) async fn verify_session(
    State(_app): State<App>,
    Id(_id): Id<SessionId>,
) -> Result<Json<SessionVerified>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// Which time.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// How far back, in seconds: 60 to 7,776,000 (90 days); an hour when absent.
    pub(super) seconds: Option<u32>,
}

/// What is going on, and what went on: of oneself and of connections that one may watch; of all for administrators.
#[utoipa::path(get, path = "/v1/overview", params(Span), responses((status = 200, body = Overview)))]
pub(super) async fn overview(
    State(_app): State<App>,
    Ask(_span): Ask<Span>,
) -> Result<Json<Overview>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// Which entries of the log.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Entries {
    /// By this principal.
    pub(super) actor: Option<String>,
    /// What was done, or how it begins, such as `token` for `token.create` and `token.revoke`.
    pub(super) act: Option<String>,
    /// With these words in what it was done to, or in what is said about it.
    pub(super) text: Option<String>,
    /// Since then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) from: Option<Timestamp>,
    /// Before then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) to: Option<Timestamp>,
    /// How many at most: 1 to 200, 50 when absent.
    pub(super) limit: Option<u32>,
    /// Where a list before went on (`next`).
    pub(super) cursor: Option<String>,
}

/// Lists changes made through the control plane, and gaps.
#[utoipa::path(get, path = "/v1/log", params(Entries), responses((status = 200, body = LogList)))]
pub(super) async fn log(
    State(_app): State<App>,
    Ask(_entries): Ask<Entries>,
) -> Result<Json<LogList>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// How the log is.
#[utoipa::path(get, path = "/v1/audit", responses((status = 200, body = LogStanding)))]
pub(super) async fn standing(State(_app): State<App>) -> Result<Json<LogStanding>, Refusal> {
    Err(ControlError::Unavailable.into())
}
