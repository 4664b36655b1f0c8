//! One way to reach the database, and what the process behind it costs.

use sluice_tests::process::resident_kib;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where and as whom to connect.
pub struct Endpoint {
    /// What the report calls it.
    pub name: String,
    /// Host.
    pub host: &'static str,
    /// Port.
    pub port: u16,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Database.
    pub database: String,
    /// The proxy's process; none for a direct connection.
    pub pid: Option<u32>,
    /// It differs from another one in how it logs in alone, so that only connecting is measured.
    pub logins_only: bool,
}

impl Endpoint {
    /// A program that takes a connection string first; the password is not in it, so that no error shows it.
    pub fn client(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .arg(format!(
                "host={} port={} user={} dbname={} sslmode=require gssencmode=disable",
                self.host, self.port, self.user, self.database
            ))
            .env("PGPASSWORD", &self.password);
        command
    }

    /// Points a libpq program at it.
    pub fn aim(&self, command: &mut Command) {
        command
            .env("PGHOST", self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", &self.database)
            .env("PGSSLMODE", "require")
            .env("PGGSSENCMODE", "disable")
            .env("PGCONNECT_TIMEOUT", "20");
    }

    /// CPU seconds that the proxy has used so far.
    pub fn cpu_seconds(&self) -> f64 {
        /// Linux reports CPU time in hundredths of a second on every platform that matters here.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = self.proc("stat");
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<f64> = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        fields.iter().sum::<f64>() / TICKS_PER_SECOND
    }

    /// Resident memory of the proxy in KiB.
    pub fn resident_kib(&self) -> f64 {
        let held = self.pid.and_then(|pid| resident_kib(pid).ok());
        held.unwrap_or_default() as f64
    }

    fn proc(&self, file: &str) -> String {
        self.pid
            .and_then(|pid| fs::read_to_string(format!("/proc/{pid}/{file}")).ok())
            .unwrap_or_default()
    }
}
