//! Who is asking: people through their identity providers, workloads through trusted issuers, agents of their owners.

pub(crate) mod assertion;
pub(crate) mod development;
pub(crate) mod fetch;
pub(crate) mod flows;
pub(crate) mod issuers;
mod jwks;
pub(crate) mod oidc;
pub(crate) mod provider;
mod remembered;
pub(crate) mod roster;
pub(crate) mod saml;
pub(crate) mod saml_key;
pub(crate) mod seal;
pub(crate) mod sign_in;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use fetch::checked_url;
pub(crate) use jwks::TokenError;
