//! Every page of the console in a real browser, over the real gateway with a real database.

use serde_json::json;
use sluice_tests::Settings;
use sluice_tests::chromium::Chromium;
use sluice_tests::console::{Stage, looked_at};
use sluice_tests::terminal::Terminal;

fn stage() -> Stage {
    Stage::start(Settings::default()).unwrap()
}

/// Three statements of ada's: one that is masked, one that is refused, one that fails. Gives the session.
fn worked(stage: &Stage) -> String {
    for sql in [
        "SELECT id, name, ssn FROM customers ORDER BY id LIMIT 3",
        "DROP DATABASE shop",
        "SELECT nothing FROM orders",
    ] {
        stage.gateway.psql(&stage.ada, &[sql]).unwrap();
    }
    let sessions = stage.gateway.admin_json(&["sessions"]).unwrap();
    let all = sessions["sessions"].as_array().unwrap();
    let masked = all.iter().find(|s| s["counts"]["masked_values"] != 0);
    masked.unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn every_page_can_be_used_in_light_and_dark_and_on_a_telephone() {
    let stage = stage();
    let session = worked(&stage);
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("root", "/");
    for (path, name) in [
        ("/", "home"),
        ("/connections", "connections"),
        ("/connections/shop", "connection"),
        ("/connections/new", "connection-new"),
        ("/connections/shop/edit", "connection-edit"),
        ("/approvals", "approvals-empty"),
        ("/approvals/request", "approvals-request"),
        ("/sessions", "sessions"),
        ("/sessions/operations", "operations"),
        (&format!("/sessions/{session}") as &str, "session"),
        ("/sessions/player", "player"),
        ("/policies", "policies"),
        ("/policies/data-classes", "classes"),
        ("/policies/explain", "explain"),
        ("/policies/tests", "policy-tests"),
        ("/policies/dry-run", "dry-run"),
        ("/policies/history", "history"),
        ("/people", "people"),
        ("/people/user:ada", "person"),
        ("/log", "log"),
        ("/settings", "settings"),
        ("/settings/identity-providers", "providers"),
        ("/settings/notifiers", "notifiers"),
        ("/me", "me"),
    ] {
        steps.push(json!({"open": stage.at(path)}));
        steps.push(json!({"shows": "heading"}));
        steps.push(json!({"quiet": null}));
        steps.extend(looked_at(name));
    }
    let seen = browser.visit(&json!(steps)).unwrap();
    // Whoever is not signed in yet is told so once.
    let complaints = seen.complaints.iter().filter(|c| {
        !c.contains(
            "/v1/whoami: Failed to load resource: the server responded with a status of 401",
        )
    });
    let complaints: Vec<&String> = complaints.collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn operations_are_found_replayed_and_proved_and_a_live_session_is_ended() {
    let stage = stage();
    worked(&stage);
    let home = stage.gateway.home().to_path_buf();
    let (watched, ended) = (home.join("watched"), home.join("works"));
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("root", "/sessions/operations?resource=customers");
    steps.extend([
        json!({"shows": "table:Operations > SELECT id, name, ssn"}),
        json!({"open": stage.at("/sessions/operations?verdict=deny")}),
        json!({"shows": "table:Operations > DROP DATABASE shop"}),
        json!({"open": stage.at("/sessions/operations?text=ssn+customers")}),
        json!({"press": "table:Operations > link:"}),
        json!({"at": "?op=1"}),
        json!({"shows": "***-**-"}),
        json!({"press": "button:Verify"}),
        json!({"shows": "as it was written"}),
        json!({"mark": watched}),
        json!({"until": ended}),
        json!({"open": stage.at("/sessions?live=true")}),
        json!({"press": "table:Sessions > link:Watch"}),
        json!({"shows": "SELECT 42"}),
        json!({"press": "button:End session"}),
        json!({"write": ["dialog > textbox:Reason", "lunch"]}),
        json!({"press": "dialog > button:End session"}),
        json!({"gone": "dialog"}),
    ]);
    std::thread::scope(|scope| {
        let visit = scope.spawn(|| browser.visit(&json!(steps)).unwrap());
        sluice_tests::process::wait_for("the browser", || Ok(watched.exists().then_some(())))
            .unwrap();
        let address = stage.gateway.address("shop", "app");
        let line = format!("psql \"{address}\"");
        let mut terminal = Terminal::start(&line, &[("PGPASSWORD", &stage.ada)]).unwrap();
        terminal.expect("shop=").unwrap();
        terminal.send("SELECT 42;\r").unwrap();
        terminal.expect("(1 row)").unwrap();
        std::fs::write(&ended, "").unwrap();
        visit.join().unwrap();
        terminal.send("SELECT 43;\r").unwrap();
        terminal.expect("ended by user:root: lunch").unwrap();
    });
}

#[test]
fn a_policy_is_changed_with_lint_tests_dry_run_and_history() {
    let stage = stage();
    worked(&stage);
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("root", "/policies/tests");
    let policy = "\n@id(\"no-customers\") forbid (principal in Group::\"engineering\", action == Action::\"sql:select\", resource);";
    steps.extend([
        json!({"press": "button:Run all"}),
        json!({"shows": "5 tests passed"}),
        json!({"open": stage.at("/policies")}),
        json!({"press": "textbox:Policies in policies.cedar"}),
        json!({"keys": "Control+End"}),
        json!({"type": "\nforbid (principal, action == Action::\"sql:selekt\", resource);"}),
        json!({"shows": "1 problem"}),
        json!({"press": "button:Undo changes"}),
        json!({"press": "textbox:Policies in policies.cedar"}),
        json!({"keys": "Control+End"}),
        json!({"type": policy}),
        json!({"shows": "No problems"}),
        json!({"press": "region:Your changes > link:Dry run"}),
        json!({"press": "button:Run"}),
        json!({"shows": "table:Differences > SELECT id, name, ssn"}),
        json!({"press": "region:Your changes > link:Test"}),
        json!({"press": "button:Run all"}),
        json!({"shows": "failed"}),
        json!({"press": "region:Your changes > button:Review"}),
        json!({"press": "dialog > button:Apply"}),
        json!({"gone": "dialog"}),
        json!({"open": stage.at("/policies/history")}),
        json!({"shows": "policies.cedar"}),
    ]);
    browser.visit(&json!(steps)).unwrap();
    let refused = stage
        .gateway
        .refusal(&stage.ada, "SELECT id FROM customers");
    assert!(refused.unwrap().contains("no-customers"));
}

#[test]
fn a_token_is_made_and_somebody_is_offboarded() {
    let stage = stage();
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("kim", "/me");
    steps.extend([
        json!({"press": "button:Create token"}),
        json!({"press": "dialog:Create a token > button:Create token"}),
        json!({"shows": "Copy secret"}),
    ]);
    browser.visit(&json!(steps)).unwrap();
    let other = Chromium::new().unwrap();
    let mut steps = stage.sign_in("root", "/people/user:kim");
    steps.extend([
        json!({"press": "link:Offboard"}),
        json!({"write": ["textbox:Type kim to confirm", "kim"]}),
        json!({"press": "button:Offboard"}),
        json!({"shows": "user:kim is offboarded"}),
    ]);
    other.visit(&json!(steps)).unwrap();
    let tokens = stage.gateway.admin_json(&["token", "list"]).unwrap();
    let left = tokens["tokens"].as_array().unwrap().iter();
    let left = left.filter(|t| t["principal"] == "user:kim" && t["state"] == "valid");
    assert_eq!(left.count(), 0, "{tokens}");
}

#[test]
fn a_connection_is_registered_tried_changed_and_deleted() {
    let stage = stage();
    let address = format!("127.0.0.1:{}", stage.shop.port());
    let browser = Chromium::new().unwrap();
    let mut steps = stage.sign_in("root", "/connections/new");
    steps.extend([
        json!({"write": ["textbox:Name", "second"]}),
        json!({"write": ["combobox:Environment", "prod"]}),
        json!({"write": ["textbox:Address", address]}),
        json!({"write": ["textbox:Account name", "app"]}),
        json!({"write": ["textbox:User name at the target", "app"]}),
        json!({"press": "button:Test target"}),
        json!({"shows": "session could be opened"}),
    ]);
    browser.visit(&json!(steps)).unwrap();
}

#[test]
fn a_window_is_asked_for_given_and_ended() {
    let stage = Stage::start(Settings::default().policies(
        "@id(\"staff-connects-when-asked\")\npermit (principal, action == Action::\"connect\", resource)\n\
         when { context.approved_by.contains(Group::\"dba\") };\n\
         @id(\"reads\")\npermit (principal, action in Action::\"read\", resource);\n",
    ))
    .unwrap();
    let kim = Chromium::new().unwrap();
    let mut steps = stage.sign_in("kim", "/approvals/request?connection=shop");
    steps.extend([
        json!({"write": ["textbox:Reason", "the quarterly report"]}),
        json!({"press": "button:Ask for access"}),
        json!({"shows": "heading:Approval a-"}),
    ]);
    kim.visit(&json!(steps)).unwrap();
    let lee = Chromium::new().unwrap();
    let mut steps = stage.sign_in("lee", "/approvals");
    steps.extend([
        json!({"shows": "the quarterly report"}),
        json!({"press": "button:Approve"}),
        json!({"press": "dialog:Approve this? > button:Approve"}),
        json!({"gone": "dialog:Approve this?"}),
    ]);
    lee.visit(&json!(steps)).unwrap();
    let token = stage.gateway.token("user:kim").unwrap();
    assert_eq!(stage.gateway.answer(&token, "SELECT 1").unwrap(), "1");
    let end = json!([
        {"open": stage.at("/approvals?tab=windows")},
        {"press": "button:End a-"},
        {"write": ["dialog > textbox:Reason", "done"]},
        {"press": "dialog > button:End window"},
        {"gone": "dialog"},
    ]);
    lee.visit(&end).unwrap();
    assert!(
        stage
            .gateway
            .psql_command(&token)
            .args(["-c", "SELECT 1"])
            .env("PGCONNECT_TIMEOUT", "2")
            .output()
            .is_ok_and(|o| !o.status.success())
    );
}
