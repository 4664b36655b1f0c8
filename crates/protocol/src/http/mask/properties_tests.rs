//! What holds for bodies of every kind, whole and broken, wherever they are cut.

use super::testing::{Got, Table, assert_same, constant, digit_run, run, scan};
use super::{CannotMask, FieldEdit, Kind, Masker};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

const CSV: Kind = Kind::Csv {
    separator: b',',
    header: true,
};
const NUMBERED: Kind = Kind::Csv {
    separator: b'\t',
    header: false,
};

/// Kinds, with the parts that their bodies are made of. Escapes that write one character as several digits are left
/// out: digits of theirs are no run in what is meant.
const PARTS: &[(Kind, &[&str])] = &[
    (
        Kind::Json,
        &[
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"ssn\":",
            "\"a\":",
            "\"",
            "1234567",
            "12",
            "-",
            ".",
            "e1",
            "0",
            "true",
            "false",
            "null",
            " ",
            "\n",
            "\\",
            "\\n",
            "\\\"",
            "ä",
            "\u{1e}",
            "{\"a\":\"1234567\"}",
            "[1234567,{}]",
            "{\"ssn\":[1,\"2\"]}",
            "{\"ssn\":{\"a\":1234567}}",
            "{\"1234567\":[]}",
            "\u{feff}",
            "\u{0}",
        ],
    ),
    (
        Kind::Form,
        &[
            "a",
            "=",
            "&",
            "+",
            "ä",
            "1234567",
            "12",
            "ssn=",
            "a=1234567&",
            "ssn",
            " ",
            "\u{0}",
        ],
    ),
    (
        CSV,
        &[
            "a",
            ",",
            "\"",
            "\"\"",
            "\n",
            "\r\n",
            "\r",
            "1234567",
            "12",
            "ssn,a\n",
            "a,ssn\r\n",
            "\"a\",\"1234567\"\n",
            "ä",
            "1,2,1234567\n",
            "\"12\n1234567\"",
            "\u{feff}",
            ";",
        ],
    ),
    (
        NUMBERED,
        &[
            "a",
            "\t",
            "\"",
            "\"\"",
            "\n",
            "\r\n",
            "1234567",
            "12",
            "\"1234567\"\t",
            "ä",
            "\u{feff}",
            ",",
        ],
    ),
    (
        Kind::Xml,
        &[
            "<a>",
            "</a>",
            "<b/>",
            "<ssn>",
            "</ssn>",
            "<a b='",
            "'",
            "\"",
            ">",
            "/>",
            "1234567",
            "12",
            "&amp;",
            "&lt;",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?p ",
            "?>",
            " ",
            "\n",
            "ä",
            "]",
            "-",
            "=",
            "<a><b>1234567</b></a>",
            "<ssn b='1'>2</ssn>",
            "<a>12<![CDATA[34567]]></a>",
            "<!DOCTYPE a>",
            "<?xml version='1.0'?>",
        ],
    ),
    (
        Kind::Text,
        &[
            "a",
            "ä",
            "\n",
            "\r",
            "1234567",
            "12",
            " ",
            "\u{0}",
            "\u{1f600}",
        ],
    ),
    (
        Kind::Events,
        &[
            "data: ",
            "data:",
            "data",
            "id: ",
            ": ",
            ":",
            "\n",
            "\r",
            "\r\n",
            "\n\n",
            "1234567",
            "12",
            "{",
            "}",
            "[",
            "]",
            "\"a\":",
            "\"ssn\":",
            ",",
            "\"1234567\"",
            "data: {\"ssn\":1}\n\n",
            "data: {\"a\":\ndata: 1234567}\n\n",
            "ä",
        ],
    ),
];

fn any_body() -> impl Strategy<Value = (Kind, String)> {
    select(PARTS).prop_flat_map(|(kind, parts)| {
        proptest::collection::vec(select(parts), 0..16)
            .prop_map(move |parts| (kind, parts.concat()))
    })
}

