//! The history of the resources, deleting, and trying policies out.

use super::rig::{POLICIES, RESOURCES, Rig};
use crate::api::types::{
    ApplyResponse, ChangeKind, DryRun, ErrorBody, HistoryDiff, HistoryEntry, HistoryList,
    PolicyTestReport, ResourceChange, ResourceList,
};
use serde_json::{Value, json};
use sluice_model::PrincipalId;

const APPLY: &str = "/v1/resources/apply";
const DRY_RUN: &str = "/v1/policies/dry-run";
const TESTS: &str = "/v1/policies/test";

fn user(name: &str, group: &str) -> Value {
    json!({"name": format!("{name}.yaml"), "text": format!("{{kind: User, name: {name}, groups: [{group}]}}")})
}

async fn apply(rig: &Rig, root: &str, files: &[Value], delete: &[(&str, &str)]) -> ApplyResponse {
    let delete = delete
        .iter()
        .map(|(kind, name)| json!({"kind": kind, "name": name}));
    let body = json!({"files": files, "delete": delete.collect::<Vec<_>>()});
    rig.post(APPLY, root, &body.to_string()).await.json()
}

async fn history(rig: &Rig, root: &str, query: &str) -> HistoryList {
    rig.get(&format!("/v1/history{query}"), root).await.json()
}

async fn diff(rig: &Rig, root: &str, from: u64, to: u64) -> Vec<ResourceChange> {
    let path = format!("/v1/history/diff?from={from}&to={to}");
    rig.get(&path, root).await.json::<HistoryDiff>().changes
}

fn numbers(list: &HistoryList) -> Vec<u64> {
    list.changes.iter().map(|c| c.number).collect()
}

/// What a change did, in short.
fn told(entry: &HistoryEntry) -> Vec<(ChangeKind, &str, &str)> {
    let changed = entry.changed.iter();
    changed
        .map(|c| (c.change, c.kind.as_str(), c.name.as_str()))
        .collect()
}

#[tokio::test]
async fn every_change_is_kept_with_who_made_it() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let first = history(&rig, &root, "").await;
    assert_eq!((numbers(&first), first.next), (vec![1], None));
    assert_eq!(first.changes[0].actor, PrincipalId::user("admin"));
    rig.advance(5);
    apply(&rig, &root, &[user("new", "a"), user("eve", "b")], &[]).await;
    // Nothing that changes nothing is a change, nor is what was only asked about.
    apply(&rig, &root, &[user("new", "a")], &[]).await;
    let dry = json!({"files": [user("new", "z")], "dry_run": true});
    rig.post(APPLY, &root, &dry.to_string()).await;
    std::fs::write(
        rig.dir.path().join("resources/more.yaml"),
        "{kind: User, name: more}",
    )
    .unwrap();
    rig.control.reload_directory().await;
    let all = history(&rig, &root, "").await;
    assert_eq!(numbers(&all), [3, 2, 1]);
    let second = &all.changes[1];
    assert_eq!(
        (&second.actor, second.at),
        (&PrincipalId::user("root"), rig.now())
    );
    assert_eq!(
        told(second),
        [
            (ChangeKind::Updated, "User", "eve"),
            (ChangeKind::Created, "User", "new")
        ]
    );
    assert_eq!(
        told(&all.changes[0]),
        [(ChangeKind::Created, "User", "more")]
    );
    // It survives a restart, and what is kept holds no more than the resources themselves.
    let rig = rig.restart().await.unwrap();
    let again = history(&rig, &root, "").await;
    assert_eq!(again, all);
}

#[tokio::test]
async fn history_is_paged_and_narrowed() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    for group in ["a", "b", "c", "d"] {
        apply(&rig, &root, &[user("new", group)], &[]).await;
    }
    apply(&rig, &root, &[user("other", "a")], &[]).await;
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = history(&rig, &root, &query).await;
        assert!(page.changes.len() <= 2);
        seen.extend(numbers(&page));
        let Some(next) = page.next else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1]);
    for (query, expected) in [
        ("?kind=User&name=new", vec![5, 4, 3, 2]),
        ("?name=new&limit=1", vec![5]),
        ("?kind=Policy", vec![1]),
        ("?kind=Nonsense", vec![]),
        ("?name=' OR 1=1 --", vec![]),
    ] {
        let query = query.replace(' ', "%20");
        assert_eq!(
            numbers(&history(&rig, &root, &query).await),
            expected,
            "{query}"
        );
    }
    for query in ["?limit=0", "?limit=201", "?cursor=x", "?unknown=1"] {
        let reply = rig.get(&format!("/v1/history{query}"), &root).await;
        assert_eq!(reply.status, 400, "{query}");
    }
}

