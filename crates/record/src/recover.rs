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
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
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

/// Reads all entries, checks them against the checkpoint and cuts an unfinished tail.
fn read_entries(
    layout: &Layout,
    file: File,
    latest: Option<&Checkpoint>,
    at: Timestamp,
) -> Result<(Entries, BTreeMap<SessionId, Known>), RecordError> {
    let path = layout.entries();
    let reading = File::open(&path).map_err(RecordError::io("open", &path))?;
    let mut frames = FrameReader::new(reading);
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
    let mut tree = Tree::default();
    let mut known = BTreeMap::new();
    let mut torn = false;
    loop {
        if let Some(latest) = latest
            && latest.mark.size == tree.size()
            && latest.mark.root != tree.root()
        {
            return Err(RecordError::damaged(
                &path,
                frames.offset(),
                "the entries are not those of the checkpoint",
            ));
        }
        match frames.read() {
            Ok(None) => break,
            Err(FrameError::Torn { .. }) => {
                torn = true;
                break;
            }
            Err(error) => return Err(RecordError::frame(&path, error)),
            Ok(Some(frame)) => {
                let entry = serde_json::from_slice(frame.payload).ok();
                let entry = entry.filter(|_| {
                    frame.number == tree.size() && frame.hash == leaf_hash(frame.payload)
                });
                let Some(entry) = entry else {
                    let what = format!("entry {} is not as it was written", tree.size());
                    return Err(RecordError::damaged(&path, frame.offset, what));
                };
                note_entry(&mut known, &entry);
                tree.push(frame.hash);
            }
        }
    }
    let committed = latest.map_or(0, |latest| latest.mark.size);
    if tree.size() < committed {
        let what = format!(
            "it has {} entries, its checkpoint says {committed}",
            tree.size()
        );
        return Err(RecordError::damaged(&path, frames.offset(), what));
    }
    let mut entries = Entries {
        file: Arc::new(file),
        path,
        length: frames.offset(),
        tree,
        failed: None,
    };
    if torn {
        let torn = cut(layout, None, &entries.file, &entries.path, entries.length)?;
        entries.append(
            at,
            &Entry::Gap {
                at,
                session: None,
                why: "the gateway ended while an entry was written".to_owned(),
                torn: Some(torn),
            },
        )?;
    }
    Ok((entries, known))
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
    let mut bytes = Vec::new();
    let mut reading = File::open(path).map_err(RecordError::io("open", path))?;
    reading
        .seek(SeekFrom::Start(offset))
        .and_then(|_| reading.read_to_end(&mut bytes))
        .map_err(RecordError::io("read", path))?;
    let kept = layout.torn(session, offset);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&kept)
        .and_then(|mut kept| kept.write_all(&bytes).and_then(|()| kept.sync_all()))
        .map_err(RecordError::io("write", &kept))?;
    file.set_len(offset).map_err(RecordError::io("cut", path))?;
    Ok(Torn {
        offset,
        sha256: Hash::of(&bytes),
    })
}

/// What a session's file turned out to hold.
enum Found {
    /// It ends with its closing event.
    Whole(Tail),
    /// It has no closing; perhaps its last frame is cut.
    Open { tail: Tail, torn: bool },
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
            Found::Whole(tail) | Found::Open { tail, .. } if tail.count < promised => {
                let why = format!(
                    "the record holds {} events, the log knows {promised}",
                    tail.count
                );
                self.gap(entries, why, None)
            }
            Found::Whole(tail) => self.closed(entries, tail),
            Found::Open { tail, torn } => self.end(entries, tail, torn),
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
        let found = match fault {
            Some(ChainFault::Record(error)) => return Err(error),
            Some(ChainFault::Damaged(what)) => Found::Wrong(what),
            None if closed => Found::Whole(tail),
            _ if tail.count == 0 => Found::Nothing,
            fault => Found::Open {
                tail,
                torn: fault.is_some(),
            },
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
    fn end(&self, entries: &mut Entries, tail: Tail, torn: bool) -> Result<(), RecordError> {
        let path = self.layout.events(self.id);
        let file = layout::open_append(&path)?;
        let torn = torn
            .then(|| cut(self.layout, Some(self.id), &file, &path, tail.length))
            .transpose()?;
        let why = "the gateway ended while the session was live".to_owned();
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
