//! People come from their identity providers: the way there and back, what is kept of them, and asking again while
//! they are signed in.

use super::issue::Wanted;
use super::{Control, Working, local_admin};
use crate::error::ControlError;
use crate::identity::flows::{Begun, secret};
use crate::identity::oidc::{OidcError, Provider, Vouched};
use crate::identity::provider::{DeclaredProvider, Profile, WITHOUT_REFRESH};
use crate::identity::roster::Person;
use crate::identity::sign_in::SignIn;
use crate::port_types::LoginError;
use crate::store::Changes;
use crate::tokens::Purpose;
use sluice_model::{PrincipalId, Secret, SignInId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

/// Sign-ins that a provider is asked about at a time.
const ASKED_AT_ONCE: usize = 8;
/// A provider that cannot be asked for so many times as long as it should be asked ends its sign-ins.
const MISSED_REFRESHES: i64 = 3;
/// The least of that, in seconds: a provider may restart.
const LEAST_PATIENCE: i64 = 900;

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
    pub(crate) url: String,
    pub(crate) browser: String,
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

    fn callback(&self, provider: &str) -> String {
        format!("{}/signin/{provider}/callback", self.0.config.public_url)
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
        let (nonce, verifier, browser) = (fresh()?, fresh()?, fresh()?);
        let begun = Begun {
            provider: provider.to_owned(),
            nonce: nonce.clone(),
            verifier: verifier.clone(),
            browser: browser.clone(),
            next,
        };
        let state = self.0.flows.lock().begin(begun, from, now);
        let state = state.map_err(|_| SignInError::Unavailable)?;
        let state = state.ok_or(SignInError::TooMany)?;
        let url = found
            .authorization_url(&self.callback(provider), &state, &nonce, &verifier, now)
            .await;
        Ok(Sent {
            url: url.map_err(|error| self.not_accepted(provider, &error))?,
            browser,
        })
    }

    fn not_accepted(&self, provider: &str, error: &OidcError) -> SignInError {
        tracing::warn!(provider, %error, "a sign-in was not accepted");
        match error {
            OidcError::Fetch(_) | OidcError::Pausing => SignInError::Unreachable,
            _ => SignInError::NotAccepted,
        }
    }

    /// Takes in who comes back from a provider.
    pub(crate) async fn finish_sign_in(
        &self,
        returned: Returned<'_>,
        from: IpAddr,
    ) -> Result<Arrived, SignInError> {
        let now = self.now();
        // Used up by whoever brings it, so that nothing can be tried twice.
        let begun = self.0.flows.lock().come_back(returned.state, now);
        let same_browser = |begun: &Begun| returned.browser == Some(begun.browser.as_str());
        let begun = begun
            .filter(same_browser)
            .filter(|begun| begun.provider == returned.provider)
            .ok_or(SignInError::NotBegun);
        let begun = begun.inspect_err(|_| self.count_failure(from, None, returned.state))?;
        let provider = self
            .provider(&begun.provider)
            .ok_or(SignInError::NoProvider)?;
        let refused = |error: OidcError| self.not_accepted(&begun.provider, &error);
        let (metadata, _) = provider.metadata(now).await.map_err(refused)?;
        let named =
            returned.issuer.is_some() || metadata.authorization_response_iss_parameter_supported;
        if named && returned.issuer != Some(provider.declared.oidc.issuer.as_str()) {
            return Err(self.not_accepted(&begun.provider, &OidcError::OtherIssuer));
        }
        let redirect_uri = self.callback(&begun.provider);
        let vouched = provider
            .redeem(
                returned.code,
                &redirect_uri,
                &begun.nonce,
                &begun.verifier,
                now,
            )
            .await;
        let vouched = vouched.map_err(|error| {
            self.count_failure(from, None, returned.code);
            self.not_accepted(&begun.provider, &error)
        })?;
        let profile = provider.declared.profile(&vouched.claims);
        let profile = profile.map_err(SignInError::NotAdmitted)?;
        let (address, application) = (from.to_string(), returned.application.to_owned());
        let (cookie, expires) = self
            .admit_person(&provider.declared, profile, vouched, address, application)
            .await?;
        Ok(Arrived {
            cookie,
            expires,
            next: begun.next,
        })
    }

    /// Keeps who came and what hangs from it: the cookie of their browser.
    async fn admit_person(
        &self,
        declared: &DeclaredProvider,
        profile: Profile,
        vouched: Vouched,
        address: String,
        application: String,
    ) -> Result<(String, Timestamp), SignInError> {
        let mut working = self.0.working.lock().await;
        let now = self.now();
        let person = self.person(&working, declared, &profile, now)?;
        let principal = PrincipalId::user(&*person.name);
        let known = working.roster.known(now);
        if known
            .get(&principal)
            .is_some_and(|k| k.off && self.is_switched_off(&working, &principal))
        {
            let why = "you are switched off here; ask an administrator".to_owned();
            return Err(SignInError::NotAdmitted(why));
        }
        let id = new_sign_in_id()?;
        let life = match vouched.refresh_token {
            Some(_) => i64::from(declared.session_hours) * 3_600,
            None => WITHOUT_REFRESH,
        };
        let ends = now.plus_seconds(life);
        let sign_in = SignIn {
            refresh_token: self.sealed(&id, vouched.refresh_token.as_ref())?,
            id_token: self.sealed(&id, vouched.id_token.as_ref())?,
            provider_session: text(&vouched, "sid"),
            id: id.clone(),
            principal: principal.clone(),
            provider: declared.name.clone(),
            subject: profile.subject,
            address,
            application: shortened(application),
            created: now,
            ends,
            ended: None,
            refreshed: now,
        };
        let mut changes = Changes::default();
        self.record_person(&working, &person)?;
        let detail = format!(
            "of {principal} at {} from {}",
            declared.name, sign_in.address
        );
        self.record(&principal, "sign_in.begin", &id, detail)?;
        let wanted = Wanted {
            principal: principal.clone(),
            purpose: Purpose::Browser,
            name: Some("browser".to_owned()),
            networks: Vec::new(),
            sign_in: Some(id),
            workload: None,
            creator: principal.clone(),
            expires: ends,
        };
        let created = self.issue(&working, &principal, wanted, now, &mut changes)?;
        changes.people.push(person);
        changes.sign_ins.push(sign_in);
        self.take(&mut working, changes).await?;
        Ok((created.secret, ends))
    }

    fn is_switched_off(&self, working: &Working, principal: &PrincipalId) -> bool {
        let declared = working.roster.declared.get(principal);
        let inactive = working.roster.people.get(&principal.name);
        working.roster.disabled.contains(principal)
            || declared.is_some_and(|d| d.disabled)
            || inactive.is_some_and(|p| p.inactive)
    }

    /// The row of a person, if they may be who the provider says. A name belongs to one subject of one provider.
    fn person(
        &self,
        working: &Working,
        declared: &DeclaredProvider,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Person, SignInError> {
        let id = PrincipalId::user(&*profile.name);
        let no = |why: String| Err(SignInError::NotAdmitted(why));
        let people = &working.roster.people;
        let same = |p: &&Person| p.provider == declared.name && p.subject == profile.subject;
        if let Some(known) = people.values().find(same)
            && known.name != profile.name
        {
            return no(format!(
                "{} calls you {:?} now and you are known here as {:?}; ask an administrator",
                declared.name, profile.name, known.name
            ));
        }
        if let Some(user) = working.roster.declared.get(&id) {
            if user.provider.as_deref() != Some(declared.name.as_str()) {
                return no(format!(
                    "{id} is declared without `provider: {}`; an administrator can add that",
                    declared.name
                ));
            }
        } else if !people.contains_key(&profile.name)
            && (working.roster.is_taken(&id) || id == local_admin().id)
        {
            return no(format!("the name {:?} is taken", profile.name));
        }
        if people.get(&profile.name).is_some_and(|known| !same(&known)) {
            return no(format!("the name {:?} is somebody else's", profile.name));
        }
        Ok(Person {
            name: profile.name.clone(),
            provider: declared.name.clone(),
            subject: profile.subject.clone(),
            email: profile.email.clone(),
            display: profile.display.clone(),
            groups: profile.groups.clone(),
            vouched_until: Some(now.plus_seconds(i64::from(declared.vouched_hours) * 3_600)),
            inactive: people
                .get(&profile.name)
                .is_some_and(|known| known.inactive),
            heard: now,
        })
    }

    /// Records a person who is new, or whose groups are others than they were.
    fn record_person(&self, working: &Working, person: &Person) -> Result<(), ControlError> {
        let before = working.roster.people.get(&person.name);
        if before.is_some_and(|was| was.groups == person.groups) {
            return Ok(());
        }
        let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
        let detail = format!("{} says: groups [{}]", person.provider, groups.join(", "));
        let id = PrincipalId::user(&*person.name);
        self.record(&local_admin().id, "person.groups", id, detail)
    }

    fn sealed(
        &self,
        id: &SignInId,
        secret: Option<&Secret>,
    ) -> Result<Option<crate::identity::seal::Sealed>, SignInError> {
        let seal = |secret| self.0.sealer.seal(id.as_str(), secret);
        let sealed = secret.map(seal).transpose();
        sealed.map_err(|_| SignInError::Unavailable)
    }

    /// Asks providers about those who are signed in, each as often as it says.
    pub(super) async fn refresh_sign_ins(&self) {
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
        match provider.refresh(&token, &sign_in.subject, now).await {
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
        declared: &DeclaredProvider,
        vouched: Vouched,
    ) -> Result<(), SignInError> {
        let mut working = self.0.working.lock().await;
        let now = self.now();
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
    async fn end_refused(&self, sign_in: &SignIn, why: &str) {
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

    /// A provider is not trusted any more: nobody stands on its word.
    pub(super) async fn end_provider(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        name: &str,
    ) -> Result<(), ControlError> {
        let now = self.now();
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
        let people = working
            .roster
            .people
            .values()
            .filter(|p| p.provider == name);
        let ended = people.map(|person| Person {
            vouched_until: Some(now),
            ..person.clone()
        });
        changes.people.extend(ended);
        self.take(working, changes).await
    }

    /// A provider signs somebody out.
    pub(crate) async fn back_channel_logout(
        &self,
        name: &str,
        token: &str,
        from: IpAddr,
    ) -> Result<(), SignInError> {
        let now = self.now();
        let provider = self.provider(name).ok_or(SignInError::NoProvider)?;
        let gone = provider.signed_out(token, now).await;
        let gone = gone.map_err(|error| self.not_accepted(name, &error))?;
        let life = (gone.expires.0 - now.0) / 1_000_000;
        let id = format!("{name} {}", gone.id);
        if !self.0.flows.lock().take_once(&id, from, now, life) {
            return Err(SignInError::NotAccepted);
        }
        let mut working = self.0.working.lock().await;
        let mut changes = Changes::default();
        let meant = |s: &&SignIn| {
            let session = gone.session.as_deref();
            let same_session = session.is_none() || s.provider_session.as_deref() == session;
            let subject = gone.subject.as_deref();
            let same_subject = subject.is_none() || subject == Some(s.subject.as_str());
            s.provider == name && same_session && same_subject
        };
        for sign_in in working.sign_ins.values().filter(meant) {
            let actor = sign_in.principal.clone();
            self.end_sign_in(
                &working,
                &actor,
                sign_in,
                "signed out at the provider",
                &mut changes,
            )?;
        }
        Ok(self.take(&mut working, changes).await?)
    }

    /// Signs a browser out; where to go on, if the provider wants to know as well.
    pub(crate) async fn browser_sign_out(
        &self,
        caller: &super::Caller,
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
        let hint = sign_in.id_token.as_ref();
        let hint = hint.and_then(|sealed| self.0.sealer.open(sign_in.id.as_str(), sealed));
        let back_to = format!("{}/signin", self.0.config.public_url);
        Ok(match self.provider(&sign_in.provider) {
            Some(provider) => {
                provider
                    .end_session_url(hint.as_ref(), &back_to, self.now())
                    .await
            }
            None => None,
        })
    }
}

fn text(vouched: &Vouched, name: &str) -> Option<String> {
    vouched
        .claims
        .get(name)
        .and_then(|v| v.as_str())
        .map(str::to_owned)
}

/// What a program says of itself, as far as it is kept.
fn shortened(application: String) -> String {
    let shown = application.chars().filter(|c| !c.is_control());
    shown.take(200).collect()
}

fn new_sign_in_id() -> Result<SignInId, SignInError> {
    let bits = crate::keys::random::<16>().map_err(|_| SignInError::Unavailable)?;
    Ok(SignInId::from_bits(
        u128::from_be_bytes(*bits) & ((1 << 60) - 1),
    ))
}
