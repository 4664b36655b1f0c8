//! The cells: what is run on an endpoint, and what is read off it.

use super::endpoint::Endpoint;
use anyhow::{Context, Result, bail};
use sluice_tests::process::printed;
use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// One thing to measure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// `pgbench -S` in a protocol with so many clients.
    Select(&'static str, u32),
    /// pgbench's own transaction, eight clients.
    Tpcb,
    /// Connect, one statement, close; so many clients.
    Connect(u32),
    /// A million rows: `copy`, `select` (three masked columns) or `narrow` (nothing to mask).
    Bulk(&'static str),
    /// So many sessions that do nothing.
    Idle(u32),
}

impl Cell {
    /// Every cell, in the order of the report.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for protocol in ["simple", "extended", "prepared"] {
            for clients in [1, 8, 64] {
                cells.push(Self::Select(protocol, clients));
            }
        }
        cells.push(Self::Tpcb);
        cells.push(Self::Connect(8));
        cells.extend(["copy", "select", "narrow"].map(Self::Bulk));
        cells.push(Self::Idle(1000));
        cells
    }

    /// Whether it measures logins.
    pub fn is_connecting(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// Measures once.
    pub fn run(&self, on: &Endpoint, seconds: u32, clients: &Path) -> Result<Sample> {
        match self {
            Self::Select(protocol, count) => pgbench(on, protocol, *count, seconds, &["-S"]),
            Self::Tpcb => pgbench(on, "simple", 8, seconds, &[]),
            Self::Connect(count) => churn(on, *count, seconds, clients),
            Self::Bulk(what) => bulk(on, what, clients),
            Self::Idle(count) => idle(on, *count, clients),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(protocol, clients) => write!(f, "select/{protocol}/c{clients}"),
            Self::Tpcb => f.write_str("tpcb/c8"),
            Self::Connect(clients) => write!(f, "connect/c{clients}"),
            Self::Bulk(what) => write!(f, "bulk/{what}"),
            Self::Idle(count) => write!(f, "idle/{count}"),
        }
    }
}

/// What was read off: named numbers, the first of which the ratios are of.
#[derive(Debug, Clone, Default)]
pub struct Sample(pub Vec<(&'static str, f64)>);

impl Sample {
    /// The number that ratios are of.
    pub fn main(&self) -> f64 {
        self.0.first().map_or(f64::NAN, |(_, value)| *value)
    }

    /// One number by name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

fn pgbench(
    on: &Endpoint,
    protocol: &str,
    clients: u32,
    seconds: u32,
    more: &[&str],
) -> Result<Sample> {
    let logs = tempfile::tempdir()?;
    let mut command = Command::new("pgbench");
    on.aim(&mut command);
    command
        .args([
            "-n",
            "-M",
            protocol,
            "-c",
            &clients.to_string(),
            "-j",
            &clients.min(2).to_string(),
        ])
        .args([
            "-T",
            &seconds.to_string(),
            "-l",
            "--random-seed",
            "7",
            "--log-prefix",
        ])
        .arg(logs.path().join("log"))
        .args(more);
    if clients > 1 {
        command.args(["--sampling-rate", "0.2"]);
    }
    let before = on.cpu_seconds();
    let report = printed(&mut command)?;
    let cpu = on.cpu_seconds() - before;
    let tps = number_after(&report, "tps = ")?;
    let count = number_after(&report, "transactions actually processed: ")?;
    let mut latencies = Vec::new();
    for entry in fs::read_dir(logs.path())? {
        let text = fs::read_to_string(entry?.path())?;
        latencies.extend(
            text.lines()
                .filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()),
        );
    }
    latencies.sort_by(f64::total_cmp);
    Ok(Sample(vec![
        ("tps", tps),
        ("p50us", percentile(&latencies, 50)),
        ("p99us", percentile(&latencies, 99)),
        ("cpu/100k", cpu / count * 100_000.0),
    ]))
}

fn churn(on: &Endpoint, clients: u32, seconds: u32, programs: &Path) -> Result<Sample> {
    let before = on.cpu_seconds();
    let mut churn = on.client(&programs.join("churn"));
    let line = printed(churn.args([clients.to_string(), seconds.to_string()]))?;
    let cpu = on.cpu_seconds() - before;
    let [rate, p50, p99, count, failed] = numbers(&line)?;
    if failed > 0.0 {
        bail!("{failed} connections failed");
    }
    Ok(Sample(vec![
        ("per s", rate),
        ("p50us", p50),
        ("p99us", p99),
        ("cpu/100k", cpu / count * 100_000.0),
    ]))
}

fn bulk(on: &Endpoint, what: &str, programs: &Path) -> Result<Sample> {
    let sql = match what {
        "copy" => "COPY (SELECT * FROM customers) TO STDOUT",
        "select" => "SELECT * FROM customers",
        _ => "SELECT * FROM narrow",
    };
    let before = on.cpu_seconds();
    let line = printed(on.client(&programs.join("drain")).arg(sql))?;
    let cpu = on.cpu_seconds() - before;
    let [seconds, bytes, rows, rate, first] = numbers(&line)?;
    Ok(Sample(vec![
        ("MB/s", rate),
        ("rows/s", rows / seconds),
        ("first ms", first),
        ("cpu/GB", cpu / (bytes / 1e9)),
    ]))
}

fn idle(on: &Endpoint, count: u32, programs: &Path) -> Result<Sample> {
    let before = on.resident_kib();
    let mut holder = on
        .client(&programs.join("idle"))
        .arg(count.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = holder
        .stdout
        .take()
        .context("idle was started without a pipe")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    // Let what the opening itself used be given back before it is counted.
    std::thread::sleep(Duration::from_secs(1));
    let after = on.resident_kib();
    drop(holder.stdin.take());
    holder.wait()?;
    let [seconds, failed] = numbers(&line)?;
    if failed > 0.0 {
        bail!("{failed} sessions failed");
    }
    Ok(Sample(vec![
        ("KiB each", (after - before) / f64::from(count)),
        ("open s", seconds),
        ("RSS MiB", after / 1024.0),
    ]))
}

fn number_after(text: &str, what: &str) -> Result<f64> {
    let rest = text
        .split(what)
        .nth(1)
        .with_context(|| format!("no {what:?} in {text}"))?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    Ok(rest.get(..end).unwrap_or_default().parse()?)
}

fn numbers<const N: usize>(line: &str) -> Result<[f64; N]> {
    let found: Vec<f64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    found
        .try_into()
        .map_err(|_| anyhow::anyhow!("expected {N} numbers, got {line:?}"))
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
