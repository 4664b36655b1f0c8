//! Tests of paths: tables of (sent, expected), and what holds for all bytes.

use super::{
    BasePath, MAX_PAIRS, MAX_PATH, MAX_QUERY, MAX_SEGMENTS, Part, PathError, Requested, Target,
    joined,
};
use http::Method;
use proptest::prelude::*;

const PATH: Part = Part::Path;
const QUERY: Part = Part::Query;

fn parse(raw: &str) -> Target {
    Target::parse(raw.as_bytes()).unwrap()
}

#[test]
fn a_path_has_one_normal_form_and_its_segments() {
    let check = |raw: &str, path: &str, segments: &[&str]| {
        let target = parse(raw);
        assert_eq!(target.path(), path, "{raw}");
        assert_eq!(target.segments(), segments, "{raw}");
        assert_eq!(target.sent(), path, "{raw}");
    };
    check("/", "/", &[]);
    check("/a", "/a", &["a"]);
    check("/a/", "/a/", &["a"]);
    check("/a/b%20c;v=1", "/a/b%20c;v=1", &["a", "b c;v=1"]);
    check("/%61%2D%5f%7e%2e1", "/a-_~.1", &["a-_~.1"]);
    check("/%c3%a4%3a", "/%C3%A4%3A", &["\u{e4}:"]);
    check("/:@!$&'()*+,=", "/:@!$&'()*+,=", &[":@!$&'()*+,="]);
    check("/[|]{}^\"<>`", "/[|]{}^\"<>`", &["[|]{}^\"<>`"]);
    check("/a%3Bb%3F%23", "/a%3Bb%3F%23", &["a;b?#"]);
    check("/100%25", "/100%25", &["100%"]);
    check("/100%25%20off", "/100%25%20off", &["100% off"]);
    check("/100%25off", "/100%25off", &["100%off"]);
    check("/a+b", "/a+b", &["a+b"]);
    check(
        "/.a/..b/a../.well-known",
        "/.a/..b/a../.well-known",
        &[".a", "..b", "a..", ".well-known"],
    );
    check("/a;../b;.", "/a;../b;.", &["a;..", "b;."]);
    check("/*", "/*", &["*"]);
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let check = |expected: PathError, refused: &[&str]| {
        for raw in refused {
            assert_eq!(Target::parse(raw.as_bytes()), Err(expected), "{raw:?}");
            assert_eq!(BasePath::parse(raw).err(), Some(expected), "{raw:?}");
        }
    };
    check(
        PathError::NotAPath,
        &["a", "*", "?a", "http://a/b", "\\a", "%2fa"],
    );
    check(
        PathError::Dots,
        &[
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/./a",
            "/a/../b",
            "/a/..",
            "/a/../",
            "/...",
            "/%2e",
            "/%2E%2e/a",
            "/.%2e",
            "/%2e.",
            "/..;",
            "/..;x",
            "/.;/a",
            "/;",
            "/;a=b/c",
            "/a/;",
            "/%2e%2e;x",
            "/..%3bx",
            "/%3b",
            "/%252e",
            "/%252e%252e/a",
            "/.%252e",
            "/%25252e",
            "/..%253b",
            "/%25%32%65",
        ],
    );
    check(
        PathError::Dots,
        &["/..%20", "/%20", "/.%20.", "/..%c2%a0", "/..%2520"],
    );
    check(
        PathError::Slash,
        &[
            "/a%2fb",
            "/a%2Fb",
            "/%2f",
            "/a\\b",
            "/..\\a",
            "/a%5cb",
            "/a%5Cb",
            "/a%252fb",
            "/a%252Fb",
            "/a%255cb",
            "/a%25252fb",
            "/a%25%32%66b",
            "/..%2f..",
            "/..;%2f",
        ],
    );
    check(
        PathError::Control { part: PATH },
        &[
            "/%00",
            "/a%0a",
            "/a%0D",
            "/a%1f",
            "/%7F",
            "/%c2%85",
            "/a%2500",
            "/a%250d%250a",
            "/..%00",
        ],
    );
    check(
        PathError::Escape { part: PATH },
        &[
            "/%", "/a%2", "/%zz", "/%u002e", "/%2%35", "/%+1", "/a%/b", "/%%32e", "/%2/e",
        ],
    );
    check(
        PathError::Text { part: PATH },
        &[
            "/%ff",
            "/%c0%ae",
            "/%c0%af",
            "/%e0%80%af",
            "/%c3",
            "/%ed%a0%80",
            "/%25c0%25ae",
            "/100%25ab",
        ],
    );
    check(
        PathError::Character { part: PATH },
        &[
            "/a#b", "/a b", "/\u{e4}", "/a\tb", "/\0", "/\u{7f}", "/\r\n",
        ],
    );
}

