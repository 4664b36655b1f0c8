//! What is wrong in a file that somebody wrote, collected rather than stopped at.

use crate::api::types::ProblemInfo;
use std::fmt;

/// Everything that is wrong, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<ProblemInfo>);

impl fmt::Display for Problems {
    /// One per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Why a file cannot be read, in words.
pub(crate) fn reason(kind: std::io::ErrorKind) -> String {
    match kind {
        std::io::ErrorKind::NotFound => "there is nothing of this name".to_owned(),
        other => other.to_string(),
    }
}

impl ProblemInfo {
    /// A problem of a whole file.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self::at(file, (0, 0), message)
    }

    /// A problem at a (line, column).
    pub(crate) fn at(file: &str, (line, column): (u32, u32), message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            column,
            policy: None,
            message: message.into(),
            help: None,
        }
    }

    /// The same with what was probably meant.
    pub(crate) fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

impl From<sluice_policy::Problem> for ProblemInfo {
    fn from(p: sluice_policy::Problem) -> Self {
        Self {
            file: p.file,
            line: p.line,
            column: p.column,
            policy: p.policy,
            message: p.message,
            help: p.help,
        }
    }
}

/// How alike two names must be for one to be offered in place of the other: 0.75 finds longer names with several
/// wrong letters without offering unrelated ones.
const ALIKE: f64 = 0.75;

/// The most similar of the known names, as a hint.
pub(crate) fn did_you_mean<'a>(
    got: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let got = got.to_lowercase();
    let score = |name: &str| {
        let name = name.to_lowercase();
        // One letter missing, doubled, wrong or swapped, also where the whole name is short.
        let near = got.len() > 2 && strsim::damerau_levenshtein(&got, &name) <= 1;
        strsim::jaro_winkler(&got, &name).max(if near { ALIKE } else { 0.0 })
    };
    known
        .into_iter()
        .map(|name| (score(name), name))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean {name:?}?"))
}
