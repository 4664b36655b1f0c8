//! `sluice audit verify`: whether the records are as they were written.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, inert};
use clap::{Args, Subcommand};
use sluice_control::api::types::AuditReport;
use sluice_record::{Report, VerifierKey};
use std::path::{Path, PathBuf};

/// What is done with the records as a whole.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check every record and the log over them; names the exact event that was changed, moved or is missing
    Verify(Verify),
}

/// `sluice audit verify`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
With --data-dir, or with --config on the gateway's own host, the files themselves are checked, whether the gateway \
runs or not. Otherwise the gateway at SLUICE_URL is asked to check.")]
pub struct Verify {
    /// Check this data directory, or a copy of it, without a gateway
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
    /// The log's public key (NAME+ID+KEY) from elsewhere, instead of the one beside the records
    #[arg(long, value_name = "KEY", requires = "data_dir")]
    key: Option<VerifierKey>,
}

impl Audit {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Verify(command) => command.run(context).await,
        }
    }
}

impl Verify {
    /// Ends with 1 when anything is wrong.
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let report = match self.data_dir {
            Some(data_dir) => offline(&data_dir, self.key).await?,
            None => here_or_there(context).await?,
        };
        let out = context.out;
        out.show(&report, |report| render(out, report))?;
        if report.ok {
            Ok(())
        } else {
            Err(Failure::said())
        }
    }
}

/// On the gateway's own host, as its own user: the files. For everybody else: the gateway's word.
async fn here_or_there(context: &Context) -> Result<AuditReport, Failure> {
    let gateway = context.gateway()?;
    match (&gateway.config, &gateway.own_token) {
        (Some(config), None) => offline(&config.data_dir, None).await,
        _ => gateway.client()?.post("/v1/audit/verify", &()).await,
    }
}

async fn offline(data_dir: &Path, key: Option<VerifierKey>) -> Result<AuditReport, Failure> {
    let (records, beside, mark) = sluice_control::records_of(data_dir)
        .await
        .map_err(|error| {
            Failure::usage(error.to_string())
                .hint("expected the data_dir of a gateway that has run, readable by you")
        })?;
    let report = sluice_record::verify(&records, &key.unwrap_or(beside), mark)
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(summary(&report))
}

fn summary(report: &Report) -> AuditReport {
    let mut problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    if report.more {
        problems.push("more is wrong than is listed".to_owned());
    }
    AuditReport {
        ok: report.is_clean(),
        sessions: report.sessions,
        events: report.events,
        problems,
    }
}

fn render(out: Output, report: &AuditReport) -> String {
    let verdict = match report.ok {
        true => out.tone(Tone::Good, "intact"),
        false => out.tone(Tone::Bad, "not as it was written"),
    };
    let mut text = format!(
        "{verdict}: {} sessions, {} events",
        report.sessions, report.events
    );
    for problem in &report.problems {
        text.push_str("\n  ");
        text.push_str(&inert(problem));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_comes_first_and_each_problem_on_its_line() {
        let mut report = AuditReport {
            ok: true,
            sessions: 2,
            events: 9,
            problems: Vec::new(),
        };
        assert_eq!(
            render(Output::plain(), &report),
            "intact: 2 sessions, 9 events"
        );
        report.ok = false;
        report.problems = vec!["session s-1: event 3 was changed\x07".into()];
        assert_eq!(
            render(Output::plain(), &report),
            "not as it was written: 2 sessions, 9 events\n  session s-1: event 3 was changed\\x07"
        );
    }
}
