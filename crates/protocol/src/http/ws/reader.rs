//! Makes messages of one end's frames (RFC 6455, 5.4 to 5.6).
//!
//! Each kind of message comes whole, to be read and edited, or piece by piece, to be passed on as it comes.

use super::frame::{Header, Opcode, parse_header};
use super::utf8::Utf8Check;
use super::violation::Violation;
use super::{MAX_MESSAGE, Side, close, mask};
use bytes::{Buf, Bytes, BytesMut};

/// What a message consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// How the messages of a kind are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// As [`Event::Message`], of at most [`MAX_MESSAGE`] bytes.
    Whole,
    /// As [`Event::Fragment`], of any length; nothing is held. A text is still checked to be UTF-8.
    Fragments,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// What one end sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message of a kind that is delivered whole.
    Message(Message),
    /// A part of a message of a kind that is delivered in fragments. Its bounds are where the input ended and not
    /// those of the frames. To forward it, write a frame: the opcode of `kind` if it is the first and
    /// [`Opcode::Continuation`] otherwise, and `fin` if it is the last.
    Fragment {
        /// Nothing of the message came before.
        first: bool,
        /// Nothing of the message comes after.
        last: bool,
        /// The message's kind.
        kind: Kind,
        /// The bytes; empty only in the last fragment. In a text, a character may go on in the next; all
        /// bytes up to here can be the beginning of a text.
        data: Bytes,
    },
    /// A ping, of at most 125 bytes, which may come between the fragments of a message.
    Ping(Bytes),
    /// A pong, as a ping.
    Pong(Bytes),
    /// The last event.
    Close {
        /// The code, which may be sent on as it is; none if the frame was empty.
        code: Option<u16>,
        /// The reason, of at most 123 bytes; empty without a code.
        reason: String,
    },
}

/// Reads the frames of one end.
///
/// ```text
/// Header ──(a header)──► Payload ──(its last byte)──► Header
///    │                      └──────(of a close)─────► Closed
///    └─────────────(a violation, anywhere)──────────► Failed
/// ```
pub struct FrameReader {
    side: Side,
    texts: Delivery,
    binaries: Delivery,
    state: State,
    /// A message that was begun and not finished.
    message: Option<Begun>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    /// The frame's header, its length and key being those of what is left.
    Payload(Header),
    Closed,
    Failed(Violation),
}

struct Begun {
    kind: Kind,
    delivery: Delivery,
    /// A fragment was delivered.
    delivered: bool,
    held: BytesMut,
    utf8: Utf8Check,
}

