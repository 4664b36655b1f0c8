//! `cargo xtask suites`: the drivers' own test suites, directly and through the gateway with a policy that lets
//! everything pass. What fails on one side only must be explained in `docs/driver-suites.md`.

mod outcome;
mod table;

use crate::{packages, shell};
use anyhow::{Context, Result, bail};
use outcome::{Outcome, explained, read, stands_for};
use sluice_tests::cargo::Profile;
use sluice_tests::postgres::{PASSWORD, Postgres, SUPERUSER, Version};
use sluice_tests::process::{Running, checked, wait_within};
use sluice_tests::wire::PLAINTEXT;
use sluice_tests::{Gateway, Settings, cache};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use table::{DATABASE, SUITES, Suite};

/// How long one run of a suite may take; the slowest takes two minutes on two cores.
const PATIENCE: Duration = Duration::from_secs(900);
/// What the tests of two-phase commits need.
const SERVER_SETTINGS: &[&str] = &["max_prepared_transactions=10"];
/// Where differences are explained.
const DOCS: &str = "docs/driver-suites.md";

/// Where a suite connects.
struct Side {
    name: &'static str,
    port: u16,
    password: String,
}

impl Side {
    fn fill(&self, template: &str) -> String {
        template
            .replace("{port}", &self.port.to_string())
            .replace("{user}", SUPERUSER)
            .replace("{password}", &self.password)
            .replace("{database}", DATABASE)
    }
}

/// Runs the suites whose package name begins with `wanted` on fresh servers. An error when a test fails on one
/// side only and the docs do not say why.
pub fn run(wanted: &str) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::POSTGRES, packages::CLIENTS])?;
    let docs = fs::read_to_string(shell::root().join(DOCS))?;
    let mut unexplained = 0;
    for suite in SUITES
        .iter()
        .filter(|suite| suite.package.starts_with(wanted))
    {
        println!("\n{}", suite.package);
        let direct = on_fresh_server(suite, false)?;
        let through = on_fresh_server(suite, true)?;
        unexplained += compare(&direct, &through, &explained(&docs, suite.package));
    }
    if unexplained > 0 {
        bail!("{unexplained} differences are not explained in {DOCS}");
    }
    Ok(())
}

/// Prints what differs, and counts what is not explained.
fn compare(direct: &Outcome, through: &Outcome, explained: &[String]) -> usize {
    let only_through = through.failed.difference(&direct.failed);
    let only_directly = direct.failed.difference(&through.failed);
    let sides = only_through
        .map(|test| ("through the gateway", test))
        .chain(only_directly.map(|test| ("directly", test)));
    let mut unexplained = 0;
    for (side, test) in sides {
        let is_explained = explained.iter().any(|pattern| stands_for(pattern, test));
        unexplained += usize::from(!is_explained);
        let mark = if is_explained {
            "explained"
        } else {
            "NOT EXPLAINED"
        };
        println!("  fails only {side} ({mark}): {test}");
    }
    unexplained
}

fn on_fresh_server(suite: &Suite, through_gateway: bool) -> Result<Outcome> {
    let server = Postgres::start_version(Version::System, SERVER_SETTINGS)?;
    for sql in suite.sql {
        checked(Command::new("psql").args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &format!(
                "host=127.0.0.1 port={} dbname={DATABASE} user={SUPERUSER} password={PASSWORD}",
                server.port()
            ),
            "-c",
            sql,
        ]))?;
    }
    let gateway = through_gateway
        .then(|| start_gateway(suite, &server))
        .transpose()?;
    let side = match &gateway {
        None => Side {
            name: "directly",
            port: server.port(),
            password: PASSWORD.to_owned(),
        },
        Some(gateway) => Side {
            name: "through the gateway",
            port: gateway.port,
            password: gateway.token("user:tester")?,
        },
    };
    let outcome = once(suite, &side)?;
    println!("  {}: {}", side.name, outcome.totals);
    Ok(outcome)
}

fn start_gateway(suite: &Suite, server: &Postgres) -> Result<Gateway> {
    let mut resources = "kind: User\nname: tester\ngroups: [testers]\n".to_owned();
    for database in suite.databases.iter().chain(&[DATABASE]) {
        write!(
            resources,
            "---\nkind: Connection\nname: {database}\nprotocol: postgres\nenvironment: test\n\
             target: {{address: 127.0.0.1:5432, database: {database}, tls: disable}}\n\
             accounts:\n  - {{name: postgres, default: true, username: postgres, password: {{env: SHOP_APP_PASSWORD}}}}\n"
        )?;
    }
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        profile: Profile::Dev,
        ..Settings::default()
    };
    let settings = settings
        .policies("@id(\"all\") permit (principal, action, resource);")
        .resource("shop.yaml", &resources)
        .resource("data-classes.yaml", "");
    Gateway::start(server, settings)
}

/// The folder with the suite's source, and a Python that has what it needs.
fn prepare(suite: &Suite) -> Result<(PathBuf, PathBuf)> {
    let mut parts = vec![suite.package];
    parts.extend(suite.needs);
    parts.extend(suite.unbuilt);
    let folder = cache::prepared(&format!("suite-{}", cache::fingerprint(&parts)), |folder| {
        checked(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(folder.join("env")),
        )?;
        let pip = |arguments: &[&str]| {
            checked(
                Command::new(folder.join("env/bin/python"))
                    .current_dir(folder)
                    .args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
                    .args(arguments),
            )
        };
        pip(&[&["install"], suite.needs].concat())?;
        pip(&[
            "download",
            "--no-deps",
            "--no-binary",
            ":all:",
            suite.package,
        ])?;
        let archive = fs::read_dir(folder)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "gz"))
            .context("pip left no source archive")?;
        fs::create_dir(folder.join("source"))?;
        checked(
            Command::new("tar")
                .arg("xzf")
                .arg(archive)
                .arg("-C")
                .arg(folder.join("source"))
                .arg("--strip-components=1"),
        )?;
        for name in suite.unbuilt {
            let _ = fs::remove_dir_all(folder.join("source").join(name));
        }
        Ok(())
    })?;
    Ok((folder.join("source"), folder.join("env/bin/python")))
}

fn once(suite: &Suite, side: &Side) -> Result<Outcome> {
    let (source, python) = prepare(suite)?;
    // The whole output stays in the cache, for whoever asks why.
    let name = format!("{} {}.log", suite.package, side.name).replace([' ', '='], "-");
    let path = cache::folder()?.join(name);
    let log = fs::File::create(&path)?;
    let mut command = Command::new(python);
    command
        .current_dir(&source)
        .arg("-m")
        .args(suite.run.iter().map(|part| side.fill(part)))
        .env("PGSSLMODE", "disable")
        .env("PGGSSENCMODE", "disable")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    for (name, template) in suite.environment {
        command.env(name, side.fill(template));
    }
    let mut running = Running::start(&mut command, "KILL")?;
    wait_within(PATIENCE, "the end of the suite", || running.ended())?;
    Ok(read(&String::from_utf8_lossy(&fs::read(path)?)))
}
