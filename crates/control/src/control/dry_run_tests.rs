//! Deciding again, with operations as a test tells them and two snapshots of real policies.

use super::dry_run::{CUT_AT, decide_again};
use crate::api::tests::{FakeExplainer, PROTOCOLS, RESOURCES};
use crate::api::types::{DryRun, OperationInfo, SourceFile, Verdict};
use crate::resources::{build, parse};
use sluice_model::{Decision, Principal, PrincipalId, Secret, SessionId, Timestamp};
use sluice_policy::{Snapshot, Standing};
use std::sync::Arc;

const READS: &str = r#"@id("reads") permit (principal in Group::"engineering", action in [Action::"connect", Action::"read"], resource);"#;
const WRITES: &str = r#"@id("writes") permit (principal in Group::"engineering", action in Action::"write", resource);"#;
const ASKS: &str = r#"@id("asks") permit (principal in Group::"engineering", action in Action::"write", resource)
when { context.approved_by.contains(Group::"dba") };"#;

fn snapshot(policies: &[&str]) -> Arc<Snapshot> {
    let file = |name: &str, text: &str| SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let files = [
        file("a.yaml", RESOURCES),
        file("a.cedar", &policies.join("\n")),
    ];
    let set = parse(&files, PROTOCOLS).set;
    let ada = Principal {
        id: PrincipalId::user("ada"),
        groups: ["engineering".to_owned()].into(),
        owner: None,
    };
    let standing = Standing {
        principals: vec![ada],
        ..Standing::default()
    };
    Arc::new(
        build(
            1,
            &set,
            PROTOCOLS,
            Secret::new("a key that is long enough".to_owned()),
            standing,
        )
        .unwrap(),
    )
}

fn operation(who: &str, connection: &str, text: &str) -> OperationInfo {
    OperationInfo {
        session: SessionId::from_bits(1),
        op: 1,
        at: Timestamp(0),
        principal: who.parse().unwrap(),
        connection: connection.to_owned(),
        protocol: "demo".to_owned(),
        account: "app".to_owned(),
        database: "d".to_owned(),
        text: text.to_owned(),
        verdict: Verdict::Allow,
        policies: Vec::new(),
        message: None,
        approval: None,
        accesses: Vec::new(),
        ending: None,
        rows: 0,
        bytes: 0,
        micros: 0,
        masked: Vec::new(),
    }
}

async fn run(before: &[&str], after: &[&str], operations: &[(&str, &str, &str)]) -> DryRun {
    let snapshots = [snapshot(before), snapshot(after)];
    let operations = operations
        .iter()
        .map(|(who, on, text)| operation(who, on, text));
    decide_again(&FakeExplainer, &snapshots, operations.collect()).await
}

fn texts(done: &DryRun) -> Vec<&str> {
    let differences = done.differences.iter();
    differences.map(|d| d.operation.text.as_str()).collect()
}

#[tokio::test]
async fn only_what_comes_to_something_else_is_told() {
    let ada = |text| ("user:ada", "shop", text);
    let all = [ada("get t"), ada("put t"), ada("put u"), ada("put t")];
    let done = run(&[READS, WRITES], &[READS, ASKS], &all).await;
    assert_eq!(
        (done.decided, done.left_out, done.incomplete),
        (4, 0, false)
    );
    assert_eq!(texts(&done), ["put t", "put u", "put t"]);
    let difference = &done.differences[0];
    assert!(matches!(difference.before, Decision::Allow(_)));
    assert!(matches!(difference.after, Decision::Ask(_)));
    // Another policy that says the same changes nothing for anybody.
    let renamed = WRITES.replace("\"writes\"", "\"still-writes\"");
    let done = run(&[READS, WRITES], &[READS, &renamed], &all).await;
    assert!(done.differences.is_empty(), "{done:?}");
    let done = run(&[READS, ASKS], &[READS], &[ada("put t")]).await;
    assert!(matches!(done.differences[0].after, Decision::Deny(_)));
}

#[tokio::test]
async fn what_cannot_be_decided_again_is_left_out_and_counted() {
    let cut = format!("put {}", "x".repeat(CUT_AT));
    let all = [
        ("user:nobody", "shop", "put t"),
        ("user:ada", "nowhere", "put t"),
        ("user:ada", "shop", cut.as_str()),
        ("user:ada", "shop", "nonsense"),
        ("user:ada", "shop", "put t"),
        ("user:ada", "vault", "gone t"),
        // Nobody asks a target again that cannot be asked.
        ("user:ada", "vault", "put t"),
    ];
    let done = run(&[READS, WRITES], &[READS], &all).await;
    assert_eq!((done.decided, done.left_out), (1, 6));
    assert_eq!(texts(&done), ["put t"]);
}
