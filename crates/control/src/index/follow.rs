//! Following the log: what it says is new is read from the records and kept. Falls behind under load rather than slow
//! anything down, and catches up.

use super::read::{Batch, Part};
use super::write::ActRow;
use super::{Index, Result};
use crate::api::types::Verdict;
use sluice_model::{MaskedColumn, PrincipalId, SessionId, Timestamp};
use sluice_record::{Committed, Entry, LogPlace, RecordError, Tail, entries_from, replay_from};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Entries of the log that are looked at in one go.
const ENTRIES: usize = 4_000;
/// Events of one session that are taken in one go: some megabytes of usual ones.
const EVENTS: usize = 4_000;
/// Bytes of one session's record that are taken in one go, however few events that is.
const BYTES: u64 = 16 << 20;

/// What the log says is new.
#[derive(Default)]
struct News {
    acts: Vec<ActRow>,
    gaps: u64,
    sessions: BTreeMap<SessionId, Committed>,
    place: Option<LogPlace>,
}

/// Where something was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) principal: PrincipalId,
    pub(crate) connection: String,
    pub(crate) session: SessionId,
    pub(crate) op: u64,
    pub(crate) at: Timestamp,
}

/// Something in what was read that somebody may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// Policy refused an operation.
    Refused {
        place: Place,
        policy: Option<String>,
        message: String,
    },
    /// Values were masked in an answer.
    Masked {
        place: Place,
        columns: Vec<MaskedColumn>,
    },
    /// A session began with emergency access.
    BreakGlass {
        place: Place,
        reason: Option<String>,
    },
    /// Something may be missing in the log.
    Gap { why: String, at: Timestamp },
}

impl Index {
    /// Reads on once: whether there may be more at once.
    pub(crate) async fn catch_up(
        &self,
        dir: &Path,
        notice: &mut (dyn FnMut(Noticed) + Send),
    ) -> Result<bool> {
        let place = self.place().await?;
        let news = blocking(dir, move |dir| read_news(dir, place)).await?;
        let Some(after) = news.place.filter(|after| *after != place) else {
            return Ok(false);
        };
        for (session, committed) in news.sessions {
            self.catch_up_session(dir, &session, committed, notice)
                .await?;
        }
        for act in news.acts.iter().filter(|act| act.act == GAP) {
            notice(Noticed::Gap {
                why: act.detail.clone(),
                at: act.at,
            });
        }
        self.keep_log(&news.acts, news.gaps, after).await?;
        Ok(true)
    }

    async fn catch_up_session(
        &self,
        dir: &Path,
        session: &SessionId,
        committed: Committed,
        notice: &mut (dyn FnMut(Noticed) + Send),
    ) -> Result<()> {
        let mut place = self.session_place(session).await?;
        while place.is_none_or(|place| place.count < committed.count) {
            let (id, behind) = (session.clone(), place);
            let read = move |dir: &Path| read_part(dir, &id, behind, committed.count);
            let Some((part, after)) = blocking(dir, read).await? else {
                tracing::warn!(%session, "a record cannot be read on and is not listed whole; verify it");
                break;
            };
            let kept = self.keep(&part, after, committed).await?;
            if let Some((principal, connection)) = kept {
                tell(&part, &principal, &connection, notice);
            }
            if place == Some(after) {
                break;
            }
            place = Some(after);
        }
        // Also where nothing could be read: what the log promises is what a record is held against.
        self.keep_committed(session, committed).await
    }
}

