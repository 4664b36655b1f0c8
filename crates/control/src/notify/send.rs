//! Sending one delivery through whatever its notifier speaks to.

use super::declared::Notifier;
use super::inbound::{About, Said};
use super::message::{Message, Room};
use super::outbox::Delivery;
use super::{email, jira, slack, teams, templates, webhook};
use crate::api::types::ApprovalInfo;
use crate::identity::fetch::Fetcher;
use sluice_model::{Secret, Timestamp};

/// What a message needs to know besides itself.
pub(crate) struct Context {
    /// Where people reach the gateway.
    pub(crate) public_url: String,
    /// What the other side calls the message about the same request.
    pub(crate) reference: Option<String>,
    /// What the recipient's link carries.
    pub(crate) link: Option<Secret>,
    pub(crate) now: Timestamp,
}

impl Context {
    /// Where a request is looked at; of anything else, the console.
    pub(crate) fn request_url(&self, message: &Message) -> String {
        match message.request() {
            Some((_, request)) => format!("{}/console/approvals/{}", self.public_url, request.id),
            None => format!("{}/console", self.public_url),
        }
    }

    /// Where a decision is sent back to, where the notifier takes any.
    pub(crate) fn callback(&self, notifier: &Notifier) -> Option<String> {
        takes_answers(notifier).then(|| format!("{}/hooks/{}", self.public_url, notifier.name))
    }
}

/// Why something was not sent. Names no address, no answer and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) why: String,
    /// How many seconds the other side asks to be left alone for.
    pub(crate) retry_after: Option<i64>,
}

impl Failure {
    pub(crate) fn new(why: String) -> Self {
        Self {
            why,
            retry_after: None,
        }
    }
}

/// What is known of a message that was sent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What the other side calls the message from now on.
    pub(crate) reference: Option<String>,
    /// Everything that is asked for was in it.
    pub(crate) whole: bool,
}

/// Sends it.
pub(crate) async fn send(
    notifier: &Notifier,
    fetcher: &Fetcher,
    delivery: &Delivery,
    context: &Context,
) -> Result<Sent, Failure> {
    if let Some(slack) = &notifier.slack {
        return slack::send(notifier, slack, fetcher, delivery, context).await;
    }
    if let Some(teams) = &notifier.teams {
        return teams::send(notifier, teams, fetcher, delivery, context).await;
    }
    if let Some(email) = &notifier.email {
        return email::send(notifier, email, delivery, context).await;
    }
    if let Some(webhook) = &notifier.webhook {
        return webhook::send(notifier, webhook, fetcher, delivery, context).await;
    }
    match &notifier.jira {
        Some(jira) => jira::send(notifier, jira, fetcher, delivery, context).await,
        None => Err(Failure::new("the notifier speaks to nothing".to_owned())),
    }
}

/// Whether decisions can come back through a notifier at all.
pub(crate) fn takes_answers(notifier: &Notifier) -> bool {
    let signed = notifier
        .webhook
        .as_ref()
        .is_some_and(|w| w.secret.is_some());
    let jira = notifier
        .jira
        .as_ref()
        .is_some_and(|j| j.webhook_secret.is_some());
    notifier.slack.is_some() || signed || jira
}

/// Whether a request can be approved through a notifier: only where a message shows all that is asked for.
pub(crate) fn can_decide(notifier: &Notifier, message: &Message, context: &Context) -> bool {
    let template = notifier.webhook.as_ref().and_then(|w| w.template.as_ref());
    let room = match (&notifier.slack, &notifier.jira, template) {
        (Some(_), ..) => slack::ROOM,
        (_, Some(_), _) => jira::ROOM,
        (.., Some(template)) => templates::room(template, &context.request_url(message)),
        (.., None) => Room::ENDLESS,
    };
    let open = message.request().is_some_and(|(step, _)| step.is_open());
    open && takes_answers(notifier) && message.is_shown_whole(notifier.details, room)
}

/// Opens what asks whoever is about to deny a request for a reason.
pub(crate) async fn ask_why(
    notifier: &Notifier,
    fetcher: &Fetcher,
    trigger: &str,
    request: &ApprovalInfo,
) -> Result<(), Failure> {
    let Some(slack) = &notifier.slack else {
        return Err(Failure::new("the notifier has no dialogs".to_owned()));
    };
    let about = format!(
        "{}: {} on {}",
        request.id, request.principal, request.connection
    );
    slack::dialog::open(slack, fetcher, trigger, &request.id, &about).await
}

/// Tells somebody why their decision does not count: in Slack for them alone, in Jira under the issue.
pub(crate) async fn explain(
    notifier: &Notifier,
    fetcher: &Fetcher,
    said: &Said,
    why: &str,
) -> Result<(), Failure> {
    match (&notifier.jira, &said.about, &notifier.slack) {
        (Some(jira), About::Reference(issue), _) => jira::say(jira, fetcher, issue, why).await,
        (.., Some(slack)) => {
            slack::whisper(slack, fetcher, &said.who, said.reply.as_deref(), why).await
        }
        _ => Ok(()),
    }
}
