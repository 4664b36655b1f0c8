//! What commands print: JSON or short text, in colour only on a terminal that wants it.

use crate::failure::Failure;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement, Table};
use jiff::Timestamp as Moment;
use serde::Serialize;
use sluice_control::api::types::ErrorBody;
use sluice_model::Timestamp;
pub use sluice_record::{inert, inert_line};
use std::io::{self, IsTerminal as _, Write as _};

/// How much of a statement a table shows; the whole is in `--json` and in `replay`.
const SHORT_TEXT: usize = 60;

/// Where and how results are printed.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// One JSON document (or one per line for streams) instead of text.
    pub json: bool,
    /// Colours on standard output.
    colour: bool,
}

/// What a piece of text means, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Went through.
    Good,
    /// Waits.
    Waiting,
    /// Refused or wrong.
    Bad,
    /// Beside the point.
    Faint,
    /// A heading.
    Strong,
}

impl Tone {
    fn escape(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Waiting => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Faint => "\x1b[2m",
            Self::Strong => "\x1b[1m",
        }
    }
}

/// <https://no-color.org>: any value that is not empty switches colours off.
fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

impl Output {
    /// The output of this process.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            json,
            colour: terminal && !json && colours_wanted(),
        }
    }

    /// Text without colours, as wide as it needs to be.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            json: false,
            colour: false,
        }
    }

    /// Prints `value` as JSON, or what `text` makes of it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.json_line(value)
        } else {
            self.text(&text(value))
        }
    }

    /// Prints `value` as one line of JSON.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn json_line<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(|error| {
            Failure::failed(format!("cannot write the answer as JSON: {error}"))
        })?;
        self.text(&line)
    }

    /// Prints text, ending it with one newline; prints nothing for nothing.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        let text = text.trim_end_matches('\n');
        if text.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }

    /// `text` in the colour of its meaning.
    #[must_use]
    pub fn tone(self, tone: Tone, text: &str) -> String {
        if self.colour {
            format!("{}{text}\x1b[0m", tone.escape())
        } else {
            text.to_owned()
        }
    }

    /// A plain table, or `none` when it has no rows. Its cells hold no colours: they would be counted as text.
    #[must_use]
    pub fn table(self, header: &[&str], rows: Vec<Vec<String>>, none: &str) -> String {
        if rows.is_empty() {
            return none.to_owned();
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        // No cell is broken over lines: an id must stay in one piece to be copied.
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header.iter().map(Cell::new));
        table.add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }
}

/// Prints an error to standard error: what happened, what is wrong where, what to do next.
pub fn report(body: &ErrorBody, json: bool) {
    let mut err = io::stderr().lock();
    // There is nobody left to tell when standard error cannot be written.
    if json {
        let _ = serde_json::to_writer(&mut err, body);
        let _ = writeln!(err);
        return;
    }
    let label = if io::stderr().is_terminal() && colours_wanted() {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    };
    let _ = writeln!(err, "{label} {}", inert(&body.error));
    for problem in &body.problems {
        let _ = writeln!(err, "  {}", inert(&problem.to_string()));
    }
    if let Some(hint) = &body.hint {
        let _ = writeln!(err, "  {}", inert(hint));
    }
}

/// Text that came from elsewhere on one line, with runs of blanks as one, cut to fit a table.
#[must_use]
pub fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHORT_TEXT) {
        Some((end, _)) => format!("{}…", inert_line(line.get(..end).unwrap_or_default())),
        None => inert_line(&line).into_owned(),
    }
}

/// Names from elsewhere, separated by commas.
#[must_use]
pub fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names
        .into_iter()
        .map(|name| inert_line(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A moment in UTC, to the second: `2026-11-23 13:51:10Z`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    Moment::from_second(at.seconds()).map_or_else(
        |_| at.0.to_string(),
        |m| m.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

/// The time of day in UTC, to the millisecond: `13:51:10.042`.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    Moment::from_millisecond(at.millis()).map_or_else(
        |_| at.0.to_string(),
        |m| m.strftime("%H:%M:%S.%3f").to_string(),
    )
}

/// A moment that may not be.
#[must_use]
pub fn moment_or_dash(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_cell_is_one_short_line() {
        assert_eq!(one_line("DELETE\n  FROM t\x1b[2J"), "DELETE FROM t\\x1b[2J");
        let long = "ü".repeat(SHORT_TEXT + 1);
        assert_eq!(one_line(&long).chars().count(), SHORT_TEXT + 1);
        assert!(one_line(&long).ends_with('…'));
    }

    #[test]
    fn moments_are_in_utc() {
        let at = Timestamp(1_763_905_870_042_000);
        assert_eq!(moment(at), "2025-11-23 13:51:10Z");
        assert_eq!(clock(at), "13:51:10.042");
        assert_eq!(moment_or_dash(None), "-");
        assert_eq!(
            moment(Timestamp(i64::MAX)).parse::<i64>().ok(),
            Some(i64::MAX)
        );
    }

    #[test]
    fn a_table_is_plain() {
        let out = Output::plain();
        let rows = vec![
            vec!["a-1".into(), "x".into()],
            vec!["a-22".into(), "y".into()],
        ];
        assert_eq!(
            out.table(&["ID", "WHAT"], rows, "none"),
            "ID    WHAT\na-1   x\na-22  y"
        );
        assert_eq!(out.table(&["ID"], Vec::new(), "none"), "none");
        assert_eq!(out.tone(Tone::Bad, "no"), "no");
    }
}
