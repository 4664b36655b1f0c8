//! The servers of the benchmark: one PostgreSQL, and every way to it.

use super::endpoint::Endpoint;
use crate::{packages, shell};
use anyhow::Result;
use serde_json::json;
use sluice_tests::cargo::Profile;
use sluice_tests::issuer::{AUDIENCE, ISSUER, Issuer};
use sluice_tests::postgres::{APP, PASSWORD, Postgres, SUPERUSER, Version};
use sluice_tests::process::{Running, checked, free_port, wait_for};
use sluice_tests::{Gateway, Settings};
use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// pgbench's scale: two million rows, all in memory.
const SCALE: &str = "20";

/// How many policies the gateway decides with.
const POLICIES: usize = 50;

/// Everything that runs during the benchmark.
pub struct Stage {
    /// The ways to the database; the first is the base of the ratios.
    pub endpoints: Vec<Endpoint>,
    /// The folder with the measuring clients.
    pub clients: PathBuf,
    // Dropped in this order: proxies first, then the server, then the files.
    _proxies: Vec<Running>,
    _gateway: Gateway,
    _server: Postgres,
    // Its keys are read when the first of its tokens comes.
    _issuer: Issuer,
    _home: TempDir,
}

impl Stage {
    /// Builds and starts everything, and loads the data.
    pub fn start() -> Result<Self> {
        packages::ensure(&[packages::BUILD, packages::POSTGRES, packages::BENCH])?;
        let home = tempfile::Builder::new().prefix("sluice-bench-").tempdir()?;
        let clients = home.path().join("bin");
        build_clients(&clients)?;
        let floor = build_floor()?;
        eprintln!("starting PostgreSQL and loading the data ...");
        let server = Postgres::start_version(
            Version::System,
            &[
                "shared_buffers=1GB",
                "max_connections=3500",
                "log_statement=none",
                "autovacuum=off",
                "max_wal_size=8GB",
            ],
        )?;
        load(&server)?;
        let certificate = copy_certificate(&server, home.path())?;
        let (floor, floor_port) = start_floor(&floor, &server, &certificate)?;
        let (bouncer, bouncer_port) = start_pgbouncer(&server, home.path(), &certificate)?;
        let issuer = Issuer::new()?;
        let gateway = start_gateway(&server, &issuer)?;
        let token = gateway.token("user:bench")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let jwt = issuer.token(&json!({"exp": now + 36_000}))?;
        let endpoint = |name: &str, port, user: &str, password: &str, pid| Endpoint {
            name: name.to_owned(),
            host: "127.0.0.1",
            port,
            user: user.to_owned(),
            password: password.to_owned(),
            database: "bench".to_owned(),
            pid,
            logins_only: false,
        };
        let endpoints = vec![
            endpoint("floor-tls", floor_port, APP, PASSWORD, Some(floor.pid())),
            endpoint("direct-tls", server.port(), APP, PASSWORD, None),
            endpoint(
                "pgbouncer-tls",
                bouncer_port,
                APP,
                PASSWORD,
                Some(bouncer.pid()),
            ),
            endpoint("sluice", gateway.port, "app", &token, Some(gateway.pid())),
            Endpoint {
                logins_only: true,
                ..endpoint("sluice-jwt", gateway.port, "app", &jwt, Some(gateway.pid()))
            },
        ];
        Ok(Self {
            endpoints,
            clients,
            _proxies: vec![floor, bouncer],
            _gateway: gateway,
            _server: server,
            _issuer: issuer,
            _home: home,
        })
    }
}

fn build_clients(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in ["churn", "drain", "idle"] {
        let source = shell::root().join(format!("benches/clients/{name}.c"));
        checked(
            Command::new("cc")
                .args(["-O2", "-pthread", "-I/usr/include/postgresql", "-o"])
                .arg(folder.join(name))
                .arg(source)
                .args(["-lpq", "-lssl", "-lcrypto"]),
        )?;
    }
    Ok(())
}

fn build_floor() -> Result<PathBuf> {
    shell::run(
        "cargo",
        &[
            "build",
            "--quiet",
            "--release",
            "--manifest-path",
            "benches/floor/Cargo.toml",
        ],
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| shell::root().join("benches/floor/target"), PathBuf::from);
    Ok(target.join("release/floor"))
}

fn load(server: &Postgres) -> Result<()> {
    server.superuser_sql(&format!("CREATE DATABASE bench OWNER {APP}"))?;
    let target = format!(
        "host=127.0.0.1 port={} dbname=bench user={APP} password={PASSWORD} sslmode=disable",
        server.port()
    );
    checked(Command::new("pgbench").args(["-i", "-q", "-s", SCALE, "--unlogged-tables", &target]))?;
    let sql = shell::root().join("benches/customers.sql");
    checked(
        Command::new("psql")
            .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", &target, "-f"])
            .arg(sql),
    )?;
    let superuser = target.replace(&format!("user={APP}"), &format!("user={SUPERUSER}"));
    checked(Command::new("psql").args(["-Xq", "-d", &superuser, "-c", "VACUUM ANALYZE"]))?;
    Ok(())
}

