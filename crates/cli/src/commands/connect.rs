//! `sluice connections` and `sluice connect`: what can be reached, and how.

use crate::client::Client;
use crate::context::{Context, Gateway};
use crate::duration::Length;
use crate::failure::Failure;
use crate::output::{Output, inert, names};
use clap::Args;
use serde::Serialize;
use sluice_control::api::types::{
    ConnectionInfo, ConnectionList, CreateToken, CreatedToken, WhoAmI,
};
use sluice_model::{PrincipalId, Secret};
use sluice_protocol::CLIENTS;
use sluice_protocol::client::{ClientSetting, ClientSpec};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// How alike two names must be for one to be offered in place of the other: a swapped, missing or doubled
/// letter is, another word is not.
const ALIKE: f64 = 0.75;

/// `sluice connections`.
#[derive(Debug, Args)]
pub struct Connections {}

impl Connections {
    /// Lists them.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let list: ConnectionList = context.gateway()?.client()?.get("/v1/connections").await?;
        let out = context.out;
        out.show(&list, |list| render_connections(out, list))
    }
}

fn render_connections(out: Output, list: &ConnectionList) -> String {
    let row = |info: &ConnectionInfo| {
        let labels: Vec<String> = info
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        vec![
            inert(&info.name).into_owned(),
            info.protocol.clone(),
            inert(&info.environment).into_owned(),
            names(&info.accounts),
            names(&labels),
        ]
    };
    let rows = list.connections.iter().map(row).collect();
    let header = ["NAME", "PROTOCOL", "ENVIRONMENT", "ACCOUNTS", "LABELS"];
    out.table(
        &header,
        rows,
        "no connections; add `kind: Connection` resources",
    )
}

/// `sluice connect shop [-- CLIENT ...]`.
#[derive(Debug, Args)]
pub struct Connect {
    /// The connection, or CONNECTION/DATABASE
    connection: String,
    /// The account of the target; the default one when left out
    #[arg(long)]
    account: Option<String>,
    /// Run the client as somebody else (administrators only)
    #[arg(long = "as", value_name = "PRINCIPAL", requires = "command")]
    principal: Option<PrincipalId>,
    /// How long the token lives that is made for the client
    #[arg(long, value_name = "LENGTH", default_value = "8h")]
    ttl: Length,
    /// A client to run with everything set, such as `-- psql -c "select 1"`
    #[arg(last = true, value_name = "CLIENT")]
    command: Vec<String>,
}

impl Connect {
    /// Prints the settings, or becomes the client.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let gateway = context.gateway()?;
        let client = gateway.client()?;
        let list: ConnectionList = client.get("/v1/connections").await?;
        let way = Way::find(&list, &gateway, &self.connection, self.account.as_deref())?;
        let Some((program, arguments)) = self.command.split_first() else {
            return context
                .out
                .show(&way.described(), |_| way.exports(&self.connection));
        };
        let token = match (&gateway.own_token, self.principal) {
            (Some(token), None) => token.clone(),
            (_, principal) => mint(&client, principal, self.ttl).await?,
        };
        let error = Command::new(program)
            .args(arguments)
            .envs(way.environment(Some(&token)))
            .exec();
        Err(cannot_run(program, &error))
    }
}

fn cannot_run(program: &str, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("cannot run {program}: {error}"));
    if error.kind() == io::ErrorKind::NotFound {
        return failure.hint("install the client, or give its whole path");
    }
    failure
}

/// A short token for the caller, or for whom the administrator names.
async fn mint(
    client: &Client,
    principal: Option<PrincipalId>,
    ttl: Length,
) -> Result<Secret, Failure> {
    let principal = match principal {
        Some(principal) => principal,
        None => client.get::<WhoAmI>("/v1/whoami").await?.principal,
    };
    let request = CreateToken {
        principal,
        ttl_seconds: ttl.0,
        name: Some("sluice connect".to_owned()),
        networks: Vec::new(),
        agent: None,
    };
    let created: CreatedToken = client.post("/v1/tokens", &request).await?;
    Ok(Secret::new(created.secret))
}

/// How a client reaches a connection.
#[derive(Debug)]
struct Way {
    client: &'static ClientSpec,
    host: String,
    port: String,
    /// The connection, or `connection/database`.
    connection: String,
    /// What stands before paths, for clients that ask by path.
    prefix: String,
    account: String,
    authority: Option<String>,
}

/// A way as JSON; the token is never in it.
#[derive(Debug, Serialize)]
struct Described {
    program: &'static str,
    environment: BTreeMap<&'static str, String>,
}

