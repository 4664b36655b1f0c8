//! Which approvals would turn a refusal: decided again with hypothetical ones.

use crate::judge::{Bench, Unit, Verdict};
use crate::policies::MAX_PEOPLE;
use crate::session::Consent;
use crate::snapshot::undecidable;
use sluice_model::{ApprovalFacts, Ask, Decision, Denial};
use std::collections::BTreeSet;

/// More groups than this at once are not tried; nobody waits for four teams.
const MAX_GROUPS_AT_ONCE: usize = 3;

/// Sets of groups that may be named; an approver cannot choose among more.
const MAX_SETS: usize = 32;

/// Judgements that may be spent for one number of people, so that the time is bounded (some tens of milliseconds in
/// all) whatever the policies say. Enough for all sets of three among twelve groups.
const MAX_JUDGEMENTS: usize = 600;

/// Finds the smallest consent that suffices. `refused` are the units that are refused now, all of which an approval
/// might turn, with their denials.
pub(crate) fn ask(
    bench: &Bench<'_>,
    units: &[Unit<'_>],
    refused: &[(usize, Denial)],
    standing: &Consent<'_>,
) -> Result<Decision, Denial> {
    let existing = &standing.approvals;
    let asked = || {
        refused
            .iter()
            .filter_map(|(at, _)| units.get(*at))
            .flat_map(Unit::slices)
    };
    let groups: Vec<&str> = asked()
        .flat_map(|slice| slice.groups.iter().map(String::as_str))
        .filter(|group| !existing.groups.contains(*group))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    // The refused first: most trials end there.
    let is_refused = |at: &usize| refused.iter().any(|(refused, _)| refused == at);
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..units.len()).partition(is_refused);
    let order: Vec<&Unit<'_>> = first
        .into_iter()
        .chain(rest)
        .filter_map(|at| units.get(at))
        .collect();
    let people = asked()
        .flat_map(|slice| slice.people.iter().copied())
        .chain([1]);
    let people: BTreeSet<u32> = people.filter(|n| (1..=MAX_PEOPLE).contains(n)).collect();
    for people in people {
        let mut search = Search {
            bench,
            units: &order,
            standing,
            people,
            left: MAX_JUDGEMENTS,
        };
        if let Some(ask) = search.run(&groups)? {
            return Ok(Decision::Ask(ask));
        }
    }
    let denial = refused.first().map(|(_, denial)| denial.clone());
    Ok(Decision::Deny(denial.unwrap_or_else(undecidable)))
}

/// The search for one number of people.
struct Search<'a> {
    bench: &'a Bench<'a>,
    units: &'a [&'a Unit<'a>],
    standing: &'a Consent<'a>,
    people: u32,
    left: usize,
}

impl Search<'_> {
    /// All sets that suffice and contain no smaller one that does, the smallest first.
    fn run(&mut self, groups: &[&str]) -> Result<Option<Ask>, Denial> {
        let mut found: Vec<BTreeSet<String>> = Vec::new();
        let mut policies = Vec::new();
        for size in 0..=MAX_GROUPS_AT_ONCE.min(groups.len()) {
            for set in subsets(groups, size) {
                let covered = found
                    .iter()
                    .any(|smaller| smaller.iter().all(|g| set.contains(&g.as_str())));
                if covered || found.len() >= MAX_SETS {
                    continue;
                }
                let Some(permitting) = self.suffices(&set)? else {
                    continue;
                };
                if found.is_empty() {
                    policies = permitting;
                }
                found.push(set.into_iter().map(ToOwned::to_owned).collect());
            }
        }
        let Some(smallest) = found.first().map(BTreeSet::len) else {
            return Ok(None);
        };
        Ok(Some(Ask {
            group_sets: found,
            people: self.people.max(u32::try_from(smallest).unwrap_or(u32::MAX)),
            policies: self.bench.view.ids(policies),
        }))
    }

    /// The policies that permit everything once these groups agree; `None` when something stays refused, or when
    /// nothing is left of what may be spent.
    fn suffices(&mut self, set: &[&str]) -> Result<Option<Vec<usize>>, Denial> {
        let existing = &self.standing.approvals;
        let mut groups = existing.groups.clone();
        groups.extend(set.iter().map(ToString::to_string));
        let people = self
            .people
            .max(u32::try_from(set.len()).unwrap_or(u32::MAX));
        let approvals = ApprovalFacts {
            groups,
            people: existing.people.max(people),
        };
        let context = self.bench.context(&approvals, self.standing.reason)?;
        let mut permitting = Vec::new();
        for unit in self.units {
            let Some(left) = self.left.checked_sub(1) else {
                return Ok(None);
            };
            self.left = left;
            match self.bench.judge(unit, &context)? {
                Verdict::Allowed(by) => permitting.extend(by),
                Verdict::Refused { .. } => return Ok(None),
            }
        }
        Ok(Some(permitting))
    }
}

/// All subsets of one size, in order.
fn subsets<'a>(items: &[&'a str], size: usize) -> Vec<Vec<&'a str>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut out = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let rest = items.get(at + 1..).unwrap_or_default();
        for mut tail in subsets(rest, size - 1) {
            tail.insert(0, item);
            out.push(tail);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::subsets;

    #[test]
    fn subsets_are_all_there_and_in_order() {
        let items = ["a", "b", "c"];
        for (size, expected) in [
            (0, vec![vec![]]),
            (1, vec![vec!["a"], vec!["b"], vec!["c"]]),
            (2, vec![vec!["a", "b"], vec!["a", "c"], vec!["b", "c"]]),
            (3, vec![vec!["a", "b", "c"]]),
            (4, vec![]),
        ] {
            assert_eq!(subsets(&items, size), expected);
        }
    }
}
