//! What was recorded, as people may look through it.

use super::news::{News, Topic};
use super::{Caller, Control};
use crate::api::types::{
    AuditReport, LogStanding, Overview, SessionInfo, SessionVerified, Verified,
};
use crate::error::ControlError;
use crate::index::{Index, Noticed, Scope};
use crate::notify::Notice;
use crate::ports::LiveSessions;
use crate::rights::may_watch;
use parking_lot::Mutex;
use sluice_model::{PrincipalId, SessionId};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedMutexGuard, watch};

/// What is older than so many seconds when it is noticed is not told any more.
const NEWS_SECONDS: i64 = 900;
/// How often the log is read on when nobody asks.
const PACE: Duration = Duration::from_secs(1);
/// How long a list waits for what was recorded just now: two beats, and a little to read it.
const FRESH: Duration = Duration::from_millis(2_500);
/// Searches that are remembered, and for how long: the same one again, page by page or because a page stays open, is on
/// record once.
const SEARCHES: usize = 10_000;
const SEARCHES_EACH: usize = 200;
const SEARCH_AGAIN: Duration = Duration::from_secs(600);
/// The longest description of a search that is recorded.
const MAX_SEARCH: usize = 2_000;

/// Following the log, and whoever follows what changes.
pub(super) struct Following {
    /// What lists over the records are answered from.
    pub(super) index: Index,
    pub(super) news: News,
    /// What verifying came to last.
    verified: Mutex<Option<Verified>>,
    /// Rings when somebody waits for what is new.
    wanted: Notify,
    /// How many entries of the log are in the index.
    reached: watch::Sender<u64>,
    /// The number of the checkpoint that was begun last, and of the one that was made last.
    begun: AtomicU64,
    signed: watch::Sender<u64>,
    searches: Mutex<VecDeque<(Instant, (PrincipalId, String))>>,
}

impl Following {
    pub(super) fn of(index: Index) -> Self {
        Self {
            index,
            news: News::default(),
            verified: Mutex::default(),
            wanted: Notify::default(),
            reached: watch::Sender::default(),
            begun: AtomicU64::new(0),
            signed: watch::Sender::default(),
            searches: Mutex::default(),
        }
    }
}

impl Control {
    /// Reads the log on into the index, for good.
    pub(super) async fn follow_log(&self) {
        loop {
            let more = self.follow_once().await;
            if !more {
                tokio::select! {
                    () = tokio::time::sleep(PACE) => {}
                    () = self.0.following.wanted.notified() => {}
                }
            }
        }
    }

    /// Reads on once: whether there may be more.
    pub(crate) async fn follow_once(&self) -> bool {
        let mut notice = |noticed| self.noticed(noticed);
        let dir = self.0.log.dir();
        let caught = self.0.following.index.catch_up(dir, &mut notice).await;
        if let Ok(place) = self.0.following.index.place().await {
            self.0.following.reached.send_replace(place.next);
        }
        match caught {
            Ok(true) => {
                for topic in [Topic::Operations, Topic::Sessions, Topic::Log] {
                    self.0.following.news.tell(topic);
                }
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::warn!(%error, "the index could not be brought up to date; lists stay behind until it can");
                false
            }
        }
    }

    /// What was noticed while the records were read. Refusals and masks of long ago, such as when the index is made anew,
    /// are nobody's news; emergency access and gaps are, however late.
    fn noticed(&self, noticed: Noticed) {
        let notice = match noticed {
            Noticed::Refused {
                place,
                policy,
                message,
            } => Notice::Refused {
                principal: place.principal,
                connection: place.connection,
                policy,
                message,
                session: place.session,
                op: place.op,
                at: place.at,
            },
            Noticed::Masked { place, columns } => Notice::Masked {
                principal: place.principal,
                connection: place.connection,
                classes: columns.into_iter().filter_map(|c| c.class).collect(),
                session: place.session,
                op: place.op,
                at: place.at,
            },
            Noticed::BreakGlass { place, reason } => Notice::BreakGlass {
                principal: place.principal,
                connection: place.connection,
                reason,
                session: place.session,
                at: place.at,
            },
            Noticed::Gap { why, at } => Notice::LogGap { why, at },
        };
        let always = matches!(notice, Notice::BreakGlass { .. } | Notice::LogGap { .. });
        if always || notice.at() >= self.now().plus_seconds(-NEWS_SECONDS) {
            self.notice(notice);
        }
    }

    /// Waits until lists know of what was recorded until now, within reason. Nothing is signed for whoever looks: that
    /// happens once a second by itself.
    pub(crate) async fn freshen(&self) {
        let following = &self.0.following;
        let asked = following.begun.load(Ordering::Acquire);
        let mut reached = following.reached.subscribe();
        let there = async {
            if self.0.log.has_news() {
                let mut signed = following.signed.subscribe();
                // One that had begun already may have passed by what is new.
                signed.wait_for(|beat| *beat > asked).await.ok()?;
            }
            following.wanted.notify_one();
            let size = self.0.log.latest().mark.size;
            reached.wait_for(|next| *next >= size).await.ok()?;
            Some(())
        };
        let _ = tokio::time::timeout(FRESH, there).await;
    }

