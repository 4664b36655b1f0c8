//! Disks that refuse and processes that end: nothing is lost silently.

use super::{
    NAME, NOW, SEED, answered, append_some, assert_clean, begin, bodies, events_file, id, key,
    open, opening,
};
use crate::{Entry, Log, MAX_PAYLOAD, RecordError, SessionRecord, entries, verify};
use sluice_model::EventBody;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

fn add_bytes(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn gaps(dir: &Path) -> Vec<String> {
    let gap = |entry| match entry {
        Entry::Gap { why, .. } => Some(why),
        _ => None,
    };
    let entries = entries(dir).unwrap().map(|entry| entry.unwrap().1);
    entries.filter_map(gap).collect()
}

#[test]
fn after_a_failed_write_the_session_ends_and_the_gap_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    append_some(&mut record, 3);
    // A file opened for reading takes no writing.
    record.write_to_for_test(File::open(events_file(dir.path(), 1)).unwrap());
    let error = record.append(NOW, &answered(4)).unwrap_err();
    assert!(matches!(error, RecordError::Io { .. }), "{error}");
    // A full disk leaves a part of the frame behind.
    add_bytes(&events_file(dir.path(), 1), b"\0\0\x01\0half a frame");
    let again = record.append(NOW, &answered(5)).unwrap_err();
    assert!(matches!(again, RecordError::Poisoned), "{again}");
    assert!(record.close(NOW, "done").is_err());
    log.checkpoint(NOW).unwrap();
    let seen = bodies(dir.path(), 1);
    assert_eq!(seen.len(), 6);
    assert!(matches!(&seen[4], EventBody::Gap { why } if why.contains("could not be recorded")));
    assert!(matches!(&seen[5], EventBody::SessionClosed { .. }));
    assert_eq!(gaps(dir.path()).len(), 1);
    log.checkpoint(NOW).unwrap();
    assert_eq!(gaps(dir.path()).len(), 1);
    assert_clean(dir.path());
}

#[test]
fn a_record_dropped_without_closing_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    append_some(&mut record, 2);
    drop(record);
    log.checkpoint(NOW).unwrap();
    let seen = bodies(dir.path(), 1);
    assert!(matches!(seen[3], EventBody::Gap { .. }), "{seen:?}");
    assert!(matches!(seen[4], EventBody::SessionClosed { .. }));
    assert_clean(dir.path());
}

#[test]
fn a_record_that_vanishes_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let (gone, mut other) = (begin(&log, 1), begin(&log, 2));
    fs::remove_file(events_file(dir.path(), 1)).unwrap();
    drop(gone);
    append_some(&mut other, 2);
    other.close(NOW, "done").unwrap();
    log.checkpoint(NOW).unwrap();
    log.checkpoint(NOW).unwrap();
    assert_eq!(gaps(dir.path()), ["the record is missing"]);
    let report = verify(dir.path(), &key(), None).unwrap();
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
}

#[test]
fn while_the_log_cannot_be_written_nothing_begins_and_the_gap_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let path = dir.path().join("log/entries");
    let good = log.swap_entries_for_test(Arc::new(File::open(&path).unwrap()));
    let refused = log.begin(&id(1), NOW, &opening(&id(1))).map(drop);
    assert!(matches!(refused, Err(RecordError::Io { .. })));
    assert!(!dir.path().join("sessions").join(id(1).as_str()).exists());
    assert!(log.begin(&id(2), NOW, &opening(&id(2))).is_err());
    add_bytes(&path, b"\0\0\0\x40half an entry");
    log.swap_entries_for_test(good);
    let record = begin(&log, 1);
    record.close(NOW, "done").unwrap();
    log.checkpoint(NOW).unwrap();
    let gaps = gaps(dir.path());
    assert_eq!(gaps.len(), 1);
    assert!(
        gaps[0].contains("an entry could not be written"),
        "{gaps:?}"
    );
    assert_clean(dir.path());
}

#[test]
fn an_event_beyond_the_limit_is_refused_and_ends_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    let huge = EventBody::Gap {
        why: "x".repeat(MAX_PAYLOAD),
    };
    let error = record.append(NOW, &huge).unwrap_err();
    assert!(matches!(error, RecordError::TooLarge { .. }), "{error}");
    assert!(record.append(NOW, &answered(1)).is_err());
    drop(record);
    log.checkpoint(NOW).unwrap();
    assert_eq!(bodies(dir.path(), 1).len(), 3);
    assert_clean(dir.path());
}

/// Ends everything as `kill -9` would, as far as files show it: nothing is closed, nothing is mended.
fn crash(log: Log, records: Vec<SessionRecord>) {
    drop(log);
    drop(records);
}

