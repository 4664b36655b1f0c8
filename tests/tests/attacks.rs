//! Classes of attack known from the published history of comparable systems, each as a test that stays.

use sluice_tests::process::{free_port, resident_kib, wait_for};
use sluice_tests::wire::{
    VERSION_3_0, VERSION_3_2, Wire, bind, execute, message, parse, sqlstates, sync, tags, text,
};
use sluice_tests::{Gateway, Postgres, Settings, Stage};
use std::io::Read as _;
use std::time::{Duration, Instant};

fn stage_with(settings: Settings) -> Stage {
    Stage::start(settings).unwrap()
}

fn stage() -> Stage {
    stage_with(Settings::default())
}

#[test]
fn bytes_before_tls_are_never_taken_for_a_query() {
    let stage = stage();
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    let mut packet = vec![0, 0, 0, 8, 4, 210, 22, 47];
    packet.extend(message('Q', &text("SELECT 'smuggled'")).unwrap());
    wire.raw(&packet).unwrap();
    // Either the connection ends, or TLS fails on the smuggled bytes; never an answer.
    let mut all = Vec::new();
    while let Ok(Some(answer)) = wire.read() {
        all.push(answer.tag);
    }
    assert!(!all.contains(&'D') && !all.contains(&'Z'), "{all:?}");
    assert!(!stage.tap.saw("smuggled"));
}

#[test]
fn plaintext_is_refused_unless_the_listener_says_so() {
    let shop = Postgres::start().unwrap();
    let gateway = Gateway::start(&shop, Settings::default()).unwrap();
    let mut wire = Wire::connect(gateway.port).unwrap();
    wire.startup(VERSION_3_0, &[("user", "app"), ("database", "shop")])
        .unwrap();
    let answer = wire.read().unwrap().expect("an error and not silence");
    assert_eq!(
        answer.tag, 'E',
        "no password is asked for in clear: {answer:?}"
    );
    assert!(wire.read().unwrap().is_none(), "and the connection ends");
}

#[test]
fn lying_lengths_end_the_session_without_memory_or_forwarding() {
    let stage = stage();
    for length in [0_u32, 3, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
        let before = stage.tap.bytes();
        let mut wire = stage.login().unwrap();
        let login = stage.tap.bytes();
        assert!(login > before);
        let mut packet = vec![b'Q'];
        packet.extend(length.to_be_bytes());
        packet.extend(b"SELECT 1");
        wire.raw(&packet).unwrap();
        let answers = wire.until_ready().unwrap();
        assert!(
            answers.iter().all(|answer| answer.tag != 'D'),
            "{length}: {answers:?}"
        );
        assert!(!stage.tap.saw("SELECT 1"), "{length}");
    }
    // Before login as well.
    for packet in [
        &[0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0][..],
        &[0, 0, 0, 0],
        &[0x7f, 0, 0, 8, 0, 3, 0, 0],
    ] {
        let mut wire = Wire::connect(stage.gateway.port).unwrap();
        wire.raw(packet).unwrap();
        while let Ok(Some(answer)) = wire.read() {
            assert_eq!(answer.tag, 'E', "{packet:?}");
        }
    }
    assert!(resident_kib(stage.gateway.pid()).unwrap() / 1024 < 500);
    assert_eq!(stage.gateway.answer(&stage.token, "SELECT 1").unwrap(), "1");
}

#[test]
fn startup_parameters_are_allow_listed() {
    let stage = stage();
    for (name, value) in [
        ("options", "-c session_replication_role=replica"),
        ("options", "-c=log_statement=none"),
        ("session_replication_role", "replica"),
        ("replication", "database"),
        ("replication", "true"),
        ("role", "shop_owner"),
    ] {
        let outcome = Wire::login_with(
            stage.gateway.port,
            &stage.token,
            &[("user", "app"), ("database", "shop"), (name, value)],
        );
        let reached = stage.tap.saw(value) && value.len() > 4;
        assert!(!reached, "{name}={value} reached the target");
        // Refused, or left out: never in force.
        if let Ok(mut wire) = outcome {
            let answers = wire.query("SHOW session_replication_role").unwrap();
            assert!(
                !format!("{answers:?}").contains("replica\""),
                "{name}={value}"
            );
        }
    }
    let mut wire = Wire::login_with(
        stage.gateway.port,
        &stage.token,
        &[
            ("user", "app"),
            ("database", "shop"),
            ("application_name", "tests"),
            ("client_encoding", "UTF8"),
        ],
    )
    .unwrap();
    assert_eq!(tags(&wire.query("SELECT 1").unwrap()), "TDCZ");
}

