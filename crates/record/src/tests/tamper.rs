//! Every way of changing what is on disk is named by `verify`.

use super::{NAME, NOW, append_some, begin, events_file, id, key, open};
use crate::frame::{FrameBuffer, FrameReader, push_frame, write_json};
use crate::hash::Hash;
use crate::layout::session_header;
use crate::verify::{Finding, Problem};
use crate::{Mark, VerifierKey, verify};
use proptest::prelude::*;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A closed session 1 of 6 events, a live session 2 of 4, one that a crash cut short, and all of it signed.
fn fixture(dir: &Path) -> Mark {
    let log = open(dir);
    let mut cut_short = begin(&log, 3);
    append_some(&mut cut_short, 2);
    drop((log, cut_short));
    let mut bytes = fs::read(events_file(dir, 3)).unwrap();
    bytes.extend_from_slice(b"\0\0\x01\0\0\0\0\0\0\0\0\x04{\"at\":");
    fs::write(events_file(dir, 3), bytes).unwrap();

    let log = open(dir);
    let mut closed = begin(&log, 1);
    append_some(&mut closed, 4);
    closed.close(NOW, "done").unwrap();
    let mut live = begin(&log, 2);
    append_some(&mut live, 3);
    log.checkpoint(NOW).unwrap().mark
}

/// The frames of a session's file as (offset, bytes), after its first line.
fn frames(file: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let header = session_header(&id(1)).into_bytes();
    let mut reader = FrameReader::new(Cursor::new(&file[header.len()..]));
    let mut frames = Vec::new();
    while let Some(frame) = reader.read().unwrap() {
        let mut bytes = Vec::new();
        push_frame(&mut bytes, frame.number, frame.payload, &frame.hash);
        frames.push(bytes);
    }
    (file[..header.len()].to_vec(), frames)
}

/// Changes the frames of session 1 and gives the offset of the frame at `at` before the change.
fn edit(dir: &Path, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let path = events_file(dir, 1);
    let (mut file, mut frames) = frames(&fs::read(&path).unwrap());
    change(&mut frames);
    file.extend(frames.concat());
    fs::write(path, file).unwrap();
}

fn offset_of(dir: &Path, event: usize) -> u64 {
    let (header, frames) = frames(&fs::read(events_file(dir, 1)).unwrap());
    (header.len() + frames[..event - 1].concat().len()) as u64
}

fn chained_again(frames: &mut [Vec<u8>]) {
    let mut previous = Hash::of(session_header(&id(1)).as_bytes());
    let mut buffer = FrameBuffer::default();
    for (number, frame) in (1..).zip(frames) {
        let payload = &frame[12..frame.len() - 32];
        let value: Box<serde_json::value::RawValue> = serde_json::from_slice(payload).unwrap();
        let (bytes, hash) = buffer
            .chained(&previous, number, |out| write_json(out, &value))
            .unwrap();
        *frame = bytes.to_vec();
        previous = hash;
    }
}

fn change_text(frame: &mut [u8]) {
    let at = frame.windows(6).position(|w| w == b"SELECT").unwrap();
    frame[at] = b'D';
}

type Change<'a> = &'a dyn Fn(&Path);

#[track_caller]
fn check(
    what: &str,
    change: Change<'_>,
    expected: &[(Option<u128>, Option<u64>, Problem)],
) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    let kept = fixture(dir.path());
    let before = verify(dir.path(), &key(), Some(kept)).unwrap();
    assert!(before.is_clean(), "{:?}", before.problems);
    change(dir.path());
    let report = verify(dir.path(), &key(), Some(kept)).unwrap();
    let seen: Vec<_> = report
        .problems
        .iter()
        .map(|f| (f.session.clone(), f.number, f.problem.clone()))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(session, number, problem)| (session.map(id), *number, problem.clone()))
        .collect();
    assert_eq!(seen, expected, "{what}");
    report.problems
}

