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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::encode;
    use bytes::BytesMut;

    fn packet(code: i32, rest: &[u8]) -> Vec<u8> {
        let mut packet = i32::try_from(8 + rest.len())
            .unwrap()
            .to_be_bytes()
            .to_vec();
        packet.extend(code.to_be_bytes());
        packet.extend_from_slice(rest);
        packet
    }

    fn startup(minor: u16, rest: &[u8]) -> Vec<u8> {
        packet(ProtocolVersion { major: 3, minor }.code(), rest)
    }

    #[test]
    fn each_kind_of_first_packet_is_read_and_no_byte_after_it() {
        let check = |packet: &[u8], expected: First| {
            let took = if expected == First::DirectTls {
                0
            } else {
                packet.len()
            };
            // Bytes that came with it stay for whoever comes next: after SSLRequest, that is nobody.
            let more = [packet, b"Q\0\0"].concat();
            assert_eq!(parse_first(&more), Ok(Some((expected, took))));
            for cut in 0..took {
                assert_eq!(parse_first(&packet[..cut]), Ok(None), "cut at {cut}");
            }
        };
        let mut ssl = BytesMut::new();
        encode::ssl_request(&mut ssl);
        check(&ssl, First::SslRequest);
        check(&packet(GSSENC_REQUEST_CODE, b""), First::GssEncRequest);
        check(&[0x16, 3, 1, 2, 0], First::DirectTls);
        for length in [4, 32, 256] {
            let key = CancelKey {
                process_id: 7,
                secret: Zeroizing::new(vec![9; length]),
            };
            let mut cancel = BytesMut::new();
            encode::cancel_request(&mut cancel, &key).unwrap();
            check(&cancel, First::Cancel(key));
        }
        let mut start = BytesMut::new();
        let parameters = [("user", "ada"), ("_pq_.new", "1"), ("database", "")];
        encode::startup(&mut start, ProtocolVersion::V3_2, parameters).unwrap();
        check(
            &start,
            First::Startup(Startup {
                version: ProtocolVersion::V3_2,
                parameters: vec![
                    ("user".to_owned(), "ada".to_owned()),
                    ("database".to_owned(), String::new()),
                ],
                protocol_options: vec!["_pq_.new".to_owned()],
            }),
        );
    }

    #[test]
    fn what_is_no_first_packet_is_refused() {
        let check = |bytes: &[u8]| assert!(parse_first(bytes).is_err(), "{bytes:?}");
        for length in [0_u32, 7, 10_001, 1 << 31, u32::MAX] {
            check(&length.to_be_bytes());
        }
        check(b"GET / HTTP/1.1\r\n");
        check(&packet(2 << 16, b"\0"));
        check(&packet(4 << 16, b"\0"));
        check(&packet(SSL_REQUEST_CODE, b"x"));
        check(&packet(GSSENC_REQUEST_CODE, b"x"));
        check(&packet(CANCEL_REQUEST_CODE, b"\0\0\0\x01abc"));
        check(&packet(CANCEL_REQUEST_CODE, &[0; 4 + 257]));
        check(&startup(0, b""));
        check(&startup(0, b"user\0ada"));
        check(&startup(0, b"user\0ada\0"));
        check(&startup(0, b"user\0ada\0\0more"));
        check(&startup(0, b"user\0\xff\0\0"));
    }

    #[test]
    fn versions_are_negotiated_down() {
        let check = |minor: u16, options: &[&str], spoken: ProtocolVersion, told: bool| {
            let startup = Startup {
                version: ProtocolVersion { major: 3, minor },
                parameters: Vec::new(),
                protocol_options: options.iter().map(|o| (*o).to_owned()).collect(),
            };
            assert_eq!(startup.negotiate(), (spoken, told), "3.{minor}");
        };
        check(0, &[], ProtocolVersion::V3_0, false);
        check(0, &["_pq_.x"], ProtocolVersion::V3_0, true);
        check(1, &[], ProtocolVersion::V3_0, true);
        check(2, &[], ProtocolVersion::V3_2, false);
        check(9999, &[], ProtocolVersion::V3_2, true);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, code in 0_usize..5) {
            let codes = [SSL_REQUEST_CODE, GSSENC_REQUEST_CODE, CANCEL_REQUEST_CODE, 3 << 16, 1];
            let _ = parse_first(&bytes);
            let _ = parse_first(&packet(codes[code], &bytes));
        }
    }
}
