//! The first bytes of a client: TLS or not, cancel or start. Nothing here knows who it is.

use super::Shared;
use super::refusal::{NO_LOGIN, Refusal};
use crate::Listener;
use crate::registry::CancelKey;
use crate::stream::Stream;
use bytes::{Buf, BytesMut};
use sluice_protocol::postgres::startup::{self, First, Startup};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The name that clients of direct TLS must ask for.
const ALPN: &[u8] = b"postgresql";
/// Requests before the startup: TLS, then GSS, then the startup itself. More are no client.
const MAX_REQUESTS: usize = 3;
/// How long a client that cancels is kept waiting for a target that does not answer.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// A client that has said what it wants.
pub struct Greeted {
    /// Its stream.
    pub stream: Stream,
    /// What was received after the startup packet.
    pub rest: BytesMut,
    /// The startup packet.
    pub startup: Startup,
    /// The host name that it asked for inside TLS.
    pub server_name: Option<String>,
}

/// Why there is no client.
#[derive(Debug)]
pub enum Parted {
    /// It was told why.
    Refused(Box<Stream>, Refusal),
    /// It went away, or there is nothing to tell.
    Gone,
}

impl From<io::Error> for Parted {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads up to the startup packet.
///
/// # Errors
/// There is no session to be had with this client.
pub async fn greet(
    shared: &Arc<Shared>,
    listener: &Listener,
    mut tcp: TcpStream,
    peer: SocketAddr,
) -> Result<Greeted, Parted> {
    let mut byte = [0; 1];
    if tcp.peek(&mut byte).await? == 0 {
        return Err(Parted::Gone);
    }
    // A ClientHello stays in the socket for the handshake.
    if let Ok(Some((First::DirectTls, _))) = startup::parse_first(&byte) {
        return secure(shared, tcp, true).await;
    }
    let mut buffer = BytesMut::with_capacity(512);
    for _ in 0..MAX_REQUESTS {
        match first(&mut tcp, &mut buffer).await? {
            First::DirectTls => return Err(Parted::Gone),
            First::SslRequest => {
                // Bytes that came along were sent before TLS and could be anybody's.
                if !buffer.is_empty() || has_more(&tcp) {
                    let why = Refusal::new(
                        "08P01",
                        "data was sent before tls was established; the connection is closed",
                    );
                    return Err(Parted::Refused(Box::new(Stream::Plain(tcp)), why));
                }
                tcp.write_all(b"S").await?;
                return secure(shared, tcp, false).await;
            }
            First::GssEncRequest => {
                if !buffer.is_empty() || has_more(&tcp) {
                    return Err(Parted::Gone);
                }
                tcp.write_all(b"N").await?;
            }
            First::Cancel(key) => {
                cancel(shared, key).await;
                return Err(Parted::Gone);
            }
            First::Startup(startup) => {
                if listener.plaintext_on_loopback && peer.ip().is_loopback() {
                    return Ok(Greeted {
                        stream: Stream::Plain(tcp),
                        rest: buffer,
                        startup,
                        server_name: None,
                    });
                }
                let why = Refusal::new(
                    NO_LOGIN,
                    "tls is required: the password would be sent in the clear",
                )
                .hint("connect with sslmode=verify-full (or require)");
                return Err(Parted::Refused(Box::new(Stream::Plain(tcp)), why));
            }
        }
    }
    Err(Parted::Gone)
}

async fn secure(shared: &Arc<Shared>, tcp: TcpStream, direct: bool) -> Result<Greeted, Parted> {
    let config = Arc::clone(&shared.tls);
    let tls = tokio_rustls::TlsAcceptor::from(config).accept(tcp).await?;
    let connection = tls.get_ref().1;
    if direct && connection.alpn_protocol() != Some(ALPN) {
        return Err(Parted::Gone);
    }
    let server_name = connection.server_name().map(str::to_owned);
    let mut stream = Stream::Accepted(Box::new(tls));
    let mut buffer = BytesMut::with_capacity(512);
    match first(&mut stream, &mut buffer).await? {
        First::Startup(startup) => Ok(Greeted {
            stream,
            rest: buffer,
            startup,
            server_name,
        }),
        First::Cancel(key) => {
            cancel(shared, key).await;
            Err(Parted::Gone)
        }
        First::DirectTls | First::SslRequest | First::GssEncRequest => {
            let why = Refusal::new("08P01", "expected a startup message inside tls");
            Err(Parted::Refused(Box::new(stream), why))
        }
    }
}

/// One untyped packet.
async fn first(
    stream: &mut (impl AsyncReadExt + Unpin),
    buffer: &mut BytesMut,
) -> Result<First, Parted> {
    loop {
        // A packet that cannot be read is no client of PostgreSQL: there is nothing to tell it.
        if let Some((first, taken)) = startup::parse_first(buffer).map_err(|_| Parted::Gone)? {
            buffer.advance(taken);
            return Ok(first);
        }
        // Byte by byte up to the length, then exactly the packet: what follows stays in the socket, where a
        // TLS handshake must find it.
        let missing = missing(buffer);
        let start = buffer.len();
        buffer.resize(start + missing, 0);
        stream
            .read_exact(buffer.get_mut(start..).unwrap_or_default())
            .await?;
    }
}

/// How many bytes to read next: the length field, then as much as it says (checked by the parser first).
fn missing(buffer: &BytesMut) -> usize {
    match buffer.first_chunk::<4>() {
        None => 4 - buffer.len(),
        Some(length) => usize::try_from(i32::from_be_bytes(*length))
            .unwrap_or(0)
            .min(startup::MAX_STARTUP_LEN)
            .saturating_sub(buffer.len())
            .max(1),
    }
}

fn has_more(tcp: &TcpStream) -> bool {
    // Nothing is taken out of the socket: only whether there is something.
    use std::task::{Context, Poll, Waker};
    let mut byte = [0; 1];
    let mut buffer = tokio::io::ReadBuf::new(&mut byte);
    let mut context = Context::from_waker(Waker::noop());
    matches!(tcp.poll_peek(&mut context, &mut buffer), Poll::Ready(Ok(n)) if n > 0)
}

/// A server closes the connection once it has passed the request on. Clients wait for that, so that it does not
/// meet their next statement.
async fn cancel(shared: &Arc<Shared>, key: startup::CancelKey) {
    let key = CancelKey {
        pid: u32::from_ne_bytes(key.process_id.to_ne_bytes()),
        secret: key.secret.to_vec(),
    };
    let _ = timeout(CANCEL_PATIENCE, shared.registry.cancel(&key)).await;
}

/// Tells a client why it is refused, and closes.
pub async fn part(stream: Stream, refusal: &Refusal) {
    let mut side = crate::duplex::Side::new(stream, BytesMut::new());
    refusal.encode("FATAL", &mut side.outbox);
    let _ = side.finish().await;
}
