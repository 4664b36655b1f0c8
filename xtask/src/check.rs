//! `cargo xtask test`: everything that has to hold, quickest first, the tests last so that their totals close the run.

use crate::{console, corpus, fuzz, generate, packages, shell, tidy};
use anyhow::{Result, bail};

/// Installs what is missing, then runs every check and every test.
pub fn everything() -> Result<()> {
    packages::ensure(&[
        packages::BUILD,
        packages::CONSOLE,
        packages::POSTGRES,
        packages::CLIENTS,
    ])?;
    components()?;
    shell::run("cargo", &["fmt", "--all", "--check"])?;
    tidy::check()?;
    dependencies()?;
    console::check()?;
    console::build()?;
    let strict = ["--", "-D", "warnings"];
    let mut clippy = vec!["clippy", "--workspace", "--all-targets", "--locked"];
    clippy.extend(strict);
    shell::run("cargo", &clippy)?;
    generate::check()?;
    corpus::run()?;
    fuzz::run(fuzz::SECONDS)?;
    tests()
}

/// The parts of the toolchain that a minimal one lacks.
fn components() -> Result<()> {
    let missing = ["fmt", "clippy"]
        .iter()
        .any(|part| !shell::succeeds("cargo", &[part, "--version"]));
    if missing {
        bail!(
            "formatting and lints need `rustup component add rustfmt clippy`; run that, then this again"
        );
    }
    Ok(())
}

/// How long fetching the advisories may take: their repository is small, and a network that swallows packets should
/// not stop the run.
const FETCH_SECONDS: &str = "120";

/// Licences, bans and sources, where the tool is there; advisories, where their database can be had.
fn dependencies() -> Result<()> {
    if !shell::exists("cargo-deny", "--version") {
        eprintln!(
            "\ncargo-deny is not installed: deny.toml was not checked (`cargo install cargo-deny`)"
        );
        return Ok(());
    }
    let check = ["deny", "--all-features", "check"];
    let by_itself = ["bans", "licenses", "sources"];
    shell::run("cargo", &[&check[..], &by_itself].concat())?;
    let fetch = [FETCH_SECONDS, "cargo", "deny", "fetch", "db"];
    if shell::succeeds("timeout", &fetch) {
        let fetched = ["deny", "--offline", "--all-features", "check", "advisories"];
        return shell::run("cargo", &fetched);
    }
    eprintln!("\nthe advisory database cannot be reached: advisories were not checked");
    Ok(())
}

/// The runner's own totals are the last thing printed.
fn tests() -> Result<()> {
    let runner: &[&str] = if shell::exists("cargo-nextest", "--version") {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    let all = ["--workspace", "--locked", "--no-fail-fast"];
    shell::run_command(
        shell::command("cargo", runner)
            .args(all)
            // What the end-to-end tests start, instead of each asking cargo for it.
            .env("SLUICE_BIN", shell::built("sluice")?),
    )
}
