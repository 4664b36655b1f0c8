//! What a peer did wrong. Every violation ends the conversation: after one, nothing that the peer says next
//! can be trusted to be where it seems to be.

/// Which peer sent the bytes; says whose fault a violation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// The caller's end.
    Client,
    /// The database's end.
    Target,
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Target => "target",
        })
    }
}

/// Bytes that are not the protocol. The texts never contain what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The type byte is none of the protocol's.
    #[error(
        "the {peer} sent a message of unknown type 0x{tag:02x}; expected a message of protocol 3.0 or 3.2"
    )]
    UnknownMessage {
        /// Who sent it.
        peer: Peer,
        /// The byte.
        tag: u8,
    },
    /// The length field is smaller than the length field itself, or negative.
    #[error(
        "the {peer} sent a {message} message with length {length}; expected at least {minimum}"
    )]
    Length {
        /// Who sent it.
        peer: Peer,
        /// The message's name.
        message: &'static str,
        /// The field as a signed number, as the protocol defines it.
        length: i32,
        /// The smallest length that can be.
        minimum: i32,
    },
    /// The message is longer than is accepted.
    #[error("the {peer} sent a {message} message of {length} bytes; at most {limit} are accepted")]
    TooLarge {
        /// Who sent it.
        peer: Peer,
        /// The message's name.
        message: &'static str,
        /// Bytes after the length field.
        length: u64,
        /// The limit that it exceeds.
        limit: usize,
    },
    /// The body is not what the message's type says.
    #[error("the {peer} sent a {message} message that cannot be read; expected {expected}")]
    Malformed {
        /// Who sent it.
        peer: Peer,
        /// The message's name.
        message: &'static str,
        /// What should have been there.
        expected: &'static str,
    },
}

impl Violation {
    /// Whose fault it is.
    #[must_use]
    pub fn peer(&self) -> Peer {
        match self {
            Self::UnknownMessage { peer, .. }
            | Self::Length { peer, .. }
            | Self::TooLarge { peer, .. }
            | Self::Malformed { peer, .. } => *peer,
        }
    }

    /// The SQLSTATE to tell the client: `08P01` (protocol violation) or `54000` (program limit exceeded).
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "54000",
            _ => "08P01",
        }
    }
}
