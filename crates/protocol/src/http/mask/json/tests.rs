//! Tests of JSON: tables of (sent, expected, fields that were changed), each also cut at every place.

use crate::http::mask::testing::{
    FirstLetter, Got, RUN, Table, check, constant, first_letter, refused, run, scan, whole,
};
use crate::http::mask::{
    CannotMask, FieldEdit, FieldRules, Kind, MAX_DEPTH, MAX_PATH, MAX_VALUE, TextMask,
};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MALFORMED: CannotMask = CannotMask::Malformed {
    kind: "JSON",
    expected: "",
};

#[track_caller]
fn masks(rules: &Table, table: &[(&str, &str, &[&str])]) {
    for (sent, expected, masked) in table {
        check(Kind::Json, rules, sent, expected, masked);
    }
}

#[test]
fn what_is_clear_passes_byte_for_byte() {
    let rules = Table::new([]);
    for text in [
        "",
        " \n",
        " {\"a\" : [1, true,null, \"x\"], \"b\":{}, \"c\":[] }\r\n",
        "[[],{},[{}],\"\",\"1234567\",1234567,-0,0.5e+10,1E400]",
        "\"\\u0041\\ud83d\\ude00 \\ud83d \\\" \\\\ \\/ \\b\\f\\n\\r\\t \u{7f}\u{1f600}\"",
        "1",
        "-1.50",
        "{\"a\":1}\n{\"a\":2}\n",
        "{\"a\":1}{\"a\":2}[]\"x\"\"y\"",
        "1 2\ttrue\nnull",
        "1\"a\"2[3]false{}",
        "\u{1e}{\"a\":1}\n\u{1e}1\n\u{1e}\u{1e}\u{1e}2\u{1e}3\n",
        "\u{feff}{\"a\":1}",
        "{\"a\":{\"a\":{\"b\":1,\"a\":2}},\"a\":1,\"a\":2}",
    ] {
        check(Kind::Json, &rules, text, text, &[]);
    }
}

