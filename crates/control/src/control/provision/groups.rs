//! Groups that are provisioned, and what people are in by them.

use super::people::by_id;
use super::sent::sent_group;
use super::{Edit, Listed, Object, ProvisionError, Result, Wanted, new_id};
use crate::control::{Caller, Control, Working};
use crate::identity::provider::DeclaredProvider;
use crate::identity::roster::{Person, Provisioned, ProvisionedGroup};
use crate::store::Changes;
use serde_json::json;
use sluice_identity::scim;
use std::collections::{BTreeMap, BTreeSet};

/// Groups of one provider: a large company.
const MAX_GROUPS: usize = 5_000;
/// The longest list of names in a record.
const MAX_NAMED: usize = 50;

impl Control {
    /// The groups of a provider, as it sees them.
    pub(crate) async fn provisioned_groups(&self, provider: &str, wanted: &Wanted) -> Listed {
        let working = self.0.working.lock().await;
        let people = by_id(&working, provider);
        let groups = working.roster.groups.values();
        let shown = groups
            .filter(|group| group.provider == provider)
            .map(|group| self.shown_group(&people, group));
        let filter = wanted.filter.as_ref();
        let meant: Vec<Object> = shown
            .filter(|object| filter.is_none_or(|f| f.matches(object)))
            .collect();
        Listed {
            total: meant.len(),
            items: meant
                .into_iter()
                .skip(wanted.skip)
                .take(wanted.count)
                .collect(),
        }
    }

    pub(crate) async fn provisioned_group(&self, provider: &str, id: &str) -> Result<Object> {
        let working = self.0.working.lock().await;
        let group = group_by_id(&working, provider, id)?;
        Ok(self.shown_group(&by_id(&working, provider), group))
    }

    pub(crate) async fn provision_group(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
        object: Object,
    ) -> Result<Object> {
        let (mut working, provider) = self.providers_turn(caller, provider).await?;
        let provider = &provider.declared;
        let of_it = working.roster.groups.values();
        if of_it.filter(|g| g.provider == provider.name).count() >= MAX_GROUPS {
            return Err(ProvisionError::TooMany("groups of one provider"));
        }
        let now = self.now();
        let fresh = Provisioned {
            id: new_id()?,
            external_id: None,
            attributes: Object::new(),
            created: now,
            changed: now,
        };
        let group = group_of(&working, provider, object, fresh)?;
        self.take_group(&mut working, caller, provider, None, group)
            .await
    }

    pub(crate) async fn change_group(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
        id: &str,
        edit: Edit,
    ) -> Result<Object> {
        let (mut working, provider) = self.providers_turn(caller, provider).await?;
        let provider = &provider.declared;
        let before = group_by_id(&working, &provider.name, id)?.clone();
        let shown = self.shown_group(&by_id(&working, &provider.name), &before);
        let kept = Provisioned {
            changed: self.now(),
            ..before.provisioned.clone()
        };
        let group = group_of(&working, provider, edit.of(&shown)?, kept)?;
        self.take_group(&mut working, caller, provider, Some(before), group)
            .await
    }

    pub(crate) async fn deprovision_group(
        &self,
        caller: &Caller,
        provider: &DeclaredProvider,
        id: &str,
    ) -> Result<()> {
        let (mut working, provider) = self.providers_turn(caller, provider).await?;
        let provider = &provider.declared;
        let group = group_by_id(&working, &provider.name, id)?;
        let detail = format!("by {}", provider.name);
        self.record(caller.id(), "group.remove", &group.name, detail)?;
        let rest = working.roster.groups.values();
        let rest = rest.filter(|g| g.provisioned.id != id);
        let was_in = |who: &str| group.members.contains(who);
        let changes = Changes {
            people: regrouped(&working, provider, rest, was_in),
            groups_gone: vec![id.to_owned()],
            ..Changes::default()
        };
        Ok(self.take(&mut working, changes).await?)
    }

    /// Keeps a group, and what those who were or are in it are in now.
    async fn take_group(
        &self,
        working: &mut Working,
        caller: &Caller,
        provider: &DeclaredProvider,
        before: Option<ProvisionedGroup>,
        group: ProvisionedGroup,
    ) -> Result<Object> {
        let people = by_id(working, &provider.name);
        let nobody = BTreeSet::new();
        let was = before.as_ref().map_or(&nobody, |g| &g.members);
        let added = named(&people, group.members.difference(was));
        let removed = named(&people, was.difference(&group.members));
        let renamed = before.as_ref().filter(|b| b.name != group.name);
        let renamed = renamed.map_or_else(String::new, |b| format!(", was {:?}", b.name));
        let act = match before {
            None => "group.provision",
            Some(_) => "group.change",
        };
        let detail = format!(
            "by {}{renamed}: added {added}, removed {removed}",
            provider.name
        );
        self.record(caller.id(), act, &group.name, detail)?;
        let id = &group.provisioned.id;
        let others = working.roster.groups.values();
        let others = others.filter(|g| g.provisioned.id != *id);
        let touched = |who: &str| was.contains(who) || group.members.contains(who);
        let regrouped = regrouped(working, provider, others.chain([&group]), touched);
        let shown = self.shown_group(&people, &group);
        let changes = Changes {
            people: regrouped,
            groups: vec![group],
            ..Changes::default()
        };
        self.take(working, changes).await?;
        Ok(shown)
    }

