//! The table of metrics: every one that the data plane counts, with what it means. The reference is made from it.

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meter {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Times in seconds, counted by size.
    Seconds,
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name, as Prometheus sees it.
    pub name: &'static str,
    /// How it behaves.
    pub meter: Meter,
    /// What it counts.
    pub doc: &'static str,
}

const fn metric(meter: Meter, name: &'static str, doc: &'static str) -> Metric {
    Metric { name, meter, doc }
}

/// Every metric.
pub const METRICS: &[Metric] = &[
    metric(
        Meter::Gauge,
        "sluice_sessions_live",
        "sessions that live now",
    ),
    metric(
        Meter::Counter,
        "sluice_sessions_opened_total",
        "sessions that were opened",
    ),
    metric(
        Meter::Counter,
        "sluice_logins_refused_total",
        "clients that got no session: a wrong token, no right to connect, an unknown connection, no tls",
    ),
    metric(
        Meter::Counter,
        "sluice_connections_dropped_total",
        "clients that were turned away because too many were logging in",
    ),
    metric(
        Meter::Counter,
        "sluice_operations_refused_total",
        "operations that were understood and refused",
    ),
    metric(
        Meter::Seconds,
        "sluice_operation_seconds",
        "from forwarding an operation to the end of its answer",
    ),
    metric(
        Meter::Gauge,
        "sluice_holds_waiting",
        "operations and logins that wait for an approval now",
    ),
    metric(
        Meter::Counter,
        "sluice_protocol_violations_total",
        "sessions that ended because a client or a target broke the protocol",
    ),
];

/// Tells the exporter what there is, so that each shows from the start (times do from the first one on).
pub(crate) fn describe() {
    for metric in METRICS {
        match metric.meter {
            Meter::Counter => {
                metrics::describe_counter!(metric.name, metric.doc);
                metrics::counter!(metric.name).increment(0);
            }
            Meter::Gauge => {
                metrics::describe_gauge!(metric.name, metric.doc);
                metrics::gauge!(metric.name).increment(0.0);
            }
            Meter::Seconds => {
                metrics::describe_histogram!(metric.name, metrics::Unit::Seconds, metric.doc);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    fn counted_under(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                counted_under(&path, found);
            } else if path.file_name().is_some_and(|name| name != "meters.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let names = text.split("\"sluice_").skip(1);
                let names = names.filter_map(|rest| rest.split('"').next());
                found.extend(names.map(|name| format!("sluice_{name}")));
            }
        }
    }

    #[test]
    fn the_table_holds_what_is_counted_and_nothing_else() {
        let mut counted = BTreeSet::new();
        counted_under(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut counted,
        );
        let listed: BTreeSet<String> = METRICS.iter().map(|m| m.name.to_owned()).collect();
        assert_eq!(listed, counted);
    }
}
