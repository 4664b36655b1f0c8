//! Tests of response heads.

use super::framing::Framing;
use super::testing;
use super::violation::Peer;
use super::{ResponseHead, Version, parse_response};
use http::Method;
use proptest::prelude::*;

fn read(text: &[u8], asked: &Method) -> Result<ResponseHead, u16> {
    match parse_response(text, asked) {
        Ok(parsed) => {
            let (head, took) = parsed.unwrap();
            assert_eq!(took, text.len());
            Ok(head)
        }
        Err(violation) => {
            assert_eq!(violation.peer(), Peer::Target);
            Err(violation.status().as_u16())
        }
    }
}

#[test]
fn a_head_is_read_whole_and_no_byte_after_it() {
    let text = b"HTTP/1.1 200 Very OK\tindeed \xe4\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\
        under_score: 1\r\nContent-Length: 2\r\n\r\n";
    let more = [&text[..], b"okHTTP/1.1"].concat();
    let (head, took) = parse_response(&more, &Method::GET).unwrap().unwrap();
    assert_eq!(took, text.len());
    assert_eq!((head.status.as_u16(), head.version), (200, Version::V11));
    assert_eq!(head.framing, Framing::Length(2));
    assert_eq!(head.headers.get_all("set-cookie").iter().count(), 2);
    assert!(head.keep_alive);
    assert!(!format!("{head:?}").contains("cookie"));
    for cut in 0..text.len() {
        assert_eq!(
            parse_response(&text[..cut], &Method::GET),
            Ok(None),
            "cut at {cut}"
        );
    }
}

#[test]
fn status_lines_are_exact() {
    let check = |line: &[u8], expected: Result<u16, u16>| {
        let text = [line, b"\r\n\r\n"].concat();
        let got = read(&text, &Method::GET).map(|head| head.status.as_u16());
        assert_eq!(got, expected, "{}", String::from_utf8_lossy(line));
    };
    check(b"HTTP/1.1 200 OK", Ok(200));
    check(b"HTTP/1.0 404 ", Ok(404));
    check(b"HTTP/1.1 599", Ok(599));
    check(b"HTTP/1.1 100 Continue", Ok(100));
    for refused in [
        &b"HTTP/1.1"[..],
        b"HTTP/1.1 ",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000",
        b"HTTP/1.1 099 x",
        b"HTTP/1.1 +20 x",
        b"HTTP/1.1  200 x",
        b"HTTP/1.1\t200 x",
        b"HTTP/1.1 200\tx",
        b"HTTP/1.1 200 a\0b",
        b"HTTP/1.1 200 a\rb",
        b"HTTP/1.1 200 a\x7fb",
        b"HTTP/1.2 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.1x 200 OK",
        b"http/1.1 200 OK",
        b"ICY 200 OK",
        b"\r\nHTTP/1.1 200 OK",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\nX: y",
    ] {
        check(refused, Err(502));
    }
    assert!(parse_response(b"HTTX", &Method::GET).is_err());
    assert!(parse_response(b"S", &Method::GET).is_err());
}

