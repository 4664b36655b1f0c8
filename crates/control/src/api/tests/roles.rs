//! Every route as every role. A route that is added without a gate cannot pass.

use super::rig::{LOCAL, REMOTE, Rig, principal};
use crate::api::auth::Who;
use crate::api::openapi::description;
use crate::api::routes::{browser_routes, routes, scim_routes};
use axum::routing::MethodFilter;
use std::collections::BTreeSet;

fn method(filter: MethodFilter) -> &'static str {
    let names = [
        (MethodFilter::GET, "get"),
        (MethodFilter::PUT, "put"),
        (MethodFilter::PATCH, "patch"),
        (MethodFilter::DELETE, "delete"),
    ];
    let named = names.into_iter().find(|(method, _)| *method == filter);
    named.map_or("post", |(_, name)| name)
}

/// A body that each route takes, so that the gate and not the body is what refuses.
fn body(path: &str) -> &'static str {
    match path {
        "/v1/tokens" => r#"{"for": "user:root", "ttl_seconds": 60}"#,
        "/v1/resources/apply" | "/v1/resources/diff" => r#"{"files": [], "dry_run": true}"#,
        "/v1/tokens/{id}/rotate" => r#"{"ttl_seconds": 60, "overlap_seconds": 0}"#,
        "/v1/requests" => r#"{"connection": "vault", "window_seconds": 60, "reason": "r"}"#,
        "/v1/links/open" => r#"{"link": "x"}"#,
        "/v1/explain" => r#"{"as": "user:root", "connection": "shop", "operation": "x"}"#,
        _ => "{}",
    }
}

/// Pages, the OAuth endpoints and SCIM are described by their own standards.
fn described_routes() -> impl Iterator<Item = crate::api::routes::Route> {
    let others = browser_routes().into_iter().chain(scim_routes());
    let pages: Vec<&str> = others.map(|r| r.path).collect();
    routes()
        .into_iter()
        .filter(move |r| !pages.contains(&r.path))
}

