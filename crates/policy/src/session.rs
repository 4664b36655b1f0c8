//! The snapshot as one session sees it, and the decisions in it.

use crate::ask;
use crate::cache::Cache;
use crate::context::SessionFacts;
use crate::core::Core;
use crate::judge::{Bench, Unit, Verdict};
use crate::slice::{Slice, action_can_match};
use crate::snapshot::{Snapshot, denial, undecidable};
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use sluice_model::{
    Access, Action, Allowed, ApprovalFacts, ApprovalScope, Decision, Denial, Facts, Grant,
    Operation, Resource, SessionContext, Timestamp,
};
use std::borrow::Cow;
use std::fmt;
use std::hash::RandomState;
use std::sync::{Arc, OnceLock};

/// An operation that needs more is refused: a thousand accesses take tens of milliseconds to decide.
const MAX_ACCESSES: usize = 1_000;

/// What a snapshot finds for a session.
pub(crate) struct ViewParts {
    /// With today's principal and connection.
    pub(crate) session: SessionContext,
    pub(crate) zone: TimeZone,
    /// The principal's, and for an agent its owner's.
    pub(crate) slices: Vec<Arc<Slice>>,
    /// Those that held when the view was made.
    pub(crate) grants: Vec<Grant>,
    pub(crate) token_ends: Option<Timestamp>,
}

/// The snapshot as one session sees it.
///
/// Make a new one for each new snapshot and at [`Self::ends_at`]; within one view, the answer to the same question
/// changes only by time (see [`Self::time_dependent`]).
pub struct SessionView {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) session: SessionContext,
    pub(crate) facts: SessionFacts,
    pub(crate) slices: Vec<Arc<Slice>>,
    grants: Vec<Grant>,
    token_ends: Option<Timestamp>,
    hasher: RandomState,
    pub(crate) cache: Mutex<Cache>,
    /// What never changes in a view, and is asked for with every message.
    constant: OnceLock<Constant>,
}

#[derive(Debug, Clone, Copy)]
struct Constant {
    has_classes: bool,
    time_dependent: bool,
    ends_at: Option<Timestamp>,
}

impl fmt::Debug for SessionView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionView")
            .field("session", &self.session.id)
            .field("snapshot", &self.snapshot.version())
            .finish_non_exhaustive()
    }
}

/// The approvals that count now, and why they were asked for.
pub(crate) struct Consent<'a> {
    pub(crate) approvals: Cow<'a, ApprovalFacts>,
    pub(crate) reason: Option<&'a str>,
}

impl SessionView {
    pub(crate) fn new(snapshot: Arc<Snapshot>, parts: ViewParts) -> Result<Self, Denial> {
        let facts = SessionFacts::new(&parts.session, parts.zone).map_err(|_| undecidable())?;
        Ok(Self {
            snapshot,
            session: parts.session,
            facts,
            slices: parts.slices,
            grants: parts.grants,
            token_ends: parts.token_ends,
            hasher: RandomState::new(),
            cache: Mutex::default(),
            constant: OnceLock::new(),
        })
    }

    fn constant(&self) -> Constant {
        *self.constant.get_or_init(|| {
            let windows = self.grants.iter().map(end_of).filter(|end| *end != FAR);
            Constant {
                has_classes: self.may_hide_classes(),
                time_dependent: self
                    .slices
                    .iter()
                    .flat_map(|slice| slice.policies(self.core()))
                    .any(|info| info.reads.now || info.reads.clock),
                ends_at: windows.chain(self.token_ends).min(),
            }
        })
    }

    /// Whether any data class exists that this session is not sure to see in clear everywhere. `false` is a proof.
    #[must_use]
    pub fn has_classes(&self) -> bool {
        self.constant().has_classes
    }

    /// Whether every answer of this view is the same until `now` as at any earlier time in it.
    pub(crate) fn is_constant_until(&self, now: Timestamp) -> bool {
        let Constant {
            time_dependent,
            ends_at,
            ..
        } = self.constant();
        !time_dependent && ends_at.is_none_or(|end| now < end)
    }

    /// The snapshot that it was made from.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The session that it was made for, with its principal and connection as the snapshot has them.
    #[must_use]
    pub fn session(&self) -> &SessionContext {
        &self.session
    }

    pub(crate) fn core(&self) -> &Core {
        &self.snapshot.core
    }

    /// May the session be opened at all? `Ask` means that an approval for a window would let it.
    #[must_use]
    pub fn connect(&self, now: Timestamp, extra: &ApprovalFacts) -> Decision {
        let access = Access {
            action: Action::new(CONNECT),
            resource: Resource::Connection,
        };
        self.decide_accesses(&[access], &Facts::default(), now, extra)
    }

