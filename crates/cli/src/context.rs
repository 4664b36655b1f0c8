//! Which gateway a command talks to, and as whom.

use crate::args::Global;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;
use crate::stored;
use sluice_control::{Config, LOCAL_ADMIN_FILE};
use sluice_model::Secret;
use sluice_protocol::PROTOCOLS;
use std::env;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The configuration that is used when none is named and it exists.
const DEFAULT_CONFIG: &str = "sluice.yaml";

/// In the data directory: the certificate of the gateway's own authority.
const AUTHORITY_FILE: &str = "ca.pem";

/// What a command is given.
#[derive(Debug)]
pub struct Context {
    /// How it prints.
    pub out: Output,
    config: Option<PathBuf>,
}

/// A gateway that can be asked, as somebody.
#[derive(Debug)]
pub struct Gateway {
    /// `https://host:port`.
    pub url: String,
    /// The authority to trust; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// The token of `SLUICE_TOKEN`; absent when acting with the local admin credential, or as nobody.
    pub own_token: Option<Secret>,
    /// The configuration, on the gateway's own host.
    pub config: Option<Config>,
}

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

impl Context {
    /// What the global options say.
    #[must_use]
    pub fn new(global: Global) -> Self {
        Self {
            out: Output::new(global.json),
            config: global.config,
        }
    }

    /// The configuration file that applies: the one named, or the default one where it exists and
    /// `SLUICE_URL` names no other gateway.
    #[must_use]
    pub fn config_path(&self) -> Option<PathBuf> {
        if self.config.is_some() {
            return self.config.clone();
        }
        let default = Path::new(DEFAULT_CONFIG);
        (variable("SLUICE_URL").is_none() && default.is_file()).then(|| default.to_owned())
    }

    /// The configuration file of the gateway that this process becomes.
    #[must_use]
    pub fn own_config_path(&self) -> PathBuf {
        self.config
            .clone()
            .unwrap_or_else(|| PathBuf::from(DEFAULT_CONFIG))
    }

    /// The gateway that the command is for.
    ///
    /// # Errors
    /// When none is named, or its configuration cannot be read.
    pub fn gateway(&self) -> Result<Gateway, Failure> {
        let own_token = variable("SLUICE_TOKEN").map(|text| Secret::new(text.trim().to_owned()));
        let ca_file = variable("SLUICE_CA").map(PathBuf::from);
        if let Some(path) = self.config_path() {
            let config = load(&path)?;
            return Ok(Gateway {
                url: format!("https://{}", reachable(config.listen.https)),
                ca_file: ca_file.or_else(|| own_authority(&config)),
                own_token,
                config: Some(config),
            });
        }
        if variable("SLUICE_URL").is_none()
            && let Some(kept) = stored::read()?
        {
            let mut gateway = Gateway::of_login(&kept);
            gateway.ca_file = ca_file.or(gateway.ca_file);
            gateway.own_token = own_token.or(gateway.own_token);
            return Ok(gateway);
        }
        let url = variable("SLUICE_URL").ok_or_else(|| {
            Failure::usage("no gateway is named").hint(
                "use `sluice login --url https://GATEWAY`, set SLUICE_URL and SLUICE_TOKEN, or use --config sluice.yaml \
                 on the gateway's own host",
            )
        })?;
        Ok(Gateway {
            url: checked_url(&url)?,
            ca_file,
            own_token,
            config: None,
        })
    }
}

impl Context {
    /// The gateway to sign in at: the one that is named, the environment's, the configuration's, or the one before.
    ///
    /// # Errors
    /// When none is named, or its address is none.
    pub fn gateway_to_sign_in(&self, url: Option<&str>) -> Result<Gateway, Failure> {
        let Some(url) = url else {
            return self.gateway();
        };
        let ca_file = variable("SLUICE_CA").map(PathBuf::from);
        let kept = stored::read()?.filter(|kept| kept.url == url);
        Ok(Gateway {
            url: checked_url(url)?,
            ca_file: ca_file.or_else(|| kept.and_then(|kept| kept.ca_file)),
            own_token: None,
            config: None,
        })
    }
}

