//! Messages in a byte stream: one type byte, four bytes of length (which count themselves), the body.
//!
//! The caller owns the buffer. A short buffer is `Ok(None)`, not an error; a length that cannot be is a
//! violation as soon as its four bytes are there, before anything is allocated or waited for.

use super::tags::Tag;
use super::violation::Violation;

/// Type byte and length field.
pub const HEADER_LEN: usize = 5;

/// A message's type and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<T> {
    /// The type.
    pub tag: T,
    /// Bytes of the body.
    pub len: usize,
}

impl<T> Header<T> {
    /// Bytes of the whole message.
    #[must_use]
    pub fn total(&self) -> usize {
        HEADER_LEN + self.len
    }
}

/// One whole message in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a, T> {
    /// The type.
    pub tag: T,
    /// What follows the header.
    pub body: &'a [u8],
    /// Header and body, to forward unchanged. Its length is what to advance by.
    pub raw: &'a [u8],
}

/// Reads the header at the front of `buf`: `None` until its five bytes are there. An unknown type is a
/// violation at its first byte. Callers look at the tag here to refuse early what the state does not allow.
///
/// # Errors
/// The type is unknown, or the length is impossible or above the type's limit.
pub fn peek_header<T: Tag>(buf: &[u8]) -> Result<Option<Header<T>>, Violation> {
    let Some(&first) = buf.first() else {
        return Ok(None);
    };
    let tag = T::from_byte(first)?;
    let Some((&[_, a, b, c, d], _)) = buf.split_first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes([a, b, c, d]);
    let rule = tag.rule();
    let Some(len) = usize::try_from(length).ok().and_then(|l| l.checked_sub(4)) else {
        return Err(Violation::Length {
            peer: T::PEER,
            message: rule.name,
            length,
            minimum: 4,
        });
    };
    if len > rule.limit {
        return Err(Violation::TooLarge {
            peer: T::PEER,
            message: rule.name,
            length: len as u64,
            limit: rule.limit,
        });
    }
    Ok(Some(Header { tag, len }))
}

/// Reads the message at the front of `buf`: `None` until all of it is there.
///
/// # Errors
/// As [`peek_header`].
pub fn peek<T: Tag>(buf: &[u8]) -> Result<Option<Frame<'_, T>>, Violation> {
    let Some(header) = peek_header::<T>(buf)? else {
        return Ok(None);
    };
    let raw = buf.get(..header.total());
    let body = raw.and_then(|raw| raw.get(HEADER_LEN..));
    Ok(match (raw, body) {
        (Some(raw), Some(body)) => Some(Frame {
            tag: header.tag,
            body,
            raw,
        }),
        _ => None,
    })
}
