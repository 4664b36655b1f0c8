//! `cargo xtask bench http`: the gateway beside nginx and haproxy as proxies and the service alone, in the same rounds, each
//! with TLS towards the client; then its memory with ten thousand connections that wait.

use crate::packages;
use anyhow::{Context as _, Result, bail};
use sluice_tests::cargo::Profile;
use sluice_tests::process::{Running, checked, free_port, printed, resident_kib, wait_for};
use sluice_tests::web::Web;
use sluice_tests::{Settings, clients};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How long each cell runs on each endpoint, in seconds.
const SECONDS: u32 = 5;
/// Connections that wait at the end.
const WAITING: usize = 10_000;
/// Policies that are nobody's business, so that there are fifty.
const OTHER_POLICIES: usize = 44;

/// What is asked, how, by how many.
struct Cell {
    name: &'static str,
    path: &'static str,
    version: &'static str,
    clients: u32,
}

const CELLS: &[Cell] = &[
    Cell {
        name: "1 KiB, HTTP/1.1, 1 client",
        path: "/small.json",
        version: "--h1",
        clients: 1,
    },
    Cell {
        name: "1 KiB, HTTP/1.1, 32 clients",
        path: "/small.json",
        version: "--h1",
        clients: 32,
    },
    Cell {
        name: "1 KiB, HTTP/2, 32 clients",
        path: "/small.json",
        version: "--npn-list=h2",
        clients: 32,
    },
    Cell {
        name: "8 MiB of JSON, HTTP/1.1, 2 clients",
        path: "/large.json",
        version: "--h1",
        clients: 2,
    },
];

/// Where is asked.
struct Endpoint {
    name: &'static str,
    base: String,
    token: Option<String>,
}

/// What was measured: requests and megabytes a second, and times in microseconds.
#[derive(Debug, Clone, Copy)]
struct Sample {
    requests: f64,
    megabytes: f64,
    median: u64,
    late: u64,
}

/// Runs it.
pub fn run(rounds: usize) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::CLIENTS, packages::BENCH_HTTP])?;
    let folder = tempfile::tempdir()?;
    write_files(folder.path())?;
    let (plain, secure) = (free_port()?, free_port()?);
    let _service = nginx(
        folder.path(),
        "service",
        &service(folder.path(), plain, secure),
        plain,
    )?;
    let (one, two) = (free_port()?, free_port()?);
    let _nginx = nginx(
        folder.path(),
        "proxy",
        &proxy(folder.path(), one, plain),
        one,
    )?;
    let _haproxy = haproxy(folder.path(), two, plain)?;
    let [clear, masking] = [false, true].map(|masks| gateway(plain, masks));
    let (clear, masking) = (clear?, masking?);
    let own = |name, port, token| Endpoint {
        name,
        base: format!("https://localhost:{port}"),
        token,
    };
    let through = |name, web: &Web| Endpoint {
        name,
        base: web.url(""),
        token: Some(web.token.clone()),
    };
    let endpoints = [
        own("direct", secure, None),
        own("nginx", one, None),
        own("haproxy", two, None),
        through("sluice", &clear),
        through("sluice, masking", &masking),
    ];
    let mut samples: BTreeMap<(usize, usize), Vec<Sample>> = BTreeMap::new();
    for round in 0..rounds {
        for (c, cell) in CELLS.iter().enumerate() {
            for turn in 0..endpoints.len() {
                let e = (turn + round) % endpoints.len();
                let Some(endpoint) = endpoints.get(e) else {
                    continue;
                };
                let sample = measure(folder.path(), cell, endpoint)?;
                println!(
                    "round {round}  {}  {}  {sample:?}",
                    cell.name, endpoint.name
                );
                samples.entry((c, e)).or_default().push(sample);
            }
        }
    }
    report(&endpoints, &samples);
    waiting(&clear)
}

