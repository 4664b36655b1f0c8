//! Protocols, targets, and what the gateway was told at start.

use super::App;
use super::answer::{Body, Refusal};
use super::types::{ConnectionTested, ErrorBody, ProtocolList, SettingsInfo, TestConnection};
use crate::error::ControlError;
use axum::Json;
use axum::extract::State;

/// The protocol table: what connections may say, and what policies may ask.
#[utoipa::path(get, path = "/v1/protocols", responses((status = 200, body = ProtocolList)))]
pub(super) async fn protocols(State(_app): State<App>) -> Result<Json<ProtocolList>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// Opens a session at a target and ends it at once. Nothing is run.
#[utoipa::path(
    post, path = "/v1/connections/test", request_body = TestConnection,
    responses((status = 200, body = ConnectionTested), (status = 422, body = ErrorBody))
)]
pub(super) async fn test(
    State(_app): State<App>,
    Body(_request): Body<TestConnection>,
) -> Result<Json<ConnectionTested>, Refusal> {
    Err(ControlError::Unavailable.into())
}

/// What the gateway was told at start.
#[utoipa::path(get, path = "/v1/settings", responses((status = 200, body = SettingsInfo)))]
pub(super) async fn settings(State(_app): State<App>) -> Result<Json<SettingsInfo>, Refusal> {
    Err(ControlError::Unavailable.into())
}
