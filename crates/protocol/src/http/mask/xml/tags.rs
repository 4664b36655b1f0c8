//! Tags and attributes.

use super::chars::{begins_name, has_control, local_name, name_length, put_text};
use super::{At, NAME_WITH_DATA, Xml, malformed};
use crate::http::mask::edit::{Context, Fate, Plan};
use crate::http::mask::places::{Name, PlaceId, ROOT};
use crate::http::mask::{CannotMask, check_length};
use memchr::memchr3;

/// The attribute that is read.
pub(super) struct Attribute {
    /// Its place; `None` when it declares a namespace and is no field.
    place: Option<PlaceId>,
    quote: u8,
    fate: Fate,
    /// What came of a value that is judged: as it is written, and as it is meant.
    written: String,
    meant: String,
}

impl Default for Attribute {
    fn default() -> Self {
        Self {
            place: None,
            quote: b'"',
            fate: Fate::Judge,
            written: String::new(),
            meant: String::new(),
        }
    }
}

impl Xml {
    /// Reads a name of any tag or attribute; what it is for is known by where the reader is.
    pub(super) fn name(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let length = name_length(rest);
        let part = rest.get(..length).unwrap_or_default();
        check_length(self.token.len() + length)?;
        if length == rest.len() {
            self.token.push_str(part);
            return Ok(length);
        }
        let mut token = std::mem::take(&mut self.token);
        let name = if token.is_empty() {
            part
        } else {
            token.push_str(part);
            &token
        };
        match self.at {
            At::StartName => {
                self.start_element(name, context)?;
                out.push(b'<');
                self.at = At::Tag { space: false };
            }
            At::AttributeName => {
                self.attribute.place = self.attribute_place(name, context)?;
                self.at = At::Equals;
            }
            _ => {
                let open = self.open.last().map(|id| self.places.get(*id));
                if open.is_none_or(|open| *open.written != *name) {
                    return Err(malformed("the end of the element that is open"));
                }
                out.extend_from_slice(b"</");
                self.at = At::EndSpace;
            }
        }
        out.extend_from_slice(name.as_bytes());
        Ok(length)
    }

    fn start_element(&mut self, name: &str, context: &mut Context) -> Result<(), CannotMask> {
        if self.open.is_empty() && self.root_seen {
            return Err(malformed("one element around all others"));
        }
        self.root_seen = true;
        let id = self.place(name, context)?;
        self.push(id)
    }

    /// The place of a name in the element that is open.
    fn place(&mut self, name: &str, context: &mut Context) -> Result<PlaceId, CannotMask> {
        let parent = self.open.last().copied().unwrap_or(ROOT);
        if let Some(id) = self.places.find(parent, ROOT, name) {
            return Ok(id);
        }
        // It cannot be renamed: the end has to be called the same, and a mask need not make names.
        if context.masked_prose(name).is_some() {
            return Err(NAME_WITH_DATA);
        }
        let name = Name {
            written: name,
            meant: local_name(name)?,
            masked: None,
        };
        self.places.add(parent, ROOT, name, context.rules.as_ref())
    }

    fn attribute_place(
        &mut self,
        name: &str,
        context: &mut Context,
    ) -> Result<Option<PlaceId>, CannotMask> {
        if name != "xmlns" && !name.starts_with("xmlns:") {
            return self.place(name, context).map(Some);
        }
        if context.masked_prose(name).is_some() {
            return Err(NAME_WITH_DATA);
        }
        local_name(name).map(|_| None)
    }

    pub(super) fn tag(
        &mut self,
        rest: &str,
        space: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let Some(c) = rest.chars().next() else {
            return Ok(0);
        };
        self.at = match c {
            ' ' | '\t' | '\r' | '\n' => At::Tag { space: true },
            '/' => At::Slash,
            '>' => {
                self.begin_run();
                At::Text { brackets: 0 }
            }
            c if space && begins_name(c) => {
                self.at = At::AttributeName;
                return Ok(0);
            }
            _ => return Err(malformed("an attribute or the end of a tag")),
        };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(1)
    }

    pub(super) fn slash(&mut self, rest: &str, out: &mut Vec<u8>) -> Result<usize, CannotMask> {
        if !rest.starts_with('>') {
            return Err(malformed("the end of a tag after its slash"));
        }
        self.end_space(rest, out)
    }

