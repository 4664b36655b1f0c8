//! Judges of what notifiers send: the vendors' own code, types and schemas, each language in one process. Versions are
//! exact: a judge that changes its mind is a change of its own.

use crate::process::printed;
use crate::{cargo, clients};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of Slack, Microsoft, Atlassian and `PagerDuty`, and what reads them.
const NODE: &[&str] = &[
    "@slack/web-api@8.2.0",
    "@slack/types@3.2.0",
    "@slack/bolt@5.1.0",
    "@microsoft/teams.cards@2.1.0",
    "adaptivecards@3.0.6",
    "@atlaskit/adf-schema@57.7.22",
    "@pagerduty/pdjs@2.2.4",
    "typescript@5.9.3",
    "ajv@8.20.0",
    "ajv-draft-04@1.0.0",
];

/// Of Slack and Opsgenie.
const PYTHON: &[&str] = &["slack_sdk==3.48.0", "opsgenie-sdk==2.1.5"];

/// What the judges in JavaScript say about a file of cases, as JSON.
///
/// # Errors
/// A judge is missing, or is not what it was.
pub fn in_node(cases: &Path) -> Result<String> {
    let folder = clients::node_with(NODE)?;
    let mut node = Command::new("node");
    printed(node.arg(script("judge.mjs")).arg(folder).arg(cases))
        .context("the vendors' types and schemas are read by Node.js; install npm")
}

/// What the judges in Python say about a file of cases, as JSON.
///
/// # Errors
/// A judge is missing, or is not what it was.
pub fn in_python(cases: &Path) -> Result<String> {
    let mut python = Command::new(clients::python_with(PYTHON)?);
    printed(python.arg(script("judge.py")).arg(cases))
}

fn script(name: &str) -> PathBuf {
    cargo::root().join("tests/clients/judges").join(name)
}
