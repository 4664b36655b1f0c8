//! What becomes of the tokens of JSON, and what is written for them.

use super::text::{Content, push_string, unescape, whole_digits};
use super::walk::Walk;
use super::{Elements, Json, malformed};
use crate::edit::FieldEdit;
use crate::http::mask::edit::{Fate, Plan, REDACTED};
use crate::http::mask::places::{Name, PlaceId};
use crate::http::mask::{CannotMask, MAX_VALUE, check_length};
use sluice_model::TextMask;

/// A value that is no container.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    String,
    Number,
    Bool,
    Null,
}

impl Walk<'_> {
    /// Says what becomes of a scalar that begins here, and writes what stands for it if that is known already.
    pub(super) fn begin_scalar(&mut self, scalar: Scalar) -> Fate {
        self.begin_token();
        if self.json.dropping.is_some() {
            return Fate::Drop;
        }
        let id = self.json.place();
        let edit = &self.json.places.get(id).edit;
        let text = match (edit, scalar) {
            (FieldEdit::Clear, _) | (_, Scalar::Null) | (FieldEdit::Scan(_), Scalar::Bool) => {
                return Fate::Pass;
            }
            (FieldEdit::Text(_) | FieldEdit::Scan(_), Scalar::String)
            | (FieldEdit::Scan(_), Scalar::Number) => return Fate::Judge,
            (FieldEdit::Null, _) => "null",
            (_, Scalar::Number) => "0",
            (_, Scalar::Bool) => "false",
            (edit, Scalar::String) => {
                let text = match Plan::of(edit) {
                    Plan::Put(text) => text,
                    Plan::Pass | Plan::Judge(_) => REDACTED,
                };
                self.json.written.clear();
                push_string(text, &mut self.json.written);
                self.json.written.as_str()
            }
        };
        replace(
            &mut self.json.elements,
            self.out,
            self.text.get(self.copied..self.at),
            text,
        );
        self.copied = self.at;
        self.json.places.mark(id, &mut self.context.marks);
        Fate::Drop
    }

    pub(super) fn begin_token(&mut self) {
        self.json.held.clear();
        self.json.content = Content::default();
        self.start = Some(self.at);
    }

    /// The name of this member was read, up to where the walk is. It began at `start`, or in an earlier piece.
    pub(super) fn enter(&mut self, id: PlaceId, start: Option<usize>) {
        if let Some(frame) = self.json.stack.last_mut() {
            frame.member = id;
        }
        if !self.json.places.get(id).is_renamed() {
            if start.is_none() {
                self.put_held_string();
            }
            return;
        }
        self.pass_to(start.unwrap_or(self.copied));
        let Json {
            places, written, ..
        } = &mut *self.json;
        written.clear();
        push_string(
            places.get(id).masked_name.as_deref().unwrap_or_default(),
            written,
        );
        self.out.extend_from_slice(self.json.written.as_bytes());
        self.copied = self.at;
        self.json.places.mark(id, &mut self.context.marks);
    }

    /// Holds some of a judged token where that is cut; one that is whole in this piece is only measured.
    pub(super) fn keep(&mut self, part: &str, cut: bool) -> Result<(), CannotMask> {
        if cut && let Some(start) = self.start.take() {
            self.pass_to(start);
        }
        if self.start.is_some() {
            return check_length(part.len());
        }
        // An end that stands alone in its piece must not look like a token that is whole.
        self.json.hold(part)
    }

    pub(super) fn judge_name(&mut self, part: &str) -> Result<(), CannotMask> {
        let Json {
            places,
            stack,
            held,
            content,
            meant,
            ..
        } = &mut *self.json;
        let whole = if self.start.is_some() {
            part
        } else {
            held.as_str()
        };
        let Some(frame) = stack.last() else {
            return Err(malformed("a value"));
        };
        let id = match places.find(frame.place, frame.member, whole) {
            Some(id) => id,
            None => {
                meant.clear();
                unescape_if(content.escaped, whole, meant);
                let name = Name {
                    written: whole,
                    meant,
                    masked: self.context.masked_prose(meant),
                };
                places.add(frame.place, frame.member, name, self.context.rules.as_ref())?
            }
        };
        let start = self.start;
        self.enter(id, start);
        Ok(())
    }

    pub(super) fn judge_string(&mut self, part: &str) {
        let id = self.json.place();
        let Json {
            places,
            held,
            content,
            meant,
            masked,
            written,
            elements,
            ..
        } = &mut *self.json;
        let whole = if self.start.is_some() {
            part
        } else {
            held.as_str()
        };
        let meant = if content.escaped {
            meant.clear();
            unescape(whole, meant);
            meant.as_str()
        } else {
            whole
        };
        masked.clear();
        if !Plan::of(&places.get(id).edit).apply(meant, masked) {
            if self.start.is_none() {
                self.put_held_string();
            }
            return;
        }
        written.clear();
        push_string(masked, written);
        let before = self
            .start
            .and_then(|start| self.text.get(self.copied..start));
        replace(elements, self.out, before, written);
        self.copied = self.at;
        self.json.places.mark(id, &mut self.context.marks);
    }

    /// Writes a string that is held and was not changed.
    fn put_held_string(&mut self) {
        let Json { elements, held, .. } = &mut *self.json;
        let out = sink(elements, self.out);
        out.push(b'"');
        out.extend_from_slice(held.as_bytes());
        out.push(b'"');
        self.copied = self.at;
    }

    pub(super) fn judge_number(&mut self, part: &str) {
        let id = self.json.place();
        let Json {
            places,
            held,
            masked,
            elements,
            ..
        } = &mut *self.json;
        let whole = if self.start.is_some() {
            part
        } else {
            held.as_str()
        };
        let found = match Plan::of(&places.get(id).edit) {
            Plan::Pass => false,
            Plan::Put(_) => true,
            Plan::Judge(mask) => is_found_in(whole, mask, masked),
        };
        if found {
            let before = self
                .start
                .and_then(|start| self.text.get(self.copied..start));
            replace(elements, self.out, before, "0");
            self.copied = self.at;
            self.json.places.mark(id, &mut self.context.marks);
        } else if self.start.is_none() {
            sink(elements, self.out).extend_from_slice(held.as_bytes());
            self.copied = self.at;
        }
    }

    /// Writes what was walked over and passes.
    pub(super) fn pass_to(&mut self, end: usize) {
        let passed = self.text.as_bytes().get(self.copied..end);
        sink(&mut self.json.elements, self.out).extend_from_slice(passed.unwrap_or_default());
        self.copied = end;
    }

    /// Refuses an array of scalars that is too long to be held.
    pub(super) fn check_elements(&self) -> Result<(), CannotMask> {
        let Some(elements) = &self.json.elements else {
            return Ok(());
        };
        check_length(elements.text.len() + self.at.saturating_sub(self.copied))
    }
}

