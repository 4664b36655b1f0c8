//! From a statement to what it needs: resolved against the catalog under the session's meaning of names,
//! with the columns of data classes that it searches or copies added as accesses of their own.

use super::catalog::{Age, Catalog, CatalogError, Catalogs};
use super::effects::renames;
use super::meaning::{Meaning, declared_in, prepared_in};
use super::names::{Names, Portal, StatementRef};
use super::refusal::Refusal;
use super::shape::BoundPlan;
use crate::pipeline::StandingAllow;
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sluice_model::{Access, Action, Operation, Resource, SessionContext, Timestamp};
use sluice_policy::SessionView;
use sluice_protocol::sql::{
    ColumnMention, ColumnPart, Effect, NameScope, Output, ReadOptions, Resolved, Statement, read,
    resolve,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most analyses that a session keeps. A pgbench run needs ten, an application a few hundred.
const KEPT: usize = 1_000;
/// How long a session takes its catalog for the shared one without looking.
const COMPARED: Duration = Duration::from_secs(5);
/// `EXECUTE` of a prepared `EXECUTE` and the like is followed this far.
const MAX_NESTING: usize = 8;
/// The most schemas of a search path.
const MAX_PATH: usize = 1_000;

/// One statement, understood.
pub struct Analysis {
    /// What was read.
    pub statement: StatementRef,
    /// What it needs.
    pub resolved: Resolved,
    /// The catalog that names were looked up in.
    pub catalog: Arc<Catalog>,
    /// It (or what it runs) can change where names lead.
    pub touches_scope: bool,
    /// Code of the target's own users may run in it: a routine, a view, a trigger, a rule.
    pub runs_code: bool,
    /// The texts of the prepared statements that it runs, for approvers and their digest.
    pub runs: Vec<Arc<str>>,
    /// The portal of Bind that it fetches from: its values are this statement's.
    pub bound: Option<Arc<Portal>>,
    /// What the cursor that it declares needs; its own needs where it declares none.
    pub cursor: Arc<Resolved>,
    /// The last mask plan and what it was bound to.
    pub plan: Mutex<Option<Arc<BoundPlan>>>,
    /// That it is allowed, as long as the session sees the same policies.
    pub allowed: Mutex<Option<StandingAllow>>,
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysis")
            .field("resolved", &self.resolved)
            .finish_non_exhaustive()
    }
}

impl Analysis {
    /// The statement, unless the text was empty.
    #[must_use]
    pub fn get(&self) -> Option<&Statement> {
        self.statement.get()
    }

    /// What it changes in its session.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        self.get()
            .map_or(&[], |statement| statement.effects.as_slice())
    }

    /// The operation to decide: with `search` for each unrevealed column in a predicate and `reveal` for
    /// each that is copied somewhere else.
    ///
    /// # Errors
    /// A column that may be of a data class cannot be told from another one.
    pub fn operation(
        &self,
        text: &Arc<str>,
        context: &SessionContext,
        view: &SessionView,
        now: Timestamp,
    ) -> Result<Operation, Refusal> {
        let mut accesses = self.resolved.accesses.clone();
        if view.has_classes() {
            self.sensitive(
                &self.resolved.searched,
                "search",
                context,
                view,
                now,
                &mut accesses,
            )?;
            self.sensitive(
                &self.resolved.copied,
                "reveal",
                context,
                view,
                now,
                &mut accesses,
            )?;
        }
        Ok(Operation {
            text: Arc::clone(text),
            accesses,
            facts: self.resolved.facts.clone(),
        })
    }

    fn sensitive(
        &self,
        mentions: &[ColumnMention],
        action: &'static str,
        context: &SessionContext,
        view: &SessionView,
        now: Timestamp,
        accesses: &mut Vec<Access>,
    ) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for (schema, table, column) in mentions.iter().flat_map(|m| columns_of(m, &self.catalog)) {
            let classes = match &column {
                Some(column) => view.unrevealed(schema.as_deref(), table.as_deref(), column, now),
                None => vec![String::new()],
            };
            if classes.is_empty() {
                continue;
            }
            let (Some(schema), Some(table), Some(column)) = (schema, table, column) else {
                return Err(Refusal::unclear_column(action));
            };
            let database = context.database.clone();
            if seen.insert((schema.clone(), table.clone(), column.clone())) {
                let resource = Resource::Column {
                    database,
                    schema,
                    table,
                    column,
                };
                accesses.push(Access {
                    action: Action::new(action),
                    resource,
                });
            }
        }
        Ok(())
    }
}

