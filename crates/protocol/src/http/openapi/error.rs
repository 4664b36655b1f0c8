//! Why a document cannot be used.

use super::super::path::PathError;
use super::MAX_REFERENCES;
use http::Method;

/// What is wrong with a document. A place is the names that lead to it, with dots between them:
/// `paths./users/{id}.get.operationId`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenApiError {
    /// It says that it is something else.
    #[error("the document's version is not read here; expected openapi 3.0 or 3.1, or swagger 2.0")]
    Version,
    /// Something is missing or of the wrong kind.
    #[error("{place} is not accepted; expected {expected}")]
    Malformed {
        /// Where.
        place: String,
        /// What should have been there.
        expected: &'static str,
    },
    /// There is more of something than is accepted.
    #[error("{place} is too much; expected at most {most} {unit}")]
    TooMuch {
        /// Where.
        place: String,
        /// The most that is accepted.
        most: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// A path that no request can have.
    #[error("{place} is a path that no request can have: {reason}")]
    Path {
        /// Where.
        place: String,
        /// Why not.
        reason: PathError,
    },
    /// A reference that leads nowhere in the document, or in a ring.
    #[error(
        "the reference at {place} cannot be followed; expected one to a path of this document, after at most {MAX_REFERENCES} steps"
    )]
    Reference {
        /// Where.
        place: String,
    },
    /// Two operations with one id.
    #[error("two operations have the id {id}; expected each to have its own")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// Two templates that fit the same requests.
    #[error("{method} {first} and {method} {second} cannot be told apart; expected one of them")]
    Ambiguous {
        /// The method of both.
        method: Method,
        /// One template.
        first: String,
        /// The other.
        second: String,
    },
}
