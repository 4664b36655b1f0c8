//! Who sent a request, and which session it is of.

use super::asked::Asked;
use super::client::Client;
use super::refusal::Refusal;
use super::route::{By, Route};
use super::sessions::{Begun, Key, Visit};
use crate::clock;
use crate::digest;
use crate::opening;
use crate::pipeline::Pipeline;
use crate::port::Authenticated;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap};
use http::{Method, StatusCode};
use sluice_model::{Account, ApprovalFacts, Connection, Decision, SessionContext, WayIn, WaysIn};
use sluice_policy::{SessionView, Snapshot};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The field that picks the account, where the credential does not.
pub const ACCOUNT: &str = "sluice-account";
/// The field that says why.
pub const REASON: &str = "sluice-reason";
/// The longest reason and name of an application that are kept.
const MAX_SAID: usize = 300;
/// What all cookies of the gateway's begin with, after what binds them to a host.
const COOKIE: &str = "sluice-site";

/// What a request brings to prove who sent it.
enum Brought {
    /// A token or a JWT.
    Bearer(Zeroizing<String>),
    /// The same as a password, and what the user name says.
    Basic {
        user: String,
        password: Zeroizing<String>,
    },
    /// The cookie of a browser that was let in.
    Site(Zeroizing<String>),
}

impl Brought {
    fn secret(&self) -> &str {
        match self {
            Self::Bearer(secret) | Self::Site(secret) => secret,
            Self::Basic { password, .. } => password,
        }
    }
}

/// The name of the cookie of a browser that was let in to a connection.
#[must_use]
pub fn cookie_name(by: &By, connection: &str) -> String {
    match by {
        By::Host => format!("__Host-{COOKIE}"),
        By::Path(_) => format!("__Secure-{COOKIE}-{connection}"),
    }
}

/// Whether a cookie is the gateway's own, and none of the target's.
#[must_use]
pub fn is_own_cookie(name: &str) -> bool {
    let bare = name
        .strip_prefix("__Host-")
        .or(name.strip_prefix("__Secure-"));
    bare.unwrap_or(name)
        .to_ascii_lowercase()
        .starts_with("sluice")
}

/// The value of a cookie; none when it is there twice.
#[must_use]
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = super::cookies::pairs(headers);
    let mut found = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.to_owned())
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn brought(asked: &Asked, route: &Route) -> Result<Option<Brought>, Refusal> {
    let mut said = asked.headers.get_all(header::AUTHORIZATION).iter();
    let value = match (said.next(), said.next()) {
        (None, _) => {
            let name = cookie_name(&route.by, &route.connection.name);
            let site = cookie(&asked.headers, &name).map(Zeroizing::new);
            let site = site.filter(|_| super::browser::is_let_in(route));
            return Ok(site.map(Brought::Site));
        }
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Refusal::who_are_you("two credentials were sent")),
    };
    let unread = || Refusal::who_are_you("expected a bearer token or basic authentication");
    let text = value.to_str().map_err(|_| unread())?;
    let (scheme, rest) = text.split_once(' ').ok_or_else(unread)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Brought::Bearer(rest.trim().to_owned().into())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unread());
    }
    let decoded = STANDARD.decode(rest.trim()).map_err(|_| unread())?;
    let decoded = Zeroizing::new(decoded);
    let text = std::str::from_utf8(&decoded).map_err(|_| unread())?;
    let (user, password) = text.split_once(':').ok_or_else(unread)?;
    Ok(Some(Brought::Basic {
        user: user.to_owned(),
        password: password.to_owned().into(),
    }))
}

/// Refuses what a page of another origin makes a browser send along with its cookie (Fetch Metadata). To open a page is
/// not that.
fn check_origin(asked: &Asked) -> Result<(), Refusal> {
    let own = format!("https://{}", asked.authority);
    let origin_is_own = asked.only("origin").is_none_or(|origin| origin == own);
    let is_here = match asked.only("sec-fetch-site") {
        Some("same-origin" | "none") => origin_is_own,
        Some(_) => {
            let opens = asked.only("sec-fetch-mode") == Some("navigate")
                && asked.only("sec-fetch-dest") == Some("document");
            opens && asked.method == Method::GET && !asked.websocket
        }
        None => {
            let safe = asked.method == Method::GET || asked.method == Method::HEAD;
            origin_is_own && (safe && !asked.websocket || asked.headers.contains_key("origin"))
        }
    };
    match is_here {
        true => Ok(()),
        false => {
            let why = "a page of another origin sent this with your browser's cookie";
            Err(Refusal::new(StatusCode::FORBIDDEN, why))
        }
    }
}

