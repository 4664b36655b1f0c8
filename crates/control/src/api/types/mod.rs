//! What the HTTP API says and is told: one serde type per request and answer. The command line is written
//! against these, and the OpenAPI description is made from them.

mod changes;
mod identity;
mod notify;
mod recorded;
mod targets;

pub use changes::{
    ChangedResource, Difference, DryRun, DryRunRequest, HistoryDiff, HistoryEntry, HistoryList,
    PolicyTestReport, PolicyTestRequest, PolicyTestResult, ResourceRef,
};
pub use identity::{
    AgentInfo, AgentList, CreateToken, CreatedToken, GroupInfo, GroupList, Leftovers, NewAgent,
    OffboardRequest, PrincipalInfo, PrincipalList, Reason, RotateToken, SignInInfo, SignInList,
    TokenInfo, TokenList, WhoAmI,
};
pub use recorded::{
    BusyConnection, Ending, LogEntry, LogList, LogStanding, NeededAccess, OperationCounts,
    OperationInfo, OperationList, Overview, OverviewPoint, SessionList, SessionVerified, Verdict,
    Verified,
};
pub use targets::{
    ActionInfo, CertificateInfo, ConnectionTested, FactInfo, ListenerInfo, ProtocolInfo,
    ProtocolList, SettingInfo, SettingsInfo, TargetHealth, TestConnection, TestStep,
};

pub use notify::{
    DeliveryInfo, DeliveryList, NotifierInfo, NotifierList, OpenLink, OpenedLink, TestResult,
};

use serde::{Deserialize, Deserializer, Serialize};
use sluice_model::{
    ApprovalId, ApprovalScope, ApprovalState, Decision, HeldParameter, MaskedColumn, PrincipalId,
    SessionId, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What happened and what was expected.
    pub error: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What is wrong with the resources that were sent, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemInfo>,
}

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ProblemInfo {
    /// The file, as it was named when it was read or sent.
    pub file: String,
    /// The line, from 1; 0 when it is about the whole file.
    pub line: u32,
    /// The column, from 1; 0 when it is about the whole line or file.
    pub column: u32,
    /// The `@id` of the policy that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl std::fmt::Display for ProblemInfo {
    /// `shop.yaml:7:3: message (help)`, which editors and terminals can jump to.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        if let Some(policy) = &self.policy {
            write!(f, ": policy {policy}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// `GET /healthz`, `GET /readyz`: 200 when `ok`, 503 otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthInfo {
    /// Whether sessions can be opened and recorded.
    pub ok: bool,
    /// What does not, in words that may be shown to anybody.
    pub failing: Vec<String>,
}

/// `GET /v1/connections`: what a client needs in order to connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionList {
    /// The connections, by name.
    pub connections: Vec<ConnectionInfo>,
    /// Where the gateway listens, by protocol: `host:port`.
    pub listen: BTreeMap<String, String>,
    /// The certificate authority to trust, in PEM; absent when the gateway was given a certificate of its own.
    pub ca_pem: Option<String>,
}

/// One connection, without where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionInfo {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// Its environment.
    pub environment: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The names of its accounts, the default one first.
    pub accounts: Vec<String>,
    /// A listener of its own: `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// A host name of its own, where the gateway's names have one for every connection (`*.gateway.example.com`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its default database, for protocols that have databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// How its target was when it was last looked at; absent when nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<TargetHealth>,
    /// Whether the caller could open a session on it now.
    #[schema(value_type = Object)]
    pub connect: Decision,
}

/// One file that is sent to be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Its path relative to the directory, ending in `.yaml`, `.yml` or `.cedar`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// `POST /v1/resources/apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// The files.
    pub files: Vec<SourceFile>,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Also delete what is not in the files.
    #[serde(default)]
    pub prune: bool,
    /// Delete these. What the resources directory declares as well comes back when its file changes there.
    #[serde(default)]
    pub delete: Vec<ResourceRef>,
}

/// What happens to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It differs.
    Updated,
    /// It goes.
    Deleted,
}

