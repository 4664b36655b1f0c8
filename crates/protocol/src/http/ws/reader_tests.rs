//! Tests of messages: tables of (frames, events), each also cut at every place.

use super::reader::{Delivery, Event, FrameReader, Kind, Message};
use super::violation::Violation;
use super::{MAX_FRAME, MAX_MESSAGE, Opcode, Side, write_close, write_frame};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const KINDS: [Kind; 2] = [Kind::Text, Kind::Binary];

fn reader(side: Side, delivery: Delivery) -> FrameReader {
    let mut reader = FrameReader::new(side);
    for kind in KINDS {
        reader.deliver(kind, delivery);
    }
    reader
}

/// Passes the pieces in one after the other; stops at a violation.
fn run(mut reader: FrameReader, pieces: &[&[u8]]) -> (Vec<Event>, Option<Violation>) {
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(violation) => {
                    // It stays one, whatever comes.
                    assert_eq!(
                        reader.read(&mut BytesMut::from(&b"\x81\0"[..])),
                        Err(violation)
                    );
                    return (events, Some(violation));
                }
            }
        }
    }
    (events, None)
}

fn frame(side: Side, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let key = (side == Side::Client).then_some(KEY);
    write_frame(&mut out, side, fin, opcode, payload, key).unwrap();
    out.to_vec()
}

/// What frames of these opcodes and payloads are read as; a `+` marks those that are not the last.
fn check(frames: &[(&str, &[u8])], expected: &[Event], code: Option<u16>) {
    for side in [Side::Client, Side::Server] {
        let sent: Vec<u8> = frames
            .iter()
            .flat_map(|(name, payload)| {
                let opcode = match name.trim_end_matches('+') {
                    "text" => Opcode::Text,
                    "binary" => Opcode::Binary,
                    "more" => Opcode::Continuation,
                    "ping" => Opcode::Ping,
                    "pong" => Opcode::Pong,
                    _ => Opcode::Close,
                };
                frame(side, !name.ends_with('+'), opcode, payload)
            })
            .collect();
        let same = |pieces: &[&[u8]]| {
            let (events, violation) = run(reader(side, Delivery::Whole), pieces);
            assert_eq!(events, expected, "{frames:?}");
            assert_eq!(violation.map(|v| v.close_code()), code, "{frames:?}");
            assert!(violation.is_none_or(|v| v.side() == side));
            // Fragments are judged as messages are.
            let (_, passed_on) = run(reader(side, Delivery::Fragments), pieces);
            assert_eq!(passed_on, violation, "{frames:?}");
        };
        for cut in 0..=sent.len() {
            let (before, after) = sent.split_at(cut);
            same(&[before, after]);
        }
        same(&sent.chunks(1).collect::<Vec<_>>());
    }
}

fn text(text: &str) -> Event {
    Event::Message(Message::Text(text.to_owned()))
}

fn binary(data: &'static [u8]) -> Event {
    Event::Message(Message::Binary(Bytes::from_static(data)))
}

fn ping(data: &'static [u8]) -> Event {
    Event::Ping(Bytes::from_static(data))
}

fn close(code: u16, reason: &str) -> Event {
    Event::Close {
        code: Some(code),
        reason: reason.to_owned(),
    }
}

#[test]
fn messages_are_whole_when_their_last_frame_is() {
    check(&[("text", b"Hello")], &[text("Hello")], None);
    check(
        &[("text", b""), ("binary", b"")],
        &[text(""), binary(b"")],
        None,
    );
    check(
        &[("text+", b"Hel"), ("more", b"lo")],
        &[text("Hello")],
        None,
    );
    check(
        &[
            ("binary+", b""),
            ("more+", b"\xff"),
            ("more+", b""),
            ("more", b""),
        ],
        &[binary(b"\xff")],
        None,
    );
    check(
        &[
            ("text+", b"a"),
            ("ping", b"1"),
            ("more+", b"b"),
            ("pong", b""),
            ("more", b"c"),
        ],
        &[ping(b"1"), Event::Pong(Bytes::new()), text("abc")],
        None,
    );
    check(&[("ping", &[7; 125])], &[ping(&[7; 125])], None);
}

#[test]
fn frames_come_in_order() {
    check(&[("more", b"a")], &[], Some(1002));
    check(&[("more+", b"a")], &[], Some(1002));
    check(&[("text", b"a"), ("more", b"b")], &[text("a")], Some(1002));
    check(&[("text+", b"a"), ("text", b"b")], &[], Some(1002));
    check(&[("text+", b"a"), ("binary", b"b")], &[], Some(1002));
    check(
        &[("binary+", b""), ("more", b""), ("more", b"")],
        &[binary(b"")],
        Some(1002),
    );
}

