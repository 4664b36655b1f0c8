//! What an identity provider sends to provision people and groups: curl with a token.

use crate::Gateway;
use crate::process::printed;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Lines for an identity provider's resource that make it provision, and the service that it does it with.
pub const PROVISIONS: &str =
    "scim: {service: provisioner}\n---\nkind: Service\nname: provisioner\n";

/// One that provisions.
#[derive(Debug)]
pub struct Provisioner {
    url: String,
    token: String,
    /// Holds the header with the token, so that no error shows it.
    home: TempDir,
    authority: PathBuf,
}

impl Provisioner {
    /// With a token of its own.
    pub fn new(gateway: &Gateway) -> Result<Self> {
        let token = gateway.token("service:provisioner")?;
        let home = tempfile::Builder::new().prefix("sluice-scim-").tempdir()?;
        let header = format!("Authorization: Bearer {token}");
        fs::write(home.path().join("header"), header)?;
        Ok(Self {
            url: format!("https://127.0.0.1:{}/scim/v2", gateway.https_port),
            token,
            home,
            authority: gateway.authority(),
        })
    }

    /// Where it sends to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it proves itself with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends something that has to succeed, and gives what is answered.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let header = format!("@{}", self.home.path().join("header").display());
        let text = printed(
            Command::new("curl")
                .args(["-sS", "--max-time", "20", "-X", method, "-H", &header])
                .args(["-H", "Content-Type: application/scim+json"])
                .args([
                    "-w",
                    "\n%{http_code}",
                    "--data",
                    &body.to_string(),
                    "--cacert",
                ])
                .arg(&self.authority)
                .arg(format!("{}{path}", self.url)),
        )?;
        let (answer, status) = text.rsplit_once('\n').context("curl says the status")?;
        if !status.starts_with('2') {
            bail!("{method} {path}: {status} {answer}");
        }
        Ok(serde_json::from_str(answer).unwrap_or_default())
    }

    /// A new person or group; its id.
    fn made(&self, path: &str, body: &Value) -> Result<String> {
        let made = self.send("POST", path, body)?;
        let id = made["id"].as_str().context("what was made has an id")?;
        Ok(id.to_owned())
    }

    /// A new person; their id.
    pub fn person(&self, name: &str) -> Result<String> {
        self.made("/Users", &json!({"userName": name, "active": true}))
    }

    /// A new group; its id.
    pub fn group(&self, name: &str, members: &[&str]) -> Result<String> {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        self.made("/Groups", &json!({"displayName": name, "members": members}))
    }

    /// One change of something.
    pub fn change(&self, path: &str, change: &Value) -> Result<Value> {
        self.send("PATCH", path, &json!({"Operations": [change]}))
    }
}
