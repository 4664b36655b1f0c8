//! End to end helpers: the real binary, real servers, real clients.
//!
//! Whatever is started here is private (a temporary directory, a free loopback port) and ends with the value
//! that started it: every handle stops its process by id when it is dropped.

pub mod browser;
pub mod cache;
pub mod cargo;
pub mod chromium;
pub mod clients;
pub mod console;
pub mod dev_idp;
pub mod gateway;
pub mod issuer;
pub mod judges;
pub mod oidc;
pub mod postgres;
pub mod process;
pub mod saml;
pub mod scim;
pub mod stage;
pub mod target;
pub mod terminal;
pub mod web;
pub mod wire;

pub use gateway::{Gateway, Settings};
pub use postgres::Postgres;
pub use stage::Stage;
