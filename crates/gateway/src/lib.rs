//! The data plane: listeners, TLS, client login, drivers, the pipeline. The only crate with both sockets.
//!
//! [`Gateway::start`] binds the listeners; each accepted client becomes a task that logs in, connects to
//! its target and relays until either side, a policy or the operator ends it.

mod asking;
mod clock;
mod digest;
mod drivers;
mod duplex;
mod edits;
mod explanation;
mod http;
mod judging;
mod meters;
mod opening;
mod pipeline;
mod port;
mod postgres;
mod registry;
mod signals;
mod stream;
mod targets;
mod tls;

pub use explanation::{ExplainRequest, ExplainedColumn, ExplainedStatement, Explanation};
pub use judging::{CannotJudge, JudgeRequest, Judged};
pub use meters::{METRICS, Meter, Metric};
pub use port::{
    Authenticated, ControlPort, Entered, HoldProgress, Looked, PortError, PortFuture, Spent, Ticket,
};
pub use registry::{EndReason, Entry, Live, Registry};
pub use targets::{TargetHealth, TriedStep};

use drivers::Drivers;
use sluice_model::{Connection, WaysIn};
use sluice_policy::Snapshot;
use sluice_record::Log;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// One address to listen on for clients.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Where. Port 0 picks a free one.
    pub address: SocketAddr,
    /// What is spoken there, by its name in the protocol table; that of its connection, where it serves one only.
    pub protocol: Option<String>,
    /// Serves this connection only, so that the client's database name is the target's.
    pub connection: Option<String>,
    /// What callers may prove who they are with.
    pub ways: WaysIn,
    /// Where clients that bring a token by SASL are told to get one.
    pub issuer: String,
    /// Clients on a loopback address may come without TLS.
    pub plaintext_on_loopback: bool,
}

/// What the data plane needs to start.
pub struct GatewayConfig {
    /// Where clients are waited for.
    pub listeners: Vec<Listener>,
    /// The gateway's side of TLS, by the name of the protocol.
    pub tls: BTreeMap<&'static str, Arc<rustls::ServerConfig>>,
    /// Where people reach the gateway's own pages.
    pub public_url: String,
    /// Domains whose names are those of connections: `gateway.example` for `reports.gateway.example`.
    pub domains: Vec<String>,
}

/// The data plane could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; expected a free address of this host")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// There is no configuration of TLS for a protocol.
    #[error("tls is not set up for {0}")]
    Tls(&'static str),
}

/// The running data plane.
pub struct Gateway {
    drivers: Arc<Drivers>,
    addresses: Vec<SocketAddr>,
}

impl Gateway {
    /// Binds every listener and starts to accept.
    ///
    /// # Errors
    /// An address cannot be bound; nothing is left listening then.
    pub async fn start(
        config: GatewayConfig,
        port: Arc<dyn ControlPort>,
        log: Arc<Log>,
        registry: Arc<Registry>,
    ) -> Result<Self, StartError> {
        meters::describe();
        let drivers = Drivers::new(&config, port, log, registry)?;
        let mut bound = Vec::new();
        for listener in config.listeners {
            let address = listener.address;
            let socket = tokio::net::TcpListener::bind(address)
                .await
                .map_err(|source| StartError::Bind { address, source })?;
            bound.push((socket, listener));
        }
        let mut addresses = Vec::new();
        for (socket, listener) in bound {
            addresses.push(socket.local_addr().unwrap_or(listener.address));
            tokio::spawn(drivers::listen(Arc::clone(&drivers), socket, listener));
        }
        Ok(Self { drivers, addresses })
    }

    /// The addresses that are listened on, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What would be decided about a statement, without running it.
    ///
    /// # Errors
    /// The connection is unknown, or its target cannot be asked for its catalog; in words for the caller.
    pub async fn explain(&self, asked: ExplainRequest) -> Result<Explanation, PortError> {
        self.drivers.explain(asked).await
    }

    /// What each of these snapshots decides about a text. Nothing runs, and the target is asked for no more than what
    /// exists there.
    pub async fn judge(&self, snapshots: &[Arc<Snapshot>], asked: &JudgeRequest) -> Judged {
        self.drivers.judge(snapshots, asked).await
    }

    /// Opens a target as for a session and ends that at once, within ten seconds; nothing is asked of it.
    pub async fn try_target(&self, connection: &Connection, account: &str) -> Vec<TriedStep> {
        self.drivers.try_target(connection, account).await
    }

    /// How the target of a registered connection was when it was last opened, by whomever.
    #[must_use]
    pub fn target_health(&self, connection: &str) -> Option<TargetHealth> {
        self.drivers.target_health(connection)
    }

    /// Stops accepting, lets sessions end by themselves for `grace`, then ends the rest.
    pub async fn drain(&self, grace: Duration) {
        let registry = self.drivers.registry();
        registry.drain();
        let deadline = tokio::time::Instant::now() + grace;
        while registry.count() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        registry.end_all("the gateway is shutting down");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while registry.count() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
