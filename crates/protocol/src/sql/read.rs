//! From text to [`Script`]: limits, the parser, and the stack that it needs.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pg_query::ParserOptions;
use pg_query::protobuf::RawStmt;

use super::Script;
use super::walk::Walk;

/// The longest text that is read, in bytes. Larger ones are data rather than statements, and belong in COPY or
/// in bound parameters; the parse tree takes about a hundred times this.
pub const MAX_STATEMENT_BYTES: usize = 1 << 20;

/// The stack for the deepest tree that the parser itself lets through, which is decoded and dropped by recursion:
/// a few kilobytes per level in release builds, four times that in others. Address space only, until it is used.
const DEEP_STACK_BYTES: usize = if cfg!(debug_assertions) {
    512 << 20
} else {
    128 << 20
};

/// What the parser says of a tree that is too deep: for its own stack, for the grammar's, for the tree's encoding
/// (10,000 messages, about 5,000 operators).
const TOO_DEEP: [&str; 3] = ["stack depth", "memory exhausted", "nested too deeply"];

/// A text with fewer tokens cannot nest so deeply that a thread's usual 2 MiB of stack would not do.
const SHALLOW_TOKENS: usize = 150;

/// The settings of a session that change how a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadOptions {
    /// `standard_conforming_strings`: a backslash in `'...'` is a plain character.
    pub standard_conforming_strings: bool,
    /// `backslash_quote`: whether `\'` in an escape string is a quote (`safe_encoding` counts as yes).
    pub backslash_quote: bool,
}

impl Default for ReadOptions {
    /// As every server starts: both on.
    fn default() -> Self {
        Self {
            standard_conforming_strings: true,
            backslash_quote: true,
        }
    }
}

impl ReadOptions {
    fn for_parser(self) -> ParserOptions {
        let mut options = ParserOptions::DISABLE_ESCAPE_STRING_WARNING;
        if !self.standard_conforming_strings {
            options |= ParserOptions::DISABLE_STANDARD_CONFORMING_STRINGS;
        }
        if !self.backslash_quote {
            options |= ParserOptions::DISABLE_BACKSLASH_QUOTE;
        }
        options
    }
}

/// Why a text was not read. Nothing of the text is in the message, unless said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The grammar does not accept it.
    #[error("{message}")]
    Syntax {
        /// What the grammar says, without anything quoted from the text.
        message: String,
        /// The token at which it stopped: the caller's own text, for the caller only.
        near: Option<String>,
    },
    /// More than [`MAX_STATEMENT_BYTES`].
    #[error(
        "the statement is too long: at most {MAX_STATEMENT_BYTES} bytes are read; send data with COPY or as parameters"
    )]
    TooLong,
    /// Nested more deeply than the walk or the parser goes.
    #[error("the statement is nested too deeply; write it with fewer levels")]
    TooDeep,
    /// Contains a NUL character.
    #[error("the statement contains a NUL character, which no statement may")]
    Nul,
    /// The grammar accepts it, but it contains something that is not known here.
    #[error("the statement contains {0} that this gateway does not know; it is refused")]
    Unknown(&'static str),
    /// The parser failed by itself.
    #[error("the statement could not be read; it is refused")]
    Internal,
}

/// Reads a text. For whoever reads many, a [`super::Reader`] remembers.
///
/// Works on any thread: a text with enough tokens to nest deeply is read on a thread of its own with a stack
/// that is large enough. That blocks the caller for as long as it takes, about 1 ms per 10 KiB.
///
/// # Errors
/// See [`ReadError`]; every error is a refusal.
pub fn read(text: &str, options: ReadOptions) -> Result<Script, ReadError> {
    if text.len() > MAX_STATEMENT_BYTES {
        return Err(ReadError::TooLong);
    }
    if text.contains('\0') {
        return Err(ReadError::Nul);
    }
    if at_most_tokens(text, SHALLOW_TOKENS) {
        return read_here(text, options);
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("sql-reader".to_owned())
            .stack_size(DEEP_STACK_BYTES)
            .spawn_scoped(scope, || read_here(text, options))
            .map_err(|_| ReadError::Internal)?
            .join()
            .map_err(|_| ReadError::Internal)?
    })
}

/// Whether a text has at most so many tokens: a run of letters and digits is one, anything else but white space
/// is at least one per byte.
fn at_most_tokens(text: &str, limit: usize) -> bool {
    let mut tokens = 0;
    let mut in_word = false;
    for byte in text.bytes() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let goes_on = byte.is_ascii_whitespace() || (word && in_word);
        if !goes_on {
            tokens += 1;
            if tokens > limit {
                return false;
            }
        }
        in_word = word;
    }
    true
}

fn read_here(text: &str, options: ReadOptions) -> Result<Script, ReadError> {
    // The parser's own bookkeeping panics on some trees that it does not expect.
    catch_unwind(AssertUnwindSafe(|| parse_and_walk(text, options)))
        .unwrap_or(Err(ReadError::Internal))
}

fn parse_and_walk(text: &str, options: ReadOptions) -> Result<Script, ReadError> {
    let tree = pg_query::parse(text, options.for_parser())
        .map_err(refused)?
        .protobuf;
    let count = tree.stmts.len();
    let mut statements = Vec::with_capacity(count);
    for raw in &tree.stmts {
        let node = raw
            .stmt
            .as_deref()
            .and_then(|node| node.node.as_ref())
            .ok_or(ReadError::Unknown("a statement of a kind"))?;
        let mut statement = Walk::statement(node)?;
        statement.statement_count = count;
        statement.range = (count > 1).then(|| range(raw, text));
        statements.push(statement);
    }
    Ok(Script { statements })
}

/// Where a statement stands; a length of 0 is up to the end.
fn range(raw: &RawStmt, text: &str) -> Range<usize> {
    let start = usize::try_from(raw.stmt_location).unwrap_or(0);
    let end = match usize::try_from(raw.stmt_len) {
        Ok(0) | Err(_) => text.len(),
        Ok(length) => start.saturating_add(length),
    };
    start.min(text.len())..end.min(text.len())
}

fn refused(error: pg_query::Error) -> ReadError {
    match error {
        pg_query::Error::Parse(message) if TOO_DEEP.iter().any(|said| message.contains(said)) => {
            ReadError::TooDeep
        }
        pg_query::Error::Parse(message) => syntax(&message),
        pg_query::Error::Decode(_) => ReadError::TooDeep,
        pg_query::Error::Conversion(_) => ReadError::Nul,
        _ => ReadError::Internal,
    }
}

/// Takes what is quoted from the text out of the parser's message.
fn syntax(message: &str) -> ReadError {
    let (first, last) = (message.find('"'), message.rfind('"'));
    match (first, last) {
        (Some(first), Some(last)) if first < last => {
            let before = message.get(..first).unwrap_or_default().trim_end();
            let before = before
                .strip_suffix("at or near")
                .map_or("the statement is not valid", str::trim_end);
            ReadError::Syntax {
                message: before.to_owned(),
                near: message.get(first + 1..last).map(str::to_owned),
            }
        }
        _ => ReadError::Syntax {
            message: message.to_owned(),
            near: None,
        },
    }
}