#[test]
fn after_a_crash_every_session_gets_its_real_end() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut whole = begin(&log, 1);
    append_some(&mut whole, 3);
    log.checkpoint(NOW).unwrap();
    append_some(&mut whole, 2);
    let mut torn = begin(&log, 2);
    append_some(&mut torn, 2);
    let closed = begin(&log, 3);
    closed.close(NOW, "done").unwrap();
    crash(log, vec![whole, torn]);
    let events = events_file(dir.path(), 2);
    let before = fs::metadata(&events).unwrap().len();
    add_bytes(&events, b"\0\0\x01\0\0\0\0\0\0\0\0\x04{\"at\":");
    add_bytes(&dir.path().join("log/entries"), b"\0\0");
    // Died between making a directory and the first event.
    fs::create_dir(dir.path().join("sessions").join(id(4).as_str())).unwrap();
    fs::create_dir(dir.path().join("sessions").join(id(5).as_str())).unwrap();
    fs::write(events_file(dir.path(), 5), "sluice rec").unwrap();

    let log = open(dir.path());
    assert_clean(dir.path());
    for (number, events, gap) in [(1, 8, true), (2, 5, true), (3, 2, false)] {
        let seen = bodies(dir.path(), number);
        assert_eq!(seen.len(), events, "session {number}: {seen:?}");
        assert!(matches!(seen[events - 1], EventBody::SessionClosed { .. }));
        let has_gap = matches!(seen[events - 2], EventBody::Gap { .. });
        assert_eq!(has_gap, gap, "session {number}");
    }
    let kept = events.with_file_name(format!("torn-{before}"));
    assert_eq!(
        fs::read(kept).unwrap(),
        b"\0\0\x01\0\0\0\0\0\0\0\0\x04{\"at\":"
    );
    for number in [4, 5] {
        assert!(
            !dir.path()
                .join("sessions")
                .join(id(number).as_str())
                .exists()
        );
    }
    assert_eq!(gaps(dir.path()).len(), 5);
    let size = log.latest().mark.size;
    drop(log);
    assert_eq!(
        open(dir.path()).latest().mark.size,
        size,
        "nothing is left to settle"
    );
}

/// A file system that lost power may leave zeros where the last writes were.
#[test]
fn zeros_at_the_end_are_cut_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    append_some(&mut record, 2);
    log.checkpoint(NOW).unwrap();
    crash(log, vec![record]);
    let zeros = vec![0; 100_000];
    add_bytes(&events_file(dir.path(), 1), &zeros);
    add_bytes(&dir.path().join("log/entries"), &zeros);
    let _log = open(dir.path());
    assert_clean(dir.path());
    assert_eq!(bodies(dir.path(), 1).len(), 5);
    let gaps = gaps(dir.path());
    assert!(gaps[0].contains("not as it was written"), "{gaps:?}");
    assert!(gaps[1].contains("got event 0"), "{gaps:?}");
}

#[test]
fn a_session_that_the_log_never_heard_of_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let log = open(other.path());
    let mut record = begin(&log, 1);
    append_some(&mut record, 1);
    drop(open(dir.path()));
    let session = dir.path().join("sessions").join(id(1).as_str());
    fs::create_dir(&session).unwrap();
    fs::copy(events_file(other.path(), 1), session.join("events")).unwrap();
    let _log = open(dir.path());
    assert_clean(dir.path());
    assert_eq!(bodies(dir.path(), 1).len(), 4);
}

type Change<'a> = &'a dyn Fn(&Path);

#[test]
fn a_changed_log_is_not_written_to() {
    let cases: [(&str, Change<'_>); 5] = [
        ("entry 0 is not as it was written", &|dir| {
            flip(&dir.join("log/entries"), 40)
        }),
        ("signature", &|dir| flip(&dir.join("log/checkpoint"), 5)),
        ("checkpoint beside it is missing", &|dir| {
            fs::remove_file(dir.join("log/checkpoint")).unwrap();
        }),
        ("entries that its checkpoint was signed over", &|dir| {
            let path = dir.join("log/entries");
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 7]).unwrap();
        }),
        ("first line", &|dir| flip(&dir.join("log/entries"), 3)),
    ];
    for (expected, change) in cases {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        begin(&log, 1).close(NOW, "done").unwrap();
        log.checkpoint(NOW).unwrap();
        drop(log);
        change(dir.path());
        let error = Log::open(dir.path(), &SEED, NAME, NOW)
            .map(drop)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_record_changed_while_the_gateway_was_down_is_left_as_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    append_some(&mut record, 4);
    log.checkpoint(NOW).unwrap();
    crash(log, vec![record]);
    let events = events_file(dir.path(), 1);
    let length = fs::metadata(&events).unwrap().len();
    OpenOptions::new()
        .append(true)
        .open(&events)
        .unwrap()
        .set_len(length - 9)
        .unwrap();
    let _log = open(dir.path());
    assert_eq!(fs::metadata(&events).unwrap().len(), length - 9);
    assert_eq!(
        gaps(dir.path()),
        ["the record holds 4 events, the log knows 5"]
    );
    let report = verify(dir.path(), &key(), None).unwrap();
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].number, Some(5));
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}