#[test]
fn a_newer_minor_version_is_negotiated_and_an_older_protocol_refused() {
    let stage = stage();
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    wire.startup(VERSION_3_2, &[("user", "app"), ("database", "shop")])
        .unwrap();
    let first = wire.read().unwrap().unwrap();
    assert!(first.tag == 'R' || first.tag == 'v', "{first:?}");
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    wire.startup(2 << 16, &[("user", "app")]).unwrap();
    assert!(wire.read().unwrap().is_none_or(|answer| answer.tag == 'E'));
}

#[test]
fn message_types_that_are_not_understood_are_refused() {
    let stage = stage();
    for tag in ['F', 'z', '1', 'W', '\u{1}'] {
        let mut wire = stage.login().unwrap();
        let before = stage.tap.bytes();
        wire.send(tag, &text("SELECT 'unlisted'")).unwrap();
        let mut refused = false;
        while let Ok(Some(answer)) = wire.read() {
            refused |= answer.tag == 'E';
            if answer.tag == 'Z' {
                break;
            }
        }
        assert!(refused, "{tag:?} was not refused");
        assert!(!stage.tap.saw("unlisted"), "{tag:?} reached the target");
        drop(wire);
        // At most the goodbye and what a clean end needs.
        assert!(stage.tap.bytes() - before < 64, "{tag:?}");
    }
}

#[test]
fn a_second_startup_or_login_in_a_session_is_refused() {
    let stage = stage();
    let mut wire = stage.login().unwrap();
    wire.startup(VERSION_3_0, &[("user", "owner"), ("database", "shop")])
        .unwrap();
    let mut answers = String::new();
    while let Ok(Some(answer)) = wire.read() {
        answers.push(answer.tag);
    }
    assert!(!answers.contains('R'), "a second login began: {answers}");
}

#[test]
fn a_second_startup_in_the_middle_of_a_login_is_refused() {
    let stage = stage();
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    let owner = [("user", "owner"), ("database", "shop")];
    wire.startup(VERSION_3_0, &[("user", "app"), ("database", "shop")])
        .unwrap();
    wire.startup(VERSION_3_0, &owner).unwrap();
    wire.send('p', &text(&stage.token)).unwrap();
    let mut answers = String::new();
    while let Ok(Some(answer)) = wire.read() {
        answers.push(answer.tag);
    }
    // The request for a password, and the end.
    assert!(matches!(answers.as_str(), "R" | "RE"), "{answers}");
    assert_eq!(stage.tap.connections(), 0, "no login at the target began");
}

#[test]
fn a_failed_login_leaves_nothing_for_the_next_one() {
    let stage = stage();
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    wire.startup(VERSION_3_0, &[("user", "app"), ("database", "shop")])
        .unwrap();
    wire.password("sluice_wrong").unwrap();
    let answers = wire.until_ready().unwrap();
    assert_eq!(tags(&answers), "E");
    assert_eq!(answers[0].sqlstate(), "28P01");
    // Sending the right one afterwards is too late.
    let _ = wire.send('p', &text(&stage.token));
    assert!(wire.read().map_or(true, |answer| answer.is_none()));
    assert!(!stage.tap.saw("sluice_"), "a token reached the target");
}

