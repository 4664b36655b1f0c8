//! `kind: IdentityProvider` from a file.

use super::{Checked, MAX_NAME, finish, group_name_problem, name_problem};
use crate::api::types::ProblemInfo;
use crate::identity::checked_url;
use crate::identity::provider::{DeclaredProvider, Oidc, Saml};
use crate::yaml::{Node, typed};

/// What the gateway itself says when somebody is sent to a provider.
const OWN_PARAMETERS: [&str; 13] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
    "id_token_hint",
];
/// How often a provider may be asked about each person, in seconds.
const REFRESH: std::ops::RangeInclusive<u32> = 5..=3_600;
/// How long a sign-in may last, in hours: at most a week.
const SESSION: std::ops::RangeInclusive<u32> = 1..=168;
/// How long a provider's word may count, in hours: at most thirty days.
const VOUCHED: std::ops::RangeInclusive<u32> = 1..=720;

pub(super) fn identity_provider(file: &str, node: &Node) -> Checked {
    let provider: DeclaredProvider = typed(file, node).map_err(|p| vec![p])?;
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String| {
        problems.push(ProblemInfo::at(file, node.place_of(path), message));
    };
    // It stands in addresses.
    if let Some(message) = name_problem(&provider.name, MAX_NAME, "-_") {
        say(&["name"], message);
    }
    match (&provider.oidc, &provider.saml) {
        (Some(oidc), None) => check_oidc(oidc, &mut say),
        (None, Some(saml)) => {
            check_saml(saml, &mut say);
            if provider.users.name.is_none() {
                let message =
                    "the setting \"users.name\" is missing: the attribute that holds the name";
                say(&[], message.to_owned());
            }
        }
        _ => say(&[], "expected either \"oidc\" or \"saml\"".to_owned()),
    }
    if let Some(scim) = &provider.scim
        && let Some(message) = name_problem(&scim.service, MAX_NAME, "-_.@+")
    {
        say(&["scim", "service"], message);
    }
    for group in provider.groups.map.values() {
        if let Some(message) = group_name_problem(group) {
            say(&["groups", "map"], message);
        }
    }
    let numbers = [
        ("refresh_seconds", Some(provider.refresh_seconds), REFRESH),
        ("session_hours", provider.session_hours, SESSION),
        ("vouched_hours", Some(provider.vouched_hours), VOUCHED),
    ];
    for (name, value, range) in numbers {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let message = format!("expected {} to {}, got {value}", range.start(), range.end());
            say(&[name], message);
        }
    }
    finish(&provider.name, &provider, problems)
}

type Say<'a> = &'a mut dyn FnMut(&[&str], String);

fn check_oidc(oidc: &Oidc, say: Say<'_>) {
    if let Err(error) = checked_url(&oidc.issuer) {
        say(&["oidc", "issuer"], error.to_string());
    }
    if oidc.client_id.is_empty() {
        say(&["oidc", "client_id"], "the client id is empty".to_owned());
    }
    if let Some(own) = OWN_PARAMETERS
        .iter()
        .find(|own| oidc.parameters.contains_key(**own))
    {
        let message = format!("the gateway says {own:?} itself");
        say(&["oidc", "parameters"], message);
    }
    if !oidc.scopes.iter().any(|scope| scope == "openid") {
        let message = "expected \"openid\" among the scopes";
        say(&["oidc", "scopes"], message.to_owned());
    }
}

fn check_saml(saml: &Saml, say: Say<'_>) {
    let by_hand = saml.sign_in_url.is_some();
    let ways = [
        saml.metadata_url.is_some(),
        saml.metadata_file.is_some(),
        by_hand,
    ];
    if ways.iter().filter(|way| **way).count() != 1 {
        let message = "expected one of \"metadata_url\", \"metadata_file\" and \"sign_in_url\"";
        say(&["saml"], message.to_owned());
    }
    if by_hand && (saml.entity_id.is_none() || saml.certificate_files.is_empty()) {
        let message = "\"sign_in_url\" goes with \"entity_id\" and \"certificate_files\"";
        say(&["saml"], message.to_owned());
    }
    if !by_hand && (saml.sign_out_url.is_some() || !saml.certificate_files.is_empty()) {
        let message = "\"sign_out_url\" and \"certificate_files\" go with \"sign_in_url\"; metadata say the same";
        say(&["saml"], message.to_owned());
    }
    let urls = [
        ("metadata_url", &saml.metadata_url),
        ("sign_in_url", &saml.sign_in_url),
        ("sign_out_url", &saml.sign_out_url),
    ];
    for (name, url) in urls {
        if let Some(Err(error)) = url.as_deref().map(checked_url) {
            say(&["saml", name], error.to_string());
        }
    }
}
