//! XML 1.0, read as it comes.
//!
//! The reader knows what is markup and what is text, and refuses what it does not need and others may understand
//! differently: declared entities, other encodings, names with data in them. A text is judged as readers get it, also
//! where CDATA sections, comments and processing instructions cut it into parts.

mod chars;
mod run;
mod tags;

use super::FieldRules;
use super::edit::Context;
use super::places::{PlaceId, Places, ROOT};
use super::{CannotMask, MAX_DEPTH, check_length};
use crate::edit::FieldEdit;
use chars::{
    SPACE, as_comment, begins_name, check_declaration, check_doctype, has_control, is_space,
    name_length, referenced,
};
use memchr::{memchr, memchr2};
use run::Run;
use tags::Attribute;

/// The longest reference that is read: numbers of characters have seven digits, and may have some zeros in front.
const MAX_REFERENCE: usize = 16;

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In text, after so many closing brackets (at most two).
    Text {
        brackets: u8,
    },
    Reference {
        in_value: bool,
    },
    /// After `<`.
    Open,
    /// After `<!`.
    Declaration,
    Comment,
    /// After `--` in a comment.
    CommentEnd,
    /// In a CDATA section, after so many closing brackets (at most two).
    Section {
        brackets: u8,
    },
    Instruction,
    Doctype,
    StartName,
    /// In a start tag, after white space or not.
    Tag {
        space: bool,
    },
    /// After the slash of an empty element.
    Slash,
    AttributeName,
    /// Before an attribute's equals sign.
    Equals,
    /// Before an attribute's opening quote.
    Quote,
    Value,
    EndName,
    EndSpace,
}

/// The reader of XML.
pub(super) struct Xml {
    places: Places,
    /// Elements that are open.
    open: Vec<PlaceId>,
    at: At,
    /// What was read of a name, reference, comment and the like.
    token: String,
    run: Run,
    attribute: Attribute,
    /// So many elements are around the first one that is replaced, itself counted.
    replaced: Option<usize>,
    /// Nothing was read but a mark of the byte order.
    untouched: bool,
    bom_passed: bool,
    root_seen: bool,
    doctype_seen: bool,
}

fn malformed(expected: &'static str) -> CannotMask {
    CannotMask::Malformed {
        kind: "XML",
        expected,
    }
}

impl Xml {
    pub(super) fn new(rules: &dyn FieldRules) -> Self {
        Self {
            places: Places::new(rules),
            open: Vec::new(),
            at: At::Text { brackets: 0 },
            token: String::new(),
            run: Run::default(),
            attribute: Attribute::default(),
            replaced: None,
            untouched: true,
            bom_passed: false,
            root_seen: false,
            doctype_seen: false,
        }
    }

