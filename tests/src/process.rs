//! Processes that end with their handle, and waiting that has an end.

use anyhow::{Context, Result, bail};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long anything may take to come up. Generous, because the machine may be busy; reached only on a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at something that is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ports below the range that the system hands to outgoing connections: one of those could be taken by
/// somebody's client before the server that it was found for listens.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A loopback port that was free a moment ago. Tests that run side by side begin to look at different places.
pub fn free_port() -> Result<u16> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    let size = u32::from(PORTS.end - PORTS.start);
    let mixed = nanos ^ std::process::id().wrapping_mul(2_654_435_761);
    // One that was just given is not given again to the same process.
    let start =
        mixed.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed).wrapping_mul(1_009)) % size;
    (0..size)
        .filter_map(|step| u16::try_from((start + step) % size).ok())
        .map(|offset| PORTS.start + offset)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free loopback port")
}

/// Looks at `state` until it is there; an error after [`PATIENCE`] says what was awaited.
pub fn wait_for<T>(what: &str, state: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    wait_within(PATIENCE, what, state)
}

/// Looks at `state` until it is there; an error after `limit` says what was awaited.
pub fn wait_within<T>(
    limit: Duration,
    what: &str,
    mut state: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(there) = state()? {
            return Ok(there);
        }
        if start.elapsed() > limit {
            bail!("waited {} s in vain: {what}", limit.as_secs_f32());
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// A child process that is asked to end, and then made to, when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stop_signal: &'static str,
    /// What a signal is sent to, as `kill` wants it: the process, or it and those that it started.
    target: String,
}

impl Running {
    /// Starts it. `stop_signal` is what asks it to end, such as `TERM`.
    pub fn start(command: &mut Command, stop_signal: &'static str) -> Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let target = child.id().to_string();
        Ok(Self {
            child,
            stop_signal,
            target,
        })
    }

    /// Starts one that starts others and leaves them behind when it ends: signals go to all of them.
    pub fn start_with_workers(command: &mut Command, stop_signal: &'static str) -> Result<Self> {
        let mut all = Self::start(command.process_group(0), stop_signal)?;
        all.target = format!("-{}", all.pid());
        Ok(all)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input and output, once, where they were piped.
    pub fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.child.stdin.take().zip(self.child.stdout.take())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill")
            .args(["-s", name, "--", &self.target])
            .status()?;
        if !status.success() {
            bail!("cannot send {name} to process {}", self.target);
        }
        Ok(())
    }

    /// Waits for its end, at most `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of process {}", self.pid());
        wait_within(limit, &what, || self.ended())
    }

    /// Asks it to end, waits, and kills it if that takes too long.
    pub fn stop(&mut self) {
        if matches!(self.ended(), Ok(Some(_))) {
            return;
        }
        let asked = self.signal(self.stop_signal).is_ok();
        if !asked || self.wait(Duration::from_secs(15)).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Resident memory of a process in KiB.
pub fn resident_kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|rest| rest.split_whitespace().next());
    Ok(size.context("a process says how much it holds")?.parse()?)
}

/// Runs a command to its end; an error carries what it printed.
pub fn checked(command: &mut Command) -> Result<Output> {
    // Not the command's own `Debug`, which shows its environment, and secrets in it.
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy());
    let program = command.get_program().to_string_lossy();
    let shown = [program].into_iter().chain(arguments).collect::<Vec<_>>();
    let shown = shown.join(" ");
    let output = command
        .output()
        .with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!(
            "{shown} failed ({})\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output)
}

/// Runs a command to its end and gives what it printed to stdout.
pub fn printed(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&checked(command)?.stdout).into_owned())
}
