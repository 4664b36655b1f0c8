//! What the API says of protocols, targets and the gateway's own settings.

use serde::{Deserialize, Serialize};
use sluice_model::Timestamp;
use utoipa::ToSchema;

/// `GET /v1/protocols`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProtocolList {
    /// The protocol table.
    pub protocols: Vec<ProtocolInfo>,
    /// The actions that one policy can use for every protocol.
    pub general_actions: Vec<ActionInfo>,
}

/// One protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProtocolInfo {
    /// What `protocol:` in a connection says.
    pub name: String,
    /// In one line.
    pub doc: String,
    /// The port that a target has when its address gives none.
    pub default_port: u16,
    /// Whether an account needs a user name.
    pub needs_username: bool,
    /// Whether sessions are about a database of the target.
    pub has_databases: bool,
    /// Its own settings of a connection.
    pub settings: Vec<SettingInfo>,
    /// Its own actions.
    pub actions: Vec<ActionInfo>,
    /// What policies may ask of its operations.
    pub facts: Vec<FactInfo>,
}

/// One setting of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingInfo {
    /// Its name below `settings:`.
    pub name: String,
    /// What it takes: `text`, `flag`, `number`, `texts` or `identity_header`.
    pub kind: String,
    /// In one line.
    pub doc: String,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionInfo {
    /// Its name in policies.
    pub name: String,
    /// The actions that it stands in.
    pub groups: Vec<String>,
    /// In one line.
    pub doc: String,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactInfo {
    /// As policies write it, such as `context.sql.has_where`.
    pub name: String,
    /// In one line.
    pub doc: String,
    /// Whether every operation has it; others have to be tested for with `has`.
    pub required: bool,
}

/// `POST /v1/connections/test`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestConnection {
    /// A registered connection, by name.
    #[serde(default)]
    pub name: Option<String>,
    /// A connection that is not registered yet: what a file would say, without `kind`.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub draft: Option<serde_json::Value>,
    /// With which account; the default one when absent.
    #[serde(default)]
    pub account: Option<String>,
}

/// How a test of a target went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTested {
    /// Whether a session could be opened.
    pub ok: bool,
    /// What was tried, in turn; the last one is where it stopped.
    pub steps: Vec<TestStep>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestStep {
    /// `credential`, `connect`, `tls` or `login`.
    pub name: String,
    /// Whether it worked.
    pub ok: bool,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// What there is to say, never a secret.
    pub detail: String,
}

/// How a connection's target was when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetHealth {
    /// Whether it answered.
    pub ok: bool,
    /// When that was.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// What there is to say, never a secret.
    pub detail: String,
}

/// `GET /v1/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsInfo {
    /// The gateway's version.
    pub version: String,
    /// Where browsers and identity providers reach the API.
    pub public_url: String,
    /// Where the gateway listens.
    pub listeners: Vec<ListenerInfo>,
    /// The certificate that it shows.
    pub certificate: CertificateInfo,
    /// The directory that resources are applied from, if there is one: what is changed here is changed back when a
    /// file in it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_directory: Option<String>,
    /// The longest life of a token, in seconds.
    pub token_max_seconds: u32,
    /// How long live sessions go on when the store cannot be read, in seconds.
    pub grace_seconds: u32,
    /// The key that checkpoints of the log are verified with.
    pub log_key: String,
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerInfo {
    /// What is spoken there.
    pub protocol: String,
    /// `host:port`.
    pub address: String,
    /// The one connection that it leads to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The ways in that it allows.
    pub ways_in: Vec<String>,
}

/// The certificate that every listener shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateInfo {
    /// Whether the gateway's own authority issued it.
    pub own_authority: bool,
    /// When it ends.
    #[schema(value_type = Option<i64>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}
