//! Tokens bound and replaced, agents of their owners, workloads, and everything that ends when somebody leaves.

use super::rig::{LOCAL, REMOTE, Rig, principal};
use crate::api::types::{AgentList, ApprovalInfo, CreatedToken, Leftovers, TokenList, WhoAmI};
use crate::identity::tests::issuer::{TestIssuer, claims, ec, signed};
use crate::port_types::{ApprovalProgress, LoginError};
use sluice_model::{HeldOperation, WayIn, WaysIn};

fn token_ways() -> WaysIn {
    WaysIn::of(&[WayIn::Token])
}

#[tokio::test]
async fn a_token_bound_to_addresses_opens_nothing_elsewhere_and_makes_none_that_does() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let wanted = r#"{"for": "user:ada", "ttl_seconds": 600, "networks": ["10.0.0.1/8"]}"#;
    assert_eq!(rig.post("/v1/tokens", &root, wanted).await.status, 422);
    let wanted = format!(r#"{{"for": "user:ada", "ttl_seconds": 600, "networks": ["{REMOTE}"]}}"#);
    let bound: CreatedToken = rig.post("/v1/tokens", &root, &wanted).await.json();
    for (from, status) in [
        (REMOTE, 200),
        (LOCAL, 401),
        ("192.0.2.8", 401),
        ("::1", 401),
    ] {
        let secret = Some(bound.secret.as_str());
        let reply = rig.call("get", "/v1/whoami", secret, from, "").await;
        assert_eq!(reply.status, status, "{from}");
    }
    let own = r#"{"for": "user:ada", "ttl_seconds": 60}"#;
    let child: CreatedToken = rig.post("/v1/tokens", &bound.secret, own).await.json();
    let elsewhere = rig
        .call("get", "/v1/whoami", Some(&child.secret), LOCAL, "")
        .await;
    assert_eq!(elsewhere.status, 401, "the binding is inherited");
    let wider = r#"{"for": "user:ada", "ttl_seconds": 60, "networks": ["0.0.0.0/0"]}"#;
    assert_eq!(
        rig.post("/v1/tokens", &bound.secret, wider).await.status,
        403
    );
}

#[tokio::test]
async fn a_replaced_token_works_for_the_overlap_and_no_longer() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let old = rig.token("service:job").await;
    let path = format!("/v1/tokens/{}/rotate", old.id);
    let wanted = r#"{"ttl_seconds": 86400, "overlap_seconds": 60}"#;
    assert_eq!(
        rig.post(&path, &rig.token("user:eve").await.secret, wanted)
            .await
            .status,
        404
    );
    let new: CreatedToken = rig.post(&path, &root, wanted).await.json();
    let valid = async |secret: &str| rig.get("/v1/whoami", secret).await.status == 200;
    assert!(valid(&old.secret).await && valid(&new.secret).await);
    rig.advance(60);
    assert!(!valid(&old.secret).await && valid(&new.secret).await);
    assert_eq!(rig.post(&path, &root, wanted).await.status, 409);
    // A service does not prolong its own life.
    let path = format!("/v1/tokens/{}/rotate", new.id);
    let own: CreatedToken = rig
        .post(
            &path,
            &new.secret,
            r#"{"ttl_seconds": 604800, "overlap_seconds": 0}"#,
        )
        .await
        .json();
    assert_eq!(own.expires, new.expires);
}

