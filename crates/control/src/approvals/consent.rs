//! When enough people agreed. One person stands for one group, however many they are in.

use crate::api::types::GivenConsent;
use std::collections::{BTreeMap, BTreeSet};

/// Whether somebody in these groups has anything to say. A set without groups asks for anybody.
pub(super) fn concerns(sets: &[BTreeSet<String>], groups: &BTreeSet<String>) -> bool {
    sets.iter()
        .any(|set| set.is_empty() || !set.is_disjoint(groups))
}

/// The groups of the first set that is filled by distinct people, when enough people agreed altogether.
pub(super) fn satisfied(
    sets: &[BTreeSet<String>],
    people: u32,
    given: &[GivenConsent],
) -> Option<BTreeSet<String>> {
    let enough = u32::try_from(given.len()).is_ok_and(|n| n >= people);
    let filled = || sets.iter().find(|set| filled(set, given) == set.len());
    enough.then(filled).flatten().cloned()
}

/// Whether one more consent brings any set closer to its end.
pub(super) fn helps(
    sets: &[BTreeSet<String>],
    people: u32,
    before: &[GivenConsent],
    after: &[GivenConsent],
) -> bool {
    let newest = after.last().map(|g| &g.groups);
    sets.iter().any(|set| {
        let was = filled(set, before);
        let fits = set.is_empty() || newest.is_some_and(|g| !g.is_disjoint(set));
        let more_people = u32::try_from(before.len()).is_ok_and(|n| n < people);
        let spare = usize::try_from(people).is_ok_and(|n| n > set.len());
        filled(set, after) > was || (fits && more_people && (was == set.len() || spare))
    })
}

/// How many groups of a set can be filled with one person each (augmenting paths; a handful of each at most).
fn filled(set: &BTreeSet<String>, given: &[GivenConsent]) -> usize {
    let mut stands_for: BTreeMap<&str, usize> = BTreeMap::new();
    set.iter()
        .filter(|group| place(group, given, &mut stands_for, &mut BTreeSet::new()))
        .count()
}

fn place<'a>(
    group: &'a str,
    given: &[GivenConsent],
    stands_for: &mut BTreeMap<&'a str, usize>,
    tried: &mut BTreeSet<usize>,
) -> bool {
    for (i, consent) in given.iter().enumerate() {
        if !consent.groups.contains(group) || !tried.insert(i) {
            continue;
        }
        let taken = stands_for
            .iter()
            .find(|(_, person)| **person == i)
            .map(|(g, _)| *g);
        let free = taken.is_none_or(|other| place(other, given, stands_for, tried));
        if free {
            if let Some(other) = taken
                && stands_for.get(other) == Some(&i)
            {
                stands_for.remove(other);
            }
            stands_for.insert(group, i);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{PrincipalId, Timestamp};

    fn sets(text: &str) -> Vec<BTreeSet<String>> {
        let set = |s: &str| {
            s.split('+')
                .filter(|g| !g.is_empty())
                .map(str::to_owned)
                .collect()
        };
        text.split('|').map(set).collect()
    }

    fn given(text: &str) -> Vec<GivenConsent> {
        let person = |(i, groups): (usize, &str)| GivenConsent {
            by: PrincipalId::user(i.to_string()),
            groups: groups.split('+').map(str::to_owned).collect(),
            at: Timestamp(0),
        };
        text.split_whitespace().enumerate().map(person).collect()
    }

    fn check(needed: &str, people: u32, agreed: &str, expected: Option<&str>) {
        let got = satisfied(&sets(needed), people, &given(agreed));
        assert_eq!(
            got,
            expected.map(|e| sets(e).remove(0)),
            "{needed} x{people}: {agreed}"
        );
    }

    #[test]
    fn distinct_people_fill_distinct_groups() {
        check("dba", 1, "", None);
        check("dba", 1, "dba", Some("dba"));
        check("dba", 2, "dba", None);
        check("dba", 2, "dba dba", Some("dba"));
        check("dba|sec", 1, "sec", Some("sec"));
        check("dba+sec", 2, "dba+sec", None);
        check("dba+sec", 1, "dba+sec", None);
        check("dba+sec", 2, "dba+sec dba", Some("dba+sec"));
        check("dba+sec", 2, "dba dba+sec", Some("dba+sec"));
        check("dba+sec", 2, "dba dba", None);
        check("a+b+c", 3, "a+b b+c a", Some("a+b+c"));
        check("a+b+c", 3, "a a+b b", None);
        check("", 2, "x y", Some(""));
    }

    #[test]
    fn a_consent_that_brings_nothing_is_told_so() {
        let check = |needed: &str, people, before: &str, more: &str, expected| {
            let after = given(&format!("{before} {more}"));
            assert_eq!(
                helps(&sets(needed), people, &given(before), &after),
                expected,
                "{needed}: {before} + {more}"
            );
        };
        check("dba", 1, "", "dba", true);
        check("dba+sec", 2, "dba", "dba", false);
        check("dba+sec", 2, "dba", "sec", true);
        check("dba+sec", 2, "dba+sec", "dba", true);
        check("dba", 2, "dba", "dba", true);
        check("dba+sec", 3, "dba", "dba", true);
        check("", 2, "x", "y", true);
    }
}
