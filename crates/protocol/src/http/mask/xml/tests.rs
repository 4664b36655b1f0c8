//! Tests of XML: tables of (sent, expected, fields that were changed), each also cut at every place.

use crate::http::mask::testing::{
    Instead, Table, check, constant, first_letter, refused, run, scan, whole,
};
use crate::http::mask::{CannotMask, FieldEdit, Kind, MAX_DEPTH, MAX_VALUE};
use std::sync::Arc;

const MALFORMED: CannotMask = CannotMask::Malformed {
    kind: "XML",
    expected: "",
};

#[track_caller]
fn masks(rules: &Table, table: &[(&str, &str, &[&str])]) {
    for (sent, expected, masked) in table {
        check(Kind::Xml, rules, sent, expected, masked);
    }
}

#[test]
fn what_is_clear_passes_byte_for_byte() {
    for text in [
        "",
        "\u{feff}",
        "<a/>",
        "\u{feff}<?xml version='1.0' encoding=\"utf-8\"?>\r\n<a/>\n",
        "<!-- c --><?p?>\n<!DOCTYPE html>\n<html ><br/><br /></html >\n<!----><?p x?y ? >?>\n",
        "<x:a xmlns:x='u' x:b = \"1\"\n\tc='>\"'>t &amp;&lt;&#65;&#x1F600; ] ]] ]>&gt;</x:a>",
        "<a>1<![CDATA[<b>&c; ]] ]>]]]]>2<![CDATA[]]></a>",
        "<a>1234567<b x='1234567'/><![CDATA[1234567]]></a>",
        "<é.1-2>ä</é.1-2>",
        "<a><a><a/></a></a>",
        "<a b='1' b='2'/>",
        "<a><!-- - -> --></a>",
    ] {
        check(Kind::Xml, &Table::new([]), text, text, &[]);
    }
}

#[test]
fn texts_and_attributes_are_scanned() {
    masks(
        &Table::scan(),
        &[
            (
                "<c><id n=\"1234567\">12</id><tel>call 1234567 &amp; wait</tel></c>",
                "<c><id n=\"*******\">12</id><tel>call ******* &amp; wait</tel></c>",
                &["c.id.n", "c.tel"],
            ),
            (
                "<x:c xmlns:x=\"u\"><y:tel y:n='&#49;234567'>&#x31;234567</y:tel></x:c>",
                "<x:c xmlns:x=\"u\"><y:tel y:n='*******'>*******</y:tel></x:c>",
                &["c.tel.n", "c.tel"],
            ),
            (
                "<a>1234567<!-- x --><b/>1234567<c/><!-- y -->1234567</a>",
                "<a>*******<!-- x --><b/>*******<c/>*******<!-- y --></a>",
                &["a"],
            ),
            // Parts of one text are judged together, whatever is between them.
            ("<a>123<![CDATA[4567]]></a>", "<a>*******</a>", &["a"]),
            (
                "<a>123<!-- x --><?p?>45<![CDATA[6]]>7</a>",
                "<a>*******<!-- x --><?p?></a>",
                &["a"],
            ),
            (
                "<a>123<!-- x --><?p?>45<b/>67</a>",
                "<a>123<!-- x --><?p?>45<b/>67</a>",
                &[],
            ),
            (
                "<a>x<!-- 1234567 -->y<![CDATA[ ]]>]></a><!--1234567-->",
                "<a>x<!-- ******* -->y<![CDATA[ ]]>]></a><!--*******-->",
                &[""],
            ),
            (
                "<a>1234567 <![CDATA[<b>&amp;\"]]>\r\n\u{e4}</a>",
                "<a>******* &lt;b&gt;&amp;amp;\"\n\u{e4}</a>",
                &["a"],
            ),
            (
                "<a b='1234567\n&#10;\"&apos;&lt;'/>",
                "<a b='******* &#10;&quot;&apos;&lt;'/>",
                &["a.b"],
            ),
            (
                "<a xmlns='1234567'><?p 1234567?><?p 12?></a>",
                "<a xmlns='*******'><?p 12?></a>",
                &[""],
            ),
            ("<a> <b>\n</b>\n</a>", "<a> <b>\n</b>\n</a>", &[]),
        ],
    );
}

