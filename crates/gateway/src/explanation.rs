//! What would be decided about an operation: the question and the answer, the same for every protocol.

use crate::clock;
use crate::port::PortError;
use sluice_model::{Connection, Credential, Decision, MaskedColumn, Principal, SessionContext};
use sluice_policy::{AccessExplanation, Snapshot};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What is asked.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    /// For whom.
    pub principal: Principal,
    /// On which connection.
    pub connection: String,
    /// With which account; the default one when absent.
    pub account: Option<String>,
    /// In which database; the default one when absent.
    pub database: Option<String>,
    /// The text.
    pub text: String,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Whether a session could be opened now.
    pub connect: Decision,
    /// Each statement of the text.
    pub statements: Vec<ExplainedStatement>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct ExplainedStatement {
    /// As it was written.
    pub text: String,
    /// What would be decided.
    pub decision: Decision,
    /// Each access with the policies that decide it.
    pub accesses: Vec<AccessExplanation>,
    /// The columns of its answer.
    pub columns: Vec<ExplainedColumn>,
    /// Those that would be masked.
    pub masked: Vec<MaskedColumn>,
    /// What else there is to say, in words.
    pub notes: Vec<String>,
}

/// A column of an answer.
#[derive(Debug, Clone)]
pub struct ExplainedColumn {
    /// What the answer calls it.
    pub name: String,
}

/// An error in words.
pub fn words(error: impl std::fmt::Display) -> PortError {
    PortError(error.to_string())
}

impl ExplainRequest {
    /// The connection that it is about.
    ///
    /// # Errors
    /// It does not exist.
    pub(crate) fn connection<'s>(
        &self,
        snapshot: &'s Snapshot,
    ) -> Result<&'s Arc<Connection>, PortError> {
        let found = snapshot.connection(&self.connection);
        found.ok_or_else(|| words(format!("connection \"{}\" does not exist", self.connection)))
    }

    /// Who would act on what.
    ///
    /// # Errors
    /// The account does not exist.
    pub(crate) fn context(
        &self,
        connection: &Arc<Connection>,
        database: String,
    ) -> Result<SessionContext, PortError> {
        let mut accounts = connection.accounts.iter();
        let account = match &self.account {
            Some(name) => accounts.find(|account| account.name == *name),
            None => accounts
                .find(|account| account.default)
                .or(connection.accounts.first()),
        };
        let account = account.ok_or_else(|| {
            words(format!(
                "connection \"{}\" has no such account",
                connection.name
            ))
        })?;
        Ok(SessionContext {
            id: clock::new_session_id([0; 8]),
            principal: self.principal.clone(),
            credential: Credential::Local,
            account: account.name.clone(),
            database,
            client_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            application: None,
            reason: None,
            break_glass: false,
            connection: Arc::clone(connection),
        })
    }
}
