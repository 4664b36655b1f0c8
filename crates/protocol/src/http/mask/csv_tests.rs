//! Tests of separated values: tables of (sent, expected, fields that were changed), each also cut at every place.

use super::super::testing::{Table, check, constant, first_letter, refused, scan, whole};
use super::super::{CannotMask, FieldEdit, Kind, MAX_VALUE};

const COMMAS: Kind = Kind::Csv {
    separator: b',',
    header: true,
};
const NUMBERED: Kind = Kind::Csv {
    separator: b',',
    header: false,
};
const TABS: Kind = Kind::Csv {
    separator: b'\t',
    header: true,
};

const MALFORMED: CannotMask = CannotMask::Malformed {
    kind: "separated values",
    expected: "",
};

fn rules() -> Table {
    Table::new([
        ("ssn", FieldEdit::Redact),
        ("gone", FieldEdit::Null),
        ("fixed", constant("a, \"b\"")),
        ("first", first_letter()),
        ("whole", whole()),
        ("tel", scan()),
        ("column2", FieldEdit::Redact),
        ("", scan()),
    ])
}

#[test]
fn fields_are_judged_by_the_names_of_the_header() {
    for (sent, expected, masked) in [
        ("", "", &[][..]),
        ("id,name\n1,ada\n", "id,name\n1,ada\n", &[]),
        (
            "id,ssn\r\n1,078\r\n2,\r\n",
            "id,ssn\r\n1,[redacted]\r\n2,[redacted]\r\n",
            &["ssn"],
        ),
        ("id,ssn\n1,\"0\n7\"\"8\"", "id,ssn\n1,[redacted]", &["ssn"]),
        (
            "ssn,id,ssn\n1,2,3",
            "ssn,id,ssn\n[redacted],2,[redacted]",
            &["ssn"],
        ),
        (
            "\"ssn\", gone ,x\n1,2,3\n",
            "\"ssn\", gone ,x\n[redacted],,3\n",
            &["ssn", "gone"],
        ),
        (
            "fixed,first\n1,\"x\"\n",
            "fixed,first\n\"a, \"\"b\"\"\",\"x*, \"\"\\\t)}\n\"\n",
            &["fixed", "first"],
        ),
        (
            "tel,id\n\"call \"\"me\"\" 1234567\",1234567\n1234567,\"1234567\"\n12,\"1\"\"2\"\n",
            "tel,id\n\"call \"\"me\"\" *******\",1234567\n*******,\"1234567\"\n12,\"1\"\"2\"\n",
            &["tel"],
        ),
        (
            "a1234567,\"b1234567\"\n1,2\n",
            "a*******,\"b*******\"\n1,2\n",
            &["a*******", "b*******"],
        ),
        ("id\n1,1234567,ok\n", "id\n1,*******,ok\n", &[""]),
        ("id,ssn\n1", "id,ssn\n1", &[]),
        ("id,ssn\n1,", "id,ssn\n1,[redacted]", &["ssn"]),
        ("id,tel\n,\n", "id,tel\n,\n", &[]),
        ("\u{feff}ssn\n1\n", "\u{feff}ssn\n[redacted]\n", &["ssn"]),
        (
            "\u{feff}\"ssn\"\n1\n",
            "\u{feff}\"ssn\"\n[redacted]\n",
            &["ssn"],
        ),
        // Lines with nothing in them are no records, also before the header.
        (
            "\r\n\nssn\n\n1\n\r\n2\n\n",
            "\r\n\nssn\n\n[redacted]\n\r\n[redacted]\n\n",
            &["ssn"],
        ),
        ("gone\n1\n", "gone\n\"\"\n", &["gone"]),
        (
            "whole,ä\n1234567,ä\nx,\n",
            "whole,ä\n*******,ä\nx,\n",
            &["whole"],
        ),
    ] {
        check(COMMAS, &rules(), sent, expected, masked);
    }
}

