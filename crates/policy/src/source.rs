//! Policy files as text: cutting them into policies, and what is wrong with them in words.

use cedar_policy::{Policy, PolicyId};
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySource {
    /// What messages call it: a path relative to the resources folder.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// One thing that keeps a snapshot from being built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file; empty when the problem is not in a policy file.
    pub file: String,
    /// The line from 1; 0 when there is no place to point at.
    pub line: u32,
    /// The column in characters from 1; 0 when there is no place to point at.
    pub column: u32,
    /// The `@id` of the policy, once it is known.
    pub policy: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, or a name that was probably meant.
    pub help: Option<String>,
}

impl Problem {
    /// A problem that is not in a policy file.
    pub(crate) fn elsewhere(message: String) -> Self {
        Self {
            file: String::new(),
            line: 0,
            column: 0,
            policy: None,
            message,
            help: None,
        }
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: message (help)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
            if self.line > 0 {
                write!(f, "{}:{}:", self.line, self.column)?;
            }
            f.write_str(" ")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "policy {policy:?}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// A policy as it was written, under the id that everything calls it by.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) id: String,
    pub(crate) policy: Policy,
    pub(crate) place: Place,
}

/// Where a policy's text is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The file, by its position in the input.
    source: usize,
    /// The byte at which the piece of text begins that was given to the parser.
    base: usize,
    /// The byte at which the policy itself begins, after comments.
    start: usize,
}

/// The sizes are far above any set that people can still read; they bound the time of a load.
const MAX_FILE_BYTES: usize = 4 << 20;
const MAX_POLICIES: usize = 10_000;

/// Parses every policy of every file by itself, so that each keeps its id, its annotations and its place.
pub(crate) fn parse(sources: &[PolicySource]) -> Result<Vec<Parsed>, Vec<Problem>> {
    let mut parsed = Vec::new();
    let mut problems = Vec::new();
    let mut taken: BTreeMap<String, Place> = BTreeMap::new();
    for (source, file) in sources.iter().enumerate() {
        if file.text.len() > MAX_FILE_BYTES {
            problems.push(Problem {
                file: file.file.clone(),
                ..Problem::elsewhere(format!(
                    "the file is larger than {} MiB; split it",
                    MAX_FILE_BYTES >> 20
                ))
            });
            continue;
        }
        for (base, piece) in pieces(&file.text) {
            let start = base + leading_trivia(piece);
            let place = Place {
                source,
                base,
                start,
            };
            match one(sources, place, piece, &taken) {
                Err(found) => problems.extend(found),
                Ok(policy) => {
                    if let Some(first) = taken.insert(policy.id.clone(), place) {
                        let (line, _) = line_column(text_of(sources, first), first.start);
                        let mut problem = at(sources, place, place.start);
                        problem.policy = Some(policy.id.clone());
                        problem.message = "another policy has the same id".into();
                        problem.help = Some(format!(
                            "the other one is at {}:{line}; ids must be unique",
                            file_of(sources, first)
                        ));
                        problems.push(problem);
                    }
                    parsed.push(policy);
                }
            }
        }
    }
    if parsed.len() > MAX_POLICIES {
        problems.push(Problem::elsewhere(format!(
            "there are {} policies, and at most {MAX_POLICIES} are supported",
            parsed.len()
        )));
    }
    if problems.is_empty() {
        Ok(parsed)
    } else {
        Err(problems)
    }
}

/// One policy under its id: what `@id` says, or else its place.
fn one(
    sources: &[PolicySource],
    place: Place,
    piece: &str,
    taken: &BTreeMap<String, Place>,
) -> Result<Parsed, Vec<Problem>> {
    let policy = Policy::parse(None, piece).map_err(|errors| {
        let mut problems: Vec<Problem> = errors
            .iter()
            .map(|error| diagnosed(sources, place, None, error))
            .collect();
        if !piece.ends_with(';') {
            problems
                .iter_mut()
                .for_each(|p| p.help = Some("a policy ends with `;`".into()));
        }
        problems
    })?;
    let id = match policy.annotation("id") {
        Some("") => {
            let mut problem = at(sources, place, place.start);
            problem.message = "@id needs a text, such as @id(\"eng-reads-prod\")".into();
            return Err(vec![problem]);
        }
        Some(id) => id.to_owned(),
        None => {
            let (line, column) = line_column(text_of(sources, place), place.start);
            let id = format!("{}:{line}", file_of(sources, place));
            if taken.contains_key(&id) {
                format!("{id}:{column}")
            } else {
                id
            }
        }
    };
    let policy = policy.new_id(PolicyId::new(&id));
    Ok(Parsed { id, policy, place })
}

