//! What the API says of changes to resources: their history, and what a change of policy would have decided.

use super::recorded::OperationInfo;
use super::{ResourceChange, SourceFile};
use serde::{Deserialize, Serialize};
use sluice_model::{Decision, PrincipalId, Timestamp};
use utoipa::ToSchema;

/// A resource by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceRef {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// `GET /v1/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryList {
    /// Newest first.
    pub changes: Vec<HistoryEntry>,
    /// Where older ones go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One change of the resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// Its number, from 1; each makes another state of the resources.
    pub number: u64,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Who.
    #[schema(value_type = String)]
    pub actor: PrincipalId,
    /// What changed, without the difference line by line.
    pub changed: Vec<ChangedResource>,
}

/// One resource that a change touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedResource {
    /// What happened to it.
    pub change: super::ChangeKind,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// `GET /v1/history/diff`: from one state of the resources to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryDiff {
    /// What differs.
    pub changes: Vec<ResourceChange>,
}

/// `POST /v1/policies/dry-run`: recorded operations, decided again under changed resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRunRequest {
    /// The changed files.
    pub files: Vec<SourceFile>,
    /// Resources that go.
    #[serde(default)]
    pub delete: Vec<ResourceRef>,
    /// Only operations on this connection.
    #[serde(default)]
    pub connection: Option<String>,
    /// Only operations of this principal.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub principal: Option<PrincipalId>,
    /// Only operations since then.
    #[schema(value_type = Option<i64>)]
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// How many operations at most, newest first: 1 to 5,000.
    pub limit: u32,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// Operations that were decided again, with everybody's groups and everything else as it is now.
    pub decided: u64,
    /// Operations that could not be: their principal or connection is gone, or their text was not kept whole.
    pub left_out: u64,
    /// The time was up before all of them were looked at.
    pub incomplete: bool,
    /// Those that come to something else.
    pub differences: Vec<Difference>,
}

/// An operation that comes to something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// The operation, as it was recorded.
    pub operation: OperationInfo,
    /// What the resources as they are decide.
    #[schema(value_type = Object)]
    pub before: Decision,
    /// What the changed ones decide.
    #[schema(value_type = Object)]
    pub after: Decision,
}

/// `POST /v1/policies/test`: the policy tests, under changed resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyTestRequest {
    /// The changed files; none tests what is in force.
    #[serde(default)]
    pub files: Vec<SourceFile>,
    /// Resources that go.
    #[serde(default)]
    pub delete: Vec<ResourceRef>,
}

/// What they came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyTestReport {
    /// Each, by name.
    pub tests: Vec<PolicyTestResult>,
}

/// One policy test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyTestResult {
    /// Its name.
    pub name: String,
    /// Whether it came to what it expects.
    pub ok: bool,
    /// What it expects: `allow`, `ask` or `deny`.
    pub expected: String,
    /// What was decided; absent where nothing could be.
    #[schema(value_type = Option<Object>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// What else there is to say, such as why nothing could be decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
