//! `cargo xtask suites`: the drivers' own test suites, directly and through the gateway with a policy that lets
//! everything pass. What fails on one side only is printed; `docs/driver-suites.md` explains what is left.

use crate::packages;
use anyhow::{Context, Result};
use sluice_tests::cargo::Profile;
use sluice_tests::postgres::{PASSWORD, Postgres, SUPERUSER};
use sluice_tests::process::checked;
use sluice_tests::wire::PLAINTEXT;
use sluice_tests::{Gateway, Settings, cache};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One suite.
struct Suite {
    /// The package and its version on PyPI.
    package: &'static str,
    /// What it needs besides itself.
    needs: &'static [&'static str],
    /// The arguments after `python -m`, in the folder of its source.
    run: &'static [&'static str],
    /// Variables that say where the server is, filled in by [`Side::fill`].
    environment: &'static [(&'static str, &'static str)],
}

const SUITES: &[Suite] = &[
    Suite {
        package: "psycopg2==2.9.13",
        needs: &["psycopg2-binary==2.9.13"],
        run: &["unittest", "-v", "tests.test_suite"],
        environment: &[
            ("PSYCOPG2_TESTDB", "{database}"),
            ("PSYCOPG2_TESTDB_HOST", "127.0.0.1"),
            ("PSYCOPG2_TESTDB_PORT", "{port}"),
            ("PSYCOPG2_TESTDB_USER", "{user}"),
            ("PSYCOPG2_TESTDB_PASSWORD", "{password}"),
        ],
    },
    Suite {
        package: "pg8000==1.31.6",
        needs: &[
            "pg8000==1.31.6",
            "pytest",
            "pytest-mock",
            "pytest-benchmark",
            "pytz",
        ],
        run: &["pytest", "-q", "-rfE", "--tb=no", "test"],
        environment: &[
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", "{port}"),
            ("PGUSER", "{user}"),
            ("PGPASSWORD", "{password}"),
            ("PGDATABASE", "{database}"),
        ],
    },
    Suite {
        package: "asyncpg==0.32.0",
        needs: &["asyncpg==0.32.0", "pytest"],
        run: &[
            "pytest",
            "-q",
            "-rfE",
            "--tb=no",
            "-p",
            "no:cacheprovider",
            "tests",
        ],
        environment: &[
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", "{port}"),
            ("PGUSER", "{user}"),
            ("PGPASSWORD", "{password}"),
            ("PGDATABASE", "{database}"),
        ],
    },
];

/// Where a suite connects.
struct Side {
    name: &'static str,
    port: u16,
    user: &'static str,
    password: String,
    database: &'static str,
}

impl Side {
    fn fill(&self, template: &str) -> String {
        template
            .replace("{port}", &self.port.to_string())
            .replace("{user}", self.user)
            .replace("{password}", &self.password)
            .replace("{database}", self.database)
    }
}

/// What a run ended with.
struct Outcome {
    totals: String,
    failed: BTreeSet<String>,
}

/// Runs the suites whose package name begins with `wanted` on fresh servers.
pub fn run(wanted: &str) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::POSTGRES, packages::CLIENTS])?;
    for suite in SUITES
        .iter()
        .filter(|suite| suite.package.starts_with(wanted))
    {
        println!("\n{}", suite.package);
        let mut outcomes = Vec::new();
        for through_gateway in [false, true] {
            let server = Postgres::start()?;
            server.superuser_sql("ALTER ROLE postgres SET search_path TO public; CREATE EXTENSION IF NOT EXISTS hstore")
                .or_else(|_| server.superuser_sql("SELECT 1"))?;
            let gateway = through_gateway
                .then(|| start_gateway(&server))
                .transpose()?;
            let side = side(&server, gateway.as_ref())?;
            let outcome = once(suite, &side)?;
            println!("  {}: {}", side.name, outcome.totals);
            outcomes.push(outcome);
        }
        if let [direct, through] = outcomes.as_slice() {
            for test in through.failed.difference(&direct.failed) {
                println!("  only through the gateway: {test}");
            }
            for test in direct.failed.difference(&through.failed) {
                println!("  only directly: {test}");
            }
        }
    }
    Ok(())
}

