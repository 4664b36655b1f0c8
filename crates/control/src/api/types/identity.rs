//! What the API says of principals and of what they hold.

use serde::{Deserialize, Serialize};
use sluice_model::{Network, PrincipalId, Timestamp, TokenId};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// `GET /v1/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    /// The principal behind the token.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// Their groups.
    pub groups: BTreeSet<String>,
    /// Whether they may administer the gateway.
    pub admin: bool,
    /// Of an agent: the user who answers for it.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PrincipalId>,
    /// The way in.
    pub way: String,
    /// The token used, where it was one.
    #[schema(value_type = Option<String>)]
    pub token: Option<TokenId>,
    /// When the token ends, in microseconds since the epoch.
    #[schema(value_type = Option<i64>)]
    pub expires: Option<Timestamp>,
}

/// `POST /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Whom it stands for. Administrators create tokens for anybody; others for themselves, not beyond the end of
    /// what they ask with, and for agents that they own.
    #[serde(rename = "for")]
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// How long it lives, in seconds: 1 to 7,776,000 (90 days).
    pub ttl_seconds: u32,
    /// What it is for, in words.
    #[serde(default)]
    pub name: Option<String>,
    /// Where from it may be used, such as `10.0.0.0/8`; anywhere when there are none.
    #[schema(value_type = Vec<String>)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
    /// Makes the agent that it stands for, owned by the caller, unless there is one of that name that is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<NewAgent>,
}

/// An agent that its owner makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// The owner's groups that it acts in; all of them, as they are at the time, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<String>>,
}

/// `POST /v1/tokens/{id}/rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateToken {
    /// How long the new token lives, in seconds.
    pub ttl_seconds: u32,
    /// How long the old one still works, in seconds; never longer than it would have.
    pub overlap_seconds: u32,
}

/// `GET /v1/agents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentList {
    /// By name: everybody's for administrators, one's own for others.
    pub agents: Vec<AgentInfo>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentInfo {
    /// `agent:NAME`.
    #[schema(value_type = String)]
    pub agent: PrincipalId,
    /// The user who answers for it.
    #[schema(value_type = String)]
    pub owner: PrincipalId,
    /// The groups that it acts in now.
    pub groups: BTreeSet<String>,
    /// Tokens of it that open something now.
    pub tokens: usize,
    /// Whether it may act: it and its owner are switched on.
    pub on: bool,
}

/// `GET /v1/sign-ins`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInList {
    /// Newest first: everybody's for administrators, one's own for others.
    pub sign_ins: Vec<SignInInfo>,
}

/// A person's login at their identity provider that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInInfo {
    /// Its id.
    pub id: String,
    /// Who.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// At which identity provider.
    pub provider: String,
    /// From where.
    pub address: String,
    /// With what, as it said of itself.
    pub application: String,
    /// Since when.
    #[schema(value_type = i64)]
    pub created: Timestamp,
    /// When the provider was last asked whether it holds.
    #[schema(value_type = i64)]
    pub refreshed: Timestamp,
    /// When it ends.
    #[schema(value_type = i64)]
    pub ends: Timestamp,
}

/// `POST /v1/principals/{id}/offboard`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OffboardRequest {
    /// Only say what would be ended.
    #[serde(default)]
    pub dry_run: bool,
    /// Why, for the log.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Everything that hangs from a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leftovers {
    /// The person.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// Whether it was ended (`false` for a dry run).
    pub ended: bool,
    /// Their tokens, those of their agents and services, and those that they made for others, that open something.
    pub tokens: Vec<TokenInfo>,
    /// Agents that they answer for.
    #[schema(value_type = Vec<String>)]
    pub agents: Vec<PrincipalId>,
    /// Services that they answer for.
    #[schema(value_type = Vec<String>)]
    pub services: Vec<PrincipalId>,
    /// Their sign-ins.
    pub sign_ins: Vec<SignInInfo>,
    /// Requests of theirs that wait, and approvals and windows that they hold.
    pub requests: Vec<super::ApprovalInfo>,
    /// Live sessions of all of these.
    pub sessions: Vec<super::SessionInfo>,
}

/// The answer to it: the only time that the secret is ever shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// Names the token without being it.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// The token itself.
    pub secret: String,
    /// Whom it stands for.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// When it ends.
    #[schema(value_type = i64)]
    pub expires: Timestamp,
}

impl std::fmt::Debug for CreatedToken {
    /// Everything but the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken")
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// `GET /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// Newest first: everybody's for administrators, one's own for others.
    pub tokens: Vec<TokenInfo>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenInfo {
    /// Its id.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// What it is for, in words.
    pub name: Option<String>,
    /// Whom it stands for.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// What it is for: `access` or `browser`.
    pub purpose: String,
    /// Where from it may be used; anywhere when there are none.
    #[schema(value_type = Vec<String>)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
    /// Who made it.
    #[schema(value_type = Option<String>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<PrincipalId>,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created: Timestamp,
    /// When it ends.
    #[schema(value_type = i64)]
    pub expires: Timestamp,
    /// When it was last used, to about a minute.
    #[schema(value_type = Option<i64>)]
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<i64>)]
    pub revoked: Option<Timestamp>,
    /// Whether it opens anything now.
    pub valid: bool,
}

/// `GET /v1/principals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalList {
    /// All of them.
    pub principals: Vec<PrincipalInfo>,
}

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrincipalInfo {
    /// Kind and name.
    #[schema(value_type = String)]
    pub principal: PrincipalId,
    /// Groups.
    pub groups: BTreeSet<String>,
    /// Who answers for an agent, or for a service where that was said.
    #[schema(value_type = Option<String>)]
    pub owner: Option<PrincipalId>,
    /// Where it is known from: `declared`, an identity provider's name, or `owner` for an agent that its owner made.
    pub source: String,
    /// It may do nothing: switched off by `sluice disable` or in its file, or its identity provider does not stand
    /// for it any more.
    pub disabled: bool,
}

/// A reason, where one is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `GET /v1/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupList {
    /// By name.
    pub groups: Vec<GroupInfo>,
}

/// A group that somebody is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupInfo {
    /// Its name.
    pub name: String,
    /// Who is in it.
    #[schema(value_type = Vec<String>)]
    pub members: Vec<PrincipalId>,
}
