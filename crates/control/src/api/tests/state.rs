//! What survives, and what happens when something fails.

use super::rig::{LOCAL, POLICIES, RESOURCES, Rig, principal};
use crate::error::StartError;
use crate::port_types::LoginError;
use sluice_model::{WayIn, WaysIn};
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test]
async fn the_directory_is_taken_over_when_it_changes_and_bad_files_leave_the_last_good() {
    let rig = Rig::new().await;
    let yaml = rig.dir.path().join("resources/all.yaml");
    let eve = principal("user:eve");
    std::fs::write(
        &yaml,
        RESOURCES.replace("kind: User, name: eve", "kind: Usr, name: eve"),
    )
    .unwrap();
    rig.control.reload().await;
    let failing = rig
        .control
        .health()
        .borrow()
        .resources_failing
        .clone()
        .unwrap();
    assert!(
        failing.contains("all.yaml") && failing.contains("Usr"),
        "{failing}"
    );
    assert!(rig.control.snapshot().principal(&eve).is_some());
    let cedar = rig.dir.path().join("resources/all.cedar");
    std::fs::write(&cedar, POLICIES.replace("auditors-watch", "eng-connects")).unwrap();
    std::fs::write(&yaml, RESOURCES).unwrap();
    rig.control.reload().await;
    assert!(
        rig.control.health().borrow().resources_failing.is_some(),
        "two policies of one id"
    );
    std::fs::write(&cedar, POLICIES).unwrap();
    std::fs::write(&yaml, RESOURCES.replace("name: eve", "name: evelyn")).unwrap();
    rig.control.reload().await;
    assert_eq!(rig.control.health().borrow().resources_failing, None);
    assert!(rig.control.snapshot().principal(&eve).is_none());
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:evelyn"))
            .is_some()
    );
}

#[tokio::test]
async fn a_broken_directory_stops_the_first_start_and_not_a_later_one() {
    let rig = Rig::new().await;
    std::fs::write(rig.dir.path().join("resources/all.yaml"), "kind: Usr").unwrap();
    let rig = rig.restart().await.unwrap();
    assert!(rig.control.health().borrow().resources_failing.is_some());
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:eve"))
            .is_some()
    );
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("resources")).unwrap();
    std::fs::write(dir.path().join("resources/a.yaml"), "kind: Usr").unwrap();
    assert!(matches!(
        Rig::start(dir, 0).await,
        Err(StartError::Resources(_))
    ));
}

#[tokio::test]
async fn without_the_store_nobody_new_comes_in_and_after_the_grace_nobody_stands() {
    let rig = Rig::new().await;
    let eve = rig.token("user:eve").await.secret;
    let from = LOCAL.parse().unwrap();
    assert!(
        rig.control
            .authenticate_token(&eve, WaysIn::of(&[WayIn::Token]), from)
            .is_ok()
    );
    std::fs::rename(
        rig.dir.path().join("data/sluice.db"),
        rig.dir.path().join("away"),
    )
    .unwrap();
    rig.control.beat().await;
    assert_eq!(
        rig.control
            .authenticate_token(&eve, WaysIn::of(&[WayIn::Token]), from)
            .err(),
        Some(LoginError::Unavailable)
    );
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:eve"))
            .is_some(),
        "live sessions go on"
    );
    assert_eq!(
        rig.call("get", "/readyz", None, LOCAL, "").await.status,
        503
    );
    rig.advance(61);
    rig.control.beat().await;
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:eve"))
            .is_none()
    );
    std::fs::rename(
        rig.dir.path().join("away"),
        rig.dir.path().join("data/sluice.db"),
    )
    .unwrap();
    rig.control.beat().await;
    assert!(
        rig.control
            .authenticate_token(&eve, WaysIn::of(&[WayIn::Token]), from)
            .is_ok()
    );
    assert!(
        rig.control
            .snapshot()
            .principal(&principal("user:eve"))
            .is_some()
    );
}

#[tokio::test]
async fn disabling_and_the_local_admin_survive_a_restart() {
    let rig = Rig::new().await;
    let eve = rig.token("user:eve").await.secret;
    let secret = rig.admin_secret();
    let disable = "/v1/principals/user:eve/disable";
    let reply = rig
        .call(
            "post",
            disable,
            Some(&secret),
            LOCAL,
            r#"{"reason": "left"}"#,
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let rig = rig.restart().await.unwrap();
    assert_eq!(rig.get("/v1/whoami", &eve).await.status, 401);
    assert_eq!(rig.admin_secret(), secret);
    let path = rig.dir.path().join("data/admin.token");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // A credential that was thrown away is replaced, and the old one is worth nothing.
    std::fs::remove_file(path).unwrap();
    let rig = rig.restart().await.unwrap();
    assert_ne!(rig.admin_secret(), secret);
    assert_eq!(
        rig.call("get", "/v1/whoami", Some(&secret), LOCAL, "")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_log_that_was_replaced_by_a_shorter_one_is_noticed() {
    let rig = Rig::new().await;
    for _ in 0..3 {
        rig.token("user:eve").await;
    }
    rig.control.beat().await;
    let records = rig.dir.path().join("data/records");
    let Rig {
        dir,
        control,
        sessions,
        ..
    } = rig;
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    control.run_background(sessions, stop).await;
    drop(control);
    std::fs::remove_dir_all(records).unwrap();
    assert!(matches!(
        Rig::start(dir, 1).await,
        Err(StartError::LogCut { .. })
    ));
}
