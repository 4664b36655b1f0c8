//! What happens by itself: things that end by time, checkpoints of the log, watching the store and the files.

use super::Control;
use crate::approvals::Approval;
use crate::ports::LiveSessions;
use crate::store::{Changes, StoreError};
use sluice_model::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often the log is signed and the store is looked at: within the second that a change may take to be felt.
const BEAT: Duration = Duration::from_secs(1);
/// Beats between looks at the certificate files, at ended sessions, and writes of when tokens were used.
const BEATS_BETWEEN_CHORES: u64 = 15;
/// Files are often written in several steps; they are read when this long nothing more happened.
const SETTLE: Duration = Duration::from_millis(100);
/// How long searches may go on after a request to stop.
const LAST_SEARCHES: Duration = Duration::from_secs(2);
/// The longest sleep of the timer; it is woken earlier by whatever is added.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);

impl Control {
    /// Does everything that happens by itself until `stop`, then signs the log a last time and closes the store.
    pub(crate) async fn run_background(
        &self,
        sessions: Arc<dyn LiveSessions>,
        stop: CancellationToken,
    ) {
        let beat = async {
            let mut count = 0_u64;
            let mut ticks = tokio::time::interval(BEAT);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.beat().await;
                count = count.wrapping_add(1);
                if count.is_multiple_of(BEATS_BETWEEN_CHORES) {
                    self.chores(sessions.as_ref()).await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = beat => {}
            () = self.end_by_time() => {}
            () = self.follow_directory() => {}
            () = self.keep_asking_providers() => {}
            () = self.follow_log() => {}
            () = self.carry_messages() => {}
        }
        self.chores(sessions.as_ref()).await;
        self.beat().await;
        self.0.store.close().await;
        // A search that goes on keeps nobody waiting: the index can be lost.
        let _ = tokio::time::timeout(LAST_SEARCHES, self.0.following.index.close()).await;
    }

    async fn keep_asking_providers(&self) {
        let mut ticks = tokio::time::interval(BEAT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.refresh_sign_ins().await;
        }
    }

    /// Ends what ends by time, at that time.
    async fn end_by_time(&self) {
        loop {
            let next = {
                let mut working = self.0.working.lock().await;
                let now = self.now();
                let aged: Vec<Approval> = working
                    .approvals
                    .values()
                    .filter_map(|a| a.aged(now))
                    .collect();
                let tokens = working
                    .tokens
                    .values()
                    .filter(|t| t.revoked.is_none())
                    .map(|t| t.expires);
                let since = working.published;
                let vouched = working
                    .roster
                    .people
                    .values()
                    .filter_map(|p| p.vouched_until);
                let ends = tokens.chain(vouched);
                let over = ends.clone().any(|end| since < end && end <= now);
                let changes = working.approvals.values().filter_map(Approval::next_change);
                let next = ends.chain(changes).filter(|end| *end > now).min();
                if over || !aged.is_empty() {
                    // What ended by time ended, whether or not the store hears of it.
                    let _ = self.write(&Changes::approvals(aged.clone())).await;
                    super::hold::keep(&mut working, aged);
                    self.publish(&mut working);
                }
                next
            };
            let sleep = next.map_or(LONGEST_SLEEP, |end| until(end, self.now()));
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.0.timer.notified() => {}
            }
        }
    }

    /// Signs the log, keeps its mark in the store, and notes whether both work.
    pub(crate) async fn beat(&self) {
        let (log, now) = (self.0.log.clone(), self.now());
        let number = self.beat_begins();
        let signed = tokio::task::spawn_blocking(move || log.checkpoint(now)).await;
        self.note_log(match signed {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the log could not be signed".to_owned()),
        });
        self.beat_made(number);
        let kept = self.keep_mark(now).await;
        let works = self.stored(kept).is_ok();
        self.judge_store(works).await;
    }

    /// Keeps the log's mark in the store; what could not be kept is tried again the next time.
    async fn keep_mark(&self, now: Timestamp) -> Result<(), StoreError> {
        self.0.store.probe().await?;
        let mark = self.0.log.latest().mark;
        if *self.0.kept_mark.lock() != Some(mark) {
            self.0.store.write_mark(mark, now).await?;
            *self.0.kept_mark.lock() = Some(mark);
        }
        Ok(())
    }

    /// The store came back, or has been away for longer than the grace: then nobody stands any more.
    async fn judge_store(&self, works: bool) {
        let since = self.0.health.borrow().store_failing_since;
        let now = self.now();
        let grace = i64::from(self.0.config.grace_seconds);
        let cut_off = !works && since.is_some_and(|s| now >= s.plus_seconds(grace));
        if works && since.is_some() {
            self.0.health.send_modify(|h| h.store_failing_since = None);
            tracing::info!("the store works again");
        }
        let mut working = self.0.working.lock().await;
        if working.cut_off != cut_off {
            working.cut_off = cut_off;
            if cut_off {
                tracing::error!(
                    "the store has been failing for longer than the grace; live sessions end"
                );
            }
            self.publish(&mut working);
        }
    }

    /// Reads the resources directory and the certificate files again, as somebody asked for it.
    pub async fn reload(&self) {
        self.reload_directory().await;
        self.refresh_certificate();
    }

    fn refresh_certificate(&self) {
        let refreshed = self.0.certificates.lock().refresh(self.now());
        match refreshed {
            Ok(true) => tracing::info!("the server certificate was replaced"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used; the last good one stays")
            }
        }
    }

    async fn chores(&self, sessions: &dyn LiveSessions) {
        self.refresh_certificate();
        self.end_session_grants(sessions).await;
        self.tidy_messages().await;
        let used: Vec<_> = std::mem::take(&mut *self.0.used.lock())
            .into_iter()
            .collect();
        if used.is_empty() {
            return;
        }
        let mut working = self.0.working.lock().await;
        for (id, at) in &used {
            if let Some(token) = working.tokens.get_mut(id) {
                token.last_used = Some(*at);
            }
        }
        let _ = self.stored(self.0.store.write_last_used(&used).await);
    }

    /// Takes the resources directory over whenever something in it changes.
    async fn follow_directory(&self) {
        let Some(dir) = self.0.config.resources.clone() else {
            return std::future::pending().await;
        };
        // One waiting signal stands for any number of changes.
        let (sender, mut changed) = mpsc::channel(1);
        let _watcher = match watch(&dir, sender) {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::error!(%error, "the resources directory cannot be watched; changes need `sluice apply`");
                return std::future::pending().await;
            }
        };
        while changed.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(SETTLE, changed.recv()).await {}
            self.reload_directory().await;
        }
        std::future::pending().await
    }
}

fn until(end: Timestamp, now: Timestamp) -> Duration {
    let micros = u64::try_from(end.0.saturating_sub(now.0)).unwrap_or(0);
    Duration::from_micros(micros).min(LONGEST_SLEEP)
}

fn watch(dir: &Path, sender: mpsc::Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
    use notify::Watcher as _;
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let read_only = event.as_ref().is_ok_and(|e| e.kind.is_access());
        if !read_only {
            let _ = sender.try_send(());
        }
    })?;
    watcher.watch(dir, notify::RecursiveMode::Recursive)?;
    Ok(watcher)
}
