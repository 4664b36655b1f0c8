//! What a statement names, as it was written: nothing here has been looked up.

/// A name as written, with the quotes gone and unquoted letters in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The schema, when it was written.
    pub schema: Option<String>,
    /// The last part.
    pub name: String,
}

impl Name {
    /// A name without a schema.
    #[must_use]
    pub fn bare(name: &str) -> Self {
        Self {
            schema: None,
            name: name.to_owned(),
        }
    }
}

/// What an access is about, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The session's database.
    Database,
    /// A database by name.
    OtherDatabase(String),
    /// A schema by name.
    Schema(String),
    /// The schema of a thing that is neither a table nor a routine, such as a type or an index.
    SchemaOf(Name),
    /// A table, view, sequence or foreign table that exists already.
    Table(Name),
    /// One that this statement makes: found in the first schema of the search path, not looked up.
    NewTable(Name),
    /// One that this statement makes for the session only.
    TemporaryTable(String),
    /// A function or procedure.
    Routine(Name),
}

/// One access, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Use {
    /// The action, one of [`super::ACTIONS`].
    pub action: &'static str,
    /// What it is done to.
    pub target: Target,
}

/// A routine that a statement calls, or could be calling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoutineUse {
    /// Its name as written.
    pub name: Name,
    /// It was written as an attribute (`c.upper`), which is a call only when such a routine exists.
    pub attribute: bool,
}
