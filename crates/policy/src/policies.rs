//! Policies, validated, with what is known of each without evaluating it.

use crate::source::{self, Parsed, PolicySource, Problem};
use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, PrincipalConstraint, ResourceConstraint,
    Schema, ValidationMode, Validator,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// More people than this are never asked for, so larger numbers in policies are not tried.
pub(crate) const MAX_PEOPLE: u32 = 8;

/// What the conditions of a policy read. Always at least what they really read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) now: bool,
    pub(crate) clock: bool,
    pub(crate) approvals: bool,
    pub(crate) resource: bool,
    /// Groups named in the conditions.
    pub(crate) groups: BTreeSet<String>,
    /// Numbers in the conditions, each with its successor, where they can be numbers of people.
    pub(crate) people: BTreeSet<u32>,
    /// What the conditions read of the records in the context.
    pub(crate) facts: FactsRead,
}

/// Which facts are read, by their names: those of any protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FactsRead {
    names: BTreeSet<String>,
    /// A whole record is used, so that any of them may be.
    all: bool,
}

impl FactsRead {
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.all |= other.all;
    }
}

/// One policy.
#[derive(Debug)]
pub(crate) struct PolicyInfo {
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) forbids: bool,
    pub(crate) message: Option<String>,
    /// Whether it has conditions besides its scope.
    pub(crate) conditional: bool,
    pub(crate) principal: PrincipalConstraint,
    pub(crate) action: ActionConstraint,
    pub(crate) resource: ResourceConstraint,
    pub(crate) reads: Reads,
    pub(crate) policy: Policy,
}

/// Parses and validates every policy.
pub(crate) fn load(
    sources: &[PolicySource],
    schema: &Schema,
) -> Result<Vec<PolicyInfo>, Vec<Problem>> {
    let parsed = source::parse(sources)?;
    let mut problems = Vec::new();
    let mut deciding = Vec::with_capacity(parsed.len());
    for policy in &parsed {
        match spread_over_connection(policy) {
            Ok(policy) => deciding.push(policy),
            Err(message) => problems.push(Problem {
                policy: Some(policy.id.clone()),
                ..Problem::elsewhere(message)
            }),
        }
    }
    problems.extend(validate(sources, &parsed, &deciding, schema));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(parsed
        .iter()
        .zip(deciding)
        .map(|(parsed, policy)| describe(sources, parsed, policy))
        .collect())
}

/// In a scope, `resource == Connection::"shop"` speaks of the connection and everything in it, as people mean it:
/// statements act on tables and not on the connection, so that otherwise such a policy would hold for `connect` and
/// `watch` alone. This is the one place where a policy means more than Cedar by itself would say.
fn spread_over_connection(parsed: &Parsed) -> Result<Policy, String> {
    match parsed.policy.resource_constraint() {
        ResourceConstraint::Eq(uid) if uid.type_name().to_string() == "Connection" => {
            let mut json = parsed.policy.to_json().map_err(|e| e.to_string())?;
            if let Some(op) = json.pointer_mut("/resource/op") {
                *op = Value::from("in");
            }
            Policy::from_json(Some(PolicyId::new(&parsed.id)), json).map_err(|e| e.to_string())
        }
        _ => Ok(parsed.policy.clone()),
    }
}

