//! `cargo xtask bench postgres`: the gateway beside a byte copy, a pooler and a direct connection, in the same rounds.
//! Ratios are what counts; a shared machine's absolutes are not.

mod endpoint;
mod http;
mod measure;
mod report;
mod stage;

use crate::shell;
use anyhow::{Context, Result, bail};
use measure::{Cell, Sample};
use report::Results;
use stage::Stage;

pub use http::run as http;

/// The console over 10 million operations in real records: every page in a browser, every search.
pub fn console() -> Result<()> {
    let mut arguments = vec!["test", "-p", "sluice-tests", "--test", "many", "--"];
    arguments.extend(["--ignored", "--nocapture"]);
    shell::run("cargo", &arguments)
}

/// What to run.
pub struct Plan {
    rounds: usize,
    seconds: u32,
    cells: Vec<Cell>,
}

impl Plan {
    /// Reads `--rounds N`, `--seconds N` and `--cells NAME,NAME` (the start of a cell's name is enough).
    pub fn read(arguments: &[&str]) -> Result<Self> {
        let mut plan = Self {
            rounds: 3,
            seconds: 4,
            cells: Cell::all(),
        };
        let mut arguments = arguments.iter();
        while let Some(option) = arguments.next() {
            let value = arguments
                .next()
                .with_context(|| format!("{option} needs a value"))?;
            match *option {
                "--rounds" => plan.rounds = value.parse()?,
                "--seconds" => plan.seconds = value.parse()?,
                "--cells" => {
                    let wanted: Vec<&str> = value.split(',').collect();
                    plan.cells.retain(|cell| {
                        wanted
                            .iter()
                            .any(|wanted| cell.to_string().starts_with(wanted))
                    });
                }
                other => bail!("unknown option {other}; expected --rounds, --seconds or --cells"),
            }
        }
        if plan.cells.is_empty() {
            let names: Vec<String> = Cell::all().iter().map(Cell::to_string).collect();
            bail!("no such cell; there are: {}", names.join(" "));
        }
        Ok(plan)
    }
}

/// Runs every cell on every endpoint in turn, the order rotating with each round.
pub fn postgres(plan: &Plan) -> Result<()> {
    let stage = Stage::start()?;
    let mut results = Results::default();
    for round in 0..plan.rounds {
        for cell in &plan.cells {
            let all = stage.endpoints.iter();
            let fitting = all.filter(|on| !on.logins_only || cell.is_connecting());
            let mut order: Vec<_> = fitting.collect();
            let first = round % order.len().max(1);
            order.rotate_left(first);
            for endpoint in order {
                match cell.run(endpoint, plan.seconds, &stage.clients) {
                    Ok(sample) => {
                        progress(round, cell, &endpoint.name, &sample);
                        results.add(cell, &endpoint.name, sample);
                    }
                    Err(error) => eprintln!("round {round} {cell} {}: {error:#}", endpoint.name),
                }
            }
        }
    }
    let names: Vec<&str> = stage
        .endpoints
        .iter()
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    print!("{}", results.text(&names));
    Ok(())
}

fn progress(round: usize, cell: &Cell, endpoint: &str, sample: &Sample) {
    eprintln!("round {round} {cell} {endpoint}: {:.1}", sample.main());
}
