//! The table of drivers: which one serves a client.

use crate::port::{ControlPort, PortError};
use crate::registry::Registry;
use crate::{ExplainRequest, Explanation, GatewayConfig, Listener, StartError, http, postgres};
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
        let postgres = postgres::Shared::new(
            Arc::clone(&port),
            Arc::clone(&log),
            Arc::clone(&registry),
            tls(postgres::NAME)?,
        );
        let http = http::Shared::new(
            config,
            Arc::clone(&port),
            log,
            Arc::clone(&registry),
            tls(http::NAME)?,
        );
        Ok(Arc::new(Self {
            port,
            registry,
            postgres,
            http,
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