fn side(server: &Postgres, gateway: Option<&Gateway>) -> Result<Side> {
    Ok(match gateway {
        None => Side {
            name: "directly",
            port: server.port(),
            user: SUPERUSER,
            password: PASSWORD.to_owned(),
            database: "shop",
        },
        Some(gateway) => Side {
            name: "through the gateway",
            port: gateway.port,
            user: SUPERUSER,
            password: gateway.token("user:tester")?,
            database: "shop",
        },
    })
}

fn start_gateway(server: &Postgres) -> Result<Gateway> {
    let connection = "kind: Connection\nname: shop\nprotocol: postgres\nenvironment: test\n\
                      target: {address: 127.0.0.1:5432, database: shop, tls: disable}\n\
                      accounts:\n  - {name: postgres, default: true, username: postgres, password: {env: SHOP_APP_PASSWORD}}\n\
                      ---\nkind: User\nname: tester\ngroups: [testers]\n";
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        profile: Profile::Dev,
        ..Settings::default()
    };
    let settings = settings
        .policies("@id(\"all\") permit (principal, action, resource);")
        .resource("shop.yaml", connection)
        .resource("data-classes.yaml", "");
    Gateway::start(server, settings)
}

/// The folder with the suite's source, and a Python that has what it needs.
fn prepare(suite: &Suite) -> Result<(PathBuf, PathBuf)> {
    let mut parts = vec![suite.package];
    parts.extend(suite.needs);
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
        // The installed package is what is tested, not the unbuilt one beside the tests.
        for name in ["asyncpg", "src", "lib"] {
            let _ = fs::remove_dir_all(folder.join("source").join(name));
        }
        Ok(())
    })?;
    Ok((folder.join("source"), folder.join("env/bin/python")))
}

fn once(suite: &Suite, side: &Side) -> Result<Outcome> {
    let (source, python) = prepare(suite)?;
    let mut command = Command::new(python);
    command
        .current_dir(&source)
        .arg("-m")
        .args(suite.run)
        .env("PGSSLMODE", "disable")
        .env("PGGSSENCMODE", "disable")
        .stdin(Stdio::null());
    for (name, template) in suite.environment {
        command.env(name, side.fill(template));
    }
    let output = command.output().context("cannot start the suite")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    keep(suite, side, &text)?;
    Ok(read(&text))
}

/// The whole output stays in the cache, for whoever asks why.
fn keep(suite: &Suite, side: &Side, text: &str) -> Result<()> {
    let name = format!("{} {}.log", suite.package, side.name).replace([' ', '='], "-");
    let path: &Path = &cache::folder()?.join(name);
    fs::write(path, text)?;
    Ok(())
}

/// Reads the last words and the failed tests of unittest and pytest.
fn read(text: &str) -> Outcome {
    let failed = text
        .lines()
        .filter_map(|line| {
            ["FAILED ", "ERROR ", "FAIL: ", "ERROR: "]
                .iter()
                .find_map(|mark| line.strip_prefix(mark))
        })
        // unittest's totals begin with the same word.
        .filter(|rest| !rest.starts_with('('))
        .map(|rest| rest.split(" - ").next().unwrap_or(rest).to_owned())
        .collect();
    let totals = text
        .lines()
        .rev()
        .filter(|line| {
            line.starts_with("Ran ")
                || line.starts_with("FAILED (")
                || line.starts_with("OK")
                || line.contains(" passed")
        })
        .take(2)
        .collect::<Vec<_>>()
        .join("; ");
    Outcome { totals, failed }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn check(text: &str, totals: &str, failed: &[&str]) {
        let outcome = read(text);
        assert_eq!(outcome.totals, totals);
        assert_eq!(
            outcome
                .failed
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            failed
        );
    }

    #[test]
    fn both_runners_are_read() {
        check(
            "FAIL: test_a (tests.A)\n----\nRan 7 tests in 1.0s\n\nFAILED (failures=1)\n",
            "FAILED (failures=1); Ran 7 tests in 1.0s",
            &["test_a (tests.A)"],
        );
        check(
            "FAILED test/a.py::b - AssertionError\n1 failed, 6 passed in 2s\n",
            "1 failed, 6 passed in 2s",
            &["test/a.py::b"],
        );
    }
}