#[test]
fn names_compare_byte_for_byte() {
    let stage = stage();
    for (user, database) in [
        ("APP", "shop"),
        ("app ", "shop"),
        ("app", "SHOP"),
        ("app", "shop "),
        ("app", "shop/"),
        ("app", "../shop"),
    ] {
        let outcome = Wire::login_with(
            stage.gateway.port,
            &stage.token,
            &[("user", user), ("database", database)],
        );
        assert!(outcome.is_err(), "{user:?} on {database:?} was let in");
    }
    let token = stage
        .gateway
        .sluice(&["token", "create", "--for", "user:Ada", "--ttl", "1h"])
        .output()
        .unwrap();
    assert!(!token.status.success(), "Ada is not ada");
}

#[test]
fn a_refusal_in_a_pipeline_skips_to_sync_and_reorders_nothing() {
    let stage = stage();
    let steps = |middle: &str| {
        let mut packet = Vec::new();
        for sql in ["SELECT 1", middle, "SELECT 3"] {
            packet.extend(parse("", sql).unwrap());
            packet.extend(bind("").unwrap());
            packet.extend(execute().unwrap());
        }
        packet.extend(sync().unwrap());
        packet
    };
    // What the server itself does with an error in the middle is the model.
    let mut wire = stage.login().unwrap();
    wire.raw(&steps("SELECT 1/0")).unwrap();
    let by_server = wire.until_ready().unwrap();
    wire.raw(&steps("DROP TABLE products")).unwrap();
    let by_gateway = wire.until_ready().unwrap();
    assert_eq!(sqlstates(&by_gateway), ["42501"]);
    // The gateway refuses at Parse or at Execute; the first answer is whole and in its place either way.
    assert!(tags(&by_server).starts_with("12DC"), "{}", tags(&by_server));
    assert!(
        tags(&by_gateway).starts_with("12DC"),
        "{}",
        tags(&by_gateway)
    );
    assert!(tags(&by_gateway).ends_with("EZ"), "{}", tags(&by_gateway));
    assert_eq!(
        tags(&by_gateway).matches('C').count(),
        1,
        "nothing runs after the refusal"
    );
    // After Sync all is well again.
    assert_eq!(tags(&wire.query("SELECT 4").unwrap()), "TDCZ");
    assert!(!stage.tap.saw("DROP TABLE"));
}

#[test]
fn an_implicit_transaction_is_undone_by_a_refusal() {
    let stage = stage_with(Settings::default().policies(
        "@id(\"all-but-drop\") permit (principal, action, resource) unless { action in Action::\"define\" };",
    ));
    let mut wire = stage.login().unwrap();
    let mut packet = Vec::new();
    for sql in [
        "INSERT INTO products VALUES (900, 'Ghost', 1, 1)",
        "DROP TABLE products",
    ] {
        packet.extend(parse("", sql).unwrap());
        packet.extend(bind("").unwrap());
        packet.extend(execute().unwrap());
    }
    packet.extend(sync().unwrap());
    wire.raw(&packet).unwrap();
    let answers = wire.until_ready().unwrap();
    assert_eq!(sqlstates(&answers), ["42501"]);
    assert_eq!(
        stage
            .shop
            .superuser_sql("SELECT count(*) FROM products WHERE id = 900")
            .unwrap(),
        "0",
        "a server would have rolled the pipeline back"
    );
}

