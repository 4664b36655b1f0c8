//! The HTTP API of the control plane: HTTPS only, bearer tokens, one table of routes and who may use them.

mod answer;
mod approvals;
mod auth;
mod browser;
mod identity;
mod meta;
mod notify;
mod oauth;
mod openapi;
pub(crate) mod pages;
mod resources;
mod routes;
mod saml;
mod scim;
mod scim_described;
mod serve;
mod sessions;
mod sites;
#[cfg(test)]
mod tests;
pub mod types;

pub use serve::Api;

use crate::control::Control;
use crate::ports::{Explainer, LiveSessions};
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::IpAddr;
use std::sync::Arc;

/// What handlers work with.
#[derive(Clone)]
struct App {
    control: Control,
    sessions: Arc<dyn LiveSessions>,
    explainer: Arc<dyn Explainer>,
    metrics: PrometheusHandle,
    /// Verifying reads everything that was ever recorded; one at a time.
    verifying: Arc<tokio::sync::Mutex<()>>,
}

/// The address of the other end of the connection; headers about it are never believed.
#[derive(Debug, Clone, Copy)]
struct Peer(IpAddr);
