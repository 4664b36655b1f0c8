//! Connections to targets: kept, shared, given up, and left alone for a while when they fail.

use super::address::{self, NoAddress};
use super::call::{Call, OneLane};
use super::wire::{Reading, WireError, Writing};
use crate::stream::Stream;
use crate::tls::{TargetTlsError, client_config};
use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, Uri, Version, header};
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sluice_model::Connection;
use sluice_protocol::http::h1::{Connection as Goes, Framing, OutgoingRequest};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
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
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
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
}

/// How one address does.
#[derive(Debug, Default, Clone, Copy)]
struct Health {
    failures: u32,
    left_alone_until: Option<Instant>,
}

#[derive(Default)]
struct Kept {
    idle: Vec<OneLane>,
    shared: Option<(SendRequest<Bytes>, Instant)>,
    health: HashMap<String, Health>,
    /// The address that is tried first, so that several take turns.
    turn: usize,
}

/// The connections to one target with one account.
pub struct Pool {
    connection: Arc<Connection>,
    tls: Option<Arc<ClientConfig>>,
    /// The same without HTTP/2, for WebSockets.
    tls_one: Option<Arc<ClientConfig>>,
    kept: Mutex<Kept>,
}

/// All of them.
#[derive(Default)]
pub struct Pools(Mutex<HashMap<(String, String), Arc<Pool>>>);

impl Pools {
    /// The pool of an account. Where the connection or its certificate has changed, it is a new one.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn of(
        &self,
        connection: &Arc<Connection>,
        account: &str,
        certificate: Option<(&str, &str)>,
    ) -> Result<Arc<Pool>, NoLane> {
        let mut pools = self.0.lock();
        let key = (connection.name.clone(), account.to_owned());
        if let Some(pool) = pools.get(&key)
            && (Arc::ptr_eq(&pool.connection, connection) || *pool.connection == **connection)
        {
            return Ok(Arc::clone(pool));
        }
        let tls = |alpn: &[&[u8]]| client_config(&connection.target, certificate, alpn);
        let pool = Arc::new(Pool {
            connection: Arc::clone(connection),
            tls: tls(&[b"h2", b"http/1.1"])?,
            tls_one: tls(&[b"http/1.1"])?,
            kept: Mutex::default(),
        });
        pools.insert(key, Arc::clone(&pool));
        Ok(pool)
    }
}

impl Pool {
    /// Begins a request. With `fresh`, on no connection that was used before.
    ///
    /// # Errors
    /// The target cannot be asked.
    pub async fn begin(&self, out: &Outgoing, has_body: bool, fresh: bool) -> Result<Call, NoLane> {
        if !out.websocket
            && let Some(lane) = self.shared(fresh)
        {
            return begin_two(lane, out, has_body).await;
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
            Made::Two(lane) => begin_two(lane, out, has_body).await,
        }
    }

    fn shared(&self, fresh: bool) -> Option<SendRequest<Bytes>> {
        let mut kept = self.kept.lock();
        let (_, born) = kept.shared.as_ref()?;
        if fresh || born.elapsed() > LIFE {
            kept.shared = None;
        }
        kept.shared.as_ref().map(|(lane, _)| lane.clone())
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
        let mut kept = self.kept.lock();
        if kept.idle.len() < MAX_IDLE && lane.born.elapsed() < LIFE && lane.reading.is_quiet() {
            kept.idle.push(lane);
            if kept.idle.len() == 1 {
                tokio::spawn(close_idle(Arc::downgrade(self)));
            }
        }
    }

    /// Forgets the shared connection, which does not work any more.
    pub fn forget(&self) {
        self.kept.lock().shared = None;
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
        let left_alone = |address: &String| {
            let until = kept.health.get(address)?.left_alone_until?;
            until.checked_duration_since(now)
        };
        let shortest = all.iter().filter_map(left_alone).min();
        let good: Vec<String> = all
            .iter()
            .filter(|a| left_alone(a).is_none())
            .cloned()
            .collect();
        match (good.is_empty(), shortest) {
            (true, Some(wait)) => {
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
                Err(NoLane::LeftAlone(seconds.saturating_add(1)))
            }
            _ => Ok(good),
        }
    }

