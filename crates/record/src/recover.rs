//! Opening a log after whatever ended the gateway before: nothing is trusted that does not check, unfinished
//! tails are cut and kept apart, and every session without a closing gets its real end recorded.

use crate::chain::{ChainFault, ChainReader, parse_event};
use crate::entry::{Entry, Torn};
use crate::error::RecordError;
use crate::frame::{FrameError, FrameReader};
use crate::hash::Hash;
use crate::layout::{self, LOG_HEADER, Layout};
use crate::log::Entries;
use crate::merkle::{Tree, leaf_hash};
use crate::note::{Checkpoint, MAX_NOTE, VerifierKey};
use crate::session::{Tail, end_with_gap};
use sluice_model::{EventBody, SessionId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

/// What opening found.
pub(crate) struct Recovered {
    /// The entries, ready for appending.
    pub entries: Entries,
    /// The latest checkpoint; `None` for a new log.
    pub latest: Option<Checkpoint>,
}

/// How far the log knows a session.
#[derive(Default, Clone, Copy)]
struct Known {
    count: u64,
    settled: bool,
}

/// Opens or makes the log and ends what a crash left open.
pub(crate) fn open(
    layout: &Layout,
    verifier: &VerifierKey,
    at: Timestamp,
) -> Result<Recovered, RecordError> {
    let file = open_locked(&layout.entries())?;
    let latest = read_checkpoint(layout, verifier)?;
    if latest.is_none() {
        begin_file(&file, &layout.entries())?;
    }
    let (mut entries, known) = read_entries(layout, file, latest.as_ref(), at)?;
    let unsettled: BTreeSet<SessionId> = layout
        .session_ids()?
        .into_iter()
        .filter(|id| !known.contains_key(id))
        .chain(
            known
                .iter()
                .filter(|(_, k)| !k.settled)
                .map(|(id, _)| id.clone()),
        )
        .collect();
    for id in unsettled {
        Ending {
            layout,
            id: &id,
            at,
        }
        .settle(known.get(&id).map(|k| k.count), &mut entries)?;
    }
    Ok(Recovered { entries, latest })
}

fn open_locked(path: &Path) -> Result<File, RecordError> {
    let file = OpenOptions::new()
        .append(true)
        .read(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(RecordError::io("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RecordError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(RecordError::io("lock", path)(source)),
    }
}

/// Reads and checks the latest checkpoint. `None` when there is no file.
fn read_checkpoint(
    layout: &Layout,
    verifier: &VerifierKey,
) -> Result<Option<Checkpoint>, RecordError> {
    let path = layout.checkpoint();
    let Some(note) = read_note(&path)? else {
        return Ok(None);
    };
    match verifier.check(&note) {
        Ok(mark) => Ok(Some(Checkpoint { mark, note })),
        Err(what) => Err(RecordError::damaged(&path, 0, what)),
    }
}

/// Reads a note without believing it. `None` when there is no file.
pub(crate) fn read_note(path: &Path) -> Result<Option<String>, RecordError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordError::io("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_NOTE)
        .read_to_end(&mut bytes)
        .map_err(RecordError::io("read", path))?;
    // What is not UTF-8 cannot be a note; the check says so.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes the first line of a new log. A log without a checkpoint has had no entry yet.
fn begin_file(mut file: &File, path: &Path) -> Result<(), RecordError> {
    let mut start = Vec::new();
    file.take(LOG_HEADER.len() as u64 + 1)
        .read_to_end(&mut start)
        .map_err(RecordError::io("read", path))?;
    if !LOG_HEADER.as_bytes().starts_with(&start) {
        return Err(RecordError::damaged(
            path,
            0,
            "it has entries, but the checkpoint beside it is missing",
        ));
    }
    file.set_len(0)
        .and_then(|()| file.write_all(LOG_HEADER.as_bytes()))
        .map_err(RecordError::io("write", path))
}

/// Reads all entries, checks them against the checkpoint and cuts what was not finished after it.
fn read_entries(
    layout: &Layout,
    file: File,
    latest: Option<&Checkpoint>,
    at: Timestamp,
) -> Result<(Entries, BTreeMap<SessionId, Known>), RecordError> {
    let path = layout.entries();
    let reading = File::open(&path).map_err(RecordError::io("open", &path))?;
    let mut walk = Walk {
        frames: FrameReader::new(reading),
        tree: Tree::default(),
        known: BTreeMap::new(),
    };
    let fault = walk.read_all(&path, latest)?;
    let length = walk.frames.offset();
    let committed = latest.map_or(0, |latest| latest.mark.size);
    let size = walk.tree.size();
    if size < committed {
        let what = fault.unwrap_or_else(|| "entries are missing".to_owned());
        let what = format!(
            "{what}; {size} of the {committed} entries that its checkpoint was signed over are there"
        );
        return Err(RecordError::damaged(&path, length, what));
    }
    let mut entries = Entries {
        file: Arc::new(file),
        path,
        length,
        tree: walk.tree,
        failed: None,
    };
    if let Some(what) = fault {
        let torn = cut(layout, None, &entries.file, &entries.path, length)?;
        entries.append(
            at,
            &Entry::Gap {
                at,
                session: None,
                why: format!("the gateway ended while entries were written: {what}"),
                torn: Some(torn),
            },
        )?;
    }
    Ok((entries, walk.known))
}

/// Reads the entries of a log that nobody writes.
struct Walk {
    frames: FrameReader<File>,
    tree: Tree,
    known: BTreeMap<SessionId, Known>,
}

impl Walk {
    /// Reads to the end or to the first entry that is not whole, and says what is wrong with it.
    fn read_all(
        &mut self,
        path: &Path,
        latest: Option<&Checkpoint>,
    ) -> Result<Option<String>, RecordError> {
        if !self
            .frames
            .header(LOG_HEADER)
            .map_err(RecordError::io("read", path))?
        {
            let what = "its first line is not that of a log";
            return Err(RecordError::damaged(path, 0, what));
        }
        loop {
            let size = self.tree.size();
            if latest.is_some_and(|l| l.mark.size == size && l.mark.root != self.tree.root()) {
                let what = "the entries are not those that its checkpoint was signed over";
                return Err(RecordError::damaged(path, self.frames.offset(), what));
            }
            let offset = self.frames.offset();
            let frame = match self.frames.read() {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => frame,
                Err(FrameError::Io(source)) => return Err(RecordError::io("read", path)(source)),
                Err(error) => return Ok(Some(error.to_string())),
            };
            let sound = frame.number == size && frame.hash == leaf_hash(frame.payload);
            match serde_json::from_slice(frame.payload) {
                Ok(entry) if sound => note_entry(&mut self.known, &entry),
                _ => {
                    self.frames.back_to(offset);
                    return Ok(Some(format!("entry {size} is not as it was written")));
                }
            }
            let hash = frame.hash;
            self.tree.push(hash);
        }
    }
}

fn note_entry(known: &mut BTreeMap<SessionId, Known>, entry: &Entry) {
    let (session, count, settled) = match entry {
        Entry::Opened { session, .. } => (session, 1, false),
        Entry::Head { session, count, .. } => (session, *count, false),
        Entry::Closed { session, count, .. } => (session, *count, true),
        Entry::Gap {
            session: Some(session),
            ..
        } => (session, 0, true),
        Entry::Gap { session: None, .. } | Entry::Admin { .. } => return,
    };
    let known = known.entry(session.clone()).or_default();
    known.count = known.count.max(count);
    known.settled |= settled;
}

/// Cuts a file at `offset` and keeps what followed beside it.
fn cut(
    layout: &Layout,
    session: Option<&SessionId>,
    file: &File,
    path: &Path,
    offset: u64,
) -> Result<Torn, RecordError> {
    let kept = layout.torn(session, offset);
    let mut reading = File::open(path).map_err(RecordError::io("open", path))?;
    reading
        .seek(SeekFrom::Start(offset))
        .map_err(RecordError::io("read", path))?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&kept)
        .and_then(|mut kept| io::copy(&mut reading, &mut kept).and_then(|_| kept.sync_all()))
        .map_err(RecordError::io("write", &kept))?;
    let sha256 = File::open(&kept)
        .and_then(Hash::of_file)
        .map_err(RecordError::io("read", &kept))?;
    file.set_len(offset).map_err(RecordError::io("cut", path))?;
    Ok(Torn { offset, sha256 })
}

/// What a session's file turned out to hold.
enum Found {
    /// It ends with its closing event.
    Whole(Tail),
    /// It has no closing; perhaps what follows its last whole event is not one: what is wrong with it.
    Open { tail: Tail, fault: Option<String> },
    /// Not one whole event.
    Nothing,
    /// It is not as it was written, or not there.
    Wrong(String),
}

/// One session that the log does not know the end of.
struct Ending<'a> {
    layout: &'a Layout,
    id: &'a SessionId,
    at: Timestamp,
}

impl Ending<'_> {
    fn settle(&self, logged: Option<u64>, entries: &mut Entries) -> Result<(), RecordError> {
        let (found, first) = self.look()?;
        if logged.is_none()
            && let Some(hash) = first
        {
            let opened = Entry::Opened {
                at: self.at,
                session: self.id.clone(),
                hash,
            };
            entries.append(self.at, &opened)?;
        }
        let promised = logged.unwrap_or(0);
        match found {
            Found::Nothing if logged.is_none() => self.forget(entries),
            Found::Nothing => self.gap(
                entries,
                "the record holds no event any more".to_owned(),
                None,
            ),
            Found::Wrong(why) => self.gap(entries, why, None),
            // What the log knows of was there; a record without it was changed and is left as evidence.
            Found::Whole(tail) | Found::Open { tail, .. } if tail.count < promised => {
                let count = tail.count;
                let why = format!("the record holds {count} events, the log knows {promised}");
                self.gap(entries, why, None)
            }
            Found::Whole(tail) => self.closed(entries, tail),
            Found::Open { tail, fault } => self.end(entries, tail, fault),
        }
    }

    /// Reads the whole record; also gives the chain value after its first event.
    fn look(&self) -> Result<(Found, Option<Hash>), RecordError> {
        let mut chain = match ChainReader::open(self.layout, self.id, false) {
            Ok(Some(chain)) => chain,
            Ok(None) => return Ok((Found::Nothing, None)),
            Err(RecordError::Damaged { what, .. }) => return Ok((self.beginning(what)?, None)),
            Err(error) => return Err(error),
        };
        let mut first = None;
        let mut closed = false;
        let fault = loop {
            match chain.read() {
                Ok(None) => break None,
                Ok(Some(payload)) => {
                    closed = parse_event(payload)
                        .is_some_and(|e| matches!(e.body, EventBody::SessionClosed { .. }));
                }
                Err(fault) => break Some(fault),
            }
            first.get_or_insert(chain.tail().hash);
        };
        let tail = chain.tail();
        let fault = match fault {
            Some(ChainFault::Record(error)) => return Err(error),
            Some(ChainFault::Torn) => Some("its last event is cut".to_owned()),
            Some(ChainFault::Damaged(what)) => Some(what),
            None => None,
        };
        let found = match fault {
            None if closed => Found::Whole(tail),
            _ if tail.count == 0 => Found::Nothing,
            fault => Found::Open { tail, fault },
        };
        Ok((found, first))
    }

    /// A file without its first line: cut short while it was made, or changed.
    fn beginning(&self, what: String) -> Result<Found, RecordError> {
        let path = self.layout.events(self.id);
        let header = layout::session_header(self.id);
        let length = fs::metadata(&path)
            .map_err(RecordError::io("read", &path))?
            .len();
        Ok(if length < header.len() as u64 {
            Found::Nothing
        } else {
            Found::Wrong(what)
        })
    }

    /// Ends a record that has no closing.
    fn end(
        &self,
        entries: &mut Entries,
        tail: Tail,
        fault: Option<String>,
    ) -> Result<(), RecordError> {
        let path = self.layout.events(self.id);
        let file = layout::open_append(&path)?;
        let mut why = "the gateway ended while the session was live".to_owned();
        let mut torn = None;
        if let Some(what) = fault {
            torn = Some(cut(self.layout, Some(self.id), &file, &path, tail.length)?);
            why = format!("{why}: {what}");
        }
        let tail = end_with_gap(&file, &path, tail, self.at, why.clone())?;
        self.closed(entries, tail)?;
        self.gap(entries, why, torn)
    }

    fn closed(&self, entries: &mut Entries, tail: Tail) -> Result<(), RecordError> {
        let path = self.layout.events(self.id);
        layout::open_append(&path)?
            .sync_all()
            .map_err(RecordError::io("sync", &path))?;
        layout::sync_dir(&self.layout.session(self.id))?;
        let closed = Entry::Closed {
            session: self.id.clone(),
            count: tail.count,
            hash: tail.hash,
        };
        entries.append(self.at, &closed).map(drop)
    }

    fn gap(
        &self,
        entries: &mut Entries,
        why: String,
        torn: Option<Torn>,
    ) -> Result<(), RecordError> {
        let gap = Entry::Gap {
            at: self.at,
            session: Some(self.id.clone()),
            why,
            torn,
        };
        entries.append(self.at, &gap).map(drop)
    }

    /// Removes what a session left behind that never began: no event, no entry, so nothing was permitted.
    fn forget(&self, entries: &mut Entries) -> Result<(), RecordError> {
        let (events, dir) = (self.layout.events(self.id), self.layout.session(self.id));
        match fs::remove_file(&events) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(RecordError::io("remove", &events)(error));
            }
            _ => fs::remove_dir(&dir).map_err(RecordError::io("remove", &dir))?,
        }
        let gap = Entry::Gap {
            at: self.at,
            session: None,
            why: format!("the gateway ended while session {} was opened", self.id),
            torn: None,
        };
        entries.append(self.at, &gap).map(drop)
    }
}
