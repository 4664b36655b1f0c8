//! Tests of event streams: tables of (sent, expected, fields that were changed), each also cut at every place.

use super::super::testing::{Instead, Table, check, refused, run, scan};
use super::super::{CannotMask, FieldEdit, Kind, MAX_DEPTH, MAX_VALUE, Masker};
use std::sync::Arc;

fn rules() -> Table {
    Table::new([("ssn", FieldEdit::Redact), ("tel", scan())])
}

#[test]
fn data_is_judged_as_json_or_text() {
    for (sent, expected, masked) in [
        ("", "", &[][..]),
        ("\n\r\n\r", "\n\r\n\r", &[]),
        ("data: {\"a\":1}\n\n", "data: {\"a\":1}\n\n", &[]),
        (
            ": hi\nevent: e\nid: 1\ndata:{\"ssn\":\"1\",\"id\":1234567}\nretry: 2\n\n",
            ": hi\nevent: e\nid: 1\ndata: {\"ssn\":\"[redacted]\",\"id\":1234567}\nretry: 2\n\n",
            &["ssn"],
        ),
        // The lines of one document.
        (
            "data: {\"ssn\":\ndata:  \"1\",\ndata\ndata:  \"tel\": \"1234567\"}\n\n",
            "data: {\"ssn\":\ndata:  \"[redacted]\",\ndata: \ndata:  \"tel\": \"*******\"}\n\n",
            &["ssn", "tel"],
        ),
        // A document that loses a line, between lines of other kinds.
        (
            "data: {\"ssn\": {\ndata: \"a\": 1}}\nid: 1234567\ndata\r\n\r\n",
            "data: {\"ssn\": {}}\ndata: \nid: *******\n\r\n",
            &["ssn", ""],
        ),
        (
            "data: 1234567\nid: 1\ndata: x\r\n\n",
            "data: *******\nid: 1\ndata: x\r\n\n",
            &[""],
        ),
        ("data: [DONE]\n\n", "data: [DONE]\n\n", &[]),
        (
            "data: [DONE 1234567\n\ndata: {\"ssn\":\"1\"}\n\n",
            "data: [DONE *******\n\ndata: {\"ssn\":\"[redacted]\"}\n\n",
            &["", "ssn"],
        ),
        // Where the document breaks off, nothing was changed by its fields.
        // Begins like JSON and is clearly none.
        (
            "data: [1234567 done]\n\n",
            "data: [******* done]\n\n",
            &[""],
        ),
        (
            "data: tel 1234567\r\ndata: x\r\n\r\n",
            "data: tel *******\r\ndata: x\r\n\r\n",
            &[""],
        ),
        (
            "data: 1234567\rdata: x\r\rdata: 1234567\r\r\n",
            "data: *******\rdata: x\r\rdata: *******\r\r\n",
            &[""],
        ),
        (
            ": 1234567\nevent: 1234567\nid: 1234567\n1234567: x\nDATA: 1234567\ndata : 1234567\n\n",
            ": *******\nevent: *******\nid: *******\n*******: x\nDATA: *******\ndata : *******\n\n",
            &[""],
        ),
        // One that is not whole at the end.
        ("data: 1234567", "data: *******", &[""]),
        ("data: {\"ssn\":1}\n", "data: {\"ssn\":0}\n", &["ssn"]),
        (
            "\u{feff}data: 1234567\n\n",
            "\u{feff}data: *******\n\n",
            &[""],
        ),
        (
            "data:  {\"ssn\":\"1\"} {}\n\n",
            "data:  {\"ssn\":\"[redacted]\"} {}\n\n",
            &["ssn"],
        ),
    ] {
        check(Kind::Events, &rules(), sent, expected, masked);
    }
}

#[test]
fn what_is_meant_as_json_and_is_none_is_refused() {
    for sent in [
        "data: {\"ssn\":1,\"tel\":\"1234567\"\n\n",
        "data: {\"ssn\":NaN}\n\n",
        "data:\u{a0}{\"ssn\":\"1\"}\n\n",
    ] {
        let mut masker = Masker::new(Kind::Events, Arc::new(rules()));
        let mut out = Vec::new();
        let fed = masker.feed(sent.as_bytes(), &mut out);
        assert!(fed.is_err(), "{sent}");
    }
}

#[test]
fn masks_cannot_make_events() {
    let rules = Table::new([]).with_prose(Instead("a\r\n\rb\n"));
    for (sent, expected) in [
        (": 1234567\n\n", "a   b \n\n"),
        (
            "data: 1234567\nid: 1\n\n",
            "data: a\ndata: \ndata: b\ndata: \nid: 1\n\n",
        ),
        ("data: 1234567", "data: a\ndata: \ndata: b\ndata: "),
    ] {
        check(Kind::Events, &rules, sent, expected, &[""]);
    }
    let nothing = Table::new([]).with_prose(Instead(""));
    let sent = "id: 1\n: 1234567\ndata: 1234567\n\n";
    check(Kind::Events, &nothing, sent, "id: 1\n:\ndata: \n\n", &[""]);
}

#[test]
fn events_and_comments_go_on_at_once() {
    for (sent, expected) in [
        ("data: a\n\n", "data: a\n\n"),
        ("data: a\r\n\r", "data: a\r\n\r"),
        ("data: a\r\r", "data: a\r\r"),
        ("data: a\n", ""),
        (": ping\n", ": ping\n"),
        (": ping\nevent: a\ndata: a\nid: 1\n", ": ping\nevent: a\n"),
        (": ping", ""),
        ("data: {\"a\":1}\n\ndata: {", "data: {\"a\":1}\n\n"),
    ] {
        let got = run(Kind::Events, &rules(), [sent.as_bytes()]);
        let streamed = String::from_utf8_lossy(&got.out[..got.streamed]).into_owned();
        assert_eq!(streamed, expected, "{sent}");
    }
}

#[test]
fn events_have_limits() {
    let event = |length: usize| format!("data:{}\n\n", "x".repeat(length));
    let fits = event(MAX_VALUE - 7);
    check(Kind::Events, &rules(), &fits, &fits, &[]);
    refused(
        Kind::Events,
        &rules(),
        event(MAX_VALUE - 6),
        CannotMask::TooLong,
    );
    let lines = "data: x\n".repeat(MAX_VALUE / 8 + 1);
    refused(Kind::Events, &rules(), lines, CannotMask::TooLong);
    let deep = format!("data: 1\n\ndata: {}\n\n", "[".repeat(MAX_DEPTH + 1));
    refused(Kind::Events, &rules(), deep, CannotMask::TooDeep);
    for sent in [&b"data: \xe4\n\n"[..], b"data: a\n\n\xc3"] {
        refused(Kind::Events, &rules(), sent, CannotMask::NotUtf8);
    }
}