/// Attack class 25: what was changed is named, with its place.
#[test]
fn a_changed_event_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    fixture(dir.path());
    let offset = offset_of(dir.path(), 3);
    let found = check(
        "one byte changed",
        &|dir| edit(dir, |frames| change_text(&mut frames[2])),
        &[(Some(1), Some(3), Problem::Changed)],
    );
    assert_eq!(found[0].offset, Some(offset));
    let shown = found[0].to_string();
    let expected = format!("session {}: event 3 was changed (at byte {offset})", id(1));
    assert_eq!(shown, expected);
}

type Case<'a> = (
    &'a str,
    Change<'a>,
    Vec<(Option<u128>, Option<u64>, Problem)>,
);

fn check_all(cases: &[Case<'_>]) {
    for (what, change, expected) in cases {
        check(what, *change, expected);
    }
}

/// A finding in the record of session 1.
fn one(number: u64, problem: Problem) -> Vec<(Option<u128>, Option<u64>, Problem)> {
    vec![(Some(1), Some(number), problem)]
}

#[test]
fn every_changed_or_cut_event_is_named() {
    use Problem::{Changed, Cut};
    check_all(&[
        (
            "a stored hash changed",
            &|d| edit(d, |f| *f[2].last_mut().unwrap() ^= 1),
            one(3, Changed),
        ),
        (
            "a number changed",
            &|d| edit(d, |f| f[2][11] ^= 64),
            one(3, Changed),
        ),
        (
            "the last event changed",
            &|d| edit(d, |f| f[5][20] ^= 1),
            one(6, Changed),
        ),
        (
            "cut within",
            &|d| edit(d, |f| f[5].truncate(9)),
            one(6, Cut { through: 6 }),
        ),
        (
            "a length changed",
            &|d| edit(d, |f| f[2][1] ^= 1),
            one(3, Cut { through: 6 }),
        ),
        (
            "a huge length",
            &|d| edit(d, |f| f[2][0] ^= 128),
            one(3, Cut { through: 6 }),
        ),
    ]);
}

#[test]
fn every_removed_or_moved_event_is_named() {
    use Problem::{Missing, Moved};
    check_all(&[
        (
            "an event removed",
            &|d| edit(d, |f| drop(f.remove(2))),
            one(3, Missing { through: 3 }),
        ),
        (
            "three removed",
            &|d| edit(d, |f| drop(f.drain(1..4))),
            one(2, Missing { through: 4 }),
        ),
        (
            "the opening removed",
            &|d| edit(d, |f| drop(f.remove(0))),
            one(1, Missing { through: 1 }),
        ),
        (
            "the tail cut",
            &|d| edit(d, |f| f.truncate(4)),
            one(5, Missing { through: 6 }),
        ),
        (
            "everything cut",
            &|d| edit(d, Vec::clear),
            one(1, Missing { through: 6 }),
        ),
        (
            "two swapped",
            &|d| edit(d, |f| f.swap(2, 3)),
            vec![(Some(1), Some(4), Moved), (Some(1), Some(3), Moved)],
        ),
        (
            "two far ones swapped",
            &|d| edit(d, |f| f.swap(1, 4)),
            vec![(Some(1), Some(5), Moved), (Some(1), Some(2), Moved)],
        ),
    ]);
}

#[test]
fn every_rewritten_chain_is_named() {
    use Problem::{Added, Missing, Replaced};
    check_all(&[
        (
            "rewritten by one who can compute hashes",
            &|d| {
                edit(d, |f| {
                    change_text(&mut f[2]);
                    chained_again(f)
                });
            },
            vec![(
                Some(1),
                Some(2),
                Replaced {
                    through: 6,
                    entry: 5,
                },
            )],
        ),
        (
            "removed by one who can compute hashes",
            &|d| {
                edit(d, |f| {
                    f.remove(2);
                    chained_again(f)
                });
            },
            one(6, Missing { through: 6 }),
        ),
        (
            "added by one who can compute hashes",
            &|d| {
                edit(d, |f| {
                    f.push(f[2].clone());
                    chained_again(f)
                });
            },
            one(7, Added { through: 7 }),
        ),
    ]);
}

#[test]
fn every_missing_or_planted_record_is_named() {
    use Problem::{Header, RecordMissing, Unknown};
    check_all(&[
        (
            "the record deleted",
            &|d| fs::remove_file(events_file(d, 1)).unwrap(),
            vec![(Some(1), None, RecordMissing)],
        ),
        (
            "the directory deleted",
            &|d| {
                fs::remove_dir_all(events_file(d, 1).parent().unwrap()).unwrap();
            },
            vec![(Some(1), None, RecordMissing)],
        ),
        (
            "a record planted",
            &|d| {
                let session = d.join("sessions").join(id(9).as_str());
                fs::create_dir(&session).unwrap();
                fs::write(session.join("events"), session_header(&id(9))).unwrap();
            },
            vec![(Some(9), None, Unknown)],
        ),
        (
            "the first line changed",
            &|d| {
                let path = events_file(d, 1);
                let file = fs::read(&path).unwrap();
                fs::write(path, [b"S", &file[1..]].concat()).unwrap();
            },
            vec![(Some(1), None, Header)],
        ),
    ]);
    let dir = tempfile::tempdir().unwrap();
    fixture(dir.path());
    let (a, b) = (events_file(dir.path(), 1), events_file(dir.path(), 2));
    let (first, second) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
    fs::write(a, second).unwrap();
    fs::write(b, first).unwrap();
    let exchanged = verify(dir.path(), &key(), None).unwrap();
    assert!(!exchanged.is_clean(), "two records exchanged");
}

fn cut_file(path: PathBuf, bytes: usize) {
    let file = fs::read(&path).unwrap();
    fs::write(path, &file[..file.len() - bytes]).unwrap();
}

#[test]
fn every_change_of_the_log_is_named() {
    use Problem::{Cut, RolledBack, TornTail};
    let torn = |d: &Path| {
        let session = events_file(d, 3).parent().unwrap().to_owned();
        let mut files = session.read_dir().unwrap().map(|f| f.unwrap().path());
        files
            .find(|f| f.to_str().unwrap().contains("torn-"))
            .unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let size = fixture(dir.path()).size;
    let last = size - 1;
    check(
        "the tail of the log cut",
        &|d| cut_file(d.join("log/entries"), 5),
        &[
            (None, Some(last), Cut { through: last }),
            (None, None, RolledBack { size }),
        ],
    );
    let found = check(
        "a kept tail changed",
        &|d| fs::write(torn(d), "x").unwrap(),
        &[(Some(3), None, TornTail)],
    );
    assert!(found[0].offset.is_some());
    check(
        "a kept tail deleted",
        &|d| fs::remove_file(torn(d)).unwrap(),
        &[(Some(3), None, TornTail)],
    );
}

#[test]
fn every_change_of_the_checkpoint_is_named() {
    check(
        "the checkpoint deleted",
        &|d| fs::remove_file(d.join("log/checkpoint")).unwrap(),
        &[(
            None,
            None,
            Problem::Checkpoint {
                why: "it is missing".to_owned(),
            },
        )],
    );
    check(
        "a signature changed",
        &|d| {
            let path = d.join("log/checkpoint");
            let note = fs::read_to_string(&path).unwrap();
            let (text, signature) = note.rsplit_once(' ').unwrap();
            let swapped: String = signature
                .chars()
                .map(|c| {
                    if c == 'A' {
                        'B'
                    } else if c == 'B' {
                        'A'
                    } else {
                        c
                    }
                })
                .collect();
            let changed = if swapped == signature {
                signature.replacen('C', "D", 1)
            } else {
                swapped
            };
            // The key's id stands first; keep it so that the signature itself is judged.
            let changed = format!("{}{}", &signature[..8], &changed[8..]);
            fs::write(path, format!("{text} {changed}")).unwrap();
        },
        &[(
            None,
            None,
            Problem::Checkpoint {
                why: "its signature does not fit".to_owned(),
            },
        )],
    );
}

/// The gateway's own earlier state, put back whole: only the mark kept elsewhere can tell.
#[test]
fn a_log_rolled_back_to_an_earlier_state_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    begin(&log, 1).close(NOW, "done").unwrap();
    log.checkpoint(NOW).unwrap();
    let earlier = [
        dir.path().join("log/entries"),
        dir.path().join("log/checkpoint"),
    ]
    .map(|path| (fs::read(&path).unwrap(), path));
    begin(&log, 2).close(NOW, "done").unwrap();
    let kept = log.checkpoint(NOW).unwrap().mark;
    for (bytes, path) in earlier {
        fs::write(path, bytes).unwrap();
    }
    fs::remove_dir_all(events_file(dir.path(), 2).parent().unwrap()).unwrap();
    assert!(verify(dir.path(), &key(), None).unwrap().is_clean());
    let report = verify(dir.path(), &key(), Some(kept)).unwrap();
    let problems: Vec<_> = report.problems.into_iter().map(|f| f.problem).collect();
    assert_eq!(problems, [Problem::RolledBack { size: kept.size }]);
}

#[test]
fn entries_rewritten_with_their_hashes_do_not_fit_the_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    begin(&log, 1).close(NOW, "done").unwrap();
    log.checkpoint(NOW).unwrap();
    let path = dir.path().join("log/entries");
    let file = fs::read(&path).unwrap();
    let header = "sluice log 1\n".len();
    let mut reader = FrameReader::new(Cursor::new(&file[header..]));
    let mut changed = file[..header].to_vec();
    while let Some(frame) = reader.read().unwrap() {
        let text = std::str::from_utf8(frame.payload).unwrap();
        let payload = text.replace("\"at\":17", "\"at\":18").into_bytes();
        let hash = crate::merkle::leaf_hash(&payload);
        push_frame(&mut changed, frame.number, &payload, &hash);
    }
    fs::write(path, changed).unwrap();
    let report = verify(dir.path(), &key(), None).unwrap();
    let problems: Vec<_> = report.problems.into_iter().map(|f| f.problem).collect();
    assert_eq!(problems, [Problem::Root]);
}

