//! What browsers ask: signing in and out, and letting programs and terminals act as the person.

use super::answer::Refusal;
use super::auth::is_from_here;
use super::{App, Peer, console, pages};
use crate::control::{
    Arrived, Caller, Returned, Sending, SignInError, is_client_name, is_loopback_redirect,
};
use crate::identity::flows::SIGN_IN_LIFE;
use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sluice_identity::form::{encoded, percent};
use sluice_model::WayIn;
use std::collections::HashMap;

/// The cookie of a browser that is signed in. The prefix binds it to this host and to TLS (RFC 6265bis).
pub(super) const SESSION_COOKIE: &str = "__Host-sluice";
/// The cookie of a browser that is on its way to a provider and back.
const SIGN_IN_COOKIE: &str = "__Host-sluice-signin";
/// The longest address of a page that is gone on to.
const MAX_NEXT: usize = 2_048;

/// The value of a cookie; none when it is there twice.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut found = pairs.filter_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Sets a cookie that requests from other sites bring only when they open a page here.
fn set_cookie(response: &mut Response, name: &str, value: &str, seconds: i64) {
    put_cookie(response, &format!("{name}={value}; SameSite=Lax"), seconds);
}

fn put_cookie(response: &mut Response, cookie: &str, seconds: i64) {
    let cookie = format!("{cookie}; Path=/; Secure; HttpOnly; Max-Age={seconds}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Sends a browser on.
pub(super) fn go(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A page of the gateway's own to go on to, or its first.
fn local(next: Option<&str>) -> String {
    let inside = |next: &&str| {
        let mut chars = next.chars();
        let first = chars.next() == Some('/');
        first
            && !matches!(chars.next(), Some('/' | '\\'))
            && next.len() <= MAX_NEXT
            && !next
                .chars()
                .any(|c| c.is_control() || c == '\\' || !c.is_ascii())
    };
    next.filter(inside).unwrap_or("/").to_owned()
}

/// The person in this browser.
pub(super) fn person(caller: Option<Extension<Caller>>) -> Option<Caller> {
    caller
        .map(|Extension(c)| c)
        .filter(|c| c.way == WayIn::Browser)
}

pub(super) fn sign_in_first(next: &str) -> Response {
    go(&format!("/signin?next={}", percent(next)))
}

pub(super) fn trouble(error: &SignInError) -> Response {
    let (status, what, next) = match error {
        SignInError::NoProvider => (
            StatusCode::NOT_FOUND,
            "There is no such identity provider.",
            "Choose one on the sign-in page.",
        ),
        SignInError::Unreachable => (
            StatusCode::BAD_GATEWAY,
            "The identity provider cannot be reached.",
            "Try again shortly; the gateway's log says more.",
        ),
        SignInError::NotBegun => (
            StatusCode::BAD_REQUEST,
            "This sign-in did not begin in this browser, took too long, or was used already.",
            "Begin again.",
        ),
        SignInError::NotAccepted => (
            StatusCode::BAD_REQUEST,
            "What the identity provider answered is not accepted.",
            "Begin again; the gateway's log says why.",
        ),
        SignInError::NotAdmitted(why) => {
            return pages::trouble(StatusCode::FORBIDDEN, why, "Nothing was changed.");
        }
        SignInError::TooMany => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many sign-ins have begun or failed.",
            "Wait a minute and begin again.",
        ),
        SignInError::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Nobody can sign in right now.",
            "Try again shortly.",
        ),
    };
    pages::trouble(status, what, next)
}

#[derive(Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// The first page: the console, where there is one.
pub(super) async fn home(caller: Option<Extension<Caller>>) -> Response {
    match console::is_built() {
        true => go(console::CONSOLE),
        false => account(caller).await,
    }
}

/// Who is signed in in this browser.
pub(super) async fn account(caller: Option<Extension<Caller>>) -> Response {
    let Some(caller) = person(caller) else {
        return sign_in_first("/account");
    };
    let groups: Vec<String> = caller.principal.groups.iter().cloned().collect();
    pages::home(&caller.id().to_string(), &groups)
}

/// Which provider to sign in with; the only one is gone to at once.
pub(super) async fn choose(State(app): State<App>, Query(asked): Query<Next>) -> Response {
    let next = local(asked.next.as_deref());
    let query = format!("?next={}", percent(&next));
    let providers = app.control.providers();
    match providers.as_slice() {
        [(only, _)] => go(&format!("/signin/{only}{query}")),
        _ => pages::choose_provider(&providers, &query),
    }
}

/// Whether a browser means to show what comes. A picture in a page of somebody else's begins no sign-in, which would
/// take the place of one that is on its way. Browsers say it (Fetch Metadata); what says nothing is none.
fn opens_a_page(headers: &HeaderMap) -> bool {
    let meant = headers.get("sec-fetch-dest");
    meant.is_none_or(|meant| meant.as_bytes() == b"document")
}

/// Off to a provider.
pub(super) async fn begin(
    State(app): State<App>,
    Extension(Peer(from)): Extension<Peer>,
    Path(provider): Path<String>,
    Query(asked): Query<Next>,
    headers: HeaderMap,
) -> Response {
    if !opens_a_page(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let next = local(asked.next.as_deref());
    match app.control.begin_sign_in(&provider, next, from).await {
        Ok(sent) => {
            let mut response = match &sent.to {
                Sending::Url(url) => go(url),
                Sending::Form { action, fields } => pages::send_form(action, fields),
            };
            let site = if sent.comes_back_by_form {
                "None"
            } else {
                "Lax"
            };
            let cookie = format!("{SIGN_IN_COOKIE}={}; SameSite={site}", sent.browser.text());
            put_cookie(&mut response, &cookie, SIGN_IN_LIFE);
            response
        }
        Err(error) => trouble(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct Callback {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Back from a provider.
pub(super) async fn come_back(
    State(app): State<App>,
    Extension(Peer(from)): Extension<Peer>,
    Path(provider): Path<String>,
    Query(callback): Query<Callback>,
    headers: HeaderMap,
) -> Response {
    if !app
        .control
        .providers()
        .iter()
        .any(|(name, _)| *name == provider)
    {
        return trouble(&SignInError::NoProvider);
    }
    if callback.error.is_some() {
        let why = "the identity provider did not let you in".to_owned();
        return trouble(&SignInError::NotAdmitted(why));
    }
    let (Some(state), Some(code)) = (&callback.state, &callback.code) else {
        return trouble(&SignInError::NotBegun);
    };
    let browser = on_its_way(&headers);
    let returned = Returned {
        provider: &provider,
        state,
        code,
        issuer: callback.iss.as_deref(),
        browser: browser.as_deref(),
        application: application(&headers),
    };
    arrived(&app, app.control.finish_sign_in(returned, from).await)
}

/// What a browser says that it is.
pub(super) fn application(headers: &HeaderMap) -> &str {
    let agent = headers.get(header::USER_AGENT);
    agent.and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// What a browser that is on its way brings back.
pub(super) fn on_its_way(headers: &HeaderMap) -> Option<String> {
    cookie(headers, SIGN_IN_COOKIE)
}

/// Goes on as somebody who is signed in now.
pub(super) fn arrived(app: &App, outcome: Result<Arrived, SignInError>) -> Response {
    match outcome {
        Ok(arrived) => {
            let mut response = go(&arrived.next);
            let life = (arrived.expires.0 - app.control.now().0) / 1_000_000;
            set_cookie(&mut response, SESSION_COOKIE, &arrived.cookie, life);
            set_cookie(&mut response, SIGN_IN_COOKIE, "", 0);
            response
        }
        Err(error) => trouble(&error),
    }
}

/// A provider signs somebody out (OpenID Connect Back-Channel Logout 1.0).
pub(super) async fn back_channel_logout(
    State(app): State<App>,
    Path(provider): Path<String>,
    body: String,
) -> Response {
    let pairs = pairs(&body);
    let token = pairs
        .get("logout_token")
        .map(String::as_str)
        .unwrap_or_default();
    match app.control.back_channel_logout(&provider, token).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(SignInError::NoProvider) => Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no such identity provider",
            None,
        )
        .into_response(),
        Err(SignInError::Unavailable) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => Refusal::new(
            StatusCode::BAD_REQUEST,
            "the logout token is not accepted",
            None,
        )
        .into_response(),
    }
}

/// The pairs of a form, whatever its content type says.
fn pairs(body: &str) -> HashMap<String, String> {
    let uri = format!("/?{body}").parse::<axum::http::Uri>().ok();
    let query = uri.and_then(|uri| Query::try_from_uri(&uri).ok());
    query.map(|Query(pairs)| pairs).unwrap_or_default()
}

/// Signs this browser out.
pub(super) async fn sign_out(
    State(app): State<App>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
) -> Response {
    if !is_from_here(&headers) {
        return go("/");
    }
    let elsewhere = match person(caller) {
        None => None,
        Some(caller) => match app.control.browser_sign_out(&caller).await {
            Ok(elsewhere) => elsewhere,
            Err(error) => return Refusal::from(error).into_response(),
        },
    };
    let text = "This browser, and the programs that were let in from it, are signed out.";
    let mut response = pages::signed_out(text, elsewhere.as_deref());
    set_cookie(&mut response, SESSION_COOKIE, "", 0);
    response
}

#[derive(Deserialize)]
pub(super) struct Authorize {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    code_challenge: String,
    code_challenge_method: String,
    #[serde(default)]
    state: String,
}

impl Authorize {
    /// Only programs on the person's own computer, and only with PKCE.
    fn is_in_order(&self) -> bool {
        self.response_type == "code"
            && is_client_name(&self.client_id)
            && is_loopback_redirect(&self.redirect_uri)
            && self.code_challenge_method == "S256"
            && self.code_challenge.len() == 43
            && self.state.len() <= 512
    }

    fn back(&self, answer: (&str, &str), issuer: &str) -> String {
        let query = encoded(&[answer, ("state", &self.state), ("iss", issuer)]);
        format!("{}?{query}", self.redirect_uri)
    }
}

fn not_in_order() -> Response {
    pages::trouble(
        StatusCode::BAD_REQUEST,
        "The program that sent you here asked for something that is not given.",
        "Start it again; `sluice login` asks in the right way.",
    )
}

/// Asks the person whether a program may act as them.
pub(super) async fn authorize(
    caller: Option<Extension<Caller>>,
    RawQuery(query): RawQuery,
    asked: Result<Query<Authorize>, QueryRejection>,
) -> Response {
    let query = query.unwrap_or_default();
    let Some(Query(asked)) = asked.ok().filter(|Query(asked)| asked.is_in_order()) else {
        return not_in_order();
    };
    match person(caller) {
        None => sign_in_first(&format!("/oauth/authorize?{query}")),
        Some(caller) => {
            let who = caller.id().to_string();
            pages::allow_program(&who, &asked.client_id, &query)
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Decision {
    decision: Option<String>,
    user_code: Option<String>,
}

/// The person decided about a program.
pub(super) async fn authorized(
    State(app): State<App>,
    caller: Option<Extension<Caller>>,
    RawQuery(query): RawQuery,
    asked: Result<Query<Authorize>, QueryRejection>,
    decision: Result<Form<Decision>, FormRejection>,
) -> Response {
    let Some(Query(asked)) = asked.ok().filter(|Query(asked)| asked.is_in_order()) else {
        return not_in_order();
    };
    let Some(caller) = person(caller) else {
        return sign_in_first(&format!("/oauth/authorize?{}", query.unwrap_or_default()));
    };
    let issuer = app.control.config().public_url.clone();
    let allowed = decision.is_ok_and(|Form(d)| d.decision.as_deref() == Some("allow"));
    if !allowed {
        return pages::back_to_program(&asked.back(("error", "access_denied"), &issuer));
    }
    let Authorize {
        client_id,
        redirect_uri,
        code_challenge,
        ..
    } = &asked;
    let given = app
        .control
        .grant_code(&caller, client_id, redirect_uri, code_challenge)
        .await;
    match given {
        Ok(code) => pages::back_to_program(&asked.back(("code", &code), &issuer)),
        Err(error) => pages::back_to_program(&asked.back(("error", error.code()), &issuer)),
    }
}

/// Asks the person for the code of a terminal, then whether it may act as them.
pub(super) async fn device(
    State(app): State<App>,
    caller: Option<Extension<Caller>>,
    RawQuery(query): RawQuery,
    Query(asked): Query<Decision>,
) -> Response {
    let Some(caller) = person(caller) else {
        let query = query.map(|q| format!("?{q}")).unwrap_or_default();
        return sign_in_first(&format!("/device{query}"));
    };
    let Some(typed) = asked.user_code else {
        return pages::ask_for_code(false);
    };
    match app.control.device(&caller, &typed) {
        None => pages::ask_for_code(true),
        Some(device) => pages::allow_device(
            &caller.id().to_string(),
            &device.client,
            &device.from.to_string(),
            &device.user_code,
        ),
    }
}

/// The person decided about a terminal.
pub(super) async fn decide_device(
    State(app): State<App>,
    caller: Option<Extension<Caller>>,
    decision: Result<Form<Decision>, FormRejection>,
) -> Response {
    let Some(caller) = person(caller) else {
        return sign_in_first("/device");
    };
    let Ok(Form(Decision {
        decision,
        user_code: Some(typed),
    })) = decision
    else {
        return pages::ask_for_code(false);
    };
    let allow = decision.as_deref() == Some("allow");
    match app.control.decide_device(&caller, &typed, allow).await {
        false => pages::ask_for_code(true),
        true if allow => pages::done("Allowed", "The terminal goes on by itself."),
        true => pages::done("Denied", "The terminal is told so."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ATTACKS: open redirect after signing in.
    #[test]
    fn nobody_is_sent_elsewhere() {
        for (next, expected) in [
            ("/device?user_code=X", "/device?user_code=X"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\\b", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/\t/evil.example", "/"),
            ("/\r\nSet-Cookie: x=y", "/"),
            ("/\u{ff0f}evil.example", "/"),
            ("", "/"),
            (" /x", "/"),
        ] {
            assert_eq!(local(Some(next)), expected, "{next:?}");
        }
        assert_eq!(local(Some(&format!("/{}", "a".repeat(MAX_NEXT)))), "/");
    }

    /// ATTACKS: a picture in somebody else's page takes the place of a sign-in that is on its way.
    #[test]
    fn a_sign_in_begins_with_a_page() {
        for (destination, good) in [
            (None, true),
            (Some("document"), true),
            (Some("image"), false),
            (Some("iframe"), false),
            (Some("empty"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(destination) = destination {
                headers.append("sec-fetch-dest", destination.parse().unwrap());
            }
            assert_eq!(opens_a_page(&headers), good, "{destination:?}");
        }
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let headers = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            headers
        };
        for (lines, expected) in [
            (&["a=1; __Host-sluice=x"][..], Some("x")),
            (&["__Host-sluice=x", "b=2"], Some("x")),
            (&["__Host-sluice=x; __Host-sluice=y"], None),
            (&["__Host-sluice=x", "__Host-sluice=x"], None),
            (&["__Host-sluice-signin=x"], None),
            (&[], None),
        ] {
            assert_eq!(
                cookie(&headers(lines), SESSION_COOKIE).as_deref(),
                expected,
                "{lines:?}"
            );
        }
    }
}
