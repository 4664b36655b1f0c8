//! Holds and approvals: one thing is approved, by somebody else, once.

use sluice_tests::process::{Running, checked, printed, wait_for};
use sluice_tests::wire::{PLAINTEXT, Wire, tags};
use sluice_tests::{Gateway, Postgres, Settings};
use std::fs::File;
use std::process::{Command, Stdio};

struct Stage {
    gateway: Gateway,
    shop: Postgres,
    ada: String,
    dana: String,
}

fn stage_with(settings: Settings) -> Stage {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, settings).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    let dana = gateway.token("user:dana").unwrap();
    Stage {
        gateway,
        shop,
        ada,
        dana,
    }
}

fn stage() -> Stage {
    stage_with(Settings::default())
}

impl Stage {
    /// Starts a statement that will wait, its output in `file` of the gateway's folder.
    fn hold(&self, file: &str, sql: &str) -> Running {
        let screen = File::create(self.gateway.home().join(file)).unwrap();
        let mut psql = self.gateway.psql_command(&self.ada);
        psql.args(["-c", sql])
            .stdout(screen.try_clone().unwrap())
            .stderr(screen);
        Running::start(&mut psql, "KILL").unwrap()
    }

    fn said(&self, file: &str) -> String {
        std::fs::read_to_string(self.gateway.home().join(file)).unwrap()
    }

    fn as_dana(&self, arguments: &[&str]) -> Command {
        self.gateway.sluice_as(&self.dana, arguments)
    }
}

const ONE: &str = "DELETE FROM payments WHERE order_id = 1";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

#[test]
fn the_approver_sees_what_it_is_and_the_statement_runs_once() {
    let stage = stage();
    let mut held = stage.hold("one", ONE);
    let id = stage.gateway.pending_approval().unwrap();
    let shown = String::from_utf8(
        checked(&mut stage.as_dana(&["approvals", "--json"]))
            .unwrap()
            .stdout,
    )
    .unwrap();
    for part in [
        ONE,
        "user:ada",
        "shop",
        "estimated_rows",
        "\"waiting\":1",
        "\"client\":\"psql\"",
    ] {
        assert!(shown.contains(part), "expected {part} in {shown}");
    }
    assert!(!stage.shop.ran(ONE).unwrap(), "held means not run");
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    assert!(
        held.wait(PATIENCE).unwrap().success(),
        "{}",
        stage.said("one")
    );
    assert!(stage.said("one").contains("DELETE 1"));
    // The same statement again waits again: the consent is spent.
    let mut again = stage.hold("two", ONE);
    let next = stage.gateway.pending_approval().unwrap();
    assert_ne!(next, id);
    assert!(again.ended().unwrap().is_none());
    let second_use = stage.as_dana(&["approve", &id]).output().unwrap();
    assert!(!second_use.status.success(), "an approval is given once");
}

