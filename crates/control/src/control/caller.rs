//! Who asks the control plane for something.

use super::{ADMINS, Control, Working, local_admin};
use crate::error::ControlError;
use sluice_model::{Credential, Principal, PrincipalId, Timestamp, WayIn};
use tokio::sync::MutexGuard;

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
        administers(&self.principal)
    }

    pub(crate) fn id(&self) -> &PrincipalId {
        &self.principal.id
    }
}

/// Whether somebody administers the gateway.
pub(super) fn administers(who: &Principal) -> bool {
    let in_group = |p: &Principal| p.groups.contains(ADMINS);
    in_group(who) && who.owner.as_deref().is_none_or(in_group)
}

impl Control {
    /// The caller's turn to change something, as who they are now: a token that was revoked, a group that was lost or
    /// somebody who was switched off while the request was on its way changes nothing any more.
    pub(super) async fn turn(
        &self,
        caller: &Caller,
    ) -> Result<(MutexGuard<'_, Working>, Caller), ControlError> {
        let working = self.0.working.lock().await;
        let now = self.now();
        let principal = match &caller.credential {
            Credential::Local => Some(local_admin()),
            Credential::Workload(workload) => self.workload_principal(workload),
            Credential::Token(id) => {
                let valid = working.tokens.get(id).filter(|token| token.is_valid(now));
                valid.and_then(|token| match &token.workload {
                    Some(workload) => self.workload_principal(workload),
                    None => self.snapshot().principal(&token.principal).cloned(),
                })
            }
        };
        let in_time = caller.expires.is_none_or(|end| now < end);
        let principal = principal.filter(|p| in_time && p.id == *caller.id());
        let gone = || {
            let why = "you were signed out or switched off while this was on its way".to_owned();
            ControlError::Forbidden(why, Some("sign in again".to_owned()))
        };
        let caller = Caller {
            principal: principal.ok_or_else(gone)?,
            ..caller.clone()
        };
        Ok((working, caller))
    }

    /// The caller as who they are now.
    pub(crate) async fn as_now(&self, caller: &Caller) -> Result<Caller, ControlError> {
        self.turn(caller).await.map(|(_, caller)| caller)
    }

    /// The same for what only administrators change.
    pub(super) async fn admins_turn(
        &self,
        caller: &Caller,
    ) -> Result<(MutexGuard<'_, Working>, Caller), ControlError> {
        let (working, caller) = self.turn(caller).await?;
        match caller.is_admin() {
            true => Ok((working, caller)),
            false => {
                let why = "this is for administrators".to_owned();
                Err(ControlError::Forbidden(why, None))
            }
        }
    }
}
