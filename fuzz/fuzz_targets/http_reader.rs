//! Any bytes, from either side, are messages of HTTP/1.1 or a violation, and what was read is written so that it reads the
//! same. Paths are decided as they are sent. Frames of WebSockets likewise.
#![no_main]

use bytes::BytesMut;
use http::Method;
use libfuzzer_sys::fuzz_target;
use sluice_protocol::http::h1::{
    self, BodyDecoder, Connection, Decoded, Framing, OutgoingRequest, Peer,
};
use sluice_protocol::http::path::Target;
use sluice_protocol::http::ws::{Delivery, FrameReader, Kind, Side};
use sluice_protocol::http::{fields, openapi};

fuzz_target!(|data: &[u8]| {
    requests(data);
    let _ = h1::parse_response(data, &Method::GET);
    paths(data);
    for side in [Side::Client, Side::Server] {
        let mut reader = FrameReader::new(side);
        reader.deliver(Kind::Text, Delivery::Whole);
        let mut input = BytesMut::from(data);
        while let Ok(Some(_)) = reader.read(&mut input) {}
    }
    for kind in ["application/json", "application/x-www-form-urlencoded"] {
        let _ = fields::read(Some(kind), data);
    }
    if let Ok(value) = serde_json::from_slice(data) {
        let _ = openapi::Document::read(&value);
    }
});

fn requests(data: &[u8]) {
    let Ok(Some((head, taken))) = h1::parse_request(data) else {
        return;
    };
    let mut rest = BytesMut::from(&data[taken..]);
    let mut body = BodyDecoder::new(Peer::Client, head.framing);
    while let Ok(Decoded::Data(_) | Decoded::Trailers(_)) = body.decode(&mut rest) {}
    let mut headers = head.headers.clone();
    h1::remove_hop_by_hop(&mut headers);
    let mut out = BytesMut::new();
    let written = h1::write_request(
        &mut out,
        &OutgoingRequest {
            method: &head.method,
            target: &head.target,
            headers: &headers,
            framing: Framing::None,
            connection: Connection::Keep,
        },
    );
    if written.is_ok() {
        let (again, all) = h1::parse_request(&out).unwrap().unwrap();
        assert_eq!(all, out.len());
        assert_eq!((again.method, again.target), (head.method, head.target));
    }
}

fn paths(data: &[u8]) {
    let Ok(target) = Target::parse(data) else {
        return;
    };
    let again = Target::parse(target.sent().as_bytes()).unwrap();
    assert_eq!(again.segments(), target.segments());
    assert_eq!(again.sent(), target.sent());
}