#[test]
fn nobody_approves_their_own_request_in_any_guise() {
    let stage = stage_with(Settings::default().resource(
        "people.yaml",
        "kind: User\nname: ada\ngroups: [engineering, dba]\n---\nkind: User\nname: dana\ngroups: [dba]\n---\n\
         kind: Agent\nname: helper\nowner: ada\ngroups: [engineering, dba]\n",
    ));
    let held = stage.hold("one", ONE);
    let id = stage.gateway.pending_approval().unwrap();
    let other_token = stage.gateway.token("user:ada").unwrap();
    let agent = stage.gateway.token("agent:helper").unwrap();
    for token in [&stage.ada, &other_token, &agent] {
        let output = stage
            .gateway
            .sluice_as(token, &["approve", &id])
            .output()
            .unwrap();
        assert!(
            !output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    drop(held);
}

#[test]
fn a_denial_reaches_the_waiting_client_with_its_reason() {
    let stage = stage();
    let mut held = stage.hold("one", ONE);
    let id = stage.gateway.pending_approval().unwrap();
    checked(&mut stage.as_dana(&["deny", &id, "--reason", "not on a Friday"])).unwrap();
    assert!(!held.wait(PATIENCE).unwrap().success());
    assert!(
        stage.said("one").contains("not on a Friday"),
        "{}",
        stage.said("one")
    );
    assert!(!stage.shop.ran("DELETE FROM payments").unwrap());
    // Whoever reads the record hears why as well, and nothing is said to have failed at the target.
    let session = wait_for("the denial to be counted", || {
        let sessions = stage.gateway.admin_json(&["sessions"])?;
        let list = sessions.as_array().or(sessions["sessions"].as_array());
        let denied = |s: &&serde_json::Value| s["counts"]["denied_by_people"] == 1;
        Ok(list.into_iter().flatten().find(denied).cloned())
    })
    .unwrap();
    assert_eq!(session["counts"]["failed"], 0, "{session}");
    let replayed = stage
        .gateway
        .admin(&["replay", session["id"].as_str().unwrap()])
        .unwrap();
    assert!(
        replayed.contains("denied by user:dana: not on a Friday"),
        "{replayed}"
    );
}

#[test]
fn a_disconnect_cancels_the_hold() {
    let stage = stage();
    let held = stage.hold("one", ONE);
    let id = stage.gateway.pending_approval().unwrap();
    drop(held);
    wait_for("the request to be cancelled", || {
        let listed = stage.gateway.admin_json(&["approvals", "--all"])?;
        Ok(listed.to_string().contains("\"cancelled\"").then_some(()))
    })
    .unwrap();
    let late = stage.as_dana(&["approve", &id]).output().unwrap();
    assert!(!late.status.success());
    assert!(!stage.shop.ran("DELETE FROM payments").unwrap());
}

#[test]
fn after_a_timeout_an_approval_buys_one_run_of_exactly_that_operation() {
    let stage = stage_with(Settings::short_holds().unwrap());
    let mut held = stage.hold("one", ONE);
    let id = stage.gateway.pending_approval().unwrap();
    assert!(!held.wait(PATIENCE).unwrap().success());
    assert!(
        stage.said("one").contains(&id),
        "the answer names the request: {}",
        stage.said("one")
    );
    let shown = printed(&mut stage.as_dana(&["approvals", &id])).unwrap();
    assert!(shown.contains("waits no more"), "{shown}");
    let given = printed(&mut stage.as_dana(&["approve", &id])).unwrap();
    assert!(given.contains("nobody waits any more"), "{given}");
    // Something else does not run on it.
    let other = stage
        .gateway
        .refusal(&stage.ada, "DELETE FROM payments WHERE order_id = 2")
        .unwrap();
    assert!(!other.contains("DELETE 1"), "{other}");
    // Somebody else does not run on it.
    let farid = stage.gateway.token("user:farid").unwrap();
    stage.gateway.refusal(&farid, ONE).unwrap();
    assert_eq!(
        stage.gateway.psql(&stage.ada, &[ONE]).unwrap().stdout,
        b"DELETE 1\n"
    );
    let again = stage.gateway.refusal(&stage.ada, ONE).unwrap();
    assert!(!again.is_empty());
}

#[test]
fn an_approval_for_a_session_ends_with_it() {
    let stage = stage();
    let mut psql = stage.gateway.psql_command(&stage.ada);
    let screen = File::create(stage.gateway.home().join("one")).unwrap();
    psql.args([
        "-c",
        ONE,
        "-c",
        "DELETE FROM payments WHERE order_id = 2",
        "-c",
        "DELETE FROM payments WHERE order_id = 3",
    ])
    .stdout(screen.try_clone().unwrap())
    .stderr(screen)
    .stdin(Stdio::null());
    let mut held = Running::start(&mut psql, "KILL").unwrap();
    let id = stage.gateway.pending_approval().unwrap();
    checked(&mut stage.as_dana(&["approve", &id, "--session"])).unwrap();
    assert!(
        held.wait(PATIENCE).unwrap().success(),
        "{}",
        stage.said("one")
    );
    let mut next = stage.hold("two", "DELETE FROM payments WHERE order_id = 4");
    stage.gateway.pending_approval().unwrap();
    assert!(next.ended().unwrap().is_none(), "a new session waits again");
}

#[test]
fn a_window_asked_for_ahead_has_an_absolute_end() {
    let stage = stage();
    let request = stage.gateway.sluice_as(
        &stage.ada,
        &[
            "request",
            "shop",
            "--for",
            "4s",
            "--reason",
            "ticket 12",
            "--json",
        ],
    );
    let mut request = request;
    checked(&mut request).unwrap();
    let id = stage.gateway.pending_approval().unwrap();
    let started = std::time::Instant::now();
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    assert_eq!(
        stage.gateway.psql(&stage.ada, &[ONE]).unwrap().stdout,
        b"DELETE 1\n"
    );
    // Using it does not move its end.
    wait_for("the end of the window", || {
        let session = stage.hold("late", "DELETE FROM payments WHERE order_id = 9999");
        let pending = stage.gateway.admin_json(&["approvals"])?;
        let ended = pending.to_string().contains("order_id = 9999");
        drop(session);
        Ok(ended.then_some(()))
    })
    .unwrap();
    assert!(started.elapsed().as_secs() >= 3, "not before its time");
}

/// Runs `DELETE FROM payments WHERE order_id = $1` with this value, and gives the types of what is answered.
fn delete_bound(wire: &mut Wire, order: &str) -> String {
    run_bound(wire, "DELETE FROM payments WHERE order_id = $1", order)
}

#[test]
fn an_approval_is_for_the_values_that_were_bound() {
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::short_holds().unwrap()
    };
    let stage = stage_with(settings);
    let left = |order: &str| {
        let sql = format!("SELECT count(*) FROM payments WHERE order_id = {order}");
        stage.shop.superuser_sql(&sql).unwrap()
    };
    let mut wire = Wire::login(stage.gateway.port, &stage.ada).unwrap();
    // Nobody decides in time; the request stays open.
    assert!(delete_bound(&mut wire, "1").ends_with("EZ"));
    let id = stage.gateway.pending_approval().unwrap();
    let shown = stage
        .gateway
        .admin_json(&["approvals"])
        .unwrap()
        .to_string();
    assert!(
        shown.contains("order_id = $1") && shown.contains("[{\"name\":\"$1\",\"value\":\"1\"}]"),
        "{shown}"
    );
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    // The same text with another value is another operation.
    assert!(delete_bound(&mut wire, "2").ends_with("EZ"));
    assert_eq!(left("2"), "1");
    assert!(delete_bound(&mut wire, "1").ends_with("CZ"));
    assert_eq!(left("1"), "0");
    // And it is spent.
    assert!(delete_bound(&mut wire, "1").ends_with("EZ"));
}

/// Runs this statement with one text bound, and gives the types of what is answered.
fn run_bound(wire: &mut Wire, sql: &str, value: &str) -> String {
    tags(&wire.run_bound(sql, value).unwrap())
}

#[test]
fn an_approver_sees_the_whole_of_a_long_value_and_is_asked_about_none_that_is_too_long() {
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::short_holds().unwrap()
    };
    let stage = stage_with(settings);
    let mut wire = Wire::login(stage.gateway.port, &stage.ada).unwrap();
    let sql = "DELETE FROM payments WHERE amount_cents::text <> $1";
    let long = format!("{} 536-22-8726 the end", "so it goes ".repeat(320));
    assert!(run_bound(&mut wire, sql, &long).ends_with("EZ"));
    stage.gateway.pending_approval().unwrap();
    let listed = stage
        .gateway
        .admin_json(&["approvals"])
        .unwrap()
        .to_string();
    let shown = long.replace("536-22-8726", "***-**-8726");
    assert!(
        listed.contains(&shown),
        "whole, and masked as it would be in an answer: {listed}"
    );
    // Records keep no more of a value than they say.
    let id = wait_for("the record", || {
        let sessions = stage.gateway.admin_json(&["sessions"])?;
        let list = sessions.as_array().or(sessions["sessions"].as_array());
        let id = list
            .and_then(|list| list.first())
            .and_then(|s| s["id"].as_str());
        Ok(id.map(str::to_owned))
    })
    .unwrap();
    wait_for("the operation", || {
        let replayed = stage.gateway.admin(&["replay", &id])?;
        assert!(!replayed.contains("so it goes"), "{replayed}");
        Ok(replayed.contains("amount_cents::text").then_some(()))
    })
    .unwrap();
    // What nobody could judge, nobody is asked about.
    let endless = "x".repeat(70_000);
    assert!(run_bound(&mut wire, sql, &endless).ends_with("EZ"));
    let listed = stage
        .gateway
        .admin_json(&["approvals"])
        .unwrap()
        .to_string();
    assert_eq!(
        listed.matches("amount_cents::text").count(),
        1,
        "only the first waits: {listed}"
    );
}
