//! Live sessions feel a change within one second, also in the middle of a long result.

use serde_json::{Value, json};
use sluice_tests::issuer::Issuer;
use sluice_tests::process::{Running, checked, printed, wait_for, wait_within};
use sluice_tests::scim::{PROVISIONS, Provisioner};
use sluice_tests::wire::{PLAINTEXT, Wire, text};
use sluice_tests::{Gateway, Postgres, Settings};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn stage() -> (Postgres, Gateway, String) {
    let shop = Postgres::start().unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default()
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    (shop, gateway, token)
}

/// Rows for minutes, unless something ends them.
const LONG: &str = "SELECT a.id, b.name FROM customers a, customers b, customers c, orders d";

/// Starts the long result, does `change` in the middle of it, and asserts that it ends within a second of that.
fn cut_by(change: impl FnOnce(&Gateway)) {
    let (_shop, gateway, token) = stage();
    cut(&gateway, &token, change);
}

/// The same with a stage of one's own.
fn cut(gateway: &Gateway, token: &str, change: impl FnOnce(&Gateway)) {
    let mut wire = Wire::login(gateway.port, token).unwrap();
    wire.send('Q', &text(LONG)).unwrap();
    while wire.read().unwrap().unwrap().tag != 'D' {}
    let before = Instant::now();
    let reader = std::thread::spawn(move || {
        let mut last = None;
        while let Ok(Some(message)) = wire.read() {
            let error = message.tag == 'E';
            last = Some(message);
            if error {
                break;
            }
        }
        (Instant::now(), last)
    });
    change(gateway);
    let changed = Instant::now();
    let (ended, last) = reader.join().unwrap();
    let took = ended.saturating_duration_since(changed);
    assert!(
        took < Duration::from_secs(1),
        "{took:?} after the change, {:?} after its start",
        ended - before
    );
    let last = last.unwrap();
    assert_eq!(last.tag, 'E', "the client is told why");
}

#[test]
fn disabling_a_user_cuts_a_long_result() {
    cut_by(|gateway| {
        gateway.admin(&["disable", "user:ada"]).unwrap();
    });
}

#[test]
fn offboarding_a_person_cuts_a_long_result() {
    cut_by(|gateway| {
        gateway.admin(&["offboard", "user:ada", "--yes"]).unwrap();
    });
}

/// What an identity provider takes away is felt as what an administrator does.
#[test]
fn what_a_provider_takes_away_cuts_a_long_result() {
    let provider =
        "kind: IdentityProvider\nname: corp\noidc: {issuer: 'https://idp.example', client_id: x}\n";
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default().resource("corp.yaml", &format!("{provider}{PROVISIONS}"))
    };
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, settings).unwrap();
    let corp = Provisioner::new(&gateway).unwrap();
    let kim = corp.person("kim").unwrap();
    let group = corp.group("engineering", &[&kim]).unwrap();
    let token = gateway.token("user:kim").unwrap();
    let (person, members) = (format!("/Users/{kim}"), format!("/Groups/{group}"));
    let off = json!({"op": "Replace", "path": "active", "value": "False"});
    cut(&gateway, &token, |_| {
        drop(corp.change(&person, &off).unwrap())
    });
    let on = json!({"op": "Replace", "path": "active", "value": "True"});
    corp.change(&person, &on).unwrap();
    let out = json!({"op": "Remove", "path": format!("members[value eq \"{kim}\"]")});
    cut(&gateway, &token, |_| {
        drop(corp.change(&members, &out).unwrap())
    });
    let back = json!({"op": "Add", "path": "members", "value": [{"value": kim}]});
    corp.change(&members, &back).unwrap();
    cut(&gateway, &token, |_| {
        corp.send("DELETE", &person, &json!({})).unwrap();
    });
}

#[test]
fn ending_a_trusted_issuer_cuts_a_long_result_of_its_workload() {
    let shop = Postgres::start().unwrap();
    let issuer = Issuer::new().unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default().resource("trust.yaml", &issuer.trusted())
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = issuer.token(&serde_json::json!({})).unwrap();
    cut(&gateway, &token, |gateway| {
        std::fs::remove_file(gateway.home().join("resources/trust.yaml")).unwrap();
    });
}

#[test]
fn revoking_the_token_cuts_a_long_result() {
    cut_by(|gateway| {
        let tokens = gateway.admin(&["token", "list"]).unwrap();
        let id = tokens
            .split_whitespace()
            .find(|word| word.starts_with("t-"))
            .unwrap();
        gateway.admin(&["token", "revoke", id]).unwrap();
    });
}

#[test]
fn killing_the_session_cuts_a_long_result() {
    cut_by(|gateway| {
        let sessions = gateway.admin(&["sessions", "--live"]).unwrap();
        let id = sessions
            .split_whitespace()
            .find(|word| word.starts_with("s-"))
            .unwrap();
        gateway.admin(&["kill", id]).unwrap();
    });
}

