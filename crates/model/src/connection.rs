//! A registered target.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far the gateway insists on TLS towards the target. The names are libpq's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// No TLS. For a target on the same host or a network that encrypts by itself.
    Disable,
    /// TLS, with any certificate.
    Require,
    /// TLS, with a certificate of a trusted authority.
    VerifyCa,
    /// TLS, with a certificate of a trusted authority for the address's host name.
    #[default]
    VerifyFull,
}

/// Where a credential is found. It is read when it is leased, never at load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialRef {
    /// An environment variable of the gateway's process.
    Env(String),
    /// A file; one trailing newline is not part of the secret.
    File(String),
}

/// The server behind a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `host:port`; IPv6 addresses in brackets.
    pub address: String,
    /// The default database.
    #[serde(default)]
    pub database: Option<String>,
    /// How far TLS is insisted on.
    #[serde(default)]
    pub tls: TlsMode,
    /// A PEM file of authorities to trust instead of the system's.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// A PEM file with the gateway's own client certificate.
    #[serde(default)]
    pub client_cert_file: Option<String>,
    /// The PEM file with its private key.
    #[serde(default)]
    pub client_key_file: Option<String>,
}

/// A login at the target that callers can pick by name and never see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What callers and policies call it.
    pub name: String,
    /// Used when the caller names none.
    #[serde(default)]
    pub default: bool,
    /// The user name at the target.
    pub username: String,
    /// Its password; absent for a target that asks for none (client certificate, peer trust).
    #[serde(default)]
    pub password: Option<CredentialRef>,
}

/// `kind: Connection`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Its name: what callers put as database or host name.
    pub name: String,
    /// A name of the protocol table.
    pub protocol: String,
    /// The environment it is in, such as `prod`.
    pub environment: String,
    /// Free labels; a policy sees `Label::"team=payments"`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// An IANA name; decides what `context.clock` says. UTC when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The server behind it.
    pub target: Target,
    /// Logins at the target; at least one, at most one default.
    pub accounts: Vec<Account>,
    /// Databases that callers may name as `connection/database`, besides the default one. Absent: any.
    #[serde(default)]
    pub databases: Option<Vec<String>>,
    /// Answers of unknown origin are redacted when any data class exists. On unless switched off here.
    #[serde(default = "yes")]
    pub strict_masking: bool,
    /// How long a held operation waits inline, in seconds.
    #[serde(default = "ten_minutes")]
    pub hold_timeout_seconds: u32,
}

fn yes() -> bool {
    true
}

fn ten_minutes() -> u32 {
    600
}