/// A small answer and a large one, of people: nothing in them is of a class, except where that is asked for.
fn write_files(folder: &Path) -> Result<()> {
    let person = |n: usize| {
        format!(
            "{{\"id\":{n},\"name\":\"Person {n}\",\"city\":\"Berlin\",\"email\":\"p{n}@example.com\",\"total\":{}}}",
            n * 7
        )
    };
    let people = |count| (0..count).map(person).collect::<Vec<_>>().join(",");
    let www = folder.join("www");
    fs::create_dir_all(&www)?;
    fs::write(www.join("small.json"), format!("[{}]", people(12)))?;
    fs::write(www.join("large.json"), format!("[{}]", people(95_000)))?;
    checked(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem",
            ])
            .current_dir(folder),
    )?;
    let both =
        fs::read_to_string(folder.join("cert.pem"))? + &fs::read_to_string(folder.join("key.pem"))?;
    Ok(fs::write(folder.join("both.pem"), both)?)
}

fn service(folder: &Path, plain: u16, secure: u16) -> String {
    format!(
        "server {{ listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl http2; {} root {}/www; keepalive_requests 100000000; }}",
        certificate(folder),
        folder.display()
    )
}

fn proxy(folder: &Path, port: u16, target: u16) -> String {
    format!(
        "upstream target {{ server 127.0.0.1:{target}; keepalive 128; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:{port} ssl http2; {} keepalive_requests 100000000;\n\
         location / {{ proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection ''; }} }}",
        certificate(folder)
    )
}

fn certificate(folder: &Path) -> String {
    let at = folder.display();
    format!("ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;")
}

fn nginx(folder: &Path, name: &str, server: &str, port: u16) -> Result<Running> {
    let home = folder.join(name);
    fs::create_dir_all(&home)?;
    let at = home.display();
    let config = format!(
        "daemon off; worker_processes 2; pid {at}/pid; error_log {at}/error.log;\n\
         events {{ worker_connections 20000; }}\nhttp {{ access_log off; types {{ application/json json; }} sendfile on; tcp_nopush on;\n\
         client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;\n{server} }}"
    );
    let file = home.join("nginx.conf");
    fs::write(&file, config)?;
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    started(command, port)
}

fn haproxy(folder: &Path, port: u16, target: u16) -> Result<Running> {
    let file = folder.join("haproxy.cfg");
    let config = format!(
        "global\n  nbthread 2\n  maxconn 4000\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
         frontend f\n  bind 127.0.0.1:{port} ssl crt {}/both.pem alpn h2,http/1.1\n  default_backend b\n\
         backend b\n  http-reuse always\n  server s 127.0.0.1:{target}\n",
        folder.display()
    );
    fs::write(&file, config)?;
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-f").arg(&file).stdout(Stdio::null());
    started(command, port)
}

fn started(mut command: Command, port: u16) -> Result<Running> {
    let mut running = Running::start(&mut command, "TERM")?;
    wait_for("the server to listen", || {
        if let Some(status) = running.ended()? {
            bail!(
                "{} ended at once ({status})",
                command.get_program().to_string_lossy()
            );
        }
        Ok(std::net::TcpStream::connect(("127.0.0.1", port))
            .is_ok()
            .then_some(()))
    })?;
    Ok(running)
}

/// The gateway with TLS, fifty policies and records; with rules for masking where that is asked for.
fn gateway(target: u16, masks: bool) -> Result<Web> {
    let mut policies = sluice_tests::web::POLICIES.to_owned();
    for n in 0..OTHER_POLICIES {
        let _ = writeln!(
            policies,
            "permit (principal in Group::\"analysts\", action == Action::\"http:put\", resource in Endpoint::\"reports/other{n}\");"
        );
    }
    let people =
        "kind: User\nname: ada\ngroups: [analysts]\n---\nkind: User\nname: bob\ngroups: [leads]\n";
    let mut settings = Settings {
        profile: Profile::Release,
        ..Settings::default()
    }
    .policies(&policies);
    if !masks {
        settings = settings.resource("world.yaml", people);
    }
    Web::start_with(
        &format!("{{address: '127.0.0.1:{target}', tls: disable}}"),
        "",
        settings,
    )
}

