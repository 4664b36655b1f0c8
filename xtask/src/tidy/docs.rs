//! Rules about prose: links lead somewhere, and the code map names every crate and every folder of modules.

use super::{File, Findings};
use crate::shell;
use std::collections::BTreeSet;
use std::path::Path;

const MAP: &str = "ARCHITECTURE.md";

pub fn look(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        links(file, found);
    }
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
