//! `sluice policy`: whether policies say what they are meant to.

use super::explain::decision;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, inert};
use clap::{Args, Subcommand};
use sluice_control::api::types::{PolicyTestReport, PolicyTestRequest, PolicyTestResult};
use std::fmt::Write as _;
use std::path::PathBuf;

/// `sluice policy`.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Run the policy tests, under what is in force or under files that are not yet
    Test(Test),
}

impl Policy {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Test(test) => test.run(context).await,
        }
    }
}

/// `sluice policy test [-f DIR]`.
#[derive(Debug, Args)]
pub struct Test {
    /// A directory of *.yaml and *.cedar files that are to be applied; the tests run as if they were
    #[arg(short = 'f', long = "files", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    files: Option<PathBuf>,
}

impl Test {
    /// Asks the gateway, which runs nothing at a target. Ends with 1 when a test fails.
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let files = match &self.files {
            None => Vec::new(),
            Some(directory) => sluice_control::read_directory(directory).map_err(|problem| {
                Failure::usage(problem.to_string()).hint("expected *.yaml or *.cedar files")
            })?,
        };
        let request = PolicyTestRequest {
            files,
            delete: Vec::new(),
        };
        let client = context.gateway()?.client()?;
        let report: PolicyTestReport = client.post("/v1/policies/test", &request).await?;
        let out = context.out;
        out.show(&report, |report| render(out, report))?;
        match report.tests.iter().all(|test| test.ok) {
            true => Ok(()),
            false => Err(Failure::said()),
        }
    }
}

fn render(out: Output, report: &PolicyTestReport) -> String {
    let mut text = String::new();
    for test in &report.tests {
        let _ = writeln!(text, "{}", line(out, test));
    }
    let passed = report.tests.iter().filter(|test| test.ok).count();
    let _ = write!(text, "{passed} of {} as expected", report.tests.len());
    text
}

fn line(out: Output, test: &PolicyTestResult) -> String {
    let mark = match test.ok {
        true => out.tone(Tone::Good, "ok"),
        false => out.tone(Tone::Bad, "failed"),
    };
    let mut text = format!("{mark} {}", inert(&test.name));
    if let Some(message) = &test.message {
        let _ = write!(text, ": {}", inert(message));
    }
    if let Some(decided) = test.decision.as_ref().filter(|_| !test.ok) {
        let _ = write!(text, "\n  {}", decision(out, decided));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, Decision};

    #[test]
    fn what_failed_says_why_and_what_was_decided() {
        let test = |name: &str, message: Option<&str>| PolicyTestResult {
            name: name.into(),
            ok: message.is_none(),
            expected: "deny".into(),
            decision: Some(Decision::Allow(Allowed {
                policies: vec!["reads".into()],
            })),
            message: message.map(str::to_owned),
        };
        let report = PolicyTestReport {
            tests: vec![
                test("good", None),
                test("bad\x1b[m", Some("expected deny, and it comes to allow")),
            ],
        };
        let expected = "ok good\nfailed bad\\x1b[m: expected deny, and it comes to allow\n  allow by reads\n1 of 2 as expected";
        assert_eq!(render(Output::plain(), &report), expected);
    }
}
