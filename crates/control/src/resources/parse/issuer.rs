//! `kind: TrustedIssuer` from a file.

use super::{Checked, MAX_NAME, finish, group_name_problem, name_problem};
use crate::api::types::ProblemInfo;
use crate::identity::checked_url;
use crate::identity::issuers::{DeclaredIssuer, PRESETS};
use crate::problems::did_you_mean;
use crate::yaml::{Node, typed};
use sluice_identity::jwt::ALGORITHMS;

/// Rules of one issuer: more than a company has repositories that reach into databases.
const MAX_RULES: usize = 500;
/// The longest life of a JWT that a file may allow, in seconds: a week.
const LONGEST_LIFE: u32 = 7 * 86_400;

pub(super) fn trusted_issuer(file: &str, node: &Node) -> Checked {
    let issuer: DeclaredIssuer = typed(file, node).map_err(|p| vec![p])?;
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String, help: Option<String>| {
        problems.push(ProblemInfo::at(file, node.place_of(path), message).with_help(help));
    };
    if let Some(message) = name_problem(&issuer.name, MAX_NAME, "-_.") {
        say(&["name"], message, None);
    }
    if let Some(preset) = issuer
        .preset
        .as_deref()
        .filter(|_| issuer.preset().is_none())
    {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let message = format!(
            "unknown preset {preset:?}, expected one of: {}",
            names.join(", ")
        );
        say(&["preset"], message, did_you_mean(preset, names));
    }
    address(&issuer, &mut say);
    if issuer.audiences.is_empty() || issuer.audiences.iter().any(String::is_empty) {
        let message = "expected at least one audience: what the workload asks its issuer to make the token for";
        say(&["audiences"], message.to_owned(), None);
    }
    for (at, name) in issuer.algorithms.iter().flatten().enumerate() {
        if !ALGORITHMS.iter().any(|(known, _)| known == name) {
            let names: Vec<&str> = ALGORITHMS.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "unknown algorithm {name:?}, expected any of: {}",
                names.join(", ")
            );
            say(&["algorithms", &at.to_string()], message, None);
        }
    }
    if issuer
        .longest_life_seconds
        .is_some_and(|life| !(1..=LONGEST_LIFE).contains(&life))
    {
        let message = format!("expected 1 to {LONGEST_LIFE} seconds");
        say(&["longest_life_seconds"], message, None);
    }
    let longest = crate::control::LONGEST_EXCHANGE;
    if issuer
        .exchange_seconds
        .is_some_and(|life| !(1..=longest).contains(&life))
    {
        say(
            &["exchange_seconds"],
            format!("expected 1 to {longest} seconds"),
            None,
        );
    }
    rules(&issuer, &mut say);
    finish(&issuer.name, &issuer, problems)
}

fn address(issuer: &DeclaredIssuer, say: super::Say<'_>) {
    let by_subject = issuer.preset().is_some_and(|preset| preset.by_subject);
    match issuer.url() {
        None => say(
            &[],
            "the setting \"issuer\" is missing: the iss of its tokens".to_owned(),
            None,
        ),
        Some(url) if by_subject && !url.starts_with("spiffe://") => {
            let message =
                format!("expected a trust domain such as spiffe://example.org, got {url:?}");
            say(&["issuer"], message, None);
        }
        Some(url) => {
            let discovered = issuer.jwks_url.is_none() && issuer.jwks_file.is_none();
            if discovered && by_subject {
                let message =
                    "expected jwks_url or jwks_file: a trust domain has no discovery document";
                say(&[], message.to_owned(), None);
            } else if discovered && let Err(error) = checked_url(url) {
                say(&["issuer"], error.to_string(), None);
            }
        }
    }
    if let Some(Err(error)) = issuer.jwks_url.as_deref().map(checked_url) {
        say(&["jwks_url"], error.to_string(), None);
    }
}

fn rules(issuer: &DeclaredIssuer, say: super::Say<'_>) {
    if !(1..=MAX_RULES).contains(&issuer.rules.len()) {
        let message = format!("expected 1 to {MAX_RULES} rules; without one, nobody is let in");
        say(&["rules"], message, None);
    }
    for (at, rule) in issuer.rules.iter().enumerate() {
        let at = at.to_string();
        for group in &rule.groups {
            if let Some(message) = group_name_problem(group) {
                say(&["rules", &at, "groups"], message, None);
            }
        }
        if rule.groups.contains(crate::control::ADMINS) {
            let message = "no workload administers the gateway; leave out the group \"admins\"";
            say(&["rules", &at, "groups"], message.to_owned(), None);
        }
    }
}
