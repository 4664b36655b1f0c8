//! What was recorded, for people who look through it: operations, the log, numbers over time.

use super::answer::{Ask, Id, Refusal};
use super::places::Places;
use super::types::{
    ErrorBody, LogList, LogStanding, OperationList, Overview, SessionInfo, SessionVerified, Verdict,
};
use super::{App, Peer};
use crate::control::{Caller, is_seen};
use crate::error::ControlError;
use crate::index::{Cursor, Filter as Wanted, LogFilter, SessionFilter};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use sluice_model::{SessionId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

/// How many are listed unless a number is given.
pub(super) const DEFAULT_LIMIT: u32 = 50;
/// How many are listed at most.
const MAX_LIMIT: u32 = 200;
/// Searches at a time, altogether and of one principal.
const MAX_SEARCHES: usize = 32;
const MAX_SEARCHES_EACH: usize = 4;
/// How far back numbers go unless it is said.
const DEFAULT_SPAN: u32 = 3_600;
/// How far back numbers go at most.
const MAX_SPAN: u32 = 90 * 86_400;

/// For those who search.
pub(super) fn search_places() -> Arc<Places> {
    Places::new(MAX_SEARCHES, MAX_SEARCHES_EACH, "searches")
}

/// Which operations, or sessions with such operations.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of this principal, such as `user:ada`.
    pub(super) principal: Option<String>,
    /// On this connection.
    pub(super) connection: Option<String>,
    /// In this session.
    pub(super) session: Option<String>,
    /// Needing something of this name, such as a table `public.customers` or `customers`, or `orders/{id}`.
    pub(super) resource: Option<String>,
    /// Needing this action, such as `sql:delete`.
    pub(super) action: Option<String>,
    /// Decided so.
    #[param(inline)]
    pub(super) verdict: Option<Verdict>,
    /// Decided by this policy.
    pub(super) policy: Option<String>,
    /// With these words in them.
    pub(super) text: Option<String>,
    /// With values masked in the answer, or without.
    pub(super) masked: Option<bool>,
    /// Since then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) from: Option<Timestamp>,
    /// Before then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) to: Option<Timestamp>,
    /// How many at most: 1 to 200, 50 when absent.
    pub(super) limit: Option<u32>,
    /// Where a list before went on (`next`).
    pub(super) cursor: Option<String>,
    /// Of sessions: only those that live, or only those that ended.
    pub(super) live: Option<bool>,
}

impl Filter {
    /// Which operations, as the index is asked.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            principal: self.principal.clone(),
            connection: self.connection.clone(),
            session: self.session.clone(),
            resource: self.resource.clone(),
            action: self.action.clone(),
            verdict: self.verdict,
            policy: self.policy.clone(),
            text: self.text.clone(),
            masked: self.masked,
            from: self.from,
            to: self.to,
        }
    }

    /// Which sessions, as the index is asked.
    pub(super) fn of_sessions(&self) -> SessionFilter {
        SessionFilter {
            principal: self.principal.clone(),
            connection: self.connection.clone(),
            live: self.live,
            from: self.from,
            to: self.to,
        }
    }

    /// Whether it says what was done, and not only by whom, where and when.
    pub(super) fn asks_about_operations(&self) -> bool {
        self.session.is_some()
            || self.resource.is_some()
            || self.action.is_some()
            || self.verdict.is_some()
            || self.policy.is_some()
            || self.text.is_some()
            || self.masked.is_some()
    }

    /// What is searched for, in words for the log.
    pub(super) fn described(&self) -> String {
        let parts = [
            ("principal", self.principal.clone()),
            ("connection", self.connection.clone()),
            ("session", self.session.clone()),
            ("resource", self.resource.clone()),
            ("action", self.action.clone()),
            (
                "verdict",
                self.verdict.map(|v| format!("{v:?}").to_lowercase()),
            ),
            ("policy", self.policy.clone()),
            ("text", self.text.clone()),
            ("masked", self.masked.map(|m| m.to_string())),
        ];
        let said = parts
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let said: Vec<String> = said.collect();
        match said.is_empty() {
            true => "everything".to_owned(),
            false => said.join(" "),
        }
    }
}

/// How many to list, and where to go on.
pub(super) fn page(
    limit: Option<u32>,
    cursor: Option<&String>,
) -> Result<(usize, Option<Cursor>), Refusal> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
    let cursor = cursor.map(|text| Cursor::parse(text).ok_or_else(no_cursor));
    Ok((limit, cursor.transpose()?))
}

fn no_cursor() -> Refusal {
    let hint = "give the `next` of a list as it was answered, or none";
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "the cursor is none that a list gave",
        Some(hint),
    )
}

/// Lists operations: one's own, and those on connections that one may watch. Searching in others' is recorded.
#[utoipa::path(
    get, path = "/v1/operations", params(Filter),
    responses((status = 200, body = OperationList), (status = 400, body = ErrorBody))
)]
pub(super) async fn operations(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Ask(filter): Ask<Filter>,
) -> Result<Json<OperationList>, Refusal> {
    let (limit, cursor) = page(filter.limit, filter.cursor.as_ref())?;
    if cursor.is_none() {
        app.control.freshen().await;
    }
    let scope = app.control.watched(&caller, from);
    app.control
        .record_search(&caller, &scope, &filter.described())?;
    let _place = app.searching.take(caller.id())?;
    let wanted = filter.wanted();
    let found = app
        .control
        .index()
        .operations(&wanted, &scope, cursor, limit);
    let found = found.await.map_err(ControlError::from)?;
    Ok(Json(OperationList {
        operations: found.items,
        next: found.next.map(Cursor::text),
        incomplete: found.incomplete,
    }))
}

