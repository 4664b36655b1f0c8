//! The table of drivers: which one serves a client.

use crate::judging::{JudgeRequest, Judged};
use crate::port::{ControlPort, PortError};
use crate::registry::Registry;
use crate::targets::{Healths, TargetHealth, Trial, TriedStep};
use crate::{ExplainRequest, Explanation, GatewayConfig, Listener, StartError, http, postgres};
use sluice_model::Connection;
use sluice_policy::Snapshot;
use sluice_record::Log;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long accepting pauses when the system has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Every driver.
pub struct Drivers {
    port: Arc<dyn ControlPort>,
    registry: Arc<Registry>,
    postgres: Arc<postgres::Shared>,
    http: Arc<http::Shared>,
    healths: Arc<Healths>,
}

impl Drivers {
    /// All of them, with nothing known yet.
    ///
    /// # Errors
    /// TLS is not set up for one of them.
    pub fn new(
        config: &GatewayConfig,
        port: Arc<dyn ControlPort>,
        log: Arc<Log>,
        registry: Arc<Registry>,
    ) -> Result<Arc<Self>, StartError> {
        let tls = |name| config.tls.get(name).cloned().ok_or(StartError::Tls(name));
        let healths = Arc::new(Healths::default());
        let postgres = postgres::Shared::new(
            Arc::clone(&port),
            Arc::clone(&log),
            Arc::clone(&registry),
            tls(postgres::NAME)?,
            Arc::clone(&healths),
        );
        let http = http::Shared::new(
            config,
            Arc::clone(&port),
            log,
            Arc::clone(&registry),
            tls(http::NAME)?,
            Arc::clone(&healths),
        );
        Ok(Arc::new(Self {
            port,
            registry,
            postgres,
            http,
            healths,
        }))
    }

    /// The live sessions.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    fn protocol_of(&self, connection: &str) -> Option<String> {
        let snapshot = Arc::clone(&self.port.snapshots().borrow());
        snapshot.connection(connection).map(|c| c.protocol.clone())
    }

    async fn serve(self: Arc<Self>, listener: Arc<Listener>, stream: TcpStream, peer: SocketAddr) {
        let own = || self.protocol_of(listener.connection.as_deref()?);
        match listener.protocol.clone().or_else(own).as_deref() {
            Some(postgres::NAME) => {
                postgres::serve(Arc::clone(&self.postgres), listener, stream, peer).await;
            }
            Some(http::NAME) => {
                http::serve(Arc::clone(&self.http), listener, stream, peer).await;
            }
            _ => tracing::warn!(
                connection = listener.connection,
                "a client came for a connection that there is not"
            ),
        }
    }

    /// What would be decided about an operation, without running it.
    ///
    /// # Errors
    /// The connection is unknown, or its target cannot be asked; in words for the caller.
    pub async fn explain(&self, asked: ExplainRequest) -> Result<Explanation, PortError> {
        match self.protocol_of(&asked.connection).as_deref() {
            Some(http::NAME) => http::explain(&self.http, asked).await,
            _ => postgres::explain(&self.postgres, asked).await,
        }
    }
}

impl Drivers {
    /// Opens a target as for a session, and ends that at once; nothing is asked of it. What it came to is the health
    /// of a connection that is registered like this.
    pub async fn try_target(&self, connection: &Connection, account: &str) -> Vec<TriedStep> {
        let mut trial = Trial::begin();
        match connection.protocol.as_str() {
            http::NAME => http::try_out(&self.http, connection, account, &mut trial).await,
            _ => postgres::try_out(&self.postgres, connection, account, &mut trial).await,
        }
        let steps = trial.finish();
        let snapshot = Arc::clone(&self.port.snapshots().borrow());
        let registered = snapshot.connection(&connection.name);
        if registered.is_some_and(|registered| **registered == *connection) {
            self.healths.tried(connection, &steps);
        }
        steps
    }

    /// What each of these snapshots decides about a text, without running it. The protocol is that of the connection in
    /// the first snapshot that has it.
    pub async fn judge(&self, snapshots: &[Arc<Snapshot>], asked: &JudgeRequest) -> Judged {
        let mut known = snapshots
            .iter()
            .filter_map(|s| s.connection(&asked.connection));
        match known.next().map(|c| c.protocol.as_str()) {
            Some(http::NAME) => http::judge(&self.http, snapshots, asked).await,
            _ => postgres::judge(&self.postgres, snapshots, asked).await,
        }
    }

    /// How the target of a registered connection was when it was last opened.
    #[must_use]
    pub fn target_health(&self, connection: &str) -> Option<TargetHealth> {
        let snapshot = Arc::clone(&self.port.snapshots().borrow());
        self.healths.of(snapshot.connection(connection)?)
    }
}

/// Accepts clients until the gateway drains. Nothing is read here: one slow client delays nobody.
pub async fn listen(drivers: Arc<Drivers>, socket: TcpListener, listener: Listener) {
    let listener = Arc::new(listener);
    let mut draining = drivers.registry.draining();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = draining.wait_for(|draining| *draining) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (drivers, listener) = (Arc::clone(&drivers), Arc::clone(&listener));
                tokio::spawn(drivers.serve(listener, stream, peer));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
