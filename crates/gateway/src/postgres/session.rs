//! One session: the client, the target, and everything between them, in one task.
//!
//! ```text
//!            front.rs                          back.rs
//! client ---> read, decide, hold, record ---> target ---> mask, record ---> client
//! ```
//!
//! The loop works off what both peers have sent, then waits for the next byte, a new snapshot, the end of a
//! hold, a cancel request, or the order to end.

use super::Shared;
use super::analyst::Analyst;
use super::copy_in::CopyRest;
use super::estimate::Estimator;
use super::expect::Expect;
use super::hold::Held;
use super::names::{Names, Prepared};
use super::refusal::{CANCELED, ENDED, Refusal};
use super::shape::Binding;
use super::target::{self, TargetSession};
use crate::clock;
use crate::duplex::{self, PeerError, Side, Want};
use crate::pipeline::{Answer, HoldOver, Pipeline, Unrecorded, standing};
use crate::registry::Live;
use crate::signals::{Signal, Signals};
use crate::stream::Stream;
use sluice_model::{ApprovalFacts, Decision, EventBody, Outcome, SessionContext};
use sluice_policy::Snapshot;
use sluice_protocol::postgres::startup::CancelKey;
use sluice_protocol::postgres::types::TransactionStatus;
use sluice_protocol::postgres::{Violation, encode};
use std::collections::VecDeque;
use std::mem::discriminant;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The most answers that a target may owe: a pipelining client stops being read above it.
pub(super) const MAX_OWED: usize = 4_096;
/// How often a session asks again whether it may go on, where policies look at the time.
const TICK: Duration = Duration::from_secs(1);
/// What was answered is written to the record this soon at the latest.
const RECORD_DELAY: Duration = Duration::from_millis(100);
/// A session without policies that look at the time wakes this seldom.
const SELDOM: Duration = Duration::from_secs(3_600);
/// How long a client may take to read its last message.
const PARTING: Duration = Duration::from_millis(500);

/// Why a session ends.
#[derive(Debug)]
pub enum End {
    /// The client left.
    Left,
    /// The target ended the session, and the client was sent what it said.
    TargetLeft,
    /// One of the streams failed.
    Broken(PeerError),
    /// The gateway ends it, and the client is told why.
    Told(Refusal),
}

impl End {
    fn because(why: &str) -> Self {
        Self::Told(Refusal::new(ENDED, format!("the session was ended: {why}")))
    }
}

impl From<Unrecorded> for End {
    fn from(error: Unrecorded) -> Self {
        Self::Told(error.into())
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        metrics::counter!("sluice_protocol_violations_total").increment(1);
        Self::Told(violation.into())
    }
}

impl From<encode::CannotEncode> for End {
    fn from(error: encode::CannotEncode) -> Self {
        Self::Told(Refusal::internal(&error.to_string()))
    }
}

/// What happens to messages up to the next Sync after an error in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    /// Nothing is skipped.
    No,
    /// The target knows nothing of this step: Sync is answered here.
    Local,
    /// The target skips too: Sync is forwarded.
    Target,
}

/// One session.
pub struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) context: Arc<SessionContext>,
    pub(super) live: Arc<Live>,
    pub(super) client: Side<Stream>,
    pub(super) target: Side<Stream>,
    pub(super) pipeline: Pipeline,
    pub(super) analyst: Analyst,
    pub(super) names: Names,
    pub(super) expect: VecDeque<Expect>,
    pub(super) transaction: TransactionStatus,
    pub(super) skip: Skip,
    /// Something was forwarded since the last Sync or simple query.
    pub(super) unsynced: bool,
    /// The target takes COPY data.
    pub(super) copy_in: bool,
    /// What is still to come of the client's CopyData message.
    pub(super) copy_rest: CopyRest,
    /// The client ended its COPY data, and the target has not answered that.
    pub(super) copy_ended: bool,
    /// A Sync came while the target took COPY data, and was kept back.
    pub(super) copy_sync: bool,
    /// The search path may have changed: it is asked for before the next statement is read.
    pub(super) scope_stale: bool,
    /// The target was asked for its search path and has not told it.
    pub(super) scope_asked: bool,
    /// A transaction changed the search path: its end may change it back.
    pub(super) scope_in_transaction: bool,
    /// What exists was changed: others' catalogs are old once the transaction ends.
    pub(super) catalog_changed: bool,
    /// Forwarded operations that will change names or settings when they end.
    pub(super) effects_in_flight: usize,
    /// Counts the steps (each up to a Sync) and simple queries that were forwarded.
    pub(super) step: u64,
    /// Statements were named or forgotten in the step that is under way.
    pub(super) step_names: bool,
    /// Steps whose ReadyForQuery is owed and in which statements were named or forgotten.
    pub(super) unconfirmed_steps: usize,
    /// Answers were asked for with a Flush of the gateway's own.
    pub(super) flushed: bool,
    /// The target's transactions are read-only, and stay so.
    pub(super) read_only: bool,
    /// Statements that were prepared and not recorded yet.
    pub(super) unrecorded: Vec<Arc<Prepared>>,
    pub(super) held: Option<Held>,
    /// Asks the target's planner.
    pub(super) estimator: Estimator,
    pub(super) target_key: Option<CancelKey>,
    /// The target said that it ends the session.
    pub(super) target_ended: bool,
    /// The policies and configuration of now.
    snapshot: Arc<Snapshot>,
    /// When it was last asked whether the session may go on.
    renewed_at: Instant,
    /// The gateway is draining.
    draining: bool,
    /// How long operations took, in seconds: the handle, so that it need not be looked up for each of them.
    pub(super) operation_seconds: metrics::Histogram,
}