/// Whether code of the target's own users may run, which can change settings on the way.
fn runs_code(resolved: &Resolved, catalog: &Catalog) -> bool {
    catalog.runs_code_anywhere()
        || resolved
            .accesses
            .iter()
            .any(|access| match &access.resource {
                Resource::Table { schema, table, .. } => catalog.runs_code(schema, table),
                _ => ["sql:function", "sql:do", "sql:call"].contains(&access.action.as_str()),
            })
}

/// The columns that a mention stands for: (schema, table, column) with what is known; a column of `None` is
/// any column of a table that is not known.
pub fn columns_of(
    mention: &ColumnMention,
    catalog: &Catalog,
) -> Vec<(Option<String>, Option<String>, Option<String>)> {
    use sluice_protocol::sql::Catalog as _;
    let (schema, table) = (mention.schema.clone(), mention.table.clone());
    match &mention.column {
        ColumnPart::Named(column) => vec![(schema, table, Some(column.clone()))],
        ColumnPart::All => {
            let relation = match (&schema, &table) {
                (Some(schema), Some(table)) => catalog.relation(schema, table),
                _ => None,
            };
            match relation {
                Some(relation) => relation
                    .columns
                    .iter()
                    .map(|column| (schema.clone(), table.clone(), Some(column.clone())))
                    .collect(),
                None => vec![(schema, table, None)],
            }
        }
    }
}

/// Understands statements for one session, and remembers what it understood.
pub struct Analyst {
    catalogs: Arc<Catalogs>,
    context: Arc<SessionContext>,
    catalog: Option<Arc<Catalog>>,
    scope: Option<NameScope>,
    generation: u64,
    scope_changes: u64,
    /// When the catalog was last compared with the one that all sessions share, and at which of its changes.
    compared: (Instant, u64),
    kept: HashMap<usize, Arc<Analysis>, RandomState>,
    /// What exists was changed in a transaction that has not ended: others cannot see it yet.
    pub changing_catalog: bool,
}

impl Analyst {
    /// For a session that has just begun.
    #[must_use]
    pub fn new(catalogs: Arc<Catalogs>, context: Arc<SessionContext>) -> Self {
        Self {
            catalogs,
            context,
            catalog: None,
            scope: None,
            generation: 0,
            scope_changes: 0,
            compared: (Instant::now(), 0),
            kept: HashMap::default(),
            changing_catalog: false,
        }
    }

    /// Counts how often the meaning of names changed.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Counts how often the search path changed.
    #[must_use]
    pub fn scope(&self) -> u64 {
        self.scope_changes
    }

    /// The meaning of names is now this: the target's own list of the schemas it searches, as JSON.
    /// `false` when that is no such list.
    pub fn set_scope(&mut self, schemas: &str) -> bool {
        let Some(search_path) = read_schemas(schemas) else {
            return false;
        };
        let scope = NameScope {
            database: self.context.database.clone(),
            search_path,
        };
        if self.scope.as_ref() != Some(&scope) {
            // The first one that is told is often just what the catalog said.
            self.scope = Some(scope);
            self.scope_changes += 1;
            self.forget();
        }
        true
    }

    /// The setting that gives another session of the same account the same search path.
    #[must_use]
    pub fn search_path(&self) -> Option<String> {
        let quoted = |schema: &String| format!("\"{}\"", schema.replace('"', "\"\""));
        let path = self
            .scope
            .as_ref()?
            .search_path
            .iter()
            .map(quoted)
            .collect::<Vec<_>>()
            .join(", ");
        (!path.is_empty()).then_some(path)
    }

    /// What exists may have changed.
    pub fn outdate(&mut self) {
        let SessionContext {
            connection,
            account,
            database,
            ..
        } = self.context.as_ref();
        self.catalogs.outdate(connection, account, database);
        self.forget();
    }

    fn forget(&mut self) {
        self.generation += 1;
        self.kept.clear();
    }

