//! A protocol's name appears in its own folders and in the protocol table, and nowhere else in the product's code.

use super::ratchet::Size;
use super::{File, Findings, is_test_path, without_tests};

/// Each protocol: the words that give it away, and the folders (or the start of file names) that are its own.
const PROTOCOLS: &[(&str, &[&str], &[&str])] = &[(
    "postgres",
    &["postgres", "psql", "pg_"],
    &[
        "crates/protocol/src/postgres",
        "crates/protocol/src/sql",
        "crates/gateway/src/postgres",
    ],
)];

/// The tables of protocols themselves: of what they are, and of what serves them.
const TABLES: &[&str] = &[
    "crates/protocol/src/lib.rs",
    "crates/gateway/src/drivers.rs",
];

pub fn look(files: &[File], found: &mut Findings) {
    for file in files {
        let product = file.path.starts_with("crates/") && file.path.ends_with(".rs");
        if !product || TABLES.contains(&file.path.as_str()) || is_test_path(&file.path) {
            continue;
        }
        for (protocol, words, homes) in PROTOCOLS {
            if homes.iter().any(|home| file.path.starts_with(home)) {
                continue;
            }
            found.sizes.push(Size {
                key: format!("name {protocol} {}", file.path),
                size: mentions(without_tests(&file.text), words),
                limit: 0,
                advice: "take it from the protocol table, or move the code to the protocol's own folder",
            });
        }
    }
}

/// Lines of code (comments do not count) that hold one of the words.
fn mentions(text: &str, words: &[&str]) -> usize {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        })
        .count()
}
