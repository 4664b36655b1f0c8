//! Services behind the gateway: a real one in Node, one that is a script of bytes, and clients that send bytes.

use crate::process::{Running, checked, printed, wait_for};
use crate::wire::PLAINTEXT;
use crate::{Gateway, Settings, cargo, clients};
use anyhow::{Context, Result, bail};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The target's own credential.
pub const SECRET: &str = "reports-secret";
/// The domain whose names are those of connections.
pub const DOMAIN: &str = "gateway.test";

/// Who there is, what is sensitive, and who may do what.
const WORLD: &str = r#"
kind: User
name: ada
groups: [analysts]
---
kind: User
name: bob
groups: [leads]
---
kind: User
name: eve
groups: []
---
kind: DataClass
name: contact
fields: [email]
detectors: [email]
mask: redact
---
kind: DataClass
name: number
fields: [ssn]
detectors: [us_ssn]
mask: redact
"#;

/// What analysts may do.
pub const POLICIES: &str = r#"
permit (principal in Group::"analysts", action == Action::"connect", resource);
permit (principal in Group::"analysts", action in [Action::"http:get", Action::"http:head", Action::"http:options", Action::"http:upgrade"], resource);
permit (principal in Group::"analysts", action == Action::"http:post", resource) unless { context.http.path == "/run" };
permit (principal in Group::"analysts", action == Action::"http:post", resource)
when { context.http.path == "/run" && context.approved_by.contains(Group::"leads") };
@id("no-admin")
@message("nobody administers the service through the gateway")
forbid (principal, action, resource in Endpoint::"reports/admin");
@id("no-forbidden-call")
forbid (principal, action, resource in Endpoint::"reports/shop.Echo/Forbidden");
permit (principal in Group::"admins", action == Action::"watch", resource);
"#;

/// A service in a process of its own.
#[derive(Debug)]
pub struct Service {
    _process: Running,
    _stdin: ChildStdin,
    /// Its port in the clear.
    pub plain: u16,
    /// Its port with TLS, if it has a certificate.
    pub secure: u16,
}

impl Service {
    /// The one in Node; with a key and a certificate also over TLS and HTTP/2.
    ///
    /// # Errors
    /// Node is missing.
    pub fn start(certificate: &[&str]) -> Result<Self> {
        let script = cargo::root().join("tests/clients/web/service.mjs");
        let mut command = Command::new("node");
        command.arg(script).args(certificate);
        Self::of(command).context("node is needed; install npm")
    }

    /// The one that speaks gRPC.
    ///
    /// # Errors
    /// Python is missing.
    pub fn grpc() -> Result<Self> {
        let mut command = Command::new(clients::python_web()?);
        command.arg(cargo::root().join("tests/clients/web/grpc_service.py"));
        Self::of(command)
    }

    /// The one that echoes messages of WebSockets.
    ///
    /// # Errors
    /// Python is missing.
    pub fn echo() -> Result<Self> {
        let mut command = Command::new(clients::python_web()?);
        command.arg(cargo::root().join("tests/clients/web/echo.py"));
        Self::of(command)
    }

    fn of(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Running::start(&mut command, "TERM")?;
        let (stdin, stdout) = process.pipes().context("it has pipes")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let mut ports = line.split_whitespace().map(str::parse);
        let (Some(Ok(plain)), Some(Ok(secure))) = (ports.next(), ports.next()) else {
            bail!("expected two ports, got {line:?}");
        };
        Ok(Self {
            _process: process,
            _stdin: stdin,
            plain,
            secure,
        })
    }
}

/// What a script answers to everything that has come on a connection so far, whenever more comes.
type Answering = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A target that keeps every byte and answers as it is told.
pub struct Script {
    port: u16,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    ended: Arc<AtomicBool>,
}

