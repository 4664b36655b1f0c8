//! Drivers of other languages, installed once into the cache.

use crate::process::{checked, printed};
use crate::{Gateway, cache, cargo};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// The Python drivers, with the versions that were tried.
const PYTHON: &[&str] = &[
    "psycopg[binary]==3.3.*",
    "psycopg2-binary==2.9.*",
    "asyncpg==0.*",
    "SQLAlchemy==2.*",
    "scim2-tester==0.5.2",
    "httpx2==2.*",
];

/// The Python libraries for HTTP, with the versions that were tried.
const PYTHON_WEB: &[&str] = &[
    "requests==2.*",
    "httpx[http2]==0.28.*",
    "httpie==3.*",
    "aiohttp==3.*",
    "websockets==16.*",
    "grpcio==1.*",
];

/// The Node drivers.
const NODE: &[&str] = &["pg@8", "pg-cursor@2"];

/// A Python that has the drivers.
pub fn python() -> Result<PathBuf> {
    python_with(PYTHON)
}

/// A Python that has the libraries for HTTP.
pub fn python_web() -> Result<PathBuf> {
    python_with(PYTHON_WEB)
}

/// A Python that has these packages.
pub(crate) fn python_with(packages: &[&str]) -> Result<PathBuf> {
    let key = cache::fingerprint(packages);
    let environment = cache::prepared(&format!("python-{key}"), |folder| {
        checked(Command::new("python3").args(["-m", "venv"]).arg(folder))
            .context("Python's libraries need python3-venv; install it")?;
        checked(
            Command::new(folder.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .args(packages),
        )?;
        Ok(())
    })?;
    Ok(environment.join("bin/python"))
}

/// The folder whose `node_modules` has the Node drivers.
pub fn node_modules() -> Result<PathBuf> {
    Ok(node_with(NODE)?.join("node_modules"))
}

/// A folder with a `node_modules` that has these packages.
pub(crate) fn node_with(packages: &[&str]) -> Result<PathBuf> {
    let key = cache::fingerprint(packages);
    cache::prepared(&format!("node-{key}"), |folder| {
        checked(
            Command::new("npm")
                .current_dir(folder)
                // No package that is used here needs its scripts to run.
                .args([
                    "install",
                    "--silent",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .args(packages),
        )
        .context("Node's packages come from the npm registry; install npm")?;
        Ok(())
    })
}

/// Runs a script of `tests/clients` against a gateway and gives what it printed.
pub fn run(
    script: &str,
    gateway: &Gateway,
    token: &str,
    environment: &[(&str, &str)],
) -> Result<String> {
    let path = cargo::root().join("tests/clients").join(script);
    let mut command = if script.ends_with(".py") {
        Command::new(python()?)
    } else {
        let mut node = Command::new("node");
        node.env("NODE_PATH", node_modules()?);
        node
    };
    printed(
        command
            .arg(&path)
            .env("PGHOST", "localhost")
            .env("PGPORT", gateway.port.to_string())
            .env("PGDATABASE", "shop")
            .env("PGUSER", "app")
            .env("PGPASSWORD", token)
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", gateway.authority())
            .env("PGGSSENCMODE", "disable")
            .envs(environment.iter().copied()),
    )
}
