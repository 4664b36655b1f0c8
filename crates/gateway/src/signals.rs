//! What a session must hear of while it waits for bytes: its end, new policies, a cancel request, the drain.
//!
//! All of it is listened to by one stream that lives as long as the session. A source is looked at only after it
//! said something, so that a session which works through thousands of statements a second pays for none of them.

use crate::registry::{EndReason, Live, Registry};
use futures_util::StreamExt as _;
use futures_util::future::{pending, ready};
use futures_util::stream::{self, BoxStream, SelectAll};
use sluice_policy::Snapshot;
use std::sync::Arc;
use tokio::sync::watch;

/// Something that a session must act on.
#[derive(Debug)]
pub enum Signal {
    /// It is ended from outside.
    End(EndReason),
    /// Policies or configuration changed: it goes on under these, if it may.
    Snapshot(Arc<Snapshot>),
    /// No policies will come any more: the control plane is gone.
    Abandoned,
    /// Its client asked, on another connection, to cancel what runs or waits, for so many times by now.
    Cancel(u64),
    /// The gateway is draining: it ends at its next pause.
    Drain,
}

/// Everything that one session listens to.
pub struct Signals {
    sources: SelectAll<BoxStream<'static, Signal>>,
}

impl Signals {
    /// Listens for one session. The snapshot of now is told first.
    #[must_use]
    pub fn of(
        live: &Arc<Live>,
        registry: &Registry,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        snapshots.mark_changed();
        let sources = [
            ended(live.ended()),
            changed(snapshots),
            cancelled(Arc::clone(live)),
            draining(registry.draining()),
        ];
        Self {
            sources: stream::select_all(sources),
        }
    }

    /// The next signal. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Signal {
        match self.sources.next().await {
            Some(signal) => signal,
            None => pending().await,
        }
    }
}

fn ended(mut end: watch::Receiver<Option<EndReason>>) -> BoxStream<'static, Signal> {
    stream::once(async move {
        let told = end.wait_for(Option::is_some).await;
        let reason = told.ok().and_then(|reason| reason.clone());
        Signal::End(reason.unwrap_or_else(|| EndReason("the gateway forgot it".into())))
    })
    .boxed()
}

fn changed(snapshots: watch::Receiver<Arc<Snapshot>>) -> BoxStream<'static, Signal> {
    stream::unfold(Some(snapshots), |snapshots| async move {
        let mut snapshots = snapshots?;
        if snapshots.changed().await.is_err() {
            return Some((Signal::Abandoned, None));
        }
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        Some((Signal::Snapshot(snapshot), Some(snapshots)))
    })
    .boxed()
}

fn cancelled(live: Arc<Live>) -> BoxStream<'static, Signal> {
    stream::unfold(live, |live| async move {
        let number = live.cancel_asked().await;
        Some((Signal::Cancel(number), live))
    })
    .boxed()
}

fn draining(mut draining: watch::Receiver<bool>) -> BoxStream<'static, Signal> {
    stream::once(async move { draining.wait_for(|drain| *drain).await.is_ok() })
        .filter_map(|drain| ready(drain.then_some(Signal::Drain)))
        .boxed()
}
