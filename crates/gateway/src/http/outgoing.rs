//! A request as the target gets it: written anew, without what is the gateway's or the caller's own, with the target's
//! credential.

use super::asked::{Asked, WEBSOCKET_FIELDS, value};
use super::cookies;
use super::pool::Outgoing;
use super::refusal::Refusal;
use super::route::Route;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use sluice_model::{Connection, Lease, Shown, TlsMode};
use sluice_protocol::http::h1::Framing;
use sluice_protocol::http::path::{BasePath, Target, joined};
use sluice_protocol::http::sigv4::{self, Credentials, Payload, Scope, SecretKey};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// Fields by which targets are told who is asking, or what for, by a proxy that they trust: this one. Of callers, none.
const SPOKEN_BY_PROXIES: &[&str] = &[
    "client-cert",
    "client-cert-chain",
    "forwarded",
    "from",
    "proxy-authorization",
    "remote-addr",
    "remote-groups",
    "remote-user",
    "sluice-account",
    "sluice-reason",
    "true-client-ip",
    "via",
    "x-amzn-oidc-accesstoken",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
    "x-client-ip",
    "x-auth-email",
    "x-auth-groups",
    "x-auth-roles",
    "x-auth-user",
    "x-cluster-client-ip",
    "x-host",
    "x-email",
    "x-groups",
    "x-real-ip",
    "x-remote-user",
    "x-user",
];
/// What the names of others begin with.
const SPOKEN_BY_PROXIES_PREFIX: &[&str] = &[
    "cf-",
    "ssl-client-",
    "x-anonymous-",
    "x-appengine-",
    "x-consumer-",
    "x-credential-",
    "x-envoy-",
    "impersonate-",
    "x-auth-request-",
    "x-authenticated-",
    "x-authentik-",
    "x-client-cert",
    "x-forwarded-",
    "x-goog-",
    "x-ms-client-principal",
    "x-original-",
    "x-pomerium-",
    "x-remote-",
    "x-rewrite-",
    "x-ssl-",
    "x-token-",
    "x-vouch-",
    "x-webauth-",
];
/// Fields that make servers do another method than the one that was decided about.
const OTHER_METHOD: &[&str] = &[
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// What a request becomes with.
pub struct Making<'a> {
    /// The request.
    pub asked: &'a Asked,
    /// Where it goes.
    pub route: &'a Route,
    /// The target's credential.
    pub lease: &'a Lease,
    /// Who is asking, for a target that is told.
    pub identity: Option<(HeaderName, HeaderValue)>,
    /// The body, where all of it is there.
    pub body: Option<&'a Bytes>,
    /// Something in the answer may have to be masked.
    pub masks: bool,
    /// Where the client is.
    pub client: IpAddr,
    /// The name that the client asks for is one of the gateway's.
    pub is_known_host: bool,
}

/// Whether a field asks for another method.
#[must_use]
pub fn overrides_method(headers: &HeaderMap) -> bool {
    OTHER_METHOD.iter().any(|name| headers.contains_key(*name))
}

fn is_spoken_by_proxies(name: &str) -> bool {
    // Servers that make variables of names take a dot for a hyphen.
    let name = &name.replace('.', "-");
    let name = name.as_str();
    SPOKEN_BY_PROXIES.contains(&name)
        || SPOKEN_BY_PROXIES_PREFIX
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// What a target is called in its own URLs: `https://host`, without the port that goes without saying.
#[must_use]
pub fn origin_of(connection: &Connection) -> String {
    let scheme = scheme_of(connection);
    format!("{scheme}://{}", host_of(connection))
}

fn scheme_of(connection: &Connection) -> &'static str {
    match connection.target.tls {
        TlsMode::Disable => "http",
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => "https",
    }
}

/// What the target is called in requests.
#[must_use]
pub fn host_of(connection: &Connection) -> String {
    if let Some(host) = &connection.settings.host {
        return host.clone();
    }
    let address = &connection.target.address;
    let usual = if scheme_of(connection) == "https" {
        ":443"
    } else {
        ":80"
    };
    address.strip_suffix(usual).unwrap_or(address).to_owned()
}

/// The path that everything is below.
#[must_use]
pub fn base_of(connection: &Connection) -> Option<BasePath> {
    let base = connection.settings.base_path.as_deref().unwrap_or_default();
    BasePath::parse(base).ok()
}

/// What the target is asked for.
///
/// # Errors
/// The connection's base path is none.
pub fn target_of(route: &Route) -> Result<Target, Refusal> {
    let base = base_of(&route.connection).ok_or_else(|| {
        let why = "the connection's base path is not a path";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
    })?;
    Ok(joined(&base, &route.target))
}

