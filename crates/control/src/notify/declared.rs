//! `kind: Notifier` as it is declared: where messages go, about what, and who is who there.

use crate::keys::hex;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_model::{Connection, CredentialRef};
use std::collections::{BTreeMap, BTreeSet};

/// A notifier from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notifier {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) slack: Option<Slack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) teams: Option<Teams>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<Webhook>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jira: Option<Jira>,
    /// What is told.
    #[serde(default = "approvals_alone")]
    pub(crate) events: BTreeSet<EventKind>,
    /// About what it is told.
    #[serde(default)]
    pub(crate) only: Only,
    /// Who is who: what people are called there, and which user each is.
    #[serde(default)]
    pub(crate) people: BTreeMap<String, String>,
    /// People are also known by the address that their identity provider gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) map_by: Option<MapBy>,
    /// How much of an operation leaves the gateway.
    #[serde(default)]
    pub(crate) details: Details,
    /// A request that nobody has decided is told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remind_after_seconds: Option<u32>,
    /// A request that nobody has decided is told elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) escalate: Option<Escalate>,
    /// Requests that are told here end earlier than others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expire_after_seconds: Option<u32>,
    /// The authorities of a private service, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
}

fn approvals_alone() -> BTreeSet<EventKind> {
    BTreeSet::from([EventKind::Approval])
}

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// A request for consent, and what became of it.
    Approval,
    /// An operation was refused.
    Refused,
    /// Somebody read masked values.
    Masked,
    /// Somebody used emergency access.
    BreakGlass,
    /// Something could not be recorded.
    LogGap,
    /// A connection was declared.
    NewConnection,
    /// An administrator tries the notifier out.
    Test,
}

impl EventKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Refused => "refused",
            Self::Masked => "masked",
            Self::BreakGlass => "break_glass",
            Self::LogGap => "log_gap",
            Self::NewConnection => "new_connection",
            Self::Test => "test",
        }
    }
}

/// Narrows what is told; what is empty narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Only {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) connections: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) environments: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// Of requests: those that somebody in one of these groups can decide.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) groups: BTreeSet<String>,
}

impl Only {
    /// Whether a connection is among those that are told about. One that is not declared any more is known by its
    /// name alone.
    pub(crate) fn has_connection(&self, name: &str, connection: Option<&Connection>) -> bool {
        let named = self.connections.is_empty() || self.connections.contains(name);
        let environment = self.environments.is_empty()
            || connection.is_some_and(|c| self.environments.contains(&c.environment));
        let labels = self
            .labels
            .iter()
            .all(|(label, value)| connection.is_some_and(|c| c.labels.get(label) == Some(value)));
        named && environment && labels
    }

    /// Whether one of the groups that can decide is among those that are told about.
    pub(crate) fn has_group(&self, sets: &[BTreeSet<String>]) -> bool {
        self.groups.is_empty() || sets.iter().any(|set| !set.is_disjoint(&self.groups))
    }
}

/// How people are known besides the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MapBy {
    Email,
}

/// How much of an operation leaves the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Details {
    /// Its text and parameters, as approvers see them: masked.
    #[default]
    Full,
    /// Who, where and why, and not what. Nobody approves there what they were not shown.
    Summary,
}

/// Where a request goes that nobody has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Escalate {
    pub(crate) after_seconds: u32,
    /// Another notifier.
    pub(crate) to: String,
}

/// A Slack app with a bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slack {
    /// The bot's token (`xoxb-...`).
    pub(crate) token: CredentialRef,
    /// What Slack signs interactions with.
    pub(crate) signing_secret: CredentialRef,
    /// The channel's id.
    pub(crate) channel: String,
    /// Another address of the Web API than Slack's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_url: Option<String>,
}

/// A workflow of Microsoft Teams that begins with a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Teams {
    /// Its address, which is a secret: whoever knows it can post.
    pub(crate) url: CredentialRef,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Email {
    /// `host:port`.
    pub(crate) smtp: String,
    #[serde(default)]
    pub(crate) tls: SmtpTls,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<CredentialRef>,
    pub(crate) from: String,
    /// Who is written to, whatever it is about.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) to: BTreeSet<String>,
    /// Whoever can decide a request is written to, where their address is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) to_approvers: bool,
}

/// How mail is kept private on its way to the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SmtpTls {
    /// The conversation begins in clear and must become TLS before anything is said.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// None, to a server on this very host.
    NoneOnLoopback,
}

/// Any service that takes HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    /// Signs what is sent, and what comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<CredentialRef>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, Header>,
    /// What is sent instead of the gateway's own body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<Template>,
    /// Secrets that a template may name, as `{{values.NAME}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<String, CredentialRef>,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// What stands before the secret, such as `GenieKey `.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) prefix: String,
    pub(crate) value: CredentialRef,
}

/// The body of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Template {
    Servicenow,
    Pagerduty,
    Opsgenie,
    /// JSON whose texts hold names in double braces.
    Inline(Value),
}

/// A Jira project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jira {
    /// The site, such as `https://example.atlassian.net`.
    pub(crate) url: String,
    /// The account that the token is of.
    pub(crate) email: String,
    pub(crate) token: CredentialRef,
    /// The project's key.
    pub(crate) project: String,
    pub(crate) issue_type: String,
    /// The issue's summary, with names in double braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    /// What stands before the details in its description, with names in double braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// What Jira signs its webhooks with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_secret: Option<CredentialRef>,
    /// Moving the issue to the status of this name approves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approve_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deny_status: Option<String>,
    /// A comment that is this word and nothing else approves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approve_comment: Option<String>,
    /// A comment that is this word, or begins with it and a colon, denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deny_comment: Option<String>,
    /// The id of the transition that closes the issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) close_transition: Option<String>,
}

impl Notifier {
    /// What it speaks to.
    pub(crate) fn kind(&self) -> &'static str {
        match self.integrations() {
            [true, ..] => "slack",
            [_, true, ..] => "teams",
            [_, _, true, ..] => "email",
            [_, _, _, true, _] => "webhook",
            _ => "jira",
        }
    }

    /// A digest of where it leads to: what was shown elsewhere under the same name was not shown here.
    pub(crate) fn place(&self) -> String {
        let place = (
            &self.slack,
            &self.teams,
            &self.email,
            &self.webhook,
            &self.jira,
        );
        let text = serde_json::to_vec(&place).unwrap_or_default();
        hex(digest::digest(&digest::SHA256, &text).as_ref())
    }

    /// Which integrations are set.
    pub(crate) fn integrations(&self) -> [bool; 5] {
        [
            self.slack.is_some(),
            self.teams.is_some(),
            self.email.is_some(),
            self.webhook.is_some(),
            self.jira.is_some(),
        ]
    }
}
