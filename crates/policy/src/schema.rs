//! The Cedar schema, made from the protocol table, and the listing of everything that policies can name.
//!
//! Entity ids: `User`, `Service`, `Agent`, `Group`, `Environment`, `Connection` and `DataClass` are plain names, a
//! `Label` is `key=value`, and what lies under a connection is a path: `Database::"shop/app"`,
//! `Table::"shop/app/public/orders"`, `Column::"shop/app/public/orders/note"`. A `/` in a part is written `%2F` and
//! a `%` is written `%25`.

use serde::Serialize;
use sluice_model::{ActionSpec, FactKind, FactSpec, GENERAL_ACTIONS, ProtocolSpec, ResourceKind};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One action as `sluice check` and the docs list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionListing {
    /// Its name in policies.
    pub name: &'static str,
    /// The protocol that it belongs to; `None` for the general ones.
    pub protocol: Option<&'static str>,
    /// The actions that it stands in.
    pub groups: Vec<&'static str>,
    /// The entity types that it can be done to; empty for one that only holds others.
    pub resources: Vec<&'static str>,
    /// One line about it.
    pub doc: &'static str,
}

/// Every action that policies can name: the general ones, then each protocol's own.
#[must_use]
pub fn actions(protocols: &[ProtocolSpec]) -> Vec<ActionListing> {
    let listing = |protocol: Option<&'static str>, spec: &ActionSpec| ActionListing {
        name: spec.name,
        protocol,
        groups: spec.groups.to_vec(),
        resources: spec.resources.iter().copied().map(type_name).collect(),
        doc: spec.doc,
    };
    let mut out: Vec<ActionListing> = GENERAL_ACTIONS.iter().map(|a| listing(None, a)).collect();
    for protocol in protocols {
        for action in protocol.actions {
            match out.iter_mut().find(|known| known.name == action.name) {
                // Protocols that share a language share its actions.
                Some(known) => {
                    let more = action.resources.iter().copied().map(type_name);
                    for resource in more {
                        if !known.resources.contains(&resource) {
                            known.resources.push(resource);
                        }
                    }
                }
                None => out.push(listing(Some(protocol.name), action)),
            }
        }
    }
    out
}

/// The entity types with one line each.
#[must_use]
pub fn entity_types() -> &'static [(&'static str, &'static str)] {
    &[
        ("User", "a person, in Groups"),
        ("Service", "a CI job or service account, in Groups"),
        (
            "Agent",
            "an AI agent, in Groups; principal.owner is its User",
        ),
        (
            "Group",
            "a group of principals, from the identity provider or the files",
        ),
        (
            "Connection",
            "a registered target, in its Environment and Labels",
        ),
        ("Environment", "what a connection's `environment` says"),
        ("Label", "one label of a connection, as key=value"),
        ("Database", "connection/database, in its Connection"),
        ("Schema", "connection/database/schema, in its Database"),
        ("Table", "connection/database/schema/table, in its Schema"),
        (
            "Routine",
            "connection/database/schema/routine, in its Schema",
        ),
        (
            "Column",
            "connection/database/schema/table/column, in its Table and DataClasses",
        ),
        (
            "Endpoint",
            "connection/part/of/the/path, in the Endpoints of the shorter paths",
        ),
        (
            "NamedTexts",
            "texts by name: context.x.hasTag(\"a.b\") && context.x.getTag(\"a.b\") == \"c\"",
        ),
        ("NamedLongs", "whole numbers by name, in the same way"),
        (
            "DataClass",
            "a data class, in the Connection that it is seen through",
        ),
    ]
}

/// The entity type of a resource.
pub(crate) fn type_name(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Connection => "Connection",
        ResourceKind::Database => "Database",
        ResourceKind::Schema => "Schema",
        ResourceKind::Table => "Table",
        ResourceKind::Routine => "Routine",
        ResourceKind::Column => "Column",
        ResourceKind::Endpoint => "Endpoint",
        ResourceKind::DataClass => "DataClass",
    }
}

const ENTITIES: &str = "\
entity Group;
entity User, Service in [Group];
entity Agent in [Group] { owner: User };
entity Environment;
entity Label;
entity Connection in [Environment, Label];
entity DataClass in [Connection];
entity Database in [Connection];
entity Schema in [Database];
entity Table, Routine in [Schema];
entity Column in [Table, DataClass];
entity Endpoint in [Endpoint, Connection];
entity NamedTexts tags String;
entity NamedLongs tags Long;
type Client = { address: ipaddr, application?: String };
type Clock = { hour: Long, minute: Long, weekday: Long };
";

const CONTEXT: &str = "now: datetime, clock: Clock, client: Client, approved_by: Set<Group>, approvals: Long, \
reason?: String, break_glass: Bool, account: String, database: String";

/// The name of the context of the general actions, where every protocol's facts are optional.
const GENERAL: &str = "general";

/// The schema in Cedar's own syntax.
pub(crate) fn text(protocols: &[ProtocolSpec]) -> String {
    let mut out = String::from(ENTITIES);
    let facts: BTreeMap<&str, &[FactSpec]> = protocols
        .iter()
        .filter(|p| !p.fact_namespace.is_empty())
        .map(|p| (p.fact_namespace, p.facts))
        .collect();
    for (namespace, specs) in &facts {
        let fields: Vec<String> = specs.iter().map(field).collect();
        let _ = writeln!(out, "type {namespace}_facts = {{ {} }};", fields.join(", "));
    }
    for context in std::iter::once(GENERAL).chain(facts.keys().copied()) {
        let _ = write!(out, "type {context}_context = {{ {CONTEXT}");
        for namespace in facts.keys() {
            let optional = if *namespace == context { "" } else { "?" };
            let _ = write!(out, ", {namespace}{optional}: {namespace}_facts");
        }
        out.push_str(" };\n");
    }
    for action in actions(protocols) {
        let _ = write!(out, "action {:?}", action.name);
        if !action.groups.is_empty() {
            let _ = write!(out, " in {:?}", action.groups);
        }
        if !action.resources.is_empty() {
            let context = protocols
                .iter()
                .find(|p| action.protocol == Some(p.name))
                .map(|p| p.fact_namespace)
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or(GENERAL);
            let _ = write!(
                out,
                " appliesTo {{ principal: [User, Service, Agent], resource: [{}], context: {context}_context }}",
                action.resources.join(", ")
            );
        }
        out.push_str(";\n");
    }
    out
}

fn field(spec: &FactSpec) -> String {
    let kind = match spec.kind {
        FactKind::Bool => "Bool",
        FactKind::Long => "Long",
        FactKind::Text => "String",
        FactKind::Texts => "Set<String>",
        FactKind::NamedTexts => "NamedTexts",
        FactKind::NamedLongs => "NamedLongs",
    };
    let optional = if spec.required { "" } else { "?" };
    format!("{}{optional}: {kind}", spec.name)
}

/// Every action's name with all that it stands in, itself included.
pub(crate) fn closure(protocols: &[ProtocolSpec]) -> BTreeMap<String, Vec<String>> {
    let listing = actions(protocols);
    let groups_of = |name: &str| {
        listing
            .iter()
            .find(|a| a.name == name)
            .map_or(&[][..], |a| a.groups.as_slice())
    };
    listing
        .iter()
        .map(|action| {
            let mut all = vec![action.name];
            let mut next = 0;
            while let Some(name) = all.get(next).copied() {
                for group in groups_of(name) {
                    if !all.contains(group) {
                        all.push(group);
                    }
                }
                next += 1;
            }
            (
                action.name.to_owned(),
                all.into_iter().map(ToOwned::to_owned).collect(),
            )
        })
        .collect()
}
