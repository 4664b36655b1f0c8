//! `sluice.yaml`: what the gateway's process is told at start.

use crate::api::types::ProblemInfo;
use crate::problems::{Problems, did_you_mean, reason};
use crate::yaml::{Node, documents, typed};
use serde::Deserialize;
use sluice_model::{ProtocolSpec, WayIn, WaysIn};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the HTTPS API listens when the file does not say.
const DEFAULT_HTTPS: &str = "127.0.0.1:8443";
/// How long live sessions go on without a store when the file does not say: long enough for a restart of a
/// disk or a network share, short enough that a switched-off user does not linger.
const DEFAULT_GRACE_SECONDS: u32 = 60;
/// The longest grace: an hour without knowing who is switched off is already too long.
const MAX_GRACE_SECONDS: u32 = 3_600;

/// The longest life of a token when the file does not say.
const DEFAULT_TOKEN_MAX_DAYS: u32 = 90;
/// The longest life that the file may allow: a token that nobody has looked at for more than a year is forgotten.
const LONGEST_TOKEN_MAX_DAYS: u32 = 366;

/// `sluice.yaml`, read and checked; every path is absolute or relative to the process.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// Holds the store, records, keys and certificates.
    pub data_dir: PathBuf,
    /// Where the gateway listens.
    pub listen: Listen,
    /// Listeners that lead to one connection each.
    pub listeners: Vec<ConnectionListener>,
    /// The directory of resources, applied at start and when a file in it changes.
    pub resources: Option<PathBuf>,
    /// A certificate of one's own instead of the gateway's authority.
    pub tls: Option<TlsFiles>,
    /// More names and addresses for the gateway's own server certificate.
    pub names: Vec<String>,
    /// How long live sessions go on when the store cannot be read.
    pub grace_seconds: u32,
    /// The longest life of a token, in seconds.
    pub token_max_seconds: u32,
    /// Where browsers and identity providers reach the HTTPS listener, without a trailing slash; worked out from
    /// `names` and the listener's address when the file does not say.
    pub public_url: String,
    /// Accept clients without TLS on listeners that are bound to a loopback address.
    pub allow_plaintext_on_loopback: bool,
}

/// Where the gateway listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The HTTPS API.
    pub https: SocketAddr,
    /// One listener per protocol, by its name in the protocol table.
    pub protocols: BTreeMap<String, SocketAddr>,
    /// The ways in that a listener allows, by its name, where the file says.
    ways_in: BTreeMap<String, WaysIn>,
}

impl Listen {
    /// The ways in that the HTTPS listener allows.
    #[must_use]
    pub fn https_ways(&self) -> WaysIn {
        let said = self.ways_in.get(HTTPS).copied();
        said.unwrap_or_else(|| WaysIn::of(&WayIn::ALL))
    }

    /// The ways in that a protocol's listener allows.
    #[must_use]
    pub fn protocol_ways(&self, protocol: &str) -> WaysIn {
        let said = self.ways_in.get(protocol).copied();
        said.unwrap_or_else(|| WaysIn::of(&[]))
    }
}

/// A listener for one connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionListener {
    /// The connection's name.
    pub connection: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The ways in that it allows.
    #[serde(default = "client_ways")]
    pub ways_in: Vec<WayIn>,
}

/// What a listener for one connection can be asked with that does not say. A protocol that browsers do not speak has no
/// use for the last.
fn client_ways() -> Vec<WayIn> {
    vec![WayIn::Token, WayIn::Workload, WayIn::Site]
}

/// The name of the listener for the API and browsers.
const HTTPS: &str = "https";

/// A listener as the file has it: its address, or that and the ways in.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WrittenListener {
    Address(String),
    Full(FullListener),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullListener {
    address: String,
    #[serde(default)]
    ways_in: Option<Vec<WayIn>>,
}

/// A certificate in files, read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The chain in PEM, the server's certificate first.
    pub cert_file: PathBuf,
    /// The private key in PEM.
    pub key_file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    data_dir: Option<PathBuf>,
    #[serde(default)]
    listen: BTreeMap<String, WrittenListener>,
    #[serde(default)]
    listeners: Vec<ConnectionListener>,
    #[serde(default)]
    resources: Option<PathBuf>,
    #[serde(default)]
    tls: Option<TlsFiles>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    grace_seconds: Option<u32>,
    #[serde(default)]
    token_max_days: Option<u32>,
    #[serde(default)]
    public_url: Option<String>,
    #[serde(default)]
    allow_plaintext_on_loopback: bool,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn load(file: &Path, protocols: &[ProtocolSpec]) -> Result<Self, Problems> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|e| {
            let message = format!("the configuration cannot be read: {}", reason(e.kind()));
            Problems(vec![ProblemInfo::of_file(&name, message)])
        })?;
        Self::parse(file, &text, protocols)
    }

    /// Checks a text as if it stood in `file`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(file: &Path, text: &str, protocols: &[ProtocolSpec]) -> Result<Self, Problems> {
        let name = file.display().to_string();
        let (nodes, mut problems) = documents(&name, text);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        if let Some(second) = nodes.get(1) {
            let message = "expected one document, got a second one here";
            problems.push(ProblemInfo::at(&name, second.place, message));
        }
        let empty = Node {
            place: (1, 1),
            value: crate::yaml::Value::Map(Vec::new()),
        };
        let node = nodes.first().unwrap_or(&empty);
        let written = typed::<Written>(&name, node).map_err(|p| Problems(vec![p]))?;
        let base = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let listen = listen(&name, node, &written, protocols, &mut problems);
        let grace = written.grace_seconds.unwrap_or(DEFAULT_GRACE_SECONDS);
        if grace > MAX_GRACE_SECONDS {
            let message = format!("expected at most {MAX_GRACE_SECONDS} seconds, got {grace}");
            problems.push(ProblemInfo::at(
                &name,
                node.place_of(&["grace_seconds"]),
                message,
            ));
        }
        let days = written.token_max_days.unwrap_or(DEFAULT_TOKEN_MAX_DAYS);
        if !(1..=LONGEST_TOKEN_MAX_DAYS).contains(&days) {
            let message = format!("expected 1 to {LONGEST_TOKEN_MAX_DAYS} days, got {days}");
            let place = node.place_of(&["token_max_days"]);
            problems.push(ProblemInfo::at(&name, place, message));
        }
        let public_url = match written.public_url {
            None => reached_at(&listen, &written.names),
            Some(url) => url,
        };
        if !is_an_origin(&public_url) {
            let message = format!("expected https://HOST or https://HOST:PORT, got {public_url:?}");
            let place = node.place_of(&["public_url"]);
            problems.push(ProblemInfo::at(&name, place, message));
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        Ok(Self {
            token_max_seconds: days * 86_400,
            public_url,
            file: file.to_path_buf(),
            data_dir: base.join(written.data_dir.unwrap_or_else(|| PathBuf::from("data"))),
            listen,
            listeners: written.listeners,
            resources: written.resources.map(|p| base.join(p)),
            tls: written.tls.map(|t| TlsFiles {
                cert_file: base.join(t.cert_file),
                key_file: base.join(t.key_file),
            }),
            names: written.names,
            grace_seconds: grace,
            allow_plaintext_on_loopback: written.allow_plaintext_on_loopback,
        })
    }
}

