//! Reads files of SQL as `psql` would send them and counts what became of each statement: read, refused by the
//! grammar, refused by a limit, or unknown. A statement that the grammar accepts is never unknown: exit status 1.
//!
//! `cargo run --release -p sluice-protocol --example classify -- FILE...`

use std::collections::BTreeMap;
use std::process::ExitCode;

use sluice_protocol::sql::{
    Catalog, NameScope, ReadError, ReadOptions, Relation, Volatility, read, resolve,
};

/// Nothing exists: every name is unresolved, which must not keep a statement from needing something.
struct Nothing;

impl Catalog for Nothing {
    fn relation(&self, _: &str, _: &str) -> Option<&Relation> {
        None
    }

    fn routine(&self, _: &str, _: &str) -> Option<Volatility> {
        None
    }
}

#[derive(Default)]
struct Counts {
    read: usize,
    refused: usize,
    limited: usize,
    unknown: Vec<String>,
}

/// Splits a file at semicolons outside of quotes, comments and parentheses, and leaves out what is for `psql` itself:
/// lines that begin with a backslash, and the data after COPY ... FROM STDIN.
fn split(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut statement = String::new();
    let mut state = State::default();
    let mut in_data = false;
    for line in text.lines() {
        if in_data {
            in_data = line != "\\.";
            continue;
        }
        if state.is_outside() && line.starts_with('\\') {
            continue;
        }
        for piece in state.pieces(line) {
            match piece {
                Piece::Text(text) => statement.push_str(text),
                Piece::End => {
                    let upper = statement.trim_start().to_ascii_uppercase();
                    in_data = upper.starts_with("COPY") && upper.contains("FROM STDIN");
                    statements.push(std::mem::take(&mut statement));
                }
            }
        }
        statement.push('\n');
    }
    statements.push(statement);
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

enum Piece<'l> {
    Text(&'l str),
    End,
}

#[derive(Default)]
struct State {
    /// What closes the quote or comment that is open.
    until: Option<String>,
    escapes: bool,
    comments: usize,
    parentheses: usize,
    /// BEGIN ATOMIC bodies hold semicolons too.
    atomic: usize,
}

impl State {
    fn is_outside(&self) -> bool {
        self.until.is_none() && self.comments == 0 && self.parentheses == 0
    }

    fn pieces<'l>(&mut self, line: &'l str) -> Vec<Piece<'l>> {
        let mut pieces = Vec::new();
        let mut rest = line;
        let mut from = rest;
        while let Some(first) = rest.chars().next() {
            let taken = self.step(rest, first, line);
            let (token, after) = rest.split_at(taken.min(rest.len()));
            if token == ";" && self.is_outside() && self.atomic == 0 {
                let text = from.len() - rest.len();
                pieces.push(Piece::Text(from.get(..text).unwrap_or_default()));
                pieces.push(Piece::End);
                from = after;
            }
            rest = after;
        }
        pieces.push(Piece::Text(from));
        pieces
    }

    /// Moves over one token; gives back its length.
    fn step(&mut self, rest: &str, first: char, line: &str) -> usize {
        if let Some(until) = &self.until {
            if self.escapes && first == '\\' {
                return 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
            }
            if rest.starts_with(until.as_str()) {
                let length = until.len();
                self.until = None;
                return length;
            }
            return first.len_utf8();
        }
        if self.comments > 0 && rest.starts_with("*/") {
            self.comments -= 1;
            return 2;
        }
        if rest.starts_with("/*") {
            self.comments += 1;
            return 2;
        }
        if self.comments > 0 {
            return first.len_utf8();
        }
        if rest.starts_with("--") {
            return rest.len();
        }
        match first {
            '\'' | '"' => {
                let before = line.get(..line.len() - rest.len()).unwrap_or_default();
                self.escapes = first == '\'' && before.ends_with(['E', 'e']);
                self.until = Some(first.to_string());
                1
            }
            '$' => {
                let tag: String = rest
                    .chars()
                    .skip(1)
                    .take_while(|c| *c == '_' || c.is_alphanumeric())
                    .collect();
                let quote = format!("${tag}$");
                if rest.starts_with(&quote) && !tag.starts_with(|c: char| c.is_ascii_digit()) {
                    let length = quote.len();
                    self.escapes = false;
                    self.until = Some(quote);
                    return length;
                }
                1
            }
            '(' => {
                self.parentheses += 1;
                1
            }
            ')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                1
            }
            _ if first.is_alphabetic() => self.word(rest),
            _ => first.len_utf8(),
        }
    }

    fn word(&mut self, rest: &str) -> usize {
        let word: String = rest
            .chars()
            .take_while(|c| *c == '_' || c.is_alphanumeric())
            .collect();
        match word.to_ascii_uppercase().as_str() {
            "ATOMIC" => self.atomic = 1,
            "CASE" if self.atomic > 0 => self.atomic += 1,
            "END" => self.atomic = self.atomic.saturating_sub(1),
            _ => {}
        }
        word.len()
    }
}

fn classify(statement: &str, scope: &NameScope, counts: &mut Counts) {
    match read(statement, ReadOptions::default()) {
        Ok(script) => {
            for statement in &script.statements {
                let resolved = resolve(statement, &Nothing, scope);
                if resolved.accesses.is_empty() {
                    counts
                        .unknown
                        .push(format!("{} needs nothing", statement.kind));
                }
                counts.read += 1;
            }
        }
        Err(ReadError::Syntax { .. } | ReadError::Nul) => counts.refused += 1,
        Err(ReadError::TooLong | ReadError::TooDeep) => counts.limited += 1,
        Err(unknown @ (ReadError::Unknown(_) | ReadError::Internal)) => {
            counts
                .unknown
                .push(format!("{unknown}: {}", statement.trim()));
        }
    }
}

fn main() -> ExitCode {
    let scope = NameScope {
        database: "regression".to_owned(),
        search_path: vec!["public".to_owned()],
    };
    let mut counts = Counts::default();
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for file in std::env::args_os().skip(1) {
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                return ExitCode::from(2);
            }
        };
        for statement in split(&String::from_utf8_lossy(&bytes)) {
            classify(&statement, &scope, &mut counts);
            if let Ok(script) = read(&statement, ReadOptions::default()) {
                for statement in script.statements {
                    *kinds.entry(statement.kind).or_default() += 1;
                }
            }
        }
    }
    for (kind, count) in kinds {
        println!("{count:7} {kind}");
    }
    for unknown in &counts.unknown {
        println!("unknown: {unknown}");
    }
    println!(
        "{} read, {} refused by the grammar, {} refused by a limit, {} unknown",
        counts.read,
        counts.refused,
        counts.limited,
        counts.unknown.len()
    );
    if counts.unknown.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
