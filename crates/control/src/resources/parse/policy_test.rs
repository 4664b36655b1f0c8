//! `kind: PolicyTest` from a file.

use super::{Checked, MAX_CONNECTION_NAME, MAX_NAME, finish, name_problem};
use crate::api::types::ProblemInfo;
use crate::resources::PolicyTest;
use crate::yaml::{Node, typed};

/// The longest operation of a test: as long as one that is recorded whole.
const MAX_OPERATION: usize = 8 << 10;

pub(super) fn policy_test(file: &str, node: &Node) -> Checked {
    let test: PolicyTest = typed(file, node).map_err(|p| vec![p])?;
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String| {
        problems.push(ProblemInfo::at(file, node.place_of(path), message));
    };
    if let Some(message) = name_problem(&test.name, MAX_NAME, "-_.") {
        say(&["name"], message);
    }
    if let Some(message) = name_problem(&test.connection, MAX_CONNECTION_NAME, "-_.") {
        say(&["connection"], message);
    }
    if test.operation.trim().is_empty() {
        let message = "the operation is empty; expected a statement or a request".to_owned();
        say(&["operation"], message);
    }
    if test.operation.len() > MAX_OPERATION {
        let message = format!("the operation is longer than {MAX_OPERATION} bytes");
        say(&["operation"], message);
    }
    for (name, value) in [
        ("account", &test.account),
        ("database", &test.database),
        ("policy", &test.policy),
    ] {
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            say(&[name], format!("{name:?} is empty; leave it out"));
        }
    }
    finish(&test.name, &test, problems)
}
