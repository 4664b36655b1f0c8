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
        for used in workspace_dependencies(&file.text) {
            if !allowed.contains(&used) {
                found.problems.push(format!(
                    "{}: {name} may not use {used}, only {}",
                    file.path,
                    allowed.join(", ")
                ));
            }
        }
    }
}

fn workspace_dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .skip_while(|line| !line.ends_with("dependencies]"))
        .filter_map(|line| line.strip_prefix("sluice-"))
        .map(|rest| {
            let end = rest.find(['.', ' ', '=']).unwrap_or(rest.len());
            rest.get(..end).unwrap_or(rest)
        })
}
