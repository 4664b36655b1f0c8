//! Reads one session's record strictly: every frame in its place, every hash right.

use crate::error::RecordError;
use crate::frame::{FrameError, FrameReader, chain_hash};
use crate::layout::{self, Layout};
use crate::session::Tail;
use sluice_model::{Event, SessionId};
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

/// One session's file, read from its beginning.
pub(crate) struct ChainReader<R> {
    frames: FrameReader<R>,
    path: PathBuf,
    tail: Tail,
}

/// Why the next event cannot be read.
pub(crate) enum ChainFault {
    /// The file ends within a frame.
    Torn,
    /// The frame is not the one that was written here: what is wrong.
    Damaged(String),
    /// The file system refused.
    Record(RecordError),
}

impl ChainReader<File> {
    /// Opens a session's file, or `None` when there is none. `live`: a gateway may be writing it.
    pub(crate) fn open(
        layout: &Layout,
        id: &SessionId,
        live: bool,
    ) -> Result<Option<Self>, RecordError> {
        let path = layout.events(id);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordError::io("open", &path)(error)),
        };
        let frames = if live {
            FrameReader::live(file)
        } else {
            FrameReader::new(file)
        };
        Self::begin(frames, path, id).map(Some)
    }
}

impl<R: Read + Seek> ChainReader<R> {
    fn begin(
        mut frames: FrameReader<R>,
        path: PathBuf,
        id: &SessionId,
    ) -> Result<Self, RecordError> {
        let header = layout::session_header(id);
        if !frames
            .header(&header)
            .map_err(RecordError::io("read", &path))?
        {
            return Err(RecordError::damaged(
                &path,
                0,
                "its first line is not that of this session's record",
            ));
        }
        let tail = Tail::genesis(&header);
        Ok(Self { frames, path, tail })
    }

    /// Goes on behind what was read before, of the same record.
    pub(crate) fn go_to(&mut self, tail: Tail) -> Result<(), RecordError> {
        self.frames
            .go_to(tail.length)
            .map_err(RecordError::io("read", &self.path))?;
        self.tail = tail;
        Ok(())
    }

    /// How far it has been read.
    pub(crate) fn tail(&self) -> Tail {
        self.tail
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next event's payload, or `None` at the end.
    pub(crate) fn read(&mut self) -> Result<Option<&[u8]>, ChainFault> {
        let frame = match self.frames.read() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(FrameError::Torn { .. }) => return Err(ChainFault::Torn),
            Err(FrameError::Io(source)) => {
                return Err(ChainFault::Record(RecordError::io("read", &self.path)(
                    source,
                )));
            }
            Err(error) => return Err(ChainFault::Damaged(error.to_string())),
        };
        let expected = self.tail.count + 1;
        if frame.number != expected {
            let what = format!("expected event {expected}, got event {}", frame.number);
            return Err(ChainFault::Damaged(what));
        }
        if frame.hash != chain_hash(&self.tail.hash, frame.number, frame.payload) {
            return Err(ChainFault::Damaged(format!(
                "event {expected} does not fit its chain"
            )));
        }
        self.tail = Tail {
            count: expected,
            hash: frame.hash,
            length: frame.offset + (frame.payload.len() + crate::frame::OVERHEAD) as u64,
        };
        Ok(Some(frame.payload))
    }
}

/// Reads an event from its payload.
pub(crate) fn parse_event(payload: &[u8]) -> Option<Event> {
    serde_json::from_slice(payload).ok()
}

/// Reads the frames of a session's file from memory: their numbers and events, without checking the chain. For
/// looking into damaged files; [`crate::replay`] is what shows a record.
pub fn read_frames(bytes: &[u8]) -> impl Iterator<Item = Result<(u64, Event), RecordError>> {
    let line = bytes
        .iter()
        .position(|b| *b == b'\n')
        .map_or(bytes.len(), |at| at + 1);
    let mut frames = FrameReader::new(Cursor::new(bytes.get(line..).unwrap_or_default()));
    let path = Path::new("record");
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let offset = frames.offset();
        let read = match frames.read() {
            Ok(None) => None,
            Ok(Some(frame)) => Some(
                parse_event(frame.payload)
                    .map(|event| (frame.number, event))
                    .ok_or_else(|| RecordError::damaged(path, offset, "not an event")),
            ),
            Err(error) => Some(Err(RecordError::frame(path, error))),
        };
        ended = !matches!(read, Some(Ok(_)));
        read
    })
}