#[test]
fn texts_are_utf8_across_frames() {
    check(
        &[("text+", b"\xce"), ("more", b"\xba")],
        &[text("\u{3ba}")],
        None,
    );
    check(
        &[
            ("text+", b"\xf0\x9f"),
            ("ping", b""),
            ("more+", b""),
            ("more", b"\x98\x80"),
        ],
        &[ping(b""), text("\u{1f600}")],
        None,
    );
    check(&[("text", b"\xce")], &[], Some(1007));
    check(&[("text", b"a\xff")], &[], Some(1007));
    check(&[("text+", b"\xce"), ("more", b"")], &[], Some(1007));
    check(&[("text+", b"\xce"), ("more", b"a")], &[], Some(1007));
    check(&[("text", b"\xed\xa0\x80")], &[], Some(1007));
    check(&[("binary", b"\xff")], &[binary(b"\xff")], None);
    // At the wrong byte, not at the end of its frame or message.
    let whole = frame(Side::Server, true, Opcode::Text, b"ab\xf4\x90cdefg");
    for delivery in [Delivery::Whole, Delivery::Fragments] {
        for sent in 2..=whole.len() {
            let (_, violation) = run(reader(Side::Server, delivery), &[&whole[..sent]]);
            assert_eq!(violation.is_some(), sent >= 6, "{sent}");
        }
    }
}

#[test]
fn a_close_frame_is_the_last() {
    check(
        &[("close", b"")],
        &[Event::Close {
            code: None,
            reason: String::new(),
        }],
        None,
    );
    check(&[("close", b"\x03\xe8bye")], &[close(1000, "bye")], None);
    check(
        &[("close", b"\x0f\xa0"), ("text", b"a"), ("more", b"")],
        &[close(4000, "")],
        None,
    );
    check(
        &[("text+", b"a"), ("close", b"\x03\xe9")],
        &[close(1001, "")],
        None,
    );
    check(&[("close", b"\x03")], &[], Some(1002));
    check(&[("close", b"\x03\xee")], &[], Some(1002));
    check(&[("close", b"\x03\xe8\xff")], &[], Some(1007));
    let mut reader = FrameReader::new(Side::Server);
    let mut input = BytesMut::from(&b"\x88\0rest"[..]);
    assert!(!reader.is_closed());
    assert!(matches!(
        reader.read(&mut input),
        Ok(Some(Event::Close { .. }))
    ));
    assert!(reader.is_closed());
    assert_eq!((reader.read(&mut input), input.len()), (Ok(None), 0));
}

#[test]
fn masks_are_as_the_side_says() {
    for (side, other) in [(Side::Client, Side::Server), (Side::Server, Side::Client)] {
        let sent = frame(other, true, Opcode::Text, b"a");
        let (_, violation) = run(reader(side, Delivery::Whole), &[&sent]);
        assert_eq!(
            violation.map(|v| (v.close_code(), v.side())),
            Some((1002, side))
        );
    }
}

#[test]
fn every_limit_is_reached_and_not_passed() {
    let check = |delivery, frames: &[(Opcode, usize)], code: Option<u16>| {
        let mut reader = reader(Side::Server, delivery);
        let mut violation = None;
        for (at, (opcode, len)) in frames.iter().enumerate() {
            let fin = at + 1 == frames.len();
            let sent = frame(Side::Server, fin, *opcode, &vec![b'a'; *len]);
            let mut input = BytesMut::from(&sent[..]);
            while violation.is_none() && !input.is_empty() {
                violation = reader.read(&mut input).err();
            }
        }
        assert_eq!(violation.map(|v| v.close_code()), code);
    };
    let (text, binary, more) = (Opcode::Text, Opcode::Binary, Opcode::Continuation);
    let half = MAX_MESSAGE / 2;
    check(Delivery::Whole, &[(text, MAX_FRAME)], None);
    check(Delivery::Whole, &[(binary, half), (more, half)], None);
    check(
        Delivery::Whole,
        &[(binary, half), (more, half), (more, 1)],
        Some(1009),
    );
    check(
        Delivery::Fragments,
        &[(binary, MAX_FRAME), (more, MAX_FRAME), (more, 1)],
        None,
    );
    // A frame that is too long is refused at its header.
    let header = [&[0x82, 127][..], &(MAX_FRAME as u64 + 1).to_be_bytes()].concat();
    for delivery in [Delivery::Whole, Delivery::Fragments] {
        let (_, violation) = run(reader(Side::Server, delivery), &[&header]);
        assert_eq!(violation.map(|v| v.close_code()), Some(1009));
    }
}

#[test]
fn a_change_of_delivery_waits_for_the_next_message() {
    let mut reader = FrameReader::new(Side::Server);
    let mut input = BytesMut::from(&b"\x02\x01a"[..]);
    assert_eq!(reader.read(&mut input), Ok(None));
    reader.deliver(Kind::Binary, Delivery::Fragments);
    input.extend_from_slice(b"\x80\x01b\x82\x02c");
    assert_eq!(reader.read(&mut input), Ok(Some(binary(b"ab"))));
    let fragment = |first, last, data| Event::Fragment {
        first,
        last,
        kind: Kind::Binary,
        data: Bytes::from_static(data),
    };
    assert_eq!(
        reader.read(&mut input),
        Ok(Some(fragment(true, false, b"c")))
    );
    assert_eq!(reader.read(&mut input), Ok(None));
    input.extend_from_slice(b"d");
    assert_eq!(
        reader.read(&mut input),
        Ok(Some(fragment(false, true, b"d")))
    );
}

