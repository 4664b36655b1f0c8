//! Reaching a target: one of its addresses, and TLS as its connection demands it.

use super::address;
use super::pool::NoLane;
use crate::tls::{TargetTlsError, client_config};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sluice_model::Target;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one of the addresses that a name leads to may take to be connected to.
const CONNECT_EACH: Duration = Duration::from_secs(3);

/// TLS as it is offered to a target; `None` where it is switched off.
///
/// # Errors
/// It cannot be set up.
pub fn offers(
    target: &Target,
    certificate: Option<(&str, &str)>,
) -> Result<Option<Arc<ClientConfig>>, TargetTlsError> {
    client_config(target, certificate, &[b"h2", b"http/1.1"])
}

/// Sets TLS up with the target at an address.
///
/// # Errors
/// The handshake fails.
pub async fn secure(
    address: &str,
    stream: TcpStream,
    config: Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, NoLane> {
    let host = address::host_of(address).to_owned();
    let name = ServerName::try_from(host).map_err(|_| NoLane::Name)?;
    Ok(tokio_rustls::TlsConnector::from(config)
        .connect(name, stream)
        .await?)
}

/// Connects to one of the addresses that a name leads to, each for a share of the time.
///
/// # Errors
/// None of them can be.
pub async fn dial(address: &str) -> Result<TcpStream, NoLane> {
    let mut last = NoLane::Silent;
    for candidate in address::look_up(address).await? {
        match timeout(CONNECT_EACH, TcpStream::connect(candidate)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.into(),
            Err(_) => last = NoLane::Silent,
        }
    }
    Err(last)
}