/// Tells of what was refused and masked, and of emergency access.
fn tell(
    part: &Part,
    principal: &PrincipalId,
    connection: &str,
    notice: &mut (dyn FnMut(Noticed) + Send),
) {
    let batch = &part.batch;
    let of = |op, at| Place {
        principal: principal.clone(),
        connection: connection.to_owned(),
        session: part.session.clone(),
        op,
        at,
    };
    if let Some(opened) = batch.opened.as_ref().filter(|opened| opened.break_glass) {
        notice(Noticed::BreakGlass {
            place: of(0, opened.at),
            reason: opened.reason.clone(),
        });
    }
    for row in batch
        .operations
        .iter()
        .filter(|o| o.verdict == Verdict::Deny)
    {
        notice(Noticed::Refused {
            place: of(row.op, row.at),
            policy: row.policies.first().cloned(),
            message: row.message.clone().unwrap_or_default(),
        });
    }
    for ended in batch.all_ended().filter(|ended| !ended.masked.is_empty()) {
        notice(Noticed::Masked {
            place: of(ended.op, ended.at),
            columns: ended.masked.clone(),
        });
    }
}

/// What a gap is listed as.
const GAP: &str = "gap";

async fn blocking<T: Send + 'static>(
    dir: &Path,
    work: impl FnOnce(&Path) -> Result<T> + Send + 'static,
) -> Result<T> {
    let dir = PathBuf::from(dir);
    match tokio::task::spawn_blocking(move || work(&dir)).await {
        Ok(done) => done,
        Err(_) => Err(std::io::Error::other("the reader ended").into()),
    }
}

fn read_news(dir: &Path, place: LogPlace) -> Result<News> {
    let mut news = News::default();
    let mut entries = entries_from(dir, Some(place))?;
    for read in entries.by_ref().take(ENTRIES) {
        let (number, entry) = read?;
        match entry {
            Entry::Opened { session, hash, .. } => {
                let first = Committed {
                    count: 1,
                    hash,
                    entry: number,
                    closed: false,
                };
                news.sessions.insert(session, first);
            }
            Entry::Head {
                session,
                count,
                hash,
            } => news.commit(session, (count, hash), number, false),
            Entry::Closed {
                session,
                count,
                hash,
            } => news.commit(session, (count, hash), number, true),
            Entry::Admin { at, act } => news.acts.push(ActRow {
                number,
                at,
                actor: Some(act.actor.to_string()),
                act: act.act,
                subject: act.subject,
                detail: act.detail,
            }),
            Entry::Gap {
                at, session, why, ..
            } => {
                news.gaps += 1;
                news.acts.push(ActRow {
                    number,
                    at,
                    actor: None,
                    act: GAP.to_owned(),
                    subject: session.map(|id| id.to_string()).unwrap_or_default(),
                    detail: why,
                });
            }
        }
    }
    news.place = Some(entries.place());
    Ok(news)
}

impl News {
    fn commit(
        &mut self,
        session: SessionId,
        (count, hash): (u64, sluice_record::Hash),
        entry: u64,
        closed: bool,
    ) {
        let said = Committed {
            count,
            hash,
            entry,
            closed,
        };
        self.sessions.insert(session, said);
    }
}

/// Reads a session's record on, up to the event that the log commits to. Nothing when there is nothing to read.
fn read_part(
    dir: &Path,
    session: &SessionId,
    behind: Option<Tail>,
    until: u64,
) -> Result<Option<(Part, Tail)>> {
    let mut events = match replay_from(dir, session, behind) {
        Ok(events) => events,
        Err(error) if is_lost(&error) => return Ok(None),
        // What refuses now may not the next time; nothing is passed over.
        Err(error) => return Err(error.into()),
    };
    let start = events.place();
    let (mut batch, mut taken) = (Batch::default(), 0);
    while taken < EVENTS && events.place().count < until {
        if events.place().length.saturating_sub(start.length) > BYTES {
            break;
        }
        let event = match events.next() {
            Some(Ok(event)) => event,
            Some(Err(error)) if !is_lost(&error) => return Err(error.into()),
            Some(Err(_)) | None => break,
        };
        batch.take(event);
        taken += 1;
    }
    let part = Part {
        session: session.clone(),
        batch,
    };
    Ok(Some((part, events.place())).filter(|_| taken > 0))
}

/// Whether a record is not there, or not as it was written: no later try reads it.
fn is_lost(error: &RecordError) -> bool {
    matches!(
        error,
        RecordError::NotFound(_) | RecordError::Damaged { .. }
    )
}