#[test]
fn nothing_that_was_sent_is_in_a_text_about_it() {
    let (_, violation) = run(reader(Side::Client, Delivery::Whole), &[b"\xff\xff"]);
    let expected = "the client's frame is not accepted; expected reserved bits of zero";
    assert_eq!(violation.unwrap().to_string(), expected);
}

/// Messages with the sizes of their frames, each followed by a ping or not.
fn conversations() -> impl Strategy<Value = Vec<(Message, Vec<usize>, bool)>> {
    let message = prop_oneof![
        any::<String>().prop_map(Message::Text),
        prop::collection::vec(any::<u8>(), 0..400).prop_map(|data| Message::Binary(data.into())),
    ];
    let sizes = prop::collection::vec(0_usize..150, 0..5);
    prop::collection::vec((message, sizes, any::<bool>()), 0..6)
}

/// The conversation as frames, with pings between a message's frames too, and a close frame.
fn send(side: Side, conversation: &[(Message, Vec<usize>, bool)]) -> Vec<u8> {
    let mut sent = Vec::new();
    for (message, sizes, pinged) in conversation {
        let (mut opcode, mut rest) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(data) => (Opcode::Binary, &data[..]),
        };
        for size in sizes {
            let (part, after) = rest.split_at((*size).min(rest.len()));
            sent.extend(frame(side, false, opcode, part));
            if *pinged {
                sent.extend(frame(side, true, Opcode::Ping, b"p"));
            }
            (opcode, rest) = (Opcode::Continuation, after);
        }
        sent.extend(frame(side, true, opcode, rest));
    }
    let mut end = BytesMut::new();
    let key = (side == Side::Client).then_some(KEY);
    write_close(&mut end, side, Some(1000), "bye", key).unwrap();
    sent.extend(end);
    sent
}

fn cut<'a>(mut sent: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = sent.split_at((*cut).min(sent.len()));
        pieces.push(piece);
        sent = rest;
    }
    pieces.push(sent);
    pieces
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, client: bool, fragments: bool) {
        let side = if client { Side::Client } else { Side::Server };
        let delivery = if fragments { Delivery::Fragments } else { Delivery::Whole };
        let _ = run(reader(side, delivery), &[&bytes]);
        let _ = run(reader(side, delivery), &[b"\x01\x80\0\0\0\0", &bytes]);
        let _ = run(reader(side, delivery), &[b"\x01\x00\x80", &bytes]);
    }

    #[test]
    fn what_is_written_is_read_back_however_it_is_cut(
        conversation in conversations(),
        client: bool,
        cuts in prop::collection::vec(1_usize..60, 0..40),
    ) {
        let side = if client { Side::Client } else { Side::Server };
        let sent = send(side, &conversation);
        let (events, violation) = run(reader(side, Delivery::Whole), &cut(&sent, &cuts));
        prop_assert_eq!(violation, None);
        let pings = events.iter().filter(|event| matches!(event, Event::Ping(_))).count();
        let expected = conversation.iter().filter(|(_, _, pinged)| *pinged);
        prop_assert_eq!(pings, expected.map(|(_, sizes, _)| sizes.len()).sum::<usize>());
        let messages: Vec<Event> = events
            .into_iter()
            .filter(|event| !matches!(event, Event::Ping(_)))
            .collect();
        let mut expected: Vec<Event> =
            conversation.into_iter().map(|(message, _, _)| Event::Message(message)).collect();
        expected.push(close(1000, "bye"));
        prop_assert_eq!(messages, expected);
    }

    #[test]
    fn fragments_that_are_passed_on_make_the_same_messages(
        conversation in conversations(),
        cuts in prop::collection::vec(1_usize..60, 0..40),
    ) {
        let sent = send(Side::Client, &conversation);
        let (events, violation) = run(reader(Side::Client, Delivery::Fragments), &cut(&sent, &cuts));
        prop_assert_eq!(violation, None);
        let mut passed_on = Vec::new();
        for event in &events {
            let frame = |fin, opcode, data: &[u8]| frame(Side::Server, fin, opcode, data);
            passed_on.extend(match event {
                Event::Fragment { first, last, kind, data } => {
                    prop_assert!(*last || !data.is_empty());
                    let opcode = match (first, kind) {
                        (false, _) => Opcode::Continuation,
                        (true, Kind::Text) => Opcode::Text,
                        (true, Kind::Binary) => Opcode::Binary,
                    };
                    frame(*last, opcode, data)
                }
                Event::Ping(data) => frame(true, Opcode::Ping, data),
                Event::Close { .. } => frame(true, Opcode::Close, b"\x03\xe8bye"),
                other => panic!("{other:?}"),
            });
        }
        let whole = |side, sent: &[u8]| run(reader(side, Delivery::Whole), &[sent]);
        prop_assert_eq!(whole(Side::Server, &passed_on), whole(Side::Client, &sent));
    }
}
