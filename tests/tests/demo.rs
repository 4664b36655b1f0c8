//! The first command of the README keeps its promise.

use sluice_tests::cargo::{Profile, root, sluice};
use sluice_tests::process::checked;
use std::process::Command;

#[test]
fn the_tour_of_the_demo_holds_and_leaves_nothing_behind() {
    let binary = sluice(Profile::Dev).unwrap();
    let output = checked(
        Command::new("cargo")
            .current_dir(root())
            .args(["xtask", "demo", "--check"])
            .env("SLUICE_BIN", binary),
    )
    .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("the tour holds"));
}
