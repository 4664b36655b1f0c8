//! Building the web console, which the gateway's binary takes in.

use crate::shell;
use anyhow::{Context, Result, bail};
use sluice_tests::cache;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the console is made from, in its folder.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "scripts",
    "index.html",
    "openapi.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
];
/// Says from what the console that is there was built.
const BUILT_FROM: &str = "dist/built-from";
/// Says for which packages `node_modules` is.
const INSTALLED_FOR: &str = "node_modules/.installed-for";

/// Builds it, unless it is there as the sources have it.
pub fn build() -> Result<()> {
    let web = shell::root().join("web");
    let wanted = fingerprint(&web, SOURCES)?;
    if read(&web.join(BUILT_FROM)) == wanted && web.join("dist/index.html").is_file() {
        return Ok(());
    }
    install(&web)?;
    npm(&web, &["run", "build"])?;
    fs::write(web.join(BUILT_FROM), wanted).context("the console's mark cannot be written")
}

/// Whether there is one.
pub fn is_built() -> bool {
    shell::root().join("web/dist/index.html").is_file()
}

/// Its types, its lint and its own tests.
pub fn check() -> Result<()> {
    let web = shell::root().join("web");
    install(&web)?;
    npm(&web, &["run", "check"])
}

fn install(web: &Path) -> Result<()> {
    let wanted = fingerprint(web, &["package-lock.json"])?;
    if read(&web.join(INSTALLED_FOR)) == wanted {
        return Ok(());
    }
    npm(web, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    fs::write(web.join(INSTALLED_FOR), wanted).context("node_modules cannot be marked")
}

fn npm(web: &Path, arguments: &[&str]) -> Result<()> {
    if !shell::exists("npm", "--version") {
        bail!(
            "the console is built by Node.js 20 or later with npm; install them, then this again"
        );
    }
    shell::run_command(Command::new("npm").current_dir(web).args(arguments))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A fingerprint of files and all that is in folders.
fn fingerprint(web: &Path, names: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for name in names {
        collect(&web.join(name), &mut files)?;
    }
    files.sort();
    let mut parts = Vec::new();
    for file in files {
        parts.push(file.strip_prefix(web)?.to_string_lossy().into_owned());
        parts.push(String::from_utf8_lossy(&fs::read(&file)?).into_owned());
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    Ok(cache::fingerprint(&parts))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    // Made from the description of the API, which is among the sources itself.
    if path.ends_with("src/api/schema.ts") {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
