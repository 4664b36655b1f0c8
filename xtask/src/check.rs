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
    // The end-to-end tests start this binary.
    shell::run("cargo", &["build", "--locked", "--package", "sluice-cli"])?;
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
    if shell::exists("cargo-nextest", "--version") {
        shell::run(
            "cargo",
            &[
                "nextest",
                "run",
                "--workspace",
                "--locked",
                "--no-fail-fast",
            ],
        )
    } else {
        shell::run(
            "cargo",
            &["test", "--workspace", "--locked", "--no-fail-fast"],
        )
    }
}
