//! Trying a target out: each way in which it can fail is told, nothing is run there, and live traffic tells as well how
//! targets are.

use serde_json::{Value, json};
use sluice_tests::postgres::{PASSWORD, Postgres, Version};
use sluice_tests::process::{free_port, printed};
use sluice_tests::target::Tap;
use sluice_tests::{Gateway, Settings};
use std::process::Command;

/// What the local administrator's call of the API answers.
fn call(gateway: &Gateway, path: &str, body: Option<&Value>) -> Value {
    let secret = std::fs::read_to_string(gateway.home().join("data/admin.token")).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--max-time", "30", "--cacert"])
        .arg(gateway.authority())
        .args(["-H", &format!("authorization: Bearer {}", secret.trim())]);
    if let Some(body) = body {
        curl.args([
            "-H",
            "content-type: application/json",
            "-d",
            &body.to_string(),
        ]);
    }
    curl.arg(format!("https://127.0.0.1:{}{path}", gateway.https_port));
    serde_json::from_str(&printed(&mut curl).unwrap()).unwrap()
}

fn test(gateway: &Gateway, asked: &Value) -> Value {
    call(gateway, "/v1/connections/test", Some(asked))
}

/// The steps with whether they worked, and what the last one said.
fn steps(tested: &Value) -> (String, String) {
    let steps = tested["steps"]
        .as_array()
        .unwrap_or_else(|| panic!("{tested}"));
    let told = |step: &Value| {
        let mark = if step["ok"] == true { "" } else { "!" };
        format!("{mark}{}", step["name"].as_str().unwrap())
    };
    let last = steps.last().unwrap()["detail"].as_str().unwrap().to_owned();
    (steps.iter().map(told).collect::<Vec<_>>().join(" "), last)
}

/// A connection of a protocol, with more in its target, and an account with this password.
fn connection(name: &str, protocol: &str, port: u16, more: &str, password: &str) -> Value {
    let mut target = json!({"address": format!("127.0.0.1:{port}"), "tls": "disable"});
    for (key, value) in more
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='))
    {
        target[key] = value.into();
    }
    let account = match protocol {
        "http" => json!({"name": "app", "credential": {"bearer": {"token": {"env": password}}}}),
        _ => json!({"name": "app", "username": "shop_app", "password": {"env": password}}),
    };
    json!({
        "name": name, "protocol": protocol, "environment": "prod", "target": target,
        "accounts": [account],
    })
}

#[test]
fn each_way_to_fail_is_told_and_nothing_is_run() {
    let shop = Postgres::start_version(Version::System, &["ssl=off"]).unwrap();
    let tap = Tap::start(Some(shop.port())).unwrap();
    let settings = Settings {
        target_port: Some(tap.port()),
        environment: vec![(
            "WRONG_PASSWORD".to_owned(),
            "canary-of-the-wrong".to_owned(),
        )],
        ..Settings::default()
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let (right, wrong) = ("SHOP_APP_PASSWORD", "WRONG_PASSWORD");
    let (port, nobody) = (tap.port(), free_port().unwrap());
    for (protocol, port, more, password, expected, said) in [
        (
            "postgres",
            port,
            "database=shop",
            right,
            "credential connect tls login",
            "let the account in",
        ),
        (
            "postgres",
            port,
            "",
            right,
            "credential connect tls login",
            "let the account in",
        ),
        (
            "postgres",
            port,
            "database=shop",
            wrong,
            "credential connect tls !login",
            "28P01",
        ),
        (
            "postgres",
            port,
            "database=nowhere",
            right,
            "credential connect tls !login",
            "3D000",
        ),
        (
            "postgres",
            port,
            "tls=require",
            right,
            "credential connect !tls",
            "does not speak tls",
        ),
        (
            "postgres",
            port,
            "tls=verify-ca ca_file=/nowhere",
            right,
            "credential connect !tls",
            "/nowhere",
        ),
        (
            "postgres",
            nobody,
            "",
            right,
            "credential !connect",
            "refuses connections",
        ),
        (
            "postgres",
            port,
            "",
            "NOT_SET",
            "!credential",
            "environment variable",
        ),
        (
            "http",
            port,
            "",
            right,
            "credential connect tls",
            "in the clear",
        ),
        (
            "http",
            port,
            "tls=require",
            right,
            "credential connect !tls",
            "closed the connection",
        ),
        (
            "http",
            nobody,
            "",
            right,
            "credential !connect",
            "refuses connections",
        ),
        (
            "http",
            port,
            "",
            "NOT_SET",
            "!credential",
            "environment variable",
        ),
    ] {
        let draft = connection("drafted", protocol, port, more, password);
        let tested = test(&gateway, &json!({"draft": draft}));
        let (told, last) = steps(&tested);
        assert_eq!(told, expected, "{draft}: {tested}");
        assert!(last.contains(said), "{draft}: {tested}");
        assert_eq!(tested["ok"], !expected.contains('!'), "{tested}");
        for secret in [PASSWORD, "canary-of-the-wrong"] {
            assert!(!tested.to_string().contains(secret), "{tested}");
        }
    }
    // Only what logs in, and the end.
    let messages = tap.messages();
    let tags = messages.iter().flatten().map(|(tag, _)| *tag);
    let run: Vec<char> = tags.filter(|tag| "QPBEDF".contains(*tag)).collect();
    assert!(run.is_empty(), "{messages:?}");
    // A draft is nobody's health.
    let listed = call(&gateway, "/v1/connections", None);
    assert!(listed["connections"][0].get("health").is_none(), "{listed}");
}

#[test]
fn tests_and_live_traffic_tell_how_targets_are() {
    let shop = Postgres::start().unwrap();
    let gone = connection(
        "gone",
        "postgres",
        free_port().unwrap(),
        "database=shop",
        "SHOP_APP_PASSWORD",
    );
    let mut file = gone;
    file["kind"] = "Connection".into();
    let settings = Settings::default().resource("gone.yaml", &file.to_string());
    let gateway = Gateway::start(&shop, settings).unwrap();
    let health = |name: &str| {
        let listed = call(&gateway, "/v1/connections", None);
        let all = listed["connections"].as_array().unwrap().clone();
        let found = all.into_iter().find(|c| c["name"] == name).unwrap();
        found["health"].clone()
    };
    assert_eq!((health("shop"), health("gone")), (Value::Null, Value::Null));
    let token = gateway.token("user:ada").unwrap();
    gateway.answer(&token, "SELECT 1").unwrap();
    assert_eq!(health("shop")["ok"], true);
    let address = gateway.address("gone", "app");
    let refused = Command::new("psql")
        .args(["-XAt", "-d", &address, "-c", "SELECT 1"])
        .env("PGPASSWORD", &token)
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let told = health("gone");
    assert_eq!(told["ok"], false, "{told}");
    assert!(
        told["detail"].as_str().unwrap().contains("refuses"),
        "{told}"
    );
    let tested = test(&gateway, &json!({"name": "shop"}));
    assert_eq!(steps(&tested).0, "credential connect tls login", "{tested}");
    let told = health("shop");
    assert!(
        told["detail"].as_str().unwrap().contains("opened"),
        "{told}"
    );
    gateway.verify().unwrap();
}
