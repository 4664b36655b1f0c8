//! What an operation needs: (action, resource) pairs.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The name of an action as policies write it, such as `read` or `sql:select`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Action(Cow<'static, str>);

impl Action {
    /// An action named by a constant of a protocol table.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The entity types that a [`Resource`] can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// The connection itself.
    Connection,
    /// A database on the target.
    Database,
    /// A schema in a database.
    Schema,
    /// A table, view, sequence or foreign table.
    Table,
    /// A function or procedure.
    Routine,
    /// A column of a table.
    Column,
    /// What a path of a service leads to.
    Endpoint,
    /// A data class, for values found by a detector rather than in a known column.
    DataClass,
}

/// What is acted on. The connection is the session's; a resource never names another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The session's connection.
    Connection,
    /// A database.
    Database {
        /// Its name.
        database: String,
    },
    /// A schema.
    Schema {
        /// The database it is in.
        database: String,
        /// Its name.
        schema: String,
    },
    /// A table or whatever else a `FROM` can name.
    Table {
        /// The database it is in.
        database: String,
        /// The schema it is in.
        schema: String,
        /// Its name.
        table: String,
    },
    /// A function or procedure.
    Routine {
        /// The database it is in.
        database: String,
        /// The schema it is in.
        schema: String,
        /// Its name, without argument types.
        routine: String,
    },
    /// A column.
    Column {
        /// The database it is in.
        database: String,
        /// The schema of its table.
        schema: String,
        /// Its table.
        table: String,
        /// Its name.
        column: String,
    },
    /// What a path of a service leads to: each part is in the one before it.
    Endpoint {
        /// The parts of the path, decoded. A part in braces stands for any one (`orders/{id}`), where a description of
        /// the service says so. A slash at the end makes no part.
        parts: Vec<String>,
    },
    /// A data class by name.
    DataClass {
        /// Its name.
        name: String,
    },
}

impl Resource {
    /// Which entity type this is.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::Connection => ResourceKind::Connection,
            Self::Database { .. } => ResourceKind::Database,
            Self::Schema { .. } => ResourceKind::Schema,
            Self::Table { .. } => ResourceKind::Table,
            Self::Routine { .. } => ResourceKind::Routine,
            Self::Column { .. } => ResourceKind::Column,
            Self::Endpoint { .. } => ResourceKind::Endpoint,
            Self::DataClass { .. } => ResourceKind::DataClass,
        }
    }
}

impl fmt::Display for Resource {
    /// The path below the connection, as people write it: `public.customers.ssn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection"),
            Self::Database { database } => write!(f, "database {database}"),
            Self::Schema { schema, .. } => write!(f, "schema {schema}"),
            Self::Table { schema, table, .. } => write!(f, "table {schema}.{table}"),
            Self::Routine {
                schema, routine, ..
            } => write!(f, "routine {schema}.{routine}"),
            Self::Column {
                schema,
                table,
                column,
                ..
            } => {
                write!(f, "column {schema}.{table}.{column}")
            }
            Self::Endpoint { parts } => write!(f, "endpoint /{}", parts.join("/")),
            Self::DataClass { name } => write!(f, "data class {name}"),
        }
    }
}

/// One thing that an operation needs. The operation is allowed only if every access is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Access {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
}
