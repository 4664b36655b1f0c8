//! What would be decided and why, for people.

use crate::ask::ask;
use crate::judge::Verdict;
use crate::session::SessionView;
use serde::{Deserialize, Serialize};
use sluice_model::{Allowed, ApprovalFacts, Decision, Denial, Operation, PrincipalId, Timestamp};
use std::slice;

/// Accesses for each of which it is looked for who could approve it; each look takes some milliseconds.
const MAX_SEARCHES: usize = 64;

/// A decision with what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// Every access, for everyone who must be allowed; for a column, once for each of its data classes.
    pub accesses: Vec<AccessExplanation>,
}

/// What the policies say to one access by itself, with the approvals that exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessExplanation {
    /// The action.
    pub action: String,
    /// The resource, as people write it.
    pub resource: String,
    /// The data class that it is about, for a column that is seen or searched.
    pub class: Option<String>,
    /// Who must be allowed: the principal, or the owner for whom an agent acts.
    pub principal: PrincipalId,
    /// The decision on it alone; `Ask` where an approval would turn a refusal, whatever else the operation needs.
    pub decision: Decision,
    /// The policies that decided, or would permit it under an approval.
    pub policies: Vec<PolicyPlace>,
}

/// A policy and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPlace {
    /// Its `@id`.
    pub id: String,
    /// Its file.
    pub file: String,
    /// The line it begins on.
    pub line: u32,
}

impl SessionView {
    /// What would be decided, and by which policies.
    ///
    /// # Errors
    /// A denial when it cannot be decided at all.
    pub fn explain(
        &self,
        op: &Operation,
        now: Timestamp,
        extra: &ApprovalFacts,
    ) -> Result<Explanation, Denial> {
        let standing = self.standing(&op.accesses, now, extra);
        let bench = self.bench(&op.facts, now);
        let context = bench.context(&standing.approvals, standing.reason)?;
        let whole = self.decide(op, now, extra);
        let units = bench.units(&op.accesses)?;
        let mut accesses = Vec::with_capacity(units.len());
        let mut searches = 0;
        for unit in units {
            let decision = match bench.judge(&unit, &context)? {
                Verdict::Allowed(by) => Decision::Allow(Allowed {
                    policies: self.ids(by),
                }),
                Verdict::Refused { denial, turnable } if turnable => {
                    searches += 1;
                    match &whole {
                        // What suffices for everything suffices for each.
                        Decision::Ask(_) if searches > MAX_SEARCHES => whole.clone(),
                        _ if searches > MAX_SEARCHES => Decision::Deny(denial),
                        _ => ask(&bench, slice::from_ref(&unit), &[(0, denial)], &standing)?,
                    }
                }
                Verdict::Refused { denial, .. } => Decision::Deny(denial),
            };
            accesses.push(AccessExplanation {
                action: unit.access.action.to_string(),
                resource: unit.access.resource.to_string(),
                class: unit.class.map(ToOwned::to_owned),
                principal: unit.subject().clone(),
                policies: self.places(&decision),
                decision,
            });
        }
        Ok(Explanation {
            decision: whole,
            accesses,
        })
    }

    fn places(&self, decision: &Decision) -> Vec<PolicyPlace> {
        let ids: Vec<&String> = match decision {
            Decision::Allow(allowed) => allowed.policies.iter().collect(),
            Decision::Ask(ask) => ask.policies.iter().collect(),
            Decision::Deny(denial) => denial.policy.iter().collect(),
        };
        ids.into_iter().filter_map(|id| self.place(id)).collect()
    }

    fn place(&self, id: &str) -> Option<PolicyPlace> {
        let info = self.core().policies.iter().find(|info| info.id == id)?;
        Some(PolicyPlace {
            id: info.id.clone(),
            file: info.file.clone(),
            line: info.line,
        })
    }
}
