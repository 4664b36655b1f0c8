//! The console over what many people did for a week: 100,000 sessions with 10 million operations in real records,
//! behind the real binary, in a real browser. `cargo xtask bench console` runs it.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use serde_json::{Value, json};
use sluice_model::{
    Allowed, Decision, Denial, EventBody, MaskedColumn, Outcome, PrincipalId, RecordedAccess,
    SessionId, Timestamp,
};
use sluice_record::Log;
use sluice_tests::Settings;
use sluice_tests::cargo::Profile;
use sluice_tests::chromium::Chromium;
use sluice_tests::console::Stage;
use sluice_tests::process::printed;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

const SESSIONS: u64 = 100_000;
const OPERATIONS: u64 = 100;
const PEOPLE: u64 = 500;
const CONNECTIONS: u64 = 40;
const TABLES: u64 = 50;
/// All of it happened in the week before now.
const SPAN: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What a page may take until all of it is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// 40 connections and 500 people besides those of the demo, whose administrators may watch.
fn resources() -> Settings {
    let mut text = String::new();
    for number in 0..CONNECTIONS {
        text += &format!(
            "kind: Connection\nname: connection{number}\nprotocol: postgres\nenvironment: prod\n\
             target: {{address: \"127.0.0.1:5432\", database: shop}}\n\
             accounts:\n  - {{name: app, default: true, username: shop_app, password: {{env: SHOP_APP_PASSWORD}}}}\n---\n"
        );
    }
    for number in 0..PEOPLE {
        text += &format!("kind: User\nname: person{number}\ngroups: [engineering]\n---\n");
    }
    let mut settings = Settings::default().resource("many.yaml", text.trim_end_matches("---\n"));
    settings.profile = Profile::Release;
    settings
}

/// The length of the key that signs the log.
struct Seed;

impl KeyType for Seed {
    fn len(&self) -> usize {
        32
    }
}

/// The gateway's own log, to write to while it is not running.
fn log_of(data: &Path, at: Timestamp) -> Log {
    let master = std::fs::read_to_string(data.join("master.key")).unwrap();
    let digits = master.trim().as_bytes().chunks(2);
    let master: Vec<u8> = digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let mut seed = [0; 32];
    let key = Salt::new(HKDF_SHA256, &[]).extract(&master);
    let purpose: &[&[u8]] = &[b"sluice log signing v1"];
    key.expand(purpose, Seed).unwrap().fill(&mut seed).unwrap();
    Log::open(&data.join("records"), &seed, "sluice/records", at).unwrap()
}

fn opened(session: &SessionId, number: u64) -> EventBody {
    EventBody::SessionOpened {
        session: session.clone(),
        principal: PrincipalId::user(format!("person{}", number % PEOPLE)),
        groups: ["engineering".to_owned()].into(),
        owner: None,
        token: None,
        workload: None,
        connection: format!("connection{}", number % CONNECTIONS),
        protocol: "postgres".to_owned(),
        account: "app".to_owned(),
        database: "shop".to_owned(),
        client_address: format!("192.0.2.{}:5000", number % 250),
        application: Some("job".to_owned()),
        reason: None,
        break_glass: false,
        policies: vec!["staff-connects".to_owned()],
    }
}

/// One statement in a thousand is refused; one in ten says something that no other says.
fn asked(op: u64, many: u64) -> EventBody {
    let table = many % TABLES;
    let value = if many.is_multiple_of(10) {
        many
    } else {
        many % 1_000
    };
    let (text, action, resource, decision) = if many.is_multiple_of(1_000) {
        let denial = Denial {
            policy: Some("no-drop-table".to_owned()),
            message: "tables are dropped by migrations alone".to_owned(),
        };
        let resource = "table public.customers".to_owned();
        (
            "DROP TABLE customers".to_owned(),
            "sql:drop",
            resource,
            Decision::Deny(denial),
        )
    } else {
        let text = format!("SELECT name, city FROM t{table} WHERE id = {value}");
        let policies = vec!["eng-reads-prod".to_owned()];
        let resource = format!("table public.t{table}");
        (
            text,
            "sql:select",
            resource,
            Decision::Allow(Allowed { policies }),
        )
    };
    EventBody::Asked {
        op,
        text,
        parameters: Vec::new(),
        accesses: vec![RecordedAccess(action.to_owned(), resource)],
        decision,
        approval: None,
    }
}

