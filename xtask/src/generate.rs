//! `cargo xtask generate`: the parts of the docs that are made from the code.

use crate::shell;
use anyhow::{Result, bail};
use std::fs;

/// Each file with the program of the workspace and the arguments that print it.
const FILES: &[(&str, &str, &[&str])] = &[
    ("docs/reference.md", "sluice", &["reference"]),
    ("docs/postgres-messages.md", "examples/messages", &[]),
    ("web/openapi.json", "examples/openapi", &[]),
];

/// Writes them.
pub fn write() -> Result<()> {
    for (file, program, arguments) in FILES {
        fs::write(shell::root().join(file), printed(program, arguments)?)?;
        eprintln!("wrote {file}");
    }
    Ok(())
}

/// An error when one of them is not what the code says.
pub fn check() -> Result<()> {
    for (file, program, arguments) in FILES {
        let kept = fs::read_to_string(shell::root().join(file)).unwrap_or_default();
        if kept != printed(program, arguments)? {
            bail!("{file} is not what the code says; run `cargo xtask generate`");
        }
    }
    Ok(())
}

fn printed(program: &str, arguments: &[&str]) -> Result<String> {
    let program = shell::built(program)?;
    let text = shell::output(&program.to_string_lossy(), arguments)?;
    Ok(format!("{text}\n"))
}