#[test]
fn a_policy_that_no_longer_permits_cuts_a_long_result() {
    cut_by(|gateway| {
        gateway
            .write_resource(
                "policies.cedar",
                "@id(\"only-connect\") permit (principal, action == Action::\"connect\", resource);",
            )
            .unwrap();
        // From the moment that the gateway has taken the file.
        apply(gateway);
    });
}

/// Applies what lies in the resources directory now.
fn apply(gateway: &Gateway) {
    let resources = gateway.home().join("resources").display().to_string();
    gateway.admin(&["apply", "-f", &resources]).unwrap();
}

#[test]
fn leaving_a_group_cuts_a_long_result() {
    cut_by(|gateway| {
        let file = gateway.home().join("resources/people.yaml");
        let people = std::fs::read_to_string(file).unwrap();
        let without = people.replacen("groups: [engineering]", "groups: [guests]", 1);
        assert_ne!(people, without);
        gateway.write_resource("people.yaml", &without).unwrap();
        apply(gateway);
    });
}

#[test]
fn a_connection_that_leads_elsewhere_cuts_a_long_result() {
    cut_by(|gateway| {
        let file = gateway.home().join("resources/shop.yaml");
        let shop = std::fs::read_to_string(file).unwrap();
        let elsewhere = shop.replace("database: shop", "database: postgres");
        assert_ne!(shop, elsewhere);
        gateway.write_resource("shop.yaml", &elsewhere).unwrap();
        apply(gateway);
    });
}

/// Everything but seeing sensitive values: masking is the slowest part, so that both peers always have something for the
/// gateway to do.
const OPEN: &str = "permit (principal, action in [Action::\"connect\", Action::\"read\", Action::\"run\"], resource);";
const BUSY: &str =
    "COPY (SELECT ssn, email, phone, name FROM customers, generate_series(1, 10000000)) TO STDOUT";

/// Nothing is published when a policy's time comes: the session has to look at the clock itself, however busy it is.
#[test]
fn a_policy_whose_time_has_come_cuts_a_long_result() {
    let shop = Postgres::start().unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default().policies(OPEN)
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    let mut psql = gateway.psql_command(&token);
    psql.args(["-c", BUSY])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut psql = Running::start(&mut psql, "KILL").unwrap();
    let running = || Ok(shop.ran("generate_series").unwrap().then_some(()));
    wait_for("the result", running).unwrap();
    let until = closing_ahead(&gateway);
    assert!(!psql.wait(Duration::from_secs(60)).unwrap().success());
    let cut = cut_at(&gateway, &token);
    assert!(cut >= until, "cut {:?} too early", until - cut);
    assert!(cut - until < Duration::from_secs(2), "{:?}", cut - until);
}

/// Forbids reading from a moment on that is still ahead once the gateway knows of it, however long that takes, and says
/// when. Time since the epoch.
fn closing_ahead(gateway: &Gateway) -> Duration {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for ahead in [4, 8, 16, 32] {
        let until = Duration::from_secs(now().as_secs() + ahead);
        let at = format!("@{}", until.as_secs());
        let moment = checked(Command::new("date").args(["-u", "-d", &at, "+%FT%TZ"])).unwrap();
        let moment = String::from_utf8(moment.stdout).unwrap();
        let closing = format!(
            "{OPEN}\nforbid (principal, action in Action::\"read\", resource) when {{ context.now >= datetime(\"{}\") }};",
            moment.trim()
        );
        gateway.write_resource("policies.cedar", &closing).unwrap();
        apply(gateway);
        if now() < until {
            return until;
        }
    }
    panic!("expected the gateway to take a policy within half a minute");
}

/// When the gateway cut an operation of the one session, as its record says: how soon a client on a busy machine reads
/// that is another matter. Time since the epoch.
fn cut_at(gateway: &Gateway, token: &str) -> Duration {
    let sessions = gateway.admin_json(&["sessions"]).unwrap();
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    let events = printed(&mut gateway.sluice_as(token, &["replay", id, "--json"])).unwrap();
    let events = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut cuts = events.filter(|event| !event["outcome"]["cut"].is_null());
    Duration::from_micros(cuts.next().unwrap()["at"].as_u64().unwrap())
}

#[test]
fn an_idle_session_of_a_disabled_user_ends_and_no_new_one_begins() {
    let (_shop, gateway, token) = stage();
    let mut wire = Wire::login(gateway.port, &token).unwrap();
    gateway.admin(&["disable", "user:ada"]).unwrap();
    let disabled = Instant::now();
    while wire.read().unwrap().is_some() {}
    assert!(
        disabled.elapsed() < Duration::from_secs(1),
        "{:?}",
        disabled.elapsed()
    );
    assert!(Wire::login(gateway.port, &token).is_err());
    gateway.admin(&["enable", "user:ada"]).unwrap();
    assert!(Wire::login(gateway.port, &token).is_ok());
}

