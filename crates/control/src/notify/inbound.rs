//! What comes back: who says what about which request. A message that is not signed with the notifier's own secret is
//! not read at all. Nothing is decided here; what was said is checked like anybody's word by the control plane.

use super::declared::{Jira, Notifier};
use super::jira::issue::is_key;
use super::message::capped;
use super::signature::{self, Checked, SKEW};
use super::slack::{self, dialog};
use crate::credentials::resolve;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use sluice_identity::form;
use sluice_model::{ApprovalId, Secret, Timestamp};
use std::collections::BTreeMap;

/// How old a message of Jira's may be, in seconds: it tries again for a while when the gateway was not reached.
const JIRA_LATE: i64 = 3_600;
/// The longest id of a person that is looked up.
const MAX_WHO: usize = 256;
/// The longest trigger of a dialog that is handed back.
const MAX_TRIGGER: usize = 256;

/// The headers of a message.
pub(crate) struct Heads<'a>(pub(crate) &'a HeaderMap);

impl Heads<'_> {
    /// The one value of a header; `None` where there is none or more than one.
    fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.0.get_all(name).iter();
        let one = all.next()?;
        all.next().is_none().then(|| one.to_str().ok()).flatten()
    }
}

/// A message that was signed as it has to be.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) signed: Checked,
    pub(crate) arrival: Arrival,
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Nothing that anybody has to act on.
    Nothing,
    Said(Said),
    /// Nothing that can be understood.
    Unclear(&'static str),
}

/// Somebody decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// What they are called there.
    pub(crate) who: String,
    pub(crate) about: About,
    pub(crate) verdict: Verdict,
    /// The status that they moved the issue to, if they decided so.
    pub(crate) moved_to: Option<String>,
    /// Where they can be told what became of it.
    pub(crate) reply: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum About {
    Request(ApprovalId),
    /// What the service calls the message about it.
    Reference(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approve,
    Deny(Option<String>),
    /// Is about to deny, and is asked why first: nothing is decided by it. Holds what opens a dialog.
    Denying(String),
}

/// Reads a message. `None` for one that is not signed with this notifier's secret, now.
pub(crate) fn hear(
    notifier: &Notifier,
    heads: &Heads<'_>,
    body: &[u8],
    now: Timestamp,
) -> Option<Heard> {
    let name = &notifier.name;
    if let Some(slack) = &notifier.slack {
        let key = usable(resolve(&slack.signing_secret).ok())?;
        let signed = (
            heads.one("x-slack-request-timestamp")?,
            heads.one("x-slack-signature")?,
        );
        let signed = signature::check_slack(name, &key, signed, body, now)?;
        let arrival = of_slack(body, slack::api(slack));
        return Some(Heard { signed, arrival });
    }
    if let Some(webhook) = &notifier.webhook {
        let key = usable(resolve(webhook.secret.as_ref()?).ok())?;
        let signed = signature::check_own(name, &key, heads.one("sluice-signature")?, body, now)?;
        return Some(Heard {
            signed,
            arrival: of_webhook(body),
        });
    }
    let jira = notifier.jira.as_ref()?;
    let key = usable(resolve(jira.webhook_secret.as_ref()?).ok())?;
    let mark = signature::check_jira(name, &key, heads.one("x-hub-signature")?, body)?;
    let said: JiraEvent = match serde_json::from_slice(body) {
        Ok(said) => said,
        Err(_) => {
            return Some(Heard {
                signed: until(mark, now),
                arrival: Arrival::Unclear(JIRA_SHAPE),
            });
        }
    };
    let written = Timestamp(said.timestamp.saturating_mul(1_000));
    let fresh = written <= now.plus_seconds(SKEW) && now <= written.plus_seconds(JIRA_LATE);
    let signed = Checked {
        mark,
        ends: written.plus_seconds(JIRA_LATE + 1),
    };
    fresh.then(|| Heard {
        signed,
        arrival: of_jira(jira, said),
    })
}

/// A secret that is empty signs for anybody.
fn usable(secret: Option<Secret>) -> Option<Secret> {
    secret.filter(|secret| !secret.expose().is_empty())
}

fn until(mark: String, now: Timestamp) -> Checked {
    Checked {
        mark,
        ends: now.plus_seconds(JIRA_LATE),
    }
}

const JIRA_SHAPE: &str = "expected an event of Jira's with timestamp, webhookEvent and user";

/// Somebody's id, as far as it can be one.
fn who(id: &str) -> Option<String> {
    (!id.is_empty() && id.len() <= MAX_WHO).then(|| id.to_owned())
}

/// Why, as far as it is taken from outside; what is longer is cut.
fn reason(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| capped(text, dialog::MAX_REASON))
}

