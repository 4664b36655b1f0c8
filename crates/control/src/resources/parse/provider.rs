//! `kind: IdentityProvider` from a file.

use super::{Checked, MAX_NAME, finish, group_name_problem, name_problem};
use crate::api::types::ProblemInfo;
use crate::identity::checked_url;
use crate::identity::provider::DeclaredProvider;
use crate::yaml::{Node, typed};

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
    if let Err(error) = checked_url(&provider.oidc.issuer) {
        say(&["oidc", "issuer"], error.to_string());
    }
    if provider.oidc.client_id.is_empty() {
        say(&["oidc", "client_id"], "the client id is empty".to_owned());
    }
    if !provider.oidc.scopes.iter().any(|scope| scope == "openid") {
        say(
            &["oidc", "scopes"],
            "expected \"openid\" among the scopes".to_owned(),
        );
    }
    for group in provider.groups.map.values() {
        if let Some(message) = group_name_problem(group) {
            say(&["groups", "map"], message);
        }
    }
    let numbers = [
        ("refresh_seconds", provider.refresh_seconds, REFRESH),
        ("session_hours", provider.session_hours, SESSION),
        ("vouched_hours", provider.vouched_hours, VOUCHED),
    ];
    for (name, value, range) in numbers {
        if !range.contains(&value) {
            let message = format!("expected {} to {}, got {value}", range.start(), range.end());
            say(&[name], message);
        }
    }
    finish(&provider.name, &provider, problems)
}