#[test]
fn statements_that_hide_a_change_are_seen_for_what_they_are() {
    let stage = stage();
    for sql in [
        "TRUNCATE order_items",
        "DROP/**/TABLE products",
        "WITH gone AS (DELETE FROM products RETURNING *) SELECT * FROM gone",
        "/*x*/UPDATE products SET stock = 0",
        "EXPLAIN ANALYZE DELETE FROM products",
        "SELECT * INTO stolen FROM products",
        "CREATE TABLE stolen AS SELECT * FROM products",
        "DO $$ BEGIN EXECUTE 'DROP TABLE products'; END $$",
        "COPY products FROM PROGRAM 'echo 1'",
        "COPY products TO PROGRAM 'cat'",
        "COPY products TO '/tmp/products'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT set_config('session_replication_role', 'replica', false)",
        "SET session_replication_role = replica",
        "SET ROLE shop_owner",
        "SET SESSION AUTHORIZATION shop_owner",
        "SELECT query_to_xml('DELETE FROM products', true, true, '')",
        "SELECT pg_terminate_backend(1)",
        "SELECT nextval('pg_catalog.x')",
        "SELECT * FROM products FOR UPDATE",
        "LOCK TABLE products",
        "CALL something()",
        "ALTER SYSTEM SET log_statement = 'none'",
        "LOAD 'auto_explain'",
        "SELECT 1; COMMIT; DROP TABLE products",
    ] {
        let mut wire = stage.login().unwrap();
        wire.send('Q', &text(sql)).unwrap();
        // A hold tells the client; anything else is an error.
        let first = wire.read().unwrap().unwrap();
        assert!(matches!(first.tag, 'E' | 'N'), "{sql}: {first:?}");
        let seen = sql.split(';').next_back().unwrap_or(sql).trim();
        // For an approver the planner is asked what a held statement would touch; run it is not.
        assert!(!stage.shop.ran(seen).unwrap(), "{sql} ran on the target");
        assert!(
            first.tag == 'N' || !stage.tap.saw(seen),
            "{sql} reached the target"
        );
    }
}

#[test]
fn what_does_not_parse_or_is_too_long_is_refused_with_no_byte_upstream() {
    let stage = stage();
    let huge = format!("/*{}*/ DROP TABLE products", "x".repeat(8 << 20));
    for sql in [
        "SELEC 1",
        "SELECT 'open",
        "SELECT 1 \u{0}; DROP TABLE products",
        huge.as_str(),
    ] {
        let mut wire = stage.login().unwrap();
        let before = stage.tap.bytes();
        // The gateway may close on an oversized frame before all of it is sent.
        let sent = wire.send('Q', &text(sql));
        let answers = wire.until_ready().unwrap_or_default();
        if sent.is_ok() {
            assert!(
                answers
                    .iter()
                    .all(|answer| answer.tag != 'D' && answer.tag != 'C'),
                "{answers:?}"
            );
        }
        assert!(
            stage.tap.bytes() - before < 64,
            "{} bytes went upstream",
            stage.tap.bytes() - before
        );
        assert!(!stage.tap.saw("DROP TABLE"));
    }
}

#[test]
fn masks_hold_when_execute_comes_without_describe() {
    let stage = stage();
    let clear = stage
        .shop
        .superuser_sql("SELECT ssn FROM customers WHERE id = 7")
        .unwrap();
    let mut wire = stage.login().unwrap();
    for round in 0..3 {
        let mut packet = Vec::new();
        if round == 0 {
            packet.extend(parse("cached", "SELECT ssn FROM customers WHERE id = 7").unwrap());
        }
        packet.extend(bind("cached").unwrap());
        packet.extend(execute().unwrap());
        packet.extend(sync().unwrap());
        wire.raw(&packet).unwrap();
        let answers = wire.until_ready().unwrap();
        let row = answers
            .iter()
            .find(|answer| answer.tag == 'D')
            .unwrap()
            .row();
        let value = row[0].clone().unwrap();
        assert!(
            value != clear && value.contains('*'),
            "round {round}: {value}"
        );
    }
}

#[test]
fn a_slow_client_delays_nobody() {
    let stage = stage();
    let idle: Vec<Wire> = (0..200)
        .map(|_| Wire::connect(stage.gateway.port).unwrap())
        .collect();
    let mut half = Wire::connect(stage.gateway.port).unwrap();
    half.raw(&[0, 0, 0]).unwrap();
    let begun = Instant::now();
    assert_eq!(stage.gateway.answer(&stage.token, "SELECT 1").unwrap(), "1");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    drop(idle);
}

