//! Decisions that one session has had, so that asking again costs a look-up.

use crate::session::Lasting;
use sluice_model::{Access, ApprovalFacts, Decision, Fact, Facts, TextMask, Timestamp};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// Decisions kept per session. A client repeats few statements; when it does not, the cache starts afresh.
const MAX_DECISIONS: usize = 128;

/// Reveals kept per session: one per class and column in use.
const MAX_REVEALS: usize = 1_024;

/// An operation with more accesses is decided anew each time, so that what is kept stays small.
const MAX_KEPT_ACCESSES: usize = 64;
/// The same with more bytes of facts.
const MAX_KEPT_FACTS: usize = 4 * 1024;

/// What was asked, without what never changes in a view.
#[derive(Hash, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) accesses: &'a [Access],
    pub(crate) facts: &'a Facts,
    pub(crate) approvals: &'a ApprovalFacts,
    pub(crate) reason: Option<&'a str>,
}

struct Entry {
    accesses: Vec<Access>,
    facts: Facts,
    approvals: ApprovalFacts,
    reason: Option<String>,
    /// The minute that it is true in; `None` for always.
    minute: Option<i64>,
    decision: Decision,
}

impl Entry {
    fn answers(&self, question: &Question<'_>, now: Timestamp) -> bool {
        self.minute.is_none_or(|minute| minute == minute_of(now))
            && self.accesses == question.accesses
            && self.facts == *question.facts
            && self.approvals == *question.approvals
            && self.reason.as_deref() == question.reason
    }
}

/// Schema, table and column, or nothing for the class itself.
pub(crate) type ColumnKey = Option<(String, String, String)>;

/// Decisions that one session has had.
#[derive(Default)]
pub(crate) struct Cache {
    decisions: HashMap<u64, Entry>,
    /// By class, column and how many grants held: whether it is revealed, and the minute that this is true in.
    reveals: HashMap<(usize, usize, ColumnKey), (bool, Option<i64>)>,
    /// The last scanner, with the classes that it hides and whether it looks for anything.
    pub(crate) scanner: Option<(Vec<usize>, Arc<dyn TextMask>, bool)>,
}

impl Question<'_> {
    /// Where the answer is kept.
    pub(crate) fn hash(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one(self)
    }
}

/// Whether facts take more room than an answer about them is worth: whole documents seldom come twice.
fn is_large(facts: &Facts) -> bool {
    let size = |fact: &Fact| match fact {
        Fact::Text(text) => text.len(),
        Fact::Texts(texts) => texts.iter().map(String::len).sum(),
        Fact::NamedTexts(named) => named
            .iter()
            .map(|(name, text)| name.len() + text.len())
            .sum(),
        Fact::NamedLongs(named) => named.keys().map(|name| name.len() + size_of::<i64>()).sum(),
        Fact::Long(_) | Fact::Bool(_) => 0,
    };
    facts.values.values().map(size).sum::<usize>() > MAX_KEPT_FACTS
}

impl Cache {
    /// The decision, if the very same question was asked before: the hash only finds it.
    pub(crate) fn get(
        &self,
        hash: u64,
        question: &Question<'_>,
        now: Timestamp,
    ) -> Option<Decision> {
        let entry = self.decisions.get(&hash)?;
        entry.answers(question, now).then(|| entry.decision.clone())
    }

    pub(crate) fn put(
        &mut self,
        hash: u64,
        question: &Question<'_>,
        decision: &Decision,
        lasting: Lasting,
        now: Timestamp,
    ) {
        let is_large = question.accesses.len() > MAX_KEPT_ACCESSES || is_large(question.facts);
        if lasting == Lasting::No || is_large {
            return;
        }
        if self.decisions.len() >= MAX_DECISIONS {
            self.decisions.clear();
        }
        let entry = Entry {
            accesses: question.accesses.to_vec(),
            facts: question.facts.clone(),
            approvals: question.approvals.clone(),
            reason: question.reason.map(ToOwned::to_owned),
            minute: (lasting == Lasting::Minute).then(|| minute_of(now)),
            decision: decision.clone(),
        };
        self.decisions.insert(hash, entry);
    }

    pub(crate) fn revealed(&self, key: &(usize, usize, ColumnKey), now: Timestamp) -> Option<bool> {
        let (revealed, minute) = self.reveals.get(key)?;
        minute
            .is_none_or(|minute| minute == minute_of(now))
            .then_some(*revealed)
    }

    pub(crate) fn put_revealed(
        &mut self,
        key: (usize, usize, ColumnKey),
        revealed: bool,
        lasting: Lasting,
        now: Timestamp,
    ) {
        if lasting == Lasting::No {
            return;
        }
        if self.reveals.len() >= MAX_REVEALS {
            self.reveals.clear();
        }
        let minute = (lasting == Lasting::Minute).then(|| minute_of(now));
        self.reveals.insert(key, (revealed, minute));
    }
}

/// Minutes since the epoch. Every zone in use is whole minutes from UTC, so that no clock changes within one.
fn minute_of(now: Timestamp) -> i64 {
    now.seconds().div_euclid(60)
}
