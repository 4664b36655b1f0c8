//! From names as written to accesses, facts and the columns that an answer carries.

use std::collections::{BTreeMap, BTreeSet};

use sluice_model::{Access, Action, Fact, Facts, Resource};

use super::columns::Columns;
use super::lineage::Answer;
use super::scope::{BUILTIN, Calling, Names};
use super::{Effect, FACT_NAMESPACE, Name, Statement, Target, actions};

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
    /// Passed through a routine that is not known to be harmless, or read from the server's statistics of
    /// values: can be anything, and at least these.
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
    /// The columns whose values decide over more than themselves: used in predicates, orders, groups and joins,
    /// compared by DISTINCT or a set operation, or in an expression that fails, is NULL or gives another number of
    /// rows depending on them.
    pub searched: Vec<ColumnMention>,
    /// The columns whose values go somewhere other than the answer, or that get another name.
    pub copied: Vec<ColumnMention>,
    /// Something that it names was not found: the catalog may be old. The accesses then name the first schema
    /// of the search path.
    pub unresolved: bool,
}

/// Finds what a statement's names mean.
#[must_use]
pub fn resolve(statement: &Statement, catalog: &dyn Catalog, scope: &NameScope) -> Resolved {
    let names = Names::new(catalog, scope);
    let mut needs = Needs {
        names: &names,
        accesses: BTreeSet::new(),
        tables: BTreeSet::new(),
        unresolved: false,
    };
    for used in &statement.uses {
        let resource = needs.resource(&used.target);
        needs.accesses.insert(Access {
            action: Action::new(used.action),
            resource,
        });
    }
    let callings: Vec<Calling> = statement
        .routines
        .iter()
        .map(|routine| names.calling(&routine.name, routine.attribute))
        .collect();
    for (routine, calling) in statement.routines.iter().zip(&callings) {
        needs.call(&routine.name.name, calling);
    }
    let mut columns = Columns::new(&statement.lineage, &names, &callings, &statement.routines);
    let attributes = columns.run();
    needs.unresolved |= columns.is_missing_one();
    for attribute in attributes {
        let calling = names.calling(&Name::bare(&attribute), true);
        needs.call(&attribute, &calling);
    }
    let outputs = match &statement.lineage.answer {
        Answer::None => Vec::new(),
        Answer::Level(level) => columns.outputs(*level),
        Answer::Harmless => vec![Output::Star(Vec::new())],
        Answer::Opaque => vec![Output::Opaque(columns.everything())],
    };
    let star = outputs
        .iter()
        .any(|output| matches!(output, Output::Star(_)));
    let carried: BTreeSet<ColumnMention> = outputs
        .iter()
        .flat_map(|output| match output {
            Output::Plain(from)
            | Output::Star(from)
            | Output::Derived(from)
            | Output::Opaque(from) => from,
        })
        .cloned()
        .collect();
    Resolved {
        facts: facts(statement, std::mem::take(&mut needs.tables)),
        accesses: needs.accesses.into_iter().collect(),
        outputs,
        star,
        carried: carried.into_iter().collect(),
        searched: columns.searched(),
        copied: columns.copied(),
        unresolved: needs.unresolved,
    }
}

struct Needs<'n, 'c> {
    names: &'n Names<'c>,
    accesses: BTreeSet<Access>,
    tables: BTreeSet<String>,
    unresolved: bool,
}

impl Needs<'_, '_> {
    fn database(&self) -> String {
        self.names.scope.database.clone()
    }

    fn table(&mut self, schema: String, table: String) -> Resource {
        self.tables.insert(format!("{schema}.{table}"));
        Resource::Table {
            database: self.database(),
            schema,
            table,
        }
    }

    fn resource(&mut self, target: &Target) -> Resource {
        let schema_of = |name: &Name| {
            name.schema
                .clone()
                .unwrap_or_else(|| self.names.first_schema())
        };
        match target {
            Target::Database => Resource::Database {
                database: self.database(),
            },
            Target::OtherDatabase(database) => Resource::Database {
                database: database.clone(),
            },
            Target::Schema(schema) => Resource::Schema {
                database: self.database(),
                schema: schema.clone(),
            },
            Target::SchemaOf(name) => Resource::Schema {
                database: self.database(),
                schema: schema_of(name),
            },
            Target::NewTable(name) => {
                let schema = schema_of(name);
                self.table(schema, name.name.clone())
            }
            Target::TemporaryTable(name) => self.table("pg_temp".to_owned(), name.clone()),
            Target::Table(name) => {
                let found = self.names.relation(name);
                self.unresolved |= found.relation.is_none();
                self.table(found.schema.clone(), found.name.clone())
            }
            Target::Routine(name) => {
                let schema = match (&name.schema, self.names.calling(name, false)) {
                    (Some(schema), _) => schema.clone(),
                    (None, Calling::Runs { schema, known }) => {
                        self.unresolved |= !known;
                        schema
                    }
                    (None, _) => BUILTIN.to_owned(),
                };
                Resource::Routine {
                    database: self.database(),
                    schema,
                    routine: name.name.clone(),
                }
            }
        }
    }

    fn call(&mut self, routine: &str, calling: &Calling) {
        let (action, schema) = match calling {
            Calling::Harmless | Calling::NoRoutine => return,
            Calling::Sequence => (actions::NEXTVAL, BUILTIN.to_owned()),
            Calling::Runs { schema, known } => {
                self.unresolved |= !known;
                (actions::FUNCTION, schema.clone())
            }
        };
        self.accesses.insert(Access {
            action: Action::new(action),
            resource: Resource::Routine {
                database: self.database(),
                schema,
                routine: routine.to_owned(),
            },
        });
    }
}

fn facts(statement: &Statement, tables: BTreeSet<String>) -> Facts {
    let set = statement
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Set { name, .. } => name.clone(),
            Effect::Reset(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let count = i64::try_from(statement.statement_count).unwrap_or(i64::MAX);
    let values = [
        (actions::FACT_KIND, Fact::Text(statement.kind.to_owned())),
        (actions::FACT_HAS_WHERE, Fact::Bool(statement.has_where)),
        (actions::FACT_STATEMENT_COUNT, Fact::Long(count)),
        (actions::FACT_SET_PARAMETERS, Fact::Texts(set)),
        (actions::FACT_TABLES, Fact::Texts(tables)),
        (
            actions::FACT_RETURNS_ROWS,
            Fact::Bool(statement.returns_rows),
        ),
        (actions::FACT_EXPLAIN, Fact::Bool(statement.explain)),
    ];
    Facts {
        namespace: FACT_NAMESPACE.to_owned(),
        values: BTreeMap::from(values.map(|(name, value)| (name.to_owned(), value))),
    }
}
