//! The PostgreSQL driver.
//!
//! ```text
//! listen -> greet (TLS, startup) -> login (token, connection, account) -> (waiting) -> target -> session
//! ```

mod again;
mod analyst;
mod answer;
mod back;
mod capture;
mod catalog;
mod copy_in;
mod digest;
mod effects;
mod estimate;
mod expect;
mod explain;
mod extended;
mod front;
mod greet;
mod hold;
mod judge;
mod login;
mod meaning;
mod names;
mod pick;
mod refusal;
mod refuse;
mod session;
mod shape;
mod target;
mod trial;
mod waiting;
mod write_back;

pub use explain::explain;
pub use judge::judge;
pub use trial::try_out;

use crate::Listener;
use crate::port::ControlPort;
use crate::registry::Registry;
use crate::targets::Healths;
use catalog::Catalogs;
use sluice_protocol::sql::Reader;
use sluice_record::Log;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use target::SaltedPasswords;
use tokio::net::TcpStream;
use waiting::WaitingLogins;

/// Its name in the protocol table.
pub const NAME: &str = "postgres";
/// The most clients that are between their first byte and the end of their login.
const MAX_LOGINS: usize = 4_096;

/// What all PostgreSQL sessions share.
pub struct Shared {
    /// The control plane.
    pub port: Arc<dyn ControlPort>,
    /// The record.
    pub log: Arc<Log>,
    /// The live sessions.
    pub registry: Arc<Registry>,
    /// The gateway's side of TLS.
    pub tls: Arc<rustls::ServerConfig>,
    /// What exists on the targets.
    pub catalogs: Arc<Catalogs>,
    /// Texts that were read.
    pub reader: Reader,
    /// SCRAM passwords, salted.
    pub salted: Arc<SaltedPasswords>,
    /// How targets were when they were last opened.
    pub healths: Arc<Healths>,
    /// Logins that wait for an approval.
    pub waiting: WaitingLogins,
    logins: AtomicUsize,
}

impl Shared {
    /// With nothing read or known yet.
    #[must_use]
    pub fn new(
        port: Arc<dyn ControlPort>,
        log: Arc<Log>,
        registry: Arc<Registry>,
        tls: Arc<rustls::ServerConfig>,
        healths: Arc<Healths>,
    ) -> Arc<Self> {
        let salted = Arc::new(SaltedPasswords::default());
        let catalogs = Catalogs::new(Arc::clone(&port), Arc::clone(&salted), Arc::clone(&healths));
        let catalogs = Arc::new(catalogs);
        Arc::new(Self {
            port,
            log,
            registry,
            tls,
            catalogs,
            reader: Reader::new(),
            salted,
            healths,
            waiting: WaitingLogins::default(),
            logins: AtomicUsize::new(0),
        })
    }
}

/// Counts a client that is logging in, until it is dropped.
pub(crate) struct LoginSlot(Arc<Shared>);

impl Drop for LoginSlot {
    fn drop(&mut self) {
        self.0.logins.fetch_sub(1, Ordering::AcqRel);
    }
}

fn login_slot(shared: &Arc<Shared>) -> Option<LoginSlot> {
    let before = shared.logins.fetch_add(1, Ordering::AcqRel);
    let slot = LoginSlot(Arc::clone(shared));
    (before < MAX_LOGINS).then_some(slot)
}

/// Serves one client to its end.
pub async fn serve(
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    stream: TcpStream,
    peer: std::net::SocketAddr,
) {
    let Some(slot) = login_slot(&shared) else {
        metrics::counter!("sluice_connections_dropped_total").increment(1);
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a client left at once");
        return;
    }
    if let Some(ready) = login::client(&shared, &listener, stream, peer).await {
        drop(slot);
        let login::Ready {
            session,
            membership,
            snapshots,
        } = ready;
        Box::pin(session.run(snapshots)).await;
        drop(membership);
    }
}
