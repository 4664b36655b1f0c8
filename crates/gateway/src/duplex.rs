//! Two byte streams and four bounded buffers, moved together by one task.
//!
//! Neither direction waits for the other: a peer that does not read stops only what is meant for it, and
//! reading pauses while the buffer behind it is full, so memory stays flat whatever is streamed.

use bytes::{Buf, BytesMut};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

/// What a read asks for at first. A statement or a small answer fits.
const FIRST_READ: usize = 4 * 1024;
/// What a read asks for at most, reached by doubling while reads fill what they asked for: a socket's worth.
const LARGEST_READ: usize = 64 * 1024;
/// Above this much unsent data nothing more is made for that side. Four socket writes' worth.
pub const HIGH_WATER: usize = 256 * 1024;
/// An empty buffer larger than this is given back when a session rests, so that idle ones stay small.
const KEEP_CAPACITY: usize = FIRST_READ;

/// One peer: its stream, what it sent and what it is still to be sent.
#[derive(Debug)]
pub struct Side<S> {
    stream: S,
    /// Received and not yet consumed.
    pub inbox: BytesMut,
    /// To be sent.
    pub outbox: BytesMut,
    unflushed: bool,
    read_size: usize,
    /// The peer closed its sending half.
    pub closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    /// A peer with whatever was already received from it.
    pub fn new(stream: S, inbox: BytesMut) -> Self {
        Self {
            stream,
            inbox,
            outbox: BytesMut::new(),
            unflushed: false,
            read_size: FIRST_READ,
            closed: false,
        }
    }

    /// Whether there is room for more to be sent.
    pub fn has_room(&self) -> bool {
        self.outbox.len() < HIGH_WATER
    }

    /// Whether everything was sent.
    pub fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.unflushed
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.outbox.has_remaining() {
            let n = ready!(poll_write_buf(
                Pin::new(&mut self.stream),
                cx,
                &mut self.outbox
            ))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.capacity() - self.inbox.len() < self.read_size / 2 {
            self.inbox.reserve(self.read_size);
        }
        let room = self.inbox.capacity() - self.inbox.len();
        let n = ready!(poll_read_buf(
            Pin::new(&mut self.stream),
            cx,
            &mut self.inbox
        ))?;
        if n == room {
            self.read_size = (self.read_size * 2).min(LARGEST_READ);
        }
        self.closed |= n == 0;
        Poll::Ready(Ok(n))
    }

    /// Gives back what is not needed while the session rests.
    pub fn rest(&mut self) {
        self.read_size = FIRST_READ;
        for buffer in [&mut self.inbox, &mut self.outbox] {
            if buffer.is_empty() && buffer.capacity() > KEEP_CAPACITY {
                *buffer = BytesMut::new();
            }
        }
    }

    /// Sends what is left and closes the stream.
    ///
    /// # Errors
    /// Whatever the stream reports.
    pub async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await?;
        poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await
    }

    /// Receives at least one more byte into the inbox; `false` at the end of the stream.
    ///
    /// # Errors
    /// Whatever the stream reports.
    pub async fn receive(&mut self) -> io::Result<bool> {
        poll_fn(|cx| self.poll_receive(cx)).await.map(|n| n > 0)
    }

    /// Sends everything in the outbox.
    ///
    /// # Errors
    /// Whatever the stream reports.
    pub async fn send(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await
    }
}

/// Which peer an error came from.
#[derive(Debug)]
pub enum PeerError {
    /// The client's stream failed.
    Client(io::Error),
    /// The target's stream failed.
    Target(io::Error),
}

/// Sends what is there to send and receives what is wanted, until something was received, a full outbox
/// has room again, or everything was sent.
///
/// # Errors
/// The peer whose stream failed.
pub async fn exchange<C, T>(
    client: &mut Side<C>,
    target: &mut Side<T>,
    want: Want,
) -> Result<(), PeerError>
where
    C: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        let mut progress = false;
        let target_was_full = !target.has_room();
        match target.poll_send(cx) {
            Poll::Ready(sent) => sent.map_err(PeerError::Target)?,
            Poll::Pending => {}
        }
        progress |= target_was_full && target.has_room();
        let client_was_full = !client.has_room();
        match client.poll_send(cx) {
            Poll::Ready(sent) => sent.map_err(PeerError::Client)?,
            Poll::Pending => {}
        }
        progress |= client_was_full && client.has_room();
        if want.target && !target.closed {
            progress |= poll_one(target, cx).map_err(PeerError::Target)?;
        }
        if want.client && !client.closed {
            progress |= poll_one(client, cx).map_err(PeerError::Client)?;
        }
        if progress {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    })
    .await
}

/// Which peers are listened to.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// The client.
    pub client: bool,
    /// The target.
    pub target: bool,
}

fn poll_one<S: AsyncRead + AsyncWrite + Unpin>(
    side: &mut Side<S>,
    cx: &mut Context<'_>,
) -> io::Result<bool> {
    match side.poll_receive(cx) {
        Poll::Ready(received) => received.map(|_| true),
        Poll::Pending => Ok(false),
    }
}
