//! Why the control plane did not do what it was asked, in words for whoever asked.

use crate::api::types::ProblemInfo;
use crate::index::IndexError;
use crate::keys::KeyError;
use crate::port_types::ApprovalError;
use crate::problems::Problems;
use crate::store::StoreError;

/// Why the control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory, a key or a certificate cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log cannot be opened, or was changed.
    #[error(transparent)]
    Log(#[from] sluice_record::RecordError),
    /// The log ends before the checkpoint that the store keeps.
    #[error(
        "the log was cut: the store knows of {kept} entries and the log has {found}; \
         put the records back, or keep them as evidence and start with a new data directory"
    )]
    LogCut {
        /// Entries that the store knows of.
        kept: u64,
        /// Entries that are there.
        found: u64,
    },
    /// The resources do not load and there are none from before.
    #[error("the resources cannot be used:\n{0}")]
    Resources(Problems),
    /// The API's listener cannot be opened.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system said.
        why: String,
    },
    /// The index over the records cannot be made.
    #[error("the index over the records cannot be made: {0}")]
    Index(String),
    /// TLS cannot be set up.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why a request to the control plane was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ControlError {
    /// It makes no sense: what is wrong and what to do.
    Invalid(String, &'static str),
    /// What it is about does not exist, or not for this caller.
    NotFound(String),
    /// The caller may not do it.
    Forbidden(String, Option<String>),
    /// It does not fit what is there.
    Conflict(String),
    /// Too much of it.
    TooMany(String),
    /// The resources that were sent cannot be used.
    Problems(Vec<ProblemInfo>),
    /// It could not be recorded or stored, so it was not done.
    Unavailable,
}

impl From<ApprovalError> for ControlError {
    fn from(e: ApprovalError) -> Self {
        match e {
            ApprovalError::NotFound(id) => Self::NotFound(format!("there is no request {id}")),
            ApprovalError::Forbidden(why) => Self::Forbidden(why, None),
            ApprovalError::Conflict(why) => Self::Conflict(why),
            ApprovalError::TooMany(why) => Self::TooMany(why),
            ApprovalError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<IndexError> for ControlError {
    fn from(error: IndexError) -> Self {
        tracing::error!(%error, "the index over the records did not answer");
        Self::Unavailable
    }
}
