//! Everybody who is known: declared in files, vouched for by an identity provider, or an agent that its owner made.
//! One place says who stands now and with which groups.

use crate::resources::DeclaredPrincipal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_model::{Principal, PrincipalId, PrincipalKind, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A person whom an identity provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The name of the principal.
    pub(crate) name: String,
    /// The identity provider, by the name of its resource.
    pub(crate) provider: String,
    /// What the provider calls them; never given to somebody else. Not known of whom it provisioned and who has not
    /// signed in yet.
    pub(crate) subject: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) display: Option<String>,
    /// The provider's groups, as last heard.
    pub(crate) groups: BTreeSet<String>,
    /// Until when the provider's word counts; no end for one that says so by itself when somebody leaves.
    pub(crate) vouched_until: Option<Timestamp>,
    /// The provider switched them off (SCIM).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) inactive: bool,
    /// When the provider was last heard about them.
    pub(crate) heard: Timestamp,
    /// As the provider provisioned them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provisioned: Option<Provisioned>,
}

/// What a provider says of somebody or something that it provisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provisioned {
    /// What it is called between both sides; made here.
    pub(crate) id: String,
    /// What the provider calls it.
    pub(crate) external_id: Option<String>,
    /// What else it says, kept for it.
    pub(crate) attributes: Map<String, Value>,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
}

/// A group that a provider provisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProvisionedGroup {
    /// The identity provider, by the name of its resource.
    pub(crate) provider: String,
    /// Its name there.
    pub(crate) name: String,
    /// The ids of those in it.
    pub(crate) members: BTreeSet<String>,
    pub(crate) provisioned: Provisioned,
}

impl Person {
    /// Whether the provider stands for them: one that provisions people stands for nobody else.
    fn is_vouched_for(&self, provisions: bool, now: Timestamp) -> bool {
        let known = self.provisioned.is_some() || !provisions;
        known && !self.inactive && self.vouched_until.is_none_or(|until| now < until)
    }
}

/// An agent that its owner made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnedAgent {
    pub(crate) name: String,
    pub(crate) owner: PrincipalId,
    /// The owner's groups that it acts in; all of them, as they are at the time, where none were named.
    pub(crate) groups: Option<BTreeSet<String>>,
    pub(crate) created: Timestamp,
}

/// Where a principal is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Declared,
    Provider(String),
    Owner,
}

/// One principal, on or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) source: Source,
    pub(crate) groups: BTreeSet<String>,
    /// Who answers for it: of agents, and of services where that was said.
    pub(crate) owner: Option<PrincipalId>,
    /// It may do nothing.
    pub(crate) off: bool,
}

/// Everybody who is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster {
    pub(crate) declared: BTreeMap<PrincipalId, DeclaredPrincipal>,
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) agents: BTreeMap<String, OwnedAgent>,
    /// Provisioned groups, by id.
    pub(crate) groups: BTreeMap<String, ProvisionedGroup>,
    /// Providers that provision people.
    pub(crate) provisioning: BTreeSet<String>,
    /// Switched off by command.
    pub(crate) disabled: BTreeSet<PrincipalId>,
}

impl Roster {
    /// Everybody, with an agent's groups as its owner's groups let it have them.
    pub(crate) fn known(&self, now: Timestamp) -> BTreeMap<PrincipalId, Known> {
        let mut known = BTreeMap::new();
        for (id, declared) in &self.declared {
            let found = Known {
                source: Source::Declared,
                groups: declared.groups.clone(),
                owner: declared.owner.clone(),
                off: declared.disabled || self.disabled.contains(id) || self.is_missing(id, now),
            };
            known.insert(id.clone(), found);
        }
        for person in self.people.values() {
            self.add_person(&mut known, person, now);
        }
        for agent in self.agents.values() {
            let id = agent_id(&agent.name);
            let all = known.get(&agent.owner).map(|owner| owner.groups.clone());
            let all = all.unwrap_or_default();
            let found = Known {
                source: Source::Owner,
                groups: match &agent.groups {
                    Some(chosen) => chosen.intersection(&all).cloned().collect(),
                    None => all,
                },
                owner: Some(agent.owner.clone()),
                off: self.disabled.contains(&id),
            };
            // A file's word about a name comes before an owner's.
            known.entry(id).or_insert(found);
        }
        known
    }

    /// Whether somebody who is declared is one of a provider's that provisions people, and not provisioned.
    fn is_missing(&self, id: &PrincipalId, now: Timestamp) -> bool {
        let declared = self.declared.get(id);
        let Some(provider) = declared.and_then(|d| d.provider.as_ref()) else {
            return false;
        };
        let stands = |p: &Person| p.provider == *provider && p.is_vouched_for(true, now);
        self.provisioning.contains(provider) && !self.people.get(&id.name).is_some_and(stands)
    }

    fn add_person(
        &self,
        known: &mut BTreeMap<PrincipalId, Known>,
        person: &Person,
        now: Timestamp,
    ) {
        let id = PrincipalId::user(&*person.name);
        let vouched = person.is_vouched_for(self.provisioning.contains(&person.provider), now);
        if let Some(declared) = known.get_mut(&id) {
            let bound = self.declared.get(&id).and_then(|d| d.provider.as_deref());
            if bound == Some(person.provider.as_str()) {
                declared.off |= person.inactive;
                if vouched {
                    declared.groups.extend(person.groups.iter().cloned());
                }
            }
            return;
        }
        let found = Known {
            source: Source::Provider(person.provider.clone()),
            groups: person.groups.clone(),
            owner: None,
            off: !vouched || self.disabled.contains(&id),
        };
        known.insert(id, found);
    }

