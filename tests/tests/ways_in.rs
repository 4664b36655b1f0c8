//! The ways in, with real clients: workloads by their CI system's own token, agents, bound and replaced tokens.

use serde_json::json;
use sluice_tests::browser::Browser;
use sluice_tests::issuer::Issuer;
use sluice_tests::oidc::Place;
use sluice_tests::process::{free_port, printed};
use sluice_tests::wire::{PLAINTEXT, VERSION_3_0, Wire, text};
use sluice_tests::{Gateway, Postgres, Settings, cargo, clients};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn stage() -> (Postgres, Gateway, Issuer) {
    let shop = Postgres::start().unwrap();
    let issuer = Issuer::new().unwrap();
    let settings = Settings::default().resource("trust.yaml", &issuer.trusted());
    let gateway = Gateway::start(&shop, settings).unwrap();
    (shop, gateway, issuer)
}

/// The motivating story's other half: the job holds no database credential and no secret of the gateway's.
#[test]
fn a_ci_job_logs_in_with_its_own_token() {
    let (_shop, gateway, issuer) = stage();
    let main = issuer.token(&json!({})).unwrap();
    let answer = gateway
        .answer(&main, "SELECT count(*) > 0 FROM customers")
        .unwrap();
    assert_eq!(answer, "t");
    let masked = gateway
        .answer(&main, "SELECT ssn FROM customers LIMIT 1")
        .unwrap();
    assert!(masked.contains('*'), "{masked}");
    for (what, claims) in [
        ("another branch", json!({"ref": "refs/heads/next"})),
        ("another repository", json!({"repository": "acme/other"})),
        ("another audience", json!({"aud": "https://other.example"})),
        ("another issuer", json!({"iss": "https://other.example"})),
        (
            "expired",
            json!({"iat": 1_700_000_000, "exp": 1_700_000_300}),
        ),
        ("without an end", json!({"exp": null})),
        ("forever", json!({"exp": 9_999_999_999_u64})),
    ] {
        let token = issuer.token(&claims).unwrap();
        let refusal = gateway.refusal(&token, "SELECT 1").unwrap();
        assert!(
            refusal.contains("the token is not valid"),
            "{what}: {refusal}"
        );
    }
    // The record says who it was, and holds nothing of the token.
    let sessions = gateway.admin_json(&["sessions"]).unwrap();
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    let shown = gateway.admin(&["replay", id]).unwrap();
    assert!(shown.contains("repo:acme/reports of ci"), "{shown}");
    assert!(!shown.contains("eyJ") && !gateway.log().unwrap().contains("eyJ"));
}

#[test]
fn a_job_exchanges_its_token_at_the_api_for_one_of_the_gateways() {
    let (_shop, gateway, issuer) = stage();
    let main = issuer.token(&json!({})).unwrap();
    let made = printed(&mut gateway.sluice_as(&main, &["token", "create", "--ttl", "4m"])).unwrap();
    assert_eq!(gateway.answer(made.trim(), "SELECT 1").unwrap(), "1");
    let who = printed(&mut gateway.sluice_as(&main, &["whoami"])).unwrap();
    assert!(who.contains("service:reporting-job"), "{who}");
}

#[test]
fn an_agent_acts_for_its_owner_and_ends_with_a_command() {
    let (_shop, gateway, _issuer) = stage();
    let ada = gateway.token("user:ada").unwrap();
    let create = ["token", "create", "--agent", "helper", "--ttl", "10m"];
    let agent = printed(&mut gateway.sluice_as(&ada, &create)).unwrap();
    let agent = agent.trim();
    assert_eq!(gateway.answer(agent, "SELECT 1").unwrap(), "1");
    let listed = printed(&mut gateway.sluice_as(&ada, &["agents", "list"])).unwrap();
    assert!(
        listed.contains("agent:helper") && listed.contains("user:ada"),
        "{listed}"
    );
    let sessions = gateway.admin_json(&["sessions"]).unwrap();
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    let shown = gateway.admin(&["replay", id]).unwrap();
    assert!(
        shown.contains("agent:helper") && shown.contains("user:ada"),
        "{shown}"
    );
    printed(&mut gateway.sluice_as(&ada, &["agents", "end", "agent:helper"])).unwrap();
    let refusal = gateway.refusal(agent, "SELECT 1").unwrap();
    assert!(refusal.contains("the token is not valid"), "{refusal}");
}

