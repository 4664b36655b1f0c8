//! `sluice serve`: the gateway itself. Reads top to bottom: control plane, data plane, API, signals, the end.

use crate::adapter::{GatewayExplainer, GatewaySessions, GatewayTargets, LocalControl};
use crate::context::{self, Context};
use crate::failure::Failure;
use crate::telemetry;
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use rustls::crypto::aws_lc_rs;
use sluice_control::{Config, Control};
use sluice_gateway::{Gateway, GatewayConfig, Listener, Registry};
use sluice_model::WaysIn;
use sluice_protocol::{CLIENTS, PROTOCOLS};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Reading SQL recurses as deep as statements nest; the parser's own limit is met before a stack of this size ends.
/// It is address space: only what is touched takes memory.
const STACK_BYTES: usize = 64 << 20;

/// How long sessions may go on after a request to stop. Orchestrators kill after 30 s by default; this leaves time
/// to end what is left and to sign the log.
const DRAIN: Duration = Duration::from_secs(20);

/// How often old samples of the metrics are dropped, as their exporter asks for.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// `sluice serve --config sluice.yaml`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
SIGTERM and Ctrl-C stop accepting, let sessions finish for 20 seconds, end the rest and sign the log. SIGHUP reads \
the resources and certificates again. SLUICE_LOG sets what is logged, such as info or debug.")]
pub struct Serve {}

impl Serve {
    /// Runs until it is told to stop.
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        let config = context::load(&context.own_config_path())?;
        telemetry::start_logging()?;
        let metrics = telemetry::start_metrics()?;
        // An error means that a provider is installed already, which is all that is wanted.
        let _ = aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("sluice")
            .thread_stack_size(STACK_BYTES)
            .build()
            .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
        runtime.block_on(async {
            let served = tokio::spawn(serve(config, metrics)).await;
            served.unwrap_or_else(|_| {
                Err(Failure::failed("the gateway stopped on an internal error"))
            })
        })
    }
}

async fn serve(config: Config, metrics: PrometheusHandle) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let control = Control::start(config, PROTOCOLS)
        .await
        .map_err(cannot_start)?;
    let registry = Registry::new();
    let gateway = Gateway::start(
        data_plane(&control)?,
        Arc::new(LocalControl(control.clone())),
        Arc::new(control.log()),
        Arc::clone(&registry),
    )
    .await
    .map_err(cannot_start)?;
    let gateway = Arc::new(gateway);
    let upkeep = tokio::spawn(keep_metrics(metrics.clone()));
    let api = control
        .serve(
            Arc::new(GatewaySessions {
                registry,
                log: control.log(),
            }),
            Arc::new(GatewayExplainer(Arc::clone(&gateway))),
            Arc::new(GatewayTargets(Arc::clone(&gateway))),
            metrics,
        )
        .await
        .map_err(cannot_start)?;
    tracing::info!(api = %control.config().listen.https, clients = ?gateway.addresses(), "ready");

    signals.until_stop(&control).await;
    control.drain();
    tracing::info!(grace = ?DRAIN, "stopping: no new sessions");
    tokio::select! {
        () = gateway.drain(DRAIN) => {}
        () = signals.until_stop(&control) => {
            tracing::warn!("told to stop again: ending at once");
            gateway.drain(Duration::ZERO).await;
        }
    }
    upkeep.abort();
    api.stop().await;
    tracing::info!("stopped");
    Ok(())
}

fn cannot_start(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("cannot start: {error}"))
}

/// What the data plane is told: listeners from the configuration, and the certificate as control keeps it.
fn data_plane(control: &Control) -> Result<GatewayConfig, Failure> {
    let config = control.config();
    let for_all = config.listen.protocols.iter().map(|(protocol, address)| {
        let ways = config.listen.protocol_ways(protocol);
        (*address, Some(protocol.clone()), None, ways)
    });
    let for_one = config.listeners.iter().map(|one| {
        let ways = WaysIn::of(&one.ways_in);
        (one.address, None, Some(one.connection.clone()), ways)
    });
    let listeners = for_all
        .chain(for_one)
        .map(|(address, protocol, connection, ways)| Listener {
            address,
            protocol,
            connection,
            ways,
            issuer: config.public_url.clone(),
            plaintext_on_loopback: config.allow_plaintext_on_loopback,
        });
    let tls = CLIENTS.iter().map(|client| {
        let mut tls =
            rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(cannot_start)?
                .with_no_client_auth()
                .with_cert_resolver(control.server_certificate());
        tls.alpn_protocols = client
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Ok((client.protocol, Arc::new(tls)))
    });
    let domains = config.names.iter();
    let domains = domains.filter_map(|name| name.strip_prefix("*."));
    Ok(GatewayConfig {
        listeners: listeners.collect(),
        tls: tls.collect::<Result<_, Failure>>()?,
        public_url: config.public_url.clone(),
        domains: domains.map(str::to_owned).collect(),
    })
}

async fn keep_metrics(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(cannot_start);
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    /// Waits for the request to stop; reads files again whenever asked to.
    async fn until_stop(&mut self, control: &Control) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    tracing::info!("told to read resources and certificates again");
                    control.reload().await;
                }
            }
        }
    }
}