/// Reads a configuration.
///
/// # Errors
/// When it is not there or wrong.
pub fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path, PROTOCOLS).map_err(|problems| {
        let mut failure = Failure::usage("the configuration is wrong");
        if let Some(body) = &mut failure.body {
            body.problems = problems.0;
        }
        failure
    })
}

/// The gateway's own authority, unless it shows a certificate of another one.
fn own_authority(config: &Config) -> Option<PathBuf> {
    config
        .tls
        .is_none()
        .then(|| config.data_dir.join(AUTHORITY_FILE))
}

/// Where a client on the same host reaches a listener: one on all addresses is reached on loopback.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// An address of a gateway without a trailing slash.
fn checked_url(url: &str) -> Result<String, Failure> {
    let url = url.trim().trim_end_matches('/');
    match url.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', '@']) => {
            Ok(url.to_owned())
        }
        _ => Err(Failure::usage("SLUICE_URL is not the address of a gateway")
            .hint("expected https://HOST:PORT, such as https://gateway.example.com:8443")),
    }
}

impl Gateway {
    /// A client that acts with `SLUICE_TOKEN`, or with the local admin credential.
    ///
    /// # Errors
    /// When there is no credential, or it or the authority cannot be read.
    pub fn client(&self) -> Result<Client, Failure> {
        let token = match (&self.own_token, &self.config) {
            (Some(token), _) => token.clone(),
            (None, Some(config)) => admin_token(&config.data_dir.join(LOCAL_ADMIN_FILE))?,
            (None, None) => {
                return Err(Failure::usage("no token to act with").hint(
                    "use `sluice login`, or set SLUICE_TOKEN to one made by `sluice token create`",
                ));
            }
        };
        self.client_with(Some(token))
    }

    /// The gateway of a login that is kept.
    #[must_use]
    pub fn of_login(kept: &stored::Login) -> Self {
        Self {
            url: kept.url.clone(),
            ca_file: kept.ca_file.clone(),
            own_token: Some(Secret::new(kept.token.clone())),
            config: None,
        }
    }

    /// A client that acts with this token.
    ///
    /// # Errors
    /// When the authority cannot be read.
    pub fn client_with_token(&self, token: Secret) -> Result<Client, Failure> {
        self.client_with(Some(token))
    }

    /// A client that acts as nobody, for what everybody may ask.
    ///
    /// # Errors
    /// When the authority cannot be read.
    pub fn anonymous(&self) -> Result<Client, Failure> {
        self.client_with(None)
    }

    fn client_with(&self, token: Option<Secret>) -> Result<Client, Failure> {
        let pem = match &self.ca_file {
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                let failure = Failure::usage(format!(
                    "cannot read the certificate authority {}: {error}",
                    path.display()
                ));
                match &self.config {
                    Some(_) => {
                        failure.hint("the gateway makes it when it starts: run `sluice serve` once")
                    }
                    None => failure.hint("expected the PEM file that SLUICE_CA names"),
                }
            })?),
            None => None,
        };
        Client::new(self.url.clone(), pem.as_deref(), token)
    }
}

fn admin_token(path: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "cannot read the local admin credential {}: {error}",
            path.display()
        ))
        .hint("run `sluice serve` once, run this as the gateway's user, or set SLUICE_TOKEN")
    })?;
    Ok(Secret::new(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_nothing_more() {
        for (url, expected) in [
            ("https://localhost:8443", Some("https://localhost:8443")),
            (" https://localhost:8443/ ", Some("https://localhost:8443")),
            ("http://localhost:8443", None),
            ("localhost:8443", None),
            ("https://", None),
            ("https://user:secret@host", None),
            ("https://host/path", None),
        ] {
            assert_eq!(checked_url(url).ok().as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_loopback() {
        for (listen, expected) in [
            ("0.0.0.0:8443", "127.0.0.1:8443"),
            ("[::]:8443", "[::1]:8443"),
            ("10.0.0.7:8443", "10.0.0.7:8443"),
        ] {
            let listen: SocketAddr = listen.parse().unwrap();
            assert_eq!(reachable(listen).to_string(), expected);
        }
    }
}
