//! Who asks the control plane for something.

use super::ADMINS;
use sluice_model::{Credential, Principal, PrincipalId, Timestamp, WayIn};

/// Who asks for something, and until when they may.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) credential: Credential,
    pub(crate) way: WayIn,
    /// When what they proved themselves with ends; never for the local administrator's credential.
    pub(crate) expires: Option<Timestamp>,
}

impl Caller {
    /// Whether they administer the gateway. An agent acts only within its owner's rights, so never for itself.
    pub(crate) fn is_admin(&self) -> bool {
        let in_group = |p: &Principal| p.groups.contains(ADMINS);
        in_group(&self.principal) && self.principal.owner.as_deref().is_none_or(in_group)
    }

    pub(crate) fn id(&self) -> &PrincipalId {
        &self.principal.id
    }
}
