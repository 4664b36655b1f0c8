//! Unmodified drivers in several languages see masked answers and exact refusals, on every server version.

use sluice_tests::postgres::{Postgres, Version};
use sluice_tests::{Gateway, Settings, clients};

fn check(script: &str, version: Version, expected: &[&str]) {
    let shop = Postgres::start_version(version, &[]).unwrap();
    let gateway = Gateway::start(&shop, Settings::default()).unwrap();
    let sample = shop
        .superuser_sql("SELECT ssn || ' ' || email FROM customers WHERE id = 7")
        .unwrap();
    let (ssn, email) = sample.split_once(' ').unwrap();
    let token = gateway.token("user:ada").unwrap();
    let environment = [("SAMPLE_SSN", ssn), ("SAMPLE_EMAIL", email)];
    let printed = clients::run(script, &gateway, &token, &environment).unwrap();
    for step in expected {
        assert!(
            printed.contains(&format!("{step} ok")),
            "{script}: {step} is missing in\n{printed}"
        );
    }
}

const PSYCOPG3: &[&str] = &[
    "select",
    "cursor",
    "copy",
    "pipeline",
    "refusal",
    "transaction",
];

#[test]
fn psycopg_3() {
    check("psycopg3.py", Version::System, PSYCOPG3);
}

#[test]
fn psycopg_3_on_the_newest_server() {
    check("psycopg3.py", Version::Newest, PSYCOPG3);
}

#[test]
fn psycopg2() {
    check(
        "psycopg2_client.py",
        Version::System,
        &["select", "copy", "refusal", "cursor", "transaction"],
    );
}

#[test]
fn asyncpg() {
    check(
        "asyncpg_client.py",
        Version::System,
        &["select", "cursor", "copy", "refusal"],
    );
}

#[test]
fn asyncpg_on_the_newest_server() {
    check(
        "asyncpg_client.py",
        Version::Newest,
        &["select", "cursor", "copy", "refusal"],
    );
}

#[test]
fn sqlalchemy() {
    check(
        "sqlalchemy_client.py",
        Version::System,
        &["reflection", "orm", "stream", "refusal"],
    );
}

#[test]
fn node_postgres() {
    check(
        "node_postgres.cjs",
        Version::System,
        &["select", "cursor", "refusal"],
    );
}
