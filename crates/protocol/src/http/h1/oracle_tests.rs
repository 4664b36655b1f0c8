//! Another reader judges: whatever head is accepted here, `httparse` reads in the same way. It accepts more.

use super::{parse_request, parse_response};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

/// A head that has something of everything.
const REQUEST: &[u8] = b"POST /a?b=c HTTP/1.1\r\nHost: a:80\r\nX-One: 1 \r\nx-one:2\r\n\
    Content-Length: 10\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\nEmpty:\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\
    Set-Cookie: a=b; Path=/\r\nset-cookie: c\r\nConnection: close\r\n\r\n";
/// Bytes that readers stumble over.
const ODD: &[u8] = b"\r\n\t :;,\0\x0b\x7f\x80#\\\"_/01a";

/// What is done to a head: at `at`, put `byte`, insert it, or take one out.
type Edit = (prop::sample::Index, u8, u8);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(ODD)];
    prop::collection::vec((any::<prop::sample::Index>(), byte, 0..3_u8), 1..4)
}

fn edit(head: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut head = head.to_vec();
    for (at, byte, what) in edits {
        let at = at.index(head.len());
        match what {
            0 => head[at] = *byte,
            1 => head.insert(at, *byte),
            _ => {
                head.remove(at);
            }
        }
    }
    head
}

fn map(headers: &[httparse::Header<'_>]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for header in headers {
        map.append(
            HeaderName::from_bytes(header.name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(header.value).unwrap(),
        );
    }
    map
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn requests_are_read_as_others_read_them(edits in edits()) {
        let text = edit(REQUEST, &edits);
        if let Ok(Some((head, took))) = parse_request(&text) {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut headers);
            let status = request.parse(&text);
            prop_assert_eq!(status, Ok(httparse::Status::Complete(took)));
            prop_assert_eq!(request.method, Some(head.method.as_str()));
            prop_assert_eq!(request.path, Some(head.target.as_str()));
            prop_assert_eq!(map(request.headers), head.headers);
        }
    }

    #[test]
    fn responses_are_read_as_others_read_them(edits in edits()) {
        let text = edit(RESPONSE, &edits);
        if let Ok(Some((head, took))) = parse_response(&text, &Method::GET) {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut response = httparse::Response::new(&mut headers);
            let status = response.parse(&text);
            prop_assert_eq!(status, Ok(httparse::Status::Complete(took)));
            prop_assert_eq!(response.code, Some(head.status.as_u16()));
            prop_assert_eq!(map(response.headers), head.headers);
        }
    }
}
