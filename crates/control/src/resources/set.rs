//! A set of resources, each as the store keeps it, and the typed view of it.

use crate::identity::issuers::DeclaredIssuer;
use crate::identity::provider::DeclaredProvider;
use crate::notify::Notifier;
use serde::{Deserialize, Serialize};
use sluice_model::{Connection, DataClass, PrincipalId, PrincipalKind};
use sluice_policy::{PolicySource, TrustedIssuer};
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
    TrustedIssuer,
    IdentityProvider,
    Notifier,
    PolicyTest,
    /// One file of policies; its name is the file's path.
    Policy,
}

impl Kind {
    /// What `kind:` in a YAML document may say.
    pub(crate) const DECLARED: [Self; 9] = [
        Self::Connection,
        Self::DataClass,
        Self::User,
        Self::Service,
        Self::Agent,
        Self::TrustedIssuer,
        Self::IdentityProvider,
        Self::Notifier,
        Self::PolicyTest,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "Connection",
            Self::DataClass => "DataClass",
            Self::User => "User",
            Self::Service => "Service",
            Self::Agent => "Agent",
            Self::TrustedIssuer => "TrustedIssuer",
            Self::IdentityProvider => "IdentityProvider",
            Self::Notifier => "Notifier",
            Self::PolicyTest => "PolicyTest",
            Self::Policy => "Policy",
        }
    }

    /// The kind of principal that it declares.
    pub(crate) fn principal(self) -> Option<PrincipalKind> {
        match self {
            Self::User => Some(PrincipalKind::User),
            Self::Service => Some(PrincipalKind::Service),
            Self::Agent => Some(PrincipalKind::Agent),
            Self::Connection
            | Self::DataClass
            | Self::TrustedIssuer
            | Self::IdentityProvider
            | Self::Notifier
            | Self::PolicyTest
            | Self::Policy => None,
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

/// `kind: User`, `kind: Service` and `kind: Agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    /// Of an agent or a service: the user who answers for it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Of a user: the identity provider that they may sign in through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) disabled: bool,
}

/// What a policy test expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expected {
    Allow,
    Ask,
    Deny,
}

impl Expected {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// `kind: PolicyTest`: what an operation is to come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyTest {
    pub(crate) name: String,
    pub(crate) principal: PrincipalId,
    pub(crate) connection: String,
    /// The default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<String>,
    /// As for `sluice explain`; `(connect)` is opening a session.
    pub(crate) operation: String,
    pub(crate) expect: Expected,
    /// The `@id` of a policy that has to be among those that decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
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
    /// Who answers for it: of agents, and of services where that was said.
    pub(crate) owner: Option<PrincipalId>,
    /// Of a user: the identity provider that they may sign in through.
    pub(crate) provider: Option<String>,
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

    pub(crate) fn declared_issuers(&self) -> Vec<DeclaredIssuer> {
        self.typed(Kind::TrustedIssuer)
    }

    pub(crate) fn identity_providers(&self) -> Vec<DeclaredProvider> {
        self.typed(Kind::IdentityProvider)
    }

    pub(crate) fn notifiers(&self) -> Vec<Notifier> {
        self.typed(Kind::Notifier)
    }

    /// The policy tests, by name.
    pub(crate) fn policy_tests(&self) -> Vec<PolicyTest> {
        self.typed(Kind::PolicyTest)
    }

    /// The names of those that provision people.
    pub(crate) fn provisioning(&self) -> BTreeSet<String> {
        let providers = self.identity_providers().into_iter();
        let provisioning = providers.filter(|p| p.scim.is_some());
        provisioning.map(|p| p.name).collect()
    }

    /// The trusted issuers as decisions see them.
    pub(crate) fn trusted_issuers(&self) -> Vec<TrustedIssuer> {
        let declared = self.declared_issuers();
        declared.iter().filter_map(DeclaredIssuer::rules).collect()
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
                    provider: declared.provider,
                    disabled: declared.disabled,
                };
                found.insert(id, principal);
            }
        }
        found
    }
}
