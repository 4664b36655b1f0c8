//! What changes, as it changes: a stream of topics for pages that stay open.

use super::App;
use super::answer::Refusal;
use super::places::{Place, Places};
use crate::control::{Caller, Topic};
use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Pages that follow what changes at a time, altogether and of one person.
const MAX_FOLLOWING: usize = 512;
const MAX_FOLLOWING_EACH: usize = 24;
/// Topics that come within this time of each other are told of together, so that nobody asks more than a few times a
/// second.
const TOGETHER: Duration = Duration::from_millis(300);
/// How often it is looked whether the follower may still be here; also how often a quiet stream says that it lives.
const BEAT: Duration = Duration::from_secs(15);

/// Tells which lists changed (server-sent events). The name of each event is a topic: `approvals`, `sessions`,
/// `operations`, `resources`, `principals`, `log` or `health`; what changed has to be asked for.
#[utoipa::path(
    get, path = "/v1/events",
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub(super) async fn events(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    let place = app.following.take(caller.id())?;
    let follower = Follower {
        topics: app.control.news(),
        ready: Vec::new(),
        app,
        caller,
        _place: place,
    };
    let stream = futures_util::stream::unfold(follower, |mut follower| async move {
        let topic = follower.next().await?;
        let event = Event::default().event(topic.name()).data("{}");
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(BEAT))
        .into_response())
}

/// For those who follow.
pub(super) fn places() -> Arc<Places> {
    Places::new(
        MAX_FOLLOWING,
        MAX_FOLLOWING_EACH,
        "pages that follow what changes",
    )
}

/// One page.
struct Follower {
    app: App,
    caller: Caller,
    topics: broadcast::Receiver<Topic>,
    /// Topics that are to be told of now.
    ready: Vec<Topic>,
    _place: Place,
}

impl Follower {
    /// What changed next; nothing once the page may not follow any more.
    async fn next(&mut self) -> Option<Topic> {
        let mut beat = tokio::time::interval(BEAT);
        beat.reset();
        while self.ready.is_empty() {
            tokio::select! {
                () = self.app.stop.cancelled() => return None,
                _ = beat.tick() => {
                    self.app.control.as_now(&self.caller).await.ok()?;
                }
                changed = self.topics.recv() => {
                    self.gather(changed).await?;
                    // However much goes on, whoever may not be here any more hears nothing of it.
                    self.app.control.as_now(&self.caller).await.ok()?;
                }
            }
        }
        self.ready.pop()
    }

    /// What changed, with what changes right after.
    async fn gather(&mut self, first: Result<Topic, RecvError>) -> Option<()> {
        let mut changed = BTreeSet::new();
        add(&mut changed, first)?;
        tokio::time::sleep(TOGETHER).await;
        while !self.topics.is_empty() {
            add(&mut changed, self.topics.recv().await)?;
        }
        self.ready.extend(changed);
        Some(())
    }
}

/// Whoever could not keep up is told that everything changed.
fn add(changed: &mut BTreeSet<Topic>, topic: Result<Topic, RecvError>) -> Option<()> {
    match topic {
        Ok(topic) => {
            changed.insert(topic);
        }
        Err(RecvError::Lagged(_)) => changed.extend(Topic::ALL),
        Err(RecvError::Closed) => return None,
    }
    Some(())
}
