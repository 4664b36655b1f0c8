//! Masking one field while keeping its wire type, in text and in binary format.

use super::kinds::{Kind, Number, REDACTED_JSON, neutral};
use super::types::Format;
use super::{arrays, bytea, constants, json, numbers, records};
use crate::edit::FieldEdit;
use bytes::{BufMut, BytesMut};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How deep arrays and rows may stand in each other in binary format. Real ones have two or three levels.
const MAX_DEPTH: usize = 8;
/// The type number of `text`: how parts of values are edited whose type is not told.
pub(super) const TEXT_OID: u32 = 25;

/// A column of an answer and what is done to it.
#[derive(Debug, Clone)]
pub struct ColumnEdit {
    /// Number of its type.
    pub type_oid: u32,
    /// How values are written.
    pub format: Format,
    /// What is done.
    pub edit: FieldEdit,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// Forward it as it is; nothing was appended.
    Unchanged,
    /// The new value was appended.
    Changed,
    /// It is NULL now; nothing was appended.
    Null,
}

/// The value is not of its type, so that what it carries cannot be told: the answer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a value from the target cannot be read as {0}, so it cannot be masked; the answer is refused"
)]
pub struct CannotEdit(pub(super) &'static str);

/// Edits one value that is not NULL.
///
/// * Text-like types (also `bytea` with text in it, JSON, the elements of arrays) are edited as text.
/// * Other types become their neutral value (0, false, 2000-01-01, ...), or a constant that fits.
/// * `Scan` looks into numbers, addresses, arrays, rows and JSON too, and leaves what it finds nothing in.
/// * Where no neutral value is safe (ranges, rows, types that users made), the value becomes NULL.
///
/// # Errors
/// The value is not of its type, so that it cannot be told what it carries. `out` is then as before.
pub fn edit_field(
    type_oid: u32,
    format: Format,
    value: &[u8],
    edit: &FieldEdit,
    out: &mut BytesMut,
) -> Result<Edited, CannotEdit> {
    let mut scratch = String::new();
    Editor::new(edit, &mut scratch).field(type_oid, format, value, out)
}

/// One edit at work on one field.
pub(super) struct Editor<'e> {
    edit: &'e FieldEdit,
    /// What masks write to before it is put in place; kept between fields for its memory.
    scratch: &'e mut String,
    depth: usize,
}

impl<'e> Editor<'e> {
    pub(super) fn new(edit: &'e FieldEdit, scratch: &'e mut String) -> Self {
        Self {
            edit,
            scratch,
            depth: 0,
        }
    }

    /// Edits one value and takes back what was appended if that fails.
    pub(super) fn field(
        &mut self,
        type_oid: u32,
        format: Format,
        value: &[u8],
        out: &mut BytesMut,
    ) -> Result<Edited, CannotEdit> {
        self.of_kind(Kind::of(type_oid), format, value, out)
    }

    /// The same where the type's kind is known already.
    pub(super) fn of_kind(
        &mut self,
        kind: Kind,
        format: Format,
        value: &[u8],
        out: &mut BytesMut,
    ) -> Result<Edited, CannotEdit> {
        match self.edit {
            FieldEdit::Clear => return Ok(Edited::Unchanged),
            FieldEdit::Null => return Ok(Edited::Null),
            FieldEdit::Redact => return Ok(put_neutral(kind, format, out)),
            _ => {}
        }
        let start = out.len();
        let edited = self.by_kind(kind, format, value, out);
        if !matches!(edited, Ok(Edited::Changed)) {
            out.truncate(start);
        }
        edited
    }

    /// Edits an element of an array or a field of a row.
    pub(super) fn nested(
        &mut self,
        type_oid: u32,
        format: Format,
        value: &[u8],
        out: &mut BytesMut,
    ) -> Result<Edited, CannotEdit> {
        if self.depth == MAX_DEPTH {
            return Err(CannotEdit("an array or row of at most 8 levels"));
        }
        self.depth += 1;
        let edited = self.field(type_oid, format, value, out);
        self.depth -= 1;
        edited
    }

