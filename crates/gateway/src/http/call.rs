//! One request to a target, whatever version of HTTP is spoken with it.

use super::pool::Place;
use super::wire::{Reading, Sink, Source, WireError, Writing};
use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;
use std::time::Instant;

/// A connection to a target that speaks HTTP/1.1.
pub struct OneLane {
    /// What comes in.
    pub reading: Reading,
    /// What goes out.
    pub writing: Writing,
    /// Where it leads.
    pub address: Arc<str>,
    /// When it was made.
    pub born: Instant,
    /// Since when nobody uses it.
    pub idle_since: Instant,
    /// It was used before: the target may have closed it just now.
    pub reused: bool,
}

/// A request that has been begun.
pub enum Call {
    /// On a connection of its own.
    One(Box<OneLane>),
    /// On a stream.
    Two {
        /// The answer.
        response: Box<ResponseFuture>,
        /// The rest of the request; none where the head was all of it.
        body: Option<Box<SendStream<Bytes>>>,
        /// Where the connection leads.
        address: Arc<str>,
        /// The place on it.
        place: Place,
    },
}

/// What an answer begins with.
#[derive(Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// All fields.
    pub headers: HeaderMap,
    /// How long the body is, where that was said.
    pub length: Option<u64>,
    /// There is none.
    pub is_empty: bool,
    /// The connection can take another request after it.
    pub keep_alive: bool,
    /// What the connection changes to.
    pub upgrade: Option<String>,
}

/// Where an answer comes from.
pub enum Coming<'c> {
    /// A connection.
    One(&'c mut Reading),
    /// A stream.
    Two(&'c mut ResponseFuture),
}

impl Call {
    /// Where it goes.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::One(lane) => &lane.address,
            Self::Two { address, .. } => address,
        }
    }

    /// Both directions.
    pub fn split(&mut self) -> (Sink<'_>, Coming<'_>) {
        match self {
            Self::One(lane) => (Sink::One(&mut lane.writing), Coming::One(&mut lane.reading)),
            Self::Two { response, body, .. } => {
                let sink = match body.take() {
                    Some(body) => Sink::Two(body),
                    None => Sink::Nothing,
                };
                (sink, Coming::Two(response))
            }
        }
    }
}

impl<'c> Coming<'c> {
    /// The head of the answer, and where its body comes from.
    ///
    /// # Errors
    /// There is none.
    pub async fn head(self, asked: &Method) -> Result<(Head, Source<'c>), WireError> {
        match self {
            Self::One(reading) => {
                let head = reading.response(asked).await?;
                let is_empty = reading.is_done();
                let head = Head {
                    status: head.status,
                    headers: head.headers,
                    length: head.declared_length,
                    is_empty,
                    keep_alive: head.keep_alive,
                    upgrade: head.upgrade,
                };
                Ok((head, Source::one(reading)))
            }
            Self::Two(response) => {
                let (parts, body): (_, RecvStream) = response.await?.into_parts();
                let length = parts.headers.get(http::header::CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                let head = Head {
                    status: parts.status,
                    headers: parts.headers,
                    length,
                    is_empty: body.is_end_stream(),
                    keep_alive: true,
                    upgrade: None,
                };
                Ok((head, Source::two(body)))
            }
        }
    }
}
