//! Trusted issuers: whose JWTs are accepted directly, as the password or as a bearer token.

use super::fetch::{FetchError, Fetcher};
use super::jwks::{KeyCache, KeySource, KeysError, TokenError};
use arc_swap::ArcSwap;
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_identity::jwt::{ALGORITHMS, Claims, Expected, JwtError, Unverified, read};
use sluice_model::{Timestamp, Workload};
use sluice_policy::{ClaimRule, TrustedIssuer};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How long a JWT may live from its issue to its end when the file does not say, in seconds: longer than CI systems and
/// clusters make them, short enough that one in a log file is soon worth nothing.
pub(crate) const DEFAULT_LONGEST_LIFE: u32 = 86_400;

/// How long a gateway token lives that a JWT is exchanged for when the file does not say, in seconds.
const DEFAULT_EXCHANGE: u32 = 3_600;

/// What is known of an issuer that many use.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    /// Its `iss`, where it is the same for everybody.
    pub(crate) issuer: Option<&'static str>,
    /// Claims that its JWTs always have: one without them is not of the kind that is meant.
    pub(crate) claims: &'static [&'static str],
    /// Its JWTs name no issuer: it is the trust domain of their subject.
    pub(crate) by_subject: bool,
}

/// The presets.
pub(crate) const PRESETS: &[Preset] = &[
    Preset {
        name: "github-actions",
        issuer: Some("https://token.actions.githubusercontent.com"),
        claims: &["repository", "ref", "workflow"],
        by_subject: false,
    },
    Preset {
        name: "gitlab-ci",
        issuer: Some("https://gitlab.com"),
        claims: &["project_path", "ref", "ref_protected"],
        by_subject: false,
    },
    Preset {
        name: "kubernetes",
        issuer: None,
        claims: &["kubernetes.io"],
        by_subject: false,
    },
    Preset {
        name: "spiffe",
        issuer: None,
        claims: &[],
        by_subject: true,
    },
];

/// `kind: TrustedIssuer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclaredIssuer {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) preset: Option<String>,
    /// The `iss` of its JWTs, exactly; for SPIFFE the trust domain, `spiffe://example.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// What their `aud` has to hold, any one of them.
    pub(crate) audiences: Vec<String>,
    /// Where its keys are, when not where its discovery document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_file: Option<PathBuf>,
    /// A PEM file of the authorities that its servers' certificates are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The algorithms that are accepted; all of the gateway's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) algorithms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) longest_life_seconds: Option<u32>,
    /// How long a gateway token lives that a JWT is exchanged for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exchange_seconds: Option<u32>,
    pub(crate) rules: Vec<ClaimRule>,
}

impl DeclaredIssuer {
    pub(crate) fn preset(&self) -> Option<&'static Preset> {
        let name = self.preset.as_deref()?;
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The `iss` that is expected.
    pub(crate) fn url(&self) -> Option<&str> {
        let known = || self.preset().and_then(|preset| preset.issuer);
        self.issuer.as_deref().or_else(known)
    }

    /// As decisions see it.
    pub(crate) fn rules(&self) -> Option<TrustedIssuer> {
        Some(TrustedIssuer {
            name: self.name.clone(),
            issuer: self.url()?.to_owned(),
            audiences: self.audiences.clone(),
            rules: self.rules.clone(),
        })
    }

    fn source(&self) -> Option<KeySource> {
        match (&self.jwks_file, &self.jwks_url) {
            (Some(file), _) => Some(KeySource::File(file.clone())),
            (None, Some(url)) => Some(KeySource::Url(url.clone())),
            (None, None) => Some(KeySource::Discovery(self.url()?.to_owned())),
        }
    }

    fn accepted(&self) -> Vec<Algorithm> {
        let said = |name: &str| match &self.algorithms {
            None => true,
            Some(names) => names.iter().any(|one| one == name),
        };
        let accepted = ALGORITHMS.iter().filter(|(name, _)| said(name));
        accepted.map(|(_, algorithm)| *algorithm).collect()
    }
}

struct Issuer {
    declared: DeclaredIssuer,
    algorithms: Vec<Algorithm>,
    keys: Result<KeyCache, FetchError>,
}

/// All trusted issuers, with their keys.
#[derive(Default)]
pub(crate) struct Issuers(ArcSwap<Vec<Arc<Issuer>>>);

