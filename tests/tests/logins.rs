//! Logins that wait for an approval: the client is told, nothing reaches the target, and one consent is one thing.

use sluice_tests::process::{Running, checked, wait_for};
use sluice_tests::target::Tap;
use sluice_tests::wire::{PLAINTEXT, VERSION_3_0, Wire, tags};
use sluice_tests::{Gateway, Postgres, Settings, cargo, clients};
use std::fs::{File, read_to_string};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    gateway: Gateway,
    shop: Postgres,
    tap: Tap,
    ada: String,
    dana: String,
}

fn stage_with(settings: Settings) -> Stage {
    let demo = read_to_string(cargo::root().join("demo/resources/policies.cedar")).unwrap();
    let open = "principal in Group::\"engineering\" || ";
    assert!(demo.contains(open));
    let policies = demo.replace(open, "")
        + "@id(\"eng-connects-with-dba\")\npermit (principal in Group::\"engineering\", action == Action::\"connect\", resource)\n\
           when { context.approved_by.contains(Group::\"dba\") };\n";
    let shop = Postgres::start().unwrap();
    let tap = Tap::start(Some(shop.port())).unwrap();
    let settings = Settings {
        target_port: Some(tap.port()),
        config: PLAINTEXT.to_owned(),
        ..settings
    };
    let gateway = Gateway::start(&shop, settings.policies(&policies)).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    let dana = gateway.token("user:dana").unwrap();
    Stage {
        gateway,
        shop,
        tap,
        ada,
        dana,
    }
}

fn stage() -> Stage {
    stage_with(Settings::default())
}

impl Stage {
    /// Starts `psql`, which will wait, its output in `file` of the gateway's folder.
    fn log_in(&self, file: &str) -> Running {
        let screen = File::create(self.gateway.home().join(file)).unwrap();
        let mut psql = self.gateway.psql_command(&self.ada);
        psql.args(["-c", "SELECT 'in'"])
            .stdout(screen.try_clone().unwrap())
            .stderr(screen);
        Running::start(&mut psql, "KILL").unwrap()
    }

    /// A client by hand, up to its password.
    fn ask(&self, token: &str, account: &str) -> Wire {
        let mut wire = Wire::connect(self.gateway.port).unwrap();
        let parameters = [("user", account), ("database", "shop")];
        wire.startup(VERSION_3_0, &parameters).unwrap();
        wire.password(token).unwrap();
        wire
    }

    fn said(&self, file: &str) -> String {
        read_to_string(self.gateway.home().join(file)).unwrap()
    }

    fn wait_until_said(&self, file: &str, text: &str) {
        wait_for(text, || Ok(self.said(file).contains(text).then_some(()))).unwrap();
    }

    fn as_dana(&self, arguments: &[&str]) -> Command {
        self.gateway.sluice_as(&self.dana, arguments)
    }

    /// Where a request stands, as the list of all of them says.
    fn state_of(&self, id: &str) -> String {
        let listed = self.gateway.admin_json(&["approvals", "--all"]).unwrap();
        let approvals = listed["approvals"].as_array().unwrap();
        let found = approvals.iter().find(|a| a["id"] == id).unwrap();
        found["state"].as_str().unwrap().to_owned()
    }

    /// The sessions that live now, as text.
    fn live(&self) -> String {
        self.gateway.admin(&["sessions", "--live"]).unwrap()
    }

    fn assert_target_untouched(&self) {
        assert_eq!((self.tap.connections(), self.tap.bytes()), (0, 0));
    }
}

#[test]
fn a_login_waits_is_told_and_goes_on_for_a_window() {
    let stage = stage();
    let mut psql = stage.log_in("one");
    let id = stage.gateway.pending_approval().unwrap();
    stage.wait_until_said(
        "one",
        &format!("NOTICE:  waiting for approval to connect, request {id}"),
    );
    let told = stage.said("one");
    assert!(
        told.contains(&format!("sluice approve {id} --for 2h")),
        "{told}"
    );
    let shown = checked(&mut stage.as_dana(&["approvals", "--json"])).unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in ["(connect)", "user:ada", "\"connect\":true", "dba"] {
        assert!(shown.contains(part), "expected {part} in {shown}");
    }
    stage.assert_target_untouched();
    checked(&mut stage.as_dana(&["approve", &id, "--for", "2h"])).unwrap();
    let status = psql.wait(PATIENCE).unwrap();
    assert!(status.success(), "{}", stage.said("one"));
    assert!(stage.said("one").ends_with("in\n"), "{}", stage.said("one"));
    // The window stands for the next login too, which does not wait.
    assert_eq!(stage.gateway.answer(&stage.ada, "SELECT 1").unwrap(), "1");
}

