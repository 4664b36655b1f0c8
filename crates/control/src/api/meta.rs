//! How the gateway is, and what its API is.

use super::App;
use super::types::HealthInfo;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = HealthInfo)), security(()))]
pub(super) async fn healthz() -> Json<HealthInfo> {
    Json(HealthInfo {
        ok: true,
        failing: Vec::new(),
    })
}

/// Whether new sessions are taken; names what fails besides.
#[utoipa::path(
    get, path = "/readyz", security(()),
    responses((status = 200, body = HealthInfo), (status = 503, body = HealthInfo))
)]
pub(super) async fn readyz(State(app): State<App>) -> (StatusCode, Json<HealthInfo>) {
    let health = app.control.health().borrow().clone();
    let status = match health.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let failing = health.failing();
    (
        status,
        Json(HealthInfo {
            ok: health.is_ready(),
            failing,
        }),
    )
}

/// Numbers for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        app.metrics.render(),
    )
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)), security(()))]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(super::openapi::description())
}