/// One change that an apply makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceChange {
    /// What happens to it.
    pub change: ChangeKind,
    /// `Connection`, `DataClass`, `User`, `Service`, `Agent` or `Policy` (a file of policies).
    pub kind: String,
    /// Its name (of a policy file: its path).
    pub name: String,
    /// The difference line by line, each line beginning with ` `, `-` or `+`.
    pub diff: Vec<String>,
}

/// The answer to an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyResponse {
    /// What changed, or would.
    pub changes: Vec<ResourceChange>,
    /// How many resources stay as they are.
    pub unchanged: usize,
    /// Whether it was done (`false` for a dry run).
    pub applied: bool,
    /// The version of the snapshot that holds it.
    pub version: u64,
}

/// `GET /v1/resources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceList {
    /// All of them, by kind and name.
    pub resources: Vec<ResourceInfo>,
}

/// One resource as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceInfo {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its content; of a policy file, the text.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
    /// The file that it was last applied from.
    pub source: String,
}

/// `GET /v1/approvals` (query: `all=true` also lists what is decided).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalList {
    /// Newest first: those that the caller asked for or may decide; all for administrators.
    pub approvals: Vec<ApprovalInfo>,
}

/// A part of an operation beside its text, as an approver sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownParameter {
    /// What it is called: `$1`, `$2` for what is bound to a statement; `header` for a field of a request (its value is
    /// `name: value`), `body` for a request's body.
    pub name: String,
    /// Its value; absent or null is SQL NULL. Hostile text.
    pub value: Option<String>,
}

impl From<HeldParameter> for ShownParameter {
    fn from(held: HeldParameter) -> Self {
        Self {
            name: held.name,
            value: held.value,
        }
    }
}

impl ShownParameter {
    /// As one line: `$1 = 42`, `header: accept: text/html`. `shown` makes a value harmless.
    #[must_use]
    pub fn line(&self, shown: impl Fn(&str) -> String) -> String {
        let is = if self.name.starts_with('$') {
            " ="
        } else {
            ":"
        };
        let value = self.value.as_deref().map_or("NULL".to_owned(), shown);
        format!("{}{is} {value}", self.name)
    }
}

/// Messages that wait to be sent can hold requests from before parameters had names.
fn shown_parameters<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ShownParameter>, D::Error> {
    let held = sluice_model::read_parameters(deserializer)?;
    Ok(held.into_iter().map(Into::into).collect())
}

/// A request for a human's consent, as an approver sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalInfo {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ApprovalId,
    /// Where it stands.
    #[schema(value_type = String)]
    pub state: ApprovalState,
    /// Who asks.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// Of an agent: the user who answers for it.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PrincipalId>,
    /// On which connection.
    pub connection: String,
    /// With which account; empty for a request ahead.
    pub account: String,
    /// In which database; empty for a request ahead.
    pub database: String,
    /// The session that waits, if one does.
    #[schema(value_type = Option<String>)]
    pub session: Option<SessionId>,
    /// A login waits: an approval without a window lets in one session.
    #[serde(default)]
    pub connect: bool,
    /// The operation, with values of a data class masked. Hostile text: never to be written to a terminal as it is.
    pub text: String,
    /// What it brings along besides its text, with values of a data class masked.
    #[serde(deserialize_with = "shown_parameters")]
    pub parameters: Vec<ShownParameter>,
    /// The planner's estimate of the rows touched.
    pub estimated_rows: Option<i64>,
    /// The requester's reason.
    pub reason: Option<String>,
    /// The protocol of the connection.
    #[serde(default)]
    pub protocol: String,
    /// The policies that would permit it once humans agree.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Whose consent suffices: any one set.
    pub group_sets: Vec<BTreeSet<String>>,
    /// How many distinct people must agree.
    pub people: u32,
    /// Who agreed so far, and in the name of which group.
    pub given: Vec<GivenConsent>,
    /// What it was approved for.
    #[schema(value_type = Object)]
    pub scope: Option<ApprovalScope>,
    /// For a request ahead: how long a window is asked for, in seconds.
    pub window_seconds: Option<u32>,
    /// Who refused and why.
    pub refusal: Option<String>,
    /// When it was asked.
    #[schema(value_type = i64)]
    pub created: Timestamp,
    /// When the request ends undecided.
    #[schema(value_type = i64)]
    pub expires: Timestamp,
    /// Whether the caller may decide it.
    pub may_decide: bool,
    /// How many clients wait for the answer just now: what they ask for goes on as soon as it is approved. With 0
    /// nobody waits any more, and an approval buys one run, or one login, when the requester asks again. Nothing for
    /// a request ahead, for which nobody waits, and for what is over or granted for longer than one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u32>,
    /// What the clients that wait call themselves, such as `psql`, where they agree. Never to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// One person's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GivenConsent {
    /// Who.
    #[schema(value_type = String)]
    pub by: PrincipalId,
    /// In the name of which groups (those of the request that they are in).
    pub groups: BTreeSet<String>,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

