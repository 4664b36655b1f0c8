//! The sessions that are live: listed, counted, found by cancel key, ended by id.

use parking_lot::Mutex;
use sluice_model::{PrincipalId, SessionId, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, watch};

/// Why a session is ended from outside, in words for its client and its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndReason(pub String);

/// The key that a client presents to cancel what it runs: its secret is minted here, never the target's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CancelKey {
    /// The number of the target's process. Those of several targets can be equal.
    pub pid: u32,
    /// 4 bytes in protocol 3.0, 32 in 3.2.
    pub secret: Vec<u8>,
}

/// One live session, shared between its task and whoever looks at it.
#[derive(Debug)]
pub struct Live {
    /// Its id.
    pub id: SessionId,
    /// Who.
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// With which account.
    pub account: String,
    /// In which database.
    pub database: String,
    /// From where.
    pub client_address: String,
    /// What the client says it is; never to be trusted.
    pub application: Option<String>,
    /// Since when.
    pub since: Timestamp,
    cancel: Notify,
    /// How often the client asked to cancel what runs or waits.
    cancels_asked: AtomicU64,
    /// How many of these were passed on.
    cancels_done: watch::Sender<u64>,
    end: watch::Sender<Option<EndReason>>,
}

impl Live {
    /// Ends the session; the first reason given stays.
    pub fn end(&self, reason: &str) {
        self.end.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(EndReason(reason.to_owned()));
            }
            first
        });
    }

    /// Waits until the client asks to cancel what runs or waits; gives how often it has by now.
    pub async fn cancel_asked(&self) -> u64 {
        self.cancel.notified().await;
        self.cancels_asked.load(Ordering::Acquire)
    }

    /// The first so many requests to cancel were passed on.
    pub fn cancel_done(&self, number: u64) {
        self.cancels_done.send_if_modified(|done| {
            let more = *done < number;
            *done = number.max(*done);
            more
        });
    }

    /// Where the session's task hears of its end.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<Option<EndReason>> {
        self.end.subscribe()
    }
}

/// What is said of a session when it enters.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id.
    pub id: SessionId,
    /// Who.
    pub principal: PrincipalId,
    /// On which connection.
    pub connection: String,
    /// With which account.
    pub account: String,
    /// In which database.
    pub database: String,
    /// From where.
    pub client_address: String,
    /// What the client says it is; never to be trusted.
    pub application: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// All live sessions of this gateway.
#[derive(Debug, Default)]
pub struct Registry {
    live: Mutex<HashMap<SessionId, Arc<Live>>>,
    keys: Mutex<HashMap<CancelKey, Arc<Live>>>,
    draining: watch::Sender<bool>,
}

/// Keeps a session in the registry while it lives.
#[derive(Debug)]
pub struct Membership {
    registry: Arc<Registry>,
    live: Arc<Live>,
    key: Option<CancelKey>,
}

impl Membership {
    /// The session.
    #[must_use]
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// From now on this key cancels what the session runs.
    pub fn cancelled_by(&mut self, key: CancelKey) {
        // Another session's key stays that session's; this one then cannot be cancelled.
        if let MapEntry::Vacant(free) = self.registry.keys.lock().entry(key.clone()) {
            free.insert(Arc::clone(&self.live));
            self.key = Some(key);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.registry.live.lock().remove(&self.live.id);
        self.live.cancel_done(u64::MAX);
        if let Some(key) = &self.key {
            self.registry.keys.lock().remove(key);
        }
        metrics::gauge!("sluice_sessions_live").decrement(1.0);
    }
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Enters a session. It leaves when the membership is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>, entry: Entry) -> Membership {
        let live = Arc::new(Live {
            id: entry.id,
            principal: entry.principal,
            connection: entry.connection,
            account: entry.account,
            database: entry.database,
            client_address: entry.client_address,
            application: entry.application,
            since: entry.since,
            cancel: Notify::new(),
            cancels_asked: AtomicU64::new(0),
            cancels_done: watch::channel(0).0,
            end: watch::channel(None).0,
        });
        self.live.lock().insert(live.id.clone(), Arc::clone(&live));
        metrics::counter!("sluice_sessions_opened_total").increment(1);
        metrics::gauge!("sluice_sessions_live").increment(1.0);
        Membership {
            registry: Arc::clone(self),
            live,
            key: None,
        }
    }

    /// The live sessions, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Live>> {
        let mut all: Vec<_> = self.live.lock().values().cloned().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Ends one session; `false` when there is none of that id.
    #[must_use]
    pub fn end(&self, id: &SessionId, reason: &str) -> bool {
        let found = self.live.lock().get(id).cloned();
        found.inspect(|live| live.end(reason)).is_some()
    }

    /// Passes a client's cancel request on, and waits until that is done or the session is over; a key that is
    /// not known is ignored, as a server would.
    pub async fn cancel(&self, key: &CancelKey) {
        let found = self.keys.lock().get(key).cloned();
        if let Some(live) = found {
            let number = live.cancels_asked.fetch_add(1, Ordering::AcqRel) + 1;
            live.cancel.notify_one();
            let mut done = live.cancels_done.subscribe();
            // The sender is in `live`, so that this ends by the number alone.
            let _ = done.wait_for(|done| *done >= number).await;
        }
    }

    /// Stops new sessions and tells idle ones to leave at their next pause.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Whether the gateway is draining.
    #[must_use]
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }

    /// Ends whatever is left.
    pub fn end_all(&self, reason: &str) {
        for live in self.list() {
            live.end(reason);
        }
    }

    /// How many sessions are live.
    #[must_use]
    pub fn count(&self) -> usize {
        self.live.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bits: u128) -> Entry {
        Entry {
            id: SessionId::from_bits(bits),
            principal: PrincipalId::user("ada"),
            connection: "shop".into(),
            account: "app".into(),
            database: "shop".into(),
            client_address: "127.0.0.1".into(),
            application: None,
            since: Timestamp(0),
        }
    }

    fn key() -> CancelKey {
        CancelKey {
            pid: 7,
            secret: vec![1, 2, 3, 4],
        }
    }

    #[tokio::test]
    async fn a_session_is_found_by_id_and_key_while_it_lives() {
        let registry = Registry::new();
        let key = key();
        let mut membership = registry.enter(entry(1));
        membership.cancelled_by(key.clone());
        let id = membership.live().id.clone();
        assert_eq!(registry.count(), 1);
        assert!(registry.end(&id, "first") && registry.end(&id, "second"));
        let ended = membership.live().ended();
        assert_eq!(
            *ended.borrow(),
            Some(EndReason("first".into())),
            "the first reason stays"
        );
        drop(membership);
        assert_eq!(registry.count(), 0);
        assert!(!registry.end(&id, "gone"));
        registry.cancel(&key).await;
    }

    #[tokio::test]
    async fn a_key_that_two_sessions_were_given_stays_the_firsts() {
        let registry = Registry::new();
        let key = key();
        let [mut first, mut second] = [1, 2].map(|bits| registry.enter(entry(bits)));
        first.cancelled_by(key.clone());
        second.cancelled_by(key.clone());
        drop(second);
        let asked = async {
            let number = first.live().cancel_asked().await;
            first.live().cancel_done(number);
        };
        tokio::join!(registry.cancel(&key), asked);
    }

    #[tokio::test]
    async fn a_request_to_cancel_is_over_with_its_session() {
        let registry = Registry::new();
        let key = key();
        let mut membership = registry.enter(entry(1));
        membership.cancelled_by(key.clone());
        let leave = async { drop(membership) };
        tokio::join!(registry.cancel(&key), leave);
    }
}
