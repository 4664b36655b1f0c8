//! Messages on their way, whatever version of HTTP they are in: where bodies come from and where they go.

mod one;
mod sink;
mod source;

pub use one::{Reading, Writing};
pub use sink::{Answer, Length, Sink};
pub use source::{Part, Source};

use sluice_protocol::http::h1::Violation;
use std::io;

/// Why a message could not be read or written to its end.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The peer went away.
    #[error("the connection ended in the middle of a message")]
    Gone,
    /// The stream failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// What came is not HTTP/1.1, or not clear.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The same in HTTP/2.
    #[error("the stream failed: {0}")]
    Stream(#[from] h2::Error),
    /// Nothing came, or nothing could be sent, for too long.
    #[error("nothing came for {0} seconds")]
    Silent(u64),
    /// A body is not as long as its head says.
    #[error("the body is not as long as its head says")]
    Length,
}
