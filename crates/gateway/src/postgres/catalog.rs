//! What exists on a target: relations with their columns, and routines. Read over a connection of its own,
//! shared by all sessions of an account, and read again when it may be old.

use super::target::{self, SaltedPasswords, TargetError, TargetSession};
use crate::port::{ControlPort, PortError};
use crate::targets::Healths;
use bytes::Buf;
use parking_lot::Mutex;
use sluice_model::Connection;
use sluice_protocol::postgres::backend::{self, BackendMessage};
use sluice_protocol::postgres::{BackendTag, encode, frame};
use sluice_protocol::sql::{
    self, Effect, Name, Relation, RelationKind, Statement, Target, Volatility,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a catalog is taken as it is when nobody has changed it through the gateway.
const FRESH: Duration = Duration::from_secs(60);
/// A name that is not found makes the catalog be read again, but not more often than this.
const REREAD_AT_MOST: Duration = Duration::from_secs(1);
/// How long reading it may take.
const READ_DEADLINE: Duration = Duration::from_secs(20);
/// Settings of a session that reads it.
pub const READING: &[(&str, &str)] = &[("statement_timeout", "15000")];
/// The most rows of an answer about the catalog: the tables of a very large database.
const MAX_ROWS: usize = 1_000_000;
/// PostgreSQL has at most 1,600 columns in a table; numbers of dropped ones are not used again.
const MAX_COLUMN: usize = 2_000;

/// One row for each relation: the server folds the columns, since rows cost more than bytes.
const RELATIONS: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, \
    EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.tgisinternal) \
    OR c.relhasrules AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' \
    AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema', \
    (SELECT pg_catalog.json_object_agg(a.attnum, a.attname) FROM pg_catalog.pg_attribute a \
    WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid \
    AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
    WHERE c.relkind OPERATOR(pg_catalog.<>) 'i' AND c.relkind OPERATOR(pg_catalog.<>) 'I' \
    AND c.relkind OPERATOR(pg_catalog.<>) 't'";
const ROUTINES: &str = "SELECT n.nspname, p.proname, pg_catalog.max(p.provolatile::pg_catalog.text) \
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace \
    GROUP BY n.nspname, p.proname";
/// Where planning a statement can run code that somebody wrote in the database: the planner folds calls of immutable
/// routines in defaults, constraints, index expressions and statistics, and rewrites views, rules and row security. A
/// row is a table, or (without a schema) says that operators, casts or operator classes (`anywhere`) or constraints of
/// domains (`domains`) run such code. Functions of the server that run statements or change settings count as such code
/// where a default or a constraint calls them, and any function in the constraint of a domain does. Compiled routines do not count: only a superuser makes them.
const PLANNED: &str = "WITH RECURSIVE code AS (SELECT p.oid FROM pg_catalog.pg_proc p \
    JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang \
    WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
    AND l.lanname OPERATOR(pg_catalog.<>) 'internal' AND l.lanname OPERATOR(pg_catalog.<>) 'c'), \
    movers AS (SELECT pg_catalog.concat(':funcid ', p.oid, ' ') AS mark FROM pg_catalog.pg_proc p \
    WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace AND (\
    p.proname OPERATOR(pg_catalog.=) 'set_config' OR p.proname OPERATOR(pg_catalog.~) '_to_xml' \
    OR p.proname OPERATOR(pg_catalog.=) 'ts_stat' OR p.proname OPERATOR(pg_catalog.=) 'ts_rewrite')), \
    uses AS (SELECT DISTINCT d.classid, d.objid FROM pg_catalog.pg_depend d \
    JOIN code ON code.oid OPERATOR(pg_catalog.=) d.refobjid \
    WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass UNION \
    SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, a.oid FROM pg_catalog.pg_attrdef a JOIN movers \
    ON pg_catalog.strpos(a.adbin::pg_catalog.text, mark) OPERATOR(pg_catalog.>) 0 UNION \
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, t.oid FROM pg_catalog.pg_constraint t JOIN movers \
    ON pg_catalog.strpos(t.conbin::pg_catalog.text, mark) OPERATOR(pg_catalog.>) 0), \
    parts(relid, classid, objid) AS (\
    SELECT adrelid, 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, oid FROM pg_catalog.pg_attrdef UNION ALL \
    SELECT conrelid, 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, oid FROM pg_catalog.pg_constraint UNION ALL \
    SELECT indrelid, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, indexrelid FROM pg_catalog.pg_index UNION ALL \
    SELECT stxrelid, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid, oid FROM pg_catalog.pg_statistic_ext UNION ALL \
    SELECT oid, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, oid FROM pg_catalog.pg_class), \
    coded(oid) AS (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relkind OPERATOR(pg_catalog.=) 'v' \
    OR c.relkind OPERATOR(pg_catalog.=) 'f' OR c.relrowsecurity OR c.relhasrules UNION \
    SELECT parts.relid FROM parts JOIN uses ON uses.classid OPERATOR(pg_catalog.=) parts.classid \
    AND uses.objid OPERATOR(pg_catalog.=) parts.objid UNION \
    SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN coded ON coded.oid OPERATOR(pg_catalog.=) i.inhrelid) \
    SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text FROM coded \
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) coded.oid \
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace UNION ALL \
    SELECT NULL, 'anywhere' WHERE EXISTS (SELECT FROM pg_catalog.pg_operator o JOIN code ON code.oid OPERATOR(pg_catalog.=) o.oprcode) \
    OR EXISTS (SELECT FROM pg_catalog.pg_cast k JOIN code ON code.oid OPERATOR(pg_catalog.=) k.castfunc) \
    OR EXISTS (SELECT FROM pg_catalog.pg_amproc a JOIN code ON code.oid OPERATOR(pg_catalog.=) a.amproc) \
    OR EXISTS (SELECT FROM pg_catalog.pg_range r JOIN code ON code.oid OPERATOR(pg_catalog.=) r.rngsubdiff) UNION ALL \
    SELECT NULL, 'domains' WHERE EXISTS (SELECT FROM pg_catalog.pg_constraint t JOIN uses \
    ON uses.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass \
    AND uses.objid OPERATOR(pg_catalog.=) t.oid WHERE t.contypid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid) \
    OR EXISTS (SELECT FROM pg_catalog.pg_constraint t WHERE t.contypid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
    AND pg_catalog.strpos(t.conbin::pg_catalog.text, '{FUNCEXPR ') OPERATOR(pg_catalog.>) 0)";
