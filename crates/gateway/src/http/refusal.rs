//! How clients are told that something does not happen: in JSON, as a page, or as gRPC says it.

use super::asked::{Asked, value};
use super::wire::{Answer, Length, Sink, WireError};
use crate::pipeline::Unrecorded;
use crate::port::{Looked, PortError};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use serde::Serialize;
use sluice_model::{ApprovalId, Denial};

/// A request that waits for a human, as its client is told.
#[derive(Debug, Clone, Serialize)]
pub struct Waits {
    /// Its id.
    pub id: ApprovalId,
    /// Where its state can be asked for, with the same credential.
    pub state: String,
    /// Where an approver decides.
    pub decide: String,
}

/// Why something does not happen, or not yet.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// What happened, in words for the caller; never data.
    pub message: String,
    more: Box<More>,
}

/// What else the client is told.
#[derive(Debug, Clone, Default)]
struct More {
    hint: Option<String>,
    /// The policy that forbids it.
    policy: Option<String>,
    waits: Option<Waits>,
    /// Try again after so many seconds.
    retry: Option<u32>,
    challenge: bool,
    location: Option<String>,
    cookies: Vec<String>,
    /// A page instead, of HTML.
    page: Option<String>,
    /// JSON instead.
    json: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a Waits>,
}

impl Refusal {
    /// With this status and these words.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            more: Box::default(),
        }
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.more.hint = Some(hint.into());
        self
    }

    /// To be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.more.retry = Some(seconds);
        self
    }

    /// Send the browser elsewhere, with its method and body.
    #[must_use]
    pub fn go_to(mut self, location: String) -> Self {
        self.status = StatusCode::TEMPORARY_REDIRECT;
        self.more.location = Some(location);
        self
    }

    /// Send a browser elsewhere to look.
    #[must_use]
    pub fn see(location: String) -> Self {
        let mut refusal = Self::new(StatusCode::SEE_OTHER, "see there");
        refusal.more.location = Some(location);
        refusal
    }

    /// With a cookie to set.
    #[must_use]
    pub fn cookie(mut self, cookie: String) -> Self {
        self.more.cookies.push(cookie);
        self
    }

    /// As a page.
    #[must_use]
    pub fn page(mut self, html: String) -> Self {
        self.more.page = Some(html);
        self
    }

    /// Nobody said who they are, or not in a way that is known.
    #[must_use]
    pub fn who_are_you(message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::UNAUTHORIZED, message);
        refusal.more.challenge = true;
        refusal.hint(
            "send a token as a bearer token, or as the password of basic authentication with the account as the user: \
             sluice token create",
        )
    }

    /// The policies refuse.
    #[must_use]
    pub fn denied(denial: &Denial) -> Self {
        let mut refusal = Self::new(StatusCode::FORBIDDEN, denial.message.clone());
        refusal.more.policy = denial.policy.clone();
        refusal
    }

    /// It waits for a human, and its client need not.
    #[must_use]
    pub fn waits(waits: Waits, message: String) -> Self {
        let mut refusal = Self::new(StatusCode::ACCEPTED, message);
        refusal.more.location = Some(waits.state.clone());
        refusal.more.waits = Some(waits);
        refusal
            .retry_after(5)
            .hint("ask for the state until it is approved, then send the same request again, once")
    }

    /// How a request for approval stands.
    #[must_use]
    pub fn state(id: &ApprovalId, looked: &Looked) -> Self {
        let mut refusal = Self::new(StatusCode::OK, "");
        let mut text = serde_json::json!({
            "id": id,
            "state": looked.state,
            "people_given": looked.people_given,
            "people_needed": looked.people_needed,
            "expires": looked.expires,
        })
        .to_string();
        text.push('\n');
        refusal.more.json = Some(text);
        match looked.state.as_str() {
            "pending" => refusal.retry_after(5),
            _ => refusal,
        }
    }

    /// Without a way elsewhere.
    #[must_use]
    pub fn without_location(mut self) -> Self {
        self.more.location = None;
        self
    }

    /// The target did not do it.
    #[must_use]
    pub fn bad_gateway(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, message)
    }

    /// Whether it says that the target did not do it.
    #[must_use]
    pub fn is_of_target(&self) -> bool {
        matches!(
            self.status,
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
        )
    }

    fn head(&self, asked: &Asked) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, text: &str| headers.append(name, value(text));
        if let Some(seconds) = self.more.retry {
            set(header::RETRY_AFTER, &seconds.to_string());
        }
        if let Some(location) = &self.more.location {
            set(header::LOCATION, location);
        }
        for cookie in &self.more.cookies {
            set(header::SET_COOKIE, cookie);
        }
        if self.more.challenge {
            set(header::WWW_AUTHENTICATE, "Bearer realm=\"sluice\"");
            // Browsers would ask people for a password that they do not have.
            if asked.only("sec-fetch-mode").is_none() {
                set(
                    header::WWW_AUTHENTICATE,
                    "Basic realm=\"sluice\", charset=\"UTF-8\"",
                );
            }
        }
        set(header::CACHE_CONTROL, "no-store");
        // A page that opened this one is not to see where it leads.
        let opener = HeaderName::from_static("cross-origin-opener-policy");
        set(opener, "same-origin");
        set(HeaderName::from_static("x-content-type-options"), "nosniff");
        headers
    }

    /// Tells the client. The second is whether the connection can go on.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn tell(&self, asked: &Asked, answer: Answer<'_>) -> Result<bool, WireError> {
        let mut headers = self.head(asked);
        if asked.is_grpc() {
            return self.tell_grpc(headers, answer).await;
        }
        let (kind, body) = match &self.more.page {
            Some(html) => ("text/html; charset=utf-8", html.clone()),
            None if asked.is_navigation()
                && self.more.location.is_none()
                && self.more.json.is_none() =>
            {
                ("text/html; charset=utf-8", super::pages::refused(self))
            }
            None => ("application/json", self.json()),
        };
        if kind.starts_with("text/html") {
            let name = header::CONTENT_SECURITY_POLICY;
            headers.insert(name, value(super::pages::CONTENT_SECURITY_POLICY));
        }
        headers.insert(header::CONTENT_TYPE, value(kind));
        let length = Length::Known(body.len() as u64);
        let (mut sink, goes_on) = answer.begin(&asked.method, self.status, headers, length)?;
        if asked.method != Method::HEAD {
            sink.data(Bytes::from(body)).await?;
        }
        sink.end(None).await?;
        Ok(goes_on)
    }

    /// Tells a client of whose request nothing is known.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn tell_plainly(&self, answer: Answer<'_>) -> Result<(), WireError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, value("application/json"));
        let body = self.json();
        let length = Length::Known(body.len() as u64);
        let (mut sink, _) = answer.begin(&Method::GET, self.status, headers, length)?;
        sink.data(Bytes::from(body)).await?;
        sink.end(None).await
    }

    /// An answer of gRPC that has trailers only (the protocol's own document, "Responses").
    async fn tell_grpc(
        &self,
        mut headers: HeaderMap,
        answer: Answer<'_>,
    ) -> Result<bool, WireError> {
        let code = match self.status.as_u16() {
            400 => "3",
            401 => "16",
            403 => "7",
            404 => "12",
            413 | 429 => "8",
            502..=504 => "14",
            _ => "2",
        };
        headers.insert(header::CONTENT_TYPE, value("application/grpc"));
        headers.insert("grpc-status", value(code));
        headers.insert("grpc-message", value(&grpc_message(&self.message)));
        let begun = answer.begin(&Method::POST, StatusCode::OK, headers, Length::None)?;
        let (mut sink, goes_on): (Sink<'_>, bool) = begun;
        sink.end(None).await?;
        Ok(goes_on)
    }

    fn json(&self) -> String {
        if let Some(json) = &self.more.json {
            return json.clone();
        }
        let body = Body {
            error: &self.message,
            hint: self.more.hint.as_deref(),
            policy: self.more.policy.as_deref(),
            approval: self.more.waits.as_ref(),
        };
        let mut text = serde_json::to_string(&body).unwrap_or_default();
        text.push('\n');
        text
    }

    /// What to do next, for pages.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.more.hint.as_deref()
    }
}

/// A text as the field `grpc-message` holds it.
fn grpc_message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => out.push_str("%25"),
            0x20..=0x7e => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after(5)
    }
}

impl From<Unrecorded> for Refusal {
    fn from(error: Unrecorded) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}
