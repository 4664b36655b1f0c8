//! The house rules that no compiler checks. Whatever breaks one today is in `xtask/ratchet.txt` with its size, and
//! may only shrink.

mod arrows;
mod docs;
mod names;
mod ratchet;
mod source;

use crate::shell;
use anyhow::{Context, Result, bail};
use ratchet::Ratchet;
use std::fs;

/// One file of the tree.
struct File {
    /// Its path from the root, with `/`.
    path: String,
    text: String,
}

/// What all rules found.
#[derive(Default)]
struct Findings {
    /// Broken, whatever the ratchet says.
    problems: Vec<String>,
    /// Sizes that the ratchet judges: (key, size, limit, what to do).
    sizes: Vec<ratchet::Size>,
}

/// Checks the tree; an error lists every problem.
pub fn check() -> Result<()> {
    eprintln!("\n$ cargo xtask tidy");
    let found = look()?;
    let mut problems = found.problems;
    problems.extend(Ratchet::read()?.judge(&found.sizes));
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    bail!("{} house rules broken", problems.len())
}

/// Writes the sizes as they are now into the ratchet.
pub fn tighten() -> Result<()> {
    Ratchet::write(&look()?.sizes)
}

fn look() -> Result<Findings> {
    let files = files()?;
    let mut found = Findings::default();
    source::look(&files, &mut found);
    names::look(&files, &mut found);
    arrows::look(&files, &mut found);
    docs::look(&files, &mut found);
    Ok(found)
}

/// Every text file that git knows or would add.
fn files() -> Result<Vec<File>> {
    let listed = shell::output(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    )
    .context("tidy asks git for the list of files")?;
    let files = listed
        .lines()
        .filter_map(|path| {
            let text = fs::read_to_string(shell::root().join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect();
    Ok(files)
}

/// A Rust file's text without its unit tests (which close the file).
fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod ")
        .and_then(|end| text.get(..end))
        .unwrap_or(text)
}

/// Whether a path belongs to tests, benchmarks or fuzzing as a whole.
fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/")
        || path.starts_with("fuzz/")
        || path.contains("/tests/")
        || path.contains("/benches/")
        || path.contains("/examples/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}
