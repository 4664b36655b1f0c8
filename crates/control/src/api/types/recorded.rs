//! What the API says of what was recorded: sessions, operations, entries of the log, and numbers over time.

use super::SessionInfo;
use serde::{Deserialize, Serialize};
use sluice_model::{ApprovalId, PrincipalId, SessionId, Timestamp};
use utoipa::ToSchema;

/// `GET /v1/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// Newest first: one's own, and those on connections that one may watch.
    pub sessions: Vec<SessionInfo>,
    /// Where older ones go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The search was given up before it found as many as were asked for; narrow it, or go on with `next`.
    #[serde(default)]
    pub incomplete: bool,
}

/// How many operations of a session came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationCounts {
    /// All of them.
    pub operations: u64,
    /// Those that policy refused.
    pub denied: u64,
    /// Those that waited for a human.
    pub held: u64,
    /// Those of them that a human denied.
    pub denied_by_people: u64,
    /// Those that the target answered with an error, or not at all. What the gateway cut, or never forwarded, is not its
    /// failure.
    pub failed: u64,
    /// Values that were masked in their answers.
    pub masked_values: u64,
}

/// What a decision came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It could run.
    Allow,
    /// It waited for a human.
    Ask,
    /// It could not run.
    Deny,
}

/// How a recorded operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The target did it.
    Done,
    /// The target reported an error, or gave no answer.
    Failed,
    /// The gateway ended it midway, or did not forward it; nobody had been asked about it.
    Cut,
    /// It waited, and a human denied it. It was never forwarded.
    Denied,
    /// It waited, and the wait ended without an approval: nobody decided in time, or its client left. It was never
    /// forwarded.
    Unapproved,
}

/// One (action, resource) pair that an operation needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeededAccess {
    /// The action.
    pub action: String,
    /// The resource, as people write it.
    pub resource: String,
}

/// One recorded operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationInfo {
    /// Its session.
    #[schema(value_type = String)]
    pub session: SessionId,
    /// Its number in the session.
    pub op: u64,
    /// When it was decided.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Who.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// Its protocol.
    pub protocol: String,
    /// With which account.
    pub account: String,
    /// In which database.
    pub database: String,
    /// As the client sent it, at most its first 8 KiB. Hostile text.
    pub text: String,
    /// What was decided.
    pub verdict: Verdict,
    /// The policies that decided.
    pub policies: Vec<String>,
    /// Of a refusal: what the caller was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The approval that it ran under.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
    /// What it needed.
    pub accesses: Vec<NeededAccess>,
    /// How it ended; absent while it goes on, of what policy refused, and of a wait that ended with an approval: what runs
    /// then is an operation of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Rows that the caller got.
    pub rows: u64,
    /// Bytes that the caller got.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Columns that were masked in its answer, by name.
    pub masked: Vec<String>,
}

/// `GET /v1/operations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationList {
    /// Newest first.
    pub operations: Vec<OperationInfo>,
    /// Where older ones go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The search was given up before it found as many as were asked for; narrow it, or go on with `next`.
    pub incomplete: bool,
}

/// `GET /v1/overview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// Sessions that live now.
    pub live_sessions: u64,
    /// Requests that wait for a human.
    pub held: u64,
    /// Seconds between points.
    pub step_seconds: u32,
    /// Numbers over time, oldest first, one for each step; those without operations too.
    pub points: Vec<OverviewPoint>,
    /// The connections with the most operations in that time.
    pub busiest: Vec<BusyConnection>,
    /// How the log is; for administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogStanding>,
}

/// What happened in one step of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverviewPoint {
    /// When it began.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Operations that could run.
    pub allowed: u64,
    /// Operations that waited for a human.
    pub asked: u64,
    /// Operations that policy refused.
    pub denied: u64,
    /// Operations that a human denied; they are among those that waited.
    pub denied_by_people: u64,
    /// Operations that the target answered with an error, or not at all.
    pub failed: u64,
    /// Values that were masked.
    pub masked_values: u64,
}

/// A connection and what was done on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BusyConnection {
    /// Its name.
    pub connection: String,
    /// Operations.
    pub operations: u64,
    /// Those that policy refused.
    pub denied: u64,
    /// Values that were masked.
    pub masked_values: u64,
}

/// How the log is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogStanding {
    /// Entries that the latest signed checkpoint commits to.
    pub size: u64,
    /// Its root hash, in hexadecimal.
    pub root: String,
    /// Why it cannot be written or signed, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
    /// Gaps that are on record: something may be missing there.
    pub gaps: u64,
    /// When everything was verified last, since the gateway was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// Entries that are not in the lists and searches yet.
    pub behind: u64,
}

/// A verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Whether everything was as it was written.
    pub ok: bool,
    /// Sessions looked at.
    pub sessions: u64,
    /// Events looked at.
    pub events: u64,
    /// What was wrong.
    pub problems: Vec<String>,
}

/// `GET /v1/sessions/{id}/verify`: whether one record is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionVerified {
    /// Whether it is.
    pub ok: bool,
    /// Events that were checked.
    pub events: u64,
    /// Whether its end is on record.
    pub closed: bool,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// `GET /v1/log`: changes that were made through the control plane, and gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// Newest first.
    pub entries: Vec<LogEntry>,
    /// Where older ones go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Its number in the log, from 0.
    pub number: u64,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Who; absent for a gap.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<PrincipalId>,
    /// What was done, such as `token.create`; `gap` for a gap.
    pub act: String,
    /// To what.
    pub subject: String,
    /// More, in words.
    pub detail: String,
}
