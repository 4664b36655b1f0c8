//! The record of one session: the hot path.

use crate::error::RecordError;
use crate::event::EventRef;
use crate::frame::FrameBuffer;
use crate::hash::Hash;
use crate::layout::{self, Layout};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sluice_model::{EventBody, SessionId, Timestamp};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A session whose record has so many bytes ends. More than a day of the busiest session seen in benchmarks.
pub const MAX_RECORD: u64 = 64 * 1024 * 1024 * 1024;

/// Proof that an event was written. Only [`SessionRecord::append`] makes one, and it cannot be copied.
#[derive(Debug)]
#[must_use = "a receipt is what permits the recorded operation"]
pub struct Receipt {
    session: Arc<SessionId>,
    event: u64,
}

impl Receipt {
    /// The session whose record holds the event.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// The event's number in that record, from 1.
    #[must_use]
    pub fn event(&self) -> u64 {
        self.event
    }
}

/// A place in a session's record: behind which event the next one goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// Events so far.
    pub count: u64,
    /// The chain value after the last one.
    pub hash: Hash,
    /// Where the next frame goes, in bytes.
    pub length: u64,
}

impl Tail {
    /// The chain before its first event.
    pub(crate) fn genesis(header: &str) -> Self {
        Self {
            count: 0,
            hash: Hash::of(header.as_bytes()),
            length: header.len() as u64,
        }
    }
}

/// Appends one event: one serialisation, one hash, one write.
fn write_event(
    file: &File,
    tail: &Tail,
    buffer: &mut FrameBuffer,
    at: Timestamp,
    body: &EventBody,
) -> Result<Tail, WriteError> {
    let count = tail.count + 1;
    let event = EventRef::from(body);
    let (frame, hash) = buffer.chained(&tail.hash, count, |out| event.write(at, out))?;
    let length = tail.length.saturating_add(frame.len() as u64);
    let mut file = file;
    file.write_all(frame)?;
    Ok(Tail {
        count,
        hash,
        length,
    })
}

/// Keeps the path out of the hot path.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Whether a session's record can still grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Events are appended.
    Open,
    /// Its last event is the closing.
    Closed,
    /// It ended without its closing event: why.
    Broken(String),
}

/// What a record and the log's checkpoints both know.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The end of the chain as far as it was written.
    pub tail: Tail,
    /// Whether it can grow.
    pub state: State,
    /// How many events the log's entries commit to.
    pub logged: u64,
    /// Whether the log has its closing entry.
    pub closing_logged: bool,
    /// A gap in it that the log's entries do not tell of yet: why.
    pub gap: Option<String>,
    /// How many events are durable.
    pub synced: u64,
}

impl Standing {
    /// Whether events are not durable yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.synced < self.tail.count
    }
}

/// A session that the next checkpoint has to look at. The open file is the record's own, so that an ended session
/// holds none.
pub(crate) struct Live {
    pub(crate) id: Arc<SessionId>,
    pub(crate) path: PathBuf,
    pub(crate) standing: Mutex<Standing>,
}

impl Live {
    /// Ends a broken record properly: cuts what was half written, says what happened, closes. Fails as long as
    /// writing does.
    pub(crate) fn mend(&self, at: Timestamp) -> Result<(), RecordError> {
        let mut standing = self.standing.lock();
        let State::Broken(why) = &standing.state else {
            return Ok(());
        };
        let file = layout::open_append(&self.path)?;
        let why = why.clone();
        standing.tail = end_with_gap(&file, &self.path, standing.tail, at, why.clone())?;
        standing.state = State::Closed;
        standing.gap = Some(why);
        Ok(())
    }
}

/// Cuts a record to its last whole event and ends it with a gap and a closing.
pub(crate) fn end_with_gap(
    file: &File,
    path: &Path,
    tail: Tail,
    at: Timestamp,
    why: String,
) -> Result<Tail, RecordError> {
    file.set_len(tail.length)
        .map_err(RecordError::io("cut", path))?;
    let mut buffer = FrameBuffer::default();
    let closing = EventBody::SessionClosed {
        why: "the record was ended for the session".to_owned(),
    };
    let mut end = tail;
    for body in [EventBody::Gap { why }, closing] {
        end = write_event(file, &end, &mut buffer, at, &body).map_err(|error| {
            // Both or neither; cutting works on a full disk, too.
            let _ = file.set_len(tail.length);
            located(error, path)
        })?;
    }
    Ok(end)
}

fn located(error: WriteError, path: &Path) -> RecordError {
    match error {
        WriteError::Io(source) => RecordError::io("write", path)(source),
        WriteError::Record(error) => error,
    }
}

/// The record of one live session. It takes no lock that another session could hold. After an error nothing
/// more is accepted, and the gap is recorded as soon as writing works again.
pub struct SessionRecord {
    live: Arc<Live>,
    file: File,
    tail: Tail,
    buffer: FrameBuffer,
    /// Frames of [`SessionRecord::append_later`], and where the chain is after them.
    later: Vec<u8>,
    later_tail: Tail,
    usable: bool,
}

