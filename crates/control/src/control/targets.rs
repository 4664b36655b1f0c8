//! Trying targets out, and what the gateway was told at start.

use super::{Caller, Control};
use crate::api::types::{
    CertificateInfo, ConnectionTested, ListenerInfo, SettingsInfo, SourceFile, TestConnection,
};
use crate::error::ControlError;
use crate::ports::Targets;
use crate::resources::{Kind, parse};
use parking_lot::Mutex;
use serde_json::Value;
use sluice_model::{Connection, WayIn, WaysIn};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tests that go on at the same time: a few people at their forms. Each may hold a login at a target for its deadline.
const MAX_TESTS: usize = 4;
/// What problems of a draft call its file.
const DRAFT: &str = "draft";

/// Which targets are being tried out.
#[derive(Clone, Default)]
pub(crate) struct Tests(Arc<Mutex<BTreeSet<String>>>);

/// One test, until it is dropped.
struct Test {
    all: Tests,
    connection: String,
}

impl Drop for Test {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.connection);
    }
}

impl Tests {
    fn begin(&self, connection: &str) -> Result<Test, ControlError> {
        let mut going_on = self.0.lock();
        if going_on.contains(connection) {
            let what = format!("connection {connection:?} is being tested; wait for the outcome");
            return Err(ControlError::TooMany(what));
        }
        if going_on.len() >= MAX_TESTS {
            let what = format!("{MAX_TESTS} connections are being tested; try again shortly");
            return Err(ControlError::TooMany(what));
        }
        going_on.insert(connection.to_owned());
        Ok(Test {
            all: self.clone(),
            connection: connection.to_owned(),
        })
    }
}

impl Control {
    /// Opens a target as for a session. It hears nothing that is not on record.
    pub(crate) async fn test_target(
        &self,
        caller: &Caller,
        (targets, tests): (&dyn Targets, &Tests),
        request: TestConnection,
    ) -> Result<ConnectionTested, ControlError> {
        let (working, caller) = self.admins_turn(caller).await?;
        drop(working);
        let (connection, what) = match (&request.name, request.draft) {
            (Some(name), None) => (self.registered(name)?, String::new()),
            (None, Some(draft)) => {
                let (connection, body) = self.drafted(draft)?;
                (connection, format!("a draft: {body}"))
            }
            _ => {
                let what = "expected either a connection's name or a draft of one".to_owned();
                return Err(ControlError::Invalid(what, "send one of the two"));
            }
        };
        let account = account_of(&connection, request.account.as_deref())?;
        let _test = tests.begin(&connection.name)?;
        let detail = match what.is_empty() {
            true => format!("with account {account}"),
            false => format!("with account {account}, {what}"),
        };
        self.record(caller.id(), "connection.test", &connection.name, detail)?;
        let steps = targets.test(&connection, &account).await;
        Ok(ConnectionTested {
            ok: !steps.is_empty() && steps.iter().all(|step| step.ok),
            steps,
        })
    }

    fn registered(&self, name: &str) -> Result<Connection, ControlError> {
        let snapshot = self.snapshot();
        let found = snapshot.connection(name);
        let none = || ControlError::NotFound(format!("there is no connection {name:?}"));
        Ok(found.ok_or_else(none)?.as_ref().clone())
    }

    /// The connection that a draft would be in a file, checked as one there; and its body, for the log. It holds
    /// references to secrets, never secrets.
    fn drafted(&self, draft: Value) -> Result<(Connection, Value), ControlError> {
        let not_one = || {
            let what = "the draft is no connection; expected what a file would say".to_owned();
            ControlError::Invalid(what, "/openapi.json describes every request")
        };
        let Value::Object(mut draft) = draft else {
            return Err(not_one());
        };
        let kind = Value::from(Kind::Connection.as_str());
        draft.entry("kind").or_insert(kind);
        // JSON is YAML, so that a draft is read as strictly as a file is.
        let text = serde_json::to_string_pretty(&draft).map_err(|_| not_one())?;
        let name = format!("{DRAFT}.yaml");
        let parsed = parse(&[SourceFile { name, text }], self.protocols());
        if !parsed.problems.is_empty() {
            return Err(ControlError::Problems(parsed.problems));
        }
        let body = parsed.set.0.into_values().next().map(|r| r.body);
        let body = body.ok_or_else(not_one)?;
        let connection = serde_json::from_value(body.clone()).map_err(|_| not_one())?;
        Ok((connection, body))
    }
}

impl Control {
    /// What the gateway was told at start, and what others verify it by. Nothing of it is a secret.
    pub(crate) fn settings(&self) -> SettingsInfo {
        let config = &self.0.config;
        let https = ListenerInfo {
            protocol: "https".to_owned(),
            address: config.listen.https.to_string(),
            connection: None,
            ways_in: names_of(config.listen.https_ways()),
        };
        let for_all = config.listen.protocols.iter();
        let for_all = for_all.map(|(protocol, address)| ListenerInfo {
            protocol: protocol.clone(),
            address: address.to_string(),
            connection: None,
            ways_in: names_of(config.listen.protocol_ways(protocol)),
        });
        let snapshot = self.snapshot();
        let for_one = config.listeners.iter().map(|one| ListenerInfo {
            // Whatever its connection speaks; nothing where there is no such connection (yet).
            protocol: snapshot
                .connection(&one.connection)
                .map_or_else(String::new, |connection| connection.protocol.clone()),
            address: one.address.to_string(),
            connection: Some(one.connection.clone()),
            ways_in: names_of(WaysIn::of(&one.ways_in)),
        });
        let certificates = self.0.certificates.lock();
        let directory = config.resources.as_ref();
        SettingsInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            public_url: config.public_url.clone(),
            listeners: std::iter::once(https)
                .chain(for_all)
                .chain(for_one)
                .collect(),
            certificate: CertificateInfo {
                own_authority: certificates.ca_pem.is_some(),
                ends: certificates.ends(),
            },
            resources_directory: directory.map(|path| path.display().to_string()),
            token_max_seconds: config.token_max_seconds,
            grace_seconds: config.grace_seconds,
            log_key: self.0.log.verifier().to_string(),
        }
    }
}

fn names_of(ways: WaysIn) -> Vec<String> {
    let allowed = WayIn::ALL.into_iter().filter(|way| ways.allow(*way));
    allowed.map(|way| way.name().to_owned()).collect()
}

/// The account that is named, or the default one.
fn account_of(connection: &Connection, named: Option<&str>) -> Result<String, ControlError> {
    let mut accounts = connection.accounts.iter();
    let found = match named {
        Some(name) => accounts.find(|account| account.name == name),
        None => accounts
            .find(|account| account.default)
            .or(connection.accounts.first()),
    };
    let none = || {
        let name = &connection.name;
        ControlError::NotFound(format!("connection {name:?} has no such account"))
    };
    Ok(found.ok_or_else(none)?.name.clone())
}