impl Script {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// There is none.
    pub fn start(
        answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let script = Self {
            port: listener.local_addr()?.port(),
            received: Arc::default(),
            ended: Arc::default(),
        };
        let answer: Arc<Answering> = Arc::new(Box::new(answer));
        let (received, ended) = (Arc::clone(&script.received), Arc::clone(&script.ended));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let number = received.lock().map_or(0, |mut all| {
                    all.push(Vec::new());
                    all.len() - 1
                });
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                thread::spawn(move || converse(stream, &received, number, &answer));
            }
        });
        Ok(script)
    }

    /// Answers every request with this, once its head and body are there.
    ///
    /// # Errors
    /// There is no port.
    pub fn always(answer: &'static str) -> Result<Self> {
        Self::start(move |received| {
            let text = String::from_utf8_lossy(received);
            let (head, body) = text.rsplit_once("\r\n\r\n")?;
            let last = head.rsplit("\r\n\r\n").next()?;
            let length = last
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "));
            let length = length.and_then(|l| l.parse().ok()).unwrap_or(0);
            let whole = body.len() >= length || last.contains("chunked") && body.is_empty();
            whole.then(|| answer.as_bytes().to_vec())
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything that reached it, one text for each connection.
    #[must_use]
    pub fn received(&self) -> Vec<String> {
        let all = self.received.lock();
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        all.map_or_else(|_| Vec::new(), |all| all.iter().map(text).collect())
    }

    /// How many bytes reached it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.received().iter().map(String::len).sum()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
    }
}

fn converse(
    mut stream: TcpStream,
    received: &Mutex<Vec<Vec<u8>>>,
    number: usize,
    answer: &Answering,
) {
    let mut buffer = [0; 16 * 1024];
    let mut own = Vec::new();
    while let Ok(length) = stream.read(&mut buffer) {
        if length == 0 {
            return;
        }
        own.extend_from_slice(buffer.get(..length).unwrap_or_default());
        if let Ok(mut all) = received.lock()
            && let Some(kept) = all.get_mut(number)
        {
            kept.clone_from(&own);
        }
        if let Some(bytes) = answer(&own)
            && stream.write_all(&bytes).is_err()
        {
            return;
        }
    }
}

/// A client that sends bytes in the clear.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// Connects to the gateway's listener for services.
    ///
    /// # Errors
    /// It does not listen.
    pub fn connect(gateway: &Gateway) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", gateway.web_port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self(stream))
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The gateway is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    /// Everything that comes until the gateway closes.
    ///
    /// # Errors
    /// It does not close in time.
    pub fn rest(&mut self) -> Result<String> {
        let mut all = Vec::new();
        match self.0.read_to_end(&mut all) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => return Err(error.into()),
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }

    /// What comes until it ends so.
    ///
    /// # Errors
    /// It does not come in time.
    pub fn until(&mut self, end: &str) -> Result<String> {
        let mut all = Vec::new();
        let mut byte = [0; 1];
        while !String::from_utf8_lossy(&all).ends_with(end) {
            if self.0.read(&mut byte)? == 0 {
                bail!("expected {end:?}, got {:?}", String::from_utf8_lossy(&all));
            }
            all.extend_from_slice(&byte);
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }
}

/// A gateway in front of a service that is called `reports`, and an analyst.
#[derive(Debug)]
pub struct Web {
    /// The gateway.
    pub gateway: Gateway,
    /// `user:ada`, an analyst.
    pub token: String,
}

impl Web {
    /// In front of this port in the clear. `more` are further lines of the connection.
    ///
    /// # Errors
    /// The gateway does not start.
    pub fn start(port: u16, more: &str) -> Result<Self> {
        let target = format!("{{address: '127.0.0.1:{port}', tls: disable}}");
        Self::start_with(&target, more, Settings::default())
    }

    /// In front of this target, with resources that replace or complete those of the world.
    ///
    /// # Errors
    /// The gateway does not start.
    pub fn start_with(target: &str, more: &str, settings: Settings) -> Result<Self> {
        let account = match more.contains("accounts:") {
            true => "",
            false => {
                "accounts: [{name: svc, default: true, credential: {bearer: {token: {env: REPORTS_SECRET}}}}]"
            }
        };
        let connection = format!(
            "kind: Connection\nname: reports\nprotocol: http\nenvironment: prod\ntarget: {target}\n{account}\n{more}\n"
        );
        let mut resources = vec![
            ("connection.yaml".to_owned(), connection),
            ("world.yaml".to_owned(), WORLD.to_owned()),
            ("policies.cedar".to_owned(), POLICIES.to_owned()),
        ];
        resources.extend_from_slice(&settings.resources);
        let mut environment = settings.environment.clone();
        environment.push(("REPORTS_SECRET".to_owned(), SECRET.to_owned()));
        let settings = Settings {
            config: format!("{PLAINTEXT}names: ['*.{DOMAIN}']\n{}", settings.config),
            environment,
            ..settings
        };
        let gateway = Gateway::start_with(&resources, settings)?;
        let token = gateway.token("user:ada")?;
        Ok(Self { gateway, token })
    }

    /// `curl` with the analyst's token for a path of the service.
    #[must_use]
    pub fn curl(&self, path: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--max-time", "30", "--cacert"])
            .arg(self.gateway.authority())
            .arg("--oauth2-bearer")
            .arg(&self.token)
            .args(arguments)
            .arg(self.url(path));
        command
    }

    /// Where a path of the service is.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!(
            "https://localhost:{}/c/reports{path}",
            self.gateway.web_port
        )
    }

    /// What `curl` prints.
    ///
    /// # Errors
    /// It fails.
    pub fn get(&self, path: &str, arguments: &[&str]) -> Result<String> {
        printed(&mut self.curl(path, arguments))
    }

    /// The status that `curl` is told, then the body.
    ///
    /// # Errors
    /// It fails.
    pub fn status(&self, path: &str, arguments: &[&str]) -> Result<(u16, String)> {
        let mut with_status = vec!["--write-out", "\n%{http_code}"];
        with_status.extend_from_slice(arguments);
        let text = self.get(path, &with_status)?;
        let (body, status) = text.rsplit_once('\n').context("curl prints a status")?;
        Ok((status.parse()?, body.to_owned()))
    }

    /// A request in bytes to the service, with the analyst's token; the head without its last line end.
    #[must_use]
    pub fn request(&self, line: &str, fields: &str) -> Vec<u8> {
        format!(
            "{line} HTTP/1.1\r\nhost: reports.{DOMAIN}\r\nauthorization: Bearer {}\r\n{fields}",
            self.token
        )
        .into_bytes()
    }

    /// What the gateway answers to these bytes, until it closes.
    ///
    /// # Errors
    /// It does not close.
    pub fn raw(&self, bytes: &[u8]) -> Result<String> {
        let mut raw = Raw::connect(&self.gateway)?;
        raw.send(bytes)?;
        raw.rest()
    }

    /// Runs a script of `tests/clients/web` and gives what it printed.
    ///
    /// # Errors
    /// It fails, with what it printed.
    pub fn run(&self, script: &str) -> Result<String> {
        let path = cargo::root().join("tests/clients/web").join(script);
        let program = match script.ends_with(".py") {
            true => clients::python_web()?,
            false => "node".into(),
        };
        printed(
            Command::new(program)
                .arg(path)
                .env("WEB_PORT", self.gateway.web_port.to_string())
                .env("WEB_HOST", format!("reports.{DOMAIN}"))
                .env("WEB_CA", self.gateway.authority())
                .env("NODE_EXTRA_CA_CERTS", self.gateway.authority())
                .env("REQUESTS_CA_BUNDLE", self.gateway.authority())
                .env("SSL_CERT_FILE", self.gateway.authority())
                .env("WEB_TOKEN", &self.token),
        )
    }

    /// A session of the analyst's that has this many events or more, when the record of it is written.
    ///
    /// # Errors
    /// There is none in time.
    pub fn replay(&self, arguments: &[&str], shows: &str) -> Result<String> {
        wait_for("the record of the session", || {
            let sessions = self.gateway.admin_json(&["sessions"])?;
            let list = sessions.as_array().or(sessions["sessions"].as_array());
            let ids = list.into_iter().flatten().filter_map(|s| s["id"].as_str());
            for id in ids {
                let text = self.gateway.admin(&[&["replay", id], arguments].concat())?;
                if text.contains(shows) {
                    return Ok(Some(text));
                }
            }
            Ok(None)
        })
    }

    /// Approves the only request that waits, as the lead.
    ///
    /// # Errors
    /// There is none.
    pub fn approve(&self) -> Result<Output> {
        let id = self.gateway.pending_approval()?;
        let bob = self.gateway.token("user:bob")?;
        checked(&mut self.gateway.sluice_as(&bob, &["approve", &id]))
    }
}