fn measure(folder: &Path, cell: &Cell, endpoint: &Endpoint) -> Result<Sample> {
    let log = folder.join("h2load.log");
    let _ = fs::remove_file(&log);
    let mut command = Command::new("h2load");
    command
        .args([
            cell.version,
            "-D",
            &SECONDS.to_string(),
            "--warm-up-time=1",
            "-t1",
        ])
        .args(["-c", &cell.clients.to_string(), "-m", "1"])
        .arg(format!("--log-file={}", log.display()));
    if let Some(token) = &endpoint.token {
        command.args(["-H", &format!("authorization: Bearer {token}")]);
    }
    let told = printed(command.arg(format!("{}{}", endpoint.base, cell.path)))?;
    let good = told.lines().find(|line| line.starts_with("status codes: "));
    let good = good.with_context(|| format!("h2load tells no status: {told}"))?;
    if !good.contains("0 3xx, 0 4xx, 0 5xx") {
        bail!("{} {}: {good}", cell.name, endpoint.name);
    }
    let finished = told
        .lines()
        .find_map(|line| line.strip_prefix("finished in "));
    let finished = finished.with_context(|| format!("h2load tells no rate: {told}"))?;
    let mut parts = finished.split(", ").skip(1);
    let requests = parts
        .next()
        .and_then(|p| p.strip_suffix(" req/s"))
        .and_then(|p| p.parse().ok());
    let megabytes = parts.next().map(rate).unwrap_or_default();
    let mut times: Vec<u64> = fs::read_to_string(&log)?
        .lines()
        .filter_map(|line| line.split('\t').nth(2)?.parse().ok())
        .collect();
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(Sample {
        requests: requests.context("a rate of requests")?,
        megabytes,
        median: at(50),
        late: at(99),
    })
}

/// `12.34MB/s` in megabytes.
fn rate(text: &str) -> f64 {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = if text.contains("GB") {
        1000.0
    } else if text.contains("KB") {
        0.001
    } else {
        1.0
    };
    number.parse::<f64>().unwrap_or_default() * unit
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn report(endpoints: &[Endpoint], samples: &BTreeMap<(usize, usize), Vec<Sample>>) {
    println!(
        "\n| cell | endpoint | requests/s | of nginx | MB/s | p50 µs | p99 µs |\n|---|---|---|---|---|---|---|"
    );
    for (c, cell) in CELLS.iter().enumerate() {
        let of = |e: usize, pick: fn(&Sample) -> f64| {
            let all = samples.get(&(c, e)).into_iter().flatten();
            middle(all.map(pick).collect())
        };
        for (e, endpoint) in endpoints.iter().enumerate() {
            println!(
                "| {} | {} | {:.0} | {:.2} | {:.0} | {:.0} | {:.0} |",
                cell.name,
                endpoint.name,
                of(e, |s| s.requests),
                of(e, |s| s.requests) / of(1, |s| s.requests).max(0.001),
                of(e, |s| s.megabytes),
                of(e, |s| s.median as f64),
                of(e, |s| s.late as f64),
            );
        }
    }
}

/// Memory with many connections that have asked once and wait.
fn waiting(web: &Web) -> Result<()> {
    let script: PathBuf = sluice_tests::cargo::root().join("tests/clients/web/waiting.py");
    let before = resident_kib(web.gateway.pid())?;
    let mut command = Command::new(clients::python_web()?);
    command
        .arg(script)
        .args([
            web.url("/small.json"),
            web.token.clone(),
            WAITING.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut waiting = Running::start(&mut command, "TERM")?;
    let (_stdin, stdout) = waiting.pipes().context("it has pipes")?;
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
    if line.trim() != "ready" {
        bail!("expected {WAITING} connections, got {line:?}");
    }
    let grown = resident_kib(web.gateway.pid())?.saturating_sub(before);
    println!(
        "\n{WAITING} waiting connections with TLS: {} MiB more, {:.1} KiB each",
        grown / 1024,
        grown as f64 / WAITING as f64
    );
    Ok(())
}