    /// May this operation run? Every access must be allowed, to the principal and, for an agent, to its owner too.
    /// Approvals in the snapshot that hold now count besides `extra`: their groups are united, and of their people
    /// the largest number counts, because one person may have given several of them.
    #[must_use]
    pub fn decide(&self, op: &Operation, now: Timestamp, extra: &ApprovalFacts) -> Decision {
        self.decide_accesses(&op.accesses, &op.facts, now, extra)
    }

    fn decide_accesses(
        &self,
        accesses: &[Access],
        facts: &Facts,
        now: Timestamp,
        extra: &ApprovalFacts,
    ) -> Decision {
        if let Err(denial) = self.check_limits(accesses, now) {
            return Decision::Deny(denial);
        }
        let standing = self.standing(accesses, now, extra);
        let question = crate::cache::Question {
            accesses,
            facts,
            approvals: &standing.approvals,
            reason: standing.reason,
        };
        let hash = question.hash(&self.hasher);
        if let Some(decision) = self.cache.lock().get(hash, &question, now) {
            return decision;
        }
        let decided = self.judge(accesses, facts, now, &standing);
        match decided {
            Ok((decision, lasting)) => {
                self.cache
                    .lock()
                    .put(hash, &question, &decision, lasting, now);
                decision
            }
            Err(denial) => Decision::Deny(denial),
        }
    }

    /// What needs no policy: nothing is decided after the end, and nothing too large.
    fn check_limits(&self, accesses: &[Access], now: Timestamp) -> Result<(), Denial> {
        if self.token_ends.is_some_and(|end| end <= now) {
            return Err(denial(
                "the token of this session has expired; create a new one".into(),
            ));
        }
        if accesses.is_empty() {
            return Err(denial(
                "the operation names nothing that could be decided".into(),
            ));
        }
        if accesses.len() > MAX_ACCESSES {
            return Err(denial(format!(
                "the operation touches more than {MAX_ACCESSES} things at once; split it"
            )));
        }
        Ok(())
    }

    /// Judges without the cache. Also says what the answer depends on.
    fn judge(
        &self,
        accesses: &[Access],
        facts: &Facts,
        now: Timestamp,
        standing: &Consent<'_>,
    ) -> Result<(Decision, Lasting), Denial> {
        let bench = self.bench(facts, now);
        let units = bench.units(accesses)?;
        let lasting = Lasting::of(&units);
        let context = bench.context(&standing.approvals, standing.reason)?;
        let mut policies = Vec::new();
        let mut refused = Vec::new();
        let mut final_denial = None;
        for (at, unit) in units.iter().enumerate() {
            match bench.judge(unit, &context)? {
                Verdict::Allowed(by) => policies.extend(by),
                Verdict::Refused { denial, turnable } => {
                    if !turnable {
                        // A policy that forbids says more than the lack of one that permits.
                        let better = final_denial
                            .as_ref()
                            .is_none_or(|d: &Denial| d.policy.is_none() && denial.policy.is_some());
                        if better {
                            final_denial = Some(denial.clone());
                        }
                    }
                    refused.push((at, denial));
                }
            }
        }
        let decision = match (final_denial, refused.is_empty()) {
            (Some(denial), _) => Decision::Deny(denial),
            (None, true) => Decision::Allow(Allowed {
                policies: self.ids(policies),
            }),
            (None, false) => ask::ask(&bench, &units, &refused, standing)?,
        };
        Ok((decision, lasting))
    }

    pub(crate) fn bench<'a>(&'a self, facts: &'a Facts, now: Timestamp) -> Bench<'a> {
        Bench {
            view: self,
            facts,
            now,
        }
    }

