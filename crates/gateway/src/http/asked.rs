//! A request, whatever version of HTTP it came in.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use sluice_protocol::http::h1::authority::Authority;
use sluice_protocol::http::h1::{Framing, Peer, RequestHead, remove_hop_by_hop};
use sluice_protocol::http::ws;

/// The protocol that connections can change to.
pub const WEBSOCKET: &str = "websocket";
/// The only version of it (RFC 6455, section 4.1).
const WEBSOCKET_VERSION: &str = "13";
/// The most fields of a request in HTTP/2, as in HTTP/1.1.
const MAX_FIELDS: usize = 128;

/// A request.
pub struct Asked {
    /// What is to be done.
    pub method: Method,
    /// To what, in origin form, or `*`.
    pub target: String,
    /// Whom the client thinks that it asks: host, and port if there is one.
    pub authority: String,
    /// Everything that goes beyond this connection.
    pub headers: HeaderMap,
    /// How long the body is, where that was said.
    pub length: Option<u64>,
    /// Whether there can be one.
    pub has_body: bool,
    /// The client waits for leave to send it.
    pub expects_continue: bool,
    /// It came in HTTP/2.
    pub is_two: bool,
    /// It came in the clear.
    pub is_plain: bool,
    /// The client wants a WebSocket.
    pub websocket: bool,
}

/// Why a request is refused before anybody looks at what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// A field that is sent in another place, or whose name others read as another one.
    #[error("the request has fields that it must not have: {0}")]
    Fields(&'static str),
    /// It names nobody, or two.
    #[error("the request does not say clearly whom it is for")]
    Authority,
    /// It wants another protocol.
    #[error("the connection cannot change to that protocol; expected websocket")]
    Upgrade,
    /// A WebSocket that is not asked for as it should be.
    #[error("the websocket is not asked for as RFC 6455 says")]
    WebSocket,
    /// What is in a tunnel cannot be decided, masked or recorded.
    #[error("there are no tunnels through the gateway")]
    Tunnel,
}

impl NotAsked {
    /// The status that it is answered with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Upgrade | Self::Tunnel => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Asked {
    /// From a head of HTTP/1.1.
    ///
    /// # Errors
    /// It is nothing that is passed on.
    pub fn of_one(head: RequestHead, is_plain: bool) -> Result<Self, NotAsked> {
        let RequestHead {
            method,
            target,
            mut headers,
            framing,
            expects_continue,
            upgrade,
            ..
        } = head;
        if method == Method::CONNECT {
            return Err(NotAsked::Tunnel);
        }
        let websocket = match upgrade.as_deref() {
            // What libraries offer by themselves; to go on without is what RFC 9110, section 7.8, lets a server do.
            None | Some("h2c") => false,
            Some(WEBSOCKET) => check_websocket(&method, &headers)?,
            Some(_) => return Err(NotAsked::Upgrade),
        };
        let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
        let host = host.unwrap_or_default().to_owned();
        let (authority, target) = split_absolute(&target, host)?;
        remove_hop_by_hop(&mut headers);
        headers.remove(header::HOST);
        Ok(Self {
            length: match framing {
                Framing::Length(length) => Some(length),
                Framing::None => Some(0),
                Framing::Chunked | Framing::UntilClose => None,
            },
            has_body: !matches!(framing, Framing::None | Framing::Length(0)),
            method,
            target,
            authority,
            headers,
            expects_continue,
            is_two: false,
            is_plain,
            websocket,
        })
    }

    /// From a request of HTTP/2, whose frames the library has checked.
    ///
    /// # Errors
    /// It is nothing that is passed on.
    pub fn of_two(
        request: http::request::Parts,
        has_body: bool,
        is_plain: bool,
    ) -> Result<Self, NotAsked> {
        let mut headers = request.headers;
        if headers.len() > MAX_FIELDS {
            return Err(NotAsked::Fields("too many"));
        }
        if headers.keys().any(|name| name.as_str().contains('_')) {
            return Err(NotAsked::Fields("an underscore in a name"));
        }
        let wanted = request.extensions.get::<h2::ext::Protocol>();
        let websocket = match (request.method == Method::CONNECT, wanted) {
            (true, Some(protocol)) if protocol.as_str() == WEBSOCKET => true,
            (true, Some(_)) => return Err(NotAsked::Upgrade),
            (true, None) => return Err(NotAsked::Tunnel),
            (false, _) => false,
        };
        if websocket && only(&headers, "sec-websocket-version") != Some(WEBSOCKET_VERSION) {
            return Err(NotAsked::WebSocket);
        }
        let authority = two_authority(&request.uri, &headers)?;
        let length = only_length(&headers)?;
        let target = request.uri.path_and_query().map_or("/", |p| p.as_str());
        let target = target.to_owned();
        for name in [header::HOST, header::CONTENT_LENGTH, header::TE] {
            headers.remove(name);
        }
        let expect = headers.remove(header::EXPECT);
        let expects_continue = match expect {
            None => false,
            Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => true,
            Some(_) => return Err(NotAsked::Fields("expect")),
        };
        Ok(Self {
            // A WebSocket begins as the request that it is in HTTP/1.1.
            method: if websocket {
                Method::GET
            } else {
                request.method
            },
            target,
            authority,
            headers,
            length: if has_body { length } else { Some(0) },
            has_body: has_body && !websocket,
            expects_continue: expects_continue && has_body,
            is_two: true,
            is_plain,
            websocket,
        })
    }

