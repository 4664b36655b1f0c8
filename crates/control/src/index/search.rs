//! Finding operations among very many, newest first.
//!
//! Where one of the conditions leaves few operations, those are looked at and put in order. Otherwise what is searched
//! for is common, and operations are looked at from the newest on, a stretch at a time, until enough are found or the
//! time for it is up; the answer says so and where to go on.

use super::read::KEPT_TEXT;
use super::write::{int, verdict_number};
use super::{Index, IndexError, Result, Scope};
use crate::api::types::{Ending, NeededAccess, OperationInfo, Verdict};
use sluice_model::{RecordedAccess, SessionId, Timestamp};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use std::time::{Duration, Instant};

/// Where so many operations or fewer meet a condition, they are all looked at.
const FEW: i64 = 20_000;
/// Operations that are looked at in one stretch.
const STRETCH: i64 = 50_000;
/// Where a condition leaves so few, no other one is tried.
const FEW_ENOUGH: i64 = 500;
/// How long a search goes on.
const PATIENCE: Duration = Duration::from_secs(4);
/// When it is ended wherever it is.
const LONGEST: Duration = Duration::from_secs(8);
/// Words that are searched for at a time.
const MAX_WORDS: usize = 8;
/// The shortest beginning of a word that is searched for; shorter ones have to be whole words.
const MIN_BEGINNING: usize = 2;
/// Steps of SQLite's between looks at the clock: some tenths of a millisecond.
const STEPS: i32 = 10_000;

/// Which operations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) principal: Option<String>,
    pub(crate) connection: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) policy: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) masked: Option<bool>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) items: Vec<T>,
    /// Where older ones go on.
    pub(crate) next: Option<Cursor>,
    /// It was given up before as many were found as were asked for.
    pub(crate) incomplete: bool,
}

/// Behind which operation to go on: its time and number, both of which only ever fall from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) at: i64,
    pub(crate) id: i64,
}

impl Cursor {
    const FIRST: Self = Self {
        at: i64::MAX,
        id: i64::MAX,
    };

