//! Notifiers and the messages that leave through them.

use super::ApprovalInfo;
use serde::{Deserialize, Serialize};
use sluice_model::Timestamp;
use utoipa::ToSchema;

/// `GET /v1/notifiers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotifierList {
    /// By name.
    pub notifiers: Vec<NotifierInfo>,
}

/// A notifier and how it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotifierInfo {
    /// Its name.
    pub name: String,
    /// `slack`, `teams`, `email`, `webhook` or `jira`.
    pub kind: String,
    /// What is told.
    pub events: Vec<String>,
    /// Messages that wait to be sent.
    pub pending: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// When one was last sent.
    #[schema(value_type = Option<i64>)]
    pub last_sent: Option<Timestamp>,
    /// What went wrong with the newest of those that are not sent.
    pub last_error: Option<String>,
}

/// `GET /v1/deliveries`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// Newest first.
    pub deliveries: Vec<DeliveryInfo>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One message to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryInfo {
    /// Its id.
    pub id: String,
    /// Through which notifier.
    pub notifier: String,
    /// Of mail, whom to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// What happened.
    pub event: String,
    /// Of a request: what happened to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The request that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// `pending`, `sent` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    #[schema(value_type = Option<i64>)]
    pub next_try: Option<Timestamp>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created: Timestamp,
    /// When it was sent.
    #[schema(value_type = Option<i64>)]
    pub sent: Option<Timestamp>,
}

/// `POST /v1/notifiers/{id}/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// Whether the other side took the message.
    pub ok: bool,
    /// What went wrong otherwise.
    pub error: Option<String>,
}

/// `POST /v1/links/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenLink {
    /// What stands in the address after `link=`.
    pub link: String,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedLink {
    /// The request.
    pub approval: ApprovalInfo,
}
