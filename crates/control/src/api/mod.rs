//! The HTTP API of the control plane: HTTPS only, bearer tokens, one table of routes and who may use them.

mod answer;
mod approvals;
mod auth;
mod browser;
mod changes;
pub(crate) mod console;
mod identity;
mod live;
mod meta;
mod notify;
mod oauth;
mod openapi;
pub(crate) mod pages;
mod places;
mod recorded;
mod resources;
mod routes;
mod saml;
mod scim;
mod scim_described;
mod serve;
mod sessions;
mod sites;
mod targets;
#[cfg(test)]
pub(crate) mod tests;
pub mod types;

pub use openapi::description;
pub use serve::Api;

use crate::control::{Control, Tests};
use crate::ports::{Explainer, LiveSessions, Targets};
use metrics_exporter_prometheus::PrometheusHandle;
use places::Places;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What handlers work with.
#[derive(Clone)]
struct App {
    control: Control,
    sessions: Arc<dyn LiveSessions>,
    explainer: Arc<dyn Explainer>,
    targets: Arc<dyn Targets>,
    /// Targets that are being tried out.
    tests: Tests,
    metrics: PrometheusHandle,
    /// For those who replay sessions, or watch them live.
    replaying: Arc<Places>,
    /// For those who follow what changes.
    following: Arc<Places>,
    /// For those who search in what was recorded.
    searching: Arc<Places>,
    /// The API is to stop: what would go on for ever ends.
    stop: CancellationToken,
    /// Verifying reads everything that was ever recorded; one at a time.
    verifying: Arc<tokio::sync::Mutex<()>>,
    /// So does trying policies out on many operations.
    judging: Arc<tokio::sync::Mutex<()>>,
}

/// The address of the other end of the connection; headers about it are never believed.
#[derive(Debug, Clone, Copy)]
struct Peer(IpAddr);