#[test]
fn elements_are_replaced_with_everything_inside() {
    let rules = Table::new([
        ("c.ssn", FieldEdit::Redact),
        ("c.gone", FieldEdit::Null),
        ("c.fixed", constant("<&\">")),
        ("c.first", first_letter()),
        ("c.whole", whole()),
        ("c.id.n", FieldEdit::Redact),
        ("c.id.z", FieldEdit::Null),
        ("c.tel", scan()),
        ("c.x.ssn", FieldEdit::Redact),
        ("c.gone.ssn", FieldEdit::Redact),
    ]);
    masks(
        &rules,
        &[
            (
                "<c><ssn>1</ssn><ssn/><ssn></ssn><ssn> \n</ssn><x>1</x></c>",
                "<c><ssn>[redacted]</ssn><ssn/><ssn></ssn><ssn> \n</ssn><x>1</x></c>",
                &["c.ssn"],
            ),
            (
                "<c>\n <ssn>\n 1 <b t='2'>3&amp;4<![CDATA[5]]></b>\n <!-- 6 --><?p 7?><i/>8<j>&#57;</j></ssn>9</c>",
                "<c>\n <ssn>\n [redacted]<b t='[redacted]'>[redacted]</b>\n <i/>[redacted]<j>[redacted]</j></ssn>9</c>",
                &["c.ssn", "c.ssn.b.t", "c.ssn.b", "c.ssn.j"],
            ),
            (
                "<c><ssn k=\"1\" xmlns:p='u'>2</ssn><gone k='1'><![CDATA[]]>x</gone></c>",
                "<c><ssn k=\"[redacted]\" xmlns:p='u'>[redacted]</ssn><gone k=''></gone></c>",
                &["c.ssn.k", "c.ssn", "c.gone.k", "c.gone"],
            ),
            (
                "<c><fixed k=\"1\">2<ssn>3</ssn></fixed></c>",
                "<c><fixed k=\"&lt;&amp;&quot;&gt;\">&lt;&amp;\"&gt;<ssn>&lt;&amp;\"&gt;</ssn></fixed></c>",
                &["c.fixed.k", "c.fixed", "c.fixed.ssn"],
            ),
            // What comes after is judged on its own again.
            (
                "<c><ssn>1</ssn><!-- k --><x>2<ssn a='3'>4</ssn><!-- k --></x>5<?p?></c>",
                "<c><ssn>[redacted]</ssn><!-- k --><x>2<ssn a='[redacted]'>[redacted]</ssn><!-- k --></x>5<?p?></c>",
                &["c.ssn", "c.x.ssn.a", "c.x.ssn"],
            ),
            (
                "<c><gone>1<ssn a='2'>3</ssn>4</gone>5</c>",
                "<c><gone><ssn a=''></ssn></gone>5</c>",
                &["c.gone", "c.gone.ssn.a", "c.gone.ssn"],
            ),
            (
                "<c><first>\n <b>x</b>\n</first></c>",
                "<c><first>\n <b>x*, \"\\\t)}\n</b>\n</first></c>",
                &["c.first.b"],
            ),
            (
                "<c><first>äb</first></c>",
                "<c><first>ä*, \"\\\t)}\n</first></c>",
                &["c.first"],
            ),
            (
                "<c><first k=''/><whole>12<b>1234567</b></whole></c>",
                "<c><first k='*, &quot;\\&#9;)}&#10;'/><whole>12<b>*******</b></whole></c>",
                &["c.first.k", "c.whole.b"],
            ),
            (
                "<c><id n='1' z=\"2\" m='3'>4</id><tel n='1234567'>12<b>1234567</b></tel></c>",
                "<c><id n='[redacted]' z=\"\" m='3'>4</id><tel n='1234567'>12<b>1234567</b></tel></c>",
                &["c.id.n", "c.id.z"],
            ),
        ],
    );
    let root = Table::new([("c", FieldEdit::Redact)]);
    check(
        Kind::Xml,
        &root,
        "<!-- 1 --><c><d>2</d></c>\n",
        "<!-- 1 --><c><d>[redacted]</d></c>\n",
        &["c.d"],
    );
}

