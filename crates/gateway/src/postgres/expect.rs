//! What the target still owes: one entry for each answer, in the order of what was forwarded.

use super::analyst::Analysis;
use super::capture::Capture;
use super::estimate::Estimate;
use super::names::{Portal, Prepared};
use super::refusal::Refusal;
use super::shape::BoundPlan;
use crate::pipeline::Permit;
use crate::port::Spent;
use bytes::Bytes;
use sluice_model::RecordedValue;
use sluice_protocol::postgres::copy::CopyEditor;
use sluice_protocol::postgres::rows::RowEditor;
use sluice_protocol::postgres::types::Formats;
use sluice_protocol::sql::Effect;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// How to take a name back that its message did not get.
pub enum Undo {
    /// A prepared statement's name, and what it stood for.
    Statement(Box<str>, Option<Arc<Prepared>>),
    /// A portal's name, and what it stood for.
    Portal(Box<str>, Option<Arc<Portal>>),
}

/// An operation that was forwarded and has not ended.
pub struct Running {
    /// Leave to run it; a lease on everything that streams.
    pub permit: Permit,
    /// What it is.
    pub analysis: Arc<Analysis>,
    /// As the client sent it.
    pub text: Arc<str>,
    /// The approval that it runs under.
    pub approved: Option<Spent>,
    /// The rows that it was expected to touch when it was decided.
    pub estimate: Estimate,
    /// The portal that it runs in, when it came by Execute.
    pub portal: Option<Arc<Portal>>,
    /// When it was forwarded.
    pub since: Instant,
    /// The body of the RowDescription that its rows follow.
    pub described: Option<Bytes>,
    /// How its rows are masked.
    pub plan: Option<Arc<BoundPlan>>,
    /// The masks at work; `None` with a plan when there is nothing to mask.
    pub editor: Option<RowEditor>,
    /// The masks at work on COPY data.
    pub copy: Option<CopyEditor>,
    /// The kept part of the answer.
    pub capture: Capture,
    /// Rows sent to the client.
    pub rows: u64,
    /// Bytes of rows sent to the client.
    pub bytes: u64,
}

impl Running {
    /// An operation that is about to be forwarded.
    #[must_use]
    pub fn new(permit: Permit, analysis: Arc<Analysis>, text: Arc<str>) -> Self {
        Self {
            permit,
            analysis,
            text,
            approved: None,
            estimate: Estimate::default(),
            portal: None,
            since: Instant::now(),
            described: None,
            plan: None,
            editor: None,
            copy: None,
            capture: Capture::default(),
            rows: 0,
            bytes: 0,
        }
    }

    /// The formats of its result columns, when the client chose them.
    #[must_use]
    pub fn formats(&self) -> Option<&Formats> {
        self.portal.as_ref().map(|portal| &portal.result_formats)
    }
}

/// One answer that is owed.
pub enum Expect {
    /// ParseComplete.
    Parse(Undo),
    /// BindComplete.
    Bind(Undo),
    /// CloseComplete.
    Close(Undo),
    /// ParameterDescription, then RowDescription or NoData.
    DescribeStatement(Arc<Prepared>, u64),
    /// RowDescription or NoData. `own`: the gateway asked, and the client must not see it.
    DescribePortal {
        /// The portal.
        portal: Arc<Portal>,
        /// The meaning of names at that time.
        scope: u64,
        /// The gateway asked.
        own: bool,
    },
    /// Rows and the end of an operation.
    Execute(Box<Running>),
    /// The answers to a simple query, up to ReadyForQuery.
    Query(VecDeque<Running>),
    /// ReadyForQuery of a Sync.
    Sync {
        /// The step that it ends.
        step: u64,
        /// Statements were named or forgotten in it.
        names: bool,
    },
    /// The error that the gateway provoked: the client gets this one instead.
    Refused {
        /// What the client is told.
        refusal: Refusal,
        /// A ReadyForQuery follows it (a simple query).
        then_ready: bool,
    },
    /// The answer to the gateway's own question for the search path. `ready`: with a ReadyForQuery.
    Scope {
        /// What was answered so far.
        schemas: Option<String>,
        /// Ends with ReadyForQuery; otherwise with the second CloseComplete.
        ready: bool,
        /// CloseComplete seen so far.
        closed: u8,
    },
}

impl Expect {
    /// Whether this answer ends with ReadyForQuery of something that the client sent.
    #[must_use]
    pub fn ends_step(&self) -> bool {
        matches!(
            self,
            Self::Sync { .. }
                | Self::Query(_)
                | Self::Refused {
                    then_ready: true,
                    ..
                }
        )
    }

    /// Whether this answer may be CopyInResponse.
    #[must_use]
    pub fn copies_in(&self) -> bool {
        let copies = |run: &Running| {
            run.analysis
                .effects()
                .iter()
                .any(|effect| matches!(effect, Effect::CopyIn(_)))
        };
        match self {
            Self::Execute(run) => copies(run),
            Self::Query(runs) => runs.iter().any(copies),
            _ => false,
        }
    }
}

/// An operation that waits for its turn: understood and decided, not forwarded.
pub struct Admitted {
    /// What it is.
    pub analysis: Arc<Analysis>,
    /// As the client sent it.
    pub text: Arc<str>,
    /// What is bound to it.
    pub bound: Bound,
    /// Leave to run it; `None` while humans are asked.
    pub permit: Option<Permit>,
    /// The approval that it runs under.
    pub approved: Option<Spent>,
    /// The rows that it is expected to touch.
    pub estimate: Estimate,
    /// Its number in the session.
    pub op: u64,
}

/// What is bound to an operation.
#[derive(Default)]
pub struct Bound {
    /// As the client sent it; `None` where nothing can be bound.
    pub portal: Option<Arc<Portal>>,
    /// For the record.
    pub recorded: Vec<RecordedValue>,
}

/// How an admitted batch goes on.
pub enum Resume {
    /// A simple query.
    Query(Bytes),
    /// An Execute in this portal.
    Execute(Bytes, Arc<Portal>),
}
