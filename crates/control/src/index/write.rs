//! Keeping rows: many at a time, each batch whole or not at all.

use super::read::{EndedRow, OpenedRow, OperationRow, Part, called};
use super::{Index, Result};
use crate::api::types::{Ending, Verdict};
use crate::keys::hex;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use sluice_model::{PrincipalId, RecordedAccess, SessionId, Timestamp};
use sluice_record::{Committed, LogPlace, Tail};
use sqlx::{Row as _, Sqlite, Transaction};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Names and lists that are remembered; when there are more, all are forgotten and looked up again.
const REMEMBERED: usize = 50_000;
/// Bytes of the hash that a text is found by: enough that no two meet by accident.
const HASH_BYTES: usize = 16;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// A change through the control plane, or a gap.
#[derive(Debug)]
pub(super) struct ActRow {
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) actor: Option<String>,
    pub(super) act: String,
    pub(super) subject: String,
    pub(super) detail: String,
}

/// A session in the index.
#[derive(Debug, Clone, Copy)]
struct Stands {
    id: i64,
    principal: i64,
    connection: i64,
}

/// What is counted in a step of time.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    allowed: i64,
    asked: i64,
    denied: i64,
    denied_by_people: i64,
    failed: i64,
    masked_values: i64,
}

impl Index {
    /// Keeps what happened in one session, and how far its record has been read with it. Gives whose it is, and on which
    /// connection.
    pub(super) async fn keep(
        &self,
        part: &Part,
        place: Tail,
        committed: Committed,
    ) -> Result<Option<(PrincipalId, String)>> {
        if let Some(opened) = &part.batch.opened {
            self.open_session(&part.session, opened).await?;
        }
        let Some(session) = self.session_row(&part.session).await? else {
            // A record whose opening cannot be read; verifying says so.
            return Ok(None);
        };
        let (rows, texts) = self.operation_rows(&part.batch.operations).await?;
        let mut masked_lists = HashMap::new();
        for ended in &part.batch.ended {
            masked_lists.insert(ended.op, self.masked_list(ended).await?);
        }
        let mut tx = self.writer.begin().await?;
        insert_operations(&mut tx, session, &rows, &texts).await?;
        let mut counted = counted(&part.batch.operations);
        for ended in &part.batch.ended {
            let list = masked_lists.get(&ended.op).copied().flatten();
            end_operation(&mut tx, session, ended, list, &mut counted).await?;
        }
        add_numbers(&mut tx, session, &counted).await?;
        add_to_session(&mut tx, session, part, (place, committed)).await?;
        // Looked up before it is kept, so that whoever is told is told for certain.
        let sql = "SELECT p.name, c.name FROM names p, names c WHERE p.id = $1 AND c.id = $2";
        let (principal, connection): (String, String) = sqlx::query_as(sql)
            .bind(session.principal)
            .bind(session.connection)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(principal
            .parse()
            .ok()
            .map(|principal| (principal, connection)))
    }