/// The server's own certificate and key, readable for the proxies.
fn copy_certificate(server: &Postgres, home: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (home.join("tls.crt"), home.join("tls.key"));
    fs::copy(server.certificate(), &certificate)?;
    fs::copy(server.certificate().with_extension("key"), &key)?;
    checked(Command::new("chmod").arg("-R").arg("a+rX").arg(home))?;
    Ok((certificate, key))
}

fn start_floor(
    program: &Path,
    server: &Postgres,
    (certificate, key): &(PathBuf, PathBuf),
) -> Result<(Running, u16)> {
    let port = free_port()?;
    let mut command = Command::new(program);
    command
        .args([
            format!("127.0.0.1:{port}"),
            format!("127.0.0.1:{}", server.port()),
        ])
        .arg(certificate)
        .arg(key);
    listening(Running::start(&mut command, "TERM")?, port)
}

fn start_pgbouncer(
    server: &Postgres,
    home: &Path,
    (certificate, key): &(PathBuf, PathBuf),
) -> Result<(Running, u16)> {
    let port = free_port()?;
    let users = home.join("users.txt");
    fs::write(&users, format!("\"{APP}\" \"{PASSWORD}\"\n"))?;
    let config = home.join("pgbouncer.ini");
    fs::write(
        &config,
        format!(
            "[databases]\nbench = host=127.0.0.1 port={} dbname=bench\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = session\n\
             max_client_conn = 3000\ndefault_pool_size = 1200\nserver_tls_sslmode = disable\n\
             client_tls_sslmode = require\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\n\
             ignore_startup_parameters = extra_float_digits\n",
            server.port(),
            users.display(),
            certificate.display(),
            key.display()
        ),
    )?;
    checked(Command::new("chmod").args(["a+r"]).arg(&config).arg(&users))?;
    let mut command = sluice_tests::postgres::as_server_user(Path::new("/usr/sbin/pgbouncer"))?;
    command
        .arg("-q")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    listening(Running::start(&mut command, "INT")?, port)
}

fn start_gateway(server: &Postgres, issuer: &Issuer) -> Result<Gateway> {
    let mut policies = String::from(
        "@id(\"bench\") permit (principal in Group::\"bench\", action, resource) unless { action == Action::\"reveal\" };\n",
    );
    for number in 1..POLICIES {
        let group = number % 9;
        let _ = writeln!(
            policies,
            "@id(\"rule-{number}\") permit (principal in Group::\"team-{group}\", action in Action::\"read\", \
             resource in Environment::\"stage-{number}\") when {{ context.clock.hour >= {} }};",
            number % 24
        );
    }
    let bench = "kind: Connection\nname: bench\nprotocol: postgres\nenvironment: prod\n\
                 target: {address: 127.0.0.1:5432, database: bench, tls: disable}\n\
                 accounts:\n  - {name: app, default: true, username: shop_app, password: {env: SHOP_APP_PASSWORD}}\n\
                 ---\nkind: User\nname: bench\ngroups: [bench]\n";
    let classes = "kind: DataClass\nname: ssn\ncolumns: [ssn]\nmask: {keep_last: 4}\n---\n\
                   kind: DataClass\nname: card\ncolumns: [card]\nmask: {keep_last: 4}\n---\n\
                   kind: DataClass\nname: email\ncolumns: [email]\nmask: {keep_first: 2}\n";
    let trust = format!(
        "kind: Service\nname: bench-job\n---\nkind: TrustedIssuer\nname: ci\nissuer: {ISSUER}\n\
         audiences: [{AUDIENCE:?}]\njwks_file: {}\nrules:\n  - when: repository == \"acme/reports\"\n    \
         service: bench-job\n    groups: [bench]\n",
        issuer.keys().display()
    );
    let settings = Settings {
        profile: Profile::Release,
        ..Settings::default()
    };
    let settings = settings
        .resource("trust.yaml", &trust)
        .policies(&policies)
        .resource("bench.yaml", bench)
        .resource("data-classes.yaml", classes);
    Gateway::start(server, settings)
}

fn listening(process: Running, port: u16) -> Result<(Running, u16)> {
    wait_for("a proxy to listen", || {
        Ok(TcpStream::connect(("127.0.0.1", port))
            .is_ok()
            .then_some(()))
    })?;
    Ok((process, port))
}
