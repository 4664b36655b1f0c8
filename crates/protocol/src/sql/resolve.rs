//! From names as written to accesses, facts and the columns that an answer carries.

use sluice_model::{Access, Facts};

use super::Statement;

/// What a `FROM` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A table, also partitioned or foreign.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A sequence.
    Sequence,
    /// An index or a composite type: cannot be read from.
    Other,
}

/// A relation that exists on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// What it is.
    pub kind: RelationKind,
    /// The names of its columns, in order, without dropped and system columns.
    pub columns: Vec<String>,
}

/// The most changeable of all routines of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Depends on its arguments only.
    Immutable,
    /// Reads the database, but changes nothing.
    Stable,
    /// Can do anything.
    Volatile,
}

/// What exists on the target, as last seen. Names are exact (lower case unless they were quoted).
pub trait Catalog {
    /// A relation; `pg_temp` is the schema of the session's own temporary tables.
    fn relation(&self, schema: &str, name: &str) -> Option<&Relation>;
    /// A routine by name: of several with that name, the most changeable.
    fn routine(&self, schema: &str, name: &str) -> Option<Volatility>;
}

/// Where names without a schema are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameScope {
    /// The session's database.
    pub database: String,
    /// The search path as set, with `"$user"` replaced by the account's user name. `pg_temp` and `pg_catalog`
    /// come first where they are not listed.
    pub search_path: Vec<String>,
}

/// A column, or all of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnPart {
    /// One column.
    Named(String),
    /// Any column of the table.
    All,
}

/// A column that a value may come from. A part that is not known is `None` and stands for any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnMention {
    /// The schema of its table.
    pub schema: Option<String>,
    /// Its table.
    pub table: Option<String>,
    /// Its name.
    pub column: ColumnPart,
}

/// Where one column of the answer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A bare column. When the server's own answer names its table and column, that is the origin; when it does
    /// not (the column of a subquery may be computed), these are.
    Plain(Vec<ColumnMention>),
    /// `*` over something whose columns are not known: any number of columns, each from any of these.
    Star(Vec<ColumnMention>),
    /// Computed from these columns (none: from constants and harmless routines).
    Derived(Vec<ColumnMention>),
    /// Passed through a routine that is not known to be harmless: can be anything, and at least these.
    Opaque(Vec<ColumnMention>),
}

/// A statement whose names are resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Everything that it needs, each once. Never empty.
    pub accesses: Vec<Access>,
    /// What policies may ask about it.
    pub facts: Facts,
    /// The columns of its answer, in order; empty when it has none, or when they are those of a prepared
    /// statement or cursor (see its effects).
    pub outputs: Vec<Output>,
    /// Some output is [`Output::Star`]: positions after it cannot be told.
    pub star: bool,
    /// Everything that any output may come from: for when positions do not match the answer.
    pub carried: Vec<ColumnMention>,
    /// The columns used in predicates, orders, groups and joins.
    pub searched: Vec<ColumnMention>,
    /// The columns whose values go somewhere other than the answer.
    pub copied: Vec<ColumnMention>,
    /// Something that it names was not found: the catalog may be old. The accesses then name the first schema
    /// of the search path.
    pub unresolved: bool,
}

/// Finds what a statement's names mean.
#[must_use]
pub fn resolve(statement: &Statement, catalog: &dyn Catalog, scope: &NameScope) -> Resolved {
    let _ = (statement, catalog, scope);
    Resolved {
        accesses: Vec::new(),
        facts: Facts::default(),
        outputs: Vec::new(),
        star: false,
        carried: Vec::new(),
        searched: Vec::new(),
        copied: Vec::new(),
        unresolved: true,
    }
}
