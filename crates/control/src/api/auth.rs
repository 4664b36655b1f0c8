//! Who may use a route. Runs before every handler; what is not in the table of routes does not exist.

use super::answer::Refusal;
use super::browser::{SESSION_COOKIE, cookie};
use super::{App, Peer};
use crate::control::{ADMINS, Caller};
use crate::port_types::Authenticated;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sluice_model::{Credential, WayIn, WaysIn};
use std::net::IpAddr;
use std::time::Duration;

/// Who may use a route. What else a handler looks at only ever narrows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody, also without a token: nothing about anybody is told.
    Anybody,
    /// Anybody on this very host, others with a token.
    LocalOrSignedIn,
    /// Anybody with a token; the handler shows only what is theirs or what they may decide.
    SignedIn,
    /// A service that an identity provider provisions with; the handler touches what is that provider's.
    Provisioners,
    /// The group of administrators.
    Admins,
}

/// What a route asks of its caller, and how long it may take.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) app: App,
    pub(super) who: Who,
    pub(super) patience: Duration,
}

/// Lets a request through to its handler, or answers it.
pub(super) async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(Peer(from)) = request.extensions().get::<Peer>().copied() else {
        let error = "where the request comes from is not known";
        return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error, None).into_response();
    };
    let asked = (request.method(), request.uri().path());
    let caller = caller(&gate.app, asked, request.headers(), from).await;
    let admitted = match (gate.who, &caller) {
        (Who::Anybody, _) => Ok(()),
        (Who::LocalOrSignedIn, Err(_)) if from.to_canonical().is_loopback() => Ok(()),
        (_, Err(_)) => caller.as_ref().map(|_| ()).map_err(|_| ()),
        (Who::LocalOrSignedIn | Who::SignedIn, Ok(_)) => Ok(()),
        (Who::Provisioners, Ok(caller)) if gate.app.control.provisions_for(caller).is_some() => {
            Ok(())
        }
        (Who::Provisioners, Ok(_)) => {
            let hint = "an identity provider names it as `scim: {service: NAME}`";
            let error = "this is for the service that an identity provider provisions with";
            return Refusal::new(StatusCode::FORBIDDEN, error, Some(hint)).into_response();
        }
        (Who::Admins, Ok(caller)) if caller.is_admin() => Ok(()),
        (Who::Admins, Ok(_)) => {
            let hint = format!("ask somebody of the group {ADMINS:?}");
            let error = "this is for administrators";
            return Refusal::new(StatusCode::FORBIDDEN, error, Some(&hint)).into_response();
        }
    };
    match (admitted, caller) {
        (Err(()), Err(refusal)) => return refusal.into_response(),
        (_, Ok(caller)) => {
            request.extensions_mut().insert(caller);
        }
        (_, Err(_)) => {}
    }
    let changes = !request.method().is_safe();
    let running = next.run(request);
    let answer = async {
        match changes {
            // What was begun is finished, also when whoever asked has gone: a change half made would be in the store and
            // not in force.
            true => tokio::spawn(running).await.map_err(|_| ()),
            false => Ok(running.await),
        }
    };
    match tokio::time::timeout(gate.patience, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(())) => {
            let error = "this could not be finished; the gateway's log says why";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error, None).into_response()
        }
        Err(_) => {
            let error = "this took too long and was given up";
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                error,
                Some("try again shortly"),
            )
            .into_response()
        }
    }
}

/// Who sent a request: whoever its token or JWT is of, or the person who is signed in in a browser.
async fn caller(
    app: &App,
    asked: (&Method, &str),
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<Caller, Refusal> {
    let allowed = app.control.config().listen.https_ways();
    let mut said = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (said.next(), said.next()) {
        (Some(value), None) => value,
        (None, _) if allowed.allow(WayIn::Browser) => {
            return person(app, asked, headers, from);
        }
        _ => return Err(Refusal::who_are_you()),
    };
    let text = value.to_str().map_err(|_| Refusal::who_are_you())?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(Refusal::who_are_you)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::who_are_you());
    }
    if allowed.allow(WayIn::Local)
        && let Some(principal) = app.control.is_local_admin(secret, from)
    {
        return Ok(Caller {
            principal,
            credential: Credential::Local,
            way: WayIn::Local,
            expires: None,
        });
    }
    let bearer = [WayIn::Token, WayIn::Workload].into_iter();
    let ways: Vec<WayIn> = bearer.filter(|way| allowed.allow(*way)).collect();
    let found = app.control.authenticate(secret, WaysIn::of(&ways), from);
    let found = found.await?;
    let way = match found.credential {
        Credential::Workload(_) => WayIn::Workload,
        Credential::Token(_) | Credential::Local => WayIn::Token,
    };
    Ok(arrived(found, way))
}

fn arrived(found: Authenticated, way: WayIn) -> Caller {
    Caller {
        principal: found.principal,
        credential: found.credential,
        way,
        expires: Some(found.expires),
    }
}

/// The person in a browser. What changes something has to come from a page of the gateway's own.
fn person(
    app: &App,
    (method, path): (&Method, &str),
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<Caller, Refusal> {
    let secret = cookie(headers, SESSION_COOKIE).ok_or_else(Refusal::who_are_you)?;
    if !method.is_safe() && !is_from_here(headers) {
        return Err(Refusal::who_are_you());
    }
    if path.starts_with(API) && !is_asked_here(headers) {
        return Err(Refusal::who_are_you());
    }
    let ways = WaysIn::of(&[WayIn::Browser]);
    let found = app.control.authenticate_token(&secret, ways, from)?;
    Ok(arrived(found, WayIn::Browser))
}

/// Where the API is, which no page of anybody else's has any business with.
const API: &str = "/v1/";

/// Whether a browser says that its own page, or the person, asks (Fetch Metadata). Pages of services that are reached
/// through the gateway are of the same site, and would bring the cookie. What says nothing is no browser of today.
fn is_asked_here(headers: &HeaderMap) -> bool {
    let by = headers.get("sec-fetch-site");
    by.is_none_or(|by| matches!(by.as_bytes(), b"same-origin" | b"none"))
}

/// Whether a browser says that a page of this very host sent the request. Browsers send `Origin` with everything that
/// is not safe.
pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
    let only = |name: HeaderName| {
        let mut all = headers.get_all(name).iter();
        let one = all.next().and_then(|value| value.to_str().ok());
        one.filter(|_| all.next().is_none())
    };
    let (Some(origin), Some(host)) = (only(header::ORIGIN), only(header::HOST)) else {
        return false;
    };
    origin.strip_prefix("https://") == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_others_ask_nothing() {
        for (site, here) in [
            (None, true),
            (Some("same-origin"), true),
            (Some("none"), true),
            // A service that is reached through the gateway, under a name beside its own.
            (Some("same-site"), false),
            (Some("cross-site"), false),
            (Some(""), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            assert_eq!(is_asked_here(&headers), here, "{site:?}");
        }
    }
}
