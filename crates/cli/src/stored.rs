//! What `sluice login` keeps: which gateway, which authority, and the token, in a file that its user alone may read.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

/// A login that is kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The gateway.
    pub url: String,
    /// The authority to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The token.
    pub token: String,
}

/// `$XDG_CONFIG_HOME/sluice/login.json`, or the same under `~/.config`.
fn path() -> Option<PathBuf> {
    let named = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    };
    let base = named("XDG_CONFIG_HOME").or_else(|| Some(named("HOME")?.join(".config")))?;
    Some(base.join("sluice").join("login.json"))
}

fn cannot(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!(
        "cannot keep the login in {}: {error}",
        path.display()
    ))
    .hint("HOME or XDG_CONFIG_HOME has to name a directory that can be written")
}

/// The login that is kept, if there is one.
///
/// # Errors
/// It is there and cannot be read.
pub fn read() -> Result<Option<Login>, Failure> {
    let Some(path) = path() else { return Ok(None) };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(&path, &error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|_| {
        Failure::usage(format!("the login in {} cannot be read", path.display()))
            .hint("run `sluice login` again")
    })
}

/// Keeps a login instead of the one before.
///
/// # Errors
/// The file cannot be written.
pub fn keep(login: &Login) -> Result<(), Failure> {
    let path =
        path().ok_or_else(|| Failure::usage("HOME is not set, so the login cannot be kept"))?;
    let written = || -> std::io::Result<()> {
        let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        // A new file takes the place of the old one, so that nobody's reader meets half of it.
        let fresh = folder.join(format!("login.{}.new", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(serde_json::to_string(login)?.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)
    };
    written().map_err(|error| cannot(&path, &error))
}

/// Forgets the login.
///
/// # Errors
/// The file is there and cannot be removed.
pub fn forget() -> Result<(), Failure> {
    let Some(path) = path() else { return Ok(()) };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot(&path, &error)),
        _ => Ok(()),
    }
}
