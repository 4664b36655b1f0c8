//! Tests of masking fields: tables by type, and properties over every type.

use super::rows::{RowEditor, RowError, RowOutcome};
use super::testing::{DigitMask, FirstLetter};
use super::types::Format::{self, Binary, Text};
use super::values::{ColumnEdit, Edited, FieldEdit, edit_field};
use super::{BackendTag, backend, frame};
use bytes::BytesMut;
use proptest::prelude::*;
use std::sync::Arc;

fn scan() -> FieldEdit {
    FieldEdit::Scan(Arc::new(DigitMask))
}

fn rule() -> FieldEdit {
    FieldEdit::Text(Arc::new(DigitMask))
}

fn constant(text: &str) -> FieldEdit {
    FieldEdit::Constant(text.into())
}

/// What should become of a field.
#[derive(Debug, PartialEq)]
enum Is {
    Same,
    Null,
    Refused,
    Now(Vec<u8>),
}

fn now(value: &(impl AsRef<[u8]> + ?Sized)) -> Is {
    Is::Now(value.as_ref().to_vec())
}

fn edited(oid: u32, format: Format, value: &[u8], edit: &FieldEdit) -> Is {
    let mut out = BytesMut::from(&b"before"[..]);
    let outcome = edit_field(oid, format, value, edit, &mut out);
    assert!(out.starts_with(b"before"));
    if outcome != Ok(Edited::Changed) {
        assert_eq!(out.len(), 6, "{outcome:?} left something behind");
    }
    match outcome {
        Ok(Edited::Unchanged) => Is::Same,
        Ok(Edited::Null) => Is::Null,
        Ok(Edited::Changed) => now(&out[6..]),
        Err(_) => Is::Refused,
    }
}

#[track_caller]
fn check(
    oid: u32,
    format: Format,
    value: &(impl AsRef<[u8]> + ?Sized),
    edit: &FieldEdit,
    expected: Is,
) {
    let got = edited(oid, format, value.as_ref(), edit);
    assert_eq!(got, expected, "type {oid} {format:?}");
}

#[test]
fn text_is_edited_as_text() {
    for oid in [25, 1043, 1042, 19, 705, 142] {
        for format in [Text, Binary] {
            check(oid, format, "tel 1234567", &scan(), now("tel *******"));
            check(oid, format, "tel", &scan(), Is::Same);
            check(oid, format, "1234567", &rule(), now("*******"));
            check(oid, format, "x", &FieldEdit::Redact, now("[redacted]"));
            check(oid, format, "x", &constant("gone"), now("gone"));
            check(oid, format, "x", &FieldEdit::Null, Is::Null);
            check(oid, format, "x", &FieldEdit::Clear, Is::Same);
            // LATIN1 bytes in a database that does not check its encoding.
            check(oid, format, b"\xe4 1234567", &scan(), now("[redacted]"));
            check(oid, format, b"\xe4", &scan(), Is::Same);
            check(oid, format, b"\xe4", &rule(), now("[redacted]"));
        }
    }
    check(18, Text, "x", &FieldEdit::Redact, now("*"));
    check(18, Binary, "x", &scan(), Is::Same);
}

