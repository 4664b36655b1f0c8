//! OpenID Connect towards one identity provider: where to send a person, and what comes back.

use super::fetch::{FetchError, Fetcher};
use super::jwks::{KeyCache, KeySource, TokenError, discovery_url};
use super::provider::{DeclaredProvider, OFFLINE, Oidc};
use super::remembered::{FETCHED_FRESH, Known, Remembered};
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;
use sluice_identity::form::encoded;
use sluice_identity::jwt::{ALGORITHMS, Claims, Expected, read};
use sluice_model::{CredentialRef, Secret, Timestamp};
use std::sync::Arc;

/// The longest life of an ID token, in seconds.
const LONGEST_LIFE: i64 = 86_400;
/// What a logout token says (OpenID Connect Back-Channel Logout 1.0, section 2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Why a provider's answer is not taken. For the log; the person learns less.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OidcError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("its discovery document is of another issuer")]
    OtherIssuer,
    #[error("it could not be reached a moment ago")]
    Pausing,
    #[error("its client secret cannot be read")]
    Secret,
    #[error("it refused: {0}")]
    Refused(String),
    #[error("it sent no ID token")]
    NoIdToken,
    #[error("the ID token is not valid: {0}")]
    IdToken(#[from] TokenError),
    #[error("the ID token is for another sign-in (nonce)")]
    Nonce,
    #[error("the ID token is for another party (azp)")]
    Party,
    #[error("the access token is not the one of the ID token (at_hash)")]
    AccessToken,
    #[error("the userinfo is about somebody else")]
    Userinfo,
    #[error("the logout token is not one")]
    LogoutToken,
}

/// The discovery document, as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) end_session_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// What a provider said about somebody.
pub(crate) struct Vouched {
    pub(crate) claims: Claims,
    /// The claims are of now: a group that is not among them is gone.
    pub(crate) is_fresh: bool,
    pub(crate) id_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
}

/// Whom a provider signed out: everybody with this subject, or one session of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedOut {
    pub(crate) subject: Option<String>,
    pub(crate) session: Option<String>,
    /// The token's own id and end, so that it is taken once.
    pub(crate) id: String,
    pub(crate) expires: Timestamp,
}

/// One provider.
pub(crate) struct OidcProvider {
    name: String,
    oidc: Oidc,
    fetcher: Result<Fetcher, FetchError>,
    discovered: Remembered<(Arc<Metadata>, KeyCache)>,
}

impl OidcProvider {
    pub(crate) fn new(name: &str, oidc: Oidc) -> Self {
        Self {
            name: name.to_owned(),
            fetcher: Fetcher::new(oidc.ca_file.as_deref()),
            oidc,
            discovered: Remembered::new(FETCHED_FRESH),
        }
    }

    /// Its `iss`.
    pub(crate) fn issuer(&self) -> &str {
        &self.oidc.issuer
    }

    fn fetcher(&self) -> Result<&Fetcher, OidcError> {
        self.fetcher.as_ref().map_err(|e| e.clone().into())
    }

    /// The discovery document and the keys. An old one goes on while the provider cannot be asked.
    pub(crate) async fn metadata(
        &self,
        now: Timestamp,
    ) -> Result<(Arc<Metadata>, KeyCache), OidcError> {
        let kept = match self.discovered.known(now) {
            Known::Fresh(known) => return Ok(known),
            Known::Pausing => return Err(OidcError::Pausing),
            Known::Due(kept) => kept,
        };
        match self.discover().await {
            Ok(metadata) => {
                let same = kept.filter(|(was, _)| was.jwks_uri == metadata.jwks_uri);
                let keys = match same {
                    Some((_, keys)) => keys,
                    None => {
                        let source = KeySource::Url(metadata.jwks_uri.clone());
                        KeyCache::new(source, self.fetcher()?.clone())
                    }
                };
                let known = (Arc::new(metadata), keys);
                self.discovered.keep(known.clone(), now);
                Ok(known)
            }
            Err(error) => {
                self.discovered.failed(now);
                let provider = &self.name;
                tracing::warn!(provider, %error, "an identity provider cannot be asked");
                kept.ok_or(error)
            }
        }
    }

