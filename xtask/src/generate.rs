//! `cargo xtask generate`: the parts of the docs that are made from the code.

use crate::shell;
use anyhow::{Result, bail};
use std::fs;

/// Each file with the cargo arguments that print it.
const FILES: &[(&str, &[&str])] = &[
    (
        "docs/reference.md",
        &["--package", "sluice-cli", "--", "reference"],
    ),
    (
        "docs/postgres-messages.md",
        &["--package", "sluice-protocol", "--example", "messages"],
    ),
];

/// Writes them.
pub fn write() -> Result<()> {
    for (file, arguments) in FILES {
        fs::write(shell::root().join(file), printed(arguments)?)?;
        eprintln!("wrote {file}");
    }
    Ok(())
}

/// An error when one of them is not what the code says.
pub fn check() -> Result<()> {
    for (file, arguments) in FILES {
        let kept = fs::read_to_string(shell::root().join(file)).unwrap_or_default();
        if kept != printed(arguments)? {
            bail!("{file} is not what the code says; run `cargo xtask generate`");
        }
    }
    Ok(())
}

fn printed(arguments: &[&str]) -> Result<String> {
    let mut all = vec!["run", "--quiet", "--locked"];
    all.extend(arguments);
    Ok(format!("{}\n", shell::output("cargo", &all)?))
}
