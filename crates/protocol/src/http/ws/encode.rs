//! Writes frames. What the other end would refuse is not written.

use super::close::is_close_code;
use super::frame::{FIN, LENGTH_IN_EIGHT, LENGTH_IN_TWO, MASKED, Opcode};
use super::{MAX_CONTROL, MAX_FRAME, Side, mask};
use bytes::{BufMut, BytesMut};

/// Why a frame is not written: the fault of this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotWrite {
    /// Clients mask, servers do not.
    #[error(
        "a frame cannot be written; expected a masking key from the client and none from the server"
    )]
    Mask,
    /// A control frame is one short frame.
    #[error(
        "a control frame cannot be written; expected a last frame of at most {MAX_CONTROL} bytes"
    )]
    Control,
    /// The payload is longer than is read.
    #[error("a frame cannot be written; expected at most {MAX_FRAME} bytes")]
    TooLong,
    /// The code is for other uses than to be sent.
    #[error(
        "a close frame cannot be written; expected a code that may be sent, and a reason only with it"
    )]
    CloseCode,
}

/// Appends a frame as `side` sends it. `mask_key` is what a client's payload is masked with: four bytes that
/// nobody can foresee (RFC 6455, 10.3). The caller sees to it that messages are well-formed: a first frame with
/// its kind, then continuations.
///
/// # Errors
/// The other end would refuse it. Nothing was appended.
pub fn write_frame(
    out: &mut BytesMut,
    side: Side,
    fin: bool,
    opcode: Opcode,
    payload: &[u8],
    mask_key: Option<[u8; 4]>,
) -> Result<(), CannotWrite> {
    if mask_key.is_some() != (side == Side::Client) {
        return Err(CannotWrite::Mask);
    }
    if opcode.is_control() && (!fin || payload.len() > MAX_CONTROL) {
        return Err(CannotWrite::Control);
    }
    if payload.len() > MAX_FRAME {
        return Err(CannotWrite::TooLong);
    }
    // Two bytes, eight of length and four of the key at most.
    out.reserve(14 + payload.len());
    out.put_u8(if fin { FIN } else { 0 } | opcode as u8);
    let masked = if mask_key.is_some() { MASKED } else { 0 };
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < LENGTH_IN_TWO => out.put_u8(masked | short),
        (_, Ok(len)) => {
            out.put_u8(masked | LENGTH_IN_TWO);
            out.put_u16(len);
        }
        _ => {
            out.put_u8(masked | LENGTH_IN_EIGHT);
            out.put_u64(payload.len() as u64);
        }
    }
    let key = mask_key.unwrap_or_default();
    if mask_key.is_some() {
        out.put_slice(&key);
    }
    let start = out.len();
    out.put_slice(payload);
    mask::apply(key, out.get_mut(start..).unwrap_or_default());
    Ok(())
}

/// Appends a close frame. A reason of more than 123 bytes is cut between two characters.
///
/// # Errors
/// As [`write_frame`]; or the code must not be sent, or there is a reason without a code.
pub fn write_close(
    out: &mut BytesMut,
    side: Side,
    code: Option<u16>,
    reason: &str,
    mask_key: Option<[u8; 4]>,
) -> Result<(), CannotWrite> {
    let Some(code) = code else {
        return if reason.is_empty() {
            write_frame(out, side, true, Opcode::Close, &[], mask_key)
        } else {
            Err(CannotWrite::CloseCode)
        };
    };
    if !is_close_code(code) {
        return Err(CannotWrite::CloseCode);
    }
    let most = MAX_CONTROL - size_of::<u16>();
    let reason = reason.get(..reason.floor_char_boundary(most));
    let reason = reason.unwrap_or_default().as_bytes();
    let payload = [&code.to_be_bytes(), reason].concat();
    write_frame(out, side, true, Opcode::Close, &payload, mask_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn frames_are_those_of_the_rfc() {
        use Opcode::{Binary, Continuation, Ping, Pong, Text};
        use Side::{Client, Server};
        let check = |side, fin, opcode, payload: &[u8], expected: &[u8]| {
            let mut out = BytesMut::new();
            let key = (side == Client).then_some(KEY);
            write_frame(&mut out, side, fin, opcode, payload, key).unwrap();
            assert_eq!(&out[..], expected);
        };
        // RFC 6455, 5.7.
        check(Server, true, Text, b"Hello", b"\x81\x05Hello");
        check(
            Client,
            true,
            Text,
            b"Hello",
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        );
        check(Server, false, Text, b"Hel", b"\x01\x03Hel");
        check(Server, true, Continuation, b"lo", b"\x80\x02lo");
        check(Server, true, Ping, b"Hello", b"\x89\x05Hello");
        check(
            Client,
            true,
            Pong,
            b"Hello",
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        );
        for (len, header) in [
            (125, &b"\x82\x7d"[..]),
            (126, b"\x82\x7e\x00\x7e"),
            (256, b"\x82\x7e\x01\x00"),
            (65_535, b"\x82\x7e\xff\xff"),
            (65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ] {
            let payload = vec![7; len];
            check(Server, true, Binary, &payload, &[header, &payload].concat());
        }
    }

    #[test]
    fn what_would_be_refused_is_not_written() {
        let check = |side, fin, opcode, len: usize, key, expected| {
            let mut out = BytesMut::from("before");
            let got = write_frame(&mut out, side, fin, opcode, &vec![0; len], key);
            assert_eq!((got, &out[..]), (Err(expected), &b"before"[..]));
        };
        check(Side::Client, true, Opcode::Text, 1, None, CannotWrite::Mask);
        check(
            Side::Server,
            true,
            Opcode::Text,
            1,
            Some(KEY),
            CannotWrite::Mask,
        );
        check(
            Side::Server,
            true,
            Opcode::Ping,
            126,
            None,
            CannotWrite::Control,
        );
        check(
            Side::Server,
            false,
            Opcode::Close,
            0,
            None,
            CannotWrite::Control,
        );
        check(
            Side::Server,
            true,
            Opcode::Binary,
            MAX_FRAME + 1,
            None,
            CannotWrite::TooLong,
        );
    }

    #[test]
    fn close_frames_have_a_code_before_a_reason() {
        let check = |code, reason: &str, expected: Result<&[u8], CannotWrite>| {
            let mut out = BytesMut::new();
            let written = write_close(&mut out, Side::Server, code, reason, None);
            assert_eq!(written.map(|()| &out[..]), expected);
        };
        check(None, "", Ok(b"\x88\x00"));
        check(Some(1000), "", Ok(b"\x88\x02\x03\xe8"));
        check(Some(1009), "big", Ok(b"\x88\x05\x03\xf1big"));
        check(None, "why", Err(CannotWrite::CloseCode));
        for code in [0, 1005, 1006, 1015, 2999, 5000] {
            check(Some(code), "", Err(CannotWrite::CloseCode));
        }
        let long = "\u{e4}".repeat(70);
        let cut = ["\u{e4}".repeat(61).as_bytes()].concat();
        check(
            Some(1000),
            &long,
            Ok(&[b"\x88\x7c\x03\xe8", &cut[..]].concat()),
        );
    }
}
