//! The outbox: messages that leave the gateway, what other services call them, and what was taken once.

use super::{Result, Store};
use crate::notify::{Delivery, DeliveryState, Waiting};
use sluice_model::{ApprovalId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

/// How long what was sent stays listed, in seconds.
const SENT_KEPT: i64 = 7 * 86_400;
/// How long what was given up stays listed, in seconds: a month, in which somebody notices.
const DEAD_KEPT: i64 = 30 * 86_400;
/// Deliveries that are kept when they are over, whatever their age.
const MAX_OVER: i64 = 50_000;
/// Those of them that are kept that found no room to wait: a flood of them must not push out what was sent.
const MAX_TURNED_AWAY: i64 = 1_000;

/// What to list.
#[derive(Debug, Default)]
pub(crate) struct WantedDeliveries {
    pub(crate) notifier: Option<String>,
    pub(crate) state: Option<DeliveryState>,
    /// Those before this number.
    pub(crate) before: Option<i64>,
    pub(crate) limit: u32,
}

/// How a notifier is doing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) pending: i64,
    pub(crate) dead: i64,
    pub(crate) last_sent: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
}

impl Store {
    /// Keeps new deliveries.
    pub(crate) async fn write_deliveries(&self, deliveries: &[Delivery]) -> Result<()> {
        let mut tx = self.changing().await?;
        let added = self.insert_deliveries(&mut tx, deliveries).await?;
        tx.commit().await?;
        self.now_wait(&added);
        Ok(())
    }

