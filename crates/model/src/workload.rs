//! Whom a trusted issuer's JWT speaks of.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// A workload as its JWT described it, once that was verified. The JWT itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// The trusted issuer, by the name of its resource.
    pub issuer: String,
    /// The `iss` of the JWT.
    pub issuer_url: String,
    /// The expected audience that was found in it.
    pub audience: String,
    /// The `sub` of the JWT.
    pub subject: String,
    /// All claims.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// When the JWT ends.
    pub expires: Timestamp,
}