    fn by_kind(
        &mut self,
        kind: Kind,
        format: Format,
        value: &[u8],
        out: &mut BytesMut,
    ) -> Result<Edited, CannotEdit> {
        Ok(match kind {
            Kind::Text => self.text(value, out),
            Kind::Json => self.json(value, out),
            Kind::Jsonb => match format {
                Format::Text => self.json(value, out),
                Format::Binary => {
                    let Some((1, text)) = value.split_first().map(|(v, text)| (*v, text)) else {
                        return Err(CannotEdit("jsonb of version 1"));
                    };
                    out.put_u8(1);
                    self.json(text, out)
                }
            },
            Kind::Bytea => return self.bytea(format, value, out),
            Kind::Number(number) => {
                let FieldEdit::Scan(_) = self.edit else {
                    return Ok(self.replaced(kind, format, out));
                };
                if self.number_holds(number, format, value)? {
                    put_neutral(kind, format, out)
                } else {
                    Edited::Unchanged
                }
            }
            Kind::Inet { .. } => {
                let FieldEdit::Scan(_) = self.edit else {
                    return Ok(self.replaced(kind, format, out));
                };
                let text = inet_text(format, value)?;
                if self.holds(text.as_bytes()) {
                    put_neutral(kind, format, out)
                } else {
                    Edited::Unchanged
                }
            }
            Kind::Char | Kind::Fixed(_) => match self.edit {
                FieldEdit::Scan(_) => Edited::Unchanged,
                _ => self.replaced(kind, format, out),
            },
            Kind::Array { element } => match format {
                Format::Text => return arrays::edit_text(self, element, value, out),
                Format::Binary => return arrays::edit_binary(self, value, out),
            },
            Kind::Record => return self.record(format, value, out),
            Kind::Opaque => self.null_if_held(value),
            Kind::UserMade => match format {
                Format::Text => self.user_made_text(value, out),
                Format::Binary => self.user_made_binary(value, out),
            },
        })
    }

    /// The constant where it fits, else the neutral value: for types that are replaced as a whole.
    fn replaced(&self, kind: Kind, format: Format, out: &mut BytesMut) -> Edited {
        if let FieldEdit::Constant(text) = self.edit
            && constants::put(kind, format, text, out)
        {
            return Edited::Changed;
        }
        put_neutral(kind, format, out)
    }

    /// Text of any kind, and the parts of values that are only known as text. Bytes that are not UTF-8 (a
    /// database that does not check) are only ever replaced.
    fn text(&mut self, value: &[u8], out: &mut BytesMut) -> Edited {
        match self.edit {
            FieldEdit::Constant(text) => {
                out.put_slice(text.as_bytes());
                Edited::Changed
            }
            FieldEdit::Text(mask) | FieldEdit::Scan(mask) => {
                let Ok(text) = std::str::from_utf8(value) else {
                    return self.not_utf8(Kind::Text, Format::Text, value, out);
                };
                self.scratch.clear();
                if mask.mask_text(text, self.scratch) {
                    out.put_slice(self.scratch.as_bytes());
                    Edited::Changed
                } else {
                    Edited::Unchanged
                }
            }
            FieldEdit::Clear | FieldEdit::Null | FieldEdit::Redact => {
                put_neutral(Kind::Text, Format::Text, out)
            }
        }
    }

    fn not_utf8(&mut self, kind: Kind, format: Format, value: &[u8], out: &mut BytesMut) -> Edited {
        if self.holds(value) {
            put_neutral(kind, format, out)
        } else {
            Edited::Unchanged
        }
    }

    /// JSON text. A rule for whole values applies to a document that is one string; any other is replaced
    /// whole, as is one that cannot be walked.
    fn json(&mut self, value: &[u8], out: &mut BytesMut) -> Edited {
        let redact = |out: &mut BytesMut| {
            out.put_slice(REDACTED_JSON.as_bytes());
            Edited::Changed
        };
        self.scratch.clear();
        match (self.edit, std::str::from_utf8(value)) {
            (FieldEdit::Constant(text), _) => json::push_string(text, self.scratch),
            (FieldEdit::Text(mask), Ok(text)) => {
                let Some(content) = json::single_string(text) else {
                    return redact(out);
                };
                let mut masked = String::new();
                if !mask.mask_text(&content, &mut masked) {
                    return Edited::Unchanged;
                }
                json::push_string(&masked, self.scratch);
            }
            (FieldEdit::Scan(mask), Ok(text)) => {
                match json::mask_json(text, mask.as_ref(), self.scratch) {
                    Ok(false) => return Edited::Unchanged,
                    Ok(true) => {}
                    Err(_) => return redact(out),
                }
            }
            _ => return redact(out),
        }
        out.put_slice(self.scratch.as_bytes());
        Edited::Changed
    }

    fn bytea(
        &mut self,
        format: Format,
        value: &[u8],
        out: &mut BytesMut,
    ) -> Result<Edited, CannotEdit> {
        let mask = match self.edit {
            FieldEdit::Text(mask) | FieldEdit::Scan(mask) => mask,
            FieldEdit::Constant(text) => {
                bytea::put(format, text.as_bytes(), out);
                return Ok(Edited::Changed);
            }
            FieldEdit::Clear | FieldEdit::Null | FieldEdit::Redact => {
                return Ok(put_neutral(Kind::Bytea, format, out));
            }
        };
        let content = match format {
            Format::Text => Cow::Owned(bytea::decode(value)?),
            Format::Binary => Cow::Borrowed(value),
        };
        let Ok(text) = std::str::from_utf8(&content) else {
            return Ok(self.not_utf8(Kind::Bytea, format, &content, out));
        };
        self.scratch.clear();
        if !mask.mask_text(text, self.scratch) {
            return Ok(Edited::Unchanged);
        }
        bytea::put(format, self.scratch.as_bytes(), out);
        Ok(Edited::Changed)
    }

