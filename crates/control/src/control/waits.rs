//! Who waits for the answer to a request, right now: known while the gateway runs and kept nowhere. A client that waits
//! is a [`Present`]; whatever ends it, it is counted out when that is dropped, and open pages hear of it.

use super::news::{News, Topic};
use super::{Control, Working};
use crate::approvals::Approval;
use crate::port_types::{ApprovalProgress, ApprovalTicket};
use parking_lot::Mutex;
use sluice_model::{ApprovalId, ApprovalScope, HeldOperation};
use std::sync::Arc;
use tokio::sync::watch;

/// What those who wait call themselves. As many as there are sessions that wait, which are bounded where they begin.
type Clients = Arc<Mutex<Vec<Option<String>>>>;

/// A client that waits, for as long as this is kept.
#[derive(Debug)]
pub struct Present {
    client: Option<String>,
    clients: Clients,
    news: News,
}

impl Present {
    fn new(client: Option<String>, clients: &Clients, news: &News) -> Self {
        clients.lock().push(client.clone());
        news.tell(Topic::Approvals);
        Self {
            client,
            clients: Arc::clone(clients),
            news: news.clone(),
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        {
            let mut clients = self.clients.lock();
            if let Some(at) = clients.iter().position(|client| *client == self.client) {
                clients.swap_remove(at);
            }
        }
        // Counted out before anybody is told to look again.
        self.news.tell(Topic::Approvals);
    }
}

/// Those who wait for one request.
pub(super) struct Waiters {
    progress: watch::Sender<ApprovalProgress>,
    clients: Clients,
}

impl Waiters {
    /// Nobody yet.
    pub(super) fn of(progress: ApprovalProgress) -> Self {
        Self {
            progress: watch::channel(progress).0,
            clients: Clients::default(),
        }
    }

    /// One more.
    pub(super) fn join(
        &self,
        client: Option<String>,
        news: &News,
    ) -> (watch::Receiver<ApprovalProgress>, Present) {
        let present = Present::new(client, &self.clients, news);
        (self.progress.subscribe(), present)
    }

    pub(super) fn tell(&self, progress: ApprovalProgress) {
        self.progress.send_replace(progress);
    }

    pub(super) fn count(&self) -> usize {
        self.clients.lock().len()
    }

    /// What all of them call themselves, where it is the same.
    fn client(&self) -> Option<String> {
        let clients = self.clients.lock();
        let first = clients.first().cloned().flatten()?;
        let same = |client: &Option<String>| client.as_deref() == Some(first.as_str());
        clients.iter().all(same).then_some(first)
    }
}

/// Who waits for a request, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// How many; nothing where nobody is to wait: it was asked ahead, it is over, or it grants more than one run.
    pub(super) count: Option<u32>,
    /// What they call themselves.
    pub(super) client: Option<String>,
}

impl Waiting {
    pub(super) fn of(approval: &Approval, waiters: Option<&Waiters>) -> Self {
        let one_run = matches!(&approval.scope, None | Some(ApprovalScope::Once { .. }));
        if !approval.is_of_operation() || approval.is_over() || !one_run {
            return Self::default();
        }
        let count = waiters.map_or(0, Waiters::count);
        Self {
            count: Some(u32::try_from(count).unwrap_or(u32::MAX)),
            client: waiters.and_then(Waiters::client),
        }
    }
}

impl Control {
    /// Who waits for a request just now, for what is about to leave the gateway.
    pub(super) async fn waiting_for(&self, id: &ApprovalId) -> Waiting {
        let working = self.0.working.lock().await;
        let found = working.approvals.get(id);
        found
            .map(|approval| Waiting::of(approval, working.waiting.get(id)))
            .unwrap_or_default()
    }

    /// One client more that waits for a request.
    pub(super) fn ticket(
        &self,
        working: &mut Working,
        id: ApprovalId,
        progress: ApprovalProgress,
        client: Option<String>,
    ) -> ApprovalTicket {
        let waiters = working.waiting.entry(id.clone());
        let waiters = waiters.or_insert_with(|| Waiters::of(progress));
        let (progress, present) = waiters.join(client, &self.0.following.news);
        ApprovalTicket {
            url: self.approval_url(&id),
            id,
            progress,
            present,
        }
    }

    /// What is asked about already waits for the same answer: a login, or an operation that nobody waits for just now.
    pub(super) fn join(
        &self,
        working: &mut Working,
        held: &HeldOperation,
    ) -> Option<ApprovalTicket> {
        let mut open = working.approvals.values();
        let open = open
            .find(|a| a.stands_for(held) && (a.is_connect() || !is_waited_for(working, &a.id)))?;
        let (id, progress) = (open.id.clone(), open.progress());
        Some(self.ticket(working, id, progress, held.client.clone()))
    }

    /// The client's wait timed out, or a login's client left. The request stays open, and an approval buys one run,
    /// or one login, later. Other logins that wait for the same answer go on waiting.
    pub async fn expire_wait(&self, id: &ApprovalId) {
        let mut working = self.0.working.lock().await;
        let others = |waiters: &Waiters| waiters.count() > 1;
        if !working.waiting.get(id).is_some_and(others) {
            working.waiting.remove(id);
            self.0.following.news.tell(Topic::Approvals);
        }
    }
}

/// Whether a client waits for the answer to a request.
pub(super) fn is_waited_for(working: &Working, id: &ApprovalId) -> bool {
    let waiting = working.waiting.get(id);
    waiting.is_some_and(|waiters| waiters.count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_counted_until_they_are_dropped_and_each_time_it_is_told() {
        let news = News::default();
        let mut heard = news.listen();
        let mut told = || heard.try_recv().is_ok();
        let waiters = Waiters::of(ApprovalProgress::Pending);
        let seen = || (waiters.count(), waiters.client());
        assert_eq!(seen(), (0, None));
        let join = |client: Option<&str>| waiters.join(client.map(str::to_owned), &news).1;
        let psql = join(Some("psql"));
        assert!(told());
        assert_eq!(seen(), (1, Some("psql".to_owned())));
        let more = [join(Some("psql")), join(None)];
        assert!(told() && told() && !told());
        assert_eq!(seen(), (3, None), "they do not call themselves the same");
        drop(more);
        assert!(told() && told() && !told());
        assert_eq!(seen(), (1, Some("psql".to_owned())));
        drop(psql);
        assert!(told());
        assert_eq!(seen(), (0, None));
    }
}
