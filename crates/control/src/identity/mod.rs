//! Who is asking: people through their identity providers, workloads through trusted issuers, agents of their owners.

pub(crate) mod development;
mod fetch;
pub(crate) mod flows;
pub(crate) mod issuers;
mod json;
mod jwks;
pub(crate) mod jwt;
pub(crate) mod oidc;
pub(crate) mod provider;
pub(crate) mod roster;
pub(crate) mod seal;
pub(crate) mod sign_in;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use fetch::{checked_url, encoded, percent};
