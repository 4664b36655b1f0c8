//! People come from their identity providers: the way there and back.

mod admit;
mod leave;
mod refresh;

pub(crate) use crate::identity::saml::Sending;
pub(crate) use leave::SignedOutBy;

use super::{Control, Working, local_admin};
use crate::error::ControlError;
use crate::identity::flows::{Begun, Proof, SIGN_IN_LIFE, Times, secret};
use crate::identity::oidc::{OidcError, OidcProvider, Vouched};
use crate::identity::provider::{DeclaredProvider, Provider, Speaks};
use crate::identity::saml::SamlProviderError;
use crate::identity::seal::Sealed;
use crate::port_types::LoginError;
use admit::Arrival;
use sluice_identity::jwt::Claims;
use sluice_identity::saml::{NameId, Service, ServiceKey};
use sluice_model::{Secret, SignInId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

/// What a sign-in on its way is sealed for. No sign-in has this id.
const ON_ITS_WAY: &str = "a sign-in on its way";

/// Why a sign-in did not work, in words for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// There is no such provider.
    NoProvider,
    /// The provider cannot be asked.
    Unreachable,
    /// It did not begin in this browser, is over, or was used.
    NotBegun,
    /// What the provider said is not accepted; the log says why.
    NotAccepted,
    /// The person may not come in.
    NotAdmitted(String),
    /// Too many are under way or have failed.
    TooMany,
    /// It could not be recorded or stored.
    Unavailable,
}

impl From<ControlError> for SignInError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::TooMany(_) => Self::TooMany,
            ControlError::Conflict(why) | ControlError::Forbidden(why, _) => Self::NotAdmitted(why),
            _ => Self::Unavailable,
        }
    }
}

/// Where a browser is sent, and what it has to show when it comes back.
pub(crate) struct Sent {
    pub(crate) to: Sending,
    pub(crate) browser: Sealed,
    /// It comes back with a form of another site's, which brings no cookie that is for this one alone.
    pub(crate) comes_back_by_form: bool,
}

/// A browser that is signed in.
pub(crate) struct Arrived {
    /// The value of its cookie.
    pub(crate) cookie: String,
    pub(crate) expires: Timestamp,
    /// Where it goes on.
    pub(crate) next: String,
}

/// What a browser brings back.
pub(crate) struct Returned<'a> {
    pub(crate) provider: &'a str,
    pub(crate) state: &'a str,
    pub(crate) code: &'a str,
    /// Who says that they answer (RFC 9207).
    pub(crate) issuer: Option<&'a str>,
    /// What the browser shows.
    pub(crate) browser: Option<&'a str>,
    pub(crate) application: &'a str,
}

/// What a browser brings back with a form.
pub(crate) struct Posted<'a> {
    pub(crate) provider: &'a str,
    pub(crate) state: &'a str,
    pub(crate) response: &'a str,
    /// What the browser shows.
    pub(crate) browser: Option<&'a str>,
    pub(crate) application: &'a str,
}

impl Control {
    /// The identity providers, by name, with what people see.
    pub(crate) fn providers(&self) -> Vec<(String, String)> {
        let providers = self.0.providers.load();
        let shown = |p: &DeclaredProvider| p.title.clone().unwrap_or_else(|| p.name.clone());
        providers
            .iter()
            .map(|p| (p.declared.name.clone(), shown(&p.declared)))
            .collect()
    }

    pub(super) fn provider(&self, name: &str) -> Option<Arc<Provider>> {
        let providers = self.0.providers.load();
        providers.iter().find(|p| p.declared.name == name).cloned()
    }

    /// Whether there is such a provider and it speaks SAML.
    pub(crate) fn speaks_saml(&self, name: &str) -> bool {
        self.provider(name).is_some_and(|p| p.saml().is_some())
    }

    fn callback(&self, provider: &str) -> String {
        format!("{}/signin/{provider}/callback", self.0.config.public_url)
    }

    /// The gateway, as a provider that speaks SAML knows it.
    fn service(&self, provider: &str) -> Service {
        let at = format!("{}/signin/{provider}", self.0.config.public_url);
        Service {
            entity_id: format!("{at}/metadata"),
            acs_url: format!("{at}/acs"),
            slo_url: format!("{at}/slo"),
        }
    }

    async fn saml_key(&self) -> Result<Arc<ServiceKey>, SamlProviderError> {
        self.0.saml_key.get(self.now()).await.map_err(|error| {
            tracing::error!(%error, "the gateway's SAML key cannot be used");
            SamlProviderError::Key
        })
    }

