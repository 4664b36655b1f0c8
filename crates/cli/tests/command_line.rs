//! The binary as a user meets it without a gateway: help, completion, checks, exit codes.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output};

/// The binary without anything of the caller's environment that it reads.
fn sluice(directory: &Path, line: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(line)
        .current_dir(directory)
        .env_remove("SLUICE_URL")
        .env_remove("SLUICE_TOKEN")
        .env_remove("SLUICE_CA")
        .output()
}

fn check(
    directory: &Path,
    line: &[&str],
    code: i32,
    on_stdout: &[&str],
    on_stderr: &[&str],
) -> io::Result<()> {
    let output = sluice(directory, line)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{line:?}\n{stdout}\n{stderr}"
    );
    for part in on_stdout {
        assert!(stdout.contains(part), "{line:?}: {part:?} in\n{stdout}");
    }
    for part in on_stderr {
        assert!(stderr.contains(part), "{line:?}: {part:?} in\n{stderr}");
    }
    assert!(
        !stdout.contains('\x1b') && !stderr.contains('\x1b'),
        "colours without a terminal: {line:?}"
    );
    Ok(())
}

const SHOP: &str = "\
kind: Connection
name: shop
protocol: postgres
environment: prod
target: {address: 127.0.0.1:5432, database: shop, tls: disable}
accounts:
  - {name: app, default: true, username: shop_app, password: {env: SHOP_APP_PASSWORD}}
---
kind: User
name: ada
groups: [engineering]
";

#[test]
fn help_tells_commands_environment_and_exit_codes() -> io::Result<()> {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let commands = [
        "serve",
        "apply",
        "check",
        "token",
        "disable",
        "connect",
        "request",
        "approvals",
        "approve",
        "deny",
        "sessions",
        "kill",
        "replay",
        "audit",
        "explain",
        "whoami",
        "health",
        "completion",
    ];
    check(here, &["--help"], 0, &commands, &[])?;
    check(
        here,
        &["--help"],
        0,
        &[
            "SLUICE_URL",
            "SLUICE_TOKEN",
            "  3  the gateway did not answer",
        ],
        &[],
    )?;
    for command in commands {
        check(
            here,
            &[command, "--help"],
            0,
            &["Usage: sluice ", "--json", "--config"],
            &[],
        )?;
    }
    check(here, &["--version"], 0, &["sluice 0."], &[])?;
    Ok(())
}

#[test]
fn every_shell_gets_a_completion() -> io::Result<()> {
    let here = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        check(
            here.path(),
            &["completion", shell],
            0,
            &["sluice", "approvals"],
            &[],
        )?;
    }
    Ok(())
}

#[test]
fn good_resources_pass_and_bad_ones_are_named_with_their_place() -> io::Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    fs::create_dir(here.join("good")).unwrap();
    fs::write(here.join("good/shop.yaml"), SHOP).unwrap();
    fs::write(
        here.join("good/p.cedar"),
        "@id(\"r\")\npermit (principal in Group::\"engineering\", action in Action::\"read\", resource in Environment::\"prod\");\n",
    )
    .unwrap();
    check(here, &["check", "-f", "good"], 0, &["good is fine"], &[])?;
    check(
        here,
        &["check", "-f", "good", "--json"],
        0,
        &["{\"ok\":true,\"problems\":[]}"],
        &[],
    )?;

    fs::create_dir(here.join("bad")).unwrap();
    fs::write(
        here.join("bad/shop.yaml"),
        SHOP.replace("environment:", "enviroment:"),
    )
    .unwrap();
    check(
        here,
        &["check", "-f", "bad"],
        1,
        &[],
        &["shop.yaml:4:1", "did you mean \"environment\""],
    )?;
    check(
        here,
        &["check", "-f", "bad", "--json"],
        1,
        &["\"ok\":false", "\"line\":4"],
        &[],
    )?;

    fs::create_dir(here.join("policy")).unwrap();
    fs::write(here.join("policy/shop.yaml"), SHOP).unwrap();
    fs::write(
        here.join("policy/p.cedar"),
        "@id(\"typo\")\npermit (principal in Group::\"engineering\", action == Action::\"sql:selekt\", resource);\n",
    )
    .unwrap();
    check(
        here,
        &["check", "-f", "policy"],
        1,
        &[],
        &["p.cedar:", "sql:selekt"],
    )?;

    check(here, &["check", "-f", "missing"], 1, &[], &["missing"])?;
    check(
        here,
        &["check", "--names"],
        0,
        &["sql:select", "Connection", "context.sql."],
        &[],
    )?;
    Ok(())
}

#[test]
fn how_a_command_ends_tells_whose_fault_it_was() -> io::Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    check(here, &["frobnicate"], 2, &[], &["unrecognized subcommand"])?;
    check(
        here,
        &["whoami"],
        2,
        &[],
        &["error: no gateway is named", "SLUICE_URL"],
    )?;
    check(
        here,
        &["whoami", "--config", "none.yaml"],
        2,
        &[],
        &["none.yaml"],
    )?;
    check(
        here,
        &["whoami", "--json"],
        2,
        &[],
        &["{\"error\":\"no gateway is named\""],
    )?;

    fs::write(here.join("sluice.yaml"), "data_dri: ./data\n").unwrap();
    check(
        here,
        &["whoami"],
        2,
        &[],
        &["sluice.yaml:1:1", "did you mean \"data_dir\""],
    )?;

    // Nothing listens on port 1, and a data directory that was never used has no authority.
    fs::write(here.join("sluice.yaml"), "listen: {https: '127.0.0.1:1'}\n").unwrap();
    check(here, &["whoami"], 2, &[], &["sluice serve"])?;
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["whoami", "--json"])
        .env("SLUICE_URL", "https://127.0.0.1:1")
        .env("SLUICE_TOKEN", "sluice_not_a_token")
        .env_remove("SLUICE_CA")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("cannot reach the gateway at https://127.0.0.1:1"),
        "{stderr}"
    );
    assert!(!stderr.contains("sluice_not_a_token"), "{stderr}");
    Ok(())
}

#[test]
fn a_reader_that_leaves_is_no_error() -> io::Result<()> {
    let output = Command::new("sh")
        .args([
            "-c",
            "\"$0\" reference | head -n 1",
            env!("CARGO_BIN_EXE_sluice"),
        ])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "# The command line\n"
    );
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