/// The schemas that names are searched in, as a JSON list.
pub const SEARCH_PATH: &str =
    "SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text";

/// A table's names by number.
#[derive(Debug)]
struct Numbered {
    schema: String,
    table: String,
    /// By column number minus one; dropped columns are empty.
    columns: Vec<String>,
}

/// What exists, as last read.
#[derive(Debug, Default)]
pub struct Catalog {
    relations: HashMap<String, HashMap<String, Relation>>,
    numbered: HashMap<u32, Numbered>,
    routines: HashMap<String, HashMap<String, Volatility>>,
    /// Views, and tables with triggers or rules, outside the system's own schemas.
    coded: HashMap<String, HashSet<String>>,
    /// What planning can run code of: see [`PLANNED`].
    planned: HashMap<String, HashSet<String>>,
    /// Operators, casts or operator classes run code that somebody wrote.
    code_anywhere: bool,
    /// Constraints of domains run code that somebody wrote.
    code_in_domains: bool,
    /// The search path that a new session of this account has.
    pub search_path: String,
}

impl sql::Catalog for Catalog {
    fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations.get(schema)?.get(name)
    }

    fn routine(&self, schema: &str, name: &str) -> Option<Volatility> {
        self.routines.get(schema)?.get(name).copied()
    }
}

impl Catalog {
    /// Schema, table and name of a column by its numbers.
    #[must_use]
    pub fn column(&self, table_oid: u32, number: i16) -> Option<(&str, &str, &str)> {
        let table = self.numbered.get(&table_oid)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let column = table.columns.get(index).filter(|c| !c.is_empty())?;
        Some((&table.schema, &table.table, column))
    }

    /// Whether using a relation can run code that somebody wrote: it is a view, has triggers or rules, or its defaults,
    /// constraints or indexes call some.
    #[must_use]
    pub fn runs_code(&self, schema: &str, table: &str) -> bool {
        let has = |tables: &HashMap<String, HashSet<String>>| {
            let named = tables.get(schema);
            named.is_some_and(|tables| tables.contains(table))
        };
        let system = matches!(schema, "pg_catalog" | "information_schema");
        has(&self.coded) || !system && has(&self.planned)
    }

