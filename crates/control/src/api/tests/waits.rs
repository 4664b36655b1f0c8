//! Whether anybody still waits for the answer to a request, as approvers see it.

use super::rig::{Rig, principal};
use crate::api::types::{ApprovalInfo, ApprovalList};
use crate::control::Topic;
use crate::port_types::ApprovalTicket;
use sluice_model::{ApprovalId, ApprovalState, HeldOperation, SessionId};
use tokio::sync::broadcast::Receiver;

/// A gateway, and the secret of somebody who decides.
async fn rig() -> (Rig, String) {
    let rig = Rig::new().await;
    let bob = rig.token("user:bob").await.secret;
    (rig, bob)
}

async fn ask(rig: &Rig, held: HeldOperation) -> ApprovalTicket {
    rig.control.request_approval(held).await.unwrap()
}

/// What whoever decides sees of it.
async fn seen(rig: &Rig, bob: &str, id: &ApprovalId) -> (ApprovalState, Option<u32>) {
    let shown: ApprovalInfo = rig.get(&format!("/v1/approvals/{id}"), bob).await.json();
    let list: ApprovalList = rig.get("/v1/approvals?all=true", bob).await.json();
    let listed = list.approvals.iter().find(|a| a.id == *id).unwrap();
    assert_eq!(*listed, shown, "in the list as alone");
    (shown.state, shown.waiting)
}

/// Whether open pages were told since this was asked last.
fn told(news: &mut Receiver<Topic>) -> bool {
    let mut told = false;
    while let Ok(topic) = news.try_recv() {
        told |= topic == Topic::Approvals;
    }
    told
}

const PENDING: ApprovalState = ApprovalState::Pending;

#[tokio::test]
async fn a_client_that_leaves_without_a_word_waits_no_more_and_pages_are_told() {
    let (rig, bob) = rig().await;
    let mut news = rig.control.news();
    let ticket = ask(&rig, rig.held("user:ada")).await;
    let id = ticket.id.clone();
    assert!(told(&mut news));
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(1)));
    let shown: ApprovalInfo = rig.get(&format!("/v1/approvals/{id}"), &bob).await.json();
    assert_eq!(shown.client.as_deref(), Some("psql"));
    assert!(!told(&mut news), "looking changes nothing");
    // Whatever ended it: a task that was dropped says nothing more.
    drop(ticket);
    assert!(told(&mut news));
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(0)));
    // They ask again, which is the same request.
    let again = ask(&rig, rig.held("user:ada")).await;
    assert_eq!(again.id, id);
    assert!(told(&mut news));
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(1)));
}

#[tokio::test]
async fn after_a_timeout_nobody_waits_and_the_approval_says_so_until_it_is_used() {
    let (rig, bob) = rig().await;
    let ticket = ask(&rig, rig.held("user:ada")).await;
    let id = ticket.id.clone();
    let mut news = rig.control.news();
    rig.control.expire_wait(&id).await;
    assert!(told(&mut news));
    // Its client was told already, and can ask again before all that it left is cleared away.
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(0)));
    let again = ask(&rig, rig.held("user:ada")).await;
    assert_eq!(again.id, id);
    drop(ticket);
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(1)));
    rig.control.expire_wait(&id).await;
    drop(again);
    let approve = format!("/v1/approvals/{id}/approve");
    let given: ApprovalInfo = rig.post(&approve, &bob, "{}").await.json();
    assert_eq!(given.waiting, Some(0));
    assert_eq!(
        seen(&rig, &bob, &id).await,
        (ApprovalState::Approved, Some(0))
    );
    let (ada, session) = (principal("user:ada"), SessionId::from_bits(8));
    let run = rig.control.spend(None, "d1", &ada, "shop", &session).await;
    assert!(run.unwrap().is_some());
    assert_eq!(seen(&rig, &bob, &id).await, (ApprovalState::Spent, None));
}

#[tokio::test]
async fn what_its_client_cancels_is_over_and_waited_for_by_nobody() {
    let (rig, bob) = rig().await;
    let ticket = ask(&rig, rig.held("user:ada")).await;
    let id = ticket.id.clone();
    let mut news = rig.control.news();
    rig.control.cancel_approval(&id).await;
    assert!(told(&mut news));
    assert_eq!(
        seen(&rig, &bob, &id).await,
        (ApprovalState::Cancelled, None)
    );
    drop(ticket);
    assert_eq!(
        seen(&rig, &bob, &id).await,
        (ApprovalState::Cancelled, None)
    );
}

#[tokio::test]
async fn each_login_that_waits_for_the_same_answer_counts() {
    let (rig, bob) = rig().await;
    let login = |client: &str| HeldOperation {
        connect: true,
        client: Some(client.to_owned()),
        ..rig.held("user:ada")
    };
    let first = ask(&rig, login("psql")).await;
    let second = ask(&rig, login("DBeaver")).await;
    let id = first.id.clone();
    assert_eq!(second.id, id);
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(2)));
    let client = async || {
        let path = format!("/v1/approvals/{id}");
        let shown: ApprovalInfo = rig.get(&path, &bob).await.json();
        shown.client
    };
    assert_eq!(client().await, None, "they call themselves differently");
    // The one that asked first leaves: what is said is about the one that stays.
    rig.control.expire_wait(&id).await;
    drop(first);
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(1)));
    assert_eq!(client().await.as_deref(), Some("DBeaver"));
    drop(second);
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(0)));
}

#[tokio::test]
async fn who_waits_is_not_said_of_what_was_asked_ahead_and_is_not_kept() {
    let (rig, bob) = rig().await;
    let ada = rig.token("user:ada").await.secret;
    let ahead = r#"{"connection": "shop", "window_seconds": 600, "reason": "r"}"#;
    let ahead: ApprovalInfo = rig.post("/v1/requests", &ada, ahead).await.json();
    assert_eq!(seen(&rig, &bob, &ahead.id).await, (PENDING, None));
    let (runs, opens) = (
        ask(&rig, rig.held("user:ada")).await,
        ask(&rig, rig.held("user:eve")).await,
    );
    let approve = format!("/v1/approvals/{}/approve", opens.id);
    let window = r#"{"scope": {"window": {"seconds": 600}}}"#;
    assert_eq!(rig.post(&approve, &bob, window).await.status, 200);
    assert_eq!(
        seen(&rig, &bob, &opens.id).await,
        (ApprovalState::Approved, None),
        "a window is no run that somebody waits for"
    );
    // A gateway that was restarted has no sessions, whatever was left of the old one.
    let id = runs.id.clone();
    let rig = rig.restart().await.unwrap();
    assert_eq!(seen(&rig, &bob, &id).await, (PENDING, Some(0)));
    drop(runs);
}
