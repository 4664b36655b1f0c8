//! People who are provisioned.

use super::sent::{SentPerson, sent_person};
use super::{Edit, Listed, Object, ProvisionError, Result, Wanted, invalid, new_id};
use crate::control::{Caller, Control, Working, hold, local_admin};
use crate::error::ControlError;
use crate::identity::provider::DeclaredProvider;
use crate::identity::roster::{Known, Person, Provisioned};
use crate::resources::principal_name_problem;
use crate::store::Changes;
use serde_json::{Value, json};
use sluice_identity::scim;
use sluice_model::{PrincipalId, PrincipalKind, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// People of one provider: a large company.
const MAX_PEOPLE: usize = 50_000;

impl Control {
    /// Those whom a provider provisioned, as it sees them.
    pub(crate) async fn provisioned_people(&self, provider: &str, wanted: &Wanted) -> Listed {
        let working = self.0.working.lock().await;
        let people = working.roster.people.values();
        let theirs = people.filter(|p| p.provider == provider && p.provisioned.is_some());
        let filter = wanted.filter.as_ref();
        let meant: Vec<&Person> = theirs
            .filter(|p| may_be(p, filter))
            .filter(|p| filter.is_none_or(|f| f.matches(&self.shown_alone(p))))
            .collect();
        let page = meant.iter().skip(wanted.skip).take(wanted.count);
        Listed {
            total: meant.len(),
            items: page.map(|p| self.shown_person(&working, p)).collect(),
        }
    }

    pub(crate) async fn provisioned_person(&self, provider: &str, id: &str) -> Result<Object> {
        let working = self.0.working.lock().await;
        let person = person_by_id(&working, provider, id)?;
        Ok(self.shown_person(&working, person))
    }

    /// A new person, or one who is known from signing in.
    pub(crate) async fn provision_person(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
        object: Object,
    ) -> Result<Object> {
        let sent = sent_person(object)?;
        let (mut working, provider) = self.providers_turn(caller, provider).await?;
        let provider = &provider.declared;
        let of_it = working.roster.people.values();
        if of_it.filter(|p| p.provider == provider.name).count() >= MAX_PEOPLE {
            return Err(ProvisionError::TooMany("people of one provider"));
        }
        let now = self.now();
        let provisioned = Provisioned {
            id: new_id()?,
            external_id: None,
            attributes: Object::new(),
            created: now,
            changed: now,
        };
        let known = working.roster.people.get(&sent.name);
        let known = known.filter(|p| p.provider == provider.name && p.provisioned.is_none());
        let base = match known {
            // Groups that a sign-in told of count no more.
            Some(known) => Person {
                groups: BTreeSet::new(),
                ..known.clone()
            },
            None => {
                check_name(&working, provider, &sent.name, None)?;
                nobody_yet(provider, &sent.name, now)
            }
        };
        let person = filled(base, sent, provisioned, now);
        let detail = format!("by {}", provider.name);
        self.record(caller.id(), "person.provision", id_of(&person), detail)?;
        let mut changes = Changes::default();
        changes.people.push(person.clone());
        self.take(&mut working, changes).await?;
        Ok(self.shown_person(&working, &person))
    }

    /// Changes a person: also their name, which makes them somebody else, and whether they are active.
    pub(crate) async fn change_person(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
        id: &str,
        edit: Edit,
    ) -> Result<Object> {
        let (mut working, provider) = self.providers_turn(caller, provider).await?;
        let provider = &provider.declared;
        let now = self.now();
        let before = person_by_id(&working, &provider.name, id)?.clone();
        let provisioned = before.provisioned.clone().ok_or(ProvisionError::NotFound)?;
        let sent = sent_person(edit.of(&self.shown_alone(&before))?)?;
        let mut changes = Changes::default();
        let base = if sent.name == before.name {
            before.clone()
        } else {
            check_name(&working, provider, &sent.name, Some(&before.name))?;
            let why = format!("they are called {} now", sent.name);
            self.forget_person(&working, caller.id(), &before, &why, &mut changes)?;
            Person {
                groups: before.groups.clone(),
                inactive: before.inactive,
                ..nobody_yet(provider, &sent.name, now)
            }
        };
        let person = filled(base, sent, provisioned, now);
        let (act, why) = match (before.inactive, person.inactive) {
            (false, true) => ("person.deactivate", "the provider switched them off"),
            (true, false) => ("person.activate", "the provider switched them on"),
            _ => ("person.change", ""),
        };
        self.record(caller.id(), act, id_of(&person), why)?;
        if person.inactive && person.name == before.name {
            self.withdraw(&working, caller.id(), &id_of(&person), why, &mut changes)?;
        }
        changes.people.push(person.clone());
        self.take(&mut working, changes).await?;
        Ok(self.shown_person(&working, &person))
    }

    /// Takes a person away, with everything that they hold.
    pub(crate) async fn deprovision_person(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
        id: &str,
    ) -> Result<()> {
        let (mut working, provider) = self.providers_turn(caller, provider).await?;
        let provider = &provider.declared;
        let person = person_by_id(&working, &provider.name, id)?;
        let mut changes = Changes::default();
        let why = "the provider took them away";
        self.forget_person(&working, caller.id(), person, why, &mut changes)?;
        let groups = working.roster.groups.values();
        for group in groups.filter(|g| g.provider == provider.name && g.members.contains(id)) {
            let mut smaller = group.clone();
            smaller.members.remove(id);
            changes.groups.push(smaller);
        }
        Ok(self.take(&mut working, changes).await?)
    }

    /// Records that somebody is no more, and adds it, with everything that they hold, to what is to be kept. Somebody
    /// of the same name whom a file declares, and not as one of this provider's, keeps what is theirs.
    pub(in crate::control) fn forget_person(
        &self,
        working: &Working,
        actor: &PrincipalId,
        person: &Person,
        why: &str,
        changes: &mut Changes,
    ) -> std::result::Result<(), ControlError> {
        let id = id_of(person);
        self.record(actor, "person.remove", &id, why)?;
        self.withdraw(working, actor, &id, why, changes)?;
        changes.people_gone.push(person.name.clone());
        let declared = working.roster.declared.get(&id);
        if declared.is_some_and(|d| d.provider.as_ref() != Some(&person.provider)) {
            return Ok(());
        }
        let known = working.roster.known(self.now());
        self.end_estate(working, actor, (&id, &known), changes)
    }

    /// Adds the end of everything that somebody holds to what is to be kept: their agents and tokens.
    pub(in crate::control) fn end_estate(
        &self,
        working: &Working,
        actor: &PrincipalId,
        (id, known): (&PrincipalId, &BTreeMap<PrincipalId, Known>),
        changes: &mut Changes,
    ) -> std::result::Result<(), ControlError> {
        let owned = known.iter().filter(|(agent, found)| {
            agent.kind == PrincipalKind::Agent && found.owner.as_ref() == Some(id)
        });
        for (agent, found) in owned {
            self.end_one_agent(working, actor, agent, found, changes)?;
        }
        let done: BTreeSet<_> = changes.tokens.iter().map(|t| t.id.clone()).collect();
        let tokens = working.tokens.values();
        let theirs = tokens.filter(|t| t.principal == *id && t.revoked.is_none());
        for row in theirs.filter(|t| !done.contains(&t.id)) {
            self.revoke(working, actor, row, changes)?;
        }
        Ok(())
    }

    /// Ends somebody's sign-ins and withdraws what they asked for.
    pub(in crate::control) fn withdraw(
        &self,
        working: &Working,
        actor: &PrincipalId,
        id: &PrincipalId,
        why: &str,
        changes: &mut Changes,
    ) -> std::result::Result<(), ControlError> {
        changes.approvals.extend(hold::requests_of(working, id));
        let done: BTreeSet<_> = changes.sign_ins.iter().map(|s| s.id.clone()).collect();
        let theirs = working.sign_ins.values().filter(|s| s.principal == *id);
        for sign_in in theirs.filter(|s| !done.contains(&s.id)) {
            self.end_sign_in(working, actor, sign_in, why, changes)?;
        }
        Ok(())
    }

    /// A provider provisions nobody any more: its people stand on what it said when they signed in.
    pub(in crate::control) async fn end_provisioning(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        provider: &DeclaredProvider,
    ) -> std::result::Result<(), ControlError> {
        let detail = "it provisions nobody any more";
        self.record(actor, "provider.change", &provider.name, detail)?;
        let mut changes = Changes::default();
        let theirs = working.sign_ins.values();
        for sign_in in theirs.filter(|s| s.provider == provider.name) {
            self.end_sign_in(working, actor, sign_in, detail, &mut changes)?;
        }
        let counts = i64::from(provider.vouched_hours) * 3_600;
        let people = working.roster.people.values();
        let theirs = people.filter(|p| p.provider == provider.name && p.provisioned.is_some());
        changes.people = theirs
            .map(|person| Person {
                groups: BTreeSet::new(),
                vouched_until: Some(person.heard.plus_seconds(counts)),
                provisioned: None,
                ..person.clone()
            })
            .collect();
        let groups = working.roster.groups.values();
        let groups = groups.filter(|group| group.provider == provider.name);
        changes.groups_gone = groups.map(|g| g.provisioned.id.clone()).collect();
        self.take(working, changes).await
    }

    /// Somebody without their groups, which are changed elsewhere.
    fn shown_alone(&self, person: &Person) -> Object {
        let Some(provisioned) = &person.provisioned else {
            return Object::new();
        };
        let mut shown = provisioned.attributes.clone();
        let extended = shown.contains_key(scim::ENTERPRISE);
        let schemas: Vec<&str> = [scim::USER]
            .into_iter()
            .chain(extended.then_some(scim::ENTERPRISE))
            .collect();
        shown.insert("schemas".to_owned(), json!(schemas));
        shown.insert("id".to_owned(), json!(provisioned.id));
        shown.insert("userName".to_owned(), json!(person.name));
        shown.insert("active".to_owned(), json!(!person.inactive));
        if let Some(external) = &provisioned.external_id {
            shown.insert("externalId".to_owned(), json!(external));
        }
        shown.insert("meta".to_owned(), self.meta("Users", provisioned));
        shown
    }

    fn shown_person(&self, working: &Working, person: &Person) -> Object {
        let id = person.provisioned.as_ref().map(|p| p.id.as_str());
        let groups = working.roster.groups.values();
        let in_it = groups.filter(|g| id.is_some_and(|id| g.members.contains(id)));
        let group = in_it.map(|g| {
            let id = &g.provisioned.id;
            json!({"value": id, "display": g.name, "$ref": self.location("Groups", id)})
        });
        let mut shown = self.shown_alone(person);
        shown.insert("groups".to_owned(), group.collect());
        shown
    }
}

/// Whether somebody can be whom a provider looks up by one attribute; for everything else, they can.
fn may_be(person: &Person, filter: Option<&scim::Filter>) -> bool {
    let Some((name, Value::String(wanted))) = filter.and_then(scim::Filter::looks_up) else {
        return true;
    };
    let provisioned = person.provisioned.as_ref();
    match name.to_ascii_lowercase().as_str() {
        "username" => person.name.eq_ignore_ascii_case(wanted),
        "id" => provisioned.is_some_and(|p| p.id == *wanted),
        "externalid" => provisioned.is_some_and(|p| p.external_id.as_ref() == Some(wanted)),
        _ => true,
    }
}

pub(super) fn id_of(person: &Person) -> PrincipalId {
    PrincipalId::user(&*person.name)
}

/// A provider's people by the ids that they have between both sides.
pub(super) fn by_id<'w>(working: &'w Working, provider: &str) -> BTreeMap<&'w str, &'w Person> {
    let people = working.roster.people.values();
    let theirs = people.filter(|p| p.provider == provider);
    theirs
        .filter_map(|p| Some((p.provisioned.as_ref()?.id.as_str(), p)))
        .collect()
}

