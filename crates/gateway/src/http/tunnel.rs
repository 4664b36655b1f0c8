//! WebSockets: messages of both ends, read, masked and recorded on their way (RFC 6455; RFC 8441 over HTTP/2).

use super::asked::{WEBSOCKET_FIELDS, value};
use super::call::{Head, OneLane};
use super::capture::CAP;
use super::refusal::Refusal;
use super::relay::Relay;
use super::rules::{ForRecord, Planned};
use super::send::Between;
use super::wire::{Answer, Part, Sink, Source, WireError};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use sluice_model::{EventBody, RecordedValue, Side};
use sluice_policy::FieldPlan;
use sluice_protocol::http::mask::{FieldRules, Kind as BodyKind, Masker, looks_like_json};
use sluice_protocol::http::ws::{
    self, Delivery, Event, FrameReader, Kind, Message, Opcode, Violation,
};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// What is appended to a key before it is hashed (RFC 6455, section 1.3).
const ACCEPT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// How long both ends may say nothing.
const SILENCE: Duration = Duration::from_secs(3600);
/// How long the other end may take to close after one has.
const CLOSING: Duration = Duration::from_secs(10);
/// Longer than a connection lives: both directions together are watched for silence.
const FOREVER: Duration = Duration::from_secs(365 * 86_400);
/// The code of a connection that nobody uses.
const AWAY: u16 = 1001;
/// The code of a connection that is ended for reasons of policy.
const POLICY: u16 = 1008;

/// A connection that has changed to a WebSocket.
pub struct Tunnel<'a> {
    /// The request that asked for it.
    pub relay: &'a Relay<'a>,
    /// What is masked.
    pub plan: &'a FieldPlan,
    /// The fields that the target was asked with.
    pub sent: &'a HeaderMap,
    /// The cookie that is the account's credential.
    pub secret_cookie: Option<&'a str>,
}

/// How it ended.
pub enum Over {
    /// Both ends closed it, or one left.
    Closed,
    /// It was cut: why.
    Cut(String),
}

/// The value of Sec-WebSocket-Accept for a key.
fn accept_for(key: &str) -> String {
    let hash = digest(
        &SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{ACCEPT}").as_bytes(),
    );
    STANDARD.encode(hash)
}

/// One direction.
struct Way<'a> {
    from: ws::Side,
    relay: &'a Relay<'a>,
    reader: FrameReader,
    input: BytesMut,
    out: BytesMut,
    masks: bool,
    strict: bool,
    plan: &'a FieldPlan,
    /// What is kept of the message that goes by.
    kept: Vec<u8>,
    /// How long that message is, so far.
    message: u64,
    bytes: u64,
}

/// Why a direction ends.
enum Stop {
    /// Its end was passed on.
    Closed,
    /// An end left without a word.
    Left,
    /// This was said to both ends.
    Cut(u16, String),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Cut(violation.close_code(), violation.to_string())
    }
}

impl From<ws::CannotWrite> for Stop {
    fn from(error: ws::CannotWrite) -> Self {
        Self::Cut(1002, error.to_string())
    }
}

impl From<WireError> for Stop {
    fn from(_: WireError) -> Self {
        Self::Left
    }
}

fn mask_key() -> Result<[u8; 4], Stop> {
    let mut key = [0; 4];
    let filled = aws_lc_rs::rand::fill(&mut key);
    filled.map_err(|_| Stop::Cut(1011, "no random bytes could be had".to_owned()))?;
    Ok(key)
}

impl<'a> Way<'a> {
    fn new(from: ws::Side, relay: &'a Relay<'a>, plan: &'a FieldPlan) -> Self {
        let mut reader = FrameReader::new(from);
        let masks = from == ws::Side::Server && !plan.is_clear();
        let text = match masks {
            true => Delivery::Whole,
            false => Delivery::Fragments,
        };
        reader.deliver(Kind::Text, text);
        reader.deliver(Kind::Binary, Delivery::Fragments);
        Self {
            from,
            relay,
            reader,
            input: BytesMut::new(),
            out: BytesMut::new(),
            masks,
            strict: relay.route.connection.strict_masking,
            plan,
            kept: Vec::new(),
            message: 0,
            bytes: 0,
        }
    }