#[test]
fn a_token_is_bound_to_addresses_and_replaced_with_an_overlap() {
    let (_shop, gateway, _issuer) = stage();
    let create = |from: &str| {
        let arguments = [
            "token", "create", "--for", "user:ada", "--ttl", "1h", "--from", from,
        ];
        gateway.admin(&arguments).unwrap().trim().to_owned()
    };
    let elsewhere = create("192.0.2.0/24");
    let refusal = gateway.refusal(&elsewhere, "SELECT 1").unwrap();
    assert!(refusal.contains("the token is not valid"), "{refusal}");
    let here = create("127.0.0.0/8");
    assert_eq!(gateway.answer(&here, "SELECT 1").unwrap(), "1");
    let tokens = gateway.admin_json(&["token", "list"]).unwrap();
    let bound = tokens["tokens"].as_array().unwrap().iter();
    let mut bound = bound.filter(|t| t["networks"] == json!(["127.0.0.0/8"]));
    let id = bound.next().unwrap()["id"].as_str().unwrap();
    let next = gateway
        .admin(&["token", "rotate", id, "--ttl", "1h", "--overlap", "1h"])
        .unwrap();
    for token in [here.as_str(), next.trim()] {
        assert_eq!(gateway.answer(token, "SELECT 1").unwrap(), "1");
    }
}

#[test]
fn a_listener_lets_in_by_the_ways_that_it_names() {
    let shop = Postgres::start().unwrap();
    let issuer = Issuer::new().unwrap();
    let port = free_port().unwrap();
    let settings = Settings {
        config: format!(
            "listeners: [{{connection: shop, address: '127.0.0.1:{port}', ways_in: [workload]}}]\n"
        ),
        ..Settings::default().resource("trust.yaml", &issuer.trusted())
    };
    let mut gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    let workload = issuer.token(&json!({})).unwrap();
    assert_eq!(gateway.answer(&token, "SELECT 1").unwrap(), "1");
    gateway.port = port;
    let refusal = gateway.refusal(&token, "SELECT 1").unwrap();
    assert!(refusal.contains("the token is not valid"), "{refusal}");
    let own = |secret: &str| {
        let mut command = Command::new("psql");
        let address = gateway.address("shop", "app");
        printed(
            command
                .args(["-XAtq", "-d", &address, "-c", "SELECT 1"])
                .env("PGPASSWORD", secret),
        )
    };
    assert_eq!(own(&workload).unwrap().trim(), "1");
}

