//! People leave: at the provider, in the browser, or because the provider is gone.

use super::{SignInError, Working, name_id, not_accepted, request_id, saml_not_accepted};
use crate::control::{Caller, Control};
use crate::error::ControlError;
use crate::identity::flows::{Times, secret};
use crate::identity::provider::{Provider, Speaks};
use crate::identity::roster::Person;
use crate::identity::saml::Brought;
use crate::identity::sign_in::SignIn;
use crate::store::Changes;
use sluice_model::{PrincipalId, Timestamp};
use std::collections::BTreeSet;

/// How long a request to sign somebody out is remembered, in seconds: longer than one is taken.
const LOGOUT_LIFE: i64 = 1_200;

/// How a provider that speaks SAML signs somebody out.
pub(crate) struct SignedOutBy<'a> {
    pub(crate) provider: &'a str,
    pub(crate) brought: Brought,
    pub(crate) state: Option<&'a str>,
}

impl Control {
    /// A provider is not trusted any more: nobody stands on its word, and nobody of the same name later is them.
    pub(in crate::control) async fn end_provider(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        name: &str,
    ) -> Result<(), ControlError> {
        let mut changes = Changes::default();
        for sign_in in working.sign_ins.values().filter(|s| s.provider == name) {
            self.end_sign_in(
                working,
                actor,
                sign_in,
                "its provider is gone",
                &mut changes,
            )?;
        }
        let theirs = working.roster.people.values();
        for person in theirs.filter(|p| p.provider == name) {
            self.forget_person(
                working,
                actor,
                person,
                "their provider is gone",
                &mut changes,
            )?;
        }
        let groups = working.roster.groups.values();
        let groups = groups.filter(|group| group.provider == name);
        changes
            .groups_gone
            .extend(groups.map(|group| group.provisioned.id.clone()));
        self.take(working, changes).await
    }

    /// What a provider says about people means something else from now on: it is asked again about those of whom it can
    /// be, and others have to sign in again.
    pub(in crate::control) async fn ask_again(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        name: &str,
    ) -> Result<(), ControlError> {
        let mut changes = Changes::default();
        let mut asked = BTreeSet::new();
        for sign_in in working.sign_ins.values().filter(|s| s.provider == name) {
            if sign_in.refresh_token.is_some() {
                asked.insert(&sign_in.principal);
                changes.sign_ins.push(SignIn {
                    refreshed: Timestamp(0),
                    ..sign_in.clone()
                });
                continue;
            }
            let why = "what its provider says means something else now";
            self.end_sign_in(working, actor, sign_in, why, &mut changes)?;
        }
        let now = self.now();
        let people = working.roster.people.values();
        let theirs = people.filter(|p| p.provider == name && p.provisioned.is_none());
        let others = theirs.filter(|p| !asked.contains(&PrincipalId::user(&*p.name)));
        changes.people = others
            .map(|person| Person {
                vouched_until: Some(now),
                ..person.clone()
            })
            .collect();
        self.take(working, changes).await
    }

    /// A provider signs somebody out (OpenID Connect Back-Channel Logout 1.0).
    pub(crate) async fn back_channel_logout(
        &self,
        name: &str,
        token: &str,
    ) -> Result<(), SignInError> {
        let now = self.now();
        let provider = self.provider(name).ok_or(SignInError::NoProvider)?;
        let oidc = provider.oidc().ok_or(SignInError::NoProvider)?;
        let gone = oidc.signed_out(token, now).await;
        let gone = gone.map_err(|error| not_accepted(name, &error))?;
        self.take_logout(name, &gone.id, gone.expires)?;
        let meant = |s: &SignIn| {
            let session = gone.session.as_deref();
            let same_session = session.is_none() || s.provider_session.as_deref() == session;
            let subject = gone.subject.as_deref();
            let same_subject = subject.is_none() || subject == Some(s.subject.as_str());
            same_session && same_subject
        };
        self.sign_out_of(name, meant).await
    }

    /// Takes a provider's word that somebody signed out, once. One that cannot be remembered is carried out all the same:
    /// it only takes away.
    fn take_logout(&self, provider: &str, id: &str, ends: Timestamp) -> Result<(), SignInError> {
        let id = format!("{provider} {id}");
        match self.0.flows.lock().take_once(&id, ends, self.now()) {
            Times::Again => Err(SignInError::NotAccepted),
            Times::First | Times::Unknown => Ok(()),
        }
    }

