//! `cargo xtask fuzz`: every fuzz target for a while, without a tool to install: the fuzzer's instrumentation is a
//! handful of compiler flags.

use crate::{packages, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Coverage counters and traced comparisons, as libFuzzer wants them.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// The largest input that is tried: beyond the limits of every frame that is read eagerly.
const MAX_INPUT_BYTES: u32 = 64 * 1024;

/// How long each target runs when nothing else is said.
pub const SECONDS: u32 = 60;

/// Runs every target for so many seconds each, two at a time; an error names the input that was found.
pub fn run(seconds: u32) -> Result<()> {
    packages::ensure(&[packages::BUILD])?;
    let targets = targets()?;
    let folder = build()?;
    for pair in targets.chunks(2) {
        let mut running = Vec::new();
        for target in pair {
            eprintln!("\n$ fuzz {target} for {seconds} s");
            let log = shell::root().join(format!("fuzz/artifacts/{target}.log"));
            running.push((target, log.clone(), start(&folder, target, seconds, &log)?));
        }
        for (target, log, mut child) in running {
            let status = child.wait()?;
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last: Vec<&str> = said
                .lines()
                .rev()
                .take(if status.success() { 1 } else { 30 })
                .collect();
            for line in last.iter().rev() {
                eprintln!("{target}: {line}");
            }
            if !status.success() {
                bail!(
                    "the fuzz target {target} has a finding; its input is in fuzz/artifacts/{target}"
                );
            }
        }
    }
    Ok(())
}

/// The targets, by the files that hold them.
fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .with_context(|| format!("no fuzz targets in {}", folder.display()))?
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Builds with a target named, so that build scripts and macros stay without instrumentation.
fn build() -> Result<PathBuf> {
    let version = shell::output("rustc", &["-vV"])?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc did not say its host")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || shell::root().join("fuzz/target"),
        |shared| PathBuf::from(shared).join("fuzz"),
    );
    shell::run_command(
        shell::command("cargo", &["build", "--release", "--bins", "--target", host])
            .args(["--manifest-path", "fuzz/Cargo.toml"])
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTFLAGS", INSTRUMENTATION),
    )?;
    Ok(target.join(host).join("release"))
}

fn start(folder: &Path, target: &str, seconds: u32, log: &Path) -> Result<std::process::Child> {
    let root = shell::root().join("fuzz");
    let corpus = root.join("corpus").join(target);
    let artifacts = root.join("artifacts").join(target);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(folder.join(target));
    command
        .arg(&corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_INPUT_BYTES}"))
        .args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=0"])
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    let seeds = root.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let log = fs::File::create(log)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start the fuzz target {target}"))
}
