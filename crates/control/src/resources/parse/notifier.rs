//! `kind: Notifier` from a file.

use super::{
    Checked, LOCAL_ADMIN, MAX_NAME, finish, group_name_problem, name_problem,
    principal_name_problem,
};
use crate::api::types::ProblemInfo;
use crate::identity::checked_url;
use crate::notify::{
    Email, EventKind, Header, Jira, MapBy, Notifier, Slack, SmtpTls, Template, Webhook, filled,
    host_and_port, is_address, placeholder_problem, takes_answers,
};
use crate::yaml::{Node, typed};
use sluice_model::CredentialRef;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// When a reminder, an escalation or an early end may come, in seconds: not before anybody can have read the first
/// message, and within the day that a request is open.
const RULE: std::ops::RangeInclusive<u32> = 10..=86_400;
/// People that one notifier knows: a large company's.
const MAX_PEOPLE: usize = 20_000;
/// Headers and values of one webhook.
const MAX_PARTS: usize = 20;
/// The longest template, in bytes of JSON.
const MAX_TEMPLATE: usize = 32 << 10;
/// Headers that the gateway says itself, or that steer the conversation.
const OWN_HEADERS: [&str; 9] = [
    "content-type",
    "content-length",
    "host",
    "connection",
    "transfer-encoding",
    "sluice-signature",
    "sluice-delivery",
    "sluice-event",
    "idempotency-key",
];

type Say<'a> = &'a mut dyn FnMut(&[&str], String);

pub(super) fn notifier(file: &str, node: &Node) -> Checked {
    let notifier: Notifier = typed(file, node).map_err(|p| vec![p])?;
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String| {
        problems.push(ProblemInfo::at(file, node.place_of(path), message));
    };
    // It stands in addresses.
    if let Some(message) = name_problem(&notifier.name, MAX_NAME, "-_") {
        say(&["name"], message);
    }
    if notifier.integrations().iter().filter(|set| **set).count() != 1 {
        let message =
            "expected exactly one of \"slack\", \"teams\", \"email\", \"webhook\" and \"jira\"";
        say(&[], message.to_owned());
    }
    events(&notifier, &mut say);
    people(&notifier, &mut say);
    rules(&notifier, &mut say);
    if let Some(it) = &notifier.slack {
        slack(it, &mut say);
    }
    if let Some(it) = &notifier.teams {
        reference(&["teams", "url"], &it.url, &mut say);
    }
    if let Some(it) = &notifier.email {
        email(it, &notifier, &mut say);
    }
    if let Some(it) = &notifier.webhook {
        webhook(it, &mut say);
    }
    if let Some(it) = &notifier.jira {
        jira(it, &mut say);
    }
    finish(&notifier.name, &notifier, problems)
}

fn events(notifier: &Notifier, say: Say<'_>) {
    if notifier.events.is_empty() {
        say(&["events"], "expected at least one event".to_owned());
    }
    if notifier.events.contains(&EventKind::Test) {
        let message = "\"test\" is sent when an administrator asks for it; leave it out";
        say(&["events"], message.to_owned());
    }
    for group in &notifier.only.groups {
        if let Some(message) = group_name_problem(group) {
            say(&["only", "groups"], message);
        }
    }
}

fn people(notifier: &Notifier, say: Say<'_>) {
    if notifier.people.len() > MAX_PEOPLE {
        say(&["people"], format!("expected at most {MAX_PEOPLE} people"));
    }
    for (id, user) in &notifier.people {
        if let Some(message) = principal_name_problem(user) {
            say(&["people", id], message);
        }
        if user.eq_ignore_ascii_case(LOCAL_ADMIN) {
            let message = format!("the user {LOCAL_ADMIN:?} is built in and nobody outside");
            say(&["people", id], message);
        }
        if notifier.email.is_some() && !is_address(id) {
            say(
                &["people", id],
                format!("expected an e-mail address, got {id:?}"),
            );
        }
    }
    let by_address = notifier.email.is_some() || notifier.webhook.is_some();
    if notifier.map_by == Some(MapBy::Email) && !by_address {
        let message =
            "only mail and webhooks call people by their address; list them in \"people\"";
        say(&["map_by"], message.to_owned());
    }
    let answers = takes_answers(notifier) || notifier.email.is_some();
    if !notifier.people.is_empty() && !answers {
        let message = "nothing comes back through this notifier, so that it need not know people";
        say(&["people"], message.to_owned());
    }
}