    /// Whether any statement can run code that somebody wrote, without naming it: by an operator, a cast, or the
    /// constraints of a domain.
    #[must_use]
    pub fn runs_code_anywhere(&self) -> bool {
        self.code_anywhere || self.code_in_domains
    }

    /// Whether a statement writes a name without its schema that stands for other things in other schemas: what it
    /// means then depends on the search path.
    #[must_use]
    pub fn is_ambiguous(&self, statement: &Statement) -> bool {
        let relation = |name: &Name| several(&self.relations, name);
        let routine = |name: &Name| several(&self.routines, name);
        let used = statement.uses.iter().any(|used| match &used.target {
            Target::Table(name) => relation(name),
            Target::Routine(name) => routine(name),
            // Made where the search path begins.
            Target::NewTable(name) | Target::SchemaOf(name) => name.schema.is_none(),
            _ => false,
        });
        let called = statement.routines.iter();
        used || called.map(|c| &c.name).any(routine)
            || statement.effects.iter().any(|effect| match effect {
                Effect::Prepare { statement, .. } | Effect::Declare { statement, .. } => {
                    self.is_ambiguous(statement)
                }
                // Names in what it runs are looked up anew.
                Effect::Execute { .. } => true,
                _ => false,
            })
    }

    /// Whether planning a statement that uses these tables runs nothing but the server's own code. Values are checked
    /// against the domains that they are of, also inside arrays, rows and ranges, and literals as well as bound ones.
    #[must_use]
    pub fn plans_quietly<'a>(&self, mut tables: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
        use sql::Catalog as _;
        let quiet = |(schema, table): (&str, &str)| {
            let coded = self.planned.get(schema);
            self.relation(schema, table).is_some()
                && !coded.is_some_and(|tables| tables.contains(table))
        };
        !self.runs_code_anywhere() && tables.all(quiet)
    }

    /// Whether a table is known by number.
    #[must_use]
    pub fn knows(&self, table_oid: u32) -> bool {
        self.numbered.contains_key(&table_oid)
    }

    fn add_relation(&mut self, row: &[Option<String>]) -> Option<()> {
        let [oid, schema, table, kind, coded, columns] = row else {
            return None;
        };
        let oid: u32 = oid.as_ref()?.parse().ok()?;
        let (schema, table) = (schema.as_ref()?, table.as_ref()?);
        let kind = match kind.as_deref()? {
            "r" | "p" | "f" => RelationKind::Table,
            "v" => RelationKind::View,
            "m" => RelationKind::MaterializedView,
            "S" => RelationKind::Sequence,
            _ => RelationKind::Other,
        };
        if coded.as_deref() == Some("t") {
            let coded = self.coded.entry(schema.clone()).or_default();
            coded.insert(table.clone());
        }
        // By number; a relation without columns has none to tell.
        let named: BTreeMap<usize, String> = match columns {
            Some(columns) => serde_json::from_str(columns).ok()?,
            None => BTreeMap::new(),
        };
        let mut numbered = Vec::with_capacity(named.len());
        for (number, column) in named.iter().filter(|(number, _)| **number < MAX_COLUMN) {
            numbered.resize(number.checked_sub(1)?, String::new());
            numbered.push(column.clone());
        }
        self.numbered.insert(
            oid,
            Numbered {
                schema: schema.clone(),
                table: table.clone(),
                columns: numbered,
            },
        );
        self.relations.entry(schema.clone()).or_default().insert(
            table.clone(),
            Relation {
                kind,
                columns: named.into_values().collect(),
            },
        );
        Some(())
    }

    fn add_planned(&mut self, row: &[Option<String>]) -> Option<()> {
        match row {
            [Some(schema), Some(table)] => {
                let planned = self.planned.entry(schema.clone()).or_default();
                planned.insert(table.clone());
            }
            [None, Some(what)] if what == "anywhere" => self.code_anywhere = true,
            [None, Some(what)] if what == "domains" => self.code_in_domains = true,
            _ => return None,
        }
        Some(())
    }

    fn add_routine(&mut self, row: &[Option<String>]) -> Option<()> {
        let [schema, name, volatility] = row else {
            return None;
        };
        let volatility = match volatility.as_deref()? {
            "i" => Volatility::Immutable,
            "s" => Volatility::Stable,
            _ => Volatility::Volatile,
        };
        self.routines
            .entry(schema.clone()?)
            .or_default()
            .insert(name.clone()?, volatility);
        Some(())
    }
}

