//! `sluice serve`: the gateway itself.

use crate::context::Context;
use crate::failure::Failure;
use clap::Args;

/// `sluice serve --config sluice.yaml`.
#[derive(Debug, Args)]
pub struct Serve {}

impl Serve {
    /// Runs until it is told to stop.
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        let _ = context;
        Err(Failure::failed("this build cannot serve"))
    }
}