/// The account that a request is for.
fn pick_account<'c>(
    connection: &'c Connection,
    asked: &Asked,
    user: Option<&str>,
    caller: &str,
) -> Result<&'c Account, Refusal> {
    let accounts = &connection.accounts;
    let default = match accounts.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|account| account.default),
    };
    let named = asked.only(ACCOUNT);
    let user = user.filter(|user| !user.is_empty() && *user != caller);
    let found = match named.or(user) {
        None => default,
        Some(name) => accounts.iter().find(|account| account.name == name),
    };
    found.ok_or_else(|| {
        let why = match named.or(user) {
            Some(name) => format!("the connection has no account {name:?}"),
            None => "the connection has no default account".to_owned(),
        };
        Refusal::new(StatusCode::FORBIDDEN, why).hint(format!(
            "the user name of basic authentication, or the field {ACCOUNT}, picks the account"
        ))
    })
}

/// The session that a request is of; it begins with its first request.
pub async fn enter(client: &Client, asked: &Asked, route: &Route) -> Result<Visit, Refusal> {
    let Some(brought) = brought(asked, route)? else {
        return Err(super::browser::sign_in(client, asked, route));
    };
    let is_site = matches!(brought, Brought::Site(_));
    if is_site {
        check_origin(asked)?;
    }
    let user = match &brought {
        Brought::Basic { user, .. } => user.as_str(),
        Brought::Bearer(_) | Brought::Site(_) => "",
    };
    let key = Key {
        secret: digest::sha256(brought.secret().as_bytes()),
        connection: route.connection.name.clone(),
        // Until it is known who it is: the user name can be the caller's own.
        account: format!("{user}\0{}", asked.only(ACCOUNT).unwrap_or_default()),
        address: client.peer.ip(),
        reason: said(asked.only(REASON)),
        is_site,
        ways: client.listener.ways,
    };
    if let Some(visit) = client.shared.sessions.enter(&key) {
        return Ok(visit);
    }
    let who = authenticate(client, asked, route, &brought).await?;
    open(client, asked, route, key, &who, user)
}

fn said(text: Option<&str>) -> Option<String> {
    let shown = text?.chars().filter(|c| !c.is_control());
    let shown: String = shown.take(MAX_SAID).collect();
    (!shown.is_empty()).then_some(shown)
}

async fn authenticate(
    client: &Client,
    asked: &Asked,
    route: &Route,
    brought: &Brought,
) -> Result<Authenticated, Refusal> {
    client.shared.port.ready()?;
    let allowed = client.listener.ways;
    let (ways, is_site) = match brought {
        Brought::Site(_) => (vec![WayIn::Site], true),
        Brought::Bearer(_) | Brought::Basic { .. } => (vec![WayIn::Token, WayIn::Workload], false),
    };
    let ways: Vec<WayIn> = ways.into_iter().filter(|way| allowed.allow(*way)).collect();
    let found =
        client
            .shared
            .port
            .authenticate(brought.secret(), WaysIn::of(&ways), client.peer.ip());
    match found.await {
        Ok(who)
            if who
                .audience
                .as_ref()
                .is_none_or(|a| *a == route.connection.name) =>
        {
            Ok(who)
        }
        Ok(_) | Err(_) if is_site => Err(super::browser::sign_in(client, asked, route)),
        Ok(_) => Err(Refusal::who_are_you("the token is for another connection")),
        Err(error) => {
            metrics::counter!("sluice_logins_refused_total").increment(1);
            Err(Refusal::who_are_you(&error.to_string()))
        }
    }
}

