//! The history of the resources, and what a change of them would do.

use super::answer::{Ask, Body, Refusal};
use super::types::{
    DryRun, DryRunRequest, ErrorBody, HistoryDiff, HistoryList, PolicyTestReport, PolicyTestRequest,
};
use super::{App, Peer};
use crate::control::{Caller, HistoryFilter};
use crate::error::ControlError;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

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
#[utoipa::path(get, path = "/v1/history", params(Part),
    responses((status = 200, body = HistoryList), (status = 400, body = ErrorBody))
)]
pub(super) async fn history(
    State(app): State<App>,
    Ask(part): Ask<Part>,
) -> Result<Json<HistoryList>, Refusal> {
    let filter = HistoryFilter {
        kind: part.kind,
        name: part.name,
        limit: part.limit,
        cursor: part.cursor,
    };
    Ok(Json(app.control.history(filter).await?))
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
    State(app): State<App>,
    Ask(between): Ask<Between>,
) -> Result<Json<HistoryDiff>, Refusal> {
    let Between { from, to } = between;
    Ok(Json(app.control.history_diff(from, to).await?))
}

/// Decides recorded operations again under changed resources. Nothing is run, and nothing is changed.
#[utoipa::path(
    post, path = "/v1/policies/dry-run", request_body = DryRunRequest,
    responses((status = 200, body = DryRun), (status = 422, body = ErrorBody))
)]
pub(super) async fn dry_run(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Body(request): Body<DryRunRequest>,
) -> Result<Json<DryRun>, Refusal> {
    let with = (Arc::clone(&app.explainer), turn(&app)?);
    Ok(Json(
        app.control.dry_run(&caller, from, with, request).await?,
    ))
}

/// Deciding much at once takes the time of a processor; one at a time.
fn turn(app: &App) -> Result<OwnedMutexGuard<()>, ControlError> {
    let what = "somebody tries policies out already; wait for their answer";
    let taken = Arc::clone(&app.judging).try_lock_owned();
    taken.map_err(|_| ControlError::TooMany(what.to_owned()))
}

/// Runs the policy tests under changed resources. Nothing is run at a target, and nothing is changed.
#[utoipa::path(
    post, path = "/v1/policies/test", request_body = PolicyTestRequest,
    responses((status = 200, body = PolicyTestReport), (status = 422, body = ErrorBody))
)]
pub(super) async fn test_policies(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<PolicyTestRequest>,
) -> Result<Json<PolicyTestReport>, Refusal> {
    let with = (Arc::clone(&app.explainer), turn(&app)?);
    Ok(Json(
        app.control.test_policies(&caller, with, request).await?,
    ))
}
