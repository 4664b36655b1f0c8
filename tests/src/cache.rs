//! Where downloads and prepared directories are kept between runs, outside the tree.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The cache directory of the test servers and clients.
pub fn folder() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("expected HOME or XDG_CACHE_HOME in the environment")?
        .join("sluice-testbeds");
    std::fs::create_dir_all(&base).with_context(|| format!("cannot create {}", base.display()))?;
    Ok(base)
}

/// The directory `name` of the cache, made by `make` when it is not there yet. `make` gets a fresh directory beside
/// it, which takes its place in one step: two processes that make it at once do not meet a half-made one.
pub fn prepared(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let wanted = folder()?.join(name);
    if wanted.is_dir() {
        return Ok(wanted);
    }
    let fresh = tempfile::Builder::new()
        .prefix("making-")
        .tempdir_in(folder()?)?;
    make(fresh.path()).with_context(|| format!("cannot prepare {name}"))?;
    let fresh = fresh.keep();
    match std::fs::rename(&fresh, &wanted) {
        Ok(()) => Ok(wanted),
        Err(_) if wanted.is_dir() => {
            std::fs::remove_dir_all(&fresh)?;
            Ok(wanted)
        }
        Err(error) => bail!("cannot keep {}: {error}", wanted.display()),
    }
}

/// A short name for a content, so that a changed content gets a prepared directory of its own (FNV-1a).
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}