/// ATTACKS 1, 2 and 5: whatever passwords follow each other in one connection, all sent before any answer, the session
/// is that of the first one, or there is none.
#[test]
fn no_order_of_passwords_gives_anothers_rights() {
    let shop = Postgres::start().unwrap();
    let issuer = Issuer::new().unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default().resource("trust.yaml", &issuer.trusted())
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    let job = issuer.token(&json!({})).unwrap();
    let passwords = [
        (ada.as_str(), Some("user:ada")),
        (job.as_str(), Some("service:reporting-job")),
        ("sluice_nothing", None),
        ("", None),
    ];
    let mut opened = 0;
    for order in orders(passwords.len()) {
        let mut wire = Wire::connect(gateway.port).unwrap();
        let parameters = [("user", "app"), ("database", "shop")];
        wire.startup(VERSION_3_0, &parameters).unwrap();
        for at in &order {
            // The gateway may have left already.
            let _ = wire.send('p', &text(passwords[*at].0));
        }
        while let Ok(Some(message)) = wire.read() {
            if message.tag == 'Z' {
                break;
            }
        }
        let expected = passwords[order[0]].1;
        opened += usize::from(expected.is_some());
        let sessions = gateway.admin_json(&["sessions"]).unwrap();
        let sessions = sessions["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), opened, "{order:?}");
        if let Some(principal) = expected {
            let newest = sessions
                .iter()
                .max_by_key(|s| s["id"].as_str().unwrap().to_owned());
            assert_eq!(newest.unwrap()["principal"], *principal, "{order:?}");
        }
    }
}

/// All orders of one to three of so many things, with repetition.
fn orders(n: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = (0..n).map(|at| vec![at]).collect();
    let mut longest = all.clone();
    for _ in 0..2 {
        let longer = longest
            .iter()
            .flat_map(|order| (0..n).map(|at| [order.clone(), vec![at]].concat()));
        longest = longer.collect();
        all.extend(longest.clone());
    }
    all
}

/// PostgreSQL 18's OAUTHBEARER, message by message: where tokens are had, then one of them.
#[test]
fn a_token_comes_by_sasl_where_the_listener_says_so() {
    let shop = Postgres::start().unwrap();
    let port = free_port().unwrap();
    let settings = Settings {
        config: format!(
            "{PLAINTEXT}listeners: [{{connection: shop, address: '127.0.0.1:{port}', ways_in: [oauthbearer]}}]\n"
        ),
        ..Settings::default()
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    let ask = |auth: &str| {
        let mut wire = Wire::connect(port).unwrap();
        wire.startup(VERSION_3_0, &[("user", "app"), ("database", "shop")])
            .unwrap();
        let offered = wire.read().unwrap().unwrap();
        assert_eq!(offered.body, b"\0\0\0\x0aOAUTHBEARER\0\0");
        let message = format!("n,,\u{1}auth={auth}\u{1}\u{1}");
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let body = [b"OAUTHBEARER\0".as_slice(), &length, message.as_bytes()].concat();
        wire.send('p', &body).unwrap();
        let answer = wire.read().unwrap().unwrap();
        (wire, answer)
    };
    let (mut wire, answer) = ask("");
    let told = String::from_utf8_lossy(&answer.body[4..]).into_owned();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["status"], "invalid_token");
    let discovery = told["openid-configuration"].as_str().unwrap();
    let path = discovery.splitn(4, '/').nth(3).unwrap();
    let found: serde_json::Value =
        serde_json::from_str(&gateway.https(&format!("/{path}")).unwrap()).unwrap();
    assert!(
        found["device_authorization_endpoint"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    wire.send('p', b"\x01").unwrap();
    assert_eq!(wire.read().unwrap().unwrap().tag, 'E');
    let (mut wire, answer) = ask(&format!("Bearer {ada}"));
    assert_eq!((answer.tag, &answer.body[..]), ('R', &[0, 0, 0, 0][..]));
    wire.until_ready().unwrap();
    let (_, answer) = ask("Bearer sluice_nothing");
    assert_eq!(answer.tag, 'E');
}

/// The same with the client library of PostgreSQL 18 itself: it finds where tokens are had, a person allows it in a
/// browser, and what is switched off is off.
#[test]
fn the_newest_client_library_logs_in_by_oauth() {
    let shop = Postgres::start().unwrap();
    let (place, issuer) = (Place::new().unwrap(), Issuer::new().unwrap());
    let port = free_port().unwrap();
    let settings = Settings {
        config: format!(
            "listeners: [{{connection: shop, address: '127.0.0.1:{port}', ways_in: [oauthbearer]}}]\n"
        ),
        ..Settings::default()
            .resource("corp.yaml", &place.resource(""))
            .resource("trust.yaml", &issuer.trusted())
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let people = json!({"1001": {"preferred_username": "kim", "groups": ["engineering"]}});
    let provider = place.start(&gateway, &people).unwrap();
    let client = |token: &str| {
        let mut client = Command::new(clients::python().unwrap());
        client
            .arg(cargo::root().join("tests/clients/libpq_oauth.py"))
            .env("PGHOST", "localhost")
            .env("PGPORT", port.to_string())
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", gateway.authority())
            .env("PGGSSENCMODE", "disable")
            .env(
                "ISSUER",
                format!("https://127.0.0.1:{}", gateway.https_port),
            )
            .env("TOKEN", token)
            .stdin(Stdio::null());
        client
    };
    let mut running = client("")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut page = String::new();
    let mut said = BufReader::new(running.stdout.take().unwrap());
    said.read_line(&mut page).unwrap();
    let browser = Browser::new(&gateway).unwrap();
    let asked = browser.sign_in(page.trim(), "1001").unwrap();
    assert!(asked.text.contains("Allow a terminal?"), "{}", asked.text);
    let form = asked.form().unwrap().with("decision", "allow");
    assert!(
        browser
            .send(&asked, &form)
            .unwrap()
            .text
            .contains("Allowed")
    );
    let mut answer = String::new();
    said.read_line(&mut answer).unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(
        answer.trim(),
        "(True, True)",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Any token of the gateway's does, and so does a workload's own; a wrong one does not.
    let jobs = issuer.token(&json!({})).unwrap();
    for token in [gateway.token("user:ada").unwrap(), jobs] {
        assert_eq!(printed(&mut client(&token)).unwrap().trim(), "(True, True)");
    }
    let refused = client("sluice_nonsense").output().unwrap();
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && why.contains("the token is not valid"),
        "{why}"
    );
    drop(provider);
}