#[test]
fn bodies_end_where_status_method_and_fields_say() {
    use Framing::{Chunked, Length, None, UntilClose};
    let check =
        |asked: &str, line: &str, fields: &str, expected: Option<(Framing, Option<u64>)>| {
            let asked = Method::from_bytes(asked.as_bytes()).unwrap();
            let text = format!("HTTP/{line}\r\n{fields}\r\n");
            let got = read(text.as_bytes(), &asked);
            let got = got.map(|head| (head.framing, head.declared_length));
            assert_eq!(got, expected.ok_or(502), "{asked} {text}");
        };
    let five = "Content-Length: 5\r\n";
    let zero = "Content-Length: 0\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (asked, line, fields, expected) in [
        ("GET", "1.1 200", five, Some((Length(5), Some(5)))),
        ("GET", "1.1 200", zero, Some((Length(0), Some(0)))),
        ("GET", "1.1 200", chunked, Some((Chunked, Option::None))),
        ("GET", "1.1 200", "", Some((UntilClose, Option::None))),
        ("GET", "1.0 200", five, Some((Length(5), Some(5)))),
        ("GET", "1.0 200", chunked, Option::None),
        ("HEAD", "1.1 200", five, Some((None, Some(5)))),
        ("HEAD", "1.1 200", chunked, Some((None, Option::None))),
        ("HEAD", "1.1 404", "", Some((None, Option::None))),
        ("GET", "1.1 304", five, Some((None, Some(5)))),
        ("GET", "1.1 304", "", Some((None, Option::None))),
        ("GET", "1.1 204", "", Some((None, Option::None))),
        ("GET", "1.1 204", zero, Some((None, Option::None))),
        ("GET", "1.1 204", five, Option::None),
        ("HEAD", "1.1 204", five, Option::None),
        ("GET", "1.1 204", chunked, Option::None),
        ("GET", "1.1 100", "", Some((None, Option::None))),
        ("GET", "1.1 103", five, Option::None),
        ("GET", "1.1 101", "", Some((None, Option::None))),
        ("CONNECT", "1.1 200", "", Some((None, Option::None))),
        ("CONNECT", "1.1 200", five, Option::None),
        ("CONNECT", "1.1 403", five, Some((Length(5), Some(5)))),
        ("GET", "1.1 205", zero, Some((Length(0), Some(0)))),
    ] {
        check(asked, line, fields, expected);
    }
    for fields in [
        &[five, five].concat(),
        &[five, chunked].concat(),
        &[chunked, chunked].concat(),
        "Content-Length: 5, 5\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Content-Length: 9007199254740993\r\n",
        "X: 1\r\n 2\r\n",
        "X : 1\r\n",
    ] {
        // No body does not make it harmless: the other end may read another method or status.
        for (asked, line) in [("GET", "1.1 200"), ("HEAD", "1.1 200"), ("GET", "1.1 304")] {
            check(asked, line, fields, Option::None);
        }
    }
}

#[test]
fn connections_are_kept_only_after_bodies_that_end() {
    let check = |text: &str, kept: bool| {
        let got = read(text.as_bytes(), &Method::GET).unwrap().keep_alive;
        assert_eq!(got, kept, "{text}");
    };
    check("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", true);
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
        false,
    );
    check("HTTP/1.1 200 OK\r\n\r\n", false);
    check("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", false);
    check("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false);
    check(
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n",
        true,
    );
    check("HTTP/1.1 204 No Content\r\n\r\n", true);
}

#[test]
fn a_change_of_protocol_is_named() {
    let text =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    let head = read(text, &Method::GET).unwrap();
    assert_eq!(
        (head.upgrade.as_deref(), head.framing),
        (Some("websocket"), Framing::None)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, begun: bool) {
        let start = if begun { "HTTP/1.1 200 OK\r\n" } else { "HTTP/1." };
        let _ = parse_response(&bytes, &Method::GET);
        let _ = parse_response(&[start.as_bytes(), &bytes, b"\r\n\r\n"].concat(), &Method::GET);
    }

    #[test]
    fn a_head_is_read_as_it_was_written(
        status in 200_u16..600,
        fields in testing::fields(),
        text in "[ -~\t]{0,20}",
    ) {
        let mut sent = format!("HTTP/1.1 {status} {text}\r\n").into_bytes();
        for (name, value) in &fields {
            sent.extend(name.as_str().bytes());
            sent.extend(b": ");
            sent.extend(value.as_bytes());
            sent.extend(b"\r\n");
        }
        sent.extend(b"\r\n");
        for cut in 0..sent.len() {
            prop_assert_eq!(parse_response(&sent[..cut], &Method::GET), Ok(None));
        }
        let head = read(&sent, &Method::GET).unwrap();
        prop_assert_eq!(head.status.as_u16(), status);
        prop_assert_eq!(head.headers, fields);
    }
}
