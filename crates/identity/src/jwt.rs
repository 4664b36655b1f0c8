//! Reading and checking a JWT (RFC 7519, RFC 8725) of an issuer whose keys are known.

use crate::json;
use crate::keys::VerifyingKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use serde_json::{Map, Value};
use sluice_model::Timestamp;

/// The longest JWT: those with hundreds of groups have some ten kilobytes.
pub const MAX_JWT: usize = 16 << 10;
/// How far the clocks of issuer and gateway may be apart, in seconds.
const SKEW: i64 = 60;
/// The latest time that is understood, in seconds: the year 9999.
const LATEST: i64 = 253_402_300_799;

/// The algorithms that are ever accepted. None of them has a secret in common with the issuer, and `none` is not one.
pub const ALGORITHMS: &[(&str, Algorithm)] = &[
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
pub type Claims = Map<String, Value>;

/// Why a JWT is refused. For the gateway's own log: its caller learns only that it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Longer than [`MAX_JWT`].
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// Not three parts of strict JSON.
    #[error("it is no JWT: {0}")]
    Malformed(&'static str),
    /// Not one of [`ALGORITHMS`], or not one of those that were expected.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// Another `iss` than was expected.
    #[error("it is of an issuer that is not trusted")]
    Issuer,
    /// None of the expected audiences is in its `aud`.
    #[error("it is for somebody else: its audience is not an expected one")]
    Audience,
    /// No key was given to check it with.
    #[error("no key of the issuer fits")]
    NoKey,
    /// None of the keys made its signature.
    #[error("its signature is wrong")]
    Signature,
    /// Its `exp` is over.
    #[error("it has expired")]
    Expired,
    /// Its `nbf` or `iat` is to come.
    #[error("it is not valid yet")]
    NotYet,
    /// More time lies between its `iat` and its `exp` than its issuer may give.
    #[error("it lives longer than its issuer's may")]
    TooLongLived,
    /// A claim that has to be there is not, or is something else.
    #[error("the claim {0} is missing or of another type than expected")]
    Claim(&'static str),
}

/// A JWT, read and not yet checked: nothing of it may be believed.
#[derive(Debug)]
pub struct Unverified<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    /// What it claims.
    pub claims: Claims,
    message: &'a str,
    signature: &'a str,
}

/// What is expected of a JWT besides its signature.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// Its `iss`, exactly; `None` where another claim says whose it is.
    pub issuer: Option<&'a str>,
    /// One of them is in its `aud`.
    pub audiences: &'a [String],
    /// One of them is its algorithm.
    pub algorithms: &'a [Algorithm],
    /// The longest time from its issue to its end, in seconds.
    pub longest_life: i64,
}

/// Reads a JWT.
///
/// # Errors
/// It is too long, not well formed, demands an extension, or names an algorithm that is never accepted.
pub fn read(token: &str) -> Result<Unverified<'_>, JwtError> {
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
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of the key that it says it is signed with.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The `iss` that it claims to be of.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The audience that was expected, if it is in it.
    #[must_use]
    pub fn audience<'e>(&self, expected: &'e [String]) -> Option<&'e String> {
        let holds = |wanted: &&String| match self.claims.get("aud") {
            Some(Value::String(one)) => one == *wanted,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(wanted.as_str())),
            _ => false,
        };
        expected.iter().find(holds)
    }

    /// Checks it against the keys of its issuer that fit it, and gives its claims and its end.
    ///
    /// # Errors
    /// Says which check it did not pass; the claims are gone then.
    pub fn verify(
        self,
        expected: &Expected<'_>,
        keys: &[VerifyingKey],
        now: Timestamp,
    ) -> Result<(Claims, Timestamp), JwtError> {
        self.may_be(expected)?;
        if keys.is_empty() {
            return Err(JwtError::NoKey);
        }
        if !self.is_signed_with(keys) {
            return Err(JwtError::Signature);
        }
        if self.audience(expected.audiences).is_none() {
            return Err(JwtError::Audience);
        }
        let end = check_times(&self.claims, expected.longest_life, now)?;
        Ok((self.claims, end))
    }

    /// Whether one of these keys signed it.
    #[must_use]
    pub fn is_signed_with(&self, keys: &[VerifyingKey]) -> bool {
        let message = self.message.as_bytes();
        let is_good = |key: &VerifyingKey| {
            crypto::verify(self.signature, message, key.decoding(), self.algorithm)
                .is_ok_and(|good| good)
        };
        let mut fitting = keys.iter().filter(|key| key.fits(None, self.algorithm));
        fitting.any(is_good)
    }

    /// Refuses what no key can make good, before keys are looked for.
    ///
    /// # Errors
    /// It is of another issuer, or signed in a way that is not accepted.
    pub fn may_be(&self, expected: &Expected<'_>) -> Result<(), JwtError> {
        let issuer = expected.issuer;
        if issuer.is_some_and(|issuer| self.issuer() != Some(issuer)) {
            return Err(JwtError::Issuer);
        }
        match expected.algorithms.contains(&self.algorithm) {
            true => Ok(()),
            false => Err(JwtError::Algorithm),
        }
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
