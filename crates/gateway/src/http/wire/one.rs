//! The two halves of a connection that speaks HTTP/1.1.

use super::WireError;
use super::source::Part;
use crate::stream::Stream;
use bytes::BytesMut;
use http::{HeaderMap, Method};
use sluice_protocol::http::h1::{
    self, BodyDecoder, Connection, Decoded, Framing, OutgoingRequest, OutgoingResponse, Peer,
    RequestHead, ResponseHead,
};
use std::io;
use std::task::Poll;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};

/// What is read at once: one record of TLS.
const READ: usize = 16 * 1024;
/// What is kept ready while nothing is to be read: most requests fit, and ten thousand of them are 10 MiB.
const WAITING: usize = 1024;
/// What is collected before it is written.
const COLLECT: usize = 16 * 1024;
/// What a client may send ahead while its request is worked on.
const AHEAD: usize = 64 * 1024;

/// What comes in.
pub struct Reading {
    io: ReadHalf<Stream>,
    buffer: BytesMut,
    body: BodyDecoder,
}

impl Reading {
    /// With bytes that were read before.
    #[must_use]
    pub fn new(io: ReadHalf<Stream>, buffer: BytesMut) -> Self {
        Self {
            io,
            buffer,
            body: BodyDecoder::new(Peer::Client, Framing::None),
        }
    }

    /// Reads more; `false` at the end of the stream.
    async fn more(&mut self, room: usize) -> Result<bool, WireError> {
        self.buffer.reserve(room);
        Ok(self.io.read_buf(&mut self.buffer).await? > 0)
    }

