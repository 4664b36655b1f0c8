//! What it costs to read a head, to take a body out of its chunks and to take off a mask, next to what another
//! reader of heads costs. Run with `cargo bench --bench http`.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sluice_protocol::http::h1::{
    BodyDecoder, Connection, Decoded, Framing, OutgoingRequest, Peer, parse_request,
    parse_response, write_chunk, write_last_chunk, write_request,
};
use sluice_protocol::http::ws::{FrameReader, Opcode, Side, write_frame};
use std::hint::black_box;
use std::time::Instant;

/// Times that each is done in one measurement of a head.
const TIMES: u32 = 200_000;
/// Measurements per case; the best one counts, since others only add noise.
const ROUNDS: usize = 7;
/// Bytes of a chunk or frame: what is read from a socket at once.
const PIECE: usize = 16 * 1024;

/// What a browser sends to an application: 510 bytes.
const REQUEST: &[u8] =
    b"GET /api/v2/projects/417/issues?state=open&page=2&per_page=50 HTTP/1.1\r\n\
    Host: gateway.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://gateway.example.com/projects/417\r\n\
    Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n\
    X-Request-Id: 0b3f7c7e-9f4c-4f1c-8a52\r\n\
    Connection: keep-alive\r\n\
    Sec-Fetch-Mode: cors\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
    Server: nginx\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 5120\r\n\
    Cache-Control: no-cache, private\r\n\
    Vary: Accept-Encoding\r\n\
    Strict-Transport-Security: max-age=31536000\r\n\
    X-Request-Id: 0b3f7c7e-9f4c-4f1c-8a52\r\n\r\n";

/// Nanoseconds for one of `times`.
fn best(times: u32, mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let begin = Instant::now();
        for _ in 0..times {
            work();
        }
        begin.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn head(what: &str, bytes: usize, work: impl FnMut()) {
    println!("{what}: {:.0} ns for {bytes} bytes", best(TIMES, work));
}

fn stream(what: &str, bytes: usize, work: impl FnMut()) {
    println!("{what}: {:.2} GB/s", bytes as f64 / best(200, work));
}

/// `httparse` reads without keeping anything; a map is then made as most servers make it.
fn other_reader(keep: bool) {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut headers);
    let read = request.parse(black_box(REQUEST));
    assert!(read.is_ok_and(|status| status.is_complete()));
    if keep {
        let mut map = HeaderMap::with_capacity(request.headers.len());
        for header in request.headers.iter() {
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(header.name.as_bytes()),
                HeaderValue::from_bytes(header.value),
            ) {
                map.append(name, value);
            }
        }
        black_box(map);
    }
    black_box(request.path.map(str::to_owned));
}

fn heads() {
    let size = REQUEST.len();
    head("request head", size, || {
        assert!(parse_request(black_box(REQUEST)).is_ok_and(|head| head.is_some()));
    });
    head("httparse alone", size, || other_reader(false));
    head("httparse and a map", size, || other_reader(true));
    let cut = REQUEST.get(..size - 1).unwrap_or_default();
    head("request head, last byte missing", cut.len(), || {
        assert!(parse_request(black_box(cut)).is_ok_and(|head| head.is_none()));
    });
    // What a client makes the gateway do with every further byte, at worst.
    let mut endless = BytesMut::from("GET / HTTP/1.1\r\n");
    while endless.len() + 600 < 64 * 1024 {
        endless.extend_from_slice(b"x: ");
        endless.resize(endless.len() + 512, b'a');
        endless.extend_from_slice(b"\r\n");
    }
    head("head of almost 64 KiB, end missing", endless.len(), || {
        assert!(parse_request(black_box(&endless)).is_ok_and(|head| head.is_none()));
    });
    head("response head", RESPONSE.len(), || {
        let read = parse_response(black_box(RESPONSE), &Method::GET);
        assert!(read.is_ok_and(|head| head.is_some()));
    });
    if let Ok(Some((head_read, _))) = parse_request(REQUEST) {
        let mut out = BytesMut::with_capacity(1024);
        head("request head written", size, || {
            out.clear();
            let request = OutgoingRequest {
                method: &head_read.method,
                target: &head_read.target,
                headers: &head_read.headers,
                framing: Framing::None,
                connection: Connection::Keep,
            };
            assert!(write_request(black_box(&mut out), &request).is_ok());
        });
    }
}

fn bodies() {
    let data = vec![b'a'; PIECE];
    let mut sent = BytesMut::new();
    for _ in 0..64 {
        write_chunk(&mut sent, &data);
    }
    assert!(write_last_chunk(&mut sent, None).is_ok());
    let copied = BytesMut::from(&sent[..]).len();
    stream("copying the input of the next two", copied, || {
        black_box(BytesMut::from(black_box(&sent[..])));
    });
    stream("chunks taken out", sent.len(), || {
        let mut input = BytesMut::from(&sent[..]);
        let mut decoder = BodyDecoder::new(Peer::Target, Framing::Chunked);
        while let Ok(Decoded::Data(data)) = decoder.decode(&mut input) {
            black_box(data);
        }
        assert!(decoder.is_done());
    });
}

fn frames(what: &str, opcode: Opcode, payload: usize) {
    let data = vec![b'a'; payload];
    let mut sent = BytesMut::new();
    while sent.len() < 64 * PIECE {
        let written = write_frame(
            &mut sent,
            Side::Client,
            true,
            opcode,
            &data,
            Some([1, 2, 3, 4]),
        );
        assert!(written.is_ok());
    }
    stream(what, sent.len(), || {
        let mut input = BytesMut::from(&sent[..]);
        let mut reader = FrameReader::new(Side::Client);
        while let Ok(Some(event)) = reader.read(&mut input) {
            black_box(event);
        }
        assert!(input.is_empty());
    });
}

/// A message in frames of one byte each, which must not cost more for being long.
fn smallest_frames(count: usize) {
    let mut sent = BytesMut::new();
    for at in 0..count {
        let opcode = if at == 0 {
            Opcode::Binary
        } else {
            Opcode::Continuation
        };
        let written = write_frame(
            &mut sent,
            Side::Client,
            at + 1 == count,
            opcode,
            b"a",
            Some([1; 4]),
        );
        assert!(written.is_ok());
    }
    let cost = best(3, || {
        let mut input = BytesMut::from(&sent[..]);
        let read = FrameReader::new(Side::Client).read(&mut input);
        assert!(read.is_ok_and(|event| event.is_some()));
    });
    println!(
        "{count} frames of one byte: {:.0} ns each",
        cost / count as f64
    );
}

fn main() {
    heads();
    bodies();
    frames("masked binary frames of 16 KiB", Opcode::Binary, PIECE);
    frames("masked text frames of 16 KiB", Opcode::Text, PIECE);
    frames("masked text frames of 100 bytes", Opcode::Text, 100);
    smallest_frames(10_000);
    smallest_frames(1_000_000);
}
