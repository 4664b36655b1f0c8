//! One authenticated client conversation with one connection, as decisions see it.

use crate::{Connection, Principal, SessionId, TokenId};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything about a session that does not change while it lives. What does change (groups, approvals,
/// policies) is in the snapshot.
#[derive(Debug, Clone)]
pub struct SessionContext {
    /// Its id.
    pub id: SessionId,
    /// Who acts, as known when the session began; groups are re-read from each new snapshot.
    pub principal: Principal,
    /// The token that it was opened with.
    pub token: Option<TokenId>,
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
