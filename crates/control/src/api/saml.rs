//! What browsers bring from identity providers that speak SAML, and what the gateway says of itself to them.

use super::browser::{application, arrived, go, on_its_way, trouble};
use super::{App, Peer, pages};
use crate::control::{Posted, SignInError, SignedOutBy};
use crate::identity::saml::Brought;
use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(rename = "SAMLResponse")]
    response: String,
    #[serde(rename = "RelayState", default)]
    state: String,
}

/// Back from a provider, with a form.
pub(super) async fn arrive(
    State(app): State<App>,
    Extension(Peer(from)): Extension<Peer>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    answer: Result<Form<Answer>, FormRejection>,
) -> Response {
    if !app.control.speaks_saml(&provider) {
        return trouble(&SignInError::NoProvider);
    }
    let Ok(Form(answer)) = answer else {
        return trouble(&SignInError::NotAccepted);
    };
    let browser = on_its_way(&headers);
    let posted = Posted {
        provider: &provider,
        state: &answer.state,
        response: &answer.response,
        browser: browser.as_deref(),
        application: application(&headers),
    };
    arrived(&app, app.control.finish_saml(posted, from).await)
}

#[derive(Deserialize)]
pub(super) struct Leaving {
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "RelayState")]
    state: Option<String>,
}

/// A provider signs somebody out, or answers that it did.
pub(super) async fn sign_out(
    State(app): State<App>,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
    Query(leaving): Query<Leaving>,
) -> Response {
    let query = query.unwrap_or_default();
    let brought = leaving.request.as_ref().map(|_| Brought::Query(query));
    leave(&app, &provider, brought, leaving.state.as_deref()).await
}

/// The same with a form.
pub(super) async fn sign_out_by_form(
    State(app): State<App>,
    Path(provider): Path<String>,
    leaving: Result<Form<Leaving>, FormRejection>,
) -> Response {
    let (request, state) = match leaving {
        Ok(Form(leaving)) => (leaving.request, leaving.state),
        Err(_) => (Some(String::new()), None),
    };
    let brought = request.map(Brought::Field);
    leave(&app, &provider, brought, state.as_deref()).await
}

async fn leave(
    app: &App,
    provider: &str,
    brought: Option<Brought>,
    state: Option<&str>,
) -> Response {
    if !app.control.speaks_saml(provider) {
        return trouble(&SignInError::NoProvider);
    }
    let Some(brought) = brought else {
        // Its answer to what was signed out here already; nothing hangs from it.
        return signed_out();
    };
    let out = SignedOutBy {
        provider,
        brought,
        state,
    };
    match app.control.saml_logout(out).await {
        Ok(Some(url)) => go(&url),
        Ok(None) => signed_out(),
        Err(error) => trouble(&error),
    }
}

fn signed_out() -> Response {
    pages::signed_out("You are signed out.", None)
}

/// What the gateway says of itself to a provider.
pub(super) async fn metadata(State(app): State<App>, Path(provider): Path<String>) -> Response {
    match app.control.saml_metadata(&provider).await {
        Ok(text) => {
            let kind = HeaderValue::from_static("application/samlmetadata+xml");
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => trouble(&error),
    }
}
