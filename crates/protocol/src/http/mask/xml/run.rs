//! The text between two tags, as one value: character data, references and CDATA sections.

use super::chars::{SPACE, is_space, put_text};
use super::{Xml, malformed};
use crate::http::mask::edit::{Context, Fate, Plan};
use crate::http::mask::{CannotMask, check_length};

/// A text between two tags.
pub(super) struct Run {
    fate: Fate,
    /// Where it is replaced: what replaces it is written.
    put: bool,
    /// Where it is judged: as it is written, with what stands between its parts.
    written: String,
    /// As it is meant.
    meant: String,
    /// What stands between its parts and is none of it: comments and processing instructions.
    asides: String,
}

impl Default for Run {
    /// What is before the first tag is white space, comments and processing instructions.
    fn default() -> Self {
        Self {
            fate: Fate::Pass,
            put: false,
            written: String::new(),
            meant: String::new(),
            asides: String::new(),
        }
    }
}

impl Run {
    fn hold(&mut self, written: &str) -> Result<(), CannotMask> {
        check_length(self.written.len() + written.len())?;
        self.written.push_str(written);
        Ok(())
    }
}

impl Xml {
    /// A tag ended here.
    pub(super) fn begin_run(&mut self) {
        self.run.fate = if self.open.is_empty() {
            Fate::Pass
        } else {
            Plan::of(self.edit().0).fate()
        };
        self.run.put = false;
    }

    /// Takes character data.
    pub(super) fn run_text(
        &mut self,
        part: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        match self.run.fate {
            Fate::Pass => out.extend_from_slice(part.as_bytes()),
            Fate::Judge => {
                self.run.hold(part)?;
                self.run.meant.push_str(part);
            }
            // White space around elements carries nothing.
            Fate::Drop if !self.run.put => {
                let text = part.trim_start_matches(SPACE);
                let space = part.as_bytes().get(..part.len() - text.len());
                out.extend_from_slice(space.unwrap_or_default());
                if !text.is_empty() {
                    self.put_run(context, out);
                }
            }
            Fate::Drop => {}
        }
        Ok(())
    }

    /// Takes a reference, or the beginning of a CDATA section.
    pub(super) fn run_other(
        &mut self,
        written: &str,
        meant: Option<char>,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        match self.run.fate {
            Fate::Pass => out.extend_from_slice(written.as_bytes()),
            Fate::Judge => {
                self.run.hold(written)?;
                self.run.meant.extend(meant);
            }
            Fate::Drop => self.put_run(context, out),
        }
        Ok(())
    }

    /// Takes some of a CDATA section, with its end when that is there.
    pub(super) fn run_section(
        &mut self,
        part: &str,
        ended: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        match self.run.fate {
            Fate::Pass => out.extend_from_slice(part.as_bytes()),
            Fate::Judge => {
                self.run.hold(part)?;
                self.run.meant.push_str(part);
                if ended {
                    let content = self.run.meant.strip_suffix("]]>").map(str::len);
                    let content = content.ok_or(malformed("the end of a CDATA section"))?;
                    self.run.meant.truncate(content);
                }
            }
            Fate::Drop => {}
        }
        Ok(())
    }

    /// Writes what is between the parts of a text and none of it.
    pub(super) fn aside(&mut self, parts: &[&str], out: &mut Vec<u8>) -> Result<(), CannotMask> {
        for part in parts {
            if self.run.fate == Fate::Judge {
                self.run.hold(part)?;
                self.run.asides.push_str(part);
            } else {
                out.extend_from_slice(part.as_bytes());
            }
        }
        Ok(())
    }

    /// A tag begins here.
    pub(super) fn end_run(&mut self, context: &mut Context, out: &mut Vec<u8>) {
        if self.run.fate != Fate::Judge {
            return;
        }
        let (edit, id) = self.edit();
        let mut masked = String::new();
        let found =
            !is_space(&self.run.meant) && Plan::of(edit).apply(&self.run.meant, &mut masked);
        if found {
            put_text(&masked, false, out);
            out.extend_from_slice(self.run.asides.as_bytes());
            self.places.mark(id, &mut context.marks);
        } else {
            out.extend_from_slice(self.run.written.as_bytes());
        }
        self.run.written.clear();
        self.run.meant.clear();
        self.run.asides.clear();
    }

    /// Writes what replaces the text, once.
    fn put_run(&mut self, context: &mut Context, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.run.put, true) {
            return;
        }
        let (edit, id) = self.edit();
        if let Plan::Put(text) = Plan::of(edit) {
            put_text(text, false, out);
        }
        self.places.mark(id, &mut context.marks);
    }
}
