//! Looking at records: the list of sessions, the events of one, the entries of the log.

use crate::chain::{ChainFault, ChainReader, parse_event};
use crate::entry::Entry;
use crate::error::RecordError;
use crate::frame::FrameReader;
use crate::layout::{LOG_HEADER, Layout};
use crate::merkle::leaf_hash;
use crate::session::Tail;
use serde::{Deserialize, Serialize};
use sluice_model::{Event, SessionId};
use std::collections::HashMap;
use std::fs::File;
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};

/// One line in the list of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// Which.
    pub session: SessionId,
    /// Its opening event; `None` when it cannot be read (`verify` says why).
    pub opening: Option<Event>,
    /// Whether its record has ended.
    pub closed: bool,
    /// Events in its record.
    pub events: u64,
}

/// Lists the sessions recorded under `dir` as of the latest checkpoint, oldest first. [`crate::Log::sessions`] knows
/// what came after it.
pub(crate) fn sessions(dir: &Path) -> Result<Vec<SessionSummary>, RecordError> {
    let layout = Layout::new(dir);
    let mut known: HashMap<SessionId, (u64, bool)> = HashMap::new();
    for read in entries(dir)? {
        let (session, count, closed) = match read?.1 {
            Entry::Opened { session, .. } => (session, 1, false),
            Entry::Head { session, count, .. } => (session, count, false),
            Entry::Closed { session, count, .. } => (session, count, true),
            Entry::Admin { .. } | Entry::Gap { .. } => continue,
        };
        known.insert(session, (count, closed));
    }
    let mut list = Vec::new();
    for session in layout.session_ids()? {
        let (events, closed) = known.get(&session).copied().unwrap_or_default();
        let opening = replay(dir, &session)
            .ok()
            .and_then(|mut events| events.next())
            .and_then(Result::ok);
        list.push(SessionSummary {
            session,
            opening,
            closed,
            events,
        });
    }
    Ok(list)
}

/// The events of one session in order. Each is checked against the chain before it is handed out; the first that
/// does not fit is an error and the end.
///
/// # Errors
/// There is no such record, or it cannot be read.
pub fn replay(dir: &Path, session: &SessionId) -> Result<Replay, RecordError> {
    replay_from(dir, session, None)
}

/// The same behind a place where reading ended before, to follow a record that grows or to go on after a restart. What
/// stands before it is not looked at again.
///
/// # Errors
/// There is no such record, or it cannot be read.
pub fn replay_from(
    dir: &Path,
    session: &SessionId,
    behind: Option<Tail>,
) -> Result<Replay, RecordError> {
    let mut chain = ChainReader::open(&Layout::new(dir), session, true)?
        .ok_or_else(|| RecordError::NotFound(session.clone()))?;
    if let Some(behind) = behind {
        chain.go_to(behind)?;
    }
    Ok(Replay {
        chain,
        ended: false,
    })
}

/// See [`replay`].
pub struct Replay {
    chain: ChainReader<File>,
    ended: bool,
}

impl Replay {
    /// How far it has been read.
    #[must_use]
    pub fn place(&self) -> Tail {
        self.chain.tail()
    }
}

impl Iterator for Replay {
    type Item = Result<Event, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let offset = self.chain.tail().length;
        let read = match self.chain.read() {
            Ok(payload) => {
                payload.map(|payload| parse_event(payload).ok_or("not an event".to_owned()))
            }
            Err(ChainFault::Torn) => Some(Err("the last event is cut".to_owned())),
            Err(ChainFault::Damaged(what)) => Some(Err(what)),
            Err(ChainFault::Record(error)) => {
                self.ended = true;
                return Some(Err(error));
            }
        };
        self.ended = !matches!(read, Some(Ok(_)));
        read.map(|read| read.map_err(|what| RecordError::damaged(self.chain.path(), offset, what)))
    }
}

impl FusedIterator for Replay {}

/// The entries of the log in order, each with its number. Each is checked against its own hash; whether the log
/// is complete is for [`crate::verify`] to say.
///
/// # Errors
/// There is no log under `dir`, or it cannot be read.
pub fn entries(dir: &Path) -> Result<LogEntries, RecordError> {
    entries_from(dir, None)
}

/// The same from a place where reading ended before.
///
/// # Errors
/// There is no log under `dir`, or it cannot be read.
pub fn entries_from(dir: &Path, from: Option<LogPlace>) -> Result<LogEntries, RecordError> {
    let path = Layout::new(dir).entries();
    let file = File::open(&path).map_err(RecordError::io("open", &path))?;
    let mut frames = FrameReader::live(file);
    if !frames
        .header(LOG_HEADER)
        .map_err(RecordError::io("read", &path))?
    {
        return Err(RecordError::damaged(
            &path,
            0,
            "its first line is not that of a log",
        ));
    }
    let mut next = 0;
    if let Some(from) = from {
        frames
            .go_to(from.offset)
            .map_err(RecordError::io("read", &path))?;
        next = from.next;
    }
    Ok(LogEntries {
        frames,
        path,
        next,
        ended: false,
    })
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPlace {
    /// The number of the entry that begins there.
    pub next: u64,
    /// Where that is in the file, in bytes.
    pub offset: u64,
}

impl LogPlace {
    /// The place of the first entry.
    pub const START: Self = Self {
        next: 0,
        offset: LOG_HEADER.len() as u64,
    };
}

impl LogEntries {
    /// How far it has been read.
    #[must_use]
    pub fn place(&self) -> LogPlace {
        LogPlace {
            next: self.next,
            offset: self.frames.offset(),
        }
    }
}

/// See [`entries`].
pub struct LogEntries {
    frames: FrameReader<File>,
    path: PathBuf,
    next: u64,
    ended: bool,
}

impl Iterator for LogEntries {
    type Item = Result<(u64, Entry), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = match self.frames.read() {
            Ok(None) => None,
            Ok(Some(frame)) => {
                let fits = frame.number == self.next && frame.hash == leaf_hash(frame.payload);
                let entry = serde_json::from_slice(frame.payload).ok().filter(|_| fits);
                let what = format!("entry {} is not as it was written", self.next);
                Some(
                    entry
                        .map(|entry| (frame.number, entry))
                        .ok_or_else(|| RecordError::damaged(&self.path, frame.offset, what)),
                )
            }
            Err(error) => Some(Err(RecordError::frame(&self.path, error))),
        };
        self.ended = !matches!(read, Some(Ok(_)));
        self.next += u64::from(!self.ended);
        read
    }
}

impl FusedIterator for LogEntries {}
