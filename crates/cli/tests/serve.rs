//! The gateway's life as an operator sees it: first start, local admin, tokens, reload, stop, verify.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long the gateway may take to start or stop on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

const RESOURCES: &str = "\
kind: Connection
name: shop
protocol: postgres
environment: prod
target: {address: '127.0.0.1:1', database: shop, tls: disable}
accounts:
  - {name: app, default: true, username: shop_app}
---
kind: User
name: ada
groups: [engineering]
";

const POLICY: &str = "@id(\"eng-connects\")\npermit (principal in Group::\"engineering\", action == Action::\"connect\", resource);\n";

/// A gateway in a directory of its own; stopped when dropped.
struct Gateway {
    home: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself, which is what the tests want.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(home: &Path, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.args(line).current_dir(home).stdin(Stdio::null());
    for name in ["SLUICE_URL", "SLUICE_TOKEN", "SLUICE_CA"] {
        command.env_remove(name);
    }
    command
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Gateway {
    fn start() -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let port = free_port()?;
        let clients = free_port()?;
        fs::write(
            home.path().join("sluice.yaml"),
            format!(
                "listen: {{https: '127.0.0.1:{port}', postgres: '127.0.0.1:{clients}'}}\nresources: resources\n"
            ),
        )?;
        fs::create_dir(home.path().join("resources"))?;
        fs::write(home.path().join("resources/shop.yaml"), RESOURCES)?;
        fs::write(home.path().join("resources/p.cedar"), POLICY)?;
        let log = fs::File::create(home.path().join("log"))?;
        let process = command(home.path(), &["serve"]).stderr(log).spawn()?;
        let mut gateway = Self {
            home,
            port,
            process,
        };
        let began = Instant::now();
        while !gateway.run(&["health"])?.status.success() {
            let ended = gateway.process.try_wait()?.is_some();
            assert!(!ended && began.elapsed() < PATIENCE, "{}", gateway.log());
        }
        Ok(gateway)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    fn run(&self, line: &[&str]) -> io::Result<Output> {
        command(self.home.path(), line).output()
    }

    /// What a command prints that must succeed.
    fn says(&self, line: &[&str]) -> io::Result<String> {
        let output = self.run(line)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{line:?}: {errors}\n{}",
            self.log()
        );
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }

    /// The same as somebody with a token, from elsewhere.
    fn run_as(&self, token: &str, line: &[&str]) -> io::Result<Output> {
        command(Path::new("/"), line)
            .env("SLUICE_URL", format!("https://localhost:{}", self.port))
            .env("SLUICE_TOKEN", token)
            .env("SLUICE_CA", self.home.path().join("data/ca.pem"))
            .output()
    }

    fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("kill")
            .args(["-s", name, &self.process.id().to_string()])
            .status()?;
        assert!(status.success());
        Ok(())
    }

    fn stop(&mut self) -> io::Result<Option<i32>> {
        self.signal("TERM")?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status.code());
            }
            assert!(began.elapsed() < PATIENCE, "{}", self.log());
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_gateway_starts_serves_its_admin_and_stops_clean() -> io::Result<()> {
    let mut gateway = Gateway::start()?;
    assert!(
        gateway
            .says(&["whoami"])?
            .starts_with("user:admin (administrator)")
    );
    assert!(gateway.says(&["connections"])?.contains("shop"));

    let token = gateway.says(&["token", "create", "--for", "user:ada", "--ttl", "1h"])?;
    assert!(
        token.starts_with("sluice_") && !token.contains(char::is_whitespace),
        "{token}"
    );
    assert!(!gateway.says(&["token", "list"])?.contains(&token));
    let seen = gateway.run_as(&token, &["whoami", "--json"])?;
    let seen: serde_json::Value = serde_json::from_slice(&seen.stdout)?;
    assert_eq!(seen["principal"], "user:ada");
    assert_eq!(
        gateway.run_as(&token, &["principals"])?.status.code(),
        Some(1)
    );

    let shown = gateway.says(&["connect", "shop"])?;
    assert!(
        shown.contains("=shop") && !shown.contains("sluice_"),
        "{shown}"
    );
    let script = "test -n \"$PGPASSWORD\" && echo \"$PGDATABASE as $PGUSER\"";
    let ran = gateway.says(&[
        "connect", "shop", "--as", "user:ada", "--", "sh", "-c", script,
    ])?;
    assert_eq!(ran, "shop as app");

    assert!(
        gateway
            .says(&["disable", "user:ada"])?
            .starts_with("user:ada is off")
    );
    assert_eq!(gateway.run_as(&token, &["whoami"])?.status.code(), Some(1));

    assert_eq!(gateway.stop()?, Some(0), "{}", gateway.log());
    assert!(!gateway.log().contains(&token));
    assert!(gateway.says(&["audit", "verify"])?.starts_with("intact"));
    assert_eq!(gateway.run(&["whoami"])?.status.code(), Some(3));
    Ok(())
}

#[test]
fn files_are_applied_when_they_change_and_a_broken_set_changes_nothing() -> io::Result<()> {
    let gateway = Gateway::start()?;
    assert!(
        gateway
            .says(&["apply", "-f", "resources", "--dry-run"])?
            .starts_with("0 would change")
    );

    let elsewhere = gateway.home.path().join("elsewhere");
    fs::create_dir(&elsewhere)?;
    fs::write(
        elsewhere.join("more.yaml"),
        "kind: User\nname: bob\ngroups: [dba]\n",
    )?;
    let diff = gateway.says(&["apply", "-f", "elsewhere", "--dry-run"])?;
    assert!(
        diff.starts_with("create User bob") && diff.contains("1 would change"),
        "{diff}"
    );
    assert!(
        gateway
            .says(&["apply", "-f", "elsewhere"])?
            .contains("1 changed")
    );
    assert!(gateway.says(&["principals"])?.contains("user:bob"));

    fs::write(elsewhere.join("more.yaml"), "kind: User\nnmae: bob\n")?;
    let refused = gateway.run(&["apply", "-f", "elsewhere"])?;
    assert_eq!(refused.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert!(errors.contains("more.yaml:2:1"), "{errors}");
    assert!(gateway.says(&["principals"])?.contains("user:bob"));
    Ok(())
}

#[test]
fn a_gateway_that_cannot_start_says_why() -> io::Result<()> {
    let home = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let listen = format!("listen: {{https: '{}'}}\n", taken.local_addr()?);
    for (config, code, expected) in [
        ("resurces: x\n", 2, "sluice.yaml:1:1"),
        (listen.as_str(), 1, "cannot listen on 127.0.0.1"),
    ] {
        fs::write(home.path().join("sluice.yaml"), config)?;
        let output = command(home.path(), &["serve"]).output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
    Ok(())
}
