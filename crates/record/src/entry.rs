//! What the log commits to: one entry is one leaf of the Merkle tree.

use crate::hash::Hash;
use serde::{Deserialize, Serialize};
use sluice_model::{AdminAct, SessionId, Timestamp};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "entry")]
pub enum Entry {
    /// A session began: the chain value of its opening event.
    Opened {
        /// When.
        at: Timestamp,
        /// Which.
        session: SessionId,
        /// The chain value after event 1.
        hash: Hash,
    },
    /// A session went on.
    Head {
        /// Which.
        session: SessionId,
        /// Events so far.
        count: u64,
        /// The chain value after the last of them.
        hash: Hash,
    },
    /// A session ended; its record never grows again.
    Closed {
        /// Which.
        session: SessionId,
        /// Events in all.
        count: u64,
        /// The chain value after the last of them.
        hash: Hash,
    },
    /// A change through the control plane.
    Admin {
        /// When.
        at: Timestamp,
        /// What.
        #[serde(flatten)]
        act: AdminAct,
    },
    /// Something may be missing: a crash, a full disk.
    Gap {
        /// When it was noticed.
        at: Timestamp,
        /// In which session's record; `None` means in the log itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        /// Why, in words.
        why: String,
        /// Bytes that were cut off an unfinished tail and kept apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        torn: Option<Torn>,
    },
}

/// An unfinished tail that was cut off and kept apart, in a file `torn-OFFSET` beside the one it was cut from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    /// Where the tail began in the file that it was cut from, in bytes.
    pub offset: u64,
    /// The SHA-256 of the bytes cut off.
    pub sha256: Hash,
}
