//! Files into resources. Every problem is collected, with its place.

mod connection;
mod issuer;
mod notifier;
mod policy_test;
mod provider;

use super::set::{Declared, Kind, Resource, ResourceSet};
use crate::api::types::{ProblemInfo, SourceFile};
use crate::problems::did_you_mean;
use crate::yaml::{MAX_FILE_BYTES, Node, documents, typed};
use sluice_model::{DataClass, ProtocolSpec};
use std::collections::BTreeMap;

/// The longest name: PostgreSQL's identifiers have 63 bytes, and a connection's name travels in their place.
const MAX_CONNECTION_NAME: usize = 63;
/// The longest name of a principal, group or data class: an e-mail address fits.
const MAX_NAME: usize = 128;
/// The user name of the local administrator.
pub(crate) const LOCAL_ADMIN: &str = "admin";

/// What was read from files.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) set: ResourceSet,
    pub(crate) problems: Vec<ProblemInfo>,
    /// Where each resource names itself, for problems that are found later.
    places: BTreeMap<(Kind, String), (String, (u32, u32))>,
}

impl Parsed {
    /// Where a resource stands.
    pub(crate) fn place(&self, kind: Kind, name: &str) -> Option<&(String, (u32, u32))> {
        self.places.get(&(kind, name.to_owned()))
    }
}

/// Reads files as resources.
pub(crate) fn parse(files: &[SourceFile], protocols: &[ProtocolSpec]) -> Parsed {
    let mut parsed = Parsed::default();
    for file in files {
        if file.text.len() > MAX_FILE_BYTES {
            let message = format!("the file is longer than {MAX_FILE_BYTES} bytes; split it");
            parsed
                .problems
                .push(ProblemInfo::of_file(&file.name, message));
            continue;
        }
        if file.name.ends_with(".cedar") {
            let body = serde_json::Value::String(file.text.clone());
            add(
                &mut parsed,
                file,
                Kind::Policy,
                file.name.clone(),
                (1, 1),
                body,
            );
            continue;
        }
        let (nodes, problems) = documents(&file.name, &file.text);
        parsed.problems.extend(problems);
        for node in nodes {
            document(&mut parsed, file, node, protocols);
        }
    }
    parsed.problems.sort();
    parsed
}

fn add(
    parsed: &mut Parsed,
    file: &SourceFile,
    kind: Kind,
    name: String,
    place: (u32, u32),
    body: serde_json::Value,
) {
    // Names that differ only in case are one name to many a reader, and to some a target.
    let same = parsed
        .places
        .iter()
        .find(|((k, n), _)| *k == kind && n.eq_ignore_ascii_case(&name));
    if let Some((_, (other, (line, _)))) = same {
        let message = format!(
            "{kind} {name:?} is declared twice (names that differ only in case count as one): first in {other}:{line}"
        );
        parsed
            .problems
            .push(ProblemInfo::at(&file.name, place, message));
        return;
    }
    parsed
        .places
        .insert((kind, name.clone()), (file.name.clone(), place));
    parsed.set.0.insert(
        (kind, name),
        Resource {
            body,
            source: file.name.clone(),
        },
    );
}

fn document(parsed: &mut Parsed, file: &SourceFile, mut node: Node, protocols: &[ProtocolSpec]) {
    let place = node.place;
    let kinds = || Kind::DECLARED.map(Kind::as_str);
    let Some(kind_node) = node.take("kind") else {
        let message = format!(
            "the setting \"kind\" is missing, expected one of: {}",
            kinds().join(", ")
        );
        parsed
            .problems
            .push(ProblemInfo::at(&file.name, place, message));
        return;
    };
    let kind_text: String = match typed(&file.name, &kind_node) {
        Ok(text) => text,
        Err(problem) => return parsed.problems.push(problem),
    };
    let Some(kind) = Kind::DECLARED.into_iter().find(|k| k.as_str() == kind_text) else {
        let message = format!(
            "unknown kind {kind_text:?}, expected one of: {}",
            kinds().join(", ")
        );
        let help = did_you_mean(&kind_text, kinds());
        parsed
            .problems
            .push(ProblemInfo::at(&file.name, kind_node.place, message).with_help(help));
        return;
    };
    let checked = match kind {
        Kind::Connection => connection::connection(&file.name, &node, protocols),
        Kind::DataClass => data_class(&file.name, &node),
        Kind::IdentityProvider => provider::identity_provider(&file.name, &node),
        Kind::Notifier => notifier::notifier(&file.name, &node),
        Kind::TrustedIssuer => issuer::trusted_issuer(&file.name, &node),
        Kind::PolicyTest => policy_test::policy_test(&file.name, &node),
        Kind::User | Kind::Service | Kind::Agent | Kind::Policy => {
            principal(&file.name, &node, kind)
        }
    };
    match checked {
        Ok((name, body)) => add(parsed, file, kind, name, node.place_of(&["name"]), body),
        Err(problems) => parsed.problems.extend(problems),
    }
}

