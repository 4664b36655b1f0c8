//! Where a body goes to, and how a client is answered.

use super::WireError;
use super::one::{Writing, keep};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, Method, Response, StatusCode};
use sluice_protocol::http::h1::{Connection, Framing, OutgoingResponse, Version};
use std::future::poll_fn;
use std::time::Duration;
use tokio::time::timeout;

/// How long a peer may take to make room for more.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// There is none.
    None,
    /// So many bytes.
    Known(u64),
    /// Nobody knows yet.
    Unknown,
}

/// Where a body goes to.
pub enum Sink<'c> {
    /// A connection that speaks HTTP/1.1.
    One(&'c mut Writing),
    /// A stream of HTTP/2.
    Two(Box<SendStream<Bytes>>),
    /// Nowhere: the message has no body.
    Nothing,
}

impl Sink<'_> {
    /// Writes a part of the body.
    ///
    /// # Errors
    /// The peer is gone or takes nothing, or it is not as long as was said.
    pub async fn data(&mut self, data: Bytes) -> Result<(), WireError> {
        let written = async {
            match self {
                Self::One(writing) => writing.data(&data).await,
                Self::Two(stream) => two(stream, data).await,
                Self::Nothing if data.is_empty() => Ok(()),
                Self::Nothing => Err(WireError::Length),
            }
        };
        let written = timeout(PATIENCE, written).await;
        written.map_err(|_| WireError::Silent(PATIENCE.as_secs()))?
    }

    /// Sends what was collected.
    ///
    /// # Errors
    /// The peer is gone or takes nothing.
    pub async fn flush(&mut self) -> Result<(), WireError> {
        match self {
            Self::One(writing) => {
                let flushed = timeout(PATIENCE, writing.flush()).await;
                flushed.map_err(|_| WireError::Silent(PATIENCE.as_secs()))?
            }
            Self::Two(_) | Self::Nothing => Ok(()),
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// The peer is gone, or the body is shorter than was said.
    pub async fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), WireError> {
        match self {
            Self::One(writing) => {
                let ended = timeout(PATIENCE, writing.end(trailers.as_ref())).await;
                ended.map_err(|_| WireError::Silent(PATIENCE.as_secs()))?
            }
            Self::Two(stream) => {
                match trailers {
                    Some(trailers) => stream.send_trailers(trailers)?,
                    None => stream.send_data(Bytes::new(), true)?,
                }
                Ok(())
            }
            Self::Nothing => Ok(()),
        }
    }

    /// Returns once the peer has given up this stream; never on a connection of HTTP/1.1.
    pub async fn given_up(&mut self) {
        match self {
            Self::Two(stream) => {
                let _ = poll_fn(|cx| stream.poll_reset(cx)).await;
            }
            Self::One(_) | Self::Nothing => std::future::pending().await,
        }
    }

    /// Breaks off: the peer must not take what it has for the whole.
    pub fn break_off(&mut self) {
        if let Self::Two(stream) = self {
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        // A connection of HTTP/1.1 is closed by whoever owns it.
    }
}

async fn two(stream: &mut SendStream<Bytes>, mut data: Bytes) -> Result<(), WireError> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let capacity = poll_fn(|cx| stream.poll_capacity(cx)).await;
        let capacity = capacity.ok_or(WireError::Gone)??;
        let piece = data.split_to(capacity.min(data.len()));
        if !piece.is_empty() {
            stream.send_data(piece, false)?;
        }
    }
    Ok(())
}

/// How a client is answered, once.
pub enum Answer<'c> {
    /// On a connection that speaks HTTP/1.1.
    One {
        /// The connection.
        writing: &'c mut Writing,
        /// The version that the client speaks.
        version: Version,
        /// The client lets the connection go on.
        keep_alive: bool,
    },
    /// On a stream of HTTP/2.
    Two(Box<SendResponse<Bytes>>),
}

impl<'c> Answer<'c> {
    /// Tells the client to send its body, where it waits for that.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn go_on(&mut self) -> Result<(), WireError> {
        match self {
            Self::One { writing, .. } => writing.go_on().await,
            Self::Two(respond) => {
                let interim = Response::builder().status(StatusCode::CONTINUE).body(());
                Ok(respond.send_informational(interim.unwrap_or_default())?)
            }
        }
    }

    /// The connection does not go on after this answer.
    pub fn close(&mut self) {
        if let Self::One { keep_alive, .. } = self {
            *keep_alive = false;
        }
    }

    /// Begins the answer. The second is whether the connection can go on after it.
    ///
    /// # Errors
    /// It cannot be written, or the client is gone.
    pub fn begin(
        self,
        asked: &Method,
        status: StatusCode,
        headers: HeaderMap,
        length: Length,
    ) -> Result<(Sink<'c>, bool), WireError> {
        let without = *asked == Method::HEAD
            || status == StatusCode::NOT_MODIFIED
            || status == StatusCode::NO_CONTENT;
        match self {
            Self::One {
                writing,
                version,
                keep_alive,
            } => {
                let framing = match length {
                    _ if status == StatusCode::NO_CONTENT => Framing::None,
                    Length::None if without => Framing::None,
                    Length::None => Framing::Length(0),
                    Length::Known(length) => Framing::Length(length),
                    Length::Unknown if without => Framing::None,
                    Length::Unknown if version == Version::V11 => Framing::Chunked,
                    Length::Unknown => Framing::UntilClose,
                };
                let goes_on = keep_alive && framing != Framing::UntilClose;
                writing.response(&OutgoingResponse {
                    asked,
                    version,
                    status,
                    headers: &headers,
                    framing,
                    connection: keep(goes_on),
                })?;
                Ok((Sink::One(writing), goes_on))
            }
            Self::Two(mut respond) => {
                let ends = without || length == Length::None;
                let response = two_head(status, headers, length);
                let stream = respond.send_response(response, ends)?;
                let sink = match ends {
                    true => Sink::Nothing,
                    false => Sink::Two(Box::new(stream)),
                };
                Ok((sink, true))
            }
        }
    }

    /// Begins an answer that changes the protocol.
    ///
    /// # Errors
    /// It cannot be written, or the client is gone.
    pub async fn upgrade(self, headers: HeaderMap) -> Result<Sink<'c>, WireError> {
        match self {
            Self::One { writing, .. } => {
                writing.response(&OutgoingResponse {
                    asked: &Method::GET,
                    version: Version::V11,
                    status: StatusCode::SWITCHING_PROTOCOLS,
                    headers: &headers,
                    framing: Framing::None,
                    connection: Connection::Upgrade("websocket"),
                })?;
                writing.flush().await?;
                writing.raw();
                Ok(Sink::One(writing))
            }
            Self::Two(mut respond) => {
                let response = two_head(StatusCode::OK, headers, Length::Unknown);
                let stream = respond.send_response(response, false)?;
                Ok(Sink::Two(Box::new(stream)))
            }
        }
    }

    /// Returns once the client has given up this stream; never on a connection of HTTP/1.1.
    pub async fn given_up(&mut self) {
        match self {
            Self::One { .. } => std::future::pending().await,
            Self::Two(respond) => {
                let _ = poll_fn(|cx| respond.poll_reset(cx)).await;
            }
        }
    }
}

fn two_head(status: StatusCode, headers: HeaderMap, length: Length) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if let Length::Known(length) = length {
        let name = http::header::CONTENT_LENGTH;
        response.headers_mut().insert(name, length.into());
    }
    response
}
