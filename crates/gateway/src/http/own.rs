//! What is asked of the gateway itself under a connection's name: the state of a request for approval, and the end of a
//! browser's sign-in.

use super::asked::Asked;
use super::browser;
use super::client::Client;
use super::login;
use super::refusal::Refusal;
use super::route::Route;
use http::{Method, StatusCode};
use sluice_model::ApprovalId;

/// Answers it.
pub async fn serve(client: &Client, asked: &Asked, route: &Route) -> Refusal {
    let none = || Refusal::new(StatusCode::NOT_FOUND, "the gateway has no such page");
    if asked.method != Method::GET {
        return none();
    }
    let segments: Vec<&str> = route.target.segments().iter().map(String::as_str).collect();
    match segments.as_slice() {
        [_, "approvals", id] => match id.parse() {
            Ok(id) => state(client, asked, route, &id).await,
            Err(_) => none(),
        },
        [_, "enter"] => browser::enter(client, asked, route).await,
        _ => none(),
    }
}

/// How a request for approval stands, for whoever made it.
async fn state(client: &Client, asked: &Asked, route: &Route, id: &ApprovalId) -> Refusal {
    let visit = match login::enter(client, asked, route).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    let principal = &visit.context.principal.id;
    match client.shared.port.look(id, principal).await {
        Some(looked) => Refusal::state(id, &looked),
        None => Refusal::new(StatusCode::NOT_FOUND, "you have no such request"),
    }
}