    pub(super) fn feed(
        &mut self,
        text: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        let mut rest = super::pass_mark(text, &mut self.bom_passed, out);
        while !rest.is_empty() {
            let used = self.step(rest, context, out)?;
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), CannotMask> {
        let at_text = matches!(self.at, At::Text { .. });
        if at_text && self.open.is_empty() && (self.root_seen || self.untouched) {
            Ok(())
        } else {
            Err(malformed("one whole element"))
        }
    }

    /// Reads some of `rest`, which is not empty; returns how much.
    fn step(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        match self.at {
            At::Text { brackets } => self.text(rest, brackets, context, out),
            At::Reference { in_value } => self.reference(rest, in_value, context, out),
            At::Open => self.opened(rest, context, out),
            At::Declaration => self.declaration(rest, context, out),
            At::Comment => self.until(rest, '-', "--", At::CommentEnd),
            At::CommentEnd => self.end_comment(rest, context, out),
            At::Section { brackets } => self.section(rest, brackets, out),
            At::Instruction => {
                let used = self.until(rest, '>', "?>", At::Text { brackets: 0 })?;
                if self.at != At::Instruction {
                    self.end_instruction(context, out)?;
                }
                Ok(used)
            }
            At::Doctype => self.doctype(rest, context, out),
            At::StartName | At::EndName | At::AttributeName => self.name(rest, context, out),
            At::Tag { space } => self.tag(rest, space, out),
            At::Slash => self.slash(rest, out),
            At::Equals => self.equals(rest, out),
            At::Quote => self.quote(rest, context, out),
            At::Value => self.value(rest, context, out),
            At::EndSpace => self.end_space(rest, out),
        }
    }

    /// The edit that is at work on text here, and the place that the text belongs to.
    fn edit(&self) -> (&FieldEdit, PlaceId) {
        let own = self.open.last().copied().unwrap_or(ROOT);
        let id = self
            .replaced
            .and_then(|depth| self.open.get(depth.checked_sub(1)?))
            .copied();
        (&self.places.get(id.unwrap_or(own)).edit, own)
    }

    fn text(
        &mut self,
        rest: &str,
        brackets: u8,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let (length, brackets) = text_length(rest, brackets)?;
        let part = rest.get(..length).unwrap_or_default();
        if !part.is_empty() {
            self.untouched = false;
            if self.open.is_empty() && !is_space(part) {
                return Err(malformed("no text outside of the element"));
            }
            self.run_text(part, context, out)?;
        }
        self.token.clear();
        let in_value = false;
        let (at, used) = match rest.as_bytes().get(length) {
            None => (At::Text { brackets }, length),
            Some(b'<') => (At::Open, length + 1),
            Some(_) if self.open.is_empty() => {
                return Err(malformed("no text outside of the element"));
            }
            Some(_) => (At::Reference { in_value }, length + 1),
        };
        self.at = at;
        Ok(used)
    }

    fn reference(
        &mut self,
        rest: &str,
        in_value: bool,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let end = rest.find(';');
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if self.token.len() + part.len() > MAX_REFERENCE {
            return Err(malformed("a short reference"));
        }
        self.token.push_str(part);
        if end.is_none() {
            return Ok(part.len());
        }
        let meant = referenced(&self.token)?;
        let token = std::mem::take(&mut self.token);
        let written = format!("&{token};");
        if in_value {
            self.value_part(&written, meant.encode_utf8(&mut [0; 4]), out)?;
            self.at = At::Value;
        } else {
            self.run_other(&written, Some(meant), context, out)?;
            self.at = At::Text { brackets: 0 };
        }
        Ok(part.len() + 1)
    }

    /// After `<`.
    fn opened(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        self.token.clear();
        let first = rest.chars().next();
        if first == Some('?') {
            self.at = At::Instruction;
            return Ok(1);
        }
        self.untouched = false;
        match first {
            Some('!') => self.at = At::Declaration,
            Some('/') => {
                self.end_run(context, out);
                self.at = At::EndName;
            }
            Some(c) if begins_name(c) => {
                self.end_run(context, out);
                self.at = At::StartName;
                return Ok(0);
            }
            _ => return Err(malformed("markup after <")),
        }
        Ok(1)
    }

    /// After `<!`.
    fn declaration(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        const SECTION: &str = "[CDATA[";
        const DOCTYPE: &str = "DOCTYPE";
        let Some(c) = rest.chars().next() else {
            return Ok(0);
        };
        self.token.push(c);
        match self.token.as_str() {
            "--" => self.at = At::Comment,
            SECTION if !self.open.is_empty() => {
                self.run_other("<![CDATA[", None, context, out)?;
                self.at = At::Section { brackets: 0 };
            }
            DOCTYPE if !self.root_seen && !self.doctype_seen => self.at = At::Doctype,
            begun
                if ["--", SECTION, DOCTYPE]
                    .iter()
                    .any(|whole| whole.len() > begun.len() && whole.starts_with(begun)) =>
            {
                return Ok(c.len_utf8());
            }
            _ => {
                return Err(malformed(
                    "a comment, CDATA in an element, or one document type",
                ));
            }
        }
        self.token.clear();
        Ok(c.len_utf8())
    }

    /// Holds what comes before the `ending`, which ends with `last`. At the ending, that is taken off.
    fn until(
        &mut self,
        rest: &str,
        last: char,
        ending: &str,
        then: At,
    ) -> Result<usize, CannotMask> {
        let end = rest.find(last).map(|at| at + last.len_utf8());
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        check_length(self.token.len() + part.len())?;
        if has_control(part) {
            return Err(malformed("no control character"));
        }
        self.token.push_str(part);
        if let Some(content) = self.token.strip_suffix(ending) {
            self.token.truncate(content.len());
            self.at = then;
        }
        Ok(part.len())
    }

    fn end_comment(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        // Readers of HTML take `<!-->` and `<!--->` for whole comments.
        let is_html = self.token.starts_with('>') || self.token.starts_with("->");
        if !rest.starts_with('>') || is_html {
            return Err(malformed("a comment without -- or > at the wrong place"));
        }
        self.at = At::Text { brackets: 0 };
        if self.replaced.is_some() {
            return Ok(1);
        }
        let comment = std::mem::take(&mut self.token);
        let mut masked = context.masked_prose(&comment);
        if let Some(masked) = &mut masked {
            context.marks.add("");
            *masked = as_comment(masked);
        }
        let comment = masked.unwrap_or(comment);
        self.aside(&["<!--", &comment, "-->"], out)?;
        Ok(1)
    }

    /// A processing instruction, or the declaration, without its brackets and question marks.
    fn end_instruction(
        &mut self,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        let instruction = std::mem::take(&mut self.token);
        let first = std::mem::take(&mut self.untouched);
        let (target, data) = instruction
            .split_at_checked(name_length(&instruction))
            .unwrap_or_default();
        let is_name = target.starts_with(begins_name);
        if !is_name || !(data.is_empty() || data.starts_with(SPACE)) {
            return Err(malformed("an instruction that begins with a name"));
        }
        if target == "xml" && first {
            check_declaration(data)?;
        } else if target.eq_ignore_ascii_case("xml") {
            return Err(malformed("a declaration at the front only"));
        }
        if self.replaced.is_some() {
            return Ok(());
        }
        match context.masked_prose(&instruction) {
            None => self.aside(&["<?", &instruction, "?>"], out),
            // Readers may do without any instruction; nobody could say what a changed one means.
            Some(_) => {
                context.marks.add("");
                Ok(())
            }
        }
    }

    fn doctype(
        &mut self,
        rest: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let used = self.until(rest, '>', ">", At::Text { brackets: 0 })?;
        if self.at != At::Doctype {
            let token = std::mem::take(&mut self.token);
            check_doctype(&token)?;
            if context.masked_prose(&token).is_some() {
                return Err(NAME_WITH_DATA);
            }
            self.doctype_seen = true;
            self.aside(&["<!DOCTYPE", &token, ">"], out)?;
        }
        Ok(used)
    }

    fn section(
        &mut self,
        rest: &str,
        brackets: u8,
        out: &mut Vec<u8>,
    ) -> Result<usize, CannotMask> {
        let (length, brackets) = section_end(rest, brackets);
        let part = rest.get(..length).unwrap_or_default();
        if has_control(part) {
            return Err(malformed("no control character"));
        }
        self.run_section(part, brackets.is_none(), out)?;
        self.at = match brackets {
            Some(brackets) => At::Section { brackets },
            None => At::Text { brackets: 0 },
        };
        Ok(length)
    }

    fn push(&mut self, id: PlaceId) -> Result<(), CannotMask> {
        if self.open.len() == MAX_DEPTH {
            return Err(CannotMask::TooDeep);
        }
        self.open.push(id);
        let keeps = matches!(
            self.places.get(id).edit,
            FieldEdit::Clear | FieldEdit::Scan(_)
        );
        if self.replaced.is_none() && !keeps {
            self.replaced = Some(self.open.len());
        }
        Ok(())
    }

    /// An element ends here.
    fn pop(&mut self) {
        if self.replaced == Some(self.open.len()) {
            self.replaced = None;
        }
        self.open.pop();
        self.begin_run();
    }
}

const NAME_WITH_DATA: CannotMask = CannotMask::Malformed {
    kind: "XML",
    expected: "names with nothing in them that has to be masked",
};

/// Bytes up to `<` or `&`, and how many closing brackets are there at last.
fn text_length(text: &str, brackets: u8) -> Result<(usize, u8), CannotMask> {
    let found = memchr2(b'<', b'&', text.as_bytes());
    let part = text.get(..found.unwrap_or(text.len())).unwrap_or(text);
    if has_control(part) {
        return Err(malformed("no control character"));
    }
    match section_end(part, brackets) {
        (_, None) => Err(malformed("no ]]> in text")),
        (length, _) if found.is_some() => Ok((length, 0)),
        (length, Some(brackets)) => Ok((length, brackets)),
    }
}

/// Bytes up to the first `]]>` and with it, and `None`; or all bytes, and how many closing brackets are there at last
/// (at most two). So many came before.
fn section_end(text: &str, mut brackets: u8) -> (usize, Option<u8>) {
    let bytes = text.as_bytes();
    if brackets == 0 && memchr(b']', bytes).is_none() {
        return (bytes.len(), Some(0));
    }
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b']' => brackets = brackets.saturating_add(1).min(2),
            b'>' if brackets == 2 => return (at + 1, None),
            _ => brackets = 0,
        }
    }
    (bytes.len(), Some(brackets))
}

#[cfg(test)]
mod tests;
