//! The gateway as an OAuth 2.0 authorization server for programs: `sluice login`, terminals without a browser
//! (RFC 8628), workloads that exchange their own token (RFC 8693), and clients that find all this by themselves
//! (RFC 8414).

use super::types::CreatedToken;
use super::{App, Peer};
use crate::control::{GrantError, is_client_name};
use crate::identity::flows::{DEVICE_INTERVAL, DEVICE_LIFE};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What there is.
pub(super) async fn metadata(State(app): State<App>) -> Response {
    let issuer = &app.control.config().public_url;
    let mut grants = vec!["authorization_code", DEVICE_GRANT];
    grants.extend(app.control.exchanges().then_some(EXCHANGE_GRANT));
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "device_authorization_endpoint": format!("{issuer}/oauth/device_authorization"),
        "response_types_supported": ["code"],
        "grant_types_supported": grants,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

impl IntoResponse for GrantError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(json!({ "error": self.code() }))).into_response()
    }
}

/// A terminal asks for a code that a person types.
#[derive(Deserialize)]
pub(super) struct DeviceRequest {
    client_id: String,
}

pub(super) async fn device_authorization(
    State(app): State<App>,
    Extension(Peer(from)): Extension<Peer>,
    asked: Result<Form<DeviceRequest>, FormRejection>,
) -> Response {
    let Ok(Form(asked)) = asked else {
        return GrantError::InvalidRequest.into_response();
    };
    if !is_client_name(&asked.client_id) {
        return GrantError::InvalidClient.into_response();
    }
    let (device_code, letters) = match app.control.begin_device(&asked.client_id, from) {
        Ok(codes) => codes,
        Err(error) => return error.into_response(),
    };
    let (first, second) = letters.split_at(letters.len() / 2);
    let user_code = format!("{first}-{second}");
    let page = format!("{}/device", app.control.config().public_url);
    Json(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": DEVICE_LIFE,
        "interval": DEVICE_INTERVAL,
    }))
    .into_response()
}

/// A program asks for a token.
#[derive(Deserialize)]
pub(super) struct TokenRequest {
    grant_type: String,
    #[serde(default)]
    client_id: String,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    device_code: Option<String>,
    subject_token: Option<String>,
    subject_token_type: Option<String>,
    expires_in: Option<u32>,
}

pub(super) async fn token(
    State(app): State<App>,
    Extension(Peer(from)): Extension<Peer>,
    asked: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    let Ok(Form(asked)) = asked else {
        return GrantError::InvalidRequest.into_response();
    };
    let (made, exchanged) = match asked.grant_type.as_str() {
        EXCHANGE_GRANT => (exchange(&app, &asked, from).await, true),
        _ if !is_client_name(&asked.client_id) => (Err(GrantError::InvalidClient), false),
        "authorization_code" => (code(&app, &asked, from).await, false),
        DEVICE_GRANT => (device(&app, &asked, from).await, false),
        _ => (Err(GrantError::UnsupportedGrantType), false),
    };
    match made {
        Ok(created) => answer(&app, &created, exchanged),
        Err(error) => error.into_response(),
    }
}

fn answer(app: &App, created: &CreatedToken, exchanged: bool) -> Response {
    let left = (created.expires.0 - app.control.now().0) / 1_000_000;
    let kind = exchanged.then_some(("issued_token_type", ACCESS_TOKEN));
    let parts = [
        ("access_token", created.secret.as_str()),
        ("token_type", "Bearer"),
    ];
    let parts = parts.into_iter().chain(kind);
    let mut body: Map<String, Value> = parts
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    body.insert("expires_in".to_owned(), left.into());
    Json(body).into_response()
}

type Made = Result<CreatedToken, GrantError>;

async fn code(app: &App, asked: &TokenRequest, from: std::net::IpAddr) -> Made {
    let parts = (&asked.code, &asked.redirect_uri, &asked.code_verifier);
    let (Some(code), Some(redirect_uri), Some(verifier)) = parts else {
        return Err(GrantError::InvalidRequest);
    };
    let client = &asked.client_id;
    app.control
        .redeem_code(code, client, redirect_uri, verifier, from)
        .await
}

async fn device(app: &App, asked: &TokenRequest, from: std::net::IpAddr) -> Made {
    let code = asked
        .device_code
        .as_deref()
        .ok_or(GrantError::InvalidRequest)?;
    app.control
        .redeem_device(code, &asked.client_id, from)
        .await
}

async fn exchange(app: &App, asked: &TokenRequest, from: std::net::IpAddr) -> Made {
    let token = asked
        .subject_token
        .as_deref()
        .ok_or(GrantError::InvalidRequest)?;
    if asked.subject_token_type.as_deref() != Some(JWT) {
        return Err(GrantError::InvalidRequest);
    }
    app.control.exchange(token, asked.expires_in, from).await
}
