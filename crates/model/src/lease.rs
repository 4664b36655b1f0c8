//! A target's login, as it is leased.

use crate::{Secret, Timestamp};

/// A login at a target. Dropping it wipes what is secret.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The user name at the target; empty where there is none.
    pub username: String,
    /// The password; `None` for a target that asks for none.
    pub password: Option<Secret>,
    /// What the target is shown instead.
    pub shown: Option<Shown>,
    /// When it ends, for one that does by itself.
    pub until: Option<Timestamp>,
}

/// What a target is shown with each request.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A bearer token.
    Bearer(Secret),
    /// A header, whole.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A client certificate, in files.
    Certificate {
        /// The chain.
        cert_file: String,
        /// Its private key.
        key_file: String,
    },
    /// A key that signs each request (AWS Signature Version 4).
    Aws {
        /// The id of the key; no secret.
        access_key_id: String,
        /// The key.
        secret_access_key: Secret,
        /// The token of its session.
        session_token: Option<Secret>,
        /// The region that requests are for.
        region: String,
        /// The service that they are for.
        service: String,
    },
}
