//! People and groups that an identity provider provisions (SCIM 2.0): what it sends is recorded, stored and published
//! as any change is, so that whom it takes away is felt within a second.

mod groups;
mod people;
mod sent;

pub(super) use groups::remapped;

use super::{Caller, Control, Working};
use crate::error::ControlError;
use crate::identity::provider::{DeclaredProvider, Provider};
use crate::identity::roster::Provisioned;
use serde_json::{Map, Value, json};
use sluice_identity::scim::{self, Change, Filter, ScimError};
use sluice_model::{PrincipalKind, Timestamp};
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// Why something was not provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProvisionError {
    /// What was sent makes no sense.
    Scim(ScimError),
    /// There is nothing with this id.
    NotFound,
    /// The name is taken.
    Taken(String),
    /// Too much of it.
    TooMany(&'static str),
    /// Whoever asks does not provision any more.
    NotNow,
    /// It could not be recorded or stored.
    Unavailable,
}

impl From<ScimError> for ProvisionError {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<ControlError> for ProvisionError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Forbidden(..) => Self::NotNow,
            _ => Self::Unavailable,
        }
    }
}

type Result<T> = std::result::Result<T, ProvisionError>;
type Object = Map<String, Value>;

/// How a resource becomes another.
pub(crate) enum Edit {
    Replace(Object),
    Patch(Vec<Change>),
}

impl Edit {
    fn of(self, shown: &Object) -> Result<Object> {
        match self {
            Self::Replace(object) => Ok(object),
            Self::Patch(changes) => Ok(scim::apply(shown, &changes)?),
        }
    }
}

/// Which of many are wanted.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) filter: Option<Filter>,
    /// How many are left out from the beginning.
    pub(crate) skip: usize,
    /// How many are given at most.
    pub(crate) count: usize,
}

/// Some of many.
pub(crate) struct Listed {
    /// How many there are altogether.
    pub(crate) total: usize,
    pub(crate) items: Vec<Object>,
}

impl Control {
    /// The provider that a service provisions for.
    pub(crate) fn provisions_for(&self, caller: &Caller) -> Option<Arc<Provider>> {
        let id = caller.id();
        let meant = |p: &&Arc<Provider>| {
            let scim = p.declared.scim.as_ref();
            id.kind == PrincipalKind::Service && scim.is_some_and(|s| s.service == id.name)
        };
        self.0.providers.load().iter().find(meant).cloned()
    }

    /// The provider's turn to change something, as it is declared now.
    async fn providers_turn(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
    ) -> Result<(MutexGuard<'_, Working>, Arc<Provider>)> {
        let (working, caller) = self.turn(caller).await?;
        let now = self.provisions_for(&caller);
        let now = now.filter(|now| now.declared.is_same_party(provider));
        Ok((working, now.ok_or(ProvisionError::NotNow)?))
    }

    fn location(&self, kind: &str, id: &str) -> String {
        format!("{}/scim/v2/{kind}/{id}", self.0.config.public_url)
    }

    fn meta(&self, kind: &str, provisioned: &Provisioned) -> Value {
        json!({
            "resourceType": kind.trim_end_matches('s'),
            "created": moment(provisioned.created),
            "lastModified": moment(provisioned.changed),
            "location": self.location(kind, &provisioned.id),
        })
    }
}

fn invalid(what: &str) -> ProvisionError {
    ProvisionError::Scim(ScimError::InvalidValue(what.to_owned()))
}

/// A random id in the shape of a UUID (RFC 9562, version 4).
fn new_id() -> Result<String> {
    let mut bytes = *crate::keys::random::<16>().map_err(|_| ProvisionError::Unavailable)?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let hex = crate::keys::hex(&bytes);
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts = parts.map(|(from, to)| hex.get(from..to).unwrap_or_default());
    Ok(parts.join("-"))
}

fn moment(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.millis());
    at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}
