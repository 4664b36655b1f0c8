//! Browsers on their way to a connection's own pages, and the keys for what targets are told of callers.

use super::browser::{go, person, sign_in_first};
use super::{App, pages};
use crate::control::Caller;
use axum::Extension;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Entering {
    connection: String,
    to: String,
    challenge: String,
}

/// Lets a browser in to a connection, once its person is signed in.
pub(super) async fn enter(
    State(app): State<App>,
    caller: Option<Extension<Caller>>,
    RawQuery(query): RawQuery,
    asked: Result<Query<Entering>, QueryRejection>,
) -> Response {
    let not_there = || {
        pages::trouble(
            StatusCode::BAD_REQUEST,
            "The address that you come from is not one of this gateway's.",
            "Open the page that you wanted once more; an administrator finds its name under names in sluice.yaml.",
        )
    };
    let Ok(Query(asked)) = asked else {
        return not_there();
    };
    let Some(caller) = person(caller) else {
        return sign_in_first(&format!("/enter?{}", query.unwrap_or_default()));
    };
    let Entering {
        connection,
        to,
        challenge,
    } = &asked;
    match app.control.let_in(&caller, connection, to, challenge).await {
        Ok(Some(there)) => {
            let mut response = go(&there);
            // A page that opened this one is not to see where it leads.
            let alone = HeaderValue::from_static("same-origin");
            let name = HeaderName::from_static("cross-origin-opener-policy");
            response.headers_mut().insert(name, alone);
            response
        }
        Ok(None) => not_there(),
        Err(_) => {
            let what = "Nobody can be let in right now.";
            pages::trouble(StatusCode::SERVICE_UNAVAILABLE, what, "Try again shortly.")
        }
    }
}

/// The keys that signed identity headers can be checked with.
pub(super) async fn keys(State(app): State<App>) -> Response {
    match app.control.published_keys() {
        Ok(keys) => Json(keys).into_response(),
        Err(error) => {
            tracing::error!(%error, "the key of identity headers cannot be had");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
