//! What snapshots decide about a request. The target is not asked.

use super::Shared;
use super::explain::asked_of;
use super::operation::{self, Known};
use super::route::{By, Route};
use crate::clock;
use crate::judging::{CannotJudge, JudgeRequest, Judged};
use http::Method;
use sluice_model::{ApprovalFacts, Connection, Decision, Denial};
use sluice_policy::{SessionView, Snapshot};
use sluice_protocol::http::actions::{FIELDS, NUMBERS};
use sluice_protocol::http::path::Target;
use std::sync::Arc;

/// What a record holds of a request beside what it is decided by. Policies that read these cannot be asked again about
/// a request that may have had a body.
const OF_BODIES: &[&str] = &[FIELDS, NUMBERS, "content_type", "body_bytes"];

/// What each snapshot decides.
pub async fn judge(
    shared: &Arc<Shared>,
    snapshots: &[Arc<Snapshot>],
    asked: &JudgeRequest,
) -> Judged {
    let mut judged = Vec::with_capacity(snapshots.len());
    for snapshot in snapshots {
        judged.push(match asked.session(snapshot, "") {
            Err(denial) => Ok(Decision::Deny(denial)),
            Ok((context, view)) => match asked.before_reading(&view) {
                Some(decision) => Ok(decision),
                None => decide(shared, asked, &context.connection, &view).await,
            },
        });
    }
    judged
}

async fn decide(
    shared: &Shared,
    asked: &JudgeRequest,
    connection: &Arc<Connection>,
    view: &SessionView,
) -> Result<Decision, CannotJudge> {
    let (request, body) = asked_of(&asked.text).map_err(CannotJudge::text)?;
    let target = Target::parse(request.target.as_bytes()).map_err(CannotJudge::text)?;
    let route = Route {
        connection: Arc::clone(connection),
        target,
        by: By::Host,
    };
    let document = match &connection.settings.description_file {
        Some(file) => {
            let read = shared.descriptions.of(shared.port.as_ref(), file).await;
            Some(read.map_err(|refusal| CannotJudge::Target(refusal.message))?)
        }
        None => None,
    };
    let described = document
        .as_ref()
        .and_then(|d| d.find(&request.method, &route.target));
    let denied = |message: &str| {
        Ok(Decision::Deny(Denial {
            policy: None,
            message: message.to_owned(),
        }))
    };
    if described.is_none() && connection.settings.only_described {
        return denied("the description of the service does not know this request");
    }
    if !super::actions_of(&request) {
        return denied("what the method does is not known here");
    }
    let operation = operation::of(&request, &route, described, Known::Whole(&body), true)
        .or_else(|_| operation::of(&request, &route, described, Known::Whole(&body), false))
        .map_err(CannotJudge::text)?;
    let now = clock::now();
    let has_no_body = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method);
    if asked.recorded && !has_no_body {
        let wanted = |fact: &&&str| view.wants_fact(fact, &operation, now);
        if let Some(fact) = OF_BODIES.iter().find(wanted) {
            let why = format!("a policy reads {fact}, which is not in the record's own line");
            return Err(CannotJudge::Text(why));
        }
    }
    Ok(view.decide(&operation, now, &ApprovalFacts::default()))
}