impl Issuers {
    /// These from now on. The keys of those that stay where they were are kept.
    pub(crate) fn replace(&self, declared: Vec<DeclaredIssuer>) {
        let before = self.0.load();
        let kept: BTreeMap<&str, &Arc<Issuer>> = before
            .iter()
            .map(|i| (i.declared.name.as_str(), i))
            .collect();
        let build = |declared: DeclaredIssuer| {
            let same = |i: &&&Arc<Issuer>| {
                let was = &i.declared;
                i.keys.is_ok()
                    && (was.source(), &was.ca_file) == (declared.source(), &declared.ca_file)
            };
            let keys = match kept.get(declared.name.as_str()).filter(same) {
                Some(same) => same.keys.clone(),
                None => Fetcher::new(declared.ca_file.as_deref()).and_then(|fetcher| {
                    let source = declared.source();
                    let source = source.ok_or_else(|| FetchError::Address(String::new()))?;
                    Ok(KeyCache::new(source, fetcher))
                }),
            };
            Arc::new(Issuer {
                algorithms: declared.accepted(),
                declared,
                keys,
            })
        };
        let next = declared.into_iter().map(build).collect();
        self.0.store(Arc::new(next));
    }

    /// How long a gateway token may live that a JWT of this issuer is exchanged for, in seconds.
    pub(crate) fn exchange_seconds(&self, name: &str) -> u32 {
        let issuers = self.0.load();
        let found = issuers.iter().find(|i| i.declared.name == name);
        let said = found.and_then(|i| i.declared.exchange_seconds);
        said.unwrap_or(DEFAULT_EXCHANGE)
    }

    /// The workload that a JWT speaks of, once it was verified.
    pub(crate) async fn recognise(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Workload, TokenError> {
        let issuers = self.0.load_full();
        let unverified = read(token)?;
        let candidates: Vec<&Arc<Issuer>> = issuers
            .iter()
            .filter(|i| i.claims_to_be(&unverified))
            .collect();
        let mut refused = TokenError::from(JwtError::Issuer);
        for issuer in candidates {
            // Issuers that share an address differ in their audience.
            match issuer.verify(read(token)?, now).await {
                Ok(workload) => return Ok(workload),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

fn subject(claims: &Claims) -> Option<&str> {
    claims.get("sub").and_then(Value::as_str)
}

impl Issuer {
    fn is_by_subject(&self) -> bool {
        self.declared
            .preset()
            .is_some_and(|preset| preset.by_subject)
    }

    /// Whether a JWT says that it is of this issuer; it is not believed for that.
    fn claims_to_be(&self, token: &Unverified<'_>) -> bool {
        match (self.is_by_subject(), self.declared.url()) {
            (_, None) => false,
            (false, Some(url)) => token.issuer() == Some(url),
            (true, Some(domain)) => is_in_domain(&token.claims, domain),
        }
    }

    async fn verify(&self, token: Unverified<'_>, now: Timestamp) -> Result<Workload, TokenError> {
        let url = self.declared.url().ok_or(JwtError::Issuer)?;
        let keys = self.keys.as_ref();
        let keys = keys.map_err(|error| KeysError::from(error.clone()))?;
        let audience = token.audience(&self.declared.audiences).cloned();
        let longest = self.declared.longest_life_seconds;
        let expected = Expected {
            issuer: (!self.is_by_subject()).then_some(url),
            audiences: &self.declared.audiences,
            algorithms: &self.algorithms,
            longest_life: i64::from(longest.unwrap_or(DEFAULT_LONGEST_LIFE)),
        };
        let (claims, expires) = keys.verify(token, &expected, now).await?;
        let wanted = self
            .declared
            .preset()
            .map_or(&[][..], |preset| preset.claims);
        if let Some(missing) = wanted.iter().find(|name| !claims.contains_key(**name)) {
            return Err(JwtError::Claim(missing).into());
        }
        if self.is_by_subject() && !is_in_domain(&claims, url) {
            return Err(JwtError::Issuer.into());
        }
        Ok(Workload {
            issuer: self.declared.name.clone(),
            issuer_url: url.to_owned(),
            audience: audience.ok_or(JwtError::Audience)?,
            subject: subject(&claims).ok_or(JwtError::Claim("sub"))?.to_owned(),
            claims,
            expires,
        })
    }
}

/// Whether the subject is of a SPIFFE trust domain.
fn is_in_domain(claims: &Claims, domain: &str) -> bool {
    let path = subject(claims).and_then(|subject| subject.strip_prefix(domain));
    path.is_some_and(|path| path.starts_with('/'))
}
