//! The public keys of an issuer (RFC 7517): found by discovery, at an address or in a file, kept, and fetched again
//! when they rotate.

use super::fetch::{FetchError, Fetcher};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use parking_lot::Mutex;
use serde::Deserialize;
use sluice_model::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// When keys are fetched again, in the background, while they are used: in seconds.
const FRESH: i64 = 600;
/// How long keys of an issuer that cannot be reached are still used, in seconds: a day, so that an outage of theirs is
/// not one of ours, and a key that they withdrew does not live on for long.
const USABLE: i64 = 86_400;
/// The shortest time between two fetches of one issuer's keys, in seconds: somebody who sends unknown key ids makes the
/// gateway ask no more often.
const PAUSE: i64 = 10;
/// The longest such time, while the issuer fails.
const LONGEST_PAUSE: i64 = 300;
/// Keys of one issuer that are kept.
const MAX_KEYS: usize = 100;
/// The shortest RSA modulus, in bytes (2048 bits).
const MIN_RSA: usize = 256;

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the discovery document is of another issuer than was asked for")]
    OtherIssuer,
    #[error("the file of keys cannot be read")]
    File,
    #[error("they could not be had lately; it is tried again shortly")]
    Pausing,
}

/// Where the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// Where the issuer's discovery document says.
    Discovery(String),
    /// At this address.
    Url(String),
    /// In this file.
    File(PathBuf),
}

/// Where a provider's discovery document is (OpenID Connect Discovery 1.0, section 4).
pub(crate) fn discovery_url(issuer: &str) -> String {
    let issuer = issuer.trim_end_matches('/');
    format!("{issuer}/.well-known/openid-configuration")
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// One usable key.
#[derive(Clone)]
struct Key {
    kid: Option<String>,
    /// The algorithms that it may be used with.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

#[derive(Default)]
struct State {
    keys: Arc<Vec<Key>>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
    failures: u32,
}

/// The keys of one issuer.
#[derive(Clone)]
pub(crate) struct KeyCache(Arc<Inner>);

struct Inner {
    source: KeySource,
    fetcher: Fetcher,
    state: Mutex<State>,
    /// One fetch at a time.
    fetching: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyCache").field(&self.0.source).finish()
    }
}

impl KeyCache {
    pub(crate) fn new(source: KeySource, fetcher: Fetcher) -> Self {
        Self(Arc::new(Inner {
            source,
            fetcher,
            state: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }))
    }

    /// The keys that a JWT with this key id and algorithm can be signed with: all that fit, where it names none.
    pub(crate) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Vec<DecodingKey>, KeysError> {
        let found = self.kept(kid, algorithm, now);
        if !found.is_empty() {
            if self.is_due(now) {
                let cache = self.clone();
                tokio::spawn(async move { cache.fetch(now).await });
            }
            return Ok(found);
        }
        self.fetch(now).await?;
        Ok(self.kept(kid, algorithm, now))
    }

    fn kept(&self, kid: Option<&str>, algorithm: Algorithm, now: Timestamp) -> Vec<DecodingKey> {
        let state = self.0.state.lock();
        let usable = state
            .fetched
            .is_some_and(|at| now < at.plus_seconds(USABLE));
        let fits = |key: &&Key| {
            let named = kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
            named && key.algorithms.contains(&algorithm)
        };
        let keys = state.keys.iter().filter(|_| usable).filter(fits);
        keys.map(|key| key.key.clone()).collect()
    }

    /// Whether the keys are old enough to be fetched again, and not tried too lately.
    fn is_due(&self, now: Timestamp) -> bool {
        let state = self.0.state.lock();
        state.fetched.is_none_or(|at| now >= at.plus_seconds(FRESH)) && may_try(&state, now)
    }

    /// Fetches the keys, unless that was tried too lately. Whoever comes meanwhile waits for the same.
    async fn fetch(&self, now: Timestamp) -> Result<(), KeysError> {
        let asked = self.0.state.lock().tried;
        let _one = self.0.fetching.lock().await;
        {
            let mut state = self.0.state.lock();
            if state.tried != asked && state.failures == 0 {
                return Ok(());
            }
            if !may_try(&state, now) {
                let known = state
                    .fetched
                    .is_some_and(|at| now < at.plus_seconds(USABLE));
                return if known {
                    Ok(())
                } else {
                    Err(KeysError::Pausing)
                };
            }
            state.tried = Some(now);
        }
        let fetched = self.load().await;
        let mut state = self.0.state.lock();
        match fetched {
            Ok(keys) => {
                state.keys = Arc::new(keys);
                state.fetched = Some(now);
                state.failures = 0;
                Ok(())
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                tracing::warn!(source = ?self.0.source, %error, "the keys of an issuer cannot be had");
                Err(error)
            }
        }
    }

    async fn load(&self) -> Result<Vec<Key>, KeysError> {
        let set: KeySet = match &self.0.source {
            KeySource::Url(url) => self.0.fetcher.get(url).await?,
            KeySource::Discovery(issuer) => {
                let found: Discovered = self.0.fetcher.get(&discovery_url(issuer)).await?;
                if found.issuer != *issuer {
                    return Err(KeysError::OtherIssuer);
                }
                self.0.fetcher.get(&found.jwks_uri).await?
            }
            KeySource::File(path) => {
                let text = tokio::fs::read(path).await.map_err(|_| KeysError::File)?;
                serde_json::from_slice(&text).map_err(|_| KeysError::File)?
            }
        };
        let keys = set.keys.into_iter().take(MAX_KEYS);
        Ok(keys.filter_map(usable_key).collect())
    }
}

fn may_try(state: &State, now: Timestamp) -> bool {
    let longer = PAUSE.saturating_mul(1 << state.failures.min(5));
    let pause = longer.min(LONGEST_PAUSE);
    state.tried.is_none_or(|at| now >= at.plus_seconds(pause))
}

/// A key that signatures can be checked with; `None` for one of another kind or use, or too weak.
fn usable_key(value: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let signs = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let operations = jwk.common.key_operations.as_ref();
    if !signs || operations.is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
        return None;
    }
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms().to_vec(),
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        // A key that is a secret is no public key of anybody's.
        _ => return None,
    };
    if let Some(said) = jwk.common.key_algorithm {
        let said = algorithm_of(said)?;
        algorithms.retain(|algorithm| *algorithm == said);
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    if let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind() {
        let leading = n.iter().take_while(|byte| **byte == 0).count();
        if n.len() - leading < MIN_RSA {
            return None;
        }
    }
    Some(Key {
        kid: jwk.common.key_id,
        algorithms,
        key,
    })
}

fn algorithm_of(said: KeyAlgorithm) -> Option<Algorithm> {
    said.to_string().parse().ok()
}
