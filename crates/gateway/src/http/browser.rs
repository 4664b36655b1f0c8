//! Browsers: sent to the gateway's pages to sign in, and let in with a cookie of the connection's own.
//!
//! ```text
//! GET /page ──303──► {public_url}/enter?connection&to&challenge ──(signed in)──303──► /.sluice/enter?code ──303──► /page
//!    cookie: verifier, page                                            code for the verifier: cookie: session
//! ```
//! The code is worth nothing without the verifier, which only the browser has that was sent (RFC 7636), so nobody is
//! signed in as somebody else by a link.

use super::asked::Asked;
use super::client::Client;
use super::login::{cookie, cookie_name};
use super::refusal::Refusal;
use super::route::{By, OWN, Route};
use crate::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use sluice_model::WayIn;

/// How long a browser may take to sign in, in seconds.
const SIGN_IN_SECONDS: u32 = 900;
/// The longest page that is come back to.
const MAX_PAGE: usize = 2_000;

/// The cookie that waits for the end of a sign-in.
fn waiting_name(by: &By, connection: &str) -> String {
    format!("{}-enter", cookie_name(by, connection))
}

/// Where a cookie is sent: with the whole host, or with its connection's paths.
fn scope(by: &By) -> String {
    match by {
        By::Host => "Path=/".to_owned(),
        By::Path(prefix) => format!("Path={prefix}/"),
    }
}

fn set(name: &str, value: &str, by: &By, seconds: u32) -> String {
    format!(
        "{name}={value}; {}; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax",
        scope(by)
    )
}

/// Sends a browser to sign in; tells everybody else what is missing.
pub fn sign_in(client: &Client, asked: &Asked, route: &Route) -> Refusal {
    let nobody = Refusal::who_are_you("the request does not say who sends it");
    if !client.listener.ways.allow(WayIn::Site)
        || !asked.is_navigation()
        || asked.method != Method::GET
    {
        return nobody;
    }
    if !is_let_in(route) {
        return nobody.hint(
            "a browser needs the connection's own host name, NAME.DOMAIN, so that pages of other connections cannot act \
             for you; or the connection's shared_origin",
        );
    }
    let mut secret = [0; 32];
    if aws_lc_rs::rand::fill(&mut secret).is_err() {
        return Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no random bytes could be had",
        );
    }
    let verifier = URL_SAFE_NO_PAD.encode(secret);
    let challenge = URL_SAFE_NO_PAD.encode(digest::sha256(verifier.as_bytes()));
    let page = route.target.sent();
    let page = if page.len() > MAX_PAGE {
        "/"
    } else {
        page.as_str()
    };
    let page = URL_SAFE_NO_PAD.encode(page);
    let connection = &route.connection.name;
    let back = format!("{}{}", asked.origin(), route.by.prefix());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("connection", connection)
        .append_pair("to", &back)
        .append_pair("challenge", &challenge)
        .finish();
    let there = format!("{}/enter?{query}", client.shared.sites.public_url);
    let waiting = format!("{verifier}.{page}");
    let name = waiting_name(&route.by, connection);
    Refusal::see(there).cookie(set(&name, &waiting, &route.by, SIGN_IN_SECONDS))
}

/// Whether browsers may be signed in here: by path, pages of all connections share an origin.
#[must_use]
pub fn is_let_in(route: &Route) -> bool {
    matches!(route.by, By::Host) || route.connection.settings.shared_origin
}

/// The end of a sign-in: the code and the verifier become a cookie.
pub async fn enter(client: &Client, asked: &Asked, route: &Route) -> Refusal {
    let connection = &route.connection.name;
    let waiting = waiting_name(&route.by, connection);
    let forget = set(&waiting, "", &route.by, 0);
    let failed = |why: String| {
        let hint = "open the page that you wanted once more";
        Refusal::new(StatusCode::FORBIDDEN, why)
            .hint(hint)
            .cookie(forget.clone())
    };
    let query = route.target.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let code = pairs
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.into_owned());
    let known = cookie(&asked.headers, &waiting);
    let parts = known.as_deref().and_then(|known| known.split_once('.'));
    let Some(code) = code.filter(|_| is_let_in(route)) else {
        return failed("browsers are not signed in here".to_owned());
    };
    let Some((verifier, page)) = parts else {
        // Whoever else has seen it is not to use it.
        let _ = client.shared.port.enter(&code, "", connection).await;
        return failed("this browser did not ask to sign in, or took too long".to_owned());
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest::sha256(verifier.as_bytes()));
    match client
        .shared
        .port
        .enter(&code, &challenge, connection)
        .await
    {
        Ok(entered) => {
            let name = cookie_name(&route.by, connection);
            let cookie = set(&name, &entered.token, &route.by, entered.seconds);
            let page = page_of(page);
            Refusal::see(format!("{}{page}", route.by.prefix()))
                .cookie(cookie)
                .cookie(forget)
        }
        Err(error) => failed(error.to_string()),
    }
}

/// The page to go back to: one of this very host.
fn page_of(coded: &str) -> String {
    let page = URL_SAFE_NO_PAD.decode(coded).ok();
    let page = page
        .and_then(|page| String::from_utf8(page).ok())
        .unwrap_or_default();
    let own = format!("/{OWN}");
    let local = page.starts_with('/') && !page.starts_with("//") && !page.starts_with(&own);
    let plain = page.bytes().all(|b| b.is_ascii_graphic()) && !page.contains('\\');
    match local && plain {
        true => page,
        false => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_back_to_this_host_only() {
        for (page, expected) in [
            ("/", "/"),
            ("/a/b?c=d&e=%20", "/a/b?c=d&e=%20"),
            ("//evil.test/", "/"),
            ("/\\evil.test", "/"),
            ("https://evil.test/", "/"),
            ("/.sluice/enter?code=x", "/"),
            ("/a b", "/"),
            ("", "/"),
        ] {
            assert_eq!(page_of(&URL_SAFE_NO_PAD.encode(page)), expected, "{page}");
        }
        assert_eq!(page_of("!"), "/");
    }
}
