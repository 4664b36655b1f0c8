//! The HTTP API from the caller's side: one request, one typed answer or one [`Failure`].

use crate::failure::Failure;
use bytes::Bytes;
use reqwest::{Certificate, Method, Response, StatusCode, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_control::api::types::ErrorBody;
use sluice_model::Secret;
use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

/// How long the gateway may take to accept a connection: far above any network that a person works over.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may pause. Verifying a large log is the slowest thing that is asked for.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// The largest answer that is kept in memory; lists are cut by the gateway long before.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// How much of an answer that is no error body is quoted.
const MAX_QUOTED_CHARS: usize = 200;

/// A gateway's API, spoken to as one caller.
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<Secret>,
}

impl Client {
    /// A client of the gateway at `url` (`https://host:port`) that trusts the authorities in `ca_pem`
    /// alone, or the system's when there are none.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(url: String, ca_pem: Option<&[u8]>, token: Option<Secret>) -> Result<Self, Failure> {
        let unreadable = |error: reqwest::Error| {
            Failure::usage(format!(
                "cannot trust the gateway's certificate authority: {error}"
            ))
            .hint("expected a PEM file such as ca.pem in the gateway's data_dir")
        };
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = ca_pem {
            builder =
                builder.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(unreadable)?);
        }
        let http = builder.build().map_err(unreadable)?;
        Ok(Self { http, url, token })
    }

    /// `GET`.
    ///
    /// # Errors
    /// When the gateway cannot be reached, refuses, or answers something else.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.decode(self.send(Method::GET, path, None::<&()>).await?)
            .await
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// When the gateway cannot be reached, refuses, or answers something else.
    pub async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        self.decode(self.send(Method::POST, path, Some(body)).await?)
            .await
    }

    /// `POST` of a form, whatever the answer's status: OAuth says in JSON what is wrong.
    ///
    /// # Errors
    /// When the gateway cannot be reached or answers something else.
    pub async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", segment(value));
        let body = form.iter().map(pair).collect::<Vec<_>>().join("&");
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let response = request.send().await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        self.decode(response).await
    }

    /// `GET` without looking at the answer's status: health checks answer 503 with a body.
    ///
    /// # Errors
    /// When the gateway cannot be reached or answers something else.
    pub async fn get_any_status<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.decode(self.request(Method::GET, path, None::<&()>).await?)
            .await
    }

    /// Sends a request; anything but success is a failure.
    ///
    /// # Errors
    /// When the gateway cannot be reached or refuses.
    pub async fn send<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response, Failure> {
        let response = self.request(method, path, body).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    async fn request<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response, Failure> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    async fn decode<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Failure::failed(format!(
                "the answer of {} is not what was expected: {error}",
                self.url
            ))
            .hint("check that it is a sluice gateway of the same version as this command")
        })
    }

    /// The whole answer, up to [`MAX_ANSWER_BYTES`].
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = self.next_chunk(&mut response).await? {
            if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
                return Err(Failure::failed("the gateway's answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The next piece of an answer that streams.
    ///
    /// # Errors
    /// When the gateway stops in the middle.
    pub async fn next_chunk(&self, response: &mut Response) -> Result<Option<Bytes>, Failure> {
        response
            .chunk()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status();
        let body = match self.body(response).await {
            Ok(body) => body,
            Err(failure) => return failure,
        };
        let said = serde_json::from_slice::<ErrorBody>(&body).unwrap_or_else(|_| ErrorBody {
            error: format!("the gateway answered {status}: {}", quote(&body)),
            hint: None,
            problems: Vec::new(),
        });
        let wants_login = status == StatusCode::UNAUTHORIZED && said.hint.is_none();
        let failure = Failure::refused(said);
        if wants_login {
            return failure.hint(
                "use `sluice login`, set SLUICE_TOKEN to a token that is valid, or use --config on the gateway's host",
            );
        }
        failure
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut innermost: &dyn std::error::Error = error;
        let mut cause = error.source();
        while let Some(inner) = cause {
            innermost = inner;
            cause = inner.source();
        }
        let failure = Failure::unreachable(format!(
            "cannot reach the gateway at {}: {innermost}",
            self.url
        ));
        if innermost.to_string().contains("certificate") {
            return failure.hint(
                "set SLUICE_CA to the gateway's ca.pem, and name the host as its certificate does",
            );
        }
        failure.hint("check that `sluice serve` runs there, and that the address is right")
    }
}

/// One segment of a path: everything but unreserved characters (RFC 3986, section 2.3) is percent-encoded.
#[must_use]
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn quote(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(MAX_QUOTED_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_segment() {
        for (text, expected) in [
            ("s-01k9zq4e8v7m2n5c3b1a", "s-01k9zq4e8v7m2n5c3b1a"),
            ("user:ada", "user%3Aada"),
            ("../a?b#c d", "..%2Fa%3Fb%23c%20d"),
            ("user:zoë", "user%3Azo%C3%AB"),
        ] {
            assert_eq!(segment(text), expected);
        }
    }

    #[test]
    fn only_an_authority_in_pem_is_taken() {
        let client = Client::new(
            "https://localhost:1".into(),
            Some(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"),
            None,
        );
        assert_eq!(
            client.err().map(|failure| failure.exit),
            Some(crate::failure::Exit::Usage)
        );
    }
}