impl FrameReader {
    /// Reads what `side` sends, with every message delivered whole.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self {
            side,
            texts: Delivery::Whole,
            binaries: Delivery::Whole,
            state: State::Header,
            message: None,
        }
    }

    /// Says how messages of this kind are delivered from the next one on.
    pub fn deliver(&mut self, kind: Kind, delivery: Delivery) {
        match kind {
            Kind::Text => self.texts = delivery,
            Kind::Binary => self.binaries = delivery,
        }
    }

    /// Whether a close frame was read. An end of the connection before that is not a clean one.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Takes the next event from the front of `input`: `None` when more is needed. Call it until then, and again
    /// with more input. After a close frame, whatever comes is dropped.
    ///
    /// # Errors
    /// It is not the protocol, or a limit is exceeded. Both connections must close with
    /// [`Violation::close_code`]; reading on gives the same violation.
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Violation> {
        let event = self.advance(input);
        if let Err(violation) = event {
            self.state = State::Failed(violation);
            self.message = None;
        }
        event
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Violation> {
        loop {
            let event = match self.state {
                State::Failed(violation) => return Err(violation),
                State::Closed => {
                    input.clear();
                    return Ok(None);
                }
                State::Header => {
                    let Some((header, len)) = parse_header(self.side, input)? else {
                        return Ok(None);
                    };
                    if !header.opcode.is_control() {
                        self.check_order(&header)?;
                    }
                    input.advance(len);
                    self.state = State::Payload(header);
                    continue;
                }
                // Control frames are short, and come whole.
                State::Payload(header) if header.opcode.is_control() => {
                    if input.len() < header.len {
                        return Ok(None);
                    }
                    Some(self.control(header, input)?)
                }
                State::Payload(header) => {
                    if input.is_empty() && header.len > 0 {
                        return Ok(None);
                    }
                    self.data(header, input)?
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Begins a message or goes on with one, if a frame of data may come now.
    fn check_order(&mut self, header: &Header) -> Result<(), Violation> {
        let out_of_order = |expected| Violation::Protocol {
            side: self.side,
            part: "frame",
            expected,
        };
        let (kind, delivery) = match (header.opcode, &self.message) {
            (Opcode::Continuation, Some(message)) => (message.kind, message.delivery),
            (Opcode::Continuation, None) => {
                return Err(out_of_order("a message's first frame before others"));
            }
            (_, Some(_)) => {
                return Err(out_of_order("the rest of a message before the next one"));
            }
            (Opcode::Text, None) => (Kind::Text, self.texts),
            (_, None) => (Kind::Binary, self.binaries),
        };
        let message = self.message.get_or_insert_with(|| Begun {
            kind,
            delivery,
            delivered: false,
            held: BytesMut::new(),
            utf8: Utf8Check::default(),
        });
        // Before anything of the frame is waited for or held.
        if delivery == Delivery::Whole && message.held.len() + header.len > MAX_MESSAGE {
            return Err(Violation::TooLong {
                side: self.side,
                part: "message",
                limit: MAX_MESSAGE,
            });
        }
        Ok(())
    }

    fn control(&mut self, header: Header, input: &mut BytesMut) -> Result<Event, Violation> {
        let mut payload = input.split_to(header.len);
        mask::apply(header.mask_key, &mut payload);
        self.state = State::Header;
        Ok(match header.opcode {
            Opcode::Ping => Event::Ping(payload.freeze()),
            Opcode::Pong => Event::Pong(payload.freeze()),
            _ => {
                let (code, reason) = close::parse(self.side, &payload)?;
                self.state = State::Closed;
                self.message = None;
                Event::Close { code, reason }
            }
        })
    }

    /// Takes as much of a frame of data as there is.
    fn data(&mut self, header: Header, input: &mut BytesMut) -> Result<Option<Event>, Violation> {
        let size = header.len.min(input.len());
        let mut data = input.split_to(size);
        mask::apply(header.mask_key, &mut data);
        let left = Header {
            len: header.len - size,
            mask_key: mask::advance(header.mask_key, size),
            ..header
        };
        self.state = if left.len > 0 {
            State::Payload(left)
        } else {
            State::Header
        };
        let last = header.fin && left.len == 0;
        let Some(mut message) = self.message.take() else {
            return Ok(None);
        };
        let event = message.push(self.side, data, last)?;
        if !last {
            self.message = Some(message);
        }
        Ok(event)
    }
}

impl Begun {
    /// Adds what came, and says what there is to deliver now.
    fn push(&mut self, side: Side, data: BytesMut, last: bool) -> Result<Option<Event>, Violation> {
        let whole = self.delivery == Delivery::Whole;
        // With the last byte of a text that is held, all of it is checked by what makes a string of it.
        if self.kind == Kind::Text && !(whole && last) {
            let valid = self.utf8.push(&data);
            if !valid || (last && !self.utf8.is_whole()) {
                return Err(Violation::Text { side });
            }
        }
        if whole {
            self.held.unsplit(data);
            return if last {
                self.finish(side).map(Some)
            } else {
                Ok(None)
            };
        }
        if data.is_empty() && !last {
            return Ok(None);
        }
        let first = !std::mem::replace(&mut self.delivered, true);
        Ok(Some(Event::Fragment {
            first,
            last,
            kind: self.kind,
            data: data.freeze(),
        }))
    }

    fn finish(&mut self, side: Side) -> Result<Event, Violation> {
        let held = std::mem::take(&mut self.held);
        Ok(Event::Message(match self.kind {
            Kind::Binary => Message::Binary(held.freeze()),
            Kind::Text => {
                Message::Text(String::from_utf8(held.into()).map_err(|_| Violation::Text { side })?)
            }
        }))
    }
}
