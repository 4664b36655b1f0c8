//! Who holds a secret: a token of the gateway's, or a JWT of a trusted issuer.

use super::{Control, Login, local_admin};
use crate::identity::TokenError;
use crate::port_types::{Authenticated, LoginError};
use crate::tokens;
use sluice_model::{Credential, Principal, Timestamp, WayIn, WaysIn, Workload};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// How every JWT begins: `{"` in base 64.
const JWT_BEGINS: &str = "eyJ";

impl Control {
    /// Who holds this secret, by one of the ways that the listener allows. A token is looked up in memory; a JWT may
    /// need its issuer's keys.
    ///
    /// # Errors
    /// The same for everything that can be wrong with a secret; others for whoever guesses and for a store that is
    /// gone.
    pub async fn authenticate(
        &self,
        secret: &str,
        ways: WaysIn,
        from: IpAddr,
    ) -> Result<Authenticated, LoginError> {
        let workloads = ways.allow(WayIn::Workload) || ways.allow(WayIn::OAuthBearer);
        if secret.starts_with(JWT_BEGINS) && workloads {
            return self.authenticate_workload(secret, from).await;
        }
        self.authenticate_token(secret, ways, from)
    }

    /// Whose token this is. Reads memory only.
    pub(crate) fn authenticate_token(
        &self,
        secret: &str,
        ways: WaysIn,
        from: IpAddr,
    ) -> Result<Authenticated, LoginError> {
        let now = self.admit_attempt(from)?;
        // Found by its hash: what the time of the search tells is about the hash, and does not help to find a secret.
        let logins = self.0.logins.load();
        let login = tokens::hash(secret).and_then(|hash| logins.get(&hash));
        let whose = login.map(|login| &login.principal);
        if whose.is_some_and(|p| self.0.lockout.lock().is_principal_locked(p, now)) {
            return Err(LoginError::LockedOut);
        }
        match login.and_then(|login| self.opened(login, ways, from, now)) {
            Some(found) => Ok(found),
            None => {
                self.0.lockout.lock().failed(from, whose, secret, now);
                Err(LoginError::Refused)
            }
        }
    }

    /// What a token opens, if anything.
    fn opened(
        &self,
        login: &Login,
        ways: WaysIn,
        from: IpAddr,
        now: Timestamp,
    ) -> Option<Authenticated> {
        let fits = WayIn::ALL
            .into_iter()
            .any(|way| ways.allow(way) && login.purpose.fits(way));
        let here = login.networks.is_empty() || login.networks.iter().any(|n| n.contains(from));
        if !(fits && here && login.valid && now < login.expires) {
            return None;
        }
        let principal = match &login.workload {
            None => self.snapshot().principal(&login.principal).cloned()?,
            Some(workload) => self.workload_principal(workload)?,
        };
        if principal.id != login.principal {
            return None;
        }
        self.0.used.lock().insert(login.token.clone(), now);
        Some(Authenticated {
            principal,
            credential: Credential::Token(login.token.clone()),
            expires: login.expires,
            audience: login.audience.clone(),
        })
    }

    async fn authenticate_workload(
        &self,
        jwt: &str,
        from: IpAddr,
    ) -> Result<Authenticated, LoginError> {
        let now = self.admit_attempt(from)?;
        let workload = match self.0.issuers.recognise(jwt, now).await {
            Ok(workload) => Arc::new(workload),
            Err(TokenError::Unavailable(_)) => return Err(LoginError::Unavailable),
            Err(refused) => {
                tracing::info!(%from, reason = %refused, "a workload's token was refused");
                self.0.lockout.lock().failed(from, None, jwt, now);
                return Err(LoginError::Refused);
            }
        };
        let Some(principal) = self.workload_principal(&workload) else {
            tracing::info!(%from, issuer = workload.issuer, "no rule of the issuer admits the workload, or its service is off");
            self.0.lockout.lock().failed(from, None, jwt, now);
            return Err(LoginError::Refused);
        };
        Ok(Authenticated {
            principal,
            expires: workload.expires,
            audience: None,
            credential: Credential::Workload(workload),
        })
    }

    /// The service that a workload acts as, with the groups that its issuer's rule adds.
    pub(crate) fn workload_principal(&self, workload: &Workload) -> Option<Principal> {
        self.snapshot().workload_principal(workload)
    }

    /// The moment, if somebody from there may try now.
    pub(super) fn admit_attempt(&self, from: IpAddr) -> Result<Timestamp, LoginError> {
        let now = self.now();
        if !self.0.health.borrow().accepts_logins() {
            return Err(LoginError::Unavailable);
        }
        match self.0.lockout.lock().is_locked(from, now) {
            true => Err(LoginError::LockedOut),
            false => Ok(now),
        }
    }

    /// Whether this is the local administrator's credential, used from this very host.
    pub(crate) fn is_local_admin(&self, secret: &str, from: IpAddr) -> Option<Principal> {
        let hash = tokens::hash(secret)?;
        let same = bool::from(hash.ct_eq(&self.0.local_admin));
        (same && from.to_canonical().is_loopback()).then(local_admin)
    }
}
