//! A certified OpenID provider (npm `oidc-provider`) in front of a gateway.

use crate::process::{Running, checked, free_port, wait_for};
use crate::{Gateway, cache, cargo};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The provider, with the version that was tried.
const PROVIDER: &[&str] = &["oidc-provider@9.13.3"];
/// What the gateway is called there, and what it proves that with.
const CLIENT: &str = "sluice";
const SECRET: &str = "a secret of the gateway's + more: &%";

/// Where a provider will be, so that a gateway can be told before it runs.
#[derive(Debug)]
pub struct Place {
    port: u16,
    home: TempDir,
}

impl Place {
    /// A free one.
    pub fn new() -> Result<Self> {
        let home = tempfile::Builder::new().prefix("sluice-idp-").tempdir()?;
        fs::write(home.path().join("secret"), SECRET)?;
        Ok(Self {
            port: free_port()?,
            home,
        })
    }

    /// The resource that makes it the gateway's, with more settings.
    #[must_use]
    pub fn resource(&self, more: &str) -> String {
        format!(
            "kind: IdentityProvider\nname: corp\noidc:\n  issuer: http://127.0.0.1:{}\n  client_id: {CLIENT}\n  \
             client_secret: {{file: {}}}\nrefresh_seconds: 5\n{more}\n",
            self.port,
            self.home.path().join("secret").display()
        )
    }

    /// Starts the provider for this gateway.
    pub fn start(self, gateway: &Gateway, people: &Value) -> Result<OidcProvider> {
        self.start_with(gateway, people, "RS256", false)
    }

    /// The same with keys of another kind, or with claims from the userinfo endpoint alone.
    pub fn start_with(
        self,
        gateway: &Gateway,
        people: &Value,
        algorithm: &str,
        userinfo_only: bool,
    ) -> Result<OidcProvider> {
        let users = self.home.path().join("users.json");
        fs::write(&users, people.to_string())?;
        let at = format!("https://127.0.0.1:{}", gateway.https_port);
        let settings = json!({
            "port": self.port, "users": users, "algorithm": algorithm, "userinfoOnly": userinfo_only,
            "client": {
                "client_id": CLIENT, "client_secret": SECRET,
                "redirect_uris": [format!("{at}/signin/corp/callback")],
                "post_logout_redirect_uris": [format!("{at}/signin")],
                "backchannel_logout_uri": format!("{at}/signin/corp/backchannel-logout"),
                "backchannel_logout_session_required": true,
            },
        });
        let log = fs::File::create(self.home.path().join("log"))?;
        let server = Running::start(
            Command::new("node")
                .arg(cargo::root().join("tests/idp/idp.mjs"))
                .arg(settings.to_string())
                .env("IDP_MODULES", modules()?)
                .env("NODE_EXTRA_CA_CERTS", gateway.authority())
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log),
            "TERM",
        )?;
        let mut provider = OidcProvider {
            server,
            place: self,
        };
        wait_for("the identity provider", || {
            if let Some(status) = provider.server.ended()? {
                bail!("it ended at once ({status}): {}", provider.log()?);
            }
            Ok(provider.log()?.contains("ready").then_some(()))
        })?;
        Ok(provider)
    }
}

fn modules() -> Result<PathBuf> {
    let key = cache::fingerprint(PROVIDER);
    let folder = cache::prepared(&format!("idp-{key}"), |folder| {
        checked(
            Command::new("npm")
                .current_dir(folder)
                .args([
                    "install",
                    "--silent",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .args(PROVIDER),
        )
        .context("the identity provider comes from the npm registry; install npm")?;
        Ok(())
    })?;
    Ok(folder.join("node_modules"))
}

/// A running provider.
#[derive(Debug)]
pub struct OidcProvider {
    server: Running,
    place: Place,
}

impl OidcProvider {
    /// These are its people from now on.
    pub fn people(&self, people: &Value) -> Result<()> {
        let file = self.place.home.path().join("users.json");
        let fresh = file.with_extension("new");
        fs::write(&fresh, people.to_string())?;
        Ok(fs::rename(fresh, file)?)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.place.port)
    }

    /// What it said.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.place.home.path().join("log"))?)
    }

    /// It cannot be reached any more.
    pub fn stop(&mut self) {
        self.server.stop();
    }
}
