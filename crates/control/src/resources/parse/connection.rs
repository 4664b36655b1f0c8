//! `kind: Connection` from a file.

use super::{Checked, MAX_CONNECTION_NAME, Say, finish, name_problem};
use crate::api::types::ProblemInfo;
use crate::problems::did_you_mean;
use crate::yaml::{Node, typed};
use sluice_model::{Account, AccountCredential, Connection, ProtocolSpec};
use std::collections::BTreeSet;

pub(super) fn connection(file: &str, node: &Node, protocols: &[ProtocolSpec]) -> Checked {
    let connection: Connection = typed(file, node).map_err(|p| vec![p])?;
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String, help: Option<String>| {
        problems.push(ProblemInfo::at(file, node.place_of(path), message).with_help(help));
    };
    if let Some(message) = name_problem(&connection.name, MAX_CONNECTION_NAME, "-_.") {
        say(&["name"], message, None);
    }
    if !protocols.iter().any(|p| p.name == connection.protocol) {
        let names: Vec<&str> = protocols.iter().map(|p| p.name).collect();
        let message = format!(
            "unknown protocol {:?}, expected one of: {}",
            connection.protocol,
            names.join(", ")
        );
        say(
            &["protocol"],
            message,
            did_you_mean(&connection.protocol, names.iter().copied()),
        );
    }
    if let Some(zone) = &connection.time_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        let message =
            format!("unknown time zone {zone:?}, expected an IANA name such as \"Europe/Berlin\"");
        say(
            &["time_zone"],
            message,
            did_you_mean(zone, known.iter().map(String::as_str)),
        );
    }
    if connection.target.address.is_empty()
        || connection.target.address.contains(char::is_whitespace)
    {
        let message = format!("expected host:port, got {:?}", connection.target.address);
        say(&["target", "address"], message, None);
    }
    if connection.target.client_cert_file.is_some() != connection.target.client_key_file.is_some() {
        let message = "client_cert_file and client_key_file go together".to_owned();
        say(&["target"], message, None);
    }
    for (label, value) in &connection.labels {
        if label.contains('=') {
            say(
                &["labels", label],
                format!("the label {label:?} holds \"=\" (value {value:?})"),
                None,
            );
        }
    }
    let protocol = protocols.iter().find(|p| p.name == connection.protocol);
    accounts(&connection, protocol, &mut say);
    settings(&connection, protocol, &mut say);
    if !(1..=86_400).contains(&connection.hold_timeout_seconds) {
        let got = connection.hold_timeout_seconds;
        say(
            &["hold_timeout_seconds"],
            format!("expected 1 to 86400 seconds, got {got}"),
            None,
        );
    }
    finish(&connection.name, &connection, problems)
}

/// Settings that the connection's protocol does not have, or that make no sense.
fn settings(connection: &Connection, protocol: Option<&ProtocolSpec>, say: Say<'_>) {
    let settings = &connection.settings;
    let written = serde_json::to_value(settings).unwrap_or_default();
    let names: Vec<&String> = written
        .as_object()
        .into_iter()
        .flat_map(|o| o.keys())
        .collect();
    if let Some(protocol) = protocol {
        for name in names {
            if !protocol.settings.iter().any(|known| known.name == name) {
                let message = format!("protocol {:?} has no setting {name:?}", protocol.name);
                let help = did_you_mean(name, protocol.settings.iter().map(|known| known.name));
                say(&["settings", name], message, help);
            }
        }
    }
    if settings.only_described && settings.description_file.is_none() {
        let message = "only_described goes with description_file".to_owned();
        say(&["settings", "only_described"], message, None);
    }
    let named = settings.identity.as_ref().map(|identity| &identity.header);
    if named.is_some_and(|name| !is_field_name(name)) {
        let message = "expected the name of a header".to_owned();
        say(&["settings", "identity", "header"], message, None);
    }
    for address in &settings.addresses {
        if address.is_empty() || address.contains(char::is_whitespace) {
            let message = format!("expected host:port, got {address:?}");
            say(&["settings", "addresses"], message, None);
        }
    }
    let seconds = [
        ("idle_seconds", settings.idle_seconds, 1..=86_400),
        ("answer_seconds", settings.answer_seconds, 1..=3_600),
    ];
    for (name, value, range) in seconds {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let message = format!("expected {} to {}, got {value}", range.start(), range.end());
            say(&["settings", name], message, None);
        }
    }
}

/// Whether a text can be the name of a header (RFC 9110, section 5.1).
fn is_field_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.len() <= 100 && name.chars().all(good)
}

/// What is wrong with what a target is shown.
fn credential(account: &Account, i: &str, say: Say<'_>) {
    let place: &[&str] = &["accounts", i, "credential"];
    match &account.credential {
        None => return,
        Some(AccountCredential::Header { name, .. } | AccountCredential::Cookie { name, .. })
            if !is_field_name(name) =>
        {
            say(place, format!("{name:?} cannot be a name"), None);
        }
        Some(AccountCredential::ClientCredentials { token_url, .. }) => {
            if let Err(error) = crate::identity::checked_url(token_url) {
                say(place, error.to_string(), None);
            }
        }
        Some(_) => {}
    }
    if account.password.is_some() || !account.username.is_empty() {
        let message = "expected a credential, or a user name and a password, and not both";
        say(place, message.to_owned(), None);
    }
}

fn accounts(connection: &Connection, protocol: Option<&ProtocolSpec>, say: Say<'_>) {
    if connection.accounts.is_empty() {
        say(
            &["accounts"],
            "expected at least one account".to_owned(),
            None,
        );
    }
    let mut seen = BTreeSet::new();
    let mut default: Option<&str> = None;
    for (i, account) in connection.accounts.iter().enumerate() {
        let i = i.to_string();
        if let Some(message) = name_problem(&account.name, MAX_CONNECTION_NAME, "-_.$") {
            say(&["accounts", &i, "name"], message, None);
        }
        if !seen.insert(account.name.as_str()) {
            let message = format!("the account {:?} stands here twice", account.name);
            say(&["accounts", &i, "name"], message, None);
        }
        if account.default {
            if let Some(first) = default {
                let message = format!("expected one default account, {first:?} is one already");
                say(&["accounts", &i, "default"], message, None);
            }
            default = default.or(Some(&account.name));
        }
        credential(account, &i, say);
        let needs_username = protocol.is_none_or(|p| p.needs_username);
        if needs_username && account.credential.is_some() {
            let message = "expected a user name: this protocol has no other credentials";
            say(&["accounts", &i, "credential"], message.to_owned(), None);
        }
        if needs_username && account.username.is_empty() {
            say(
                &["accounts", &i, "username"],
                "the user name is empty".to_owned(),
                None,
            );
        }
    }
}
