//! What the running gateway says of itself: structured logs on standard error, and metrics.

use crate::failure::Failure;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// What is logged when `SLUICE_LOG` does not say: everything worth an operator's attention, nothing per operation.
const DEFAULT_FILTER: &str = "info";

/// Upper bounds of the time histograms in seconds: from what the gateway adds to one operation (tens of
/// microseconds) to what a slow target takes.
const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0,
    5.0, 30.0,
];

/// Starts logging: lines for people on a terminal, JSON elsewhere.
///
/// # Errors
/// When `SLUICE_LOG` is no filter.
pub fn start_logging() -> Result<(), Failure> {
    let filter = std::env::var("SLUICE_LOG").unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("SLUICE_LOG is not a filter: {error}"))
            .hint("expected such as info, or info,sluice_gateway=debug")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A line that cannot be written (a full disk) is lost; saying so in the same place would panic, and with
        // that end the session that had something to say.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    let started = if io::stderr().is_terminal() {
        builder.try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    };
    started.map_err(|error| Failure::failed(format!("cannot start logging: {error}")))
}

/// Starts keeping metrics; the handle renders them.
///
/// # Errors
/// When metrics are kept already.
pub fn start_metrics() -> Result<PrometheusHandle, Failure> {
    PrometheusBuilder::new()
        .set_buckets(SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::failed(format!("cannot keep metrics: {error}")))
}
