//! Asking identity providers and issuers over HTTP: https alone (plain http to this very host), no redirects, and
//! limits on everything.

use reqwest::header::{HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use sluice_identity::form::{encoded, percent};
use sluice_model::Secret;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the other side may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a whole exchange may take: somebody waits for it.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// The largest answer: key sets and discovery documents are a few kilobytes.
const MAX_ANSWER: usize = 512 << 10;

/// Why something could not be fetched. Names the host, never a query, a body or a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// The address is not one that is asked.
    #[error(
        "{0:?} is not an address that is asked: expected https://HOST/PATH without user, password or fragment"
    )]
    Address(String),
    /// The authority that was named cannot be used.
    #[error("the certificate authority {0:?} cannot be read")]
    Authority(PathBuf),
    /// A secret that is to stand in a header cannot.
    #[error("the value of header {0:?} cannot stand in a header")]
    Header(String),
    /// The other side cannot be reached or says nothing in time.
    #[error("{0} cannot be reached")]
    Unreachable(String),
    /// The other side says something else than was asked for.
    #[error("{host} answered {status}")]
    Status { host: String, status: u16 },
    /// What it says cannot be understood.
    #[error("{0} answered something else than was expected")]
    Answer(String),
}

/// What a service answered, whatever it was.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) status: u16,
    /// How many seconds it asks to be left alone for.
    pub(crate) retry_after: Option<i64>,
    pub(crate) body: Vec<u8>,
}

/// An HTTP client for one authority.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher(Client);

/// Whether an address is one that is asked.
pub(crate) fn checked_url(text: &str) -> Result<Url, FetchError> {
    let wrong = || FetchError::Address(text.chars().take(200).collect());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let scheme = url.scheme() == "https" || url.scheme() == "http" && here;
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match scheme && bare {
        true => Ok(url),
        false => Err(wrong()),
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

impl Fetcher {
    /// A client that trusts the authorities of a PEM file alone, or the system's.
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self, FetchError> {
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .no_proxy()
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca_file {
            let unreadable = || FetchError::Authority(path.to_owned());
            let pem = std::fs::read(path).map_err(|_| unreadable())?;
            let authorities = Certificate::from_pem_bundle(&pem).map_err(|_| unreadable())?;
            builder = builder.tls_certs_only(authorities);
        }
        let client = builder
            .build()
            .map_err(|_| FetchError::Authority(PathBuf::from("of the system")))?;
        Ok(Self(client))
    }

    /// A JSON document.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, FetchError> {
        let url = checked_url(url)?;
        self.document(self.0.get(url.clone()), url).await
    }

    /// A JSON document for whoever holds a token.
    pub(crate) async fn get_with<T: DeserializeOwned>(
        &self,
        url: &str,
        bearer: &Secret,
    ) -> Result<T, FetchError> {
        let url = checked_url(url)?;
        let request = self.0.get(url.clone()).bearer_auth(bearer.expose());
        self.document(request, url).await
    }

    /// A document of another kind.
    pub(crate) async fn text(&self, url: &str) -> Result<String, FetchError> {
        let url = checked_url(url)?;
        let response = sent(self.0.get(url.clone()), &url).await?;
        let body = body(response, &url).await?;
        String::from_utf8(body).map_err(|_| FetchError::Answer(host(&url)))
    }

    async fn document<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        url: Url,
    ) -> Result<T, FetchError> {
        let request = request.header("accept", "application/json");
        parsed(sent(request, &url).await?, &url).await
    }

    /// What a form is answered with, whatever the status: OAuth says in JSON what is wrong.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &Secret)>,
    ) -> Result<(StatusCode, T), FetchError> {
        let url = checked_url(url)?;
        let body = encoded(form);
        let mut request = self
            .0
            .post(url.clone())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        if let Some((user, password)) = basic {
            // RFC 6749, section 2.3.1: both are form-encoded first.
            let (user, password) = (percent(user), percent(password.expose()));
            request = request.basic_auth(user, Some(password));
        }
        let response = request
            .send()
            .await
            .map_err(|_| FetchError::Unreachable(host(&url)))?;
        let status = response.status();
        if status.is_server_error() {
            return Err(FetchError::Status {
                host: host(&url),
                status: status.as_u16(),
            });
        }
        Ok((status, parsed(response, &url).await?))
    }
}

impl Fetcher {
    /// Sends JSON, or asks for it, with headers that may be secrets.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &Secret)],
        json: Option<Vec<u8>>,
    ) -> Result<Exchanged, FetchError> {
        let url = checked_url(url)?;
        let mut request = self.0.request(method, url.clone());
        request = request.header("accept", "application/json");
        for (name, value) in headers {
            let value = HeaderValue::from_str(value.expose());
            let mut value = value.map_err(|_| FetchError::Header((*name).to_owned()))?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        if let Some(json) = json {
            let kind = "application/json; charset=utf-8";
            request = request.header("content-type", kind).body(json);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|_| FetchError::Unreachable(host(&url)))?;
        let after = answer.headers().get(RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Exchanged {
            status: answer.status().as_u16(),
            retry_after: after,
            body: body(answer, &url).await?,
        })
    }
}

/// The answer to a request that has to succeed.
async fn sent(
    request: reqwest::RequestBuilder,
    url: &Url,
) -> Result<reqwest::Response, FetchError> {
    let response = request.send().await;
    let response = response.map_err(|_| FetchError::Unreachable(host(url)))?;
    match response.status() {
        StatusCode::OK => Ok(response),
        status => Err(FetchError::Status {
            host: host(url),
            status: status.as_u16(),
        }),
    }
}

async fn parsed<T: DeserializeOwned>(
    response: reqwest::Response,
    url: &Url,
) -> Result<T, FetchError> {
    let body = body(response, url).await?;
    serde_json::from_slice(&body).map_err(|_| FetchError::Answer(host(url)))
}

async fn body(mut response: reqwest::Response, url: &Url) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    let gone = |_| FetchError::Unreachable(host(url));
    while let Some(chunk) = response.chunk().await.map_err(gone)? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return Err(FetchError::Answer(host(url)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_host_are_asked() {
        for (url, asked) in [
            ("https://idp.example.com/x?y=z", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]:8080/", true),
            ("http://localhost/", true),
            ("http://idp.example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://169.254.169.254/", false),
            ("https://user:secret@idp.example.com/", false),
            ("https://idp.example.com/#x", false),
            ("file:///etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(checked_url(url).is_ok(), asked, "{url}");
        }
    }
}