#[test]
fn another_key_verifies_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fixture(dir.path());
    for other in [
        VerifierKey::from_seed(&[4; 32], NAME).unwrap(),
        VerifierKey::from_seed(&super::SEED, "another.test/records").unwrap(),
    ] {
        let report = verify(dir.path(), &other, None).unwrap();
        assert!(matches!(
            report.problems[..],
            [Finding {
                problem: Problem::Checkpoint { .. },
                ..
            }]
        ));
    }
}

fn all_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in dir.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_in_any_file_is_found(place in any::<prop::sample::Index>(), mask in 1_u8..) {
        thread_local! {
            static SET: tempfile::TempDir = {
                let dir = tempfile::tempdir().unwrap();
                fixture(dir.path());
                dir
            };
        }
        SET.with(|dir| {
            let files = all_files(dir.path());
            assert_eq!(files.len(), 6, "{files:?}");
            let sizes = files.iter().map(|f| fs::metadata(f).unwrap().len() as usize);
            let mut at = place.index(sizes.sum());
            for file in files {
                let bytes = fs::read(&file).unwrap();
                if at >= bytes.len() {
                    at -= bytes.len();
                    continue;
                }
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                fs::write(&file, changed).unwrap();
                let report = verify(dir.path(), &key(), None).unwrap();
                fs::write(&file, bytes).unwrap();
                assert!(!report.is_clean(), "{} byte {at} ^ {mask}", file.display());
                return;
            }
        });
    }
}
