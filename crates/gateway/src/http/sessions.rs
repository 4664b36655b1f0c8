//! Sessions of a protocol that has none: the requests of one credential to one connection, with one account, from one
//! address, until none came for a while.

use super::exchange::MAX_HELD_EACH;
use super::refusal::Refusal;
use crate::clock;
use crate::pipeline::{Pipeline, Unrecorded};
use crate::port::ControlPort;
use crate::registry::{Live, Membership, Registry};
use http::StatusCode;
use parking_lot::Mutex;
use sluice_model::{
    ApprovalFacts, ApprovalId, Ask, Decision, Denial, Operation, PrincipalId, SessionContext,
    Timestamp, WaysIn,
};
use sluice_policy::{FieldPlan, Snapshot};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Sessions that can live, altogether and of one principal: each has a record, and some kilobytes.
const MAX_SESSIONS: usize = 20_000;
const MAX_SESSIONS_EACH: usize = 500;
/// How long a session goes on without a request when the connection does not say, in seconds.
const IDLE_SECONDS: u32 = 300;
/// What was answered is written to the record this soon at the latest.
const RECORD_DELAY: Duration = Duration::from_millis(100);
/// How often it is looked at which sessions are over.
const SWEEP: Duration = Duration::from_secs(1);

/// What makes requests those of one session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The SHA-256 of what the caller proved who they are with.
    pub secret: [u8; 32],
    /// The connection.
    pub connection: String,
    /// The account.
    pub account: String,
    /// Where the client is.
    pub address: IpAddr,
    /// Why, as the caller said.
    pub reason: Option<String>,
    /// It came as the cookie of a browser.
    pub is_site: bool,
    /// The ways in of where it came in.
    pub ways: WaysIn,
}

/// What changes in a session.
struct State {
    /// Decisions and record; none once the session is over and everything that was under way has ended.
    pipeline: Option<Pipeline>,
    /// Why it is over.
    over: Option<Arc<str>>,
    /// The version of the snapshot that it goes by.
    version: u64,
    /// Whose approval it waits for before anything is decided.
    asks: Option<Ask>,
}

/// One session.
pub struct Session {
    /// Who acts on what.
    pub context: Arc<SessionContext>,
    key: Key,
    membership: Membership,
    state: Mutex<State>,
    /// Rings with each change of the policies, and at the end. Holds why it is over.
    changes: watch::Sender<Option<Arc<str>>>,
    visits: AtomicUsize,
    last_used: AtomicI64,
    /// Events of it wait to be written.
    behind: AtomicBool,
    /// Room of its principal's for bodies that are held until they are decided.
    pub held: Arc<Semaphore>,
}

/// A request that is in a session, until it is dropped.
pub struct Visit(Arc<Session>);

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.last_used.store(clock::now().0, Ordering::Release);
        if self.0.visits.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.close_if_over(&mut self.0.state.lock());
        }
    }
}

impl std::ops::Deref for Visit {
    type Target = Arc<Session>;
    fn deref(&self) -> &Arc<Session> {
        &self.0
    }
}

/// The session is over, and why.
fn over(why: &str) -> Refusal {
    let why = format!("the session was ended: {why}");
    Refusal::new(StatusCode::FORBIDDEN, why).hint("send the request again")
}

impl Session {
    /// Its place in the registry.
    #[must_use]
    pub fn live(&self) -> &Arc<Live> {
        self.membership.live()
    }

    /// Does something with its decisions and record, under the policies of now.
    ///
    /// # Errors
    /// It is over, or ends by this: its record cannot be written.
    pub fn with<T>(
        &self,
        port: &dyn ControlPort,
        act: impl FnOnce(&mut Pipeline) -> Result<T, Unrecorded>,
    ) -> Result<T, Refusal> {
        let mut state = self.state.lock();
        self.renew(&mut state, port)?;
        self.act(&mut state, act)
    }

