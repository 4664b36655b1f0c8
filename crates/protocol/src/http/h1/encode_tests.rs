//! Tests of what is written: byte by byte, and read back.

use super::encode::{
    Connection, OutgoingRequest, OutgoingResponse, write_last_chunk, write_request, write_response,
};
use super::framing::Framing;
use super::limits::{FIELDS, HEAD, LENGTH, METHOD, NAME, TRAILER, TRAILER_FIELDS};
use super::testing;
use super::violation::{Peer, Violation};
use super::{Version, parse_request, parse_response};
use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use proptest::prelude::*;

/// Fields that must never be copied from one connection to the other, and two that are.
fn headers() -> HeaderMap {
    HeaderMap::from_iter(
        [
            ("host", "a"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("upgrade", "h2c"),
            ("http2-settings", "AA"),
            ("te", "trailers"),
            ("x-one", "1"),
        ]
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        }),
    )
}

fn text(out: &BytesMut) -> &str {
    std::str::from_utf8(out).unwrap()
}

/// Something else is in the buffer already, and must stay as it is.
fn refused(write: impl FnOnce(&mut BytesMut) -> Result<(), Violation>) {
    let mut out = BytesMut::from("before");
    let violation = write(&mut out).err().unwrap();
    assert_eq!(violation.peer(), Peer::Gateway);
    assert_eq!(violation.status().as_u16(), 500);
    assert_eq!(text(&out), "before", "{violation}");
}

#[test]
fn arguments_alone_frame_a_request() {
    let check = |framing: Framing, connection: Connection<'_>, expected: &str| {
        let mut out = BytesMut::new();
        let request = OutgoingRequest {
            method: &Method::POST,
            target: "/b?c",
            headers: &headers(),
            framing,
            connection,
        };
        write_request(&mut out, &request).unwrap();
        let expected = format!("POST /b?c HTTP/1.1\r\n{expected}host: a\r\nx-one: 1\r\n\r\n");
        assert_eq!(text(&out), expected);
    };
    check(Framing::None, Connection::Keep, "");
    check(
        Framing::Length(0),
        Connection::Keep,
        "content-length: 0\r\n",
    );
    check(
        Framing::Chunked,
        Connection::Close,
        "transfer-encoding: chunked\r\nconnection: close\r\n",
    );
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n";
    check(Framing::None, Connection::Upgrade("websocket"), upgrade);
}

#[test]
fn requests_that_would_be_refused_are_not_written() {
    let check = |method: &str, target: &str, headers: &HeaderMap, framing, connection| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        refused(|out| {
            let request = OutgoingRequest {
                method: &method,
                target,
                headers,
                framing,
                connection,
            };
            write_request(out, &request)
        });
    };
    let fields = headers();
    let keep = Connection::Keep;
    for target in ["", "a", "/ b", "/\r\nX: y", "/#", "http://b/", "*"] {
        check("GET", target, &fields, Framing::None, keep);
    }
    check("get", "/", &fields, Framing::None, keep);
    let long_method = "M".repeat(usize::try_from(METHOD.most).unwrap() + 1);
    check(&long_method, "/", &fields, Framing::None, keep);
    check("CONNECT", "/", &fields, Framing::None, keep);
    check("GET", "/", &fields, Framing::UntilClose, keep);
    check("GET", "/", &fields, Framing::Length(LENGTH.most + 1), keep);
    for protocol in ["", "a b", "a, b", "WebSocket", " a", "a\r\nb: c"] {
        check(
            "GET",
            "/",
            &fields,
            Framing::None,
            Connection::Upgrade(protocol),
        );
    }
    check("GET", "/", &HeaderMap::new(), Framing::None, keep);
    let mut two_hosts = fields.clone();
    two_hosts.append("host", HeaderValue::from_static("a"));
    check("GET", "/", &two_hosts, Framing::None, keep);
    let mut bad_host = fields.clone();
    bad_host.insert("host", HeaderValue::from_static("a/b"));
    check("GET", "/", &bad_host, Framing::None, keep);
    let mut long_name = fields.clone();
    let name = "n".repeat(usize::try_from(NAME.most).unwrap() + 1);
    long_name.insert(
        HeaderName::from_bytes(name.as_bytes()).unwrap(),
        HeaderValue::from_static("1"),
    );
    check("GET", "/", &long_name, Framing::None, keep);
    let mut large = fields.clone();
    let value = "v".repeat(usize::try_from(HEAD.most).unwrap());
    large.insert("x-large", HeaderValue::from_str(&value).unwrap());
    check("GET", "/", &large, Framing::None, keep);
}

