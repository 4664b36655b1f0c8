//! Notifiers: requests and events told where people already are, and decisions that come back from there. What is told
//! is kept in the outbox in the same transaction as what it is about; sending is somebody else's time than anybody's
//! who waits for an approval.

mod declared;
mod email;
mod http;
mod inbound;
mod jira;
mod link;
mod message;
mod notice;
mod outbox;
mod rules;
mod send;
mod signature;
mod slack;
mod teams;
mod templates;
mod waiting;
mod webhook;

pub(crate) use declared::{
    Details, Email, EventKind, Header, Jira, MapBy, Notifier, Slack, SmtpTls, Template, Webhook,
};
pub(crate) use email::{host_and_port, is_address};
pub(crate) use inbound::{About, Arrival, Heads, Heard, Said, Verdict, hear};
pub(crate) use jira::issue::read as read_issue;
pub(crate) use link::Link;
#[cfg(test)]
pub(crate) use message::Step;
pub(crate) use message::{Message, Subject, on_one_line};
pub use notice::Notice;
pub(crate) use outbox::{Delivery, DeliveryState};
pub(crate) use send::{Context, Failure, Sent, ask_why, explain, send, takes_answers};
pub(crate) use signature::Checked;
pub(crate) use templates::{filled, placeholder_problem};
pub(crate) use waiting::Waiting;

use crate::identity::roster::Roster;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sluice_model::{ApprovalId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Decisions from outside that are under way at a time; beyond it, whoever sends one is asked to send it again.
const MAX_DECIDING: usize = 64;
/// Messages from outside that were taken and that nothing could come of, which are let in again.
const MAX_RETURNED: usize = 1_000;
/// Explanations to people outside that are on their way at a time; beyond it, people are not told why.
const MAX_EXPLANATIONS: usize = 16;

/// What is known about notifiers while the gateway runs.
pub(crate) struct Desk {
    declared: ArcSwap<BTreeMap<String, Arc<Notifier>>>,
    /// Whose each address is that an identity provider gave; only while a notifier asks for it.
    addresses: ArcSwap<BTreeMap<String, String>>,
    last_number: AtomicI64,
    /// Rings when there may be something to send.
    bell: watch::Sender<()>,
    pub(crate) heard: Mutex<notice::Gathering>,
    /// What reminders and escalations did already.
    pub(crate) ruled: Mutex<BTreeSet<(ApprovalId, String)>>,
    pub(crate) explaining: Arc<Semaphore>,
    deciding: Arc<Semaphore>,
    /// What was taken and may come again although the store could not forget it, until it is too old anyway.
    returned: Mutex<BTreeMap<String, Timestamp>>,
}

impl Desk {
    pub(crate) fn new(declared: Vec<Notifier>, last_number: i64) -> Self {
        let desk = Self {
            declared: ArcSwap::default(),
            addresses: ArcSwap::default(),
            last_number: AtomicI64::new(last_number),
            bell: watch::Sender::new(()),
            heard: Mutex::default(),
            ruled: Mutex::default(),
            explaining: Arc::new(Semaphore::new(MAX_EXPLANATIONS)),
            deciding: Arc::new(Semaphore::new(MAX_DECIDING)),
            returned: Mutex::default(),
        };
        desk.replace(declared);
        desk
    }

    /// These notifiers from now on.
    pub(crate) fn replace(&self, declared: Vec<Notifier>) {
        let by_name = declared.into_iter().map(|n| (n.name.clone(), Arc::new(n)));
        self.declared.store(Arc::new(by_name.collect()));
        self.ring();
    }

    pub(crate) fn declared(&self) -> Arc<BTreeMap<String, Arc<Notifier>>> {
        self.declared.load_full()
    }

    pub(crate) fn notifier(&self, name: &str) -> Option<Arc<Notifier>> {
        self.declared.load().get(name).cloned()
    }

    /// A place for one more decision from outside.
    pub(crate) fn place_to_decide(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.deciding).try_acquire_owned().ok()
    }

    /// Waits until every decision from outside that is under way was made.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        let all = u32::try_from(MAX_DECIDING).unwrap_or(u32::MAX);
        drop(self.deciding.acquire_many(all).await);
    }

    /// Something that was taken may come again until it ends.
    pub(crate) fn let_again(&self, taken: &Checked, now: Timestamp) {
        let mut returned = self.returned.lock();
        returned.retain(|_, ends| now < *ends);
        if returned.len() < MAX_RETURNED {
            returned.insert(taken.mark.clone(), taken.ends);
        }
    }

    /// Whether something that was taken may come again, once.
    pub(crate) fn comes_again(&self, mark: &str) -> bool {
        self.returned.lock().remove(mark).is_some()
    }

    pub(crate) fn ring(&self) {
        self.bell.send_replace(());
    }

    pub(crate) fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// A number that is greater than every one before, also those of an earlier run.
    fn number(&self, now: Timestamp) -> i64 {
        let next = |last: i64| now.0.max(last.saturating_add(1));
        let update = |last| Some(next(last));
        let before = self
            .last_number
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, update);
        next(before.unwrap_or_else(|last| last))
    }

    /// Takes over who has which address, where a notifier knows people by it.
    pub(crate) fn note_addresses(&self, roster: &Roster) {
        let by_email = |n: &Arc<Notifier>| n.map_by == Some(MapBy::Email);
        if !self.declared.load().values().any(by_email) {
            return;
        }
        self.addresses.store(Arc::new(addresses(roster)));
    }

    /// The addresses that lead to somebody at a notifier, and to whom.
    fn addresses_of(&self, notifier: &Notifier) -> BTreeMap<String, String> {
        let mut known = match notifier.map_by {
            Some(MapBy::Email) => BTreeMap::clone(&self.addresses.load()),
            None => BTreeMap::new(),
        };
        // A file's word comes before a provider's.
        let people = notifier.people.iter();
        known.extend(people.map(|(at, user)| (folded(at), user.clone())));
        known
    }

    /// The user whom an id at a notifier stands for.
    pub(crate) fn user(&self, notifier: &Notifier, id: &str) -> Option<String> {
        if let Some(user) = notifier.people.get(id) {
            return Some(user.clone());
        }
        let by_address = notifier.map_by.is_some() || notifier.email.is_some();
        by_address
            .then(|| self.addresses_of(notifier).get(&folded(id)).cloned())
            .flatten()
    }
}

/// An address as it is compared: no mail server in use tells letter cases apart.
fn folded(address: &str) -> String {
    address.to_ascii_lowercase()
}

/// Who has which address. One that two people have is nobody's, and so is one of somebody whose provider does not stand
/// for the user of that name.
fn addresses(roster: &Roster) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    for person in roster.people.values() {
        let id = sluice_model::PrincipalId::user(&*person.name);
        let declared = roster.declared.get(&id);
        let theirs =
            declared.is_none_or(|d| d.provider.as_deref() == Some(person.provider.as_str()));
        let Some(email) = person.email.as_deref().filter(|_| theirs) else {
            continue;
        };
        let same = found.entry(folded(email));
        same.and_modify(|user| *user = None)
            .or_insert(Some(person.name.clone()));
    }
    found
        .into_iter()
        .filter_map(|(at, user)| Some((at, user?)))
        .collect()
}
