//! Why something could not be recorded or read.

use crate::frame::FrameError;
use sluice_model::SessionId;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be recorded or read. Whoever gets one refuses what it was about to do.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record of that id is there already; none is ever reopened.
    #[error("session {0} already has a record; a record is never opened twice")]
    Exists(SessionId),
    /// There is no record of that id.
    #[error("session {0} has no record here")]
    NotFound(SessionId),
    /// The first event of a record must open that very session.
    #[error("the first event of a record must open session {0}")]
    NotItsOpening(SessionId),
    /// An event is larger than a frame may be.
    #[error("the event needs more than {limit} bytes, the most that one event may have; split it")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The record of one session has reached its limit.
    #[error("the record of this session has reached {limit} bytes; open a new session")]
    SessionFull {
        /// The limit in bytes.
        limit: u64,
    },
    /// An earlier event of this session could not be written.
    #[error("an earlier event of this session could not be recorded; nothing more is accepted")]
    Poisoned,
    /// Another process writes this log.
    #[error("the log in {} is being written by another process; stop it first", .0.display())]
    InUse(PathBuf),
    /// What is on disk is not what was written.
    #[error(
        "{} is damaged at byte {offset}: {what}; run `sluice audit verify`, keep the directory as evidence and start with a new one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// An event could not be turned into its recorded form.
    #[error("the event cannot be written as JSON")]
    Unwritable,
    /// The log's name cannot stand in a signed checkpoint.
    #[error("expected a log name without spaces, plus signs and control characters, got {0:?}")]
    Name(String),
    /// A key is not one.
    #[error("expected a verifier key such as NAME+1a2b3c4d+BASE64")]
    Key,
}

impl RecordError {
    /// Wraps an error of the file system: `map_err(RecordError::io("open", path))`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// What a reader says of frames that cannot be read.
    pub(crate) fn frame(path: &Path, error: FrameError) -> Self {
        match error {
            FrameError::Torn { offset } => Self::damaged(path, offset, "the last frame is cut"),
            FrameError::TooLong { offset, length } => Self::damaged(
                path,
                offset,
                format!("a frame claims {length} bytes, more than any frame has"),
            ),
            FrameError::Io(source) => Self::io("read", path)(source),
        }
    }

    /// Names a place that is not as it was written.
    pub(crate) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            offset,
            what: what.into(),
        }
    }
}