    fn told(&self, address: &str, worked: bool) {
        let mut kept = self.kept.lock();
        if worked {
            kept.health.remove(address);
            return;
        }
        let health = kept.health.entry(address.to_owned()).or_default();
        health.failures = health.failures.saturating_add(1);
        if let Some(more) = health.failures.checked_sub(FAILURES) {
            let wait = LEFT_ALONE * (1 << more.min(6));
            health.left_alone_until = Some(Instant::now() + wait.min(LEFT_ALONE_MOST));
            tracing::warn!(
                address,
                connection = self.connection.name,
                "a target fails and is left alone for a while"
            );
        }
    }

    async fn connect(&self, websocket: bool, two_in_the_clear: bool) -> Result<Made, NoLane> {
        let mut last = NoLane::Silent;
        for address in self.addresses()? {
            let made = timeout(
                CONNECT,
                self.connect_to(&address, websocket, two_in_the_clear),
            );
            let made = made.await.unwrap_or(Err(NoLane::Silent));
            self.told(&address, made.is_ok());
            match made {
                Ok(made) => return Ok(made),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(
        &self,
        address: &str,
        websocket: bool,
        two_in_the_clear: bool,
    ) -> Result<Made, NoLane> {
        let candidates = address::look_up(address).await?;
        let stream = TcpStream::connect(candidates.as_slice()).await?;
        let _ = stream.set_nodelay(true);
        let config = if websocket { &self.tls_one } else { &self.tls };
        let Some(config) = config else {
            return match two_in_the_clear {
                true => self.made_two(Stream::Plain(stream)).await,
                false => Ok(made_one(Stream::Plain(stream))),
            };
        };
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(host).map_err(|_| NoLane::Name)?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(name, stream).await?;
        let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let stream = Stream::Connected(Box::new(stream));
        match two {
            true => self.made_two(stream).await,
            false => Ok(made_one(stream)),
        }
    }

    async fn made_two(&self, stream: Stream) -> Result<Made, NoLane> {
        let mut builder = h2::client::Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST);
        let made = builder.handshake::<_, Bytes>(stream).await;
        let (lane, connection) = made.map_err(WireError::Stream)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a target's connection failed");
            }
        });
        self.kept.lock().shared = Some((lane.clone(), Instant::now()));
        Ok(Made::Two(lane))
    }
}

enum Made {
    One(Box<OneLane>),
    Two(SendRequest<Bytes>),
}

fn made_one(stream: Stream) -> Made {
    let (read, write) = tokio::io::split(stream);
    Made::One(Box::new(OneLane {
        reading: Reading::new(read, BytesMut::new()),
        writing: Writing::new(write),
        born: Instant::now(),
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

async fn begin_two(
    lane: SendRequest<Bytes>,
    out: &Outgoing,
    has_body: bool,
) -> Result<Call, NoLane> {
    let mut lane = timeout(CONNECT, lane.ready())
        .await
        .map_err(|_| NoLane::Silent)?
        .map_err(WireError::Stream)?;
    let request = two_request(out).ok_or(WireError::Length)?;
    let sent = lane.send_request(request, !has_body);
    let (response, body) = sent.map_err(WireError::Stream)?;
    Ok(Call::Two {
        response: Box::new(response),
        body: has_body.then(|| Box::new(body)),
    })
}

fn two_request(out: &Outgoing) -> Option<Request<()>> {
    let mut headers = out.headers.clone();
    let host = headers.remove(header::HOST)?;
    let uri = Uri::builder()
        .scheme("https")
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
async fn close_idle(pool: std::sync::Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut kept = pool.kept.lock();
        // The oldest are at the front: what was used last is taken first.
        let half = kept.idle.len().div_ceil(2);
        kept.idle.drain(..half);
        if kept.idle.is_empty() {
            return;
        }
    }
}
