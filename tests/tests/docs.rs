//! What the docs list is what the gateway does: its metrics, and the codes of its errors.

use sluice_tests::cargo::root;
use sluice_tests::{Gateway, Postgres, Settings};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The first column of a table of Markdown, in the section that begins with `heading` (the whole file when empty).
fn listed(file: &str, heading: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let section = text
        .split_once(heading)
        .map_or(text.as_str(), |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let first = rows.filter_map(|row| row.split(" |").next());
    first
        .flat_map(|cell| cell.split(", "))
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

#[test]
fn every_metric_of_the_reference_is_exported_and_no_other() {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default()).unwrap();
    let token = gateway.token("user:ada").unwrap();
    gateway.answer(&token, "SELECT 1").unwrap();
    gateway.refusal(&token, "DROP DATABASE shop").unwrap();
    let page = gateway.https("/metrics").unwrap();
    let exported: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    let mut reference = listed("docs/reference.md", "\n## Metrics\n");
    reference.remove("metric");
    assert_eq!(exported, reference, "{page}");
    assert!(page.contains("sluice_operations_refused_total 1"), "{page}");
}

/// Five digits and capitals with at least one digit, in quotes.
fn codes_in(text: &str) -> impl Iterator<Item = String> {
    let quoted = text.split('"').filter(|word| word.len() == 5);
    let code = |word: &&str| {
        word.bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && word.bytes().any(|byte| byte.is_ascii_digit())
    };
    quoted.filter(code).map(str::to_owned)
}

fn codes_under(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            codes_under(&entry.unwrap().path(), found);
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    found.extend(codes_in(
        text.split("#[cfg(test)]").next().unwrap_or_default(),
    ));
}

#[test]
fn every_code_of_the_errors_guide_is_given_by_the_gateway_and_no_other() {
    let mut given = BTreeSet::new();
    for place in [
        "crates/gateway/src/postgres",
        "crates/protocol/src/postgres/violation.rs",
        "crates/protocol/src/postgres/parameters.rs",
    ] {
        codes_under(&root().join(place), &mut given);
    }
    // Not codes of errors: that of a notice, and a time in milliseconds for the target.
    for other in ["00000", "15000"] {
        assert!(given.remove(other), "{other} is gone; take it out here");
    }
    let mut guide = listed("docs/errors.md", "\n## Of the gateway\n");
    guide.remove("SQLSTATE");
    assert_eq!(given, guide);
}

/// The fenced blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let begun = text.split(fence.as_str()).skip(1);
    begun
        .filter_map(|rest| rest.split("\n```").next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_policy_and_resource_of_the_docs_loads() {
    let binary = sluice_tests::cargo::sluice(sluice_tests::cargo::Profile::Dev).unwrap();
    let mut files = vec![root().join("README.md")];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        files.push(entry.unwrap().path());
    }
    let mut checked = 0;
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        let text = fs::read_to_string(file).unwrap();
        let policies = blocks(&text, "cedar").into_iter().map(|b| ("a.cedar", b));
        let resources = blocks(&text, "yaml").into_iter().map(|b| ("a.yaml", b));
        let resources = resources.filter(|(_, block)| block.contains("kind: "));
        for (name, block) in policies.chain(resources) {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), &block).unwrap();
            let output = std::process::Command::new(&binary)
                .args(["check", "-f"])
                .arg(folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{}:\n{block}\n{said}",
                file.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 5, "only {checked} blocks were found");
}
