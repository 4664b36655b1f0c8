//! The developer loop: demo, test, ci, tidy, bench.
fn main() {}