/// A diagnostic of the parser or validator as a problem at its place.
pub(crate) fn diagnosed(
    sources: &[PolicySource],
    place: Place,
    policy: Option<&str>,
    diagnostic: &dyn Diagnostic,
) -> Problem {
    let offset = diagnostic
        .labels()
        .and_then(|mut labels| labels.next())
        .map_or(place.start, |label| {
            place.base.saturating_add(label.offset())
        });
    let mut problem = at(sources, place, offset.max(place.start));
    problem.policy = policy.map(ToOwned::to_owned);
    problem.message = diagnostic.to_string();
    problem.help = diagnostic.help().map(|help| help.to_string());
    problem
}

fn at(sources: &[PolicySource], place: Place, offset: usize) -> Problem {
    let (line, column) = line_column(text_of(sources, place), offset);
    Problem {
        file: file_of(sources, place).to_owned(),
        line,
        column,
        ..Problem::elsewhere(String::new())
    }
}

/// The file and line of a policy, for `explain`.
pub(crate) fn file_and_line(sources: &[PolicySource], place: Place) -> (String, u32) {
    let (line, _) = line_column(text_of(sources, place), place.start);
    (file_of(sources, place).to_owned(), line)
}

fn text_of(sources: &[PolicySource], place: Place) -> &str {
    sources.get(place.source).map_or("", |s| s.text.as_str())
}

fn file_of(sources: &[PolicySource], place: Place) -> &str {
    sources.get(place.source).map_or("", |s| s.file.as_str())
}

/// Line from 1 and column in characters from 1 of a byte offset.
fn line_column(text: &str, offset: usize) -> (u32, u32) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.split_at_checked(end).map_or("", |(before, _)| before);
    let line = before.bytes().filter(|b| *b == b'\n').count();
    let column = before.rsplit('\n').next().unwrap_or("").chars().count();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
    (number(line), number(column))
}

/// The pieces of a file that end with a `;` outside of strings and comments, with their offsets. What is left at the
/// end is a piece as well when there is more in it than comments, and the parser says what it lacks.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut begin = 0;
    let mut in_string = false;
    let mut in_comment = false;
    let mut escaped = false;
    let mut previous = 0;
    for (at, byte) in text.bytes().enumerate() {
        if in_comment {
            in_comment = byte != b'\n';
        } else if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else {
            match byte {
                b'"' => in_string = true,
                b'/' if previous == b'/' => in_comment = true,
                b';' => {
                    out.extend(text.get(begin..=at).map(|piece| (begin, piece)));
                    begin = at + 1;
                }
                _ => {}
            }
        }
        previous = byte;
    }
    let rest = text.get(begin..).unwrap_or("");
    if leading_trivia(rest) < rest.len() {
        out.push((begin, rest));
    }
    out
}

/// The length of the white space and comments that `text` begins with.
fn leading_trivia(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix("//") {
            Some(comment) => rest = comment.split_once('\n').map_or("", |(_, after)| after),
            None => return text.len() - rest.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_cut_at_the_ends_of_policies_only() {
        for (text, expected) in [
            ("", vec![]),
            ("  // only a comment; really\n", vec![]),
            ("a;b;", vec!["a;", "b;"]),
            ("a;\n// x;y\nb;", vec!["a;", "\n// x;y\nb;"]),
            (r#"a ";" "\";" ;b"#, vec![r#"a ";" "\";" ;"#, "b"]),
            (r#"a "\\"; b;"#, vec![r#"a "\\";"#, " b;"]),
            (
                "a \"// no comment\"; b;",
                vec!["a \"// no comment\";", " b;"],
            ),
        ] {
            let found: Vec<&str> = pieces(text).into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        for (offset, expected) in [(0, (1, 1)), (3, (1, 3)), (4, (2, 1)), (99, (2, 3))] {
            assert_eq!(line_column("ä1\nxy", offset), expected, "{offset}");
        }
    }

    #[test]
    fn policies_without_an_id_are_called_by_their_place() {
        let file = |file: &str, text: &str| PolicySource {
            file: file.into(),
            text: text.into(),
        };
        let sources = [
            file(
                "a.cedar",
                "// first\n\npermit (principal, action, resource);permit (principal, action, resource);",
            ),
            file(
                "b.cedar",
                "@id(\"x\") forbid (principal, action, resource);",
            ),
        ];
        let ids: Vec<String> = parse(&sources).unwrap().into_iter().map(|p| p.id).collect();
        assert_eq!(ids, ["a.cedar:3", "a.cedar:3:38", "x"]);
        let twice = [sources[1].clone(), sources[1].clone()];
        let problems = parse(&twice).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.contains("same id"));
    }
}
