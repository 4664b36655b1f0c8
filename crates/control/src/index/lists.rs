//! Finding sessions, and entries of the log.

use super::search::{Cursor, Filter, Found, push_scope, words};
use super::write::int;
use super::{Index, Result, Scope};
use crate::api::types::{LogEntry, OperationCounts, SessionInfo};
use sluice_model::{SessionId, Timestamp};
use sluice_record::Committed;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use std::collections::BTreeSet;

/// Operations that are looked at to find the sessions of one page: most sessions that have one that is searched for have
/// several.
const OPERATIONS_PER_SESSION: usize = 20;

/// Which sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionFilter {
    pub(crate) principal: Option<String>,
    pub(crate) connection: Option<String>,
    pub(crate) live: Option<bool>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// Which entries of the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFilter {
    pub(crate) actor: Option<String>,
    /// How the act begins.
    pub(crate) act: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// Before this entry.
    pub(crate) before: Option<u64>,
}

const SESSION: &str = "SELECT o.started, o.id, o.session, p.name, c.name, pr.name, o.account, o.database, \
     o.client_address, o.application, o.ended, o.events, o.operations, o.denied, o.held, o.failed, o.masked_values, \
     o.denied_by_people \
     FROM sessions o JOIN names p ON p.id = o.principal JOIN names c ON c.id = o.connection \
     JOIN names pr ON pr.id = o.protocol WHERE ";

impl Index {
    /// Sessions by when they began, newest first.
    pub(crate) async fn sessions(
        &self,
        filter: &SessionFilter,
        scope: &Scope,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Found<SessionInfo>> {
        let mut query = QueryBuilder::<Sqlite>::new(SESSION);
        push_scope(&mut query, scope);
        for (column, value) in [
            ("o.principal", &filter.principal),
            ("o.connection", &filter.connection),
        ] {
            if let Some(name) = value {
                query.push(format!(
                    " AND {column} = (SELECT id FROM names WHERE name = "
                ));
                query.push_bind(name.clone()).push(")");
            }
        }
        match filter.live {
            Some(true) => query.push(" AND o.ended IS NULL"),
            Some(false) => query.push(" AND o.ended IS NOT NULL"),
            None => &mut query,
        };
        if let Some(from) = filter.from {
            query.push(" AND o.started >= ").push_bind(from.0);
        }
        if let Some(to) = filter.to {
            query.push(" AND o.started < ").push_bind(to.0);
        }
        if let Some(cursor) = cursor {
            query
                .push(" AND (o.started, o.id) < (")
                .push_bind(cursor.at);
            query.push(", ").push_bind(cursor.id).push(")");
        }
        query.push(" ORDER BY o.started DESC, o.id DESC LIMIT ");
        query.push_bind(int(limit as u64 + 1));
        let rows = query.build().fetch_all(&self.readers).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.extend(session(row)?);
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|(cursor, _)| *cursor);
        Ok(Found {
            items: items.into_iter().map(|(_, session)| session).collect(),
            next,
            incomplete: false,
        })
    }

    /// Sessions with operations of some kind: those with the newest first.
    pub(crate) async fn sessions_with(
        &self,
        filter: &Filter,
        scope: &Scope,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Found<SessionInfo>> {
        let most = limit.saturating_mul(OPERATIONS_PER_SESSION);
        let hits = self.sessions_of_hits(filter, scope, cursor, most).await?;
        let (mut seen, mut ids, mut next) = (BTreeSet::new(), Vec::new(), hits.next);
        let mut last = None;
        for (cursor, session) in hits.items {
            if !seen.contains(&session) {
                if ids.len() == limit {
                    next = last;
                    break;
                }
                seen.insert(session.clone());
                ids.push(session);
            }
            last = Some(cursor);
        }
        let mut items = Vec::with_capacity(ids.len());
        for id in &ids {
            if let Ok(id) = id.parse() {
                items.extend(self.session(&id).await?);
            }
        }
        Ok(Found {
            items,
            next,
            incomplete: hits.incomplete,
        })
    }

    /// One session.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<Option<SessionInfo>> {
        let mut query = QueryBuilder::<Sqlite>::new(SESSION);
        query.push("o.session = ").push_bind(id.to_string());
        let row = query.build().fetch_optional(&self.readers).await?;
        let found = row.as_ref().map(session).transpose()?.flatten();
        Ok(found.map(|(_, session)| session))
    }

