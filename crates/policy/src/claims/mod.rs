//! Which workloads of a trusted issuer are let in, and as whom: rules over the claims of its JWTs.
//!
//! A rule is a condition such as `repository == "acme/reports" && ref == "refs/heads/main"`:
//!
//! ```text
//! any      = all { "||" all }
//! all      = one { "&&" one }
//! one      = "!" one | "(" any ")" | "has" path | "contains" "(" path "," text ")"
//!          | path ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
//!          | path "in" "[" value { "," value } "]" | path "like" text
//! path     = ( name | "[" text "]" ) { "." name | "[" text "]" }
//! value    = text | number | "true" | "false"
//! ```
//!
//! A claim that is missing, or of another type than it is compared with, makes the whole rule false, whatever
//! negation stands around it: what a workload does not say is never taken for the answer that was hoped for. Only
//! `has` looks at a claim that may be missing. In `like`, `*` stands for any characters.

mod evaluate;
mod parse;
#[cfg(test)]
mod tests;

use parse::Condition;
pub use parse::ConditionError;
use serde::{Deserialize, Serialize};
use sluice_model::{PrincipalId, PrincipalKind, Workload};
use std::collections::BTreeSet;

/// A trusted issuer as decisions see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedIssuer {
    /// The name of its resource.
    pub name: String,
    /// The `iss` of its JWTs.
    pub issuer: String,
    /// What their `aud` has to hold, any one of them.
    pub audiences: Vec<String>,
    /// Who is let in, the first rule that fits.
    pub rules: Vec<ClaimRule>,
}

/// One rule of a trusted issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// The condition on the claims.
    pub when: String,
    /// The service that the workload acts as, by name.
    pub service: String,
    /// Groups that it is in besides the service's own.
    #[serde(default)]
    pub groups: BTreeSet<String>,
}

/// Whom a rule lets a workload be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The service.
    pub service: PrincipalId,
    /// Groups besides the service's own.
    pub groups: BTreeSet<String>,
}

/// A trusted issuer with its conditions read.
#[derive(Debug)]
pub struct IssuerRules {
    issuer: String,
    audiences: Vec<String>,
    rules: Vec<(Condition, Admission)>,
}

impl IssuerRules {
    /// Reads the conditions.
    ///
    /// # Errors
    /// Those that cannot be read: the number of the rule, from 0, and what is wrong.
    pub fn compile(issuer: &TrustedIssuer) -> Result<Self, Vec<(usize, ConditionError)>> {
        let mut rules = Vec::with_capacity(issuer.rules.len());
        let mut wrong = Vec::new();
        for (at, rule) in issuer.rules.iter().enumerate() {
            let admission = Admission {
                service: PrincipalId {
                    kind: PrincipalKind::Service,
                    name: rule.service.clone(),
                },
                groups: rule.groups.clone(),
            };
            match Condition::parse(&rule.when) {
                Ok(condition) => rules.push((condition, admission)),
                Err(error) => wrong.push((at, error)),
            }
        }
        match wrong.is_empty() {
            true => Ok(Self {
                issuer: issuer.issuer.clone(),
                audiences: issuer.audiences.clone(),
                rules,
            }),
            false => Err(wrong),
        }
    }

    /// Whom the first rule that fits lets a workload be. One whose JWT was for another issuer or audience than is
    /// trusted now is let in by none.
    #[must_use]
    pub fn admit(&self, workload: &Workload) -> Option<&Admission> {
        if workload.issuer_url != self.issuer || !self.audiences.contains(&workload.audience) {
            return None;
        }
        let fits = |condition: &Condition| condition.holds(&workload.claims);
        let found = self.rules.iter().find(|(condition, _)| fits(condition));
        found.map(|(_, admission)| admission)
    }
}
