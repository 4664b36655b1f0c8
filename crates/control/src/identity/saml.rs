//! SAML towards one identity provider: its metadata, where to send a person, and what comes back.

use super::fetch::{FetchError, Fetcher};
use super::provider::{Saml, SamlBinding};
use super::remembered::{FETCHED_FRESH, FILE_FRESH, Known, Remembered};
use serde_json::Value;
use sluice_identity::jwt::Claims;
use sluice_identity::saml::{
    AuthnRequest, Binding, Endpoint, Expected, LogoutRequest, NameId, Provider, ProviderKey,
    SamlError, Service, ServiceKey, SignedIn, authn_request, decoded_post, decoded_redirect,
    encoded_post, logout_request, logout_response, read_logout_request, read_response,
    redirect_url,
};
use sluice_model::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Signatures of a key that is not known make the gateway look at the metadata again, this often at most, in seconds.
const LOOKED_AGAIN: i64 = 10;

/// Messages that are read at a time.
static READING: Semaphore = Semaphore::const_new(2);

/// Why a provider's answer is not taken. For the log; the person learns less.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SamlProviderError {
    #[error("its metadata cannot be had: {0}")]
    Fetch(#[from] FetchError),
    #[error("its metadata could not be had a moment ago")]
    Pausing,
    #[error("the file {0:?} cannot be read, or holds no certificate that can be used")]
    File(PathBuf),
    #[error("its metadata cannot be used: {0}")]
    Metadata(SamlError),
    #[error("it takes no requests in the binding that is configured")]
    Binding,
    #[error("what it sent is not accepted: {0}")]
    Message(SamlError),
    #[error("it names nobody: the attribute {0:?} is missing or has several values")]
    Subject(String),
    #[error("the gateway's own key cannot be used, or it stops")]
    Key,
}

/// How a browser is sent to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sending {
    /// To an address.
    Url(String),
    /// With a form.
    Form {
        action: String,
        fields: Vec<(&'static str, String)>,
    },
}

/// What a browser brings from a provider.
#[derive(Debug)]
pub(crate) enum Brought {
    /// The query of an address, as it came.
    Query(String),
    /// The field of a form.
    Field(String),
}

/// One provider.
pub(crate) struct SamlProvider {
    name: String,
    saml: Saml,
    fetcher: Result<Fetcher, FetchError>,
    known: Remembered<Arc<Provider>>,
}

impl SamlProvider {
    pub(crate) fn new(name: &str, saml: Saml) -> Self {
        Self {
            name: name.to_owned(),
            fetcher: Fetcher::new(saml.ca_file.as_deref()),
            known: Remembered::new(match saml.metadata_url {
                Some(_) => FETCHED_FRESH,
                None => FILE_FRESH,
            }),
            saml,
        }
    }

    /// What is known of it. An old word goes on while a new one cannot be had.
    async fn provider(&self, now: Timestamp) -> Result<Arc<Provider>, SamlProviderError> {
        let is_valid = |known: &Arc<Provider>| known.valid_until.is_none_or(|until| now < until);
        let kept = match self.known.known(now) {
            Known::Fresh(known) if is_valid(&known) => return Ok(known),
            Known::Pausing => return Err(SamlProviderError::Pausing),
            Known::Fresh(_) => None,
            Known::Due(kept) => kept.filter(is_valid),
        };
        match self.look(now).await {
            Ok(known) => Ok(known),
            Err(error) => kept.ok_or(error),
        }
    }

