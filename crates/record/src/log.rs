//! The log over all sessions and admin changes: entries, their Merkle tree, signed checkpoints.

use crate::entry::Entry;
use crate::error::RecordError;
use crate::frame::{push_frame, write_json};
use crate::layout::{self, Layout};
use crate::merkle::{Tree, leaf_hash};
use crate::note::{Checkpoint, Mark, Signer, VerifierKey};
use crate::read::{self, SessionSummary};
use crate::recover;
use crate::session::{Live, SessionRecord, State};
use parking_lot::Mutex;
use sluice_model::{AdminAct, EventBody, SessionId, Timestamp};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Up to so many sessions are made durable one by one; with more, one call for the whole file system is cheaper and
/// does not fall behind however many sessions begin and end in a second.
const SINGLY: usize = 4;

/// The file of entries, open for appending.
pub(crate) struct Entries {
    pub(crate) file: Arc<File>,
    pub(crate) path: PathBuf,
    /// Where the next frame goes, in bytes.
    pub(crate) length: u64,
    pub(crate) tree: Tree,
    /// A write failed: why. What it left behind is cut before the next one.
    pub(crate) failed: Option<String>,
}

impl Entries {
    /// Appends one entry and returns its number, from 0.
    pub(crate) fn append(&mut self, at: Timestamp, entry: &Entry) -> Result<u64, RecordError> {
        self.mend(at)?;
        self.write(entry)
    }

    /// After a failed write: cuts what it left behind and says what happened. Fails as long as writing does.
    fn mend(&mut self, at: Timestamp) -> Result<(), RecordError> {
        if let Some(why) = self.failed.clone() {
            self.file
                .set_len(self.length)
                .map_err(RecordError::io("cut", &self.path))?;
            self.write(&Entry::Gap {
                at,
                session: None,
                why,
                torn: None,
            })?;
            self.failed = None;
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry) -> Result<u64, RecordError> {
        let number = self.tree.size();
        let mut payload = Vec::with_capacity(256);
        write_json(&mut payload, entry)?;
        let hash = leaf_hash(&payload);
        let mut frame = Vec::with_capacity(payload.len() + 64);
        push_frame(&mut frame, number, &payload, &hash);
        let mut file = &*self.file;
        if let Err(source) = file.write_all(&frame) {
            let error = RecordError::io("write", &self.path)(source);
            // The first failure is the one to tell of; cutting works on a full disk, too, and is tried again.
            self.failed
                .get_or_insert_with(|| format!("an entry could not be written: {error}"));
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += frame.len() as u64;
        self.tree.push(hash);
        Ok(number)
    }

    fn mark(&self) -> Mark {
        Mark {
            size: self.tree.size(),
            root: self.tree.root(),
        }
    }
}

struct Inner {
    layout: Layout,
    signer: Signer,
    entries: Mutex<Entries>,
    live: Mutex<Vec<Arc<Live>>>,
    /// Held while a checkpoint is made, so that they are made one at a time.
    making: Mutex<()>,
    /// The latest checkpoint; never held while something is written.
    latest: Mutex<Checkpoint>,
}

/// The log. Clones share it; one process writes it at a time.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

impl Log {
    /// Opens or makes the log under `dir` and ends the records of sessions that a crash cut short: each gets its
    /// real end recorded, and a gap. `seed` is the secret Ed25519 key, `name` the log's name in its checkpoints
    /// (such as `sluice.example/records`), which must stay the same.
    ///
    /// # Errors
    /// The directory cannot be used, another process writes it, or what is in it was changed.
    pub fn open(
        dir: &Path,
        seed: &[u8; 32],
        name: &str,
        at: Timestamp,
    ) -> Result<Self, RecordError> {
        let layout = Layout::new(dir);
        let signer = Signer::new(seed, name)?;
        layout::make_dirs(&layout.log())?;
        layout::make_dirs(&layout.sessions())?;
        let recovered = recover::open(&layout, signer.verifier(), at)?;
        let log = Self(Arc::new(Inner {
            making: Mutex::new(()),
            latest: Mutex::new(match recovered.latest {
                Some(latest) => latest,
                None => write_checkpoint(&layout, &signer, recovered.entries.mark())?,
            }),
            layout,
            signer,
            entries: Mutex::new(recovered.entries),
            live: Mutex::new(Vec::new()),
        }));
        log.checkpoint(at)?;
        Ok(log)
    }

    /// The key with which others check this log.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.0.signer.verifier().clone()
    }

    /// The directory that the log is in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.0.layout.root()
    }

    /// The latest checkpoint.
    #[must_use]
    pub fn latest(&self) -> Checkpoint {
        self.0.latest.lock().clone()
    }

