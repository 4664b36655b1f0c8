//! What an identity provider provisions: as the standard and the large providers write it, and what it does to whom it
//! takes away.

use super::rig::{LOCAL, REMOTE, Reply, Rig, principal};
use crate::api::types::{AgentList, PrincipalList, TokenList};
use serde_json::{Value, json};
use sluice_model::{WayIn, WaysIn};

struct Corp {
    rig: Rig,
    token: String,
    root: String,
}

impl Corp {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let token = rig.token("service:provisioner").await.secret;
        let root = rig.token("user:root").await.secret;
        Self { rig, token, root }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let path = format!("/scim/v2{path}");
        self.rig
            .call(method, &path, Some(&self.token), REMOTE, &body)
            .await
    }

    /// Sends something that succeeds, and gives what is answered.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.send(method, path, body).await;
        assert!(
            reply.status.is_success(),
            "{method} {path}: {} {}",
            reply.status,
            reply.text
        );
        serde_json::from_str(&reply.text).unwrap_or_default()
    }

    async fn person(&self, name: &str) -> String {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true});
        let made = self.done("post", "/Users", body).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"displayName": name, "members": members});
        let made = self.done("post", "/Groups", body).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Whether somebody is switched on here, and in which groups.
    async fn stands(&self, name: &str) -> Option<String> {
        let secret = self.rig.admin_secret();
        let path = "/v1/principals";
        let reply = self.rig.call("get", path, Some(&secret), LOCAL, "").await;
        let list: PrincipalList = reply.json();
        let id = principal(&format!("user:{name}"));
        let found = list.principals.into_iter().find(|p| p.principal == id)?;
        let groups: Vec<String> = found.groups.into_iter().collect();
        (!found.disabled).then(|| groups.join(" "))
    }
}

