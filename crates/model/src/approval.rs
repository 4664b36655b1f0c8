//! A human's consent: for one exact operation, for one session, or for a window of time.

use crate::{ApprovalId, PrincipalId, SessionId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;

/// SHA-256 over connection, principal, account, database and the operation with its bound parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationDigest(pub [u8; 32]);

impl OperationDigest {
    /// Lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(self) -> String {
        use std::fmt::Write as _;
        self.0
            .iter()
            .fold(String::with_capacity(64), |mut out, byte| {
                let _ = write!(out, "{byte:02x}");
                out
            })
    }
}

/// What an approval is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "scope")]
pub enum ApprovalScope {
    /// One run of one exact operation (its digest in hexadecimal).
    Once {
        /// Hexadecimal [`OperationDigest`].
        digest: String,
    },
    /// One session was let in: consent to its being connected, and to nothing that it asks for.
    Login {
        /// That session.
        session: SessionId,
    },
    /// Everything that the policy asks for in one live session.
    Session {
        /// That session.
        session: SessionId,
    },
    /// Everything that the policy asks for on the connection until an absolute end.
    Window {
        /// The end; never moves once given.
        until: Timestamp,
    },
}

/// Where a request for approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has decided (or not enough people have).
    Pending,
    /// Enough people agreed; not used yet, or reusable.
    Approved,
    /// Somebody refused.
    Denied,
    /// Agreed and used up.
    Spent,
    /// The requester went away.
    Cancelled,
    /// Nobody decided in time.
    Expired,
}

/// Consent that was given and holds now. The snapshot carries all of them; [`ApprovalScope::Once`] is not
/// among them, because it is handed to the one waiting operation instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The request it came from.
    pub approval: ApprovalId,
    /// Whom it was given to.
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// [`ApprovalScope::Login`], [`ApprovalScope::Session`] or [`ApprovalScope::Window`].
    pub scope: ApprovalScope,
    /// The groups in whose name people agreed.
    pub groups: BTreeSet<String>,
    /// How many distinct people agreed.
    pub people: u32,
    /// The reason that the requester gave.
    pub reason: Option<String>,
}

/// The approvals that count for one decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ApprovalFacts {
    /// The groups in whose name people agreed.
    pub groups: BTreeSet<String>,
    /// How many distinct people agreed.
    pub people: u32,
}

/// The longest operation that people are asked about, with its parameters, in bytes: what an approver cannot read, nobody
/// should approve. Up to it, all of it is shown.
pub const MAX_SHOWN: usize = 64 << 10;

/// A part of an operation beside its text, as an approver sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldParameter {
    /// What it is called: `$1` for what is bound to a statement, `header` and `body` of a request.
    pub name: String,
    /// Its value; `None` is SQL NULL.
    pub value: Option<String>,
}

impl HeldParameter {
    /// A part that has a value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
        }
    }

    /// What is bound to a statement, in order.
    #[must_use]
    pub fn numbered(values: impl IntoIterator<Item = Option<String>>) -> Vec<Self> {
        let each = values.into_iter().zip(1..);
        each.map(|(value, number): (_, u32)| Self {
            name: format!("${number}"),
            value,
        })
        .collect()
    }
}

/// Reads parameters as they are kept, also those from before they had names: they are numbered.
///
/// # Errors
/// They are neither.
pub fn read_parameters<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<HeldParameter>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Named(HeldParameter),
        Bare(Option<String>),
    }
    let kept = Vec::<Kept>::deserialize(deserializer)?.into_iter();
    let named = kept.zip(1_u32..).map(|(kept, number)| match kept {
        Kept::Named(parameter) => parameter,
        Kept::Bare(value) => HeldParameter {
            name: format!("${number}"),
            value,
        },
    });
    Ok(named.collect())
}

/// What an approver is shown of an operation that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOperation {
    /// The session that waits.
    pub session: SessionId,
    /// Who asks.
    pub principal: PrincipalId,
    /// What they proved who they are with (see [`crate::Credential::mark`]): when it goes, so does the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// On which connection.
    pub connection: String,
    /// With which account of the target.
    pub account: String,
    /// In which database.
    pub database: String,
    /// The operation as the client sent it, with values of a data class masked.
    pub text: String,
    /// What it brings along, with values of a data class masked.
    #[serde(deserialize_with = "read_parameters")]
    pub parameters: Vec<HeldParameter>,
    /// The exact operation, in hexadecimal.
    pub digest: String,
    /// Whose consent suffices: any one set.
    pub group_sets: Vec<BTreeSet<String>>,
    /// How many distinct people must agree.
    pub people: u32,
    /// The `@id`s of the policies that permit it then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The planner's estimate of the rows touched, where there is one.
    pub estimated_rows: Option<i64>,
    /// The reason that the requester gave.
    pub reason: Option<String>,
    /// It is a login that waits, to be let in: an approval without a window is for one session, the one that
    /// waits or, when it has gone, the requester's next one.
    #[serde(default)]
    pub connect: bool,
    /// What the client that waits calls itself, in a word; never to be trusted. Of use while it waits, and not kept.
    #[serde(skip)]
    pub client: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Kept {
        #[serde(deserialize_with = "read_parameters")]
        parameters: Vec<HeldParameter>,
    }

    #[test]
    fn parameters_from_before_they_had_names_are_numbered() {
        let named = Kept {
            parameters: HeldParameter::numbered([Some("42".into()), None]),
        };
        let bare = r#"{"parameters": ["42", null]}"#;
        assert_eq!(serde_json::from_str::<Kept>(bare).unwrap(), named);
        let written = serde_json::to_string(&named).unwrap();
        assert_eq!(
            written,
            r#"{"parameters":[{"name":"$1","value":"42"},{"name":"$2","value":null}]}"#
        );
        assert_eq!(serde_json::from_str::<Kept>(&written).unwrap(), named);
        assert!(serde_json::from_str::<Kept>(r#"{"parameters": [7]}"#).is_err());
    }
}