    /// Passes everything on that has come.
    fn pump(&mut self) -> Result<(), Stop> {
        while let Some(event) = self.reader.read(&mut self.input)? {
            match event {
                Event::Message(Message::Text(text)) => {
                    let text = self.masked(text)?;
                    self.keep(text.as_bytes(), true);
                    self.frame(true, Opcode::Text, text.as_bytes())?;
                }
                Event::Message(Message::Binary(data)) => self.frame(true, Opcode::Binary, &data)?,
                Event::Fragment {
                    first,
                    last,
                    kind,
                    data,
                } => {
                    self.fragment(first, last, kind, &data)?;
                }
                Event::Ping(data) => self.frame(true, Opcode::Ping, &data)?,
                Event::Pong(data) => self.frame(true, Opcode::Pong, &data)?,
                Event::Close { code, reason } => {
                    let key = self.key()?;
                    let to = self.from;
                    let reason = self.masked_reason(&reason);
                    ws::write_close(&mut self.out, to, code, &reason, key)?;
                    return Err(Stop::Closed);
                }
            }
        }
        Ok(())
    }

    fn fragment(&mut self, first: bool, last: bool, kind: Kind, data: &Bytes) -> Result<(), Stop> {
        if self.masks && self.strict && kind == Kind::Binary {
            let why = "binary messages cannot be read, and there is data here that you may not see";
            return Err(Stop::Cut(POLICY, why.to_owned()));
        }
        self.keep(if kind == Kind::Text { data } else { &[] }, false);
        self.message += data.len() as u64;
        self.bytes += data.len() as u64;
        if last {
            self.record();
        }
        let opcode = match (first, kind) {
            (true, Kind::Text) => Opcode::Text,
            (true, Kind::Binary) => Opcode::Binary,
            (false, _) => Opcode::Continuation,
        };
        self.frame(last, opcode, data)
    }

    fn key(&self) -> Result<Option<[u8; 4]>, Stop> {
        match self.from {
            ws::Side::Client => mask_key().map(Some),
            ws::Side::Server => Ok(None),
        }
    }

    fn frame(&mut self, fin: bool, opcode: Opcode, data: &[u8]) -> Result<(), Stop> {
        let key = self.key()?;
        let to = self.from;
        Ok(ws::write_frame(&mut self.out, to, fin, opcode, data, key)?)
    }

    /// Keeps what is on record of a message.
    fn keep(&mut self, data: &[u8], whole: bool) {
        let room = CAP.saturating_sub(self.kept.len());
        self.kept
            .extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if whole {
            self.message = data.len() as u64;
            self.bytes += data.len() as u64;
            self.record();
        }
    }

    /// Puts a message on record as it went by, without what is secret in it.
    fn record(&mut self) {
        let (kept, length) = (
            std::mem::take(&mut self.kept),
            std::mem::take(&mut self.message),
        );
        let capped = length > kept.len() as u64;
        let text = String::from_utf8_lossy(&kept);
        let rules = || Arc::new(ForRecord::of(self.plan.clone(), self.masks));
        let (frame, document) = framed(&text);
        let json = match document.starts_with(['{', '[']) {
            true => masked(BodyKind::Json, document, rules(), capped),
            false => None,
        };
        let shown = match json {
            _ if kept.is_empty() => None,
            Some(json) => Some(format!("{frame}{json}")),
            // What cannot be read may hold secrets that nobody finds.
            None if looks_like_json(document.as_bytes()) == Some(true) => None,
            None => masked(BodyKind::Text, &text, rules(), false),
        };
        let (content, capped) = match shown {
            Some(text) => (RecordedValue::Text(text), capped),
            None => (RecordedValue::Bytes(length), false),
        };
        let side = match self.from {
            ws::Side::Client => Side::Caller,
            ws::Side::Server => Side::Target,
        };
        let op = self.relay.permit.op();
        let part = EventBody::Part {
            op,
            side,
            content,
            capped,
        };
        let _ = self.relay.visit.close(|pipeline| pipeline.note(&part));
    }

