//! Policy files as text, and what is wrong with them in words.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySource {
    /// What messages call it: a path relative to the resources folder.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// One thing that keeps a snapshot from being built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file; empty when the problem is not in a policy file.
    pub file: String,
    /// The line from 1; 0 when there is no place to point at.
    pub line: u32,
    /// The column in characters from 1; 0 when there is no place to point at.
    pub column: u32,
    /// The `@id` of the policy, once it is known.
    pub policy: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, or a name that was probably meant.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    /// `file:line:column: message (help)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if !self.file.is_empty() || self.line > 0 {
            f.write_str(" ")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "policy {policy:?}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}