/// The body of the gateway's own callback.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Callback {
    approval: ApprovalId,
    decision: Decision,
    user: String,
    #[serde(default)]
    reason: Option<String>,
    /// Nothing wider can be had from outside.
    #[serde(default)]
    scope: Option<OnlyScope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Approve,
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnlyScope {
    Once,
}

fn of_webhook(body: &[u8]) -> Arrival {
    const SHAPE: &str = "expected {\"approval\", \"decision\": \"approve\" or \"deny\", \"user\"} with perhaps \"reason\" and \"scope\": \"once\"";
    let Ok(callback) = serde_json::from_slice::<Callback>(body) else {
        return Arrival::Unclear(SHAPE);
    };
    let Some(who) = who(&callback.user) else {
        return Arrival::Unclear(SHAPE);
    };
    let _: Option<OnlyScope> = callback.scope;
    let verdict = match callback.decision {
        Decision::Approve => Verdict::Approve,
        Decision::Deny => Verdict::Deny(callback.reason.as_deref().and_then(reason)),
    };
    let about = About::Request(callback.approval);
    Arrival::Said(Said {
        who,
        about,
        verdict,
        moved_to: None,
        reply: None,
    })
}

/// An interaction of Slack's, of what matters here.
#[derive(Deserialize)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    user: Named,
    #[serde(default)]
    trigger_id: Option<String>,
    #[serde(default)]
    response_url: Option<String>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    view: Option<View>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    block_id: String,
    #[serde(default)]
    value: Option<String>,
}

/// A dialog that was submitted.
#[derive(Deserialize)]
struct View {
    callback_id: String,
    private_metadata: String,
    state: Written,
}

/// What was written into it, by block and by input.
#[derive(Deserialize)]
struct Written {
    values: BTreeMap<String, BTreeMap<String, Input>>,
}

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    value: Option<String>,
}

const SLACK_SHAPE: &str = "expected an interaction of Slack's";

fn of_slack(body: &[u8], api: &str) -> Arrival {
    let payload = std::str::from_utf8(body)
        .ok()
        .and_then(|text| text.strip_prefix("payload="));
    let Some(payload) = payload.filter(|p| !p.contains('&')).and_then(form::plain) else {
        return Arrival::Unclear(SLACK_SHAPE);
    };
    match serde_json::from_str::<Interaction>(&payload) {
        Ok(said) if said.kind == "block_actions" => of_button(said, api),
        Ok(said) if said.kind == "view_submission" => of_dialog(said),
        Ok(_) => Arrival::Nothing,
        Err(_) => Arrival::Unclear(SLACK_SHAPE),
    }
}

fn of_button(said: Interaction, api: &str) -> Arrival {
    let [action] = said.actions.as_slice() else {
        return Arrival::Nothing;
    };
    if action.block_id != slack::BLOCK {
        return Arrival::Nothing;
    }
    let verdict = match action.action_id.as_str() {
        slack::APPROVE => Some(Verdict::Approve),
        slack::DENY => {
            let trigger = said.trigger_id.filter(|t| t.len() <= MAX_TRIGGER);
            trigger.map(Verdict::Denying)
        }
        _ => return Arrival::Nothing,
    };
    let id = action.value.as_deref().and_then(|id| id.parse().ok());
    let reply = said.response_url.filter(|url| is_slacks(url, api));
    said_in_slack(&said.user, id, verdict, reply)
}

/// A submitted dialog denies and does nothing else.
fn of_dialog(said: Interaction) -> Arrival {
    let Some(view) = said.view.filter(|v| v.callback_id == dialog::CALLBACK) else {
        return Arrival::Nothing;
    };
    let inputs = view.state.values.get(dialog::REASON);
    let input = inputs.and_then(|inputs| inputs.get(dialog::REASON));
    let why = input.map(|input| input.value.as_deref().and_then(reason));
    let id = view.private_metadata.parse().ok();
    said_in_slack(&said.user, id, why.map(Verdict::Deny), None)
}

fn said_in_slack(
    user: &Named,
    id: Option<ApprovalId>,
    verdict: Option<Verdict>,
    reply: Option<String>,
) -> Arrival {
    let (Some(id), Some(who), Some(verdict)) = (id, who(&user.id), verdict) else {
        return Arrival::Unclear(SLACK_SHAPE);
    };
    Arrival::Said(Said {
        who,
        about: About::Request(id),
        verdict,
        moved_to: None,
        reply,
    })
}

