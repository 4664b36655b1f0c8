//! Which of PostgreSQL's own routines are harmless to call.

/// What calling a routine of `pg_catalog` can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Computes a value from its arguments, or tells of the session or the catalog.
    Harmless,
    /// Advances or sets a sequence.
    Sequence,
    /// Changes a setting by name.
    Setting,
    /// Reaches files, other servers, other sessions, or runs a query given as text.
    Dangerous,
    /// Not listed: its volatility in the catalog decides.
    Unlisted,
}

/// What is known of a routine of `pg_catalog` by name alone.
#[must_use]
pub fn builtin_risk(name: &str) -> Risk {
    let _ = name;
    Risk::Unlisted
}
