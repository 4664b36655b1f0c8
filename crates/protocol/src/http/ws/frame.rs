//! A frame's header (RFC 6455, 5.2).

use super::violation::Violation;
use super::{MAX_CONTROL, MAX_FRAME, Side};

/// The last frame of a message.
pub(super) const FIN: u8 = 0x80;
/// Three bits that only extensions set.
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
/// In the second byte: a masking key follows.
pub(super) const MASKED: u8 = 0x80;
/// Instead of a length: it follows in two bytes.
pub(super) const LENGTH_IN_TWO: u8 = 126;
/// Instead of a length: it follows in eight bytes.
pub(super) const LENGTH_IN_EIGHT: u8 = 127;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that was begun.
    Continuation = 0,
    /// Begins a message in UTF-8.
    Text = 1,
    /// Begins a message of bytes.
    Binary = 2,
    /// The last frame that its sender sends.
    Close = 8,
    /// Asks for a pong with the same payload.
    Ping = 9,
    /// Answers a ping, or none.
    Pong = 10,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// Whether it may come between the frames of a message; then it is short and whole.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What comes before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Zeros, which change nothing, for frames that are not masked.
    pub(super) mask_key: [u8; 4],
    /// Bytes of the payload.
    pub(super) len: usize,
}

/// Reads the header at the front of `buf` and how many bytes it took: `None` until all of it is there. What
/// cannot be is a violation at its first byte.
pub(super) fn parse_header(side: Side, buf: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
    let Some((&first, rest)) = buf.split_first() else {
        return Ok(None);
    };
    let opcode = parse_first(side, first)?;
    let fin = first & FIN != 0;
    let Some((&second, rest)) = rest.split_first() else {
        return Ok(None);
    };
    let short = second & !MASKED;
    check_second(side, second, opcode)?;
    let Some((len, rest)) = parse_length(side, short, rest)? else {
        return Ok(None);
    };
    if len > MAX_FRAME as u64 {
        return Err(Violation::TooLong {
            side,
            part: "frame",
            limit: MAX_FRAME,
        });
    }
    let (mask_key, rest) = match (side, rest.split_first_chunk::<4>()) {
        (Side::Server, _) => ([0; 4], rest),
        (Side::Client, Some((key, rest))) => (*key, rest),
        (Side::Client, None) => return Ok(None),
    };
    let header = Header {
        fin,
        opcode,
        mask_key,
        // At most MAX_FRAME, so that it fits.
        len: usize::try_from(len).unwrap_or(MAX_FRAME),
    };
    Ok(Some((header, buf.len() - rest.len())))
}

fn protocol(side: Side, part: &'static str, expected: &'static str) -> Violation {
    Violation::Protocol {
        side,
        part,
        expected,
    }
}

fn parse_first(side: Side, first: u8) -> Result<Opcode, Violation> {
    if first & RESERVED != 0 {
        return Err(protocol(side, "frame", "reserved bits of zero"));
    }
    let opcode = Opcode::from_bits(first & OPCODE)
        .ok_or_else(|| protocol(side, "opcode", "one that is defined"))?;
    if opcode.is_control() && first & FIN == 0 {
        return Err(protocol(side, "control frame", "one that is whole"));
    }
    Ok(opcode)
}

fn check_second(side: Side, second: u8, opcode: Opcode) -> Result<(), Violation> {
    match (side, second & MASKED != 0) {
        (Side::Client, false) => return Err(protocol(side, "frame", "a masked one")),
        (Side::Server, true) => return Err(protocol(side, "frame", "one that is not masked")),
        (Side::Client, true) | (Side::Server, false) => {}
    }
    if opcode.is_control() && usize::from(second & !MASKED) > MAX_CONTROL {
        return Err(protocol(side, "control frame", "at most 125 bytes"));
    }
    Ok(())
}

