//! Connections of clients: TLS, the version of HTTP that is spoken, and one request after the other.

use super::Shared;
use super::asked::{Asked, NotAsked};
use super::exchange;
use super::refusal::Refusal;
use super::wire::{Answer, Reading, Source, WireError, Writing};
use crate::Listener;
use crate::stream::Stream;
use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, StatusCode};
use sluice_protocol::http::h1::Version;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections of clients that can be open at a time: an idle one takes some 20 KiB.
const MAX_CLIENTS: usize = 65_536;
/// How long a client may take for TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection stays open without a request.
const IDLE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(30);
/// How long a client that was refused may take to hear of it before the connection is gone, and how much of what it
/// still sends is read meanwhile: a connection that is closed with bytes unread loses the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;
/// What a connection of HTTP/2 may have under way.
const STREAMS: u32 = 128;
/// The same with requests whose clients have given them up.
const WORK: usize = 2 * STREAMS as usize;
/// The longest head of HTTP/2, as in HTTP/1.1.
const HEADER_LIST: u32 = 64 * 1024;
/// What a client may send ahead on one stream, and on a connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// One connection of a client.
pub struct Client {
    /// What all clients share.
    pub shared: Arc<Shared>,
    /// Where it came in.
    pub listener: Arc<Listener>,
    /// From where.
    pub peer: SocketAddr,
}

/// Counts a connection while it is open.
struct Place(Arc<Shared>);

