//! A named kind of sensitive data: how it is recognised and how it is masked.

use serde::{Deserialize, Serialize};

/// A pattern over `[schema.]table.column`, or over the bare column name when it has no dot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnPattern {
    /// A glob: `*` matches any run of characters within one part, case-insensitively.
    Glob(String),
    /// A regular expression over `schema.table.column`, case-insensitive, matched anywhere.
    Regex {
        /// The expression.
        regex: String,
    },
}

/// How a value is masked. The column's wire type stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// A fixed text or the type's neutral value.
    #[default]
    Redact,
    /// SQL NULL.
    Null,
    /// A text given here (the type's neutral value where a text does not fit).
    Constant(String),
    /// The first N letters and digits stay; the other letters and digits become `*`.
    KeepFirst(u16),
    /// The last N letters and digits stay; the other letters and digits become `*`.
    KeepLast(u16),
    /// A keyed hash: equal values stay equal, and cannot be guessed without the key.
    Hash,
}

/// `kind: DataClass`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataClass {
    /// Its name, as in `DataClass::"ssn"`.
    pub name: String,
    /// Columns that hold it.
    #[serde(default)]
    pub columns: Vec<ColumnPattern>,
    /// Fields of documents that hold it, by the names that lead to them: `customer.ssn` is a field `ssn` in anything
    /// called `customer`, and `$.customer.ssn` only that of the whole document. Lists add no name, and `*` matches any
    /// run of characters within one. Columns of answers are fields as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Detectors that find it in values, by name.
    #[serde(default)]
    pub detectors: Vec<String>,
    /// How it is masked.
    #[serde(default)]
    pub mask: Mask,
}
