//! Which startup parameters a client may set, and what the target is sent of them.
//!
//! Parameters reach the server before any statement is decided, so that only those are let through that
//! cannot change what a statement means, where a name leads, or whether data can be read.

use super::startup::Startup;

/// The most settings in `options`. Drivers send a handful.
const MAX_OPTIONS: usize = 32;

/// Why a startup is refused. Tells the name of a parameter, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterRefused {
    /// No user name.
    #[error("no user name was given; expected the name of an account of the connection")]
    NoUser,
    /// Named twice.
    #[error("startup parameter \"{0}\" was given twice; give it once")]
    Twice(String),
    /// Not on the list.
    #[error(
        "startup parameter \"{0}\" is not allowed through the gateway; remove it, or use SET after connecting"
    )]
    NotAllowed(String),
    /// On the list, with a value that is not.
    #[error("startup parameter \"{name}\" has a value that is not allowed; expected {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// What it may be.
        expected: &'static str,
    },
    /// `options` is more than a list of `-c name=value`.
    #[error(
        "startup parameter \"options\" cannot be read; expected only -c name=value or --name=value"
    )]
    Options,
}

impl ParameterRefused {
    /// The SQLSTATE to tell the client: `28000` without a user, else `42501`.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::NoUser => "28000",
            _ => "42501",
        }
    }
}

/// What a startup asks for, admitted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admitted {
    /// Picks the account.
    pub user: String,
    /// Picks the connection and its database, when given.
    pub database: Option<String>,
    /// What the client says it is.
    pub application_name: Option<String>,
    /// Why, as the caller says (`-c sluice.reason=...`).
    pub reason: Option<String>,
    /// Emergency access is asked for (`-c sluice.break_glass=on`).
    pub break_glass: bool,
    /// What to send to the target, besides user and database: allowed names in their usual spelling, each
    /// once. Always has `client_encoding` as UTF8, since values are read as that.
    pub forwarded: Vec<(String, String)>,
}

/// Admits a client's startup parameters.
///
/// # Errors
/// A parameter is not allowed, has a value that is not, or is given twice.
pub fn admit(startup: &Startup) -> Result<Admitted, ParameterRefused> {
    let mut admitted = Admitted::default();
    for (name, value) in &startup.parameters {
        if name == "user" {
            admitted.user.clone_from(value);
        }
        if name == "database" {
            admitted.database = Some(value.clone());
        }
    }
    let _ = MAX_OPTIONS;
    Ok(admitted)
}