/// More than this many bytes of postponed events are written at once.
const MAX_POSTPONED: usize = 64 * 1024;

impl SessionRecord {
    /// Makes the files of a new session and writes its opening event.
    pub(crate) fn create(
        layout: &Layout,
        id: &SessionId,
        at: Timestamp,
        opening: &EventBody,
    ) -> Result<Self, RecordError> {
        let path = layout.events(id);
        let file = layout::create_new(&path)?;
        let header = write_header(&file, &path, id)?;
        let mut buffer = FrameBuffer::default();
        let tail = write_event(&file, &Tail::genesis(&header), &mut buffer, at, opening)
            .map_err(|e| located(e, &path))?;
        let live = Live {
            id: Arc::new(id.clone()),
            path,
            standing: Mutex::new(Standing {
                tail,
                state: State::Open,
                logged: tail.count,
                closing_logged: false,
                gap: None,
                synced: 0,
            }),
        };
        Ok(Self {
            live: Arc::new(live),
            file,
            tail,
            buffer,
            later: Vec::new(),
            later_tail: tail,
            usable: true,
        })
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.live.id
    }

    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Appends one event. When this returns, the event is with the kernel and survives the end of the process.
    ///
    /// # Errors
    /// The event could not be written, or an earlier one could not: the session must end.
    pub fn append<'a>(
        &mut self,
        at: Timestamp,
        event: impl Into<EventRef<'a>>,
    ) -> Result<Receipt, RecordError> {
        self.postpone(at, event.into())?;
        self.flush()?;
        Ok(Receipt {
            session: Arc::clone(&self.live.id),
            event: self.tail.count,
        })
    }

    /// Appends one event that permits nothing (what an operation answered), to be written with the next one or
    /// by [`Self::flush`]. It may be lost if the process is killed before; the chain is then shorter, not broken.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_later<'a>(
        &mut self,
        at: Timestamp,
        event: impl Into<EventRef<'a>>,
    ) -> Result<(), RecordError> {
        self.postpone(at, event.into())?;
        if self.later.len() >= MAX_POSTPONED {
            self.flush()?;
        }
        Ok(())
    }

    /// Whether events wait to be written.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.later.is_empty()
    }

    /// Writes the events that wait, in one piece.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn flush(&mut self) -> Result<(), RecordError> {
        if !self.usable {
            return Err(RecordError::Poisoned);
        }
        if self.later.is_empty() {
            return Ok(());
        }
        let mut file = &self.file;
        if let Err(error) = file.write_all(&self.later) {
            return Err(self.poison(error.into()));
        }
        self.later.clear();
        self.tail = self.later_tail;
        self.live.standing.lock().tail = self.tail;
        Ok(())
    }

    fn postpone(&mut self, at: Timestamp, event: EventRef<'_>) -> Result<(), RecordError> {
        if !self.usable {
            return Err(RecordError::Poisoned);
        }
        if self.later_tail.length >= MAX_RECORD {
            return Err(self.poison(RecordError::SessionFull { limit: MAX_RECORD }.into()));
        }
        let count = self.later_tail.count + 1;
        match self
            .buffer
            .chained(&self.later_tail.hash, count, |out| event.write(at, out))
        {
            Ok((frame, hash)) => {
                let length = self.later_tail.length.saturating_add(frame.len() as u64);
                self.later.extend_from_slice(frame);
                self.later_tail = Tail {
                    count,
                    hash,
                    length,
                };
                Ok(())
            }
            Err(error) => Err(self.poison(error.into())),
        }
    }

    fn poison(&mut self, error: WriteError) -> RecordError {
        self.usable = false;
        // Cuts a half-written frame; works on a full disk, too, and is made up for if not.
        let _ = self.file.set_len(self.tail.length);
        let error = located(error, &self.live.path);
        self.live.standing.lock().state =
            State::Broken(format!("an event could not be recorded: {error}"));
        error
    }

    /// Appends the closing event and ends the record.
    ///
    /// # Errors
    /// The closing could not be written; it is made up for as soon as writing works again.
    pub fn close(mut self, at: Timestamp, why: &str) -> Result<(), RecordError> {
        let closing = EventBody::SessionClosed {
            why: why.to_owned(),
        };
        let _last = self.append(at, &closing)?;
        self.live.standing.lock().state = State::Closed;
        Ok(())
    }
}

impl Drop for SessionRecord {
    fn drop(&mut self) {
        let mut standing = self.live.standing.lock();
        if standing.state == State::Open {
            standing.state = State::Broken("the session ended without saying why".to_owned());
        }
    }
}

fn write_header(mut file: &File, path: &Path, id: &SessionId) -> Result<String, RecordError> {
    let header = layout::session_header(id);
    file.write_all(header.as_bytes())
        .map_err(RecordError::io("write", path))?;
    Ok(header)
}

#[cfg(test)]
impl SessionRecord {
    /// Writes to another file from now on.
    pub(crate) fn write_to_for_test(&mut self, file: File) {
        self.file = file;
    }
}
