//! What is recorded. One event is one entry of a session's chain, or of the log of admin changes.

use crate::{ApprovalId, Decision, MaskedColumn, PrincipalId, SessionId, Timestamp, TokenId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One recorded event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The target did it; its own words (`SELECT 5`).
    Done(String),
    /// The target reported an error: its code, never its text. Or it gave no answer: what the gateway saw of that.
    Failed(String),
    /// The gateway ended it midway, or never forwarded it: why.
    Cut(String),
}

/// A value as the caller saw or sent it: text, or bytes that are no text, by their length only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedValue {
    /// SQL NULL and its like.
    Null,
    /// A text, masked as the caller saw it.
    Text(String),
    /// So many bytes of a binary value that is not kept.
    Bytes(u64),
}

/// What an operation needed: the action, and the resource as people write it (`["sql:select", "table public.orders"]`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedAccess(pub String, pub String);

impl RecordedAccess {
    /// The action of the one that stands for all that are not kept: whoever looks for something looks there as well.
    pub const MORE: &'static str = "more";
}

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The caller.
    Caller,
    /// The target.
    Target,
}

/// A change made through the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminAct {
    /// Who did it.
    pub actor: PrincipalId,
    /// What was done, such as `token.create`.
    pub act: String,
    /// To what, such as `user:ada` or `t-4e8v7m2n5c3b`.
    pub subject: String,
    /// More, in words; never a secret.
    pub detail: String,
}

/// Whom a trusted issuer's JWT spoke of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadName {
    /// The trusted issuer, by the name of its resource.
    pub issuer: String,
    /// The `sub` of the JWT.
    pub subject: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EventBody {
    /// A session began. Always the first event of its chain.
    SessionOpened {
        /// Its id.
        session: SessionId,
        /// Who.
        principal: PrincipalId,
        /// Their groups at that time.
        groups: BTreeSet<String>,
        /// Of an agent: the user who answers for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Box<PrincipalId>>,
        /// The token used.
        token: Option<TokenId>,
        /// Of a workload without a token: the trusted issuer, and whom its JWT speaks of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workload: Option<Box<WorkloadName>>,
        /// On which connection.
        connection: String,
        /// Its protocol.
        protocol: String,
        /// With which account.
        account: String,
        /// In which database.
        database: String,
        /// From where.
        client_address: String,
        /// What the client says it is.
        application: Option<String>,
        /// Why, as they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// They asked for emergency access, where a policy gives it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        break_glass: bool,
        /// The policies that let it connect; none where the login waits for an approval (an `asked` says which).
        policies: Vec<String>,
    },
    /// An operation was decided. Written before anything of it is forwarded.
    Asked {
        /// Its number in the session, from 1.
        op: u64,
        /// As the client sent it.
        text: String,
        /// Bound parameters as kept (capped, masked where of a data class).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parameters: Vec<RecordedValue>,
        /// What it needed, as far as it was understood: the first 32, and one [`RecordedAccess::MORE`] where more are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        accesses: Vec<RecordedAccess>,
        /// The decision.
        decision: Decision,
        /// The approval that it runs under.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
    },
    /// A statement was sent to the target to be prepared, and not run (yet). Every run is an `asked` of its own.
    Prepared {
        /// As the client sent it.
        text: String,
    },
    /// The target's planner is asked how many rows an operation would touch. Written before it is sent; the
    /// operation is planned by it and does not run.
    EstimateAsked {
        /// The operation, as the client sent it.
        text: String,
        /// Bound parameters as kept (capped, masked where of a data class).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parameters: Vec<RecordedValue>,
    },
    /// What the planner answered to the estimate that was asked for last.
    EstimateAnswered {
        /// The rows; none where it gave no answer in time.
        rows: Option<i64>,
    },
    /// An operation waits for a human.
    Held {
        /// Its number.
        op: u64,
        /// The request.
        approval: ApprovalId,
        /// The exact operation, in hexadecimal.
        digest: String,
    },
    /// A wait ended: `approved`, `denied`, `cancelled`, `expired` and the like.
    HoldEnded {
        /// The operation's number.
        op: u64,
        /// The request.
        approval: ApprovalId,
        /// How it ended.
        how: String,
        /// Who decided.
        by: Vec<PrincipalId>,
        /// Of a denial: why, as they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A part of an answer as the caller saw it.
    Rows {
        /// The operation's number.
        op: u64,
        /// Column names; only in the first part.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Vec<RecordedValue>>,
        /// More rows followed that are not kept, because the stated cap was reached.
        #[serde(default)]
        capped: bool,
    },
    /// What a message begins with. That of an operation comes before its `asked`.
    Head {
        /// The operation's number.
        op: u64,
        /// Who sent it.
        side: Side,
        /// Its first line.
        line: String,
        /// Its fields, by name; what is secret in them is not kept.
        fields: Vec<(String, String)>,
    },
    /// A part of what a message holds, as the caller sent or saw it. That of an operation which was read whole before it
    /// was decided comes before its `asked`.
    Part {
        /// The operation's number.
        op: u64,
        /// Who sent it.
        side: Side,
        /// What it is.
        content: RecordedValue,
        /// More followed that is not kept, because the stated cap was reached.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        capped: bool,
    },
    /// An operation ended.
    Answered {
        /// Its number.
        op: u64,
        /// How.
        outcome: Outcome,
        /// Rows sent to the caller.
        rows: u64,
        /// Bytes of answer sent to the caller.
        bytes: u64,
        /// Columns masked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        masked: Vec<MaskedColumn>,
        /// From forwarding to the end of the answer, in microseconds.
        micros: u64,
    },
    /// A session ended.
    SessionClosed {
        /// Why, in words.
        why: String,
    },
    /// A change through the control plane.
    Admin(AdminAct),
    /// Something may be missing here: what, in words.
    Gap {
        /// Why.
        why: String,
    },
}