/// What a session starts with.
pub struct Start {
    /// What all sessions share.
    pub shared: Arc<Shared>,
    /// Who acts on what.
    pub context: Arc<SessionContext>,
    /// Its place in the registry.
    pub live: Arc<Live>,
    /// The client, logged in, with its ReadyForQuery in the outbox.
    pub client: Side<Stream>,
    /// The target, logged in.
    pub target: TargetSession,
    /// Decisions and record.
    pub pipeline: Pipeline,
    /// The target's transactions are read-only.
    pub read_only: bool,
    /// The policies and configuration that it was let in by.
    pub snapshot: Arc<Snapshot>,
}

impl Session {
    /// A session that has just begun.
    #[must_use]
    pub fn new(start: Start) -> Self {
        let Start {
            shared,
            context,
            live,
            client,
            target,
            pipeline,
            read_only,
            snapshot,
        } = start;
        let analyst = Analyst::new(Arc::clone(&shared.catalogs), Arc::clone(&context));
        Self {
            shared,
            context,
            live,
            client,
            target: target.side,
            pipeline,
            analyst,
            names: Names::default(),
            expect: VecDeque::new(),
            transaction: TransactionStatus::Idle,
            skip: Skip::No,
            unsynced: false,
            copy_in: false,
            copy_rest: CopyRest::default(),
            copy_ended: false,
            copy_sync: false,
            scope_stale: false,
            scope_asked: false,
            step: 0,
            step_names: false,
            unconfirmed_steps: 0,
            scope_in_transaction: false,
            catalog_changed: false,
            effects_in_flight: 0,
            flushed: false,
            read_only,
            unrecorded: Vec::new(),
            held: None,
            estimator: Estimator::default(),
            target_key: target.cancel_key,
            target_ended: false,
            snapshot,
            renewed_at: Instant::now(),
            draining: false,
            operation_seconds: metrics::histogram!("sluice_operation_seconds"),
        }
    }

    /// Runs the session to its end and records it.
    pub async fn run(mut self, snapshots: watch::Receiver<Arc<Snapshot>>) {
        let signals = Signals::of(&self.live, &self.shared.registry, snapshots);
        let end = match self.relay(signals).await {
            Ok(()) => End::Left,
            Err(end) => end,
        };
        let why = match &end {
            End::Left => "the client left".to_owned(),
            End::TargetLeft => "the target ended the session".to_owned(),
            End::Broken(PeerError::Client(error)) => {
                format!("the client's connection failed: {error}")
            }
            End::Broken(PeerError::Target(error)) => {
                format!("the target's connection failed: {error}")
            }
            End::Told(refusal) => refusal.message.clone(),
        };
        tracing::info!(session = %self.context.id, why, "session ended");
        self.part(end, &why).await;
    }

    async fn relay(&mut self, mut signals: Signals) -> Result<(), End> {
        // One timer for the whole session, moved only to an earlier time: each move wakes the timer's thread,
        // which costs more than all else that is done for a small statement.
        let mut alarm = pin!(tokio::time::sleep_until(self.wake_at()));
        // It will go off soon, and what is due is looked at again then.
        let mut soon = false;
        loop {
            if self.work_unless_ended(&mut signals).await? {
                return Ok(());
            }
            if self.draining && self.is_idle() {
                return Err(End::Told(Refusal::new(
                    ENDED,
                    "the gateway is shutting down; connect again",
                )));
            }
            if !soon {
                let wake_at = self.wake_at();
                if wake_at < alarm.deadline() {
                    alarm.as_mut().reset(wake_at);
                }
                soon = self.pipeline.is_behind();
            }
            if alarm.deadline() <= Instant::now() {
                // Looked at here and not where it wakes the session: peers that always have more must not keep it
                // from going off.
                self.tick().await?;
                alarm.as_mut().reset(self.wake_at());
                soon = false;
            }
            let want = self.wants();
            tokio::select! {
                biased;
                signal = signals.next() => self.on_signal(signal).await?,
                () = Held::decided(&mut self.held) => {}
                moved = duplex::exchange(&mut self.client, &mut self.target, want) => {
                    moved.map_err(End::Broken)?;
                }
                () = alarm.as_mut() => {}
            }
        }
    }

