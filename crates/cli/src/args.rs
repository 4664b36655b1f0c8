//! The command line: every command with its options.

use crate::commands::{
    approvals, audit, connect, dev_idp, explain, identity, login, meta, people, policy, replay,
    resources, serve, sessions, tokens,
};
use crate::failure;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// What `--help` says of the environment.
const ENVIRONMENT: &str = "\
Environment:
  SLUICE_URL    the gateway's HTTPS address, such as https://gateway.example.com:8443
  SLUICE_TOKEN  the token to act with, instead of the one that `sluice login` keeps
  SLUICE_CA     a PEM file with the authority to trust instead of the system's
  NO_COLOR      no colours

On the gateway's own host, --config names its configuration (./sluice.yaml where there is one and
SLUICE_URL is not set): address, authority and the local admin credential are taken from there.
SLUICE_TOKEN acts as somebody else.";

fn after_help() -> String {
    format!("{ENVIRONMENT}\n\n{}", failure::exit_code_help())
}

/// Decides, holds, masks and records everything that people, jobs and agents do on your databases.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, propagate_version = true, after_long_help = after_help())]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// What every command knows.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The gateway's configuration, on its own host
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Print JSON: one document, or one per line where the result is a stream
    #[arg(long, global = true)]
    pub json: bool,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway
    Serve(serve::Serve),
    /// Send connections, data classes, principals and policies to the gateway
    Apply(resources::Apply),
    /// Check resource files without a gateway, or list the names that policies may use
    Check(resources::Check),
    /// Test policies
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Sign in at your identity provider
    Login(login::Login),
    /// Revoke the token of `sluice login` and forget it
    Logout(login::Logout),
    /// Create, exchange, replace, list and revoke tokens
    #[command(subcommand)]
    Token(tokens::Token),
    /// Say who the gateway takes you for
    Whoami(identity::WhoAmI),
    /// List users, services and agents
    Principals(identity::Principals),
    /// Switch a user, service or agent off, with all of its live sessions
    Disable(identity::Disable),
    /// Switch a user, service or agent on again
    Enable(identity::Enable),
    /// Show everything that hangs from a person, and end it when they leave
    Offboard(people::Offboard),
    /// List and end agents
    #[command(subcommand)]
    Agents(people::Agents),
    /// List and end sign-ins
    #[command(subcommand)]
    SignIns(people::SignIns),
    /// List the connections that the gateway offers
    Connections(connect::Connections),
    /// Print how to reach a connection, or run a client on it
    Connect(connect::Connect),
    /// Ask for a connection ahead, for a window of time
    Request(approvals::Request),
    /// List what waits for approval
    Approvals(approvals::Approvals),
    /// Approve what waits
    Approve(approvals::Approve),
    /// Refuse what waits
    Deny(approvals::Deny),
    /// List sessions
    Sessions(sessions::Sessions),
    /// End a live session
    Kill(sessions::Kill),
    /// Show what happened in a session
    Replay(replay::Replay),
    /// Prove that the records are as they were written
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Say what would be decided, by which policy, and what would be masked, without running anything
    Explain(explain::Explain),
    /// Run an identity provider for development alone, on this very host
    DevIdp(dev_idp::DevIdp),
    /// Say whether the gateway works
    Health(meta::Health),
    /// Print the completion script of a shell
    Completion(meta::Completion),
    /// Print the command line's reference as Markdown
    #[command(hide = true)]
    Reference(meta::Reference),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_parse_as_documented() {
        for (line, accepted) in [
            ("serve --config sluice.yaml", true),
            ("--config sluice.yaml serve", true),
            ("apply -f resources --dry-run --prune", true),
            ("apply", false),
            ("check -f resources", true),
            ("check --names", true),
            ("check", false),
            ("policy test", true),
            ("policy test -f resources", true),
            ("policy", false),
            ("token create --for user:ada --ttl 8h", true),
            ("token create --for ada --ttl 8h", false),
            ("token create --for user:ada --ttl 8", false),
            ("login --url https://gateway:8443", true),
            ("login --device", true),
            ("logout", true),
            ("token exchange --file jwt --ttl 1h", true),
            ("token create --ttl 8h", true),
            (
                "token create --agent helper --group dba --ttl 30d --from 10.0.0.0/8",
                true,
            ),
            ("token create --agent helper --for user:ada --ttl 8h", false),
            ("token create --group dba --ttl 8h", false),
            ("token create --ttl 8h --from 10.0.0.1/8", false),
            ("token rotate t-4e8v7m2n5c3b --ttl 90d --overlap 2h", true),
            ("agents list", true),
            ("agents end agent:helper", true),
            ("sign-ins list", true),
            ("sign-ins end i-4e8v7m2n5c3b", true),
            ("offboard user:ada --yes --reason left", true),
            ("offboard ada", false),
            ("token list --json", true),
            ("token revoke t-4e8v7m2n5c3b", true),
            ("token revoke ada", false),
            ("whoami", true),
            ("disable user:ada", true),
            ("disable ada", false),
            ("enable service:reporting-job", true),
            ("connections", true),
            ("connect shop", true),
            ("connect shop/other --account owner -- psql -c x", true),
            ("request shop --for 2h --reason audit", true),
            ("request shop --for 2h", false),
            ("approvals --all", true),
            ("approve a-7k3m9q2x4c", true),
            ("approve a-7k3m9q2x4c --once", true),
            ("approve a-7k3m9q2x4c --session", true),
            ("approve a-7k3m9q2x4c --for 2h", true),
            ("approve a-7k3m9q2x4c --once --session", false),
            ("approve a-7k3m9q2x4c --session --for 2h", false),
            ("deny a-7k3m9q2x4c --reason no", true),
            ("deny a-7k3m9q2x4c", false),
            ("sessions --live", true),
            ("kill s-01k9zq4e8v7m2n5c3b1a", true),
            ("kill ../../etc", false),
            ("replay s-01k9zq4e8v7m2n5c3b1a --data-dir ./data", true),
            ("audit verify", true),
            ("audit verify --data-dir ./data", true),
            ("explain --as user:ada --connection shop SQL", true),
            ("explain --connection shop -", true),
            ("explain SQL", false),
            (
                "dev-idp --listen 127.0.0.1:9000 --users u.yaml --redirect-uri https://g/signin/dev/callback",
                true,
            ),
            ("dev-idp --listen 127.0.0.1:9000 --users u.yaml", false),
            ("health", true),
            ("completion bash", true),
            ("completion tcsh-9", false),
            ("reference", true),
            ("frobnicate", false),
        ] {
            let words = ["sluice"].into_iter().chain(line.split(' '));
            assert_eq!(Cli::try_parse_from(words).is_ok(), accepted, "{line}");
        }
    }
}