#[test]
fn the_record_of_a_login_that_waited_tells_who_let_it_in() {
    let stage = stage();
    let mut psql = stage.log_in("one");
    let id = stage.gateway.pending_approval().unwrap();
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    assert!(psql.wait(PATIENCE).unwrap().success());
    let events = recorded(&stage.gateway);
    let order = [
        "\"session_opened\"",
        "(connect)",
        "\"ask\"",
        "\"held\"",
        "\"hold_ended\"",
        "user:dana",
        "(connect)",
        "eng-connects-with-dba",
        "SELECT 'in'",
        "\"session_closed\"",
    ];
    let mut rest = events.as_str();
    for part in order {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("expected {part} next in {rest}"));
        rest = &rest[at + part.len()..];
    }
    stage.gateway.verify().unwrap();
}

/// The events of the one session that was recorded.
fn recorded(gateway: &Gateway) -> String {
    let sessions = gateway.home().join("data/records/sessions");
    let folder = std::fs::read_dir(sessions)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let id = folder.file_name().into_string().unwrap();
    gateway.admin(&["replay", &id, "--json"]).unwrap()
}

#[test]
fn without_a_window_one_session_is_let_in() {
    let stage = stage();
    let mut first = stage.ask(&stage.ada, "app");
    let id = stage.gateway.pending_approval().unwrap();
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    let login = tags(&first.until_ready().unwrap());
    assert!(login.starts_with("RNS") && login.ends_with("KZ"), "{login}");
    // While it lives, another one waits.
    let second = stage.log_in("two");
    let next = stage.gateway.pending_approval().unwrap();
    assert_ne!(next, id);
    // The first goes on when something is published again.
    stage.gateway.token("user:dana").unwrap();
    let answers = first.query("SELECT 1").unwrap();
    assert_eq!(tags(&answers), "TDCZ");
    drop((first, second));
}

#[test]
fn a_session_that_was_let_in_still_waits_for_what_it_asks_then() {
    let stage = stage();
    let screen = File::create(stage.gateway.home().join("one")).unwrap();
    let mut psql = stage.gateway.psql_command(&stage.ada);
    psql.args(["-c", "DELETE FROM payments WHERE order_id = 1"])
        .stdout(screen.try_clone().unwrap())
        .stderr(screen);
    let mut psql = Running::start(&mut psql, "KILL").unwrap();
    let login = stage.gateway.pending_approval().unwrap();
    checked(&mut stage.as_dana(&["approve", &login])).unwrap();
    stage.wait_until_said("one", "waiting for approval, request");
    let delete = stage.gateway.pending_approval().unwrap();
    assert_ne!(delete, login);
    let left = "SELECT count(*) FROM payments WHERE order_id = 1";
    assert_eq!(stage.shop.superuser_sql(left).unwrap(), "1");
    checked(&mut stage.as_dana(&["deny", &delete, "--reason", "no"])).unwrap();
    assert!(!psql.wait(PATIENCE).unwrap().success());
    assert_eq!(stage.shop.superuser_sql(left).unwrap(), "1");
}

#[test]
fn a_denial_reaches_the_waiting_login_with_its_reason() {
    let stage = stage();
    let mut psql = stage.log_in("one");
    let id = stage.gateway.pending_approval().unwrap();
    checked(&mut stage.as_dana(&["deny", &id, "--reason", "not on a Friday"])).unwrap();
    assert!(!psql.wait(PATIENCE).unwrap().success());
    let said = stage.said("one");
    let expected = format!("FATAL:  request {id} was denied by user:dana: not on a Friday");
    assert!(said.contains(&expected), "{said}");
    stage.assert_target_untouched();
    stage.gateway.verify().unwrap();
}

#[test]
fn a_login_that_was_given_up_stays_asked_for_and_the_next_one_is_let_in_once() {
    let stage = stage();
    drop(stage.log_in("one"));
    let first = stage.log_in("two");
    let id = stage.gateway.pending_approval().unwrap();
    drop(first);
    wait_for("the client's leaving to be recorded", || {
        Ok((!stage.live().contains("s-")).then_some(()))
    })
    .unwrap();
    assert_eq!(stage.state_of(&id), "pending");
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    stage.assert_target_untouched();
    // Somebody else is not let in by it, nor another account.
    let farid = stage.gateway.token("user:farid").unwrap();
    for (token, account) in [(&farid, "app"), (&stage.ada, "owner")] {
        let mut wire = stage.ask(token, account);
        let (ok, notice) = (wire.read().unwrap().unwrap(), wire.read().unwrap().unwrap());
        assert_eq!((ok.tag, notice.tag), ('R', 'N'));
    }
    stage.assert_target_untouched();
    assert_eq!(stage.gateway.answer(&stage.ada, "SELECT 1").unwrap(), "1");
    let mut again = stage.log_in("three");
    stage.wait_until_said("three", "NOTICE:  waiting for approval");
    assert!(again.ended().unwrap().is_none(), "the consent is used");
}