#[test]
fn columns_without_names_have_numbers() {
    for (sent, expected, masked) in [
        ("1,2,3\n4\n", "1,[redacted],3\n4\n", &["column2"][..]),
        ("\u{feff}1\n", "\u{feff}1\n", &[]),
        (
            "ssn,\n1,2\n",
            "ssn,[redacted]\n1,[redacted]\n",
            &["column2"],
        ),
    ] {
        check(NUMBERED, &rules(), sent, expected, masked);
    }
}

#[test]
fn tabs_are_never_inside_of_fields() {
    for (sent, expected, masked) in [
        (
            "a,b\tssn\n1\t2\n",
            "a,b\tssn\n1\t[redacted]\n",
            &["ssn"][..],
        ),
        (
            "first\tx\n\"a\"\"b\"\t1\nc\t2\n",
            "first\tx\n\"a*, \"\"\\ )} \"\t1\n\"c*, \"\"\\ )} \"\t2\n",
            &["first"],
        ),
    ] {
        check(TABS, &rules(), sent, expected, masked);
    }
    for sent in [
        "id\tssn\n\"a\t1234567\"\n",
        "id\tssn\n\"a\n1234567\"\t\n",
        "a,b\n1,1234567\n",
    ] {
        refused(TABS, &rules(), sent, MALFORMED);
    }
}

#[test]
fn what_readers_may_understand_differently_is_refused() {
    for sent in [
        "id\n\"a",
        "id\n\"a\"b",
        "id\n\"a\" ,b",
        "id\na\"b",
        "id,name\n1, \"a,b\"",
        "id\ra",
        "id\r\r\na",
        "id\r",
        "id\n\"a\"\r",
        "id;ssn\n1;1234567\n",
        "id\tssn\n1\t1234567\n",
        "id|ssn\n1|1234567\n",
        "id;a,b\n",
        "sep=;\nid;ssn\n",
        "\"sep=;\"\nid;ssn\n",
    ] {
        refused(COMMAS, &rules(), sent, MALFORMED);
    }
    for separator in [b'"', b'\n', b'\r', 0xa7] {
        let kind = Kind::Csv {
            separator,
            header: true,
        };
        refused(kind, &rules(), "a", MALFORMED);
    }
    let wide = ",".repeat(16_384);
    refused(COMMAS, &rules(), &wide, MALFORMED);
    refused(NUMBERED, &rules(), &wide, MALFORMED);
    check(COMMAS, &rules(), &wide[1..], &wide[1..], &[]);
}

#[test]
fn what_is_looked_at_is_short_and_text() {
    let all = rules();
    check(COMMAS, &all, b"id,tel\n\xe4,1", b"id,tel\n\xe4,1", &[]);
    check(NUMBERED, &all, b"\xef\xbb\n\xef", b"\xef\xbb\n\xef", &[]);
    for sent in [&b"id,tel\n1,\xe4"[..], b"\xe4,tel", b"\xef\xbb"] {
        refused(COMMAS, &all, sent, CannotMask::NotUtf8);
    }
    let long = |name: &str, length| format!("{name}\n{}\n", "x".repeat(length));
    let fits = long("tel", MAX_VALUE);
    check(COMMAS, &all, &fits, &fits, &[]);
    refused(
        COMMAS,
        &all,
        long("tel", MAX_VALUE + 1),
        CannotMask::TooLong,
    );
    let clear = long("id", 3 * MAX_VALUE);
    check(COMMAS, &all, &clear, &clear, &[]);
    let dropped = long("ssn", 3 * MAX_VALUE);
    check(COMMAS, &all, &dropped, "ssn\n[redacted]\n", &["ssn"]);
    let names = format!("{},y", "x".repeat(MAX_VALUE - 1));
    check(COMMAS, &all, &names, &names, &[]);
    refused(COMMAS, &all, names + "z", CannotMask::TooLong);
}
