//! A gateway with its console, a database behind it, people who sign in, and somebody who works in a terminal.

use crate::dev_idp::{DevIdp, RunningDevIdp};
use crate::process::Running;
use crate::{Gateway, Postgres, Settings};
use anyhow::Result;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

/// Those who sign in: an administrator, somebody of the database team, an engineer.
const PEOPLE: &str = "- {name: root, email: root@example.com, groups: [admins, dba]}\n\
                      - {name: lee, email: lee@example.com, groups: [dba]}\n\
                      - {name: kim, email: kim@example.com, groups: [engineering]}\n";

/// All of it, while it runs.
pub struct Stage {
    /// The gateway.
    pub gateway: Gateway,
    _identity_provider: RunningDevIdp,
    /// The database.
    pub shop: Postgres,
    /// The token of `user:ada`, an engineer who works in a terminal.
    pub ada: String,
}

impl Stage {
    /// Starts it.
    pub fn start(settings: Settings) -> Result<Self> {
        let shop = Postgres::start()?;
        let place = DevIdp::place()?;
        let gateway = Gateway::start(&shop, settings.resource("identity.yaml", &place.resource()))?;
        let identity_provider = place.start(&gateway, PEOPLE)?;
        let ada = gateway.token("user:ada")?;
        Ok(Self {
            gateway,
            _identity_provider: identity_provider,
            shop,
            ada,
        })
    }

    /// The address of a page.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!(
            "https://127.0.0.1:{}/console{path}",
            self.gateway.https_port
        )
    }

    /// Opens a page as somebody who has to sign in first.
    #[must_use]
    pub fn sign_in(&self, who: &str, path: &str) -> Vec<Value> {
        vec![
            json!({"open": self.at(path)}),
            json!({"click": format!("button[value={who}]")}),
            json!({"at": "/console"}),
        ]
    }

    /// psql of ada's, at work on one statement.
    pub fn psql(&self, sql: &str) -> Result<Running> {
        let screen = File::create(self.gateway.home().join("screen"))?;
        let mut psql = self.gateway.psql_command(&self.ada);
        psql.args(["-c", sql])
            .stdin(Stdio::null())
            .stdout(screen.try_clone()?)
            .stderr(screen);
        Running::start(&mut psql, "KILL")
    }

    /// What that psql has shown.
    pub fn screen(&self) -> Result<String> {
        Ok(fs::read_to_string(self.gateway.home().join("screen"))?)
    }
}

/// Where pictures go, when somebody wants to look at them: the folder in `SLUICE_PICTURES`.
fn picture(name: &str) -> Option<Value> {
    let folder = PathBuf::from(std::env::var_os("SLUICE_PICTURES")?);
    Some(json!({"picture": folder.join(format!("{name}.png"))}))
}

/// The page that is open, in light and dark and as wide as a telephone: nobody is kept out, nothing is cut off.
#[must_use]
pub fn looked_at(name: &str) -> Vec<Value> {
    let mut steps = Vec::new();
    for (look, scheme, width, height) in [
        ("light", "light", 1_280, 900),
        ("dark", "dark", 1_280, 900),
        ("phone", "light", 390, 844),
    ] {
        let page = format!("{name} ({look})");
        steps.push(json!({"size": [width, height]}));
        steps.push(json!({"scheme": scheme}));
        steps.extend(picture(&format!("{name}-{look}")));
        steps.push(json!({"accessible": page}));
        steps.push(json!({"fits": page}));
    }
    steps.push(json!({"size": [1_280, 900]}));
    steps
}