    async fn on_signal(&mut self, signal: Signal) -> Result<(), End> {
        match signal {
            Signal::End(reason) => Err(End::because(&reason.0)),
            Signal::Abandoned => Err(End::because("the control plane is gone")),
            Signal::Snapshot(snapshot) => {
                self.snapshot = snapshot;
                self.renew()
            }
            Signal::Cancel(number) => self.cancel(number).await,
            Signal::Drain => {
                self.draining = true;
                Ok(())
            }
        }
    }

    /// Works off what was received. Reading a catalog or making a request can take a while: the order to
    /// end, and a principal who is switched off, are heard meanwhile; all else that was heard is done after it.
    async fn work_unless_ended(&mut self, signals: &mut Signals) -> Result<bool, End> {
        let context = Arc::clone(&self.context);
        let mut heard: Vec<Signal> = Vec::new();
        let left = {
            let mut work = pin!(self.work());
            loop {
                tokio::select! {
                    biased;
                    done = &mut work => break done?,
                    signal = signals.next() => {
                        match &signal {
                            Signal::End(reason) => return Err(End::because(&reason.0)),
                            Signal::Snapshot(snapshot) => {
                                snapshot
                                    .view(&context, clock::now())
                                    .and_then(|view| standing(&view))
                                    .map_err(|denial| End::because(&denial.message))?;
                            }
                            Signal::Abandoned | Signal::Cancel(_) | Signal::Drain => {}
                        }
                        heard.retain(|earlier| discriminant(earlier) != discriminant(&signal));
                        heard.push(signal);
                    }
                }
            }
        };
        for signal in heard {
            self.on_signal(signal).await?;
        }
        Ok(left)
    }

    /// Works off what was received. `true`: the client left.
    async fn work(&mut self) -> Result<bool, End> {
        if self.held.as_ref().is_some_and(Held::is_decided) {
            self.hold_decided().await?;
        }
        loop {
            let answered = self.work_target().await?;
            let asked = self.work_client().await?;
            if asked.left {
                return Ok(true);
            }
            if !answered && !asked.moved {
                break;
            }
        }
        self.record_prepared()?;
        if self.client.closed {
            return Ok(true);
        }
        if self.target.closed && self.target.inbox.is_empty() {
            if self.target_ended {
                return Err(End::TargetLeft);
            }
            let gone = Refusal::new("08006", "the target closed the connection");
            return Err(End::Told(gone));
        }
        Ok(false)
    }

    /// Statements that were prepared but not run with the same bytes are recorded before they are sent.
    fn record_prepared(&mut self) -> Result<(), End> {
        for prepared in std::mem::take(&mut self.unrecorded) {
            let body = EventBody::Prepared {
                text: prepared.text.as_ref().to_owned(),
            };
            self.pipeline.note(&body)?;
            self.pipeline.flush()?;
        }
        Ok(())
    }

    fn wants(&self) -> Want {
        // A client that waits for an approval is listened to, so that its leaving is noticed; what it sends
        // meanwhile is bounded by the inbox.
        let client =
            self.client.inbox.len() < duplex::HIGH_WATER || self.client_message_incomplete();
        Want {
            client: client && self.target.has_room(),
            target: self.client.has_room(),
        }
    }

    fn is_idle(&self) -> bool {
        self.expect.is_empty()
            && self.held.is_none()
            && self.transaction == TransactionStatus::Idle
            && self.client.inbox.is_empty()
            && self.client.is_flushed()
    }

    /// When it is asked again whether the session may go on.
    fn renewal_due(&self) -> Instant {
        let time_dependent = self.pipeline.view().time_dependent();
        self.renewed_at + if time_dependent { TICK } else { SELDOM }
    }

    /// When something is due even though nobody sends anything.
    fn wake_at(&self) -> Instant {
        let view = self.pipeline.view();
        let mut wake = self.renewal_due();
        if self.pipeline.is_behind() {
            wake = wake.min(Instant::now() + RECORD_DELAY);
        }
        if let Some(end) = view.ends_at() {
            let left = u64::try_from(end.0.saturating_sub(clock::now().0)).unwrap_or(0);
            // A clock that runs a little apart from the timer must not make this spin.
            let left = Duration::from_micros(left).max(Duration::from_millis(10));
            wake = wake.min(Instant::now() + left);
        }
        self.held
            .as_ref()
            .map_or(wake, |held| wake.min(held.deadline))
    }

