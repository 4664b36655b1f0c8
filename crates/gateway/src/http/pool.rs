//! Connections to targets: kept, shared, given up, and left alone for a while when they fail.

use super::address::NoAddress;
use super::call::{Call, OneLane};
use super::dial::{dial, offers, secure};
use super::wire::{Reading, WireError, Writing};
use crate::stream::Stream;
use crate::targets::{Healths, words_of};
use crate::tls::{TargetTlsError, client_config};
use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, Uri, Version, header};
use parking_lot::Mutex;
use rustls::ClientConfig;
use sluice_model::Connection;
use sluice_protocol::http::h1::{Connection as Goes, Framing, OutgoingRequest};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a target may take to be connected to, with TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept: shorter than servers do, so that few are closed while they are picked.
const IDLE: Duration = Duration::from_secs(20);
/// How long a connection is used at all, so that a name that changes is followed.
const LIFE: Duration = Duration::from_secs(300);
/// Unused connections that are kept for each account of a connection.
const MAX_IDLE: usize = 64;
/// So many failures in a row, and a target is left alone for a while.
const FAILURES: u32 = 5;
/// For how long at first, and at most: each failure doubles it.
const LEFT_ALONE: Duration = Duration::from_secs(5);
const LEFT_ALONE_MOST: Duration = Duration::from_secs(60);
/// What a target may send ahead on a stream, and on a connection.
const STREAM_WINDOW: u32 = 256 * 1024;
/// As much as all streams together, so that callers who read slowly delay nobody.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * 128;
/// Requests that share a connection at most.
const MAX_STREAMS: usize = 100;
/// How often a shared connection that is used is asked whether it is there (servers of gRPC end connections that ask more
/// often than every five minutes), and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(310);
const PING: Duration = Duration::from_secs(10);
const HEADER_LIST: u32 = 64 * 1024;

