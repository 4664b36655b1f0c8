//! SCIM 2.0 resources (RFC 7643) as JSON: filters and changes of them (RFC 7644).
//!
//! Attribute names are compared without regard to case, as the standard wants it. Everything is bounded: what a
//! provisioner sends is small.

mod filter;
mod patch;
#[cfg(test)]
mod tests;

pub use filter::Filter;
pub use patch::{Change, apply};

use serde_json::{Map, Value};

/// The schema of people.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// What companies keep of people besides.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The longest filter or path, in bytes.
pub const MAX_FILTER: usize = 2_048;

/// Why something cannot be done, by the names of RFC 7644, section 3.12.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScimError {
    /// The filter cannot be read.
    #[error("the filter cannot be read: {0}")]
    InvalidFilter(&'static str),
    /// The path cannot be read, or names nothing that there is.
    #[error("the path cannot be read: {0}")]
    InvalidPath(&'static str),
    /// The path selects nothing.
    #[error("the path selects nothing to change")]
    NoTarget,
    /// A value is missing or is of another type than expected.
    #[error("{0}")]
    InvalidValue(String),
    /// The request does not follow the schema.
    #[error("{0}")]
    InvalidSyntax(String),
    /// It cannot be changed.
    #[error("{0} cannot be changed")]
    Mutability(String),
}

impl ScimError {
    /// Its `scimType`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InvalidFilter(_) => "invalidFilter",
            Self::InvalidPath(_) => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue(_) => "invalidValue",
            Self::InvalidSyntax(_) => "invalidSyntax",
            Self::Mutability(_) => "mutability",
        }
    }
}

type Result<T> = std::result::Result<T, ScimError>;

/// An attribute, in whatever case it is written.
#[must_use]
pub fn get<'m>(object: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    let found = object.get(name);
    found.or_else(|| {
        let mut all = object.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The name under which an attribute stands, or the one that is given.
fn key_of(object: &Map<String, Value>, name: &str) -> String {
    let mut keys = object.keys();
    let same = keys.find(|key| key.eq_ignore_ascii_case(name));
    same.cloned().unwrap_or_else(|| name.to_owned())
}

/// Reads a JSON object in which no name stands twice, also in another case.
///
/// # Errors
/// It is none.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>> {
    let syntax =
        || ScimError::InvalidSyntax("expected a JSON object without repeated names".to_owned());
    let read = crate::json::object(bytes).ok_or_else(syntax)?;
    let value = Value::Object(read);
    match has_repeated_names(&value) {
        true => Err(syntax()),
        false => match value {
            Value::Object(object) => Ok(object),
            _ => Err(syntax()),
        },
    }
}

/// Nesting is bounded by the reader.
fn has_repeated_names(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            let mut names: Vec<String> = object.keys().map(|k| k.to_ascii_lowercase()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            names.len() < count || object.values().any(has_repeated_names)
        }
        Value::Array(items) => items.iter().any(has_repeated_names),
        _ => false,
    }
}