    /// Those who are switched on, with owners filled in. An agent whose owner is not on is off as well.
    pub(crate) fn standing(&self, now: Timestamp) -> Vec<Principal> {
        let known = self.known(now);
        let on = |id: &PrincipalId| known.get(id).filter(|p| !p.off);
        let principal = |id: &PrincipalId, found: &Known| -> Option<Principal> {
            let owner = match (id.kind, &found.owner) {
                (PrincipalKind::Agent, Some(owner)) => Some(Box::new(Principal {
                    id: owner.clone(),
                    groups: on(owner)?.groups.clone(),
                    owner: None,
                })),
                (PrincipalKind::Agent, None) => return None,
                (PrincipalKind::User | PrincipalKind::Service, _) => None,
            };
            Some(Principal {
                id: id.clone(),
                groups: found.groups.clone(),
                owner,
            })
        };
        let standing = known.iter().filter(|(_, found)| !found.off);
        standing
            .filter_map(|(id, found)| principal(id, found))
            .collect()
    }

    /// Whether a name is taken, by whatever letter case: names that differ only in case are one name to a reader.
    pub(crate) fn is_taken(&self, id: &PrincipalId) -> bool {
        let same = |name: &str| name.eq_ignore_ascii_case(&id.name);
        let declared = self.declared.keys();
        let mut declared = declared.filter(|known| known.kind == id.kind);
        declared.any(|known| same(&known.name))
            || match id.kind {
                PrincipalKind::User => self.people.keys().any(|name| same(name)),
                PrincipalKind::Agent => self.agents.keys().any(|name| same(name)),
                PrincipalKind::Service => false,
            }
    }
}

/// An agent by name.
pub(crate) fn agent_id(name: &str) -> PrincipalId {
    PrincipalId {
        kind: PrincipalKind::Agent,
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn groups(names: &str) -> BTreeSet<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    fn declared(owner: Option<&str>, in_groups: &str, provider: Option<&str>) -> DeclaredPrincipal {
        DeclaredPrincipal {
            groups: groups(in_groups),
            owner: owner.map(PrincipalId::user),
            provider: provider.map(str::to_owned),
            disabled: false,
        }
    }

    fn person(name: &str, in_groups: &str, until: Option<i64>) -> Person {
        Person {
            name: name.into(),
            provider: "corp".into(),
            subject: Some(format!("sub-{name}")),
            email: None,
            display: None,
            groups: groups(in_groups),
            vouched_until: until.map(Timestamp),
            inactive: false,
            heard: NOW,
            provisioned: None,
        }
    }

    fn agent(name: &str, owner: &str, in_groups: Option<&str>) -> OwnedAgent {
        OwnedAgent {
            name: name.into(),
            owner: PrincipalId::user(owner),
            groups: in_groups.map(groups),
            created: NOW,
        }
    }

    fn roster() -> Roster {
        let mut roster = Roster::default();
        for (id, found) in [
            ("user:ada", declared(None, "eng", None)),
            ("user:dana", declared(None, "dba", Some("corp"))),
            ("service:job", declared(Some("ada"), "ci", None)),
            ("agent:bot", declared(Some("ada"), "eng ops", None)),
        ] {
            roster.declared.insert(id.parse().unwrap(), found);
        }
        for found in [
            person("ada", "admins", None),
            person("dana", "oncall", None),
            person("kim", "eng", Some(NOW.0 + 1)),
            person("lee", "eng", Some(NOW.0)),
        ] {
            roster.people.insert(found.name.clone(), found);
        }
        for found in [
            agent("helper", "kim", None),
            agent("reader", "dana", Some("oncall admins")),
            agent("bot", "kim", None),
        ] {
            roster.agents.insert(found.name.clone(), found);
        }
        roster
    }

    fn shown(roster: &Roster) -> Vec<String> {
        let show = |p: Principal| {
            let groups: Vec<_> = p.groups.into_iter().collect();
            let owner = p.owner.map(|o| format!(" of {}", o.id)).unwrap_or_default();
            format!("{} [{}]{owner}", p.id, groups.join(" "))
        };
        roster.standing(NOW).into_iter().map(show).collect()
    }

    #[test]
    fn each_stands_with_what_is_theirs() {
        let expected = [
            // A provider's word about a declared user counts only where the declaration says so.
            "user:ada [eng]",
            "user:dana [dba oncall]",
            "user:kim [eng]",
            "service:job [ci]",
            "agent:bot [eng ops] of user:ada",
            "agent:helper [eng] of user:kim",
            "agent:reader [oncall] of user:dana",
        ];
        assert_eq!(shown(&roster()), expected);
    }

    #[test]
    fn switching_somebody_off_takes_their_agents_along() {
        for (off, gone) in [
            ("user:ada", vec!["user:ada", "agent:bot"]),
            ("user:kim", vec!["user:kim", "agent:helper"]),
            ("agent:reader", vec!["agent:reader"]),
            ("service:job", vec!["service:job"]),
        ] {
            let mut roster = roster();
            let before = shown(&roster);
            roster.disabled.insert(off.parse().unwrap());
            let after = shown(&roster);
            let went: Vec<&str> = before
                .iter()
                .filter(|line| !after.contains(line))
                .filter_map(|line| line.split(' ').next())
                .collect();
            assert_eq!(went, gone, "{off}");
        }
        let mut roster = roster();
        roster.people.get_mut("dana").unwrap().inactive = true;
        let after = shown(&roster).join("\n");
        assert!(!after.contains("dana"), "{after}");
    }

    #[test]
    fn a_name_in_another_case_is_taken() {
        for (id, taken) in [
            ("user:Ada", true),
            ("user:KIM", true),
            ("agent:Helper", true),
            ("agent:kim", false),
            ("service:ada", false),
        ] {
            assert_eq!(roster().is_taken(&id.parse().unwrap()), taken, "{id}");
        }
    }
}
