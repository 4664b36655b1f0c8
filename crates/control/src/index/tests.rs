//! The index over real records, and over very many made-up ones.

use super::read::{Batch, OpenedRow, Part};
use super::search::Found;
use super::{Filter, Index, LogFilter, Noticed, Scope, SessionFilter};
use crate::api::types::{Ending, OperationInfo, Verdict};
use sluice_model::{
    AdminAct, Allowed, ApprovalId, Ask, Decision, Denial, EventBody, MaskedColumn, Outcome,
    PrincipalId, RecordedAccess, SessionId, Timestamp,
};
use sluice_record::{Committed, Hash, Log, SessionRecord, Tail};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const START: i64 = 1_790_000_000_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp(START + seconds * 1_000_000)
}

fn open_log(dir: &Path) -> Log {
    Log::open(&dir.join("records"), &[3; 32], "sluice.test/records", at(0)).unwrap()
}

struct Stage {
    dir: TempDir,
    log: Log,
    index: Index,
    noticed: Vec<Noticed>,
}

impl Stage {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = open_log(dir.path());
        let index = Index::open(dir.path(), &log).await.unwrap();
        Self {
            dir,
            log,
            index,
            noticed: Vec::new(),
        }
    }

    fn begin(&self, number: u128, who: &str, connection: &str, seconds: i64) -> SessionRecord {
        let session = SessionId::from_bits(number);
        let opening = EventBody::SessionOpened {
            session: session.clone(),
            principal: who.parse().unwrap(),
            groups: ["engineering".to_owned()].into(),
            owner: None,
            token: None,
            workload: None,
            connection: connection.to_owned(),
            protocol: "postgres".to_owned(),
            account: "app".to_owned(),
            database: "shop".to_owned(),
            client_address: "192.0.2.1".to_owned(),
            application: Some("psql".to_owned()),
            reason: None,
            break_glass: false,
            policies: vec![],
        };
        self.log.begin(&session, at(seconds), &opening).unwrap()
    }

    async fn follow(&mut self, seconds: i64) {
        self.log.checkpoint(at(seconds)).unwrap();
        let (dir, noticed) = (self.log.dir().to_path_buf(), &mut self.noticed);
        let mut notice = |what| noticed.push(what);
        while self.index.catch_up(&dir, &mut notice).await.unwrap() {}
    }

    async fn found(&self, filter: Filter) -> Vec<u64> {
        let found = self
            .index
            .operations(&filter, &Scope::All, None, 50)
            .await
            .unwrap();
        assert!(!found.incomplete);
        found.items.iter().map(|o| o.op).collect()
    }
}

fn asked(op: u64, text: &str, accesses: &[(&str, &str)], decision: Decision) -> EventBody {
    let pair = |(action, resource): &(&str, &str)| {
        RecordedAccess((*action).to_owned(), (*resource).to_owned())
    };
    EventBody::Asked {
        op,
        text: text.to_owned(),
        parameters: vec![],
        accesses: accesses.iter().map(pair).collect(),
        decision,
        approval: None,
    }
}

fn allow(policy: &str) -> Decision {
    Decision::Allow(Allowed {
        policies: vec![policy.to_owned()],
    })
}

fn answered(op: u64, rows: u64, masked: &[&str], outcome: Outcome) -> EventBody {
    let column = |name: &&str| MaskedColumn {
        name: (*name).to_owned(),
        class: Some("ssn".to_owned()),
    };
    EventBody::Answered {
        op,
        outcome,
        rows,
        bytes: 100,
        masked: masked.iter().map(column).collect(),
        micros: 17,
    }
}