    /// Time passed: a hold may be over, a window or token may have ended.
    async fn tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.held.as_ref().is_some_and(|held| held.deadline <= now) {
            self.hold_timed_out().await?;
        }
        self.client.rest();
        self.target.rest();
        self.pipeline.flush()?;
        let ends_at = self.pipeline.view().ends_at();
        if ends_at.is_some_and(|end| end <= clock::now()) || self.renewal_due() <= now {
            self.renew()?;
        }
        Ok(())
    }

    /// Goes on under the snapshot of now, if it may; what runs is decided again.
    fn renew(&mut self) -> Result<(), End> {
        self.pipeline
            .renew(&self.snapshot)
            .map_err(|denial| End::because(&denial.message))?;
        self.renewed_at = Instant::now();
        let view = self.pipeline.view();
        let running = self.expect.iter().flat_map(|expect| match expect {
            Expect::Execute(running) => std::slice::from_ref(running.as_ref())
                .iter()
                .collect::<Vec<_>>(),
            Expect::Query(runs) => runs.iter().collect(),
            _ => Vec::new(),
        });
        for run in running {
            let now = clock::now();
            let facts = run
                .approved
                .as_ref()
                .map_or_else(ApprovalFacts::default, |spent| spent.facts.clone());
            let allowed = run
                .analysis
                .operation(&run.text, &self.context, view, now)
                .map(|operation| run.estimate.in_facts_of(operation))
                .is_ok_and(|operation| {
                    matches!(view.decide(&operation, now, &facts), Decision::Allow(_))
                });
            if !allowed {
                return Err(End::because(
                    "the policies no longer allow what was running",
                ));
            }
        }
        Ok(())
    }

    /// What a plan is bound under now.
    pub(super) fn binding(&self) -> Binding<'_> {
        Binding {
            view: self.pipeline.view(),
            epoch: self.pipeline.epoch(),
            now: clock::now(),
        }
    }

    /// The client asked, on another connection, to cancel what runs or waits.
    async fn cancel(&mut self, number: u64) -> Result<(), End> {
        if self.held.is_some() {
            let refusal = Refusal::new(CANCELED, "canceling statement due to user request");
            self.hold_over(HoldOver::undecided("cancelled"), refusal, true)
                .await?;
            self.live.cancel_done(number);
            return Ok(());
        }
        self.cancel_at_target(number);
        Ok(())
    }

    /// Cancels what the target runs, and says that so many of the client's requests were passed on.
    fn cancel_at_target(&self, number: u64) {
        let live = Arc::clone(&self.live);
        let Some(key) = self.target_key.clone() else {
            return live.cancel_done(number);
        };
        let (context, id) = (Arc::clone(&self.context), self.context.id.clone());
        tokio::spawn(async move {
            if let Err(error) = target::cancel(&context.connection.target, &key).await {
                tracing::warn!(session = %id, %error, "a cancel request could not be passed on");
            }
            live.cancel_done(number);
        });
    }

    async fn part(mut self, end: End, why: &str) {
        if let Some(held) = self.take_held() {
            self.pipeline.port().cancel_hold(&held.ticket.id).await;
            let _ =
                self.pipeline
                    .hold_ended(held.op, held.ticket.id, HoldOver::undecided("cancelled"));
        }
        let target_went = matches!(end, End::TargetLeft | End::Broken(PeerError::Target(_)));
        let outcome = |why: &str| match target_went {
            true => Outcome::Failed(why.to_owned()),
            false => Outcome::Cut(why.to_owned()),
        };
        let busy = !self.expect.is_empty();
        for expect in std::mem::take(&mut self.expect) {
            let runs = match expect {
                Expect::Execute(run) => VecDeque::from([*run]),
                Expect::Query(runs) => runs,
                _ => continue,
            };
            for run in runs {
                let answer = answer(&run, outcome(why));
                let _ = self.pipeline.answered(run.permit.op(), answer);
            }
        }
        if busy {
            self.cancel_at_target(0);
        }
        if let End::Told(refusal) = &end {
            refusal.encode("FATAL", &mut self.client.outbox);
        }
        let _ = timeout(PARTING, self.client.finish()).await;
        self.target.outbox.clear();
        encode::terminate(&mut self.target.outbox);
        let _ = timeout(PARTING, self.target.finish()).await;
        self.pipeline.close(why);
    }
}

/// How an operation ended, for its record.
pub(super) fn answer(run: &super::expect::Running, outcome: Outcome) -> Answer {
    Answer {
        outcome,
        rows: run.rows,
        bytes: run.bytes,
        masked: run
            .plan
            .as_ref()
            .map(|plan| Arc::clone(&plan.masked))
            .unwrap_or_default(),
        micros: u64::try_from(run.since.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}
