//! One authenticated client conversation with one connection, as decisions see it.

use crate::{Connection, Principal, SessionId, TokenId, Workload};
use std::net::IpAddr;
use std::sync::Arc;

/// What a caller proved who they are with. Checked when a session begins, and again against each new snapshot.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing that could be revoked: the gateway's own administrator, or nobody at all (an explanation).
    Local,
    /// A token that the gateway issued.
    Token(TokenId),
    /// A JWT of a trusted issuer.
    Workload(Arc<Workload>),
}

impl Credential {
    /// The token, where it is one.
    #[must_use]
    pub fn token(&self) -> Option<&TokenId> {
        match self {
            Self::Token(id) => Some(id),
            Self::Local | Self::Workload(_) => None,
        }
    }

    /// What it is called in records and requests: a token's id, or the trusted issuer as `issuer:NAME`.
    #[must_use]
    pub fn mark(&self) -> Option<String> {
        match self {
            Self::Local => None,
            Self::Token(id) => Some(id.to_string()),
            Self::Workload(workload) => Some(format!("issuer:{}", workload.issuer)),
        }
    }
}

/// Everything about a session that does not change while it lives. What does change (groups, approvals,
/// policies) is in the snapshot.
#[derive(Debug, Clone)]
pub struct SessionContext {
    /// Its id.
    pub id: SessionId,
    /// Who acts, as known when the session began; groups are re-read from each new snapshot.
    pub principal: Principal,
    /// What it was opened with.
    pub credential: Credential,
    /// On which connection.
    pub connection: Arc<Connection>,
    /// With which account of the target, by its name in the connection.
    pub account: String,
    /// In which database of the target.
    pub database: String,
    /// Where the client is.
    pub client_address: IpAddr,
    /// What the client says it is (`application_name`, user agent); never to be trusted.
    pub application: Option<String>,
    /// Why, as the caller said.
    pub reason: Option<String>,
    /// The caller asked for emergency access.
    pub break_glass: bool,
}
