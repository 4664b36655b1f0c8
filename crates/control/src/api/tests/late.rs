//! Requests that are on their way while something changes: nobody changes anything as who they were. And what is left of
//! whom nobody knows any more.

use super::rig::{LOCAL, REMOTE, RESOURCES, Rig, principal};
use crate::api::types::{
    ApplyRequest, ApproveScope, CreateRequest, CreateToken, CreatedToken, Leftovers,
    OffboardRequest, RotateToken, WhoAmI,
};
use crate::control::{Caller, ProvisionError};
use crate::error::ControlError;
use crate::identity::tests::issuer::{TestIssuer, claims, ec, signed};
use serde_json::json;
use sluice_model::{Credential, TokenId, WayIn};

/// A caller whose request was let in, by a token of theirs.
async fn let_in(rig: &Rig, name: &str) -> (Caller, TokenId) {
    let token = rig.token(name).await;
    let caller = Caller {
        credential: Credential::Token(token.id.clone()),
        way: WayIn::Token,
        expires: Some(token.expires),
        ..rig.caller(name)
    };
    (caller, token.id)
}

fn wanted(who: &str) -> CreateToken {
    CreateToken {
        principal: principal(who),
        ttl_seconds: 60,
        name: None,
        networks: Vec::new(),
        agent: None,
    }
}

