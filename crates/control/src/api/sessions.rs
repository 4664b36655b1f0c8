//! Sessions: listing, ending, replaying, verifying; and explaining what would be decided.

use super::answer::{Ask, Body, Id, Refusal};
use super::types::{
    AuditReport, ErrorBody, ExplainRequest, ExplainResponse, OperationCounts, Reason, SessionInfo,
    SessionList,
};
use super::{App, Peer};
use crate::control::Caller;
use crate::error::ControlError;
use crate::rights::may_watch;
use axum::body::{Body as Stream, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use sluice_model::{Event, EventBody, SessionId};
use sluice_record::{Replay, SessionSummary};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use tokio::sync::mpsc;

/// Sessions that are listed unless a number is given.
const DEFAULT_LIMIT: usize = 100;
/// Sessions that are listed at most.
const MAX_LIMIT: usize = 10_000;
/// Events that may wait for a slow reader of a replay.
const REPLAY_AHEAD: usize = 64;

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Only those that live.
    #[serde(default)]
    live: bool,
    /// How many at most.
    #[serde(default)]
    limit: Option<usize>,
}

/// Lists sessions: one's own, those on connections that one may watch, all for administrators.
#[utoipa::path(
    get, path = "/v1/sessions", responses((status = 200, body = SessionList)),
    params(
        ("live" = Option<bool>, Query, description = "only those that live"),
        ("limit" = Option<u32>, Query, description = "how many at most"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Ask(which): Ask<Which>,
) -> Result<Json<SessionList>, Refusal> {
    let mut sessions = app.sessions.list();
    if !which.live {
        let live: BTreeSet<SessionId> = sessions.iter().map(|s| s.id.clone()).collect();
        let log = app.control.log();
        let recorded = off_the_threads(move || log.sessions()).await?;
        let recorded = recorded.map_err(|e| unreadable(&e))?;
        let over = recorded.iter().filter(|s| !live.contains(&s.session));
        sessions.extend(over.filter_map(recorded_session));
    }
    let mut watched = BTreeMap::new();
    sessions.retain(|s| {
        caller.is_admin()
            || s.principal == *caller.id()
            || *watched
                .entry(s.connection.clone())
                .or_insert_with(|| may_watch(&app.control, &caller, &s.connection, from))
    });
    sessions.sort_by(|a, b| (b.started, &b.id).cmp(&(a.started, &a.id)));
    sessions.truncate(which.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT));
    Ok(Json(SessionList {
        sessions,
        next: None,
    }))
}

fn recorded_session(summary: &SessionSummary) -> Option<SessionInfo> {
    let opening = summary.opening.as_ref()?;
    let EventBody::SessionOpened {
        principal,
        connection,
        protocol,
        account,
        database,
        client_address,
        application,
        ..
    } = &opening.body
    else {
        return None;
    };
    Some(SessionInfo {
        id: summary.session.clone(),
        principal: principal.clone(),
        connection: connection.clone(),
        account: account.clone(),
        database: database.clone(),
        client_address: client_address.clone(),
        application: application.clone(),
        started: opening.at,
        live: false,
        events: summary.events,
        protocol: protocol.clone(),
        ended: None,
        counts: OperationCounts::default(),
    })
}

/// Ends a live session: one's own, anybody's for administrators.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/kill", params(("id" = String, Path)), request_body = Reason,
    responses((status = 200, body = SessionInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn kill(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<SessionId>,
    Body(reason): Body<Reason>,
) -> Result<Json<SessionInfo>, Refusal> {
    let none = || ControlError::NotFound(format!("there is no live session {id}"));
    let caller = app.control.as_now(&caller).await?;
    let found = app.sessions.list().into_iter().find(|s| s.id == id);
    let mine = |s: &SessionInfo| caller.is_admin() || s.principal == *caller.id();
    let mut session = found.filter(mine).ok_or_else(none)?;
    let reason = reason.reason.unwrap_or_default();
    app.control
        .record(caller.id(), "session.kill", &id, reason.clone())?;
    let why = match reason.is_empty() {
        true => format!("ended by {}", caller.id()),
        false => format!("ended by {}: {reason}", caller.id()),
    };
    if !app.sessions.kill(&id, &why) {
        return Err(none().into());
    }
    session.live = false;
    Ok(Json(session))
}

/// The events of a session, one JSON object per line. Watching is itself recorded.
#[utoipa::path(
    get, path = "/v1/sessions/{id}/replay", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 404, body = ErrorBody))
)]
pub(super) async fn replay(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Id(id): Id<SessionId>,
) -> Result<Response, Refusal> {
    let dir = app.control.log().dir().to_path_buf();
    let wanted = id.clone();
    let opened = off_the_threads(move || {
        let mut events = sluice_record::replay(&dir, &wanted).ok()?;
        let opening = events.next()?.ok()?;
        Some((events, opening))
    })
    .await?;
    let none = || ControlError::NotFound(format!("there is no session {id}"));
    let (events, opening) = opened.ok_or_else(none)?;
    may_replay(&app, &caller, &id, &opening, from)?;
    app.control.record(caller.id(), "session.watch", &id, "")?;
    let (sender, receiver) = mpsc::channel(REPLAY_AHEAD);
    tokio::task::spawn_blocking(move || send_events(opening, events, &sender));
    let lines = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|line| (line, receiver))
    });
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Stream::from_stream(lines),
    )
        .into_response())
}