#[test]
fn a_hostile_target_ends_its_own_session_only() {
    // A target that claims a password round of two thousand million hashes, and then sends a row of nonsense.
    let port = free_port().unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        use std::io::Write as _;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut buffer = [0_u8; 1024];
            let _ = stream.read(&mut buffer);
            let mut mechanisms = 10_u32.to_be_bytes().to_vec();
            mechanisms.extend(b"SCRAM-SHA-256\0\0");
            let _ = stream.write_all(&message('R', &mechanisms).unwrap());
            let length = stream.read(&mut buffer).unwrap_or(0);
            let sent = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let nonce = sent.rsplit("r=").next().unwrap_or_default().to_owned();
            let mut challenge = 11_u32.to_be_bytes().to_vec();
            challenge.extend(format!("r={nonce}x,s=c2FsdA==,i=2147483647").bytes());
            let _ = stream.write_all(&message('R', &challenge).unwrap());
            let _ = stream.read(&mut buffer);
        }
    });
    let stage = stage_with(Settings::default().resource(
        "hostile.yaml",
        &format!(
            "kind: Connection\nname: hostile\nprotocol: postgres\nenvironment: prod\n\
             target: {{address: '127.0.0.1:{port}', database: x, tls: disable}}\n\
             accounts:\n  - {{name: app, default: true, username: x, password: {{env: SHOP_APP_PASSWORD}}}}\n"
        ),
    ));
    let begun = Instant::now();
    let outcome = Wire::login_with(
        stage.gateway.port,
        &stage.token,
        &[("user", "app"), ("database", "hostile")],
    );
    assert!(outcome.is_err());
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(stage.gateway.answer(&stage.token, "SELECT 1").unwrap(), "1");
}

#[test]
fn terminal_escapes_in_a_record_are_shown_inert() {
    let stage = stage();
    stage
        .gateway
        .psql(
            &stage.token,
            &["SELECT '\u{1b}]0;owned\u{7}\u{1b}[2J' AS x"],
        )
        .unwrap();
    let id = wait_for("the session in the list", || {
        let listed = stage.gateway.admin(&["sessions"])?;
        Ok(listed
            .split_whitespace()
            .find(|word| word.starts_with("s-"))
            .map(str::to_owned))
    })
    .unwrap();
    let shown = stage.gateway.admin(&["replay", &id]).unwrap();
    assert!(shown.contains("owned"), "{shown}");
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{7}'),
        "{shown:?}"
    );
}

#[test]
fn credentials_appear_in_no_sink() {
    let stage = stage();
    let dana = stage.gateway.token("user:dana").unwrap();
    stage
        .gateway
        .answer(&stage.token, "SELECT * FROM customers LIMIT 5")
        .unwrap();
    stage
        .gateway
        .refusal(&stage.token, "DROP TABLE products")
        .unwrap();
    let _ = Wire::login(stage.gateway.port, "sluice_wrong-canary");
    let mut sinks = vec![("log", stage.gateway.log().unwrap())];
    for page in ["/healthz", "/readyz", "/metrics"] {
        sinks.push((page, stage.gateway.https(page).unwrap_or_default()));
    }
    for arguments in [
        &["sessions"][..],
        &["approvals", "--all"],
        &["token", "list"],
        &["connections"],
    ] {
        sinks.push(("command", stage.gateway.admin(arguments).unwrap()));
    }
    for folder in ["data/records", "data"] {
        for entry in walk(&stage.gateway.home().join(folder)) {
            if entry.file_name().is_some_and(|name| name != "admin.token") {
                let bytes = std::fs::read(&entry).unwrap_or_default();
                sinks.push(("data", String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    let secrets = [
        stage.token.as_str(),
        &dana,
        "sluice_wrong-canary",
        sluice_tests::postgres::PASSWORD,
    ];
    for (sink, text) in &sinks {
        for secret in secrets {
            assert!(!text.contains(secret), "{sink} holds a credential");
        }
    }
    for secret in [stage.token.as_str(), &dana] {
        assert!(!stage.tap.saw(secret), "the target saw a caller's token");
        assert!(!stage.shop.log().unwrap().contains(secret));
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
