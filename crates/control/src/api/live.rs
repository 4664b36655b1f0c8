//! What changes, as it changes: a stream of topics for pages that stay open.

use super::App;
use super::answer::Refusal;
use crate::error::ControlError;
use axum::extract::State;
use axum::response::Response;

/// Tells which lists changed (server-sent events). The name of each event is a topic: `approvals`, `sessions`,
/// `operations`, `resources`, `principals`, `log` or `health`; what changed has to be asked for.
#[utoipa::path(
    get, path = "/v1/events",
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub(super) async fn events(State(_app): State<App>) -> Result<Response, Refusal> {
    Err(ControlError::Unavailable.into())
}