#[test]
fn own_fields_count_with_the_others() {
    let check = |framing, connection, own: u64| {
        let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("a"))]);
        for _ in own + 1..FIELDS.most {
            headers.append("x-many", HeaderValue::from_static("1"));
        }
        let write = |out: &mut BytesMut, headers: &HeaderMap| {
            let request = OutgoingRequest {
                method: &Method::GET,
                target: "/",
                headers,
                framing,
                connection,
            };
            write_request(out, &request)
        };
        let mut out = BytesMut::new();
        write(&mut out, &headers).unwrap();
        assert!(parse_request(&out).is_ok_and(|head| head.is_some()));
        headers.append("x-many", HeaderValue::from_static("1"));
        refused(|out| write(out, &headers));
    };
    check(Framing::None, Connection::Keep, 0);
    check(Framing::Chunked, Connection::Keep, 1);
    check(Framing::None, Connection::Close, 1);
    check(Framing::Length(1), Connection::Upgrade("websocket"), 3);
}

/// What is written between the status line and the other fields; `None` when nothing is.
fn check_response(
    asked: &str,
    version: Version,
    status: u16,
    framing: Framing,
    connection: Connection<'_>,
    expected: Option<&str>,
) {
    let asked = Method::from_bytes(asked.as_bytes()).unwrap();
    let headers = headers();
    let response = OutgoingResponse {
        asked: &asked,
        version,
        status: StatusCode::from_u16(status).unwrap(),
        headers: &headers,
        framing,
        connection,
    };
    let Some(expected) = expected else {
        return refused(|out| write_response(out, &response));
    };
    let mut out = BytesMut::new();
    write_response(&mut out, &response).unwrap();
    let reason = response.status.canonical_reason().unwrap_or_default();
    let expected = format!("HTTP/1.1 {status} {reason}\r\n{expected}host: a\r\nx-one: 1\r\n\r\n");
    assert_eq!(text(&out), expected);
    let (head, took) = parse_response(&out, &asked).unwrap().unwrap();
    assert_eq!(took, out.len());
    let described_only = asked == Method::HEAD || status == 304;
    let read = if described_only {
        Framing::None
    } else {
        framing
    };
    assert_eq!(head.framing, read);
}

const FIVE: Option<&str> = Some("content-length: 5\r\n");
const CHUNKED: Option<&str> = Some("transfer-encoding: chunked\r\n");
const CLOSE: Option<&str> = Some("connection: close\r\n");

#[test]
fn responses_are_framed_as_status_and_method_allow() {
    use Framing::{Chunked, Length, UntilClose};
    let check = |asked: &str, status, framing, expected| {
        check_response(
            asked,
            Version::V11,
            status,
            framing,
            Connection::Keep,
            expected,
        );
    };
    check("GET", 200, Length(5), FIVE);
    check("GET", 799, Length(5), FIVE);
    check("GET", 200, Chunked, CHUNKED);
    check("GET", 200, UntilClose, None);
    check("GET", 200, Framing::None, None);
    check("HEAD", 200, Length(5), FIVE);
    check("HEAD", 200, Chunked, CHUNKED);
    check("HEAD", 200, Framing::None, Some(""));
    check("GET", 304, Length(5), FIVE);
    check("GET", 304, Framing::None, Some(""));
    check("GET", 204, Framing::None, Some(""));
    check("GET", 204, Length(0), None);
    check("GET", 100, Framing::None, Some(""));
    check("GET", 100, Length(0), None);
    check("CONNECT", 200, Framing::None, Some(""));
    check("CONNECT", 200, Length(0), None);
    check("CONNECT", 403, Length(5), FIVE);
}