/// Why a target cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum NoLane {
    /// It failed too often just now.
    #[error("the target has failed several times in a row and is left alone for {0} seconds")]
    LeftAlone(u32),
    /// Its name leads nowhere.
    #[error(transparent)]
    Address(#[from] NoAddress),
    /// It cannot be connected to.
    #[error("the target cannot be connected to: {0}")]
    Connect(#[from] std::io::Error),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TargetTlsError),
    /// It does not answer.
    #[error("the target cannot be connected to within {} seconds", CONNECT.as_secs())]
    Silent,
    /// It does not speak what it should.
    #[error("the target does not take requests: {0}")]
    Wire(#[from] WireError),
    /// Its name is none that TLS knows.
    #[error("the target's name is not one that tls can check")]
    Name,
}

impl NoLane {
    /// The same without a word of the target's own.
    #[must_use]
    pub fn plainly(&self) -> String {
        match self {
            Self::Address(NoAddress::Lookup(_)) => "its name cannot be looked up".to_owned(),
            Self::Connect(error) => words_of(error),
            Self::Tls(error) => error.plainly(),
            Self::Wire(_) => "it does not take requests as it should".to_owned(),
            Self::LeftAlone(_) | Self::Address(_) | Self::Silent | Self::Name => self.to_string(),
        }
    }
}

/// A request as it goes out.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// All fields, with exactly one Host.
    pub headers: HeaderMap,
    /// How the body is written in HTTP/1.1.
    pub framing: Framing,
    /// It asks for a WebSocket.
    pub websocket: bool,
    /// It needs HTTP/2.
    pub needs_two: bool,
    /// The cookie that is the account's credential.
    pub secret_cookie: Option<String>,
}

/// How one address does.
#[derive(Debug, Default, Clone, Copy)]
struct Health {
    failures: u32,
    left_alone_until: Option<Instant>,
}

/// A connection that speaks HTTP/2, which many requests share.
pub struct TwoLane {
    lane: SendRequest<Bytes>,
    born: Instant,
    address: Arc<str>,
    /// Requests that are under way.
    active: AtomicUsize,
    /// It does not work any more, or not for new requests.
    is_over: AtomicBool,
    has_answered: AtomicBool,
}

/// A place on a shared connection, until it is dropped.
pub struct Place(Arc<TwoLane>);

impl Place {
    /// Nobody else is to use the connection. Gives whether that is news of one that has never answered.
    pub fn forget(&self) -> bool {
        let first = !self.0.is_over.swap(true, Ordering::AcqRel);
        first && !self.0.has_answered.load(Ordering::Acquire)
    }

    /// The target has answered on it.
    pub fn answered(&self) {
        self.0.has_answered.store(true, Ordering::Release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

impl TwoLane {
    /// A place on it, if it works and the target takes another request.
    fn enter(self: &Arc<Self>) -> Option<Place> {
        let most = self.lane.current_max_send_streams().min(MAX_STREAMS);
        let before = self.active.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(self));
        let works = !self.is_over.load(Ordering::Acquire) && self.born.elapsed() < LIFE;
        (works && before < most).then_some(place)
    }
}

#[derive(Default)]
struct Kept {
    idle: Vec<OneLane>,
    /// Each lives while it is watched, and while it is used.
    shared: Vec<Weak<TwoLane>>,
    health: HashMap<String, Health>,
    /// The address that is tried first, so that several take turns.
    turn: usize,
    /// Somebody closes what is unused.
    is_swept: bool,
}

/// The connections to one target with one account.
pub struct Pool {
    connection: Arc<Connection>,
    healths: Arc<Healths>,
    made: Instant,
    tls: Option<Arc<ClientConfig>>,
    /// The same without HTTP/2, for WebSockets.
    tls_one: Option<Arc<ClientConfig>>,
    kept: Mutex<Kept>,
}

/// All of them.
pub struct Pools {
    all: Mutex<HashMap<(String, String), Arc<Pool>>>,
    healths: Arc<Healths>,
}

impl Pools {
    /// None yet. How targets are is told to `healths`.
    #[must_use]
    pub fn new(healths: Arc<Healths>) -> Self {
        let all = Mutex::default();
        Self { all, healths }
    }

    /// The pool of an account. Where the connection has changed it is a new one, and with TLS from time to time, since
    /// files of certificates are renewed in their places.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn of(
        &self,
        connection: &Arc<Connection>,
        account: &str,
        certificate: Option<(&str, &str)>,
    ) -> Result<Arc<Pool>, NoLane> {
        let key = (connection.name.clone(), account.to_owned());
        if let Some(pool) = self.all.lock().get(&key)
            && (Arc::ptr_eq(&pool.connection, connection) || *pool.connection == **connection)
            && (pool.tls.is_none() || pool.made.elapsed() < LIFE)
        {
            return Ok(Arc::clone(pool));
        }
        let tls_one = client_config(&connection.target, certificate, &[b"http/1.1"]);
        let pool = Arc::new(Pool {
            connection: Arc::clone(connection),
            healths: Arc::clone(&self.healths),
            made: Instant::now(),
            tls: offers(&connection.target, certificate)?,
            tls_one: tls_one?,
            kept: Mutex::default(),
        });
        self.all.lock().insert(key, Arc::clone(&pool));
        Ok(pool)
    }
}

impl Pool {
    /// Begins a request. With `fresh`, on no connection that was used before.
    ///
    /// # Errors
    /// The target cannot be asked.
    pub async fn begin(&self, out: &Outgoing, has_body: bool, fresh: bool) -> Result<Call, NoLane> {
        // In the clear, HTTP/2 is for those who cannot do without: nothing says that the target speaks it.
        let shares = !out.websocket && (self.tls.is_some() || out.needs_two);
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if shares
            && !fresh
            && let Some(place) = self.shared()
        {
            return begin_two(place, out, has_body, scheme);
        }
        let wants_two = out.needs_two && self.tls.is_none();
        if !fresh
            && !wants_two
            && let Some(lane) = self.idle()
        {
            return begin_one(lane, out);
        }
        match self.connect(out.websocket, wants_two).await? {
            Made::One(lane) => begin_one(*lane, out),
            Made::Two(place) => begin_two(place, out, has_body, scheme),
        }
    }

    fn shared(&self) -> Option<Place> {
        let mut kept = self.kept.lock();
        kept.shared.retain(|lane| lane.strong_count() > 0);
        let mut lanes = kept.shared.iter().filter_map(Weak::upgrade);
        lanes.find_map(|lane| lane.enter())
    }

    fn idle(&self) -> Option<OneLane> {
        loop {
            let mut lane = self.kept.lock().idle.pop()?;
            if lane.born.elapsed() < LIFE && lane.reading.is_quiet() {
                return Some(lane);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub fn keep(self: &Arc<Self>, mut lane: OneLane) {
        lane.reused = true;
        lane.idle_since = Instant::now();
        let fits = lane.born.elapsed() < LIFE && lane.reading.is_quiet();
        let mut kept = self.kept.lock();
        if fits && kept.idle.len() < MAX_IDLE {
            kept.idle.push(lane);
            if !kept.is_swept {
                kept.is_swept = true;
                tokio::spawn(close_idle(Arc::downgrade(self)));
            }
        }
    }

    /// The addresses in the order in which they are to be tried.
    fn addresses(&self) -> Result<Vec<String>, NoLane> {
        let mut all = vec![self.connection.target.address.clone()];
        all.extend(self.connection.settings.addresses.iter().cloned());
        let mut kept = self.kept.lock();
        let turn = kept.turn % all.len();
        kept.turn = kept.turn.wrapping_add(1);
        all.rotate_left(turn);
        let now = Instant::now();
        let mut shortest: Option<Duration> = None;
        all.retain(|address| {
            let Some(health) = kept.health.get(address) else {
                return true;
            };
            let Some(until) = health.left_alone_until else {
                return true;
            };
            match until.checked_duration_since(now) {
                Some(wait) => {
                    shortest = Some(shortest.map_or(wait, |least| least.min(wait)));
                    false
                }
                None => true,
            }
        });
        match (all.is_empty(), shortest) {
            (true, Some(wait)) => {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
                Err(NoLane::LeftAlone(seconds.saturating_add(1)))
            }
            _ => Ok(all),
        }
    }

    /// One request finds out whether an address that failed is well again; others wait for what that one finds.
    fn claim(&self, address: &str) {
        let mut kept = self.kept.lock();
        if let Some(health) = kept.health.get_mut(address)
            && health.left_alone_until.is_some()
        {
            health.left_alone_until = Some(Instant::now() + LEFT_ALONE);
        }
    }

    /// An address answered, or did not. Failures of requests that were under way at the same time count as one.
    pub fn told(&self, address: &str, worked: bool) {
        let mut kept = self.kept.lock();
        if worked {
            kept.health.remove(address);
            return;
        }
        let health = kept.health.entry(address.to_owned()).or_default();
        let now = Instant::now();
        let is_probe = health.failures >= FAILURES;
        if !is_probe
            || health
                .left_alone_until
                .is_some_and(|until| until <= now + LEFT_ALONE)
        {
            health.failures = health.failures.saturating_add(1);
        }
        if let Some(more) = health.failures.checked_sub(FAILURES) {
            let wait = LEFT_ALONE * (1 << more.min(6));
            let until = now + wait.min(LEFT_ALONE_MOST);
            health.left_alone_until =
                Some(health.left_alone_until.map_or(until, |old| old.max(until)));
            let connection = &self.connection.name;
            tracing::warn!(
                address,
                connection,
                "a target fails and is left alone for a while"
            );
        }
    }

    async fn connect(&self, websocket: bool, two_in_the_clear: bool) -> Result<Made, NoLane> {
        let mut last = NoLane::Silent;
        for address in self.addresses()? {
            self.claim(&address);
            let made = timeout(
                CONNECT,
                self.connect_to(&address, websocket, two_in_the_clear),
            );
            let made = made.await.unwrap_or(Err(NoLane::Silent));
            if made.is_err() {
                self.told(&address, false);
            }
            match made {
                Ok(made) => {
                    self.healths
                        .told(&self.connection, Ok("it accepts connections"));
                    return Ok(made);
                }
                Err(error) => last = error,
            }
        }
        self.healths.told(&self.connection, Err(last.plainly()));
        Err(last)
    }

    async fn connect_to(
        &self,
        address: &str,
        websocket: bool,
        two_in_the_clear: bool,
    ) -> Result<Made, NoLane> {
        let stream = dial(address).await?;
        let _ = stream.set_nodelay(true);
        let config = if websocket { &self.tls_one } else { &self.tls };
        let Some(config) = config else {
            return match two_in_the_clear {
                true => self.made_two(Stream::Plain(stream), address).await,
                false => Ok(made_one(Stream::Plain(stream), address)),
            };
        };
        let stream = secure(address, stream, Arc::clone(config)).await?;
        let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = Stream::Connected(Box::new(stream));
        match two {
            true => self.made_two(stream, address).await,
            false => Ok(made_one(stream, address)),
        }
    }

    async fn made_two(&self, stream: Stream, address: &str) -> Result<Made, NoLane> {
        let mut builder = h2::client::Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST);
        let made = builder.handshake::<_, Bytes>(stream).await;
        let (lane, mut connection) = made.map_err(WireError::Stream)?;
        let pings = connection.ping_pong();
        let driven = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a target's connection failed");
            }
        });
        let mut pings = pings.ok_or(WireError::Gone)?;
        // Whoever answers this speaks HTTP/2.
        let spoken = pings.ping(h2::Ping::opaque()).await;
        if let Err(error) = spoken {
            driven.abort();
            return Err(WireError::Stream(error).into());
        }
        let lane = Arc::new(TwoLane {
            lane,
            born: Instant::now(),
            address: address.into(),
            active: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            has_answered: AtomicBool::new(false),
        });
        let place = lane.enter().ok_or(WireError::Gone)?;
        self.kept.lock().shared.push(Arc::downgrade(&lane));
        tokio::spawn(watch(lane, pings, driven));
        Ok(Made::Two(place))
    }
}

/// Keeps a shared connection while it is used, or was a while ago; asks it from time to time whether it is there.
async fn watch(lane: Arc<TwoLane>, mut pings: h2::PingPong, driven: tokio::task::JoinHandle<()>) {
    let (mut asked, mut used) = (Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(IDLE / 4).await;
        let is_used = lane.active.load(Ordering::Acquire) > 0;
        if is_used {
            used = Instant::now();
        }
        if driven.is_finished() || !is_used && used.elapsed() > IDLE {
            lane.is_over.store(true, Ordering::Release);
            return;
        }
        if !is_used || asked.elapsed() < PING_EVERY {
            continue;
        }
        asked = Instant::now();
        let answered = timeout(PING, pings.ping(h2::Ping::opaque())).await;
        if !matches!(answered, Ok(Ok(_))) {
            lane.is_over.store(true, Ordering::Release);
            driven.abort();
            return;
        }
    }
}

enum Made {
    One(Box<OneLane>),
    Two(Place),
}

fn made_one(stream: Stream, address: &str) -> Made {
    let (read, write) = tokio::io::split(stream);
    Made::One(Box::new(OneLane {
        reading: Reading::new(read, BytesMut::new()),
        writing: Writing::new(write),
        address: address.into(),
        born: Instant::now(),
        idle_since: Instant::now(),
        reused: false,
    }))
}

fn begin_one(mut lane: OneLane, out: &Outgoing) -> Result<Call, NoLane> {
    let connection = match out.websocket {
        true => Goes::Upgrade(super::asked::WEBSOCKET),
        false => Goes::Keep,
    };
    lane.writing.request(&OutgoingRequest {
        method: &out.method,
        target: &out.target,
        headers: &out.headers,
        framing: out.framing,
        connection,
    })?;
    Ok(Call::One(Box::new(lane)))
}

fn begin_two(place: Place, out: &Outgoing, has_body: bool, scheme: &str) -> Result<Call, NoLane> {
    let request = two_request(out, scheme).ok_or(WireError::Length)?;
    let sent = place.0.lane.clone().send_request(request, !has_body);
    let (response, body) = sent.map_err(|error| {
        place.forget();
        WireError::Stream(error)
    })?;
    Ok(Call::Two {
        response: Box::new(response),
        body: has_body.then(|| Box::new(body)),
        address: Arc::clone(&place.0.address),
        place,
    })
}

fn two_request(out: &Outgoing, scheme: &str) -> Option<Request<()>> {
    let mut headers = out.headers.clone();
    let host = headers.remove(header::HOST)?;
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(host.as_bytes())
        .path_and_query(out.target.as_str())
        .build()
        .ok()?;
    let mut request = Request::new(());
    *request.method_mut() = out.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    if let Framing::Length(length) = out.framing {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    *request.headers_mut() = headers;
    Some(request)
}

/// Closes connections that nobody has used for a while, until none are left.
async fn close_idle(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 4).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut kept = pool.kept.lock();
        kept.idle.retain(|lane| lane.idle_since.elapsed() < IDLE);
        if kept.idle.is_empty() {
            kept.is_swept = false;
            return;
        }
    }
}
