//! Which connection a request is for: by the host that it names, by the beginning of its path, or by the listener.

use super::asked::Asked;
use super::refusal::Refusal;
use crate::Listener;
use http::StatusCode;
use sluice_model::Connection;
use sluice_policy::Snapshot;
use sluice_protocol::http::path::{PathError, Requested, Target};
use std::sync::Arc;

/// What stands before the name of a connection in a path.
const PREFIX: &str = "c";
/// What paths begin with that are the gateway's own.
pub const OWN: &str = ".sluice";

/// Where names of connections are names of hosts, and where people reach the gateway's pages.
#[derive(Debug)]
pub struct Sites {
    /// `gateway.example` for `reports.gateway.example`.
    pub domains: Vec<String>,
    /// The console.
    pub public_url: String,
}

/// How a request named its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// By the host: the connection has an origin of its own.
    Host,
    /// By the path: what the target calls `/x` is `/c/NAME/x` to its callers.
    Path(String),
}

impl By {
    /// What stands before each path of the target, as callers see it.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self {
            Self::Host => "",
            Self::Path(prefix) => prefix,
        }
    }
}

/// Where a request goes.
#[derive(Debug)]
pub struct Route {
    /// The connection.
    pub connection: Arc<Connection>,
    /// What is asked of it.
    pub target: Target,
    /// How it was named.
    pub by: By,
}

/// The host of an authority, in lower case and without a port.
#[must_use]
pub fn host_of(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

impl Sites {
    /// The connection that a host's name is of; `None` where it is not under one of the domains.
    fn label<'h>(&self, host: &'h str) -> Option<&'h str> {
        let under = |domain: &String| {
            let rest = host.strip_suffix(domain.to_ascii_lowercase().as_str())?;
            let label = rest.strip_suffix('.')?;
            (!label.is_empty() && !label.contains('.')).then_some(label)
        };
        self.domains.iter().find_map(under)
    }

    /// Whether a name that a client asks for is one of the gateway's own, or of this very host.
    #[must_use]
    pub fn knows(&self, authority: &str) -> bool {
        let host = host_of(authority);
        let public = self.public_url.strip_prefix("https://").unwrap_or_default();
        let is_domain = |domain: &String| domain.eq_ignore_ascii_case(&host);
        self.label(&host).is_some()
            || host == host_of(public)
            || self.domains.iter().any(is_domain)
            || ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str())
    }

    /// Finds where a request goes.
    ///
    /// # Errors
    /// It is for no connection that there is, or its path is not clear.
    pub fn route(
        &self,
        snapshot: &Snapshot,
        listener: &Listener,
        asked: &Asked,
    ) -> Result<Route, Refusal> {
        let target = match Requested::parse(&asked.method, asked.target.as_bytes())? {
            Requested::Path(target) => target,
            Requested::Server => {
                let why = "expected a path: what is asked of a server as a whole cannot be decided";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, why));
            }
        };
        let host = host_of(&asked.authority);
        let by_host = listener.connection.as_deref().or_else(|| self.label(&host));
        if let Some(name) = by_host {
            return Ok(Route {
                connection: found(snapshot, name)?,
                target,
                by: By::Host,
            });
        }
        let [first, name, ..] = target.segments() else {
            return Err(no_place(asked));
        };
        if first != PREFIX {
            return Err(no_place(asked));
        }
        let connection = found(snapshot, name)?;
        let prefix = format!("/{PREFIX}/{name}");
        let target = target.stripped(2).ok_or_else(|| no_place(asked))?;
        Ok(Route {
            connection,
            target,
            by: By::Path(prefix),
        })
    }
}

fn found(snapshot: &Snapshot, name: &str) -> Result<Arc<Connection>, Refusal> {
    let same = |c: &&Arc<Connection>| c.name.eq_ignore_ascii_case(name);
    let connection = snapshot.connection(name);
    let connection = connection.or_else(|| snapshot.connections().find(same));
    let connection = connection.filter(|c| c.protocol == super::NAME).cloned();
    connection.ok_or_else(|| {
        let why = format!("there is no service {name:?} here");
        Refusal::new(StatusCode::NOT_FOUND, why)
    })
}

/// Nothing says which connection is meant. A page that was reached by path and links to `/x` means its own target's.
fn no_place(asked: &Asked) -> Refusal {
    let why = "the request names no connection";
    let refusal = Refusal::new(StatusCode::NOT_FOUND, why);
    let refusal = refusal.hint("ask for /c/NAME/... or use the connection's own host name");
    match from_page(asked) {
        Some(prefix) => refusal.go_to(format!("{prefix}{}", asked.target)),
        None => refusal,
    }
}

/// The prefix of the page of this very host that a browser says it comes from.
fn from_page(asked: &Asked) -> Option<String> {
    let referer = asked.only("referer")?;
    let rest = referer.strip_prefix("https://")?;
    let rest = rest.strip_prefix(asked.authority.as_str())?;
    let mut parts = rest.strip_prefix('/')?.split('/');
    let (first, name) = (parts.next()?, parts.next()?);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let good = first == PREFIX && !name.is_empty() && name.chars().all(plain);
    (good && asked.target.starts_with('/')).then(|| format!("/{PREFIX}/{name}"))
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_under_a_domain_names_a_connection() {
        let sites = Sites {
            domains: vec!["Gateway.example".into(), "x.test".into()],
            public_url: String::new(),
        };
        for (authority, expected) in [
            ("reports.gateway.example", Some("reports")),
            ("REPORTS.Gateway.Example:8443", Some("reports")),
            ("reports.gateway.example.", Some("reports")),
            ("reports.x.test", Some("reports")),
            ("gateway.example", None),
            (".gateway.example", None),
            ("a.reports.gateway.example", None),
            ("reportsgateway.example", None),
            ("reports.gateway.example.evil.test", None),
            ("127.0.0.1:8443", None),
            ("[::1]:8443", None),
        ] {
            let host = host_of(authority);
            assert_eq!(sites.label(&host), expected, "{authority}");
        }
    }
}
