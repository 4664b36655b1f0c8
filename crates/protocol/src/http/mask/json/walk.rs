//! The walk over one piece of JSON.

use super::judge::{Scalar, stays};
use super::text::{Number, plain_scalar};
use super::{At, Elements, Inside, Json, malformed};
use crate::edit::FieldEdit;
use crate::http::mask::CannotMask;
use crate::http::mask::edit::{Context, Fate};

/// What JSON text sequences begin each text with (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

/// The reader at work on one piece.
pub(super) struct Walk<'w> {
    pub(super) json: &'w mut Json,
    pub(super) context: &'w mut Context,
    pub(super) out: &'w mut Vec<u8>,
    pub(super) text: &'w str,
    pub(super) at: usize,
    /// Up to where the piece was written, or is left out.
    pub(super) copied: usize,
    /// Where the token that is read began, if that is in this piece.
    pub(super) start: Option<usize>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        json: &'w mut Json,
        context: &'w mut Context,
        text: &'w str,
        out: &'w mut Vec<u8>,
    ) -> Self {
        Self {
            json,
            context,
            out,
            text,
            at: 0,
            copied: 0,
            start: None,
        }
    }

    pub(super) fn walk(&mut self) -> Result<(), CannotMask> {
        if !self.json.begun && !self.text.is_empty() {
            self.json.begun = true;
            // RFC 8259 section 8.1: readers may ignore a mark of the byte order, and some writers make one.
            if self.text.starts_with('\u{feff}') {
                self.at = '\u{feff}'.len_utf8();
            }
        }
        while self.step()? {}
        if self.json.passes() {
            self.pass_to(self.text.len());
            self.check_elements()?;
        }
        Ok(())
    }

    /// Ends a number that nothing followed.
    pub(super) fn finish(&mut self) -> Result<(), CannotMask> {
        if let At::Number { fate, number } = self.json.at
            && self.json.stack.is_empty()
        {
            self.end_number(fate, number, 0)?;
        }
        Ok(())
    }

    /// Reads a token, or what there is of it. Says whether there is more.
    fn step(&mut self) -> Result<bool, CannotMask> {
        match self.json.at {
            At::String { name, fate } => return self.string(name, fate),
            At::Number { fate, number } => return self.number(fate, number),
            At::Word { rest, fate } => return self.word(rest, fate),
            _ => {}
        }
        let before = self.at;
        let Some(byte) = self.next_byte() else {
            if self.at > before {
                self.loosen();
            }
            return Ok(false);
        };
        match (self.json.at, byte) {
            (At::Between { .. }, RECORD_SEPARATOR) => {
                self.at += 1;
                self.loosen();
            }
            (At::Between { tight: true }, _)
                if self.at == before && !matches!(byte, b'"' | b'{' | b'[') =>
            {
                return Err(malformed("white space between two documents"));
            }
            (At::FirstName, b'}') | (At::FirstElement, b']') => self.close()?,
            (At::Between { .. } | At::Value | At::FirstElement, _) => return self.value(byte),
            (At::Name | At::FirstName, b'"') => self.name(),
            (At::Name | At::FirstName, _) => return Err(malformed("a name in quotes")),
            (At::Colon, b':') => {
                self.at += 1;
                self.json.at = At::Value;
            }
            (At::Colon, _) => return Err(malformed("a colon after a name")),
            _ => self.after(byte)?,
        }
        Ok(true)
    }

    /// What follows a value in a container.
    fn after(&mut self, byte: u8) -> Result<(), CannotMask> {
        let inside = self.json.stack.last().map(|frame| frame.inside);
        match (inside, byte) {
            (Some(Inside::Object), b',') => {
                self.at += 1;
                self.json.at = At::Name;
            }
            (Some(Inside::Array), b',') => {
                self.at += 1;
                self.json.at = At::Value;
            }
            (Some(Inside::Object), b'}') | (Some(Inside::Array), b']') => self.close()?,
            _ => return Err(malformed("a comma or the end")),
        }
        Ok(())
    }

    /// The next byte that is not white space.
    fn next_byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        self.at += spaces(bytes, self.at);
        bytes.get(self.at).copied()
    }

    fn loosen(&mut self) {
        if let At::Between { tight } = &mut self.json.at {
            *tight = false;
        }
    }

    /// A value begins with this byte.
    fn value(&mut self, byte: u8) -> Result<bool, CannotMask> {
        self.check_elements()?;
        if self.plain_values() {
            return Ok(true);
        }
        match byte {
            b'"' => {
                let fate = self.begin_scalar(Scalar::String);
                self.at += 1;
                self.string(false, fate)
            }
            b'-' | b'0'..=b'9' => {
                let fate = self.begin_scalar(Scalar::Number);
                self.number(fate, Number::Begin)
            }
            b't' => self.begin_word(b"true", Scalar::Bool),
            b'f' => self.begin_word(b"false", Scalar::Bool),
            b'n' => self.begin_word(b"null", Scalar::Null),
            b'{' => self.open(Inside::Object),
            b'[' => self.open(Inside::Array),
            _ => Err(malformed("a value")),
        }
    }

    /// Walks over scalars that are plain and stay as they are, as long as members are those of the last time: most of
    /// a document goes this way, in one loop that looks at nothing else. Says whether there were any.
    fn plain_values(&mut self) -> bool {
        let Json {
            places,
            stack,
            at: state,
            dropping: None,
            masked,
            ..
        } = &mut *self.json
        else {
            return false;
        };
        let Some(frame) = stack.last_mut() else {
            return false;
        };
        let bytes = self.text.as_bytes();
        let before = self.at;
        while let Some(length) = plain_scalar(bytes, self.at) {
            let token = self.at..self.at + length;
            let edit = &places.get(frame.member).edit;
            if !stays(edit, || self.text.get(token).unwrap_or_default(), masked) {
                break;
            }
            self.at += length;
            *state = At::After;
            let Some(mut next) = after_comma(bytes, self.at) else {
                break;
            };
            if frame.inside == Inside::Object {
                let guess = places.guess(frame.place, frame.member, bytes, next);
                let Some((id, end)) = guess.filter(|(id, _)| !places.get(*id).is_renamed()) else {
                    break;
                };
                if bytes.get(end) != Some(&b':') {
                    break;
                }
                frame.member = id;
                next = end + 1 + spaces(bytes, end + 1);
            }
            self.at = next;
            *state = At::Value;
        }
        self.at > before
    }

    fn begin_word(&mut self, word: &'static [u8], scalar: Scalar) -> Result<bool, CannotMask> {
        let fate = self.begin_scalar(scalar);
        self.word(word, fate)
    }

    /// A container begins here.
    fn open(&mut self, inside: Inside) -> Result<bool, CannotMask> {
        if self.json.dropping.is_none() {
            if let Some(elements) = self.json.elements.take() {
                // It is no array of scalars, so it goes as a whole.
                self.out.extend_from_slice(b"[]");
                self.json.dropping = Some(elements.depth);
                let id = self.json.place();
                self.json.places.mark(id, &mut self.context.marks);
            } else {
                self.begin_container(inside);
            }
        }
        self.at += 1;
        self.json.push(inside).map(|()| true)
    }

    fn begin_container(&mut self, inside: Inside) {
        let id = self.json.place();
        let depth = self.json.stack.len();
        let instead: &[u8] = match (&self.json.places.get(id).edit, inside) {
            (FieldEdit::Clear | FieldEdit::Scan(_), _) => return,
            (FieldEdit::Null, _) => b"null",
            (_, Inside::Object) => b"{}",
            (_, Inside::Array) => {
                self.pass_to(self.at);
                let text = Vec::new();
                self.json.elements = Some(Elements { depth, text });
                return;
            }
        };
        self.pass_to(self.at);
        self.out.extend_from_slice(instead);
        self.json.dropping = Some(depth);
        self.json.places.mark(id, &mut self.context.marks);
    }

    /// A container ends here.
    fn close(&mut self) -> Result<(), CannotMask> {
        self.check_elements()?;
        self.at += 1;
        self.json.stack.pop();
        let depth = self.json.stack.len();
        if self.json.dropping == Some(depth) {
            self.json.dropping = None;
            self.copied = self.at;
        }
        if self
            .json
            .elements
            .as_ref()
            .is_some_and(|e| e.depth == depth)
        {
            self.pass_to(self.at);
            if let Some(elements) = self.json.elements.take() {
                self.out.extend_from_slice(&elements.text);
            }
        }
        self.end_value(false);
        Ok(())
    }

    fn end_value(&mut self, tight: bool) {
        self.json.at = if self.json.stack.is_empty() {
            At::Between { tight }
        } else {
            At::After
        };
    }

    /// A name begins here.
    fn name(&mut self) {
        let bytes = self.text.as_bytes();
        if self.json.dropping.is_none()
            && let Some(frame) = self.json.stack.last()
            && let Some((id, end)) =
                self.json
                    .places
                    .guess(frame.place, frame.member, bytes, self.at)
        {
            let start = self.at;
            self.at = end;
            self.enter(id, Some(start));
            self.json.at = At::Colon;
            return;
        }
        self.begin_token();
        self.at += 1;
        let fate = if self.json.dropping.is_some() {
            Fate::Drop
        } else {
            Fate::Judge
        };
        self.json.at = At::String { name: true, fate };
    }

    /// Reads a string from inside its quotes.
    fn string(&mut self, name: bool, fate: Fate) -> Result<bool, CannotMask> {
        let from = self.at;
        let ended = self.json.content.read(self.text.as_bytes(), &mut self.at)?;
        let part = self.text.get(from..self.at).unwrap_or_default();
        if fate == Fate::Judge {
            self.keep(part, !ended)?;
        }
        if !ended {
            self.json.at = At::String { name, fate };
            return Ok(false);
        }
        self.at += 1;
        if fate == Fate::Drop {
            self.copied = self.at;
        }
        match (name, fate) {
            (true, Fate::Judge) => self.judge_name(part)?,
            (false, Fate::Judge) => self.judge_string(part),
            _ => {}
        }
        if name {
            self.json.at = At::Colon;
        } else {
            self.end_value(false);
        }
        Ok(true)
    }

    fn number(&mut self, fate: Fate, mut number: Number) -> Result<bool, CannotMask> {
        let from = self.at;
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let mut length = 0;
        for byte in rest {
            let Some(next) = number.next(*byte) else {
                break;
            };
            number = next;
            length += 1;
        }
        self.at += length;
        let ended = length < rest.len();
        if !ended {
            if fate == Fate::Judge {
                self.keep(self.text.get(from..).unwrap_or_default(), true)?;
            }
            self.json.at = At::Number { fate, number };
            return Ok(false);
        }
        self.end_number(fate, number, length)?;
        Ok(true)
    }

    /// A number ended here; so many bytes of it came at last.
    fn end_number(&mut self, fate: Fate, number: Number, length: usize) -> Result<(), CannotMask> {
        if !number.is_whole() {
            return Err(malformed("a number"));
        }
        match fate {
            Fate::Pass => {}
            Fate::Drop => self.copied = self.at,
            Fate::Judge => {
                let part = self.text.get(self.at - length..self.at);
                let part = part.unwrap_or_default();
                self.keep(part, false)?;
                self.judge_number(part);
            }
        }
        self.end_value(true);
        Ok(())
    }

    fn word(&mut self, word: &'static [u8], fate: Fate) -> Result<bool, CannotMask> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = word.len().min(rest.len());
        if rest.get(..length) != word.get(..length) {
            return Err(malformed("true, false or null"));
        }
        self.at += length;
        if length < word.len() {
            let rest = word.get(length..).unwrap_or_default();
            self.json.at = At::Word { rest, fate };
            return Ok(false);
        }
        if fate == Fate::Drop {
            self.copied = self.at;
        }
        self.end_value(true);
        Ok(true)
    }
}

/// Bytes of white space at this place.
fn spaces(bytes: &[u8], at: usize) -> usize {
    let is_space = |b: &&u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    bytes
        .get(at..)
        .map_or(0, |rest| rest.iter().take_while(is_space).count())
}

/// The place after a comma and white space that follow at once.
fn after_comma(bytes: &[u8], at: usize) -> Option<usize> {
    let next = at + 1;
    (bytes.get(at) == Some(&b',')).then(|| next + spaces(bytes, next))
}