#[tokio::test]
async fn people_are_made_looked_up_and_changed() {
    let corp = Corp::new().await;
    let body = json!({
        "userName": "kim@corp.example", "externalId": "X-1", "active": true, "password": "never kept",
        "displayName": "Kim", "emails": [{"value": "kim@corp.example", "primary": true}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Eng"},
    });
    let made = corp.done("post", "/Users", body).await;
    let id = made["id"].as_str().unwrap();
    let place = made["meta"]["location"].as_str().unwrap();
    assert!(place.ends_with(&format!("/scim/v2/Users/{id}")), "{place}");
    assert!(!made.to_string().contains("never kept"));
    assert_eq!(corp.stands("kim@corp.example").await.as_deref(), Some(""));
    for (filter, found) in [
        ("userName%20eq%20%22KIM@corp.example%22", 1),
        ("externalId%20eq%20%22X-1%22", 1),
        ("externalId%20eq%20%22x-1%22", 0),
        ("userName%20eq%20%22lee%22", 0),
        ("userName%20sw%20%22kim%22%20and%20active%20eq%20true", 1),
        ("emails.value%20ew%20%22corp.example%22", 1),
    ] {
        let path = format!("/Users?filter={filter}");
        let list = corp.done("get", &path, Value::Null).await;
        assert_eq!(list["totalResults"], found, "{filter}: {list}");
    }
    let path = format!("/Users/{id}");
    let change = json!({"Operations": [{"op": "Replace", "path": "displayName", "value": "K"}]});
    let changed = corp.done("patch", &path, change).await;
    assert_eq!(
        (&changed["displayName"], &changed["userName"]),
        (&json!("K"), &json!("kim@corp.example"))
    );
    let replaced = corp
        .done("put", &path, json!({"userName": "kim@corp.example"}))
        .await;
    assert_eq!(
        (replaced.get("displayName"), &replaced["active"]),
        (None, &json!(true))
    );
    let only = corp
        .done(
            "get",
            &format!("{path}?attributes=userName,name.givenName"),
            Value::Null,
        )
        .await;
    assert!(only.get("active").is_none() && only.get("userName").is_some());
    assert_eq!(
        corp.send("delete", &path, Value::Null)
            .await
            .status
            .as_u16(),
        204
    );
    assert_eq!(
        corp.send("get", &path, Value::Null).await.status.as_u16(),
        404
    );
    assert_eq!(corp.stands("kim@corp.example").await, None);
    // What was there survives a restart, and what is gone stays gone.
    let id = corp.person("lee").await;
    corp.group("ops", &[&id]).await;
    let Corp { rig, .. } = corp;
    let rig = rig.restart().await.unwrap();
    let token = rig.token("service:provisioner").await.secret;
    let root = rig.token("user:root").await.secret;
    let corp = Corp { rig, token, root };
    assert_eq!(corp.stands("lee").await.as_deref(), Some("ops"));
    assert_eq!(corp.stands("kim@corp.example").await, None);
}

#[tokio::test]
async fn names_are_one_persons_alone() {
    let corp = Corp::new().await;
    let id = corp.person("kim").await;
    let other = corp.person("lee").await;
    for (name, status) in [
        ("kim", 409),
        ("KIM", 409),
        ("ada", 409),
        ("Ada", 409),
        ("admin", 409),
        ("LIZ", 409),
        ("liz", 201),
        ("", 400),
        ("a b", 400),
        ("\u{430}da", 400),
    ] {
        let reply = corp.send("post", "/Users", json!({"userName": name})).await;
        assert_eq!(reply.status.as_u16(), status, "{name}: {}", reply.text);
    }
    let path = format!("/Users/{other}");
    for (name, status) in [("kim", 409), ("ada", 409), ("LEE", 200), ("leo", 200)] {
        let reply = corp.send("put", &path, json!({"userName": name})).await;
        assert_eq!(reply.status.as_u16(), status, "{name}: {}", reply.text);
    }
    assert!(corp.stands("lee").await.is_none() && corp.stands("leo").await.is_some());
    for body in [
        "{}",
        "[]",
        "{\"userName\": \"x\", \"username\": \"y\"}",
        "{\"userName\": \"x\", \"active\": 7}",
        "{\"userName\": \"x\", \"displayName\": 7, \"externalId\": {}}",
    ] {
        let path = "/scim/v2/Users";
        let reply = corp.rig.call("post", path, Some(&corp.token), REMOTE, body);
        let reply = reply.await;
        assert_eq!(reply.status.as_u16(), 400, "{body}: {}", reply.text);
        assert!(
            reply
                .text
                .contains("urn:ietf:params:scim:api:messages:2.0:Error")
        );
    }
    let large = json!({"userName": "x", "title": "x".repeat(40_000)});
    assert_eq!(
        corp.send("post", "/Users", large).await.status.as_u16(),
        400
    );
    let immutable = json!({"Operations": [{"op": "replace", "path": "id", "value": "x"}]});
    let reply = corp.send("patch", &format!("/Users/{id}"), immutable).await;
    assert!(reply.text.contains("mutability"), "{}", reply.text);
}

#[tokio::test]
async fn groups_are_the_providers_words_for_ours() {
    let corp = Corp::new().await;
    let (kim, lee) = (corp.person("kim").await, corp.person("lee").await);
    let team = corp.group("Platform Team", &[&kim]).await;
    corp.group("ops", &[&kim, &lee]).await;
    assert_eq!(corp.stands("kim").await.as_deref(), Some("ops platform"));
    let shown = corp
        .done("get", &format!("/Users/{kim}"), Value::Null)
        .await;
    assert_eq!(shown["groups"].as_array().unwrap().len(), 2);
    let path = format!("/Groups/{team}");
    for (change, kims, lees) in [
        (
            json!({"op": "add", "path": "members", "value": [{"value": lee}]}),
            "ops platform",
            "ops platform",
        ),
        // As Entra writes it, in both of its ways.
        (
            json!({"op": "Remove", "path": format!("members[value eq \"{kim}\"]")}),
            "ops",
            "ops platform",
        ),
        (
            json!({"op": "Remove", "path": "members", "value": [{"value": lee}]}),
            "ops",
            "ops",
        ),
        (
            json!({"op": "Add", "path": "members", "value": [{"value": kim}, {"value": lee}]}),
            "ops platform",
            "ops platform",
        ),
        // As Okta writes it.
        (
            json!({"op": "replace", "value": {"id": team, "displayName": "Admins"}}),
            "admins ops",
            "admins ops",
        ),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": lee}]}),
            "ops",
            "admins ops",
        ),
        (
            json!({"op": "replace", "path": "displayName", "value": "Platform Team"}),
            "ops",
            "ops platform",
        ),
    ] {
        corp.done("patch", &path, json!({"Operations": [change]}))
            .await;
        assert_eq!(corp.stands("kim").await.as_deref(), Some(kims), "{change}");
        assert_eq!(corp.stands("lee").await.as_deref(), Some(lees), "{change}");
    }
    for (body, status) in [
        (json!({"displayName": "Sales & Co"}), 201),
        (json!({"displayName": "Sales  Co"}), 400),
        (json!({"displayName": "Sales, Co"}), 400),
        (json!({"displayName": "OPS"}), 409),
        (json!({"members": []}), 400),
        (
            json!({"displayName": "x", "members": [{"value": "nobody"}]}),
            400,
        ),
        (
            json!({"displayName": "x", "members": [{"value": team}]}),
            400,
        ),
        (json!({"displayName": "x", "members": [7]}), 400),
        (json!({"displayName": "x", "members": {"value": kim}}), 400),
        (json!({"displayName": "x", "members": "kim"}), 400),
        // An administrator of the provider's is none of ours.
        (
            json!({"displayName": "admins", "members": [{"value": kim}]}),
            201,
        ),
    ] {
        let reply = corp.send("post", "/Groups", body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text);
    }
    assert_eq!(
        corp.stands("kim").await.as_deref(),
        Some("ops provider:admins")
    );
    assert_eq!(
        corp.send("delete", &path, Value::Null)
            .await
            .status
            .as_u16(),
        204
    );
    assert_eq!(corp.stands("lee").await.as_deref(), Some("ops"));
    let list = corp
        .done(
            "get",
            "/Groups?filter=displayName%20eq%20%22ops%22&excludedAttributes=members",
            Value::Null,
        )
        .await;
    assert_eq!(list["totalResults"], 1);
    assert!(list["Resources"][0].get("members").is_none());
}

