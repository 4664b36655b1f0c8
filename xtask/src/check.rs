//! `cargo xtask test`: everything that has to hold, quickest first, the tests last so that their totals close the run.

use crate::{corpus, fuzz, generate, packages, shell, tidy};
use anyhow::Result;

/// Installs what is missing, then runs every check and every test.
pub fn everything() -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::POSTGRES, packages::CLIENTS])?;
    shell::run("cargo", &["fmt", "--all", "--check"])?;
    tidy::check()?;
    dependencies()?;
    let strict = ["--", "-D", "warnings"];
    let mut clippy = vec!["clippy", "--workspace", "--all-targets", "--locked"];
    clippy.extend(strict);
    shell::run("cargo", &clippy)?;
    generate::check()?;
    corpus::run()?;
    fuzz::run(fuzz::SECONDS)?;
    tests()
}

/// Licences, advisories and bans, where the tool is there.
fn dependencies() -> Result<()> {
    if shell::exists("cargo-deny", "--version") {
        shell::run(
            "cargo",
            &[
                "deny",
                "--all-features",
                "check",
                "bans",
                "licenses",
                "sources",
            ],
        )
    } else {
        eprintln!(
            "\ncargo-deny is not installed: deny.toml was not checked (`cargo install cargo-deny`)"
        );
        Ok(())
    }
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
