//! HTTP/1.0 and 1.1 messages as bytes in and bytes out (RFC 9110, RFC 9112), strict on purpose.
//!
//! Nothing here opens a socket, decides or keeps time. Whatever two readers could understand in two ways is
//! refused, also where the RFCs would let a recipient repair it: a gateway that repairs is how requests are
//! smuggled. `lines` finds a head in a buffer, `fields` reads its field lines, `framing` says how long the body
//! is, `authority` checks whom a request is for, `request` and `response` read heads, `body` reads bodies,
//! `hops` knows the fields that belong to one connection, and `encode` writes everything anew from parsed parts.

pub mod authority;
mod body;
#[cfg(test)]
mod body_tests;
mod encode;
#[cfg(test)]
mod encode_tests;
mod fields;
mod framing;
mod hops;
pub mod limits;
mod lines;
#[cfg(test)]
mod oracle_tests;
mod request;
#[cfg(test)]
mod request_tests;
mod response;
#[cfg(test)]
mod response_tests;
#[cfg(test)]
mod testing;
mod trailers;
mod violation;

pub use body::{BodyDecoder, Decoded};
pub use encode::{
    Connection, OutgoingRequest, OutgoingResponse, write_chunk, write_last_chunk, write_request,
    write_response,
};
pub use framing::Framing;
pub use hops::remove_hop_by_hop;
pub use request::{RequestHead, parse_request};
pub use response::{ResponseHead, parse_response};
pub use violation::{Peer, Violation};

/// The version that a peer speaks. Nothing else than these two is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// HTTP/1.0: no chunks, and connections close unless both ends say otherwise.
    V10,
    /// HTTP/1.1.
    V11,
}

impl Version {
    /// Reads `HTTP-version` (RFC 9112, 2.3).
    fn parse(peer: Peer, raw: &[u8]) -> Result<Self, Violation> {
        match raw {
            b"HTTP/1.1" => Ok(Self::V11),
            b"HTTP/1.0" => Ok(Self::V10),
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                Err(Violation::Version { peer })
            }
            _ => Err(Violation::Malformed {
                peer,
                part: "start line",
                expected: "HTTP/1.1 or HTTP/1.0 after single spaces",
            }),
        }
    }
}