#[tokio::test]
async fn two_states_differ_by_what_lies_between_them_both_ways() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    apply(&rig, &root, &[user("new", "a")], &[]).await;
    apply(&rig, &root, &[user("new", "b"), user("brief", "x")], &[]).await;
    apply(&rig, &root, &[user("new", "c")], &[("User", "brief")]).await;
    let short = |changes: &[ResourceChange]| -> Vec<String> {
        let told = |c: &ResourceChange| {
            let lines = c.diff.iter().filter(|line| !line.starts_with(' '));
            let lines: Vec<_> = lines
                .map(|line| line.split_whitespace().collect::<String>())
                .collect();
            format!("{:?} {} {}", c.change, c.name, lines.join(" "))
        };
        changes.iter().map(told).collect()
    };
    // What came and went in between is no difference.
    let there = diff(&rig, &root, 2, 4).await;
    assert_eq!(short(&there), ["Updated new --a +-c"]);
    let back = diff(&rig, &root, 4, 2).await;
    assert_eq!(short(&back), ["Updated new --c +-a"]);
    let back = diff(&rig, &root, 4, 1).await;
    assert_eq!(back.len(), 1);
    assert_eq!(
        (back[0].change, back[0].name.as_str()),
        (ChangeKind::Deleted, "new")
    );
    let gone = diff(&rig, &root, 3, 4).await;
    assert_eq!(
        gone.iter().map(|c| c.change).collect::<Vec<_>>(),
        [ChangeKind::Updated, ChangeKind::Deleted]
    );
    let all = diff(&rig, &root, 0, 4).await;
    let resources: ResourceList = rig.get("/v1/resources", &root).await.json();
    assert_eq!(all.len(), resources.resources.len());
    assert!(diff(&rig, &root, 3, 3).await.is_empty());
    for (from, to) in [(0, 5), (9, 1), (u64::MAX, 0)] {
        let path = format!("/v1/history/diff?from={from}&to={to}");
        assert_eq!(rig.get(&path, &root).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn resources_are_deleted_by_name_and_come_back_with_their_file() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let refused = |files: Vec<Value>, delete: Value| {
        let body = json!({"files": files, "delete": delete});
        let (rig, root) = (&rig, &root);
        async move {
            let reply = rig.post(APPLY, root, &body.to_string()).await;
            assert_eq!(reply.status, 422, "{}", reply.text);
            reply.json::<ErrorBody>().problems[0].message.clone()
        }
    };
    let said = refused(vec![], json!([{"kind": "User", "name": "nobody"}])).await;
    assert!(said.contains("there is none"), "{said}");
    let said = refused(vec![], json!([{"kind": "Nonsense", "name": "eve"}])).await;
    assert!(said.contains("there is none"), "{said}");
    let said = refused(
        vec![user("eve", "a")],
        json!([{"kind": "User", "name": "eve"}]),
    )
    .await;
    assert!(said.contains("at once"), "{said}");
    // What others still need does not go.
    let said = refused(vec![], json!([{"kind": "User", "name": "ada"}])).await;
    assert!(said.contains("owner of agent"), "{said}");
    let dry = json!({"files": [], "delete": [{"kind": "User", "name": "eve"}], "dry_run": true});
    let would: ApplyResponse = rig.post(APPLY, &root, &dry.to_string()).await.json();
    assert_eq!(
        (would.applied, would.changes[0].change),
        (false, ChangeKind::Deleted)
    );
    let eve = rig.token("user:eve").await.secret;
    let done = apply(&rig, &root, &[], &[("User", "eve")]).await;
    assert_eq!(
        (done.changes.len(), done.changes[0].change),
        (1, ChangeKind::Deleted)
    );
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 401);
    let listed = || async {
        let all: ResourceList = rig.get("/v1/resources", &root).await.json();
        all.resources.iter().any(|r| r.name == "eve")
    };
    rig.control.reload_directory().await;
    assert!(!listed().await);
    let file = rig.dir.path().join("resources/all.yaml");
    std::fs::write(
        file,
        RESOURCES.replace("name: eve, groups: [guests]", "name: eve, groups: [hosts]"),
    )
    .unwrap();
    rig.control.reload_directory().await;
    assert!(listed().await);
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 401);
}

fn cedar(text: &str) -> Value {
    json!({"name": "all.cedar", "text": text})
}

#[tokio::test]
async fn a_dry_run_takes_what_an_apply_would_and_changes_nothing() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let ask = |files: Vec<Value>, limit: u32| json!({"files": files, "limit": limit}).to_string();
    for (body, status) in [
        (ask(vec![cedar("permit (nonsense);")], 10), 422),
        (
            ask(vec![json!({"name": "a.yaml", "text": "kind: Usr"})], 10),
            422,
        ),
        (ask(vec![], 0), 400),
        (ask(vec![], 5_001), 400),
        (
            json!({"files": [], "limit": 1, "delete": [{"kind": "User", "name": "x"}]}).to_string(),
            422,
        ),
        (ask(vec![cedar(POLICIES)], 5_000), 200),
    ] {
        let reply = rig.post(DRY_RUN, &root, &body).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
        if status == 200 {
            assert!(reply.json::<DryRun>().differences.is_empty());
        }
    }
    let acts = rig.acts("policy.dry-run");
    assert_eq!(acts.len(), 1);
    // As many as there were, not as many as were asked for.
    let detail = &acts[0].detail;
    assert!(detail.starts_with("0 operations of everybody"), "{detail}");
    assert_eq!(numbers(&history(&rig, &root, "").await), [1]);
}