/// One answer in a hundred has masked values.
fn answered(op: u64, many: u64) -> EventBody {
    let masked = (many % 100 == 7).then(|| MaskedColumn {
        name: "ssn".to_owned(),
        class: Some("ssn".to_owned()),
    });
    EventBody::Answered {
        op,
        outcome: Outcome::Done("SELECT 3".to_owned()),
        rows: 3,
        bytes: 61,
        masked: masked.into_iter().collect(),
        micros: 120,
    }
}

fn microseconds(of: Duration) -> i64 {
    i64::try_from(of.as_micros()).unwrap()
}

/// Writes the records of a week.
fn fill(data: &Path, sessions: u64) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let first = microseconds(now - SPAN);
    let step = microseconds(SPAN) / i64::try_from(sessions).unwrap();
    let log = log_of(data, Timestamp(first));
    for number in 0..sessions {
        let begun = first + step * i64::try_from(number).unwrap();
        let milliseconds = u128::from(u64::try_from(begun / 1_000).unwrap());
        let session = SessionId::from_bits((milliseconds << 52) | u128::from(number));
        let mut record = log
            .begin(&session, Timestamp(begun), &opened(&session, number))
            .unwrap();
        for op in 1..=OPERATIONS {
            let many = number * OPERATIONS + op;
            let at = Timestamp(begun + i64::try_from(op).unwrap() * 1_000);
            record.append_later(at, &asked(op, many)).unwrap();
            record.append_later(at, &answered(op, many)).unwrap();
        }
        let end = Timestamp(begun + 60_000_000);
        record.close(end, "the client left").unwrap();
        if number % 1_000 == 999 {
            log.checkpoint(end).unwrap();
        }
    }
    log.checkpoint(Timestamp(microseconds(now))).unwrap();
}

/// Every page.
fn pages(session: &str) -> Vec<(&'static str, String)> {
    let of = |path: &str| path.to_owned();
    vec![
        ("Home, an hour", of("/")),
        ("Home, a week", of("/?range=7d")),
        ("Connections", of("/connections")),
        ("One connection", of("/connections/connection3")),
        ("Approvals", of("/approvals")),
        ("Sessions", of("/sessions")),
        ("Operations", of("/sessions/operations")),
        ("A session, replayed", format!("/sessions/{session}")),
        ("Policies", of("/policies")),
        ("Dry run", of("/policies/dry-run")),
        ("History", of("/policies/history")),
        ("People", of("/people")),
        ("A person", of("/people/user:person7")),
        ("Log", of("/log")),
        ("Settings", of("/settings")),
        ("Notifiers", of("/settings/notifiers")),
        ("My tokens", of("/me")),
    ]
}

/// What people search for, in operations and in sessions with such.
const SEARCHES: [(&str, &str); 12] = [
    ("the newest", ""),
    ("of one principal", "principal=user:person7"),
    ("on one connection", "connection=connection3"),
    ("refused", "verdict=deny"),
    (
        "refused, of one principal",
        "verdict=deny&principal=user:person7",
    ),
    (
        "masked on one connection",
        "masked=true&connection=connection3",
    ),
    ("a table", "resource=t7"),
    (
        "a table that few touch",
        "action=sql:drop&resource=customers",
    ),
    ("a word that is everywhere", "text=select"),
    ("a number that is there once", "text=1000010"),
    ("a word that is nowhere", "text=nowhere"),
    (
        "common things that seldom meet",
        "text=city&resource=t7&principal=user:person7",
    ),
];

