//! A real browser: Debian's Chromium without a screen, driven by playwright-core.

use crate::process::checked;
use crate::{cache, cargo};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What drives it, with the version that was tried.
const DRIVER: &[&str] = &["playwright-core@1.65.1", "axe-core@4.14.1"];
const CHROMIUM: &str = "/usr/bin/chromium";

/// One browser with a profile of its own: cookies stay from one visit to the next.
#[derive(Debug)]
pub struct Chromium {
    profile: TempDir,
}

/// What it came to.
#[derive(Debug)]
pub struct Seen {
    /// Where it is.
    pub url: String,
    /// What the page shows.
    pub text: String,
    /// What the browser complained about.
    pub complaints: Vec<String>,
    /// Its cookies: name, httpOnly, secure, sameSite.
    pub cookies: Value,
    /// How long pages took until all of them was there: name, millis.
    pub took: Value,
}

impl Chromium {
    /// A new one.
    pub fn new() -> Result<Self> {
        if !Path::new(CHROMIUM).exists() {
            bail!("a browser is needed; install chromium");
        }
        let profile = tempfile::Builder::new()
            .prefix("sluice-chromium-")
            .tempdir()?;
        Ok(Self { profile })
    }

    /// Does these steps (see `tests/clients/chromium.mjs`); an error says where it stopped.
    pub fn visit(&self, steps: &Value) -> Result<Seen> {
        let settings = json!({"steps": steps, "profile": self.profile.path()});
        let output = Command::new("node")
            .arg(cargo::root().join("tests/clients/chromium.mjs"))
            .arg(settings.to_string())
            .env("BROWSER_MODULES", modules()?)
            .stdin(Stdio::null())
            .output()
            .context("node is needed; install npm")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        let seen: Value = serde_json::from_slice(&output.stdout)?;
        let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
        let complaints = seen["complaints"].as_array().into_iter().flatten();
        Ok(Seen {
            url: text("url"),
            text: text("text"),
            complaints: complaints
                .filter_map(|c| c.as_str().map(str::to_owned))
                .collect(),
            cookies: seen["cookies"].clone(),
            took: seen["took"].clone(),
        })
    }
}

fn modules() -> Result<PathBuf> {
    let key = cache::fingerprint(DRIVER);
    let folder = cache::prepared(&format!("browser-{key}"), |folder| {
        checked(
            Command::new("npm")
                .current_dir(folder)
                .args(["install", "--silent", "--no-audit", "--no-fund"])
                .arg("--ignore-scripts")
                .args(DRIVER),
        )
        .context("the browser's driver comes from the npm registry; install npm")?;
        Ok(())
    })?;
    Ok(folder.join("node_modules"))
}
