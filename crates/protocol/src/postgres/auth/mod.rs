//! Logging in: to a target with the leased credential, and of clients that bring a token by SASL.

pub mod md5;
pub mod oauthbearer;
pub mod scram;
