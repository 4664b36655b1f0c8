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
    /// The user name at the target; none for a target that knows no users, or is shown `credential`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Its password; absent for a target that asks for none (client certificate, peer trust).
    #[serde(default)]
    pub password: Option<CredentialRef>,
    /// What the target is shown instead of a user name and a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<AccountCredential>,
}

/// What a target is shown with each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccountCredential {
    /// A bearer token (RFC 6750).
    Bearer {
        /// Where it is.
        token: CredentialRef,
    },
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// What stands before the secret, such as `Token `.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// Where the secret is.
        value: CredentialRef,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// Where its value is.
        value: CredentialRef,
    },
    /// A client certificate of this account's own.
    Certificate {
        /// A PEM file with the chain.
        cert_file: String,
        /// The PEM file with its private key.
        key_file: String,
    },
    /// A bearer token that is fetched with a client's own credentials (RFC 6749, section 4.4), kept and replaced before it
    /// ends.
    ClientCredentials {
        /// Where tokens are given.
        token_url: String,
        /// The client.
        client_id: String,
        /// Where its secret is.
        client_secret: CredentialRef,
        /// What is asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<String>,
        /// For whom, at providers that want to know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// A PEM file of authorities to trust for `token_url` instead of the system's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<String>,
    },
    /// A key that signs each request (AWS Signature Version 4).
    Aws {
        /// Where the id of the key is.
        access_key_id: CredentialRef,
        /// Where the key is.
        secret_access_key: CredentialRef,
        /// Where the token of a session is, for keys that belong to one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_token: Option<CredentialRef>,
        /// Such as `eu-central-1`.
        region: String,
        /// Such as `s3`.
        service: String,
    },
}

/// How a target is told who is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityHeader {
    /// The header that holds a signed JWT.
    pub header: String,
    /// Its `aud`; the connection's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// What else a connection says. Which of these a protocol has is in the protocol table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// More addresses of the same service, used in turn; those that do not answer are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// What the target is called in requests, when not by its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The path that everything callers ask for is below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_path: Option<String>,
    /// A description of the service (OpenAPI, in JSON or YAML).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_file: Option<String>,
    /// Refuse what the description does not describe.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub only_described: bool,
    /// Media types that pass though they cannot be read, such as `image/*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opaque_types: Vec<String>,
    /// Media types of requests that are passed on while they come in, and not read whole first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stream_types: Vec<String>,
    /// Tell the target who is asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityHeader>,
    /// Let paths have parameters (`/orders;v=1`). Some servers take them off before they look at a path, so that a
    /// policy about `orders` would not hold for them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub path_parameters: bool,
    /// Browsers may come by path, where all connections that say so can act as each other's pages.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared_origin: bool,
    /// How long a session goes on without a request, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u32>,
    /// How long the target may take to begin its answer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_seconds: Option<u32>,
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
    /// What else its protocol lets it say.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

impl Settings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn yes() -> bool {
    true
}

fn ten_minutes() -> u32 {
    600
}