/// Whether a scalar that is plain needs no second look.
pub(super) fn stays<'t>(
    edit: &FieldEdit,
    token: impl FnOnce() -> &'t str,
    masked: &mut String,
) -> bool {
    let FieldEdit::Scan(mask) = edit else {
        return matches!(edit, FieldEdit::Clear);
    };
    let token = token();
    if token.len() > MAX_VALUE {
        return false;
    }
    masked.clear();
    match token.strip_prefix('"') {
        Some(content) => {
            let content = content.strip_suffix('"').unwrap_or(content);
            !mask.mask_text(content, masked)
        }
        None if token.starts_with(|c: char| c.is_ascii_alphabetic()) => true,
        None => !is_found_in(token, mask.as_ref(), masked),
    }
}

/// Whether the mask finds something in a number.
fn is_found_in(number: &str, mask: &dyn TextMask, masked: &mut String) -> bool {
    masked.clear();
    mask.mask_text(number, masked)
        || whole_digits(number).is_some_and(|digits| mask.mask_text(&digits, masked))
}

/// Where output goes now.
fn sink<'s>(elements: &'s mut Option<Elements>, out: &'s mut Vec<u8>) -> &'s mut Vec<u8> {
    match elements {
        Some(elements) => &mut elements.text,
        None => out,
    }
}

/// Writes what passed before a token, and what stands for the token.
fn replace(
    elements: &mut Option<Elements>,
    out: &mut Vec<u8>,
    before: Option<&str>,
    instead: &str,
) {
    let out = sink(elements, out);
    out.extend_from_slice(before.unwrap_or_default().as_bytes());
    out.extend_from_slice(instead.as_bytes());
}

fn unescape_if(escaped: bool, content: &str, meant: &mut String) {
    if escaped {
        unescape(content, meant);
    } else {
        meant.push_str(content);
    }
}