/// Four operations of one session: a read that is masked, a refused one, one that is held, a failed one.
async fn with_a_session() -> Stage {
    let mut stage = Stage::new().await;
    let mut record = stage.begin(1, "user:ada", "shop", 1);
    let deny = Decision::Deny(Denial {
        policy: Some("no-drop".to_owned()),
        message: "ask a colleague".to_owned(),
    });
    let ask = Decision::Ask(Ask {
        group_sets: vec![["dba".to_owned()].into()],
        people: 1,
        policies: vec!["deletes".to_owned()],
    });
    let table = |name| [("sql:select", name)];
    let customers = table("table public.customers");
    let write = |record: &mut SessionRecord, seconds, event: &EventBody| {
        let _receipt = record.append(at(seconds), event).unwrap();
    };
    write(
        &mut record,
        2,
        &asked(1, "SELECT ssn FROM customers", &customers, allow("reads")),
    );
    write(
        &mut record,
        2,
        &answered(1, 5, &["ssn"], Outcome::Done("SELECT 5".to_owned())),
    );
    write(
        &mut record,
        3,
        &asked(
            2,
            "DROP TABLE customers",
            &[("sql:drop", "table public.customers")],
            deny,
        ),
    );
    write(
        &mut record,
        4,
        &asked(
            3,
            "DELETE FROM payments WHERE id = 4711",
            &[("sql:delete", "table public.payments")],
            ask,
        ),
    );
    write(
        &mut record,
        5,
        &asked(
            4,
            "SELECT nothing FROM orders",
            &table("table public.orders"),
            allow("reads"),
        ),
    );
    stage.follow(6).await;
    // It ends in another second than it began in.
    write(
        &mut record,
        7,
        &answered(4, 0, &[], Outcome::Failed("42703".to_owned())),
    );
    record.close(at(8), "over").unwrap();
    stage.follow(9).await;
    stage
}

#[tokio::test]
async fn operations_are_found_by_everything_that_is_known_of_them() {
    let stage = with_a_session().await;
    let some = |text: &str| Some(text.to_owned());
    let of = Filter::default;
    let cases: Vec<(&str, Filter, &[u64])> = vec![
        ("all", of(), &[4, 3, 2, 1]),
        (
            "whom",
            Filter {
                principal: some("user:ada"),
                ..of()
            },
            &[4, 3, 2, 1],
        ),
        (
            "nobody",
            Filter {
                principal: some("user:bob"),
                ..of()
            },
            &[],
        ),
        (
            "where",
            Filter {
                connection: some("shop"),
                ..of()
            },
            &[4, 3, 2, 1],
        ),
        (
            "a table",
            Filter {
                resource: some("customers"),
                ..of()
            },
            &[2, 1],
        ),
        (
            "its path",
            Filter {
                resource: some("public.customers"),
                ..of()
            },
            &[2, 1],
        ),
        (
            "as written",
            Filter {
                resource: some("table public.customers"),
                ..of()
            },
            &[2, 1],
        ),
        (
            "an action",
            Filter {
                action: some("sql:delete"),
                ..of()
            },
            &[3],
        ),
        (
            "an action on a table",
            Filter {
                action: some("sql:select"),
                resource: some("customers"),
                ..of()
            },
            &[1],
        ),
        (
            "allowed",
            Filter {
                verdict: Some(Verdict::Allow),
                ..of()
            },
            &[4, 1],
        ),
        (
            "asked",
            Filter {
                verdict: Some(Verdict::Ask),
                ..of()
            },
            &[3],
        ),
        (
            "denied",
            Filter {
                verdict: Some(Verdict::Deny),
                ..of()
            },
            &[2],
        ),
        (
            "a policy",
            Filter {
                policy: some("reads"),
                ..of()
            },
            &[4, 1],
        ),
        (
            "a word",
            Filter {
                text: some("payments"),
                ..of()
            },
            &[3],
        ),
        (
            "beginnings of words",
            Filter {
                text: some("sel nothi"),
                ..of()
            },
            &[4],
        ),
        (
            "a number",
            Filter {
                text: some("4711"),
                ..of()
            },
            &[3],
        ),
        (
            "no words",
            Filter {
                text: some("\" OR nowhere *"),
                ..of()
            },
            &[],
        ),
        (
            "masked",
            Filter {
                masked: Some(true),
                ..of()
            },
            &[1],
        ),
        (
            "not masked",
            Filter {
                masked: Some(false),
                ..of()
            },
            &[4, 3, 2],
        ),
        (
            "since",
            Filter {
                from: Some(at(4)),
                ..of()
            },
            &[4, 3],
        ),
        (
            "before",
            Filter {
                to: Some(at(4)),
                ..of()
            },
            &[2, 1],
        ),
        (
            "a session",
            Filter {
                session: some(SessionId::from_bits(1).as_str()),
                ..of()
            },
            &[4, 3, 2, 1],
        ),
        (
            "another session",
            Filter {
                session: some("s-x"),
                ..of()
            },
            &[],
        ),
    ];
    for (name, filter, expected) in cases {
        assert_eq!(stage.found(filter).await, expected, "{name}");
    }
}

