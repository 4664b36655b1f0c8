//! A small world to decide in: a SQL-like protocol, connections, principals and operations.

use crate::{PolicySource, Problem, SessionView, Snapshot, SnapshotInput, Standing, StandingToken};
use sluice_model::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const fn action(
    name: &'static str,
    groups: &'static [&'static str],
    resources: &'static [ResourceKind],
) -> ActionSpec {
    ActionSpec {
        name,
        groups,
        resources,
        doc: "",
    }
}

const TABLE: &[ResourceKind] = &[ResourceKind::Table];
const DATABASE: &[ResourceKind] = &[ResourceKind::Database];

/// A protocol much like SQL.
pub const PROTOCOLS: &[ProtocolSpec] = &[
    ProtocolSpec {
        name: "postgres",
        default_port: 5432,
        settings: &[],
        has_databases: true,
        needs_username: true,
        ways_in: &[],
        fact_namespace: "sql",
        facts: &[
            FactSpec {
                name: "has_where",
                kind: FactKind::Bool,
                required: true,
                doc: "",
            },
            FactSpec {
                name: "estimated_rows",
                kind: FactKind::Long,
                required: false,
                doc: "",
            },
            FactSpec {
                name: "tables",
                kind: FactKind::Texts,
                required: true,
                doc: "",
            },
            FactSpec {
                name: "kind",
                kind: FactKind::Text,
                required: true,
                doc: "",
            },
        ],
        actions: &[
            action("sql:select", &["read"], TABLE),
            action("sql:show", &["read"], DATABASE),
            action("sql:insert", &["write"], TABLE),
            action("sql:update", &["write"], TABLE),
            action("sql:delete", &["delete"], TABLE),
            action("sql:truncate", &["delete", "administer"], TABLE),
            action("sql:drop", &["define"], TABLE),
            action("sql:drop_database", &["define"], DATABASE),
            action("sql:function", &["run"], &[ResourceKind::Routine]),
        ],
        doc: "",
    },
    ProtocolSpec {
        name: "web",
        default_port: 443,
        settings: &[],
        has_databases: false,
        needs_username: false,
        ways_in: &[],
        fact_namespace: "web",
        facts: &[
            FactSpec {
                name: "fields",
                kind: FactKind::NamedTexts,
                required: false,
                doc: "",
            },
            FactSpec {
                name: "numbers",
                kind: FactKind::NamedLongs,
                required: false,
                doc: "",
            },
        ],
        actions: &[
            action("web:get", &["read"], &[ResourceKind::Endpoint]),
            action("web:post", &["write"], &[ResourceKind::Endpoint]),
        ],
        doc: "",
    },
];

/// A moment on a Wednesday.
pub const NOON: &str = "2026-06-03T12:00:00Z";

pub fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

pub fn connection(name: &str, environment: &str) -> Connection {
    Connection {
        name: name.into(),
        protocol: "postgres".into(),
        environment: environment.into(),
        labels: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
        time_zone: Some("Europe/Berlin".into()),
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
    }
}

pub fn class(name: &str, columns: &[&str], detectors: &[&str], mask: Mask) -> DataClass {
    DataClass {
        fields: Vec::new(),
        name: name.into(),
        columns: columns
            .iter()
            .map(|c| ColumnPattern::Glob(c.to_string()))
            .collect(),
        detectors: detectors.iter().map(ToString::to_string).collect(),
        mask,
    }
}

pub fn input(policies: &str) -> SnapshotInput {
    SnapshotInput {
        trusted_issuers: vec![],
        protocols: PROTOCOLS,
        policies: vec![PolicySource {
            file: "test.cedar".into(),
            text: policies.into(),
        }],
        connections: vec![
            connection("shop", "prod"),
            connection("reporting-db", "prod"),
            connection("play", "dev"),
        ],
        data_classes: vec![
            class(
                "ssn",
                &["ssn", "*.social_security*"],
                &["us_ssn"],
                Mask::KeepLast(4),
            ),
            class(
                "card",
                &["card", "card_number"],
                &["payment_card"],
                Mask::Redact,
            ),
            class("email", &["customers.email"], &[], Mask::Hash),
        ],
        hash_key: Secret::new("a key for tests, long enough".into()),
    }
}

pub fn principal(id: &str, groups: &[&str], owner: Option<Principal>) -> Principal {
    Principal {
        id: id.parse().unwrap(),
        groups: set(groups),
        owner: owner.map(Box::new),
    }
}

pub fn ada() -> Principal {
    principal("user:ada", &["engineering"], None)
}

pub fn token() -> TokenId {
    TokenId::from_bits(7)
}

/// The token that somebody's sessions are opened with.
pub fn token_of(who: &str) -> TokenId {
    match who {
        "user:ada" => token(),
        _ => TokenId::from_bits(who.bytes().map(u128::from).sum()),
    }
}

