//! Decisions that come from outside, through a notifier. What is signed says no more than that the other service said so;
//! whether it counts is decided here, as for anybody: the person is looked up as they are now, under the lock that
//! changes are made under, and goes through the same rules. Nothing else can be done this way.

use super::notifying::fetcher_of;
use super::{Caller, Control};
use crate::api::types::{ApprovalInfo, ApproveScope, OpenedLink};
use crate::error::ControlError;
use crate::notify::{
    About, Arrival, Checked, Heads, Heard, Link, Notifier, Said, Verdict, ask_why, explain, hear,
    read_issue,
};
use crate::resources::LOCAL_ADMIN;
use sluice_model::{ApprovalId, PrincipalId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What became of a message from outside.
#[derive(Debug)]
pub(crate) enum Hooked {
    /// It was dealt with; whoever has to hear more is told by their own service.
    Taken,
    /// It counts, which is said to whom only the answer reaches.
    Decided(Box<ApprovalInfo>),
}

impl Control {
    /// Takes a message from outside.
    pub(crate) async fn hook(
        &self,
        name: &str,
        heads: Heads<'_>,
        body: &[u8],
    ) -> Result<Hooked, ControlError> {
        // Whether there is such a notifier is nobody's business who cannot sign for it.
        let nothing = || {
            let why = "there is no notifier of this name that takes such a message, or it is not signed as it has to be";
            ControlError::NotFound(why.to_owned())
        };
        let notifier = self.0.desk.notifier(name).ok_or_else(nothing)?;
        let heard = hear(&notifier, &heads, body, self.now()).ok_or_else(nothing)?;
        let place = self.0.desk.place_to_decide().ok_or_else(|| {
            ControlError::TooMany("too many decisions are under way; send it again".to_owned())
        })?;
        let (tell, taken) = oneshot::channel();
        let (control, of) = (self.clone(), Arc::clone(&notifier));
        // Goes on when whoever sent it leaves: what was taken is decided.
        let task = tokio::spawn(async move {
            let settled = control.settle(&of, heard, tell).await;
            drop(place);
            settled
        });
        // Slack waits for three seconds and then tells people that nothing happened.
        if notifier.slack.is_some() {
            let taken = taken.await.unwrap_or(Err(ControlError::Unavailable));
            return taken.map(|()| Hooked::Taken);
        }
        task.await.unwrap_or(Err(ControlError::Unavailable))
    }

    /// Waits until everything that came from outside was decided.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        self.0.desk.settled().await;
    }

    /// Nothing changes until what comes back is dropped.
    #[cfg(test)]
    pub(crate) async fn standstill(&self) -> impl Sized + '_ {
        self.0.working.lock().await
    }

    /// Takes a message, once, says so, and decides what it asks for.
    async fn settle(
        &self,
        notifier: &Arc<Notifier>,
        heard: Heard,
        tell: oneshot::Sender<Result<(), ControlError>>,
    ) -> Result<Hooked, ControlError> {
        let signed = heard.signed;
        let taken = self.take_message(&signed, heard.arrival).await;
        // Whoever has left need not be told.
        let _ = tell.send(taken.as_ref().map(|_| ()).map_err(Clone::clone));
        let Some(said) = taken? else {
            return Ok(Hooked::Taken);
        };
        let mut decided = self.decide_outside(notifier, &said).await;
        if let (Ok(request), Verdict::Denying(trigger)) = (&decided, &said.verdict)
            && let Err(refused) = self.ask_why(notifier, trigger, request).await
        {
            decided = Err(refused);
        }
        if matches!(decided, Err(ControlError::Unavailable)) {
            self.give_message_back(&signed).await;
        }
        // Slack and Jira show nobody what they are answered; Jira sends again what failed here.
        let answers = notifier.webhook.is_some();
        let comes_again = notifier.slack.is_none();
        match decided {
            Ok(info) if answers => Ok(Hooked::Decided(Box::new(info))),
            Ok(_) => Ok(Hooked::Taken),
            Err(ControlError::Unavailable) if comes_again => Err(ControlError::Unavailable),
            Err(refused) if answers => Err(refused),
            Err(refused) => {
                self.explain(notifier, said, refused);
                Ok(Hooked::Taken)
            }
        }
    }

    /// Takes a message once; what somebody said in it, if anybody did.
    async fn take_message(
        &self,
        signed: &Checked,
        arrival: Arrival,
    ) -> Result<Option<Said>, ControlError> {
        let store = &self.0.store;
        let first = store.take_once(&signed.mark, signed.ends, self.now()).await;
        if !self.stored(first)? && !self.0.desk.comes_again(&signed.mark) {
            return Err(ControlError::Conflict(
                "this very message was taken before".to_owned(),
            ));
        }
        match arrival {
            Arrival::Nothing => Ok(None),
            Arrival::Unclear(expected) => {
                let hint = "the guide on notifiers shows each message";
                Err(ControlError::Invalid(expected.to_owned(), hint))
            }
            Arrival::Said(said) => Ok(Some(said)),
        }
    }

    /// Nothing could come of a message, as the store or the log failed: it may be sent again.
    async fn give_message_back(&self, signed: &Checked) {
        let forgotten = self.0.store.give_back(&signed.mark).await;
        if self.stored(forgotten).is_err() {
            self.0.desk.let_again(signed, self.now());
        }
    }

    /// Opens a dialog for whoever is about to deny.
    async fn ask_why(
        &self,
        notifier: &Notifier,
        trigger: &str,
        request: &ApprovalInfo,
    ) -> Result<(), ControlError> {
        let opened = match fetcher_of(notifier) {
            Ok(fetcher) => ask_why(notifier, &fetcher, trigger, request).await,
            Err(failure) => Err(failure),
        };
        opened.map_err(|failure| {
            tracing::warn!(notifier = %notifier.name, why = %failure.why, "a dialog that asks for a reason could not be opened");
            let why = "the dialog that asks for a reason could not be opened, and nothing was decided; press the button again, or deny it in the console";
            ControlError::Conflict(why.to_owned())
        })
    }

    /// Decides as the person that the notifier knows by this id. Of somebody who is to be asked why, only whether they
    /// could decide.
    async fn decide_outside(
        &self,
        heard_by: &Arc<Notifier>,
        said: &Said,
    ) -> Result<ApprovalInfo, ControlError> {
        let (id, whole) = self.meant(heard_by, said).await?;
        let forbidden = |why: &str| ControlError::Forbidden(why.to_owned(), None);
        if said.verdict == Verdict::Approve {
            if !whole {
                let why = "not all of what is asked for was shown here; look at it and decide in the console";
                return Err(forbidden(why));
            }
            self.check_what_is_shown(heard_by, said, &id).await?;
        }
        let mut working = self.0.working.lock().await;
        // As everything is now: who is who may have changed while the message was on its way.
        let notifier = self
            .0
            .desk
            .notifier(&heard_by.name)
            .filter(|now| now == heard_by);
        let notifier =
            notifier.ok_or_else(|| forbidden("the notifier was changed meanwhile; try again"))?;
        let user = self
            .0
            .desk
            .user(&notifier, &said.who)
            .filter(|user| user != LOCAL_ADMIN);
        let user = user.ok_or_else(|| {
            forbidden(
                "this notifier does not know who you are at the gateway; decide in the console",
            )
        })?;
        let who = self.snapshot().principal(&PrincipalId::user(user)).cloned();
        let who =
            who.ok_or_else(|| forbidden("you are not known at the gateway, or switched off"))?;
        let through = format!(
            ", through notifier {} as {}",
            notifier.name,
            shown(&said.who)
        );
        match &said.verdict {
            Verdict::Approve => {
                self.agree(&mut working, &who, &id, ApproveScope::Once, &through)
                    .await
            }
            Verdict::Deny(reason) => {
                self.refuse(&mut working, &who, &id, reason.clone(), &through)
                    .await
            }
            Verdict::Denying(_) => self.could_refuse(&working, &who, &id),
        }
    }

    /// The request that is meant, of which this notifier really sent something, and whether it showed all of it.
    async fn meant(
        &self,
        notifier: &Notifier,
        said: &Said,
    ) -> Result<(ApprovalId, bool), ControlError> {
        let nothing = || ControlError::NotFound("there is no such request".to_owned());
        let store = &self.0.store;
        let id = match &said.about {
            About::Request(id) => id.clone(),
            About::Reference(reference) => {
                let found = self.stored(store.referred(&notifier.name, reference).await)?;
                found.ok_or_else(nothing)?
            }
        };
        let shown = store
            .was_shown(&notifier.name, &notifier.place(), &id)
            .await;
        let whole = self.stored(shown)?.ok_or_else(nothing)?;
        Ok((id, whole))
    }

    /// An issue can be edited, and moved back. Whoever approves by it has to have been shown what is asked for.
    async fn check_what_is_shown(
        &self,
        notifier: &Notifier,
        said: &Said,
        id: &ApprovalId,
    ) -> Result<(), ControlError> {
        let (Some(jira), About::Reference(issue)) = (&notifier.jira, &said.about) else {
            return Ok(());
        };
        let refused = |why: &str| ControlError::Forbidden(why.to_owned(), None);
        let fetcher = fetcher_of(notifier).map_err(|failure| refused(&failure.why))?;
        let read = read_issue(jira, &fetcher, issue).await;
        let read =
            read.map_err(|_| refused("the issue could not be read again; decide in the console"))?;
        let told = self.0.store.reference(&notifier.name, id.as_str()).await;
        let told = self.stored(told)?.unwrap_or_default();
        match read.objection(&told, said.moved_to.as_deref()) {
            None => Ok(()),
            Some(why) => Err(refused(why)),
        }
    }

    /// Tells somebody outside why their decision does not count, where there is a way to; in the background.
    fn explain(&self, notifier: &Arc<Notifier>, said: Said, refused: ControlError) {
        if notifier.slack.is_none() && notifier.jira.is_none() {
            return;
        }
        let Ok(place) = Arc::clone(&self.0.desk.explaining).try_acquire_owned() else {
            return;
        };
        let notifier = Arc::clone(notifier);
        let why = in_words(refused);
        tokio::spawn(async move {
            if let Ok(fetcher) = fetcher_of(&notifier)
                && let Err(failure) = explain(&notifier, &fetcher, &said, &why).await
            {
                tracing::warn!(notifier = %notifier.name, why = %failure.why, "somebody could not be told why their decision does not count");
            }
            drop(place);
        });
    }

    /// Opens a link from mail: for the person that it was written to, once.
    pub(crate) async fn open_link(
        &self,
        caller: &Caller,
        text: &str,
    ) -> Result<OpenedLink, ControlError> {
        let caller = self.as_now(caller).await?;
        let now = self.now();
        let unusable = || {
            let hint = "sign in and look at the list of requests";
            ControlError::Invalid(
                "this link is not one of the gateway's, or is over".to_owned(),
                hint,
            )
        };
        let opened = Link::open(&self.0.sealer, text, now).ok_or_else(unusable)?;
        let link = opened.link;
        if PrincipalId::user(&*link.user) != *caller.id() {
            let hint = "sign in as the person that the mail was written to".to_owned();
            return Err(ControlError::Forbidden(
                "this link was written to somebody else".to_owned(),
                Some(hint),
            ));
        }
        let first = self
            .0
            .store
            .take_once(&opened.mark, link.remembered(), now)
            .await;
        if !self.stored(first)? {
            let why =
                "this link was opened before; the request is in the list of requests".to_owned();
            return Err(ControlError::Conflict(why));
        }
        let detail = format!("from mail through notifier {}", link.notifier);
        self.record(caller.id(), "approval.open", &link.approval, detail)?;
        let approval = self.get_approval(&caller, &link.approval).await?;
        Ok(OpenedLink { approval })
    }
}

/// What a stranger calls somebody, for the record.
fn shown(id: &str) -> String {
    crate::notify::on_one_line(id)
}

fn in_words(refused: ControlError) -> String {
    match refused {
        ControlError::Invalid(why, _)
        | ControlError::NotFound(why)
        | ControlError::Forbidden(why, _)
        | ControlError::Conflict(why)
        | ControlError::TooMany(why) => why,
        ControlError::Problems(_) | ControlError::Unavailable => {
            "this could not be recorded or stored, so it was not done".to_owned()
        }
    }
}