#[tokio::test]
async fn an_owner_makes_lists_and_ends_agents_within_their_own_rights() {
    let rig = Rig::new().await;
    let (ada, bob) = (
        rig.token("user:ada").await.secret,
        rig.token("user:bob").await.secret,
    );
    let make = |name: &str, groups: &str| {
        format!(r#"{{"for": "agent:{name}", "ttl_seconds": 600, "agent": {{{groups}}}}}"#)
    };
    let refused = rig
        .post("/v1/tokens", &ada, &make("x", r#""groups": ["dba"]"#))
        .await;
    assert_eq!(refused.status, 403, "no group that the owner is not in");
    assert_eq!(
        rig.post("/v1/tokens", &bob, &make("bot", "")).await.status,
        409,
        "ada's"
    );
    assert_eq!(
        rig.post("/v1/tokens", &bob, &make("BOT", "")).await.status,
        409
    );
    assert_eq!(
        rig.post("/v1/tokens", &ada, &make("a:b", "")).await.status,
        400
    );
    let made: CreatedToken = rig
        .post("/v1/tokens", &ada, &make("helper", ""))
        .await
        .json();
    let who: WhoAmI = rig.get("/v1/whoami", &made.secret).await.json();
    assert_eq!(who.principal, principal("agent:helper"));
    assert_eq!(who.owner, Some(principal("user:ada")));
    assert!(who.groups.contains("engineering") && !who.admin);
    // An agent makes no agents, and nobody else's token.
    assert_eq!(
        rig.post("/v1/tokens", &made.secret, &make("next", ""))
            .await
            .status,
        403
    );
    assert_eq!(
        rig.post("/v1/tokens", &bob, &make("helper", ""))
            .await
            .status,
        409
    );
    let plain = r#"{"for": "agent:helper", "ttl_seconds": 600}"#;
    assert_eq!(rig.post("/v1/tokens", &bob, plain).await.status, 403);
    let names = |list: AgentList| -> Vec<String> {
        list.agents.iter().map(|a| a.agent.to_string()).collect()
    };
    assert_eq!(
        names(rig.get("/v1/agents", &ada).await.json()),
        ["agent:bot", "agent:helper"]
    );
    assert!(names(rig.get("/v1/agents", &bob).await.json()).is_empty());
    let end = "/v1/agents/agent%3Ahelper/end";
    assert_eq!(rig.post(end, &bob, "").await.status, 404);
    assert_eq!(rig.post(end, &made.secret, "").await.status, 404);
    assert_eq!(rig.post(end, &ada, "").await.status, 204);
    assert_eq!(rig.get("/v1/whoami", &made.secret).await.status, 401);
    // Somebody else's agent of that name later is not the same.
    rig.post("/v1/tokens", &bob, &make("helper", ""))
        .await
        .json::<CreatedToken>();
    assert_eq!(rig.get("/v1/whoami", &made.secret).await.status, 401);
}

fn held_with(rig: &Rig, who: &str, credential: &str) -> HeldOperation {
    HeldOperation {
        credential: Some(credential.to_owned()),
        ..rig.held(who)
    }
}

#[tokio::test]
async fn what_was_asked_for_with_a_token_goes_with_it() {
    let rig = Rig::new().await;
    let (first, second) = (rig.token("user:ada").await, rig.token("user:ada").await);
    let ask = async |token: &CreatedToken| {
        let held = held_with(&rig, "user:ada", token.id.as_str());
        rig.control.request_approval(held).await.unwrap()
    };
    let (gone, stays) = (ask(&first).await, ask(&second).await);
    let root = rig.token("user:root").await.secret;
    rig.post(&format!("/v1/tokens/{}/revoke", first.id), &root, "")
        .await;
    assert_eq!(*gone.progress.borrow(), ApprovalProgress::Cancelled);
    assert_eq!(*stays.progress.borrow(), ApprovalProgress::Pending);
    // Losing a group withdraws the rest.
    let all = std::fs::read_to_string(rig.dir.path().join("resources/all.yaml")).unwrap();
    let changed = all.replace("name: ada, groups: [engineering]", "name: ada, groups: []");
    std::fs::write(rig.dir.path().join("resources/all.yaml"), changed).unwrap();
    rig.control.reload().await;
    assert_eq!(*stays.progress.borrow(), ApprovalProgress::Cancelled);
}

#[tokio::test]
async fn offboarding_shows_and_ends_everything_that_hangs_from_a_person() {
    let rig = Rig::new().await;
    let yaml = rig.dir.path().join("resources/all.yaml");
    let all = std::fs::read_to_string(&yaml).unwrap();
    let owned = "name: job, owner: root, groups: [engineering]";
    std::fs::write(
        &yaml,
        all.replace("name: job, groups: [engineering]", owned),
    )
    .unwrap();
    rig.control.reload().await;
    let root = rig.token("user:root").await.secret;
    // The contractor's: a token for a nightly job of somebody else's, one of the job they own, an agent.
    let make =
        async |body: &str| -> CreatedToken { rig.post("/v1/tokens", &root, body).await.json() };
    let nightly = make(r#"{"for": "user:eve", "ttl_seconds": 6000, "name": "nightly"}"#).await;
    let job = rig.token("service:job").await;
    let agent = make(r#"{"for": "agent:aide", "ttl_seconds": 600, "agent": {}}"#).await;
    let unrelated = rig.token("user:bob").await;
    let ticket = rig
        .control
        .request_approval(rig.held("service:job"))
        .await
        .unwrap();
    let admin = rig.admin_secret();
    let offboard = async |body: &str| {
        rig.call(
            "post",
            "/v1/principals/user%3Aroot/offboard",
            Some(&admin),
            LOCAL,
            body,
        )
        .await
    };
    let shown: Leftovers = offboard(r#"{"dry_run": true}"#).await.json();
    assert!(!shown.ended && shown.agents == [principal("agent:aide")]);
    assert_eq!(shown.services, [principal("service:job")]);
    assert_eq!((shown.tokens.len(), shown.requests.len()), (4, 1));
    let valid = async |secret: &str| rig.get("/v1/whoami", secret).await.status == 200;
    for secret in [&root, &nightly.secret, &job.secret, &agent.secret] {
        assert!(valid(secret).await, "a dry run ends nothing");
    }
    let ended: Leftovers = offboard(r#"{"reason": "left"}"#).await.json();
    assert!(ended.ended);
    for secret in [&root, &nightly.secret, &job.secret, &agent.secret] {
        assert!(!valid(secret).await);
    }
    assert!(valid(&unrelated.secret).await);
    assert_eq!(*ticket.progress.borrow(), ApprovalProgress::Cancelled);
    let again: Leftovers = offboard(r#"{"dry_run": true}"#).await.json();
    assert!(again.tokens.is_empty() && again.requests.is_empty() && again.agents.is_empty());
    let list: TokenList = rig
        .call("get", "/v1/tokens", Some(&admin), LOCAL, "")
        .await
        .json();
    assert!(
        list.tokens
            .iter()
            .all(|t| t.valid == (t.principal == principal("user:bob")))
    );
    // It survives a restart.
    let rig = rig.restart().await.unwrap();
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("service:job"))
            .is_none()
    );
    assert_eq!(rig.get("/v1/whoami", &job.secret).await.status, 401);
}

const TRUST: &str = "
kind: TrustedIssuer
name: ci
issuer: https://issuer.example
audiences: ['https://gateway.example']
jwks_file: FILE
rules:
  - when: ref == \"refs/heads/main\"
    service: job
    groups: [nightly]
";

#[tokio::test]
async fn a_workload_is_who_its_issuers_rule_says_while_it_says_so() {
    let rig = Rig::new().await;
    rig.advance(0);
    let now = rig.now().millis() / 1_000;
    let key = ec("a");
    let issuer = TestIssuer::new(&[&key], |_| {});
    let file = rig.dir.path().join("resources/trust.yaml");
    let write = async |text: &str| {
        std::fs::write(&file, text.replace("FILE", issuer.file().to_str().unwrap())).unwrap();
        rig.control.reload().await;
    };
    let jwt = |reference: &str| {
        let claims = claims(|c| {
            c["ref"] = reference.into();
            c["iat"] = now.into();
            c["nbf"] = now.into();
            c["exp"] = (now + 300).into();
        });
        signed(&key, Some("a"), &claims)
    };
    let (main, next) = (jwt("refs/heads/main"), jwt("refs/heads/next"));
    assert_eq!(
        rig.get("/v1/whoami", &main).await.status,
        401,
        "not trusted yet"
    );
    write(TRUST).await;
    let who: WhoAmI = rig.get("/v1/whoami", &main).await.json();
    assert_eq!(
        (who.principal.clone(), who.way.as_str()),
        (principal("service:job"), "workload")
    );
    assert!(who.groups.contains("nightly") && who.groups.contains("engineering"));
    assert_eq!(rig.get("/v1/whoami", &next).await.status, 401);
    // What it makes opens no more than itself, and no longer.
    let own = r#"{"for": "service:job", "ttl_seconds": 3600}"#;
    let made: CreatedToken = rig.post("/v1/tokens", &main, own).await.json();
    let who: WhoAmI = rig.get("/v1/whoami", &made.secret).await.json();
    assert!(who.groups.contains("nightly") && who.expires <= Some(rig.now().plus_seconds(361)));
    let other = r#"{"for": "user:ada", "ttl_seconds": 60}"#;
    assert_eq!(rig.post("/v1/tokens", &main, other).await.status, 403);
    // Another rule: the group is gone from both, within the same moment.
    write(&TRUST.replace("[nightly]", "[]")).await;
    for secret in [&main, &made.secret] {
        let who: WhoAmI = rig.get("/v1/whoami", secret).await.json();
        assert!(!who.groups.contains("nightly"));
    }
    write(&TRUST.replace("heads/main", "heads/other")).await;
    for secret in [&main, &made.secret] {
        assert_eq!(rig.get("/v1/whoami", secret).await.status, 401);
    }
    write(TRUST).await;
    assert_eq!(rig.get("/v1/whoami", &main).await.status, 200);
    // Switched off like anybody.
    let admin = rig.admin_secret();
    let off = "/v1/principals/service%3Ajob/disable";
    rig.call("post", off, Some(&admin), LOCAL, "{}").await;
    assert_eq!(rig.get("/v1/whoami", &main).await.status, 401);
    // A listener that does not allow workloads lets none in.
    let refused = rig
        .control
        .authenticate(&main, token_ways(), REMOTE.parse().unwrap())
        .await;
    assert_eq!(refused.err(), Some(LoginError::Refused));
}

#[tokio::test]
async fn approvals_name_the_agent_and_its_owner() {
    let rig = Rig::new().await;
    let ticket = rig
        .control
        .request_approval(rig.held("agent:bot"))
        .await
        .unwrap();
    let bob = rig.token("user:bob").await.secret;
    let seen: ApprovalInfo = rig
        .get(&format!("/v1/approvals/{}", ticket.id), &bob)
        .await
        .json();
    assert_eq!(seen.principal, principal("agent:bot"));
    assert_eq!(seen.owner, Some(principal("user:ada")));
}
