//! `sluice explain`: what would be decided, by which policy, and what would be masked.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, inert, one_line};
use clap::Args;
use sluice_control::api::types::{
    ExplainRequest, ExplainResponse, ExplainedAccess, ExplainedStatement,
};
use sluice_model::{Decision, PrincipalId};
use std::fmt::Write as _;
use std::io::Read as _;

/// The largest statement that is read from standard input; the gateway takes no larger one either.
const MAX_STATEMENT_BYTES: u64 = 256 << 10;

/// `sluice explain --as user:ada --connection shop "SELECT ..."`.
#[derive(Debug, Args)]
pub struct Explain {
    /// For whom; yourself when left out. Only administrators ask for others
    #[arg(long = "as", value_name = "PRINCIPAL")]
    principal: Option<PrincipalId>,
    /// On which connection; `NAME/DATABASE` for another database
    #[arg(long)]
    connection: String,
    /// With which account; the default one when left out
    #[arg(long)]
    account: Option<String>,
    /// The operation, such as a SQL text; `-` reads it from standard input
    operation: String,
}

impl Explain {
    /// Asks the gateway; nothing is run on the target.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let (connection, database) = match self.connection.split_once('/') {
            Some((name, database)) => (name.to_owned(), Some(database.to_owned())),
            None => (self.connection, None),
        };
        let request = ExplainRequest {
            principal: self.principal,
            connection,
            account: self.account,
            database,
            operation: if self.operation == "-" {
                read_statement()?
            } else {
                self.operation
            },
        };
        let answer: ExplainResponse = context
            .gateway()?
            .client()?
            .post("/v1/explain", &request)
            .await?;
        let out = context.out;
        out.show(&answer, |answer| render(out, answer))
    }
}

fn read_statement() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_STATEMENT_BYTES.saturating_add(1))
        .read_to_string(&mut text);
    match read {
        Ok(size) if size as u64 > MAX_STATEMENT_BYTES => Err(Failure::usage(format!(
            "the statement is larger than {MAX_STATEMENT_BYTES} bytes"
        ))),
        Ok(_) => Ok(text),
        Err(error) => Err(
            Failure::usage(format!("cannot read standard input: {error}"))
                .hint("expected a statement in UTF-8"),
        ),
    }
}

/// One line that says what was decided, by which policy and why.
#[must_use]
pub fn decision(out: Output, decision: &Decision) -> String {
    let by = |policies: &[String]| match policies {
        [] => String::new(),
        ids => format!(
            " by {}",
            ids.iter()
                .map(|id| inert(id))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    match decision {
        Decision::Allow(allowed) => {
            format!("{}{}", out.tone(Tone::Good, "allow"), by(&allowed.policies))
        }
        Decision::Ask(ask) => {
            let set = |set: &std::collections::BTreeSet<String>| {
                set.iter()
                    .map(|group| inert(group))
                    .collect::<Vec<_>>()
                    .join(" + ")
            };
            let sets = ask
                .group_sets
                .iter()
                .map(set)
                .collect::<Vec<_>>()
                .join(" or ");
            let people = if ask.people > 1 {
                format!(" ({} people)", ask.people)
            } else {
                String::new()
            };
            format!(
                "{} {sets}{people}{}",
                out.tone(Tone::Waiting, "ask"),
                by(&ask.policies)
            )
        }
        Decision::Deny(denial) => {
            let policy = denial.policy.iter().cloned().collect::<Vec<_>>();
            format!(
                "{}{}: {}",
                out.tone(Tone::Bad, "deny"),
                by(&policy),
                inert(&denial.message)
            )
        }
    }
}

fn render(out: Output, answer: &ExplainResponse) -> String {
    let mut text = format!("connect: {}", decision(out, &answer.connect));
    for statement in &answer.statements {
        let _ = write!(text, "\n\n{}", render_statement(out, statement));
    }
    text
}

fn render_statement(out: Output, statement: &ExplainedStatement) -> String {
    let mut text = format!(
        "{}\n  {}",
        out.tone(Tone::Strong, &one_line(&statement.text)),
        decision(out, &statement.decision)
    );
    for access in &statement.accesses {
        let ExplainedAccess {
            action,
            resource,
            decision: alone,
        } = access;
        let told = decision(out, alone);
        let _ = write!(
            text,
            "\n    {} on {}: {told}",
            inert(action),
            inert(resource)
        );
    }
    for column in &statement.masked {
        let name = inert(&column.name);
        let _ = match &column.class {
            Some(class) => write!(text, "\n  masked: {name} ({})", inert(class)),
            None => write!(
                text,
                "\n  masked: {name} (derived, or its origin cannot be told)"
            ),
        };
    }
    for note in &statement.notes {
        let _ = write!(text, "\n  note: {}", inert(note));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, Ask, Denial, MaskedColumn};

    #[test]
    fn each_decision_reads_as_one_line() {
        let group = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (given, expected) in [
            (
                Decision::Allow(Allowed {
                    policies: vec!["eng-reads".into()],
                }),
                "allow by eng-reads",
            ),
            (
                Decision::Ask(Ask {
                    group_sets: vec![group(&["dba"]), group(&["lead", "security"])],
                    people: 2,
                    policies: vec!["eng-writes".into()],
                }),
                "ask dba or lead + security (2 people) by eng-writes",
            ),
            (
                Decision::Deny(Denial {
                    policy: Some("no-drop".into()),
                    message: "never\x07".into(),
                }),
                "deny by no-drop: never\\x07",
            ),
            (
                Decision::Deny(Denial {
                    policy: None,
                    message: "no policy permits it".into(),
                }),
                "deny: no policy permits it",
            ),
        ] {
            assert_eq!(decision(Output::plain(), &given), expected);
        }
    }

    #[test]
    fn a_statement_shows_its_accesses_and_masks() {
        let allow = || {
            Decision::Allow(Allowed {
                policies: vec!["r".into()],
            })
        };
        let answer = ExplainResponse {
            connect: allow(),
            statements: vec![ExplainedStatement {
                text: "SELECT *\nFROM t".into(),
                decision: allow(),
                accesses: vec![ExplainedAccess {
                    action: "sql:select".into(),
                    resource: "table public.t".into(),
                    decision: allow(),
                }],
                masked: vec![
                    MaskedColumn {
                        name: "ssn".into(),
                        class: Some("ssn".into()),
                    },
                    MaskedColumn {
                        name: "f".into(),
                        class: None,
                    },
                ],
                notes: vec!["detectors look at every text".into()],
            }],
        };
        let expected = "connect: allow by r\n\nSELECT * FROM t\n  allow by r\n    sql:select on table public.t: allow by r\n  masked: ssn (ssn)\n  masked: f (derived, or its origin cannot be told)\n  note: detectors look at every text";
        assert_eq!(render(Output::plain(), &answer), expected);
    }
}
