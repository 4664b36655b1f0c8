//! Tests of masking inside arrays, rows and types that users made.

use super::types::Format::{Binary, Text};
use super::values_tests::{Is, check, constant, now, rule, scan};
use crate::edit::FieldEdit;

#[test]
fn elements_of_arrays_are_edited_one_by_one() {
    check(
        1009,
        Text,
        r#"{a,"tel, 1234567",NULL,"NULL",1234567}"#,
        &scan(),
        now(r#"{a,"tel, *******",NULL,"NULL",*******}"#),
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
    check(1007, Text, "{1,NULL,3}", &constant("7"), now("{7,NULL,7}"));
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
    check(2287, Text, r#"{"(1,2)"}"#, &constant("x"), now("{NULL}"));
    check(1009, Text, "{}", &rule(), Is::Same);
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
fn a_redacted_array_does_not_tell_how_many_elements_it_had() {
    for sent in ["{}", "{1}", "{1,NULL,3}", "[0:1]={1,2}", "{{1},{2}}"] {
        check(1007, Text, sent, &FieldEdit::Redact, now("{}"));
    }
    let empty = [&[0; 8][..], &23_u32.to_be_bytes()].concat();
    for elements in [&[None][..], &[Some(&[0, 0, 0, 9][..]), None]] {
        let sent = array(23, 1, elements);
        check(1007, Binary, &sent, &FieldEdit::Redact, now(&empty));
    }
}

#[test]
fn an_array_that_grows_without_bound_is_refused() {
    let sent = format!("{{{}a}}", "a,".repeat(200));
    let long = constant(&"x".repeat(1 << 20));
    check(1009, Text, &sent, &long, Is::Refused);
    let sent = array(25, 0, &[Some(&b"a"[..]); 200]);
    check(1009, Binary, &sent, &long, Is::Refused);
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
        &rule(),
        now(&array(23, 0, &[Some(&[0; 4])])),
    );
    // An element that can only be NULL sets the flag.
    check(
        2287,
        Binary,
        &array(2249, 0, &[Some(&[0; 4])]),
        &constant("x"),
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
    // Not an array at all, of a type that a user made.
    check(99_999, Text, "{1234567", &scan(), Is::Null);
    check(99_999, Text, "{1234567}", &scan(), now("{*******}"));
    check(99_999, Text, "{x}", &FieldEdit::Redact, Is::Null);
    check(99_999, Text, "ada 1234567", &scan(), now("ada *******"));
    check(99_999, Text, "ada 1234567", &rule(), now("ada *******"));
    check(99_999, Text, "ada", &FieldEdit::Redact, Is::Null);
    check(99_999, Text, "[1,2)", &FieldEdit::Redact, Is::Null);
    check(99_999, Text, r#""a"=>"b""#, &FieldEdit::Redact, Is::Null);
    check(99_999, Binary, "ada 1234567", &scan(), now("ada *******"));
    check(99_999, Binary, "ada", &FieldEdit::Redact, Is::Null);
    check(99_999, Binary, b"\0\0\0\x071234567", &scan(), Is::Null);
    check(99_999, Binary, b"\0\0\0\x01x", &scan(), Is::Same);
}
