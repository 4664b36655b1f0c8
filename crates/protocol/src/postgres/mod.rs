//! The PostgreSQL wire protocol, versions 3.0 and 3.2, as bytes in and bytes out.
//!
//! Nothing here opens a socket, decides or keeps time. `frame` finds messages in a buffer, `tags` is the table of
//! all message types, `startup` reads the untyped first packet and admits its parameters, `frontend` and
//! `backend` read bodies, `encode` writes messages, `auth` logs in to a target, and `values`, `rows`, `copy`
//! and `scrub` mask what comes back while keeping its wire types.

mod arrays;
pub mod auth;
pub mod backend;
mod bytea;
pub mod client;
mod columns;
mod constants;
pub mod copy;
pub mod encode;
pub mod frame;
pub mod frontend;
pub mod json;
mod kinds;
#[cfg(test)]
mod nested_tests;
mod numbers;
pub mod parameters;
mod read;
mod records;
pub mod rows;
#[cfg(test)]
mod rows_tests;
pub mod scrub;
pub mod startup;
pub mod tags;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod transcript_tests;
pub mod types;
pub mod values;
#[cfg(test)]
mod values_tests;
mod violation;

pub use tags::{BackendTag, FrontendTag, Tag};
pub use violation::{Peer, Violation};