/// The length and what follows it. It must be written in as few bytes as it needs (RFC 6455, 5.2).
fn parse_length(side: Side, short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (len, least, rest) = match short {
        LENGTH_IN_TWO => match rest.split_first_chunk::<2>() {
            Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), 126, rest),
            None => return Ok(None),
        },
        LENGTH_IN_EIGHT => match rest.split_first_chunk::<8>() {
            Some((bytes, rest)) => (u64::from_be_bytes(*bytes), 1 << 16, rest),
            None => return Ok(None),
        },
        _ => (u64::from(short), 0, rest),
    };
    if len < least || len > i64::MAX as u64 {
        return Err(protocol(
            side,
            "frame length",
            "as few bytes for it as it needs, and no sign",
        ));
    }
    Ok(Some((len, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(side: Side, bytes: &[u8], expected: Result<(bool, Opcode, usize), u16>) {
        let parsed = parse_header(side, bytes);
        let got = parsed.map_err(|v| v.close_code()).map(|parsed| {
            let (header, took) = parsed.unwrap();
            assert_eq!(took, bytes.len());
            (header.fin, header.opcode, header.len)
        });
        assert_eq!(got, expected, "{bytes:02x?}");
        if expected.is_ok() {
            for cut in 0..bytes.len() {
                assert_eq!(parse_header(side, &bytes[..cut]), Ok(None), "cut at {cut}");
            }
        }
    }

    #[test]
    fn headers_are_read_with_lengths_in_their_shortest_form() {
        use Opcode::{Binary, Close, Continuation, Ping, Pong, Text};
        let server = Side::Server;
        check(server, &[0x81, 0], Ok((true, Text, 0)));
        check(server, &[0x02, 125], Ok((false, Binary, 125)));
        check(server, &[0x80, 126, 0, 126], Ok((true, Continuation, 126)));
        check(server, &[0x82, 126, 255, 255], Ok((true, Binary, 65_535)));
        check(
            server,
            &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0],
            Ok((true, Binary, 65_536)),
        );
        check(
            server,
            &[0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0],
            Ok((true, Binary, MAX_FRAME)),
        );
        check(server, &[0x88, 2], Ok((true, Close, 2)));
        check(server, &[0x89, 125], Ok((true, Ping, 125)));
        check(server, &[0x8a, 0], Ok((true, Pong, 0)));
        check(Side::Client, &[0x81, 0x85, 1, 2, 3, 4], Ok((true, Text, 5)));
        check(
            Side::Client,
            &[0x81, 0xfe, 1, 0, 1, 2, 3, 4],
            Ok((true, Text, 256)),
        );
        let header = parse_header(Side::Client, &[0x81, 0x80, 1, 2, 3, 4]);
        assert_eq!(header.unwrap().unwrap().0.mask_key, [1, 2, 3, 4]);
    }

    #[test]
    fn what_cannot_be_is_refused_at_its_first_byte() {
        for bits in 0..=u8::MAX {
            let known = b"\x00\x01\x02\x80\x81\x82\x88\x89\x8a".contains(&bits);
            assert_eq!(
                parse_header(Side::Server, &[bits]).is_ok(),
                known,
                "{bits:02x}"
            );
        }
        for (side, bytes, code) in [
            (Side::Server, &[0x81, 0x80][..], 1002),
            (Side::Client, &[0x81, 0x00], 1002),
            (Side::Client, &[0x81, 126], 1002),
            (Side::Server, &[0x89, 126], 1002),
            (Side::Server, &[0x88, 127], 1002),
            (Side::Client, &[0x8a, 0xfe], 1002),
            (Side::Server, &[0x81, 126, 0, 125], 1002),
            (Side::Server, &[0x81, 126, 0, 0], 1002),
            (Side::Server, &[0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255], 1002),
            (Side::Server, &[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
            (
                Side::Server,
                &[0x81, 127, 0xff, 255, 255, 255, 255, 255, 255, 255],
                1002,
            ),
            (
                Side::Server,
                &[0x81, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255],
                1009,
            ),
            (Side::Server, &[0x81, 127, 0, 0, 0, 0, 1, 0, 0, 1], 1009),
            (Side::Client, &[0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 1], 1009),
        ] {
            check(side, bytes, Err(code));
        }
    }
}
