//! How much of everything is accepted, when reading and when writing.

use super::violation::{Peer, Violation};
use http::StatusCode;

/// The most of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is limited, as it reads after "the client's".
    pub what: &'static str,
    /// The most that is accepted.
    pub most: u64,
    /// What is counted.
    pub unit: &'static str,
    /// What a client is told that sends more.
    pub status: StatusCode,
}

impl Limit {
    /// Refuses what is more than this.
    pub(super) fn check(self, peer: Peer, got: impl TryInto<u64>) -> Result<(), Violation> {
        // What does not fit the number is more than any limit.
        if got.try_into().is_ok_and(|got| got <= self.most) {
            Ok(())
        } else {
            Err(Violation::TooLong { peer, limit: self })
        }
    }
}

/// The most fields of a head; see [`FIELDS`].
pub(super) const MAX_FIELDS: usize = 128;
/// The most bytes of a head; see [`HEAD`].
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// A start line, its fields and the empty line. Servers take 8 to 64 KiB; tickets of Kerberos with many groups
/// need most of that.
pub const HEAD: Limit = Limit {
    what: "head",
    most: MAX_HEAD as u64,
    unit: "bytes",
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
};
/// Field lines of a head. Browsers behind a few proxies send about 40; common servers stop at 100.
pub const FIELDS: Limit = Limit {
    what: "head",
    most: MAX_FIELDS as u64,
    unit: "fields",
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
};
/// A method. The longest registered one has 17 bytes (RFC 9112, 3: longer ones are answered with 501).
pub const METHOD: Limit = Limit {
    what: "method",
    most: 32,
    unit: "bytes",
    status: StatusCode::NOT_IMPLEMENTED,
};
/// A request target. The RFC asks for at least 8,000 bytes; signed links and searches reach that.
pub const TARGET: Limit = Limit {
    what: "request target",
    most: 16 * 1024,
    unit: "bytes",
    status: StatusCode::URI_TOO_LONG,
};
/// A field's name. The longest in use are below 100 bytes.
pub const NAME: Limit = Limit {
    what: "field name",
    most: 256,
    unit: "bytes",
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
};
/// A host. A DNS name has at most 253 bytes, and may end with a dot.
pub const HOST: Limit = Limit {
    what: "host",
    most: 254,
    unit: "bytes",
    status: StatusCode::BAD_REQUEST,
};
/// A body of known length, or one chunk: 2^53, the largest number that every language reads exactly.
pub const LENGTH: Limit = Limit {
    what: "body or chunk",
    most: 1 << 53,
    unit: "bytes",
    status: StatusCode::PAYLOAD_TOO_LARGE,
};
/// A chunk's size with its line end. 16 would do; some servers pad the number with zeros.
pub const CHUNK_LINE: Limit = Limit {
    what: "chunk size line",
    most: 64,
    unit: "bytes",
    status: StatusCode::BAD_REQUEST,
};
/// The field lines after the last chunk and the empty line: a few checksums or a status.
pub const TRAILER: Limit = Limit {
    what: "trailer section",
    most: 8 * 1024,
    unit: "bytes",
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
};
/// Field lines of a trailer section.
pub const TRAILER_FIELDS: Limit = Limit {
    what: "trailer section",
    most: 32,
    unit: "fields",
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
};