/// One session, where the caller may know of it.
async fn known(
    app: &App,
    caller: &Caller,
    from: IpAddr,
    id: &SessionId,
) -> Result<SessionInfo, Refusal> {
    app.control.freshen().await;
    let live = app.sessions.list().into_iter().find(|s| s.id == *id);
    let recorded = app
        .control
        .index()
        .session(id)
        .await
        .map_err(ControlError::from)?;
    let scope = app.control.known_of(caller, from);
    let found = match (live, recorded) {
        (Some(live), recorded) => Some(both(live, recorded)),
        (None, recorded) => recorded,
    };
    let none = || ControlError::NotFound(format!("there is no session {id}"));
    Ok(found.filter(|s| is_seen(&scope, s)).ok_or_else(none)?)
}

/// A live session with what the lists know of it.
pub(super) fn both(live: SessionInfo, recorded: Option<SessionInfo>) -> SessionInfo {
    match recorded {
        Some(recorded) => SessionInfo {
            protocol: recorded.protocol,
            counts: recorded.counts,
            ..live
        },
        None => live,
    }
}

/// One session.
#[utoipa::path(
    get, path = "/v1/sessions/{id}", params(("id" = String, Path)),
    responses((status = 200, body = SessionInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn session(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Id(id): Id<SessionId>,
) -> Result<Json<SessionInfo>, Refusal> {
    Ok(Json(known(&app, &caller, from, &id).await?))
}

/// Whether the record of one session is as it was written.
#[utoipa::path(
    get, path = "/v1/sessions/{id}/verify", params(("id" = String, Path)),
    responses((status = 200, body = SessionVerified), (status = 404, body = ErrorBody))
)]
pub(super) async fn verify_session(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Id(id): Id<SessionId>,
) -> Result<Json<SessionVerified>, Refusal> {
    known(&app, &caller, from, &id).await?;
    let Ok(turn) = app.verifying.clone().try_lock_owned() else {
        let what = "somebody is verifying already; wait for their answer".to_owned();
        return Err(ControlError::TooMany(what).into());
    };
    Ok(Json(app.control.verify_session(&id, turn).await?))
}

/// Which time.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Span {
    /// How far back, in seconds: 60 to 7,776,000 (90 days); an hour when absent.
    pub(super) seconds: Option<u32>,
}

/// What is going on, and what went on: of oneself and of connections that one may watch; of all for administrators.
#[utoipa::path(get, path = "/v1/overview", params(Span), responses((status = 200, body = Overview)))]
pub(super) async fn overview(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
    Ask(span): Ask<Span>,
) -> Result<Json<Overview>, Refusal> {
    let seconds = span.seconds.unwrap_or(DEFAULT_SPAN).clamp(60, MAX_SPAN);
    let sessions = app.sessions.as_ref();
    let overview = app.control.overview(&caller, from, seconds, sessions);
    Ok(Json(overview.await?))
}

/// Which entries of the log.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Entries {
    /// By this principal.
    pub(super) actor: Option<String>,
    /// What was done, or how it begins, such as `token` for `token.create` and `token.revoke`.
    pub(super) act: Option<String>,
    /// With these words in what it was done to, or in what is said about it.
    pub(super) text: Option<String>,
    /// Since then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) from: Option<Timestamp>,
    /// Before then, in microseconds since the epoch.
    #[param(value_type = Option<i64>)]
    pub(super) to: Option<Timestamp>,
    /// How many at most: 1 to 200, 50 when absent.
    pub(super) limit: Option<u32>,
    /// Where a list before went on (`next`).
    pub(super) cursor: Option<String>,
}

/// Lists changes made through the control plane, and gaps.
#[utoipa::path(get, path = "/v1/log", params(Entries), responses((status = 200, body = LogList)))]
pub(super) async fn log(
    State(app): State<App>,
    Ask(entries): Ask<Entries>,
) -> Result<Json<LogList>, Refusal> {
    let limit = entries.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
    let before = entries
        .cursor
        .map(|text| text.parse().map_err(|_| no_cursor()));
    let before = before.transpose()?;
    if before.is_none() {
        app.control.freshen().await;
    }
    let filter = LogFilter {
        actor: entries.actor,
        act: entries.act,
        text: entries.text,
        from: entries.from,
        to: entries.to,
        before,
    };
    let mut found = app
        .control
        .index()
        .acts(&filter, limit + 1)
        .await
        .map_err(ControlError::from)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|e| e.number.to_string());
    Ok(Json(LogList {
        entries: found,
        next,
    }))
}

/// How the log is.
#[utoipa::path(get, path = "/v1/audit", responses((status = 200, body = LogStanding)))]
pub(super) async fn standing(State(app): State<App>) -> Result<Json<LogStanding>, Refusal> {
    Ok(Json(app.control.log_standing().await?))
}