#[test]
fn masks_cannot_make_markup() {
    let hostile = "--->&\"'<b>]]>\u{1}-";
    let rules = Table::new([("a.t", FieldEdit::Text(Arc::new(Instead(hostile))))])
        .with_prose(Instead(hostile));
    let text = "---&gt;&amp;\"'&lt;b&gt;]]&gt;\u{fffd}-";
    let value = "---&gt;&amp;&quot;&apos;&lt;b&gt;]]&gt;\u{fffd}-";
    for (sent, expected, masked) in [
        (
            "<a><t>1234567</t></a>",
            format!("<a><t>{text}</t></a>"),
            "a.t",
        ),
        (
            "<a><t><![CDATA[1234567]]></t></a>",
            format!("<a><t>{text}</t></a>"),
            "a.t",
        ),
        (
            "<a><t b='1234567'/></a>",
            format!("<a><t b='{value}'/></a>"),
            "a.t.b",
        ),
        ("<a xmlns='1234567'/>", format!("<a xmlns='{value}'/>"), ""),
        (
            "<a><!-- 1234567 --></a>",
            "<a><!--- - ->&\"'<b>]]>\u{fffd}- --></a>".to_owned(),
            "",
        ),
    ] {
        check(Kind::Xml, &rules, sent, &expected, &[masked]);
        check(Kind::Xml, &rules, &expected, &expected, &[]);
    }
}

#[test]
fn what_is_not_clearly_xml_is_refused() {
    for text in [
        " ",
        "x",
        "1234567",
        "<a>",
        "<a",
        "<a/",
        "</a>",
        "<a></b>",
        "<a></a",
        "<a></a ",
        "<a><b></a></b>",
        "<x:a></y:a>",
        "<a/><b/>",
        "<a/>x",
        "<a/>&#32;",
        "<a/><![CDATA[x]]>",
        "x<a/>",
        "<>",
        "<a></>",
        "< a/>",
        "<1/>",
        "<a:b:c/>",
        "<a:/>",
        "<:a/>",
        "<a/ >",
        "<a //>",
        "<a b/>",
        "<a b=>",
        "<a b=1/>",
        "<a b='1/>",
        "<a b='1'c='2'/>",
        "<a b='<'/>",
        "<a ='1'/>",
        "<a 'b'/>",
        "<a b 'c'/>",
        "<a b='&c;'/>",
        "<a>&b;</a>",
        "<a>&nbsp;</a>",
        "<a>&</a>",
        "<a>& </a>",
        "<a>&#0;</a>",
        "<a>&#1234567;</a>",
        "<a>&aaaaaaaaaaaaaaaaaaaaaaaaaaa;</a>",
        "<a>&#0000000000000000065;</a>",
        "<a>]]></a>",
        "<a>\u{1}</a>",
        "<a b='\u{1}'/>",
        "<a><![CDATA[\u{1}]]></a>",
        "<a><!--\u{1}--></a>",
        "<a><![CDATA[x]]</a>",
        "<a><![cdata[x]]></a>",
        "<a><![IGNORE[x]]></a>",
        "<a><!x></a>",
        "<a><!-x--></a>",
        "<a><!-- -- --></a>",
        "<a><!-- ---></a>",
        "<a><!--> 1 --></a>",
        "<a><!---> 1 --></a>",
        "<a><!-- </a>",
        "<a><?></a>",
        "<a><??></a>",
        "<a><? p?></a>",
        "<a><?p/?></a>",
        "<a><?xml version='1.0'?></a>",
        " <?xml version='1.0'?><a/>",
        "<!----><?xml version='1.0'?><a/>",
        "<?xml version='1.0'?><?xml version='1.0'?><a/>",
        "<?XML version='1.0'?><a/>",
        "<?xml?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
        "<?xml version='1.0' encoding='utf-7'?><a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a []><a/>",
        "<!DOCTYPE a SYSTEM 'b'><a/>",
        "<!DOCTYPE a PUBLIC 'b' 'c'><a/>",
        "<!DOCTYPE a><!DOCTYPE a><a/>",
        "<!DOCTYPE><a/>",
        "<!DOCTYPE 1><a/>",
        "<!DOCTYPEa><a/>",
        "<!doctype a><a/>",
        "<a/><!DOCTYPE a>",
        "<a><!DOCTYPE a></a>",
        "<!ENTITY a 'b'><a/>",
        "<a\u{a0}b='1'/>",
        "<a\u{0}/>",
        "\u{feff}\u{feff}<a/>",
        // Names cannot be masked.
        "<a1234567/>",
        "<a><p1234567:b/></a>",
        "<a b1234567='1'/>",
        "<a xmlns:b1234567='1'/>",
        "<!DOCTYPE a1234567><a/>",
    ] {
        for rules in [
            Table::scan(),
            Table::new([]),
            Table::new([("a", FieldEdit::Redact)]),
        ] {
            refused(Kind::Xml, &rules, text, MALFORMED);
        }
    }
    for text in [
        &b"<a>\xe4</a>"[..],
        b"<\xe4/>",
        b"\xff\xfe<\0a\0/\0>\0",
        b"<a/>\xc3",
    ] {
        refused(Kind::Xml, &Table::new([]), text, CannotMask::NotUtf8);
    }
}