#[test]
fn scans_look_into_strings_and_numbers() {
    masks(
        &Table::scan(),
        &[
            (
                r#" {"a" : [1, true,null, "x"], "b":{}, "c":[] } "#,
                r#" {"a" : [1, true,null, "x"], "b":{}, "c":[] } "#,
                &[],
            ),
            (
                "{\"tel\" :\t\"call 5551234567\",\n \"n\": [ 4111111111111111 , 12]}",
                "{\"tel\" :\t\"call **********\",\n \"n\": [ 0 , 12]}",
                &["tel", "n"],
            ),
            (
                r#"{"1234567": {"1234567": 1, "x1234567": "1234567"}}"#,
                r#"{"*******": {"*******": 1, "x*******": "*******"}}"#,
                &["*******", "*******.*******", "*******.x*******"],
            ),
            ("1234567", "0", &[""]),
            ("-1234567 12\u{1e}1234567\n", "0 12\u{1e}0\n", &[""]),
            ("[-1.234567890e9,4111111111111111.00]", "[0,0]", &[""]),
            ("[0.1234567890,1e400,1.0e3]", "[0,1e400,1.0e3]", &[""]),
            ("[4.1e9,41e3,12345678.5e-3]", "[0,41e3,0]", &[""]),
            // Names that are masked, met again.
            (
                r#"[{"a":1,"1234567":2,"b":"c"},{"a":1,"1234567":2,"b":"c"},{"1234567":3},{"1234567":4}]"#,
                r#"[{"a":1,"*******":2,"b":"c"},{"a":1,"*******":2,"b":"c"},{"*******":3},{"*******":4}]"#,
                &["*******"],
            ),
            (
                r#""\u0031234567\n\"\\\/\u0001""#,
                r#""*******\n\"\\/\u0001""#,
                &[""],
            ),
            (r#""\u0041\/ 12""#, r#""\u0041\/ 12""#, &[]),
            (
                r#""\ud83d\ude00 1234567 \ud83d""#,
                "\"\u{1f600} ******* \u{fffd}\"",
                &[""],
            ),
            (
                r#"["\ud83d\ud83d\ude00","\ude00\ud83d"]"#,
                r#"["\ud83d\ud83d\ude00","\ude00\ud83d"]"#,
                &[],
            ),
            (
                r#"{"\u0031234567":1,"1\u0032\ud83d":2}"#,
                r#"{"*******":1,"1\u0032\ud83d":2}"#,
                &["*******"],
            ),
        ],
    );
}

#[test]
fn scans_leave_what_is_no_text_and_no_number() {
    let rules = Table::new([("a", FieldEdit::Scan(Arc::new(FirstLetter)))]);
    masks(
        &rules,
        &[(
            r#"{"a":true,"a":[false,null,{},"x",1],"b":1}"#,
            r#"{"a":true,"a":[false,null,{},"x*, \"\\\t)}\n",0],"b":1}"#,
            &["a"],
        )],
    );
}

#[test]
fn values_are_replaced_by_what_fits_them() {
    let values = r#"["x","",1,-2.5e3,true,false,null]"#;
    let nested = r#"[1,[2],{"ssn":"1"}]"#;
    let object = r#"{"a":"1234567","b":[{"c":1}],"a":"\u0041"}"#;
    for (edit, scalars, container) in [
        (
            FieldEdit::Redact,
            r#"["[redacted]","[redacted]",0,0,false,false,null]"#,
            ["[]", "{}"],
        ),
        (FieldEdit::Null, "null", ["null", "null"]),
        (
            constant("a\"b"),
            r#"["a\"b","a\"b",0,0,false,false,null]"#,
            ["[]", "{}"],
        ),
        (
            first_letter(),
            r#"["x*, \"\\\t)}\n","*, \"\\\t)}\n",0,0,false,false,null]"#,
            ["[]", "{}"],
        ),
        (whole(), r#"["x","",0,0,false,false,null]"#, ["[]", "{}"]),
    ] {
        let rules = Table::new([("p.ssn", edit.clone())]);
        let with = |value: &str| format!("{{\"p\":{{\"id\":1, \"ssn\" : {value} ,\"z\":[]}}}}\n[]");
        let [array, empty] = container;
        for (sent, expected) in [(values, scalars), (nested, array), (object, empty)] {
            check(Kind::Json, &rules, with(sent), with(expected), &["p.ssn"]);
        }
        // At the root.
        let root = Table::new([("", edit)]);
        for (sent, expected) in [(values, scalars), (nested, array), (object, empty)] {
            let sent = format!("{sent}\n{sent} {sent}");
            let expected = format!("{expected}\n{expected} {expected}");
            check(Kind::Json, &root, sent, expected, &[""]);
        }
        check(Kind::Json, &root, "null", "null", &[]);
    }
}

#[test]
fn fields_are_found_by_their_names() {
    let rules = Table::new([
        ("ssn", FieldEdit::Redact),
        ("a.b", FieldEdit::Null),
        ("list.tel", constant("gone")),
        ("s", scan()),
        ("", scan()),
        ("é", FieldEdit::Redact),
    ]);
    masks(
        &rules,
        &[
            (
                r#"{"ssn":"1","ssn":"2","x":{"ssn":"3"}}"#,
                r#"{"ssn":"[redacted]","ssn":"[redacted]","x":{"ssn":"3"}}"#,
                &["ssn"],
            ),
            (
                r#"{"s\u0073n":"1"}"#,
                r#"{"s\u0073n":"[redacted]"}"#,
                &["ssn"],
            ),
            (
                r#"{"a":{"b":[1,2]},"a":[{"b":{}},{"b":null}]}"#,
                r#"{"a":{"b":null},"a":[{"b":null},{"b":null}]}"#,
                &["a.b"],
            ),
            (
                r#"[[{"list":[[{"tel":"1"}],{"tel":[]}]}]]"#,
                r#"[[{"list":[[{"tel":"gone"}],{"tel":[]}]}]]"#,
                &["list.tel"],
            ),
            (
                r#"{"s":"1234567","t":"1234567","s":{"s":"1234567"}}"#,
                r#"{"s":"*******","t":"1234567","s":{"s":"1234567"}}"#,
                &["s"],
            ),
            (r#"["1234567"]"#, r#"["*******"]"#, &[""]),
            (r#"{"é":1,"\u00e9":1}"#, r#"{"é":0,"\u00e9":0}"#, &["é"]),
            // What is left out looks like what is known.
            (
                r#"[{"1234567":1,"ssn":{"x":{"1234567":2,"ssn":[{"1234567":3}]},"1234567":4}}]"#,
                r#"[{"*******":1,"ssn":{}}]"#,
                &["*******", "ssn"],
            ),
            // A member that comes later, earlier or not at all the next time.
            (
                r#"[{"x":1,"ssn":"2"},{"ssn":"3","x":4},{"x":5},{"y":6,"x":7,"ssn":"8"},{}]"#,
                r#"[{"x":1,"ssn":"[redacted]"},{"ssn":"[redacted]","x":4},{"x":5},{"y":6,"x":7,"ssn":"[redacted]"},{}]"#,
                &["ssn"],
            ),
            // One name begins like another.
            (
                r#"[{"ssn":1},{"ssn2":1},{"ss":1},{"ssn\"":1}]"#,
                r#"[{"ssn":0},{"ssn2":1},{"ss":1},{"ssn\"":1}]"#,
                &["ssn"],
            ),
        ],
    );
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[1}",
        "{\"a\":1]",
        "1,2",
        "tru",
        "truex",
        "truefalse",
        "nul",
        "01",
        "1.",
        ".1",
        "-",
        "+1",
        "1e",
        "1-2",
        "1true",
        "true1",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\u{1}\"",
        "'a'",
        "1234567,",
        "[1234567",
        "\"1234567\" x",
        "[1 2]",
        "[\"a\"\"b\"]",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "[1,\u{1e}2]",
        ")]}',\n{}",
        "\u{feff}\u{feff}1",
        "1\u{feff}",
        "{} // x",
        "NaN",
        "[Infinity]",
        "\u{a0}1",
        "{\"a\":1}}",
    ] {
        for rules in [
            Table::scan(),
            Table::new([]),
            Table::new([("", FieldEdit::Redact)]),
        ] {
            let rules = &rules;
            let clear = run(Kind::Json, rules, [text.as_bytes()]);
            assert!(
                matches!(clear.error, Some(CannotMask::Malformed { .. })),
                "{text}"
            );
        }
        refused(Kind::Json, &Table::scan(), text, MALFORMED);
    }
    for text in [
        &b"\"\xe4\""[..],
        b"\"\xc3\"",
        b"\xff",
        b"\"\xed\xa0\x80\"",
        b"\"\xe2\x82",
    ] {
        refused(Kind::Json, &Table::new([]), text, CannotMask::NotUtf8);
    }
}

#[test]
fn depth_has_a_limit() {
    let array = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let object = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for rules in [Table::scan(), Table::new([])] {
        for nested in [array, object] {
            let deepest = nested(MAX_DEPTH);
            check(Kind::Json, &rules, &deepest, &deepest, &[]);
            refused(
                Kind::Json,
                &rules,
                nested(MAX_DEPTH + 1),
                CannotMask::TooDeep,
            );
            refused(Kind::Json, &rules, nested(100_000), CannotMask::TooDeep);
        }
    }
    let redact = Table::new([("", FieldEdit::Redact)]);
    check(Kind::Json, &redact, array(MAX_DEPTH), "[]", &[""]);
    refused(
        Kind::Json,
        &redact,
        array(MAX_DEPTH + 1),
        CannotMask::TooDeep,
    );
}

#[test]
fn what_is_held_has_a_limit() {
    let string = |length: usize| format!("\"{}\"", "x".repeat(length));
    let in_field = |value: &str| format!("{{\"a\":{value}}}");
    let scanned = Table::scan();
    let clear = Table::new([]);
    let redact = Table::new([("a", FieldEdit::Redact)]);
    let fits = in_field(&string(MAX_VALUE));
    let long = in_field(&string(MAX_VALUE + 1));
    check(Kind::Json, &scanned, &fits, &fits, &[]);
    refused(Kind::Json, &scanned, &long, CannotMask::TooLong);
    check(Kind::Json, &clear, &long, &long, &[]);
    check(Kind::Json, &redact, &long, "{\"a\":\"[redacted]\"}", &["a"]);

    let number = in_field(&"1".repeat(MAX_VALUE + 1));
    refused(Kind::Json, &scanned, &number, CannotMask::TooLong);
    check(Kind::Json, &clear, &number, &number, &[]);
    check(Kind::Json, &redact, &number, "{\"a\":0}", &["a"]);

    let name = format!("{{{}:1}}", string(MAX_VALUE + 1));
    refused(Kind::Json, &clear, &name, CannotMask::TooLong);
    let half = format!("{{{}:", string(MAX_PATH / 2));
    let names = |count: usize| format!("{}1{}", half.repeat(count), "}".repeat(count));
    check(Kind::Json, &clear, names(2), names(2), &[]);
    refused(Kind::Json, &clear, names(3), CannotMask::TooLong);
    check(
        Kind::Json,
        &redact,
        in_field(&names(2)),
        "{\"a\":{}}",
        &["a"],
    );

    let array = |end: &str| in_field(&format!("[{}1{end}]", "1,".repeat(MAX_VALUE / 2)));
    refused(Kind::Json, &redact, array(""), CannotMask::TooLong);
    refused(Kind::Json, &redact, array(",{}"), CannotMask::TooLong);
    check(Kind::Json, &clear, array(""), array(""), &[]);
    let spaces = in_field(&format!("[1{}]", " ".repeat(MAX_VALUE)));
    refused(Kind::Json, &redact, spaces, CannotMask::TooLong);
    let endless = format!("{{\"a\":[1{}", " ".repeat(MAX_VALUE));
    refused(Kind::Json, &redact, endless, CannotMask::TooLong);
    let early = array("").replacen('1', "[]", 1);
    check(Kind::Json, &redact, early, "{\"a\":[]}", &["a"]);
}

/// More members than are remembered, at several depths, so that places are forgotten and met again.
#[test]
fn places_beyond_what_is_remembered_are_judged_too() {
    let rules = Table::new([("late.ssn", FieldEdit::Redact), ("late", scan())]).otherwise(scan());
    let mut sent = String::from("[");
    let mut expected = String::from("[");
    for n in 0..6000 {
        for (text, hidden) in [(&mut sent, "1234567"), (&mut expected, "*******")] {
            text.push_str(&format!(
                "{{\"m{n}\":{{\"ssn\":\"{hidden}\",\"x\":{{\"y{n}\":\"{hidden}\"}}}},\"k\":\"{hidden}\"}},"
            ));
        }
    }
    for (text, hidden) in [(&mut sent, "1234567"), (&mut expected, "[redacted]")] {
        text.push_str(&format!(
            "{{\"late\":{{\"z\":1,\"ssn\":\"{hidden}\",\"y\":{{}},\"ssn\":\"{hidden}\"}}}}]"
        ));
    }
    let Got {
        out, error, masked, ..
    } = run(Kind::Json, &rules, sent.as_bytes().chunks(1000));
    assert_eq!(error, None);
    assert!(out == expected.as_bytes());
    assert_eq!(masked.len(), crate::http::mask::MAX_PATHS);
    assert_eq!(masked[..3], ["m0.ssn", "m0.x.y0", "k"]);
    assert_eq!(
        masked
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        masked.len()
    );
}

#[test]
fn long_paths_are_told_cut() {
    let name = "ä".repeat(200);
    let sent = format!("{{\"{name}\":\"1234567\"}}");
    let got = run(Kind::Json, &Table::scan(), [sent.as_bytes()]);
    assert_eq!(got.masked, ["ä".repeat(128)]);
}

/// Counts how often it is asked.
struct Counting(AtomicUsize);

impl FieldRules for Counting {
    fn edit(&self, _: &[&str]) -> FieldEdit {
        self.0.fetch_add(1, Ordering::Relaxed);
        FieldEdit::Clear
    }

    fn prose(&self) -> Arc<dyn TextMask> {
        Table::scan().prose()
    }
}

#[test]
fn rules_are_asked_once_for_a_place() {
    let rules = Arc::new(Counting(AtomicUsize::new(0)));
    let mut masker =
        crate::http::mask::Masker::new(Kind::Json, Arc::clone(&rules) as Arc<dyn FieldRules>);
    let mut out = Vec::new();
    for _ in 0..100 {
        masker
            .feed(br#"{"a":[{"b":1,"c":{}},{"c":2}]}"#, &mut out)
            .unwrap();
    }
    masker.finish(&mut out).unwrap();
    assert_eq!(rules.0.load(Ordering::Relaxed), 4);
}

#[test]
fn output_streams_while_input_comes() {
    let rules = Table::new([("ssn", scan()), ("list", FieldEdit::Redact)]);
    for (sent, expected) in [
        ("{\"a\":\"half of a", "{\"a\":\"half of a"),
        ("{\"a\":12", "{\"a\":12"),
        ("{\"a\":tr", "{\"a\":tr"),
        ("{\"half", "{"),
        ("{\"ssn\":\"half", "{\"ssn\":"),
        ("{\"ssn\":12", "{\"ssn\":"),
        ("{\"list\":[\"a\", 1", "{\"list\":"),
        ("{\"list\":[\"a\", {", "{\"list\":[]"),
        ("{\"list\":{\"a\"", "{\"list\":{}"),
        ("{\"list\":\"a", "{\"list\":\"[redacted]\""),
        ("{\"a\":1}\n{", "{\"a\":1}\n{"),
    ] {
        let got = run(Kind::Json, &rules, [sent.as_bytes()]);
        let streamed = String::from_utf8_lossy(&got.out[..got.streamed]).into_owned();
        assert_eq!(streamed, expected, "{sent}");
    }
}

/// What masking should do, said once more over parsed values. `name` is the last name that leads to `value`.
fn expected(value: &Value, name: &str) -> Value {
    let text = |text: &str| {
        let mut out = String::new();
        let found = Table::scan().prose().mask_text(text, &mut out);
        if found { out } else { text.to_owned() }
    };
    let scalar = |value: &Value, instead: Option<&str>| match value {
        Value::String(text) => instead.unwrap_or(text).into(),
        Value::Number(_) => 0.into(),
        Value::Bool(_) => false.into(),
        other => other.clone(),
    };
    let whole = |value: &Value, instead: Option<&str>| match value {
        Value::Object(_) => Value::Object(serde_json::Map::new()),
        Value::Array(items) if items.iter().any(|item| item.is_array() || item.is_object()) => {
            Value::Array(Vec::new())
        }
        Value::Array(items) => items.iter().map(|item| scalar(item, instead)).collect(),
        other => scalar(other, instead),
    };
    match (name, value) {
        ("redact", value) => whole(value, Some("[redacted]")),
        ("constant", value) => whole(value, Some("c\"")),
        ("null", _) => Value::Null,
        (_, Value::Array(items)) => items.iter().map(|item| expected(item, name)).collect(),
        (_, Value::Object(fields)) => fields
            .iter()
            .map(|(name, value)| (text(name), expected(value, name)))
            .collect(),
        ("clear", value) => value.clone(),
        (_, Value::String(content)) => text(content).into(),
        (_, Value::Number(n))
            if n.as_i64()
                .is_some_and(|n| n.abs() >= 10_i64.pow(RUN as u32 - 1)) =>
        {
            0.into()
        }
        (_, other) => other.clone(),
    }
}

fn by_last_name() -> Table {
    Table::new([
        ("*.redact", FieldEdit::Redact),
        ("*.constant", constant("c\"")),
        ("*.null", FieldEdit::Null),
        ("*.clear", FieldEdit::Clear),
    ])
    .otherwise(scan())
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = "([0-9]{5,9}|[a-z\"\\\\\n\u{e4}\u{1}]){0,3}";
    let name = prop_oneof![
        Just("redact".to_owned()),
        Just("constant".to_owned()),
        Just("null".to_owned()),
        Just("clear".to_owned()),
        text,
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_999_999_i64..9_999_999).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn masked(text: &str, piece: usize) -> Result<String, CannotMask> {
    let got = run(Kind::Json, &by_last_name(), text.as_bytes().chunks(piece));
    match got.error {
        Some(error) => Err(error),
        None => Ok(String::from_utf8(got.out).unwrap()),
    }
}

proptest! {
    #[test]
    fn as_masking_the_parsed_document(value in any_json(), pretty: bool, piece in 1..40_usize) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let got = masked(&text, piece).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), expected(&value, ""));
        // Masking again changes nothing.
        prop_assert_eq!(masked(&got, piece).unwrap(), got);
    }

    #[test]
    fn reads_no_more_and_no_less_than_json(text in "[\\[\\]{}\",:0-9.eE\\\\utrn -]{0,12}", piece in 1..6_usize) {
        let ours = masked(&text, piece);
        let mut theirs = serde_json::Deserializer::from_str(&text)
            .into_iter::<Box<serde_json::value::RawValue>>();
        let error = theirs.find_map(Result::err);
        match (ours, error) {
            (Ok(out), None) => {
                for value in serde_json::Deserializer::from_str(&out).into_iter::<Value>() {
                    // Numbers may be out of range, and surrogates halves.
                    if let Err(error) = value {
                        let error = error.to_string();
                        prop_assert!(error.contains("surrogate") || error.contains("range") || error.contains("hex escape"), "{}", error);
                    }
                }
            }
            (Ok(_), Some(error)) => {
                prop_assert!(error.to_string().contains("surrogate"), "{} {}", text, error);
            }
            (Err(error), None) => prop_assert!(false, "{} {}", text, error),
            (Err(_), Some(_)) => {}
        }
    }
}
