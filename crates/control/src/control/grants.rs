//! Tokens for programs: `sluice login`, devices, and workloads that exchange their own.

use super::issue::Wanted;
use super::{Caller, Control};
use crate::api::types::CreatedToken;
use crate::error::ControlError;
use crate::identity::flows::{CodeGrant, Device, DeviceState, Poll};
use crate::identity::oidc::challenge;
use crate::port_types::LoginError;
use crate::store::Changes;
use crate::tokens::Purpose;
use sluice_model::{Credential, PrincipalId, SignInId, Timestamp, WayIn, WaysIn};
use std::net::IpAddr;

/// How long a token that was exchanged for a workload's own may live, in seconds: a long job.
pub(crate) const LONGEST_EXCHANGE: u32 = 12 * 3_600;

/// What a program that asks for a token is told (RFC 6749, section 5.2; RFC 8628, section 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantError {
    InvalidRequest,
    InvalidGrant,
    InvalidClient,
    UnsupportedGrantType,
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
    TemporarilyUnavailable,
}

impl GrantError {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidClient => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

impl From<ControlError> for GrantError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Unavailable => Self::TemporarilyUnavailable,
            _ => Self::InvalidGrant,
        }
    }
}

/// Whether a program may be called that. All programs are public clients, so that a name proves nothing: it is only shown
/// to the person who decides.
pub(crate) fn is_client_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    (1..=64).contains(&name.len()) && name.chars().all(good)
}

/// Whether a program on the person's own computer listens there (RFC 8252, section 7.3).
pub(crate) fn is_loopback_redirect(uri: &str) -> bool {
    let rest = ["http://127.0.0.1:", "http://[::1]:"].into_iter();
    let Some(rest) = rest.filter_map(|prefix| uri.strip_prefix(prefix)).next() else {
        return false;
    };
    let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    port.parse::<u16>().is_ok_and(|port| port > 0) && path.chars().all(plain)
}

impl Control {
    /// The sign-in that a browser's cookie hangs from.
    pub(super) async fn sign_in_of(&self, caller: &Caller) -> Option<SignInId> {
        let working = self.0.working.lock().await;
        let token = working.tokens.get(caller.credential.token()?)?;
        token.sign_in.clone()
    }

    /// A code for a program on the person's computer, who agreed.
    pub(crate) async fn grant_code(
        &self,
        caller: &Caller,
        client: &str,
        redirect_uri: &str,
        challenge: &str,
    ) -> Result<String, GrantError> {
        let sign_in = self
            .sign_in_of(caller)
            .await
            .ok_or(GrantError::AccessDenied)?;
        let grant = CodeGrant {
            client: client.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.to_owned(),
            sign_in,
            principal: caller.id().clone(),
        };
        let given = self.0.flows.lock().give_code(grant, self.now());
        let given = given.map_err(|_| GrantError::TemporarilyUnavailable)?;
        given.ok_or(GrantError::TemporarilyUnavailable)
    }

    /// The token for a code.
    pub(crate) async fn redeem_code(
        &self,
        code: &str,
        client: &str,
        redirect_uri: &str,
        verifier: &str,
        from: IpAddr,
    ) -> Result<CreatedToken, GrantError> {
        let now = self.admit_attempt(from).map_err(waits)?;
        let grant = self.0.flows.lock().take_code(code, now);
        let fits = |g: &CodeGrant| {
            g.client == client
                && g.redirect_uri == redirect_uri
                && g.challenge == challenge(verifier)
        };
        let grant = grant.filter(fits).ok_or(GrantError::InvalidGrant)?;
        self.token_for(grant.sign_in, grant.principal, client).await
    }

    /// A device asks for a code that a person types.
    pub(crate) fn begin_device(
        &self,
        client: &str,
        from: IpAddr,
    ) -> Result<(String, String), GrantError> {
        let now = self.admit_attempt(from).map_err(waits)?;
        let added = self.0.flows.lock().add_device(client.to_owned(), from, now);
        let added = added.map_err(|_| GrantError::TemporarilyUnavailable)?;
        added.ok_or(GrantError::TemporarilyUnavailable)
    }

    /// The request that a person typed the code of.
    pub(crate) fn device(&self, caller: &Caller, typed: &str) -> Option<Device> {
        let now = self.now();
        if self.0.lockout.lock().has_typed_too_much(caller.id(), now) {
            return None;
        }
        let found = self.0.flows.lock().device(typed, now);
        if found.is_none() {
            self.0.lockout.lock().mistyped(caller.id(), typed, now);
        }
        found
    }

    /// A person decides about a device's request; `false` when there is none with that code.
    pub(crate) async fn decide_device(&self, caller: &Caller, typed: &str, allow: bool) -> bool {
        if self.device(caller, typed).is_none() {
            return false;
        }
        let state = match (allow, self.sign_in_of(caller).await) {
            (true, Some(sign_in)) => DeviceState::Allowed(sign_in, caller.id().clone()),
            (true, None) | (false, _) => DeviceState::Denied,
        };
        self.0.flows.lock().decide(typed, state, self.now())
    }