#[test]
fn depth_and_length_have_limits() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    for rules in [Table::scan(), Table::new([("a", FieldEdit::Redact)])] {
        check(Kind::Xml, &rules, nested(MAX_DEPTH), nested(MAX_DEPTH), &[]);
        refused(
            Kind::Xml,
            &rules,
            nested(MAX_DEPTH + 1),
            CannotMask::TooDeep,
        );
    }
    let text = |length: usize| format!("<a>{}</a>", "x".repeat(length));
    let attribute = |length: usize| format!("<a b='{}'/>", "x".repeat(length));
    let comment = |length: usize| format!("<a><!--{}--></a>", "x".repeat(length));
    let name = |length: usize| format!("<{}/>", "x".repeat(length));
    let instruction = |length: usize| format!("<?x {}?><a/>", "x".repeat(length));
    let clear = Table::new([]);
    let redact = Table::new([("a", FieldEdit::Redact)]);
    check(
        Kind::Xml,
        &Table::scan(),
        text(MAX_VALUE),
        text(MAX_VALUE),
        &[],
    );
    let (long, longer) = (MAX_VALUE + 1, 3 * MAX_VALUE);
    for body in [
        text(long),
        attribute(long),
        comment(long),
        name(long),
        instruction(long),
    ] {
        refused(Kind::Xml, &Table::scan(), body, CannotMask::TooLong);
    }
    for body in [text(longer), attribute(longer)] {
        check(Kind::Xml, &clear, &body, &body, &[]);
    }
    check(
        Kind::Xml,
        &redact,
        text(longer),
        "<a>[redacted]</a>",
        &["a"],
    );
    check(
        Kind::Xml,
        &redact,
        attribute(longer),
        "<a b='[redacted]'/>",
        &["a.b"],
    );
    let asides = format!("<a>{}</a>", "<!---->".repeat(MAX_VALUE / 7 + 1));
    refused(Kind::Xml, &Table::scan(), &asides, CannotMask::TooLong);
    check(Kind::Xml, &clear, &asides, &asides, &[]);
}

#[test]
fn output_streams_while_input_comes() {
    let rules = Table::new([("a.t", scan()), ("a.r", FieldEdit::Redact)]);
    for (sent, expected) in [
        ("<a>half of a", "<a>half of a"),
        ("<a b='half", "<a b='half"),
        ("<a><t>half", "<a><t>"),
        ("<a><r>half", "<a><r>[redacted]"),
        ("<a><![CDATA[half", "<a><![CDATA[half"),
        ("<a><!-- half", "<a>"),
        ("<hal", ""),
    ] {
        let got = run(Kind::Xml, &rules, [sent.as_bytes()]);
        let streamed = String::from_utf8_lossy(&got.out[..got.streamed]).into_owned();
        assert_eq!(streamed, expected, "{sent}");
    }
}
