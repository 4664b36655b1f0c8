//! Taking somebody in whom a provider vouches for: who they are here, and what hangs from their sign-in.

use super::{SignInError, Working, local_admin, new_sign_in_id};
use crate::control::Control;
use crate::control::issue::Wanted;
use crate::error::ControlError;
use crate::identity::provider::{DeclaredProvider, Profile, Provider};
use crate::identity::roster::Person;
use crate::identity::sign_in::SignIn;
use crate::store::Changes;
use crate::tokens::Purpose;
use sluice_identity::jwt::Claims;
use sluice_model::{PrincipalId, Secret, Timestamp};
use std::sync::Arc;

/// What comes with somebody.
pub(super) struct Arrival {
    /// What the provider calls this sign-in.
    pub(super) session: Option<String>,
    /// The provider is asked again who they are.
    pub(super) asked_again: bool,
    pub(super) refresh_token: Option<Secret>,
    /// What the provider is shown when they sign out there as well.
    pub(super) hint: Option<Secret>,
    /// When the provider's own session ends.
    pub(super) ends: Option<Timestamp>,
    pub(super) address: String,
    pub(super) application: String,
}

impl Control {
    /// Keeps who came and what hangs from it: the cookie of their browser.
    pub(super) async fn admit_person(
        &self,
        vouching: &DeclaredProvider,
        claims: &Claims,
        arrival: Arrival,
    ) -> Result<(String, Timestamp), SignInError> {
        let mut working = self.0.working.lock().await;
        let now = self.now();
        let provider = self.still_vouching(vouching)?;
        let declared = &provider.declared;
        let profile = declared.profile(claims).map_err(SignInError::NotAdmitted)?;
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
        let usual = now.plus_seconds(declared.session_seconds(arrival.asked_again));
        let ends = arrival.ends.map_or(usual, |ends| ends.min(usual));
        let sign_in = SignIn {
            refresh_token: self.sealed(&id, arrival.refresh_token.as_ref())?,
            id_token: self.sealed(&id, arrival.hint.as_ref())?,
            provider_session: arrival.session,
            id: id.clone(),
            principal: principal.clone(),
            provider: declared.name.clone(),
            subject: profile.subject,
            address: arrival.address,
            application: shortened(arrival.application),
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
            audience: None,
            creator: principal.clone(),
            expires: ends,
        };
        let created = self.issue(&working, &principal, wanted, now, &mut changes)?;
        changes.people.push(person);
        changes.sign_ins.push(sign_in);
        self.take(&mut working, changes).await?;
        Ok((created.secret, ends))
    }

    /// A provider as it is declared now: it may have changed, or gone, while somebody was on their way.
    pub(super) fn still_vouching(
        &self,
        vouching: &DeclaredProvider,
    ) -> Result<Arc<Provider>, SignInError> {
        let now = self.provider(&vouching.name);
        now.filter(|now| now.declared.is_same_party(vouching))
            .ok_or(SignInError::NoProvider)
    }

    fn is_switched_off(&self, working: &Working, principal: &PrincipalId) -> bool {
        let declared = working.roster.declared.get(principal);
        let inactive = working.roster.people.get(&principal.name);
        working.roster.disabled.contains(principal)
            || declared.is_some_and(|d| d.disabled)
            || inactive.is_some_and(|p| p.inactive)
    }

    /// The row of a person, if they may be who the provider says. A name belongs to one subject of one provider.
    pub(super) fn person(
        &self,
        working: &Working,
        declared: &DeclaredProvider,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Person, SignInError> {
        let id = PrincipalId::user(&*profile.name);
        let no = |why: String| Err(SignInError::NotAdmitted(why));
        let people = &working.roster.people;
        let subject = Some(profile.subject.as_str());
        let same = |p: &&Person| p.provider == declared.name && p.subject.as_deref() == subject;
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
            && (working.roster.is_taken(&id) || is_local_admins(&profile.name))
        {
            return no(format!("the name {:?} is taken", profile.name));
        }
        let known = people.get(&profile.name);
        // Whom the provider provisioned is bound to a subject when they first sign in.
        let first = |p: &Person| p.provider == declared.name && p.subject.is_none();
        if known.is_some_and(|known| !same(&known) && !first(known)) {
            return no(format!("the name {:?} is somebody else's", profile.name));
        }
        let provisioned = known.and_then(|known| known.provisioned.clone());
        if declared.scim.is_some() && provisioned.is_none() {
            return no(format!(
                "{} has not provisioned {:?} here; an administrator there can assign the application to you",
                declared.name, profile.name
            ));
        }
        let vouched = now.plus_seconds(i64::from(declared.vouched_hours) * 3_600);
        Ok(Person {
            name: profile.name.clone(),
            provider: declared.name.clone(),
            subject: Some(profile.subject.clone()),
            email: profile.email.clone(),
            display: profile.display.clone(),
            // One that provisions groups says them in that way alone, and says by itself when somebody leaves.
            groups: match (known, &provisioned) {
                (Some(known), Some(_)) => known.groups.clone(),
                _ => profile.groups.clone(),
            },
            vouched_until: provisioned.is_none().then_some(vouched),
            inactive: known.is_some_and(|known| known.inactive),
            heard: now,
            provisioned,
        })
    }

    /// Records a person who is new, or whose groups are others than they were.
    pub(super) fn record_person(
        &self,
        working: &Working,
        person: &Person,
    ) -> Result<(), ControlError> {
        let before = working.roster.people.get(&person.name);
        if before.is_some_and(|was| was.groups == person.groups) {
            return Ok(());
        }
        let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
        let detail = format!("{} says: groups [{}]", person.provider, groups.join(", "));
        let id = PrincipalId::user(&*person.name);
        self.record(&local_admin().id, "person.groups", id, detail)
    }
}

/// Whether a reader would take a name for the local administrator's.
fn is_local_admins(name: &str) -> bool {
    name.eq_ignore_ascii_case(&local_admin().id.name)
}

/// What a program says of itself, as far as it is kept.
fn shortened(application: String) -> String {
    let shown = application.chars().filter(|c| !c.is_control());
    shown.take(200).collect()
}
