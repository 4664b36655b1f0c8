//! What a peer did wrong. Every violation ends the connection: after one, nobody knows where the next message
//! begins.

use super::limits::Limit;
use http::StatusCode;

/// Whose bytes, and so whose fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// The caller's end.
    Client,
    /// The server's end.
    Target,
    /// This end: what the caller of this code wanted to have written.
    Gateway,
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Target => "target",
            Self::Gateway => "gateway",
        })
    }
}

/// Bytes that are not HTTP/1 as it is accepted here. The texts never contain what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A part is not what it has to be.
    #[error("the {peer}'s {part} is not accepted; expected {expected}")]
    Malformed {
        /// Whose.
        peer: Peer,
        /// The part of the message.
        part: &'static str,
        /// What should have been there.
        expected: &'static str,
    },
    /// There is more of something than is accepted.
    #[error("the {peer}'s {} is too long; expected at most {} {}", limit.what, limit.most, limit.unit)]
    TooLong {
        /// Whose.
        peer: Peer,
        /// The limit that is exceeded.
        limit: Limit,
    },
    /// A version that is not spoken.
    #[error("the {peer}'s HTTP version is not spoken here; expected HTTP/1.1 or HTTP/1.0")]
    Version {
        /// Whose.
        peer: Peer,
    },
    /// A transfer coding other than `chunked`, or several.
    #[error("the {peer}'s transfer coding is not accepted; expected chunked and nothing else")]
    TransferCoding {
        /// Whose.
        peer: Peer,
    },
    /// An expectation that nobody defined.
    #[error("the {peer}'s expectation cannot be met; expected 100-continue or none")]
    Expectation {
        /// Whose.
        peer: Peer,
    },
    /// The connection ended inside a body.
    #[error("the {peer}'s body ended early; expected the rest of it before the connection closes")]
    Ended {
        /// Whose.
        peer: Peer,
    },
}

impl Violation {
    /// Whose fault it is.
    #[must_use]
    pub fn peer(&self) -> Peer {
        match self {
            Self::Malformed { peer, .. }
            | Self::TooLong { peer, .. }
            | Self::Version { peer }
            | Self::TransferCoding { peer }
            | Self::Expectation { peer }
            | Self::Ended { peer } => *peer,
        }
    }

    /// What to answer the client: 400, 413, 414, 417, 431, 501 or 505 for its own faults, 502 for the target's
    /// and 500 for the gateway's.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match (self.peer(), self) {
            (Peer::Target, _) => StatusCode::BAD_GATEWAY,
            (Peer::Gateway, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (Peer::Client, Self::TooLong { limit, .. }) => limit.status,
            (Peer::Client, Self::Version { .. }) => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            (Peer::Client, Self::TransferCoding { .. }) => StatusCode::NOT_IMPLEMENTED,
            (Peer::Client, Self::Expectation { .. }) => StatusCode::EXPECTATION_FAILED,
            (Peer::Client, Self::Malformed { .. } | Self::Ended { .. }) => StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::TARGET;
    use super::*;

    #[test]
    fn a_violation_says_whose_it_is_and_what_to_answer() {
        let check = |violation: Violation, status: u16, text: &str| {
            assert_eq!(violation.status().as_u16(), status);
            assert_eq!(violation.to_string(), text);
        };
        let malformed = |peer| Violation::Malformed {
            peer,
            part: "Host field",
            expected: "one such field",
        };
        let text = "'s Host field is not accepted; expected one such field";
        check(malformed(Peer::Client), 400, &format!("the client{text}"));
        check(malformed(Peer::Target), 502, &format!("the target{text}"));
        check(malformed(Peer::Gateway), 500, &format!("the gateway{text}"));
        let peer = Peer::Client;
        check(
            Violation::TooLong {
                peer,
                limit: TARGET,
            },
            414,
            "the client's request target is too long; expected at most 16384 bytes",
        );
        check(
            Violation::Version { peer },
            505,
            "the client's HTTP version is not spoken here; expected HTTP/1.1 or HTTP/1.0",
        );
        check(
            Violation::TransferCoding { peer },
            501,
            "the client's transfer coding is not accepted; expected chunked and nothing else",
        );
        check(
            Violation::Expectation { peer },
            417,
            "the client's expectation cannot be met; expected 100-continue or none",
        );
        check(
            Violation::Ended { peer },
            400,
            "the client's body ended early; expected the rest of it before the connection closes",
        );
    }
}
