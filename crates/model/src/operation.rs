//! The unit that is decided.

use crate::Access;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One value that a protocol knows about an operation, offered to policies under the protocol's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// A text.
    Text(String),
    /// A set of texts.
    Texts(BTreeSet<String>),
    /// Texts by name, which policies read as tags.
    NamedTexts(BTreeMap<String, String>),
    /// Whole numbers by name, which policies read as tags.
    NamedLongs(BTreeMap<String, i64>),
}

/// What a protocol knows about an operation: `context.sql.has_where` is `facts["has_where"]` of namespace `sql`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Facts {
    /// The record's name in the policy context, such as `sql`; empty when there are no facts.
    pub namespace: String,
    /// The attributes of that record.
    pub values: BTreeMap<String, Fact>,
}

/// One SQL statement, HTTP request, SSH channel request: whatever the protocol decides at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// As the client sent it, for records and approvers.
    pub text: Arc<str>,
    /// Everything it needs. Never empty for an operation that does anything.
    pub accesses: Vec<Access>,
    /// What policies may ask about it.
    pub facts: Facts,
}