    /// The gateway's metadata for a provider that speaks SAML.
    pub(crate) async fn saml_metadata(&self, provider: &str) -> Result<String, SignInError> {
        let found = self.provider(provider).ok_or(SignInError::NoProvider)?;
        let saml = found.saml().ok_or(SignInError::NoProvider)?;
        let key = self.saml_key().await;
        let key = key.map_err(|_| SignInError::Unavailable)?;
        Ok(self.service(provider).metadata(&key, saml.is_encrypted()))
    }

    /// Sends a browser to a provider.
    pub(crate) async fn begin_sign_in(
        &self,
        provider: &str,
        next: String,
        from: IpAddr,
    ) -> Result<Sent, SignInError> {
        let now = self.admit_attempt(from).map_err(|error| match error {
            LoginError::LockedOut => SignInError::TooMany,
            LoginError::Refused | LoginError::Unavailable => SignInError::Unavailable,
        })?;
        let found = self.provider(provider).ok_or(SignInError::NoProvider)?;
        let fresh = || secret().map_err(|_| SignInError::Unavailable);
        let proof = match &found.speaks {
            Speaks::Oidc(_) => Proof::Oidc {
                nonce: fresh()?,
                verifier: fresh()?,
            },
            Speaks::Saml(_) => Proof::Saml,
        };
        let begun = Begun {
            provider: provider.to_owned(),
            proof,
            state: fresh()?,
            next,
            ends: now.plus_seconds(SIGN_IN_LIFE),
        };
        let to = self
            .sending(&found, &begun.proof, &begun.state, now)
            .await?;
        // Texts and numbers alone, which cannot fail.
        let begun = Secret::new(serde_json::to_string(&begun).unwrap_or_default());
        let sealed = self.0.sealer.seal(ON_ITS_WAY, &begun);
        Ok(Sent {
            to,
            browser: sealed.map_err(|_| SignInError::Unavailable)?,
            comes_back_by_form: found.saml().is_some(),
        })
    }

    async fn sending(
        &self,
        provider: &Provider,
        proof: &Proof,
        state: &str,
        now: Timestamp,
    ) -> Result<Sending, SignInError> {
        let name = &provider.declared.name;
        match (&provider.speaks, proof) {
            (Speaks::Oidc(oidc), Proof::Oidc { nonce, verifier }) => {
                let url = oidc
                    .authorization_url(&self.callback(name), state, nonce, verifier, now)
                    .await;
                url.map(Sending::Url)
                    .map_err(|error| not_accepted(name, &error))
            }
            (Speaks::Saml(saml), _) => {
                let refused = |error| saml_not_accepted(name, &error);
                let key = self.saml_key().await.map_err(refused)?;
                let service = self.service(name);
                let id = request_id(state);
                let sending = saml.sign_in((&service, &key), (&id, state), now);
                sending.await.map_err(refused)
            }
            (Speaks::Oidc(_), Proof::Saml) => Err(SignInError::NotBegun),
        }
    }

    /// The sign-in that somebody comes back to.
    fn come_back(
        &self,
        provider: &str,
        state: &str,
        browser: Option<&str>,
    ) -> Result<(Begun, Arc<Provider>), SignInError> {
        let sealed = browser.map(Sealed::read).ok_or(SignInError::NotBegun)?;
        let opened = self.0.sealer.open(ON_ITS_WAY, &sealed);
        let begun: Option<Begun> =
            opened.and_then(|begun| serde_json::from_str(begun.expose()).ok());
        let now = self.now();
        let is_this =
            |begun: &Begun| begun.provider == provider && begun.state == state && now < begun.ends;
        let begun = begun.filter(is_this).ok_or(SignInError::NotBegun)?;
        let provider = self.provider(provider).ok_or(SignInError::NoProvider)?;
        Ok((begun, provider))
    }

    /// Takes in who comes back from an OpenID provider.
    pub(crate) async fn finish_sign_in(
        &self,
        returned: Returned<'_>,
        from: IpAddr,
    ) -> Result<Arrived, SignInError> {
        let (begun, provider) =
            self.come_back(returned.provider, returned.state, returned.browser)?;
        let (Some(oidc), Proof::Oidc { nonce, verifier }) = (provider.oidc(), &begun.proof) else {
            return Err(SignInError::NotBegun);
        };
        let now = self.now();
        let vouched = self
            .redeem(&provider.declared, oidc, &returned, (nonce, verifier), now)
            .await;
        let vouched = vouched.map_err(|error| not_accepted(&begun.provider, &error))?;
        let arrival = Arrival {
            session: text(&vouched.claims, "sid"),
            asked_again: vouched.refresh_token.is_some(),
            refresh_token: vouched.refresh_token,
            hint: vouched.id_token,
            ends: None,
            address: from.to_string(),
            application: returned.application.to_owned(),
        };
        self.arrive(&provider.declared, &vouched.claims, arrival, begun.next)
            .await
    }