/// The request as the target gets it.
///
/// # Errors
/// The credential cannot be shown.
pub fn make(making: &Making<'_>) -> Result<Outgoing, Refusal> {
    let (asked, route) = (making.asked, making.route);
    let target = target_of(route)?;
    let mut headers = HeaderMap::with_capacity(asked.headers.len() + 8);
    for (name, value) in &asked.headers {
        let left_out = is_spoken_by_proxies(name.as_str())
            || *name == header::AUTHORIZATION
            || *name == header::COOKIE
            || *name == header::EXPECT
            || *name == header::HOST
            || asked.websocket && WEBSOCKET_FIELDS.contains(name);
        if !left_out {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.insert(header::HOST, value(&host_of(&route.connection)));
    tell_where_from(&mut headers, making);
    own_origin(&mut headers, making);
    limit_encodings(&mut headers, making.masks);
    if let Some(cookies) = cookies::of_target(&asked.headers) {
        headers.insert(header::COOKIE, value(&cookies));
    }
    if asked.is_grpc() {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if asked.websocket {
        ask_for_websocket(&mut headers)?;
    }
    if let Some((name, value)) = &making.identity {
        headers.insert(name.clone(), value.clone());
    }
    show(&mut headers, making, &target)?;
    Ok(Outgoing {
        method: asked.method.clone(),
        target: target.sent(),
        headers,
        framing: framing(making),
        websocket: asked.websocket,
        needs_two: asked.is_grpc(),
        secret_cookie: match &making.lease.shown {
            Some(Shown::Cookie { name, .. }) => Some(name.clone()),
            _ => None,
        },
    })
}

fn framing(making: &Making<'_>) -> Framing {
    let asked = making.asked;
    match (making.body, asked.length) {
        (Some(body), _) if body.is_empty() && !asked.has_body => match asked.method.as_str() {
            "POST" | "PUT" | "PATCH" => Framing::Length(0),
            _ => Framing::None,
        },
        (Some(body), _) => Framing::Length(body.len() as u64),
        (None, Some(length)) => Framing::Length(length),
        (None, None) => Framing::Chunked,
    }
}

fn tell_where_from(headers: &mut HeaderMap, making: &Making<'_>) {
    let mut set = |name: &'static str, text: &str| headers.insert(name, value(text));
    set("x-forwarded-for", &making.client.to_string());
    // What a caller calls the gateway is no name of it by that, and targets make links of this.
    if making.is_known_host {
        set("x-forwarded-host", &making.asked.authority);
    }
    set("x-forwarded-proto", making.asked.scheme());
    let prefix = making.route.by.prefix();
    if !prefix.is_empty() {
        set("x-forwarded-prefix", prefix);
    }
}

/// Where a browser says that it comes from, as the target knows itself.
fn own_origin(headers: &mut HeaderMap, making: &Making<'_>) {
    let own = making.asked.origin();
    let theirs = origin_of(&making.route.connection);
    let text = |name: HeaderName| making.asked.only(name.as_str());
    if text(header::ORIGIN) == Some(own.as_str()) {
        headers.insert(header::ORIGIN, value(&theirs));
    }
    let referer = text(header::REFERER).and_then(|referer| referer.strip_prefix(&own));
    let referer = referer.and_then(|rest| rest.strip_prefix(making.route.by.prefix()));
    match referer {
        Some(rest) => {
            headers.insert(header::REFERER, value(&format!("{theirs}{rest}")));
        }
        // Another connection's page is none of this target's business.
        None if text(header::REFERER).is_some_and(|r| r.starts_with(&own)) => {
            headers.remove(header::REFERER);
        }
        None => {}
    }
}

/// Codings that the gateway can read, and no parts of an answer that has to be read whole.
fn limit_encodings(headers: &mut HeaderMap, masks: bool) {
    let accepted = headers.remove(header::ACCEPT_ENCODING);
    let accepts = accepted
        .as_ref()
        .and_then(|a| a.to_str().ok())
        .unwrap_or_default();
    let coding = match super::encoding::accepts_gzip(accepts) {
        true => "gzip",
        false => "identity",
    };
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
    if masks {
        headers.remove(header::RANGE);
        headers.remove(header::IF_RANGE);
    }
}

fn ask_for_websocket(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let mut key = [0; 16];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no random bytes could be had",
        )
    })?;
    headers.insert(header::SEC_WEBSOCKET_KEY, value(&STANDARD.encode(key)));
    let version = HeaderValue::from_static("13");
    headers.insert(header::SEC_WEBSOCKET_VERSION, version);
    Ok(())
}

