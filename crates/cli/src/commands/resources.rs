//! `sluice apply` and `sluice check`: resource files, with and without a gateway.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, inert};
use clap::{ArgGroup, Args};
use serde::Serialize;
use sluice_control::api::types::{
    ApplyRequest, ApplyResponse, ChangeKind, ErrorBody, ProblemInfo, ResourceChange,
};
use sluice_model::{ActionSpec, GENERAL_ACTIONS};
use sluice_protocol::PROTOCOLS;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What a policy's principals, resources and groups can be, with how each is named.
const ENTITIES: &[(&str, &str)] = &[
    ("User", "a person: User::\"ada\""),
    (
        "Service",
        "a CI job or service account: Service::\"reporting-job\"",
    ),
    (
        "Agent",
        "an AI agent; what its owner may not do, it may not do either",
    ),
    (
        "Group",
        "principals in it: principal in Group::\"engineering\"",
    ),
    ("Connection", "a target: Connection::\"shop\""),
    (
        "Environment",
        "connections in it: resource in Environment::\"prod\"",
    ),
    (
        "Label",
        "connections with it: resource in Label::\"team=payments\"",
    ),
    ("Database", "a database of a connection"),
    ("Schema", "a schema of a database"),
    (
        "Table",
        "a table, view, sequence or foreign table of a schema",
    ),
    ("Routine", "a function or procedure of a schema"),
    ("Column", "a column of a table, in its data classes"),
    ("DataClass", "a kind of sensitive data: DataClass::\"ssn\""),
];

/// `sluice apply -f DIR`.
#[derive(Debug, Args)]
pub struct Apply {
    /// A directory of *.yaml and *.cedar files
    #[arg(short = 'f', long = "files", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    files: PathBuf,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// Also delete what is not in the files
    #[arg(long)]
    prune: bool,
}

impl Apply {
    /// Sends the files and prints what changed.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let files =
            sluice_control::read_directory(&self.files).map_err(|problem| wrong(vec![problem]))?;
        if files.is_empty() {
            return Err(Failure::usage(format!(
                "there are no resources in {}",
                self.files.display()
            ))
            .hint("expected *.yaml or *.cedar files"));
        }
        let request = ApplyRequest {
            files,
            dry_run: self.dry_run,
            prune: self.prune,
            delete: Vec::new(),
        };
        let answer: ApplyResponse = context
            .gateway()?
            .client()?
            .post("/v1/resources/apply", &request)
            .await?;
        let out = context.out;
        out.show(&answer, |answer| render(out, answer))
    }
}

fn render(out: Output, answer: &ApplyResponse) -> String {
    let mut text = String::new();
    for ResourceChange {
        change,
        kind,
        name,
        diff,
    } in &answer.changes
    {
        let verb = match change {
            ChangeKind::Created => out.tone(Tone::Good, "create"),
            ChangeKind::Updated => out.tone(Tone::Waiting, "update"),
            ChangeKind::Deleted => out.tone(Tone::Bad, "delete"),
        };
        let _ = writeln!(text, "{verb} {} {}", inert(kind), inert(name));
        for line in diff {
            let shown = inert(line);
            let shown = match line.bytes().next() {
                Some(b'+') => out.tone(Tone::Good, &shown),
                Some(b'-') => out.tone(Tone::Bad, &shown),
                _ => shown.into_owned(),
            };
            let _ = writeln!(text, "  {shown}");
        }
    }
    let count = answer.changes.len();
    let done = if answer.applied {
        "changed"
    } else {
        "would change"
    };
    let _ = write!(text, "{count} {done}, {} unchanged", answer.unchanged);
    text
}

/// `sluice check -f DIR`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
pub struct Check {
    /// A directory of *.yaml and *.cedar files; needs no gateway
    #[arg(short = 'f', long = "files", value_name = "DIR", group = "what", value_hint = clap::ValueHint::DirPath)]
    files: Option<PathBuf>,
    /// List the entities, actions and facts that policies may name
    #[arg(long, group = "what")]
    names: bool,
}

/// The outcome of a check as JSON.
#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    problems: Vec<ProblemInfo>,
}

impl Check {
    /// Prints what is wrong, each with its place. Ends with 1 when anything is.
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        let out = context.out;
        if self.names {
            out.show(&names_as_json(), |_| policy_names(false))?;
        }
        let Some(directory) = &self.files else {
            return Ok(());
        };
        let problems = sluice_control::check(directory, PROTOCOLS);
        let checked = Checked {
            ok: problems.is_empty(),
            problems,
        };
        if out.json {
            out.json_line(&checked)?;
            return if checked.ok {
                Ok(())
            } else {
                Err(Failure::said())
            };
        }
        if checked.ok {
            return out.text(&format!("{} is fine", directory.display()));
        }
        Err(wrong(checked.problems))
    }
}