fn rules(notifier: &Notifier, say: Say<'_>) {
    let escalate = notifier.escalate.as_ref();
    let times = [
        (vec!["remind_after_seconds"], notifier.remind_after_seconds),
        (
            vec!["escalate", "after_seconds"],
            escalate.map(|e| e.after_seconds),
        ),
        (vec!["expire_after_seconds"], notifier.expire_after_seconds),
    ];
    for (path, seconds) in times {
        if let Some(seconds) = seconds.filter(|s| !RULE.contains(s)) {
            let message = format!("expected {} to {}, got {seconds}", RULE.start(), RULE.end());
            say(&path, message);
        }
        if seconds.is_some() && !notifier.events.contains(&EventKind::Approval) {
            say(&path, "this goes with the event \"approval\"".to_owned());
        }
    }
    if escalate.is_some_and(|e| e.to == notifier.name) {
        let message =
            "expected another notifier than this one; \"remind_after_seconds\" tells it again here";
        say(&["escalate", "to"], message.to_owned());
    }
}

/// A secret that is named in a way that cannot be meant.
fn reference(path: &[&str], reference: &CredentialRef, say: Say<'_>) {
    let (CredentialRef::Env(text) | CredentialRef::File(text)) = reference;
    if text.is_empty() {
        say(path, "expected the name of a variable or a file".to_owned());
    }
}

fn url(path: &[&str], text: &str, say: Say<'_>) {
    if let Err(error) = checked_url(text) {
        say(path, error.to_string());
    }
}

fn slack(slack: &Slack, say: Say<'_>) {
    reference(&["slack", "token"], &slack.token, say);
    reference(&["slack", "signing_secret"], &slack.signing_secret, say);
    let id = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if slack.channel.len() < 2 || !slack.channel.chars().all(id) {
        let message = format!(
            "expected the id of a channel such as \"C0123456789\", got {:?}",
            slack.channel
        );
        say(&["slack", "channel"], message);
    }
    if let Some(api) = &slack.api_url {
        url(&["slack", "api_url"], api, say);
    }
}

fn email(email: &Email, notifier: &Notifier, say: Say<'_>) {
    match host_and_port(&email.smtp) {
        None => say(
            &["email", "smtp"],
            format!("expected host:port, got {:?}", email.smtp),
        ),
        Some((host, _)) => {
            let here =
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            if email.tls == SmtpTls::NoneOnLoopback && !here {
                let message = "mail goes unencrypted to this very host only";
                say(&["email", "tls"], message.to_owned());
            }
        }
    }
    if email.username.is_some() != email.password.is_some() {
        say(&["email"], "username and password go together".to_owned());
    }
    if let Some(password) = &email.password {
        reference(&["email", "password"], password, say);
    }
    if !is_address(&email.from) {
        say(
            &["email", "from"],
            format!("expected an e-mail address, got {:?}", email.from),
        );
    }
    for address in email.to.iter().filter(|address| !is_address(address)) {
        say(
            &["email", "to"],
            format!("expected an e-mail address, got {address:?}"),
        );
    }
    if email.to.is_empty() && !email.to_approvers {
        say(&["email"], "expected \"to\" or \"to_approvers\"".to_owned());
    }
    let more = notifier
        .events
        .iter()
        .any(|event| *event != EventKind::Approval);
    if email.to.is_empty() && more {
        let message = "only requests have approvers; other events need \"to\"";
        say(&["email"], message.to_owned());
    }
    if email.to_approvers && notifier.people.is_empty() && notifier.map_by.is_none() {
        let message =
            "nobody's address is known: list them in \"people\", or set \"map_by: email\"";
        say(&["email", "to_approvers"], message.to_owned());
    }
}

fn webhook(webhook: &Webhook, say: Say<'_>) {
    url(&["webhook", "url"], &webhook.url, say);
    match (&webhook.secret, &webhook.template) {
        (Some(secret), _) => reference(&["webhook", "secret"], secret, say),
        (None, None) => {
            let message = "expected a secret: without a template, every message is signed";
            say(&["webhook"], message.to_owned());
        }
        (None, Some(_)) => {}
    }
    if webhook.headers.len() > MAX_PARTS || webhook.values.len() > MAX_PARTS {
        say(
            &["webhook"],
            format!("expected at most {MAX_PARTS} headers and values"),
        );
    }
    for (name, header) in &webhook.headers {
        header_problem(name, header, say);
    }
    for (name, value) in &webhook.values {
        reference(&["webhook", "values", name], value, say);
    }
    template(webhook, say);
}

fn header_problem(name: &str, header: &Header, say: Say<'_>) {
    let path = ["webhook", "headers", name];
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(good) {
        say(&path, "expected the name of a header".to_owned());
    }
    if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        say(&path, format!("the gateway says {name:?} itself"));
    }
    if header.prefix.chars().any(char::is_control) {
        say(&path, "the prefix holds a control character".to_owned());
    }
    reference(&path, &header.value, say);
}