fn person_by_id<'w>(working: &'w Working, provider: &str, id: &str) -> Result<&'w Person> {
    let mut people = working.roster.people.values();
    let found = people.find(|p| {
        let known = p.provisioned.as_ref().map(|p| p.id.as_str());
        p.provider == provider && known == Some(id)
    });
    found.ok_or(ProvisionError::NotFound)
}

/// Whether somebody may come to be called that, who was called `before`.
fn check_name(
    working: &Working,
    provider: &DeclaredProvider,
    name: &str,
    before: Option<&str>,
) -> Result<()> {
    if let Some(problem) = principal_name_problem(name) {
        return Err(invalid(&format!(
            "they cannot be called that here: {problem}"
        )));
    }
    let same = |known: &str| known.eq_ignore_ascii_case(name);
    let is_somebodys = |known: &&String| same(known) && Some(known.as_str()) != before;
    let declared = working.roster.declared.iter();
    let mut declared = declared.filter(|(id, _)| id.kind == PrincipalKind::User && same(&id.name));
    let is_others = declared.any(|(id, found)| {
        id.name != name || found.provider.as_deref() != Some(provider.name.as_str())
    });
    let taken = is_others
        || working
            .roster
            .people
            .keys()
            .any(|known| is_somebodys(&known))
        || same(&local_admin().id.name);
    match taken {
        true => Err(ProvisionError::Taken(format!("the name {name:?} is taken"))),
        false => Ok(()),
    }
}

fn nobody_yet(provider: &DeclaredProvider, name: &str, now: Timestamp) -> Person {
    Person {
        name: name.to_owned(),
        provider: provider.name.clone(),
        subject: None,
        email: None,
        display: None,
        groups: BTreeSet::new(),
        vouched_until: None,
        inactive: false,
        heard: now,
        provisioned: None,
    }
}

/// Somebody as they were sent.
fn filled(base: Person, sent: SentPerson, provisioned: Provisioned, now: Timestamp) -> Person {
    Person {
        email: sent.email.or(base.email),
        display: sent.display.or(base.display),
        vouched_until: None,
        inactive: sent.active.map_or(base.inactive, |active| !active),
        heard: now,
        provisioned: Some(Provisioned {
            external_id: sent.external_id,
            attributes: sent.attributes,
            changed: now,
            ..provisioned
        }),
        ..base
    }
}
