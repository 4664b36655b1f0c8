//! Which crate may use which: the arrows of ARCHITECTURE.md, read from the manifests.

use super::{File, Findings};

/// Each crate and the crates of this workspace that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("identity", &["model"]),
    ("protocol", &["model"]),
    ("policy", &["model"]),
    ("record", &["model"]),
    ("gateway", &["protocol", "policy", "record", "model"]),
    ("control", &["identity", "policy", "record", "model"]),
    (
        "cli",
        &[
            "gateway", "control", "protocol", "policy", "record", "model",
        ],
    ),
];

/// What installs and runs other people's programs for tests; any crate's tests may use it.
const TESTS: &str = "tests";

pub fn look(files: &[File], found: &mut Findings) {
    for file in files {
        let Some(name) = file
            .path
            .strip_prefix("crates/")
            .and_then(|path| path.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            found.problems.push(format!(
                "{}: a crate that the arrows do not know",
                file.path
            ));
            continue;
        };
        for (used, in_tests) in workspace_dependencies(&file.text) {
            let helps = in_tests && used == TESTS;
            if !helps && !allowed.contains(&used) {
                found.problems.push(format!(
                    "{}: {name} may not use {used}, only {}",
                    file.path,
                    allowed.join(", ")
                ));
            }
        }
    }
}

/// The crates of this workspace in a manifest, and whether only its tests use them.
fn workspace_dependencies(manifest: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut in_tests = false;
    manifest
        .lines()
        .skip_while(|line| !line.ends_with("dependencies]"))
        .filter_map(move |line| {
            if line.starts_with('[') {
                in_tests = line == "[dev-dependencies]";
            }
            let rest = line.strip_prefix("sluice-")?;
            let end = rest.find(['.', ' ', '=']).unwrap_or(rest.len());
            Some((rest.get(..end).unwrap_or(rest), in_tests))
        })
}
