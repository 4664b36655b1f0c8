//! What a protocol says about itself in one table: its name, its actions and its facts. The Cedar schema,
//! the docs and `sluice check` are made from it.

use crate::{ResourceKind, WayIn};

/// The type of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// `Fact::Bool`
    Bool,
    /// `Fact::Long`
    Long,
    /// `Fact::Text`
    Text,
    /// `Fact::Texts`
    Texts,
    /// `Fact::NamedTexts`
    NamedTexts,
    /// `Fact::NamedLongs`
    NamedLongs,
}

/// One fact that policies may ask about.
#[derive(Debug, Clone, Copy)]
pub struct FactSpec {
    /// The attribute's name.
    pub name: &'static str,
    /// Its type.
    pub kind: FactKind,
    /// Whether every operation has it. Policies must test for one that is not required with `has`.
    pub required: bool,
    /// One line for the docs.
    pub doc: &'static str,
}

/// One action.
#[derive(Debug, Clone, Copy)]
pub struct ActionSpec {
    /// Its name in policies.
    pub name: &'static str,
    /// The actions that it stands in (`sql:select` in `read`).
    pub groups: &'static [&'static str],
    /// What it can be done to.
    pub resources: &'static [ResourceKind],
    /// One line for the docs.
    pub doc: &'static str,
}

/// What a setting of a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A list of texts.
    Texts,
    /// An [`crate::IdentityHeader`].
    IdentityHeader,
}

impl SettingKind {
    /// What forms call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "flag",
            Self::Number => "number",
            Self::Texts => "texts",
            Self::IdentityHeader => "identity_header",
        }
    }
}

/// One setting of a connection: a field of [`crate::Settings`].
#[derive(Debug, Clone, Copy)]
pub struct SettingSpec {
    /// Its name below `settings:`.
    pub name: &'static str,
    /// What it takes.
    pub kind: SettingKind,
    /// One line for forms and the docs.
    pub doc: &'static str,
}

/// One protocol.
#[derive(Debug, Clone, Copy)]
pub struct ProtocolSpec {
    /// What `protocol:` in a connection says.
    pub name: &'static str,
    /// The port that a target has when its address gives none.
    pub default_port: u16,
    /// The name of its facts in the policy context, such as `sql`.
    pub fact_namespace: &'static str,
    /// Its facts.
    pub facts: &'static [FactSpec],
    /// Its own actions.
    pub actions: &'static [ActionSpec],
    /// Its own settings of a connection.
    pub settings: &'static [SettingSpec],
    /// Whether sessions are about a database of the target.
    pub has_databases: bool,
    /// Whether an account needs a user name.
    pub needs_username: bool,
    /// The ways in that its listener allows when the configuration does not say.
    pub ways_in: &'static [WayIn],
    /// One line for the docs.
    pub doc: &'static str,
}

/// The general actions, which one policy can use for every protocol. Those with resources are asked for
/// directly; the others only hold the protocols' own actions.
pub const GENERAL_ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "connect",
        groups: &[],
        resources: &[ResourceKind::Connection],
        doc: "open a session",
    },
    ActionSpec {
        name: "read",
        groups: &[],
        resources: &[],
        doc: "look at data",
    },
    ActionSpec {
        name: "write",
        groups: &[],
        resources: &[],
        doc: "add or change data",
    },
    ActionSpec {
        name: "delete",
        groups: &[],
        resources: &[],
        doc: "remove data",
    },
    ActionSpec {
        name: "define",
        groups: &[],
        resources: &[],
        doc: "create, change or drop what holds data",
    },
    ActionSpec {
        name: "administer",
        groups: &[],
        resources: &[],
        doc: "change the target itself: roles, settings, replication",
    },
    ActionSpec {
        name: "run",
        groups: &[],
        resources: &[],
        doc: "run code on the target",
    },
    ActionSpec {
        name: "reveal",
        groups: &[],
        resources: &[ResourceKind::Column, ResourceKind::DataClass],
        doc: "see values of a data class in clear",
    },
    ActionSpec {
        name: "search",
        groups: &[],
        resources: &[ResourceKind::Column],
        doc: "use a column of a data class in a predicate, an order or a join",
    },
    ActionSpec {
        name: "watch",
        groups: &[],
        resources: &[ResourceKind::Connection],
        doc: "replay the record of somebody's session, or follow it live",
    },
];