impl Way {
    fn find(
        list: &ConnectionList,
        gateway: &Gateway,
        wanted: &str,
        account: Option<&str>,
    ) -> Result<Self, Failure> {
        let name = wanted.split_once('/').map_or(wanted, |(name, _)| name);
        let info = list
            .connections
            .iter()
            .find(|info| info.name == name)
            .ok_or_else(|| {
                unknown(
                    "connection",
                    name,
                    list.connections.iter().map(|info| info.name.as_str()),
                )
            })?;
        let client = CLIENTS
            .iter()
            .find(|client| client.protocol == info.protocol)
            .ok_or_else(|| {
                Failure::failed(format!(
                    "this command knows no client for {}",
                    info.protocol
                ))
            })?;
        let listen =
            info.listen
                .as_ref()
                .or_else(|| list.listen.get(&info.protocol))
                .ok_or_else(|| {
                    Failure::failed(format!("the gateway does not listen for {}", info.protocol))
                        .hint(format!(
                            "add `{}: ADDRESS:PORT` to `listen` in its configuration",
                            info.protocol
                        ))
                })?;
        let (host, port) = address(listen, &gateway.url);
        let account = match account {
            Some(wanted) if !info.accounts.iter().any(|known| known == wanted) => {
                return Err(unknown(
                    "account",
                    wanted,
                    info.accounts.iter().map(String::as_str),
                ));
            }
            Some(wanted) => wanted.to_owned(),
            None => info.accounts.first().cloned().unwrap_or_default(),
        };
        Ok(Self {
            client,
            host,
            port,
            connection: wanted.to_owned(),
            // A listener of its own leads to the one connection, so that no path has to name it.
            prefix: match info.listen {
                Some(_) => String::new(),
                None => format!("/c/{}", crate::client::segment(name)),
            },
            account,
            authority: authority(gateway, list.ca_pem.as_deref(), client)?,
        })
    }

    /// The variables to set; a token only where one is given.
    fn environment(&self, token: Option<&Secret>) -> BTreeMap<&'static str, String> {
        let value = |setting: ClientSetting| match setting {
            ClientSetting::Host => Some(self.host.clone()),
            ClientSetting::Port => Some(self.port.clone()),
            ClientSetting::Connection => Some(self.connection.clone()),
            ClientSetting::Account => Some(self.account.clone()),
            ClientSetting::Authority => self.authority.clone(),
            ClientSetting::Url => Some(self.url()),
            ClientSetting::Fixed(text) => Some(text.to_owned()),
            ClientSetting::Token => token.map(|token| token.expose().to_owned()),
        };
        let set = |(name, setting): &(&'static str, ClientSetting)| Some((*name, value(*setting)?));
        self.client.environment.iter().filter_map(set).collect()
    }

    /// The address of the connection for clients that ask by path.
    fn url(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        format!("https://{host}:{}{}", self.port, self.prefix)
    }

    fn described(&self) -> Described {
        Described {
            program: self.client.program,
            environment: self.environment(None),
        }
    }

    /// Lines that a shell can evaluate.
    fn exports(&self, connection: &str) -> String {
        let ClientSpec {
            program,
            environment,
            ..
        } = self.client;
        let secret = environment
            .iter()
            .find(|(_, setting)| matches!(setting, ClientSetting::Token));
        let secret = secret.map_or("the password", |(name, _)| name);
        let mut text = format!(
            "# What {program} and its like are told; {secret} is your token, from `sluice token create`.\n\
             # In one go: sluice connect {} -- {program}\n",
            shell_word(connection)
        );
        for (name, value) in self.environment(None) {
            let _ = writeln!(text, "export {name}={}", shell_word(&value));
        }
        text
    }
}

/// Host and port of a listener as the caller reaches it: one on all addresses has the API's host.
fn address(listen: &str, url: &str) -> (String, String) {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let everywhere = [
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ]
    .map(|ip| ip.to_string());
    if !everywhere.iter().any(|all| all == host) {
        return (host.to_owned(), port.to_owned());
    }
    let api = url.strip_prefix("https://").unwrap_or(url);
    let api = match api.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => api.split_once(':').map_or(api, |(host, _)| host),
    };
    (api.to_owned(), port.to_owned())
}

/// A file with the authority to trust: the one that the API is trusted by, or the gateway's own as it
/// says itself over a connection that the system trusts.
fn authority(
    gateway: &Gateway,
    ca_pem: Option<&str>,
    client: &ClientSpec,
) -> Result<Option<String>, Failure> {
    let path = match (&gateway.ca_file, ca_pem) {
        (Some(path), _) => path.clone(),
        (None, Some(pem)) => keep_authority(pem)?,
        (None, None) => return Ok(client.system_authority.map(systems_own)),
    };
    let absolute = std::path::absolute(&path)
        .map_err(|error| Failure::failed(format!("cannot use {}: {error}", path.display())))?;
    Ok(Some(absolute.display().to_string()))
}

/// Where systems have the authorities that they trust in one file.
const SYSTEMS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The system's authorities as every client reads them, a file; by their `name` only where there is none, because
/// libpq before version 16 takes that for a file as well.
fn systems_own(name: &str) -> String {
    let told = std::env::var("SSL_CERT_FILE").ok();
    let mut files = told.as_deref().into_iter().chain(SYSTEMS.iter().copied());
    let file = files.find(|file| std::path::Path::new(file).is_file());
    file.unwrap_or(name).to_owned()
}