#[test]
fn a_token_that_ends_takes_its_sessions_along() {
    let (_shop, gateway, _) = stage();
    let secret = gateway
        .admin(&["token", "create", "--for", "user:ada", "--ttl", "2s"])
        .unwrap();
    let mut wire = Wire::login(gateway.port, secret.trim_end()).unwrap();
    let begun = Instant::now();
    while wire.read().unwrap().is_some() {}
    assert!(
        begun.elapsed() < Duration::from_millis(3_500),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_changed_policy_file_is_taken_and_a_broken_one_leaves_the_last_good_one() {
    let (_shop, gateway, token) = stage();
    let policies =
        std::fs::read_to_string(gateway.home().join("resources/policies.cedar")).unwrap();
    gateway.refusal(&token, "SELECT order_total(1)").unwrap();
    let more = "\n@id(\"eng-runs\") permit (principal in Group::\"engineering\", action in Action::\"run\", resource);\n";
    gateway
        .write_resource("policies.cedar", &format!("{policies}{more}"))
        .unwrap();
    wait_within(Duration::from_secs(10), "the new policy", || {
        Ok(gateway
            .answer(&token, "SELECT order_total(1)")
            .is_ok()
            .then_some(()))
    })
    .unwrap();
    gateway
        .write_resource(
            "policies.cedar",
            "permit (principal, action == Action::\"reed\", resource);",
        )
        .unwrap();
    wait_for("the gateway to say what is wrong", || {
        Ok(gateway.log()?.contains("policies.cedar").then_some(()))
    })
    .unwrap();
    assert!(
        gateway.answer(&token, "SELECT order_total(1)").is_ok(),
        "the last good snapshot stays"
    );
}

#[test]
fn a_drain_lets_running_statements_end() {
    let (shop, mut gateway, token) = stage();
    let mut wire = Wire::login(gateway.port, &token).unwrap();
    wire.send(
        'Q',
        &text("SELECT count(*) FROM customers a, customers b, customers c"),
    )
    .unwrap();
    wait_for("the statement at the target", || {
        let active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%customers c' AND pid <> pg_backend_pid()";
        Ok((shop.superuser_sql(active)? != "0").then_some(()))
    })
    .unwrap();
    gateway.process().signal("TERM").unwrap();
    let answers = wire.until_ready().unwrap();
    assert!(
        answers.iter().any(|message| message.tag == 'D'),
        "{answers:?}"
    );
    let status = gateway.process().wait(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}");
    checked(&mut gateway.sluice(&["audit", "verify"])).unwrap();
}

#[test]
fn a_gateway_that_drains_is_not_ready_while_it_goes_on_answering() {
    let (_shop, mut gateway, token) = stage();
    let mut wire = Wire::login(gateway.port, &token).unwrap();
    // Nobody reads the rest: the session goes on for as long as the client stays.
    wire.send('Q', &text(LONG)).unwrap();
    while wire.read().unwrap().unwrap().tag != 'D' {}
    gateway.https("/readyz").unwrap();
    gateway.process().signal("TERM").unwrap();
    let told = wait_for("the gateway not to be ready", || {
        let output = gateway.sluice(&["health", "--json"]).output()?;
        Ok((output.status.code() == Some(1)).then_some(output.stdout))
    })
    .unwrap();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["ready"]["failing"], serde_json::json!(["draining"]));
    assert!(gateway.https("/readyz").is_err(), "503 to a load balancer");
    gateway.https("/healthz").unwrap();
    assert!(
        gateway
            .admin(&["sessions", "--live"])
            .unwrap()
            .contains("user:ada"),
        "the API still serves"
    );
    assert!(Wire::login(gateway.port, &token).is_err());
    drop(wire);
    let status = gateway.process().wait(Duration::from_secs(30)).unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn the_list_of_sessions_says_what_each_client_calls_itself_and_how_much_is_on_record() {
    let (_shop, gateway, token) = stage();
    let parameters = [
        ("user", "app"),
        ("database", "shop"),
        ("application_name", "nightly report"),
    ];
    let mut wire = Wire::login_with(gateway.port, &token, &parameters).unwrap();
    wire.send('Q', &text("SELECT 1")).unwrap();
    wire.until_ready().unwrap();
    let live = gateway.admin_json(&["sessions", "--live"]).unwrap();
    let live = &live["sessions"][0];
    assert_eq!(live["application"], "nightly report");
    assert!(
        live["events"].as_u64().unwrap() >= 2,
        "the opening and the statement: {live}"
    );
    drop(wire);
    // The list is right at once, not only after the next checkpoint.
    let ended = wait_for("the session to end", || {
        let all = gateway.admin_json(&["sessions"])?;
        let one = all["sessions"][0].clone();
        Ok((one["live"] == false).then_some(one))
    })
    .unwrap();
    assert_eq!(ended["application"], "nightly report");
    let id = ended["id"].as_str().unwrap();
    let replayed = gateway.admin(&["replay", id, "--json"]).unwrap();
    assert_eq!(
        ended["events"].as_u64().unwrap(),
        replayed.lines().count() as u64,
        "{replayed}"
    );
}