/// Strict validation of the policies that decide. A policy that was rewritten has lost its places, so a problem of
/// it is looked up in the text as written.
fn validate(
    sources: &[PolicySource],
    parsed: &[Parsed],
    deciding: &[Policy],
    schema: &Schema,
) -> Vec<Problem> {
    let validator = Validator::new(schema.clone());
    let places: BTreeMap<&str, &Parsed> = parsed.iter().map(|p| (p.id.as_str(), p)).collect();
    let set = match PolicySet::from_policies(deciding.iter().cloned()) {
        Ok(set) => set,
        Err(error) => return vec![Problem::elsewhere(error.to_string())],
    };
    let result = validator.validate(&set, ValidationMode::Strict);
    let mistaken: BTreeSet<&PolicyId> = result.validation_errors().map(|e| e.policy_id()).collect();
    let errors = result
        .validation_errors()
        .map(|e| (e.policy_id(), e as &dyn miette::Diagnostic));
    // A warning is a policy that can never apply, or a text made to look like another one. A mistake often makes
    // a policy impossible as well; then the mistake alone is worth telling.
    let warnings = result
        .validation_warnings()
        .filter(|w| !mistaken.contains(w.policy_id()))
        .map(|w| (w.policy_id(), w as &dyn miette::Diagnostic));
    let mut problems: Vec<Problem> = Vec::new();
    for (id, diagnostic) in errors.chain(warnings) {
        let id: &str = id.as_ref();
        let Some(parsed) = places.get(id) else {
            problems.push(Problem::elsewhere(diagnostic.to_string()));
            continue;
        };
        let mut problem = source::diagnosed(sources, parsed.place, Some(id), diagnostic);
        problem.message = plain(&problem.message, id);
        if !mistaken.contains(&PolicyId::new(id)) && problem.help.is_none() {
            problem.help = Some(IMPOSSIBLE.into());
        }
        problems.push(problem);
    }
    // The same mistake is found once for every kind of request, in no particular order.
    problems.sort_by(|a, b| {
        (&a.file, a.line, a.column, &a.message).cmp(&(&b.file, b.line, b.column, &b.message))
    });
    problems.dedup_by(|a, b| {
        (&a.file, a.line, a.column, &a.policy) == (&b.file, b.line, b.column, &b.policy)
    });
    problems
}

/// What helps with a policy that the validator only warns about.
const IMPOSSIBLE: &str =
    "no request can match it; the list of actions says what each of them can be done to";

/// The validator's message without the policy's id, which has a field of its own.
fn plain(message: &str, id: &str) -> String {
    let prefix = format!("for policy `{id}`, ");
    message
        .strip_prefix(prefix.as_str())
        .unwrap_or(message)
        .to_owned()
}

fn describe(sources: &[PolicySource], parsed: &Parsed, policy: Policy) -> PolicyInfo {
    let (file, line) = source::file_and_line(sources, parsed.place);
    PolicyInfo {
        id: parsed.id.clone(),
        file,
        line,
        forbids: policy.effect() == Effect::Forbid,
        message: policy.annotation("message").map(ToOwned::to_owned),
        conditional: policy.has_non_scope_constraint(),
        principal: policy.principal_constraint(),
        action: policy.action_constraint(),
        resource: policy.resource_constraint(),
        reads: reads_of(&policy),
        policy,
    }
}

fn reads_of(policy: &Policy) -> Reads {
    let mut reads = Reads::default();
    match policy.to_json() {
        Ok(json) => {
            if let Some(conditions) = json.get("conditions") {
                walk(conditions, &mut reads);
            }
        }
        // Cannot happen for a policy that was parsed from text; assume the worst.
        Err(_) => everything(&mut reads),
    }
    if !reads.approvals {
        reads.groups.clear();
        reads.people.clear();
    }
    reads
}

fn everything(reads: &mut Reads) {
    reads.now = true;
    reads.clock = true;
    reads.approvals = true;
    reads.resource = true;
    reads.facts.all = true;
}

/// What every context has besides the records of facts, and is no such record itself.
const GENERAL: &[&str] = &[
    "now",
    "clock",
    "client",
    "approved_by",
    "approvals",
    "reason",
    "break_glass",
    "account",
    "database",
];

/// `taken`: the value itself is used, and not only whether it is there.
fn read_of_context(path: &[&str], taken: bool, reads: &mut Reads) {
    let Some((first, below)) = path.split_first() else {
        return everything(reads);
    };
    match *first {
        "now" => reads.now = true,
        "clock" => reads.clock = true,
        "approved_by" | "approvals" => reads.approvals = true,
        general if GENERAL.contains(&general) => {}
        _ => match below.first() {
            Some(fact) => {
                reads.facts.names.insert((*fact).to_owned());
            }
            None => reads.facts.all |= taken,
        },
    }
}

