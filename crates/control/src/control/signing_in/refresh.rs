//! Providers are asked again who the people are that are signed in.

use super::{SignInError, local_admin};
use crate::control::Control;
use crate::identity::oidc::{OidcError, Vouched};
use crate::identity::provider::{DeclaredProvider, Provider};
use crate::identity::roster::Person;
use crate::identity::sign_in::SignIn;
use crate::store::Changes;
use sluice_model::{PrincipalId, Timestamp};
use std::sync::Arc;

/// Sign-ins that a provider is asked about at a time.
const ASKED_AT_ONCE: usize = 8;
/// A provider that cannot be asked for so many times as long as it should be asked ends its sign-ins.
const MISSED_REFRESHES: i64 = 3;
/// The least of that, in seconds: a provider may restart.
const LEAST_PATIENCE: i64 = 900;

impl Control {
    /// Asks providers about those who are signed in, each as often as it says.
    pub(in crate::control) async fn refresh_sign_ins(&self) {
        use futures_util::StreamExt as _;
        let now = self.now();
        let due: Vec<(SignIn, Arc<Provider>)> = {
            let working = self.0.working.lock().await;
            let live = working.sign_ins.values().filter(|s| s.is_live(now));
            let with_provider = live.filter_map(|s| {
                let provider = self.provider(&s.provider)?;
                let every = i64::from(provider.declared.refresh_seconds);
                let due = now >= s.refreshed.plus_seconds(every);
                (due && s.refresh_token.is_some()).then(|| (s.clone(), provider))
            });
            with_provider.collect()
        };
        let asked = due.into_iter().map(|(sign_in, provider)| async move {
            self.refresh_one(sign_in, &provider, now).await;
        });
        let asking = futures_util::stream::iter(asked).buffer_unordered(ASKED_AT_ONCE);
        asking.collect::<Vec<()>>().await;
    }

    async fn refresh_one(&self, sign_in: SignIn, provider: &Provider, now: Timestamp) {
        let sealed = sign_in.refresh_token.as_ref();
        let Some(token) = sealed.and_then(|s| self.0.sealer.open(sign_in.id.as_str(), s)) else {
            return self
                .end_refused(&sign_in, "its refresh token cannot be read")
                .await;
        };
        let declared = &provider.declared;
        let Some(oidc) = provider.oidc() else { return };
        match oidc.refresh(declared, &token, &sign_in.subject, now).await {
            Ok(vouched) => match self.refreshed(&sign_in, declared, vouched).await {
                Ok(()) | Err(SignInError::Unavailable) => {}
                Err(error) => {
                    let why = format!("what the provider says now is not accepted: {error:?}");
                    self.end_refused(&sign_in, &why).await;
                }
            },
            Err(OidcError::Fetch(_) | OidcError::Pausing) => {
                let patience = MISSED_REFRESHES * i64::from(declared.refresh_seconds);
                let patience = patience.max(LEAST_PATIENCE);
                if now >= sign_in.refreshed.plus_seconds(patience) {
                    self.end_refused(&sign_in, "the provider could not be asked")
                        .await;
                }
            }
            Err(error) => {
                self.end_refused(&sign_in, &format!("the provider refuses: {error}"))
                    .await;
            }
        }
    }

    async fn refreshed(
        &self,
        sign_in: &SignIn,
        vouching: &DeclaredProvider,
        vouched: Vouched,
    ) -> Result<(), SignInError> {
        let mut working = self.0.working.lock().await;
        let now = self.now();
        let provider = self.still_vouching(vouching)?;
        let declared = &provider.declared;
        let Some(current) = working.sign_ins.get(&sign_in.id).cloned() else {
            return Ok(());
        };
        let claims = &vouched.claims;
        let person = if vouched.is_fresh {
            let profile = declared.profile(claims).map_err(SignInError::NotAdmitted)?;
            self.person(&working, declared, &profile, now)?
        } else {
            // Without groups it says nothing; taking them from before would keep them for ever.
            return Err(SignInError::NotAccepted);
        };
        if PrincipalId::user(&*person.name) != current.principal {
            return Err(SignInError::NotAccepted);
        }
        let next = match vouched.refresh_token.as_ref() {
            Some(rotated) => self.sealed(&current.id, Some(rotated))?,
            None => current.refresh_token.clone(),
        };
        self.record_person(&working, &person)?;
        let mut changes = Changes::default();
        changes.people.push(person);
        changes.sign_ins.push(SignIn {
            refreshed: now,
            refresh_token: next,
            ..current
        });
        Ok(self.take(&mut working, changes).await?)
    }

    /// Ends a sign-in that its provider does not stand for any more, and its word with it.
    pub(super) async fn end_refused(&self, sign_in: &SignIn, why: &str) {
        let mut working = self.0.working.lock().await;
        let mut changes = Changes::default();
        let now = self.now();
        if let Some(person) = working.roster.people.get(&sign_in.principal.name) {
            changes.people.push(Person {
                vouched_until: Some(now),
                ..person.clone()
            });
        }
        let actor = local_admin().id;
        let ended = self.end_sign_in(&working, &actor, sign_in, why, &mut changes);
        let kept = match ended {
            Ok(()) => self.take(&mut working, changes).await,
            Err(error) => Err(error),
        };
        if kept.is_err() {
            tracing::error!(sign_in = %sign_in.id, "a sign-in that is over could not be ended; it is tried again");
        }
    }
}
