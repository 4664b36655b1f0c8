//! Policy tests against a real catalog: the demo's hold, and fail under policies that say otherwise.

use sluice_tests::{Gateway, Postgres, Settings};

#[test]
fn the_tests_of_the_demo_hold_and_notice_when_policies_change() {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default()).unwrap();
    let said = gateway.admin(&["policy", "test"]).unwrap();
    assert!(said.ends_with("5 of 5 as expected\n"), "{said}");
    // As if another file of policies were applied, which lets the job write and asks nobody.
    let folder = tempfile::tempdir().unwrap();
    let lax = "@id(\"all\") permit (principal, action, resource);\n";
    std::fs::write(folder.path().join("policies.cedar"), lax).unwrap();
    let files = folder.path().display().to_string();
    let failed = gateway
        .sluice(&["policy", "test", "-f", &files])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&failed.stdout);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(
        said.contains("failed nightly-job-only-reads: expected deny, and it comes to allow"),
        "{said}"
    );
    assert!(said.contains("0 of 5 as expected"), "{said}");
    // Neither of both changed anything, and nothing of the tests ran.
    let said = gateway.admin(&["policy", "test"]).unwrap();
    assert!(said.ends_with("5 of 5 as expected\n"), "{said}");
    for statement in ["DELETE FROM orders", "DROP DATABASE", "UPDATE orders"] {
        assert!(!shop.ran(statement).unwrap(), "{statement}");
    }
    gateway.verify().unwrap();
}
