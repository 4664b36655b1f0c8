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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{BackendTag, FrontendTag};

    #[test]
    fn lengths_that_cannot_be_are_refused_at_the_header() {
        let check = |length: u32, refused: bool| {
            let mut header = vec![b'Q'];
            header.extend(length.to_be_bytes());
            assert_eq!(
                peek_header::<FrontendTag>(&header).is_err(),
                refused,
                "{length}"
            );
            assert_eq!(peek::<FrontendTag>(&header).is_err(), refused, "{length}");
        };
        let limit = u32::try_from(FrontendTag::Query.rule().limit).unwrap();
        for (length, refused) in [
            (0, true),
            (3, true),
            (4, false),
            (4 + limit, false),
            (5 + limit, true),
            (8 << 20, true),
            ((1 << 31) - 1, true),
            (1 << 31, true),
            (u32::MAX - 3, true),
            (u32::MAX, true),
        ] {
            check(length, refused);
        }
    }

    #[test]
    fn every_limit_holds_for_its_type_and_names_it() {
        fn check<T: Tag>() {
            for tag in T::ALL {
                let rule = tag.rule();
                let mut header = vec![rule.tag];
                header.extend(u32::try_from(rule.limit + 5).unwrap().to_be_bytes());
                let violation = peek_header::<T>(&header).err().unwrap();
                assert_eq!(violation.sqlstate(), "54000");
                assert_eq!(violation.peer(), T::PEER);
                assert!(violation.to_string().contains(rule.name));
            }
        }
        check::<FrontendTag>();
        check::<BackendTag>();
    }

    #[test]
    fn a_frame_is_whole_or_not_there() {
        let bytes = b"Q\0\0\0\x0dSELECT 1\0S\0\0\0\x04";
        for cut in 0..14 {
            assert_eq!(peek::<FrontendTag>(&bytes[..cut]), Ok(None), "{cut}");
        }
        let first = peek::<FrontendTag>(bytes).unwrap().unwrap();
        assert_eq!(
            (first.tag, first.body),
            (FrontendTag::Query, &b"SELECT 1\0"[..])
        );
        let second = peek::<FrontendTag>(&bytes[first.raw.len()..])
            .unwrap()
            .unwrap();
        assert_eq!((second.tag, second.raw.len()), (FrontendTag::Sync, 5));
        let unknown = Violation::UnknownMessage {
            peer: crate::postgres::Peer::Client,
            tag: b'Y',
        };
        assert_eq!(peek::<FrontendTag>(b"Y"), Err(unknown));
    }
}
