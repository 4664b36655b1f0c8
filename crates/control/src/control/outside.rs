//! Decisions that come from outside, through a notifier. What is signed says no more than that the other service said so;
//! whether it counts is decided here, as for anybody: the person is looked up as they are now, under the lock that
//! changes are made under, and goes through the same rules. Nothing else can be done this way.

use super::notifying::fetcher_of;
use super::{Caller, Control, described};
use crate::api::types::{ApprovalInfo, ApproveScope, OpenedLink};
use crate::error::ControlError;
use crate::notify::{
    About, Arrival, Heads, Link, Notifier, Said, Verdict, can_decide, explain, hear, issue_parts,
    shown_in_issue,
};
use crate::resources::LOCAL_ADMIN;
use sluice_model::{ApprovalId, PrincipalId};
use std::sync::Arc;

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
        let now = self.now();
        let heard = hear(&notifier, &heads, body, now).ok_or_else(nothing)?;
        let first = self
            .0
            .store
            .take_once(&heard.signed.mark, heard.signed.ends, now)
            .await;
        if !self.stored(first)? {
            return Err(ControlError::Conflict(
                "this very message was taken before".to_owned(),
            ));
        }
        let said = match heard.arrival {
            Arrival::Nothing => return Ok(Hooked::Taken),
            Arrival::Unclear(expected) => {
                let hint = "the guide on notifiers shows each message";
                return Err(ControlError::Invalid(expected.to_owned(), hint));
            }
            Arrival::Said(said) => said,
        };
        // Slack and Jira show nobody what they are answered.
        let answers = notifier.webhook.is_some();
        match self.decide_outside(&notifier, &said).await {
            Ok(_) if !answers => Ok(Hooked::Taken),
            Ok(info) => Ok(Hooked::Decided(Box::new(info))),
            Err(refused) if !answers => {
                self.explain(&notifier, said, refused);
                Ok(Hooked::Taken)
            }
            Err(refused) => Err(refused),
        }
    }

    /// Decides as the person that the notifier knows by this id.
    async fn decide_outside(
        &self,
        heard_by: &Arc<Notifier>,
        said: &Said,
    ) -> Result<ApprovalInfo, ControlError> {
        let id = self.meant(heard_by, said).await?;
        let is_approval = said.verdict == Verdict::Approve;
        if is_approval {
            self.check_what_is_shown(heard_by, said, &id).await?;
        }
        let mut working = self.0.working.lock().await;
        let forbidden = |why: &str| ControlError::Forbidden(why.to_owned(), None);
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
                let whole = working
                    .approvals
                    .get(&id)
                    .is_some_and(|a| can_decide(&notifier, &described(a)));
                if !whole {
                    let why = "not all of what is asked for is shown here; look at it and decide in the console";
                    return Err(forbidden(why));
                }
                self.agree(&mut working, &who, &id, ApproveScope::Once, &through)
                    .await
            }
            Verdict::Deny(reason) => {
                self.refuse(&mut working, &who, &id, reason.clone(), &through)
                    .await
            }
        }
    }

    /// The request that is meant: one that this notifier was told about.
    async fn meant(&self, notifier: &Notifier, said: &Said) -> Result<ApprovalId, ControlError> {
        let nothing = || ControlError::NotFound("there is no such request".to_owned());
        let store = &self.0.store;
        let id = match &said.about {
            About::Request(id) => id.clone(),
            About::Reference(reference) => {
                let found = self.stored(store.referred(&notifier.name, reference).await)?;
                found.ok_or_else(nothing)?
            }
        };
        match self.stored(store.was_told(&notifier.name, &id).await)? {
            true => Ok(id),
            false => Err(nothing()),
        }
    }

    /// An issue can be edited. Whoever approves by it has to have been shown what is asked for.
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
        let shown = shown_in_issue(jira, &fetcher, issue).await;
        let shown = shown
            .map_err(|_| refused("the issue could not be read again; decide in the console"))?;
        let told = self.0.store.reference(&notifier.name, id.as_str()).await;
        let told = self.stored(told)?;
        let same = told.as_deref().and_then(issue_parts);
        match same.is_some_and(|(_, told)| told == shown) {
            true => Ok(()),
            false => Err(refused(
                "the issue was edited, so that it may show something else than what waits; decide in the console",
            )),
        }
    }

    /// Tells somebody outside why their decision does not count, where there is a way to; in the background.
    fn explain(&self, notifier: &Arc<Notifier>, said: Said, refused: ControlError) {
        if said.reply.is_none() && notifier.jira.is_none() {
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
