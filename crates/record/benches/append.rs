//! What recording costs per event: `cargo bench -p sluice-record`.

use sluice_model::{Allowed, Decision, EventBody, Outcome, PrincipalId, SessionId, Timestamp};
use sluice_record::{Log, RecordError, SessionRecord, VerifierKey, verify};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

const SEED: [u8; 32] = [3; 32];
const NAME: &str = "sluice.bench/records";
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
/// Events per round; the best of [`ROUNDS`] counts.
const EVENTS: u64 = 50_000;
const ROUNDS: usize = 5;

fn begin(log: &Log, number: u128) -> Result<SessionRecord, RecordError> {
    let session = SessionId::from_bits(number);
    let opening = EventBody::SessionOpened {
        session: session.clone(),
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
    };
    log.begin(&session, NOW, &opening)
}

fn asked() -> EventBody {
    EventBody::Asked {
        op: 17,
        text: "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;".to_owned(),
        parameters: Vec::new(),
        accesses: Vec::new(),
        decision: Decision::Allow(Allowed {
            policies: vec!["eng-reads-prod".to_owned()],
        }),
        approval: None,
    }
}

fn answered() -> EventBody {
    EventBody::Answered {
        op: 17,
        outcome: Outcome::Done("SELECT 1".to_owned()),
        rows: 1,
        bytes: 61,
        masked: Vec::new(),
        micros: 120,
    }
}

/// The best time of a few rounds, per event.
fn best(mut round: impl FnMut() -> Result<Duration, RecordError>) -> Result<Duration, RecordError> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        best = best.min(round()?);
    }
    Ok(best / u32::try_from(EVENTS).unwrap_or(u32::MAX))
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let log = Log::open(dir.path(), &SEED, NAME, NOW)?;
    let mut record = begin(&log, 1)?;
    for (name, body) in [("asked", asked()), ("answered", answered())] {
        let time = best(|| {
            let start = Instant::now();
            for _ in 0..EVENTS {
                let _receipt = record.append(NOW, black_box(&body))?;
            }
            Ok(start.elapsed())
        })?;
        println!("append {name:10} {:>7} ns", time.as_nanos());
    }
    record.close(NOW, "done")?;
    let mut number = 1;
    let start = Instant::now();
    let short = 2_000_u32;
    for _ in 0..short {
        number += 1;
        begin(&log, number)?.close(NOW, "done")?;
    }
    println!(
        "begin and close   {:>7} ns",
        (start.elapsed() / short).as_nanos()
    );
    let start = Instant::now();
    log.checkpoint(NOW)?;
    println!(
        "checkpoint of {short} sessions {:>7} us",
        start.elapsed().as_micros()
    );
    let key = VerifierKey::from_seed(&SEED, NAME)?;
    let start = Instant::now();
    let report = verify(dir.path(), &key, None)?;
    let per_event = start.elapsed().as_nanos() / u128::from(report.events.max(1));
    println!(
        "verify {:>9} events, each {per_event} ns, clean: {}",
        report.events,
        report.is_clean()
    );
    Ok(())
}
