//! Messages: gathered from what happens, carried by one worker for each notifier, listed and tried again by
//! administrators. Nobody who asks for or gives an approval waits for any of it.

use super::Control;
use crate::api::types::{ChangeKind, DeliveryInfo, NotifierInfo, ResourceChange, TestResult};
use crate::control::Caller;
use crate::error::ControlError;
use crate::identity::fetch::Fetcher;
use crate::notify::{
    Context, Delivery, DeliveryState, Failure, Link, Message, Notice, Notifier, Sent, Subject, send,
};
use crate::resources::Kind;
use crate::store::WantedDeliveries;
use sluice_model::{ApprovalId, ApprovalState, PrincipalId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// How often what was heard and what rules call for is looked at, and how long a worker that has nothing to do sleeps.
const BEAT: Duration = Duration::from_secs(1);

/// The workers, by notifier, each with what it was declared as.
type Workers = BTreeMap<String, (Arc<Notifier>, AbortOnDropHandle<()>)>;

impl Control {
    /// Says that something happened that somebody may want to be told. Costs next to nothing and never waits.
    pub fn notice(&self, notice: Notice) {
        self.0.desk.heard.lock().hear(notice);
    }

    /// Connections that are new.
    pub(super) fn tell_of_connections(&self, by: &PrincipalId, changes: &[ResourceChange]) {
        let is_new = |c: &&ResourceChange| {
            c.change == ChangeKind::Created && c.kind == Kind::Connection.as_str()
        };
        for change in changes.iter().filter(is_new) {
            let (connection, by, at) = (change.name.clone(), by.clone(), self.now());
            self.notice(Notice::NewConnection { connection, by, at });
        }
    }

    /// Carries messages for as long as the gateway runs.
    pub(super) async fn carry_messages(&self) {
        let mut workers = Workers::new();
        let mut ticks = tokio::time::interval(BEAT);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tell_what_was_heard().await;
            self.follow_rules().await;
            self.employ(&mut workers);
        }
    }

    /// One worker for each notifier as it is declared now.
    fn employ(&self, workers: &mut Workers) {
        let declared = self.0.desk.declared();
        workers
            .retain(|name, (is, handle)| declared.get(name) == Some(is) && !handle.is_finished());
        for (name, notifier) in declared.iter() {
            if workers.contains_key(name) {
                continue;
            }
            let (control, of) = (self.clone(), Arc::clone(notifier));
            let task = tokio::spawn(async move { control.carry_for(&of).await });
            let worker = (Arc::clone(notifier), AbortOnDropHandle::new(task));
            workers.insert(name.clone(), worker);
        }
    }

    async fn carry_for(&self, notifier: &Notifier) {
        let mut bell = self.0.desk.bell();
        let mut fetcher = None;
        loop {
            bell.mark_unchanged();
            while self.carry_next(notifier, &mut fetcher).await {}
            tokio::select! {
                _ = bell.changed() => {}
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    }

    /// Tries the next message of a notifier; `false` when there is none to try now, or the store does not work.
    pub(crate) async fn carry_next(
        &self,
        notifier: &Notifier,
        fetcher: &mut Option<Fetcher>,
    ) -> bool {
        let next = self.0.store.due_delivery(&notifier.name, self.now()).await;
        let Ok(Some(mut delivery)) = self.stored(next) else {
            return false;
        };
        // What is over before anybody heard of it is nobody's news, or asking and withdrawing in a loop would be.
        match self.stored(self.0.store.take_back_vain(&delivery).await) {
            Ok(false) => {}
            Ok(true) => return true,
            Err(_) => return false,
        }
        let tried = self.try_one(notifier, fetcher, &delivery).await;
        let now = self.now();
        let reference = match tried {
            Ok(sent) => {
                delivery.tries = delivery.tries.saturating_add(1);
                delivery.state = DeliveryState::Sent;
                delivery.sent = Some(now);
                delivery.shown = sent.whole.then(|| notifier.place());
                sent.reference
            }
            Err(failure) => {
                let chance =
                    crate::keys::random::<1>().map_or(0, |bytes| u8::from_be_bytes(*bytes));
                delivery = delivery.failed(&failure.why, failure.retry_after, now, chance);
                if delivery.state == DeliveryState::Dead {
                    tracing::error!(notifier = %notifier.name, delivery = %delivery.id(), why = %failure.why, "a message was given up");
                }
                None
            }
        };
        let kept = self
            .0
            .store
            .write_try(&delivery, reference.as_deref(), now)
            .await;
        self.stored(kept).is_ok()
    }

    /// Tries everything that is due, through every notifier.
    #[cfg(test)]
    pub(crate) async fn carry_all(&self) {
        for notifier in self.0.desk.declared().values() {
            self.carry_through(&notifier.name).await;
        }
    }

    /// Tries everything that is due through one notifier.
    #[cfg(test)]
    pub(crate) async fn carry_through(&self, name: &str) {
        if let Some(notifier) = self.0.desk.notifier(name) {
            let mut fetcher = None;
            while self.carry_next(&notifier, &mut fetcher).await {}
        }
    }

    /// Tries one message that is due through one notifier.
    #[cfg(test)]
    pub(crate) async fn carry_one(&self, name: &str, fetcher: &mut Option<Fetcher>) -> bool {
        match self.0.desk.notifier(name) {
            Some(notifier) => self.carry_next(&notifier, fetcher).await,
            None => false,
        }
    }

    async fn try_one(
        &self,
        notifier: &Notifier,
        fetcher: &mut Option<Fetcher>,
        delivery: &Delivery,
    ) -> Result<Sent, Failure> {
        let delivery = &self.with_who_waits(delivery).await;
        let context = self.context(notifier, delivery).await?;
        if fetcher.is_none() {
            *fetcher = Some(fetcher_of(notifier)?);
        }
        match fetcher {
            Some(fetcher) => send(notifier, fetcher, delivery, &context).await,
            None => Err(Failure::new("there is no client to send with".to_owned())),
        }
    }

    /// The message with whether anybody still waits: it is sent when somebody is to act on it, which can be long after it
    /// was kept.
    async fn with_who_waits(&self, delivery: &Delivery) -> Delivery {
        let mut delivery = delivery.clone();
        if let Subject::Approval { step, request } = &mut delivery.message.subject
            && step.is_open()
        {
            let waiting = self.waiting_for(&request.id).await;
            request.waiting = waiting.count;
            request.client = waiting.client;
        }
        delivery
    }

    async fn context(&self, notifier: &Notifier, delivery: &Delivery) -> Result<Context, Failure> {
        let unread = |_| Failure::new("the store cannot be read".to_owned());
        let reference = match delivery.approval() {
            Some(approval) => self
                .0
                .store
                .reference(&notifier.name, approval)
                .await
                .map_err(unread)?,
            None => None,
        };
        let recipient = delivery.recipient.as_deref();
        let user = recipient.and_then(|address| self.0.desk.user(notifier, address));
        let open = delivery
            .message
            .request()
            .filter(|(step, _)| step.is_open());
        let link = match (user, open) {
            (Some(user), Some((_, request))) => {
                let link = Link::new(&notifier.name, request.id.clone(), &user, self.now());
                let sealed = link.sealed(&self.0.sealer);
                Some(sealed.map_err(|_| Failure::new("the link cannot be made".to_owned()))?)
            }
            _ => None,
        };
        Ok(Context {
            public_url: self.0.config.public_url.clone(),
            reference,
            link,
            now: self.now(),
        })
    }

    /// Keeps messages about what was heard.
    pub(crate) async fn tell_what_was_heard(&self) {
        let now = self.now();
        let (due, dropped) = self.0.desk.heard.lock().due(now);
        if dropped > 0 {
            tracing::warn!(dropped, "more happened at once than is told about");
        }
        let snapshot = self.snapshot();
        let told: Vec<Delivery> = due
            .iter()
            .flat_map(|(notice, count)| {
                let subject = Subject::Notice {
                    notice: notice.clone(),
                    count: *count,
                };
                let message = Message {
                    at: notice.at(),
                    subject,
                };
                self.0.desk.of_notice(&message, &snapshot, now)
            })
            .collect();
        if !self.keep_messages(&told).await {
            self.0.desk.heard.lock().give_back(due);
        }
    }

    async fn keep_messages(&self, told: &[Delivery]) -> bool {
        if told.is_empty() {
            return true;
        }
        let kept = self.0.store.write_deliveries(told).await;
        let kept = self.stored(kept).is_ok();
        if kept {
            self.0.desk.ring();
        }
        kept
    }

    /// Reminds and escalates.
    pub(crate) async fn follow_rules(&self) {
        let (now, snapshot) = (self.now(), self.snapshot());
        let working = self.0.working.lock().await;
        let open = working
            .approvals
            .values()
            .filter(|a| a.state == ApprovalState::Pending);
        let ruled = open.flat_map(|a| self.0.desk.ruled(a, &snapshot, now));
        let (done, told): (Vec<_>, Vec<_>) = ruled.unzip();
        // Under the lock: a request that is decided meanwhile is told so afterwards, not before.
        if self.keep_messages(&told.concat()).await {
            let is_open = |id: &ApprovalId| working.approvals.get(id).is_some_and(|a| !a.is_over());
            self.0.desk.done(done, is_open);
        }
    }

    /// Gives up what waits for notifiers that are gone, and forgets what is long over.
    pub(super) async fn tidy_messages(&self) {
        let names: Vec<String> = self.0.desk.declared().keys().cloned().collect();
        let _ = self.stored(self.0.store.tidy_deliveries(&names, self.now()).await);
    }

    /// The notifiers and how they are doing.
    pub(crate) async fn list_notifiers(&self) -> Result<Vec<NotifierInfo>, ControlError> {
        let mut found = Vec::new();
        for notifier in self.0.desk.declared().values() {
            let tally = self.stored(self.0.store.tally(&notifier.name).await)?;
            found.push(NotifierInfo {
                name: notifier.name.clone(),
                kind: notifier.kind().to_owned(),
                events: notifier
                    .events
                    .iter()
                    .map(|e| e.name().to_owned())
                    .collect(),
                pending: tally.pending,
                dead: tally.dead,
                last_sent: tally.last_sent,
                last_error: tally.last_error,
            });
        }
        Ok(found)
    }

    /// Deliveries, newest first.
    pub(crate) async fn list_deliveries(
        &self,
        wanted: WantedDeliveries,
    ) -> Result<Vec<DeliveryInfo>, ControlError> {
        let found = self.stored(self.0.store.list_deliveries(&wanted).await)?;
        Ok(found.iter().map(info).collect())
    }

    /// Tries one again that was given up, or that waits.
    pub(crate) async fn retry_delivery(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<DeliveryInfo, ControlError> {
        let (_working, caller) = self.admins_turn(caller).await?;
        let nothing = || ControlError::NotFound(format!("there is no delivery {id:?}"));
        let number = Delivery::number_of(id).ok_or_else(nothing)?;
        let found = self
            .stored(self.0.store.delivery(number).await)?
            .ok_or_else(nothing)?;
        if found.state == DeliveryState::Sent {
            return Err(ControlError::Conflict(format!(
                "delivery {id} was sent already"
            )));
        }
        if self.0.desk.notifier(&found.notifier).is_none() {
            let why = format!("notifier {:?} is not declared any more", found.notifier);
            return Err(ControlError::Conflict(why));
        }
        self.record(
            caller.id(),
            "delivery.retry",
            id,
            format!("through {}", found.notifier),
        )?;
        let again = found.anew(self.now());
        self.stored(self.0.store.write_try(&again, None, self.now()).await)?;
        self.0.desk.ring();
        Ok(info(&again))
    }

    /// Sends a test message now.
    pub(crate) async fn test_notifier(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<TestResult, ControlError> {
        let notifier = {
            let (_working, caller) = self.admins_turn(caller).await?;
            let nothing = || ControlError::NotFound(format!("there is no notifier {name:?}"));
            let notifier = self.0.desk.notifier(name).ok_or_else(nothing)?;
            self.record(caller.id(), "notifier.test", name, "")?;
            notifier
        };
        let (now, snapshot) = (self.now(), self.snapshot());
        let recipients = self.0.desk.recipients(&notifier, None, &snapshot);
        let message = Message {
            at: now,
            subject: Subject::Test,
        };
        let made = self
            .0
            .desk
            .addressed(&notifier, recipients, &message, "", now);
        let Some(delivery) = made.first() else {
            let why = format!(
                "notifier {name:?} writes to approvers alone, and nobody has to approve a test"
            );
            return Err(ControlError::Invalid(
                why,
                "give it an address in `to` as well",
            ));
        };
        let tried = self.try_one(&notifier, &mut None, delivery).await;
        let error = tried.err().map(|failure| failure.why);
        Ok(TestResult {
            ok: error.is_none(),
            error,
        })
    }
}

/// A client that trusts whom the notifier says.
pub(super) fn fetcher_of(notifier: &Notifier) -> Result<Fetcher, Failure> {
    let file = notifier.ca_file.as_deref().map(Path::new);
    Fetcher::new(file).map_err(|_| Failure::new("the ca_file cannot be read".to_owned()))
}

fn info(delivery: &Delivery) -> DeliveryInfo {
    DeliveryInfo {
        id: delivery.id(),
        notifier: delivery.notifier.clone(),
        recipient: delivery.recipient.clone(),
        event: delivery.message.event().name().to_owned(),
        step: delivery.message.step_name().map(str::to_owned),
        approval: delivery.approval().map(str::to_owned),
        state: delivery.state.name().to_owned(),
        tries: delivery.tries,
        next_try: (delivery.state == DeliveryState::Pending).then_some(delivery.next),
        last_error: delivery.last_error.clone(),
        created: delivery.created,
        sent: delivery.sent,
    }
}