#[tokio::test]
async fn an_operation_is_told_as_it_was_recorded() {
    let stage = with_a_session().await;
    let found = stage
        .index
        .operations(&Filter::default(), &Scope::All, None, 50)
        .await
        .unwrap();
    let [failed, _, denied, masked] = found.items.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((failed.ending, failed.rows), (Some(Ending::Failed), 0));
    assert_eq!(denied.message.as_deref(), Some("ask a colleague"));
    assert_eq!(denied.policies, ["no-drop"]);
    assert_eq!(denied.ending, None);
    assert_eq!((masked.rows, masked.bytes, masked.micros), (5, 100, 17));
    assert_eq!(masked.masked, ["ssn"]);
    let first = masked.accesses.first().unwrap();
    assert_eq!(
        (first.action.as_str(), first.resource.as_str()),
        ("sql:select", "table public.customers")
    );
    let session = stage
        .index
        .session(&SessionId::from_bits(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(session.ended, Some(at(8)));
    let counts = session.counts;
    assert_eq!(
        (
            counts.operations,
            counts.denied,
            counts.failed,
            counts.masked_values
        ),
        (4, 1, 1, 5)
    );
    let numbers = stage
        .index
        .numbers(&Scope::All, 3_600, at(10))
        .await
        .unwrap();
    let sum = numbers.points.iter().fold([0; 5], |sum, p| {
        let all = [p.allowed, p.asked, p.denied, p.failed, p.masked_values];
        std::array::from_fn(|i| sum[i] + all[i])
    });
    assert_eq!(sum, [2, 1, 1, 1, 5]);
    assert_eq!(numbers.busiest.first().map(|b| b.operations), Some(4));
}

/// The ends of waits are theirs who were asked: none of them is a failure of the target.
#[tokio::test]
async fn what_people_denied_or_nobody_approved_is_told_from_what_failed() {
    let mut stage = Stage::new().await;
    let mut record = stage.begin(1, "user:ada", "shop", 1);
    let ask = || {
        Decision::Ask(Ask {
            group_sets: vec![["dba".to_owned()].into()],
            people: 1,
            policies: vec!["deletes".to_owned()],
        })
    };
    let approval = ApprovalId::from_bits(7);
    let hold_ended = |op, how: &str| EventBody::HoldEnded {
        op,
        approval: approval.clone(),
        how: how.to_owned(),
        by: vec![],
        reason: None,
    };
    let cut = |why: &str| Outcome::Cut(why.to_owned());
    let hows = ["denied", "timed out", "expired", "cancelled", "approved"];
    for (op, how) in (1..).zip(hows) {
        let asked = asked(op, "DELETE FROM payments", &[], ask());
        let held = EventBody::Held {
            op,
            approval: approval.clone(),
            digest: "00".to_owned(),
        };
        for event in [asked, held] {
            let _receipt = record.append(at(2), &event).unwrap();
        }
        // In the same read as its beginning, and in a later one.
        if op % 2 == 0 {
            stage.follow(3).await;
        }
        let _receipt = record.append(at(4), &hold_ended(op, how)).unwrap();
        if op > 1 {
            stage.follow(5).await;
        }
        if how != "approved" {
            let not_forwarded = answered(op, 0, &[], cut("not forwarded"));
            let _receipt = record.append(at(6), &not_forwarded).unwrap();
        }
    }
    let ran = asked(6, "SELECT 1", &[], allow("reads"));
    let _receipt = record.append(at(7), &ran).unwrap();
    let lost = answered(6, 0, &[], cut("the client left"));
    let _receipt = record.append(at(7), &lost).unwrap();
    record.close(at(8), "over").unwrap();
    stage.follow(9).await;
    let all = Filter::default();
    let found = stage.index.operations(&all, &Scope::All, None, 50).await;
    let endings: Vec<_> = found
        .unwrap()
        .items
        .iter()
        .rev()
        .map(|o| o.ending)
        .collect();
    assert_eq!(
        endings,
        [
            Some(Ending::Denied),
            Some(Ending::Unapproved),
            Some(Ending::Unapproved),
            Some(Ending::Unapproved),
            None,
            Some(Ending::Cut),
        ]
    );
    let session = stage.index.session(&SessionId::from_bits(1)).await;
    let counts = session.unwrap().unwrap().counts;
    let told = (counts.held, counts.denied_by_people, counts.denied);
    assert_eq!((told, counts.failed), ((5, 1, 0), 0));
    let numbers = stage.index.numbers(&Scope::All, 3_600, at(10)).await;
    let sum = numbers.unwrap().points.iter().fold([0; 4], |sum, p| {
        let all = [p.asked, p.denied_by_people, p.denied, p.failed];
        std::array::from_fn(|i| sum[i] + all[i])
    });
    assert_eq!(sum, [5, 1, 0, 0]);
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_see() {
    let mut stage = with_a_session().await;
    let mut other = stage.begin(2, "user:bob", "vault", 10);
    let _receipt = other
        .append(at(11), &asked(1, "SELECT secret", &[], allow("all")))
        .unwrap();
    stage.follow(12).await;
    let theirs = |who: &str, connections: &[&str]| Scope::Theirs {
        principal: who.to_owned(),
        connections: connections.iter().map(ToString::to_string).collect(),
    };
    for (scope, operations, sessions) in [
        (Scope::All, 5, 2),
        (theirs("user:ada", &[]), 4, 1),
        (theirs("user:bob", &[]), 1, 1),
        (theirs("user:bob", &["shop"]), 5, 2),
        (theirs("user:eve", &["vault"]), 1, 1),
        (theirs("user:eve", &[]), 0, 0),
    ] {
        let found = stage
            .index
            .operations(&Filter::default(), &scope, None, 50)
            .await
            .unwrap();
        assert_eq!(found.items.len(), operations, "{scope:?}");
        let found = stage
            .index
            .sessions(&SessionFilter::default(), &scope, None, 50)
            .await
            .unwrap();
        assert_eq!(found.items.len(), sessions, "{scope:?}");
        let numbers = stage.index.numbers(&scope, 3_600, at(20)).await.unwrap();
        let all: u64 = numbers
            .points
            .iter()
            .map(|p| p.allowed + p.asked + p.denied)
            .sum();
        assert_eq!(all, operations as u64, "{scope:?}");
        let text = Filter {
            text: Some("secret".to_owned()),
            ..Filter::default()
        };
        let hit = stage
            .index
            .sessions_with(&text, &scope, None, 50)
            .await
            .unwrap();
        let seen = stage
            .index
            .operations(&text, &scope, None, 50)
            .await
            .unwrap();
        assert_eq!(hit.items.len(), seen.items.len(), "{scope:?}");
    }
}

#[tokio::test]
async fn what_was_read_is_not_read_again_and_what_is_lost_is_made_anew() {
    let mut stage = with_a_session().await;
    let before = stage.found(Filter::default()).await;
    let act = AdminAct {
        actor: PrincipalId::user("root"),
        act: "token.create".to_owned(),
        subject: "user:ada".to_owned(),
        detail: "for the nightly job".to_owned(),
    };
    stage.log.append_admin(at(20), &act).unwrap();
    stage.follow(21).await;
    stage.index.close().await;
    let index = Index::open(stage.dir.path(), &stage.log).await.unwrap();
    stage.index = index;
    stage.follow(22).await;
    assert_eq!(stage.found(Filter::default()).await, before);
    let nightly = LogFilter {
        text: Some("night".to_owned()),
        act: Some("token".to_owned()),
        ..LogFilter::default()
    };
    assert_eq!(stage.index.acts(&nightly, 50).await.unwrap().len(), 1);
    // Broken, and of another log: made anew from the records alone.
    stage.index.close().await;
    std::fs::write(stage.dir.path().join("index.db"), "no database at all").unwrap();
    stage.index = Index::open(stage.dir.path(), &stage.log).await.unwrap();
    stage.follow(23).await;
    assert_eq!(stage.found(Filter::default()).await, before);
    assert_eq!(stage.index.acts(&nightly, 50).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_somebody_may_want_to_hear_of_is_told_once() {
    let stage = with_a_session().await;
    let told: Vec<&str> = stage
        .noticed
        .iter()
        .map(|noticed| match noticed {
            Noticed::Refused { place, .. } if place.op == 2 => "refused",
            Noticed::Masked { place, .. } if place.op == 1 => "masked",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["refused", "masked"]);
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended() {
    let mut stage = Stage::new().await;
    let mut record = stage.begin(1, "user:ada", "shop", 0);
    for op in 1..=10 {
        // Several at the same moment: their numbers tell them apart.
        let event = asked(op, "SELECT 1", &[], allow("reads"));
        let _receipt = record
            .append(at(i64::try_from(op).unwrap() / 4), &event)
            .unwrap();
    }
    stage.follow(5).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let found = stage
            .index
            .operations(&Filter::default(), &Scope::All, cursor, 3)
            .await
            .unwrap();
        seen.extend(found.items.iter().map(|o| o.op));
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
}

/// Keeps a made-up session as if its record had been read.
async fn keep(index: &Index, number: u64, operations: u64, begun: i64) {
    let session = SessionId::from_bits(u128::from(number) + 1);
    let mut batch = Batch::default();
    batch.opened = Some(OpenedRow {
        principal: format!("user:person{}", number % 500).parse().unwrap(),
        connection: format!("connection{}", number % 40),
        protocol: "postgres".to_owned(),
        account: "app".to_owned(),
        database: "shop".to_owned(),
        client_address: "192.0.2.1".to_owned(),
        application: Some("job".to_owned()),
        reason: None,
        break_glass: false,
        at: Timestamp(begun),
    });
    batch.closed = Some(Timestamp(begun + 60_000_000));
    for op in 1..=operations {
        let many = number * operations + op;
        let event = match many % 1_000 {
            0 => asked(
                op,
                "DROP TABLE customers",
                &[("sql:drop", "table public.customers")],
                Decision::Deny(Denial {
                    policy: Some("no-drop".to_owned()),
                    message: "no".to_owned(),
                }),
            ),
            n => {
                let table = format!("table public.t{}", n % 50);
                // One in ten says something of its own.
                let value = if n % 10 == 0 { many } else { n };
                let text = format!("SELECT name, city FROM t{} WHERE id = {value}", n % 50);
                asked(op, &text, &[("sql:select", &table)], allow("reads"))
            }
        };
        let when = Timestamp(begun + i64::try_from(op).unwrap() * 1_000);
        batch.take(sluice_model::Event {
            at: when,
            body: event,
        });
        let masked: &[&str] = if many % 100 == 7 { &["ssn"] } else { &[] };
        let answer = answered(op, 3, masked, Outcome::Done("SELECT 3".to_owned()));
        batch.take(sluice_model::Event {
            at: when,
            body: answer,
        });
    }
    let tail = Tail {
        count: 2 * operations + 2,
        hash: Hash([0; 32]),
        length: 1,
    };
    let said = Committed {
        count: tail.count,
        hash: tail.hash,
        entry: number,
        closed: true,
    };
    index
        .keep(&Part { session, batch }, tail, said)
        .await
        .unwrap();
}

/// What people ask for: the name, what, and whether it is rare.
fn asked_for() -> Vec<(&'static str, Filter)> {
    let some = |text: &str| Some(text.to_owned());
    let of = Filter::default;
    vec![
        ("the newest", of()),
        (
            "of one principal",
            Filter {
                principal: some("user:person7"),
                ..of()
            },
        ),
        (
            "on one connection",
            Filter {
                connection: some("connection3"),
                ..of()
            },
        ),
        (
            "denied",
            Filter {
                verdict: Some(Verdict::Deny),
                ..of()
            },
        ),
        (
            "denied of one principal",
            Filter {
                verdict: Some(Verdict::Deny),
                principal: some("user:person7"),
                ..of()
            },
        ),
        (
            "masked on one connection",
            Filter {
                masked: Some(true),
                connection: some("connection3"),
                ..of()
            },
        ),
        (
            "a table",
            Filter {
                resource: some("t7"),
                ..of()
            },
        ),
        (
            "a table that few touch",
            Filter {
                action: some("sql:drop"),
                resource: some("customers"),
                ..of()
            },
        ),
        (
            "a word that is everywhere",
            Filter {
                text: some("select"),
                ..of()
            },
        ),
        (
            "a number that is there once",
            Filter {
                text: some("1000010"),
                ..of()
            },
        ),
        (
            "a word that is nowhere",
            Filter {
                text: some("nowhere"),
                ..of()
            },
        ),
        (
            "common things that seldom meet",
            Filter {
                text: some("city"),
                resource: some("t7"),
                principal: some("user:person7"),
                ..of()
            },
        ),
        (
            "common things that never meet",
            Filter {
                text: some("select"),
                resource: some("t7"),
                action: some("sql:drop"),
                ..of()
            },
        ),
    ]
}

/// How long each search takes, in milliseconds.
async fn search_all(index: &Index, limit: Duration) -> Vec<(&'static str, u128, usize)> {
    let mut told = Vec::new();
    for (name, filter) in asked_for() {
        let begun = Instant::now();
        let found: Found<OperationInfo> = index
            .operations(&filter, &Scope::All, None, 50)
            .await
            .unwrap();
        assert!(begun.elapsed() < limit, "{name}: {:?}", begun.elapsed());
        told.push((name, begun.elapsed().as_millis(), found.items.len()));
    }
    told
}

#[tokio::test]
async fn made_up_operations_are_found_as_real_ones_are() {
    let stage = Stage::new().await;
    for number in 0..20 {
        keep(
            &stage.index,
            number,
            1_000,
            START + i64::try_from(number).unwrap() * 1_000_000,
        )
        .await;
    }
    let found = search_all(&stage.index, Duration::from_secs(60)).await;
    let counts: Vec<(&str, usize)> = found
        .iter()
        .map(|(name, _, count)| (*name, *count))
        .collect();
    assert_eq!(
        counts,
        [
            ("the newest", 50),
            ("of one principal", 50),
            ("on one connection", 50),
            ("denied", 20),
            ("denied of one principal", 1),
            ("masked on one connection", 10),
            ("a table", 50),
            ("a table that few touch", 20),
            ("a word that is everywhere", 50),
            ("a number that is there once", 0),
            ("a word that is nowhere", 0),
            ("common things that seldom meet", 20),
            ("common things that never meet", 0),
        ]
    );
}
