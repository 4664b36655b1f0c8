//! Finds the lines of a head or of a trailer section, up to the empty line that ends it.
//!
//! Until the empty line is there, only line ends are looked for: a head that comes byte by byte is searched
//! again with every byte, and must cost little each time.

use super::limits::{FIELDS, HEAD, Limit, MAX_FIELDS, TRAILER, TRAILER_FIELDS};
use super::violation::{Peer, Violation};
use memchr::memchr_iter;
use std::ops::Range;

/// A start line and the fields.
const MAX_LINES: usize = 1 + MAX_FIELDS;

/// What lines are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    bytes: Limit,
    fields: Limit,
    /// Lines that are not fields.
    start_lines: u64,
}

/// A start line and fields.
pub(super) const HEAD_SECTION: Section = Section {
    bytes: HEAD,
    fields: FIELDS,
    start_lines: 1,
};
/// Fields alone.
pub(super) const TRAILER_SECTION: Section = Section {
    bytes: TRAILER,
    fields: TRAILER_FIELDS,
    start_lines: 0,
};

/// A whole section.
pub(super) struct Lines<'a> {
    /// All lines and the empty one.
    text: &'a [u8],
    /// Where each line feed is; the empty line's is not among them. A head is at most 64 KiB, so that a
    /// position fits.
    ends: [u16; MAX_LINES],
    count: usize,
}

impl<'a> Lines<'a> {
    /// The section at the front of `buf`: `None` until its empty line is there.
    ///
    /// # Errors
    /// A line does not end with CRLF, or there are too many lines or bytes.
    pub(super) fn find(
        peer: Peer,
        buf: &'a [u8],
        section: &Section,
    ) -> Result<Option<Self>, Violation> {
        let most = usize::try_from(section.bytes.most).unwrap_or(usize::MAX);
        let window = buf.get(..most).unwrap_or(buf);
        let mut ends = [0; MAX_LINES];
        let mut start = 0;
        for (count, feed) in memchr_iter(b'\n', window).enumerate() {
            match window.get(start..feed) {
                Some(b"\r") => {
                    let text = window.get(..=feed).unwrap_or_default();
                    return Ok(Some(Self { text, ends, count }));
                }
                Some([.., b'\r']) => {}
                _ => {
                    return Err(Violation::Malformed {
                        peer,
                        part: "line end",
                        expected: "a carriage return before the line feed",
                    });
                }
            }
            match (ends.get_mut(count), u16::try_from(feed)) {
                (Some(end), Ok(feed)) if (count as u64) < section.limit_lines() => *end = feed,
                _ => {
                    return Err(Violation::TooLong {
                        peer,
                        limit: section.fields,
                    });
                }
            }
            start = feed + 1;
        }
        if buf.len() >= most {
            return Err(Violation::TooLong {
                peer,
                limit: section.bytes,
            });
        }
        Ok(None)
    }

    /// Bytes of the whole section.
    pub(super) fn total(&self) -> usize {
        self.text.len()
    }

    /// How many lines there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// All bytes, which [`Self::ranges`] are in.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The start line.
    pub(super) fn first(&self) -> &'a [u8] {
        self.ranges()
            .next()
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
    }

    /// Where each line is, without its end.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        self.ends.iter().take(self.count).map(move |&feed| {
            let feed = usize::from(feed);
            let line = start..feed.saturating_sub(1);
            start = feed + 1;
            line
        })
    }
}

impl Section {
    fn limit_lines(&self) -> u64 {
        self.fields.most + self.start_lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(section: &Section, buf: &[u8], expected: Option<(usize, &[&str])>) {
        let found = Lines::find(Peer::Client, buf, section).unwrap();
        let found = found.map(|lines| {
            let text = lines
                .ranges()
                .map(|range| {
                    std::str::from_utf8(&lines.text()[range])
                        .unwrap()
                        .to_owned()
                })
                .collect::<Vec<_>>();
            (lines.total(), text)
        });
        let expected = expected.map(|(n, all)| (n, all.iter().map(|l| (*l).to_owned()).collect()));
        assert_eq!(found, expected, "{buf:?}");
    }

    #[test]
    fn lines_are_found_up_to_the_empty_one() {
        for (buf, expected) in [
            (&b""[..], None),
            (b"\r", None),
            (b"a\r\n", None),
            (b"a\r\nb\r\n\r", None),
            (b"\r\nx", Some((2, &[][..]))),
            (b"a\r\n\r\nmore\n", Some((5, &["a"]))),
            (b"a\rb\r\n c\r\n\r\n", Some((11, &["a\rb", " c"]))),
        ] {
            check(&HEAD_SECTION, buf, expected);
            check(&TRAILER_SECTION, buf, expected);
        }
    }

    #[test]
    fn what_can_be_no_section_is_refused_at_once() {
        let check = |section: &Section, buf: &[u8], limit: Option<Limit>| {
            let violation = Lines::find(Peer::Client, buf, section).err().unwrap();
            match (violation, limit) {
                (Violation::TooLong { limit, .. }, Some(expected)) => assert_eq!(limit, expected),
                (Violation::Malformed { .. }, None) => {}
                (other, _) => panic!("{other}"),
            }
        };
        for section in [HEAD_SECTION, TRAILER_SECTION] {
            check(&section, b"a\n", None);
            check(&section, b"\n", None);
            check(&section, b"a\r\nb\n", None);
            check(&section, b"a\r\n\r\r\n\n", None);
            let most = usize::try_from(section.bytes.most).unwrap();
            check(&section, &vec![b'a'; most], Some(section.bytes));
            let lines = usize::try_from(section.limit_lines()).unwrap();
            let fits = b"a\r\n".repeat(lines);
            assert!(matches!(
                Lines::find(Peer::Client, &fits, &section),
                Ok(None)
            ));
            check(&section, &b"a\r\n".repeat(lines + 1), Some(section.fields));
            // The end may be the last byte that is accepted.
            let mut full = vec![b'a'; most - 4];
            full.extend(b"\r\n\r\n");
            assert!(matches!(
                Lines::find(Peer::Client, &full, &section),
                Ok(Some(_))
            ));
            full.insert(0, b'a');
            check(&section, &full, Some(section.bytes));
        }
    }
}
