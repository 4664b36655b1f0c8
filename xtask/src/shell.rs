//! Running other programs: each shown before it runs, each failure an error that names it.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository's root.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// A command that runs in the repository's root.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs it, shown, to its end.
pub fn run(program: &str, arguments: &[&str]) -> Result<()> {
    run_command(&mut command(program, arguments))
}

/// Runs a prepared command, shown, to its end.
pub fn run_command(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("\n$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Whether a program can be started at all.
pub fn exists(program: &str, probe: &str) -> bool {
    succeeds(program, &[probe])
}

/// Whether a program ends well, without showing what it says.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    command(program, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a program prints.
pub fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = command(program, arguments)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{program}`"))?;
    if !output.status.success() {
        bail!(
            "`{program} {}` failed ({})",
            arguments.join(" "),
            output.status
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A program of the workspace, such as `sluice` or `examples/messages`, from a build of everything: one build for all
/// of them, so that no dependency is built twice with different features.
pub fn built(program: &str) -> Result<PathBuf> {
    run(
        "cargo",
        &[
            "build",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--locked",
        ],
    )?;
    let path = sluice_tests::cargo::target_folder()
        .join("debug")
        .join(program);
    if !path.is_file() {
        bail!(
            "the workspace was built and {} is not there",
            path.display()
        );
    }
    Ok(path)
}

fn show(command: &Command) -> String {
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}