    /// Begins the record of a new session. `opening` must be [`EventBody::SessionOpened`] of that session.
    ///
    /// # Errors
    /// The id was used before, or the opening cannot be written: the session must not begin.
    pub fn begin(
        &self,
        id: &SessionId,
        at: Timestamp,
        opening: &EventBody,
    ) -> Result<SessionRecord, RecordError> {
        if !matches!(opening, EventBody::SessionOpened { session, .. } if session == id) {
            return Err(RecordError::NotItsOpening(id.clone()));
        }
        let dir = self.0.layout.session(id);
        layout::make_new_dir(&dir).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => RecordError::Exists(id.clone()),
            _ => RecordError::io("create", &dir)(error),
        })?;
        self.begin_in(id, at, opening).inspect_err(|_| {
            // Nothing of the session has happened yet; a directory that stays is noticed at the next start.
            let _ = fs::remove_file(self.0.layout.events(id));
            let _ = fs::remove_dir(&dir);
        })
    }

    fn begin_in(
        &self,
        id: &SessionId,
        at: Timestamp,
        opening: &EventBody,
    ) -> Result<SessionRecord, RecordError> {
        let record = SessionRecord::create(&self.0.layout, id, at, opening)?;
        let hash = record.live().standing.lock().tail.hash;
        // Known to checkpoints before the log commits to it, so that none signs what is not durable.
        self.0.live.lock().push(Arc::clone(record.live()));
        let opened = Entry::Opened {
            at,
            session: id.clone(),
            hash,
        };
        let appended = self.0.entries.lock().append(at, &opened);
        if let Err(error) = appended {
            self.0.live.lock().retain(|live| *live.id != *id);
            return Err(error);
        }
        Ok(record)
    }

    /// Lists the recorded sessions, oldest first.
    ///
    /// # Errors
    /// The directory cannot be read, or the log is damaged.
    pub fn sessions(&self) -> Result<Vec<SessionSummary>, RecordError> {
        // Asked before the entries are read: what a checkpoint lets go of in between is in those.
        let now = self.standing();
        let mut list = read::sessions(self.dir())?;
        for summary in &mut list {
            if let Some((events, closed)) = now.get(&summary.session) {
                summary.events = summary.events.max(*events);
                summary.closed |= *closed;
            }
        }
        Ok(list)
    }

    /// How many events the record of each live session holds.
    #[must_use]
    pub fn event_counts(&self) -> HashMap<SessionId, u64> {
        let counts = self.standing().into_iter();
        counts.map(|(id, (events, _))| (id, events)).collect()
    }

    /// Events and whether it has ended, for each session that no checkpoint has closed yet.
    fn standing(&self) -> HashMap<SessionId, (u64, bool)> {
        let sessions = self.0.live.lock().clone();
        let of = |session: &Arc<Live>| {
            let standing = session.standing.lock();
            let closed = standing.state == State::Closed;
            ((*session.id).clone(), (standing.tail.count, closed))
        };
        sessions.iter().map(of).collect()
    }

    /// Records a change through the control plane and returns its entry's number.
    ///
    /// # Errors
    /// It could not be written: the change must not be made.
    pub fn append_admin(&self, at: Timestamp, act: &AdminAct) -> Result<u64, RecordError> {
        let act = act.clone();
        self.0.entries.lock().append(at, &Entry::Admin { at, act })
    }

    /// Commits to everything recorded so far, makes it durable and signs it. Called about once a second and
    /// before the end. Keep the answer's mark elsewhere: with it a log that was cut is noticed.
    ///
    /// # Errors
    /// Something could not be written or made durable. Nothing is lost by that; the next call tries again.
    pub fn checkpoint(&self, at: Timestamp) -> Result<Checkpoint, RecordError> {
        let _making = self.0.making.lock();
        let latest = self.latest();
        self.0.entries.lock().mend(at)?;
        let live = self.0.live.lock().clone();
        for session in &live {
            self.commit_to(session, at)?;
        }
        let (mark, file, path) = {
            let entries = self.0.entries.lock();
            (
                entries.mark(),
                Arc::clone(&entries.file),
                entries.path.clone(),
            )
        };
        if mark == latest.mark {
            return Ok(latest);
        }
        self.make_durable()?;
        file.sync_data().map_err(RecordError::io("sync", &path))?;
        let latest = write_checkpoint(&self.0.layout, &self.0.signer, mark)?;
        *self.0.latest.lock() = latest.clone();
        self.0.live.lock().retain(|session| {
            let standing = session.standing.lock();
            !standing.closing_logged || standing.is_behind() || standing.gap.is_some()
        });
        Ok(latest)
    }

    /// Whether something was recorded that the latest checkpoint does not commit to.
    #[must_use]
    pub fn has_news(&self) -> bool {
        let size = self.latest().mark.size;
        if self.0.entries.lock().tree.size() != size {
            return true;
        }
        let live = self.0.live.lock().clone();
        live.iter().any(|session| {
            let standing = session.standing.lock();
            let closed = standing.state == State::Closed && !standing.closing_logged;
            standing.tail.count > standing.logged || closed
        })
    }

    /// Adds what the log does not know of one session yet.
    fn commit_to(&self, live: &Live, at: Timestamp) -> Result<(), RecordError> {
        if let Err(error) = live.mend(at) {
            // Not a reason to leave the other sessions without a checkpoint. While the disk is full this is tried
            // again each time; a record that is gone will not come back.
            return match error {
                RecordError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
                    self.give_up(live, at)
                }
                _ => Ok(()),
            };
        }
        let mut standing = live.standing.lock();
        let (count, hash) = (standing.tail.count, standing.tail.hash);
        let closed = standing.state == State::Closed;
        let session = (*live.id).clone();
        let entry = if closed {
            Entry::Closed {
                session,
                count,
                hash,
            }
        } else {
            Entry::Head {
                session,
                count,
                hash,
            }
        };
        let news = count > standing.logged || (closed && !standing.closing_logged);
        if news {
            self.0.entries.lock().append(at, &entry)?;
            standing.logged = count;
            standing.closing_logged = closed;
        }
        if let Some(why) = standing.gap.clone() {
            self.append_gap(live, why, at)?;
            standing.gap = None;
        }
        Ok(())
    }

    fn append_gap(&self, live: &Live, why: String, at: Timestamp) -> Result<(), RecordError> {
        let gap = Entry::Gap {
            at,
            session: Some((*live.id).clone()),
            why,
            torn: None,
        };
        self.0.entries.lock().append(at, &gap).map(drop)
    }

    /// Says in the log that a session's record is gone.
    fn give_up(&self, live: &Live, at: Timestamp) -> Result<(), RecordError> {
        self.append_gap(live, "the record is missing".to_owned(), at)?;
        let mut standing = live.standing.lock();
        standing.state = State::Closed;
        standing.closing_logged = true;
        standing.synced = standing.tail.count;
        Ok(())
    }

    /// Makes every session durable that the log commits to.
    fn make_durable(&self) -> Result<(), RecordError> {
        let mut behind = self.0.live.lock().clone();
        behind.retain(|session| session.standing.lock().is_behind());
        let counts: Vec<u64> = behind
            .iter()
            .map(|s| s.standing.lock().tail.count)
            .collect();
        if behind.len() > SINGLY {
            sync_file_system(&self.0.layout.sessions())?;
        } else {
            for session in &behind {
                self.sync_one(session)?;
            }
        }
        for (session, count) in behind.iter().zip(counts) {
            session.standing.lock().synced = count;
        }
        Ok(())
    }

    fn sync_one(&self, session: &Live) -> Result<(), RecordError> {
        let path = &session.path;
        match File::open(path) {
            Ok(file) => file.sync_data().map_err(RecordError::io("sync", path))?,
            // Verifying says that it is gone; the other sessions go on.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(RecordError::io("open", path)(error)),
        }
        if session.standing.lock().synced == 0 {
            layout::sync_dir(&self.0.layout.session(&session.id))?;
            layout::sync_dir(&self.0.layout.sessions())?;
        }
        Ok(())
    }
}

