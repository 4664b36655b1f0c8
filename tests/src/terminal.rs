//! A program in a real terminal: what it shows is read as it comes, keys are sent as a person would.

use crate::process::{Running, wait_within};
use anyhow::{Context, Result, anyhow};
use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a text may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a person presses to interrupt.
pub const CTRL_C: &str = "\u{3}";

/// A program whose input and output are a terminal (made by `script`).
#[derive(Debug)]
pub struct Terminal {
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
    seen: usize,
    program: Running,
}

impl Terminal {
    /// Starts a shell command line in a terminal.
    pub fn start(line: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new("script");
        command
            .args([
                "--quiet",
                "--flush",
                "--return",
                "--command",
                line,
                "/dev/null",
            ])
            .envs(environment.iter().copied())
            .env("TERM", "dumb")
            .env("PAGER", "cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut program = Running::start(&mut command, "HUP")?;
        let (keys, mut output) = program
            .pipes()
            .context("script was started without pipes")?;
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = Arc::clone(&shown);
        // Ends with the program: the pipe closes.
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 4096];
            while let Ok(length) = output.read(&mut buffer) {
                let Some(part) = buffer.get(..length).filter(|part| !part.is_empty()) else {
                    break;
                };
                if let Ok(mut screen) = screen.lock() {
                    screen.push_str(&String::from_utf8_lossy(part));
                }
            }
        });
        Ok(Self {
            keys,
            shown,
            seen: 0,
            program,
        })
    }

    /// Presses keys; a line needs its own `\n`.
    pub fn send(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        self.keys.flush()?;
        Ok(())
    }

    /// Waits until `text` appears after what was expected before, and gives everything up to its end.
    pub fn expect(&mut self, text: &str) -> Result<String> {
        let (shown, seen) = (Arc::clone(&self.shown), self.seen);
        let found = wait_within(PATIENCE, &format!("{text:?} in the terminal"), || {
            let screen = shown.lock().map_err(|_| anyhow!("the reader failed"))?;
            let rest = screen.get(seen..).unwrap_or_default();
            Ok(rest.find(text).map(|at| at + text.len()))
        });
        let screen = self.screen();
        let length = found.with_context(|| format!("the terminal shows:\n{screen}"))?;
        let part = screen
            .get(seen..seen + length)
            .unwrap_or_default()
            .to_owned();
        self.seen += length;
        Ok(part)
    }

    /// Everything shown so far.
    #[must_use]
    pub fn screen(&self) -> String {
        self.shown
            .lock()
            .map(|screen| screen.clone())
            .unwrap_or_default()
    }

    /// Waits for the program's end and gives whether it was a success.
    pub fn finish(mut self) -> Result<bool> {
        Ok(self.program.wait(PATIENCE)?.success())
    }
}