    fn shown_group(&self, people: &BTreeMap<&str, &Person>, group: &ProvisionedGroup) -> Object {
        let member = |id: &String| {
            let name = people.get(id.as_str()).map(|person| &person.name);
            json!({"value": id, "display": name, "type": "User", "$ref": self.location("Users", id)})
        };
        let members = group.members.iter().map(member).collect();
        let mut shown = group.provisioned.attributes.clone();
        shown.insert("schemas".to_owned(), json!([scim::GROUP]));
        shown.insert("id".to_owned(), json!(group.provisioned.id));
        shown.insert("displayName".to_owned(), json!(group.name));
        shown.insert("members".to_owned(), members);
        if let Some(external) = &group.provisioned.external_id {
            shown.insert("externalId".to_owned(), json!(external));
        }
        shown.insert("meta".to_owned(), self.meta("Groups", &group.provisioned));
        shown
    }
}

/// The group that was sent. Names that differ only in case are one name.
fn group_of(
    working: &Working,
    provider: &DeclaredProvider,
    object: Object,
    kept: Provisioned,
) -> Result<ProvisionedGroup> {
    let sent = sent_group(provider, &by_id(working, &provider.name), object)?;
    let mut others = working.roster.groups.values();
    let is_taken = others.any(|g| {
        g.provider == provider.name
            && g.provisioned.id != kept.id
            && g.name.eq_ignore_ascii_case(&sent.name)
    });
    if is_taken {
        let what = format!("there is a group {:?} already", sent.name);
        return Err(ProvisionError::Taken(what));
    }
    Ok(ProvisionedGroup {
        provider: provider.name.clone(),
        name: sent.name,
        members: sent.members,
        provisioned: Provisioned {
            external_id: sent.external_id,
            attributes: sent.attributes,
            ..kept
        },
    })
}

/// What people are in after a provider's words for groups changed; the error names a group that cannot be one now.
pub(in crate::control) fn remapped(
    working: &Working,
    provider: &DeclaredProvider,
) -> std::result::Result<Vec<Person>, String> {
    let groups = working.roster.groups.values();
    let mut theirs = groups.clone().filter(|g| g.provider == provider.name);
    theirs.try_for_each(|group| provider.groups.checked(&group.name).map(|_| ()))?;
    Ok(regrouped(working, provider, groups, |_| true))
}

/// Those of a provider's people, among the touched ones, whose groups are others now.
fn regrouped<'g>(
    working: &Working,
    provider: &DeclaredProvider,
    groups: impl Iterator<Item = &'g ProvisionedGroup>,
    touched: impl Fn(&str) -> bool,
) -> Vec<Person> {
    let mut in_groups: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for group in groups.filter(|g| g.provider == provider.name) {
        // What cannot be a group was refused when it came.
        let Ok(Some(name)) = provider.groups.checked(&group.name) else {
            continue;
        };
        for member in group.members.iter().filter(|id| touched(id)) {
            in_groups.entry(member).or_default().insert(name.clone());
        }
    }
    let theirs = by_id(working, &provider.name).into_iter();
    let touched = theirs.filter(|(id, _)| touched(id));
    let regrouped = touched.map(|(id, person)| Person {
        groups: in_groups.get(id).cloned().unwrap_or_default(),
        ..person.clone()
    });
    regrouped
        .filter(|person| {
            let before = working.roster.people.get(&person.name);
            before.is_none_or(|before| before.groups != person.groups)
        })
        .collect()
}

/// Names for a record, by ids.
fn named<'i>(people: &BTreeMap<&str, &Person>, ids: impl Iterator<Item = &'i String>) -> String {
    let names: Vec<&str> = ids
        .filter_map(|id| people.get(id.as_str()).map(|p| p.name.as_str()))
        .collect();
    let shown: Vec<&str> = names.iter().copied().take(MAX_NAMED).collect();
    match names.len() - shown.len() {
        0 => format!("[{}]", shown.join(", ")),
        more => format!("[{}] and {more} more", shown.join(", ")),
    }
}

fn group_by_id<'w>(working: &'w Working, provider: &str, id: &str) -> Result<&'w ProvisionedGroup> {
    let found = working.roster.groups.get(id);
    let found = found.filter(|group| group.provider == provider);
    found.ok_or(ProvisionError::NotFound)
}