/// Whether a name without a schema is that of things in several.
fn several<T>(schemas: &HashMap<String, HashMap<String, T>>, name: &Name) -> bool {
    let having = schemas.values().filter(|had| had.contains_key(&name.name));
    name.schema.is_none() && having.take(2).count() > 1
}

/// Why the catalog cannot be had. In words for the caller.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No login.
    #[error(transparent)]
    Lease(#[from] PortError),
    /// No session.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The target's answer cannot be used.
    #[error("the target's catalog cannot be read: {0}")]
    Answer(String),
    /// It took too long.
    #[error("the target's catalog could not be read within {} seconds", READ_DEADLINE.as_secs())]
    TooSlow,
}

/// Which catalog: of a connection as it is configured now, seen by an account, in a database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    connection: String,
    address: String,
    account: String,
    database: String,
}

#[derive(Default)]
struct Slot {
    state: tokio::sync::Mutex<Option<(Instant, Arc<Catalog>)>>,
    outdated: AtomicBool,
}

/// The catalogs of all targets.
pub struct Catalogs {
    port: Arc<dyn ControlPort>,
    salted: Arc<SaltedPasswords>,
    healths: Arc<Healths>,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    changes: AtomicU64,
}

/// How new a catalog must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// At most [`FRESH`] old, and not known to have changed.
    Fresh,
    /// A name was not found: as new as can be had.
    Newest,
}

impl Catalogs {
    /// No catalog yet.
    #[must_use]
    pub fn new(
        port: Arc<dyn ControlPort>,
        salted: Arc<SaltedPasswords>,
        healths: Arc<Healths>,
    ) -> Self {
        Self {
            port,
            salted,
            healths,
            slots: Mutex::default(),
            changes: AtomicU64::new(0),
        }
    }

    /// The catalog of a connection.
    ///
    /// # Errors
    /// It cannot be read from the target.
    pub async fn get(
        &self,
        connection: &Connection,
        account: &str,
        database: &str,
        age: Age,
    ) -> Result<Arc<Catalog>, CatalogError> {
        let slot = self.slot(connection, account, database);
        // One reader at a time: the others wait for what it brings.
        let mut state = slot.state.lock().await;
        if let Some((read_at, catalog)) = state.as_ref() {
            let limit = if age == Age::Newest {
                REREAD_AT_MOST
            } else {
                FRESH
            };
            if read_at.elapsed() < limit && !slot.outdated.load(Ordering::Acquire) {
                return Ok(Arc::clone(catalog));
            }
        }
        slot.outdated.store(false, Ordering::Release);
        let read = tokio::time::timeout(READ_DEADLINE, self.read(connection, account, database));
        let catalog = Arc::new(read.await.map_err(|_| CatalogError::TooSlow)??);
        *state = Some((Instant::now(), Arc::clone(&catalog)));
        Ok(catalog)
    }

