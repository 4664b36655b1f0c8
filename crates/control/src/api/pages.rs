//! The pages that people see while they sign in: plain HTML without scripts, under a strict policy (CSP Level 3).

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{margin:0;display:grid;min-height:100vh;place-items:center}\
main{width:min(26rem,90vw)}\
h1{font-size:1.4rem;margin:0 0 1rem}\
a.button,button{display:block;box-sizing:border-box;width:100%;margin:.5rem 0;padding:.7rem 1rem;border-radius:.4rem;\
border:1px solid #1f6feb;background:#1f6feb;color:#fff;font:inherit;text-align:center;text-decoration:none;cursor:pointer}\
button.second{background:none;color:inherit;border-color:#8886}\
input{box-sizing:border-box;width:100%;padding:.7rem;font:inherit;font-family:ui-monospace,monospace;letter-spacing:.1em}\
dt{font-size:.85rem;opacity:.75}dd{margin:0 0 .6rem;overflow-wrap:anywhere}\
:focus-visible{outline:3px solid #f0a500;outline-offset:2px}";

/// A page. Its forms lead to the gateway, and to `leads_to` where that is given.
pub(crate) fn page(
    status: StatusCode,
    title: &str,
    leads_to: Option<&str>,
    content: &Markup,
) -> Response {
    going_on(status, title, leads_to, None, content)
}

/// The same, and it goes on by itself to `goes_to`. Browsers hold a form's redirect to another port against the page's
/// policy; a page that goes on is no form.
fn going_on(
    status: StatusCode,
    title: &str,
    leads_to: Option<&str>,
    goes_to: Option<&str>,
    content: &Markup,
) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Sluice" }
                @if let Some(url) = goes_to { meta http-equiv="refresh" content=(format!("0;url={url}")); }
                style { (PreEscaped(STYLE)) }
            }
            body { main { h1 { (title) } (content) } }
        }
    };
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let leads_to = leads_to.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self' {leads_to}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = (status, document.into_string()).into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    // What cannot stand in a header is an address that was checked before; without a policy there is no page.
    match HeaderValue::from_str(&policy) {
        Ok(policy) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A page that says what went wrong and what to do.
pub(super) fn trouble(status: StatusCode, what: &str, next: &str) -> Response {
    let content = html! {
        p { (what) }
        p { (next) }
        a class="button" href="/signin" { "Sign in again" }
    };
    page(status, "That did not work", None, &content)
}

/// Which provider to sign in with.
pub(super) fn choose_provider(providers: &[(String, String)], query: &str) -> Response {
    let content = html! {
        @if providers.is_empty() {
            p { "No identity provider is set up. An administrator can add one with " code { "kind: IdentityProvider" } "." }
        }
        @for (name, title) in providers {
            a class="button" href=(format!("/signin/{name}{query}")) { "Sign in with " (title) }
        }
    };
    page(StatusCode::OK, "Sign in", None, &content)
}

/// The gateway was built without its console.
pub(super) fn no_console() -> Response {
    let content = html! {
        p { "This gateway was built without its web console. Everything can also be done with the " code { "sluice" } " command." }
        p { "To build it in, in the sources (Node.js 20 or later):" }
        p { code { "cargo xtask console && cargo build --release" } }
        a class="button" href="/account" { "Who am I?" }
    };
    page(StatusCode::OK, "No console here", None, &content)
}

/// Who is signed in.
pub(super) fn home(who: &str, groups: &[String]) -> Response {
    let content = html! {
        dl {
            dt { "You are" } dd { (who) }
            dt { "Groups" } dd { @if groups.is_empty() { "none" } @else { (groups.join(", ")) } }
        }
        a class="button" href="/console/" { "Open the console" }
        form method="post" action="/signout" { button class="second" { "Sign out" } }
    };
    page(StatusCode::OK, "Signed in", None, &content)
}

/// Whether a program on the person's computer may act as them.
pub(super) fn allow_program(who: &str, client: &str, query: &str) -> Response {
    let content = html! {
        p { strong { (client) } " on this computer wants to act as " strong { (who) } "." }
        p { "Allow it only if you have just started it yourself." }
        form method="post" action=(format!("/oauth/authorize?{query}")) {
            button name="decision" value="allow" { "Allow" }
            button class="second" name="decision" value="deny" { "Deny" }
        }
    };
    page(StatusCode::OK, "Allow a program?", None, &content)
}

/// Back to a program on the person's computer.
pub(super) fn back_to_program(url: &str) -> Response {
    let content = html! {
        p { "If this page does not go on by itself:" }
        a class="button" href=(url) { "Back to the program" }
    };
    going_on(StatusCode::OK, "Decided", None, Some(url), &content)
}

/// What submits the only form of a page.
const SUBMIT: &str = "document.forms[0].submit()";

/// Off to an identity provider with a form, which goes by itself.
pub(super) fn send_form(action: &str, fields: &[(&str, String)]) -> Response {
    let content = html! {
        form method="post" action=(action) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button { "Go on to the identity provider" }
        }
        script { (PreEscaped(SUBMIT)) }
    };
    // Providers send forms on to other hosts of theirs, which browsers hold against the policy as well. Nothing of this
    // page is the person's to lose: its one form is ours.
    let leads_to = match action.starts_with("https:") {
        true => "https:",
        false => action,
    };
    let mut response = page(StatusCode::OK, "Signing in", Some(leads_to), &content);
    let hash = STANDARD.encode(digest(&SHA256, SUBMIT.as_bytes()));
    let headers = response.headers_mut();
    let policy = headers.get(header::CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|policy| policy.to_str().ok());
    let with_script = policy.map(|policy| format!("{policy}; script-src 'sha256-{hash}'"));
    match with_script.and_then(|policy| HeaderValue::from_str(&policy).ok()) {
        Some(policy) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The code that a device shows.
pub(super) fn ask_for_code(wrong: bool) -> Response {
    let content = html! {
        @if wrong { p role="alert" { "There is no request with this code, or it is over. Look at the code again." } }
        form method="get" action="/device" {
            p { label for="code" { "The code that the terminal shows" } }
            input id="code" name="user_code" required autocomplete="off" autocapitalize="characters" autofocus;
            button { "Go on" }
        }
    };
    let status = if wrong {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    page(status, "Connect a terminal", None, &content)
}

/// Whether a device may act as the person.
pub(super) fn allow_device(who: &str, client: &str, from: &str, user_code: &str) -> Response {
    let content = html! {
        p { strong { (client) } " at the address " strong { (from) } " wants to act as " strong { (who) } "." }
        p { "Allow it only if this is your own terminal and it shows the code " strong { (user_code) } "." }
        form method="post" action="/device" {
            input type="hidden" name="user_code" value=(user_code);
            button name="decision" value="allow" { "Allow" }
            button class="second" name="decision" value="deny" { "Deny" }
        }
    };
    page(StatusCode::OK, "Allow a terminal?", None, &content)
}

/// Something is done.
pub(crate) fn done(title: &str, text: &str) -> Response {
    page(StatusCode::OK, title, None, &html! { p { (text) } })
}

/// After signing out; `elsewhere` is where that is done at the identity provider.
pub(crate) fn signed_out(text: &str, elsewhere: Option<&str>) -> Response {
    let content = html! {
        p { (text) }
        @if let Some(url) = elsewhere {
            a class="button" href=(url) { "Sign out at the identity provider too" }
        }
        p { a href="/" { "Sign in again" } }
    };
    page(StatusCode::OK, "Signed out", None, &content)
}