    fn record(
        &mut self,
        format: Format,
        value: &[u8],
        out: &mut BytesMut,
    ) -> Result<Edited, CannotEdit> {
        match (self.edit, format) {
            (FieldEdit::Scan(_), Format::Text) => records::edit_text(self, value, out),
            (FieldEdit::Scan(_), Format::Binary) => records::edit_binary(self, value, out),
            _ => Ok(Edited::Null),
        }
    }

    /// A user-made type in text: an enum or `citext` is text, `{` begins an array, `(` a row, `[` a range, and
    /// `=>` is `hstore`.
    fn user_made_text(&mut self, value: &[u8], out: &mut BytesMut) -> Edited {
        let scan = matches!(self.edit, FieldEdit::Scan(_));
        let first = value.first();
        let edited = match first {
            Some(b'{') if scan => arrays::edit_text(self, TEXT_OID, value, out),
            Some(b'(') if scan => records::edit_text(self, value, out),
            Some(b'{' | b'(' | b'[') if !scan => Ok(Edited::Null),
            _ if !scan && memchr::memmem::find(value, b"=>").is_some() => Ok(Edited::Null),
            _ => Ok(self.text(value, out)),
        };
        // What only looked like an array or a row.
        edited.unwrap_or_else(|_| self.null_if_held(value))
    }

    /// A user-made type in binary: clean text is an enum or `citext`; anything else can only be NULL.
    fn user_made_binary(&mut self, value: &[u8], out: &mut BytesMut) -> Edited {
        if !matches!(self.edit, FieldEdit::Scan(_)) {
            return Edited::Null;
        }
        match std::str::from_utf8(value) {
            Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
                self.text(value, out)
            }
            _ => self.null_if_held(value),
        }
    }

    fn null_if_held(&mut self, value: &[u8]) -> Edited {
        if self.holds(value) {
            Edited::Null
        } else {
            Edited::Unchanged
        }
    }

    fn number_holds(
        &mut self,
        number: Number,
        format: Format,
        value: &[u8],
    ) -> Result<bool, CannotEdit> {
        let mut digits = String::new();
        let worth_it = numbers::whole_digits(number, format, value, &mut digits)
            .ok_or(CannotEdit("a number of its type"))?;
        Ok(worth_it && self.holds(digits.as_bytes()))
    }

    /// Whether the edit is for these bytes: a scan, if it finds something in them, read as text as far as
    /// they are text; any other, always.
    pub(super) fn holds(&mut self, value: &[u8]) -> bool {
        let FieldEdit::Scan(mask) = self.edit else {
            return true;
        };
        self.scratch.clear();
        mask.mask_text(&String::from_utf8_lossy(value), self.scratch)
    }
}

/// What [`FieldEdit::Redact`] makes of any value of this kind; `None` is NULL.
pub(super) fn redacted(kind: Kind, format: Format) -> Option<Box<[u8]>> {
    let mut value = BytesMut::new();
    (put_neutral(kind, format, &mut value) == Edited::Changed).then(|| value.as_ref().into())
}

fn put_neutral(kind: Kind, format: Format, out: &mut BytesMut) -> Edited {
    match (kind, neutral(kind, format)) {
        (_, Some(value)) => out.put_slice(value),
        (Kind::Array { element }, None) => arrays::put_empty(element, format, out),
        (_, None) => return Edited::Null,
    }
    Edited::Changed
}

/// An address as text. In binary: family (2 or 3), bits, whether a network, bytes of address, address.
fn inet_text(format: Format, value: &[u8]) -> Result<Cow<'_, str>, CannotEdit> {
    const EXPECTED: CannotEdit = CannotEdit("an address");
    if format == Format::Text {
        return std::str::from_utf8(value)
            .map(Cow::Borrowed)
            .map_err(|_| EXPECTED);
    }
    let text = match value {
        [2, _, _, 4, address @ ..] => <[u8; 4]>::try_from(address)
            .map(|a| Ipv4Addr::from(a).to_string())
            .map_err(|_| EXPECTED)?,
        [3, _, _, 16, address @ ..] => <[u8; 16]>::try_from(address)
            .map(|a| Ipv6Addr::from(a).to_string())
            .map_err(|_| EXPECTED)?,
        _ => return Err(EXPECTED),
    };
    Ok(Cow::Owned(text))
}
