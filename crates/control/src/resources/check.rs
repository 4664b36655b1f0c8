//! Checking a directory of resources as a whole, also without a server.

use super::parse::{Parsed, parse};
use super::set::{Kind, ResourceSet};
use crate::api::types::{ProblemInfo, SourceFile};
use crate::problems::{did_you_mean, reason};
use sluice_model::{PrincipalKind, ProtocolSpec, Secret};
use sluice_policy::{Snapshot, SnapshotInput, Standing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The most files that are read: enough for a file per connection in a large company.
const MAX_FILES: usize = 10_000;
/// How deep directories may be nested.
const MAX_DEPTH: usize = 8;
/// The most bytes of all files together.
const MAX_TOTAL_BYTES: u64 = 64 << 20;

/// Everything that is wrong with a directory of resources, without a server.
#[must_use]
pub fn check(dir: &Path, protocols: &'static [ProtocolSpec]) -> Vec<ProblemInfo> {
    match read_directory(dir) {
        Ok(files) => problems_of(&parse(&files, protocols), protocols),
        Err(problem) => vec![problem],
    }
}

/// Reads all `*.yaml`, `*.yml` and `*.cedar` files of a directory and the directories in it, sorted by path.
///
/// # Errors
/// The first file or directory that cannot be read, or too many of them.
pub fn read_directory(dir: &Path) -> Result<Vec<SourceFile>, ProblemInfo> {
    let mut files = Vec::new();
    let mut bytes = 0;
    walk(dir, dir, 0, &mut files, &mut bytes)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn walk(
    root: &Path,
    dir: &Path,
    depth: usize,
    files: &mut Vec<SourceFile>,
    bytes: &mut u64,
) -> Result<(), ProblemInfo> {
    let cannot = |path: &Path, e: std::io::Error| {
        ProblemInfo::of_file(
            &path.display().to_string(),
            format!("this cannot be read: {}", reason(e.kind())),
        )
    };
    for entry in std::fs::read_dir(dir).map_err(|e| cannot(dir, e))? {
        let path = entry.map_err(|e| cannot(dir, e))?.path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if name.is_empty() || name.starts_with('.') {
            continue;
        }
        let meta = std::fs::metadata(&path).map_err(|e| cannot(&path, e))?;
        if meta.is_dir() {
            if depth < MAX_DEPTH {
                walk(root, &path, depth + 1, files, bytes)?;
            }
            continue;
        }
        let known = ["yaml", "yml", "cedar"];
        if !path
            .extension()
            .is_some_and(|e| known.iter().any(|k| e == *k))
        {
            continue;
        }
        *bytes = bytes.saturating_add(meta.len());
        if files.len() >= MAX_FILES || *bytes > MAX_TOTAL_BYTES {
            let message =
                format!("expected at most {MAX_FILES} files of {MAX_TOTAL_BYTES} bytes together");
            return Err(ProblemInfo::of_file(&root.display().to_string(), message));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| cannot(&path, e))?;
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        files.push(SourceFile { name, text });
    }
    Ok(())
}

/// Everything that is wrong with what was read, also between resources.
fn problems_of(parsed: &Parsed, protocols: &'static [ProtocolSpec]) -> Vec<ProblemInfo> {
    let mut problems = parsed.problems.clone();
    problems.extend(
        unknown_names(&parsed.set)
            .into_iter()
            .map(|(kind, name, message, help)| {
                let place = parsed.place(kind, &name);
                let (file, at) = place.map_or(("", (0, 0)), |(file, at)| (file.as_str(), *at));
                ProblemInfo::at(file, at, message).with_help(help)
            }),
    );
    let key = Secret::new(String::from("only for checking, masks nothing"));
    problems.extend(
        build(0, &parsed.set, protocols, key, Standing::default())
            .err()
            .unwrap_or_default(),
    );
    for problem in &mut problems {
        if problem.file.is_empty() {
            problem.file = "resources".to_owned();
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

/// Builds the snapshot of a set.
pub(crate) fn build(
    version: u64,
    set: &ResourceSet,
    protocols: &'static [ProtocolSpec],
    hash_key: Secret,
    standing: Standing,
) -> Result<Snapshot, Vec<ProblemInfo>> {
    let input = SnapshotInput {
        protocols,
        policies: set.policies(),
        connections: set.connections(),
        data_classes: set.data_classes(),
        trusted_issuers: set.trusted_issuers(),
        hash_key,
    };
    Snapshot::build(version, input, standing)
        .map_err(|problems| problems.into_iter().map(ProblemInfo::from).collect())
}

/// The same as problems, for a set that has no places any more.
pub(crate) fn name_problems(set: &ResourceSet) -> Vec<ProblemInfo> {
    let found = unknown_names(set).into_iter();
    found
        .map(|(_, _, message, help)| ProblemInfo::of_file("resources", message).with_help(help))
        .collect()
}

/// A resource that names another one that is not declared: which, what is wrong, what was meant.
type UnknownName = (Kind, String, String, Option<String>);

/// Every name of a resource that leads nowhere.
fn unknown_names(set: &ResourceSet) -> Vec<UnknownName> {
    let agents = owners(set).into_iter();
    let mut found: Vec<UnknownName> = agents
        .map(|(agent, message, help)| (Kind::Agent, agent, message, help))
        .collect();
    let principals = set.principals();
    let services = || {
        let of_kind = principals
            .keys()
            .filter(|p| p.kind == PrincipalKind::Service);
        of_kind.map(|p| p.name.as_str())
    };
    for issuer in set.declared_issuers() {
        for (at, rule) in issuer.rules.iter().enumerate() {
            if services().any(|name| name == rule.service) {
                continue;
            }
            let message = format!(
                "the service of rule {} of trusted issuer {:?} is not declared: {:?}",
                at + 1,
                issuer.name,
                rule.service
            );
            let help = did_you_mean(&rule.service, services());
            found.push((Kind::TrustedIssuer, issuer.name.clone(), message, help));
        }
    }
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for provider in set.identity_providers() {
        let Some(scim) = provider.scim else { continue };
        let of = format!("identity provider {:?}", provider.name);
        let mut say = |message: String, help| {
            found.push((Kind::IdentityProvider, provider.name.clone(), message, help));
        };
        if !services().any(|name| name == scim.service) {
            let message = format!(
                "the service that {of} provisions with is not declared: {:?}",
                scim.service
            );
            say(message, did_you_mean(&scim.service, services()));
        } else if let Some(other) = taken.get(&scim.service) {
            let message = format!(
                "{of} provisions with service {:?}, as {other:?} does; each needs its own",
                scim.service
            );
            say(message, None);
        }
        taken.insert(scim.service, provider.name.clone());
    }
    found.extend(names_in_notifiers(set));
    found
}

/// Connections and notifiers that a notifier names and that are not declared: it would be silent about them for ever.
fn names_in_notifiers(set: &ResourceSet) -> Vec<UnknownName> {
    let connections = set.connections();
    let connections: BTreeSet<&str> = connections.iter().map(|c| c.name.as_str()).collect();
    let notifiers = set.notifiers();
    let names: BTreeSet<&str> = notifiers.iter().map(|n| n.name.as_str()).collect();
    let mut found = Vec::new();
    for notifier in &notifiers {
        let mut say = |what: &str, name: &str, known: &BTreeSet<&str>| {
            if known.contains(name) {
                return;
            }
            let message = format!(
                "the {what} of notifier {:?} is not declared: {name:?}",
                notifier.name
            );
            let help = did_you_mean(name, known.iter().copied());
            found.push((Kind::Notifier, notifier.name.clone(), message, help));
        };
        for name in &notifier.only.connections {
            say("connection", name, &connections);
        }
        if let Some(escalate) = &notifier.escalate {
            say("escalation", &escalate.to, &names);
        }
    }
    found
}

/// Agents whose owner is not declared: (agent, what is wrong, what was meant). A service's owner may be somebody who
/// is known from an identity provider.
fn owners(set: &ResourceSet) -> Vec<(String, String, Option<String>)> {
    let principals = set.principals();
    let users: Vec<&str> = principals
        .keys()
        .filter(|p| p.kind == PrincipalKind::User)
        .map(|p| p.name.as_str())
        .collect();
    let mut found = Vec::new();
    for (id, principal) in &principals {
        if let Some(owner) = &principal.owner
            && id.kind == PrincipalKind::Agent
            && !users.contains(&owner.name.as_str())
        {
            let message = format!(
                "the owner of agent {:?} is not declared: {:?}",
                id.name, owner.name
            );
            found.push((
                id.name.clone(),
                message,
                did_you_mean(&owner.name, users.iter().copied()),
            ));
        }
    }
    found
}

/// The names that `detectors:` may hold.
pub(crate) fn detector_names() -> Vec<&'static str> {
    let own = sluice_policy::mask::DETECTORS.iter().map(|d| d.name);
    own.chain([sluice_policy::mask::API_KEY_GROUP]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOLS: &[ProtocolSpec] = &[ProtocolSpec {
        name: "demo",
        default_port: 1,
        settings: &[],
        has_databases: true,
        needs_username: true,
        ways_in: &[],
        fact_namespace: "demo",
        facts: &[],
        actions: &[],
        doc: "",
    }];

    const GOOD: &str = "kind: Connection\nname: shop\nprotocol: demo\nenvironment: prod\ntime_zone: Europe/Berlin\ntarget: {address: 'h:1'}\naccounts:\n  - {name: app, default: true, username: u}\n";

    fn check_text(text: &str, expected: &[&str]) {
        let file = SourceFile {
            name: "f.yaml".into(),
            text: text.into(),
        };
        let parsed = parse(&[file], PROTOCOLS);
        let got: Vec<String> = problems_of(&parsed, PROTOCOLS)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(got.len(), expected.len(), "{text}\n{got:#?}");
        for (got, expected) in got.iter().zip(expected) {
            assert!(
                got.starts_with(expected),
                "{text}\n{got}\nexpected {expected}"
            );
        }
    }

    #[test]
    fn each_mistake_is_named_at_its_place() {
        check_text(GOOD, &[]);
        check_text(
            &format!("{GOOD}---\nkind: User\nname: ada\ngroups: [a]\n"),
            &[],
        );
        check_text("name: x", &["f.yaml:1:1: the setting \"kind\" is missing"]);
        check_text(
            "kind: Conection\nname: x",
            &[
                "f.yaml:1:7: unknown kind \"Conection\", expected one of: Connection, DataClass, User, Service, Agent, TrustedIssuer, IdentityProvider, Notifier, PolicyTest (did you mean \"Connection\"?)",
            ],
        );
        check_text(
            &GOOD.replace("demo", "dem"),
            &[
                "f.yaml:3:11: unknown protocol \"dem\", expected one of: demo (did you mean \"demo\"?)",
            ],
        );
        check_text(
            &GOOD.replace("Europe/Berlin", "Europe/Berln"),
            &[
                "f.yaml:5:12: unknown time zone \"Europe/Berln\", expected an IANA name such as \"Europe/Berlin\" (did you mean \"Europe/Berlin\"?)",
            ],
        );
        let two = GOOD.replace(
            "username: u}",
            "username: u}\n  - {name: app, default: true, username: u}",
        );
        check_text(
            &two,
            &[
                "f.yaml:9:12: the account \"app\" stands here twice",
                "f.yaml:9:26: expected one default account",
            ],
        );
        check_text(
            &format!("{GOOD}---\n{GOOD}").replacen("shop", "Shop", 1),
            &["f.yaml:11:7: Connection \"shop\" is declared twice"],
        );
        check_text(
            "kind: DataClass\nname: ssn\ndetectors: [us_sn]",
            &["f.yaml:3:13: unknown detector \"us_sn\""],
        );
        check_text(
            "kind: DataClass\nname: ssn",
            &["f.yaml:1:1: expected columns, fields or detectors"],
        );
        check_text("kind: User\nname: b\u{f6}b", &["f.yaml:2:7: the name"]);
        check_text(
            "kind: User\nname: Admin",
            &["f.yaml:2:7: the user \"admin\" is built in"],
        );
        check_text(
            "kind: Agent\nname: bot",
            &["f.yaml:1:1: the setting \"owner\" is missing"],
        );
        let trust = "kind: Service\nname: job\n---\nkind: TrustedIssuer\nname: ci\npreset: github-actions\naudiences: [a]\nrules: [{when: 'ref == \"main\"', service: job}]\n";
        check_text(trust, &[]);
        for (from, to, expected) in [
            (
                "service: job}",
                "service: jbo}",
                "f.yaml:5:7: the service of rule 1 of trusted issuer \"ci\" is not declared: \"jbo\" (did you mean \"job\"?)",
            ),
            (
                "github-actions",
                "github",
                "f.yaml:4:1: the setting \"issuer\" is missing",
            ),
            (
                "preset: github-actions",
                "issuer: http://ci.example",
                "f.yaml:6:9: \"http://ci.example\" is not an address that is asked",
            ),
            (
                "audiences: [a]",
                "audiences: []",
                "f.yaml:7:12: expected at least one audience",
            ),
            (
                "service: job}",
                "service: job, groups: [admins]}",
                "f.yaml:8:",
            ),
            (
                "ref ==",
                "ref =",
                "resources: the condition of rule 1 of trusted issuer \"ci\" cannot be read: at character 5",
            ),
        ] {
            let wrong = trust.replace(from, to);
            let file = SourceFile {
                name: "f.yaml".into(),
                text: wrong.clone(),
            };
            let parsed = parse(&[file], PROTOCOLS);
            let got = problems_of(&parsed, PROTOCOLS);
            let found = got.iter().any(|p| p.to_string().starts_with(expected));
            assert!(found, "{wrong}\n{got:#?}");
        }
        let scim = "kind: Service\nname: sync\n---\nkind: IdentityProvider\nname: corp\noidc: {issuer: 'https://a', client_id: c}\nscim: {service: sync}\n";
        check_text(scim, &[]);
        check_text(
            &scim.replace("service: sync", "service: synk"),
            &[
                "f.yaml:5:7: the service that identity provider \"corp\" provisions with is not declared: \"synk\" (did you mean \"sync\"?)",
            ],
        );
        let (_, second) = scim.split_once("---\n").unwrap();
        check_text(
            &format!("{scim}---\n{}", second.replace("corp", "more")),
            &[
                "f.yaml:10:7: identity provider \"more\" provisions with service \"sync\", as \"corp\" does; each needs its own",
            ],
        );
        check_text(
            &scim.replace("client_id: c", "client_id: c, parameters: {state: x}"),
            &["f.yaml:6:"],
        );
        for (name, good) in [
            ("Sales & Co (EU) #1", true),
            ("Sales ", false),
            ("Sales  Co", false),
            (" Sales", false),
            ("Sales, Co", false),
            ("Sales\u{a0}Co", false),
        ] {
            assert_eq!(
                crate::resources::group_name_problem(name).is_none(),
                good,
                "{name}"
            );
        }
        check_text(
            "kind: User\nname: ada\n---\nkind: Agent\nname: bot\nowner: adda",
            &[
                "f.yaml:5:7: the owner of agent \"bot\" is not declared: \"adda\" (did you mean \"ada\"?)",
            ],
        );
    }

    #[test]
    fn all_problems_of_all_files_are_reported() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), "kind: User\nnme: x").unwrap();
        std::fs::create_dir(dir.path().join("more")).unwrap();
        std::fs::write(dir.path().join("more/b.yml"), "kind: Usr\nname: x").unwrap();
        std::fs::write(dir.path().join(".hidden.yaml"), "nonsense").unwrap();
        std::fs::write(dir.path().join("notes.txt"), "nonsense").unwrap();
        let problems = check(dir.path(), PROTOCOLS);
        let files: Vec<&str> = problems.iter().map(|p| p.file.as_str()).collect();
        assert_eq!(files, ["a.yaml", "more/b.yml"]);
    }
}