    /// A text as the caller may see it: as JSON if it is that, line by line if not. What is meant as JSON and cannot be read
    /// so is not passed on.
    fn masked(&self, text: String) -> Result<String, Stop> {
        let rules = || Arc::new(Planned(self.plan.clone()));
        let (number, document) = framed(&text);
        let begins = document.starts_with(['{', '[']);
        let json = match begins {
            true => masked(BodyKind::Json, document, rules(), false),
            false => None,
        };
        let is_meant = self.plan.goes_by_names()
            && (looks_like_json(document.as_bytes()) == Some(true) || self.strict && begins);
        match json {
            Some(masked) => Ok(format!("{number}{masked}")),
            None if is_meant => {
                let why =
                    "a message cannot be read as JSON, and there is data here that you may not see";
                Err(Stop::Cut(POLICY, why.to_owned()))
            }
            None => masked(BodyKind::Text, &text, rules(), false).ok_or_else(|| {
                let why = "a message cannot be read, and there is data here that you may not see";
                Stop::Cut(POLICY, why.to_owned())
            }),
        }
    }

    fn masked_reason(&self, reason: &str) -> String {
        let mut out = String::new();
        match self.masks && self.plan.scan.mask_text(reason, &mut out) {
            true => out.chars().take(30).collect(),
            false => reason.to_owned(),
        }
    }
}

/// What some libraries put before a document: a number, and a name of a namespace between a slash and a comma.
fn framed(text: &str) -> (&str, &str) {
    const LONGEST: usize = 256;
    let numbered = text
        .trim_start()
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = match numbered
        .strip_prefix('/')
        .and_then(|rest| rest.split_once(','))
    {
        Some((space, rest)) if space.len() < LONGEST => rest,
        _ => numbered,
    };
    let rest = rest
        .trim_start()
        .trim_start_matches(|c: char| c.is_ascii_digit());
    text.split_at(text.len() - rest.len())
}

/// A text under rules; `None` when it cannot be read so. Of one that is only a beginning, so much as is whole.
fn masked(
    kind: BodyKind,
    text: &str,
    rules: Arc<dyn FieldRules>,
    is_beginning: bool,
) -> Option<String> {
    let mut masker = Masker::new(kind, rules);
    let mut out = Vec::with_capacity(text.len());
    masker.feed(text.as_bytes(), &mut out).ok()?;
    let ended = masker.finish(&mut out);
    (is_beginning || ended.is_ok()).then_some(())?;
    String::from_utf8(out).ok()
}

async fn run_way(
    way: &mut Way<'_>,
    source: &mut Source<'_>,
    sink: &mut Sink<'_>,
    between: &Between,
) -> Stop {
    loop {
        let next = source.next(FOREVER).await;
        between.touch();
        match next {
            Ok(Part::Data(data)) => way.input.extend_from_slice(&data),
            Ok(Part::Trailers(_)) => continue,
            Ok(Part::End) | Err(_) => return Stop::Left,
        }
        let pumped = way.pump();
        let out = way.out.split().freeze();
        if !out.is_empty() && (sink.data(out).await.is_err() || sink.flush().await.is_err()) {
            return Stop::Left;
        }
        if let Err(stop) = pumped {
            return stop;
        }
    }
}

