//! The sample shop itself, directly, on every server version that the other tests use.

use sluice_tests::postgres::{Postgres, Version};

fn check(version: Version, expected_major: std::ops::RangeInclusive<u32>) {
    let server = Postgres::start_version(version, &[]).unwrap();
    let number: u32 = server
        .superuser_sql("SHOW server_version_num")
        .unwrap()
        .parse()
        .unwrap();
    assert!(expected_major.contains(&(number / 10_000)), "{number}");
    assert_eq!(
        server
            .superuser_sql(
                "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), \
                 (SELECT count(DISTINCT card) FROM customers), (SELECT min(length(card)) FROM customers), \
                 (SELECT count(*) FROM payments WHERE amount_cents IS NULL)"
            )
            .unwrap(),
        "300|600|300|16|0"
    );
    assert!(
        server.log().unwrap().contains("count(DISTINCT card)"),
        "statements are logged"
    );
}

#[test]
fn the_sample_loads_on_the_system_server() {
    check(Version::System, 13..=99);
}

#[test]
fn the_sample_loads_on_the_newest_server() {
    check(Version::Newest, 18..=99);
}