/// A field that holds a secret. Nothing prints it.
fn secret(text: &str) -> Result<HeaderValue, Refusal> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let why = "the account's credential cannot be put in a header; expected visible characters";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Shows the target the account's credential.
fn show(headers: &mut HeaderMap, making: &Making<'_>, target: &Target) -> Result<(), Refusal> {
    let lease = making.lease;
    match &lease.shown {
        None => {
            if let Some(password) = &lease.password {
                let pair = Zeroizing::new(format!("{}:{}", lease.username, password.expose()));
                let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                headers.insert(header::AUTHORIZATION, secret(&basic)?);
            }
        }
        Some(Shown::Bearer(token)) => {
            let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
            headers.insert(header::AUTHORIZATION, secret(&bearer)?);
        }
        Some(Shown::Header { name, value }) => {
            let name: HeaderName = name.parse().map_err(|_| unusable("header's name"))?;
            headers.insert(name, secret(value.expose())?);
        }
        Some(Shown::Cookie { name, value }) => {
            let others = cookies::of_target(&making.asked.headers);
            let others = others
                .map(|all| cookies::without(&all, name))
                .unwrap_or_default();
            let mut cookie = Zeroizing::new(format!("{name}={}", value.expose()));
            if !others.is_empty() {
                cookie.push_str("; ");
                cookie.push_str(&others);
            }
            headers.insert(header::COOKIE, secret(&cookie)?);
        }
        Some(Shown::Certificate { .. }) => {}
        Some(aws @ Shown::Aws { .. }) => sign(headers, making, target, aws)?,
    }
    Ok(())
}

fn unusable(what: &str) -> Refusal {
    let why = format!("the account's credential cannot be used: {what}");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

fn sign(
    headers: &mut HeaderMap,
    making: &Making<'_>,
    target: &Target,
    shown: &Shown,
) -> Result<(), Refusal> {
    let Shown::Aws {
        access_key_id,
        secret_access_key,
        session_token,
        region,
        service,
    } = shown
    else {
        return Ok(());
    };
    let credentials = Credentials {
        access_key_id,
        secret: SecretKey::new(secret_access_key.expose()),
        session_token: session_token.as_ref().map(|token| token.expose()),
    };
    let scope = Scope { region, service };
    // What the caller's own tools signed with is not theirs to say.
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        headers.remove(name);
    }
    let mut signed = HeaderMap::new();
    for (name, value) in headers.iter() {
        if *name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz-") {
            signed.append(name.clone(), value.clone());
        }
    }
    let host = host_of(&making.route.connection);
    let chunked = |name: &str| {
        let value = making.asked.headers.get(name).and_then(|v| v.to_str().ok());
        value.is_some_and(|v| v.contains("aws-chunked") || v.starts_with("STREAMING-"))
    };
    if chunked("content-encoding") || chunked("x-amz-content-sha256") {
        let why =
            "the body is signed in pieces by the caller (aws-chunked), which cannot be signed anew";
        let refusal = Refusal::new(StatusCode::NOT_IMPLEMENTED, why);
        return Err(
            refusal.hint("set the SDK's payload signing off, or its checksums to when_required")
        );
    }
    let request = sigv4::Request {
        method: &making.asked.method,
        host: &host,
        path: target.path(),
        query: target.query(),
        headers: &signed,
        payload: making
            .body
            .map_or(Payload::Unsigned, |body| Payload::of(body)),
    };
    let moment = u64::try_from(crate::clock::now().millis() / 1000).unwrap_or_default();
    let added = sigv4::sign(&credentials, &scope, moment, &request);
    for (name, value) in added.map_err(|error| unusable(&error.to_string()))? {
        headers.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_trusted_proxy_says_is_left_out() {
        for (name, expected) in [
            ("x-forwarded-for", true),
            ("x-forwarded-user", true),
            ("x-forwarded-client-cert", true),
            ("forwarded", true),
            ("remote-user", true),
            ("x-remote-groups", true),
            ("x-auth-request-email", true),
            ("x-webauth-user", true),
            ("impersonate-user", true),
            ("impersonate-extra-scopes", true),
            ("x-original-url", true),
            ("x-rewrite-url", true),
            ("x-ssl-client-dn", true),
            ("sluice-reason", true),
            ("x-request-id", false),
            ("accept", false),
            ("traceparent", false),
            ("x-amz-target", false),
        ] {
            assert_eq!(is_spoken_by_proxies(name), expected, "{name}");
        }
    }
}