/// ATTACKS 8: stale rights after a removal. One request of the provider's is all it takes.
#[tokio::test]
async fn whom_the_provider_switches_off_or_takes_away_holds_nothing() {
    let corp = Corp::new().await;
    let kim = corp.person("kim").await;
    corp.group("engineering", &[&kim]).await;
    let secret = corp.rig.token("user:kim").await.secret;
    let agent = json!({"for": "agent:helper", "ttl_seconds": 600, "agent": {}}).to_string();
    let made = corp.rig.post("/v1/tokens", &secret, &agent).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text);
    let ask = r#"{"connection": "vault", "window_seconds": 600, "reason": "r"}"#;
    assert_eq!(
        corp.rig
            .post("/v1/requests", &secret, ask)
            .await
            .status
            .as_u16(),
        201
    );
    let open = async || {
        let list: Value = corp.rig.get("/v1/approvals", &corp.root).await.json();
        let all = list["approvals"].as_array().unwrap().clone();
        all.into_iter().filter(|a| a["state"] == "pending").count()
    };
    assert_eq!(open().await, 1);
    let path = format!("/Users/{kim}");
    let active = async |on: Value| {
        let change = json!({"Operations": [{"op": "Replace", "path": "active", "value": on}]});
        corp.done("patch", &path, change).await;
    };
    active(json!("False")).await;
    assert_eq!((corp.stands("kim").await, open().await), (None, 0));
    let who = async |secret: &str| corp.rig.get("/v1/whoami", secret).await.status.as_u16();
    assert_eq!(who(&secret).await, 401);
    let ways = WaysIn::of(&[WayIn::Token]);
    let from = REMOTE.parse().unwrap();
    assert!(
        corp.rig
            .control
            .authenticate(&secret, ways, from)
            .await
            .is_err()
    );
    let agents: AgentList = corp.rig.get("/v1/agents", &corp.root).await.json();
    assert!(
        agents
            .agents
            .iter()
            .all(|a| a.agent.name != "helper" || !a.on)
    );
    // Switched on again they are who they were; taken away, nobody of the same name is.
    active(json!(true)).await;
    assert_eq!(who(&secret).await, 200);
    assert_eq!(
        corp.send("delete", &path, Value::Null)
            .await
            .status
            .as_u16(),
        204
    );
    assert_eq!(who(&secret).await, 401);
    corp.person("kim").await;
    assert_eq!(corp.stands("kim").await.as_deref(), Some(""));
    assert_eq!(who(&secret).await, 401);
    let tokens: TokenList = corp.rig.get("/v1/tokens", &corp.root).await.json();
    let theirs = tokens.tokens.iter().filter(|t| t.principal.name == "kim");
    assert!(theirs.clone().count() == 1 && theirs.clone().all(|t| t.revoked.is_some()));
    let agents: AgentList = corp.rig.get("/v1/agents", &corp.root).await.json();
    assert!(agents.agents.iter().all(|a| a.agent.name != "helper"));
}

