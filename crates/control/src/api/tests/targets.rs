//! Protocols, tests of targets, and what the gateway was told at start.

use super::rig::{REMOTE, Rig};
use crate::api::types::{ConnectionList, ConnectionTested, ErrorBody, ProtocolList, SettingsInfo};
use std::sync::Arc;

const TEST: &str = "/v1/connections/test";

#[tokio::test]
async fn the_protocol_table_is_served() {
    let rig = Rig::new().await;
    let eve = rig.token("user:eve").await.secret;
    let table: ProtocolList = rig.get("/v1/protocols", &eve).await.json();
    let names: Vec<_> = table.protocols.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["demo"]);
    let actions: Vec<_> = table.protocols[0].actions.iter().collect();
    assert_eq!(
        (actions[0].name.as_str(), actions[0].groups.join(",")),
        ("demo:get", "read".to_owned())
    );
    assert!(table.general_actions.iter().any(|a| a.name == "reveal"));
}

#[tokio::test]
async fn a_test_of_a_target_is_recorded_and_told_step_by_step() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    rig.targets.gate.add_permits(2);
    let tested: ConnectionTested = rig.post(TEST, &root, r#"{"name": "shop"}"#).await.json();
    assert!(tested.ok && tested.steps.len() == 1, "{tested:?}");
    let tested: ConnectionTested = rig.post(TEST, &root, r#"{"name": "vault"}"#).await.json();
    assert!(!tested.ok, "{tested:?}");
    let recorded = rig.acts("connection.test");
    let told: Vec<_> = recorded
        .iter()
        .map(|a| (a.subject.as_str(), a.detail.as_str()))
        .collect();
    assert_eq!(
        told,
        [("shop", "with account app"), ("vault", "with account app")]
    );
    let listed: ConnectionList = rig.get("/v1/connections", &root).await.json();
    let health: Vec<_> = listed
        .connections
        .iter()
        .map(|c| c.health.is_some())
        .collect();
    assert_eq!(health, [true, false]);
}

#[tokio::test]
async fn a_draft_is_checked_as_a_file_is() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    rig.targets.gate.add_permits(1);
    let good = r#"{"name": "new", "protocol": "demo", "environment": "prod", "target": {"address": "h:9"},
        "accounts": [{"name": "a", "username": "u"}, {"name": "b", "username": "v", "default": true}]}"#;
    let request = |draft: &str| format!("{{\"draft\": {draft}}}");
    let tested: ConnectionTested = rig.post(TEST, &root, &request(good)).await.json();
    assert!(tested.ok);
    let (connection, account) = rig.targets.tested.lock()[0].clone();
    assert_eq!(
        (connection.target.address.as_str(), account.as_str()),
        ("h:9", "b")
    );
    assert!(rig.acts("connection.test")[0].detail.contains("h:9"));
    for (from, to, expected) in [
        ("\"demo\"", "\"dmeo\"", "unknown protocol"),
        ("\"environment\"", "\"enviroment\"", "environment"),
        ("h:9", "h 9", "host:port"),
        ("\"u\"", "\"\"", "user name is empty"),
    ] {
        let reply = rig
            .post(TEST, &root, &request(&good.replacen(from, to, 1)))
            .await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        let body: ErrorBody = reply.json();
        assert!(
            body.problems.iter().any(|p| p.message.contains(expected)),
            "{body:?}"
        );
    }
    for (body, status) in [
        ("{}".to_owned(), 400),
        (format!("{{\"name\": \"shop\", \"draft\": {good}}}"), 400),
        (request("7"), 400),
        (request(r#"{"kind": "User", "name": "mallory"}"#), 400),
        (r#"{"name": "nowhere"}"#.to_owned(), 404),
        (r#"{"name": "shop", "account": "nobody"}"#.to_owned(), 404),
    ] {
        assert_eq!(rig.post(TEST, &root, &body).await.status, status, "{body}");
    }
    assert_eq!(rig.targets.tested.lock().len(), 1);
}

#[tokio::test]
async fn a_connection_is_tested_by_one_at_a_time() {
    let rig = Arc::new(Rig::new().await);
    let root = rig.token("user:root").await.secret;
    let first = {
        let (rig, root) = (Arc::clone(&rig), root.clone());
        tokio::spawn(async move { rig.post(TEST, &root, r#"{"name": "shop"}"#).await.status })
    };
    while rig.targets.tested.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        rig.post(TEST, &root, r#"{"name": "shop"}"#).await.status,
        429
    );
    rig.targets.gate.add_permits(2);
    assert_eq!(first.await.unwrap(), 200);
    assert_eq!(
        rig.post(TEST, &root, r#"{"name": "shop"}"#).await.status,
        200
    );
}

#[tokio::test]
async fn settings_tell_how_the_gateway_runs_and_no_secret() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let reply = rig
        .call("get", "/v1/settings", Some(&root), REMOTE, "")
        .await;
    let settings: SettingsInfo = reply.json();
    let protocols: Vec<_> = settings
        .listeners
        .iter()
        .map(|l| l.protocol.as_str())
        .collect();
    assert_eq!(protocols, ["https", "demo"]);
    assert_eq!(settings.listeners[1].address, "127.0.0.1:6432");
    assert!(settings.certificate.own_authority);
    assert!(settings.certificate.ends.unwrap() > rig.now().plus_seconds(80 * 86_400));
    let key = std::fs::read_to_string(rig.dir.path().join("data/log.pub")).unwrap();
    assert_eq!(settings.log_key, key.trim());
    for file in std::fs::read_dir(rig.dir.path().join("data")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "log.pub" || !path.is_file() {
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        let content = String::from_utf8_lossy(&content).trim().to_owned();
        assert!(
            content.is_empty() || !reply.text.contains(&content),
            "{name}"
        );
    }
}
