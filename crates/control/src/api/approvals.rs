//! Requests for a human's consent: listing, deciding, and asking ahead.

use super::answer::{Ask, Body, Id, Refusal};
use super::types::{ApprovalInfo, ApprovalList, Approve, CreateRequest, ErrorBody, Reason};
use super::{App, Peer};
use crate::control::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use sluice_model::ApprovalId;

type Answer<T> = Result<Json<T>, Refusal>;

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Also what is decided.
    #[serde(default)]
    all: bool,
}

/// Lists what the caller asked for or may decide; everything for administrators.
#[utoipa::path(
    get, path = "/v1/approvals", params(("all" = Option<bool>, Query, description = "also what is decided")),
    responses((status = 200, body = ApprovalList))
)]
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Ask(which): Ask<Which>,
) -> Json<ApprovalList> {
    Json(ApprovalList {
        approvals: app.control.list_approvals(&caller, which.all).await,
    })
}

/// One request.
#[utoipa::path(
    get, path = "/v1/approvals/{id}", params(("id" = String, Path)),
    responses((status = 200, body = ApprovalInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ApprovalId>,
) -> Answer<ApprovalInfo> {
    Ok(Json(app.control.get_approval(&caller, &id).await?))
}

/// Agrees: never to one's own request, only in a group that it needs, once.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/approve", params(("id" = String, Path)), request_body = Approve,
    responses((status = 200, body = ApprovalInfo), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ApprovalId>,
    Body(approve): Body<Approve>,
) -> Answer<ApprovalInfo> {
    Ok(Json(
        app.control.approve(&caller, &id, approve.scope).await?,
    ))
}

/// Refuses; of one's own request: takes it back.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/deny", params(("id" = String, Path)), request_body = Reason,
    responses((status = 200, body = ApprovalInfo), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn deny(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ApprovalId>,
    Body(reason): Body<Reason>,
) -> Answer<ApprovalInfo> {
    Ok(Json(app.control.deny(&caller, &id, reason.reason).await?))
}

/// Ends what was approved: a window, or what a session was given. The requester, the approvers and administrators may.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/end", params(("id" = String, Path)), request_body = Reason,
    responses((status = 200, body = ApprovalInfo), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ApprovalId>,
    Body(reason): Body<Reason>,
) -> Answer<ApprovalInfo> {
    Ok(Json(
        app.control
            .end_approval(&caller, &id, reason.reason)
            .await?,
    ))
}

/// Asks ahead for a window on a connection.
#[utoipa::path(
    post, path = "/v1/requests", request_body = CreateRequest,
    responses((status = 201, body = ApprovalInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn request(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Body(request): Body<CreateRequest>,
) -> Result<(StatusCode, Json<ApprovalInfo>), Refusal> {
    let info = app.control.request_window(&caller, request, from).await?;
    Ok((StatusCode::CREATED, Json(info)))
}