    /// Ends the sign-ins at a provider that are meant.
    async fn sign_out_of(
        &self,
        provider: &str,
        meant: impl Fn(&SignIn) -> bool,
    ) -> Result<(), SignInError> {
        let mut working = self.0.working.lock().await;
        let mut changes = Changes::default();
        let theirs = working.sign_ins.values();
        for sign_in in theirs.filter(|s| s.provider == provider && meant(s)) {
            let actor = sign_in.principal.clone();
            let why = "signed out at the provider";
            self.end_sign_in(&working, &actor, sign_in, why, &mut changes)?;
        }
        if changes.sign_ins.is_empty() {
            tracing::warn!(provider, "signed somebody out who is not signed in here");
        }
        Ok(self.take(&mut working, changes).await?)
    }

    /// A provider that speaks SAML signs somebody out; where their browser goes on.
    pub(crate) async fn saml_logout(
        &self,
        out: SignedOutBy<'_>,
    ) -> Result<Option<String>, SignInError> {
        let now = self.now();
        let name = out.provider;
        let provider = self.provider(name).ok_or(SignInError::NoProvider)?;
        let saml = provider.saml().ok_or(SignInError::NoProvider)?;
        let service = self.service(name);
        let gone = saml.signed_out(out.brought, service.clone(), now).await;
        let gone = gone.map_err(|error| saml_not_accepted(name, &error))?;
        self.take_logout(name, &gone.id, now.plus_seconds(LOGOUT_LIFE))?;
        let meant = |s: &SignIn| {
            let said = s.id_token.as_ref();
            let said = said.and_then(|sealed| self.0.sealer.open(s.id.as_str(), sealed));
            let known = said.as_ref().and_then(name_id);
            let same_person = known.is_some_and(|known| known.is_also(&gone.name_id));
            let session = s.provider_session.as_ref();
            let same_session = gone.sessions.is_empty()
                || session.is_some_and(|session| gone.sessions.contains(session));
            same_person && same_session
        };
        self.sign_out_of(name, meant).await?;
        let unavailable = |_| SignInError::Unavailable;
        let key = self.saml_key().await.map_err(unavailable)?;
        let answer = request_id(&secret().map_err(|_| SignInError::Unavailable)?);
        let about = (answer.as_str(), gone.id.as_str(), out.state);
        Ok(saml.sign_out_answer((&service, &key), about, now).await)
    }

    /// Signs a browser out; where to go on, if the provider wants to know as well.
    pub(crate) async fn browser_sign_out(
        &self,
        caller: &Caller,
    ) -> Result<Option<String>, ControlError> {
        let mut working = self.0.working.lock().await;
        let token = caller
            .credential
            .token()
            .and_then(|id| working.tokens.get(id));
        let id = token.and_then(|t| t.sign_in.clone());
        let Some(sign_in) = id.and_then(|id| working.sign_ins.get(&id)).cloned() else {
            return Ok(None);
        };
        let mut changes = Changes::default();
        self.end_sign_in(&working, caller.id(), &sign_in, "signed out", &mut changes)?;
        self.take(&mut working, changes).await?;
        drop(working);
        match self.provider(&sign_in.provider) {
            Some(provider) => Ok(self.sign_out_there(&provider, &sign_in).await),
            None => Ok(None),
        }
    }

    /// Where a browser goes to sign out at the provider as well.
    async fn sign_out_there(&self, provider: &Provider, sign_in: &SignIn) -> Option<String> {
        let now = self.now();
        let hint = sign_in.id_token.as_ref();
        let hint = hint.and_then(|sealed| self.0.sealer.open(sign_in.id.as_str(), sealed));
        match &provider.speaks {
            Speaks::Oidc(oidc) => {
                let back_to = format!("{}/signin", self.0.config.public_url);
                oidc.end_session_url(hint.as_ref(), &back_to, now).await
            }
            Speaks::Saml(saml) => {
                let service = self.service(&provider.declared.name);
                let key = self.saml_key().await.ok()?;
                let id = request_id(&secret().ok()?);
                let whom = name_id(&hint?)?;
                let session = sign_in.provider_session.as_deref();
                saml.sign_out_url((&service, &key), (&id, &whom, session), now)
                    .await
            }
        }
    }
}