    /// The token for a device whose request was allowed.
    pub(crate) async fn redeem_device(
        &self,
        device_code: &str,
        client: &str,
        from: IpAddr,
    ) -> Result<CreatedToken, GrantError> {
        let now = self.admit_attempt(from).map_err(waits)?;
        let polled = self.0.flows.lock().poll(device_code, client, now);
        match polled {
            Poll::Waiting => Err(GrantError::AuthorizationPending),
            Poll::TooOften => Err(GrantError::SlowDown),
            Poll::Denied => Err(GrantError::AccessDenied),
            Poll::Unknown => Err(GrantError::ExpiredToken),
            Poll::Allowed(sign_in, principal) => self.token_for(sign_in, principal, client).await,
        }
    }

    /// A token that hangs from a sign-in and lives as long as it.
    async fn token_for(
        &self,
        sign_in: SignInId,
        principal: PrincipalId,
        client: &str,
    ) -> Result<CreatedToken, GrantError> {
        let mut working = self.0.working.lock().await;
        let now = self.now();
        let live = working.sign_ins.get(&sign_in).filter(|s| s.is_live(now));
        let expires = live.ok_or(GrantError::InvalidGrant)?.ends;
        if self.snapshot().principal(&principal).is_none() {
            return Err(GrantError::InvalidGrant);
        }
        let wanted = Wanted {
            principal: principal.clone(),
            purpose: Purpose::Access,
            name: Some(client.to_owned()),
            networks: Vec::new(),
            sign_in: Some(sign_in),
            workload: None,
            audience: None,
            creator: principal.clone(),
            expires,
        };
        self.make(&mut working, wanted, &principal, now).await
    }

    async fn make(
        &self,
        working: &mut super::Working,
        wanted: Wanted,
        actor: &PrincipalId,
        now: Timestamp,
    ) -> Result<CreatedToken, GrantError> {
        let mut changes = Changes::default();
        let created = self.issue(working, actor, wanted, now, &mut changes)?;
        self.take(working, changes).await?;
        Ok(created)
    }

    /// A gateway token for a workload's own (RFC 8693). It opens what the JWT opens while the issuer's rules say so, and
    /// may outlive the JWT by a stated time.
    pub(crate) async fn exchange(
        &self,
        subject_token: &str,
        wanted_seconds: Option<u32>,
        from: IpAddr,
    ) -> Result<CreatedToken, GrantError> {
        if !self.exchanges() {
            return Err(GrantError::UnsupportedGrantType);
        }
        let ways = WaysIn::of(&[WayIn::Workload]);
        let found = self
            .authenticate(subject_token, ways, from)
            .await
            .map_err(waits)?;
        let Credential::Workload(workload) = found.credential else {
            return Err(GrantError::InvalidGrant);
        };
        let longest = self.exchange_seconds(&workload.issuer);
        let seconds = wanted_seconds.unwrap_or(longest).min(longest);
        let mut working = self.0.working.lock().await;
        let now = self.now();
        let principal = found.principal.id;
        let wanted = Wanted {
            principal: principal.clone(),
            purpose: Purpose::Access,
            name: Some(format!("exchanged for a token of {}", workload.issuer)),
            networks: Vec::new(),
            sign_in: None,
            workload: Some(workload),
            audience: None,
            creator: principal.clone(),
            expires: now.plus_seconds(i64::from(seconds)),
        };
        self.make(&mut working, wanted, &principal, now).await
    }

    /// Whether workloads get tokens for their own here: where they could not come in, they cannot come in by that.
    pub(crate) fn exchanges(&self) -> bool {
        self.0.config.listen.https_ways().allow(WayIn::Workload)
    }

    fn exchange_seconds(&self, issuer: &str) -> u32 {
        self.0
            .issuers
            .exchange_seconds(issuer)
            .min(LONGEST_EXCHANGE)
    }
}

fn waits(error: LoginError) -> GrantError {
    match error {
        LoginError::Refused => GrantError::InvalidGrant,
        LoginError::LockedOut => GrantError::SlowDown,
        LoginError::Unavailable => GrantError::TemporarilyUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_goes_to_this_computer_only() {
        for (uri, good) in [
            ("http://127.0.0.1:40000/", true),
            ("http://127.0.0.1:40000/callback", true),
            ("http://[::1]:40000/callback", true),
            ("http://127.0.0.1/callback", false),
            ("http://127.0.0.1:0/", false),
            ("http://127.0.0.1:80@evil.example/", false),
            ("http://127.0.0.1:80.evil.example/", false),
            ("http://127.0.0.1:80/../x?y", false),
            ("https://127.0.0.1:40000/", false),
            ("http://localhost:40000/", false),
            ("http://127.0.0.1.evil.example:80/", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(is_loopback_redirect(uri), good, "{uri}");
        }
    }
}