    /// Puts new deliveries into a change; what comes back waits once that is kept. What was told already is not told
    /// again, what nobody heard the beginning of is not ended, and what finds no room to wait is given up at once.
    pub(super) async fn insert_deliveries<'d>(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        deliveries: &'d [Delivery],
    ) -> Result<Vec<&'d Delivery>> {
        let mut added = Vec::new();
        for delivery in deliveries {
            if delivery.is_vain() && !is_begun(tx, delivery).await? {
                continue;
            }
            let along = added.len() as u64;
            let refusal = self.waiting.lock().refusal(delivery, along);
            if insert(tx, delivery, refusal).await? && refusal.is_none() {
                added.push(delivery);
            }
        }
        Ok(added)
    }

    /// These wait from now on.
    pub(super) fn now_wait(&self, added: &[&Delivery]) {
        let mut waiting = self.waiting.lock();
        for d in added {
            waiting.add(&d.notifier, d.is_alert(), &d.about(), 1);
        }
    }

    /// Counts what waits anew: what was interrupted in the middle is right again then.
    pub(super) async fn count_waiting(&self) -> Result<()> {
        let sql = "SELECT notifier, urgent, principal, COUNT(*) FROM deliveries WHERE state = 'pending' GROUP BY 1, 2, 3";
        let mut tx = self.changing().await?;
        let rows = sqlx::query(sql).fetch_all(&mut *tx).await?;
        let mut counted = Waiting::default();
        for row in rows {
            let (notifier, about): (String, String) = (row.try_get(0)?, row.try_get(2)?);
            let (urgent, count): (i64, i64) = (row.try_get(1)?, row.try_get(3)?);
            counted.add(&notifier, urgent != 0, &about, count.unsigned_abs());
        }
        // Nothing changes while this change is open.
        *self.waiting.lock() = counted;
        Ok(tx.rollback().await?)
    }

    /// Takes back what is told of a request that nothing came of, where nobody was told of it yet; whether that was so.
    pub(crate) async fn take_back_vain(&self, delivery: &Delivery) -> Result<bool> {
        let Some(approval) = delivery.approval() else {
            return Ok(false);
        };
        let sql = "DELETE FROM deliveries WHERE approval = $1 AND notifier = $2 AND recipient IS $3 AND state = 'pending' \
                   AND EXISTS (SELECT 1 FROM deliveries e WHERE e.approval = $1 AND e.notifier = $2 AND e.recipient IS $3 \
                   AND e.state = 'pending' AND e.final = 1) \
                   AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.approval = $1 AND e.notifier = $2 AND e.recipient IS $3 \
                   AND e.state = 'sent')";
        let mut tx = self.changing().await?;
        let done = sqlx::query(sql)
            .bind(approval)
            .bind(&delivery.notifier)
            .bind(delivery.recipient.as_deref())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let count = done.rows_affected();
        let (alert, about) = (delivery.is_alert(), delivery.about());
        self.waiting
            .lock()
            .take(&delivery.notifier, alert, &about, count);
        Ok(count > 0)
    }

    /// The greatest number so far.
    pub(super) async fn last_delivery(&self) -> Result<i64> {
        let row = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM deliveries")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// The next one of a notifier to send now. Alerts go first; those about one request to one recipient go in order.
    pub(crate) async fn due_delivery(
        &self,
        notifier: &str,
        now: Timestamp,
    ) -> Result<Option<Delivery>> {
        let sql = "SELECT number, notifier, recipient, once, state, tries, next, created, sent, last_error, body, shown \
                   FROM deliveries d WHERE state = 'pending' AND notifier = $1 AND next <= $2 \
                   AND (approval IS NULL OR NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.approval = d.approval \
                   AND e.notifier = d.notifier AND e.recipient IS d.recipient AND e.state = 'pending' \
                   AND e.number < d.number)) ORDER BY urgent DESC, number LIMIT 1";
        loop {
            let row = sqlx::query(sql)
                .bind(notifier)
                .bind(now.0)
                .fetch_optional(&self.pool)
                .await?;
            let Some(row) = row else { return Ok(None) };
            if let Some(delivery) = read(&row)? {
                return Ok(Some(delivery));
            }
            // It would stand in the way of those behind it.
            let number: i64 = row.try_get(0)?;
            let sql = "UPDATE deliveries SET state = 'dead', last_error = 'another version wrote it' WHERE number = $1";
            let mut tx = self.changing().await?;
            sqlx::query(sql).bind(number).execute(&mut *tx).await?;
            tx.commit().await?;
        }
    }

    /// Keeps how a try went, and what the other side calls the message from now on.
    pub(crate) async fn write_try(
        &self,
        delivery: &Delivery,
        reference: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "UPDATE deliveries SET state = $2, tries = $3, next = $4, created = $5, sent = $6, last_error = $7, \
                   shown = $8 WHERE number = $1";
        let mut tx = self.changing().await?;
        let before = sqlx::query("SELECT state = 'pending' FROM deliveries WHERE number = $1")
            .bind(delivery.number)
            .fetch_optional(&mut *tx)
            .await?;
        let waited = before.map(|row| row.try_get(0)).transpose()?;
        sqlx::query(sql)
            .bind(delivery.number)
            .bind(delivery.state.name())
            .bind(i64::from(delivery.tries))
            .bind(delivery.next.0)
            .bind(delivery.created.0)
            .bind(delivery.sent.map(|at| at.0))
            .bind(delivery.last_error.as_deref())
            .bind(delivery.shown.as_deref())
            .execute(&mut *tx)
            .await?;
        if let (Some(reference), Some(approval)) = (reference, delivery.approval()) {
            let sql = "INSERT INTO message_references (notifier, approval, reference, at) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (notifier, approval) DO UPDATE SET reference = excluded.reference, at = excluded.at";
            sqlx::query(sql)
                .bind(&delivery.notifier)
                .bind(approval)
                .bind(reference)
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        let waits = delivery.state == DeliveryState::Pending;
        match waited {
            Some(true) if !waits => {
                let (alert, about) = (delivery.is_alert(), delivery.about());
                self.waiting
                    .lock()
                    .take(&delivery.notifier, alert, &about, 1);
            }
            Some(false) if waits => self.now_wait(&[delivery]),
            _ => {}
        }
        Ok(())
    }

    /// What a notifier's service calls the message about a request.
    pub(crate) async fn reference(&self, notifier: &str, approval: &str) -> Result<Option<String>> {
        let sql = "SELECT reference FROM message_references WHERE notifier = $1 AND approval = $2";
        let row = sqlx::query(sql)
            .bind(notifier)
            .bind(approval)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The request that a notifier's service calls so: what it calls it ends at the first space.
    pub(crate) async fn referred(
        &self,
        notifier: &str,
        reference: &str,
    ) -> Result<Option<ApprovalId>> {
        let sql = "SELECT approval FROM message_references WHERE notifier = $1 \
                   AND substr(reference, 1, length($2) + 1) = $2 || ' '";
        let row = sqlx::query(sql)
            .bind(notifier)
            .bind(reference)
            .fetch_optional(&self.pool)
            .await?;
        let id: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// Whether a notifier really sent something about a request, and if so, whether all that is asked for was shown at
    /// this place.
    pub(crate) async fn was_shown(
        &self,
        notifier: &str,
        place: &str,
        approval: &ApprovalId,
    ) -> Result<Option<bool>> {
        let sql = "SELECT MAX(shown IS $3) FROM deliveries WHERE approval = $1 AND notifier = $2 AND state = 'sent'";
        let row = sqlx::query(sql)
            .bind(approval.as_str())
            .bind(notifier)
            .bind(place)
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Takes something that is good once; `false` when it was taken before. What has ended is forgotten.
    pub(crate) async fn take_once(
        &self,
        mark: &str,
        ends: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.changing().await?;
        sqlx::query("DELETE FROM taken_once WHERE ends <= $1")
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        let sql =
            "INSERT INTO taken_once (mark, ends) VALUES ($1, $2) ON CONFLICT (mark) DO NOTHING";
        let done = sqlx::query(sql)
            .bind(mark)
            .bind(ends.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets that something was taken: nothing came of it, and it may come again.
    pub(crate) async fn give_back(&self, mark: &str) -> Result<()> {
        let mut tx = self.changing().await?;
        sqlx::query("DELETE FROM taken_once WHERE mark = $1")
            .bind(mark)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Newest first.
    pub(crate) async fn list_deliveries(&self, wanted: &WantedDeliveries) -> Result<Vec<Delivery>> {
        let sql = "SELECT number, notifier, recipient, once, state, tries, next, created, sent, last_error, body, shown \
                   FROM deliveries WHERE ($1 IS NULL OR notifier = $1) AND ($2 IS NULL OR state = $2) \
                   AND ($3 IS NULL OR number < $3) ORDER BY number DESC LIMIT $4";
        let rows = sqlx::query(sql)
            .bind(wanted.notifier.as_deref())
            .bind(wanted.state.map(DeliveryState::name))
            .bind(wanted.before)
            .bind(i64::from(wanted.limit))
            .fetch_all(&self.pool)
            .await?;
        let read: Result<Vec<_>> = rows.iter().map(read).collect();
        Ok(read?.into_iter().flatten().collect())
    }

    pub(crate) async fn delivery(&self, number: i64) -> Result<Option<Delivery>> {
        let wanted = WantedDeliveries {
            before: number.checked_add(1),
            limit: 1,
            ..WantedDeliveries::default()
        };
        let found = self.list_deliveries(&wanted).await?.into_iter().next();
        Ok(found.filter(|delivery| delivery.number == number))
    }

    /// How one notifier is doing.
    pub(crate) async fn tally(&self, notifier: &str) -> Result<Tally> {
        let sql = "SELECT SUM(state = 'pending'), SUM(state = 'dead'), MAX(sent), \
                   (SELECT last_error FROM deliveries WHERE notifier = $1 AND last_error IS NOT NULL \
                   AND state <> 'sent' ORDER BY number DESC LIMIT 1) FROM deliveries WHERE notifier = $1";
        let row = sqlx::query(sql)
            .bind(notifier)
            .fetch_one(&self.pool)
            .await?;
        Ok(Tally {
            pending: row.try_get::<Option<i64>, _>(0)?.unwrap_or(0),
            dead: row.try_get::<Option<i64>, _>(1)?.unwrap_or(0),
            last_sent: row.try_get::<Option<i64>, _>(2)?.map(Timestamp),
            last_error: row.try_get(3)?,
        })
    }

    /// Gives up what waits for notifiers that are not declared, and forgets what is long over.
    pub(crate) async fn tidy_deliveries(&self, declared: &[String], now: Timestamp) -> Result<()> {
        let names = super::changes::json(&declared);
        let mut tx = self.changing().await?;
        let sql = "UPDATE deliveries SET state = 'dead', last_error = 'the notifier is not declared any more' \
                   WHERE state = 'pending' AND notifier NOT IN (SELECT value FROM json_each($1))";
        sqlx::query(sql).bind(names).execute(&mut *tx).await?;
        let sql = "DELETE FROM deliveries WHERE state = 'dead' AND tries = 0 AND number < \
                   (SELECT number FROM deliveries WHERE state = 'dead' AND tries = 0 ORDER BY number DESC LIMIT 1 OFFSET $1)";
        sqlx::query(sql)
            .bind(MAX_TURNED_AWAY)
            .execute(&mut *tx)
            .await?;
        let sql = "DELETE FROM deliveries WHERE (state = 'sent' AND created < $1) OR (state = 'dead' AND created < $2) \
                   OR (state <> 'pending' AND number < (SELECT number FROM deliveries ORDER BY number DESC LIMIT 1 OFFSET $3))";
        sqlx::query(sql)
            .bind(now.plus_seconds(-SENT_KEPT).0)
            .bind(now.plus_seconds(-DEAD_KEPT).0)
            .bind(MAX_OVER)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM message_references WHERE at < $1")
            .bind(now.plus_seconds(-DEAD_KEPT).0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.count_waiting().await
    }
}

/// Whether anything about a request was told to a place, or waits to be.
async fn is_begun(tx: &mut Transaction<'static, Sqlite>, delivery: &Delivery) -> Result<bool> {
    let sql = "SELECT 1 FROM deliveries WHERE approval = $1 AND notifier = $2 AND recipient IS $3 \
               AND state IN ('pending', 'sent') LIMIT 1";
    let row = sqlx::query(sql)
        .bind(delivery.approval())
        .bind(&delivery.notifier)
        .bind(delivery.recipient.as_deref())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

/// Keeps one, as given up where there is a reason to; whether it is new.
async fn insert(
    tx: &mut Transaction<'static, Sqlite>,
    delivery: &Delivery,
    refusal: Option<&str>,
) -> Result<bool> {
    let sql = "INSERT INTO deliveries (number, notifier, recipient, event, approval, once, state, tries, next, created, \
               last_error, body, principal, urgent, final) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (once) DO NOTHING";
    let state = match refusal {
        None => DeliveryState::Pending,
        Some(_) => DeliveryState::Dead,
    };
    let done = sqlx::query(sql)
        .bind(delivery.number)
        .bind(&delivery.notifier)
        .bind(delivery.recipient.as_deref())
        .bind(delivery.message.event().name())
        .bind(delivery.approval())
        .bind(&delivery.once)
        .bind(state.name())
        .bind(delivery.next.0)
        .bind(delivery.created.0)
        .bind(refusal)
        .bind(super::changes::json(&delivery.message))
        .bind(delivery.about())
        .bind(i64::from(delivery.is_alert()))
        .bind(i64::from(delivery.is_vain()))
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// One row; `None` for one of a shape that is not known.
fn read(row: &SqliteRow) -> Result<Option<Delivery>> {
    let state: String = row.try_get(4)?;
    let body: String = row.try_get(10)?;
    let known = DeliveryState::ALL.into_iter().find(|s| s.name() == state);
    let (Some(state), Ok(message)) = (known, serde_json::from_str(&body)) else {
        return Ok(None);
    };
    Ok(Some(Delivery {
        number: row.try_get(0)?,
        notifier: row.try_get(1)?,
        recipient: row.try_get(2)?,
        message,
        once: row.try_get(3)?,
        state,
        tries: u32::try_from(row.try_get::<i64, _>(5)?).unwrap_or(u32::MAX),
        next: Timestamp(row.try_get(6)?),
        created: Timestamp(row.try_get(7)?),
        sent: row.try_get::<Option<i64>, _>(8)?.map(Timestamp),
        last_error: row.try_get(9)?,
        shown: row.try_get(11)?,
    }))
}