#[test]
fn after_a_timeout_the_login_fails_with_the_request_which_stays_open() {
    let stage = stage_with(Settings::short_holds().unwrap());
    let mut psql = stage.log_in("one");
    let id = stage.gateway.pending_approval().unwrap();
    assert!(!psql.wait(PATIENCE).unwrap().success());
    let said = stage.said("one");
    let expected = format!("nobody decided about request {id} within 1 seconds");
    assert!(
        said.contains(&expected) && said.contains("connect again"),
        "{said}"
    );
    assert_eq!(stage.state_of(&id), "pending");
    stage.assert_target_untouched();
    checked(&mut stage.as_dana(&["approve", &id, "--for", "1h"])).unwrap();
    assert_eq!(stage.gateway.answer(&stage.ada, "SELECT 1").unwrap(), "1");
}

#[test]
fn the_logins_of_a_pool_are_one_request() {
    let stage = stage();
    let mut pool: Vec<Running> = ["one", "two", "three"]
        .map(|file| stage.log_in(file))
        .into();
    let id = stage.gateway.pending_approval().unwrap();
    for file in ["one", "two", "three"] {
        stage.wait_until_said(file, &format!("request {id}"));
    }
    checked(&mut stage.as_dana(&["approve", &id, "--for", "1h"])).unwrap();
    for psql in &mut pool {
        assert!(psql.wait(PATIENCE).unwrap().success());
    }
}

#[test]
fn whatever_else_lets_in_or_ends_a_login_is_heard_while_it_waits() {
    let stage = stage();
    // A window that was asked for otherwise.
    let mut psql = stage.log_in("one");
    let id = stage.gateway.pending_approval().unwrap();
    let request = ["request", "shop", "--for", "3s", "--reason", "r", "--json"];
    let asked = checked(&mut stage.gateway.sluice_as(&stage.ada, &request)).unwrap();
    let asked: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    checked(&mut stage.as_dana(&["approve", asked["id"].as_str().unwrap()])).unwrap();
    assert!(
        psql.wait(PATIENCE).unwrap().success(),
        "{}",
        stage.said("one")
    );
    assert_eq!(
        stage.state_of(&id),
        "cancelled",
        "it is not needed any more"
    );
    wait_for("the end of the window", || {
        Ok((stage.state_of(asked["id"].as_str().unwrap()) == "spent").then_some(()))
    })
    .unwrap();
    let before = stage.tap.connections();
    // An operator ends the session that waits.
    let mut psql = stage.log_in("two");
    stage.wait_until_said("two", "NOTICE");
    let live = stage.live();
    let session = live.split_whitespace().find(|part| part.starts_with("s-"));
    stage.gateway.admin(&["kill", session.unwrap()]).unwrap();
    assert!(!psql.wait(PATIENCE).unwrap().success());
    // The requester is switched off.
    let mut psql = stage.log_in("three");
    stage.wait_until_said("three", "NOTICE");
    stage.gateway.admin(&["disable", "user:ada"]).unwrap();
    assert!(!psql.wait(PATIENCE).unwrap().success());
    assert!(
        stage.said("three").contains("FATAL"),
        "{}",
        stage.said("three")
    );
    assert_eq!(stage.tap.connections(), before);
    stage.gateway.verify().unwrap();
}

/// Runs a script of `tests/clients` as ada, whose login waits until dana approves it.
fn check(script: &str, expected: &str) {
    let stage = stage();
    let sample = stage
        .shop
        .superuser_sql("SELECT ssn || ' ' || email FROM customers WHERE id = 7")
        .unwrap();
    let (ssn, email) = sample.split_once(' ').unwrap();
    let environment = [("SAMPLE_SSN", ssn), ("SAMPLE_EMAIL", email)];
    std::thread::scope(|scope| {
        let client = scope.spawn(|| clients::run(script, &stage.gateway, &stage.ada, &environment));
        let id = stage.gateway.pending_approval().unwrap();
        stage.assert_target_untouched();
        checked(&mut stage.as_dana(&["approve", &id])).unwrap();
        let printed = client.join().unwrap().unwrap();
        assert!(printed.contains(expected), "{script}:\n{printed}");
    });
}

#[test]
fn psycopg_3_waits_at_its_login() {
    check("psycopg3.py", "transaction ok");
}

#[test]
fn asyncpg_waits_at_its_login() {
    check("asyncpg_client.py", "refusal ok");
}

#[test]
fn node_postgres_waits_at_its_login() {
    check("node_postgres.cjs", "refusal ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_postgres_waits_at_its_login_and_hears_the_notice() {
    let stage = stage();
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(stage.gateway.port)
        .user("app")
        .dbname("shop")
        .password(&stage.ada);
    let login = tokio::spawn(async move { config.connect(tokio_postgres::NoTls).await });
    let id = stage.gateway.pending_approval().unwrap();
    stage.assert_target_untouched();
    checked(&mut stage.as_dana(&["approve", &id])).unwrap();
    let (client, mut connection) = login.await.unwrap().unwrap();
    let first = std::future::poll_fn(|cx| connection.poll_message(cx)).await;
    let told = match first {
        Some(Ok(tokio_postgres::AsyncMessage::Notice(notice))) => notice,
        other => panic!("expected the notice, got {other:?}"),
    };
    assert!(told.message().contains(&id), "{told:?}");
    tokio::spawn(connection);
    let rows = client.query("SELECT 1", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
}