/// Whether an address is where Slack takes answers: its own host for them, or that of the API that was configured.
fn is_slacks(url: &str, api: &str) -> bool {
    let origin = |text: &str| reqwest::Url::parse(text).ok().map(|url| url.origin());
    let (Some(url), Some(api)) = (origin(url), origin(api)) else {
        return false;
    };
    Some(&url) == origin("https://hooks.slack.com").as_ref() || url == api
}

/// An event of Jira's, of what matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JiraEvent {
    /// Milliseconds since the epoch.
    timestamp: i64,
    webhook_event: String,
    #[serde(default)]
    user: Option<Account>,
    #[serde(default)]
    issue: Option<Issue>,
    #[serde(default)]
    changelog: Option<Changelog>,
    #[serde(default)]
    comment: Option<Comment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    account_id: String,
}

#[derive(Deserialize)]
struct Issue {
    key: String,
}

#[derive(Deserialize)]
struct Changelog {
    #[serde(default)]
    items: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    field: String,
    #[serde(default, rename = "toString")]
    to: Option<String>,
}

#[derive(Deserialize)]
struct Comment {
    author: Account,
    /// Text, or a document.
    body: Value,
}

fn of_jira(jira: &Jira, event: JiraEvent) -> Arrival {
    let issue = event.issue.filter(|issue| is_key(&issue.key));
    let Some(issue) = issue else {
        return Arrival::Nothing;
    };
    let said = match event.webhook_event.as_str() {
        "jira:issue_updated" => {
            let items = event.changelog.map(|log| log.items).unwrap_or_default();
            let mut moved = items
                .into_iter()
                .filter(|c| c.field == "status")
                .filter_map(|c| c.to);
            let moved = moved.next_back();
            let verdict = moved.as_deref().and_then(|to| by_status(jira, to));
            event.user.zip(verdict).map(|said| (said, moved))
        }
        "comment_created" => event.comment.and_then(|comment| {
            let verdict = by_comment(jira, &plain(&comment.body))?;
            Some(((comment.author, verdict), None))
        }),
        _ => None,
    };
    let said = said.and_then(|((account, verdict), moved_to)| {
        Some((who(&account.account_id)?, verdict, moved_to))
    });
    match said {
        None => Arrival::Nothing,
        Some((who, verdict, moved_to)) => {
            let about = About::Reference(issue.key);
            Arrival::Said(Said {
                who,
                about,
                verdict,
                moved_to,
                reply: None,
            })
        }
    }
}

fn by_status(jira: &Jira, to: &str) -> Option<Verdict> {
    let is = |status: &Option<String>| status.as_deref() == Some(to);
    match (is(&jira.approve_status), is(&jira.deny_status)) {
        (true, false) => Some(Verdict::Approve),
        (false, true) => Some(Verdict::Deny(None)),
        _ => None,
    }
}

fn by_comment(jira: &Jira, text: &str) -> Option<Verdict> {
    let text = text.trim();
    let is = |word: &Option<String>, text: &str| {
        word.as_deref()
            .is_some_and(|word| word.eq_ignore_ascii_case(text.trim()))
    };
    if is(&jira.deny_comment, text) {
        return Some(Verdict::Deny(None));
    }
    let why = text
        .split_once(':')
        .filter(|(word, _)| is(&jira.deny_comment, word));
    if let Some((_, why)) = why {
        return Some(Verdict::Deny(reason(why)));
    }
    is(&jira.approve_comment, text).then_some(Verdict::Approve)
}

/// The words of a comment: a text, or the texts of a document of one paragraph.
fn plain(body: &Value) -> String {
    match body {
        Value::String(text) => text.clone(),
        document => {
            let blocks = document.get("content").and_then(Value::as_array);
            let [paragraph] = blocks.map(Vec::as_slice).unwrap_or_default() else {
                return String::new();
            };
            let parts = paragraph.get("content").and_then(Value::as_array);
            let parts = parts.into_iter().flatten();
            parts
                .filter_map(|part| part.get("text")?.as_str())
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_slack_alone() {
        let api = "https://slack.com/api";
        for (url, theirs) in [
            ("https://hooks.slack.com/actions/T1/2/x", true),
            ("https://slack.com/x", true),
            ("http://hooks.slack.com/actions", false),
            ("https://hooks.slack.com.evil.example/", false),
            ("https://hooks.slack.com@evil.example/", false),
            ("https://evil.example/hooks.slack.com", false),
            ("http://169.254.169.254/", false),
            ("https://hooks.slack.com:8443/", false),
            ("", false),
        ] {
            assert_eq!(is_slacks(url, api), theirs, "{url}");
        }
    }
}
