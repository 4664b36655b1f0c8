//! The console: files that were built before this was, under a strict policy (CSP Level 3). Nothing in them is secret;
//! what they show is asked of the API by whoever is signed in.

use super::pages;
use crate::keys;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Where it is.
pub(crate) const CONSOLE: &str = "/console/";
/// Its files by name; none where it was not built.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));
/// The page that everything is shown in.
const PAGE: &str = "index.html";
/// What stands in the page where the nonce belongs.
const NONCE: &str = "__SLUICE_NONCE__";
/// Files with a hash in their names, which never change.
const HASHED: &str = "assets/";
/// Beside a file: the same, compressed.
const COMPRESSED: &str = ".br";
/// How a browser is told to keep what never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Whether there is a console.
pub(super) fn is_built() -> bool {
    file(PAGE).is_some()
}

fn file(name: &str) -> Option<&'static [u8]> {
    let place = FILES
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    FILES.get(place).map(|(_, bytes)| *bytes)
}

/// The console's own address without a slash at its end.
pub(super) async fn enter() -> Response {
    super::browser::go(CONSOLE)
}

/// Its first page.
pub(super) async fn first() -> Response {
    page()
}

/// One of its files, or the page for every address that is none.
pub(super) async fn any(Path(name): Path<String>, headers: HeaderMap) -> Response {
    if name == PAGE || name.ends_with(COMPRESSED) {
        return page();
    }
    match file(&name) {
        Some(bytes) => served(&name, bytes, &headers),
        None if name.starts_with(HASHED) => StatusCode::NOT_FOUND.into_response(),
        None => page(),
    }
}

fn served(name: &str, bytes: &'static [u8], headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let accepted = accepted
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let accepts = accepted.split(',').any(|one| one.trim() == "br");
    let compressed = file(&format!("{name}{COMPRESSED}")).filter(|_| accepts);
    let mut response = Body::from(compressed.unwrap_or(bytes)).into_response();
    let fields = response.headers_mut();
    if compressed.is_some() {
        fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(name)),
    );
    if name.starts_with(HASHED) {
        fields.insert(header::CACHE_CONTROL, FOR_EVER);
    }
    response
}

fn media_type(name: &str) -> &'static str {
    let end = name.rsplit('.').next().unwrap_or_default();
    match end {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// The page with a nonce of its own, without which no style is taken.
fn page() -> Response {
    let Some(document) = file(PAGE).and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
        return pages::no_console();
    };
    let Ok(random) = keys::random::<16>() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let nonce = keys::hex(&*random);
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let html = HeaderValue::from_static(media_type(PAGE));
    let alone = HeaderValue::from_static("same-origin");
    let fields = [
        (header::CONTENT_TYPE, html),
        (header::CONTENT_SECURITY_POLICY, policy),
        (HeaderName::from_static("cross-origin-opener-policy"), alone),
    ];
    (fields, document.replace(NONCE, &nonce)).into_response()
}
