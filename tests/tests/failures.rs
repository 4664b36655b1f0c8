//! What happens when something fails: for each row, nothing reaches the target (or the caller) that should not.

use sluice_tests::postgres::{APP, PASSWORD};
use sluice_tests::process::{checked, free_port, wait_for};
use sluice_tests::target::Tap;
use sluice_tests::wire::{PLAINTEXT, Wire, bind, execute, parse, query, sync, tags};
use sluice_tests::{Gateway, Postgres, Settings};
use std::process::Command;

fn stage(settings: Settings) -> (Postgres, Tap, Gateway, String) {
    let shop = Postgres::start().unwrap();
    let tap = Tap::start(Some(shop.port())).unwrap();
    let settings = Settings {
        config: format!("{PLAINTEXT}{}", settings.config),
        target_port: Some(tap.port()),
        ..settings
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    (shop, tap, gateway, token)
}

#[test]
fn an_error_while_deciding_refuses() {
    // The engine skips a policy that fails; a forbid that fails must not vanish. Both sums and products are checked:
    // one of the two overflows at every hour of the day.
    let policies = "@id(\"all\") permit (principal, action, resource);\n\
                    @id(\"failing\") forbid (principal, action, resource) \
                    when { action == Action::\"sql:select\" \
                           && (context.clock.hour + 9223372036854775807) * 2 < 0 };\n";
    let (_shop, tap, gateway, token) = stage(Settings::default().policies(policies));
    let said = gateway.refusal(&token, "SELECT 'undecided'").unwrap();
    assert!(said.contains("42501"), "{said}");
    assert!(!tap.saw("undecided"));
    // The forbid says nothing about other actions.
    assert!(gateway.psql(&token, &["BEGIN"]).unwrap().status.success());
}

#[test]
fn a_policy_that_does_not_load_is_named_with_file_and_line() {
    let (_shop, _tap, gateway, token) = stage(Settings::default());
    let broken = gateway.home().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(
        broken.join("p.cedar"),
        "\n\npermit (principal, action == Action::\"reed\", resource);\n",
    )
    .unwrap();
    let output = gateway
        .sluice(&["check", "-f", &broken.display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(said.contains("p.cedar:3"), "{said}");
    let applied = gateway
        .sluice(&["apply", "-f", &broken.display().to_string()])
        .output()
        .unwrap();
    assert!(!applied.status.success());
    assert!(
        gateway.answer(&token, "SELECT 1").is_ok(),
        "the last good snapshot stays"
    );
}

#[test]
fn a_credential_that_cannot_be_leased_refuses_and_names_the_connection() {
    let shop_file =
        std::fs::read_to_string(sluice_tests::cargo::root().join("demo/resources/shop.yaml"))
            .unwrap();
    let missing = shop_file.replace("SHOP_APP_PASSWORD", "NO_SUCH_VARIABLE");
    let (_shop, tap, gateway, token) = stage(Settings::default().resource("shop.yaml", &missing));
    let said = gateway.refusal(&token, "SELECT 1").unwrap();
    assert!(said.contains("shop"), "{said}");
    assert_eq!(tap.bytes(), 0, "{said}");
}

#[test]
fn an_unreachable_target_is_the_protocols_own_error_and_recorded() {
    let (_shop, _tap, gateway, _) = stage(Settings::default());
    let nowhere = free_port().unwrap();
    gateway
        .write_resource(
            "nowhere.yaml",
            &format!(
                "kind: Connection\nname: nowhere\nprotocol: postgres\nenvironment: prod\n\
                 target: {{address: '127.0.0.1:{nowhere}', database: x, tls: disable}}\n\
                 accounts:\n  - {{name: app, default: true, username: x, password: {{env: SHOP_APP_PASSWORD}}}}\n"
            ),
        )
        .unwrap();
    let token = gateway.token("user:ada").unwrap();
    wait_for("the new connection", || {
        Ok(gateway
            .admin(&["connections"])?
            .contains("nowhere")
            .then_some(()))
    })
    .unwrap();
    let error = Wire::login_with(
        gateway.port,
        &token,
        &[("user", "app"), ("database", "nowhere")],
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("08"),
        "a connection exception: {error}"
    );
    wait_for("the record of it", || {
        Ok(gateway
            .admin(&["sessions"])?
            .contains("nowhere")
            .then_some(()))
    })
    .unwrap();
}

#[test]
fn what_cannot_be_recorded_does_not_run() {
    let (_shop, tap, gateway, token) = stage(Settings::default());
    assert!(gateway.answer(&token, "SELECT 1").is_ok());
    let sessions = gateway.home().join("data/records/sessions");
    // Root writes wherever it likes, so the directory is taken away instead of its permissions.
    let aside = gateway.home().join("aside");
    std::fs::rename(&sessions, &aside).unwrap();
    std::fs::write(&sessions, "").unwrap();
    let before = tap.saw("unrecorded");
    gateway.refusal(&token, "SELECT 'unrecorded'").unwrap();
    assert!(!before && !tap.saw("unrecorded"));
    std::fs::remove_file(&sessions).unwrap();
    std::fs::rename(&aside, &sessions).unwrap();
    assert!(
        gateway.answer(&token, "SELECT 1").is_ok(),
        "it goes on once writing works"
    );
}

/// How large a file the process may write, in bytes.
fn limit_files(pid: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    checked(Command::new("prlimit").args(["--pid", &pid.to_string(), &limit])).unwrap();
}

#[test]
fn a_full_disk_ends_sessions_that_cannot_be_recorded() {
    let settings = Settings {
        // A write beyond the limit is then an error, as on a full disk, and no signal.
        launcher: ["env", "--ignore-signal=XFSZ"].map(str::to_owned).into(),
        ..Settings::default()
    };
    let (_shop, tap, gateway, token) = stage(settings);
    let mut simple = Wire::login(gateway.port, &token).unwrap();
    let mut extended = Wire::login(gateway.port, &token).unwrap();
    for wire in [&mut simple, &mut extended] {
        wire.query("SELECT 'on record'").unwrap();
    }
    limit_files(gateway.pid(), "1");
    simple.raw(&query("SELECT 'unrecorded'").unwrap()).unwrap();
    let steps = [
        parse("", "SELECT 'unrecorded'").unwrap(),
        bind("").unwrap(),
        execute().unwrap(),
        sync().unwrap(),
    ];
    extended.raw(&steps.concat()).unwrap();
    for (how, wire) in [("simple", &mut simple), ("extended", &mut extended)] {
        let answers = wire.until_ready().unwrap();
        assert_eq!(tags(&answers), "E", "{how}: refused, and the session ends");
        let fields = answers[0].fields();
        assert!(fields[&'M'].contains("record"), "{how}: {fields:?}");
    }
    Wire::login(gateway.port, &token).unwrap_err();
    assert!(!tap.saw("unrecorded"), "no byte of it went to the target");
    limit_files(gateway.pid(), "unlimited");
    wait_for("the gateway to take sessions again", || {
        Ok(gateway.https("/readyz").ok())
    })
    .unwrap();
    assert!(gateway.answer(&token, "SELECT 1").is_ok());
    let verified = || checked(&mut gateway.sluice(&["audit", "verify"]));
    wait_for("the gap to be on record", || {
        let listed = gateway.admin(&["sessions"])?;
        let ids = listed.split_whitespace().filter(|id| id.starts_with("s-"));
        let gaps = ids.map(|id| gateway.admin(&["replay", id]));
        let gaps = gaps.filter(|shown| {
            shown
                .as_ref()
                .is_ok_and(|shown| shown.contains("something may be missing"))
        });
        Ok((gaps.count() >= 2).then_some(()))
    })
    .unwrap();
    verified().unwrap();
}

#[test]
fn a_login_that_the_target_took_back_opens_no_session() {
    let (shop, _tap, gateway, token) = stage(Settings::default());
    assert!(gateway.answer(&token, "SELECT 1").is_ok());
    // What is remembered of an earlier login must not stand in for it.
    for (taken, back) in [
        ("PASSWORD 'another'", format!("PASSWORD '{PASSWORD}'")),
        (
            "VALID UNTIL '2001-01-01'",
            "VALID UNTIL 'infinity'".to_owned(),
        ),
        ("NOLOGIN", "LOGIN".to_owned()),
    ] {
        let alter = |what: &str| shop.superuser_sql(&format!("ALTER ROLE {APP} {what}"));
        alter(taken).unwrap();
        let said = gateway.refusal(&token, "SELECT 2").unwrap();
        assert!(
            said.contains("refused the gateway's login"),
            "{taken}: {said}"
        );
        assert!(!said.contains(PASSWORD), "{taken}");
        alter(&back).unwrap();
        assert!(gateway.answer(&token, "SELECT 3").is_ok(), "{back}");
    }
    assert!(!shop.ran("SELECT 2").unwrap());
}

#[test]
fn the_end_of_the_target_in_a_session_is_told_and_the_gateway_lives() {
    let (mut shop, _tap, gateway, token) = stage(Settings::default());
    let mut wire = Wire::login(gateway.port, &token).unwrap();
    shop.crash().unwrap();
    let answers = wire.query("SELECT 1").unwrap_or_default();
    assert!(answers.iter().all(|answer| answer.tag != 'D'));
    assert!(gateway.https("/healthz").is_ok());
}

/// Statements that one client sends without waiting for answers.
const AHEAD: usize = 25;
/// Statements that ran before the kill, at least.
const LOAD: usize = 2_000;

#[test]
fn after_a_kill_no_statement_that_reached_the_target_is_missing_from_the_record() {
    let policies = "@id(\"all\") permit (principal, action, resource);";
    let (shop, _tap, mut gateway, token) = stage(Settings::default().policies(policies));
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (port, token) = (gateway.port, token.clone());
            std::thread::spawn(move || {
                let Ok(mut wire) = Wire::login(port, &token) else {
                    return;
                };
                for round in 0.. {
                    // Sent ahead, so that the kill meets statements in every state.
                    let packet = (0..AHEAD).flat_map(|number| {
                        query(&format!("SELECT 'mark-{client}-{round}-{number}-' AS x")).unwrap()
                    });
                    if wire.raw(&packet.collect::<Vec<_>>()).is_err() {
                        return;
                    }
                    for _ in 0..AHEAD {
                        if !matches!(wire.until_ready(), Ok(answers) if !answers.is_empty()) {
                            return;
                        }
                    }
                }
            })
        })
        .collect();
    wait_for("some load", || {
        let log = shop.log()?;
        let every = (0..8).all(|client| log.contains(&format!("mark-{client}-3-")));
        Ok((every && log.matches("mark-").count() > LOAD).then_some(()))
    })
    .unwrap();
    gateway.process().signal("KILL").unwrap();
    for client in clients {
        client.join().unwrap();
    }
    gateway.restart().unwrap();
    checked(&mut gateway.sluice(&["audit", "verify"])).unwrap();
    let listed = gateway.admin(&["sessions"]).unwrap();
    let mut recorded = String::new();
    for id in listed
        .split_whitespace()
        .filter(|word| word.starts_with("s-"))
    {
        recorded.push_str(&gateway.admin(&["replay", id]).unwrap());
    }
    let log = shop.log().unwrap();
    let marks: Vec<&str> = log
        .match_indices("mark-")
        .filter_map(|(at, _)| log.get(at..)?.split('\'').next())
        .collect();
    assert!(marks.len() > LOAD, "{}", marks.len());
    for mark in marks {
        assert!(recorded.contains(mark), "{mark} ran and is not on record");
    }
}

#[test]
fn verify_names_what_was_changed_and_passes_on_a_live_system() {
    let (_shop, _tap, mut gateway, token) = stage(Settings::default());
    let mut wire = Wire::login(gateway.port, &token).unwrap();
    wire.query("SELECT 'on record'").unwrap();
    checked(&mut gateway.sluice(&["audit", "verify"])).unwrap();
    drop(wire);
    let id = gateway
        .admin(&["sessions"])
        .unwrap()
        .split_whitespace()
        .find(|word| word.starts_with("s-"))
        .unwrap()
        .to_owned();
    gateway.process().stop();
    let data = gateway.home().join("data");
    let session = data.join("records/sessions").join(&id);
    let mut files: Vec<_> = std::fs::read_dir(&session)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let file = files.first().unwrap();
    let original = std::fs::read(file).unwrap();
    let verify = || {
        Command::new(gateway.binary())
            .args(["audit", "verify", "--data-dir"])
            .arg(&data)
            .output()
            .unwrap()
    };
    assert!(
        verify().status.success(),
        "{}",
        String::from_utf8_lossy(&verify().stderr)
    );
    let middle = original.len() / 2;
    let mut flipped = original.clone();
    flipped[middle] ^= 1;
    let cut = original[..middle].to_vec();
    for (what, bytes) in [
        ("a changed byte", flipped),
        ("a cut tail", cut),
        ("an empty file", Vec::new()),
    ] {
        std::fs::write(file, bytes).unwrap();
        let output = verify();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{what} was not found");
        assert!(said.contains(&id), "{what} names the session: {said}");
    }
    std::fs::write(file, &original).unwrap();
    std::fs::rename(&session, data.join("gone")).unwrap();
    assert!(
        !verify().status.success(),
        "a deleted session was not found"
    );
}