/// Everything that a caller changes, by name, with whether it was refused for who they are.
async fn refusals(rig: &Rig, caller: &Caller) -> Vec<(&'static str, bool)> {
    let control = &rig.control;
    let ticket = control
        .request_approval(rig.held("user:ada"))
        .await
        .unwrap();
    let other = rig.token("user:bob").await.id;
    let rotate: RotateToken =
        serde_json::from_value(json!({"ttl_seconds": 60, "overlap_seconds": 0})).unwrap();
    let window: CreateRequest = serde_json::from_value(
        json!({"connection": "shop", "window_seconds": 60, "reason": "why"}),
    )
    .unwrap();
    let apply: ApplyRequest = serde_json::from_value(json!({"files": [], "prune": false})).unwrap();
    let offboard: OffboardRequest = serde_json::from_value(json!({})).unwrap();
    let refused =
        |result: Result<(), ControlError>| matches!(result, Err(ControlError::Forbidden(..)));
    let (who, from) = (caller.id().clone(), REMOTE.parse().unwrap());
    vec![
        (
            "create a token",
            refused(
                control
                    .create_token(caller, wanted("user:eve"))
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "create one for oneself",
            refused(
                control
                    .create_token(caller, wanted(&who.to_string()))
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "rotate a token",
            refused(
                control
                    .rotate_token(caller, &other, rotate)
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "revoke a token",
            refused(control.revoke_token(caller, &other).await.map(|_| ())),
        ),
        (
            "switch somebody off",
            refused(
                control
                    .set_disabled(caller, &principal("user:eve"), true, None)
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "offboard somebody",
            refused(
                control
                    .offboard(
                        caller,
                        &principal("user:eve"),
                        offboard,
                        rig.sessions.as_ref(),
                    )
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "end an agent",
            refused(control.end_agent(caller, &principal("agent:bot")).await),
        ),
        (
            "approve",
            refused(
                control
                    .approve(caller, &ticket.id, ApproveScope::Once)
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "deny",
            refused(control.deny(caller, &ticket.id, None).await.map(|_| ())),
        ),
        (
            "ask for a window",
            refused(
                control
                    .request_window(caller, window, from)
                    .await
                    .map(|_| ()),
            ),
        ),
        (
            "apply resources",
            refused(control.apply(caller, apply).await.map(|_| ())),
        ),
    ]
}

#[tokio::test]
async fn nobody_changes_anything_with_what_ended_while_their_request_was_on_its_way() {
    for how in ["revoked", "expired", "switched off", "deleted"] {
        let rig = Rig::new().await;
        let (caller, id) = let_in(&rig, "user:root").await;
        let admin = rig.caller("user:admin");
        match how {
            "revoked" => drop(rig.control.revoke_token(&admin, &id).await.unwrap()),
            "expired" => rig.advance(3_600),
            "switched off" => drop(
                rig.control
                    .set_disabled(&admin, caller.id(), true, None)
                    .await
                    .unwrap(),
            ),
            _ => {
                let without = RESOURCES.replace("{kind: User, name: root, groups: [admins]}", "");
                let file = rig.dir.path().join("resources/all.yaml");
                std::fs::write(file, without).unwrap();
                rig.control.reload().await;
            }
        }
        for (what, refused) in refusals(&rig, &caller).await {
            assert!(refused, "{how}: {what}");
        }
        let nobody = rig.control.as_now(&caller).await;
        assert!(nobody.is_err(), "{how}");
    }
}

#[tokio::test]
async fn whoever_is_no_administrator_any_more_changes_what_is_theirs() {
    let rig = Rig::new().await;
    let (caller, _) = let_in(&rig, "user:root").await;
    let demoted = RESOURCES.replace("root, groups: [admins]", "root, groups: [guests]");
    let file = rig.dir.path().join("resources/all.yaml");
    std::fs::write(file, demoted).unwrap();
    rig.control.reload().await;
    assert!(caller.is_admin(), "as the request came in");
    let control = &rig.control;
    for who in ["user:ada", "service:job"] {
        let made = control.create_token(&caller, wanted(who)).await;
        assert!(matches!(made, Err(ControlError::Forbidden(..))), "{who}");
    }
    let own = control.create_token(&caller, wanted("user:root")).await;
    assert!(own.is_ok());
    let off = control
        .set_disabled(&caller, &principal("user:eve"), true, None)
        .await;
    assert!(matches!(off, Err(ControlError::Forbidden(..))));
}

#[tokio::test]
async fn a_service_that_does_not_provision_any_more_provisions_nothing() {
    let rig = Rig::new().await;
    let (caller, _) = let_in(&rig, "service:provisioner").await;
    let provider = rig.control.provisions_for(&caller).unwrap();
    let person = |name: &str| json!({"userName": name}).as_object().unwrap().clone();
    let provision = async |name: &str| {
        rig.control
            .provision_person(&caller, &provider.declared, person(name))
            .await
    };
    let made = provision("kim").await.unwrap();
    let other = RESOURCES.replace("scim: {service: provisioner}", "scim: {service: job}");
    std::fs::write(rig.dir.path().join("resources/all.yaml"), other).unwrap();
    rig.control.reload().await;
    assert_eq!(provision("lee").await, Err(ProvisionError::NotNow));
    let id = made["id"].as_str().unwrap();
    let gone = rig
        .control
        .deprovision_person(&caller, &provider.declared, id)
        .await;
    assert_eq!(gone, Err(ProvisionError::NotNow));
}

#[tokio::test]
async fn who_is_declared_no_more_takes_agents_and_tokens_along() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let ada = rig.token("user:ada").await.secret;
    let make = async |secret: &str, body: &str| -> CreatedToken {
        rig.post("/v1/tokens", secret, body).await.json()
    };
    let agent = r#"{"for": "agent:aide", "ttl_seconds": 600, "agent": {}}"#;
    let aide = make(&ada, agent).await.secret;
    // Made by root for somebody else's job: it goes on, and root's offboarding finds it.
    let job = make(&root, r#"{"for": "service:job", "ttl_seconds": 600}"#).await;
    let valid = async |secret: &str| rig.get("/v1/whoami", secret).await.status == 200;
    assert!(valid(&aide).await);
    let rest = RESOURCES
        .replace("{kind: User, name: ada, groups: [engineering]}\n---\n", "")
        .replace("{kind: User, name: root, groups: [admins]}\n---\n", "")
        .replace("bot, owner: ada", "bot, owner: bob");
    let bot = rig.token("agent:bot").await.secret;
    let file = rig.dir.path().join("resources/all.yaml");
    std::fs::write(&file, rest).unwrap();
    rig.control.reload().await;
    assert!(!valid(&aide).await && !valid(&ada).await && !valid(&root).await);
    assert!(valid(&bot).await, "it has another owner now");
    // Somebody new of the same name has nothing of it.
    std::fs::write(&file, RESOURCES).unwrap();
    rig.control.reload().await;
    assert!(!valid(&aide).await && !valid(&ada).await);
    std::fs::write(
        &file,
        RESOURCES.replace("{kind: User, name: root, groups: [admins]}\n---\n", ""),
    )
    .unwrap();
    rig.control.reload().await;
    assert!(valid(&job.secret).await);
    let admin = rig.admin_secret();
    let offboard = async |body: &str| {
        let path = "/v1/principals/user%3Aroot/offboard";
        rig.call("post", path, Some(&admin), LOCAL, body).await
    };
    let shown: Leftovers = offboard(r#"{"dry_run": true}"#).await.json();
    assert_eq!(shown.tokens.len(), 1);
    let ended: Leftovers = offboard("{}").await.json();
    assert!(ended.ended && !valid(&job.secret).await);
    // Whoever is called that next is not met by it.
    std::fs::write(&file, RESOURCES).unwrap();
    rig.control.reload().await;
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:root"))
            .is_some()
    );
    let path = "/v1/principals/user%3Anever/offboard";
    let never = rig.call("post", path, Some(&admin), LOCAL, "{}").await;
    assert_eq!(never.status, 404);
}

#[tokio::test]
async fn what_a_workload_makes_ends_with_it_also_for_an_administrator() {
    let rig = Rig::new().await;
    let now = rig.now().millis() / 1_000;
    let key = ec("a");
    let issuer = TestIssuer::new(&[&key], |_| {});
    let trust = format!(
        "kind: TrustedIssuer\nname: ci\nissuer: https://issuer.example\n\
         audiences: ['https://gateway.example']\njwks_file: {}\n\
         rules:\n  - {{when: 'ref == \"refs/heads/main\"', service: job}}\n",
        issuer.file().display()
    );
    let admins = RESOURCES.replace("job, groups: [engineering]", "job, groups: [admins]");
    std::fs::write(rig.dir.path().join("resources/all.yaml"), admins).unwrap();
    std::fs::write(rig.dir.path().join("resources/trust.yaml"), trust).unwrap();
    rig.control.reload().await;
    let claims = claims(|c| {
        c["ref"] = "refs/heads/main".into();
        c["iat"] = now.into();
        c["nbf"] = now.into();
        c["exp"] = (now + 300).into();
    });
    let jwt = signed(&key, Some("a"), &claims);
    let wanted = r#"{"for": "service:job", "ttl_seconds": 3600}"#;
    let who: WhoAmI = rig.get("/v1/whoami", &jwt).await.json();
    assert!(who.admin);
    let made: CreatedToken = rig.post("/v1/tokens", &jwt, wanted).await.json();
    assert!(made.expires <= rig.now().plus_seconds(361));
}

#[tokio::test]
async fn a_caller_keeps_the_rights_of_now_and_no_others() {
    let rig = Rig::new().await;
    let (caller, _) = let_in(&rig, "user:ada").await;
    let promoted = RESOURCES.replace("ada, groups: [engineering]", "ada, groups: [dba]");
    std::fs::write(rig.dir.path().join("resources/all.yaml"), promoted).unwrap();
    rig.control.reload().await;
    let now = rig.control.as_now(&caller).await.unwrap();
    assert_eq!(Vec::from_iter(&now.principal.groups), ["dba"]);
    // Somebody else's token is nobody's proof.
    let (other, _) = let_in(&rig, "user:bob").await;
    let mixed = Caller {
        principal: caller.principal.clone(),
        ..other
    };
    assert!(rig.control.as_now(&mixed).await.is_err());
}