impl Place {
    fn enter(shared: &Arc<Shared>) -> Option<Self> {
        let place = Self(Arc::clone(shared));
        let open = shared.clients.fetch_add(1, Ordering::AcqRel);
        (open < MAX_CLIENTS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is spoken on a connection.
enum Spoken {
    One,
    Two,
}

/// Serves one connection until either side ends it.
pub async fn serve(
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let Some(_place) = Place::enter(&shared) else {
        metrics::counter!("sluice_connections_dropped_total").increment(1);
        return;
    };
    let _ = stream.set_nodelay(true);
    let begun = timeout(HANDSHAKE, begin(&shared, &listener, stream, peer)).await;
    let Ok(Some((stream, spoken))) = begun else {
        return;
    };
    let is_plain = matches!(stream, Stream::Plain(_));
    let client = Arc::new(Client {
        shared,
        listener,
        peer,
    });
    match spoken {
        Spoken::One => one(&client, stream, is_plain).await,
        Spoken::Two => two(&client, stream, is_plain).await,
    }
}

async fn begin(
    shared: &Shared,
    listener: &Listener,
    mut stream: TcpStream,
    peer: SocketAddr,
) -> Option<(Stream, Spoken)> {
    let mut first = [0; 3];
    let seen = stream.peek(&mut first).await.ok()?;
    let first = first.get(..seen)?;
    if first.first().is_some_and(u8::is_ascii_uppercase) {
        if listener.plaintext_on_loopback && peer.ip().is_loopback() {
            let spoken = if first == b"PRI" {
                Spoken::Two
            } else {
                Spoken::One
            };
            return Some((Stream::Plain(stream), spoken));
        }
        metrics::counter!("sluice_logins_refused_total").increment(1);
        let told: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n\
            content-length: 59\r\n\r\n{\"error\":\"this port speaks tls; expected https in the url\"}";
        let _ = stream.write_all(told).await;
        return None;
    }
    match shared.tls.accept(stream).await {
        Ok(stream) => {
            let spoken = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Spoken::Two,
                _ => Spoken::One,
            };
            Some((Stream::Accepted(Box::new(stream)), spoken))
        }
        Err(error) => {
            tracing::debug!(%peer, %error, "a client's tls failed");
            None
        }
    }
}

async fn one(client: &Client, stream: Stream, is_plain: bool) {
    let (read, write) = tokio::io::split(stream);
    let mut reading = Reading::new(read, BytesMut::new());
    let mut writing = Writing::new(write);
    let mut draining = client.shared.registry.draining();
    loop {
        let begins = tokio::select! {
            begins = timeout(IDLE, reading.begins()) => begins,
            _ = draining.wait_for(|draining| *draining) => break,
        };
        if !matches!(begins, Ok(Ok(true))) {
            break;
        }
        if !request(client, &mut reading, &mut writing, is_plain).await {
            linger(&mut reading, &mut writing).await;
            return;
        }
    }
    let _ = timeout(LINGER, writing.close()).await;
}

/// One request and its answer. Gives whether another can follow.
async fn request(
    client: &Client,
    reading: &mut Reading,
    writing: &mut Writing,
    is_plain: bool,
) -> bool {
    let answer = |writing, version, keep_alive| Answer::One {
        writing,
        version,
        keep_alive,
    };
    let head = match timeout(HEAD, reading.request()).await {
        Ok(Ok(Some(head))) => head,
        Ok(Ok(None)) | Ok(Err(WireError::Gone | WireError::Io(_))) => return false,
        Ok(Err(error)) => {
            metrics::counter!("sluice_protocol_violations_total").increment(1);
            tracing::info!(peer = %client.peer, %error, "a client broke the protocol");
            let status = match &error {
                WireError::Violation(violation) => violation.status(),
                _ => StatusCode::BAD_REQUEST,
            };
            let refusal = Refusal::new(status, error.to_string());
            let _ = refusal
                .tell_plainly(answer(writing, Version::V11, false))
                .await;
            return false;
        }
        Err(_) => {
            let refusal = Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "the request did not come in time",
            );
            let _ = refusal
                .tell_plainly(answer(writing, Version::V11, false))
                .await;
            return false;
        }
    };
    let (version, keep_alive) = (head.version, head.keep_alive);
    match Asked::of_one(head, is_plain) {
        Ok(asked) => {
            let source = Source::one(reading);
            let answer = answer(writing, version, keep_alive);
            Box::pin(exchange::serve(client, asked, source, answer)).await
        }
        Err(why) => {
            tell_not_asked(client, why, answer(writing, version, false)).await;
            false
        }
    }
}

async fn tell_not_asked(client: &Client, why: NotAsked, answer: Answer<'_>) {
    metrics::counter!("sluice_protocol_violations_total").increment(1);
    tracing::info!(peer = %client.peer, %why, "a request is not passed on");
    let refusal = Refusal::new(why.status(), why.to_string());
    let _ = refusal.tell_plainly(answer).await;
}

/// Ends a connection so that its client hears the last answer.
async fn linger(reading: &mut Reading, writing: &mut Writing) {
    let closing = async {
        let _ = writing.flush().await;
        writing.close().await;
        reading.discard(LINGER_BYTES).await;
    };
    let _ = timeout(LINGER, closing).await;
}

async fn two(client: &Arc<Client>, stream: Stream, is_plain: bool) {
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_connect_protocol();
    let handshake = timeout(HANDSHAKE, builder.handshake::<_, Bytes>(stream)).await;
    let Ok(Ok(mut connection)) = handshake else {
        return;
    };
    // A request that its client has given up is worked on for a little longer than its stream lives.
    let places = Arc::new(Semaphore::new(WORK));
    let mut draining = client.shared.registry.draining();
    let (mut leaving, mut idle) = (false, tokio::time::interval(IDLE));
    idle.tick().await;
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, mut respond))) => {
                    idle.reset();
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        respond.send_reset(Reason::REFUSED_STREAM);
                        continue;
                    };
                    let client = Arc::clone(client);
                    tokio::spawn(async move {
                        stream_of_two(&client, request, respond, is_plain).await;
                        drop(place);
                    });
                }
                Some(Err(error)) => {
                    tracing::debug!(peer = %client.peer, %error, "a client's connection failed");
                    return;
                }
                None => return,
            },
            _ = draining.wait_for(|draining| *draining), if !leaving => {
                leaving = true;
                connection.graceful_shutdown();
            }
            _ = idle.tick() => if places.available_permits() == WORK {
                if leaving { return; }
                leaving = true;
                connection.graceful_shutdown();
            }
        }
    }
}

async fn stream_of_two(
    client: &Client,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    is_plain: bool,
) {
    let (parts, body) = request.into_parts();
    let has_body = !body.is_end_stream();
    match Asked::of_two(parts, has_body, is_plain) {
        Ok(asked) => {
            let source = match has_body {
                true => Source::two(body),
                false => Source::nothing(),
            };
            exchange::serve(client, asked, source, Answer::Two(Box::new(respond))).await;
        }
        Err(NotAsked::Authority) => respond.send_reset(Reason::PROTOCOL_ERROR),
        Err(why) => tell_not_asked(client, why, Answer::Two(Box::new(respond))).await,
    }
}