    /// Records the end of something that was allowed, also when the session is over meanwhile.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub fn close(
        &self,
        act: impl FnOnce(&mut Pipeline) -> Result<(), Unrecorded>,
    ) -> Result<(), Refusal> {
        self.act(&mut self.state.lock(), act)
    }

    fn act<T>(
        &self,
        state: &mut State,
        act: impl FnOnce(&mut Pipeline) -> Result<T, Unrecorded>,
    ) -> Result<T, Refusal> {
        let Some(pipeline) = state.pipeline.as_mut() else {
            return Err(over("it is over"));
        };
        match act(pipeline) {
            Ok(done) => {
                if pipeline.is_behind() {
                    self.behind.store(true, Ordering::Release);
                }
                Ok(done)
            }
            Err(error) => {
                let refusal = Refusal::from(error);
                self.end(state, &refusal.message);
                Err(refusal)
            }
        }
    }

    /// Moves to the newest snapshot, if there is a newer one.
    fn renew(&self, state: &mut State, port: &dyn ControlPort) -> Result<(), Refusal> {
        if let Some(reason) = self.live().ended().borrow().as_ref() {
            self.end(state, &reason.0);
        }
        let snapshots = port.snapshots();
        let snapshot = Arc::clone(&snapshots.borrow());
        if let Some(why) = &state.over {
            return Err(over(why));
        }
        let Some(pipeline) = state.pipeline.as_mut() else {
            return Err(over("it is over"));
        };
        if snapshot.version() == state.version {
            return Ok(());
        }
        match renewed(pipeline, &snapshot, state.asks.is_some()) {
            Ok(()) => {
                state.version = snapshot.version();
                self.changes.send_modify(|_| {});
                Ok(())
            }
            Err(denial) => {
                self.end(state, &denial.message);
                Err(Refusal::denied(&denial))
            }
        }
    }

    /// Ends it: what is under way is cut, and the record closed as soon as it says so.
    fn end(&self, state: &mut State, why: &str) {
        if state.over.is_none() {
            let why: Arc<str> = why.into();
            state.over = Some(Arc::clone(&why));
            tracing::info!(session = %self.context.id, %why, "session ended");
            self.changes.send_replace(Some(why));
        }
        self.close_if_over(state);
    }

    fn close_if_over(&self, state: &mut State) {
        let unused = self.visits.load(Ordering::Acquire) == 0;
        if let Some(why) = state.over.clone().filter(|_| unused)
            && let Some(pipeline) = state.pipeline.take()
        {
            pipeline.close(&why);
        }
    }

    /// Whose approval it waits for before anything is decided.
    #[must_use]
    pub fn asks(&self) -> Option<Ask> {
        self.state.lock().asks.clone()
    }

    /// It is let in, by an approval.
    ///
    /// # Errors
    /// The approval does not suffice under the policies of now, or the session is over.
    pub fn let_in(
        &self,
        port: &dyn ControlPort,
        approval: Option<ApprovalId>,
    ) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        self.renew(&mut state, port)?;
        let decided = self.act(&mut state, |pipeline| {
            let decision = pipeline
                .view()
                .connect(clock::now(), &ApprovalFacts::default());
            pipeline.asked_to_connect(decision.clone(), approval)?;
            Ok(decision)
        })?;
        match decided {
            Decision::Allow(_) => {
                state.asks = None;
                Ok(())
            }
            Decision::Deny(denial) => Err(Refusal::denied(&denial)),
            Decision::Ask(_) => {
                let why = "the approval does not suffice under the policies of now";
                Err(Refusal::new(StatusCode::FORBIDDEN, why))
            }
        }
    }

    /// Returns why waiting is of no use any more: the session is over, or what waits is refused now.
    pub async fn waits_in_vain(
        &self,
        port: &dyn ControlPort,
        operation: Option<&Operation>,
    ) -> Refusal {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(why) = changes.borrow_and_update().clone() {
                return over(&why);
            }
            let decided = self.with(port, |pipeline| {
                let decide = |o| {
                    pipeline
                        .view()
                        .decide(o, clock::now(), &ApprovalFacts::default())
                };
                Ok(operation.map(decide))
            });
            match decided {
                Ok(Some(Decision::Deny(denial))) => return Refusal::denied(&denial),
                Ok(_) => {}
                Err(refusal) => return refusal,
            }
            if changes.changed().await.is_err() {
                return over("it is over");
            }
        }
    }

    /// The version of the policies that it goes by.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.lock().version
    }

    /// Returns why an operation of it that was allowed may not go on.
    pub async fn lost(&self, port: &dyn ControlPort, mut standing: Standing<'_>) -> Arc<str> {
        let mut changes = self.changes.subscribe();
        let mut ended = self.live().ended();
        let mut tick = tokio::time::interval(SWEEP);
        tick.reset();
        loop {
            if let Some(why) = changes.borrow_and_update().clone() {
                return why;
            }
            let now_and_then = match self.still(port, &mut standing) {
                Ok(now_and_then) => now_and_then,
                Err(why) => return why,
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return "it is over".into() },
                reason = ended.wait_for(Option::is_some) => {
                    let reason = reason.ok().and_then(|r| r.clone()).map(|r| r.0);
                    return reason.unwrap_or_default().into();
                }
                _ = tick.tick(), if now_and_then => standing.version = 0,
            }
        }
    }

    /// Whether an operation may go on; the answer is whether that has to be asked again as time passes.
    fn still(&self, port: &dyn ControlPort, standing: &mut Standing<'_>) -> Result<bool, Arc<str>> {
        let mut state = self.state.lock();
        self.renew(&mut state, port)
            .map_err(|refusal| refusal.message)?;
        let version = state.version;
        let Some(pipeline) = state.pipeline.as_mut() else {
            return Err("it is over".into());
        };
        let view = pipeline.view();
        if std::mem::replace(&mut standing.version, version) != version {
            let now = clock::now();
            match view.decide(standing.operation, now, standing.facts) {
                Decision::Allow(_) => {}
                Decision::Deny(denial) => return Err(denial.message.into()),
                Decision::Ask(_) => return Err("the approval that it stood on has ended".into()),
            }
            if view.fields(now).hides_more_than(standing.plan) {
                return Err("what may be seen of the answer has changed".into());
            }
        }
        Ok(view.time_dependent() || view.ends_at().is_some())
    }

    fn idle_until(&self) -> Timestamp {
        let settings = &self.context.connection.settings;
        let seconds = settings.idle_seconds.unwrap_or(IDLE_SECONDS);
        let last = Timestamp(self.last_used.load(Ordering::Acquire));
        last.plus_seconds(seconds.into())
    }
}