    /// Waits for the first byte of the next message; `false` at the end of the stream.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn begins(&mut self) -> Result<bool, WireError> {
        if !self.buffer.is_empty() {
            return Ok(true);
        }
        self.buffer = BytesMut::new();
        self.more(WAITING).await
    }

    /// The head of the next request; `None` at the end of the stream.
    ///
    /// # Errors
    /// It is none, or the stream failed.
    pub async fn request(&mut self) -> Result<Option<RequestHead>, WireError> {
        loop {
            if let Some((head, taken)) = h1::parse_request(&self.buffer)? {
                let _ = self.buffer.split_to(taken);
                self.body = BodyDecoder::new(Peer::Client, head.framing);
                return Ok(Some(head));
            }
            if !self.more(READ).await? {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(WireError::Gone),
                };
            }
        }
    }

    /// The head of the answer to a request with this method; interim ones are left out.
    ///
    /// # Errors
    /// It is none, or the stream failed.
    pub async fn response(&mut self, asked: &Method) -> Result<ResponseHead, WireError> {
        loop {
            if let Some((head, taken)) = h1::parse_response(&self.buffer, asked)? {
                let _ = self.buffer.split_to(taken);
                let interim = head.status.is_informational();
                if interim && head.status != http::StatusCode::SWITCHING_PROTOCOLS {
                    continue;
                }
                self.body = BodyDecoder::new(Peer::Target, head.framing);
                return Ok(head);
            }
            if !self.more(READ).await? {
                return Err(WireError::Gone);
            }
        }
    }

    /// The next part of the body, if it is here already.
    ///
    /// # Errors
    /// It is not framed as it should be.
    pub fn ready(&mut self) -> Result<Option<Part>, WireError> {
        Ok(match self.body.decode(&mut self.buffer)? {
            Decoded::Data(data) => Some(Part::Data(data)),
            Decoded::Trailers(trailers) => Some(Part::Trailers(trailers)),
            Decoded::End => Some(Part::End),
            Decoded::NeedMore => None,
        })
    }

    /// The next part of the body.
    ///
    /// # Errors
    /// It is not framed as it should be, or the stream failed.
    pub async fn part(&mut self) -> Result<Part, WireError> {
        loop {
            if let Some(part) = self.ready()? {
                return Ok(part);
            }
            if !self.more(READ).await? {
                self.body.eof()?;
                return Ok(Part::End);
            }
        }
    }

    /// Whether the body was read to its end, so that the next message follows.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.body.is_done()
    }

    /// Returns once the peer has gone, or has sent more ahead than it may. What it sends is kept.
    pub async fn gone(&mut self) {
        while self.buffer.len() <= AHEAD {
            if !self.more(READ).await.unwrap_or(false) {
                return;
            }
        }
    }

    /// Whether bytes are here that nobody has taken.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// From now on everything that comes is data.
    pub fn raw(&mut self) {
        self.body = BodyDecoder::new(Peer::Target, Framing::UntilClose);
    }

    /// Reads what comes to no use, until the stream ends or so many bytes came.
    pub async fn discard(&mut self, most: usize) {
        let mut read = self.buffer.len();
        while read < most {
            self.buffer.clear();
            match self.more(READ).await {
                Ok(true) => read += self.buffer.len(),
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Whether nothing came, and the stream is open: a message that nobody asked for, or an end, makes a connection
    /// useless.
    pub fn is_quiet(&mut self) -> bool {
        let mut byte = [0; 1];
        let mut buffer = tokio::io::ReadBuf::new(&mut byte);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let read = std::pin::Pin::new(&mut self.io);
        let polled = tokio::io::AsyncRead::poll_read(read, &mut context, &mut buffer);
        self.buffer.is_empty() && matches!(polled, Poll::Pending)
    }
}

/// What goes out.
pub struct Writing {
    io: WriteHalf<Stream>,
    out: BytesMut,
    framing: Framing,
    /// Bytes of a body of known length that are owed.
    owed: u64,
}

impl Writing {
    /// With nothing to write.
    #[must_use]
    pub fn new(io: WriteHalf<Stream>) -> Self {
        Self {
            io,
            out: BytesMut::new(),
            framing: Framing::None,
            owed: 0,
        }
    }

    fn frame(&mut self, framing: Framing) {
        self.framing = framing;
        self.owed = match framing {
            Framing::Length(length) => length,
            Framing::None | Framing::Chunked | Framing::UntilClose => 0,
        };
    }

    /// Writes the head of a request.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn request(&mut self, request: &OutgoingRequest<'_>) -> Result<(), WireError> {
        h1::write_request(&mut self.out, request)?;
        self.frame(request.framing);
        Ok(())
    }

    /// Writes the head of an answer.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn response(&mut self, response: &OutgoingResponse<'_>) -> Result<(), WireError> {
        h1::write_response(&mut self.out, response)?;
        let without = *response.asked == Method::HEAD || response.status.as_u16() == 304;
        self.frame(if without {
            Framing::None
        } else {
            response.framing
        });
        Ok(())
    }

    /// Tells a client that it may send its body.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn go_on(&mut self) -> Result<(), WireError> {
        self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.flush().await
    }

    /// Writes a part of the body.
    ///
    /// # Errors
    /// It is longer than was said, or the stream failed.
    pub async fn data(&mut self, data: &[u8]) -> Result<(), WireError> {
        match self.framing {
            Framing::Chunked => h1::write_chunk(&mut self.out, data),
            Framing::UntilClose => self.out.extend_from_slice(data),
            Framing::None if data.is_empty() => {}
            Framing::None => return Err(WireError::Length),
            Framing::Length(_) => {
                let left = self.owed.checked_sub(data.len() as u64);
                self.owed = left.ok_or(WireError::Length)?;
                self.out.extend_from_slice(data);
            }
        }
        match self.out.len() >= COLLECT {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// It is shorter than was said, or the stream failed.
    pub async fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), WireError> {
        match self.framing {
            Framing::Chunked => h1::write_last_chunk(&mut self.out, trailers)?,
            Framing::Length(_) if self.owed > 0 => return Err(WireError::Length),
            Framing::Length(_) | Framing::None | Framing::UntilClose => {}
        }
        self.flush().await
    }

    /// Sends what was written.
    ///
    /// # Errors
    /// The stream failed.
    pub async fn flush(&mut self) -> Result<(), WireError> {
        if !self.out.is_empty() {
            self.io.write_all_buf(&mut self.out).await?;
            self.io.flush().await?;
        }
        if self.out.capacity() > COLLECT * 2 {
            self.out = BytesMut::new();
        }
        Ok(())
    }

    /// Ends the stream.
    pub async fn close(&mut self) {
        let _: io::Result<()> = self.io.shutdown().await;
    }

    /// From now on data goes out as it is.
    pub fn raw(&mut self) {
        self.frame(Framing::UntilClose);
    }
}

/// Whether the connection is to go on after a message.
#[must_use]
pub fn keep(keep: bool) -> Connection<'static> {
    match keep {
        true => Connection::Keep,
        false => Connection::Close,
    }
}
