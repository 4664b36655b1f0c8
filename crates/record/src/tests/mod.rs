//! What the tests of several modules share, and the tests of writing.

mod failure;
mod hostile;
mod tamper;

use crate::{Log, RecordError, SessionRecord, VerifierKey, entries, replay, verify};
use sluice_model::{
    AdminAct, ApprovalId, Decision, Denial, Event, EventBody, MaskedColumn, Outcome, PrincipalId,
    RecordedAccess, RecordedValue, SessionId, Timestamp,
};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const SEED: [u8; 32] = [3; 32];
const NAME: &str = "sluice.test/records";
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn key() -> VerifierKey {
    VerifierKey::from_seed(&SEED, NAME).unwrap()
}

fn open(dir: &Path) -> Log {
    Log::open(dir, &SEED, NAME, NOW).unwrap()
}

fn id(number: u128) -> SessionId {
    SessionId::from_bits(number)
}

fn opening(id: &SessionId) -> EventBody {
    EventBody::SessionOpened {
        session: id.clone(),
        principal: PrincipalId::user("ada"),
        groups: ["engineering".to_owned()].into(),
        owner: None,
        token: None,
        workload: None,
        connection: "shop".to_owned(),
        protocol: "postgres".to_owned(),
        account: "app".to_owned(),
        database: "shop".to_owned(),
        client_address: "127.0.0.1:5".to_owned(),
        application: None,
        reason: None,
        break_glass: false,
        policies: vec!["eng-reads-prod".to_owned()],
    }
}

fn answered(op: u64) -> EventBody {
    EventBody::Answered {
        op,
        outcome: Outcome::Done(format!("SELECT {op}")),
        rows: op,
        bytes: 100 * op,
        masked: vec![MaskedColumn {
            name: "ssn".to_owned(),
            class: Some("ssn".to_owned()),
        }],
        micros: 17,
    }
}

fn begin(log: &Log, number: u128) -> SessionRecord {
    log.begin(&id(number), NOW, &opening(&id(number))).unwrap()
}

fn append_some(record: &mut SessionRecord, count: u64) {
    for op in 1..=count {
        let _receipt = record.append(NOW, &answered(op)).unwrap();
    }
}

fn events_file(dir: &Path, number: u128) -> PathBuf {
    dir.join("sessions")
        .join(id(number).as_str())
        .join("events")
}

fn bodies(dir: &Path, number: u128) -> Vec<EventBody> {
    replay(dir, &id(number))
        .unwrap()
        .map(|event| event.unwrap().body)
        .collect()
}

#[track_caller]
fn assert_clean(dir: &Path) {
    let report = verify(dir, &key(), None).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

fn every_kind_of_event() -> Vec<EventBody> {
    let approval = ApprovalId::from_bits(5);
    let denial = Denial {
        policy: Some("no-drop".to_owned()),
        message: "not \u{1b}[2J here \u{202e}".to_owned(),
    };
    vec![
        EventBody::Asked {
            op: 1,
            text: "select '\0\u{7f}\u{2028}é🙂'".to_owned(),
            parameters: vec![
                RecordedValue::Null,
                RecordedValue::Text("x".to_owned()),
                RecordedValue::Bytes(u64::MAX),
            ],
            accesses: vec![RecordedAccess(
                "sql:select".to_owned(),
                "table a.b".to_owned(),
            )],
            decision: Decision::Deny(denial),
            approval: Some(approval.clone()),
        },
        EventBody::Held {
            op: 1,
            approval: approval.clone(),
            digest: "ab".repeat(32),
        },
        EventBody::HoldEnded {
            op: 1,
            approval,
            how: "approved".to_owned(),
            by: vec![PrincipalId::user("bob")],
            reason: None,
        },
        EventBody::Rows {
            op: 1,
            columns: vec!["a".to_owned()],
            rows: vec![vec![RecordedValue::Text("1".to_owned())], vec![]],
            capped: true,
        },
        answered(1),
        EventBody::Admin(AdminAct {
            actor: PrincipalId::user("root"),
            act: "token.create".to_owned(),
            subject: "user:ada".to_owned(),
            detail: String::new(),
        }),
        EventBody::Gap {
            why: "test".to_owned(),
        },
    ]
}

#[test]
fn what_was_recorded_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut record = begin(&log, 1);
    let mut expected = vec![opening(&id(1))];
    for (i, body) in every_kind_of_event().into_iter().enumerate() {
        let receipt = record.append(NOW, &body).unwrap();
        assert_eq!(receipt.event(), i as u64 + 2);
        assert_eq!(receipt.session(), &id(1));
        expected.push(body);
    }
    record.close(NOW, "client left").unwrap();
    expected.push(EventBody::SessionClosed {
        why: "client left".to_owned(),
    });
    assert_eq!(bodies(dir.path(), 1), expected);
    let act = AdminAct {
        actor: PrincipalId::user("root"),
        act: "user.disable".to_owned(),
        subject: "user:ada".to_owned(),
        detail: "left".to_owned(),
    };
    let number = log.append_admin(NOW, &act).unwrap();
    let checkpoint = log.checkpoint(NOW).unwrap();
    assert_eq!(log.latest(), checkpoint);
    assert_eq!(log.verifier().check(&checkpoint.note), Ok(checkpoint.mark));
    let admin = entries(dir.path()).unwrap().map(Result::unwrap);
    assert!(admin.into_iter().any(|(n, entry)| n == number
        && entry
            == crate::Entry::Admin {
                at: NOW,
                act: act.clone()
            }));
    let report = verify(dir.path(), &key(), Some(checkpoint.mark)).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!(report.events, expected.len() as u64);
    assert_eq!((report.sessions, report.gaps), (1, 0));
    assert_eq!(report.checkpoint, Some(checkpoint.mark));
}

