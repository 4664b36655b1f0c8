//! Trying a service out: everything up to the first request. None is sent, since even a harmless one would be an act.

use super::{Shared, dial};
use crate::targets::{IN_THE_CLEAR, Trial, secured};
use sluice_model::{Connection, Lease, Shown};
use std::sync::Arc;

/// Tries a service out with an account: each of its addresses in turn, up to the first that fails.
pub async fn try_out(
    shared: &Arc<Shared>,
    connection: &Connection,
    account: &str,
    trial: &mut Trial,
) {
    let lease = async {
        let lease = shared.port.lease(connection, account).await;
        let lease = lease.map_err(|error| error.to_string())?;
        Ok((lease, "it could be had".to_owned()))
    };
    let Some(lease) = trial.step("credential", lease).await else {
        return;
    };
    let more = connection.settings.addresses.iter();
    for address in std::iter::once(&connection.target.address).chain(more) {
        if try_address(connection, &lease, address, trial)
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn try_address(
    connection: &Connection,
    lease: &Lease,
    address: &str,
    trial: &mut Trial,
) -> Option<()> {
    let dialled = async {
        let tcp = dial::dial(address).await.map_err(|e| e.plainly())?;
        Ok((tcp, "it accepts connections".to_owned()))
    };
    let tcp = trial.step("connect", dialled).await?;
    let secure = async {
        let certificate = match &lease.shown {
            Some(Shown::Certificate {
                cert_file,
                key_file,
            }) => Some((cert_file.as_str(), key_file.as_str())),
            _ => None,
        };
        let config = dial::offers(&connection.target, certificate).map_err(|e| e.plainly())?;
        let Some(config) = config else {
            return Ok(((), IN_THE_CLEAR.to_owned()));
        };
        let tls = dial::secure(address, tcp, config).await;
        let tls = tls.map_err(|e| e.plainly())?;
        Ok(((), secured(tls.get_ref().1.protocol_version())))
    };
    trial.step("tls", secure).await
}
