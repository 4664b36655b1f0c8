//! The real `sluice` binary on free loopback ports, in a directory of its own.

use crate::cargo::{self, Profile};
use crate::postgres::{PASSWORD, Postgres};
use crate::process::{Running, checked, free_port, printed, wait_for};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Where the sample resources say that the target is; the harness puts the private server's address there.
const SAMPLE_TARGET: &str = "127.0.0.1:5432";

/// How to start it; the default is the demo's own resources in front of one server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which build.
    pub profile: Profile,
    /// Files of the resources directory that replace the demo's (by name) or stand beside them.
    pub resources: Vec<(String, String)>,
    /// More lines for `sluice.yaml`.
    pub config: String,
    /// The port that the target is reached at, when it is not the server's own (a tap in between).
    pub target_port: Option<u16>,
    /// More environment for the process.
    pub environment: Vec<(String, String)>,
    /// A program that starts it and becomes it, with its arguments.
    pub launcher: Vec<String>,
    /// The authority of the certificate that `config` gives it, when that is not its own.
    pub authority: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Dev,
            resources: Vec::new(),
            config: String::new(),
            target_port: None,
            environment: Vec::new(),
            launcher: Vec::new(),
            authority: None,
        }
    }
}

impl Settings {
    /// With this file in the resources directory.
    #[must_use]
    pub fn resource(mut self, file: &str, text: &str) -> Self {
        self.resources.push((file.to_owned(), text.to_owned()));
        self
    }

    /// The demo's, but that a held operation waits for a second only.
    pub fn short_holds() -> Result<Self> {
        let shop = fs::read_to_string(cargo::root().join("demo/resources/shop.yaml"))?;
        let shop = format!("{shop}hold_timeout_seconds: 1\n");
        Ok(Self::default().resource("shop.yaml", &shop))
    }

    /// With these policies instead of the demo's.
    #[must_use]
    pub fn policies(self, text: &str) -> Self {
        self.resource("policies.cedar", text)
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    // Dropped in this order: the process ends before its files go.
    server: Running,
    binary: PathBuf,
    home: TempDir,
    /// The PostgreSQL listener's port.
    pub port: u16,
    /// The HTTPS listener's port.
    pub https_port: u16,
    /// The port of the listener for services.
    pub web_port: u16,
    environment: Vec<(String, String)>,
    launcher: Vec<String>,
    authority: Option<PathBuf>,
}

impl Gateway {
    /// Starts it in front of `target`, with the demo's resources, and waits until it is ready.
    pub fn start(target: &Postgres, settings: Settings) -> Result<Self> {
        let port = settings.target_port.unwrap_or(target.port());
        let resources = sample_resources(port, &settings.resources)?;
        Self::start_with(&resources, settings)
    }

    /// Starts it with these resources alone and waits until it is ready.
    pub fn start_with(resources: &[(String, String)], settings: Settings) -> Result<Self> {
        let binary = cargo::sluice(settings.profile)?;
        let home = tempfile::Builder::new()
            .prefix("sluice-gateway-")
            .tempdir()?;
        let (port, https_port, web_port) = (free_port()?, free_port()?, free_port()?);
        let folder = home.path().join("resources");
        fs::create_dir_all(&folder)?;
        for (name, text) in resources {
            fs::write(folder.join(name), text)?;
        }
        fs::write(
            home.path().join("sluice.yaml"),
            format!(
                "data_dir: ./data\nlisten: {{postgres: 127.0.0.1:{port}, https: 127.0.0.1:{https_port}, \
                 http: 127.0.0.1:{web_port}}}\nresources: ./resources\n{}",
                settings.config
            ),
        )?;
        let mut environment = vec![
            ("SHOP_APP_PASSWORD".to_owned(), PASSWORD.to_owned()),
            ("SHOP_OWNER_PASSWORD".to_owned(), PASSWORD.to_owned()),
        ];
        environment.extend(settings.environment);
        let launcher = settings.launcher;
        let server = serve(&launcher, &binary, home.path(), &environment)?;
        let mut gateway = Self {
            server,
            binary,
            home,
            port,
            https_port,
            web_port,
            environment,
            launcher,
            authority: settings.authority,
        };
        gateway.wait_until_ready()?;
        Ok(gateway)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let log = self.home.path().join("log");
        wait_for("the gateway to be ready", || {
            if let Some(status) = self.server.ended()? {
                let said = fs::read_to_string(&log).unwrap_or_default();
                bail!("the gateway ended at once ({status}):\n{said}");
            }
            let answer = self.https("/readyz");
            Ok(answer.is_ok().then_some(()))
        })
    }

    /// Starts it again in the same directory after it ended.
    pub fn restart(&mut self) -> Result<()> {
        self.server.stop();
        self.server = serve(
            &self.launcher,
            &self.binary,
            self.home.path(),
            &self.environment,
        )?;
        self.wait_until_ready()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The process itself, to signal it.
    pub fn process(&mut self) -> &mut Running {
        &mut self.server
    }

    /// Its directory: `sluice.yaml`, `resources/`, `data/`, `log`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The binary itself.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The certificate of the authority to trust, its own or the one of its settings, for clients.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        let own = || self.home.path().join("data/ca.pem");
        self.authority.clone().unwrap_or_else(own)
    }

    /// What it has logged.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.home.path().join("log"))?).into_owned())
    }

    /// Writes one file of the resources directory, as an operator's editor would.
    pub fn write_resource(&self, file: &str, text: &str) -> Result<()> {
        fs::write(self.home.path().join("resources").join(file), text)?;
        Ok(())
    }

