//! Readers meet bytes that nobody wrote: errors, never a panic, never memory beyond what is there.

use super::{NOW, append_some, begin, events_file, open};
use crate::read_frames;
use proptest::prelude::*;
use std::fs;

fn real_record() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    append_some(&mut record, 5);
    record.close(NOW, "done").unwrap();
    fs::read(events_file(dir.path(), 1)).unwrap()
}

#[test]
fn real_frames_are_read() {
    let numbers: Vec<u64> = read_frames(&real_record())
        .map(|read| read.unwrap().0)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_end_in_an_error_or_the_end(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let read: Vec<_> = read_frames(&bytes).collect();
        let good = read.iter().filter(|read| read.is_ok()).count();
        prop_assert!(read.len() - good <= 1);
    }

    #[test]
    fn damaged_records_end_in_an_error_or_the_end(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = real_record();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len()));
        prop_assert!(read_frames(&bytes).count() <= 8);
    }
}
