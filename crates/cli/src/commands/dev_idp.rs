//! `sluice dev-idp`: an identity provider for development alone, so that a sign-in can be tried without one.

use crate::failure::Failure;
use crate::telemetry;
use clap::Args;
use sluice_control::DevelopmentProvider;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `sluice dev-idp --listen 127.0.0.1:9000 --users users.yaml --redirect-uri URI`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
FOR DEVELOPMENT ALONE: whoever reaches it signs in as whom they like. It listens on loopback addresses only. The file \
of users is a YAML list: - {name: kim, email: kim@example.com, groups: [engineering]}")]
pub struct DevIdp {
    /// A loopback address; its issuer is http:// and this
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The people, in YAML; read again whenever somebody is asked about
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
    /// What the gateway is called there
    #[arg(long, default_value = "sluice")]
    client_id: String,
    /// Where people are sent back to: PUBLIC_URL/signin/PROVIDER/callback (may be given several times)
    #[arg(long = "redirect-uri", value_name = "URI", required = true)]
    redirect_uris: Vec<String>,
}

impl DevIdp {
    /// Serves until it is stopped.
    pub async fn run(self) -> Result<(), Failure> {
        telemetry::start_logging()?;
        let provider = DevelopmentProvider {
            listen: self.listen,
            users: self.users,
            client_id: self.client_id,
            redirect_uris: self.redirect_uris,
        };
        provider.serve().await.map_err(Failure::failed)
    }
}
