//! The planner's estimate: what of a statement reaches the target by it, and what policies make of it.

use sluice_tests::process::{Running, checked, wait_for};
use sluice_tests::target::Tap;
use sluice_tests::wire::PLAINTEXT;
use sluice_tests::{Gateway, Postgres, Settings, cargo};
use std::fs::{File, read_to_string};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    gateway: Gateway,
    shop: Postgres,
    tap: Tap,
    ada: String,
    dana: String,
}

fn stage_with(prepare: &str, settings: Settings) -> Stage {
    let shop = Postgres::start().unwrap();
    if !prepare.is_empty() {
        shop.superuser_sql(prepare).unwrap();
    }
    let tap = Tap::start(Some(shop.port())).unwrap();
    let settings = Settings {
        target_port: Some(tap.port()),
        config: PLAINTEXT.to_owned(),
        ..settings
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
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

impl Stage {
    /// Runs a statement that waits, gives what approvers are shown of it, and has it denied.
    fn hold_and_deny(&self, sql: &str) -> serde_json::Value {
        let screen = File::create(self.gateway.home().join("screen")).unwrap();
        let mut psql = self.gateway.psql_command(&self.ada);
        psql.args(["-c", sql])
            .stdout(screen.try_clone().unwrap())
            .stderr(screen);
        let mut psql = Running::start(&mut psql, "KILL").unwrap();
        let id = self.gateway.pending_approval().unwrap();
        let listed = self.gateway.admin_json(&["approvals"]).unwrap();
        let deny = ["deny", &id, "--reason", "no"];
        checked(&mut self.gateway.sluice_as(&self.dana, &deny)).unwrap();
        assert!(!psql.wait(PATIENCE).unwrap().success());
        listed["approvals"][0].clone()
    }

    /// The texts that reached the target, without those by which the gateway reads what exists.
    fn reached(&self) -> Vec<String> {
        let all = self.tap.messages().into_iter().flatten();
        let texts =
            all.filter(|(tag, text)| matches!(tag, 'Q' | 'P') && !text.contains("pg_catalog."));
        texts.map(|(_, text)| text).collect()
    }

    async fn client(&self) -> Client {
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.gateway.port)
            .user("app")
            .dbname("shop")
            .password(&self.ada);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

const ONE: &str = "DELETE FROM payments WHERE order_id = 1";

#[test]
fn of_a_held_and_denied_statement_the_target_hears_one_explain_and_nothing_else() {
    let stage = stage_with("", Settings::default());
    let shown = stage.hold_and_deny(ONE);
    assert!(shown["estimated_rows"].as_i64().is_some(), "{shown}");
    let explain = format!("EXPLAIN (FORMAT JSON) {ONE}");
    assert_eq!(
        stage.reached(),
        ["BEGIN READ ONLY; SELECT 1", &explain, "ROLLBACK"]
    );
    // Its connection says that and nothing more, and could not change anything.
    let all = stage.tap.messages();
    let planner = all
        .iter()
        .find(|one| one.iter().any(|(_, text)| *text == explain));
    let tags: String = planner.unwrap().iter().map(|(tag, _)| *tag).collect();
    assert_eq!(tags, "QPBESQX");
    assert!(
        stage
            .tap
            .saw("default_transaction_read_only\0on\0search_path")
    );
    assert!(stage.shop.log().unwrap().contains(&explain));
    // The record says so, in the order in which it happened.
    let sessions = stage.gateway.home().join("data/records/sessions");
    let folder = std::fs::read_dir(sessions)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let id = folder.file_name().into_string().unwrap();
    let record = stage.gateway.admin(&["replay", &id, "--json"]).unwrap();
    let events: Vec<serde_json::Value> = record
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "session_opened",
            "asked",
            "estimate_asked",
            "estimate_answered",
            "held",
            "hold_ended",
            "answered",
            "session_closed"
        ]
    );
    assert_eq!(events[2]["text"], ONE);
    assert_eq!(events[3]["rows"], shown["estimated_rows"]);
    assert_eq!(events[6]["outcome"]["cut"], "not forwarded");
    stage.gateway.verify().unwrap();
}

/// Tables whose planning runs a routine that somebody wrote, each in another way.
const CODED: &str = "
CREATE FUNCTION leak(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'leaked %', $1; RETURN $1; END $$;
CREATE TABLE plain (id int);
CREATE TABLE by_default (id int DEFAULT leak(1));
CREATE TABLE by_check (id int CHECK (id > leak(2)));
CREATE TABLE by_index (id int);
CREATE INDEX ON by_index ((id + leak(3)));
CREATE TABLE by_policy (id int);
ALTER TABLE by_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON by_policy USING (id > leak(4));
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
CREATE INDEX ON child ((id + leak(5)));
CREATE VIEW by_view AS SELECT id + leak(6) AS id FROM plain;
GRANT ALL ON plain, by_default, by_check, by_index, by_policy, parent, child, by_view TO shop_app;";

#[test]
fn no_code_that_somebody_wrote_runs_for_an_estimate() {
    let stage = stage_with(CODED, Settings::default());
    let plain = stage.hold_and_deny("DELETE FROM plain WHERE id = 1");
    assert!(plain["estimated_rows"].as_i64().is_some(), "{plain}");
    let before = stage.reached();
    let leaks = || stage.shop.log().unwrap().matches("LOG:  leaked").count();
    let leaked = leaks();
    for table in [
        "by_default",
        "by_check",
        "by_index",
        "by_policy",
        "parent",
        "child",
    ] {
        let held = stage.hold_and_deny(&format!("DELETE FROM {table} WHERE id = 1"));
        assert!(held["estimated_rows"].is_null(), "{table}: {held}");
    }
    let held = stage.hold_and_deny("DELETE FROM plain WHERE id IN (SELECT id FROM by_view)");
    assert!(held["estimated_rows"].is_null(), "{held}");
    assert_eq!((stage.reached(), leaks()), (before.clone(), leaked));
    // It would have, by being planned.
    stage
        .shop
        .superuser_sql("EXPLAIN INSERT INTO by_default DEFAULT VALUES")
        .unwrap();
    assert!(leaks() > leaked);
    // An operator is used everywhere.
    stage
        .shop
        .superuser_sql(
            "CREATE FUNCTION same(int, text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
             CREATE OPERATOR === (LEFTARG = int, RIGHTARG = text, FUNCTION = same)",
        )
        .unwrap();
    let stage = Stage {
        gateway: Gateway::start(
            &stage.shop,
            Settings {
                target_port: Some(stage.tap.port()),
                ..Settings::default()
            },
        )
        .unwrap(),
        ..stage
    };
    let stage = Stage {
        ada: stage.gateway.token("user:ada").unwrap(),
        dana: stage.gateway.token("user:dana").unwrap(),
        ..stage
    };
    let held = stage.hold_and_deny("DELETE FROM plain WHERE id = 1");
    assert!(held["estimated_rows"].is_null(), "{held}");
    assert_eq!(stage.reached(), before);
}

#[test]
fn what_values_are_checked_by_does_not_run_for_an_estimate() {
    for domain in [
        "CREATE FUNCTION wipe(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN DELETE FROM plain; RETURN true; END'; \
        CREATE DOMAIN watched AS int CHECK (wipe(value))",
        "CREATE DOMAIN watched AS int CHECK (set_config('default_transaction_read_only', 'off', false) IS NOT NULL)",
    ] {
        let prepare = format!(
            "CREATE TABLE plain (id int); INSERT INTO plain VALUES (7); GRANT ALL ON plain TO shop_app; {domain}"
        );
        let stage = stage_with(&prepare, Settings::default());
        let held = stage.hold_and_deny("DELETE FROM plain WHERE '{1}'::watched[] IS NOT NULL");
        assert!(held["estimated_rows"].is_null(), "{held}");
        assert_eq!(stage.reached(), [""; 0], "{domain}");
        let left = stage.shop.superuser_sql("SELECT count(*) FROM plain");
        assert_eq!(left.unwrap(), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_more_statements_than_are_estimated_is_refused() {
    let stage = stage_with("ANALYZE", few_rows());
    let client = stage.client().await;
    let one = "DELETE FROM payments WHERE order_id = 0";
    let (enough, more) = (vec![one; 16].join(";"), vec![one; 17].join(";"));
    assert!(client.simple_query(&enough).await.is_ok());
    let error = client.simple_query(&more).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "0A000");
    assert!(!stage.reached().contains(&more));
}

/// Few rows may be changed; for many there is no approval either.
fn few_rows() -> Settings {
    let demo = read_to_string(cargo::root().join("demo/resources/policies.cedar")).unwrap();
    let asked = "when { context.approved_by.contains(Group::\"dba\") };";
    assert!(demo.contains(asked));
    let few = "when { context has sql && context.sql has estimated_rows && context.sql.estimated_rows <= 5 };";
    Settings::default().policies(&demo.replace(asked, few))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_decides_by_the_estimate_with_bound_values() {
    let stage = stage_with("ANALYZE", few_rows());
    let client = stage.client().await;
    let sqlstate = |answer: Result<u64, tokio_postgres::Error>| {
        let error = answer.unwrap_err();
        error
            .code()
            .map(|code| code.code().to_owned())
            .unwrap_or_default()
    };
    let by_order = client
        .prepare("DELETE FROM payments WHERE order_id = $1")
        .await
        .unwrap();
    for order in [1_i32, 2] {
        client.execute(&by_order, &[&order]).await.unwrap();
    }
    let above = client
        .prepare("DELETE FROM payments WHERE order_id > $1")
        .await
        .unwrap();
    assert_eq!(sqlstate(client.execute(&above, &[&0_i32]).await), "42501");
    assert_eq!(client.execute(&above, &[&1_000_000_i32]).await.unwrap(), 0);
    // What hides the change does not lower the estimate.
    let hidden = "WITH gone AS (DELETE FROM payments RETURNING 1) SELECT count(*) FROM gone";
    assert_eq!(sqlstate(client.execute(hidden, &[]).await), "42501");
    for (text, allowed) in [
        ("DELETE FROM payments", false),
        (
            "UPDATE payments SET order_id = order_id WHERE order_id = 3",
            true,
        ),
        ("UPDATE payments SET order_id = order_id", false),
    ] {
        assert_eq!(client.simple_query(text).await.is_ok(), allowed, "{text}");
    }
    // Refused whatever the estimate is: the planner is not asked.
    let file = "DELETE FROM payments WHERE order_id = length(pg_read_file('/etc/hostname'))";
    assert!(client.simple_query(file).await.is_err());
    assert!(
        client
            .simple_query("SELECT count(*) FROM payments")
            .await
            .is_ok()
    );
    let reached = stage.reached();
    assert!(reached.iter().any(|text| {
        text.starts_with("EXPLAIN (FORMAT JSON) DELETE FROM payments WHERE order_id > $1")
    }));
    for never in ["pg_read_file", "EXPLAIN (FORMAT JSON) SELECT"] {
        assert!(
            !reached.iter().any(|text| text.contains(never)),
            "{never} in {reached:?}"
        );
    }
    stage.gateway.verify().unwrap();
}

#[test]
fn an_operation_that_runs_by_its_estimate_outlives_new_snapshots() {
    let stage = stage_with("ANALYZE", few_rows());
    let mut psql = stage.gateway.psql_command(&stage.ada);
    // Slow enough to be running when something is published.
    psql.args(["-c", "UPDATE payments SET order_id = order_id FROM (SELECT count(*) FROM generate_series(1, 10000000)) AS slow WHERE order_id = 3"]);
    let mut psql = Running::start(&mut psql, "KILL").unwrap();
    wait_for("the statement to run", || {
        Ok(stage
            .shop
            .log()?
            .contains("statement: UPDATE payments")
            .then_some(()))
    })
    .unwrap();
    stage.gateway.token("user:dana").unwrap();
    assert!(psql.wait(PATIENCE).unwrap().success());
}
