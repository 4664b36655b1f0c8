//! What became of the resources: each change with what it touched, written with the change itself.

use super::{Result, Store};
use crate::api::types::{ChangeKind, ChangedResource, HistoryEntry, ResourceChange};
use crate::resources::{Kind, Resource, ResourceSet};
use sluice_model::{PrincipalId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};
use std::collections::BTreeMap;

/// The changes that are kept: one every hour for more than a year. The log keeps all of them.
const KEPT: i64 = 10_000;

/// One change of the resources, to be kept.
pub(crate) struct NewChange<'a> {
    /// Who made it.
    pub(crate) actor: &'a PrincipalId,
    /// The resources before.
    pub(crate) before: &'a ResourceSet,
    /// What it touches.
    pub(crate) touched: &'a [ResourceChange],
}

/// Which changes to list.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) kind: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    /// Only those before this one.
    pub(crate) before: Option<i64>,
    pub(crate) limit: i64,
}

/// Resources as two states have them: only those that differ, or did in between.
#[derive(Debug, Default)]
pub(crate) struct TwoStates {
    pub(crate) earlier: ResourceSet,
    pub(crate) later: ResourceSet,
}

/// Keeps a change, in the transaction that makes it.
pub(super) async fn keep(
    tx: &mut Transaction<'static, Sqlite>,
    change: &NewChange<'_>,
    next: &ResourceSet,
    at: Timestamp,
) -> Result<()> {
    let last = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM changes")
        .fetch_one(&mut **tx)
        .await?;
    let number = last.try_get::<i64, _>(0)?.saturating_add(1);
    sqlx::query("INSERT INTO changes (number, at, actor) VALUES ($1, $2, $3)")
        .bind(number)
        .bind(at.0)
        .bind(change.actor.to_string())
        .execute(&mut **tx)
        .await?;
    for touched in change.touched {
        let body = |set: &ResourceSet| {
            let key = (touched.kind.parse::<Kind>().ok()?, touched.name.clone());
            set.0.get(&key).map(|resource| resource.body.to_string())
        };
        let sql = "INSERT INTO changed (change, kind, name, what, before, after) VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(sql)
            .bind(number)
            .bind(&touched.kind)
            .bind(&touched.name)
            .bind(name_of(touched.change))
            .bind(body(change.before))
            .bind(body(next))
            .execute(&mut **tx)
            .await?;
    }
    for sql in [
        "DELETE FROM changed WHERE change <= $1",
        "DELETE FROM changes WHERE number <= $1",
    ] {
        sqlx::query(sql)
            .bind(number.saturating_sub(KEPT))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

impl Store {
    /// The first and the last change that is kept; `None` where nothing ever changed.
    pub(crate) async fn history_ends(&self) -> Result<Option<(i64, i64)>> {
        let row = sqlx::query("SELECT MIN(number), MAX(number) FROM changes")
            .fetch_one(&self.pool)
            .await?;
        let (first, last) = (row.try_get::<Option<i64>, _>(0)?, row.try_get(1)?);
        Ok(first.zip(last))
    }

    /// Changes, newest first.
    pub(crate) async fn history(&self, wanted: &Wanted<'_>) -> Result<Vec<HistoryEntry>> {
        // The texts of all parts are constant; only what they compare with is bound.
        let sql = "SELECT number, at, actor FROM changes WHERE number < $1 AND ($2 IS NULL AND $3 IS NULL OR EXISTS ( \
                   SELECT 1 FROM changed WHERE change = number AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR name = $3) \
                   )) ORDER BY number DESC LIMIT $4";
        let rows = sqlx::query(sql)
            .bind(wanted.before.unwrap_or(i64::MAX))
            .bind(wanted.kind)
            .bind(wanted.name)
            .bind(wanted.limit)
            .fetch_all(&self.pool)
            .await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let number: i64 = row.try_get(0)?;
            let actor: String = row.try_get(2)?;
            // What cannot be read is left out: it was written by this very file.
            let (Ok(number_told), Ok(actor)) = (u64::try_from(number), actor.parse()) else {
                continue;
            };
            entries.push(HistoryEntry {
                number: number_told,
                at: Timestamp(row.try_get(1)?),
                actor,
                changed: self.changed_by(number).await?,
            });
        }
        Ok(entries)
    }

    async fn changed_by(&self, number: i64) -> Result<Vec<ChangedResource>> {
        let sql = "SELECT what, kind, name FROM changed WHERE change = $1 ORDER BY kind, name";
        let rows = sqlx::query(sql).bind(number).fetch_all(&self.pool).await?;
        let mut changed = Vec::with_capacity(rows.len());
        for row in rows {
            let what: String = row.try_get(0)?;
            let all = [
                ChangeKind::Created,
                ChangeKind::Updated,
                ChangeKind::Deleted,
            ];
            let change = all.into_iter().find(|kind| name_of(*kind) == what);
            changed.extend(change.map(|change| {
                Ok::<_, sqlx::Error>(ChangedResource {
                    change,
                    kind: row.try_get(1)?,
                    name: row.try_get(2)?,
                })
            }));
        }
        Ok(changed.into_iter().collect::<std::result::Result<_, _>>()?)
    }

    /// The resources that changes after `from`, up to `to`, touched: as they were before the first of them, and after
    /// the last.
    pub(crate) async fn states(&self, from: i64, to: i64) -> Result<TwoStates> {
        let first = "SELECT kind, name, before FROM changed AS c WHERE change = (SELECT MIN(change) FROM changed \
                     WHERE kind = c.kind AND name = c.name AND change > $1 AND change <= $2)";
        let last = "SELECT kind, name, after FROM changed AS c WHERE change = (SELECT MAX(change) FROM changed \
                    WHERE kind = c.kind AND name = c.name AND change > $1 AND change <= $2)";
        let mut found = BTreeMap::new();
        for (which, sql) in [("earlier", first), ("later", last)] {
            let rows = sqlx::query(sql).bind(from).bind(to);
            let rows = rows.fetch_all(&self.pool).await?;
            found.insert(which, set_of(&rows)?);
        }
        Ok(TwoStates {
            earlier: found.remove("earlier").unwrap_or_default(),
            later: found.remove("later").unwrap_or_default(),
        })
    }
}

fn set_of(rows: &[SqliteRow]) -> Result<ResourceSet> {
    let mut set = ResourceSet::default();
    for row in rows {
        let (kind, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let body: Option<String> = row.try_get(2)?;
        let body = body.and_then(|body| serde_json::from_str(&body).ok());
        if let (Ok(kind), Some(body)) = (kind.parse(), body) {
            let source = String::new();
            set.0.insert((kind, name), Resource { body, source });
        }
    }
    Ok(set)
}

fn name_of(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Deleted => "deleted",
    }
}
