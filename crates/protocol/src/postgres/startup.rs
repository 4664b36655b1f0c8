//! The first packet of a connection, which has no type byte, and the parameters it asks for.
//!
//! Source: PostgreSQL documentation, "Message Flow" (start-up, SSL, cancel) and "Message Formats".

use super::backend::MAX_CANCEL_KEY;
use super::read::Reader;
use super::violation::{Peer, Violation};
use zeroize::Zeroizing;

/// The most bytes of a first packet, as PostgreSQL's own `MAX_STARTUP_PACKET_LENGTH`.
pub const MAX_STARTUP_LEN: usize = 10_000;
/// 1234 in the upper half, 5678 in the lower.
pub(super) const CANCEL_REQUEST_CODE: i32 = 80_877_102;
/// 1234 and 5679.
pub(super) const SSL_REQUEST_CODE: i32 = 80_877_103;
/// 1234 and 5680.
const GSSENC_REQUEST_CODE: i32 = 80_877_104;
/// The first byte of a TLS handshake record, for clients that start TLS without asking.
const TLS_HANDSHAKE: u8 = 0x16;

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    /// 3 for every version that is still spoken.
    pub major: u16,
    /// 0 or 2; newer ones are negotiated down.
    pub minor: u16,
}

impl ProtocolVersion {
    /// What PostgreSQL 7.4 to 17 speak; what the gateway speaks to targets.
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// What PostgreSQL 18 speaks; the newest that the gateway speaks to clients.
    pub const V3_2: Self = Self { major: 3, minor: 2 };

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> i32 {
        (i32::from(self.major) << 16) | i32::from(self.minor)
    }
}

/// A key to cancel a session's statement with; blank in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelKey {
    /// The server process.
    pub process_id: i32,
    /// 4 bytes in protocol 3.0, up to 256 in 3.2.
    pub secret: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelKey")
            .field("process_id", &self.process_id)
            .finish_non_exhaustive()
    }
}

/// What a connection begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// TLS at once; no byte of it is consumed.
    DirectTls,
    /// TLS is asked for; the answer is one byte, `S` or `N`.
    SslRequest,
    /// GSSAPI encryption is asked for; the answer is `N`.
    GssEncRequest,
    /// Another session's statement shall be cancelled. There is no answer.
    Cancel(CancelKey),
    /// A session.
    Startup(Startup),
}

/// A StartupMessage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// The version asked for; the major version is 3.
    pub version: ProtocolVersion,
    /// Names and values, in the order sent, without the protocol's own `_pq_.` options.
    pub parameters: Vec<(String, String)>,
    /// Names of `_pq_.` options. None is known, so that all are told back.
    pub protocol_options: Vec<String>,
}

impl Startup {
    /// The version that is then spoken, and whether the client must be told by NegotiateProtocolVersion
    /// (before anything else, also before the password is asked for).
    #[must_use]
    pub fn negotiate(&self) -> (ProtocolVersion, bool) {
        // 3.1 was reserved and never spoken; whoever asks for it gets 3.0.
        let spoken = if self.version.minor >= ProtocolVersion::V3_2.minor {
            ProtocolVersion::V3_2
        } else {
            ProtocolVersion::V3_0
        };
        (
            spoken,
            spoken != self.version || !self.protocol_options.is_empty(),
        )
    }

    /// The value of a parameter by its exact name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads what is at the front of a new connection's bytes: the packet and how many bytes it took, or
/// `None` until all of it is there.
///
/// # Errors
/// The length cannot be, the code is none of protocol 3, or the packet cannot be read.
pub fn parse_first(buf: &[u8]) -> Result<Option<(First, usize)>, Violation> {
    if buf.first() == Some(&TLS_HANDSHAKE) {
        return Ok(Some((First::DirectTls, 0)));
    }
    let Some(prefix) = buf.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*prefix);
    let total = match usize::try_from(length) {
        Ok(total @ 8..) => total,
        _ => {
            return Err(Violation::Length {
                peer: Peer::Client,
                message: "Startup",
                length,
                minimum: 8,
            });
        }
    };
    if total > MAX_STARTUP_LEN {
        return Err(Violation::TooLarge {
            peer: Peer::Client,
            message: "Startup",
            length: total as u64,
            limit: MAX_STARTUP_LEN,
        });
    }
    match buf.get(4..total) {
        None => Ok(None),
        Some(body) => parse_packet(body).map(|first| Some((first, total))),
    }
}

fn parse_packet(body: &[u8]) -> Result<First, Violation> {
    let mut reader = Reader::new(Peer::Client, "Startup", body);
    let code = reader.i32("a version or request code")?;
    let first = match code {
        SSL_REQUEST_CODE => First::SslRequest,
        GSSENC_REQUEST_CODE => First::GssEncRequest,
        CANCEL_REQUEST_CODE => {
            let process_id = reader.i32("a process number")?;
            let secret = reader.rest();
            if !(4..=MAX_CANCEL_KEY).contains(&secret.len()) {
                return Err(reader.malformed("a cancel key of 4 to 256 bytes"));
            }
            First::Cancel(CancelKey {
                process_id,
                secret: Zeroizing::new(secret.to_vec()),
            })
        }
        _ if code >> 16 == 3 => First::Startup(parse_startup(code, &mut reader)?),
        _ => return Err(reader.malformed("protocol version 3")),
    };
    reader.end()?;
    Ok(first)
}

fn parse_startup(code: i32, reader: &mut Reader<'_>) -> Result<Startup, Violation> {
    let [_, _, high, low] = code.to_be_bytes();
    let mut startup = Startup {
        version: ProtocolVersion {
            major: 3,
            minor: u16::from_be_bytes([high, low]),
        },
        parameters: Vec::new(),
        protocol_options: Vec::new(),
    };
    loop {
        let name = reader.cstr("a parameter's name or the end")?;
        if name.is_empty() {
            return Ok(startup);
        }
        let value = reader.cstr("a parameter's value")?;
        if name.starts_with("_pq_.") {
            startup.protocol_options.push(name.to_owned());
        } else {
            startup.parameters.push((name.to_owned(), value.to_owned()));
        }
    }
}