    /// How the client came: `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_plain { "http" } else { "https" }
    }

    /// What the client calls the gateway: `https://host`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    /// A field that is there once, as text.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    /// Whether it is one of gRPC, whose answers say in trailers what became of it.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        let kind = self.only(header::CONTENT_TYPE.as_str());
        let rest = kind.and_then(|kind| kind.strip_prefix("application/grpc"));
        // Not gRPC-Web, which is made for servers that do not speak it.
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
    }

    /// Whether a person is about to see the answer as a page.
    #[must_use]
    pub fn is_navigation(&self) -> bool {
        let accepts = self.only("accept").is_some_and(|a| a.contains("text/html"));
        match (self.only("sec-fetch-mode"), self.only("sec-fetch-dest")) {
            (Some(mode), destination) => {
                mode == "navigate" && destination.is_none_or(|d| d == "document")
            }
            (None, _) => accepts && self.method == Method::GET && self.is_browser(),
        }
    }

    fn is_browser(&self) -> bool {
        let agent = self.only(header::USER_AGENT.as_str());
        agent.is_some_and(|agent| agent.starts_with("Mozilla/"))
    }
}

/// The value of a field that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next().and_then(|value| value.to_str().ok());
    one.filter(|_| all.next().is_none())
}

/// Whether a WebSocket is asked for as RFC 6455, section 4.2.1, says.
fn check_websocket(method: &Method, headers: &HeaderMap) -> Result<bool, NotAsked> {
    let key = only(headers, "sec-websocket-key").map(str::as_bytes);
    let version = only(headers, "sec-websocket-version");
    let good =
        *method == Method::GET && key.is_some_and(ws::is_key) && version == Some(WEBSOCKET_VERSION);
    match good {
        true => Ok(true),
        false => Err(NotAsked::WebSocket),
    }
}

/// An absolute target says itself whom it is for; it was checked to be the same as Host.
fn split_absolute(target: &str, host: String) -> Result<(String, String), NotAsked> {
    if target.starts_with('/') || target == "*" {
        return Ok((host, target.to_owned()));
    }
    let uri: Uri = target.parse().map_err(|_| NotAsked::Authority)?;
    let authority = uri.authority().ok_or(NotAsked::Authority)?;
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    Ok((authority.to_string(), path.to_owned()))
}

/// Who is asked in HTTP/2: a Host field has to say the same (RFC 9113, section 8.3.1).
fn two_authority(uri: &Uri, headers: &HeaderMap) -> Result<String, NotAsked> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, more) = (hosts.next(), hosts.next().is_some());
    let said = uri.authority().map(ToString::to_string);
    let host = host.and_then(|v| v.to_str().ok()).map(str::to_owned);
    let authority = match (said, host, more) {
        (Some(said), None, false) => said,
        (None, Some(host), false) => host,
        (Some(said), Some(host), false) if said.eq_ignore_ascii_case(&host) => said,
        _ => return Err(NotAsked::Authority),
    };
    match Authority::parse(Peer::Client, ":authority", authority.as_bytes()) {
        Ok(_) => Ok(authority),
        Err(_) => Err(NotAsked::Authority),
    }
}

fn only_length(headers: &HeaderMap) -> Result<Option<u64>, NotAsked> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let wrong = NotAsked::Fields("content-length");
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(wrong),
        (Some(one), None) => {
            let text = one.to_str().map_err(|_| wrong)?;
            text.parse().map(Some).map_err(|_| wrong)
        }
    }
}

/// A field's value made of text that was checked.
#[must_use]
pub fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The fields of a WebSocket's beginning that are between two neighbours.
pub const WEBSOCKET_FIELDS: [HeaderName; 4] = [
    HeaderName::from_static("sec-websocket-key"),
    HeaderName::from_static("sec-websocket-version"),
    HeaderName::from_static("sec-websocket-extensions"),
    HeaderName::from_static("sec-websocket-accept"),
];
