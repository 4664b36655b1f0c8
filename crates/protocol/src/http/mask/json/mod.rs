//! JSON (RFC 8259), read as it comes: one document or several after each other.
//!
//! The reader is a loop with an explicit stack. What passes is copied in long runs; a name, string or number that is
//! judged is held only when it is cut. A value that is replaced is walked over without being kept.
//!
//! ```text
//! Between ---> (value) ---> Between
//! in an object: FirstName -> Colon -> (value) -> After -> Name -> Colon -> (value) -> After -> end
//! in an array:  FirstElement = (value) -> After -> Value = (value) -> After -> end
//! ```

mod judge;
mod text;
mod walk;

use super::FieldRules;
use super::edit::{Context, Fate};
use super::places::{PlaceId, Places, ROOT};
use super::{CannotMask, MAX_DEPTH, check_length};
use text::{Content, Number};
use walk::Walk;

/// What encloses the place where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    Array,
}

/// An object or array that is open.
#[derive(Clone, Copy)]
struct Frame {
    inside: Inside,
    place: PlaceId,
    /// The place of its value that is read now: of an array its own; of an object that of the last member, or
    /// [`ROOT`] before the first.
    member: PlaceId,
}

/// Where the reader is.
#[derive(Debug, Clone, Copy)]
enum At {
    /// Between documents. After a number or word (`tight`) a new one must not begin at once.
    Between {
        tight: bool,
    },
    Value,
    /// At an array's first element, or its end.
    FirstElement,
    Name,
    /// At an object's first name, or its end.
    FirstName,
    Colon,
    After,
    /// In a string, which may be a name.
    String {
        name: bool,
        fate: Fate,
    },
    Number {
        fate: Fate,
        number: Number,
    },
    Word {
        rest: &'static [u8],
        fate: Fate,
    },
}

/// An array whose elements are edited one by one, as long as they are all scalars.
struct Elements {
    /// How many containers are around it.
    depth: usize,
    /// What takes its place, so far.
    text: Vec<u8>,
}

/// The reader of JSON.
pub(super) struct Json {
    places: Places,
    stack: Vec<Frame>,
    at: At,
    /// What came of a judged token in earlier pieces, without quotes.
    held: String,
    content: Content,
    elements: Option<Elements>,
    /// A container is left out; so many are around it.
    dropping: Option<usize>,
    /// Something was read.
    begun: bool,
    /// A token as it is meant, and what takes its place; kept for their memory.
    meant: String,
    masked: String,
    written: String,
}

fn malformed(expected: &'static str) -> CannotMask {
    CannotMask::Malformed {
        kind: "JSON",
        expected,
    }
}

impl Json {
    pub(super) fn new(rules: &dyn FieldRules) -> Self {
        Self {
            places: Places::new(rules),
            stack: Vec::new(),
            at: At::Between { tight: false },
            held: String::new(),
            content: Content::default(),
            elements: None,
            dropping: None,
            begun: false,
            meant: String::new(),
            masked: String::new(),
            written: String::new(),
        }
    }

    pub(super) fn feed(
        &mut self,
        text: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        Walk::new(self, context, text, out).walk()
    }

    /// Takes the end; another text may follow.
    pub(super) fn finish(
        &mut self,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        Walk::new(self, context, "", out).finish()?;
        self.begun = false;
        match self.at {
            At::Between { .. } => {
                self.at = At::Between { tight: false };
                Ok(())
            }
            _ => Err(malformed("a whole document at the end")),
        }
    }

    /// The place of the value that is read now.
    fn place(&self) -> PlaceId {
        self.stack.last().map_or(ROOT, |frame| frame.member)
    }

    fn push(&mut self, inside: Inside) -> Result<(), CannotMask> {
        if self.stack.len() == MAX_DEPTH {
            return Err(CannotMask::TooDeep);
        }
        let place = self.place();
        let member = match inside {
            Inside::Object => ROOT,
            Inside::Array => place,
        };
        self.stack.push(Frame {
            inside,
            place,
            member,
        });
        self.at = match inside {
            Inside::Object => At::FirstName,
            Inside::Array => At::FirstElement,
        };
        Ok(())
    }

    /// Whether what is read now passes, as far as nothing else is said.
    fn passes(&self) -> bool {
        let fate = match self.at {
            At::String { fate, .. } | At::Number { fate, .. } | At::Word { fate, .. } => fate,
            _ => Fate::Pass,
        };
        self.dropping.is_none() && fate == Fate::Pass
    }

    /// Holds some of a judged token.
    fn hold(&mut self, part: &str) -> Result<(), CannotMask> {
        check_length(self.held.len() + part.len())?;
        self.held.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
