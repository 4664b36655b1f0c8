//! What it costs to find a text that was read before, by its text and by its shape.
//! Run with `cargo bench -p sluice-protocol --bench reader`.

use sluice_protocol::sql::{ReadOptions, Reader};
use std::hint::black_box;
use std::time::Instant;

/// Different texts per case, as many as a busy application has.
const TEXTS: u32 = 1_000;
/// Times that each is read in one measurement.
const TIMES: u32 = 100;
/// Measurements per case; the best one counts, since others only add noise.
const ROUNDS: usize = 5;

fn measure(what: &str, text: &dyn Fn(u32) -> String) {
    let reader = Reader::new();
    let texts: Vec<String> = (0..TEXTS).map(text).collect();
    let round = |_| {
        let begin = Instant::now();
        for _ in 0..TIMES {
            for text in &texts {
                let read = reader.read(black_box(text), ReadOptions::default());
                assert!(read.is_ok(), "{text} is not read");
            }
        }
        begin.elapsed() / (TEXTS * TIMES)
    };
    let best = (0..ROUNDS).map(round).min().unwrap_or_default();
    println!("{what}: {} ns", best.as_nanos());
}

fn main() {
    measure("same text", &|_| {
        "SELECT abalance FROM pgbench_accounts WHERE aid = $1".to_owned()
    });
    measure("same shape", &|n| {
        format!("SELECT abalance FROM pgbench_accounts WHERE aid = {n};")
    });
    let long = "UPDATE pgbench_accounts SET abalance = abalance + -2345 WHERE aid = ";
    measure("same longer shape", &|n| {
        format!("{long}{n} AND filler <> 'abc def ghi'")
    });
}
