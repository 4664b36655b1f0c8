//! Tests of request heads: tables of (sent, expected), and what holds for all bytes.

use super::framing::Framing;
use super::limits::{FIELDS, HEAD, METHOD, NAME, TARGET};
use super::testing;
use super::violation::{Peer, Violation};
use super::{RequestHead, Version, parse_request};
use proptest::prelude::*;

fn parse(text: &[u8]) -> RequestHead {
    let (head, took) = parse_request(text).unwrap().unwrap();
    assert_eq!(took, text.len());
    head
}

/// A request line, Host, and more fields.
fn with(fields: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

#[test]
fn a_head_is_read_whole_and_no_byte_after_it() {
    let text = b"POST /a?b=%20 HTTP/1.1\r\nHost: db.example:8080\r\nX-One: 1\r\nx-one:\t2 \r\n\
        Empty:\r\nContent-Length: 3\r\nExpect: 100-Continue\r\nAuthorization: Bearer \xc3\xa4\r\n\r\n";
    let more = [&text[..], b"abcGET / HTTP/1.1\r\n"].concat();
    let (head, took) = parse_request(&more).unwrap().unwrap();
    assert_eq!(took, text.len());
    assert_eq!(
        (head.method.as_str(), head.target.as_str()),
        ("POST", "/a?b=%20")
    );
    assert_eq!(head.version, Version::V11);
    assert_eq!(head.framing, Framing::Length(3));
    assert!(head.keep_alive && head.expects_continue);
    assert_eq!(head.upgrade, None);
    let all: Vec<_> = head.headers.get_all("x-one").iter().collect();
    assert_eq!(all, ["1", "2"]);
    assert_eq!(head.headers["empty"], "");
    assert_eq!(head.headers["authorization"].as_bytes(), b"Bearer \xc3\xa4");
    assert_eq!(head.headers.len(), 7);
    // Nothing of what may be secret is in logs.
    let shown = format!("{head:?}");
    assert!(!shown.contains("Bearer") && !shown.contains("/a?b"));
    for cut in 0..text.len() {
        assert_eq!(parse_request(&text[..cut]), Ok(None), "cut at {cut}");
    }
}

#[test]
fn one_empty_line_may_come_before_a_request() {
    let text = with("");
    let led = [b"\r\n", text.as_slice()].concat();
    assert_eq!(parse(&led), parse(&text));
    for cut in 0..led.len() {
        assert_eq!(parse_request(&led[..cut]), Ok(None), "cut at {cut}");
    }
    for refused in [
        &b"\r\n\r\n"[..],
        b"\r\n\r",
        b"\n",
        b"\r\r",
        b"\rG",
        b" GET",
        b"\r\n GET",
    ] {
        assert!(parse_request(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn request_lines_have_single_spaces_and_nothing_odd() {
    let check = |line: &[u8], expected: u16| {
        let text = [line, b"\r\nHost: a\r\n\r\n"].concat();
        let got = parse_request(&text).map_or_else(|v| v.status().as_u16(), |_| 200);
        assert_eq!(got, expected, "{}", String::from_utf8_lossy(line));
    };
    check(b"GET / HTTP/1.1", 200);
    check(b"GET / HTTP/1.0", 200);
    check(b"M-SEARCH / HTTP/1.1", 200);
    check(b"OPTIONS * HTTP/1.1", 200);
    check(b"GET http://A/b HTTP/1.1", 200);
    check(b"CONNECT a:443 HTTP/1.1", 200);
    for refused in [
        &b"GET  / HTTP/1.1"[..],
        b"GET /  HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET\t/ HTTP/1.1",
        b"GET /\tHTTP/1.1",
        b"GET / /b HTTP/1.1",
        b"GET /\x0b HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET /\r HTTP/1.1",
        b"GET /\xe4 HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET a HTTP/1.1",
        b"GET http://b/ HTTP/1.1",
        b"GET HTTP/1.1",
        b"GET /",
        b"GET",
        b"GET / HTTP/1",
        b"GET / HTTP/1.10",
        b"GET / HTTP/01.1",
        b"GET / http/1.1",
        b"GET / HTTP/a.1",
        b"GET / HTTP/1.1\r",
        b"GET / HTTP/1.1\0",
        b"GET / ICY/1.1",
        b"get / HTTP/1.1",
        b"Get / HTTP/1.1",
        b"G(T / HTTP/1.1",
        b"G_T / HTTP/1.1",
        b"\x16\x03\x01\x02\x00",
    ] {
        check(refused, 400);
    }
    for version in ["0.9", "1.2", "2.0", "3.0", "9.9"] {
        check(format!("GET / HTTP/{version}").as_bytes(), 505);
    }
    check(b"PRI * HTTP/2.0", 505);
}

#[test]
fn another_protocol_is_refused_at_its_first_byte() {
    for byte in 0..=u8::MAX {
        let waits = byte.is_ascii_uppercase() || byte == b'\r';
        assert_eq!(parse_request(&[byte]).is_ok(), waits, "{byte}");
    }
}

#[test]
fn field_lines_are_refused_when_two_readers_could_differ() {
    let check = |field: &[u8]| {
        let text = [b"GET / HTTP/1.1\r\nHost: a\r\n", field, b"\r\n\r\n"].concat();
        let violation = parse_request(&text).err();
        let status = violation.map(|v| v.status().as_u16());
        assert_eq!(status, Some(400), "{}", String::from_utf8_lossy(field));
    };
    for field in [
        &b"no colon"[..],
        b": no name",
        b":",
        b"X : 1",
        b"X\t: 1",
        b"X-\xc3\xa4: 1",
        b"X\0: 1",
        b"X\x7f: 1",
        b"X(: 1",
        b"X\": 1",
        b"X,Y: 1",
        b"X/Y: 1",
        b"X;: 1",
        b"[X]: 1",
        b" X: 1",
        b"\tX: 1",
        b"X: 1\r\n 2",
        b"X: 1\r\n\t2",
        b"X: 1\n 2",
        b"X: 1\nY: 2",
        b"X: 1\rY: 2",
        b"X: 1\r",
        b"X: \r1",
        b"\rX: 1",
        b"X: a\0b",
        b"X: a\x01b",
        b"X: a\x0bb",
        b"X: a\x0cb",
        b"X: a\x1fb",
        b"X: a\x7fb",
        b"Content_Length: 5",
        b"X_Forwarded_For: ::1",
    ] {
        check(field);
    }
}

#[test]
fn framing_is_one_clear_statement() {
    let check = |fields: &str, expected: Result<Framing, u16>| {
        let got = parse_request(&with(fields))
            .map(|parsed| parsed.unwrap().0.framing)
            .map_err(|violation| violation.status().as_u16());
        assert_eq!(got, expected, "{fields}");
    };
    check("", Ok(Framing::None));
    check("Content-Length: 0\r\n", Ok(Framing::Length(0)));
    check("content-length:\t7 \t\r\n", Ok(Framing::Length(7)));
    check(
        "Content-Length: 9007199254740992\r\n",
        Ok(Framing::Length(1 << 53)),
    );
    check("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked));
    check("Transfer-Encoding:ChunKed \r\n", Ok(Framing::Chunked));
    check("Content-Length: 9007199254740993\r\n", Err(413));
    check("Content-Length: 99999999999999999999999999\r\n", Err(413));
    for length in [
        "", "+1", "-1", "1,1", "1, 1", "1 1", "0x1", "01", "1;", "one", "\u{661}",
    ] {
        check(&format!("Content-Length: {length}\r\n"), Err(400));
    }
    check("Content-Length: 1\r\nContent-Length: 1\r\n", Err(400));
    check("Content-Length: 1\r\nCONTENT-LENGTH: 2\r\n", Err(400));
    check(
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        Err(400),
    );
    check(
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        Err(400),
    );
    check("Transfer-Encoding: x\r\nContent-Length: 0\r\n", Err(400));
    check(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        Err(400),
    );
    check(
        "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n",
        Err(400),
    );
    for coding in [
        "",
        "xchunked",
        "chunkedx",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "gzip, chunked",
        "chunked, gzip",
        "gzip",
        "identity",
        "chunked;q=1",
        "\"chunked\"",
        "'chunked'",
        "chun\tked",
        "chunke\u{212a}",
    ] {
        check(&format!("Transfer-Encoding: {coding}\r\n"), Err(501));
    }
    check("Transfer-Encoding : chunked\r\n", Err(400));
    check("Transfer-Encoding: \x0bchunked\r\n", Err(400));
    check("Transfer_Encoding: chunked\r\n", Err(400));
    check("X: y\r\n Transfer-Encoding: chunked\r\n", Err(400));
    let old = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(parse_request(old).err().unwrap().status(), 400);
}

#[test]
fn host_is_there_once_and_agrees_with_the_target() {
    let check = |text: &str, accepted: bool| {
        assert_eq!(parse_request(text.as_bytes()).is_ok(), accepted, "{text}");
    };
    check("GET / HTTP/1.1\r\n\r\n", false);
    check("GET / HTTP/1.0\r\n\r\n", true);
    check("GET http://a/ HTTP/1.1\r\n\r\n", false);
    for (fields, accepted) in [
        ("Host: a\r\n", true),
        ("HOST:a:80\r\n", true),
        ("Host: a\r\nHost: a\r\n", false),
        ("Host: a\r\nhost: b\r\n", false),
        ("Host:\r\n", false),
        ("Host: a, b\r\n", false),
        ("Host: a@b\r\n", false),
        ("Host: a/b\r\n", false),
        ("Host: a b\r\n", false),
        ("Host: a:x\r\n", false),
        ("Host: \u{e4}\r\n", false),
    ] {
        for version in ["1.0", "1.1"] {
            check(&format!("GET / HTTP/{version}\r\n{fields}\r\n"), accepted);
        }
    }
    check("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", false);
    check("GET http://b/ HTTP/1.0\r\nHost: a\r\n\r\n", false);
    check("GET http://A:80/ HTTP/1.1\r\nHost: a\r\n\r\n", true);
}

#[test]
fn connections_are_kept_as_the_version_and_the_options_say() {
    let check = |version: &str, fields: &str, kept: bool| {
        let text = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(parse(text.as_bytes()).keep_alive, kept, "{text}");
    };
    check("1.1", "", true);
    check("1.1", "Connection: close\r\n", false);
    check(
        "1.1",
        "Connection: keep-alive\r\nConnection: x, Close\r\n",
        false,
    );
    check("1.0", "", false);
    check("1.0", "Connection: Keep-Alive\r\n", true);
    check("1.0", "Connection: keep-alive, close\r\n", false);
    for refused in ["Host", "a b", "content-length", "x, Transfer-Encoding"] {
        let text = with(&format!("Connection: {refused}\r\n"));
        assert!(parse_request(&text).is_err(), "{refused}");
    }
}

#[test]
fn upgrades_count_when_connection_lists_them() {
    let check = |version: &str, fields: &str, expected: Result<Option<&str>, ()>| {
        let text = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let got = parse_request(text.as_bytes()).map(|parsed| parsed.unwrap().0.upgrade);
        let expected = expected.map(|upgrade| upgrade.map(str::to_owned));
        assert_eq!(got.map_err(|_| ()), expected, "{text}");
    };
    let listed = "Connection: keep-alive, Upgrade\r\n";
    check("1.1", "Upgrade: websocket\r\n", Ok(None));
    check("1.1", listed, Ok(None));
    check(
        "1.1",
        &format!("{listed}Upgrade: WebSocket\r\n"),
        Ok(Some("websocket")),
    );
    check(
        "1.1",
        &format!("Upgrade: h2c , b\r\nUpgrade: c\r\n{listed}"),
        Ok(Some("h2c")),
    );
    check(
        "1.1",
        &format!("{listed}Upgrade: SPDY/3.1\r\n"),
        Ok(Some("spdy/3.1")),
    );
    check("1.0", &format!("{listed}Upgrade: websocket\r\n"), Ok(None));
    for refused in ["", ", a", "a b", "a/", "/1", "a/1/2", "\u{e4}"] {
        check("1.1", &format!("{listed}Upgrade: {refused}\r\n"), Err(()));
    }
}

#[test]
fn only_one_expectation_is_known() {
    let check = |version: &str, fields: &str, expected: Result<bool, u16>| {
        let text = format!("PUT / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let got = parse_request(text.as_bytes())
            .map(|parsed| parsed.unwrap().0.expects_continue)
            .map_err(|violation| violation.status().as_u16());
        assert_eq!(got, expected, "{text}");
    };
    check("1.1", "Content-Length: 1\r\n", Ok(false));
    check(
        "1.1",
        "Content-Length: 1\r\nExpect: 100-CONTINUE\r\n",
        Ok(true),
    );
    check(
        "1.1",
        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
        Ok(true),
    );
    check(
        "1.1",
        "Content-Length: 0\r\nExpect: 100-continue\r\n",
        Ok(false),
    );
    check("1.1", "Expect: 100-continue\r\n", Ok(false));
    check(
        "1.0",
        "Content-Length: 1\r\nExpect: 100-continue\r\n",
        Ok(false),
    );
    check("1.1", "Expect: 100-continue, x\r\n", Err(417));
    check(
        "1.1",
        "Expect: 100-continue\r\nExpect: 100-continue\r\n",
        Err(400),
    );
}

#[test]
fn every_limit_is_reached_and_not_passed() {
    let check = |text: &[u8], expected: Option<&str>| {
        let got = match parse_request(text) {
            Ok(_) => None,
            Err(Violation::TooLong { limit, peer }) => {
                assert_eq!(peer, Peer::Client);
                Some(format!(
                    "{} {} {}",
                    limit.what,
                    limit.unit,
                    limit.status.as_u16()
                ))
            }
            Err(other) => panic!("{other}"),
        };
        assert_eq!(got.as_deref(), expected, "{} bytes", text.len());
    };
    let line = |method: u64, target: u64| {
        let target = "a".repeat(usize::try_from(target - 1).unwrap());
        let method = "M".repeat(usize::try_from(method).unwrap());
        format!("{method} /{target} HTTP/1.1\r\nHost: a\r\n\r\n")
    };
    check(line(METHOD.most, TARGET.most).as_bytes(), None);
    check(
        line(METHOD.most + 1, 1).as_bytes(),
        Some("method bytes 501"),
    );
    check(
        line(1, TARGET.most + 1).as_bytes(),
        Some("request target bytes 414"),
    );
    // Also before the line's end is there.
    let endless = line(METHOD.most, 2 * TARGET.most).into_bytes();
    check(
        &endless[..endless.len() - 24],
        Some("request target bytes 414"),
    );
    let longest = line(METHOD.most, TARGET.most).into_bytes();
    check(&longest[..longest.len() - 12], None);

    let name = |length: u64| {
        with(&format!(
            "{}: 1\r\n",
            "n".repeat(usize::try_from(length).unwrap())
        ))
    };
    check(&name(NAME.most), None);
    check(&name(NAME.most + 1), Some("field name bytes 431"));

    let fields = |count: u64| with(&"x: 1\r\n".repeat(usize::try_from(count - 1).unwrap()));
    check(&fields(FIELDS.most), None);
    check(&fields(FIELDS.most + 1), Some("head fields 431"));

    let sized = |total: u64| {
        let rest = usize::try_from(total).unwrap() - with("x: \r\n").len();
        with(&format!("x: {}\r\n", "v".repeat(rest)))
    };
    check(&sized(HEAD.most), None);
    check(&sized(HEAD.most + 1), Some("head bytes 431"));
    let unfinished = sized(HEAD.most + 1);
    check(&unfinished[..unfinished.len() - 2], None);
    check(&unfinished[..unfinished.len() - 1], Some("head bytes 431"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, line in 0_usize..3) {
        let _ = parse_request(&bytes);
        let start = ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"][line];
        let _ = parse_request(&[start.as_bytes(), &bytes, b"\r\n\r\n"].concat());
    }

    #[test]
    fn a_head_is_read_as_it_was_written_in_any_style(
        method in testing::methods(),
        target in testing::targets(),
        fields in testing::fields(),
        old: bool,
        capitals: bool,
        before in "[ \t]{0,3}",
        after in "[ \t]{0,3}",
    ) {
        let version = if old { "1.0" } else { "1.1" };
        let mut text = format!("{method} {target} HTTP/{version}\r\nHost: a\r\n").into_bytes();
        for (name, value) in &fields {
            let name = name.as_str().to_owned();
            let name = if capitals { name.to_ascii_uppercase() } else { name };
            text.extend(format!("{name}:{before}").bytes());
            text.extend(value.as_bytes());
            text.extend(format!("{after}\r\n").bytes());
        }
        text.extend(b"\r\n");
        for cut in 0..text.len() {
            prop_assert_eq!(parse_request(&text[..cut]), Ok(None));
        }
        let mut head = parse(&text);
        prop_assert_eq!(&head.method, &method);
        prop_assert_eq!(&head.target, &target);
        prop_assert_eq!(head.headers.remove("host").unwrap(), "a");
        prop_assert_eq!(head.headers, fields);
        prop_assert_eq!(head.keep_alive, !old);
    }
}
