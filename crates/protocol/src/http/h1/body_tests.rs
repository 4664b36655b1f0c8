//! Tests of bodies: tables of (sent, expected), each also cut at every place.

use super::body::{BodyDecoder, Decoded};
use super::encode::{write_chunk, write_last_chunk};
use super::framing::Framing;
use super::limits::{CHUNK_LINE, TRAILER, TRAILER_FIELDS};
use super::violation::{Peer, Violation};
use bytes::BytesMut;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

/// A body that was read to its end, and what is left of the input.
#[derive(Debug, PartialEq)]
struct Whole {
    body: Vec<u8>,
    trailers: HeaderMap,
    rest: Vec<u8>,
}

/// Passes the pieces in one after the other, then the end of the connection.
fn run(framing: Framing, pieces: &[&[u8]]) -> Result<Whole, Violation> {
    let mut decoder = BodyDecoder::new(Peer::Client, framing);
    let mut input = BytesMut::new();
    let mut whole = Whole {
        body: Vec::new(),
        trailers: HeaderMap::new(),
        rest: Vec::new(),
    };
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input)? {
                Decoded::Data(data) => {
                    assert!(!data.is_empty());
                    whole.body.extend(data);
                }
                Decoded::Trailers(trailers) => {
                    assert!(whole.trailers.is_empty() && decoder.is_done());
                    whole.trailers = trailers;
                }
                Decoded::NeedMore => {
                    assert!(!decoder.is_done());
                    break;
                }
                Decoded::End => {
                    assert!(decoder.is_done());
                    break;
                }
            }
        }
    }
    decoder.eof()?;
    assert_eq!(decoder.decode(&mut BytesMut::new()), Ok(Decoded::End));
    whole.rest = input.to_vec();
    Ok(whole)
}

