//! What a client is told when the gateway refuses: SQLSTATE, message, hint. Lower-case, with what to do
//! next, and never data or a credential.

use super::catalog::CatalogError;
use super::target::TargetError;
use crate::pipeline::Unrecorded;
use crate::port::PortError;
use bytes::BytesMut;
use sluice_model::{ApprovalId, Denial, PrincipalId};
use sluice_protocol::postgres::{Violation, encode};
use sluice_protocol::sql::ReadError;

/// An error for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Five characters.
    pub sqlstate: &'static str,
    /// One line.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// `insufficient_privilege`
pub const NOT_ALLOWED: &str = "42501";
/// `syntax_error`
pub const SYNTAX: &str = "42601";
/// `query_canceled`
pub const CANCELED: &str = "57014";
/// `admin_shutdown`
pub const ENDED: &str = "57P01";
/// `feature_not_supported`
pub const UNSUPPORTED: &str = "0A000";
/// `internal_error`
pub const INTERNAL: &str = "XX000";
/// `sqlclient_unable_to_establish_sqlconnection`
pub const NO_TARGET: &str = "08001";
/// `invalid_authorization_specification`
pub const NO_LOGIN: &str = "28000";
/// `invalid_catalog_name`
pub const NO_CONNECTION: &str = "3D000";

impl Refusal {
    /// With a message and no hint.
    #[must_use]
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self {
            sqlstate,
            message: message.into(),
            hint: None,
        }
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the policy said.
    #[must_use]
    pub fn denied(denial: &Denial, connection: &str) -> Self {
        let message = match &denial.policy {
            Some(policy) => format!("refused by policy \"{policy}\": {}", denial.message),
            None => format!("refused: {}", denial.message),
        };
        let hint = format!(
            "see what would be allowed with: sluice explain --connection {connection} \"...\"; ask for access with: sluice request {connection} --for 1h --reason \"...\""
        );
        Self::new(NOT_ALLOWED, message).hint(hint)
    }

    /// A statement that the gateway does not understand.
    #[must_use]
    pub fn not_understood(what: &str) -> Self {
        Self::new(UNSUPPORTED, format!("refused: {what}"))
    }

    /// A name that the gateway never saw being given.
    #[must_use]
    pub fn unknown_name(kind: &str, name: &str) -> Self {
        Self::new("26000", format!("{kind} \"{name}\" does not exist"))
    }

    /// Names would lead elsewhere than where they led when the portal was planned.
    #[must_use]
    pub fn scope_moved() -> Self {
        Self::not_understood("the search path changed since the portal was bound")
            .hint("bind it again")
    }

    /// A name that the gateway keeps for itself.
    #[must_use]
    pub fn name_taken() -> Self {
        Self::not_understood("names that begin with _sluice are taken")
    }

    /// More is open than a session may have.
    #[must_use]
    pub fn too_many_names() -> Self {
        Self::not_understood("too many (or too large) prepared statements or portals are open")
            .hint("close some of them")
    }

    /// A column of a data class, perhaps: it cannot be told.
    #[must_use]
    pub fn unclear_column(action: &str) -> Self {
        Self::new(NOT_ALLOWED, format!("refused: it cannot be told whether the statement uses a sensitive column ({action})"))
            .hint("write columns with their table, as in customers.id, and name them instead of using whole rows")
    }

    /// Something on this side failed.
    #[must_use]
    pub fn internal(what: &str) -> Self {
        Self::new(INTERNAL, format!("refused: {what}"))
    }

    /// Nobody decided in time.
    #[must_use]
    pub fn timed_out(id: &ApprovalId, seconds: u32) -> Self {
        Self::new(CANCELED, format!("nobody decided about request {id} within {seconds} seconds")).hint(format!(
            "the request stays open: once it is approved, run exactly the same statement again (sluice approve {id})"
        ))
    }

    /// Nobody decided in time whether somebody may connect.
    #[must_use]
    pub fn login_timed_out(id: &ApprovalId, seconds: u32) -> Self {
        Self::new(
            CANCELED,
            format!("nobody decided about request {id} within {seconds} seconds"),
        )
        .hint(format!(
            "the request stays open: once it is approved (sluice approve {id}), connect again"
        ))
    }

    /// Somebody decided that it must not be.
    #[must_use]
    pub fn denied_by(id: &ApprovalId, by: &PrincipalId, reason: Option<&str>) -> Self {
        let because = reason.map(|reason| format!(": {reason}"));
        let because = because.unwrap_or_default();
        Self::new(
            NOT_ALLOWED,
            format!("request {id} was denied by {by}{because}"),
        )
    }

    /// The request expired or was withdrawn.
    #[must_use]
    pub fn undecided(id: &ApprovalId) -> Self {
        Self::new(CANCELED, format!("request {id} ended without a decision"))
    }

    /// The consent is gone.
    #[must_use]
    pub fn used_up(id: &ApprovalId) -> Self {
        Self::new(
            NOT_ALLOWED,
            format!("request {id} was already used or has ended"),
        )
    }

    /// As a denial, for the record.
    #[must_use]
    pub fn denial(&self) -> Denial {
        Denial {
            policy: None,
            message: self.message.clone(),
        }
    }

    /// Appends the error message.
    pub fn encode(&self, severity: &str, out: &mut BytesMut) {
        let report = encode::Report {
            severity,
            sqlstate: self.sqlstate,
            message: &self.message,
            detail: None,
            hint: self.hint.as_deref(),
        };
        encode::error_response(out, &report);
    }
}

impl From<CatalogError> for Refusal {
    fn from(error: CatalogError) -> Self {
        Self::new(INTERNAL, format!("refused: {error}"))
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        Self::new(INTERNAL, format!("refused: {error}"))
    }
}

impl From<Unrecorded> for Refusal {
    fn from(error: Unrecorded) -> Self {
        Self::new("58030", error.to_string())
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::new(violation.sqlstate(), violation.to_string())
    }
}

impl From<TargetError> for Refusal {
    fn from(error: TargetError) -> Self {
        Self::new(NO_TARGET, error.to_string())
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::new(SYNTAX, format!("refused: {error}"))
    }
}
