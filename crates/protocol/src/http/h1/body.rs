//! Takes a body out of its framing (RFC 9112, 6 and 7), without copying it.

use super::framing::Framing;
use super::limits::{CHUNK_LINE, LENGTH};
use super::lines::{Lines, TRAILER_SECTION};
use super::trailers;
use super::violation::{Peer, Violation};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

/// The next part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Some of the body; never empty, never more than what was passed in.
    Data(Bytes),
    /// The fields after the last chunk, if there are any. [`Decoded::End`] is next.
    Trailers(HeaderMap),
    /// The body is whole. What is left in the input is of the next message.
    End,
    /// More input is needed, or its end.
    NeedMore,
}

/// Reads one body.
///
/// ```text
/// Length ──────────────────────────────────► Done
/// UntilClose ──(the connection ends)───────► Done
/// Size ──(a size)──► Chunk ──► ChunkEnd ──► Size
///      └─(size 0)──► Trailers ─────────────► Done
/// ```
#[derive(Debug)]
pub struct BodyDecoder {
    peer: Peer,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Bytes left.
    Length(u64),
    UntilClose,
    Size,
    /// Bytes left of this chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
}

impl BodyDecoder {
    /// For a body that `peer` sends.
    #[must_use]
    pub fn new(peer: Peer, framing: Framing) -> Self {
        let state = match framing {
            Framing::None => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Self { peer, state }
    }

    /// Whether the body is whole.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done | State::Length(0))
    }

    /// Takes the next part from the front of `input`. Call it until it says [`Decoded::NeedMore`] or
    /// [`Decoded::End`], then again with more input.
    ///
    /// # Errors
    /// The chunks or trailers are not what everyone reads in the same way, or a limit is exceeded. The
    /// connection must end.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Decoded, Violation> {
        loop {
            self.state = match self.state {
                State::Done | State::Length(0) => return Ok(Decoded::End),
                State::Chunk(0) => State::ChunkEnd,
                _ if input.is_empty() => return Ok(Decoded::NeedMore),
                State::UntilClose => return Ok(Decoded::Data(input.split().freeze())),
                State::Length(left) => {
                    let (data, left) = take(left, input);
                    self.state = State::Length(left);
                    return Ok(Decoded::Data(data));
                }
                State::Chunk(left) => {
                    let (data, left) = take(left, input);
                    self.state = State::Chunk(left);
                    return Ok(Decoded::Data(data));
                }
                State::Size => match parse_size(self.peer, input)? {
                    None => return Ok(Decoded::NeedMore),
                    Some((size, line)) => {
                        input.advance(line);
                        if size == 0 {
                            State::Trailers
                        } else {
                            State::Chunk(size)
                        }
                    }
                },
                State::ChunkEnd => match &**input {
                    [b'\r', b'\n', ..] => {
                        input.advance(2);
                        State::Size
                    }
                    [b'\r'] => return Ok(Decoded::NeedMore),
                    _ => return Err(malformed(self.peer, "a line end after its last byte")),
                },
                State::Trailers => {
                    let Some(lines) = Lines::find(self.peer, input, &TRAILER_SECTION)? else {
                        return Ok(Decoded::NeedMore);
                    };
                    let trailers = trailers::read(self.peer, &lines)?;
                    let total = lines.total();
                    input.advance(total);
                    self.state = State::Done;
                    return Ok(if trailers.is_empty() {
                        Decoded::End
                    } else {
                        Decoded::Trailers(trailers)
                    });
                }
            };
        }
    }

    /// The connection ended, and all that came before was decoded.
    ///
    /// # Errors
    /// The body is not whole. It must not be taken for a whole one, nor its end be written.
    pub fn eof(&mut self) -> Result<(), Violation> {
        if self.is_done() || self.state == State::UntilClose {
            self.state = State::Done;
            Ok(())
        } else {
            Err(Violation::Ended { peer: self.peer })
        }
    }
}

/// As much as there is of what is left.
fn take(left: u64, input: &mut BytesMut) -> (Bytes, u64) {
    let size = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
    (
        input.split_to(size).freeze(),
        left.saturating_sub(size as u64),
    )
}

fn malformed(peer: Peer, expected: &'static str) -> Violation {
    Violation::Malformed {
        peer,
        part: "chunk",
        expected,
    }
}

/// A chunk's size and the bytes of its line: hexadecimal digits and CRLF. Extensions are refused: nobody uses
/// them, and readers disagree on where they end.
fn parse_size(peer: Peer, input: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let expected = "a size in hexadecimal digits alone on its line";
    let mut size = 0_u64;
    for (at, &byte) in input.iter().enumerate() {
        CHUNK_LINE.check(peer, at + 1)?;
        if let Some(digit) = char::from(byte).to_digit(16) {
            size = size.saturating_mul(16).saturating_add(u64::from(digit));
            LENGTH.check(peer, size)?;
            continue;
        }
        return match (byte, input.get(at + 1)) {
            (b'\r', Some(b'\n')) if at > 0 => Ok(Some((size, at + 2))),
            (b'\r', None) if at > 0 => Ok(None),
            _ => Err(malformed(peer, expected)),
        };
    }
    Ok(None)
}
