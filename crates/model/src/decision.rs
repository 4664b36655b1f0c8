//! What the policy says.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The outcome for one operation. Every error on the way to one is a [`Decision::Deny`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Decision {
    /// It may run.
    Allow(Allowed),
    /// It may run once humans agree.
    Ask(Ask),
    /// It may not run.
    Deny(Denial),
}

/// Why an operation may run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The `@id`s of the policies that permitted it, sorted, each once.
    pub policies: Vec<String>,
}

/// Whose consent would let an operation run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The smallest sets of groups: one person of each group of any one set suffices, all distinct.
    pub group_sets: Vec<BTreeSet<String>>,
    /// How many distinct people must agree (at least the size of the smallest set, at least 1).
    pub people: u32,
    /// The `@id`s of the policies that would then permit it.
    pub policies: Vec<String>,
}

/// Why an operation may not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The `@id` of the policy that forbade it; `None` when no policy permits it.
    pub policy: Option<String>,
    /// The policy's `@message`, or what was missing, in words for the caller. Never holds data.
    pub message: String,
}
