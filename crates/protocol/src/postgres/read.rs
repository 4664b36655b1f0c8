//! A cursor over one message's body. Every step checks what is left; nothing is read past the end.

use super::violation::{Peer, Violation};

/// Reads one body front to back.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    peer: Peer,
    message: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader over `body`; `peer` and `message` name the culprit in violations.
    pub(super) fn new(peer: Peer, message: &'static str, body: &'a [u8]) -> Self {
        Self {
            rest: body,
            peer,
            message,
        }
    }

    /// The violation "this is not what was expected".
    pub(super) fn malformed(&self, expected: &'static str) -> Violation {
        Violation::Malformed {
            peer: self.peer,
            message: self.message,
            expected,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn bytes(
        &mut self,
        n: usize,
        expected: &'static str,
    ) -> Result<&'a [u8], Violation> {
        let (head, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Violation> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.malformed(expected))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self, expected: &'static str) -> Result<u8, Violation> {
        self.array::<1>(expected).map(|[b]| b)
    }

    pub(super) fn i16(&mut self, expected: &'static str) -> Result<i16, Violation> {
        self.array(expected).map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self, expected: &'static str) -> Result<i32, Violation> {
        self.array(expected).map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self, expected: &'static str) -> Result<u32, Violation> {
        self.array(expected).map(u32::from_be_bytes)
    }

    /// A count of things that follow, each of at least `each` bytes: checked against what is there, so that
    /// a lying count cannot make anyone allocate. PostgreSQL reads these counts as unsigned.
    pub(super) fn count(
        &mut self,
        each: usize,
        expected: &'static str,
    ) -> Result<usize, Violation> {
        let n = usize::from(self.array(expected).map(u16::from_be_bytes)?);
        if n.saturating_mul(each) > self.rest.len() {
            return Err(self.malformed(expected));
        }
        Ok(n)
    }

    /// A text up to its NUL.
    pub(super) fn cstr(&mut self, expected: &'static str) -> Result<&'a str, Violation> {
        let raw = self.cbytes(expected)?;
        std::str::from_utf8(raw).map_err(|_| self.malformed("valid UTF-8"))
    }

    /// Bytes up to their NUL.
    pub(super) fn cbytes(&mut self, expected: &'static str) -> Result<&'a [u8], Violation> {
        let end = memchr::memchr(0, self.rest).ok_or_else(|| self.malformed(expected))?;
        let raw = self.bytes(end, expected)?;
        self.bytes(1, expected)?;
        Ok(raw)
    }

    /// A value with its length in front; -1 is NULL and anything smaller is a violation.
    pub(super) fn value(&mut self, expected: &'static str) -> Result<Option<&'a [u8]>, Violation> {
        match self.i32(expected)? {
            -1 => Ok(None),
            n => {
                let n = usize::try_from(n).map_err(|_| self.malformed(expected))?;
                self.bytes(n, expected).map(Some)
            }
        }
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The body must end here.
    pub(super) fn end(&self) -> Result<(), Violation> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.malformed("the message to end there"))
        }
    }
}
