//! A request's body on its way to the target.

use super::capture::Capture;
use super::wire::{Part, Sink, Source, WireError};
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a client may say nothing in the middle of a body; and in the middle of a call of gRPC, where it may be the
/// other side that speaks.
const UPLOAD_SILENCE: Duration = Duration::from_secs(120);
const CALL_SILENCE: Duration = Duration::from_secs(3_600);

/// What both directions of one exchange tell each other.
pub struct Between {
    began: Instant,
    /// Milliseconds after `began` at which the request last moved.
    moved: AtomicU64,
    /// All of the request was sent.
    pub sent: AtomicBool,
}

impl Between {
    /// An exchange that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            moved: AtomicU64::new(0),
            sent: AtomicBool::new(false),
        }
    }

    /// Something of the request moved.
    pub fn touch(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(millis, Ordering::Release);
    }

    /// Returns once nothing of the request has moved for so long.
    pub async fn silent_for(&self, patience: Duration) {
        loop {
            let moved = Duration::from_millis(self.moved.load(Ordering::Acquire));
            let deadline = self.began + moved + patience;
            if Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep_until(deadline.into()).await;
        }
    }
}

/// Sends the head and a body that is there as a whole.
///
/// # Errors
/// The target takes it not.
pub async fn send_whole(
    sink: &mut Sink<'_>,
    body: &Bytes,
    stays_open: bool,
) -> Result<(), WireError> {
    if stays_open {
        return sink.flush().await;
    }
    if !body.is_empty() {
        sink.data(body.clone()).await?;
    }
    sink.end(None).await
}

/// Whose fault it is that a body was not sent.
pub enum Sending {
    /// It did not come.
    Client(WireError),
    /// It was not taken.
    Target(WireError),
}

/// Sends the head, and a body as it comes.
///
/// # Errors
/// Either side ended it.
pub async fn send_stream(
    sink: &mut Sink<'_>,
    source: &mut Source<'_>,
    capture: &mut Capture,
    between: &Between,
    is_call: bool,
) -> Result<(), Sending> {
    let patience = if is_call {
        CALL_SILENCE
    } else {
        UPLOAD_SILENCE
    };
    // The head goes ahead: a target may answer before it has all of the body.
    sink.flush().await.map_err(Sending::Target)?;
    loop {
        match source.next(patience).await.map_err(Sending::Client)? {
            Part::Data(data) => {
                capture.feed(&data);
                sink.data(data).await.map_err(Sending::Target)?;
                if !source.is_ready() {
                    sink.flush().await.map_err(Sending::Target)?;
                }
                between.touch();
            }
            // They are no part of what was decided, and some servers read them as fields.
            Part::Trailers(_) => return sink.end(None).await.map_err(Sending::Target),
            Part::End => return sink.end(None).await.map_err(Sending::Target),
        }
    }
}
