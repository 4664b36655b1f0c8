//! Microseconds per decision with fifty policies: a new statement, a repeated one, an ask, a view, a load.
//!
//! `cargo bench -p sluice-policy --bench decide`

use sluice_model::{
    Access, Account, Action, ActionSpec, ApprovalFacts, ColumnPattern, Connection, DataClass,
    Decision, Fact, FactKind, FactSpec, Facts, Mask, Operation, Origin, Principal, PrincipalId,
    ProtocolSpec, Resource, ResourceKind, Secret, SessionContext, SessionId, ShapeColumn, Target,
    Timestamp, TlsMode,
};
use sluice_policy::{PolicySource, SessionView, Snapshot, SnapshotInput, Standing};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const fn action(name: &'static str, groups: &'static [&'static str]) -> ActionSpec {
    ActionSpec {
        name,
        groups,
        resources: &[ResourceKind::Table],
        doc: "",
    }
}

const PROTOCOLS: &[ProtocolSpec] = &[ProtocolSpec {
    name: "postgres",
    default_port: 5432,
    settings: &[],
    has_databases: true,
    needs_username: true,
    ways_in: &[],
    fact_namespace: "sql",
    facts: &[FactSpec {
        name: "has_where",
        kind: FactKind::Bool,
        required: true,
        doc: "",
    }],
    actions: &[
        action("sql:select", &["read"]),
        action("sql:insert", &["write"]),
        action("sql:update", &["write"]),
        action("sql:delete", &["delete"]),
        action("sql:drop", &["define"]),
    ],
    doc: "",
}];

/// Fifty policies: ten that reach the session and forty of other teams and places.
fn policies() -> String {
    let mut text = String::from(
        r#"@id("read") permit (principal in Group::"engineering", action in Action::"read", resource in Environment::"prod");
@id("write") permit (principal in Group::"engineering", action in [Action::"write", Action::"delete"], resource in Environment::"prod")
when { context.approved_by.contains(Group::"dba") };
@id("connect") permit (principal, action == Action::"connect", resource);
@id("no-drop") forbid (principal, action == Action::"sql:drop", resource);
@id("where") forbid (principal, action == Action::"sql:delete", resource) when { context has sql && !context.sql.has_where };
@id("office") forbid (principal, action in Action::"read", resource) unless { context.client.address.isInRange(ip("10.0.0.0/8")) };
@id("hr") forbid (principal, action, resource in Schema::"shop/app/hr");
@id("agents") forbid (principal is Agent, action in Action::"write", resource);
@id("cards") permit (principal in Group::"fraud", action == Action::"reveal", resource in DataClass::"card");
@id("mails") permit (principal in Group::"engineering", action == Action::"reveal", resource in DataClass::"email");
"#,
    );
    for i in 0..40 {
        let _ = writeln!(
            text,
            r#"@id("team-{i}") permit (principal in Group::"team-{i}", action in Action::"read", resource in Label::"team={i}") when {{ context.clock.hour > 5 }};"#
        );
    }
    text
}

fn class(name: &str) -> DataClass {
    DataClass {
        fields: Vec::new(),
        name: name.into(),
        columns: vec![ColumnPattern::Glob(name.into())],
        detectors: Vec::new(),
        mask: Mask::Redact,
    }
}

fn input() -> SnapshotInput {
    SnapshotInput {
        trusted_issuers: vec![],
        protocols: PROTOCOLS,
        policies: vec![PolicySource {
            file: "bench.cedar".into(),
            text: policies(),
        }],
        connections: vec![Connection {
            name: "shop".into(),
            protocol: "postgres".into(),
            environment: "prod".into(),
            labels: BTreeMap::new(),
            time_zone: None,
            target: Target {
                address: "127.0.0.1:5432".into(),
                database: Some("app".into()),
                tls: TlsMode::Disable,
                ca_file: None,
                client_cert_file: None,
                client_key_file: None,
            },
            accounts: vec![Account {
                name: "app".into(),
                default: true,
                username: "app".into(),
                password: None,
                credential: None,
            }],
            databases: None,
            strict_masking: true,
            hold_timeout_seconds: 600,
            settings: Default::default(),
        }],
        data_classes: vec![class("card"), class("email"), class("ssn")],
        hash_key: Secret::new("a key for benches, long enough".into()),
    }
}

fn operation(action: &'static str, table: &str) -> Operation {
    Operation {
        text: "".into(),
        accesses: vec![Access {
            action: Action::new(action),
            resource: Resource::Table {
                database: "app".into(),
                schema: "public".into(),
                table: table.into(),
            },
        }],
        facts: Facts {
            namespace: "sql".into(),
            values: BTreeMap::from([("has_where".to_owned(), Fact::Bool(true))]),
        },
    }
}

/// Runs `step` so often that it takes a noticeable time, and prints the mean of the best of five rounds.
fn measure(what: &str, rounds: u32, mut step: impl FnMut(u32)) {
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            (0..rounds).for_each(&mut step);
            start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        })
        .fold(f64::INFINITY, f64::min);
    println!("{what:<44} {best:>10.3} us");
}

