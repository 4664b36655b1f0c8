//! The public keys of an issuer: found by discovery, at an address or in a file, kept, and fetched again when they
//! rotate; and checking its JWTs against them.

use super::fetch::{FetchError, Fetcher};
use jsonwebtoken::Algorithm;
use parking_lot::Mutex;
use serde::Deserialize;
use sluice_identity::jwt::{Claims, Expected, JwtError, Unverified};
use sluice_identity::keys::VerifyingKey;
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

/// Why a JWT is not taken. For the gateway's own log: its caller learns only that it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    Refused(#[from] JwtError),
    #[error("the issuer's keys cannot be had: {0}")]
    Unavailable(#[from] KeysError),
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

#[derive(Default)]
struct State {
    keys: Arc<Vec<VerifyingKey>>,
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

    /// Checks a JWT against the keys, and gives its claims and its end.
    pub(crate) async fn verify(
        &self,
        token: Unverified<'_>,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<(Claims, Timestamp), TokenError> {
        token.may_be(expected)?;
        let algorithm = token.algorithm();
        let mut keys = self.find(token.key_id(), algorithm, now).await?;
        if token.key_id().is_none() && !token.is_signed_with(&keys) {
            // One that names no key may be signed with one that is newer than those that are known.
            let _ = self.fetch(now).await;
            keys = self.kept(None, algorithm, now);
        }
        Ok(token.verify(expected, &keys, now)?)
    }

    /// The keys that a JWT with this key id and algorithm can be signed with: all that fit, where it names none.
    async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Vec<VerifyingKey>, KeysError> {
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

    fn kept(&self, kid: Option<&str>, algorithm: Algorithm, now: Timestamp) -> Vec<VerifyingKey> {
        let state = self.0.state.lock();
        let usable = state
            .fetched
            .is_some_and(|at| now < at.plus_seconds(USABLE));
        let keys = state.keys.iter().filter(|_| usable);
        keys.filter(|key| key.fits(kid, algorithm))
            .cloned()
            .collect()
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

    async fn load(&self) -> Result<Vec<VerifyingKey>, KeysError> {
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
        Ok(keys.filter_map(|key| VerifyingKey::of(&key)).collect())
    }
}

fn may_try(state: &State, now: Timestamp) -> bool {
    let longer = PAUSE.saturating_mul(1 << state.failures.min(5));
    let pause = longer.min(LONGEST_PAUSE);
    state.tried.is_none_or(|at| now >= at.plus_seconds(pause))
}
