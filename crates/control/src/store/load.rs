//! Reading everything at start.

use super::{Loaded, Result, Store};
use crate::approvals::Approval;
use crate::keys::from_hex;
use crate::resources::{Kind, Resource, ResourceSet};
use crate::tokens::{Purpose, TokenRow};
use serde::de::DeserializeOwned;
use sluice_model::{Timestamp, TokenId};
use sluice_record::Mark;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;

/// Tokens stay listed for so many seconds after their end; then they stay in the file and in the log only.
const LISTED_AFTER_END: i64 = 30 * 86_400;
/// Decided approvals that are loaded at start, newest first; older ones stay in the file and in the log.
const LOADED_APPROVALS: i64 = 1_000;

impl Store {
    /// Reads everything.
    pub(crate) async fn load(&self, now: Timestamp) -> Result<Loaded> {
        let mark = sqlx::query("SELECT size, root FROM checkpoint")
            .fetch_optional(&self.pool)
            .await?;
        let mark = match mark {
            None => None,
            Some(row) => read_mark(row.try_get(0)?, row.try_get(1)?),
        };
        let admin = sqlx::query("SELECT hash FROM local_admin")
            .fetch_optional(&self.pool)
            .await?;
        let admin: Option<String> = admin.map(|row| row.try_get(0)).transpose()?;
        let disabled = sqlx::query("SELECT principal FROM disabled")
            .fetch_all(&self.pool)
            .await?;
        let disabled: Vec<String> = disabled
            .iter()
            .map(|row| row.try_get(0))
            .collect::<std::result::Result<_, _>>()?;
        self.count_waiting().await?;
        Ok(Loaded {
            resources: self
                .load_set("SELECT kind, name, body, source FROM resources")
                .await?,
            directory: self
                .load_set("SELECT kind, name, body, '' FROM directory")
                .await?,
            disabled: disabled.iter().filter_map(|p| p.parse().ok()).collect(),
            tokens: self.load_tokens(now).await?,
            approvals: self.load_approvals().await?,
            people: self.load_bodies("SELECT body FROM people", None).await?,
            agents: self.load_bodies("SELECT body FROM agents", None).await?,
            groups: self
                .load_bodies("SELECT body FROM provisioned_groups", None)
                .await?,
            sign_ins: self
                .load_bodies(
                    "SELECT body FROM sign_ins WHERE ended IS NULL AND ends > $1",
                    Some(now),
                )
                .await?,
            mark,
            last_delivery: self.last_delivery().await?,
            local_admin: admin.and_then(|text| from_hex(&text)).map(|hash| *hash),
        })
    }

    async fn load_set(&self, sql: &'static str) -> Result<ResourceSet> {
        let mut set = ResourceSet::default();
        for row in sqlx::query(sql).fetch_all(&self.pool).await? {
            let (kind, name, body): (String, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if let (Ok(kind), Ok(body)) = (kind.parse::<Kind>(), serde_json::from_str(&body)) {
                set.0.insert(
                    (kind, name),
                    Resource {
                        body,
                        source: row.try_get(3)?,
                    },
                );
            }
        }
        Ok(set)
    }

    async fn load_tokens(&self, now: Timestamp) -> Result<BTreeMap<TokenId, TokenRow>> {
        let sql = "SELECT id, name, principal, hash, created, expires, last_used, revoked, \
                   purpose, networks, sign_in, workload, creator, audience FROM tokens WHERE expires > $1";
        let since = now.plus_seconds(-LISTED_AFTER_END).0;
        let mut tokens = BTreeMap::new();
        for row in sqlx::query(sql).bind(since).fetch_all(&self.pool).await? {
            // A row that cannot be read opens nothing.
            if let Some(token) = token(&row)? {
                tokens.insert(token.id.clone(), token);
            }
        }
        Ok(tokens)
    }

    async fn load_approvals(&self) -> Result<Vec<Approval>> {
        let sql = "SELECT body FROM approvals WHERE state IN ('pending', 'approved') \
                   UNION ALL SELECT body FROM (SELECT body FROM approvals \
                   WHERE state NOT IN ('pending', 'approved') ORDER BY created DESC LIMIT $1)";
        let limit = Timestamp(LOADED_APPROVALS);
        self.load_bodies(sql, Some(limit)).await
    }

    /// Rows that are one JSON body each; one that cannot be read is left out, which only ever takes rights away.
    async fn load_bodies<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        bound: Option<Timestamp>,
    ) -> Result<Vec<T>> {
        let query = match bound {
            Some(bound) => sqlx::query(sql).bind(bound.0),
            None => sqlx::query(sql),
        };
        let mut found = Vec::new();
        for row in query.fetch_all(&self.pool).await? {
            let body: String = row.try_get(0)?;
            found.extend(serde_json::from_str(&body).ok());
        }
        Ok(found)
    }
}

/// One row of tokens.
fn token(row: &SqliteRow) -> Result<Option<TokenRow>> {
    let text = |at: usize| row.try_get::<String, _>(at);
    let maybe = |at: usize| row.try_get::<Option<String>, _>(at);
    let time = |at: usize| row.try_get::<Option<i64>, _>(at);
    let purpose = text(8)?;
    let (sign_in, workload, creator) = (maybe(10)?, maybe(11)?, maybe(12)?);
    let parts = (
        text(0)?.parse::<TokenId>(),
        text(2)?.parse(),
        from_hex(&text(3)?),
        Purpose::ALL.into_iter().find(|p| p.name() == purpose),
        serde_json::from_str(&text(9)?),
        sign_in.map(|id| id.parse()).transpose(),
        workload.map(|body| serde_json::from_str(&body)).transpose(),
    );
    let (Ok(id), Ok(principal), Some(hash), Some(purpose), Ok(networks), Ok(sign_in), Ok(workload)) =
        parts
    else {
        return Ok(None);
    };
    Ok(Some(TokenRow {
        id,
        name: maybe(1)?,
        principal,
        purpose,
        hash: *hash,
        networks,
        sign_in,
        workload,
        audience: maybe(13)?,
        creator: creator.and_then(|by| by.parse().ok()),
        created: Timestamp(row.try_get(4)?),
        expires: Timestamp(row.try_get(5)?),
        last_used: time(6)?.map(Timestamp),
        revoked: time(7)?.map(Timestamp),
    }))
}

fn read_mark(size: i64, root: String) -> Option<Mark> {
    let root = serde_json::from_str(&root).ok()?;
    Some(Mark {
        size: u64::try_from(size).ok()?,
        root,
    })
}
