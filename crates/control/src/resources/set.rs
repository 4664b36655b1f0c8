//! A set of resources, each as the store keeps it, and the typed view of it.

use serde::{Deserialize, Serialize};
use sluice_model::{Connection, DataClass, Principal, PrincipalId, PrincipalKind};
use sluice_policy::PolicySource;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Connection,
    DataClass,
    User,
    Service,
    Agent,
    /// One file of policies; its name is the file's path.
    Policy,
}

impl Kind {
    /// What `kind:` in a YAML document may say.
    pub(crate) const DECLARED: [Self; 5] = [
        Self::Connection,
        Self::DataClass,
        Self::User,
        Self::Service,
        Self::Agent,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "Connection",
            Self::DataClass => "DataClass",
            Self::User => "User",
            Self::Service => "Service",
            Self::Agent => "Agent",
            Self::Policy => "Policy",
        }
    }

    /// The kind of principal that it declares.
    pub(crate) fn principal(self) -> Option<PrincipalKind> {
        match self {
            Self::User => Some(PrincipalKind::User),
            Self::Service => Some(PrincipalKind::Service),
            Self::Agent => Some(PrincipalKind::Agent),
            Self::Connection | Self::DataClass | Self::Policy => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        let all = Self::DECLARED.into_iter().chain([Self::Policy]);
        all.into_iter().find(|k| k.as_str() == s).ok_or(())
    }
}

/// `kind: User` and `kind: Service`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    /// Of an agent: the user who answers for it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) disabled: bool,
}

/// One resource as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resource {
    /// Its content; of a policy file, the text.
    pub(crate) body: serde_json::Value,
    /// The file that it was applied from.
    pub(crate) source: String,
}

/// Resources by kind and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ResourceSet(pub(crate) BTreeMap<(Kind, String), Resource>);

/// A principal as the resources declare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeclaredPrincipal {
    pub(crate) groups: BTreeSet<String>,
    pub(crate) owner: Option<PrincipalId>,
    pub(crate) disabled: bool,
}

impl ResourceSet {
    /// What it says of one kind. A row that does not fit its kind is left out: it was checked when it came in,
    /// and leaving out only ever takes rights away.
    fn typed<T: serde::de::DeserializeOwned>(&self, kind: Kind) -> Vec<T> {
        let of_kind = self.0.iter().filter(|((k, _), _)| *k == kind);
        of_kind
            .filter_map(|(_, r)| serde_json::from_value(r.body.clone()).ok())
            .collect()
    }

    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.typed(Kind::Connection)
    }

    pub(crate) fn data_classes(&self) -> Vec<DataClass> {
        self.typed(Kind::DataClass)
    }

    pub(crate) fn policies(&self) -> Vec<PolicySource> {
        let files = self.0.iter().filter(|((k, _), _)| *k == Kind::Policy);
        files
            .filter_map(|((_, name), r)| {
                let text = r.body.as_str()?.to_owned();
                Some(PolicySource {
                    file: name.clone(),
                    text,
                })
            })
            .collect()
    }

    pub(crate) fn principals(&self) -> BTreeMap<PrincipalId, DeclaredPrincipal> {
        let mut found = BTreeMap::new();
        for kind in [Kind::User, Kind::Service, Kind::Agent] {
            let Some(principal_kind) = kind.principal() else {
                continue;
            };
            for declared in self.typed::<Declared>(kind) {
                let id = PrincipalId {
                    kind: principal_kind,
                    name: declared.name,
                };
                let principal = DeclaredPrincipal {
                    groups: declared.groups,
                    owner: declared.owner.map(PrincipalId::user),
                    disabled: declared.disabled,
                };
                found.insert(id, principal);
            }
        }
        found
    }
}

/// The principals that are switched on, with owners filled in. An agent whose owner is not on is off as well.
pub(crate) fn standing_principals(
    declared: &BTreeMap<PrincipalId, DeclaredPrincipal>,
    disabled: &BTreeSet<PrincipalId>,
) -> Vec<Principal> {
    let on = |id: &PrincipalId| {
        declared
            .get(id)
            .filter(|p| !p.disabled && !disabled.contains(id))
    };
    let mut principals = Vec::new();
    for id in declared.keys() {
        let Some(principal) = on(id) else { continue };
        let owner = match &principal.owner {
            None => None,
            Some(owner_id) => match on(owner_id) {
                None => continue,
                Some(owner) => Some(Box::new(Principal {
                    id: owner_id.clone(),
                    groups: owner.groups.clone(),
                    owner: None,
                })),
            },
        };
        principals.push(Principal {
            id: id.clone(),
            groups: principal.groups.clone(),
            owner,
        });
    }
    principals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_off_when_its_owner_is() {
        let user = |on: bool| DeclaredPrincipal {
            groups: BTreeSet::new(),
            owner: None,
            disabled: !on,
        };
        let ada = PrincipalId::user("ada");
        let bot = PrincipalId {
            kind: PrincipalKind::Agent,
            name: "bot".into(),
        };
        let agent = DeclaredPrincipal {
            owner: Some(ada.clone()),
            ..user(true)
        };
        let names = |declared: &BTreeMap<_, _>, off: &[&PrincipalId]| {
            let off = off.iter().map(|p| (*p).clone()).collect();
            standing_principals(declared, &off)
                .iter()
                .map(|p| p.id.to_string())
                .collect::<Vec<_>>()
        };
        let both = BTreeMap::from([(ada.clone(), user(true)), (bot.clone(), agent.clone())]);
        assert_eq!(names(&both, &[]), ["user:ada", "agent:bot"]);
        assert_eq!(names(&both, &[&bot]), ["user:ada"]);
        assert_eq!(names(&both, &[&ada]), Vec::<String>::new());
        assert_eq!(
            names(&BTreeMap::from([(bot, agent)]), &[]),
            Vec::<String>::new()
        );
    }
}