/// `POST /v1/approvals/{id}/approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// What for.
    #[serde(default)]
    pub scope: ApproveScope,
}

/// What an approver agrees to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApproveScope {
    /// One run of that exact operation (of a request ahead: the window that was asked for).
    #[default]
    Once,
    /// Everything that the policy asks for in that session.
    Session,
    /// Everything that the policy asks for on that connection, for so many seconds from now (at most 7 days).
    Window {
        /// Seconds.
        seconds: u32,
    },
}

/// `POST /v1/requests`: a window of time on a connection, asked for ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// The connection.
    pub connection: String,
    /// How long, in seconds; the clock starts when the last approver agrees.
    pub window_seconds: u32,
    /// Why.
    pub reason: String,
}

/// A session, live or recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    /// Its id.
    #[schema(value_type = String)]
    pub id: SessionId,
    /// Who.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// With which account.
    pub account: String,
    /// In which database.
    pub database: String,
    /// From where.
    pub client_address: String,
    /// What the client says it is. Hostile text.
    pub application: Option<String>,
    /// When it began.
    #[schema(value_type = i64)]
    pub started: Timestamp,
    /// Whether it lives.
    pub live: bool,
    /// Events recorded so far.
    pub events: u64,
    /// Its protocol.
    #[serde(default)]
    pub protocol: String,
    /// When it ended; absent while it lives.
    #[schema(value_type = Option<i64>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What its operations came to, as far as the lists have got.
    #[serde(default)]
    pub counts: OperationCounts,
}

/// `POST /v1/audit/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditReport {
    /// Whether everything is as it was written.
    pub ok: bool,
    /// Sessions looked at.
    pub sessions: u64,
    /// Events looked at.
    pub events: u64,
    /// What is wrong: each names the session and event.
    pub problems: Vec<String>,
}

/// `POST /v1/explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// For whom; oneself when absent. Only administrators ask for others.
    #[serde(default, rename = "as")]
    #[schema(value_type = Option<String>)]
    pub principal: Option<PrincipalId>,
    /// On which connection.
    pub connection: String,
    /// With which account; the default one when absent.
    #[serde(default)]
    pub account: Option<String>,
    /// In which database; the default one when absent.
    #[serde(default)]
    pub database: Option<String>,
    /// The operation.
    pub operation: String,
}

/// What would be decided, by which policy, and what would be masked. Nothing is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainResponse {
    /// Whether the session could be opened at all.
    #[schema(value_type = Object)]
    pub connect: Decision,
    /// Each statement.
    pub statements: Vec<ExplainedStatement>,
}

/// One statement of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedStatement {
    /// The statement.
    pub text: String,
    /// The decision over all of its accesses.
    #[schema(value_type = Object)]
    pub decision: Decision,
    /// Each access.
    pub accesses: Vec<ExplainedAccess>,
    /// Columns of the answer that would be masked, as far as it can be told without asking the target.
    #[schema(value_type = Vec<Object>)]
    pub masked: Vec<MaskedColumn>,
    /// What else there is to know, in words.
    pub notes: Vec<String>,
}

/// One access of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedAccess {
    /// The action.
    pub action: String,
    /// The resource, as people write it.
    pub resource: String,
    /// The decision on it alone: `Ask` where an approval would turn a refusal of it.
    #[schema(value_type = Object)]
    pub decision: Decision,
}
