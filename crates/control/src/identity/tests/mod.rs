//! Issuers of their own, and everything that may not get past.

pub(crate) mod issuer;
mod jwt;
