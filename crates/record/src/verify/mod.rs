//! Whether everything is as it was written, offline or beside a gateway that goes on writing.
//!
//! What is promised is read before what must keep the promise: the checkpoint, then the entries, then the
//! sessions, so that a gateway that goes on writing only ever adds.

mod entries;
mod order;
mod session;

use crate::error::RecordError;
use crate::hash::Hash;
use crate::layout::Layout;
use crate::note::{Mark, VerifierKey};
use serde::{Deserialize, Serialize};
use sluice_model::SessionId;
use std::fmt;
use std::path::Path;

/// The most findings that are listed; whoever changed more than that is not served better by a longer list.
const MAX_FINDINGS: usize = 1000;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "problem")]
pub enum Problem {
    /// It is not as it was written.
    Changed,
    /// It and those up to `through` are not there.
    Missing {
        /// The last one missing.
        through: u64,
    },
    /// It stands in another's place.
    Moved,
    /// It is there more than once.
    Repeated,
    /// The file ends within it, or its length was changed: it and those up to `through` cannot be read.
    Cut {
        /// The last one that cannot be read, as far as the log knows.
        through: u64,
    },
    /// It and those up to `through` were replaced by others, as the log's entry `entry` shows.
    Replaced {
        /// The last one replaced.
        through: u64,
        /// The entry that knows better.
        entry: u64,
    },
    /// It and those up to `through` were added after the record was closed.
    Added {
        /// The last one added.
        through: u64,
    },
    /// The file's first line was changed.
    Header,
    /// The record is not there.
    RecordMissing,
    /// The log knows nothing of this record.
    Unknown,
    /// A cut-off tail that was kept apart is missing or changed.
    TornTail,
    /// The checkpoint cannot be trusted: why.
    Checkpoint {
        /// Why.
        why: String,
    },
    /// The entries are not those that the checkpoint was signed over.
    Root,
    /// The log is not a continuation of the one that the kept mark was taken of.
    RolledBack {
        /// How many entries there were then.
        size: u64,
    },
    /// The file cannot be read: why.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In which session's record; `None` means in the log.
    pub session: Option<SessionId>,
    /// The number of the event (from 1) or of the log's entry (from 0).
    pub number: Option<u64>,
    /// Where in the file, in bytes.
    pub offset: Option<u64>,
    /// What.
    #[serde(flatten)]
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = if self.session.is_some() {
            "event"
        } else {
            "entry"
        };
        match &self.session {
            Some(session) => write!(f, "session {session}: ")?,
            None => f.write_str("log: ")?,
        }
        let number = self.number.unwrap_or_default();
        let many = |f: &mut fmt::Formatter<'_>, through: u64| {
            if through == number {
                write!(f, "{one} {number}")
            } else {
                write!(f, "{one}s {number} to {through}")
            }
        };
        match &self.problem {
            Problem::Changed => write!(f, "{one} {number} was changed")?,
            Problem::Missing { through } => {
                many(f, *through)?;
                f.write_str(" missing")?;
            }
            Problem::Moved => write!(f, "{one} {number} stands in another's place")?,
            Problem::Repeated => write!(f, "{one} {number} is there more than once")?,
            Problem::Cut { through } => {
                many(f, *through)?;
                write!(
                    f,
                    " cannot be read: {one} {number} is cut, or its length was changed"
                )?;
            }
            Problem::Replaced { through, entry } => {
                many(f, *through)?;
                write!(f, " replaced, as entry {entry} of the log shows")?;
            }
            Problem::Added { through } => {
                many(f, *through)?;
                f.write_str(" added after the record was closed")?;
            }
            Problem::Header => f.write_str("the file's first line was changed")?,
            Problem::RecordMissing => f.write_str("the record is missing")?,
            Problem::Unknown => f.write_str("the log knows nothing of this record")?,
            Problem::TornTail => f.write_str("the kept tail is missing or was changed")?,
            Problem::Checkpoint { why } => write!(f, "the checkpoint cannot be trusted: {why}")?,
            Problem::Root => {
                f.write_str("the entries are not those that the checkpoint was signed over")?
            }
            Problem::RolledBack { size } => write!(
                f,
                "the log is not a continuation of what it was when it had {size} entries"
            )?,
            Problem::Unreadable { why } => write!(f, "the file cannot be read: {why}")?,
        }
        self.offset
            .map_or(Ok(()), |offset| write!(f, " (at byte {offset})"))
    }
}

/// What verifying found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Sessions looked at.
    pub sessions: u64,
    /// Events looked at.
    pub events: u64,
    /// Entries of the log looked at.
    pub entries: u64,
    /// Gaps that the log itself reports: crashes, full disks. Not a problem, but worth a look.
    pub gaps: u64,
    /// How far the signed checkpoint reaches; `None` when it cannot be trusted.
    pub checkpoint: Option<Mark>,
    /// What is wrong; nothing when all is well.
    pub problems: Vec<Finding>,
    /// More is wrong than is listed.
    pub more: bool,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(
        &mut self,
        session: Option<&SessionId>,
        number: Option<u64>,
        offset: Option<u64>,
        problem: Problem,
    ) {
        if self.problems.len() >= MAX_FINDINGS {
            self.more = true;
            return;
        }
        self.problems.push(Finding {
            session: session.cloned(),
            number,
            offset,
            problem,
        });
    }
}

/// Something that the log says about a session's chain.
#[derive(Debug, Clone, Copy)]
struct Promise {
    count: u64,
    hash: Hash,
    entry: u64,
    closed: bool,
}

/// What the log said last about one session's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Events so far.
    pub count: u64,
    /// The chain value after the last of them.
    pub hash: Hash,
    /// The entry that says so.
    pub entry: u64,
    /// Whether the record has ended.
    pub closed: bool,
}

/// Checks one session's record against its own chain and what the log said last about it. Whether the log itself is as
/// it was written is for [`verify`] to say.
#[must_use]
pub fn verify_session(dir: &Path, id: &SessionId, committed: Option<Committed>) -> Report {
    let mut report = Report {
        sessions: 1,
        ..Report::default()
    };
    let promise = committed.map(|said| Promise {
        count: said.count,
        hash: said.hash,
        entry: said.entry,
        closed: said.closed,
    });
    let promises: Vec<Promise> = promise.into_iter().collect();
    session::check(&Layout::new(dir), id, &promises, &mut report);
    report
}

/// Checks everything under `dir`. `kept` is a mark from an earlier checkpoint that was kept elsewhere: with it a
/// log that was rolled back to an earlier state is noticed, too.
///
/// # Errors
/// There is nothing to verify: the directory cannot be listed.
pub fn verify(dir: &Path, key: &VerifierKey, kept: Option<Mark>) -> Result<Report, RecordError> {
    let layout = Layout::new(dir);
    let mut report = Report::default();
    let present = layout.session_ids()?;
    let log = entries::check(&layout, key, kept, &present, &mut report);
    for (id, promises) in &log.promises {
        report.sessions += 1;
        session::check(&layout, id, promises, &mut report);
    }
    for (session, torn) in &log.torn {
        entries::check_torn(&layout, session.as_ref(), torn, &mut report);
    }
    let unpromised = |id: &&SessionId| !log.promises.contains_key(*id);
    for id in present.iter().filter(unpromised) {
        report.sessions += 1;
        if !log.knows(id) {
            report.add(Some(id), None, None, Problem::Unknown);
        }
        session::check(&layout, id, &[], &mut report);
    }
    Ok(report)
}
