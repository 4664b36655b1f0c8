//! How a command ends: the exit codes and the error that carries one.

use sluice_control::api::types::ErrorBody;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

/// Why a command ends; each has an exit code of its own, so that scripts can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done,
    /// It failed, or the gateway refused it.
    Failed,
    /// The command line or a file named on it is wrong.
    Usage,
    /// The gateway did not answer.
    Unreachable,
}

/// Every exit code with its meaning: shown by `--help` and in the reference.
pub const EXIT_CODES: &[(Exit, u8, &str)] = &[
    (Exit::Done, 0, "done"),
    (Exit::Failed, 1, "failed, or refused by the gateway"),
    (Exit::Usage, 2, "wrong command line or configuration"),
    (Exit::Unreachable, 3, "the gateway did not answer"),
];

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        EXIT_CODES
            .iter()
            .find(|(exit, ..)| *exit == self)
            .map_or(1, |(_, code, _)| *code)
    }
}

/// The table as `--help` shows it.
#[must_use]
pub fn exit_code_help() -> String {
    let mut text = String::from("Exit codes:\n");
    for (_, code, meaning) in EXIT_CODES {
        let _ = writeln!(text, "  {code}  {meaning}");
    }
    text
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// Which kind.
    pub exit: Exit,
    /// What is said of it; `None` when nobody reads any more, or when it is said already.
    pub body: Option<ErrorBody>,
}

impl Failure {
    fn new(exit: Exit, error: impl Into<String>, hint: Option<String>) -> Self {
        let body = ErrorBody {
            error: error.into(),
            hint,
            problems: Vec::new(),
        };
        Self {
            exit,
            body: Some(body),
        }
    }

    /// Something did not work, or was refused.
    #[must_use]
    pub fn failed(error: impl Into<String>) -> Self {
        Self::new(Exit::Failed, error, None)
    }

    /// The caller asked for something that cannot be.
    #[must_use]
    pub fn usage(error: impl Into<String>) -> Self {
        Self::new(Exit::Usage, error, None)
    }

    /// The gateway did not answer.
    #[must_use]
    pub fn unreachable(error: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, error, None)
    }

    /// The gateway's own refusal.
    #[must_use]
    pub fn refused(body: ErrorBody) -> Self {
        Self {
            exit: Exit::Failed,
            body: Some(body),
        }
    }

    /// The outcome is a failure, and the output says already what is wrong.
    #[must_use]
    pub fn said() -> Self {
        Self {
            exit: Exit::Failed,
            body: None,
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(body) = &mut self.body {
            body.hint = Some(hint.into());
        }
        self
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit.code())
    }
}

impl From<io::Error> for Failure {
    /// Of writing the output. A reader that left (`sluice replay .. | head`) has what it wanted.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                exit: Exit::Done,
                body: None,
            };
        }
        Self::failed(format!("cannot write the output: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_has_one_code_and_help_tells_it() {
        let help = exit_code_help();
        for (exit, expected) in [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Unreachable, 3),
        ] {
            assert_eq!(exit.code(), expected);
            assert!(help.contains(&format!("\n  {expected}  ")), "{help}");
        }
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit, Exit::Done);
        assert!(failure.body.is_none());
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit, Exit::Failed);
    }
}