#[test]
fn a_query_is_sent_as_it_came_and_its_names_are_read() {
    let check = |query: &str, names: &[&str]| {
        let target = parse(&format!("/a?{query}"));
        assert_eq!(target.query(), Some(query));
        assert!(target.query_names().iter().eq(names), "{query}");
        assert_eq!(target.sent(), format!("/a?{query}"));
    };
    check("", &[]);
    check("x=1&y", &["x", "y"]);
    check("y&x=1&x=2&x", &["x", "y"]);
    check("&&x&", &["x"]);
    check("=1", &[""]);
    check("a+b=c+d&a%20b&%61", &["a", "a b"]);
    check("a%26b%3dc=d=e", &["a&b=c"]);
    check("f[x]=1&f%5bx%5D=2&a?b/c=../..\\", &["a?b/c", "f[x]"]);
    check("u=%c3%a4&%C3%A4=%3B", &["u", "\u{e4}"]);
    check("q=a%0d%0a%09b&%252e=%2e", &["%2e", "q"]);
    assert_eq!(parse("/a").query(), None);
    assert!(BasePath::parse("/a?b").is_err());
}

#[test]
fn a_query_has_rules_too() {
    let check = |query: &str, expected: PathError| {
        assert_eq!(
            Target::parse(format!("/?{query}").as_bytes()),
            Err(expected),
            "{query}"
        );
    };
    check("a=%", PathError::Escape { part: QUERY });
    check("%4=a", PathError::Escape { part: QUERY });
    check("a=%u0041", PathError::Escape { part: QUERY });
    check("a=%ff", PathError::Text { part: QUERY });
    check("%c0%80", PathError::Text { part: QUERY });
    check("a=%00", PathError::Control { part: QUERY });
    check("a=%1b", PathError::Control { part: QUERY });
    check("a%0a=1", PathError::Control { part: QUERY });
    check("a=%c2%80", PathError::Control { part: QUERY });
    check("a;b", PathError::Semicolon);
    check("a=1;b=2", PathError::Semicolon);
    check("a#b", PathError::Character { part: QUERY });
    check("a=b c", PathError::Character { part: QUERY });
    check("a=\u{e4}", PathError::Character { part: QUERY });
}

#[test]
fn everything_has_a_limit() {
    let check = |raw: String, fits: bool| {
        let got = Target::parse(raw.as_bytes());
        assert_eq!(got.is_ok(), fits, "{} bytes", raw.len());
        if let Err(error) = got {
            assert_eq!(error.status().as_u16(), 414);
        }
    };
    check("/".to_owned() + &"a".repeat(MAX_PATH - 1), true);
    check("/".to_owned() + &"a".repeat(MAX_PATH), false);
    check("/a".repeat(MAX_SEGMENTS), true);
    check("/a".repeat(MAX_SEGMENTS) + "/", true);
    check("/a".repeat(MAX_SEGMENTS + 1), false);
    check("/?".to_owned() + &"a".repeat(MAX_QUERY), true);
    check("/?".to_owned() + &"a".repeat(MAX_QUERY + 1), false);
    check("/?".to_owned() + &"a&".repeat(MAX_PAIRS), true);
    check("/?".to_owned() + &"a&".repeat(MAX_PAIRS + 1), false);
    assert_eq!(PathError::Dots.status().as_u16(), 400);
    assert_eq!(
        PathError::Escape { part: QUERY }.to_string(),
        "an escape of the query is not accepted; expected two hexadecimal digits after each %"
    );
}

#[test]
fn a_star_is_the_server_for_options_alone() {
    let check = |method: Method, raw: &str, expected: Result<Requested, PathError>| {
        assert_eq!(Requested::parse(&method, raw.as_bytes()), expected);
    };
    check(Method::OPTIONS, "*", Ok(Requested::Server));
    check(Method::OPTIONS, "/*", Ok(Requested::Path(parse("/*"))));
    check(Method::OPTIONS, "**", Err(PathError::NotAPath));
    check(Method::OPTIONS, "*?a", Err(PathError::NotAPath));
    check(Method::GET, "*", Err(PathError::NotAPath));
    check(Method::GET, "/a", Ok(Requested::Path(parse("/a"))));
}