    pub(crate) fn text(self) -> String {
        format!("{}.{}", self.at, self.id)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self {
            at: at.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

/// One condition, by which index it is found, and what it says.
struct Condition {
    index: Option<&'static str>,
    says: Says,
}

#[derive(Clone)]
enum Says {
    Principal(String),
    Connection(String),
    Session(String),
    Needs {
        action: Option<String>,
        resource: Option<String>,
    },
    Verdict(Verdict),
    Policy(String),
    Words(String),
    Masked(bool),
    Seen(Scope),
}

impl Says {
    /// Adds it to a WHERE.
    fn push(&self, query: &mut QueryBuilder<Sqlite>) {
        const NAME: &str = "(SELECT id FROM names WHERE name = ";
        match self {
            Self::Principal(name) => {
                query
                    .push("o.principal = ")
                    .push(NAME)
                    .push_bind(name.clone())
                    .push(")");
            }
            Self::Connection(name) => {
                query
                    .push("o.connection = ")
                    .push(NAME)
                    .push_bind(name.clone())
                    .push(")");
            }
            Self::Session(id) => {
                query
                    .push("o.session = (SELECT id FROM sessions WHERE session = ")
                    .push_bind(id.clone())
                    .push(")");
            }
            Self::Needs { action, resource } => push_needs(query, action, resource),
            // As a constant, so that the index over just these is seen to fit.
            Self::Verdict(verdict) => {
                query.push(format!("o.verdict = {}", verdict_number(*verdict)));
            }
            Self::Policy(policy) => {
                query
                    .push("o.policies IN (SELECT list FROM deciding WHERE policy = ")
                    .push_bind(policy.clone())
                    .push(")");
            }
            Self::Words(words) => {
                query
                    .push("o.text IN (SELECT rowid FROM text_search WHERE text_search MATCH ")
                    .push_bind(words.clone())
                    .push(")");
            }
            Self::Masked(true) => {
                query.push("o.masked_values > 0");
            }
            Self::Masked(false) => {
                query.push("o.masked_values = 0");
            }
            Self::Seen(scope) => push_scope(query, scope),
        }
    }
}

fn push_needs(
    query: &mut QueryBuilder<Sqlite>,
    action: &Option<String>,
    resource: &Option<String>,
) {
    // Where not all are kept, what is looked for may be among the others.
    query.push("o.accesses IN (SELECT list FROM needed WHERE action = ");
    query.push_bind(RecordedAccess::MORE).push(" OR (true");
    if let Some(action) = action {
        query.push(" AND action = ").push_bind(action.clone());
    }
    if let Some(resource) = resource {
        query
            .push(" AND ")
            .push_bind(resource.clone())
            .push(" IN (resource, short, last)");
    }
    query.push("))");
}

/// What somebody may see: theirs, or on one of the connections.
pub(super) fn push_scope(query: &mut QueryBuilder<Sqlite>, scope: &Scope) {
    let Scope::Theirs {
        principal,
        connections,
    } = scope
    else {
        query.push("true");
        return;
    };
    query
        .push("(o.principal = (SELECT id FROM names WHERE name = ")
        .push_bind(principal.clone())
        .push(") OR o.connection IN (SELECT id FROM names WHERE name IN (SELECT value FROM json_each(")
        .push_bind(serde_json::to_string(connections).unwrap_or_default())
        .push("))))");
}

/// Words as the search wants them: all of them, the beginnings of words counting.
pub(super) fn words(text: &str) -> Option<String> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let words: Vec<String> = text
        .split(|c| !word(c))
        .filter(|w| !w.is_empty())
        .take(MAX_WORDS)
        .map(|w| match w.chars().count() >= MIN_BEGINNING {
            true => format!("\"{w}\"*"),
            false => format!("\"{w}\""),
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

impl Filter {
    fn conditions(&self, scope: &Scope) -> Vec<Condition> {
        let found = |index, says| Condition {
            index: Some(index),
            says,
        };
        let mut all = Vec::new();
        if let Some(session) = &self.session {
            all.push(found("operations_session", Says::Session(session.clone())));
        }
        if let Some(words) = self.text.as_deref().and_then(words) {
            all.push(found("operations_text", Says::Words(words)));
        }
        if self.action.is_some() || self.resource.is_some() {
            let needs = Says::Needs {
                action: self.action.clone(),
                resource: self.resource.clone(),
            };
            all.push(found("operations_accesses", needs));
        }
        if let Some(policy) = &self.policy {
            all.push(found("operations_policies", Says::Policy(policy.clone())));
        }
        match self.verdict {
            Some(v @ Verdict::Ask) => all.push(found("operations_asked", Says::Verdict(v))),
            Some(v @ Verdict::Deny) => all.push(found("operations_denied", Says::Verdict(v))),
            Some(v @ Verdict::Allow) => all.push(Condition {
                index: None,
                says: Says::Verdict(v),
            }),
            None => {}
        }
        match self.masked {
            Some(true) => all.push(found("operations_masked", Says::Masked(true))),
            Some(false) => all.push(Condition {
                index: None,
                says: Says::Masked(false),
            }),
            None => {}
        }
        if let Some(principal) = &self.principal {
            all.push(found(
                "operations_principal",
                Says::Principal(principal.clone()),
            ));
        }
        if let Some(connection) = &self.connection {
            all.push(found(
                "operations_connection",
                Says::Connection(connection.clone()),
            ));
        }
        if *scope != Scope::All {
            all.push(Condition {
                index: None,
                says: Says::Seen(scope.clone()),
            });
        }
        all
    }

    /// The time that it is about: from, and before.
    fn range(&self, cursor: Cursor) -> (i64, i64) {
        let to = self.to.map_or(i64::MAX, |to| to.0);
        (
            self.from.map_or(i64::MIN, |from| from.0),
            to.min(cursor.at.saturating_add(1)),
        )
    }
}

impl Index {
    /// Finds operations, newest first.
    pub(crate) async fn operations(
        &self,
        filter: &Filter,
        scope: &Scope,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Found<OperationInfo>> {
        let wanted = Wanted {
            select: SELECT,
            joins: JOINS,
            read: operation,
        };
        let found = self.hits(filter, scope, cursor, (limit, wanted)).await?;
        Ok(Found {
            items: found.items.into_iter().map(|(_, info)| info).collect(),
            next: found.next,
            incomplete: found.incomplete,
        })
    }

    async fn hits<T>(
        &self,
        filter: &Filter,
        scope: &Scope,
        cursor: Option<Cursor>,
        (limit, wanted): (usize, Wanted<T>),
    ) -> Result<Found<(Cursor, T)>> {
        let cursor = cursor.unwrap_or(Cursor::FIRST);
        let (from, to) = filter.range(cursor);
        let conditions = filter.conditions(scope);
        let mut connection = self.searchers.acquire().await?;
        let end = Instant::now() + LONGEST;
        let mut handle = connection.lock_handle().await?;
        // Each search sets its own, so that none ends by that of one before.
        handle.set_progress_handler(STEPS, move || Instant::now() < end);
        drop(handle);
        let mut search = Search {
            connection,
            conditions: &conditions,
            cursor,
            limit,
            wanted,
        };
        let few = search.fewest((from, to)).await?;
        match few {
            Some(index) => search.all_of_few(index, (from, to)).await,
            None => search.newest_first(from, to).await,
        }
    }

    /// The sessions of operations, newest first, each as often as it has one.
    pub(super) async fn sessions_of_hits(
        &self,
        filter: &Filter,
        scope: &Scope,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Found<(Cursor, String)>> {
        let wanted = Wanted {
            select: SELECT_SESSION,
            joins: JOIN_SESSION,
            read: |row| Ok(Some(row.try_get(2)?)),
        };
        self.hits(filter, scope, cursor, (limit, wanted)).await
    }
}

/// What is looked up of what is found.
struct Wanted<T> {
    select: &'static str,
    joins: &'static str,
    read: fn(&SqliteRow) -> Result<Option<T>>,
}

fn page<T>(mut items: Vec<(Cursor, T)>, limit: usize) -> Found<(Cursor, T)> {
    let more = items.len() > limit;
    items.truncate(limit);
    Found {
        next: items.last().filter(|_| more).map(|(cursor, _)| *cursor),
        items,
        incomplete: false,
    }
}

/// SQLite's code for a statement that was ended from outside.
const INTERRUPTED: &str = "9";

/// Nothing where the time was up.
fn in_time<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Err(IndexError::Database(sqlx::Error::Database(error)))
            if error.code().as_deref() == Some(INTERRUPTED) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
        Ok(found) => Ok(Some(found)),
    }
}

struct Search<'a, T> {
    connection: PoolConnection<Sqlite>,
    conditions: &'a [Condition],
    cursor: Cursor,
    limit: usize,
    wanted: Wanted<T>,
}

impl<T> Search<'_, T> {
    /// The index by which few operations are found, if there is one.
    async fn fewest(&mut self, (from, to): (i64, i64)) -> Result<Option<&'static str>> {
        let mut fewest: Option<(i64, &'static str)> = None;
        for condition in self.conditions {
            let Some(index) = condition.index else {
                continue;
            };
            let mut query = QueryBuilder::new(format!(
                "SELECT count(*) FROM (SELECT 1 FROM operations o INDEXED BY {index} WHERE "
            ));
            condition.says.push(&mut query);
            query.push(" AND o.at >= ").push_bind(from);
            query.push(" AND o.at < ").push_bind(to);
            query.push(" LIMIT ").push_bind(FEW + 1).push(")");
            let counted = query.build_query_scalar().fetch_one(&mut *self.connection);
            let Some(count) = in_time::<i64>(counted.await.map_err(IndexError::from))? else {
                return Ok(None);
            };
            if count <= FEW && fewest.is_none_or(|(least, _)| count < least) {
                fewest = Some((count, index));
            }
            if count <= FEW_ENOUGH {
                break;
            }
        }
        Ok(fewest.map(|(_, index)| index))
    }

    /// All that one index finds.
    async fn all_of_few(
        &mut self,
        index: &str,
        (from, to): (i64, i64),
    ) -> Result<Found<(Cursor, T)>> {
        let found = self.stretch(index, (from, to)).await;
        Ok(match in_time(found)? {
            Some(items) => page(items, self.limit),
            None => self.given_up(Vec::new(), to),
        })
    }

    /// Looks at operations from the newest on.
    async fn newest_first(&mut self, from: i64, to: i64) -> Result<Found<(Cursor, T)>> {
        let begun = Instant::now();
        let (mut items, mut upper) = (Vec::new(), to);
        loop {
            let Some(lower) = in_time(self.lower_end(from, upper).await)? else {
                return Ok(self.given_up(items, upper));
            };
            let stretch = self.stretch("operations_at", (lower, upper)).await;
            let Some(more) = in_time(stretch)? else {
                return Ok(self.given_up(items, upper));
            };
            items.extend(more);
            if items.len() > self.limit || lower <= from {
                return Ok(page(items, self.limit));
            }
            if begun.elapsed() > PATIENCE {
                return Ok(self.given_up(items, lower));
            }
            upper = lower;
        }
    }

    /// What was found until now, of all that is not older than `from`.
    fn given_up(&self, items: Vec<(Cursor, T)>, from: i64) -> Found<(Cursor, T)> {
        let next = Cursor {
            at: from.saturating_sub(1),
            id: i64::MAX,
        };
        // Those of the moment that a page ended in are behind its last one, and not all of them.
        let next = if next.at >= self.cursor.at {
            self.cursor
        } else {
            next
        };
        Found {
            items,
            next: Some(next),
            incomplete: true,
        }
    }

    /// Where a stretch of operations before `upper` begins.
    async fn lower_end(&mut self, from: i64, upper: i64) -> Result<i64> {
        let sql = "SELECT at FROM operations INDEXED BY operations_at WHERE at >= $1 AND at < $2 \
                   ORDER BY at DESC LIMIT 1 OFFSET $3";
        let lower: Option<i64> = sqlx::query_scalar(sql)
            .bind(from)
            .bind(upper)
            .bind(STRETCH)
            .fetch_optional(&mut *self.connection)
            .await?;
        Ok(lower.unwrap_or(from))
    }

    /// Those in a stretch of time, found by one index; one more than asked for where there are more.
    async fn stretch(&mut self, index: &str, (from, to): (i64, i64)) -> Result<Vec<(Cursor, T)>> {
        let mut query = QueryBuilder::new(self.wanted.select);
        query.push(format!(" FROM operations o INDEXED BY {index}"));
        query.push(self.wanted.joins);
        query.push(" WHERE o.at >= ").push_bind(from);
        query.push(" AND o.at < ").push_bind(to);
        query
            .push(" AND (o.at, o.id) < (")
            .push_bind(self.cursor.at);
        query.push(", ").push_bind(self.cursor.id).push(")");
        for condition in self.conditions {
            query.push(" AND ");
            condition.says.push(&mut query);
        }
        query.push(" ORDER BY o.at DESC, o.id DESC LIMIT ");
        query.push_bind(int(self.limit as u64 + 1));
        let rows = query.build().fetch_all(&mut *self.connection).await?;
        let mut hits = Vec::with_capacity(rows.len());
        for row in &rows {
            let cursor = Cursor {
                at: row.try_get(0)?,
                id: row.try_get(1)?,
            };
            hits.extend((self.wanted.read)(row)?.map(|found| (cursor, found)));
        }
        Ok(hits)
    }
}

/// What is told of an operation. The texts are looked up for those found alone.
const SELECT: &str = "SELECT o.at, o.id, s.session, o.op, p.name, c.name, pr.name, s.account, s.database, t.text, \
     o.verdict, pl.body, ac.body, o.message, o.approval, o.ending, o.rows, o.bytes, o.micros, ma.body";
const SELECT_SESSION: &str = "SELECT o.at, o.id, s.session";
const JOIN_SESSION: &str = " CROSS JOIN sessions s ON s.id = o.session";
const JOINS: &str = " CROSS JOIN sessions s ON s.id = o.session CROSS JOIN names p ON p.id = o.principal \
     CROSS JOIN names c ON c.id = o.connection CROSS JOIN names pr ON pr.id = s.protocol \
     CROSS JOIN texts t ON t.id = o.text CROSS JOIN lists pl ON pl.id = o.policies \
     CROSS JOIN lists ac ON ac.id = o.accesses LEFT JOIN lists ma ON ma.id = o.masked";

/// One row; none where it cannot be read.
fn operation(row: &SqliteRow) -> Result<Option<OperationInfo>> {
    let count = |at: usize| row.try_get::<i64, _>(at).map(i64::unsigned_abs);
    let text = |at: usize| row.try_get::<String, _>(at);
    let list = |at: usize| -> Result<Vec<String>> {
        let body: Option<String> = row.try_get(at)?;
        Ok(body.map_or(Ok(Vec::new()), |body| serde_json::from_str(&body))?)
    };
    let (Ok(session), Ok(principal)) = (text(2)?.parse::<SessionId>(), text(4)?.parse()) else {
        return Ok(None);
    };
    let accesses: Vec<RecordedAccess> = serde_json::from_str(&text(12)?)?;
    let accesses = accesses.into_iter().map(|access| NeededAccess {
        action: access.0,
        resource: access.1,
    });
    let approval: Option<String> = row.try_get(14)?;
    let ending: Option<i64> = row.try_get(15)?;
    let info = OperationInfo {
        session,
        op: count(3)?,
        at: Timestamp(row.try_get(0)?),
        principal,
        connection: text(5)?,
        protocol: text(6)?,
        account: text(7)?,
        database: text(8)?,
        text: text(9)?,
        verdict: match row.try_get::<i64, _>(10)? {
            0 => Verdict::Allow,
            1 => Verdict::Ask,
            _ => Verdict::Deny,
        },
        policies: list(11)?,
        message: row.try_get(13)?,
        approval: approval.and_then(|id| id.parse().ok()),
        accesses: accesses.collect(),
        ending: ending.map(|ending| match ending {
            0 => Ending::Done,
            1 => Ending::Failed,
            3 => Ending::Denied,
            4 => Ending::Unapproved,
            _ => Ending::Cut,
        }),
        rows: count(16)?,
        bytes: count(17)?,
        micros: count(18)?,
        masked: list(19)?,
    };
    Ok(Some(info))
}

/// Whether the text of an operation may have been longer than what is kept of it.
pub(crate) fn is_cut(text: &str) -> bool {
    // A cut never falls within a character, the longest of which has four bytes.
    text.len() + 3 >= KEPT_TEXT
}
