//! Any stream, from either side, is cut into messages and read, or is a violation; what a target sends is
//! masked or refused. Nothing panics, nothing is read past its end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_model::TextMask;
use sluice_protocol::postgres::backend::BackendMessage;
use sluice_protocol::postgres::copy::{CopyEditor, CopyFormat};
use sluice_protocol::postgres::rows::RowEditor;
use sluice_protocol::postgres::scrub::{Scrub, scrub_report};
use sluice_protocol::postgres::types::Format;
use sluice_protocol::edit::FieldEdit;
use sluice_protocol::postgres::values::{ColumnEdit, edit_field};
use sluice_protocol::postgres::{BackendTag, FrontendTag, backend, frame, frontend};
use std::sync::Arc;

/// Finds every text with a digit in it.
struct Digits;

impl TextMask for Digits {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let found = text.bytes().any(|b| b.is_ascii_digit());
        if found {
            out.extend(
                text.chars()
                    .map(|c| if c.is_ascii_digit() { '*' } else { c }),
            );
        }
        found
    }
}

/// Of every kind, among them arrays, rows and types of users.
const TYPES: [u32; 14] = [
    17, 20, 25, 114, 701, 869, 1007, 1009, 1082, 1700, 2249, 2287, 3802, 99_999,
];

fuzz_target!(|data: &[u8]| {
    from_client(data);
    from_target(data);
    let mask: Arc<dyn TextMask> = Arc::new(Digits);
    for type_oid in TYPES {
        for format in [Format::Text, Format::Binary] {
            for edit in [FieldEdit::Scan(mask.clone()), FieldEdit::Redact] {
                let _ = edit_field(type_oid, format, data, &edit, &mut Default::default());
            }
        }
    }
    let columns = vec![ColumnEdit {
        type_oid: 25,
        format: Format::Text,
        edit: FieldEdit::Scan(mask),
    }];
    for format in [CopyFormat::text(), CopyFormat::csv(), CopyFormat::Binary] {
        let mut copy = CopyEditor::new(format, columns.clone());
        let (first, second) = data.split_at(data.len() / 2);
        let mut out = Default::default();
        if copy.push(first, &mut out).is_ok() && copy.push(second, &mut out).is_ok() {
            let _ = copy.finish();
        }
    }
    let _ = RowEditor::new(columns).rewrite(data, &mut Default::default());
});

fn from_client(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some(frame)) = frame::peek::<FrontendTag>(rest) {
        let _ = frontend::parse(frame.tag, frame.body);
        rest = &rest[frame.raw.len()..];
    }
}

fn from_target(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some(frame)) = frame::peek::<BackendTag>(rest) {
        match backend::parse(frame.tag, frame.body) {
            Ok(BackendMessage::DataRow(row)) => drop(row.fields()),
            Ok(BackendMessage::ErrorResponse(_) | BackendMessage::NoticeResponse(_)) => {
                let mut out = Default::default();
                let scrubbed =
                    scrub_report(frame.tag, frame.body, Scrub::Strict(&Digits), &mut out);
                assert_eq!(scrubbed, Ok(()));
                assert!(matches!(frame::peek::<BackendTag>(&out), Ok(Some(_))));
            }
            _ => {}
        }
        rest = &rest[frame.raw.len()..];
    }
}
