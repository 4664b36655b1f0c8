//! The `sluice` binary: the gateway, and every command that talks to one.

mod adapter;
mod args;
mod client;
mod commands;
mod context;
mod duration;
mod failure;
mod output;
mod stored;
mod telemetry;

use crate::args::Cli;
use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.global.json;
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(body) = &failure.body {
                output::report(body, json);
            }
            failure.exit_code()
        }
    }
}
