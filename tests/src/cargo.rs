//! Finding (and building) the product's binary.

use crate::process::checked;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// How the binary is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build; what tests use.
    Dev,
    /// What users run.
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// The `sluice` binary: `SLUICE_BIN` when that is set, otherwise built now (a moment when nothing changed).
pub fn sluice(profile: Profile) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("SLUICE_BIN") {
        let named = PathBuf::from(named);
        if !named.is_file() {
            bail!("SLUICE_BIN names {}, which is no file", named.display());
        }
        return Ok(named);
    }
    let mut build = Command::new("cargo");
    build
        .current_dir(root())
        .args(["build", "--quiet", "--locked", "--package", "sluice-cli"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    if profile == Profile::Release {
        // Long enough that progress is worth seeing.
        let status = build.status().context("cannot start cargo")?;
        if !status.success() {
            bail!("building sluice failed ({status})");
        }
    } else {
        checked(&mut build)?;
    }
    Ok(target_folder().join(profile.folder()).join("sluice"))
}

/// The folder that cargo builds into.
#[must_use]
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
