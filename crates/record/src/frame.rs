//! The one framing of every file: `length | number | payload | hash`.
//!
//! Numbers are big-endian; the length is the payload's. In a session's file the hash chains the frames,
//! in the log it is the leaf of the Merkle tree.

use crate::error::RecordError;
use crate::hash::Hash;
use serde::Serialize;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::time::Duration;

/// The most bytes that one payload may have: four times the largest statement that the gateway takes, so that
/// escaping it as JSON fits in all but absurd cases, which are refused.
pub const MAX_PAYLOAD: usize = 32 * 1024 * 1024;

/// Bytes of a frame that are not its payload.
pub(crate) const OVERHEAD: usize = PREFIX + Hash::LENGTH;

/// Length and number.
const PREFIX: usize = 4 + 8;

/// A session keeps no larger buffer than this between events, so that idle sessions stay small.
const KEPT_BUFFER: usize = 16 * 1024;

/// How often an incomplete last frame is looked at again, one millisecond apart: a frame that a live gateway is
/// just writing is complete within microseconds.
const LIVE_RETRIES: u32 = 50;

/// The chain value after an event.
pub(crate) fn chain_hash(previous: &Hash, number: u64, payload: &[u8]) -> Hash {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    Hash::of_parts(&[
        &previous.0,
        &length.to_be_bytes(),
        &number.to_be_bytes(),
        payload,
    ])
}

/// Where frames are laid out before the one write: `previous hash | length | number | payload | hash`, of which
/// all but the first part goes to the file. One buffer, hashed in one go and reused.
#[derive(Default)]
pub(crate) struct FrameBuffer {
    bytes: Vec<u8>,
}

impl FrameBuffer {
    /// Lays out one chained frame and returns it with its hash.
    pub(crate) fn chained(
        &mut self,
        previous: &Hash,
        number: u64,
        payload: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<(&[u8], Hash), RecordError> {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BUFFER);
        self.bytes.extend_from_slice(&previous.0);
        let length = self.lay_out(number, payload)?;
        if let Some(place) = self.bytes.get_mut(Hash::LENGTH..Hash::LENGTH + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        let hash = Hash::of(&self.bytes);
        self.bytes.extend_from_slice(&hash.0);
        Ok((self.bytes.get(Hash::LENGTH..).unwrap_or_default(), hash))
    }

    /// Appends a length still to be filled in, the number and the payload.
    fn lay_out(
        &mut self,
        number: u64,
        payload: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<u32, RecordError> {
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&number.to_be_bytes());
        let before = self.bytes.len();
        payload(&mut self.bytes)?;
        u32::try_from(self.bytes.len() - before)
            .ok()
            .filter(|length| *length as usize <= MAX_PAYLOAD)
            .ok_or(RecordError::TooLarge { limit: MAX_PAYLOAD })
    }
}

/// Appends `value` as JSON to `out`, at most [`MAX_PAYLOAD`] bytes of it.
pub(crate) fn write_json(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), RecordError> {
    let mut bounded = Bounded {
        room: MAX_PAYLOAD,
        out,
    };
    serde_json::to_writer(&mut bounded, value).map_err(|error| {
        if error.is_io() {
            RecordError::TooLarge { limit: MAX_PAYLOAD }
        } else {
            RecordError::Unwritable
        }
    })
}

/// Appends a whole frame for an entry whose hash is known.
pub(crate) fn push_frame(out: &mut Vec<u8>, number: u64, payload: &[u8], hash: &Hash) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(&hash.0);
}

/// Refuses to grow beyond its room.
struct Bounded<'a> {
    room: usize,
    out: &'a mut Vec<u8>,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self
            .room
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why the next frame cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The file ends within a frame.
    #[error("the file ends within the frame at byte {offset}")]
    Torn { offset: u64 },
    /// The length is one that no frame has.
    #[error("the frame at byte {offset} claims {length} bytes")]
    TooLong { offset: u64, length: u32 },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One frame as it stands in the file; nothing is checked but its bounds.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// The number that it claims.
    pub number: u64,
    /// Where it begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// What it carries.
    pub payload: &'a [u8],
    /// The hash that it claims.
    pub hash: Hash,
}

/// Reads frames one after the other. Memory grows with the bytes that are there, never with a claimed length.
pub(crate) struct FrameReader<R> {
    input: BufReader<R>,
    offset: u64,
    retries: u32,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> FrameReader<R> {
    /// A reader of what nobody writes any more.
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(64 * 1024, input),
            offset: 0,
            retries: 0,
            bytes: Vec::new(),
        }
    }

    /// A reader of what a gateway may be writing: an incomplete last frame is given a moment.
    pub(crate) fn live(input: R) -> Self {
        Self {
            retries: LIVE_RETRIES,
            ..Self::new(input)
        }
    }

    /// Goes on at a frame that begins at `offset`.
    pub(crate) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(offset))?;
        self.offset = offset;
        Ok(())
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Says that the frame at `offset`, which was read, is none: [`Self::offset`] is there again.
    pub(crate) fn back_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Reads the file's first line and says whether it is `expected`.
    pub(crate) fn header(&mut self, expected: &str) -> io::Result<bool> {
        self.bytes.clear();
        let length = expected.len() as u64;
        (&mut self.input)
            .take(length)
            .read_to_end(&mut self.bytes)?;
        self.offset = self.bytes.len() as u64;
        Ok(self.bytes == expected.as_bytes())
    }

    /// The next frame, or `None` at the end of the file. After `None` the caller may ask again later, if the
    /// file grows; after an error the reader is at the beginning of the frame that it could not read.
    pub(crate) fn read(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let mut retries = self.retries;
        let (number, hash) = loop {
            match self.fill() {
                Ok(None) => return Ok(None),
                Ok(Some(found)) => break found,
                Err(error) => {
                    self.input.seek(SeekFrom::Start(self.offset))?;
                    if retries == 0 || !matches!(error, FrameError::Torn { .. }) {
                        return Err(error);
                    }
                    retries -= 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        };
        let offset = self.offset;
        self.offset += (self.bytes.len() + OVERHEAD) as u64;
        Ok(Some(Frame {
            number,
            offset,
            payload: &self.bytes,
            hash,
        }))
    }

    /// Reads one frame's payload into `bytes`.
    fn fill(&mut self) -> Result<Option<(u64, Hash)>, FrameError> {
        let torn = FrameError::Torn {
            offset: self.offset,
        };
        self.bytes.clear();
        (&mut self.input)
            .take(PREFIX as u64)
            .read_to_end(&mut self.bytes)?;
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let Some((length, number)) = parse_prefix(&self.bytes) else {
            return Err(torn);
        };
        if length as usize > MAX_PAYLOAD {
            return Err(FrameError::TooLong {
                offset: self.offset,
                length,
            });
        }
        self.bytes.clear();
        let wanted = length as usize + Hash::LENGTH;
        (&mut self.input)
            .take(wanted as u64)
            .read_to_end(&mut self.bytes)?;
        if self.bytes.len() < wanted {
            return Err(torn);
        }
        let hash = self.bytes.last_chunk().copied().map(Hash).ok_or(torn)?;
        self.bytes.truncate(length as usize);
        Ok(Some((number, hash)))
    }
}

fn parse_prefix(bytes: &[u8]) -> Option<(u32, u64)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let number = rest.first_chunk::<8>()?;
    Some((u32::from_be_bytes(*length), u64::from_be_bytes(*number)))
}
