//! How fast rows of customers are rewritten on one core, with rules that cost next to nothing themselves.
//! Run with `cargo bench -p sluice-protocol --bench rows`.

use bytes::BytesMut;
use sluice_model::TextMask;
use sluice_protocol::edit::FieldEdit;
use sluice_protocol::postgres::rows::{RowEditor, RowOutcome};
use sluice_protocol::postgres::types::Format;
use sluice_protocol::postgres::values::ColumnEdit;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Rows per measurement; some megabytes, beyond what a core's own cache holds.
const ROWS: u64 = 50_000;
/// Measurements per case; the best one counts, since others only add noise.
const ROUNDS: usize = 15;
/// Where the rewritten rows are taken away, as a connection does when it writes.
const FLUSH_AT: usize = 64 * 1024;
const COLUMNS: usize = 8;
/// The type number of `text`.
const TEXT_OID: u32 = 25;

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

/// The body of a DataRow: name, mail, telephone, card, number of insurance, account, address, note.
fn row(i: u64) -> Vec<u8> {
    let fields: [String; COLUMNS] = [
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
    ];
    let mut body = vec![0, 8];
    for field in fields {
        let length = u32::try_from(field.len()).unwrap_or_default();
        body.extend(length.to_be_bytes());
        body.extend(field.into_bytes());
    }
    body
}

fn measure(name: &str, rows: &[Vec<u8>], edits: [FieldEdit; COLUMNS]) {
    let columns = edits.map(|edit| ColumnEdit {
        type_oid: TEXT_OID,
        format: Format::Text,
        edit,
    });
    let mut editor = RowEditor::new(columns.to_vec());
    let bytes: usize = rows.iter().map(Vec::len).sum();
    let (mut best, mut rewritten) = (f64::MAX, 0_usize);
    let mut out = BytesMut::with_capacity(2 * FLUSH_AT);
    for _ in 0..ROUNDS {
        rewritten = 0;
        let start = Instant::now();
        for body in rows {
            let outcome = editor.rewrite(black_box(body), &mut out);
            rewritten += usize::from(outcome == Ok(RowOutcome::Rewritten));
            if out.len() > FLUSH_AT {
                black_box(&out);
                out.clear();
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let (megabytes, per_row) = (bytes as f64 / best / 1e6, best * 1e9 / rows.len() as f64);
    println!(
        "{name:<44} {megabytes:>7.0} MB/s {per_row:>7.1} ns/row {rewritten:>8} of {} rows rewritten",
        rows.len()
    );
}

fn main() {
    use FieldEdit::{Clear, Null, Redact};
    let rows: Vec<Vec<u8>> = (0..ROWS).map(row).collect();
    let keep = || FieldEdit::Text(Arc::new(KeepLastFour));
    let scan = || FieldEdit::Scan(Arc::new(NeverHits));
    measure("no edit", &rows, [const { Clear }; COLUMNS]);
    measure(
        "3 of 8 columns keep their last four",
        &rows,
        [Clear, Clear, keep(), keep(), keep(), Clear, Clear, Clear],
    );
    measure(
        "3 of 8 columns redacted or NULL",
        &rows,
        [Clear, Clear, Redact, Null, Redact, Clear, Clear, Clear],
    );
    measure(
        "8 of 8 columns scanned, nothing found",
        &rows,
        std::array::from_fn(|_| scan()),
    );
    measure(
        "3 columns keep their last four, 5 scanned",
        &rows,
        [
            scan(),
            scan(),
            keep(),
            keep(),
            keep(),
            scan(),
            scan(),
            scan(),
        ],
    );
}