    /// Understands a statement.
    ///
    /// # Errors
    /// The catalog cannot be had, or the statement runs something whose meaning is not known.
    pub async fn analyse(
        &mut self,
        statement: &StatementRef,
        names: &Names,
        batch: &[&Statement],
    ) -> Result<Arc<Analysis>, Refusal> {
        let Some(read) = statement.get() else {
            return self.nothing(names).await;
        };
        let mut catalog = self.current(Age::Fresh).await?;
        let key = std::ptr::from_ref(read) as usize;
        if let Some(known) = self.kept.get(&key) {
            return Ok(Arc::clone(known));
        }
        let lookup = |catalog| Lookup {
            catalog,
            names,
            batch,
        };
        let mut meaning = self.resolve(read, lookup(&catalog), 0)?;
        if meaning.resolved.unresolved && !self.changing_catalog {
            let newest = self.current(Age::Newest).await?;
            meaning = self.resolve(read, lookup(&newest), 0)?;
            catalog = newest;
        }
        let by_name = read.effects.iter().any(|effect| {
            matches!(
                effect,
                Effect::Execute { .. } | Effect::Fetch(_) | Effect::Move(_)
            )
        });
        let keep = !by_name && !meaning.resolved.unresolved;
        let analysis = Arc::new(Analysis {
            statement: statement.clone(),
            touches_scope: meaning.touches_scope,
            runs_code: runs_code(&meaning.resolved, &catalog),
            runs: meaning.runs,
            bound: meaning.bound,
            cursor: Arc::new(meaning.cursor.unwrap_or_else(|| meaning.resolved.clone())),
            resolved: meaning.resolved,
            catalog,
            plan: Mutex::new(None),
            allowed: Mutex::new(None),
        });
        if keep {
            if self.kept.len() >= KEPT {
                self.kept.clear();
            }
            self.kept.insert(key, Arc::clone(&analysis));
        }
        Ok(analysis)
    }

    /// An empty text needs what a statement needs that reads no table.
    async fn nothing(&mut self, names: &Names) -> Result<Arc<Analysis>, Refusal> {
        let catalog = self.current(Age::Fresh).await?;
        let script = read("SELECT 1", ReadOptions::default())?;
        let statement = script.statements.first();
        let statement = statement.ok_or_else(|| Refusal::internal("nothing was read"))?;
        let lookup = Lookup {
            catalog: &catalog,
            names,
            batch: &[],
        };
        let resolved = self.resolve(statement, lookup, 0)?.resolved;
        Ok(Arc::new(Analysis {
            statement: StatementRef::Empty,
            touches_scope: false,
            runs_code: false,
            runs: Vec::new(),
            bound: None,
            cursor: Arc::new(resolved.clone()),
            resolved,
            catalog,
            plan: Mutex::new(None),
            allowed: Mutex::new(None),
        }))
    }