type Checked = Result<(String, serde_json::Value), Vec<ProblemInfo>>;

fn finish<T: serde::Serialize>(name: &str, value: &T, problems: Vec<ProblemInfo>) -> Checked {
    if !problems.is_empty() {
        return Err(problems);
    }
    let body = serde_json::to_value(value)
        .map_err(|_| vec![ProblemInfo::of_file(name, "this cannot be stored")])?;
    Ok((name.to_owned(), body))
}

/// Names that look alike must be alike, so only visible ASCII, and nothing that separates elsewhere.
fn name_problem(name: &str, max: usize, more: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    match name.chars().find(|c| !good(*c)) {
        Some(c) => Some(format!(
            "the name {name:?} holds {c:?}, expected ASCII letters, digits and any of {more:?}"
        )),
        None if !starts_well => Some(format!(
            "the name {name:?} has to begin with a letter or digit"
        )),
        None if name.len() > max => {
            Some(format!("the name {name:?} is longer than {max} characters"))
        }
        None => None,
    }
}

/// What is wrong with a name of a principal.
pub(crate) fn principal_name_problem(name: &str) -> Option<String> {
    name_problem(name, MAX_NAME, "-_.@+#")
}

/// What is wrong with a name of a group. Directories call many by words with spaces between them.
pub(crate) fn group_name_problem(name: &str) -> Option<String> {
    let spaced = name.ends_with(' ') || name.contains("  ");
    let spaced = || spaced.then(|| format!("the name {name:?} has spaces that nobody sees"));
    name_problem(name, MAX_NAME, "-_.@+:/ &()#").or_else(spaced)
}

/// Takes what is wrong: where, what, what was meant.
type Say<'a> = &'a mut dyn FnMut(&[&str], String, Option<String>);

fn data_class(file: &str, node: &Node) -> Checked {
    let class: DataClass = typed(file, node).map_err(|mut p| {
        if p.message.starts_with("data did not match") {
            p.message = "expected a glob such as \"*.ssn\" or {regex: ...}".to_owned();
        }
        vec![p]
    })?;
    let mut problems = Vec::new();
    if let Some(message) = name_problem(&class.name, MAX_NAME, "-_.") {
        problems.push(ProblemInfo::at(file, node.place_of(&["name"]), message));
    }
    if class.columns.is_empty() && class.fields.is_empty() && class.detectors.is_empty() {
        let message = "expected columns, fields or detectors; without any, the class finds nothing";
        problems.push(ProblemInfo::at(file, node.place, message));
    }
    let known = crate::resources::check::detector_names();
    for (i, detector) in class.detectors.iter().enumerate() {
        if known.contains(&detector.as_str()) {
            continue;
        }
        let message = format!(
            "unknown detector {detector:?}, expected one of: {}",
            known.join(", ")
        );
        let place = node.place_of(&["detectors", &i.to_string()]);
        let help = did_you_mean(detector, known.iter().copied());
        problems.push(ProblemInfo::at(file, place, message).with_help(help));
    }
    finish(&class.name, &class, problems)
}

fn principal(file: &str, node: &Node, kind: Kind) -> Checked {
    let mut declared: Declared = typed(file, node).map_err(|p| vec![p])?;
    let mut problems = Vec::new();
    let mut say = |path: &[&str], message: String| {
        problems.push(ProblemInfo::at(file, node.place_of(path), message));
    };
    if let Some(message) = principal_name_problem(&declared.name) {
        say(&["name"], message);
    }
    if kind == Kind::User && declared.name.eq_ignore_ascii_case(LOCAL_ADMIN) {
        say(
            &["name"],
            format!("the user {LOCAL_ADMIN:?} is built in; choose another name"),
        );
    }
    if kind != Kind::User && declared.provider.is_some() {
        let message = "only a user signs in through an identity provider";
        say(&["provider"], message.to_owned());
    }
    for group in &declared.groups {
        if let Some(message) = group_name_problem(group) {
            say(&["groups"], message);
        }
    }
    match (kind, declared.owner.take()) {
        (Kind::Agent | Kind::Service, Some(owner)) => {
            declared.owner = Some(owner.strip_prefix("user:").unwrap_or(&owner).to_owned());
        }
        (Kind::Agent, None) => say(
            &[],
            "the setting \"owner\" is missing: the user who answers for the agent".to_owned(),
        ),
        (_, Some(_)) => say(
            &["owner"],
            "only an agent or a service has an owner".to_owned(),
        ),
        (_, None) => {}
    }
    finish(&declared.name, &declared, problems)
}
