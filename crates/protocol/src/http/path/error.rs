//! What is wrong with a path or a query.

use http::StatusCode;
use std::fmt;

/// A part of a request target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Before the question mark.
    Path,
    /// After it.
    Query,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
        })
    }
}

/// A path or a query that not everyone reads in the same way. The texts never contain what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("the request target is not a path; expected one that begins with a slash")]
    NotAPath,
    /// There is more of something than is accepted.
    #[error("the {part} is too long; expected at most {most} {unit}")]
    TooLong {
        /// Of which part.
        part: Part,
        /// The most that is accepted.
        most: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// A character that is in no address.
    #[error(
        "a character of the {part} is not accepted; expected visible ASCII, and none that ends a {part}"
    )]
    Character {
        /// Of which part.
        part: Part,
    },
    /// An escape that is none.
    #[error(
        "an escape of the {part} is not accepted; expected two hexadecimal digits after each %"
    )]
    Escape {
        /// Of which part.
        part: Part,
    },
    /// Escapes that are no text.
    #[error("the escapes of the {part} cannot be read; expected UTF-8 behind them")]
    Text {
        /// Of which part.
        part: Part,
    },
    /// A control character behind an escape.
    #[error("the {part} has a control character behind an escape; expected none")]
    Control {
        /// Of which part.
        part: Part,
    },
    /// A backslash, or a slash that separates no segments here and may do so elsewhere.
    #[error(
        "a segment of the path has a slash or a backslash in it; expected none, also not behind escapes"
    )]
    Slash,
    /// A segment that stands for another place, or for none.
    #[error(
        "a segment of the path has no name; expected more than dots and spaces between two slashes"
    )]
    Dots,
    /// What separates pairs for some servers and not for others.
    #[error("the query has a semicolon; expected & between its pairs, and %3B in a value")]
    Semicolon,
}

impl PathError {
    /// What to answer a client that sent it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLong { .. } => StatusCode::URI_TOO_LONG,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
