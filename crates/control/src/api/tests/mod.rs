//! The API in process, over a real store, log and policy.

mod changes;
mod console;
mod flows;
mod identity;
mod late;
mod notify;
mod rig;
mod roles;
mod scim;
mod state;
mod targets;
mod waits;
mod wire;

pub(crate) use rig::{FakeExplainer, PROTOCOLS, RESOURCES};