    /// Keeps what the log said last about a session's record.
    pub(super) async fn keep_committed(
        &self,
        session: &SessionId,
        committed: Committed,
    ) -> Result<()> {
        sqlx::query("UPDATE sessions SET committed = $2 WHERE session = $1")
            .bind(session.as_str())
            .bind(serde_json::to_string(&committed)?)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Keeps changes of the log, and how far it has been read with them.
    pub(super) async fn keep_log(&self, acts: &[ActRow], gaps: u64, place: LogPlace) -> Result<()> {
        let mut tx = self.writer.begin().await?;
        for act in acts {
            sqlx::query(
                "INSERT INTO acts (number, at, actor, act, subject, detail) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (number) DO NOTHING",
            )
            .bind(int(act.number))
            .bind(act.at.0)
            .bind(&act.actor)
            .bind(&act.act)
            .bind(&act.subject)
            .bind(&act.detail)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(r#"UPDATE progress SET next = $1, "offset" = $2, gaps = gaps + $3"#)
            .bind(int(place.next))
            .bind(int(place.offset))
            .bind(int(gaps))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn open_session(&self, session: &SessionId, opened: &OpenedRow) -> Result<()> {
        let principal = self.name(&opened.principal.to_string()).await?;
        let connection = self.name(&opened.connection).await?;
        let protocol = self.name(&opened.protocol).await?;
        sqlx::query(
            "INSERT INTO sessions (session, principal, connection, protocol, account, database, client_address, \
             application, started, place, events, committed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'null', 0, 'null') ON CONFLICT (session) DO NOTHING",
        )
        .bind(session.as_str())
        .bind(principal)
        .bind(connection)
        .bind(protocol)
        .bind(&opened.account)
        .bind(&opened.database)
        .bind(&opened.client_address)
        .bind(&opened.application)
        .bind(opened.at.0)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn session_row(&self, session: &SessionId) -> Result<Option<Stands>> {
        let row = sqlx::query("SELECT id, principal, connection FROM sessions WHERE session = $1")
            .bind(session.as_str())
            .fetch_optional(&self.writer)
            .await?;
        let stands = |row: sqlx::sqlite::SqliteRow| -> Result<Stands> {
            Ok(Stands {
                id: row.try_get(0)?,
                principal: row.try_get(1)?,
                connection: row.try_get(2)?,
            })
        };
        row.map(stands).transpose()
    }

    /// How far a session's record has been read.
    pub(super) async fn session_place(&self, session: &SessionId) -> Result<Option<Tail>> {
        let place: Option<String> =
            sqlx::query_scalar("SELECT place FROM sessions WHERE session = $1")
                .bind(session.as_str())
                .fetch_optional(&self.writer)
                .await?;
        Ok(place.map_or(Ok(None), |place| serde_json::from_str(&place))?)
    }

    /// The number of a name.
    async fn name(&self, name: &str) -> Result<i64> {
        if let Some(id) = self.known.lock().names.get(name) {
            return Ok(*id);
        }
        sqlx::query("INSERT INTO names (name) VALUES ($1) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .execute(&self.writer)
            .await?;
        let id: i64 = sqlx::query_scalar("SELECT id FROM names WHERE name = $1")
            .bind(name)
            .fetch_one(&self.writer)
            .await?;
        remember(&mut self.known.lock().names, name.to_owned(), id);
        Ok(id)
    }

    /// The number of a list that has come before.
    fn known_list(&self, hash: &ShortHash) -> Option<i64> {
        self.known.lock().lists.get(hash).copied()
    }

    /// The number of a list that is not known to have come before.
    async fn list(&self, body: &str) -> Result<i64> {
        sqlx::query("INSERT INTO lists (body) VALUES ($1) ON CONFLICT (body) DO NOTHING")
            .bind(body)
            .execute(&self.writer)
            .await?;
        Ok(sqlx::query_scalar("SELECT id FROM lists WHERE body = $1")
            .bind(body)
            .fetch_one(&self.writer)
            .await?)
    }

    async fn policy_list(&self, policies: &[String]) -> Result<i64> {
        let body = serde_json::to_string(policies)?;
        let hash = short_hash(&body);
        if let Some(id) = self.known_list(&hash) {
            return Ok(id);
        }
        let id = self.list(&body).await?;
        for policy in policies {
            sqlx::query(
                "INSERT INTO deciding (policy, list) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(policy)
            .bind(id)
            .execute(&self.writer)
            .await?;
        }
        remember(&mut self.known.lock().lists, hash, id);
        Ok(id)
    }

    async fn access_list(&self, accesses: &[RecordedAccess]) -> Result<i64> {
        let body = serde_json::to_string(accesses)?;
        let hash = short_hash(&body);
        if let Some(id) = self.known_list(&hash) {
            return Ok(id);
        }
        let id = self.list(&body).await?;
        for RecordedAccess(action, resource) in accesses {
            let (short, last) = called(resource);
            sqlx::query(
                "INSERT INTO needed (list, action, resource, short, last) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(id)
            .bind(action)
            .bind(resource)
            .bind(short)
            .bind(last)
            .execute(&self.writer)
            .await?;
        }
        remember(&mut self.known.lock().lists, hash, id);
        Ok(id)
    }

    async fn masked_list(&self, ended: &EndedRow) -> Result<Option<i64>> {
        if ended.masked.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = ended.masked.iter().map(|m| m.name.as_str()).collect();
        let body = serde_json::to_string(&names)?;
        let hash = short_hash(&body);
        if let Some(id) = self.known_list(&hash) {
            return Ok(Some(id));
        }
        let id = self.list(&body).await?;
        remember(&mut self.known.lock().lists, hash, id);
        Ok(Some(id))
    }

    /// Operations as the database takes them, and the texts that they name by hash.
    async fn operation_rows(&self, operations: &[OperationRow]) -> Result<(String, String)> {
        let (mut rows, mut texts) = (Vec::new(), BTreeMap::new());
        for row in operations {
            let hash = hex(&short_hash(&row.text));
            let ended = row.ended.as_ref();
            let masked = match ended {
                Some(ended) => self.masked_list(ended).await?,
                None => None,
            };
            rows.push(json!([
                row.op,
                row.at.0,
                hash,
                verdict_number(row.verdict),
                self.policy_list(&row.policies).await?,
                self.access_list(&row.accesses).await?,
                row.message,
                row.approval,
                ended.map(|e| ending_number(e.ending)),
                ended.map_or(0, |e| e.rows),
                ended.map_or(0, |e| e.bytes),
                ended.map_or(0, |e| e.micros),
                masked,
                ended.map_or(0, |e| e.masked_values),
            ]));
            texts.insert(hash, row.text.as_str());
        }
        let texts: Vec<_> = texts.into_iter().collect();
        Ok((
            serde_json::to_string(&rows)?,
            serde_json::to_string(&texts)?,
        ))
    }
}

fn remember<K: Eq + Hash>(known: &mut HashMap<K, i64>, what: K, id: i64) {
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(what, id);
}

/// What a text is found by.
pub(super) type ShortHash = [u8; HASH_BYTES];

fn short_hash(text: &str) -> ShortHash {
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn verdict_number(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Ask => 1,
        Verdict::Deny => 2,
    }
}

fn ending_number(ending: Ending) -> i64 {
    match ending {
        Ending::Done => 0,
        Ending::Failed => 1,
        Ending::Cut => 2,
        Ending::Denied => 3,
        Ending::Unapproved => 4,
    }
}

async fn insert_operations(
    tx: &mut Transaction<'_, Sqlite>,
    session: Stands,
    rows: &str,
    texts: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO texts (hash, text) SELECT unhex(value ->> 0), value ->> 1 FROM json_each($1) \
         WHERE true ON CONFLICT (hash) DO NOTHING",
    )
    .bind(texts)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO operations (session, principal, connection, op, at, text, verdict, policies, accesses, message, \
         approval, ending, rows, bytes, micros, masked, masked_values) \
         SELECT $1, $2, $3, value ->> 0, value ->> 1, (SELECT id FROM texts WHERE hash = unhex(value ->> 2)), \
         value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, \
         value ->> 11, value ->> 12, value ->> 13 FROM json_each($4) \
         WHERE true ON CONFLICT (session, op) DO NOTHING",
    )
    .bind(session.id)
    .bind(session.principal)
    .bind(session.connection)
    .bind(rows)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes how an operation ended that began before. Where more than one thing says so, the first does: that nothing was
/// forwarded follows from how a wait ended.
async fn end_operation(
    tx: &mut Transaction<'_, Sqlite>,
    session: Stands,
    ended: &EndedRow,
    masked: Option<i64>,
    counted: &mut Counts,
) -> Result<()> {
    let at: Option<i64> = sqlx::query_scalar(
        "UPDATE operations SET ending = $3, rows = $4, bytes = $5, micros = $6, masked = $7, masked_values = $8 \
         WHERE session = $1 AND op = $2 AND ending IS NULL RETURNING at",
    )
    .bind(session.id)
    .bind(int(ended.op))
    .bind(ending_number(ended.ending))
    .bind(int(ended.rows))
    .bind(int(ended.bytes))
    .bind(int(ended.micros))
    .bind(masked)
    .bind(int(ended.masked_values))
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(at) = at {
        count(counted, Timestamp(at), |c| add_ending(c, ended));
    }
    Ok(())
}

/// By length of the step and its beginning, both in seconds.
type Counts = BTreeMap<(i64, i64), Counted>;

fn count(counts: &mut Counts, at: Timestamp, add: impl Fn(&mut Counted)) {
    let seconds = at.0.div_euclid(1_000_000);
    for span in [MINUTE, HOUR] {
        let start = seconds - seconds.rem_euclid(span);
        add(counts.entry((span, start)).or_default());
    }
}

fn counted(operations: &[OperationRow]) -> Counts {
    let mut counts = Counts::new();
    for row in operations {
        count(&mut counts, row.at, |c| {
            match row.verdict {
                Verdict::Allow => c.allowed += 1,
                Verdict::Ask => c.asked += 1,
                Verdict::Deny => c.denied += 1,
            }
            if let Some(ended) = &row.ended {
                add_ending(c, ended);
            }
        });
    }
    counts
}

fn add_ending(counted: &mut Counted, ended: &EndedRow) {
    counted.failed += i64::from(ended.ending == Ending::Failed);
    counted.denied_by_people += i64::from(ended.ending == Ending::Denied);
    counted.masked_values = counted
        .masked_values
        .saturating_add(int(ended.masked_values));
}

async fn add_numbers(
    tx: &mut Transaction<'_, Sqlite>,
    session: Stands,
    counts: &Counts,
) -> Result<()> {
    for ((span, start), counted) in counts {
        sqlx::query(
            "INSERT INTO numbers VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (span, start, connection, principal) DO UPDATE SET allowed = allowed + excluded.allowed, \
             asked = asked + excluded.asked, denied = denied + excluded.denied, \
             denied_by_people = denied_by_people + excluded.denied_by_people, failed = failed + excluded.failed, \
             masked_values = masked_values + excluded.masked_values",
        )
        .bind(span)
        .bind(start)
        .bind(session.connection)
        .bind(session.principal)
        .bind(counted.allowed)
        .bind(counted.asked)
        .bind(counted.denied)
        .bind(counted.denied_by_people)
        .bind(counted.failed)
        .bind(counted.masked_values)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn add_to_session(
    tx: &mut Transaction<'_, Sqlite>,
    session: Stands,
    part: &Part,
    (place, committed): (Tail, Committed),
) -> Result<()> {
    let batch = &part.batch;
    let denied = batch
        .operations
        .iter()
        .filter(|o| o.verdict == Verdict::Deny);
    let masked = batch
        .all_ended()
        .fold(0_u64, |sum, e| sum.saturating_add(e.masked_values));
    sqlx::query(
        "UPDATE sessions SET operations = operations + $2, denied = denied + $3, held = held + $4, \
         failed = failed + $5, masked_values = masked_values + $6, ended = coalesce($7, ended), place = $8, \
         events = $9, committed = $10, denied_by_people = denied_by_people + $11 WHERE id = $1",
    )
    .bind(session.id)
    .bind(int(batch.operations.len() as u64))
    .bind(int(denied.count() as u64))
    .bind(int(batch.held))
    .bind(int(batch.ended_so(Ending::Failed)))
    .bind(int(masked))
    .bind(batch.closed.map(|at| at.0))
    .bind(serde_json::to_string(&place)?)
    .bind(int(place.count))
    .bind(serde_json::to_string(&committed)?)
    .bind(int(batch.ended_so(Ending::Denied)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
