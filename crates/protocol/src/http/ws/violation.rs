//! What one end did wrong. Every violation ends the connection (RFC 6455, 7.1.7).

use super::Side;

/// Frames that are not the protocol. The texts never contain what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A frame is not what it has to be.
    #[error("the {side}'s {part} is not accepted; expected {expected}")]
    Protocol {
        /// Whose.
        side: Side,
        /// The part of the frame.
        part: &'static str,
        /// What should have been there.
        expected: &'static str,
    },
    /// A text, or the reason of a close frame, is not UTF-8.
    #[error("the {side}'s text is not accepted; expected UTF-8")]
    Text {
        /// Whose.
        side: Side,
    },
    /// A frame or a message that is held whole is longer than is accepted.
    #[error("the {side}'s {part} is too long; expected at most {limit} bytes")]
    TooLong {
        /// Whose.
        side: Side,
        /// A frame or a message.
        part: &'static str,
        /// The limit that is exceeded.
        limit: usize,
    },
}

impl Violation {
    /// Whose fault it is.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            Self::Protocol { side, .. } | Self::Text { side } | Self::TooLong { side, .. } => *side,
        }
    }

    /// The code to close both ends with: 1002 (protocol error), 1007 (not UTF-8) or 1009 (too big).
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::Protocol { .. } => 1002,
            Self::Text { .. } => 1007,
            Self::TooLong { .. } => 1009,
        }
    }
}