/// Begins a session: records its opening, and asks the policies about `connect`.
fn open(
    client: &Client,
    asked: &Asked,
    route: &Route,
    key: Key,
    who: &Authenticated,
    user: &str,
) -> Result<Visit, Refusal> {
    let shared = &client.shared;
    let connection = Arc::clone(&route.connection);
    let name = &who.principal.id.name;
    let account = pick_account(&connection, asked, Some(user), name)?
        .name
        .clone();
    let context = SessionContext {
        id: clock::new_session_id(random()?),
        principal: who.principal.clone(),
        credential: who.credential.clone(),
        account,
        database: String::new(),
        client_address: client.peer.ip(),
        application: said(asked.only(header::USER_AGENT.as_str())),
        reason: key.reason.clone(),
        break_glass: false,
        connection,
    };
    shared.sessions.check_room(&context)?;
    let snapshot = Arc::clone(&shared.port.snapshots().borrow());
    let refuse = |refusal: Refusal| {
        metrics::counter!("sluice_logins_refused_total").increment(1);
        let principal = &context.principal.id;
        tracing::info!(%principal, peer = %client.peer, refused = refusal.message, "login refused");
        refusal
    };
    let (view, policies, asks) = may_connect(&snapshot, &context).map_err(refuse)?;
    let opening = opening::event(&context, policies);
    let record = shared.log.begin(&context.id, clock::now(), &opening);
    let record = record.map_err(|error| {
        tracing::error!(%error, "a session could not be recorded");
        let why = "the session could not be recorded, so there is none";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after(5)
    })?;
    let context = Arc::new(context);
    tracing::info!(session = %context.id, principal = %context.principal.id, connection = context.connection.name, "session opened");
    let begun = Begun {
        pipeline: Pipeline::new(Arc::clone(&context), view, record, Arc::clone(&shared.port)),
        context,
        key,
        version: snapshot.version(),
        asks,
    };
    let visit = shared.sessions.begin(&shared.registry, begun);
    visit.ok_or_else(|| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the session ended at once"))
}

type MayConnect = (SessionView, Vec<String>, Option<sluice_model::Ask>);

fn may_connect(snapshot: &Arc<Snapshot>, context: &SessionContext) -> Result<MayConnect, Refusal> {
    let now = clock::now();
    let denied = |denial| Refusal::denied(&denial);
    let view = snapshot.view(context, now).map_err(denied)?;
    match view.connect(now, &ApprovalFacts::default()) {
        Decision::Allow(allowed) => Ok((view, allowed.policies, None)),
        Decision::Deny(denial) => Err(Refusal::denied(&denial)),
        Decision::Ask(ask) => Ok((view, Vec::new(), Some(ask))),
    }
}

fn random() -> Result<[u8; 8], Refusal> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no random bytes could be had",
        )
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, fields: &[(&'static str, &'static str)]) -> Asked {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, http::HeaderValue::from_static(value));
        }
        Asked {
            method,
            target: "/".into(),
            authority: "reports.gateway.test".into(),
            headers,
            length: Some(0),
            has_body: false,
            expects_continue: false,
            is_two: false,
            is_plain: false,
            websocket: false,
        }
    }

    #[test]
    fn pages_of_other_sites_do_nothing_with_a_cookie() {
        const OWN: (&str, &str) = ("origin", "https://reports.gateway.test");
        const OTHER: (&str, &str) = ("origin", "https://evil.test");
        const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
        const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
        const SITE: (&str, &str) = ("sec-fetch-site", "same-site");
        const TYPED: (&str, &str) = ("sec-fetch-site", "none");
        const OPENS: (&str, &str) = ("sec-fetch-mode", "navigate");
        const PAGE: (&str, &str) = ("sec-fetch-dest", "document");
        const FRAME: (&str, &str) = ("sec-fetch-dest", "iframe");
        type Case<'a> = (Method, &'a [(&'static str, &'static str)], bool);
        let cases: &[Case<'_>] = &[
            (Method::GET, &[SAME], true),
            (Method::POST, &[SAME, OWN], true),
            (Method::POST, &[SAME, OTHER], false),
            (Method::GET, &[TYPED, OPENS, PAGE], true),
            (Method::GET, &[CROSS, OPENS, PAGE], true),
            (Method::GET, &[SITE, OPENS, PAGE], true),
            (Method::GET, &[CROSS, OPENS, FRAME], false),
            (Method::GET, &[CROSS], false),
            (Method::POST, &[CROSS, OPENS, PAGE], false),
            (Method::POST, &[SITE, OPENS, PAGE], false),
            // Browsers that say nothing of it.
            (Method::GET, &[], true),
            (Method::POST, &[], false),
            (Method::POST, &[OWN], true),
            (Method::POST, &[OTHER], false),
        ];
        for (method, fields, good) in cases {
            let asked = asked(method.clone(), fields);
            assert_eq!(check_origin(&asked).is_ok(), *good, "{method} {fields:?}");
        }
        let mut socket = asked(Method::GET, &[]);
        socket.websocket = true;
        assert!(check_origin(&socket).is_err());
        let mut socket = asked(Method::GET, &[SITE, OTHER]);
        socket.websocket = true;
        assert!(check_origin(&socket).is_err());
    }
}
