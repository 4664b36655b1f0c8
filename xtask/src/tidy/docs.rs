//! Rules about prose: links lead somewhere, the code map names every crate and every folder of modules, and the tests
//! that prove something exist.

use super::{File, Findings};
use crate::shell;
use std::collections::BTreeSet;
use std::path::Path;

const MAP: &str = "ARCHITECTURE.md";
const PROOFS: &str = "docs/proofs.md";

pub fn look(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        links(file, found);
    }
    proofs(files, found);
    let map = files
        .iter()
        .find(|file| file.path == MAP)
        .map_or("", |file| file.text.as_str());
    for folder in folders(files) {
        if !map.contains(&format!("`{folder}")) {
            found
                .problems
                .push(format!("{MAP}: the code map does not name `{folder}`"));
        }
    }
}

/// Every test that the page of proofs names is there.
fn proofs(files: &[File], found: &mut Findings) {
    let page = files.iter().find(|file| file.path == PROOFS);
    let text = page.map_or("", |page| page.text.as_str());
    for named in text.split('`').skip(1).step_by(2) {
        let Some((place, test)) = named.split_once("::") else {
            continue;
        };
        let signature = format!("fn {test}(");
        let there = files.iter().any(|file| {
            let path = Path::new(&file.path);
            let folder = path.parent().and_then(Path::file_name);
            path.extension().is_some_and(|extension| extension == "rs")
                && [path.file_stem(), folder].contains(&Some(place.as_ref()))
                && file.text.contains(&signature)
        });
        if !there {
            found.problems.push(format!(
                "{PROOFS}: there is no test {test} in a file or folder {place}"
            ));
        }
    }
}

fn links(file: &File, found: &mut Findings) {
    let here = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    for (number, line) in file.text.lines().enumerate() {
        for part in line.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if target.is_empty() || elsewhere {
                continue;
            }
            if !shell::root().join(here).join(target).exists() {
                found.problems.push(format!(
                    "{}:{}: the link to {target} leads nowhere",
                    file.path,
                    number + 1
                ));
            }
        }
    }
}

/// Every crate and every folder of modules in it.
fn folders(files: &[File]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let parts: Vec<&str> = file.path.split('/').collect();
        if let ["crates", name, "src", modules @ .., _] = parts.as_slice() {
            folders.insert(format!("crates/{name}"));
            let mut path = format!("crates/{name}/src");
            for module in modules {
                if *module == "tests" {
                    break;
                }
                path = format!("{path}/{module}");
                folders.insert(path.clone());
            }
        }
    }
    folders
}