/// What `access` names below the context, from the outside in: `sql` and `kind` of `context.sql.kind`, and of
/// `context has sql.kind`. `None` where it is no use of the context, or a name is not told.
fn path_in_context(access: &Value) -> Option<Vec<&str>> {
    let left = access.get("left");
    let mut path = match left.and_then(|left| left.get(".")) {
        Some(outer) if is_variable(outer.get("left"), "context") => {
            vec![outer.get("attr")?.as_str()?]
        }
        _ if is_variable(left, "context") => Vec::new(),
        _ => return None,
    };
    match access.get("attr")? {
        Value::Array(names) => {
            for name in names {
                path.push(name.as_str()?);
            }
        }
        name => path.push(name.as_str()?),
    }
    Some(path)
}

/// Walks Cedar's JSON form of an expression. The context is used attribute by attribute; where it is used in any
/// other way, everything counts as read.
fn walk(value: &Value, reads: &mut Reads) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, reads)),
        Value::Object(fields) => {
            for (key, inner) in fields {
                match (key.as_str(), inner) {
                    ("." | "has", access) if path_in_context(access).is_some() => {
                        let path = path_in_context(access).unwrap_or_default();
                        read_of_context(&path, key == ".", reads);
                    }
                    ("Var", Value::String(name)) if name == "context" => everything(reads),
                    ("Var", Value::String(name)) if name == "resource" => reads.resource = true,
                    ("__entity", entity) => {
                        if entity.get("type").and_then(Value::as_str) == Some("Group") {
                            reads.groups.extend(
                                entity
                                    .get("id")
                                    .and_then(Value::as_str)
                                    .map(ToOwned::to_owned),
                            );
                        }
                    }
                    ("Value", Value::Number(number)) => {
                        let number = number.as_u64().and_then(|n| u32::try_from(n).ok());
                        if let Some(n) = number.filter(|n| *n <= MAX_PEOPLE) {
                            reads.people.extend([n, n + 1]);
                        }
                    }
                    _ => walk(inner, reads),
                }
            }
        }
        _ => {}
    }
}

fn is_variable(value: Option<&Value>, name: &str) -> bool {
    value.and_then(|v| v.get("Var")).and_then(Value::as_str) == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_reads_is_found() {
        let check = |condition: &str, expected: Reads| {
            let text = format!(
                "permit (principal in Group::\"scope\", action, resource) when {{ {condition} }};"
            );
            let policy = Policy::parse(None, &text).unwrap();
            assert_eq!(reads_of(&policy), expected, "{condition}");
        };
        let none = Reads::default;
        let groups = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let facts = |names: &[&str]| FactsRead {
            names: groups(names),
            all: false,
        };
        check("true", none());
        check("context.break_glass", none());
        check(
            "context.clock.hour > 3",
            Reads {
                clock: true,
                ..none()
            },
        );
        check(
            "context[\"clock\"].hour > 3",
            Reads {
                clock: true,
                ..none()
            },
        );
        check(
            "context.now < datetime(\"2030-01-01\")",
            Reads {
                now: true,
                ..none()
            },
        );
        check(
            "context.approved_by.contains(Group::\"dba\")",
            Reads {
                approvals: true,
                groups: groups(&["dba"]),
                ..none()
            },
        );
        check(
            "context.approved_by.containsAll([Group::\"dba\", Group::\"legal\"]) && context.approvals >= 2",
            Reads {
                approvals: true,
                groups: groups(&["dba", "legal"]),
                people: [2, 3].into(),
                ..none()
            },
        );
        check(
            "resource in Schema::\"a/b/c\"",
            Reads {
                resource: true,
                ..none()
            },
        );
        check(
            "context == {a: 1}",
            Reads {
                now: true,
                clock: true,
                approvals: true,
                resource: true,
                groups: groups(&[]),
                people: [1, 2].into(),
                facts: FactsRead {
                    all: true,
                    ..FactsRead::default()
                },
            },
        );
        check(
            "context has sql.estimated_rows && context[\"sql\"].estimated_rows < 9",
            Reads {
                facts: facts(&["estimated_rows"]),
                ..none()
            },
        );
        check(
            "context has sql && context.sql == context.sql",
            Reads {
                facts: FactsRead {
                    all: true,
                    ..FactsRead::default()
                },
                ..none()
            },
        );
        check(
            "if context has sql then context.sql.has_where else context.clock.weekday < 6",
            Reads {
                clock: true,
                facts: facts(&["has_where"]),
                ..none()
            },
        );
    }
}
