//! One file per group of commands; this one picks.

pub mod approvals;
pub mod audit;
pub mod connect;
pub mod dev_idp;
pub mod explain;
mod har;
pub mod identity;
pub mod login;
pub mod meta;
pub mod people;
pub mod policy;
pub mod replay;
pub mod resources;
pub mod serve;
pub mod sessions;
pub mod tokens;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::failure::Failure;
use std::future::Future;

/// Runs a command to its end.
///
/// # Errors
/// When it did not do what was asked; the failure says why and carries the exit code.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let context = Context::new(cli.global);
    match cli.command {
        Command::Serve(command) => command.run(&context),
        Command::Check(command) => command.run(&context),
        Command::Completion(command) => command.run(&context),
        Command::Reference(command) => command.run(&context),
        Command::DevIdp(command) => wait(command.run()),
        Command::Apply(command) => wait(command.run(&context)),
        Command::Policy(command) => wait(command.run(&context)),
        Command::Token(command) => wait(command.run(&context)),
        Command::Whoami(command) => wait(command.run(&context)),
        Command::Principals(command) => wait(command.run(&context)),
        Command::Disable(command) => wait(command.run(&context)),
        Command::Enable(command) => wait(command.run(&context)),
        Command::Login(command) => wait(command.run(&context)),
        Command::Logout(command) => wait(command.run(&context)),
        Command::Offboard(command) => wait(command.run(&context)),
        Command::Agents(command) => wait(command.run(&context)),
        Command::SignIns(command) => wait(command.run(&context)),
        Command::Connections(command) => wait(command.run(&context)),
        Command::Connect(command) => wait(command.run(&context)),
        Command::Request(command) => wait(command.run(&context)),
        Command::Approvals(command) => wait(command.run(&context)),
        Command::Approve(command) => wait(command.run(&context)),
        Command::Deny(command) => wait(command.run(&context)),
        Command::Sessions(command) => wait(command.run(&context)),
        Command::Kill(command) => wait(command.run(&context)),
        Command::Replay(command) => wait(command.run(&context)),
        Command::Audit(command) => wait(command.run(&context)),
        Command::Explain(command) => wait(command.run(&context)),
        Command::Health(command) => wait(command.run(&context)),
    }
}

/// Waits for a command that talks to the gateway. One thread is enough for one conversation.
fn wait(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?
        .block_on(command)
}