    /// After the name of an end tag, or after the slash of an empty element.
    pub(super) fn end_space(&mut self, rest: &str, out: &mut Vec<u8>) -> Result<usize, CannotMask> {
        let byte = rest.bytes().next().unwrap_or_default();
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'>' => {
                self.pop();
                self.at = At::Text { brackets: 0 };
            }
            _ => return Err(malformed("the end of a tag")),
        }
        out.push(byte);
        Ok(1)
    }

    pub(super) fn equals(&mut self, rest: &str, out: &mut Vec<u8>) -> Result<usize, CannotMask> {
        let byte = rest.bytes().next().unwrap_or_default();
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' => self.at = At::Quote,
            _ => return Err(malformed("an equals sign after the name of an attribute")),
        }
        out.push(byte);
        Ok(1)
    }

    pub(super) fn quote(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let byte = rest.bytes().next().unwrap_or_default();
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => out.push(byte),
            b'"' | b'\'' => {
                out.push(byte);
                self.begin_value(byte, context, out);
                self.at = At::Value;
            }
            _ => return Err(malformed("quotes around the value of an attribute")),
        }
        Ok(1)
    }

    /// What becomes of the attribute that is read.
    fn attribute_plan<'p>(&'p self, context: &'p Context) -> Plan<'p> {
        match self.attribute.place {
            // It cannot go, since names are built with it.
            None => Plan::Judge(context.prose.as_ref()),
            Some(_) if self.replaced.is_some() => Plan::of(self.edit().0),
            Some(id) => Plan::of(&self.places.get(id).edit),
        }
    }

    fn begin_value(&mut self, quote: u8, context: &mut Context, out: &mut Vec<u8>) {
        let plan = self.attribute_plan(context);
        let fate = plan.fate();
        if let Plan::Put(text) = plan {
            put_text(text, true, out);
            self.mark_attribute(context);
        }
        self.attribute.quote = quote;
        self.attribute.fate = fate;
    }

    fn mark_attribute(&mut self, context: &mut Context) {
        match self.attribute.place {
            Some(id) => self.places.mark(id, &mut context.marks),
            None => context.marks.add(""),
        }
    }

    pub(super) fn value(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let quote = self.attribute.quote;
        let end = memchr3(quote, b'&', b'<', rest.as_bytes());
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if has_control(part) {
            return Err(malformed("no control character"));
        }
        // Section 3.3.3: readers get spaces instead.
        const SPACES: [char; 3] = ['\t', '\r', '\n'];
        if part.contains(SPACES) {
            self.value_part(part, &part.replace(SPACES, " "), out)?;
        } else {
            self.value_part(part, part, out)?;
        }
        let Some(byte) = end.and_then(|end| rest.as_bytes().get(end)) else {
            return Ok(part.len());
        };
        match byte {
            b'<' => return Err(malformed("no < in the value of an attribute")),
            b'&' => self.at = At::Reference { in_value: true },
            quote => {
                self.end_value(context, out);
                out.push(*quote);
                self.at = At::Tag { space: false };
            }
        }
        Ok(part.len() + 1)
    }

    /// Takes some of a value: as it is written, and as it is meant.
    pub(super) fn value_part(
        &mut self,
        written: &str,
        meant: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        match self.attribute.fate {
            Fate::Pass => out.extend_from_slice(written.as_bytes()),
            Fate::Drop => {}
            Fate::Judge => {
                check_length(self.attribute.written.len() + written.len())?;
                self.attribute.written.push_str(written);
                self.attribute.meant.push_str(meant);
            }
        }
        Ok(())
    }

    fn end_value(&mut self, context: &mut Context, out: &mut Vec<u8>) {
        if self.attribute.fate != Fate::Judge {
            return;
        }
        let mut masked = String::new();
        let found = self
            .attribute_plan(context)
            .apply(&self.attribute.meant, &mut masked);
        if found {
            put_text(&masked, true, out);
            self.mark_attribute(context);
        } else {
            out.extend_from_slice(self.attribute.written.as_bytes());
        }
        self.attribute.written.clear();
        self.attribute.meant.clear();
    }
}
