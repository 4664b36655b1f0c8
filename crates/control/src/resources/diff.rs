//! What an apply changes, line by line.

use super::set::{Kind, Resource, ResourceSet};
use crate::api::types::{ChangeKind, ResourceChange};

/// Beyond this many lines on both sides together, a changed part is shown as removed and added whole: the table
/// of the comparison grows with the product of both.
const MAX_COMPARED_LINES: usize = 2_000;

/// The changes from one set to another, by kind and name, and how many resources stay.
pub(crate) fn changes(from: &ResourceSet, to: &ResourceSet) -> (Vec<ResourceChange>, usize) {
    let mut found = Vec::new();
    let mut unchanged = 0;
    let change = |change, (kind, name): &(Kind, String), old, new| ResourceChange {
        change,
        kind: kind.as_str().to_owned(),
        name: name.clone(),
        diff: lines(old, new),
    };
    for (key, new) in &to.0 {
        match from.0.get(key) {
            None => found.push(change(ChangeKind::Created, key, None, Some(new))),
            Some(old) if old.body != new.body => {
                found.push(change(ChangeKind::Updated, key, Some(old), Some(new)));
            }
            Some(_) => unchanged += 1,
        }
    }
    for (key, old) in &from.0 {
        if !to.0.contains_key(key) {
            found.push(change(ChangeKind::Deleted, key, Some(old), None));
        }
    }
    found.sort_by(|a, b| (a.change, &a.kind, &a.name).cmp(&(b.change, &b.kind, &b.name)));
    (found, unchanged)
}

fn text(resource: Option<&Resource>) -> String {
    match resource.map(|r| &r.body) {
        None => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(body) => serde_saphyr::to_string(body).unwrap_or_else(|_| body.to_string()),
    }
}

fn lines(old: Option<&Resource>, new: Option<&Resource>) -> Vec<String> {
    let (old, new) = (text(old), text(new));
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - same_start;
    let same_end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let middle = |v: &[&str]| -> Vec<String> {
        v.get(same_start..v.len() - same_end)
            .unwrap_or_default()
            .iter()
            .map(|s| (*s).to_owned())
            .collect()
    };
    let mut out: Vec<String> = old
        .iter()
        .take(same_start)
        .map(|l| format!(" {l}"))
        .collect();
    out.extend(compare(&middle(&old), &middle(&new)));
    out.extend(
        old.iter()
            .skip(old.len() - same_end)
            .map(|l| format!(" {l}")),
    );
    out
}

/// The longest common subsequence, walked.
fn compare(old: &[String], new: &[String]) -> Vec<String> {
    let all = || {
        let removed = old.iter().map(|l| format!("-{l}"));
        removed.chain(new.iter().map(|l| format!("+{l}"))).collect()
    };
    if old.len().saturating_add(new.len()) > MAX_COMPARED_LINES {
        return all();
    }
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let best = match a == b {
                true => at(&common, i + 1, j + 1) + 1,
                false => at(&common, i + 1, j).max(at(&common, i, j + 1)),
            };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (None, None) => return out,
            (Some(a), Some(b)) if a == b => {
                out.push(format!(" {a}"));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || at(&common, i + 1, j) >= at(&common, i, j + 1) => {
                out.push(format!("-{a}"));
                i += 1;
            }
            (_, Some(b)) => {
                out.push(format!("+{b}"));
                j += 1;
            }
            (Some(_), None) => return out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: &[(&str, &str)]) -> ResourceSet {
        let resource = |text: &str| Resource {
            body: text.into(),
            source: String::new(),
        };
        ResourceSet(
            items
                .iter()
                .map(|(n, t)| ((Kind::Policy, (*n).to_owned()), resource(t)))
                .collect(),
        )
    }

    fn check(old: &str, new: &str, expected: &[&str]) {
        let (found, _) = changes(&set(&[("p", old)]), &set(&[("p", new)]));
        let diff: Vec<&str> = found
            .iter()
            .flat_map(|c| &c.diff)
            .map(String::as_str)
            .collect();
        assert_eq!(diff, expected, "{old:?} -> {new:?}");
    }

    #[test]
    fn differences_are_lines() {
        check("a\nb\nc", "a\nb\nc", &[]);
        check("a\nb\nc", "a\nx\nc", &[" a", "-b", "+x", " c"]);
        check("a\nb\nc\nd", "b\nd\ne", &["-a", " b", "-c", " d", "+e"]);
        check("a\na", "a", &[" a", "-a"]);
    }

    #[test]
    fn created_updated_deleted_and_unchanged_are_told_apart() {
        let (found, unchanged) = changes(
            &set(&[("a", "1"), ("b", "1"), ("c", "1")]),
            &set(&[("b", "1"), ("c", "2"), ("d", "1")]),
        );
        let got: Vec<_> = found.iter().map(|c| (c.change, c.name.as_str())).collect();
        assert_eq!(
            got,
            [
                (ChangeKind::Created, "d"),
                (ChangeKind::Updated, "c"),
                (ChangeKind::Deleted, "a")
            ]
        );
        assert_eq!(unchanged, 1);
    }
}
