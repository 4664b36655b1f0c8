//! Sending over HTTP: to what an administrator configured and nowhere else, and what a failure is called. No address
//! and no answer is repeated in an error: both may hold secrets.

use super::send::Failure;
use crate::credentials::resolve;
use crate::identity::fetch::{Exchanged, FetchError, Fetcher};
use reqwest::Method;
use serde_json::Value;
use sluice_model::{CredentialRef, Secret};

/// One request.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Secret)>,
    pub(crate) body: Option<Value>,
}

impl Request {
    pub(crate) fn post(url: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            url: url.into(),
            headers: Vec::new(),
            body: Some(body),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }

    /// Sends it; any answer that is a success is returned.
    pub(crate) async fn send(self, fetcher: &Fetcher) -> Result<Exchanged, Failure> {
        let body = self.body.map(|body| body.to_string().into_bytes());
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v)).collect();
        let answer = fetcher
            .exchange(self.method, &self.url, &headers, body)
            .await;
        let answer = answer.map_err(|e| Failure::new(in_words(&e)))?;
        match answer.status {
            200..=299 => Ok(answer),
            status => Err(Failure {
                why: format!("the service answered {status}"),
                retry_after: answer.retry_after,
            }),
        }
    }
}

fn in_words(error: &FetchError) -> String {
    match error {
        FetchError::Address(_) => {
            "the address is not one that is asked: expected https://HOST/PATH without user, password or fragment".to_owned()
        }
        other => other.to_string(),
    }
}

/// Reads a secret, or says which setting names one that is not there.
pub(crate) fn secret(setting: &str, reference: &CredentialRef) -> Result<Secret, Failure> {
    resolve(reference).map_err(|why| Failure::new(format!("{setting} cannot be read: {why}")))
}