    async fn discover(&self) -> Result<Metadata, OidcError> {
        let issuer = &self.oidc.issuer;
        let metadata: Metadata = self.fetcher()?.get(&discovery_url(issuer)).await?;
        for url in [&metadata.authorization_endpoint, &metadata.token_endpoint] {
            super::checked_url(url)?;
        }
        match metadata.issuer == *issuer {
            true => Ok(metadata),
            false => Err(OidcError::OtherIssuer),
        }
    }

    /// Where a browser is sent to sign in.
    pub(crate) async fn authorization_url(
        &self,
        redirect_uri: &str,
        state: &str,
        nonce: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<String, OidcError> {
        let (metadata, _) = self.metadata(now).await?;
        let oidc = &self.oidc;
        let challenge = challenge(verifier);
        let known = metadata.scopes_supported.as_ref();
        let is_known = |scope: &&str| {
            *scope != OFFLINE || known.is_none_or(|known| known.iter().any(|k| k == OFFLINE))
        };
        let scopes: Vec<&str> = oidc.scopes.iter().map(String::as_str).collect();
        let scope = scopes
            .into_iter()
            .filter(is_known)
            .collect::<Vec<_>>()
            .join(" ");
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", &oidc.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &scope),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let more = oidc.parameters.iter();
        query.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
        let query = encoded(&query);
        let endpoint = &metadata.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{query}"))
    }

    /// Who signed in, for the code that the browser brought.
    pub(crate) async fn redeem(
        &self,
        declared: &DeclaredProvider,
        code: &str,
        redirect_uri: &str,
        nonce: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Vouched, OidcError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let answer = self.ask(&form, now).await?;
        let id_token = answer.id_token.as_deref().ok_or(OidcError::NoIdToken)?;
        let claims = self
            .id_token(id_token, answer.access_token.as_deref(), now)
            .await?;
        if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
            return Err(OidcError::Nonce);
        }
        self.vouched(declared, claims, answer, now).await
    }

