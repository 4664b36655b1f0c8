//! Tests of masking rows: what stays, what changes, and what is refused.

use super::rows::{RowEditor, RowError, RowOutcome};
use super::types::Format::{self, Binary, Text};
use super::values::ColumnEdit;
use super::values_tests::{TYPES, any_edit, any_value, constant, rule, scan};
use super::{BackendTag, backend, frame};
use crate::edit::FieldEdit;
use bytes::BytesMut;
use proptest::prelude::*;

fn column(type_oid: u32, format: Format, edit: FieldEdit) -> ColumnEdit {
    ColumnEdit {
        type_oid,
        format,
        edit,
    }
}

fn data_row(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = u16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
    for field in fields {
        match field {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(value) => {
                body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                body.extend_from_slice(value);
            }
        }
    }
    body
}

#[test]
fn a_row_keeps_what_is_not_masked() {
    let check =
        |edits: [FieldEdit; 3], sent: &[Option<&[u8]>], expected: Option<&[Option<&[u8]>]>| {
            let mut editor = RowEditor::new(
                edits
                    .into_iter()
                    .map(|edit| column(25, Text, edit))
                    .collect(),
            );
            let mut out = BytesMut::from(&b"before"[..]);
            let outcome = editor.rewrite(&data_row(sent), &mut out).unwrap();
            match expected {
                None => assert_eq!((outcome, out.len()), (RowOutcome::Unchanged, 6)),
                Some(expected) => {
                    assert_eq!(outcome, RowOutcome::Rewritten);
                    let frame = frame::peek::<BackendTag>(&out[6..]).unwrap().unwrap();
                    assert_eq!(frame.raw.len(), out.len() - 6);
                    assert_eq!(frame.body, data_row(expected));
                }
            }
        };
    let sent: [Option<&[u8]>; 3] = [Some(b"a"), Some(b"1234567"), None];
    check(
        [FieldEdit::Clear, FieldEdit::Clear, FieldEdit::Clear],
        &sent,
        None,
    );
    check([scan(), FieldEdit::Clear, FieldEdit::Null], &sent, None);
    let nulls = [Some(&b"a"[..]), None, None];
    check([FieldEdit::Clear, rule(), constant("x")], &nulls, None);
    check(
        [FieldEdit::Clear, scan(), FieldEdit::Clear],
        &sent,
        Some(&[Some(b"a"), Some(b"*******"), None]),
    );
    check(
        [FieldEdit::Null, FieldEdit::Clear, FieldEdit::Null],
        &sent,
        Some(&[None, Some(b"1234567"), None]),
    );
    check(
        [FieldEdit::Redact, scan(), FieldEdit::Redact],
        &sent,
        Some(&[Some(b"[redacted]"), Some(b"*******"), Some(b"[redacted]")]),
    );
    assert!(RowEditor::new(vec![column(25, Text, FieldEdit::Clear)]).is_clear());
    assert!(!RowEditor::new(vec![column(25, Text, scan())]).is_clear());
}

#[test]
fn a_redacted_field_does_not_tell_whether_it_was_null() {
    for format in [Text, Binary] {
        for oid in TYPES {
            let mut editor = RowEditor::new(vec![column(*oid, format, FieldEdit::Redact)]);
            let mut became = |field: Option<&[u8]>| {
                let mut body = data_row(&[field]);
                let mut out = BytesMut::new();
                if editor.rewrite(&body, &mut out) == Ok(RowOutcome::Rewritten) {
                    body = out[frame::HEADER_LEN..].to_vec();
                }
                body
            };
            let null = became(None);
            for value in ["", "1", "ada", "{}", "{1,2}", "(1)", "[1,2)", "a=>b"] {
                assert_eq!(
                    became(Some(value.as_bytes())),
                    null,
                    "{oid} {format:?} {value}"
                );
            }
        }
    }
}

#[test]
fn a_row_that_does_not_fit_its_shape_is_refused() {
    let check = |body: &[u8]| {
        let columns = vec![
            column(25, Text, FieldEdit::Redact),
            column(25, Text, FieldEdit::Clear),
        ];
        let mut out = BytesMut::new();
        let outcome = RowEditor::new(columns).rewrite(body, &mut out);
        assert!(matches!(outcome, Err(RowError::Violation(_))), "{body:?}");
        assert!(out.is_empty());
    };
    check(b"");
    check(b"\0");
    check(&data_row(&[Some(b"a")]));
    check(&data_row(&[Some(b"a"), None, None]));
    let good = data_row(&[Some(b"a"), Some(b"b")]);
    check(&good[..good.len() - 1]);
    check(&[good.clone(), vec![0]].concat());
    for length in [
        [0x7f, 0xff, 0xff, 0xff],
        [0x80, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xfe],
    ] {
        let mut bad = good.clone();
        bad[2..6].copy_from_slice(&length);
        check(&bad);
    }
}

proptest! {
    #[test]
    fn a_masked_row_has_as_many_fields(
        fields in proptest::collection::vec((proptest::option::of(any_value()), any_edit(), 0..TYPES.len()), 0..6),
        junk: Vec<u8>,
    ) {
        let columns = fields.iter().map(|(_, edit, at)| column(TYPES[*at], Text, edit.clone())).collect();
        let body = data_row(&fields.iter().map(|(value, ..)| value.as_deref()).collect::<Vec<_>>());
        let mut editor = RowEditor::new(columns);
        let mut out = BytesMut::new();
        if let Ok(RowOutcome::Rewritten) = editor.rewrite(&body, &mut out) {
            let frame = frame::peek::<BackendTag>(&out).unwrap().unwrap();
            prop_assert_eq!(frame.raw.len(), out.len());
            let Ok(backend::BackendMessage::DataRow(row)) = backend::parse(frame.tag, frame.body) else {
                panic!("not a row")
            };
            let now = row.fields().unwrap();
            prop_assert_eq!(now.len(), fields.len());
            for ((before, edit, _), now) in fields.iter().zip(now) {
                if matches!(edit, FieldEdit::Clear) {
                    prop_assert_eq!(before.as_deref(), now);
                }
            }
        }
        let _ = editor.rewrite(&junk, &mut out);
    }
}
