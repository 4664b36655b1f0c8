//! Exclusive canonicalization, against its standard and against libxml2.

use super::super::canonical::canonical;
use super::super::xml;
use proptest::prelude::*;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The first element of that name, canonical.
fn check(text: &str, name: &str, inclusive: &[&str], expected: &str) {
    let document = xml::parse(text).unwrap();
    let found = document
        .descendants()
        .find(|n| n.is_element() && n.tag_name().name() == name);
    assert_eq!(
        canonical(found.unwrap(), None, inclusive),
        expected,
        "{text}"
    );
}

#[test]
fn the_examples_of_the_standard() {
    // Exclusive XML Canonicalization 1.0, section 2.2: the same element in two places.
    let first = "<n0:local xmlns:n0=\"foo:bar\" xmlns:n3=\"ftp://example.org\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff/></n1:elem2></n0:local>";
    let second = "<n2:pdu xmlns:n1=\"http://example.com\" xmlns:n2=\"http://foo.example\" xmlns:n3=\"ftp://example.org\" xml:lang=\"fr\" xml:space=\"retain\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff/></n1:elem2></n2:pdu>";
    let expected = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>";
    check(first, "elem2", &[], expected);
    check(second, "elem2", &[], expected);
    let declared = "<n1:elem2 xmlns:n1=\"http://example.net\" xmlns:n3=\"ftp://example.org\" xml:lang=\"en\"><n3:stuff></n3:stuff></n1:elem2>";
    check(first, "elem2", &["n3", "missing"], declared);
}

#[test]
fn order_escapes_and_namespaces() {
    for (text, expected) in [
        (
            "<a z=\"1\" b:y=\"2\" a=\"3\" xmlns:b=\"urn:a\"/>",
            "<a xmlns:b=\"urn:a\" a=\"3\" z=\"1\" b:y=\"2\"></a>",
        ),
        (
            "<a x='&#9;&#10;&#13;&lt;&gt;&amp;&quot;&apos;'>&lt;&gt;&amp;&quot;&#13;\r\n</a>",
            "<a x=\"&#x9;&#xA;&#xD;&lt;>&amp;&quot;'\">&lt;&gt;&amp;\"&#xD;\n</a>",
        ),
        (
            "<a xmlns=\"urn:a\"><b xmlns=\"\"><c xmlns=\"urn:a\"/></b></a>",
            "<a xmlns=\"urn:a\"><b xmlns=\"\"><c xmlns=\"urn:a\"></c></b></a>",
        ),
        (
            "<a xmlns=\"urn:a\" xmlns:p=\"urn:p\"><p:b><b/></p:b></a>",
            "<a xmlns=\"urn:a\"><p:b xmlns:p=\"urn:p\"><b></b></p:b></a>",
        ),
        (
            "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\"><p:c xmlns:p=\"urn:1\"/></p:b></p:a>",
            "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\"><p:c xmlns:p=\"urn:1\"></p:c></p:b></p:a>",
        ),
        ("<a><![CDATA[<x>&]]>y</a>", "<a>&lt;x&gt;&amp;y</a>"),
    ] {
        check(text, "a", &[], expected);
    }
}

/// What libxml2 makes of a document.
fn libxml2(text: &str) -> String {
    let mut child = Command::new("xmllint")
        .args(["--exc-c14n", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("xmllint is needed; install libxml2-utils");
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    String::from_utf8(output.stdout).unwrap()
}

/// A document: elements with prefixes, declarations in any place, attributes and texts that have to be escaped.
fn element() -> impl Strategy<Value = String> {
    let name = prop_oneof!["", "p:", "q:"];
    let declared = prop::sample::subsequence(
        vec![
            " xmlns=\"urn:d\"",
            " xmlns:p=\"urn:1\"",
            " xmlns:q=\"urn:2\"",
            " xmlns:q=\"urn:1\"",
        ],
        0..3,
    );
    let attributes = prop::sample::subsequence(
        vec![
            " z=\"&#9;x\"",
            " p:y=\"&lt;&quot;\"",
            " q:x='\"'",
            " xml:lang=\"en\"",
            " b=\"a  b\"",
        ],
        0..5,
    );
    let text = prop_oneof![
        "",
        "a &amp; b",
        "&#13;\n",
        "<![CDATA[<&]]>",
        "\u{e9}\u{1f980}"
    ];
    let leaf = (name, declared, attributes, text);
    let open = |(name, declared, attributes, text): (String, Vec<&str>, Vec<&str>, String)| {
        // A prefix is declared once.
        let mut declared = declared;
        if declared.iter().filter(|d| d.contains("xmlns:q")).count() > 1 {
            declared.retain(|d| !d.contains("urn:2"));
        }
        (
            format!("{name}e{}{}", declared.concat(), attributes.concat()),
            format!("{name}e"),
            text,
        )
    };
    let leaf = leaf.prop_map(open);
    let tree = leaf
        .clone()
        .prop_map(|(open, name, text)| format!("<{open}>{text}</{name}>"));
    tree.prop_recursive(4, 24, 4, move |inner| {
        (leaf.clone(), prop::collection::vec(inner, 0..4)).prop_map(
            |((open, name, text), inside)| {
                format!("<{open}>{text}{}{text}</{name}>", inside.concat())
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn libxml2_says_the_same(inside in element()) {
        let text = format!("<r xmlns:p=\"urn:1\" xmlns:q=\"urn:2\">{inside}</r>");
        // Two prefixes of one namespace can make an attribute stand twice.
        if let Ok(document) = xml::parse(&text) {
            prop_assert_eq!(canonical(document.root_element(), None, &[]), libxml2(&text));
        }
    }
}
