//! Events to a hash-chained log: write, verify, replay. One versioned format.
//!
//! `docs/records.md` describes the format. What is where:
//!
//! * `session`: the record of one session, the hot path; `event`: its usual events; `log`: the log over all of them; `recover`: after a crash.
//! * `verify`: whether everything is as it was written; `read`: replay and lists; `chain`: one record, strictly.
//! * `frame`, `entry`, `merkle`, `note`, `hash`, `layout`: the format itself.

mod chain;
mod entry;
mod error;
mod event;
mod frame;
mod hash;
mod inert;
mod layout;
mod log;
mod merkle;
mod note;
mod read;
mod recover;
mod session;
mod verify;

pub use chain::read_frames;
pub use entry::{Entry, Torn};
pub use error::RecordError;
pub use event::{EventRef, Rendered, RowsJson, ValueRef};
pub use frame::MAX_PAYLOAD;
pub use hash::Hash;
pub use inert::{inert, inert_line};
pub use log::Log;
pub use note::{Checkpoint, Mark, VerifierKey};
pub use read::{
    LogEntries, LogPlace, Replay, SessionSummary, entries, entries_from, replay, replay_from,
};
pub use session::{MAX_RECORD, Receipt, SessionRecord, Tail};
pub use verify::{Committed, Finding, Problem, Report, verify, verify_session};

#[cfg(test)]
mod tests;