/// What the gateway says of its log.
fn audit(stage: &Stage) -> Value {
    let secret = std::fs::read_to_string(stage.gateway.home().join("data/admin.token")).unwrap();
    let address = format!("https://127.0.0.1:{}/v1/audit", stage.gateway.https_port);
    let mut curl = Command::new("curl");
    curl.args([
        "-sS",
        "--fail",
        "--oauth2-bearer",
        secret.trim(),
        "--cacert",
    ]);
    let said = printed(curl.arg(stage.gateway.authority()).arg(address)).unwrap();
    serde_json::from_str(&said).unwrap()
}

/// Waits until lists know everything, and says how long that took.
fn followed(stage: &Stage, sessions: u64) -> Duration {
    let begun = Instant::now();
    let mut said = Instant::now();
    loop {
        let behind = audit(stage)["behind"].as_u64();
        if behind == Some(0) {
            return begun.elapsed();
        }
        if said.elapsed() > Duration::from_secs(30) {
            println!(
                "{} s: {behind:?} entries of the log behind",
                begun.elapsed().as_secs()
            );
            said = Instant::now();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60 + sessions / 10),
            "the index does not come to its end"
        );
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Opens every page and searches for everything in a browser, and prints how long each took.
fn looked_at_all(stage: &Stage) {
    let newest = stage.gateway.admin_json(&["sessions"]).unwrap();
    let session = newest["sessions"][0]["id"].as_str().unwrap().to_owned();
    let mut steps = stage.sign_in("root", "/");
    for (name, path) in pages(&session) {
        steps.push(json!({"open": stage.at(&path)}));
        steps.push(json!({"shows": "heading"}));
        steps.push(json!({"settled": name}));
        steps.push(json!({"fits": name}));
    }
    for (name, query) in SEARCHES {
        for of in ["operations", "sessions"] {
            let address = format!(
                "https://127.0.0.1:{}/v1/{of}?{query}",
                stage.gateway.https_port
            );
            steps.push(json!({"open": address}));
            steps.push(json!({"settled": format!("{of}: {name}")}));
        }
    }
    let seen = Chromium::new().unwrap().visit(&json!(steps)).unwrap();
    println!("| page | until all of it was there |\n|---|---|");
    for took in seen.took.as_array().unwrap() {
        let (name, millis) = (
            took["name"].as_str().unwrap(),
            took["millis"].as_u64().unwrap(),
        );
        println!("| {name} | {millis} ms |");
        assert!(
            u128::from(millis) < PATIENCE.as_millis(),
            "{name} took {millis} ms"
        );
    }
}

#[test]
#[ignore = "takes half an hour and 15 GB of disk; `cargo xtask bench console` runs it"]
fn every_page_over_ten_million_operations() {
    let sessions = std::env::var("SLUICE_SESSIONS").map_or(SESSIONS, |text| text.parse().unwrap());
    let mut stage = Stage::start(resources()).unwrap();
    stage.gateway.process().stop();
    let data = stage.gateway.home().join("data");
    let begun = Instant::now();
    fill(&data, sessions);
    println!(
        "{sessions} sessions with {OPERATIONS} operations each recorded in {} s",
        begun.elapsed().as_secs()
    );
    let begun = Instant::now();
    stage.gateway.restart().unwrap();
    println!(
        "the gateway was ready after {} ms",
        begun.elapsed().as_millis()
    );
    println!(
        "the index was made in {} s",
        followed(&stage, sessions).as_secs()
    );
    let begun = Instant::now();
    stage.gateway.restart().unwrap();
    println!(
        "the gateway was ready again after {} ms",
        begun.elapsed().as_millis()
    );

    looked_at_all(&stage);
    let begun = Instant::now();
    let proved = stage.gateway.verify().unwrap();
    println!(
        "sluice audit verify: {} in {} s",
        String::from_utf8_lossy(&proved.stdout).trim(),
        begun.elapsed().as_secs()
    );
}
