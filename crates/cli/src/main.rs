//! The `sluice` binary: the gateway, and every command that talks to one.
fn main() {}
