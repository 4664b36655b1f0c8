//! Where a body comes from.

use super::WireError;
use super::one::Reading;
use bytes::Bytes;
use futures_util::FutureExt as _;
use h2::RecvStream;
use http::HeaderMap;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;

/// The next part of a body.
#[derive(Debug)]
pub enum Part {
    /// Some of it.
    Data(Bytes),
    /// The fields after it.
    Trailers(HeaderMap),
    /// Its end.
    End,
}

enum Rest<'c> {
    Nothing,
    One(&'c mut Reading),
    Two(Box<RecvStream>),
}

/// Where a body comes from: what was read ahead of it, then the rest.
pub struct Source<'c> {
    ahead: VecDeque<Part>,
    rest: Rest<'c>,
    /// The end was given.
    ended: bool,
}

impl<'c> Source<'c> {
    fn new(rest: Rest<'c>) -> Self {
        Self {
            ahead: VecDeque::new(),
            rest,
            ended: false,
        }
    }

    /// No body.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(Rest::Nothing)
    }

    /// From a connection that speaks HTTP/1.1.
    #[must_use]
    pub fn one(reading: &'c mut Reading) -> Self {
        Self::new(Rest::One(reading))
    }

    /// From a stream of HTTP/2.
    #[must_use]
    pub fn two(stream: RecvStream) -> Self {
        Self::new(Rest::Two(Box::new(stream)))
    }

    /// Puts back what was read ahead, in its order.
    pub fn put_back(&mut self, parts: VecDeque<Part>) {
        self.ended = false;
        self.ahead = parts;
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.ahead.is_empty()
            && match &self.rest {
                Rest::Nothing => true,
                Rest::One(reading) => reading.is_done(),
                Rest::Two(stream) => stream.is_end_stream(),
            }
    }

    /// Whether something is here already. A stream of HTTP/2 says so only when it is asked for it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ahead.is_empty()
            || match &self.rest {
                Rest::One(reading) => reading.has_more(),
                Rest::Nothing | Rest::Two(_) => false,
            }
    }

    /// From now on everything that comes is data, until the end of the stream.
    pub fn raw(&mut self) {
        if let Rest::One(reading) = &mut self.rest {
            reading.raw();
        }
        self.ended = false;
    }

    /// The next part, if it is here already.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn ready(&mut self) -> Result<Option<Part>, WireError> {
        if !self.ahead.is_empty() || self.ended {
            return Ok(Some(self.ahead.pop_front().unwrap_or(Part::End)));
        }
        let part = match &mut self.rest {
            Rest::Nothing => Some(Part::End),
            Rest::One(reading) => reading.ready()?,
            Rest::Two(stream) => two(stream).now_or_never().transpose()?,
        };
        self.ended = matches!(part, Some(Part::End));
        Ok(part)
    }

    /// The next part. After its end there is nothing but that.
    ///
    /// # Errors
    /// It cannot be read, or does not come in time.
    pub async fn next(&mut self, patience: Duration) -> Result<Part, WireError> {
        if let Some(part) = self.ready()? {
            return Ok(part);
        }
        let part = async {
            match &mut self.rest {
                Rest::Nothing => Ok(Part::End),
                Rest::One(reading) => reading.part().await,
                Rest::Two(stream) => two(stream).await,
            }
        };
        let part = timeout(patience, part).await;
        let part = part.map_err(|_| WireError::Silent(patience.as_secs()))??;
        self.ended = matches!(part, Part::End);
        Ok(part)
    }

    /// Reads what comes to no use until its end, or until so many bytes came: many clients do not hear of an answer
    /// before they have sent all of their request.
    pub async fn discard(&mut self, most: usize) {
        self.ahead.clear();
        let mut read = 0;
        while read < most {
            let part = match &mut self.rest {
                Rest::Nothing => return,
                Rest::One(reading) => reading.part().await,
                Rest::Two(stream) => two(stream).await,
            };
            match part {
                Ok(Part::Data(data)) => read += data.len(),
                Ok(Part::Trailers(_) | Part::End) | Err(_) => return,
            }
        }
    }

    /// Returns once whoever sends the body has gone. Ask only when it was read to its end.
    pub async fn gone(&mut self) {
        match &mut self.rest {
            // Of a stream of HTTP/2, its answering half is told.
            Rest::Nothing | Rest::Two(_) => std::future::pending().await,
            Rest::One(reading) => reading.gone().await,
        }
    }
}

async fn two(stream: &mut RecvStream) -> Result<Part, WireError> {
    if let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        return Ok(Part::Data(data));
    }
    Ok(match stream.trailers().await? {
        Some(trailers) => Part::Trailers(trailers),
        None => Part::End,
    })
}