#[test]
fn the_description_lists_exactly_the_routes() {
    let described: BTreeSet<(String, &str)> = description()
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = [
                item.get.as_ref().map(|_| "get"),
                item.post.as_ref().map(|_| "post"),
            ];
            methods.into_iter().flatten().map(|m| (path.clone(), m))
        })
        .collect();
    let served = described_routes()
        .map(|r| (r.path.to_owned(), method(r.method)))
        .collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn every_route_admits_exactly_whom_the_table_says() {
    let rig = Rig::new().await;
    let guest = rig.token("user:eve").await.secret;
    let agent = rig.token("agent:bot").await.secret;
    let root = rig.token("user:root").await.secret;
    let provisioner = rig.token("service:provisioner").await.secret;
    let revoked = rig.token("user:root").await;
    let path = format!("/v1/tokens/{}/revoke", revoked.id);
    assert_eq!(rig.post(&path, &root, "").await.status, 200);
    let local = rig.admin_secret();
    let roles: [(&str, Option<&str>, &str, &[Who]); 9] = [
        ("nobody", None, REMOTE, &[Who::Anybody]),
        (
            "nobody here",
            None,
            LOCAL,
            &[Who::Anybody, Who::LocalOrSignedIn],
        ),
        (
            "a revoked token",
            Some(&revoked.secret),
            REMOTE,
            &[Who::Anybody],
        ),
        (
            "the local admin from afar",
            Some(&local),
            REMOTE,
            &[Who::Anybody],
        ),
        (
            "a guest",
            Some(&guest),
            REMOTE,
            &[Who::Anybody, Who::LocalOrSignedIn, Who::SignedIn],
        ),
        // In the group of administrators, which its owner is not.
        (
            "an agent",
            Some(&agent),
            REMOTE,
            &[Who::Anybody, Who::LocalOrSignedIn, Who::SignedIn],
        ),
        (
            "a provisioner",
            Some(&provisioner),
            REMOTE,
            &[
                Who::Anybody,
                Who::LocalOrSignedIn,
                Who::SignedIn,
                Who::Provisioners,
            ],
        ),
        (
            "an admin",
            Some(&root),
            REMOTE,
            &[
                Who::Anybody,
                Who::LocalOrSignedIn,
                Who::SignedIn,
                Who::Admins,
            ],
        ),
        (
            "the local admin",
            Some(&local),
            LOCAL,
            &[
                Who::Anybody,
                Who::LocalOrSignedIn,
                Who::SignedIn,
                Who::Admins,
            ],
        ),
    ];
    for route in routes() {
        for (role, secret, from, admitted) in &roles {
            // Ids that exist for nobody: whoever passes the gate is told that there is nothing.
            let id = match route.path {
                p if p.contains("/tokens/") => "t-000000000000",
                p if p.contains("/principals/") => "user:nobody",
                p if p.contains("/agents/") => "agent:nobody",
                p if p.contains("/sign-ins/") => "i-000000000000",
                p if p.contains("/approvals/") => "a-0000000000",
                p if p.contains("/deliveries/") => "d-1",
                _ => "s-00000000000000000000",
            };
            let path = route.path.replace("{id}", id).replace("{*file}", "any");
            let method = method(route.method);
            let body = if method == "get" {
                ""
            } else {
                body(route.path)
            };
            let reply = rig.call(method, &path, *secret, from, body).await;
            let context = format!("{method} {path} as {role}: {} {}", reply.status, reply.text);
            let passes = admitted.contains(&route.who);
            let signed_in = secret.is_some() && admitted.len() > 2;
            match (passes, signed_in) {
                (false, false) => assert_eq!(reply.status, 401, "{context}"),
                (false, true) => assert_eq!(reply.status, 403, "{context}"),
                (true, _) => assert_ne!(reply.status, 401, "{context}"),
            }
            let narrowed = matches!(route.path, "/v1/tokens" | "/v1/explain" | "/v1/requests");
            if passes && !narrowed {
                assert_ne!(reply.status, 403, "{context}");
                assert!(!path.contains(id) || reply.status == 404, "{context}");
            }
            if signed_in && !admitted.contains(&Who::Admins) && method == "post" && narrowed {
                assert!(
                    [403, 404].contains(&reply.status.as_u16())
                        || ["an agent", "a provisioner"].contains(role),
                    "{context}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_in_the_table_does_not_exist() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    for (method, path) in [
        ("get", "/index.html"),
        ("get", "/v1"),
        ("get", "/v1/tokens/"),
        ("get", "/v1//tokens"),
        ("get", "/v1/resources/apply"),
        ("delete", "/v1/tokens"),
        ("put", "/v1/resources/apply"),
        ("get", "/v1/tokens/..%2f..%2fmetrics"),
        ("get", "/scim/v2"),
        ("get", "/scim/v2/Users/"),
        ("post", "/scim/v2/Bulk"),
    ] {
        assert_eq!(
            rig.call(method, path, Some(&root), REMOTE, "").await.status,
            404,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_disabled_principal_is_out_at_once_with_every_token() {
    let rig = Rig::new().await;
    let (root, eve) = (
        rig.token("user:root").await.secret,
        rig.token("user:eve").await.secret,
    );
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 200);
    let mut snapshots = rig.control.snapshots();
    snapshots.mark_unchanged();
    assert_eq!(
        rig.post("/v1/principals/user:eve/disable", &root, "{}")
            .await
            .status,
        200
    );
    assert!(snapshots.has_changed().unwrap());
    assert!(
        snapshots
            .borrow()
            .principal(&principal("user:eve"))
            .is_none()
    );
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 401);
    assert_eq!(
        rig.post("/v1/principals/user:eve/enable", &root, "{}")
            .await
            .status,
        200
    );
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 200);
    assert_eq!(
        rig.post("/v1/principals/user:admin/disable", &root, "{}")
            .await
            .status,
        409
    );
    // An agent goes with its owner.
    let bot = rig.token("agent:bot").await.secret;
    assert_eq!(
        rig.post("/v1/principals/user:ada/disable", &root, "{}")
            .await
            .status,
        200
    );
    assert_eq!(rig.get("/v1/whoami", &bot).await.status, 401);
}

#[tokio::test]
async fn guessing_locks_the_address_out_and_nobody_else() {
    let rig = Rig::new().await;
    let eve = rig.token("user:eve").await.secret;
    for i in 0..20 {
        let reply = rig.get("/v1/whoami", &format!("sluice_guess{i}")).await;
        assert_eq!(reply.status, 401, "{}", reply.text);
    }
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 429);
    assert_eq!(
        rig.call("get", "/v1/whoami", Some(&eve), "192.0.2.8", "")
            .await
            .status,
        200
    );
    rig.advance(60);
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 200);
}

#[tokio::test]
async fn bodies_are_bounded_and_must_be_json() {
    let rig = Rig::new().await;
    let root = rig.token("user:root").await.secret;
    let long = format!("{{\"for\": \"{}\"}}", "x".repeat(300 << 10));
    assert_eq!(rig.post("/v1/tokens", &root, &long).await.status, 413);
    assert_eq!(rig.post("/v1/tokens", &root, "{").await.status, 400);
    let unknown = r#"{"for": "user:eve", "ttl_seconds": 60, "admin": true}"#;
    let reply = rig.post("/v1/tokens", &root, unknown).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert!(reply.text.contains("admin"), "{}", reply.text);
}
