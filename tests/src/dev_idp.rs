//! The development identity provider of the binary itself, in front of a gateway.

use crate::Gateway;
use crate::process::{Running, free_port, wait_for};
use anyhow::{Result, bail};
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where it will be, so that a gateway can be told before it runs.
#[derive(Debug)]
pub struct DevIdp {
    port: u16,
    home: TempDir,
}

impl DevIdp {
    /// A free place.
    pub fn place() -> Result<Self> {
        Ok(Self {
            port: free_port()?,
            home: tempfile::Builder::new()
                .prefix("sluice-dev-idp-")
                .tempdir()?,
        })
    }

    /// The resource that makes it the gateway's.
    #[must_use]
    pub fn resource(&self) -> String {
        format!(
            "kind: IdentityProvider\nname: dev\ntitle: the development identity provider\noidc:\n  \
             issuer: http://127.0.0.1:{}\n  client_id: sluice\ngroups: {{map: {{admins: admins}}}}\nrefresh_seconds: 5\n",
            self.port
        )
    }

    /// Starts it for this gateway, with these people.
    pub fn start(self, gateway: &Gateway, people: &str) -> Result<RunningDevIdp> {
        let users = self.home.path().join("users.yaml");
        fs::write(&users, people)?;
        let back = format!(
            "https://127.0.0.1:{}/signin/dev/callback",
            gateway.https_port
        );
        let log = fs::File::create(self.home.path().join("log"))?;
        let mut server = Running::start(
            Command::new(gateway.binary())
                .args(["dev-idp", "--listen", &format!("127.0.0.1:{}", self.port)])
                .args(["--redirect-uri", &back, "--users"])
                .arg(&users)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
            "TERM",
        )?;
        wait_for("the development identity provider", || {
            if let Some(status) = server.ended()? {
                bail!("it ended at once ({status})");
            }
            Ok(TcpStream::connect(("127.0.0.1", self.port))
                .is_ok()
                .then_some(()))
        })?;
        Ok(RunningDevIdp {
            _server: server,
            _home: self.home,
        })
    }
}

/// It, while it runs.
#[derive(Debug)]
pub struct RunningDevIdp {
    // Dropped in this order: the process ends before its files go.
    _server: Running,
    _home: TempDir,
}