#[test]
fn json_stays_json() {
    for (oid, format, version) in [
        (114, Text, ""),
        (114, Binary, ""),
        (3802, Text, ""),
        (3802, Binary, "\u{1}"),
    ] {
        let with = |text: &str| format!("{version}{text}");
        let check = |value: &str, edit: &FieldEdit, expected: Option<&str>| {
            let expected = expected.map_or(Is::Same, |text| now(&with(text)));
            check(oid, format, &with(value), edit, expected);
        };
        check(r#"{"a": "1234567"}"#, &scan(), Some(r#"{"a": "*******"}"#));
        check(r#"{"a": 1}"#, &scan(), None);
        check(r#"{"a": 1}"#, &FieldEdit::Redact, Some(r#""[redacted]""#));
        check(r#"{"a": 1}"#, &constant("a\"b"), Some(r#""a\"b""#));
        check(r#"{"a": "1234567"}"#, &rule(), Some(r#""[redacted]""#));
        check(r#""1234567""#, &rule(), Some(r#""*******""#));
        check(&"[".repeat(1000), &scan(), Some(r#""[redacted]""#));
    }
    check(3802, Binary, "\u{2}{}", &scan(), Is::Refused);
    check(3802, Binary, "", &scan(), Is::Refused);
}

#[test]
fn numbers_become_zero_when_they_hold_something() {
    let card = 4_111_111_111_111_111_i64;
    check(20, Text, "4111111111111111", &scan(), now("0"));
    check(20, Binary, &card.to_be_bytes(), &scan(), now(&[0; 8]));
    check(20, Binary, &(-card).to_be_bytes(), &scan(), now(&[0; 8]));
    check(20, Binary, &123_456_i64.to_be_bytes(), &scan(), Is::Same);
    check(
        23,
        Binary,
        &123_456_789_i32.to_be_bytes(),
        &scan(),
        now(&[0; 4]),
    );
    check(23, Binary, &[1, 2, 3], &scan(), Is::Refused);
    check(21, Binary, &7_i16.to_be_bytes(), &rule(), now(&[0; 2]));
    check(701, Text, "4.111111111111111e+15", &scan(), now("0"));
    check(701, Text, "NaN", &scan(), Is::Same);
    check(
        701,
        Binary,
        &4.111_111_111_111_111e15_f64.to_be_bytes(),
        &scan(),
        now(&[0; 8]),
    );
    check(701, Binary, &f64::INFINITY.to_be_bytes(), &scan(), Is::Same);
    check(
        700,
        Binary,
        &1.5_f32.to_be_bytes(),
        &FieldEdit::Redact,
        now(&[0; 4]),
    );
    check(1700, Text, "4111111111111111.00", &scan(), now("0"));
    check(1700, Text, "0.4111111111111111", &scan(), Is::Same);
    // 4111111111111111.00 as a server sends it: four groups, weight 3, two decimals.
    let numeric = [
        0, 4, 0, 3, 0, 0, 0, 2, 0x10, 0x0f, 0x04, 0x57, 0x04, 0x57, 0x04, 0x57,
    ];
    check(1700, Binary, &numeric, &scan(), now(&[0; 8]));
    check(
        1700,
        Binary,
        &[0, 1, 0, 2, 0, 0, 0, 0, 0, 7],
        &scan(),
        now(&[0; 8]),
    );
    check(
        1700,
        Binary,
        &[0, 1, 0xff, 0xff, 0, 0, 0, 4, 0, 7],
        &scan(),
        Is::Same,
    );
    check(
        1700,
        Binary,
        &[0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 7],
        &scan(),
        Is::Same,
    );
    check(
        1700,
        Binary,
        &[0, 2, 0, 0, 0, 0, 0, 0, 0, 7],
        &scan(),
        Is::Refused,
    );
    check(23, Text, "5", &constant("42"), now("42"));
    check(
        23,
        Binary,
        &[0, 0, 0, 5],
        &constant("42"),
        now(&[0, 0, 0, 42]),
    );
    check(23, Binary, &[0, 0, 0, 5], &constant("x"), now(&[0; 4]));
    check(21, Text, "5", &constant("70000"), now("0"));
    check(1700, Text, "5", &constant("-1.5"), now("-1.5"));
    check(1700, Text, "5", &constant("1e5"), now("0"));
}

#[test]
fn other_types_get_their_neutral_value() {
    for (oid, text, binary) in [
        (16, "f", 1),
        (26, "0", 4),
        (790, "$0.00", 8),
        (1082, "2000-01-01", 4),
        (1083, "00:00:00", 8),
        (1266, "00:00:00+00", 12),
        (1114, "2000-01-01 00:00:00", 8),
        (1184, "2000-01-01 00:00:00+00", 8),
        (1186, "00:00:00", 16),
        (2950, "00000000-0000-0000-0000-000000000000", 16),
        (829, "00:00:00:00:00:00", 6),
        (774, "00:00:00:00:00:00:00:00", 8),
    ] {
        for edit in [FieldEdit::Redact, rule(), constant("?")] {
            check(oid, Text, "whatever", &edit, now(text));
            check(oid, Binary, &[9; 16], &edit, now(&vec![0; binary]));
        }
        check(oid, Text, "1234567", &scan(), Is::Same);
    }
    check(16, Text, "t", &constant("true"), now("t"));
    check(16, Binary, &[0], &constant("yes"), now(&[1]));
    let uuid = "0188e0f0-0000-7000-8000-00000000000f";
    check(2950, Text, "x", &constant(uuid), now(uuid));
    let bytes = 0x0188_e0f0_0000_7000_8000_0000_0000_000f_u128.to_be_bytes();
    check(2950, Binary, &[9; 16], &constant(uuid), now(&bytes));
    check(
        869,
        Text,
        "10.0.0.1",
        &constant("10.0.0.0"),
        now("10.0.0.0"),
    );
    check(869, Text, "10.0.0.1", &FieldEdit::Redact, now("0.0.0.0"));
    check(
        650,
        Binary,
        &[2, 8, 1, 4, 10, 0, 0, 0],
        &FieldEdit::Redact,
        now(&[2, 32, 1, 4, 0, 0, 0, 0]),
    );
    check(869, Binary, &[2, 32, 0, 4, 10, 0, 0, 1], &scan(), Is::Same);
    check(869, Binary, &[2, 32, 0, 4, 10, 0, 0], &scan(), Is::Refused);
    // Ranges, text search and such have none.
    for oid in [3904, 3614, 600, 4451] {
        check(oid, Text, "x 1234567", &FieldEdit::Redact, Is::Null);
        check(oid, Text, "x 1234567", &scan(), Is::Null);
        check(oid, Text, "x", &scan(), Is::Same);
    }
}

#[test]
fn bytes_with_text_in_them_are_edited_as_text() {
    check(17, Binary, "tel 1234567", &scan(), now("tel *******"));
    check(
        17,
        Text,
        r"\x31323334353637",
        &scan(),
        now(r"\x2a2a2a2a2a2a2a"),
    );
    check(
        17,
        Text,
        r"a\\1234567\303\244",
        &scan(),
        now(r"\x615c2a2a2a2a2a2a2ac3a4"),
    );
    check(17, Text, r"\x313233343536370000ff", &scan(), now(r"\x"));
    check(17, Binary, b"\xff\xfe\x00", &scan(), Is::Same);
    check(17, Binary, b"\xff", &rule(), now(""));
    check(17, Text, r"\x4", &scan(), Is::Refused);
    check(17, Text, r"\xzz", &scan(), Is::Refused);
    check(17, Text, r"\9", &scan(), Is::Refused);
    check(17, Text, "a", &constant("ab"), now(r"\x6162"));
    check(17, Text, "a", &FieldEdit::Redact, now(r"\x"));
}

#[test]
fn elements_of_arrays_are_edited_one_by_one() {
    check(
        1009,
        Text,
        r#"{a,"tel, 1234567",NULL,"NULL",1234567}"#,
        &scan(),
        now(r#"{a,"tel, *******",NULL,"NULL",*******}"#),
    );
    check(
        1009,
        Text,
        "{a,NULL}",
        &FieldEdit::Redact,
        now("{[redacted],NULL}"),
    );
    check(1009, Text, "{a}", &constant("N\"\\{"), now(r#"{"N\"\\{"}"#));
    check(1009, Text, "{a}", &constant("null"), now(r#"{"null"}"#));
    check(1009, Text, "{a}", &constant(""), now(r#"{""}"#));
    check(
        1009,
        Text,
        "[0:1][2:2]={{1234567},{x}}",
        &scan(),
        now("[0:1][2:2]={{*******},{x}}"),
    );
    check(
        1007,
        Text,
        "{1,NULL,3}",
        &FieldEdit::Redact,
        now("{0,NULL,0}"),
    );
    check(
        3807,
        Text,
        r#"{"{\"a\": \"1234567\"}"}"#,
        &scan(),
        now(r#"{"{\"a\": \"*******\"}"}"#),
    );
    check(
        1001,
        Text,
        r#"{"\\x31323334353637"}"#,
        &scan(),
        now(r#"{"\\x2a2a2a2a2a2a2a"}"#),
    );
    check(
        2287,
        Text,
        r#"{"(1,1234567)"}"#,
        &scan(),
        now(r#"{"(1,\"*******\")"}"#),
    );
    check(
        2287,
        Text,
        r#"{"(1,2)"}"#,
        &FieldEdit::Redact,
        now("{NULL}"),
    );
    check(1009, Text, "{}", &FieldEdit::Redact, Is::Same);
    for bad in [
        "",
        "a",
        "{",
        "{a",
        "{\"a}",
        "{a}}",
        "{a\"b}",
        "{{{{{{{a}}}}}}}",
        "[0:1]",
        "{\"a\\",
        "}{",
    ] {
        check(1009, Text, bad, &scan(), Is::Refused);
    }
    // Not an array at all, of a type that a user made.
    check(99_999, Text, "{1234567", &scan(), Is::Null);
    check(99_999, Text, "{1234567}", &scan(), now("{*******}"));
    check(99_999, Text, "{x}", &FieldEdit::Redact, Is::Null);
}

/// An array of one dimension in binary.
fn array(element: u32, nulls: i32, values: &[Option<&[u8]>]) -> Vec<u8> {
    let count = u32::try_from(values.len()).unwrap();
    let mut array: Vec<u8> = [1_u32, nulls.cast_unsigned(), element, count, 1]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect();
    for value in values {
        match value {
            None => array.extend((-1_i32).to_be_bytes()),
            Some(value) => {
                array.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                array.extend_from_slice(value);
            }
        }
    }
    array
}

#[test]
fn arrays_in_binary_keep_their_layout() {
    let sent = array(25, 1, &[Some(b"1234567"), None, Some(b"x")]);
    check(
        1009,
        Binary,
        &sent,
        &scan(),
        now(&array(25, 1, &[Some(b"*******"), None, Some(b"x")])),
    );
    check(
        1009,
        Binary,
        &array(25, 0, &[Some(b"x")]),
        &scan(),
        Is::Same,
    );
    check(
        1007,
        Binary,
        &array(23, 0, &[Some(&[0, 0, 0, 9])]),
        &FieldEdit::Redact,
        now(&array(23, 0, &[Some(&[0; 4])])),
    );
    // An element that can only be NULL sets the flag.
    check(
        2287,
        Binary,
        &array(2249, 0, &[Some(&[0; 4])]),
        &FieldEdit::Redact,
        now(&array(2249, 1, &[None])),
    );
    for bad in [
        &sent[..sent.len() - 1],
        &sent[..19],
        &sent[..3],
        &[&[0, 0, 0, 7][..], &sent[4..]].concat(),
        &[&sent[..20], &[0x7f; 4]].concat(),
        &[&sent[..20], &[0xff, 0xff, 0xff, 0xfe]].concat(),
    ] {
        check(1009, Binary, bad, &scan(), Is::Refused);
    }
    let mut nested = array(25, 0, &[Some(b"1234567")]);
    for _ in 0..9 {
        nested = array(1009, 0, &[Some(&nested)]);
    }
    check(1009, Binary, &nested, &scan(), Is::Refused);
}

#[test]
fn rows_are_scanned_field_by_field() {
    check(
        2249,
        Text,
        r#"(1,"a ""1234567"" \\",,"")"#,
        &scan(),
        now(r#"(1,"a ""*******"" \\",,"")"#),
    );
    check(2249, Text, "(1,x)", &scan(), Is::Same);
    check(2249, Text, "(1,x)", &FieldEdit::Redact, Is::Null);
    check(2249, Text, "(1,x", &scan(), Is::Refused);
    check(2249, Text, "(\"x)", &scan(), Is::Refused);
    check(99_999, Text, "(1,1234567)", &scan(), now("(1,\"*******\")"));
    check(99_999, Text, "(1,x)", &rule(), Is::Null);
    let field = |oid: u32, value: &[u8]| {
        [
            &oid.to_be_bytes()[..],
            &u32::try_from(value.len()).unwrap().to_be_bytes(),
            value,
        ]
        .concat()
    };
    let row = |text: &[u8], card: i64| {
        [
            &2_u32.to_be_bytes()[..],
            &field(25, text),
            &field(20, &card.to_be_bytes()),
        ]
        .concat()
    };
    check(
        2249,
        Binary,
        &row(b"1234567", 1_234_567),
        &scan(),
        now(&row(b"*******", 0)),
    );
    check(2249, Binary, &row(b"x", 1), &scan(), Is::Same);
    check(2249, Binary, &row(b"x", 1), &constant("x"), Is::Null);
    check(
        2249,
        Binary,
        &[row(b"x", 1), vec![0]].concat(),
        &scan(),
        Is::Refused,
    );
    check(
        2249,
        Binary,
        &[0xff, 0xff, 0xff, 0xff],
        &scan(),
        Is::Refused,
    );
}

#[test]
fn types_that_users_made_are_text_or_null() {
    check(99_999, Text, "ada 1234567", &scan(), now("ada *******"));
    check(99_999, Text, "ada 1234567", &rule(), now("ada *******"));
    check(99_999, Text, "ada", &FieldEdit::Redact, now("[redacted]"));
    check(99_999, Text, "[1,2)", &FieldEdit::Redact, Is::Null);
    check(99_999, Text, r#""a"=>"b""#, &FieldEdit::Redact, Is::Null);
    check(99_999, Binary, "ada 1234567", &scan(), now("ada *******"));
    check(99_999, Binary, "ada", &FieldEdit::Redact, Is::Null);
    check(99_999, Binary, b"\0\0\0\x071234567", &scan(), Is::Null);
    check(99_999, Binary, b"\0\0\0\x01x", &scan(), Is::Same);
}

/// Every type number of the tables, and some of none.
const TYPES: &[u32] = &[
    16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 142, 143, 199, 600, 650, 651, 700, 701, 774, 790, 829,
    869, 1000, 1001, 1005, 1007, 1009, 1016, 1022, 1041, 1042, 1043, 1082, 1083, 1114, 1184, 1186,
    1231, 1266, 1700, 2249, 2287, 2950, 2951, 3802, 3807, 3904, 16_384, 99_999,
];

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
    check([scan(), FieldEdit::Clear, FieldEdit::Redact], &sent, None);
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
        Some(&[Some(b"[redacted]"), Some(b"*******"), None]),
    );
    assert!(RowEditor::new(vec![column(25, Text, FieldEdit::Clear)]).is_clear());
    assert!(!RowEditor::new(vec![column(25, Text, scan())]).is_clear());
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

fn any_edit() -> impl Strategy<Value = FieldEdit> {
    prop_oneof![
        Just(FieldEdit::Clear),
        Just(FieldEdit::Redact),
        Just(FieldEdit::Null),
        Just(constant("12")),
        Just(scan()),
        Just(rule()),
        Just(FieldEdit::Text(Arc::new(FirstLetter))),
    ]
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[{}(),\"\\\\1-9x =>\\[\\]]{0,20}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_value_is_edited_or_refused(value in any_value(), edit in any_edit()) {
        for oid in TYPES {
            for format in [Text, Binary] {
                edited(*oid, format, &value, &edit);
            }
        }
    }

    /// After a scan changed a value, scanning again finds nothing: the result is of the type and clean.
    #[test]
    fn a_scan_leaves_nothing_to_find(value in any_value()) {
        for oid in TYPES {
            for format in [Text, Binary] {
                if let Is::Now(masked) = edited(*oid, format, &value, &scan()) {
                    prop_assert_eq!(edited(*oid, format, &masked, &scan()), Is::Same, "type {}", oid);
                }
            }
        }
    }

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
