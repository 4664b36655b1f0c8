//! The ways in, with real clients: workloads by their CI system's own token, agents, bound and replaced tokens.

use serde_json::json;
use sluice_tests::issuer::Issuer;
use sluice_tests::process::printed;
use sluice_tests::{Gateway, Postgres, Settings};

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
    let port = sluice_tests::process::free_port().unwrap();
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
        let mut command = std::process::Command::new("psql");
        let address = gateway.address("shop", "app");
        printed(
            command
                .args(["-XAtq", "-d", &address, "-c", "SELECT 1"])
                .env("PGPASSWORD", secret),
        )
    };
    assert_eq!(own(&workload).unwrap().trim(), "1");
}
