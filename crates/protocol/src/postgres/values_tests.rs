//! Tests of masking fields: tables by type, and properties over every type.

use super::testing::{DigitMask, FirstLetter};
use super::types::Format::{self, Binary, Text};
use super::values::{Edited, edit_field};
use crate::edit::FieldEdit;
use bytes::BytesMut;
use proptest::prelude::*;
use std::sync::Arc;

pub(super) fn scan() -> FieldEdit {
    FieldEdit::Scan(Arc::new(DigitMask))
}

pub(super) fn rule() -> FieldEdit {
    FieldEdit::Text(Arc::new(DigitMask))
}

pub(super) fn constant(text: &str) -> FieldEdit {
    FieldEdit::Constant(text.into())
}

/// What should become of a field.
#[derive(Debug, PartialEq)]
pub(super) enum Is {
    Same,
    Null,
    Refused,
    Now(Vec<u8>),
}

pub(super) fn now(value: &(impl AsRef<[u8]> + ?Sized)) -> Is {
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
pub(super) fn check(
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
}

#[test]
fn decimals_are_looked_at_before_their_point() {
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

/// Every type number of the tables, and some of none.
pub(super) const TYPES: &[u32] = &[
    16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 142, 143, 199, 600, 650, 651, 700, 701, 774, 790, 829,
    869, 1000, 1001, 1005, 1007, 1009, 1016, 1022, 1041, 1042, 1043, 1082, 1083, 1114, 1184, 1186,
    1231, 1266, 1700, 2249, 2287, 2950, 2951, 3802, 3807, 3904, 16_384, 99_999,
];

pub(super) fn any_edit() -> impl Strategy<Value = FieldEdit> {
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

pub(super) fn any_value() -> impl Strategy<Value = Vec<u8>> {
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
}