/// One's own session, or one that a policy lets the caller watch. What the caller may not know of does not exist.
fn may_replay(
    app: &App,
    caller: &Caller,
    id: &SessionId,
    opening: &Event,
    from: IpAddr,
) -> Result<(), Refusal> {
    let none = || ControlError::NotFound(format!("there is no session {id}"));
    let EventBody::SessionOpened {
        principal,
        connection,
        ..
    } = &opening.body
    else {
        return Err(none().into());
    };
    if principal == caller.id() || may_watch(&app.control, caller, connection, from) {
        return Ok(());
    }
    if !caller.is_admin() {
        return Err(none().into());
    }
    let error = format!(
        "no policy lets {} watch sessions on {connection:?}",
        caller.id()
    );
    let hint = format!(
        "permit it, also to administrators, with: permit (principal in Group::\"{}\", action == Action::\"watch\", resource);",
        crate::control::ADMINS
    );
    Err(ControlError::Forbidden(error, Some(hint)).into())
}

/// Ends when the reader goes away. A record that cannot be read on ends the answer in the middle, so that it is not
/// taken for whole.
fn send_events(opening: Event, events: Replay, sender: &mpsc::Sender<std::io::Result<Bytes>>) {
    for event in std::iter::once(Ok(opening)).chain(events) {
        let line = event.map_err(std::io::Error::other).and_then(|event| {
            let mut line = serde_json::to_vec(&event).map_err(std::io::Error::other)?;
            line.push(b'\n');
            Ok(Bytes::from(line))
        });
        let over = line.is_err();
        if sender.blocking_send(line).is_err() || over {
            return;
        }
    }
}

/// Verifies everything that was ever recorded.
#[utoipa::path(
    post, path = "/v1/audit/verify",
    responses((status = 200, body = AuditReport), (status = 503, body = ErrorBody))
)]
pub(super) async fn verify(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<AuditReport>, Refusal> {
    let Ok(turn) = app.verifying.clone().try_lock_owned() else {
        let what = "somebody is verifying already; wait for their answer".to_owned();
        return Err(ControlError::TooMany(what).into());
    };
    app.control.record(caller.id(), "audit.verify", "log", "")?;
    let log = app.control.log();
    let report = off_the_threads(move || {
        let report = sluice_record::verify(log.dir(), &log.verifier(), Some(log.latest().mark));
        drop(turn);
        report
    });
    let report = report.await?.map_err(|e| unreadable(&e))?;
    let mut problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    if report.more {
        problems.push("more is wrong than is listed".to_owned());
    }
    Ok(Json(AuditReport {
        ok: report.is_clean(),
        sessions: report.sessions,
        events: report.events,
        problems,
    }))
}

/// So much of an operation to explain is kept in the log.
const EXPLAINED_BYTES: usize = 16 * 1024;

/// Says what would be decided. Nothing is run.
#[utoipa::path(
    post, path = "/v1/explain", request_body = ExplainRequest,
    responses((status = 200, body = ExplainResponse), (status = 403, body = ErrorBody))
)]
pub(super) async fn explain(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<ExplainRequest>,
) -> Result<Json<ExplainResponse>, Refusal> {
    let wanted = request.principal.as_ref().unwrap_or(caller.id());
    if wanted != caller.id() && !caller.is_admin() {
        let error = "only administrators ask what others may do".to_owned();
        return Err(ControlError::Forbidden(error, None).into());
    }
    let gone = || {
        ControlError::NotFound(format!(
            "there is no principal {wanted} that is switched on"
        ))
    };
    let principal = app
        .control
        .snapshot()
        .principal(wanted)
        .cloned()
        .ok_or_else(gone)?;
    // The target may be asked what columns the operation answers with, and it hears nothing unrecorded.
    let operation = capped(&request.operation, EXPLAINED_BYTES);
    let detail = format!("on {} for {wanted}: {operation}", request.connection);
    app.control
        .record(caller.id(), "explain", &request.connection, detail)?;
    let answer = app.explainer.explain(&principal, &request).await;
    answer
        .map(Json)
        .map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why, None))
}

/// The beginning of a text, in whole characters, and whether there was more.
fn capped(text: &str, bytes: usize) -> String {
    match text.get(..text.floor_char_boundary(bytes)) {
        Some(kept) if kept.len() < text.len() => format!("{kept} ... ({} bytes)", text.len()),
        _ => text.to_owned(),
    }
}

async fn off_the_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let failed = |_| Refusal::from(ControlError::Unavailable);
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

fn unreadable(error: &sluice_record::RecordError) -> Refusal {
    tracing::error!(%error, "the records cannot be read");
    let hint = "`sluice audit verify` on the gateway's host says what is wrong";
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the records cannot be read",
        Some(hint),
    )
}
