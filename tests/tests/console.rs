//! The console in a real browser, over the real gateway with a real database.

use serde_json::{Value, json};
use sluice_tests::chromium::Chromium;
use sluice_tests::console::{Stage, looked_at};
use sluice_tests::process::wait_for;
use sluice_tests::{Settings, cargo};
use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn stage() -> Stage {
    Stage::start(Settings::default()).unwrap()
}

#[test]
fn a_statement_that_waits_in_psql_is_approved_in_the_browser_and_its_result_arrives() {
    const DELETE: &str = "DELETE FROM payments WHERE order_id = 1";
    let stage = stage();
    let open = stage.gateway.home().join("inbox-is-open");
    let asked = stage.gateway.home().join("asked");
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("lee", "/approvals");
    // The page is open before anything waits: what comes, comes without a reload.
    steps.extend([
        json!({"shows": "heading:Approvals"}),
        json!({"mark": open}),
        json!({"until": asked}),
        json!({"shows": "DELETE FROM payments"}),
        json!({"see": "ada's psql is waiting; it runs as soon as you approve."}),
    ]);
    steps.extend(looked_at("approvals"));
    steps.extend([
        json!({"press": "link:Details of a-"}),
        json!({"shows": "button:Approve"}),
    ]);
    steps.extend(looked_at("approval"));
    steps.extend([
        json!({"press": "button:Approve"}),
        json!({"press": "dialog:Approve this? > button:Approve once"}),
        json!({"gone": "dialog:Approve this?"}),
    ]);
    let mut held = std::thread::scope(|scope| {
        let visit = scope.spawn(|| browser.visit(&json!(steps)).unwrap());
        wait_for("the inbox", || Ok(open.exists().then_some(()))).unwrap();
        let held = stage.psql(DELETE).unwrap();
        stage.gateway.pending_approval().unwrap();
        assert!(!stage.shop.ran(DELETE).unwrap(), "held means not run");
        std::fs::write(&asked, "").unwrap();
        visit.join().unwrap();
        held
    });
    assert!(
        held.wait(PATIENCE).unwrap().success(),
        "{}",
        stage.screen().unwrap()
    );
    assert!(
        stage.screen().unwrap().contains("DELETE 1"),
        "{}",
        stage.screen().unwrap()
    );
}

#[test]
fn without_a_sign_in_there_is_nothing_to_see() {
    let stage = stage();
    let answer = Command::new("curl")
        .args(["--silent", "--insecure", "--include"])
        .arg(stage.at("/approvals"))
        .output()
        .unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap().to_lowercase();
    assert!(answer.starts_with("http/2 200"), "{answer}");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self' 'nonce-",
    ] {
        assert!(answer.contains(part), "{answer}");
    }
    assert!(!answer.contains("__sluice_nonce__"));
    assert!(!answer.contains("unsafe-inline") && !answer.contains("'unsafe-eval'"));
    assert!(stage.gateway.https("/console/assets/none.js").is_err());
}

#[test]
fn a_denial_in_the_browser_reaches_psql_with_its_reason() {
    const DELETE: &str = "DELETE FROM payments WHERE order_id = 2";
    let stage = stage();
    let browser = Chromium::new().unwrap();
    let mut held = stage.psql(DELETE).unwrap();
    let id = stage.gateway.pending_approval().unwrap();
    // The address is the one that psql was told.
    let path = format!("/approvals/{id}");
    assert!(
        stage.screen().unwrap().contains(&stage.at(&path)),
        "{}",
        stage.screen().unwrap()
    );
    let mut steps = stage.sign_in("lee", &path);
    steps.extend([
        json!({"shows": "DELETE FROM payments"}),
        json!({"press": "button:Deny"}),
        json!({"write": ["dialog:Deny this? > textbox:Reason", "not on a Friday"]}),
        json!({"press": "dialog:Deny this? > button:Deny"}),
        json!({"gone": "dialog:Deny this?"}),
    ]);
    browser.visit(&json!(steps)).unwrap();
    assert!(!held.wait(PATIENCE).unwrap().success());
    assert!(
        stage.screen().unwrap().contains("not on a Friday"),
        "{}",
        stage.screen().unwrap()
    );
    assert!(!stage.shop.ran(DELETE).unwrap());
}

/// The browser does `steps` while `psql` waits with `sql`, which is killed once the file `shown` is there: it says nothing
/// to the gateway.
fn killed_while(stage: &Stage, sql: &str, steps: &[Value]) {
    let browser = Chromium::new().unwrap();
    let shown = stage.gateway.home().join("shown");
    std::thread::scope(|scope| {
        let visit = scope.spawn(|| browser.visit(&json!(steps)).unwrap());
        let waits = stage.psql(sql).unwrap();
        wait_for("the page", || Ok(shown.exists().then_some(()))).unwrap();
        drop(waits);
        visit.join().unwrap();
    });
}

#[test]
fn a_page_that_is_open_says_that_a_statement_whose_client_has_gone_is_withdrawn() {
    const DELETE: &str = "DELETE FROM payments WHERE order_id = 3";
    let stage = stage();
    let mut steps = stage.sign_in("lee", "/approvals");
    steps.extend([
        json!({"press": "link:Details of a-"}),
        json!({"see": "ada's psql is waiting; it runs as soon as you approve."}),
        json!({"mark": stage.gateway.home().join("shown")}),
        json!({"see": "withdrawn"}),
        json!({"gone": "ada's psql is waiting"}),
    ]);
    killed_while(&stage, DELETE, &steps);
    assert!(!stage.shop.ran(DELETE).unwrap());
}

#[test]
fn a_page_that_is_open_says_that_the_client_of_a_login_has_gone() {
    let policies = read_to_string(cargo::root().join("demo/resources/policies.cedar")).unwrap();
    let open = "principal in Group::\"engineering\" || ";
    assert!(policies.contains(open));
    let policies = policies.replace(open, "")
        + "@id(\"eng-connects-with-dba\")\npermit (principal in Group::\"engineering\", action == Action::\"connect\", resource)\n\
           when { context.approved_by.contains(Group::\"dba\") };\n";
    let stage = Stage::start(Settings::default().policies(&policies)).unwrap();
    let mut steps = stage.sign_in("lee", "/approvals");
    steps.extend([
        json!({"see": "ada's psql is waiting to connect; it is let in as soon as you approve."}),
        json!({"press": "link:Details of a-"}),
        json!({"shows": "button:Approve"}),
        json!({"press": "button:Approve"}),
        json!({"see": "ada's psql is waiting to connect"}),
        json!({"mark": stage.gateway.home().join("shown")}),
        // On the page and in the dialog that is open.
        json!({"shows": "dialog:Approve this? > Nobody waits any more: approving lets ada connect once, within "}),
        json!({"press": "dialog:Approve this? > button:Cancel"}),
        json!({"gone": "dialog:Approve this?"}),
    ]);
    steps.extend(looked_at("approval-left"));
    steps.extend([
        json!({"press": "button:Approve"}),
        json!({"press": "dialog:Approve this? > button:Approve one session"}),
        json!({"gone": "dialog:Approve this?"}),
        json!({"see": "Nobody waits any more: one session is let in when ada asks again"}),
    ]);
    killed_while(&stage, "SELECT 1", &steps);
    assert_eq!(stage.gateway.answer(&stage.ada, "SELECT 1").unwrap(), "1");
}
