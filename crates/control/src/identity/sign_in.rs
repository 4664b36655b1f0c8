//! One login of a person at their identity provider. Tokens and browser sessions hang from it and end with it.

use super::seal::Sealed;
use serde::{Deserialize, Serialize};
use sluice_model::{PrincipalId, SignInId, Timestamp};

/// A person's login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) id: SignInId,
    pub(crate) principal: PrincipalId,
    /// The identity provider, by the name of its resource.
    pub(crate) provider: String,
    /// What the provider calls the person.
    pub(crate) subject: String,
    /// What the provider calls this login (`sid`, `SessionIndex`).
    pub(crate) provider_session: Option<String>,
    /// Where from, and what was used, for the person who looks through their sign-ins.
    pub(crate) address: String,
    pub(crate) application: String,
    pub(crate) created: Timestamp,
    /// It ends then whatever happens.
    pub(crate) ends: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    /// When the provider was last asked whether it still holds.
    pub(crate) refreshed: Timestamp,
    /// What the provider is asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<Sealed>,
    /// What the provider is shown when the person signs out there as well (`id_token_hint`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id_token: Option<Sealed>,
}

impl SignIn {
    /// Whether something may hang from it.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.ends
    }
}
