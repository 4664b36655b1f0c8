//! What would be decided and why, for people.

use crate::judge::Verdict;
use crate::session::SessionView;
use serde::{Deserialize, Serialize};
use sluice_model::{ApprovalFacts, Decision, Denial, Operation, PrincipalId, Timestamp};

/// A decision with what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// Every access, for everyone who must be allowed; for a column, once for each of its data classes.
    pub accesses: Vec<AccessExplanation>,
}

/// What the policies say to one access, with the approvals that exist.
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
    /// Whether it is allowed as things stand.
    pub allowed: bool,
    /// Why not.
    pub denial: Option<Denial>,
    /// The policies that decided.
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
        let mut accesses = Vec::new();
        for unit in bench.units(&op.accesses)? {
            let (denial, policies) = match bench.judge(&unit, &context)? {
                Verdict::Allowed(by) => (None, self.ids(by)),
                Verdict::Refused { denial, .. } => {
                    let by = denial.policy.clone();
                    (Some(denial), by.into_iter().collect())
                }
            };
            accesses.push(AccessExplanation {
                action: unit.access.action.to_string(),
                resource: unit.access.resource.to_string(),
                class: unit.class.map(ToOwned::to_owned),
                principal: unit.subject().clone(),
                allowed: denial.is_none(),
                denial,
                policies: policies
                    .into_iter()
                    .filter_map(|id| self.place(&id))
                    .collect(),
            });
        }
        Ok(Explanation {
            decision: self.decide(op, now, extra),
            accesses,
        })
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