/// A session that waits for an approval to connect needs no right to it yet.
fn renewed(pipeline: &mut Pipeline, snapshot: &Arc<Snapshot>, waits: bool) -> Result<(), Denial> {
    if waits {
        return pipeline.renew_waiting(snapshot);
    }
    pipeline.renew(snapshot)
}

/// What lets an operation go on once it is under way.
pub struct Standing<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// The approvals that it stands on.
    pub facts: &'a ApprovalFacts,
    /// What is hidden of its answer.
    pub plan: &'a FieldPlan,
    /// The version of the policies that it was decided under.
    pub version: u64,
}

/// What a session begins with.
pub struct Begun {
    /// Who acts on what.
    pub context: Arc<SessionContext>,
    /// What makes requests those of this session.
    pub key: Key,
    /// Decisions and record, whose opening is recorded.
    pub pipeline: Pipeline,
    /// The version of the snapshot that it goes by.
    pub version: u64,
    /// Whose approval it waits for.
    pub asks: Option<Ask>,
}

/// All live sessions.
#[derive(Default)]
pub struct Sessions {
    all: Mutex<HashMap<Key, Arc<Session>>>,
    /// Each principal's room for bodies, while one of its sessions lives.
    rooms: Mutex<HashMap<PrincipalId, Weak<Semaphore>>>,
}

impl Sessions {
    /// A request enters the session with this key, if there is one that lives.
    #[must_use]
    pub fn enter(&self, key: &Key) -> Option<Visit> {
        // One session that is busy holds up no other one.
        let session = Arc::clone(self.all.lock().get(key)?);
        visit(&session)
    }

