//! `cargo xtask websocket`: the Autobahn suite against an echoing server, directly and through the gateway. What passes
//! directly has to pass through the gateway.

use crate::{packages, shell};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use sluice_tests::process::checked;
use sluice_tests::web::{Service, Web};
use sluice_tests::{Settings, cache};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

/// The suite and what it runs on, as they were last released for each other.
const SUITE: &[&str] = &["autobahntestsuite==0.8.2", "Twisted==20.3.0"];
/// All but those of compression, which is an extension that the gateway does not pass on.
const CASES: &[&str] = &[
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*",
];
/// Nobody is hidden anything, so that messages pass in fragments.
const CLEAR: &str =
    "kind: User\nname: ada\ngroups: [analysts]\n---\nkind: User\nname: bob\ngroups: [leads]\n";

/// Texts of several megabytes in one line: where something has to be found in them, they are too long for that, and cut.
const TOO_LONG_TO_MASK: &[&str] = &["9.1.4", "9.1.5", "9.1.6", "9.3."];

/// Case by case: how it behaved.
type Results = BTreeMap<String, String>;

/// Whether a case passed. Not strict means that a message before a violation may be missing, which the suite lets pass.
fn passed(results: &Results, case: &str) -> bool {
    let good = ["OK", "NON-STRICT", "INFORMATIONAL"];
    results
        .get(case)
        .is_some_and(|behaviour| good.contains(&behaviour.as_str()))
}

/// Runs the suite three times and compares.
pub fn run() -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::CLIENTS])?;
    let service = Service::echo()?;
    let direct = suite("direct", service.plain)?;
    println!("direct: {} cases, {}", direct.len(), summary(&direct));
    let target = format!("{{address: '127.0.0.1:{}', tls: disable}}", service.plain);
    let clear = Settings::default().resource("world.yaml", CLEAR);
    let mut different = 0;
    for (name, more, settings) in [
        ("through the gateway", "", clear),
        (
            "through the gateway, masked",
            "strict_masking: false",
            Settings::default(),
        ),
    ] {
        let web = Web::start_with(&target, more, settings)?;
        let results = suite("gateway", with_token(&web)?)?;
        println!("{name}: {} cases, {}", results.len(), summary(&results));
        let masks = !more.is_empty();
        for (case, behaviour) in &results {
            let cut = masks
                && TOO_LONG_TO_MASK
                    .iter()
                    .any(|begins| case.starts_with(begins));
            if passed(&direct, case) != passed(&results, case) && !cut {
                different += 1;
                println!("  {case}: {behaviour}, directly {:?}", direct.get(case));
            }
        }
        if results.len() != direct.len() {
            bail!("{name}: not every case ran");
        }
    }
    println!("{different} differences");
    match different {
        0 => Ok(()),
        _ => bail!("{different} cases end in another way through the gateway"),
    }
}

fn summary(results: &Results) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for behaviour in results.values() {
        *counts.entry(behaviour).or_default() += 1;
    }
    let each = counts.iter().map(|(name, count)| format!("{count} {name}"));
    each.collect::<Vec<_>>().join(", ")
}

/// The suite's own folder of packages.
fn packages_of_suite() -> Result<PathBuf> {
    cache::prepared(
        &format!("autobahn-{}", cache::fingerprint(SUITE)),
        |folder| {
            let python = "python2.7";
            if !shell::exists(python, "--version") {
                bail!("the Autobahn suite runs in Python 2.7 alone; put a {python} into the PATH");
            }
            let mut install = Command::new(python);
            install.args(["-m", "pip", "install", "--quiet", "--target"]);
            checked(install.arg(folder).args(SUITE)).map(drop)
        },
    )
}

/// Runs it against a port, and gives how each case ended.
fn suite(agent: &str, port: u16) -> Result<Results> {
    let packages = packages_of_suite()?;
    let folder = tempfile::tempdir()?;
    let spec = json!({
        "outdir": folder.path().join("reports"),
        "servers": [{"agent": agent, "url": format!("ws://127.0.0.1:{port}/c/reports/echo")}],
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let path = folder.path().join("spec.json");
    fs::write(&path, spec.to_string())?;
    // Packages that share a namespace are found as in a folder of a site.
    let start = "import os, site; site.addsitedir(os.environ['SUITE']); from autobahntestsuite.wstest import run; run()";
    let mut wstest = Command::new("python2.7");
    wstest
        .env("SUITE", packages)
        .env("PYTHONWARNINGS", "ignore");
    wstest
        .args(["-c", start, "-m", "fuzzingclient", "-s"])
        .arg(&path);
    checked(&mut wstest)?;
    let index = fs::read_to_string(folder.path().join("reports/index.json"))?;
    let index: Value = serde_json::from_str(&index)?;
    let cases = index.get(agent).and_then(Value::as_object);
    let cases = cases.context("results of the agent")?;
    let behaviour = |case: &Value| {
        let behaviour = case.get("behavior").and_then(Value::as_str);
        behaviour.unwrap_or_default().to_owned()
    };
    let each = cases
        .iter()
        .map(|(name, case)| (name.clone(), behaviour(case)));
    Ok(each.collect())
}

/// A port that leads to the gateway, and puts the caller's token into each request: the suite knows of none.
fn with_token(web: &Web) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let (gateway, token) = (web.gateway.web_port, web.token.clone());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let token = token.clone();
            thread::spawn(move || forward(client, gateway, &token));
        }
    });
    Ok(port)
}

fn forward(mut client: TcpStream, gateway: u16, token: &str) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.extend_from_slice(&byte);
    }
    head.truncate(head.len() - 2);
    head.extend_from_slice(format!("authorization: Bearer {token}\r\n\r\n").as_bytes());
    let mut server = TcpStream::connect(("127.0.0.1", gateway)).ok()?;
    server.set_nodelay(true).ok()?;
    client.set_nodelay(true).ok()?;
    server.write_all(&head).ok()?;
    let (mut back, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut client, &mut server);
    server.shutdown(std::net::Shutdown::Write).ok()
}