    /// Counts how often somebody changed what exists, through this gateway.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Somebody changed what exists: the next one to ask reads it again.
    pub fn outdate(&self, connection: &Connection, account: &str, database: &str) {
        self.slot(connection, account, database);
        for (key, slot) in self.slots.lock().iter() {
            if key.connection == connection.name && key.database == database {
                slot.outdated.store(true, Ordering::Release);
            }
        }
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn slot(&self, connection: &Connection, account: &str, database: &str) -> Arc<Slot> {
        let key = Key {
            connection: connection.name.clone(),
            address: connection.target.address.clone(),
            account: account.to_owned(),
            database: database.to_owned(),
        };
        Arc::clone(self.slots.lock().entry(key).or_default())
    }

    /// A session of the gateway's own at the target, that can only read. `settings` are more of them.
    ///
    /// # Errors
    /// No lease or no session.
    pub async fn own_session(
        &self,
        connection: &Connection,
        account: &str,
        database: &str,
        settings: &[(&str, &str)],
    ) -> Result<TargetSession, CatalogError> {
        let lease = self.port.lease(connection, account).await?;
        let own = [
            ("application_name", "sluice"),
            ("client_encoding", "UTF8"),
            ("default_transaction_read_only", "on"),
        ];
        let parameters: Vec<(String, String)> = own
            .iter()
            .chain(settings)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let shared = (self.salted.as_ref(), self.healths.as_ref());
        Ok(target::connect(connection, &lease, database, &parameters, shared).await?)
    }

    async fn read(
        &self,
        connection: &Connection,
        account: &str,
        database: &str,
    ) -> Result<Catalog, CatalogError> {
        let mut session = self
            .own_session(connection, account, database, READING)
            .await?;
        let mut catalog = Catalog::default();
        ask(&mut session, RELATIONS, |row| catalog.add_relation(row)).await?;
        ask(&mut session, ROUTINES, |row| catalog.add_routine(row)).await?;
        ask(&mut session, PLANNED, |row| catalog.add_planned(row)).await?;
        ask(&mut session, SEARCH_PATH, |row| {
            catalog.search_path = row.first().cloned().flatten()?;
            Some(())
        })
        .await?;
        encode::terminate(&mut session.side.outbox);
        // The answers are here; how the session ends does not matter.
        let _ = session.side.finish().await;
        Ok(catalog)
    }
}

/// Sends one query of the gateway's own and hands each row of text values to `take`, which returns `None`
/// for a row that cannot be.
///
/// # Errors
/// The target reports an error, breaks the protocol or closes.
pub async fn ask(
    session: &mut TargetSession,
    query: &str,
    take: impl FnMut(&[Option<String>]) -> Option<()>,
) -> Result<(), CatalogError> {
    encode::query(&mut session.side.outbox, query)
        .map_err(|error| CatalogError::Answer(error.to_string()))?;
    answers(session, take).await
}

/// Sends what is in the outbox and hands each row of text values to `take`, up to ReadyForQuery.
///
/// # Errors
/// As those of [`ask`].
pub async fn answers(
    session: &mut TargetSession,
    mut take: impl FnMut(&[Option<String>]) -> Option<()>,
) -> Result<(), CatalogError> {
    let answer = |error: &dyn std::fmt::Display| CatalogError::Answer(error.to_string());
    session.side.send().await.map_err(|e| answer(&e))?;
    let (mut rows, mut failed) = (0, None);
    loop {
        while let Some(frame) =
            frame::peek::<BackendTag>(&session.side.inbox).map_err(|e| answer(&e))?
        {
            let taken = frame.raw.len();
            match backend::parse(frame.tag, frame.body).map_err(|e| answer(&e))? {
                BackendMessage::DataRow(row) => {
                    rows += 1;
                    let fields = row.fields().map_err(|e| answer(&e))?;
                    let texts: Vec<_> = fields
                        .into_iter()
                        .map(|f| f.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
                        .collect();
                    if take(&texts).is_none() || rows > MAX_ROWS {
                        return Err(answer(&"a row is not as expected"));
                    }
                }
                BackendMessage::ErrorResponse(fields) => {
                    failed = Some(fields.sqlstate().unwrap_or("unknown").to_owned());
                }
                BackendMessage::ReadyForQuery(_) => {
                    session.side.inbox.advance(taken);
                    return failed.map_or(Ok(()), |code| Err(answer(&format!("sqlstate {code}"))));
                }
                _ => {}
            }
            session.side.inbox.advance(taken);
        }
        if !session.side.receive().await.map_err(|e| answer(&e))? {
            return Err(answer(&"the target closed the connection"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_protocol::sql::Catalog as _;

    #[test]
    fn columns_keep_their_numbers_where_others_were_dropped() {
        let mut catalog = Catalog::default();
        let row = |columns: Option<&str>, table: &str, oid: &str| {
            let texts = [oid, "public", table, "r", "f"].map(|text| Some(text.to_owned()));
            let mut row = texts.to_vec();
            row.push(columns.map(str::to_owned));
            row
        };
        let columns = r#"{ "10" : "last", "1" : "id", "3" : "na\"me" }"#;
        catalog
            .add_relation(&row(Some(columns), "orders", "7"))
            .unwrap();
        catalog.add_relation(&row(None, "empty", "8")).unwrap();
        let of = |number| catalog.column(7, number).map(|(_, _, column)| column);
        assert_eq!(
            [1, 2, 3, 10, 11].map(of),
            [Some("id"), None, Some("na\"me"), Some("last"), None]
        );
        assert_eq!(
            catalog.relation("public", "orders").unwrap().columns,
            ["id", "na\"me", "last"]
        );
        assert!(catalog.knows(8) && catalog.relation("public", "empty").is_some());
        for wrong in ["[]", r#"{"0": "a"}"#, r#"{"x": "a"}"#] {
            assert_eq!(catalog.add_relation(&row(Some(wrong), "t", "9")), None);
        }
    }
}