    /// A checkpoint is about to be made: its number.
    pub(super) fn beat_begins(&self) -> u64 {
        self.0.following.begun.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// That checkpoint was made.
    pub(super) fn beat_made(&self, beat: u64) {
        self.0.following.signed.send_replace(beat);
        self.0.following.wanted.notify_one();
    }

    /// What the caller may see the content of: what is theirs, and what is on connections that they may watch.
    pub(crate) fn watched(&self, caller: &Caller, from: IpAddr) -> Scope {
        let snapshot = self.snapshot();
        let connections = snapshot.connections().map(|c| c.name.clone());
        let watched = connections.filter(|name| may_watch(self, caller, name, from));
        Scope::Theirs {
            principal: caller.id().to_string(),
            connections: watched.collect(),
        }
    }

    /// What the caller may know of: administrators know of everything that goes on, if not what it says.
    pub(crate) fn known_of(&self, caller: &Caller, from: IpAddr) -> Scope {
        match caller.is_admin() {
            true => Scope::All,
            false => self.watched(caller, from),
        }
    }

    /// Puts a search in others' records on record, once for as long as it goes on. Who can find nothing but their own is
    /// not on record for looking.
    pub(crate) fn record_search(
        &self,
        caller: &Caller,
        scope: &Scope,
        what: &str,
    ) -> Result<(), ControlError> {
        if matches!(scope, Scope::Theirs { connections, .. } if connections.is_empty()) {
            return Ok(());
        }
        let key = (caller.id().clone(), what.to_owned());
        {
            let mut searches = self.0.following.searches.lock();
            searches.retain(|(at, _)| at.elapsed() < SEARCH_AGAIN);
            if searches.iter().any(|(_, known)| *known == key) {
                return Ok(());
            }
            let theirs = searches.iter().filter(|(_, (who, _))| who == caller.id());
            if theirs.count() >= SEARCHES_EACH || searches.len() >= SEARCHES {
                let what = "too many different searches within ten minutes; each is put on record";
                return Err(ControlError::TooMany(what.to_owned()));
            }
        }
        let end = what.floor_char_boundary(MAX_SEARCH);
        let detail = what.get(..end).unwrap_or(what);
        self.record(caller.id(), "session.search", "log", detail)?;
        let mut searches = self.0.following.searches.lock();
        searches.push_back((Instant::now(), key));
        Ok(())
    }

    /// What lists over the records are answered from.
    pub(crate) fn index(&self) -> &Index {
        &self.0.following.index
    }

    /// Whether the record of one session is as it was written. `turn` is given back when it has been read.
    pub(crate) async fn verify_session(
        &self,
        id: &SessionId,
        turn: OwnedMutexGuard<()>,
    ) -> Result<SessionVerified, ControlError> {
        let committed = self.0.following.index.committed(id).await;
        let committed = committed?;
        let (log, wanted) = (self.0.log.clone(), id.clone());
        let report = tokio::task::spawn_blocking(move || {
            let report = sluice_record::verify_session(log.dir(), &wanted, committed);
            drop(turn);
            report
        });
        let report = report.await.map_err(|_| ControlError::Unavailable)?;
        let mut problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        if committed.is_none() {
            problems.push("the log has said nothing of it yet that it could be held against; try again shortly".to_owned());
        }
        Ok(SessionVerified {
            ok: problems.is_empty(),
            events: report.events,
            closed: committed.is_some_and(|said| said.closed),
            problems,
        })
    }

    /// Keeps what verifying came to, to be shown.
    pub(crate) fn note_verified(&self, report: &AuditReport) {
        *self.0.following.verified.lock() = Some(Verified {
            at: self.now(),
            ok: report.ok,
            sessions: report.sessions,
            events: report.events,
            problems: report.problems.clone(),
        });
        self.0.following.news.tell(Topic::Log);
    }

    /// How the log is.
    pub(crate) async fn log_standing(&self) -> Result<LogStanding, ControlError> {
        let mark = self.0.log.latest().mark;
        let place = self.0.following.index.place().await?;
        let gaps = self.0.following.index.gaps().await?;
        Ok(LogStanding {
            size: mark.size,
            root: crate::keys::hex(&mark.root.0),
            failing: self.0.health.borrow().log_failing.clone(),
            gaps,
            verified: self.0.following.verified.lock().clone(),
            behind: mark.size.saturating_sub(place.next),
        })
    }

    /// What is going on, and what went on in the last so many seconds.
    pub(crate) async fn overview(
        &self,
        caller: &Caller,
        from: IpAddr,
        seconds: u32,
        sessions: &dyn LiveSessions,
    ) -> Result<Overview, ControlError> {
        let scope = self.known_of(caller, from);
        let now = self.now();
        let numbers = self
            .0
            .following
            .index
            .numbers(&scope, i64::from(seconds), now)
            .await;
        let numbers = numbers?;
        let live = sessions.list().into_iter().filter(|s| is_seen(&scope, s));
        let waiting = self.list_approvals(caller, false).await;
        let pending =
            |a: &&crate::api::types::ApprovalInfo| a.state == sluice_model::ApprovalState::Pending;
        // What the log holds of everybody is for administrators.
        let log = match caller.is_admin() {
            true => Some(self.log_standing().await?),
            false => None,
        };
        Ok(Overview {
            live_sessions: live.count() as u64,
            held: waiting.iter().filter(pending).count() as u64,
            step_seconds: u32::try_from(numbers.step_seconds).unwrap_or(u32::MAX),
            points: numbers.points,
            busiest: numbers.busiest,
            log,
        })
    }
}

/// Whether a live session is among what somebody may see.
pub(crate) fn is_seen(scope: &Scope, session: &SessionInfo) -> bool {
    match scope {
        Scope::All => true,
        Scope::Theirs {
            principal,
            connections,
        } => {
            session.principal.to_string() == *principal || connections.contains(&session.connection)
        }
    }
}