    /// Whom the code of a browser stands for.
    async fn redeem(
        &self,
        declared: &DeclaredProvider,
        oidc: &OidcProvider,
        returned: &Returned<'_>,
        (nonce, verifier): (&str, &str),
        now: Timestamp,
    ) -> Result<Vouched, OidcError> {
        let (metadata, _) = oidc.metadata(now).await?;
        let named =
            returned.issuer.is_some() || metadata.authorization_response_iss_parameter_supported;
        if named && returned.issuer != Some(oidc.issuer()) {
            return Err(OidcError::OtherIssuer);
        }
        let redirect_uri = self.callback(&declared.name);
        oidc.redeem(declared, returned.code, &redirect_uri, nonce, verifier, now)
            .await
    }

    /// Takes in who comes back from a provider that speaks SAML.
    pub(crate) async fn finish_saml(
        &self,
        posted: Posted<'_>,
        from: IpAddr,
    ) -> Result<Arrived, SignInError> {
        let (begun, provider) = self.come_back(posted.provider, posted.state, posted.browser)?;
        let (Some(saml), Proof::Saml) = (provider.saml(), &begun.proof) else {
            return Err(SignInError::NotBegun);
        };
        let now = self.now();
        let refused = |error| saml_not_accepted(&begun.provider, &error);
        let key = self.saml_key().await.map_err(refused)?;
        let service = self.service(&begun.provider);
        let request = request_id(posted.state);
        let who = saml
            .signed_in(posted.response.to_owned(), request, (service, key), now)
            .await
            .map_err(refused)?;
        let id = format!("{} {}", begun.provider, who.assertion);
        if self.0.flows.lock().take_once(&id, who.expires, now) != Times::First {
            return Err(SignInError::NotAccepted);
        }
        let claims = saml.claims(&who).map_err(refused)?;
        let arrival = Arrival {
            session: who.session,
            asked_again: false,
            refresh_token: None,
            hint: Some(hint(&who.name_id)),
            ends: who.session_ends,
            address: from.to_string(),
            application: posted.application.to_owned(),
        };
        self.arrive(&provider.declared, &claims, arrival, begun.next)
            .await
    }

    /// Takes in somebody whom a provider vouches for.
    async fn arrive(
        &self,
        declared: &DeclaredProvider,
        claims: &Claims,
        arrival: Arrival,
        next: String,
    ) -> Result<Arrived, SignInError> {
        let (cookie, expires) = self.admit_person(declared, claims, arrival).await?;
        Ok(Arrived {
            cookie,
            expires,
            next,
        })
    }

    fn sealed(
        &self,
        id: &SignInId,
        secret: Option<&Secret>,
    ) -> Result<Option<Sealed>, SignInError> {
        let seal = |secret| self.0.sealer.seal(id.as_str(), secret);
        let sealed = secret.map(seal).transpose();
        sealed.map_err(|_| SignInError::Unavailable)
    }
}

fn not_accepted(provider: &str, error: &OidcError) -> SignInError {
    tracing::warn!(provider, %error, "a sign-in was not accepted");
    match error {
        OidcError::Fetch(_) | OidcError::Pausing => SignInError::Unreachable,
        _ => SignInError::NotAccepted,
    }
}

fn saml_not_accepted(provider: &str, error: &SamlProviderError) -> SignInError {
    tracing::warn!(provider, %error, "a sign-in was not accepted");
    match error {
        SamlProviderError::Message(_) | SamlProviderError::Subject(_) => SignInError::NotAccepted,
        SamlProviderError::Key => SignInError::Unavailable,
        _ => SignInError::Unreachable,
    }
}

/// The id of the SAML request that was sent with a state: ids begin with no digit.
fn request_id(state: &str) -> String {
    format!("_{state}")
}

/// What a provider that speaks SAML is shown when the person signs out there as well.
fn hint(name_id: &NameId) -> Secret {
    let parts = (
        &name_id.value,
        &name_id.format,
        &name_id.name_qualifier,
        &name_id.sp_name_qualifier,
    );
    // Texts alone, which cannot fail.
    Secret::new(serde_json::to_string(&parts).unwrap_or_default())
}

fn name_id(hint: &Secret) -> Option<NameId> {
    let (value, format, name_qualifier, sp_name_qualifier) =
        serde_json::from_str(hint.expose()).ok()?;
    Some(NameId {
        value,
        format,
        name_qualifier,
        sp_name_qualifier,
    })
}

fn text(claims: &Claims, name: &str) -> Option<String> {
    claims.get(name).and_then(|v| v.as_str()).map(str::to_owned)
}

fn new_sign_in_id() -> Result<SignInId, SignInError> {
    let bits = crate::keys::random::<16>().map_err(|_| SignInError::Unavailable)?;
    Ok(SignInId::from_bits(
        u128::from_be_bytes(*bits) & ((1 << 60) - 1),
    ))
}
