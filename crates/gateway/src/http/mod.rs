//! The HTTP driver.
//!
//! ```text
//! client (TLS, HTTP/1.1 or 2) -> asked -> route -> login (session) -> operation -> decide, hold -> relay
//!                                                                      outgoing -> pool -> target -> answer
//! ```
//! A request is decided when all of it is there: its head, and its body up to [`exchange::MAX_WHOLE`]. Only a body that
//! is longer, or of a kind that is a stream, is passed on while it comes, after its head was decided.

mod address;
mod answer;
mod asked;
mod browser;
mod call;
mod capture;
mod client;
mod cookies;
mod describe;
mod dial;
mod encoding;
mod ended;
mod exchange;
mod explain;
mod hold;
mod judge;
mod leases;
mod login;
mod operation;
mod outgoing;
mod own;
mod pages;
mod pass;
mod pool;
mod refusal;
mod relay;
mod route;
mod rules;
mod send;
mod sessions;
mod trial;
mod tunnel;
mod wire;

pub use client::serve;
pub use explain::explain;
pub use judge::judge;
pub use trial::try_out;

use crate::GatewayConfig;
use crate::port::ControlPort;
use crate::registry::Registry;
use crate::targets::Healths;
use describe::Descriptions;
use leases::Leases;
use pool::Pools;
use route::Sites;
use sessions::Sessions;
use sluice_record::Log;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::Semaphore;

/// Its name in the protocol table.
pub const NAME: &str = "http";

/// Whether it is known what a request does.
fn actions_of(asked: &asked::Asked) -> bool {
    sluice_protocol::http::actions::of(&asked.method).is_some()
}

/// What all clients share.
pub struct Shared {
    port: Arc<dyn ControlPort>,
    log: Arc<Log>,
    registry: Arc<Registry>,
    tls: tokio_rustls::TlsAcceptor,
    sites: Sites,
    sessions: Sessions,
    pools: Pools,
    leases: Leases,
    descriptions: Descriptions,
    /// Connections of clients that are open.
    clients: AtomicUsize,
    /// Room for bodies that are held until they are decided.
    held: Arc<Semaphore>,
}

impl Shared {
    /// With no session yet. Sessions are kept up to date from now on.
    #[must_use]
    pub fn new(
        config: &GatewayConfig,
        port: Arc<dyn ControlPort>,
        log: Arc<Log>,
        registry: Arc<Registry>,
        tls: Arc<rustls::ServerConfig>,
        healths: Arc<Healths>,
    ) -> Arc<Self> {
        let shared = Arc::new(Self {
            port,
            log,
            registry,
            tls: tls.into(),
            sites: Sites {
                domains: config.domains.clone(),
                public_url: config.public_url.clone(),
            },
            sessions: Sessions::default(),
            pools: Pools::new(healths),
            leases: Leases::default(),
            descriptions: Descriptions::default(),
            clients: AtomicUsize::new(0),
            held: Arc::new(Semaphore::new(exchange::MAX_HELD)),
        });
        let kept = Arc::clone(&shared);
        tokio::spawn(async move {
            let (port, registry) = (Arc::clone(&kept.port), Arc::clone(&kept.registry));
            kept.sessions.keep(port, registry).await;
        });
        shared
    }
}