#[test]
fn a_prefix_is_taken_off() {
    let check = |raw: &str, prefix: usize, expected: Option<&str>| {
        let got = parse(raw).stripped(prefix);
        assert_eq!(got, expected.map(parse), "{raw} {prefix}");
    };
    check("/c/reports/x/y?z=1", 2, Some("/x/y?z=1"));
    check("/c/reports/%61%3a/", 2, Some("/a%3A/"));
    check("/c/reports/", 2, Some("/"));
    check("/c/reports?z", 2, Some("/?z"));
    check("/c/", 2, None);
    check("/c", 2, None);
    check("/", 1, None);
    check("/", 0, Some("/"));
    check("/a/b", 0, Some("/a/b"));
    check("/a/b", usize::MAX, None);
}

#[test]
fn a_base_path_is_put_in_front() {
    let check = |base: &str, raw: &str, expected: &str| {
        let base = BasePath::parse(base).unwrap();
        let got = joined(&base, &parse(raw));
        assert_eq!(got, parse(expected));
        assert_eq!(got.sent(), expected);
        assert_eq!(got.stripped(base.segments().len()), Some(parse(raw)));
    };
    check("", "/a?b", "/a?b");
    check("/", "/a", "/a");
    check("/api/v2", "/", "/api/v2/");
    check("/api/v2/", "/a/?b=%3a", "/api/v2/a/?b=%3a");
    check("/%61%3a", "/b", "/a%3A/b");
    assert_eq!(BasePath::parse("/api/v2/").unwrap().path(), "/api/v2");
}

#[test]
fn what_may_be_a_secret_is_not_in_logs() {
    let target = parse("/hook/s3cr3t;a/?token=s3cr3t");
    assert!(!format!("{target:?}").contains("s3cr3t"));
    assert!(target.has_parameters() && target.ends_with_slash());
    assert!(!parse("/a").has_parameters() && !parse("/a").ends_with_slash());
}

/// Undoes escapes as a careless server does: what is no escape stays. Written apart from the code above.
fn careless(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digits = text
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        let hex = digits.filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if text[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// What must be true of each accepted target, whatever was sent.
fn holds(raw: &[u8]) -> Result<(), TestCaseError> {
    let Ok(target) = Target::parse(raw) else {
        return Ok(());
    };
    prop_assert!(target.sent().bytes().all(|byte| byte.is_ascii_graphic()));
    prop_assert_eq!(Target::parse(target.sent().as_bytes()), Ok(target.clone()));
    let count = target.segments().len() + usize::from(target.ends_with_slash());
    let mut decoded = target.path().as_bytes().to_vec();
    for time in 0..4 {
        let parts: Vec<&[u8]> = decoded[1..].split(|byte| *byte == b'/').collect();
        prop_assert_eq!(parts.len(), count.max(1), "decoded {} times", time);
        for (index, part) in parts.iter().enumerate() {
            let name = part.split(|byte| *byte == b';').next().unwrap();
            prop_assert!(!matches!(name, b"." | b".."));
            prop_assert!(!name.is_empty() || (part.is_empty() && index + 1 == parts.len()));
            prop_assert!(
                !part
                    .iter()
                    .any(|byte| byte.is_ascii_control() || *byte == b'\\')
            );
            prop_assert!(std::str::from_utf8(part).is_ok());
        }
        decoded = careless(&decoded);
    }
    for at in 0..=target.segments().len() {
        let stripped = target.stripped(at).unwrap();
        prop_assert_eq!(
            Target::parse(stripped.sent().as_bytes()),
            Ok(stripped.clone())
        );
        prop_assert_eq!(stripped.segments(), &target.segments()[at..]);
    }
    prop_assert!(target.stripped(target.segments().len() + 1).is_none());
    Ok(())
}

/// The pieces of which tricks are made.
const PIECES: &[&str] = &[
    "/", "/", ".", "..", "%", "%25", "25", "2e", "2E", "%2e", "%2f", "2f", "%5c", "5c", ";", "%3b",
    "3b", "a", "b=1", "?", "&", "=", "+", "%c3%a4", "%c0", "%ae", "%00", "00", "%20", "%61", "\\",
    "2", "5", "%32", "%35", "%65", "#", "*",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_bytes_are_read_or_refused(raw in prop::collection::vec(any::<u8>(), 0..64)) {
        holds(&raw)?;
        holds(&[b"/", raw.as_slice()].concat())?;
    }

    #[test]
    fn no_trick_gets_through(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
        holds(["/", &pieces.concat()].concat().as_bytes())?;
    }

    #[test]
    fn any_text_can_be_named_by_escapes(text in "[^\\p{C}/\\\\%;.\\s][^\\p{C}/\\\\%]{0,8}") {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let target = parse(&format!("/{escaped}"));
        prop_assert_eq!(target.segments(), &[text]);
    }
}