    /// A `sluice` command of the local admin, such as `["token", "list"]`.
    #[must_use]
    pub fn sluice(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        let mut arguments = arguments.iter();
        command.args(arguments.next());
        command
            .arg("--config")
            .arg(self.home.path().join("sluice.yaml"));
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env_remove("SLUICE_URL")
            .envs(self.authority.iter().map(|file| ("SLUICE_CA", file)));
        command
    }

    /// A `sluice` command of somebody with a token, over the HTTPS API.
    #[must_use]
    pub fn sluice_as(&self, token: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env(
                "SLUICE_URL",
                format!("https://127.0.0.1:{}", self.https_port),
            )
            .env("SLUICE_TOKEN", token)
            .env("SLUICE_CA", self.authority());
        command
    }

    /// What a `sluice` command of the local admin prints.
    pub fn admin(&self, arguments: &[&str]) -> Result<String> {
        printed(&mut self.sluice(arguments))
    }

    /// What it prints with `--json`.
    pub fn admin_json(&self, arguments: &[&str]) -> Result<serde_json::Value> {
        let mut with_json = arguments.to_vec();
        with_json.push("--json");
        let text = self.admin(&with_json)?;
        serde_json::from_str(&text).with_context(|| format!("expected JSON, got {text:?}"))
    }

    /// A new token for a principal such as `user:ada`.
    pub fn token(&self, principal: &str) -> Result<String> {
        let secret = self.admin(&["token", "create", "--for", principal, "--ttl", "1h"])?;
        Ok(secret.trim_end().to_owned())
    }

    /// A connection string for `database` (a connection's name, or `connection/database`).
    #[must_use]
    pub fn address(&self, database: &str, account: &str) -> String {
        format!(
            "host=127.0.0.1 port={} dbname={database} user={account} sslmode=verify-full sslrootcert={} gssencmode=disable",
            self.port,
            self.authority().display()
        )
    }

    /// `psql` to the connection `shop` with the account `app`, without a start file, unaligned and headerless.
    #[must_use]
    pub fn psql_command(&self, token: &str) -> Command {
        let mut command = Command::new("psql");
        command
            .args([
                "-XAt",
                "-v",
                "VERBOSITY=verbose",
                "-d",
                &self.address("shop", "app"),
            ])
            .env("PGPASSWORD", token)
            .stdin(Stdio::null());
        command
    }

    /// Runs SQL through `psql`, each text as its own `-c`.
    pub fn psql(&self, token: &str, sql: &[&str]) -> Result<Output> {
        let mut command = self.psql_command(token);
        for text in sql {
            command.args(["-c", text]);
        }
        command
            .output()
            .context("cannot start psql; install postgresql-client")
    }

    /// What one statement prints through `psql`; an error carries what `psql` said.
    pub fn answer(&self, token: &str, sql: &str) -> Result<String> {
        let text = printed(self.psql_command(token).args(["-q", "-c", sql]))?;
        Ok(text.trim_end().to_owned())
    }

    /// What one statement is refused with; an error when it is not.
    pub fn refusal(&self, token: &str, sql: &str) -> Result<String> {
        let output = self.psql(token, &[sql])?;
        if output.status.success() {
            bail!(
                "{sql:?} was not refused but printed {:?}",
                String::from_utf8_lossy(&output.stdout)
            );
        }
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The body of one page of the HTTPS listener; an error unless it answers 200.
    pub fn https(&self, path: &str) -> Result<String> {
        printed(
            Command::new("curl")
                .args(["-sS", "--fail", "--max-time", "10", "--cacert"])
                .arg(self.authority())
                .arg(format!("https://127.0.0.1:{}{path}", self.https_port)),
        )
        .context("curl is needed; install curl")
    }

    /// Waits until one request for approval is pending and gives its id.
    pub fn pending_approval(&self) -> Result<String> {
        wait_for("a pending approval", || {
            // What was approved for a session that lives is listed as well.
            let listed = self.admin_json(&["approvals"])?;
            let mut listed = listed["approvals"].as_array().into_iter().flatten();
            Ok(listed
                .find(|request| request["state"] == "pending")
                .and_then(|request| request["id"].as_str())
                .map(str::to_owned))
        })
    }

    /// Proves the records offline and gives what that printed.
    pub fn verify(&self) -> Result<Output> {
        checked(&mut self.sluice(&["audit", "verify"]))
    }
}

/// The demo's resources with some replaced, in front of this port.
fn sample_resources(
    target_port: u16,
    replaced: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let private = format!("127.0.0.1:{target_port}");
    let mut all = Vec::new();
    for entry in fs::read_dir(cargo::root().join("demo/resources"))? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?;
        let name = name.to_string_lossy().into_owned();
        all.push((name, fs::read_to_string(&path)?));
    }
    // Later ones take the place of those with the same name.
    all.extend_from_slice(replaced);
    for (_, text) in &mut all {
        *text = text.replace(SAMPLE_TARGET, &private);
    }
    Ok(all)
}

fn serve(
    launcher: &[String],
    binary: &Path,
    home: &Path,
    environment: &[(String, String)],
) -> Result<Running> {
    use std::os::unix::process::CommandExt as _;
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.join("log"))?;
    let mut command = match launcher {
        [] => Command::new(binary),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    command
        .args(["serve", "--config"])
        .arg(home.join("sluice.yaml"))
        .current_dir(home)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    Running::start(&mut command, "TERM")
}
