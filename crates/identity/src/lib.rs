//! What identity providers and issuers sign, read and checked: JWTs of workloads and of OpenID providers, and SAML.
//!
//! Bytes in, claims out: nothing here opens a connection or looks at a clock, so that all of it can be driven by a test
//! or a fuzzer. Whoever uses it fetches keys, keeps what is under way, and says what time it is.

pub mod form;
mod json;
pub mod jwt;
pub mod keys;
pub mod saml;
pub mod scim;