/// Elements, whole.
fn any_element() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        select(&["1234567", "12", " ", "\n", "&amp;", "&lt;", "ä", "]", "x"][..])
            .prop_map(str::to_owned),
        "[0-9<&x\\]]{0,9}".prop_map(|text| format!("<![CDATA[{}]]>", text.replace("]]", "]"))),
        "[0-9<&x]{0,9}".prop_map(|text| format!("<!--{text}-->")),
        "[0-9<&x]{0,9}".prop_map(|text| format!("<?p {text}?>")),
    ];
    text.prop_recursive(4, 30, 5, |inner| {
        let name = select(&["a", "ssn", "x:gone", "fixed"][..]);
        let attributes = proptest::collection::vec(("[a-c]", "[0-9x \n]{0,9}"), 0..3);
        (name, attributes, proptest::collection::vec(inner, 0..5)).prop_map(
            |(name, attributes, inner)| {
                let attributes: String = attributes
                    .iter()
                    .map(|(name, value)| format!(" {name}='{value}'"))
                    .collect();
                format!("<{name}{attributes}>{}</{name}>", inner.concat())
            },
        )
    })
}

/// Records, whole.
fn any_records() -> impl Strategy<Value = String> {
    let field = ("[0-9,\"\nax ]{0,9}", any::<bool>()).prop_map(|(text, quoted)| {
        if quoted || text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    });
    let record = proptest::collection::vec(field, 1..5).prop_map(|fields| fields.join(","));
    (
        proptest::collection::vec(record, 0..5),
        select(&["\n", "\r\n"][..]),
    )
        .prop_map(|(records, end)| {
            let records: String = records
                .iter()
                .map(|record| format!("{record}{end}"))
                .collect();
            format!("ssn,a,fixed{end}{records}")
        })
}

/// Values of JSON, some more than once, as documents repeat what is like.
fn any_document() -> impl Strategy<Value = String> {
    let leaf = select(
        &[
            "1234567",
            "\"1234567\"",
            "\"\"",
            "12",
            "-0.5e1",
            "true",
            "null",
            "\"\\n1234567\"",
            "{}",
            "[]",
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 30, 5, |inner| {
        let name = select(&["a", "b", "ssn", "gone", "fixed", "1234567", "\\n"][..]);
        let repeat = |parts: Vec<String>, times: usize| vec![parts.join(","); times].join(",");
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 1..5), 1..4_usize)
                .prop_map(move |(parts, times)| format!("[{}]", repeat(parts, times))),
            (proptest::collection::vec((name, inner), 1..5), 1..3_usize).prop_map(
                move |(members, times)| {
                    let members = members
                        .iter()
                        .map(|(name, value)| format!("\"{name}\":{value}"))
                        .collect();
                    format!("{{{}}}", repeat(members, times))
                }
            ),
        ]
    })
}

fn any_whole_body() -> impl Strategy<Value = (Kind, String)> {
    prop_oneof![
        (any_document(), 1..4_usize)
            .prop_map(|(document, times)| (Kind::Json, vec![document; times].join("\n"))),
        any_document().prop_map(|document| (Kind::Events, format!("data: {document}\n\n"))),
        any_element().prop_map(|inner| (Kind::Xml, format!("<r>{inner}</r>"))),
        any_records().prop_map(|records| (CSV, records)),
    ]
}

fn every_edit() -> Table {
    Table::new([
        ("*.ssn", FieldEdit::Redact),
        ("*.gone", FieldEdit::Null),
        ("*.fixed", constant("c \"&<,\n")),
    ])
    .otherwise(scan())
}

fn cut(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2)
        .map(|pair| bytes[pair[0]..pair[1]].to_vec())
        .collect()
}

fn masked(kind: Kind, rules: &Table, pieces: &[Vec<u8>]) -> Got {
    run(kind, rules, pieces.iter().map(Vec::as_slice))
}