    /// What the log said last about a session's record.
    pub(crate) async fn committed(&self, id: &SessionId) -> Result<Option<Committed>> {
        let sql = "SELECT committed FROM sessions WHERE session = $1";
        let found: Option<String> = sqlx::query_scalar(sql)
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await?;
        Ok(found.map_or(Ok(None), |body| serde_json::from_str(&body))?)
    }

    /// Entries of the log, newest first.
    pub(crate) async fn acts(&self, filter: &LogFilter, limit: usize) -> Result<Vec<LogEntry>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT number, at, actor, act, subject, detail FROM acts WHERE true",
        );
        if let Some(actor) = &filter.actor {
            query.push(" AND actor = ").push_bind(actor.clone());
        }
        if let Some(act) = &filter.act {
            // What begins with it: from it on, before its next sibling.
            query.push(" AND act >= ").push_bind(act.clone());
            query
                .push(" AND act < ")
                .push_bind(format!("{act}\u{10ffff}"));
        }
        if let Some(words) = filter.text.as_deref().and_then(words) {
            query.push(" AND number IN (SELECT rowid FROM act_search WHERE act_search MATCH ");
            query.push_bind(words).push(")");
        }
        if let Some(from) = filter.from {
            query.push(" AND at >= ").push_bind(from.0);
        }
        if let Some(to) = filter.to {
            query.push(" AND at < ").push_bind(to.0);
        }
        if let Some(before) = filter.before {
            query.push(" AND number < ").push_bind(int(before));
        }
        query
            .push(" ORDER BY number DESC LIMIT ")
            .push_bind(int(limit as u64));
        let rows = query.build().fetch_all(&self.readers).await?;
        rows.iter().map(entry).collect()
    }
}

/// One row; none where it cannot be read.
fn session(row: &SqliteRow) -> Result<Option<(Cursor, SessionInfo)>> {
    let text = |at: usize| row.try_get::<String, _>(at);
    let count = |at: usize| row.try_get::<i64, _>(at).map(i64::unsigned_abs);
    let cursor = Cursor {
        at: row.try_get(0)?,
        id: row.try_get(1)?,
    };
    let (Ok(id), Ok(principal)) = (text(2)?.parse(), text(3)?.parse()) else {
        return Ok(None);
    };
    let ended: Option<i64> = row.try_get(10)?;
    let info = SessionInfo {
        id,
        principal,
        connection: text(4)?,
        protocol: text(5)?,
        account: text(6)?,
        database: text(7)?,
        client_address: text(8)?,
        application: row.try_get(9)?,
        started: Timestamp(cursor.at),
        live: false,
        events: count(11)?,
        ended: ended.map(Timestamp),
        counts: OperationCounts {
            operations: count(12)?,
            denied: count(13)?,
            held: count(14)?,
            failed: count(15)?,
            masked_values: count(16)?,
            denied_by_people: count(17)?,
        },
    };
    Ok(Some((cursor, info)))
}

fn entry(row: &SqliteRow) -> Result<LogEntry> {
    let actor: Option<String> = row.try_get(2)?;
    Ok(LogEntry {
        number: row.try_get::<i64, _>(0)?.unsigned_abs(),
        at: Timestamp(row.try_get(1)?),
        actor: actor.and_then(|actor| actor.parse().ok()),
        act: row.try_get(3)?,
        subject: row.try_get(4)?,
        detail: row.try_get(5)?,
    })
}