/// Makes everything on the file system of `dir` durable at once.
fn sync_file_system(dir: &Path) -> Result<(), RecordError> {
    let any = File::open(dir).map_err(RecordError::io("open", dir))?;
    rustix::fs::syncfs(&any).map_err(|error| RecordError::io("sync", dir)(error.into()))
}

/// Signs a mark and replaces the checkpoint file with it.
fn write_checkpoint(
    layout: &Layout,
    signer: &Signer,
    mark: Mark,
) -> Result<Checkpoint, RecordError> {
    let checkpoint = signer.sign(mark)?;
    let path = layout.checkpoint();
    let next = path.with_extension("next");
    let _ = fs::remove_file(&next);
    let file = layout::create_new(&next)?;
    (&file)
        .write_all(checkpoint.note.as_bytes())
        .and_then(|()| file.sync_data())
        .and_then(|()| fs::rename(&next, &path))
        .map_err(RecordError::io("write", &path))?;
    layout::sync_dir(&layout.log())?;
    Ok(checkpoint)
}

#[cfg(test)]
impl Log {
    /// Writes entries to another file from now on and gives the one before.
    pub(crate) fn swap_entries_for_test(&self, file: Arc<File>) -> Arc<File> {
        std::mem::replace(&mut self.0.entries.lock().file, file)
    }
}
