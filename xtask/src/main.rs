//! The developer loop: `cargo xtask test | ci | tidy | demo | bench | suites | fuzz`.

mod bench;
mod check;
mod console;
mod corpus;
mod demo;
mod fuzz;
mod generate;
mod packages;
mod shell;
mod suites;
mod tidy;
mod websocket;

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test             install what is missing, check everything, run every test; ends with the runner's totals
  ci               the same, as CI calls it
  demo [--check]   a private PostgreSQL with a sample shop, the gateway in front of it, and a tour (--check walks it)
  console          build the web console (Node.js), which the next build of sluice takes in
  bench postgres   the gateway beside a byte copy, pgbouncer and a direct connection
                   (--rounds N, --seconds N, --cells select/prepared,bulk)
  bench http [--rounds N]
                   the gateway beside nginx, haproxy and a direct connection
  bench console    the console over 10 million recorded operations (half an hour, 15 GB of disk)
  fuzz [--seconds N]
                   every fuzz target for N seconds (60)
  corpus           read PostgreSQL's own regression SQL
  generate [--check]
                   the parts of the docs that are made from the code
  suites [NAME]    the drivers' own test suites, directly and through the gateway
  websocket        the Autobahn suite, directly and through the gateway (needs a Python 2.7)
  tidy [--write]   the house rules that no compiler checks (--write tightens the ratchet)
";

/// How often the benchmark of HTTP goes round.
const BENCH_ROUNDS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test" | "ci"] => check::everything(),
        ["demo"] => demo::run(),
        ["demo", "--check"] => demo::check(),
        ["console"] => console::build(),
        ["bench", "postgres", options @ ..] => bench::postgres(&bench::Plan::read(options)?),
        ["bench", "http"] => bench::http(BENCH_ROUNDS),
        ["bench", "http", "--rounds", rounds] => bench::http(rounds.parse()?),
        ["bench", "console"] => bench::console(),
        ["fuzz"] => fuzz::run(fuzz::SECONDS),
        ["fuzz", "--seconds", seconds] => fuzz::run(seconds.parse()?),
        ["corpus"] => corpus::run(),
        ["generate"] => generate::write(),
        ["generate", "--check"] => generate::check(),
        ["suites"] => suites::run(""),
        ["suites", name] => suites::run(name),
        ["websocket"] => websocket::run(),
        ["tidy"] => tidy::check(),
        ["tidy", "--write"] => tidy::tighten(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown command {:?}\n\n{USAGE}", words.join(" ")),
    }
}
