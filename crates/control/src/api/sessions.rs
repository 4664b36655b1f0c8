//! Sessions: listing, ending, replaying, verifying; and explaining what would be decided.

use super::answer::{Ask, Body, Id, Refusal};
use super::places::Places;
use super::recorded::{DEFAULT_LIMIT, Filter, both, page};
use super::types::{
    AuditReport, ErrorBody, ExplainRequest, ExplainResponse, Reason, SessionInfo, SessionList,
};
use super::{App, Peer};
use crate::control::{Caller, is_seen};
use crate::error::ControlError;
use crate::index::Cursor;
use crate::rights::may_watch;
use axum::body::{Body as Stream, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use sluice_model::{Event, EventBody, SessionId};
use sluice_record::{Replay, Tail};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Sessions that are replayed or watched at a time, altogether and by one principal: each takes a thread while it is sent.
const MAX_REPLAYS: usize = 64;
const MAX_REPLAYS_EACH: usize = 8;
/// How often a live record is looked at.
const WATCH_PACE: Duration = Duration::from_millis(250);
/// Events that may wait for a slow reader of a replay.
const REPLAY_AHEAD: usize = 64;
/// Sessions that are listed at most: the command line asks for many.
const MAX_LIMIT: u32 = 10_000;

/// The same with conditions on what was done in them, for each of which many operations are looked at.
const MAX_LIMIT_WITH: usize = 200;

/// Lists sessions: one's own, those on connections that one may watch, all for administrators. With conditions on what
/// was done in them, those that one may watch alone, and that is recorded.
#[utoipa::path(
    get, path = "/v1/sessions", params(Filter),
    responses((status = 200, body = SessionList), (status = 400, body = ErrorBody))
)]
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Ask(filter): Ask<Filter>,
) -> Result<Json<SessionList>, Refusal> {
    let (_, cursor) = page(None, filter.cursor.as_ref())?;
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
    if cursor.is_none() {
        app.control.freshen().await;
    }
    if filter.live == Some(true) {
        return live_sessions(&app, &caller, from, &filter, (limit, cursor)).await;
    }
    let found = match filter.asks_about_operations() {
        true => {
            let scope = app.control.watched(&caller, from);
            app.control
                .record_search(&caller, &scope, &filter.described())?;
            let _place = app.searching.take(caller.id())?;
            let limit = limit.min(MAX_LIMIT_WITH);
            app.control
                .index()
                .sessions_with(&filter.wanted(), &scope, cursor, limit)
                .await
                .map_err(ControlError::from)?
        }
        false => {
            let scope = app.control.known_of(&caller, from);
            app.control
                .index()
                .sessions(&filter.of_sessions(), &scope, cursor, limit)
                .await
                .map_err(ControlError::from)?
        }
    };
    let live: BTreeMap<SessionId, SessionInfo> = app
        .sessions
        .list()
        .into_iter()
        .map(|s| (s.id.clone(), s))
        .collect();
    let as_now = |recorded: SessionInfo| match live.get(&recorded.id) {
        Some(now) => both(now.clone(), Some(recorded)),
        None => recorded,
    };
    let wanted = |s: &SessionInfo| filter.live != Some(false) || !s.live;
    Ok(Json(SessionList {
        sessions: found.items.into_iter().map(as_now).filter(wanted).collect(),
        next: found.next.map(Cursor::text),
        incomplete: found.incomplete,
    }))
}

/// Those that live, which are few enough to be looked at all.
async fn live_sessions(
    app: &App,
    caller: &Caller,
    from: IpAddr,
    filter: &Filter,
    (limit, cursor): (usize, Option<Cursor>),
) -> Result<Json<SessionList>, Refusal> {
    let scope = app.control.known_of(caller, from);
    let before = cursor.map_or(i64::MAX, |cursor| cursor.at);
    let mut live = app.sessions.list();
    live.retain(|s| {
        is_seen(&scope, s)
            && filter
                .principal
                .as_ref()
                .is_none_or(|p| s.principal.to_string() == *p)
            && filter
                .connection
                .as_ref()
                .is_none_or(|c| s.connection == *c)
            && s.started.0 < before
    });
    live.sort_by(|a, b| (b.started, &b.id).cmp(&(a.started, &a.id)));
    let more = live.len() > limit;
    live.truncate(limit);
    let last = live.last().filter(|_| more).map(|s| s.started.0);
    let mut sessions = Vec::with_capacity(live.len());
    for session in live {
        let recorded = app
            .control
            .index()
            .session(&session.id)
            .await
            .map_err(ControlError::from)?;
        sessions.push(both(session, recorded));
    }
    Ok(Json(SessionList {
        sessions,
        next: last.map(|at| Cursor { at, id: 0 }.text()),
        incomplete: false,
    }))
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

/// How to replay.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Go on with what is recorded from now on, until the session ends.
    #[serde(default)]
    follow: bool,
}

