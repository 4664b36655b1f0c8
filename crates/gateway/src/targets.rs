//! How targets are: what opening them came to, for live traffic and when somebody tries one out. Details are fixed
//! phrases and codes: nothing that a target, or a file of its certificates, says is repeated.

use crate::clock;
use parking_lot::Mutex;
use rustls::{CertificateError, Error as TlsError};
use sluice_model::{Connection, Target, Timestamp};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long trying a target out may take altogether: as long as a person looks at a form.
const TRIAL: Duration = Duration::from_secs(10);
/// The most targets whose health is kept: more than a large company has. Beyond, all of it is learnt anew.
const KEPT: usize = 10_000;

/// One step of trying a target out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedStep {
    /// `credential`, `connect`, `tls` or `login`.
    pub name: &'static str,
    /// Whether it worked.
    pub ok: bool,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// What there is to say.
    pub detail: String,
}

/// How a target was when it was last opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealth {
    /// Whether it could be.
    pub ok: bool,
    /// When.
    pub at: Timestamp,
    /// What there is to say.
    pub detail: String,
}

/// The steps of trying one target out, as they are done.
pub struct Trial {
    deadline: Instant,
    steps: Vec<TriedStep>,
}

impl Trial {
    /// The time starts now.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            deadline: Instant::now() + TRIAL,
            steps: Vec::new(),
        }
    }

    /// Does one step, which says what came of it in words. `None` where it failed: there is nothing to go on with.
    pub async fn step<T>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<(T, String), String>>,
    ) -> Option<T> {
        let began = Instant::now();
        let late = || {
            format!(
                "it took too long: {} seconds for all of it",
                TRIAL.as_secs()
            )
        };
        let done = timeout_at(self.deadline, work).await;
        let (result, detail) = match done.unwrap_or_else(|_| Err(late())) {
            Ok((result, detail)) => (Some(result), detail),
            Err(detail) => (None, detail),
        };
        self.steps.push(TriedStep {
            name,
            ok: result.is_some(),
            micros: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            detail,
        });
        result
    }

    /// What was done.
    #[must_use]
    pub fn finish(self) -> Vec<TriedStep> {
        self.steps
    }
}

struct Known {
    /// What it was: another target under the same name is not this one.
    target: Target,
    health: TargetHealth,
}

/// How all targets were, by connection.
#[derive(Default)]
pub struct Healths(Mutex<HashMap<String, Known>>);

impl Healths {
    /// A target could be opened, or not, which the error says in words.
    pub fn told(&self, connection: &Connection, outcome: Result<&str, String>) {
        let (ok, detail) = match outcome {
            Ok(detail) => (true, detail.to_owned()),
            Err(detail) => (false, detail),
        };
        let health = TargetHealth {
            ok,
            at: clock::now(),
            detail,
        };
        let mut known = self.0.lock();
        if known.len() >= KEPT && !known.contains_key(&connection.name) {
            known.clear();
        }
        let target = connection.target.clone();
        known.insert(connection.name.clone(), Known { target, health });
    }

    /// The same of all steps of trying it out.
    pub fn tried(&self, connection: &Connection, steps: &[TriedStep]) {
        match steps.last() {
            Some(step) if step.ok => self.told(connection, Ok("it could be opened")),
            Some(step) => self.told(connection, Err(format!("{}: {}", step.name, step.detail))),
            None => {}
        }
    }

    /// How the target of a connection was; `None` where it was never opened as it is configured now.
    #[must_use]
    pub fn of(&self, connection: &Connection) -> Option<TargetHealth> {
        let all = self.0.lock();
        let known = all.get(&connection.name)?;
        (known.target == connection.target).then(|| known.health.clone())
    }
}

/// Why a stream could not be opened or secured, in words that are all our own.
#[must_use]
pub fn words_of(error: &io::Error) -> String {
    let inside = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    if let Some(tls) = inside {
        return tls_words(tls).to_owned();
    }
    let words = match error.kind() {
        ErrorKind::ConnectionRefused => "it refuses connections at this port",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "it closed the connection"
        }
        ErrorKind::UnexpectedEof => "it closed the connection before it had answered",
        ErrorKind::TimedOut => "it does not answer",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it",
        ErrorKind::InvalidInput => "its address is not host:port",
        ErrorKind::PermissionDenied => "the gateway's host does not let connections out to it",
        _ => "it cannot be reached, or its name cannot be looked up",
    };
    words.to_owned()
}

fn tls_words(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::UnknownIssuer => {
                "its certificate is of an authority that is not trusted; set target.ca_file"
            }
            CertificateError::Revoked => "its certificate is revoked",
            _ => "its certificate cannot be accepted",
        },
        TlsError::AlertReceived(_) => "it broke the tls handshake off",
        TlsError::InvalidMessage(_) => "it does not speak tls",
        TlsError::PeerIncompatible(_) => "it speaks no version of tls that the gateway does",
        _ => "the tls handshake failed",
    }
}

/// What is said of a stream that is secured.
#[must_use]
pub fn secured(version: Option<rustls::ProtocolVersion>) -> String {
    match version {
        Some(rustls::ProtocolVersion::TLSv1_3) => "tls 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "tls 1.2",
        _ => "tls",
    }
    .to_owned()
}

/// What is said of one that is not.
pub const IN_THE_CLEAR: &str = "switched off by target.tls: everything is sent in the clear";

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(address: &str) -> Connection {
        let text = serde_json::json!({
            "name": "shop", "protocol": "p", "environment": "e", "target": {"address": address},
            "accounts": [{"name": "app", "username": "u"}],
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn health_is_of_the_target_as_it_is_configured() {
        let healths = Healths::default();
        let (here, elsewhere) = (connection("h:1"), connection("h:2"));
        assert_eq!(healths.of(&here), None);
        healths.told(&here, Err("no".to_owned()));
        let health = healths.of(&here).unwrap();
        assert_eq!((health.ok, health.detail.as_str()), (false, "no"));
        assert_eq!(healths.of(&elsewhere), None);
        healths.told(&here, Ok("yes"));
        assert!(healths.of(&here).unwrap().ok);
    }

    #[tokio::test]
    async fn steps_share_one_deadline() {
        let mut trial = Trial::begin();
        let works = async { Ok(((), "there".to_owned())) };
        assert_eq!(trial.step("connect", works).await, Some(()));
        trial.deadline = Instant::now();
        let hangs = std::future::pending::<Result<((), String), String>>();
        assert_eq!(trial.step("login", hangs).await, None);
        let steps = trial.finish();
        let told: Vec<_> = steps.iter().map(|s| (s.name, s.ok)).collect();
        assert_eq!(told, [("connect", true), ("login", false)]);
        assert!(steps[1].detail.contains("too long"), "{steps:?}");
    }

    #[test]
    fn what_a_peer_says_is_not_repeated() {
        let canary = || "canary".to_owned();
        let presented = CertificateError::NotValidForNameContext {
            expected: rustls::pki_types::ServerName::try_from("canary.example").unwrap(),
            presented: vec![canary()],
        };
        let errors = [
            io::Error::other(canary()),
            io::Error::new(ErrorKind::ConnectionRefused, canary()),
            io::Error::new(
                ErrorKind::InvalidData,
                TlsError::InvalidCertificate(presented),
            ),
            io::Error::new(ErrorKind::InvalidData, TlsError::General(canary())),
        ];
        for error in errors {
            let words = words_of(&error);
            assert!(!words.is_empty() && !words.contains("canary"), "{words}");
        }
    }
}