#[test]
fn responses_leave_the_connection_as_client_and_status_allow() {
    use Connection::{Close, Keep, Upgrade};
    use Framing::{Chunked, Length, UntilClose};
    use Version::{V10, V11};
    let check = |version, status, framing, connection, expected| {
        check_response("GET", version, status, framing, connection, expected);
    };
    check(V11, 200, UntilClose, Close, CLOSE);
    check(V10, 200, UntilClose, Close, CLOSE);
    check(V10, 200, UntilClose, Keep, None);
    check(V10, 200, Chunked, Close, None);
    let kept = "content-length: 5\r\nconnection: keep-alive\r\n";
    check(V10, 200, Length(5), Keep, Some(kept));
    check(V10, 100, Framing::None, Keep, None);
    let changed = "connection: upgrade\r\nupgrade: a\r\n";
    check(V11, 101, Framing::None, Upgrade("a"), Some(changed));
    check(V11, 101, Framing::None, Upgrade("A"), None);
    check(V11, 101, Framing::None, Keep, None);
    check(V10, 101, Framing::None, Upgrade("a"), None);
    check(V11, 200, Length(5), Upgrade("a"), None);
}

#[test]
fn trailers_that_would_be_refused_are_not_written() {
    let check = |name: &str, value: &str, times: u64| {
        refused(|out| {
            let mut trailers = HeaderMap::new();
            for _ in 0..times {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                trailers.append(name, HeaderValue::from_str(value).unwrap());
            }
            write_last_chunk(out, Some(&trailers))
        });
    };
    check("content-length", "1", 1);
    check("set-cookie", "a", 1);
    check("x", "y", TRAILER_FIELDS.most + 1);
    check(
        "x",
        &"y".repeat(usize::try_from(TRAILER.most).unwrap() - 6),
        1,
    );
}

proptest! {
    #[test]
    fn a_written_request_is_read_back(
        method in testing::methods(),
        target in testing::targets(),
        fields in testing::fields(),
        framing in testing::request_framings(),
        connection in 0_usize..3,
    ) {
        let connection = [Connection::Keep, Connection::Close, Connection::Upgrade("x/1")][connection];
        let mut headers = fields.clone();
        headers.insert("host", HeaderValue::from_static("a.example:80"));
        let request = OutgoingRequest {
            method: &method,
            target: &target,
            headers: &headers,
            framing,
            connection,
        };
        let mut out = BytesMut::new();
        write_request(&mut out, &request).unwrap();
        let (head, took) = parse_request(&out).unwrap().unwrap();
        prop_assert_eq!(took, out.len());
        prop_assert_eq!(&head.method, &method);
        prop_assert_eq!(&head.target, &target);
        prop_assert_eq!(head.framing, framing);
        prop_assert_eq!(head.keep_alive, connection != Connection::Close);
        prop_assert_eq!(head.upgrade.is_some(), connection == Connection::Upgrade("x/1"));
        prop_assert_eq!(testing::without_own(head.headers), headers);
    }

    #[test]
    fn a_written_response_is_read_back(
        fields in testing::fields(),
        status in 205_u16..304,
        framing in testing::body_framings(),
    ) {
        let response = OutgoingResponse {
            asked: &Method::GET,
            version: Version::V11,
            status: StatusCode::from_u16(status).unwrap(),
            headers: &fields,
            framing,
            connection: Connection::Keep,
        };
        let mut out = BytesMut::new();
        write_response(&mut out, &response).unwrap();
        let (head, took) = parse_response(&out, &Method::GET).unwrap().unwrap();
        prop_assert_eq!(took, out.len());
        prop_assert_eq!(head.status.as_u16(), status);
        prop_assert_eq!(head.framing, framing);
        prop_assert_eq!(testing::without_own(head.headers), fields);
    }
}