/// The events of a session, one JSON object per line. Watching is itself recorded.
#[utoipa::path(
    get, path = "/v1/sessions/{id}/replay", params(("id" = String, Path), How),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 404, body = ErrorBody))
)]
pub(super) async fn replay(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Id(id): Id<SessionId>,
    Ask(how): Ask<How>,
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
    let place = app.replaying.take(caller.id())?;
    let detail = if how.follow { "live" } else { "" };
    app.control
        .record(caller.id(), "session.watch", &id, detail)?;
    let (sender, receiver) = mpsc::channel(REPLAY_AHEAD);
    let begun = tokio::task::spawn_blocking({
        let sender = sender.clone();
        move || send_events(opening, events, &sender)
    });
    let watch = how.follow.then_some(Watch {
        app,
        caller,
        from,
        id,
        sender,
    });
    // The place is taken for as long as the thread is.
    tokio::spawn(async move {
        let sent = begun.await;
        if let (Ok(Some((opening, behind))), Some(watch)) = (sent, watch) {
            watch.follow(&opening, behind).await;
        }
        drop(place);
    });
    let lines = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|line| (line, receiver))
    });
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Stream::from_stream(lines),
    )
        .into_response())
}

/// For those who replay.
pub(super) fn replay_places() -> Arc<Places> {
    Places::new(MAX_REPLAYS, MAX_REPLAYS_EACH, "sessions that are replayed")
}

/// Somebody who watches a session that goes on.
struct Watch {
    app: App,
    caller: Caller,
    from: IpAddr,
    id: SessionId,
    sender: mpsc::Sender<std::io::Result<Bytes>>,
}

impl Watch {
    /// Sends what is recorded from now on, until the session or the right to watch it ends, or nobody reads.
    async fn follow(self, opening: &Event, mut behind: Tail) {
        loop {
            let live = self.app.sessions.list().iter().any(|s| s.id == self.id);
            let dir = self.app.control.log().dir().to_path_buf();
            let (id, sender) = (self.id.clone(), self.sender.clone());
            let read = tokio::task::spawn_blocking(move || {
                let events = sluice_record::replay_from(&dir, &id, Some(behind)).ok()?;
                send_more(events, &sender)
            });
            match read.await {
                Ok(Some(place)) => behind = place,
                _ => return,
            }
            // Looked at before the record was read, so that its last event is not missed.
            if !live || self.sender.is_closed() || self.app.stop.is_cancelled() {
                return;
            }
            let Ok(caller) = self.app.control.as_now(&self.caller).await else {
                return;
            };
            if may_replay(&self.app, &caller, &self.id, opening, self.from).is_err() {
                return;
            }
            tokio::time::sleep(WATCH_PACE).await;
        }
    }
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

/// Sends a record from its opening on. Gives the opening back, and how far the record has been sent.
fn send_events(
    opening: Event,
    events: Replay,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> Option<(Event, Tail)> {
    sender.blocking_send(line(&opening)).ok()?;
    Some((opening, send_more(events, sender)?))
}

/// Ends when the reader goes away. A record that cannot be read on ends the answer in the middle, so that it is not
/// taken for whole. Gives how far the record has been sent.
fn send_more(mut events: Replay, sender: &mpsc::Sender<std::io::Result<Bytes>>) -> Option<Tail> {
    for event in events.by_ref() {
        let line = event
            .map_err(std::io::Error::other)
            .and_then(|event| line(&event));
        let over = line.is_err();
        if sender.blocking_send(line).is_err() || over {
            return None;
        }
    }
    Some(events.place())
}

/// One event as a line.
fn line(event: &Event) -> std::io::Result<Bytes> {
    let mut line = serde_json::to_vec(event).map_err(std::io::Error::other)?;
    line.push(b'\n');
    Ok(Bytes::from(line))
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
    let report = AuditReport {
        ok: report.is_clean(),
        sessions: report.sessions,
        events: report.events,
        problems,
    };
    app.control.note_verified(&report);
    Ok(Json(report))
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