pub fn standing_token(who: &str, expires: Timestamp) -> Arc<StandingToken> {
    Arc::new(StandingToken {
        principal: who.parse().unwrap(),
        expires,
        networks: vec![],
        workload: None,
    })
}

pub fn standing() -> Standing {
    Standing {
        principals: vec![
            ada(),
            principal("user:fred", &["fraud"], None),
            principal("service:reporting-job", &["ci"], None),
            principal("agent:helper", &["agents"], Some(ada())),
        ],
        tokens: [
            "user:ada",
            "user:fred",
            "service:reporting-job",
            "agent:helper",
        ]
        .map(|who| {
            (
                token_of(who),
                standing_token(who, at("2030-01-01T00:00:00Z")),
            )
        })
        .into(),
        grants: vec![],
        unknown: false,
    }
}

pub fn try_build(policies: &str) -> Result<Snapshot, Vec<Problem>> {
    Snapshot::build(1, input(policies), standing())
}

pub fn build(policies: &str) -> Arc<Snapshot> {
    match try_build(policies) {
        Ok(snapshot) => Arc::new(snapshot),
        Err(problems) => panic!("{problems:#?}"),
    }
}

pub fn session(snapshot: &Snapshot, who: &str, connection: &str) -> SessionContext {
    let id: PrincipalId = who.parse().unwrap();
    SessionContext {
        id: SessionId::from_bits(1),
        principal: snapshot.principal(&id).cloned().unwrap(),
        credential: Credential::Token(token_of(who)),
        connection: Arc::clone(snapshot.connection(connection).unwrap()),
        account: "app".into(),
        database: "app".into(),
        client_address: "10.1.2.3".parse().unwrap(),
        application: Some("psql".into()),
        reason: None,
        break_glass: false,
    }
}

pub fn view(snapshot: &Arc<Snapshot>, who: &str, connection: &str) -> SessionView {
    snapshot
        .view(&session(snapshot, who, connection), at(NOON))
        .unwrap()
}

pub fn resource(text: &str) -> Resource {
    let parts: Vec<String> = text.split('.').map(ToOwned::to_owned).collect();
    match parts.as_slice() {
        [one] if one == "connection" => Resource::Connection,
        [one] => Resource::Database {
            database: one.clone(),
        },
        [schema, table] => Resource::Table {
            database: "app".into(),
            schema: schema.clone(),
            table: table.clone(),
        },
        [schema, table, column] => Resource::Column {
            database: "app".into(),
            schema: schema.clone(),
            table: table.clone(),
            column: column.clone(),
        },
        _ => panic!("{text}"),
    }
}

/// An operation from `sql:select public.orders, sql:delete public.orders`.
pub fn op(accesses: &str) -> Operation {
    let accesses = accesses
        .split(", ")
        .map(|access| {
            let (action, target) = access.split_once(' ').unwrap();
            Access {
                action: serde_json::from_value(action.into()).unwrap(),
                resource: resource(target),
            }
        })
        .collect();
    let facts = Facts {
        namespace: "sql".into(),
        values: BTreeMap::from([
            ("has_where".to_owned(), Fact::Bool(false)),
            ("tables".to_owned(), Fact::Texts(set(&["public.orders"]))),
            ("kind".to_owned(), Fact::Text("SELECT".into())),
        ]),
    };
    Operation {
        text: "test".into(),
        accesses,
        facts,
    }
}

pub fn approvals(groups: &[&str], people: u32) -> ApprovalFacts {
    ApprovalFacts {
        groups: set(groups),
        people,
    }
}

/// A decision in one line: `allow a,b`, `ask 1 [dba] [security+legal] by p`, `deny id: message`.
pub fn line(decision: &Decision) -> String {
    match decision {
        Decision::Allow(allowed) => format!("allow {}", allowed.policies.join(",")),
        Decision::Ask(ask) => {
            let sets: Vec<String> = ask
                .group_sets
                .iter()
                .map(|s| format!("[{}]", s.iter().cloned().collect::<Vec<_>>().join("+")))
                .collect();
            format!(
                "ask {} {} by {}",
                ask.people,
                sets.join(" "),
                ask.policies.join(",")
            )
        }
        Decision::Deny(denial) => {
            format!(
                "deny {}: {}",
                denial.policy.as_deref().unwrap_or("-"),
                denial.message
            )
        }
    }
}

/// Decides for somebody at noon with nothing approved.
pub fn decide(snapshot: &Arc<Snapshot>, who: &str, connection: &str, accesses: &str) -> String {
    line(&view(snapshot, who, connection).decide(
        &op(accesses),
        at(NOON),
        &ApprovalFacts::default(),
    ))
}
