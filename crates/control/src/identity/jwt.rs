//! Reading and checking a JWT (RFC 7519, RFC 8725) of an issuer whose keys are known.

use super::json;
use super::jwks::{KeyCache, KeysError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use serde_json::{Map, Value};
use sluice_model::Timestamp;

/// The longest JWT: those with hundreds of groups have some ten kilobytes.
const MAX_JWT: usize = 16 << 10;
/// How far the clocks of issuer and gateway may be apart, in seconds.
const SKEW: i64 = 60;
/// The latest time that is understood, in seconds: the year 9999.
const LATEST: i64 = 253_402_300_799;

/// The algorithms that are ever accepted. None of them has a secret in common with the issuer, and `none` is not one.
pub(crate) const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
];

/// All claims of a JWT.
pub(crate) type Claims = Map<String, Value>;

/// Why a JWT is refused. For the gateway's own log: its caller learns only that it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwtError {
    #[error("it is longer than 16 KiB")]
    TooLong,
    #[error("it is no JWT: {0}")]
    Malformed(&'static str),
    #[error("its algorithm is not accepted")]
    Algorithm,
    #[error("it is of an issuer that is not trusted")]
    Issuer,
    #[error("it is for somebody else: its audience is not an expected one")]
    Audience,
    #[error("no key of the issuer fits")]
    NoKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("it lives longer than its issuer's may")]
    TooLongLived,
    #[error("the claim {0} is missing or of another type than expected")]
    Claim(&'static str),
    #[error("the issuer's keys cannot be had: {0}")]
    Unavailable(KeysError),
}

/// A JWT, read and not yet checked: nothing of it may be believed.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    pub(crate) claims: Claims,
    message: &'a str,
    signature: &'a str,
}

/// What is expected of a JWT besides its signature.
#[derive(Debug, Clone)]
pub(crate) struct Expected<'a> {
    /// Its `iss`, exactly; `None` where another claim says whose it is.
    pub(crate) issuer: Option<&'a str>,
    /// One of them is in its `aud`.
    pub(crate) audiences: &'a [String],
    /// One of them is its algorithm.
    pub(crate) algorithms: &'a [Algorithm],
    /// The longest time from its issue to its end, in seconds.
    pub(crate) longest_life: i64,
}

/// Reads a JWT.
pub(crate) fn read(token: &str) -> Result<Unverified<'_>, JwtError> {
    if token.len() > MAX_JWT {
        return Err(JwtError::TooLong);
    }
    let (message, signature) = token
        .rsplit_once('.')
        .ok_or(JwtError::Malformed("no parts"))?;
    let (header, claims) = message
        .split_once('.')
        .ok_or(JwtError::Malformed("not three parts"))?;
    if claims.contains('.') || signature.is_empty() {
        return Err(JwtError::Malformed("not three parts"));
    }
    let part = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        json::object(&bytes)
    };
    let header = part(header).ok_or(JwtError::Malformed("its header"))?;
    let claims = part(claims).ok_or(JwtError::Malformed("its claims"))?;
    if header.contains_key("crit") {
        return Err(JwtError::Malformed("it demands an extension"));
    }
    let name = header.get("alg").and_then(Value::as_str);
    let found = ALGORITHMS.iter().find(|(known, _)| Some(*known) == name);
    let (_, algorithm) = found.ok_or(JwtError::Algorithm)?;
    let text = |name: &str| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtError::Malformed("its header")),
    };
    Ok(Unverified {
        algorithm: *algorithm,
        kid: text("kid")?,
        claims,
        message,
        signature,
    })
}

impl Unverified<'_> {
    /// How it says that it is signed.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `iss` that it claims to be of.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The audience that was expected, if it is in it.
    pub(crate) fn audience<'e>(&self, expected: &'e [String]) -> Option<&'e String> {
        let holds = |wanted: &&String| match self.claims.get("aud") {
            Some(Value::String(one)) => one == *wanted,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(wanted.as_str())),
            _ => false,
        };
        expected.iter().find(holds)
    }

    /// Checks it against its issuer's keys, and gives its claims and its end.
    pub(crate) async fn verify(
        self,
        expected: &Expected<'_>,
        keys: &KeyCache,
        now: Timestamp,
    ) -> Result<(Claims, Timestamp), JwtError> {
        if expected
            .issuer
            .is_some_and(|issuer| self.issuer() != Some(issuer))
        {
            return Err(JwtError::Issuer);
        }
        if !expected.algorithms.contains(&self.algorithm) {
            return Err(JwtError::Algorithm);
        }
        let found = keys.find(self.kid.as_deref(), self.algorithm, now).await;
        let found = found.map_err(JwtError::Unavailable)?;
        if found.is_empty() {
            return Err(JwtError::NoKey);
        }
        let message = self.message.as_bytes();
        let is_good = |key| {
            crypto::verify(self.signature, message, key, self.algorithm).is_ok_and(|good| good)
        };
        if !found.iter().any(is_good) {
            return Err(JwtError::Signature);
        }
        if self.audience(expected.audiences).is_none() {
            return Err(JwtError::Audience);
        }
        let end = check_times(&self.claims, expected.longest_life, now)?;
        Ok((self.claims, end))
    }
}

/// Checks when it may be used, and gives its end.
fn check_times(claims: &Claims, longest_life: i64, now: Timestamp) -> Result<Timestamp, JwtError> {
    let now = now.millis() / 1_000;
    let end = time(claims, "exp")?.ok_or(JwtError::Claim("exp"))?;
    let issued = time(claims, "iat")?;
    let begins = time(claims, "nbf")?;
    if now >= end + SKEW {
        return Err(JwtError::Expired);
    }
    if issued.into_iter().chain(begins).any(|at| at > now + SKEW) {
        return Err(JwtError::NotYet);
    }
    if end - issued.unwrap_or(now) > longest_life {
        return Err(JwtError::TooLongLived);
    }
    Ok(Timestamp((end + SKEW) * 1_000_000))
}

/// A time in seconds; issuers may send fractions (RFC 7519, section 2), which are cut.
fn time(claims: &Claims, name: &'static str) -> Result<Option<i64>, JwtError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let whole = value.as_i64().or_else(|| {
        let fraction = value.as_f64().filter(|f| f.is_finite() && *f >= 0.0)?;
        // Cut towards zero; what does not fit is beyond the limit in any case.
        Some(fraction as i64)
    });
    let known = whole.filter(|at| (0..=LATEST).contains(at));
    known.map(Some).ok_or(JwtError::Claim(name))
}
