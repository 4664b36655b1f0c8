//! Masking the bodies of HTTP messages while they stream through.
//!
//! [`kind_of`] tells from a media type how a body is read, and [`Masker`] reads it so. A body is cut into pieces
//! anywhere; where it is cut never changes what comes out. What is not understood is an error, and what was
//! appended before the error has been judged like everything else.

mod csv;
mod edit;
mod events;
mod form;
mod json;
mod kind;
mod lines;
mod places;
#[cfg(test)]
mod properties_tests;
#[cfg(test)]
mod testing;
mod utf8;
mod xml;

pub use kind::{Kind, kind_of, looks_like_json};

use crate::edit::FieldEdit;
use csv::Csv;
use edit::Context;
use events::Events;
use form::Form;
use json::Json;
use lines::Lines;
use sluice_model::TextMask;
use std::sync::Arc;
use utf8::Utf8;
use xml::Xml;

/// The longest value, in bytes as it is written, that is held to be looked at whole: far above any that holds
/// something a detector knows, and small beside what a gateway may use for one of its sessions. The names in a header of
/// CSV may have as much together.
pub const MAX_VALUE: usize = 1024 * 1024;

/// The most bytes that the names have together that lead to a field in JSON or XML. Where identifiers are used as names,
/// paths have some hundred, and rules are asked about every one.
pub const MAX_PATH: usize = 64 * 1024;

/// The deepest nesting that is walked. Real documents have tens of levels.
pub const MAX_DEPTH: usize = 512;

/// The most paths that [`Masker::masked`] tells: more than anybody reads of one answer.
pub const MAX_PATHS: usize = 200;

/// How much is read at once: it stays in a core's cache between the check of its encoding and its reader.
const PIECE: usize = 64 * 1024;

/// Why a body cannot be masked. It must not be forwarded any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotMask {
    /// It is not of its kind, or not so that every reader is sure to understand it in the same way.
    #[error("the body cannot be read as {kind}; expected {expected}")]
    Malformed {
        /// What it was read as.
        kind: &'static str,
        /// What should have been there.
        expected: &'static str,
    },
    /// What has to be looked at whole is longer than [`MAX_VALUE`], or names are longer than [`MAX_PATH`].
    #[error(
        "the body is too long in one part; expected {MAX_VALUE} bytes or less, {MAX_PATH} in names"
    )]
    TooLong,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Not UTF-8 where it is looked at.
    #[error("the body cannot be read as text; expected UTF-8")]
    NotUtf8,
    /// Something was fed after the end.
    #[error("the body was ended already; expected nothing after that")]
    Ended,
}

/// The reader of a body, by its kind.
enum Reader {
    Json(Box<Json>),
    Form(Form),
    Csv(Csv),
    Xml(Box<Xml>),
    Lines(Lines),
    Events(Box<Events>),
}

/// What is done to the values of fields.
pub trait FieldRules: Send + Sync {
    /// By the names that lead to the value from the root (elements of lists add no name).
    fn edit(&self, path: &[&str]) -> FieldEdit;
    /// Whether any field is told by its name: a document that cannot be read may hold such.
    fn has_names(&self) -> bool {
        true
    }
    /// For text outside of fields: names of members, prose.
    fn prose(&self) -> Arc<dyn TextMask>;
}

/// Masks one body.
///
/// Of the body no more is kept than one value, line or event that has to be looked at whole (as it is written and as
/// it is meant), the names that lead to it, and what rules said about some thousand places, which they are not asked
/// about again. What comes out of one call is what went in, with masked values as long as rules make them.
pub struct Masker {
    reader: Reader,
    context: Context,
    /// The character that is not whole yet.
    utf8: Utf8,
    /// Why nothing more is taken.
    stopped: Option<CannotMask>,
}

impl Masker {
    /// For a body of this kind under these rules.
    #[must_use]
    pub fn new(kind: Kind, rules: Arc<dyn FieldRules>) -> Self {
        let context = Context::new(rules);
        let rules = context.rules.as_ref();
        let reader = match kind {
            Kind::Json => Reader::Json(Box::new(Json::new(rules))),
            Kind::Form => Reader::Form(Form::default()),
            Kind::Csv { separator, header } => Reader::Csv(Csv::new(separator, header, rules)),
            Kind::Xml => Reader::Xml(Box::new(Xml::new(rules))),
            Kind::Text => Reader::Lines(Lines::default()),
            Kind::Events => Reader::Events(Box::new(Events::new(rules))),
        };
        Self {
            reader,
            context,
            utf8: Utf8::default(),
            stopped: None,
        }
    }

    /// Takes the next piece of the body and appends what is known to be fit for the caller by now.
    ///
    /// # Errors
    /// The body cannot be masked. What was appended so far has been judged; nothing more is taken, and every later
    /// call fails in the same way.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CannotMask> {
        if let Some(error) = self.stopped {
            return Err(error);
        }
        for piece in input.chunks(PIECE) {
            self.piece(piece, out)
                .inspect_err(|error| self.stopped = Some(*error))?;
        }
        Ok(())
    }

    /// Takes the end of the body and appends what was held until now.
    ///
    /// # Errors
    /// The body ended where it must not, or cannot be masked for another reason.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        match self.stopped {
            Some(CannotMask::Ended) => return Ok(()),
            Some(error) => return Err(error),
            None => {}
        }
        let ended = self.end(out);
        self.stopped = Some(ended.err().unwrap_or(CannotMask::Ended));
        ended
    }

    /// The fields that were changed or replaced, each once, in the order in which they were met, and at most
    /// [`MAX_PATHS`]: the names that lead to them, masked themselves where they have to be, with dots between. The
    /// empty path is the root, or text outside of fields. A long path is cut.
    pub fn masked(&self) -> impl Iterator<Item = &str> {
        self.context.marks.iter()
    }

    fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let Self {
            reader,
            context,
            utf8,
            ..
        } = self;
        match reader {
            Reader::Json(json) => utf8.feed(piece, |text| json.feed(text, context, out)),
            Reader::Xml(xml) => utf8.feed(piece, |text| xml.feed(text, context, out)),
            Reader::Lines(lines) => utf8.feed(piece, |text| lines.feed(text, context, out)),
            Reader::Events(events) => utf8.feed(piece, |text| events.feed(text, context, out)),
            // These may be of other bytes where nothing is looked at.
            Reader::Form(form) => form.feed(piece, context, out),
            Reader::Csv(csv) => csv.feed(piece, context, out),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        self.utf8.finish()?;
        let context = &mut self.context;
        match &mut self.reader {
            Reader::Json(json) => json.finish(context, out),
            Reader::Form(form) => form.finish(context, out),
            Reader::Csv(csv) => csv.finish(context, out),
            Reader::Xml(xml) => xml.finish(),
            Reader::Lines(lines) => lines.finish(context, out),
            Reader::Events(events) => events.finish(context, out),
        }
    }
}

/// Passes the byte order mark on that a document may begin with, once, and gives what follows it.
fn pass_mark<'t>(text: &'t str, begun: &mut bool, out: &mut Vec<u8>) -> &'t str {
    const MARK: char = '\u{feff}';
    if text.is_empty() || std::mem::replace(begun, true) {
        return text;
    }
    match text.strip_prefix(MARK) {
        Some(after) => {
            out.extend_from_slice(MARK.encode_utf8(&mut [0; 4]).as_bytes());
            after
        }
        None => text,
    }
}

/// Refuses what is too long to be held.
fn check_length(bytes: usize) -> Result<(), CannotMask> {
    if bytes > MAX_VALUE {
        return Err(CannotMask::TooLong);
    }
    Ok(())
}
