//! Signing one request for AWS (Signature Version 4, `AWS4-HMAC-SHA256`). Pure: the time and the secret are given,
//! nothing is kept.
//!
//! `canonical` writes the request as the service rebuilds it from what it receives, `time` writes a moment, and
//! here the two become the fields to add. What services are known to rebuild in different ways is refused rather
//! than guessed: the answer would only be that the signature does not match.

mod canonical;
mod error;
#[cfg(test)]
mod tests;
mod time;

pub use error::SignError;

use aws_lc_rs::{digest, hmac};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use std::fmt::Write;
use zeroize::Zeroizing;

/// The algorithm's name.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The moment of signing.
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// The token of temporary credentials.
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// The hash of the body, for services that do not compute it before they look at the signature.
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// The longest name of a region, a service or an access key. Keys have at most 128 bytes, the others far fewer.
const MAX_NAME: usize = 128;

/// A secret access key. It has no `Debug` and no `Display`, so that nothing can show it.
#[derive(Clone, Copy)]
pub struct SecretKey<'a>(&'a str);

impl<'a> SecretKey<'a> {
    /// Wraps the key.
    #[must_use]
    pub fn new(key: &'a str) -> Self {
        Self(key)
    }
}

/// Who signs. No `Debug`: the secret and the token are what the caller must never see.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The public part: `AKIA...`, or `ASIA...` with a token.
    pub access_key_id: &'a str,
    /// The secret part.
    pub secret: SecretKey<'a>,
    /// The token of temporary credentials.
    pub session_token: Option<&'a str>,
}

/// What a signature is good for, besides its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Such as `eu-central-1`.
    pub region: &'a str,
    /// The name for signing, such as `s3`, `es`, `execute-api`.
    pub service: &'a str,
}

impl Scope<'_> {
    /// Whether the service is one of S3's: they escape paths once, and want the body's hash in a field.
    fn is_s3(&self) -> bool {
        ["s3", "s3express", "s3-object-lambda", "s3-outposts"].contains(&self.service)
    }
}

/// What is known of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Its SHA-256.
    Sha256([u8; 32]),
    /// Nothing: `UNSIGNED-PAYLOAD`. S3 takes it over TLS; of other services only a few do.
    Unsigned,
}

impl Payload {
    /// Hashes a body that is there as a whole.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(sha256(body).as_ref()) {
            *to = *from;
        }
        Self::Sha256(hash)
    }

    fn text(self) -> String {
        match self {
            Self::Sha256(hash) => hex(&hash),
            Self::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        }
    }
}

/// One request as it will be sent.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The value of Host (`:authority` in HTTP/2), with the port if it is sent.
    pub host: &'a str,
    /// The path in its normal form.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: Option<&'a str>,
    /// Fields to sign besides Host and those that signing adds. Services want Content-Type and every field whose
    /// name begins with `x-amz-` among them; what a proxy may change must not be. Host may be in it and is ignored.
    pub headers: &'a HeaderMap,
    /// The body.
    pub payload: Payload,
}

/// The fields that make a request a signed one: `x-amz-date`, `authorization`, `x-amz-security-token` if there is a
/// token, and `x-amz-content-sha256` for S3 and wherever the body is not signed. They replace fields of the same
/// name. `moment` is in seconds since 1970; services accept five minutes of difference, some fifteen.
///
/// # Errors
/// Something cannot be signed so that every service finds the same signature.
pub fn sign(
    credentials: &Credentials<'_>,
    scope: &Scope<'_>,
    moment: u64,
    request: &Request<'_>,
) -> Result<Vec<(HeaderName, HeaderValue)>, SignError> {
    check_name("access key id", credentials.access_key_id)?;
    check_name("region", scope.region)?;
    check_name("service", scope.service)?;
    let stamp = time::stamp(moment).ok_or(SignError::Moment)?;
    let payload = request.payload.text();
    let mut added = vec![(DATE, value("moment", &stamp)?)];
    if scope.is_s3() || request.payload == Payload::Unsigned {
        added.push((CONTENT_HASH, value("hash of the body", &payload)?));
    }
    if let Some(token) = credentials.session_token {
        let mut token = value("session token", token)?;
        token.set_sensitive(true);
        added.push((TOKEN, token));
    }
    let canonical = canonical::write(request, &added, scope.is_s3(), &payload)?;
    let day = stamp.get(..8).unwrap_or_default();
    let scope_text = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let hash = hex(sha256(&canonical.text).as_ref());
    let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope_text}\n{hash}");
    let key = signing_key(credentials.secret, day, scope);
    let signature = hex(hmac::sign(&key, to_sign.as_bytes()).as_ref());
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope_text}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id, canonical.signed
    );
    let mut authorization = value("access key id", &authorization)?;
    authorization.set_sensitive(true);
    added.push((AUTHORIZATION, authorization));
    Ok(added)
}

/// The key of one day, region and service. It signs nothing else.
fn signing_key(secret: SecretKey<'_>, day: &str, scope: &Scope<'_>) -> hmac::Key {
    let first = Zeroizing::new(["AWS4", secret.0].concat());
    let first = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
    [day, scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(first, |key, part| {
            hmac::Key::new(
                hmac::HMAC_SHA256,
                hmac::sign(&key, part.as_bytes()).as_ref(),
            )
        })
}

/// Names are parts of the credential, which slashes, commas and spaces separate.
fn check_name(part: &'static str, name: &str) -> Result<(), SignError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) {
        Ok(())
    } else {
        Err(SignError::Name { part })
    }
}

fn value(part: &'static str, text: &str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(|_| SignError::Value { part })
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