#[test]
fn the_list_shows_who_and_whether_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut first = begin(&log, 1);
    append_some(&mut first, 4);
    let second = begin(&log, 2);
    first.close(NOW, "done").unwrap();
    let check = |log: &Log, when: &str| {
        let list = log.sessions().unwrap().into_iter();
        let seen: Vec<_> = list.map(|s| (s.session, s.closed, s.events)).collect();
        assert_eq!(seen, [(id(1), true, 6), (id(2), false, 1)], "{when}");
    };
    check(&log, "before a checkpoint knows of it");
    assert_eq!(log.event_counts().get(&id(1)), Some(&6));
    log.checkpoint(NOW).unwrap();
    check(&log, "after it");
    for summary in log.sessions().unwrap() {
        let expected = Event {
            at: NOW,
            body: opening(&summary.session),
        };
        assert_eq!(summary.opening, Some(expected));
    }
    drop(second);
}

/// Attack class 70: a reused session id must not reach another session's record.
#[test]
fn a_record_is_never_opened_twice() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let record = begin(&log, 1);
    let refused = |log: &Log| {
        let again = log.begin(&id(1), NOW, &opening(&id(1))).map(drop);
        assert!(matches!(again, Err(RecordError::Exists(_))), "{again:?}");
    };
    refused(&log);
    record.close(NOW, "done").unwrap();
    refused(&log);
    log.checkpoint(NOW).unwrap();
    drop(log);
    refused(&open(dir.path()));
    assert_eq!(bodies(dir.path(), 1).len(), 2);
}

#[test]
fn a_record_begins_with_its_own_opening() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for wrong in [opening(&id(2)), answered(1)] {
        let begun = log.begin(&id(1), NOW, &wrong).map(drop);
        assert!(matches!(begun, Err(RecordError::NotItsOpening(_))));
    }
    assert!(!dir.path().join("sessions").join(id(1).as_str()).exists());
}

#[test]
fn nobody_else_can_read_records_and_one_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("records");
    let log = open(&root);
    let record = begin(&log, 1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for (path, expected) in [
        (root.clone(), 0o700),
        (root.join("log"), 0o700),
        (root.join("log/entries"), 0o600),
        (root.join("log/checkpoint"), 0o600),
        (root.join("sessions"), 0o700),
        (events_file(&root, 1), 0o600),
        (events_file(&root, 1).parent().unwrap().to_owned(), 0o700),
    ] {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    let second = Log::open(&root, &SEED, NAME, NOW).map(drop);
    assert!(matches!(second, Err(RecordError::InUse(_))), "{second:?}");
    drop(record);
}

#[test]
fn verifying_beside_a_busy_writer_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3_u128 {
            let (log, done) = (log.clone(), &done);
            scope.spawn(move || {
                let mut number = writer * 1_000_000;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    number += 1;
                    let mut record = begin(&log, number);
                    append_some(&mut record, 20);
                    record.close(NOW, "done").unwrap();
                }
            });
        }
        let (checkpointing, finished) = (log.clone(), &done);
        scope.spawn(move || {
            while !finished.load(std::sync::atomic::Ordering::Relaxed) {
                checkpointing.checkpoint(NOW).unwrap();
            }
        });
        let reports: Vec<_> = (0..8)
            .map(|_| verify(dir.path(), &key(), Some(log.latest().mark)).unwrap())
            .collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for report in reports {
            assert!(report.is_clean(), "{:?}", report.problems);
        }
    });
    log.checkpoint(NOW).unwrap();
    assert_clean(dir.path());
}