/// Writes the authority to the user's cache directory, where clients can read it.
fn keep_authority(pem: &str) -> Result<PathBuf, Failure> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let directory = cache
        .ok_or_else(|| {
            Failure::usage("no place for the gateway's authority").hint("set HOME or SLUICE_CA")
        })?
        .join("sluice");
    let path = directory.join("ca.pem");
    std::fs::create_dir_all(&directory)
        .and_then(|()| std::fs::write(&path, pem))
        .map_err(|error| {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
                .hint("set SLUICE_CA")
        })?;
    Ok(path)
}

fn unknown<'a>(what: &str, wanted: &str, known: impl Iterator<Item = &'a str> + Clone) -> Failure {
    let close = known
        .clone()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let failure = Failure::failed(format!("there is no {what} {wanted:?} that you may use"));
    match close {
        Some((_, name)) => failure.hint(format!("did you mean {name:?}?")),
        None => failure.hint(format!("known: {}", known.collect::<Vec<_>>().join(", "))),
    }
}

/// A word as a POSIX shell reads it back.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, Decision};

    fn gateway(ca_file: Option<&str>) -> Gateway {
        Gateway {
            url: "https://gw.example.com:8443".into(),
            ca_file: ca_file.map(PathBuf::from),
            own_token: None,
            config: None,
        }
    }

    fn list(listen: &str) -> ConnectionList {
        let protocol = CLIENTS[0].protocol.to_owned();
        ConnectionList {
            connections: vec![ConnectionInfo {
                name: "shop".into(),
                protocol: protocol.clone(),
                environment: "prod".into(),
                labels: BTreeMap::new(),
                accounts: vec!["app".into(), "owner".into()],
                listen: None,
                host: None,
                database: None,
                health: None,
                connect: Decision::Allow(Allowed::default()),
            }],
            listen: BTreeMap::from([(protocol, listen.to_owned())]),
            ca_pem: None,
        }
    }

    #[test]
    fn a_listener_is_reached_where_it_is_or_beside_the_api() {
        for (listen, url, host, port) in [
            (
                "127.0.0.1:6432",
                "https://gw.example.com:8443",
                "127.0.0.1",
                "6432",
            ),
            (
                "0.0.0.0:6432",
                "https://gw.example.com:8443",
                "gw.example.com",
                "6432",
            ),
            ("[::]:6432", "https://[fd00::1]:8443", "fd00::1", "6432"),
            ("[::1]:6432", "https://localhost", "::1", "6432"),
            ("0.0.0.0:6432", "https://localhost", "localhost", "6432"),
        ] {
            assert_eq!(
                address(listen, url),
                (host.to_owned(), port.to_owned()),
                "{listen} {url}"
            );
        }
    }

    #[test]
    fn the_settings_name_everything_but_the_token() {
        let way = Way::find(
            &list("0.0.0.0:6432"),
            &gateway(Some("/etc/ca.pem")),
            "shop/other",
            None,
        )
        .unwrap();
        let shown = way.exports("shop/other");
        for value in ["gw.example.com", "6432", "shop/other", "app", "/etc/ca.pem"] {
            assert!(shown.contains(value), "{value} in {shown}");
        }
        let secret = Secret::new("sluice_x".into());
        assert!(!shown.contains("sluice_x"));
        assert!(
            way.environment(Some(&secret))
                .values()
                .any(|value| value == "sluice_x")
        );
        let set = way.environment(Some(&secret)).len();
        assert_eq!(set, way.environment(None).len() + 1);
    }

    #[test]
    fn a_path_names_the_connection_only_where_a_listener_leads_to_several() {
        let url = |listen: Option<&str>| {
            let mut list = list("0.0.0.0:6432");
            list.connections[0].listen = listen.map(str::to_owned);
            let gateway = gateway(Some("/etc/ca.pem"));
            Way::find(&list, &gateway, "shop/other", None)
                .unwrap()
                .url()
        };
        assert_eq!(url(None), "https://gw.example.com:6432/c/shop");
        assert_eq!(url(Some("0.0.0.0:7000")), "https://gw.example.com:7000");
    }

    #[test]
    fn without_an_authority_of_its_own_the_systems_is_told_where_a_client_has_to_be_told() {
        for client in CLIENTS {
            let told = authority(&gateway(None), None, client).unwrap();
            assert_eq!(told.is_some(), client.system_authority.is_some());
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_was_meant() {
        for (connection, account, hint) in [
            ("shpo", None, "did you mean \"shop\"?"),
            ("warehouse", None, "known: shop"),
            ("shop", Some("onwer"), "did you mean \"owner\"?"),
        ] {
            let failure =
                Way::find(&list("127.0.0.1:1"), &gateway(None), connection, account).unwrap_err();
            assert_eq!(
                failure.body.and_then(|body| body.hint).as_deref(),
                Some(hint)
            );
        }
    }

    #[test]
    fn shell_words_read_back() {
        for (text, expected) in [
            ("shop/x", "shop/x"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's $HOME", "'it'\\''s $HOME'"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }
}