fn test_of(name: &str, who: &str, operation: &str, expect: &str, more: &str) -> String {
    format!(
        "kind: PolicyTest\nname: {name}\nprincipal: {who}\nconnection: shop\noperation: {operation}\nexpect: {expect}\n{more}"
    )
}

#[tokio::test]
async fn policy_tests_run_under_what_is_sent() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let tests = [
        test_of(
            "reads",
            "user:ada",
            "get t",
            "allow",
            "policy: eng-connects\n",
        ),
        test_of(
            "writes-ask",
            "user:ada",
            "put t",
            "ask",
            "policy: eng-writes-with-dba\n",
        ),
        test_of("guests-out", "user:eve", "get t", "deny", ""),
        test_of("wrong", "user:ada", "put t", "allow", ""),
        test_of(
            "wrong-policy",
            "user:ada",
            "get t",
            "allow",
            "policy: another\n",
        ),
        test_of("nobody", "user:nobody", "get t", "deny", ""),
        test_of("unread", "user:ada", "nonsense", "deny", ""),
        test_of("nowhere", "user:ada", "get t", "deny", "").replace("shop", "shp"),
    ];
    let file = json!({"name": "tests.yaml", "text": tests.join("---\n")});
    let report = |files: Vec<Value>| {
        let body = json!({"files": files}).to_string();
        let (rig, root) = (&rig, &root);
        async move {
            rig.post(TESTS, root, &body)
                .await
                .json::<PolicyTestReport>()
                .tests
        }
    };
    // None are in force, and what is sent to be tried is not kept.
    assert!(report(vec![]).await.is_empty());
    let told = report(vec![file.clone()]).await;
    let found = |name: &str| told.iter().find(|t| t.name == name).unwrap();
    let names: Vec<_> = told
        .iter()
        .filter(|t| t.ok)
        .map(|t| t.name.as_str())
        .collect();
    assert_eq!(names, ["guests-out", "reads", "writes-ask"]);
    for (name, said) in [
        ("wrong", "expected allow, and it comes to ask"),
        ("wrong-policy", "eng-connects does"),
        ("nobody", "no principal user:nobody"),
        ("unread", "cannot be read"),
        ("nowhere", "did you mean \"shop\"?"),
    ] {
        let message = found(name).message.clone().unwrap();
        assert!(message.contains(said), "{name}: {message}");
    }
    assert!(found("wrong").decision.is_some() && found("nobody").decision.is_none());
    assert!(report(vec![]).await.is_empty());
    // The same tests under other policies.
    let locked = POLICIES.replace(
        "Action::\"connect\", Action::\"read\"]",
        "Action::\"connect\"]",
    );
    let told = report(vec![file.clone(), cedar(&locked)]).await;
    let reads = told.iter().find(|t| t.name == "reads").unwrap();
    assert!(!reads.ok, "{reads:?}");
    // Groups as they would be.
    let told = report(vec![file.clone(), user("eve", "engineering")]).await;
    assert!(!told.iter().find(|t| t.name == "guests-out").unwrap().ok);
    apply(&rig, &root, &[file], &[]).await;
    assert_eq!(report(vec![]).await.len(), tests.len());
    assert!(rig.acts("policy.test").len() >= 5);
}

#[tokio::test]
async fn what_is_wrong_in_a_policy_test_has_its_place() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let good = test_of("t", "user:ada", "get t", "allow", "");
    for (from, to, line, said) in [
        (
            "expect: allow",
            "expect: alow",
            6,
            "did you mean \"allow\"?",
        ),
        (
            "principal: user:ada",
            "principal: ada",
            3,
            "expected user:NAME",
        ),
        ("operation: get t", "operation: ''", 5, "empty"),
        (
            "connection: shop",
            "conection: shop",
            4,
            "did you mean \"connection\"?",
        ),
        ("name: t\n", "name: 't t'\n", 2, "the name"),
        (
            "expect: allow",
            "expect: allow\npolicy: ''",
            7,
            "leave it out",
        ),
    ] {
        let file = json!({"name": "t.yaml", "text": good.replace(from, to)});
        let body = json!({"files": [file], "dry_run": true}).to_string();
        let reply = rig.post(APPLY, &root, &body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        let problem = reply.json::<ErrorBody>().problems[0].to_string();
        let place = format!("t.yaml:{line}:");
        assert!(
            problem.starts_with(&place) && problem.contains(said),
            "{problem}"
        );
    }
}
