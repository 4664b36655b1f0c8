//! Notifiers: how they are doing, their dead letters, and what comes back through them.

use super::App;
use super::answer::{Ask, Body, Id, Refusal};
use super::types::{
    DeliveryInfo, DeliveryList, ErrorBody, NotifierList, OpenLink, OpenedLink, TestResult,
};
use crate::control::{Caller, Hooked};
use crate::notify::{DeliveryState, Heads};
use crate::store::WantedDeliveries;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

/// Deliveries on one page, unless another number is asked for.
const PAGE: u32 = 100;
/// The most on one page.
const MAX_PAGE: u32 = 1_000;

type Answer<T> = Result<Json<T>, Refusal>;

/// Lists the notifiers.
#[utoipa::path(get, path = "/v1/notifiers", responses((status = 200, body = NotifierList)))]
pub(super) async fn list(State(app): State<App>) -> Answer<NotifierList> {
    let notifiers = app.control.list_notifiers().await?;
    Ok(Json(NotifierList { notifiers }))
}

/// Sends a test message now, and says how that went.
#[utoipa::path(
    post, path = "/v1/notifiers/{id}/test", params(("id" = String, Path)),
    responses((status = 200, body = TestResult), (status = 404, body = ErrorBody))
)]
pub(super) async fn test(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(name): Id<String>,
) -> Answer<TestResult> {
    Ok(Json(app.control.test_notifier(&caller, &name).await?))
}

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    notifier: Option<String>,
    #[serde(default)]
    state: Option<Standing>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    cursor: Option<i64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Pending,
    Sent,
    Dead,
}

/// Lists deliveries, newest first.
#[utoipa::path(
    get, path = "/v1/deliveries",
    params(
        ("notifier" = Option<String>, Query, description = "through this notifier alone"),
        ("state" = Option<String>, Query, description = "pending, sent or dead"),
        ("limit" = Option<u32>, Query, description = "at most 1000 on a page"),
        ("cursor" = Option<String>, Query, description = "where the page before ended"),
    ),
    responses((status = 200, body = DeliveryList))
)]
pub(super) async fn deliveries(
    State(app): State<App>,
    Ask(which): Ask<Which>,
) -> Answer<DeliveryList> {
    let limit = which.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let state = which.state.map(|state| match state {
        Standing::Pending => DeliveryState::Pending,
        Standing::Sent => DeliveryState::Sent,
        Standing::Dead => DeliveryState::Dead,
    });
    let wanted = WantedDeliveries {
        notifier: which.notifier,
        state,
        before: which.cursor,
        limit,
    };
    let deliveries = app.control.list_deliveries(wanted).await?;
    let full = u32::try_from(deliveries.len()).is_ok_and(|n| n == limit);
    let last = deliveries.last().filter(|_| full);
    let next = last.map(|last| last.id.trim_start_matches("d-").to_owned());
    Ok(Json(DeliveryList { deliveries, next }))
}

/// Tries a delivery again that was given up, or that waits.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/retry", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryInfo), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn retry(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<String>,
) -> Answer<DeliveryInfo> {
    Ok(Json(app.control.retry_delivery(&caller, &id).await?))
}

/// Opens a link from mail, once, for the person that it was written to. Decides nothing.
#[utoipa::path(
    post, path = "/v1/links/open", request_body = OpenLink,
    responses((status = 200, body = OpenedLink), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn open_link(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<OpenLink>,
) -> Answer<OpenedLink> {
    Ok(Json(app.control.open_link(&caller, &wanted.link).await?))
}

/// Takes what another service sends: a pressed button, a moved issue, a decision. Signed with that notifier's secret.
#[utoipa::path(
    post, path = "/hooks/{id}", params(("id" = String, Path)), request_body(content = String),
    responses((status = 200), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn hook(
    State(app): State<App>,
    Id(name): Id<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let hooked = app.control.hook(&name, Heads(&headers), &body).await?;
    Ok(match hooked {
        Hooked::Taken => StatusCode::OK.into_response(),
        Hooked::Decided(info) => {
            Json(serde_json::json!({"approval": info.id, "state": info.state})).into_response()
        }
    })
}