fn template(webhook: &Webhook, say: Say<'_>) {
    let path = ["webhook", "template"];
    match &webhook.template {
        Some(Template::Inline(body)) => {
            let known = |name: &str| webhook.values.contains_key(name);
            if let Some(problem) = placeholder_problem(body, known) {
                say(&path, problem);
            }
            if body.to_string().len() > MAX_TEMPLATE {
                say(
                    &path,
                    format!("expected a template of at most {MAX_TEMPLATE} bytes"),
                );
            }
        }
        Some(Template::Pagerduty) if !webhook.values.contains_key("routing_key") => {
            let message = "PagerDuty needs \"values: {routing_key: ...}\", the integration's key";
            say(&path, message.to_owned());
        }
        Some(Template::Pagerduty | Template::Opsgenie | Template::Servicenow) | None => {}
    }
}

fn jira(jira: &Jira, say: Say<'_>) {
    url(&["jira", "url"], &jira.url, say);
    reference(&["jira", "token"], &jira.token, say);
    if !is_address(&jira.email) {
        say(
            &["jira", "email"],
            format!("expected an e-mail address, got {:?}", jira.email),
        );
    }
    let key = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if jira.project.is_empty() || jira.project.len() > MAX_NAME || !jira.project.chars().all(key) {
        say(
            &["jira", "project"],
            format!(
                "expected a project's key such as \"OPS\", got {:?}",
                jira.project
            ),
        );
    }
    if jira.issue_type.trim().is_empty() {
        say(
            &["jira", "issue_type"],
            "the type of issue is empty".to_owned(),
        );
    }
    let nothing = BTreeMap::<String, CredentialRef>::new();
    for (name, text) in [
        ("summary", &jira.summary),
        ("description", &jira.description),
    ] {
        let Some(text) = text else { continue };
        let problem =
            placeholder_problem(&text.as_str().into(), |value| nothing.contains_key(value));
        if let Some(problem) = problem {
            say(&["jira", name], problem);
        }
        if filled(text, |_| String::new()).is_ok_and(|rest| rest.len() > MAX_TEMPLATE) {
            say(
                &["jira", name],
                format!("expected at most {MAX_TEMPLATE} bytes"),
            );
        }
    }
    jira_answers(jira, say);
    if jira
        .close_transition
        .as_ref()
        .is_some_and(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()))
    {
        say(
            &["jira", "close_transition"],
            "expected the id of a transition, a number in quotes".to_owned(),
        );
    }
}

