//! Checks the log: its checkpoint, its entries, the tree over them.

use super::{Problem, Promise, Report, order};
use crate::entry::{Entry, Torn};
use crate::frame::{FrameError, FrameReader};
use crate::hash::Hash;
use crate::layout::{LOG_HEADER, Layout};
use crate::merkle::{Tree, leaf_hash};
use crate::note::{Mark, VerifierKey};
use crate::recover::read_note;
use sluice_model::SessionId;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::time::Duration;

/// How often the log is asked again for sessions that it does not know, one millisecond apart: a session's
/// entry follows its directory within microseconds.
const OPENING_RETRIES: u32 = 50;

/// What the log says.
#[derive(Default)]
pub(super) struct Promises {
    /// By session, what its chain must be.
    pub promises: BTreeMap<SessionId, Vec<Promise>>,
    /// Tails that were cut off and kept.
    pub torn: Vec<(Option<SessionId>, Torn)>,
    /// Sessions of which the log says only that something went wrong.
    mentioned: HashSet<SessionId>,
    gaps: u64,
}

impl Promises {
    /// Whether the log says anything of a session, be it only that something went wrong.
    pub(super) fn knows(&self, id: &SessionId) -> bool {
        self.promises.contains_key(id) || self.mentioned.contains(id)
    }

    fn note(&mut self, number: u64, entry: Entry) {
        let (session, count, hash, closed) = match entry {
            Entry::Opened { session, hash, .. } => (session, 1, hash, false),
            Entry::Head {
                session,
                count,
                hash,
            } => (session, count, hash, false),
            Entry::Closed {
                session,
                count,
                hash,
            } => (session, count, hash, true),
            Entry::Admin { .. } => return,
            Entry::Gap { session, torn, .. } => {
                self.gaps += 1;
                self.mentioned.extend(session.clone());
                self.torn.extend(torn.map(|torn| (session, torn)));
                return;
            }
        };
        self.promises.entry(session).or_default().push(Promise {
            count,
            hash,
            entry: number,
            closed,
        });
    }
}

/// Checks the log and collects what it promises. `present` are the sessions that have a directory.
pub(super) fn check(
    layout: &Layout,
    key: &VerifierKey,
    kept: Option<Mark>,
    present: &[SessionId],
    report: &mut Report,
) -> Promises {
    report.checkpoint = checkpoint(layout, key, report);
    let mut walk = Walk {
        marks: [report.checkpoint, kept],
        differs: [false; 2],
        tree: Tree::default(),
        numbers: Vec::new(),
        promises: Promises::default(),
        cut: None,
        report,
    };
    walk.compare();
    if let Err(problem) = walk.read_all(layout, present) {
        walk.report.add(None, None, None, problem);
    }
    walk.finish()
}

fn checkpoint(layout: &Layout, key: &VerifierKey, report: &mut Report) -> Option<Mark> {
    let why = match read_note(&layout.checkpoint()) {
        Ok(Some(note)) => match key.check(&note) {
            Ok(mark) => return Some(mark),
            Err(why) => why,
        },
        Ok(None) => "it is missing".to_owned(),
        Err(error) => error.to_string(),
    };
    report.add(None, None, None, Problem::Checkpoint { why });
    None
}

/// Checks a tail that was cut off and kept.
pub(super) fn check_torn(
    layout: &Layout,
    session: Option<&SessionId>,
    torn: &Torn,
    report: &mut Report,
) {
    let kept = File::open(layout.torn(session, torn.offset)).and_then(Hash::of_file);
    if kept.is_ok_and(|hash| hash == torn.sha256) {
        return;
    }
    report.add(session, None, Some(torn.offset), Problem::TornTail);
}

struct Walk<'a> {
    /// The checkpoint's mark and the one kept elsewhere.
    marks: [Option<Mark>; 2],
    differs: [bool; 2],
    tree: Tree,
    /// Numbers and offsets as they stand in the file.
    numbers: Vec<(u64, u64)>,
    promises: Promises,
    /// Where an entry begins that cannot be read.
    cut: Option<u64>,
    report: &'a mut Report,
}

impl Walk<'_> {
    /// Compares the tree with the marks taken at this size.
    fn compare(&mut self) {
        for (mark, differs) in self.marks.iter().zip(&mut self.differs) {
            if let Some(mark) = mark
                && mark.size == self.tree.size()
            {
                *differs = mark.root != self.tree.root();
            }
        }
    }

    fn read_all(&mut self, layout: &Layout, present: &[SessionId]) -> Result<(), Problem> {
        let unreadable = |error: std::io::Error| Problem::Unreadable {
            why: error.to_string(),
        };
        let file = File::open(layout.entries()).map_err(unreadable)?;
        let mut frames = FrameReader::live(file);
        if !frames.header(LOG_HEADER).map_err(unreadable)? {
            self.report.add(None, None, Some(0), Problem::Header);
        }
        let mut retries = OPENING_RETRIES;
        loop {
            self.read_some(&mut frames)?;
            if retries == 0 || present.iter().all(|id| self.promises.knows(id)) {
                return Ok(());
            }
            retries -= 1;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Reads to the end of the file as it is now.
    fn read_some(&mut self, frames: &mut FrameReader<File>) -> Result<(), Problem> {
        loop {
            match frames.read() {
                Ok(None) => return Ok(()),
                Ok(Some(frame)) => {
                    let leaf = leaf_hash(frame.payload);
                    let entry: Option<Entry> = serde_json::from_slice(frame.payload).ok();
                    if leaf != frame.hash || entry.is_none() {
                        let offset = Some(frame.offset);
                        self.report
                            .add(None, Some(frame.number), offset, Problem::Changed);
                    }
                    self.numbers.push((frame.number, frame.offset));
                    self.report.entries += 1;
                    self.tree.push(leaf);
                    if let Some(entry) = entry {
                        self.promises.note(frame.number, entry);
                    }
                    self.compare();
                }
                Err(FrameError::Torn { offset } | FrameError::TooLong { offset, .. }) => {
                    self.cut = Some(offset);
                    return Ok(());
                }
                Err(FrameError::Io(error)) => {
                    return Err(Problem::Unreadable {
                        why: error.to_string(),
                    });
                }
            }
        }
    }

    fn finish(self) -> Promises {
        order::check(None, 0, &self.numbers, self.report);
        let size = self.tree.size();
        let [checkpoint, kept] = self.marks;
        let committed = checkpoint.map_or(0, |mark| mark.size);
        if let Some(offset) = self.cut {
            let through = committed.saturating_sub(1).max(size);
            self.report
                .add(None, Some(size), Some(offset), Problem::Cut { through });
        } else if size < committed {
            let through = committed - 1;
            self.report
                .add(None, Some(size), None, Problem::Missing { through });
        } else if self.differs[0] && self.report.problems.is_empty() {
            self.report.add(None, None, None, Problem::Root);
        }
        if let Some(mark) = kept
            && (size < mark.size || self.differs[1])
        {
            let problem = Problem::RolledBack { size: mark.size };
            self.report.add(None, None, None, problem);
        }
        self.report.gaps = self.promises.gaps;
        self.promises
    }
}