    /// Whether it encrypts assertions, with the key that it is offered.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.saml.encrypted
    }

    async fn look(&self, now: Timestamp) -> Result<Arc<Provider>, SamlProviderError> {
        match self.described(now).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                self.known.keep(Arc::clone(&provider), now);
                Ok(provider)
            }
            Err(error) => {
                self.known.failed(now);
                let provider = &self.name;
                tracing::warn!(provider, %error, "an identity provider is not known");
                Err(error)
            }
        }
    }

    async fn described(&self, now: Timestamp) -> Result<Provider, SamlProviderError> {
        let text = match (&self.saml.metadata_url, &self.saml.metadata_file) {
            (Some(url), _) => {
                self.fetcher
                    .as_ref()
                    .map_err(Clone::clone)?
                    .text(url)
                    .await?
            }
            (None, Some(path)) => read_file(path).await?,
            (None, None) => return self.by_hand().await,
        };
        let entity_id = self.saml.entity_id.as_deref();
        Provider::read(&text, entity_id, now).map_err(SamlProviderError::Metadata)
    }

    /// What a file says instead of metadata.
    async fn by_hand(&self) -> Result<Provider, SamlProviderError> {
        let mut keys = Vec::new();
        for path in &self.saml.certificate_files {
            let key = ProviderKey::of_text(&read_file(path).await?);
            keys.push(key.ok_or_else(|| SamlProviderError::File(path.clone()))?);
        }
        let endpoint = |url: &Option<String>, binding| {
            let of = |url: &String| Endpoint {
                binding,
                url: url.clone(),
                answers: None,
            };
            url.iter().map(of).collect()
        };
        Ok(Provider {
            entity_id: self.saml.entity_id.clone().unwrap_or_default(),
            sign_in: endpoint(&self.saml.sign_in_url, self.binding()),
            sign_out: endpoint(&self.saml.sign_out_url, Binding::Redirect),
            keys,
            valid_until: None,
        })
    }

    fn binding(&self) -> Binding {
        match self.saml.binding {
            SamlBinding::Redirect => Binding::Redirect,
            SamlBinding::Post => Binding::Post,
        }
    }

    /// How a browser is sent there to sign in.
    pub(crate) async fn sign_in(
        &self,
        (service, key): (&Service, &ServiceKey),
        (id, state): (&str, &str),
        now: Timestamp,
    ) -> Result<Sending, SamlProviderError> {
        let provider = self.provider(now).await?;
        let binding = self.binding();
        let mut fitting = provider.sign_in.iter().filter(|e| e.binding == binding);
        let endpoint = fitting.next().ok_or(SamlProviderError::Binding)?;
        super::checked_url(&endpoint.url)?;
        let request = AuthnRequest {
            id,
            destination: &endpoint.url,
            name_id_format: self.saml.name_id_format.as_deref(),
            force_authn: self.saml.force_authn,
        };
        let text = authn_request(&request, service, binding, key, now);
        let text = text.map_err(SamlProviderError::Message)?;
        match binding {
            Binding::Redirect => {
                redirect_url(&endpoint.url, "SAMLRequest", &text, Some(state), key)
                    .map(Sending::Url)
                    .map_err(SamlProviderError::Message)
            }
            Binding::Post => Ok(Sending::Form {
                action: endpoint.url.clone(),
                fields: vec![
                    ("SAMLRequest", encoded_post(&text)),
                    ("RelayState", state.to_owned()),
                ],
            }),
        }
    }

    /// Who signed in, from the answer to a request.
    pub(crate) async fn signed_in(
        &self,
        field: String,
        request: String,
        (service, key): (Service, Arc<ServiceKey>),
        now: Timestamp,
    ) -> Result<SignedIn, SamlProviderError> {
        let read = move |provider: &Provider| {
            let text = decoded_post(&field)?;
            let expected = Expected {
                provider,
                service: &service,
                request: &request,
                now,
            };
            read_response(&text, &expected, &key)
        };
        self.with_keys(now, read).await
    }

    /// Reads something signed; with the keys as they are now, if those that are known did not sign it.
    async fn with_keys<T: Send + 'static>(
        &self,
        now: Timestamp,
        read: impl Fn(&Provider) -> Result<T, SamlError> + Send + Sync + 'static,
    ) -> Result<T, SamlProviderError> {
        let provider = self.provider(now).await?;
        let read = Arc::new(read);
        let first = off_the_threads(&read, &provider).await?;
        let rotated = matches!(first, Err(SamlError::Signature));
        let again = match rotated && self.known.is_older_than(LOOKED_AGAIN, now) {
            true => self.look(now).await.ok(),
            false => None,
        };
        let found = match again {
            Some(newer) if newer.keys != provider.keys => off_the_threads(&read, &newer).await?,
            _ => first,
        };
        found.map_err(SamlProviderError::Message)
    }

    /// What an assertion says, as claims: `sub` is who somebody is for good.
    pub(crate) fn claims(&self, who: &SignedIn) -> Result<Claims, SamlProviderError> {
        let mut claims = Claims::new();
        for attribute in &who.attributes {
            let values = attribute.values.iter();
            let mut values: Vec<Value> = values
                .map(|v| v.clone().map_or(Value::Null, Value::from))
                .collect();
            let value = match values.len() {
                1 => values.remove(0),
                _ => Value::from(values),
            };
            claims.insert(attribute.name.clone(), value);
        }
        let subject = match &self.saml.subject {
            Some(name) => {
                let value = claims.get(name).and_then(Value::as_str).map(str::to_owned);
                value.ok_or_else(|| SamlProviderError::Subject(name.clone()))?
            }
            None if who.name_id.is_transient() => {
                return Err(SamlProviderError::Message(SamlError::Transient));
            }
            None => who.name_id.value.clone(),
        };
        claims.insert("sub".to_owned(), subject.into());
        // An address that the organisation's own provider signs is one that it has verified.
        claims.insert("email_verified".to_owned(), true.into());
        Ok(claims)
    }

    /// Whom the provider signs out.
    pub(crate) async fn signed_out(
        &self,
        brought: Brought,
        service: Service,
        now: Timestamp,
    ) -> Result<LogoutRequest, SamlProviderError> {
        let read = move |provider: &Provider| match &brought {
            Brought::Query(query) => {
                let text = decoded_redirect(query, "SAMLRequest", &provider.keys)?;
                read_logout_request(&text, true, provider, &service, now)
            }
            Brought::Field(field) => {
                let text = decoded_post(field)?;
                read_logout_request(&text, false, provider, &service, now)
            }
        };
        self.with_keys(now, read).await
    }

    /// Where a browser goes with the answer that somebody is signed out.
    pub(crate) async fn sign_out_answer(
        &self,
        (service, key): (&Service, &ServiceKey),
        (id, answers, state): (&str, &str, Option<&str>),
        now: Timestamp,
    ) -> Option<String> {
        let endpoint = self.sign_out_endpoint(now).await?;
        let url = endpoint.answers.unwrap_or(endpoint.url);
        super::checked_url(&url).ok()?;
        let text = logout_response(id, &url, answers, service, now);
        redirect_url(&url, "SAMLResponse", &text, state, key).ok()
    }

    /// Where a browser goes to sign out there as well.
    pub(crate) async fn sign_out_url(
        &self,
        (service, key): (&Service, &ServiceKey),
        (id, name_id, session): (&str, &NameId, Option<&str>),
        now: Timestamp,
    ) -> Option<String> {
        let endpoint = self.sign_out_endpoint(now).await?;
        super::checked_url(&endpoint.url).ok()?;
        let text = logout_request(id, &endpoint.url, (name_id, session), service, now);
        redirect_url(&endpoint.url, "SAMLRequest", &text, None, key).ok()
    }

    async fn sign_out_endpoint(&self, now: Timestamp) -> Option<Endpoint> {
        let provider = self.provider(now).await.ok()?;
        let redirect = |e: &&Endpoint| e.binding == Binding::Redirect;
        provider.sign_out.iter().find(redirect).cloned()
    }
}

/// Reads a message where it keeps nobody waiting, and few at a time: whoever sent it has proved nothing yet.
async fn off_the_threads<T: Send + 'static>(
    read: &Arc<impl Fn(&Provider) -> Result<T, SamlError> + Send + Sync + 'static>,
    provider: &Arc<Provider>,
) -> Result<Result<T, SamlError>, SamlProviderError> {
    let (read, provider) = (Arc::clone(read), Arc::clone(provider));
    let turn = READING.acquire().await;
    let _turn = turn.map_err(|_| SamlProviderError::Key)?;
    let task = tokio::task::spawn_blocking(move || read(&provider));
    task.await.map_err(|_| SamlProviderError::Key)
}

async fn read_file(path: &Path) -> Result<String, SamlProviderError> {
    let text = tokio::fs::read_to_string(path).await;
    text.map_err(|_| SamlProviderError::File(path.to_owned()))
}