/// Where the HTTPS listener is reached, as far as the configuration tells.
fn reached_at(listen: &Listen, names: &[String]) -> String {
    let at = listen.https;
    match names.iter().find(|name| !name.starts_with("*.")) {
        Some(name) => format!("https://{name}:{}", at.port()),
        None if at.ip().is_unspecified() => format!("https://localhost:{}", at.port()),
        None => format!("https://{at}"),
    }
}

/// Whether a text is `https://host` or `https://host:port` and nothing more.
fn is_an_origin(url: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
    let rest = url.strip_prefix("https://");
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(good))
}

fn listen(
    file: &str,
    node: &Node,
    written: &Written,
    protocols: &[ProtocolSpec],
    problems: &mut Vec<ProblemInfo>,
) -> Listen {
    let mut found = BTreeMap::new();
    let mut ways_in = BTreeMap::new();
    for (name, listener) in &written.listen {
        let (address, ways) = match listener {
            WrittenListener::Address(address) => (address, None),
            WrittenListener::Full(full) => (&full.address, full.ways_in.as_deref()),
        };
        let place = node.place_of(&["listen", name]);
        let protocol = protocols.iter().find(|p| p.name == name);
        if name != HTTPS && protocol.is_none() {
            let known = || protocols.iter().map(|p| p.name).chain([HTTPS]);
            let names: Vec<&str> = known().collect();
            let message = format!(
                "unknown listener {name:?}, expected one of: {}",
                names.join(", ")
            );
            let help = did_you_mean(name, known());
            problems.push(ProblemInfo::at(file, place, message).with_help(help));
            continue;
        }
        match address.parse::<SocketAddr>() {
            Ok(address) => {
                found.insert(name.clone(), address);
                let ways = ways.or(protocol.map(|p| p.ways_in));
                ways_in.extend(ways.map(|ways| (name.clone(), WaysIn::of(ways))));
            }
            Err(_) => {
                let message = format!(
                    "expected an IP address and a port such as 127.0.0.1:8443, got {address:?}"
                );
                problems.push(ProblemInfo::at(file, place, message));
            }
        }
    }
    let default = || {
        DEFAULT_HTTPS
            .parse()
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8443)))
    };
    Listen {
        https: found.remove(HTTPS).unwrap_or_else(default),
        protocols: found,
        ways_in,
    }
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

    fn check(text: &str, expected: &str) {
        let got = match Config::parse(Path::new("/etc/s/sluice.yaml"), text, PROTOCOLS) {
            Ok(_) => String::new(),
            Err(p) => p.to_string(),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        check("", "");
        check(
            "data_dir: ./d\nlisten: {demo: '127.0.0.1:1', https: '[::1]:2'}\nresources: r",
            "",
        );
        check(
            "data_dri: x",
            "/etc/s/sluice.yaml:1:1: unknown setting \"data_dri\", expected one of: data_dir, listen, listeners, resources, tls, names, grace_seconds, token_max_days, public_url, allow_plaintext_on_loopback (did you mean \"data_dir\"?)",
        );
        check(
            "listen:\n  demmo: 127.0.0.1:1\n  https: localhost",
            "/etc/s/sluice.yaml:2:10: unknown listener \"demmo\", expected one of: demo, https (did you mean \"demo\"?)\n/etc/s/sluice.yaml:3:10: expected an IP address and a port such as 127.0.0.1:8443, got \"localhost\"",
        );
        check(
            "grace_seconds: 99999",
            "/etc/s/sluice.yaml:1:16: expected at most 3600 seconds, got 99999",
        );
    }

    #[test]
    fn paths_are_relative_to_the_file_and_defaults_hold() {
        let file = Path::new("/etc/s/sluice.yaml");
        let config = Config::parse(file, "resources: ./r\n", PROTOCOLS).unwrap();
        assert_eq!(config.data_dir, Path::new("/etc/s/data"));
        assert_eq!(config.resources.as_deref(), Some(Path::new("/etc/s/./r")));
        assert_eq!(config.listen.https.to_string(), DEFAULT_HTTPS);
        assert_eq!(config.grace_seconds, DEFAULT_GRACE_SECONDS);
    }
}
