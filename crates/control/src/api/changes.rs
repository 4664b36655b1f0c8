//! The history of the resources, and what a change of them would do.

use super::App;
use super::answer::{Ask, Body, Refusal};
use super::types::{
    DryRun, DryRunRequest, ErrorBody, HistoryDiff, HistoryList, PolicyTestReport, PolicyTestRequest,
};
use crate::error::ControlError;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

/// Which part of the history.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Changes of resources of this kind alone.
    pub(super) kind: Option<String>,
    /// Changes of the resource of this name alone.
    pub(super) name: Option<String>,
    /// How many at most: 1 to 200, 50 when absent.
    pub(super) limit: Option<u32>,
    /// Where a list before went on (`next`).
    pub(super) cursor: Option<String>,
}

/// Lists the changes of the resources.
#[utoipa::path(get, path = "/v1/history", params(Part), responses((status = 200, body = HistoryList)))]
pub(super) async fn history(
    State(_app): State<App>,
    Ask(_part): Ask<Part>,
) -> Result<Json<HistoryList>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// From which state to which.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Between {
    /// The state after this change; 0 is before the first.
    pub(super) from: u64,
    /// The state after this change.
    pub(super) to: u64,
}

/// Says what differs between two states of the resources.
#[utoipa::path(
    get, path = "/v1/history/diff", params(Between),
    responses((status = 200, body = HistoryDiff), (status = 404, body = ErrorBody))
)]
pub(super) async fn history_diff(
    State(_app): State<App>,
    Ask(_between): Ask<Between>,
) -> Result<Json<HistoryDiff>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// Decides recorded operations again under changed resources. Nothing is run, and nothing is changed.
#[utoipa::path(
    post, path = "/v1/policies/dry-run", request_body = DryRunRequest,
    responses((status = 200, body = DryRun), (status = 422, body = ErrorBody))
)]
pub(super) async fn dry_run(
    State(_app): State<App>,
    Body(_request): Body<DryRunRequest>,
) -> Result<Json<DryRun>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// Runs the policy tests under changed resources. Nothing is run at a target, and nothing is changed.
#[utoipa::path(
    post, path = "/v1/policies/test", request_body = PolicyTestRequest,
    responses((status = 200, body = PolicyTestReport), (status = 422, body = ErrorBody))
)]
pub(super) async fn test_policies(
    State(_app): State<App>,
    Body(_request): Body<PolicyTestRequest>,
) -> Result<Json<PolicyTestReport>, Refusal> {
    Err(ControlError::Unavailable.into())
}
