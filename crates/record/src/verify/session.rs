//! Checks one session's record against its own chain and against what the log promises of it.

use super::{Problem, Promise, Report, order};
use crate::frame::{Frame, FrameError, FrameReader, chain_hash};
use crate::hash::Hash;
use crate::layout::{self, Layout};
use sluice_model::SessionId;
use std::fs::File;
use std::io::{self, ErrorKind};

/// Checks one record.
pub(super) fn check(layout: &Layout, id: &SessionId, promises: &[Promise], report: &mut Report) {
    let file = match File::open(layout.events(id)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            report.add(Some(id), None, None, Problem::RecordMissing);
            return;
        }
        Err(error) => return unreadable(id, &error, report),
    };
    let mut promises = promises.to_vec();
    promises.sort_by_key(|promise| promise.count);
    let mut walk = Walk {
        id,
        known_bad: report.problems.len(),
        links: [Hash::of(layout::session_header(id).as_bytes()); 2],
        expected: 1,
        numbers: Vec::new(),
        promises: promises.iter().copied().peekable(),
        kept_through: 0,
        cut: None,
        report,
    };
    let closed = promises.iter().find(|promise| promise.closed);
    let frames = if closed.is_some() {
        FrameReader::new(file)
    } else {
        FrameReader::live(file)
    };
    if let Err(error) = walk.read(frames) {
        unreadable(id, &error, walk.report);
    }
    walk.finish(promises.last(), closed);
}

fn unreadable(id: &SessionId, error: &io::Error, report: &mut Report) {
    let why = error.to_string();
    report.add(Some(id), None, None, Problem::Unreadable { why });
}

struct Walk<'a, P: Iterator<Item = Promise>> {
    id: &'a SessionId,
    /// How many problems there were before this record.
    known_bad: usize,
    /// The chain value so far: as it stands in the file, and as computed from what stands there. They differ after
    /// a changed event; the next one fits one of them, and so only the changed one is named.
    links: [Hash; 2],
    expected: u64,
    numbers: Vec<(u64, u64)>,
    promises: std::iter::Peekable<P>,
    /// The last event for which a promise was kept.
    kept_through: u64,
    /// Where an event begins that cannot be read.
    cut: Option<u64>,
    report: &'a mut Report,
}

impl<P: Iterator<Item = Promise>> Walk<'_, P> {
    fn read(&mut self, mut frames: FrameReader<File>) -> io::Result<()> {
        let header = layout::session_header(self.id);
        if !frames.header(&header)? {
            self.report
                .add(Some(self.id), None, Some(0), Problem::Header);
        }
        loop {
            match frames.read() {
                Ok(None) => return Ok(()),
                Ok(Some(frame)) => self.event(&frame),
                Err(FrameError::Torn { offset } | FrameError::TooLong { offset, .. }) => {
                    self.cut = Some(offset);
                    return Ok(());
                }
                Err(FrameError::Io(error)) => return Err(error),
            }
        }
    }

    fn event(&mut self, frame: &Frame<'_>) {
        self.report.events += 1;
        let chained = |link: &Hash, number| chain_hash(link, number, frame.payload);
        let usual = chained(&self.links[0], frame.number);
        let in_place = frame.number == self.expected;
        let mut number = frame.number;
        if !(in_place && usual == frame.hash) {
            let fits = |number| self.links.iter().any(|l| chained(l, number) == frame.hash);
            let renumbered = !in_place && fits(self.expected);
            if renumbered || (in_place && !fits(number)) {
                number = self.expected;
                let offset = Some(frame.offset);
                self.report
                    .add(Some(self.id), Some(number), offset, Problem::Changed);
            }
        }
        self.numbers.push((number, frame.offset));
        self.links = [frame.hash, usual];
        self.expected = number.saturating_add(1);
        self.keep_promises(number, frame);
    }

    /// Compares the chain with what the log says it is after this event.
    fn keep_promises(&mut self, number: u64, frame: &Frame<'_>) {
        while let Some(promise) = self.promises.next_if(|promise| promise.count <= number) {
            if promise.count < number {
                continue;
            }
            let sound = self.report.problems.len() == self.known_bad;
            if promise.hash != frame.hash && sound {
                let problem = Problem::Replaced {
                    through: number,
                    entry: promise.entry,
                };
                let from = Some(self.kept_through.saturating_add(1));
                self.report.add(Some(self.id), from, None, problem);
            }
            self.kept_through = number;
        }
    }

    fn finish(self, last: Option<&Promise>, closed: Option<&Promise>) {
        order::check(Some(self.id), 1, &self.numbers, self.report);
        let count = self
            .numbers
            .iter()
            .map(|(n, _)| *n)
            .max()
            .unwrap_or(0)
            .min(u64::MAX - 1);
        let through = last.map_or(0, |last| last.count);
        let next = Some(count + 1);
        if let Some(offset) = self.cut {
            let through = through.max(count + 1);
            self.report
                .add(Some(self.id), next, Some(offset), Problem::Cut { through });
        } else if through > count {
            self.report
                .add(Some(self.id), next, None, Problem::Missing { through });
        }
        if let Some(closed) = closed
            && closed.count < count
        {
            let from = closed.count.saturating_add(1);
            let offset = self.numbers.iter().find(|(n, _)| *n == from);
            let offset = offset.map(|(_, offset)| *offset);
            let problem = Problem::Added { through: count };
            self.report.add(Some(self.id), Some(from), offset, problem);
        }
    }
}