    /// The catalog with the names of tables that an answer came from.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn current(&mut self, age: Age) -> Result<Arc<Catalog>, CatalogError> {
        if age == Age::Fresh
            && let Some(catalog) = &self.catalog
            && self.compared.1 == self.catalogs.changes()
            && self.compared.0.elapsed() < COMPARED
        {
            return Ok(Arc::clone(catalog));
        }
        let SessionContext {
            connection,
            account,
            database,
            ..
        } = self.context.as_ref();
        let changes = self.catalogs.changes();
        let catalog = self
            .catalogs
            .get(connection, account, database, age)
            .await?;
        self.compared = (Instant::now(), changes);
        if self.scope.is_none() {
            let search_path = read_schemas(&catalog.search_path)
                .ok_or_else(|| CatalogError::Answer("the search path is not as expected".into()))?;
            self.scope = Some(NameScope {
                database: database.clone(),
                search_path,
            });
        }
        if self
            .catalog
            .as_ref()
            .is_some_and(|known| !Arc::ptr_eq(known, &catalog))
        {
            self.forget();
        }
        self.catalog = Some(Arc::clone(&catalog));
        Ok(catalog)
    }

    fn resolve(
        &self,
        statement: &Statement,
        lookup: Lookup<'_>,
        depth: usize,
    ) -> Result<Meaning, Refusal> {
        let Some(scope) = &self.scope else {
            return Err(Refusal::internal("the session's search path is not known"));
        };
        if depth > MAX_NESTING {
            return Err(Refusal::not_understood(
                "statements that run each other are nested too deeply",
            ));
        }
        let mut meaning = Meaning {
            resolved: resolve(statement, lookup.catalog, scope),
            touches_scope: renames(statement),
            runs: Vec::new(),
            cursor: None,
            bound: None,
        };
        for effect in &statement.effects {
            match effect {
                Effect::Execute { name, copies } => {
                    let (text, run) = lookup.prepared(name)?;
                    meaning.runs.extend(text);
                    if let Some(run) = run.get() {
                        let inner = self.resolve(run, lookup, depth + 1)?;
                        meaning.absorb(inner, *copies);
                    }
                }
                Effect::Declare { statement, .. } => {
                    meaning.cursor = Some(self.resolve(statement, lookup, depth + 1)?.resolved);
                }
                Effect::Fetch(name) | Effect::Move(name) => {
                    if let Some(inner) = self.fetched(name, lookup, depth)? {
                        meaning.absorb(inner, false);
                    }
                }
                _ => {}
            }
        }
        Ok(meaning)
    }

    /// What a cursor needs, as it was decided when it was declared: where its names led then is where they
    /// lead now. `None` for one that nobody declared here (a routine may have opened it): its columns cannot
    /// be told.
    fn fetched(
        &self,
        name: &str,
        lookup: Lookup<'_>,
        depth: usize,
    ) -> Result<Option<Meaning>, Refusal> {
        if let Some(statement) = declared_in(lookup.batch, name) {
            return self.resolve(&statement, lookup, depth + 1).map(Some);
        }
        let Some(portal) = lookup.names.portal(name) else {
            return Ok(None);
        };
        let Some(cursor) = &portal.cursor else {
            return self.bound(portal, lookup, depth);
        };
        let touches_scope = portal.prepared.statement.get().is_some_and(renames);
        Ok(Some(Meaning {
            resolved: cursor.as_ref().clone(),
            touches_scope,
            runs: vec![Arc::clone(&portal.prepared.text)],
            cursor: None,
            bound: None,
        }))
    }

    /// What a portal of Bind needs, which FETCH and MOVE run just as Execute does.
    fn bound(
        &self,
        portal: &Arc<Portal>,
        lookup: Lookup<'_>,
        depth: usize,
    ) -> Result<Option<Meaning>, Refusal> {
        if portal.scope != self.scope_changes {
            return Err(Refusal::scope_moved());
        }
        let Some(statement) = portal.prepared.statement.get() else {
            return Ok(None);
        };
        let mut meaning = self.resolve(statement, lookup, depth + 1)?;
        meaning.runs.push(Arc::clone(&portal.prepared.text));
        meaning.bound = Some(Arc::clone(portal));
        Ok(Some(meaning))
    }
}

/// Where names are looked up.
#[derive(Clone, Copy)]
struct Lookup<'a> {
    catalog: &'a Catalog,
    names: &'a Names,
    /// The statements before this one in the same message.
    batch: &'a [&'a Statement],
}

impl Lookup<'_> {
    fn prepared(&self, name: &str) -> Result<(Option<Arc<str>>, StatementRef), Refusal> {
        if let Some(statement) = prepared_in(self.batch, name) {
            // Its text is in the same message.
            return Ok((None, StatementRef::Nested(statement)));
        }
        let prepared = self.names.statement(name);
        let prepared = prepared.ok_or_else(|| Refusal::unknown_name("prepared statement", name))?;
        Ok((Some(Arc::clone(&prepared.text)), prepared.statement.clone()))
    }
}

/// The schemas searched, of a JSON list; the session's own temporary schema is called `pg_temp`.
fn read_schemas(json: &str) -> Option<Vec<String>> {
    let list: Vec<String> = serde_json::from_str(json).ok()?;
    let named = |schema: String| {
        if schema.starts_with("pg_temp_") {
            "pg_temp".to_owned()
        } else {
            schema
        }
    };
    (list.len() <= MAX_PATH).then(|| list.into_iter().map(named).collect())
}

/// The mentions of an output, and whether they are all that it can carry.
pub fn mentions(output: &Output) -> (&[ColumnMention], bool) {
    match output {
        Output::Plain(mentions) | Output::Star(mentions) | Output::Derived(mentions) => {
            (mentions, true)
        }
        Output::Opaque(mentions) => (mentions, false),
    }
}