    /// The ids of policies, sorted, each once.
    pub(crate) fn ids(&self, positions: impl IntoIterator<Item = usize>) -> Vec<String> {
        let mut ids: Vec<String> = positions
            .into_iter()
            .filter_map(|at| self.core().policies.get(at))
            .map(|info| info.id.clone())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The approvals that count now for these accesses: `extra` and the grants that have not ended. Consent to a login
    /// is for being connected, and for nothing that is asked after that.
    pub(crate) fn standing<'a>(
        &'a self,
        accesses: &[Access],
        now: Timestamp,
        extra: &'a ApprovalFacts,
    ) -> Consent<'a> {
        let mut approvals = Cow::Borrowed(extra);
        let mut reason = self.session.reason.as_deref();
        let is_login = accesses.iter().all(|a| a.action.as_str() == CONNECT);
        let counts = |grant: &&Grant| {
            now < end_of(grant) && (is_login || !matches!(grant.scope, ApprovalScope::Login { .. }))
        };
        for grant in self.grants.iter().filter(counts) {
            let all = approvals.to_mut();
            all.groups.extend(grant.groups.iter().cloned());
            all.people = all.people.max(grant.people);
            reason = reason.or(grant.reason.as_deref());
        }
        Consent { approvals, reason }
    }

    /// Whether an answer of [`Self::decide`] may change by time alone before [`Self::ends_at`].
    ///
    /// When `false`, an `Allow` may be kept as long as this view lives, for the same operation (accesses and facts)
    /// and the same `extra`: policies, groups, labels and grants are those of the view, what else the context holds
    /// does not change within a session, and no policy that can matter to the session looks at the time.
    #[must_use]
    pub fn time_dependent(&self) -> bool {
        self.constant().time_dependent
    }

    /// Whether any policy that can matter to the session reads this fact of a protocol. One that costs something to
    /// know need not be found out where none does.
    #[must_use]
    pub fn reads_fact(&self, name: &str) -> bool {
        self.slices
            .iter()
            .flat_map(|slice| slice.policies(self.core()))
            .any(|info| info.reads.facts.holds(name))
    }

    /// Whether the answer about this operation can depend on a fact that it does not have yet: a policy reads it for
    /// one of the accesses, and no other access is refused whatever it is.
    #[must_use]
    pub fn wants_fact(&self, name: &str, op: &Operation, now: Timestamp) -> bool {
        // What cannot be judged is refused when it is decided.
        self.reads_fact(name) && self.depends_on(name, op, now).unwrap_or(false)
    }

    fn depends_on(&self, name: &str, op: &Operation, now: Timestamp) -> Result<bool, Denial> {
        self.check_limits(&op.accesses, now)?;
        let none = ApprovalFacts::default();
        let standing = self.standing(&op.accesses, now, &none);
        let bench = self.bench(&op.facts, now);
        let context = bench.context(&standing.approvals, standing.reason)?;
        let mut depends = false;
        for unit in &bench.units(&op.accesses)? {
            if unit.slices().any(|slice| slice.facts.holds(name)) {
                depends = true;
                continue;
            }
            let verdict = bench.judge(unit, &context)?;
            if matches!(
                verdict,
                Verdict::Refused {
                    turnable: false,
                    ..
                }
            ) {
                return Ok(false);
            }
        }
        Ok(depends)
    }

    /// Could any policy permit any action in these groups, with any approval, at any time? `false` is a proof: for
    /// the principal, or for an agent's owner, no policy that permits has a scope that reaches such an action.
    #[must_use]
    pub fn could_ever(&self, general_actions: &[&str]) -> bool {
        let reached = |stands_in: &[String]| {
            stands_in
                .iter()
                .any(|name| general_actions.contains(&name.as_str()))
        };
        let actions: Vec<&Vec<String>> = self
            .core()
            .actions
            .values()
            .filter(|stands_in| reached(stands_in))
            .collect();
        self.slices.iter().all(|slice| {
            slice
                .policies(self.core())
                .filter(|info| !info.forbids)
                .any(|info| {
                    actions
                        .iter()
                        .any(|stands_in| action_can_match(&info.action, stands_in))
                })
        })
    }

    /// When a window or token that the session stands on ends; ask the snapshot for a new view then.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.constant().ends_at
    }

    /// How many grants still hold: as they only end, the number names the set.
    pub(crate) fn grants_holding(&self, now: Timestamp) -> usize {
        self.grants
            .iter()
            .filter(|grant| now < end_of(grant))
            .count()
    }
}

/// The action of being connected.
const CONNECT: &str = "connect";
/// A grant for a session has no end of its own.
const FAR: Timestamp = Timestamp(i64::MAX);

fn end_of(grant: &Grant) -> Timestamp {
    match grant.scope {
        ApprovalScope::Window { until } => until,
        ApprovalScope::Login { .. }
        | ApprovalScope::Session { .. }
        | ApprovalScope::Once { .. } => FAR,
    }
}

/// How long an answer stays true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// As long as the question is the same.
    View,
    /// Within one minute of the clock.
    Minute,
    /// Not at all.
    No,
}

impl Lasting {
    pub(crate) fn of(units: &[Unit<'_>]) -> Self {
        let slices = || units.iter().flat_map(Unit::slices);
        if slices().any(|slice| slice.reads_now) {
            Self::No
        } else if slices().any(|slice| slice.reads_clock) {
            Self::Minute
        } else {
            Self::View
        }
    }
}