/// What in an issue approves and denies.
fn jira_answers(jira: &Jira, say: Say<'_>) {
    let ways = [
        &jira.approve_status,
        &jira.deny_status,
        &jira.approve_comment,
        &jira.deny_comment,
    ];
    if ways.iter().any(|way| way.is_some()) != jira.webhook_secret.is_some() {
        let message = "\"webhook_secret\" goes with what approves and denies: \"approve_status\", \"deny_status\", \"approve_comment\", \"deny_comment\"";
        say(&["jira"], message.to_owned());
    }
    if ways
        .iter()
        .any(|way| way.as_ref().is_some_and(|word| word.trim().is_empty()))
    {
        say(&["jira"], "what approves or denies is empty".to_owned());
    }
    let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a.trim().eq_ignore_ascii_case(b.trim()),
        _ => false,
    };
    if same(&jira.approve_status, &jira.deny_status)
        || same(&jira.approve_comment, &jira.deny_comment)
    {
        say(
            &["jira"],
            "what approves and what denies is the same".to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::api::types::SourceFile;
    use crate::resources::parse::parse;

    const SLACK: &str = "kind: Notifier\nname: chat\nslack: {token: {env: T}, signing_secret: {env: S}, channel: C01}\n";
    const HOOK: &str =
        "kind: Notifier\nname: hook\nwebhook: {url: 'https://h.example/x', secret: {env: S}}\n";
    const MAIL: &str = "kind: Notifier\nname: mail\nemail: {smtp: 'm.example:587', from: a@example.com, to: [b@example.com]}\n";
    const JIRA: &str = "kind: Notifier\nname: tickets\njira: {url: 'https://j.example', email: a@example.com, token: {env: T}, project: OPS, issue_type: Task}\n";

    /// What is wrong with what is found to be wrong.
    fn check(text: &str, expected: &str) -> Option<String> {
        let file = SourceFile {
            name: "f".into(),
            text: text.into(),
        };
        let got: Vec<String> = parse(&[file], &[])
            .problems
            .iter()
            .map(ToString::to_string)
            .collect();
        let fits = match expected {
            "" => got.is_empty(),
            expected => got.iter().any(|problem| problem.starts_with(expected)),
        };
        (!fits).then(|| format!("{text}\n{got:#?}\nexpected {expected}\n"))
    }

    #[test]
    fn each_mistake_is_named_at_its_place() {
        for good in [SLACK, HOOK, MAIL, JIRA] {
            assert_eq!(check(good, ""), None);
        }
        let with = |text: &str, more: &str| format!("{text}{more}\n");
        let instead = |text: &str, from: &str, to: &str| {
            assert!(text.contains(from), "{text} {from}");
            text.replace(from, to)
        };
        let cases = [
            (
                "kind: Notifier\nname: x\n".to_owned(),
                "f:1:1: expected exactly one of",
            ),
            (
                with(SLACK, "teams: {url: {env: U}}"),
                "f:1:1: expected exactly one of",
            ),
            (instead(SLACK, "name: chat", "name: a/b"), "f:2:7: the name"),
            (
                instead(SLACK, "C01", "'#general'"),
                "f:3:61: expected the id of a channel",
            ),
            (instead(SLACK, "{env: T}", "xoxb-1"), "f:3:16: "),
            (
                instead(SLACK, "{env: T}", "{env: ''}"),
                "f:3:16: expected the name of a variable",
            ),
            (
                with(SLACK, "people: {U1: Admin}"),
                "f:4:14: the user \"admin\" is built in",
            ),
            (
                with(SLACK, "map_by: email"),
                "f:4:9: only mail and webhooks",
            ),
            (
                with(SLACK, "events: [approvals]"),
                "f:4:10: unknown value \"approvals\"",
            ),
            (
                with(SLACK, "events: [test]"),
                "f:4:9: \"test\" is sent when",
            ),
            (
                with(SLACK, "events: []"),
                "f:4:9: expected at least one event",
            ),
            (
                with(SLACK, "remind_after_seconds: 5"),
                "f:4:23: expected 10 to 86400, got 5",
            ),
            (
                with(SLACK, "escalate: {after_seconds: 60, to: chat}"),
                "f:4:35: expected another notifier",
            ),
            (
                with(SLACK, "events: [refused]\nexpire_after_seconds: 60"),
                "f:5:23: this goes with",
            ),
            (
                instead(HOOK, "https://h", "http://h"),
                "f:3:16: \"http://h.example/x\" is not an address",
            ),
            (instead(HOOK, "https://h", "https://u:p@h"), "f:3:16: "),
            (
                instead(HOOK, ", secret: {env: S}", ""),
                "f:3:10: expected a secret",
            ),
            (
                instead(HOOK, "secret: {env: S}", "template: pagerduty"),
                "f:3:49: PagerDuty needs",
            ),
            (
                instead(
                    HOOK,
                    "secret: {env: S}",
                    "template: {inline: {a: '{{titel}}'}}",
                ),
                "f:3:49: unknown name \"titel\"",
            ),
            (
                instead(
                    HOOK,
                    "secret: {env: S}",
                    "secret: {env: S}, headers: {Host: {value: {env: H}}}",
                ),
                "f:3:73: the gateway says \"Host\" itself",
            ),
            (
                instead(MAIL, "m.example:587", "m.example"),
                "f:3:15: expected host:port",
            ),
            (
                instead(MAIL, "from:", "tls: none-on-loopback, from:"),
                "f:3:37: mail goes unencrypted to this very host only",
            ),
            (
                instead(MAIL, "a@example.com", "\"a@example.com\\nBcc: x\""),
                "f:3:38: expected an e-mail address",
            ),
            (
                instead(MAIL, "to: [b@example.com]", "to_approvers: true"),
                "f:3:67: nobody's address is known",
            ),
            (
                with(
                    &instead(MAIL, "to: [b@example.com]", "to_approvers: true"),
                    "map_by: email\nevents: [refused]",
                ),
                "f:3:8: only requests have approvers",
            ),
            (
                with(MAIL, "people: {bob: bob}"),
                "f:4:15: expected an e-mail address",
            ),
            (
                instead(JIRA, "OPS", "ops"),
                "f:3:82: expected a project's key",
            ),
            (
                instead(JIRA, "Task", "Task, approve_status: Done"),
                "f:3:7: \"webhook_secret\" goes with",
            ),
            (
                instead(
                    JIRA,
                    "Task",
                    "Task, webhook_secret: {env: W}, approve_comment: OK, deny_comment: ok",
                ),
                "f:3:7: what approves and what denies is the same",
            ),
        ];
        let wrong: String = cases
            .iter()
            .filter_map(|(text, expected)| check(text, expected))
            .collect();
        assert!(wrong.is_empty(), "{wrong}");
    }
}
