//! How fast texts are scanned on one core: rows of customers with no, few and many finds, one call per field.
//! Run with `cargo bench -p sluice-policy --bench mask`.

use std::hint::black_box;
use std::time::Instant;

use sluice_model::{DataClass, Mask, Secret, TextMask};
use sluice_policy::mask::{DETECTORS, DetectorSet, Scanner};

/// Rows per measurement; some megabytes, beyond what a core's own cache holds.
const ROWS: u64 = 50_000;

/// Measurements per case; the best one counts, since others only add noise.
const ROUNDS: usize = 7;

fn scanner(detectors: &[&str]) -> std::sync::Arc<Scanner> {
    let class = DataClass {
        fields: Vec::new(),
        name: "all".to_owned(),
        columns: Vec::new(),
        detectors: detectors.iter().map(|name| (*name).to_owned()).collect(),
        mask: Mask::KeepLast(4),
    };
    let key = Secret::new("0123456789abcdef".to_owned());
    match DetectorSet::compile(&[(0, &class)], &key) {
        Ok(set) => set.scanner(&|_| false),
        Err(error) => {
            eprintln!("{error}: {}", error.help());
            std::process::exit(1)
        }
    }
}

/// A row without any find: names, hashes, identifiers, times, amounts, notes.
fn plain(i: u64) -> Vec<String> {
    vec![
        format!("Customer {:012x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16),
        format!("{:08x}-e29b-41d4-a716-{:012x}", i * 7919, i * 104_729),
        format!("2024-{:02}-{:02} {:02}:{:02}:12.345678+00", i % 12 + 1, i % 28 + 1, i % 24, i % 60),
        format!("{}", i * 13),
        format!("{}.{:02}", i % 10_000, i % 100),
        format!("note {i} called about order {} and asked to be contacted by mail next week", i % 4999),
        "the parcel was left with the neighbours, who were kind enough to bring it over in the evening".to_owned(),
    ]
}

/// The same with a mail address in one of a hundred notes.
fn few(i: u64) -> Vec<String> {
    let mut row = plain(i);
    if i.is_multiple_of(100) {
        row.push(format!("write to user{i}@example{}.com", i % 97));
    }
    row
}

/// A row of personal data: almost every field is a find, or fails only its check digit.
fn many(i: u64) -> Vec<String> {
    vec![
        format!(
            "Customer {:012x}",
            i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
        ),
        format!("user{i}@example{}.com", i % 97),
        format!("+1-{:03}-555-{:04}", 200 + i % 700, i % 10_000),
        format!("4{:015}", i * 7919 % 1_000_000_000_000_000),
        format!(
            "{:03}-{:02}-{:04}",
            100 + i % 600,
            10 + i % 80,
            1000 + i % 8999
        ),
        format!("DE{:02}{:018}", i % 90 + 10, i * 104_729 % 100_000_000),
        format!("{}.{}.{}.{}", i % 223 + 1, i % 251, i % 241, i % 239),
        format!(
            "note {i} called about order {} and asked to be contacted by mail next week",
            i % 4999
        ),
    ]
}

fn measure(name: &str, scanner: &Scanner, fields: &[String]) {
    let bytes: usize = fields.iter().map(String::len).sum();
    let (mut best, mut hits) = (f64::MAX, 0_usize);
    let mut out = String::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        hits = 0;
        for field in fields {
            out.clear();
            hits += usize::from(scanner.mask_text(black_box(field), &mut out));
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let (megabytes, per_field) = (bytes as f64 / best / 1e6, best * 1e9 / fields.len() as f64);
    println!(
        "{name:<34} {megabytes:>7.0} MB/s {per_field:>7.1} ns/field {hits:>8} of {} fields masked",
        fields.len()
    );
}

fn main() {
    let names: Vec<&str> = DETECTORS.iter().map(|spec| spec.name).collect();
    let all = scanner(&names);
    let numbers = scanner(&["us_ssn", "payment_card"]);
    let rows = |row: fn(u64) -> Vec<String>| (0..ROWS).flat_map(row).collect::<Vec<_>>();
    let (plain, few, many) = (rows(plain), rows(few), rows(many));
    measure("no finds, all detectors", &all, &plain);
    measure("no finds, all detectors, joined", &all, &[plain.join("\n")]);
    measure("no finds, ssn and card", &numbers, &plain);
    measure("few finds, all detectors", &all, &few);
    measure("many finds, all detectors", &all, &many);
    measure("many finds, ssn and card", &numbers, &many);
    measure(
        "no finds, prose, all detectors",
        &all,
        &[plain
            .last()
            .map(|text| text.repeat(100_000))
            .unwrap_or_default()],
    );
}