fn main() {
    let ada = Principal {
        id: PrincipalId::user("ada"),
        groups: ["engineering".to_owned()].into(),
        owner: None,
    };
    let standing = Standing {
        principals: vec![ada.clone()],
        ..Standing::default()
    };
    let built = Snapshot::build(1, input(), standing.clone());
    let Ok(snapshot) = built.map(Arc::new) else {
        return println!("the policies of this bench do not load");
    };
    let Some(connection) = snapshot.connection("shop").cloned() else {
        return;
    };
    let session = SessionContext {
        id: SessionId::from_bits(1),
        principal: ada,
        credential: sluice_model::Credential::Local,
        connection,
        account: "app".into(),
        database: "app".into(),
        client_address: [10, 0, 0, 1].into(),
        application: None,
        reason: None,
        break_glass: false,
    };
    let now = Timestamp(1_780_488_000_000_000);
    let none = ApprovalFacts::default();
    let view = || snapshot.view(&session, now);
    let Ok(one) = view() else { return };
    bench_decisions(&one, now, &none);
    let shape: Vec<ShapeColumn> = (0..8)
        .map(|i| ShapeColumn {
            name: format!("c{i}"),
            origin: Origin::Column {
                schema: "public".into(),
                table: "customers".into(),
                column: if i < 3 { "ssn".into() } else { format!("c{i}") },
            },
        })
        .collect();
    measure("mask plan of 8 columns", 20_000, |_| {
        let _ = black_box(one.bind_mask(&shape, now));
    });
    measure("view (slice kept)", 20_000, |_| {
        let _ = black_box(view());
    });
    measure("view and connect after a new standing", 500, |i| {
        let fresh = Arc::new(snapshot.with_standing(u64::from(i), standing.clone()));
        if let Ok(view) = fresh.view(&session, now) {
            black_box(view.connect(now, &none));
        }
    });
    measure("load of 50 policies", 5, |_| {
        let _ = black_box(Snapshot::build(1, input(), standing.clone()));
    });
}

fn bench_decisions(view: &SessionView, now: Timestamp, none: &ApprovalFacts) {
    let tables: Vec<Operation> = (0..20_000)
        .map(|i| operation("sql:select", &format!("t{i}")))
        .collect();
    let repeated = operation("sql:select", "orders");
    let asking: Vec<Operation> = (0..2_000)
        .map(|i| operation("sql:delete", &format!("t{i}")))
        .collect();
    println!("{:?}", view.decide(&repeated, now, none));
    println!("{:?}", asking.first().map(|op| view.decide(op, now, none)));
    let mut next = tables.iter().cycle();
    measure("decide, never asked before", 2_000, |_| {
        if let Some(op) = next.next() {
            assert!(matches!(
                black_box(view.decide(op, now, none)),
                Decision::Allow(_)
            ));
        }
    });
    measure("decide, asked before", 500_000, |_| {
        black_box(view.decide(&repeated, now, none));
    });
    let mut next = asking.iter().cycle();
    measure("decide, answered with ask", 400, |_| {
        if let Some(op) = next.next() {
            black_box(view.decide(op, now, none));
        }
    });
}
