//! The resources directory over what the store holds: only what changed in the directory since it was last taken
//! over is applied, so that a restart does not undo what an administrator applied in the meantime.

use super::check::read_directory;
use super::parse::parse;
use super::set::ResourceSet;
use crate::api::types::ProblemInfo;
use sluice_model::ProtocolSpec;
use std::path::Path;

/// What comes of it.
pub(crate) struct Merged {
    /// The new resources.
    pub(crate) resources: ResourceSet,
    /// What the directory says now.
    pub(crate) directory: ResourceSet,
}

/// Reads the directory and merges it.
pub(crate) fn merged_with_directory(
    dir: &Path,
    protocols: &[ProtocolSpec],
    stored: &ResourceSet,
    before: &ResourceSet,
) -> Result<Merged, Vec<ProblemInfo>> {
    let files = read_directory(dir).map_err(|p| vec![p])?;
    let parsed = parse(&files, protocols);
    match parsed.problems.is_empty() {
        true => Ok(merge(stored, before, parsed.set)),
        false => Err(parsed.problems),
    }
}

fn merge(stored: &ResourceSet, before: &ResourceSet, directory: ResourceSet) -> Merged {
    let mut resources = stored.clone();
    for (key, resource) in &directory.0 {
        if before.0.get(key).is_none_or(|b| b.body != resource.body) {
            resources.0.insert(key.clone(), resource.clone());
        }
    }
    for (key, was) in &before.0 {
        let untouched = stored.0.get(key).is_some_and(|s| s.body == was.body);
        if untouched && !directory.0.contains_key(key) {
            resources.0.remove(key);
        }
    }
    Merged {
        resources,
        directory,
    }
}

#[cfg(test)]
mod tests {
    use super::super::set::{Kind, Resource};
    use super::*;

    fn set(text: &str) -> ResourceSet {
        let item = |pair: &str| {
            let (name, body) = pair.split_once('=').unwrap();
            let resource = Resource {
                body: body.into(),
                source: String::new(),
            };
            ((Kind::Policy, name.to_owned()), resource)
        };
        ResourceSet(text.split_whitespace().map(item).collect())
    }

    fn check(stored: &str, before: &str, directory: &str, expected: &str) {
        let merged = merge(&set(stored), &set(before), set(directory));
        assert_eq!(
            merged.resources,
            set(expected),
            "{stored} / {before} / {directory}"
        );
    }

    #[test]
    fn only_what_changed_in_the_directory_is_applied() {
        check("", "", "a=1", "a=1");
        check("a=1", "a=1", "a=2", "a=2");
        // Applied by an administrator meanwhile, the file did not change: it stays.
        check("a=9", "a=1", "a=1", "a=9");
        check("a=9", "a=1", "a=2", "a=2");
        // Deleted from the directory.
        check("a=1 b=1", "a=1", "", "b=1");
        check("a=9", "a=1", "", "a=9");
        // Pruned by an administrator, the file did not change: it stays away.
        check("", "a=1", "a=1", "");
    }
}