fn wrong(problems: Vec<ProblemInfo>) -> Failure {
    let count = problems.len();
    let things = if count == 1 {
        "1 thing is".to_owned()
    } else {
        format!("{count} things are")
    };
    Failure::refused(ErrorBody {
        error: format!("{things} wrong in the resources"),
        hint: None,
        problems,
    })
}

/// Every protocol's actions after the general ones.
fn actions() -> impl Iterator<Item = &'static ActionSpec> {
    GENERAL_ACTIONS
        .iter()
        .chain(PROTOCOLS.iter().flat_map(|protocol| protocol.actions))
}

fn names_as_json() -> serde_json::Value {
    let actions: Vec<_> = actions()
        .map(|action| {
            serde_json::json!({
                "name": action.name,
                "in": action.groups,
                "on": action.resources.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>(),
                "doc": action.doc,
            })
        })
        .collect();
    let entities: Vec<_> = ENTITIES
        .iter()
        .map(|(name, doc)| serde_json::json!({"name": name, "doc": doc}))
        .collect();
    let facts: Vec<_> = PROTOCOLS
        .iter()
        .flat_map(|protocol| {
            protocol
                .facts
                .iter()
                .map(move |fact| (protocol.fact_namespace, fact))
        })
        .map(|(namespace, fact)| {
            serde_json::json!({
                "name": format!("context.{namespace}.{}", fact.name),
                "type": format!("{:?}", fact.kind),
                "required": fact.required,
                "doc": fact.doc,
            })
        })
        .collect();
    serde_json::json!({"entities": entities, "actions": actions, "facts": facts})
}

/// All names that a policy may use, as tables.
#[must_use]
pub fn policy_names(narrow: bool) -> String {
    let out = Output::plain();
    let entities = ENTITIES
        .iter()
        .map(|(name, doc)| vec![(*name).to_owned(), (*doc).to_owned()]);
    let mut text = out.table(&["ENTITY", "WHAT"], entities.collect(), "");
    let rows = actions().map(|action| {
        let on: Vec<String> = action
            .resources
            .iter()
            .map(|kind| format!("{kind:?}"))
            .collect();
        let mut row = vec![
            action.name.to_owned(),
            action.groups.join(", "),
            on.join(", "),
        ];
        if !narrow {
            row.push(action.doc.to_owned());
        }
        row
    });
    let header: &[&str] = if narrow {
        &["ACTION", "IN", "ON"]
    } else {
        &["ACTION", "IN", "ON", "WHAT"]
    };
    text.push_str("\n\n");
    text.push_str(&out.table(header, rows.collect(), ""));
    let facts = PROTOCOLS.iter().flat_map(|protocol| {
        protocol.facts.iter().map(|fact| {
            let name = format!("context.{}.{}", protocol.fact_namespace, fact.name);
            let always = if fact.required {
                "always"
            } else {
                "test with `has`"
            };
            vec![
                name,
                format!("{:?}", fact.kind),
                always.to_owned(),
                fact.doc.to_owned(),
            ]
        })
    });
    text.push_str("\n\n");
    text.push_str(&out.table(&["FACT", "TYPE", "THERE", "WHAT"], facts.collect(), ""));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::ResourceKind;

    #[test]
    fn every_resource_kind_is_a_listed_entity() {
        for kind in [
            ResourceKind::Connection,
            ResourceKind::Database,
            ResourceKind::Schema,
            ResourceKind::Table,
            ResourceKind::Routine,
            ResourceKind::Column,
            ResourceKind::DataClass,
        ] {
            assert!(
                ENTITIES
                    .iter()
                    .any(|(name, _)| *name == format!("{kind:?}")),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn the_names_hold_every_action_and_fact() {
        let text = policy_names(false);
        for action in actions() {
            assert!(text.contains(action.name), "{}", action.name);
        }
        for protocol in PROTOCOLS {
            for fact in protocol.facts {
                assert!(text.contains(&format!(
                    "context.{}.{}",
                    protocol.fact_namespace, fact.name
                )));
            }
        }
    }

    #[test]
    fn an_apply_prints_its_diff() {
        let answer = ApplyResponse {
            changes: vec![ResourceChange {
                change: ChangeKind::Updated,
                kind: "Connection".into(),
                name: "shop".into(),
                diff: vec![" a: 1".into(), "-b: 2".into(), "+b: 3\x1b[m".into()],
            }],
            unchanged: 4,
            applied: false,
            version: 7,
        };
        let expected =
            "update Connection shop\n   a: 1\n  -b: 2\n  +b: 3\\x1b[m\n1 would change, 4 unchanged";
        assert_eq!(render(Output::plain(), &answer), expected);
    }
}
