//! A gateway killed in the middle of writing: everything that it was told is written is in the record.

use sluice_model::{EventBody, Outcome, PrincipalId, SessionId, Timestamp};
use sluice_record::{Log, RecordError, SessionRecord, VerifierKey, replay, verify};
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const SEED: [u8; 32] = [3; 32];
const NAME: &str = "sluice.test/records";
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const DIR: &str = "SLUICE_RECORD_KILL_TEST_DIR";
const SESSIONS: u128 = 3;

fn begin(log: &Log, number: u128) -> Result<SessionRecord, RecordError> {
    let session = SessionId::from_bits(number);
    let opening = EventBody::SessionOpened {
        session: session.clone(),
        principal: PrincipalId::user("ada"),
        groups: Default::default(),
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
        policies: Vec::new(),
    };
    log.begin(&session, NOW, &opening)
}

/// Writes until it is killed, and says after each event what was written.
fn write_until_killed(dir: &Path) -> Result<(), Box<dyn Error>> {
    let log = Log::open(dir, &SEED, NAME, NOW)?;
    let checkpoints = log.clone();
    std::thread::spawn(move || while checkpoints.checkpoint(NOW).is_ok() {});
    let mut records = Vec::new();
    for number in 1..=SESSIONS {
        records.push(begin(&log, number)?);
    }
    let mut out = std::io::stdout();
    for op in 1.. {
        for record in &mut records {
            let answered = EventBody::Answered {
                op,
                outcome: Outcome::Done("SELECT 1".to_owned()),
                rows: 1,
                bytes: 10,
                masked: Vec::new(),
                micros: 1,
            };
            let receipt = record.append(NOW, &answered)?;
            writeln!(out, "wrote {} {}", receipt.session(), receipt.event())?;
        }
    }
    Ok(())
}

#[test]
fn nothing_written_is_lost_when_the_process_is_killed() {
    if let Some(dir) = std::env::var_os(DIR) {
        return write_until_killed(Path::new(&dir)).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let key = VerifierKey::from_seed(&SEED, NAME).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "nothing_written_is_lost_when_the_process_is_killed",
        ])
        .arg("--nocapture")
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = std::collections::BTreeMap::new();
    let mut note = |line: String| {
        // A last line may be cut; the harness prints some of its own.
        let mut words = line.split(' ').skip_while(|word| *word != "wrote").skip(1);
        let session = words.next().and_then(|word| word.parse::<SessionId>().ok());
        let event = words.next().and_then(|word| word.parse::<usize>().ok());
        if let (Some(session), Some(event)) = (session, event) {
            last.insert(session, event);
        }
    };
    lines
        .by_ref()
        .take(3000)
        .for_each(|line| note(line.unwrap()));
    let live = verify(dir.path(), &key, None).unwrap();
    assert!(live.is_clean(), "beside the writer: {:?}", live.problems);
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map_while(Result::ok).for_each(note);

    let log = Log::open(dir.path(), &SEED, NAME, NOW).unwrap();
    let report = verify(dir.path(), &key, Some(log.latest().mark)).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!((report.sessions, last.len()), (3, 3));
    for (session, written) in last {
        let events: Vec<_> = replay(dir.path(), &session)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            events.len() >= written + 2,
            "{session}: {} < {written} + 2",
            events.len()
        );
        let [.., gap, closed] = &events[..] else {
            panic!("{session} has no end");
        };
        assert!(matches!(gap.body, EventBody::Gap { .. }));
        assert!(matches!(closed.body, EventBody::SessionClosed { .. }));
    }
}