type Cuts = Vec<prop::sample::Index>;

/// Digits that were left in a row, but for those of escapes.
fn digits_left(kind: Kind, out: &[u8]) -> Option<String> {
    if kind != Kind::Form {
        return digit_run(out);
    }
    let mut parts = out.split(|b| *b == b'%');
    let first = parts.next().and_then(digit_run);
    first.or_else(|| parts.find_map(|part| digit_run(part.get(2..).unwrap_or_default())))
}

fn holds(kind: Kind, body: &[u8], cuts: &Cuts) -> Result<(), TestCaseError> {
    for rules in [Table::scan(), every_edit()] {
        let whole = run(kind, &rules, [body]);
        assert_same(&masked(kind, &rules, &cut(body, cuts)), &whole, 0);
        assert_same(&run(kind, &rules, body.chunks(1)), &whole, 1);
        // Also of what was refused, and of what goes on.
        prop_assert_eq!(digits_left(kind, &whole.out), None);
        if let Some(first) = cut(body, cuts).first() {
            let got = run(kind, &rules, [first.as_slice()]);
            prop_assert_eq!(digits_left(kind, &got.out[..got.streamed]), None);
        }
        if whole.error.is_none() {
            let again = run(kind, &rules, [whole.out.as_slice()]);
            prop_assert_eq!(again.error, None);
            prop_assert_eq!(
                String::from_utf8_lossy(&again.out),
                String::from_utf8_lossy(&whole.out)
            );
        }
    }
    Ok(())
}

#[test]
fn a_body_ends_once() {
    for (kind, _) in PARTS {
        let mut masker = Masker::new(*kind, Arc::new(Table::scan()));
        let mut out = Vec::new();
        assert_eq!(masker.feed(b"", &mut out), Ok(()));
        assert_eq!(masker.finish(&mut out), Ok(()));
        assert_eq!(masker.finish(&mut out), Ok(()));
        assert_eq!(masker.feed(b"1234567", &mut out), Err(CannotMask::Ended));
        assert_eq!(out, b"");
    }
}

/// Bodies go from task to task with their sessions.
#[test]
fn maskers_can_be_sent() {
    fn is_send<T: Send>(_: T) {}
    is_send(Masker::new(Kind::Json, Arc::new(Table::scan())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn broken_bodies((kind, body) in any_body(), cuts: [prop::sample::Index; 3]) {
        holds(kind, body.as_bytes(), &cuts.to_vec())?;
    }

    #[test]
    fn whole_bodies((kind, body) in any_whole_body(), cuts: [prop::sample::Index; 3]) {
        let whole = run(kind, &Table::scan(), [body.as_bytes()]);
        prop_assert_eq!(whole.error, None, "{}", body);
        holds(kind, body.as_bytes(), &cuts.to_vec())?;
    }

    #[test]
    fn bodies_with_a_wrong_byte((kind, body) in prop_oneof![any_body(), any_whole_body()], at: prop::sample::Index, byte: u8, cuts: [prop::sample::Index; 3]) {
        let mut body = body.into_bytes();
        let at = at.index(body.len() + 1);
        // No digit, which could be one too many in an escape.
        body.splice(at..at, (!byte.is_ascii_digit()).then_some(byte));
        for pieces in [cut(&body, &cuts), vec![body.clone()]] {
            for rules in [Table::scan(), every_edit()] {
                let got = masked(kind, &rules, &pieces);
                let whole = run(kind, &rules, [body.as_slice()]);
                assert_same(&got, &whole, at);
            }
        }
    }

    #[test]
    fn any_bytes(index in 0..PARTS.len(), body: Vec<u8>, cuts: [prop::sample::Index; 3]) {
        let kind = PARTS[index].0;
        let whole = run(kind, &Table::scan(), [body.as_slice()]);
        assert_same(&masked(kind, &Table::scan(), &cut(&body, &cuts)), &whole, 0);
    }
}