    /// Who somebody is now. A refusal says that the sign-in does not hold any more.
    pub(crate) async fn refresh(
        &self,
        declared: &DeclaredProvider,
        refresh_token: &Secret,
        subject: &str,
        now: Timestamp,
    ) -> Result<Vouched, OidcError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
        ];
        let answer = self.ask(&form, now).await?;
        let claims = match answer.id_token.as_deref() {
            Some(token) => {
                self.id_token(token, answer.access_token.as_deref(), now)
                    .await?
            }
            None => {
                let mut claims = Claims::new();
                claims.insert("sub".to_owned(), subject.into());
                claims
            }
        };
        if claims.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(OidcError::Userinfo);
        }
        self.vouched(declared, claims, answer, now).await
    }

    async fn ask(&self, form: &[(&str, &str)], now: Timestamp) -> Result<TokenAnswer, OidcError> {
        if self.discovered.is_pausing(now) {
            return Err(OidcError::Pausing);
        }
        let (metadata, _) = self.metadata(now).await?;
        let oidc = &self.oidc;
        let secret = oidc.client_secret.as_ref().map(read_secret).transpose()?;
        let mut form = form.to_vec();
        if secret.is_none() {
            form.push(("client_id", &oidc.client_id));
        }
        let basic = secret
            .as_ref()
            .map(|secret| (oidc.client_id.as_str(), secret));
        let asked = self.fetcher()?.post(&metadata.token_endpoint, &form, basic);
        let asked = asked.await.inspect_err(|error| {
            // Whoever is to be asked about next does not wait for the same silence.
            self.discovered.failed(now);
            let provider = &self.name;
            tracing::warn!(provider, %error, "an identity provider cannot be asked");
        });
        let (status, answer): (_, TokenAnswer) = asked?;
        match (status.is_success(), &answer.error) {
            (true, None) => Ok(answer),
            (_, error) => {
                // The code of RFC 6749, section 5.2; the description may hold anything.
                let code = error.as_deref().unwrap_or("without a reason");
                let code = code
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || *c == '_');
                Err(OidcError::Refused(code.take(64).collect()))
            }
        }
    }

    /// The claims of an ID token that is for this gateway.
    async fn id_token(
        &self,
        token: &str,
        access_token: Option<&str>,
        now: Timestamp,
    ) -> Result<Claims, OidcError> {
        let (claims, algorithm, _) = self.verified(token, now).await?;
        let azp = claims.get("azp").and_then(Value::as_str);
        let several = claims
            .get("aud")
            .and_then(Value::as_array)
            .is_some_and(|all| all.len() > 1);
        let client = self.oidc.client_id.as_str();
        if azp.is_some_and(|party| party != client) || several && azp.is_none() {
            return Err(OidcError::Party);
        }
        if let Some(hash) = claims.get("at_hash") {
            let own = access_token.map(|token| at_hash(token, algorithm));
            if own.is_none() || hash.as_str() != own.as_deref() {
                return Err(OidcError::AccessToken);
            }
        }
        Ok(claims)
    }

    async fn verified(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Claims, Algorithm, Timestamp), OidcError> {
        let (_, keys) = self.metadata(now).await?;
        let algorithms: Vec<Algorithm> = ALGORITHMS.iter().map(|(_, a)| *a).collect();
        let audiences = [self.oidc.client_id.clone()];
        let expected = Expected {
            issuer: Some(&self.oidc.issuer),
            audiences: &audiences,
            algorithms: &algorithms,
            longest_life: LONGEST_LIFE,
        };
        let unverified = read(token).map_err(TokenError::from)?;
        let algorithm = unverified.algorithm();
        let (claims, expires) = keys.verify(unverified, &expected, now).await?;
        Ok((claims, algorithm, expires))
    }

    /// Adds what the provider keeps for its userinfo endpoint, where something is missing.
    async fn vouched(
        &self,
        declared: &DeclaredProvider,
        mut claims: Claims,
        answer: TokenAnswer,
        now: Timestamp,
    ) -> Result<Vouched, OidcError> {
        let (metadata, _) = self.metadata(now).await?;
        let endpoint = metadata.userinfo_endpoint.as_deref();
        let mut is_fresh = answer.id_token.is_some();
        if let (false, Some(endpoint), Some(access)) = (
            declared.is_described_by(&claims),
            endpoint,
            &answer.access_token,
        ) {
            let access = Secret::new(access.clone());
            let more: Claims = self.fetcher()?.get_with(endpoint, &access).await?;
            if more.get("sub") != claims.get("sub") {
                return Err(OidcError::Userinfo);
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
            is_fresh = true;
        }
        Ok(Vouched {
            claims,
            is_fresh,
            id_token: answer.id_token.map(Secret::new),
            refresh_token: answer.refresh_token.map(Secret::new),
        })
    }

    /// Whom a logout token signs out.
    pub(crate) async fn signed_out(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<SignedOut, OidcError> {
        let (claims, _, expires) = self.verified(token, now).await?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let event = claims
            .get("events")
            .and_then(|events| events.get(LOGOUT_EVENT));
        let (subject, session) = (text("sub"), text("sid"));
        let id = text("jti").ok_or(OidcError::LogoutToken)?;
        let named = subject.is_some() || session.is_some();
        if !event.is_some_and(Value::is_object) || claims.contains_key("nonce") || !named {
            return Err(OidcError::LogoutToken);
        }
        Ok(SignedOut {
            subject,
            session,
            id,
            expires,
        })
    }

    /// Where a browser is sent to sign out at the provider as well.
    pub(crate) async fn end_session_url(
        &self,
        id_token: Option<&Secret>,
        back_to: &str,
        now: Timestamp,
    ) -> Option<String> {
        let (metadata, _) = self.metadata(now).await.ok()?;
        let endpoint = metadata.end_session_endpoint.as_deref()?;
        super::checked_url(endpoint).ok()?;
        let mut query = vec![
            ("client_id", self.oidc.client_id.as_str()),
            ("post_logout_redirect_uri", back_to),
        ];
        query.extend(id_token.map(|token| ("id_token_hint", token.expose())));
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Some(format!("{endpoint}{joint}{}", encoded(&query)))
    }
}

/// The challenge of a PKCE verifier (RFC 7636, section 4.2, S256).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The left half of an access token's hash (OpenID Connect Core 1.0, section 3.1.3.6).
fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::ES384 | Algorithm::RS384 | Algorithm::PS384 => &SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &SHA512,
        _ => &SHA256,
    };
    let hash = digest(hash, access_token.as_bytes());
    let bytes = hash.as_ref();
    let half = bytes.split_at(bytes.len() / 2).0;
    URL_SAFE_NO_PAD.encode(half)
}

fn read_secret(reference: &CredentialRef) -> Result<Secret, OidcError> {
    crate::credentials::resolve(reference).map_err(|_| OidcError::Secret)
}