    /// Whether another session of somebody may begin.
    ///
    /// # Errors
    /// There are too many.
    pub fn check_room(&self, context: &SessionContext) -> Result<(), Refusal> {
        let sessions = self.all.lock();
        let own = sessions.values();
        let own = own.filter(|s| s.context.principal.id == context.principal.id);
        if sessions.len() >= MAX_SESSIONS || own.count() >= MAX_SESSIONS_EACH {
            let why = "too many sessions live; some have to end first";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, why).retry_after(30));
        }
        Ok(())
    }

    /// A session begins, and a request enters it; or one that began meanwhile.
    pub fn begin(&self, registry: &Arc<Registry>, begun: Begun) -> Option<Visit> {
        let mut sessions = self.all.lock();
        let known = sessions
            .get(&begun.key)
            .filter(|s| s.changes.borrow().is_none());
        if let Some(known) = known.map(enter) {
            begun
                .pipeline
                .close("another request of the same session came first");
            return Some(known);
        }
        let held = self.room_of(&begun.context.principal.id);
        let membership = registry.enter(crate::opening::entry(&begun.context));
        let session = Arc::new(Session {
            context: begun.context,
            key: begun.key.clone(),
            membership,
            state: Mutex::new(State {
                pipeline: Some(begun.pipeline),
                over: None,
                version: begun.version,
                asks: begun.asks,
            }),
            changes: watch::channel(None).0,
            visits: AtomicUsize::new(0),
            last_used: AtomicI64::new(clock::now().0),
            behind: AtomicBool::new(true),
            held,
        });
        let entered = enter(&session);
        sessions.insert(begun.key, session);
        Some(entered)
    }

    fn room_of(&self, principal: &PrincipalId) -> Arc<Semaphore> {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get(principal).and_then(Weak::upgrade) {
            return room;
        }
        rooms.retain(|_, room| room.strong_count() > 0);
        let room = Arc::new(Semaphore::new(MAX_HELD_EACH));
        rooms.insert(principal.clone(), Arc::downgrade(&room));
        room
    }

    fn all(&self) -> Vec<Arc<Session>> {
        self.all.lock().values().cloned().collect()
    }

    /// Writes what waits to be written.
    fn flush(&self) {
        for session in self.all() {
            if !session.behind.swap(false, Ordering::AcqRel) {
                continue;
            }
            let mut state = session.state.lock();
            let flushed = state.pipeline.as_mut().map(Pipeline::flush);
            if let Some(Err(error)) = flushed {
                session.end(&mut state, &error.to_string());
            }
        }
    }

    /// Ends sessions that nobody uses any more, and forgets those that are over.
    fn sweep(&self, draining: bool) {
        let now = clock::now();
        for session in self.all() {
            let unused = session.visits.load(Ordering::Acquire) == 0;
            let mut state = session.state.lock();
            if let Some(reason) = session.live().ended().borrow().as_ref() {
                session.end(&mut state, &reason.0);
            }
            if unused && draining {
                session.end(&mut state, "the gateway is shutting down");
            } else if unused && now >= session.idle_until() {
                session.end(&mut state, "no request came for a while");
            }
            let is_over = state.over.is_some() && state.pipeline.is_none();
            drop(state);
            if is_over && unused {
                let mut sessions = self.all.lock();
                let same = |s: &Arc<Session>| Arc::ptr_eq(s, &session);
                if sessions.get(&session.key).is_some_and(same) {
                    sessions.remove(&session.key);
                }
            }
        }
    }

    /// Moves every session to the newest snapshot.
    fn renew(&self, port: &dyn ControlPort) {
        for session in self.all() {
            let mut state = session.state.lock();
            let _ = session.renew(&mut state, port);
        }
    }

    /// Keeps sessions up to date, for ever.
    pub async fn keep(&self, port: Arc<dyn ControlPort>, registry: Arc<Registry>) {
        let mut snapshots = port.snapshots();
        let mut flush = tokio::time::interval(RECORD_DELAY);
        let mut sweep = tokio::time::interval(SWEEP);
        let mut draining = registry.draining();
        loop {
            tokio::select! {
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        registry.end_all("the control plane is gone");
                        self.sweep(true);
                        return;
                    }
                    snapshots.borrow_and_update();
                    self.renew(port.as_ref());
                }
                _ = flush.tick() => {
                    self.flush();
                    if *draining.borrow_and_update() {
                        self.sweep(true);
                    }
                }
                _ = sweep.tick() => self.sweep(false),
            }
        }
    }
}

fn enter(session: &Arc<Session>) -> Visit {
    session.visits.fetch_add(1, Ordering::AcqRel);
    Visit(Arc::clone(session))
}

fn visit(session: &Arc<Session>) -> Option<Visit> {
    let entered = enter(session);
    let is_over = session.changes.borrow().is_some();
    (!is_over).then_some(entered)
}
