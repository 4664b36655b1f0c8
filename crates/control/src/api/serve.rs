//! The API's listener: TLS only, every connection bounded in time and number, none delaying another.

use super::{App, Peer, live, recorded, routes, sessions};
use crate::control::{Control, Tests};
use crate::error::StartError;
use crate::ports::{Explainer, LiveSessions, Targets};
use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Connections that are served at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1_024;
/// How long a TLS handshake and how long the head of a request may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may live altogether: longer than the slowest answer, so that idle ones make room.
const LONGEST_CONNECTION: Duration = Duration::from_secs(600);
/// HTTP/2 as TLS calls it (RFC 9113, section 3.2).
const H2: &[u8] = b"h2";
/// How long an HTTP/2 connection may have nothing to do.
const IDLE: Duration = Duration::from_secs(60);
/// Requests on one HTTP/2 connection at a time.
const MAX_STREAMS: u32 = 64;
/// The largest head of a request.
const MAX_HEAD: usize = 16 << 10;
/// The same, as HTTP/2 counts it.
const MAX_HEAD_SIZE: u32 = 16 << 10;
/// How long requests may go on after a request to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// The pause after an error to accept, such as too many open files: it will not be better at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The API while it is served.
pub struct Api {
    stop: CancellationToken,
    background: JoinHandle<()>,
    listener: JoinHandle<()>,
    connections: TaskTracker,
    address: SocketAddr,
}

impl Api {
    /// Where it listens (the port, where the configuration left it open).
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the last requests finish, signs the log and closes the store.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.listener.await;
        self.connections.close();
        let _ = tokio::time::timeout(LAST_REQUESTS, self.connections.wait()).await;
        let _ = self.background.await;
    }
}

impl Control {
    /// Opens the API and starts everything that happens by itself.
    ///
    /// # Errors
    /// The address is taken, or TLS cannot be set up.
    pub async fn serve(
        &self,
        live_sessions: Arc<dyn LiveSessions>,
        explainer: Arc<dyn Explainer>,
        targets: Arc<dyn Targets>,
        metrics: PrometheusHandle,
    ) -> Result<Api, StartError> {
        let address = self.config().listen.https;
        let taken = |e: std::io::Error| StartError::Listen {
            address,
            why: e.to_string(),
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.server_certificate());
        // Over one connection, so that the streams of many open pages do not use up what a browser opens to one host.
        tls.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        let living = Arc::clone(&live_sessions);
        let stop = CancellationToken::new();
        let app = App {
            control: self.clone(),
            sessions: live_sessions,
            explainer,
            targets,
            tests: Tests::default(),
            metrics,
            replaying: sessions::replay_places(),
            following: live::places(),
            searching: recorded::search_places(),
            stop: stop.clone(),
            verifying: Arc::default(),
            judging: Arc::default(),
        };
        let connections = TaskTracker::new();
        let door = Door {
            router: routes::router(app),
            tls: TlsAcceptor::from(Arc::new(tls)),
            free: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            stop: stop.clone(),
            connections: connections.clone(),
        };
        let control = self.clone();
        let until = stop.clone();
        Ok(Api {
            background: tokio::spawn(async move { control.run_background(living, until).await }),
            listener: tokio::spawn(door.accept(listener)),
            stop,
            connections,
            address,
        })
    }
}

struct Door {
    router: Router,
    tls: TlsAcceptor,
    free: Arc<Semaphore>,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Door {
    async fn accept(self, listener: TcpListener) {
        loop {
            let next = async {
                let place = Arc::clone(&self.free).acquire_owned().await.ok()?;
                Some((listener.accept().await, place))
            };
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = next => accepted,
            };
            let Some((accepted, place)) = accepted else {
                return;
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let serving = serve_one(
                stream,
                peer,
                self.tls.clone(),
                self.router.clone(),
                self.stop.clone(),
            );
            self.connections.spawn(async move {
                let _ = tokio::time::timeout(LONGEST_CONNECTION, serving).await;
                drop(place);
            });
        }
    }
}

/// Serves one connection; whatever goes wrong with it is its own affair.
async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else {
        return;
    };
    let two = stream.get_ref().1.alpn_protocol() == Some(H2);
    let busy = Busy::default();
    let open = busy.clone();
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        name_host(&mut request);
        router.clone().oneshot(request)
    };
    let stream = TokioIo::new(stream);
    if two {
        let service = hyper::service::service_fn(|request| open.clone().answered(answer(request)));
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_SIZE)
            .keep_alive_interval(HANDSHAKE)
            .keep_alive_timeout(HANDSHAKE)
            .serve_connection(stream, service);
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stop.cancelled() => {}
            () = busy.idle() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
        return;
    }
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(stream, hyper::service::service_fn(answer));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The requests that are under way on one connection, with their answers.
#[derive(Clone, Default)]
struct Busy(Arc<watch::Sender<usize>>);

impl Busy {
    /// Answers a request; it counts until the last of its answer has been handed on.
    async fn answered<E>(
        self,
        answer: impl Future<Output = Result<Response, E>>,
    ) -> Result<Response, E> {
        let open = Open::new(self);
        let answer = answer.await?;
        Ok(answer.map(|body| {
            // Its length is not known any more; HTTP/2 needs none.
            let parts = futures_util::stream::unfold((body.into_data_stream(), open), next_part);
            Body::from_stream(parts)
        }))
    }

    /// Returns once nothing has been under way for a while: a client that only keeps its connection has no use for it.
    async fn idle(self) {
        let mut open = self.0.subscribe();
        loop {
            let nothing = async {
                open.wait_for(|open| *open == 0).await.ok()?;
                let again = open.wait_for(|open| *open > 0);
                tokio::time::timeout(IDLE, again)
                    .await
                    .is_err()
                    .then_some(())
            };
            if nothing.await.is_some() {
                return;
            }
        }
    }
}

async fn next_part(
    (mut parts, open): (BodyDataStream, Open),
) -> Option<(Result<Bytes, axum::Error>, (BodyDataStream, Open))> {
    let part = parts.next().await?;
    Some((part, (parts, open)))
}

/// One request that is under way.
struct Open(Busy);

impl Open {
    fn new(busy: Busy) -> Self {
        busy.0.send_modify(|open| *open += 1);
        Self(busy)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// HTTP/2 names the host in the request's own line (RFC 9113, section 8.3.1); who looks for it finds it in one place.
fn name_host(request: &mut Request<Incoming>) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let named = request
        .uri()
        .authority()
        .map(|host| HeaderValue::from_str(host.as_str()));
    if let Some(Ok(host)) = named {
        request.headers_mut().insert(header::HOST, host);
    }
}
