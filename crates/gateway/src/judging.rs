//! What snapshots decide about a text, for trying policies out: the question and the answer, the same for every
//! protocol. Nothing runs, and nobody is asked what an answer would hold.

use crate::clock;
use crate::pipeline::CONNECT;
use sluice_model::{
    Allowed, ApprovalFacts, Connection, Credential, Decision, Denial, PrincipalId, SessionContext,
};
use sluice_policy::{SessionView, Snapshot};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeRequest {
    /// For whom.
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// With which account; the default one when absent.
    pub account: Option<String>,
    /// In which database; the default one when absent.
    pub database: Option<String>,
    /// The text, or `(connect)` for opening a session.
    pub text: String,
    /// The text is what a record holds of an operation, which may have had more to it.
    pub recorded: bool,
}

/// Why nothing can be decided about a text. In words for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotJudge {
    /// Because of the text itself, or of what is not known about it.
    #[error("{0}")]
    Text(String),
    /// Because its target cannot be asked what there is: the same is true of all other texts there.
    #[error("{0}")]
    Target(String),
}

impl CannotJudge {
    pub(crate) fn text(why: impl std::fmt::Display) -> Self {
        Self::Text(why.to_string())
    }
}

/// What each snapshot decides, in their order.
pub type Judged = Vec<Result<Decision, CannotJudge>>;

impl JudgeRequest {
    /// The account of a connection that is meant.
    pub(crate) fn account_of<'c>(&self, connection: &'c Connection) -> Option<&'c str> {
        let mut accounts = connection.accounts.iter();
        let found = match &self.account {
            Some(name) => accounts.find(|account| account.name == *name),
            None => accounts
                .find(|account| account.default)
                .or(connection.accounts.first()),
        };
        found.map(|account| account.name.as_str())
    }

    /// A session as one snapshot sees it; a denial where there can be none.
    pub(crate) fn session(
        &self,
        snapshot: &Arc<Snapshot>,
        database: &str,
    ) -> Result<(Arc<SessionContext>, SessionView), Denial> {
        let denied = |message| Denial {
            policy: None,
            message,
        };
        let name = &self.connection;
        let connection = snapshot.connection(name);
        let connection =
            connection.ok_or_else(|| denied(format!("connection \"{name}\" does not exist")))?;
        let account = self
            .account_of(connection)
            .ok_or_else(|| denied(format!("connection \"{name}\" has no such account")))?;
        let principal = snapshot.principal(&self.principal).cloned();
        let principal = principal.ok_or_else(|| {
            denied(format!(
                "{} is switched off or does not exist",
                self.principal
            ))
        })?;
        let context = Arc::new(SessionContext {
            id: clock::new_session_id([0; 8]),
            principal,
            credential: Credential::Local,
            account: account.to_owned(),
            database: database.to_owned(),
            client_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            application: None,
            reason: None,
            break_glass: false,
            connection: Arc::clone(connection),
        });
        let view = snapshot.view(&context, clock::now())?;
        Ok((context, view))
    }

    /// What is decided without reading the text: that there can be no session, or whether one may be opened where
    /// that is what is asked.
    pub(crate) fn before_reading(&self, view: &SessionView) -> Option<Decision> {
        let connect = view.connect(clock::now(), &ApprovalFacts::default());
        let settled = self.text == CONNECT || matches!(connect, Decision::Deny(_));
        settled.then_some(connect)
    }
}

/// The decision over all statements of a text: the first refusal, else the first that asks, else all that allow.
pub(crate) fn worst(decisions: impl IntoIterator<Item = Decision>) -> Decision {
    let mut policies = Vec::new();
    let mut asks = None;
    for decision in decisions {
        match decision {
            denied @ Decision::Deny(_) => return denied,
            asking @ Decision::Ask(_) => asks = asks.or(Some(asking)),
            Decision::Allow(allowed) => policies.extend(allowed.policies),
        }
    }
    policies.sort();
    policies.dedup();
    asks.unwrap_or(Decision::Allow(Allowed { policies }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::Ask;

    #[test]
    fn the_worst_of_several_decisions_is_the_decision() {
        let allow = |id: &str| {
            Decision::Allow(Allowed {
                policies: vec![id.to_owned()],
            })
        };
        let ask = |id: &str| {
            Decision::Ask(Ask {
                group_sets: Vec::new(),
                people: 1,
                policies: vec![id.to_owned()],
            })
        };
        let deny = |id: &str| {
            Decision::Deny(Denial {
                policy: Some(id.to_owned()),
                message: String::new(),
            })
        };
        let both = Decision::Allow(Allowed {
            policies: vec!["a".to_owned(), "b".to_owned()],
        });
        for (decisions, expected) in [
            (vec![allow("b"), allow("a"), allow("b")], both),
            (vec![allow("a"), ask("b"), ask("c")], ask("b")),
            (vec![ask("a"), allow("b"), deny("c"), deny("d")], deny("c")),
            (vec![], Decision::Allow(Allowed::default())),
        ] {
            assert_eq!(worst(decisions), expected);
        }
    }
}
