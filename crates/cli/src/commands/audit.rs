//! `sluice audit verify`: whether the records are as they were written.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Tone, inert};
use clap::{Args, Subcommand};
use sluice_control::api::types::AuditReport;

/// What is done with the records as a whole.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check every record and the log over them; names the exact event that was changed, moved or is missing
    Verify(Verify),
}

/// `sluice audit verify`.
#[derive(Debug, Args)]
pub struct Verify {}

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
        let report: AuditReport = context.gateway()?.client()?.post("/v1/audit/verify", &()).await?;
        let out = context.out;
        out.show(&report, |report| {
            let tone = if report.ok { Tone::Good } else { Tone::Bad };
            let word = if report.ok { "intact" } else { "NOT as it was written" };
            let mut text = format!(
                "{}: {} sessions, {} events",
                out.tone(tone, word),
                report.sessions,
                report.events
            );
            for problem in &report.problems {
                text.push_str("\n  ");
                text.push_str(&inert(problem));
            }
            text
        })?;
        if report.ok { Ok(()) } else { Err(Failure::said()) }
    }
}
