//! Where things are: the names of files and directories, and how they are opened.

use crate::error::RecordError;
use sluice_model::SessionId;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// First line of the log's entries.
pub(crate) const LOG_HEADER: &str = "sluice log 1\n";

/// First line of a session's record. It names the session, so that no record can stand in for another.
pub(crate) fn session_header(id: &SessionId) -> String {
    format!("sluice record 1 {id}\n")
}

/// Paths below the directory of all records.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn entries(&self) -> PathBuf {
        self.log().join("entries")
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.log().join("checkpoint")
    }

    pub(crate) fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    pub(crate) fn session(&self, id: &SessionId) -> PathBuf {
        self.sessions().join(id.as_str())
    }

    pub(crate) fn events(&self, id: &SessionId) -> PathBuf {
        self.session(id).join("events")
    }

    /// The file of a tail cut off at `offset`, of a session's events or of the log's entries.
    pub(crate) fn torn(&self, session: Option<&SessionId>, offset: u64) -> PathBuf {
        let beside = session.map_or_else(|| self.log(), |id| self.session(id));
        beside.join(format!("torn-{offset}"))
    }

    /// The sessions that have a directory, in the order of their ids. Other names are left alone.
    pub(crate) fn session_ids(&self) -> Result<Vec<SessionId>, RecordError> {
        let path = self.sessions();
        let mut ids = Vec::new();
        for entry in path.read_dir().map_err(RecordError::io("list", &path))? {
            let entry = entry.map_err(RecordError::io("list", &path))?;
            ids.extend(
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse().ok()),
            );
        }
        ids.sort_unstable();
        Ok(ids)
    }
}

/// Makes a directory and those above it, for the gateway's user alone.
pub(crate) fn make_dirs(path: &Path) -> Result<(), RecordError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(RecordError::io("create", path))
}

/// Makes one directory that must not be there yet.
pub(crate) fn make_new_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Makes a file that must not be there yet.
pub(crate) fn create_new(path: &Path) -> Result<File, RecordError> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(RecordError::io("create", path))
}

/// Opens a file for appending.
pub(crate) fn open_append(path: &Path) -> Result<File, RecordError> {
    OpenOptions::new()
        .append(true)
        .open(path)
        .map_err(RecordError::io("open", path))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), RecordError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(RecordError::io("sync", path))
}
