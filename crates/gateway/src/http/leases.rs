//! Targets' credentials, kept for some seconds so that not every request asks for one.

use super::refusal::Refusal;
use crate::clock;
use crate::port::ControlPort;
use parking_lot::Mutex;
use sluice_model::{Connection, Lease};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one is kept: a credential that is changed or withdrawn is not used for longer.
const KEPT: Duration = Duration::from_secs(5);

struct Kept {
    connection: Arc<Connection>,
    lease: Arc<Lease>,
    since: Instant,
}

/// The leases of all accounts.
#[derive(Default)]
pub struct Leases(Mutex<HashMap<(String, String), Kept>>);

impl Leases {
    /// The credential of an account.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn of(
        &self,
        port: &dyn ControlPort,
        connection: &Arc<Connection>,
        account: &str,
    ) -> Result<Arc<Lease>, Refusal> {
        let key = (connection.name.clone(), account.to_owned());
        if let Some(lease) = self.known(&key, connection) {
            return Ok(lease);
        }
        let lease = Arc::new(port.lease(connection, account).await?);
        let kept = Kept {
            connection: Arc::clone(connection),
            lease: Arc::clone(&lease),
            since: Instant::now(),
        };
        let mut all = self.0.lock();
        all.retain(|_, kept| kept.since.elapsed() < KEPT);
        all.insert(key, kept);
        Ok(lease)
    }

    fn known(&self, key: &(String, String), connection: &Arc<Connection>) -> Option<Arc<Lease>> {
        let all = self.0.lock();
        let kept = all.get(key)?;
        let lasts = kept.lease.until.is_none_or(|until| clock::now() < until);
        let same = Arc::ptr_eq(&kept.connection, connection);
        (same && lasts && kept.since.elapsed() < KEPT).then(|| Arc::clone(&kept.lease))
    }
}
