//! Logging in to a target with the leased credential.

pub mod md5;
pub mod scram;
