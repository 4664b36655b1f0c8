//! How fast bodies are masked on one core, with rules that cost next to nothing themselves. Run with
//! `cargo bench --bench bodies`, or with some of the bodies' names behind `--`.

use sluice_model::TextMask;
use sluice_protocol::edit::FieldEdit;
use sluice_protocol::http::mask::{FieldRules, Kind, Masker};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of each body.
const BYTES: usize = 50_000_000;
/// Measurements per case; the best one counts, since others only add noise.
const ROUNDS: usize = 9;
/// How bodies come in from a connection, and masked ones are taken away.
const PIECE: usize = 16 * 1024;

/// Stars for all but the last four characters.
struct KeepLastFour;

impl TextMask for KeepLastFour {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        const STARS: &str = "********************************";
        let (hidden, kept) = text
            .split_at_checked(text.len().saturating_sub(4))
            .unwrap_or((text, ""));
        out.push_str(STARS.get(..hidden.len()).unwrap_or(STARS));
        out.push_str(kept);
        true
    }
}

/// Finds nothing.
struct NeverHits;

impl TextMask for NeverHits {
    fn mask_text(&self, text: &str, _: &mut String) -> bool {
        black_box(text);
        false
    }
}

/// Which fields are masked.
#[derive(Clone, Copy)]
enum Case {
    Clear,
    Scan,
    ThreeOfEight,
}

impl FieldRules for Case {
    fn edit(&self, path: &[&str]) -> FieldEdit {
        match (self, path.last()) {
            (Self::Scan, _) => FieldEdit::Scan(Arc::new(NeverHits)),
            (Self::ThreeOfEight, Some(&"telephone")) => FieldEdit::Redact,
            (Self::ThreeOfEight, Some(&("card" | "ssn"))) => {
                FieldEdit::Text(Arc::new(KeepLastFour))
            }
            _ => FieldEdit::Clear,
        }
    }

    fn prose(&self) -> Arc<dyn TextMask> {
        Arc::new(NeverHits)
    }
}

const NAMES: [&str; 8] = [
    "name",
    "mail",
    "telephone",
    "card",
    "ssn",
    "account",
    "active",
    "note",
];

/// The fields of a customer.
fn customer(i: u64) -> [String; 8] {
    [
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
        format!("{}", i * 104_729 % 100_000_000),
        format!("{}", i.is_multiple_of(3)),
        format!(
            "note {i} called about order {} and asked to be contacted by mail next week",
            i % 4999
        ),
    ]
}

/// A body of records, each written by `record`.
fn body(begin: &str, mut record: impl FnMut(&mut String, &[String; 8]), end: &str) -> String {
    let mut text = begin.to_owned();
    for i in 1.. {
        if text.len() >= BYTES {
            break;
        }
        record(&mut text, &customer(i));
    }
    text.truncate(text.trim_end_matches(',').len());
    text + end
}

fn json(text: &mut String, fields: &[String; 8], pretty: bool) {
    let (before, colon, end) = if pretty {
        ("\n    ", ": ", "\n  ")
    } else {
        ("", ":", "")
    };
    text.push('{');
    for (index, (name, value)) in NAMES.iter().zip(fields).enumerate() {
        let quote = if index == 5 || index == 6 { "" } else { "\"" };
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{before}\"{name}\"{colon}{quote}{value}{quote}"
        );
    }
    text.push_str(end);
    text.push_str("},");
}

/// Records by an identifier, so that no place comes twice.
fn named(text: &mut String, fields: &[String; 8]) {
    let _ = write!(text, "\"{}\":", fields[0]);
    json(text, fields, false);
}

fn xml(text: &mut String, fields: &[String; 8]) {
    text.push_str("<customer>");
    for (name, value) in NAMES.iter().zip(fields) {
        let _ = write!(text, "<{name}>{value}</{name}>");
    }
    text.push_str("</customer>\n");
}

fn csv(text: &mut String, fields: &[String; 8]) {
    text.push_str(&fields.join(","));
    text.push('\n');
}

fn report(name: &str, bytes: usize, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:32} {:8.0} MB/s", bytes as f64 / best / 1e6);
}

fn mask(kind: Kind, case: Case, body: &[u8], out: &mut Vec<u8>) {
    let mut masker = Masker::new(kind, Arc::new(case));
    for piece in body.chunks(PIECE) {
        out.clear();
        let fed = masker.feed(piece, out);
        assert_eq!(fed, Ok(()));
        black_box(&out);
    }
    assert_eq!(masker.finish(out), Ok(()));
}

fn main() {
    let csv_kind = Kind::Csv {
        separator: b',',
        header: true,
    };
    let bodies = [
        (
            "json",
            Kind::Json,
            body("[", |text, fields| json(text, fields, false), "]"),
        ),
        (
            "json, indented",
            Kind::Json,
            body("[", |text, fields| json(text, fields, true), "\n]"),
        ),
        ("json, names are data", Kind::Json, body("{", named, "}")),
        ("csv", csv_kind, body(&(NAMES.join(",") + "\n"), csv, "")),
        ("xml", Kind::Xml, body("<customers>", xml, "</customers>")),
        ("text", Kind::Text, body("", csv, "")),
    ];
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let mut out = Vec::new();
    for (name, kind, body) in &bodies {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == name) {
            continue;
        }
        let body = body.as_bytes();
        report(&format!("{name}: copied"), body.len(), || {
            for piece in body.chunks(PIECE) {
                out.clear();
                out.extend_from_slice(piece);
                black_box(&out);
            }
        });
        let cases = [
            ("clear", Case::Clear),
            ("scan", Case::Scan),
            ("three of eight", Case::ThreeOfEight),
        ];
        for (case_name, case) in cases {
            report(&format!("{name}: {case_name}"), body.len(), || {
                mask(*kind, case, body, &mut out);
            });
        }
    }
}