impl Tunnel<'_> {
    /// Tells the client that it begins, and passes messages on until it ends. Gives the bytes that the client was sent.
    pub async fn run(
        &self,
        head: &Head,
        mut lane: OneLane,
        source: &mut Source<'_>,
        answer: Answer<'_>,
    ) -> (u64, Over) {
        if let Err(refusal) = self.check(head) {
            let _ = refusal.tell(self.relay.asked, answer).await;
            return (0, Over::Cut(refusal.message));
        }
        let mut target = Source::one(&mut lane.reading);
        target.raw();
        source.raw();
        lane.writing.raw();
        let mut to_target = Sink::One(&mut lane.writing);
        let Ok(mut to_client) = answer.upgrade(self.headers(head)).await else {
            return (0, Over::Closed);
        };
        let relay = self.relay;
        let mut there = Way::new(ws::Side::Client, relay, self.plan);
        let mut back = Way::new(ws::Side::Server, relay, self.plan);
        let between = Between::new();
        let port = relay.client.shared.port.as_ref();
        let over = {
            let mut one = pin!(run_way(&mut there, source, &mut to_target, &between));
            let mut other = pin!(run_way(&mut back, &mut target, &mut to_client, &between));
            let lost = relay.visit.lost(port, relay.standing(self.plan));
            let first = tokio::select! {
                stop = &mut one => (stop, true),
                stop = &mut other => (stop, false),
                why = lost => (Stop::Cut(POLICY, why.to_string()), true),
                () = between.silent_for(SILENCE) => {
                    (Stop::Cut(AWAY, "neither end said anything for an hour".to_owned()), true)
                }
            };
            if let (Stop::Closed, by_client) = first {
                // The other end says goodbye as well.
                let rest = async {
                    if by_client {
                        other.await
                    } else {
                        one.await
                    };
                };
                let _ = tokio::time::timeout(CLOSING, rest).await;
            }
            first.0
        };
        // A message that was never ended went by as well.
        for way in [&mut there, &mut back] {
            if way.message > 0 {
                way.record();
            }
        }
        if let Stop::Cut(code, why) = &over {
            say_goodbye(&mut to_client, &mut to_target, *code, why).await;
        }
        let _ = to_client.end(None).await;
        let over = match over {
            Stop::Cut(_, why) => Over::Cut(why),
            Stop::Closed | Stop::Left => Over::Closed,
        };
        (back.bytes, over)
    }

    fn check(&self, head: &Head) -> Result<(), Refusal> {
        let text = |headers: &HeaderMap, name| {
            headers
                .get(name)
                .and_then(|v: &http::HeaderValue| v.to_str().ok())
                .map(str::to_owned)
        };
        let key = text(self.sent, header::SEC_WEBSOCKET_KEY).unwrap_or_default();
        let accepted = text(&head.headers, header::SEC_WEBSOCKET_ACCEPT);
        if accepted.as_deref() != Some(accept_for(&key).as_str()) {
            return Err(Refusal::bad_gateway(
                "the target's websocket does not answer the key",
            ));
        }
        if head.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
            return Err(Refusal::bad_gateway(
                "the target's websocket wants an extension, unasked",
            ));
        }
        let protocol = text(&head.headers, header::SEC_WEBSOCKET_PROTOCOL);
        let asked = text(self.sent, header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
        let offered = |protocol: &String| asked.split(',').any(|one| one.trim() == protocol);
        if protocol.as_ref().is_some_and(|protocol| !offered(protocol)) {
            return Err(Refusal::bad_gateway(
                "the target's websocket wants a protocol, unasked",
            ));
        }
        Ok(())
    }

    /// The head that the client gets.
    fn headers(&self, head: &Head) -> HeaderMap {
        let relay = self.relay;
        let pass = super::answer::Treatment::Pass;
        let mut headers = super::answer::headers(
            head,
            relay.asked,
            relay.route,
            self.plan,
            pass,
            self.secret_cookie,
        );
        for name in &WEBSOCKET_FIELDS {
            headers.remove(name);
        }
        if let Some(key) = relay
            .asked
            .only("sec-websocket-key")
            .filter(|_| !relay.asked.is_two)
        {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, value(&accept_for(key)));
        }
        headers
    }
}

/// Closes both ends, and says why.
async fn say_goodbye(client: &mut Sink<'_>, target: &mut Sink<'_>, code: u16, why: &str) {
    let why: String = why.chars().filter(char::is_ascii).take(120).collect();
    let mut out = BytesMut::new();
    if ws::write_close(&mut out, ws::Side::Server, Some(code), &why, None).is_ok() {
        let _ = client.data(out.freeze()).await;
        let _ = client.flush().await;
    }
    let mut out = BytesMut::new();
    let key = mask_key().ok();
    if ws::write_close(&mut out, ws::Side::Client, Some(1001), "", key).is_ok() {
        let _ = target.data(out.freeze()).await;
        let _ = target.flush().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_in_the_rfc() {
        assert_eq!(
            accept_for("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