/// Somebody who is declared as a provider's stands only while it provisions them.
#[tokio::test]
async fn a_declared_person_of_a_provider_that_provisions_has_to_be_provisioned() {
    let corp = Corp::new().await;
    assert_eq!(corp.stands("liz").await, None);
    let liz = corp.person("liz").await;
    corp.group("ops", &[&liz]).await;
    assert_eq!(corp.stands("liz").await.as_deref(), Some("guests ops"));
    corp.send("delete", &format!("/Users/{liz}"), Value::Null)
        .await;
    assert_eq!(corp.stands("liz").await, None);
}

/// Another provider's people are nobody's business, and a provider that provisions no more stands for nobody by it.
#[tokio::test]
async fn a_provider_reaches_its_own_alone_and_for_as_long_as_it_provisions() {
    let corp = Corp::new().await;
    let kim = corp.person("kim").await;
    let group = corp.group("ops", &[&kim]).await;
    let second = "kind: IdentityProvider\nname: other\noidc: {issuer: 'https://other.example', client_id: x}\n\
                  scim: {service: job}\n";
    let apply = |text: &str| json!({"files": [{"name": "more.yaml", "text": text}]}).to_string();
    let second = apply(second);
    let reply = corp
        .rig
        .post("/v1/resources/apply", &corp.root, &second)
        .await;
    assert_eq!(reply.status.as_u16(), 200);
    let job = corp.rig.token("service:job").await.secret;
    for (method, path) in [
        ("get", format!("/Users/{kim}")),
        ("delete", format!("/Users/{kim}")),
        ("put", format!("/Users/{kim}")),
        ("get", format!("/Groups/{group}")),
        ("delete", format!("/Groups/{group}")),
    ] {
        let path = format!("/scim/v2{path}");
        let reply = corp
            .rig
            .call(method, &path, Some(&job), REMOTE, "{\"userName\": \"x\"}");
        assert_eq!(reply.await.status.as_u16(), 404, "{method} {path}");
    }
    let listed = corp.rig.get("/scim/v2/Users", &job).await;
    assert!(
        listed.text.contains("\"totalResults\":0"),
        "{}",
        listed.text
    );
    let before = std::fs::read_to_string(corp.rig.dir.path().join("resources/all.yaml")).unwrap();
    // Words for groups change: what people are in changes with them, and what would be no group is not taken.
    for (text, status, groups) in [
        (
            before.replace("'Platform Team': platform", "ops: oncall"),
            200,
            Some("oncall"),
        ),
        (
            before.replace(
                "groups: {map: {'Platform Team': platform, Admins: admins}}",
                "groups: {prefix: '&'}",
            ),
            422,
            Some("oncall"),
        ),
        (
            before.replace("scim: {service: provisioner}", ""),
            200,
            None,
        ),
    ] {
        let reply = corp
            .rig
            .post("/v1/resources/apply", &corp.root, &apply(&text))
            .await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
        if let Some(groups) = groups {
            assert_eq!(corp.stands("kim").await.as_deref(), Some(groups));
        }
    }
    assert_eq!(
        corp.send("get", "/Users", Value::Null)
            .await
            .status
            .as_u16(),
        403
    );
    // For a while its word counts, as that of any provider does; then it does not.
    corp.rig.advance(72 * 3_600);
    assert_eq!(corp.stands("kim").await, None);
}

/// What a gate refuses is said in this protocol's words.
#[tokio::test]
async fn refusals_are_told_as_the_standard_tells_them() {
    let corp = Corp::new().await;
    for (secret, status) in [(None, "401"), (Some(corp.root.as_str()), "403")] {
        let reply = corp
            .rig
            .call("get", "/scim/v2/Users", secret, REMOTE, "")
            .await;
        let said: Value = reply.json();
        assert_eq!(said["status"], status);
        assert_eq!(
            said["schemas"][0],
            "urn:ietf:params:scim:api:messages:2.0:Error"
        );
    }
    let filter = corp
        .send("get", "/Users?filter=userName%20is%20x", Value::Null)
        .await;
    assert!(filter.text.contains("invalidFilter"), "{}", filter.text);
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        corp.done("get", path, Value::Null).await;
    }
    let list = corp.done("get", "/Users?count=0", Value::Null).await;
    assert_eq!(list["Resources"], json!([]));
}
