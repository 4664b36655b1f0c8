//! Who acts.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The three kinds of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A CI job or service account.
    Service,
    /// An AI agent; always has an owner.
    Agent,
}

impl PrincipalKind {
    /// The entity type in policies.
    #[must_use]
    pub fn entity_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Service => "Service",
            Self::Agent => "Agent",
        }
    }
}

/// A principal by name, written `user:ada`. Names compare byte for byte: `Bob` is not `bob`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalId {
    /// The kind before the colon.
    pub kind: PrincipalKind,
    /// The name after it.
    pub name: String,
}

impl PrincipalId {
    /// A user by name.
    #[must_use]
    pub fn user(name: impl Into<String>) -> Self {
        Self {
            kind: PrincipalKind::User,
            name: name.into(),
        }
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PrincipalKind::User => "user",
            PrincipalKind::Service => "service",
            PrincipalKind::Agent => "agent",
        };
        write!(f, "{kind}:{}", self.name)
    }
}

impl FromStr for PrincipalId {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let expected = || format!("expected user:NAME, service:NAME or agent:NAME, got {s:?}");
        let (kind, name) = s.split_once(':').ok_or_else(expected)?;
        let kind = match kind {
            "user" => PrincipalKind::User,
            "service" => PrincipalKind::Service,
            "agent" => PrincipalKind::Agent,
            _ => return Err(expected()),
        };
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(expected());
        }
        Ok(Self {
            kind,
            name: name.into(),
        })
    }
}

impl TryFrom<String> for PrincipalId {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<PrincipalId> for String {
    fn from(id: PrincipalId) -> String {
        id.to_string()
    }
}

/// A principal as decisions see it. Only a listed principal exists; a disabled one is not handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Kind and name.
    pub id: PrincipalId,
    /// Names of the groups it is in.
    pub groups: BTreeSet<String>,
    /// The owner of an agent (`None` for users and services).
    pub owner: Option<Box<Principal>>,
}
