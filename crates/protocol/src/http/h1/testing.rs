//! Valid parts of messages for this module's tests.

use super::framing::Framing;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::collection::vec;
use proptest::prelude::*;

/// Methods of requests that have paths as targets.
pub(super) fn methods() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::GET),
        Just(Method::POST),
        Just(Method::HEAD),
        Just(Method::from_bytes(b"VERSION-CONTROL").unwrap()),
    ]
}

/// Paths with queries, also odd ones.
pub(super) fn targets() -> impl Strategy<Value = String> {
    "/[!-\"$-~]{0,60}"
}

/// Up to 20 fields that nothing depends on; some names come more than once.
pub(super) fn fields() -> impl Strategy<Value = HeaderMap> {
    let name = prop_oneof![
        "x-[a-z0-9-]{0,12}",
        "[a-z]-[!#$%&'*+.^`|~a-z]{0,80}",
        Just("accept".to_owned()),
        Just("cookie".to_owned()),
        Just("user-agent".to_owned()),
    ];
    let value = prop_oneof![
        Just(Vec::new()),
        "[!-~]([ \t-~]{0,40}[!-~])?"
            .prop_map(String::into_bytes)
            .prop_map(clean),
        vec(0x80..=0xff_u8, 1..20),
    ];
    vec((name, value), 0..20).prop_map(|all| {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(&value).unwrap(),
            );
        }
        map
    })
}

/// Control bytes between the tab and the space become spaces.
fn clean(value: Vec<u8>) -> Vec<u8> {
    let visible = |byte: u8| {
        if byte < b' ' && byte != b'\t' {
            b' '
        } else {
            byte
        }
    };
    value.into_iter().map(visible).collect()
}

/// What a request's body can be framed by.
pub(super) fn request_framings() -> impl Strategy<Value = Framing> {
    prop_oneof![1 => Just(Framing::None), 2 => body_framings()]
}

/// What a body that is there can be framed by.
pub(super) fn body_framings() -> impl Strategy<Value = Framing> {
    prop_oneof![
        Just(Framing::Chunked),
        (0..=1_u64 << 53).prop_map(Framing::Length),
    ]
}

/// The fields of a head without those that framing and connection are written with.
pub(super) fn without_own(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
    headers
}