fn check(framing: Framing, sent: &[u8], body: &[u8], rest: &[u8]) {
    for cut in 0..=sent.len() {
        let (before, after) = sent.split_at(cut);
        let whole = run(framing, &[before, after]).unwrap();
        assert_eq!(whole.body, body, "cut at {cut}");
        assert_eq!(whole.rest, rest, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = sent.chunks(1).collect();
    assert_eq!(run(framing, &bytes).unwrap().body, body);
}

#[test]
fn bodies_end_where_their_framing_says() {
    check(Framing::None, b"GET", b"", b"GET");
    check(Framing::Length(0), b"GET", b"", b"GET");
    check(Framing::Length(3), b"abcGET", b"abc", b"GET");
    check(Framing::UntilClose, b"abcGET", b"abcGET", b"");
    check(Framing::Chunked, b"0\r\n\r\nGET", b"", b"GET");
    check(
        Framing::Chunked,
        b"3\r\nabc\r\n2\r\n\r\n\r\n0\r\n\r\n",
        b"abc\r\n",
        b"",
    );
    check(
        Framing::Chunked,
        b"00A\r\n0123456789\r\n000\r\n\r\n\r\n",
        b"0123456789",
        b"\r\n",
    );
    check(
        Framing::Chunked,
        b"a\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET",
        b"0123456789",
        b"GET",
    );
}

#[test]
fn trailers_are_read_after_the_body() {
    let whole = run(
        Framing::Chunked,
        &[b"1\r\na\r\n0\r\nDigest: 1\r\ndigest:2\r\nE:\r\n\r\n"],
    )
    .unwrap();
    let all: Vec<_> = whole.trailers.get_all("digest").iter().collect();
    assert_eq!(all, ["1", "2"]);
    assert_eq!(whole.trailers.len(), 3);
}

#[test]
fn chunks_that_two_readers_could_read_differently_are_refused() {
    let check = |sent: &[u8], status: u16| {
        let bytes: Vec<&[u8]> = sent.chunks(1).collect();
        for pieces in [&[sent][..], &bytes] {
            let violation = run(Framing::Chunked, pieces).err().unwrap();
            assert_eq!(
                violation.status().as_u16(),
                status,
                "{}",
                String::from_utf8_lossy(sent)
            );
            assert!(!matches!(violation, Violation::Ended { .. }));
        }
    };
    for sent in [
        &b"\r\n"[..],
        b"\n",
        b"x",
        b" 1\r\n",
        b"1 \r\n",
        b"1\t\r\n",
        b"+1\r\n",
        b"-1\r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b"1h\r\n",
        b"\xef\xbc\x91\r\n",
        b"1;\r\n",
        b"1;a=b\r\na",
        b"1;\n",
        b"1 ;a\r\n",
        b"1\na\n",
        b"1\ra",
        b"1\r\r\n",
        b"1\0\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"1\r\na\r\r",
        b"1\r\na0\r\n\r\n",
        b"1\r\na\r\n\r\n",
        b"2\r\na\r\n0\r\n\r\n",
        b"0\r\n\n",
        b"0\r\nX: y\n\r\n",
        b"0\r\nX : y\r\n\r\n",
        b"0\r\n X: y\r\n\r\n",
        b"0\r\nX: y\r\n z\r\n\r\n",
        b"0\r\nX_Y: z\r\n\r\n",
        b"0\r\nGET / HTTP/1.1\r\n\r\n",
        b"0\r\nContent-Length: 1\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\nHost: a\r\n\r\n",
        b"0\r\nAuthorization: a\r\n\r\n",
        b"0\r\nX: y\r\nContent-Type: a\r\n\r\n",
    ] {
        check(sent, 400);
    }
    check(b"20000000000001\r\n", 413);
    check(b"ffffffffffffffff\r\n", 413);
    check(b"10000000000000000\r\n", 413);
}

#[test]
fn every_limit_is_reached_and_not_passed() {
    let check = |sent: &str, accepted: bool| {
        assert_eq!(
            run(Framing::Chunked, &[sent.as_bytes()]).is_ok(),
            accepted,
            "{} bytes",
            sent.len()
        );
    };
    let digits = usize::try_from(CHUNK_LINE.most).unwrap() - 2;
    check(&format!("{}\r\n\r\n", "0".repeat(digits)), true);
    check(&format!("{}\r\n\r\n", "0".repeat(digits + 3)), false);
    let fields = usize::try_from(TRAILER_FIELDS.most).unwrap();
    check(&format!("0\r\n{}\r\n", "x:1\r\n".repeat(fields)), true);
    check(&format!("0\r\n{}\r\n", "x:1\r\n".repeat(fields + 1)), false);
    let bytes = usize::try_from(TRAILER.most).unwrap() - "x:\r\n\r\n".len();
    check(&format!("0\r\nx:{}\r\n\r\n", "v".repeat(bytes)), true);
    check(&format!("0\r\nx:{}\r\n\r\n", "v".repeat(bytes + 1)), false);
    // 2^53 is announced, and what comes of it is passed on as it comes.
    let mut decoder = BodyDecoder::new(Peer::Target, Framing::Chunked);
    let mut input = BytesMut::from(&b"20000000000000\r\nab"[..]);
    assert_eq!(decoder.decode(&mut input), Ok(Decoded::Data("ab".into())));
}

#[test]
fn a_body_that_ends_early_is_not_taken_for_a_whole_one() {
    let check = |framing: Framing, sent: &[u8]| {
        for cut in 0..sent.len() {
            let ended = Violation::Ended { peer: Peer::Client };
            assert_eq!(run(framing, &[&sent[..cut]]).err(), Some(ended), "{cut}");
        }
        assert!(run(framing, &[sent]).is_ok());
    };
    check(Framing::Length(3), b"abc");
    check(Framing::Chunked, b"1\r\na\r\n0\r\nX: y\r\n\r\n");
}

#[test]
fn data_is_not_copied() {
    let mut input = BytesMut::from(&b"3\r\nabc\r\n"[..]);
    let at = input[3..].as_ptr();
    let mut decoder = BodyDecoder::new(Peer::Client, Framing::Chunked);
    let Ok(Decoded::Data(data)) = decoder.decode(&mut input) else {
        panic!("no data");
    };
    assert_eq!((data.as_ptr(), &data[..]), (at, &b"abc"[..]));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, begun in 0_usize..4) {
        let start = ["", "1\r\n", "1\r\na\r\n", "0\r\n"][begun];
        let _ = run(Framing::Chunked, &[start.as_bytes(), &bytes]);
    }

    #[test]
    fn what_is_written_is_read_back_however_it_is_cut(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
        trailer in prop::option::of("[!-~]{1,20}"),
        cuts in prop::collection::vec(1_usize..20, 0..40),
    ) {
        let mut sent = BytesMut::new();
        for chunk in &chunks {
            write_chunk(&mut sent, chunk);
        }
        let trailers = trailer.map(|value| {
            HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_str(&value).unwrap())])
        });
        write_last_chunk(&mut sent, trailers.as_ref()).unwrap();
        sent.extend_from_slice(b"next");
        let mut rest = &sent[..];
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let whole = run(Framing::Chunked, &pieces).unwrap();
        prop_assert_eq!(whole.body, chunks.concat());
        prop_assert_eq!(whole.trailers, trailers.unwrap_or_default());
        prop_assert_eq!(whole.rest, b"next");
    }
}
