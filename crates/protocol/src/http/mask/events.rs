//! Streams of events: `text/event-stream` (html.spec.whatwg.org, section 9.2).
//!
//! An event is held until the blank line that ends it, since its data may be on several lines. Lines that come before
//! any data, which are all there is of comments that keep a stream alive, go on at once.

use super::FieldRules;
use super::edit::Context;
use super::json::Json;
use super::{CannotMask, check_length};
use memchr::memchr2;

/// The reader of events.
pub(super) struct Events {
    json: Json,
    /// The lines of the event that is held, with their ends.
    event: String,
    /// Where its last line begins.
    line: usize,
    /// The line ended with a carriage return; a line feed would be of the same end.
    after_return: bool,
    begun: bool,
}

impl Events {
    pub(super) fn new(rules: &dyn FieldRules) -> Self {
        Self {
            json: Json::new(rules),
            event: String::new(),
            line: 0,
            after_return: false,
            begun: false,
        }
    }

    pub(super) fn feed(
        &mut self,
        text: &str,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        let mut rest = super::pass_mark(text, &mut self.begun, out);
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_return)
                && let Some(after) = rest.strip_prefix('\n')
            {
                rest = after;
                if self.event.is_empty() {
                    out.push(b'\n');
                } else {
                    self.event.push('\n');
                    self.line = self.event.len();
                }
                continue;
            }
            let end = memchr2(b'\n', b'\r', rest.as_bytes());
            let (part, after) = rest
                .split_at_checked(end.map_or(rest.len(), |end| end + 1))
                .unwrap_or((rest, ""));
            check_length(self.event.len() + part.len())?;
            self.event.push_str(part);
            rest = after;
            if end.is_some() {
                self.after_return = part.ends_with('\r');
                self.end_line(context, out)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(
        &mut self,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CannotMask> {
        self.put_event(context, out)
    }

    fn end_line(&mut self, context: &mut Context, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let line = self.event.get(self.line..).unwrap_or_default();
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() || (self.line == 0 && data_of(line).is_none()) {
            return self.put_event(context, out);
        }
        self.line = self.event.len();
        Ok(())
    }

    /// Writes the lines that are held.
    fn put_event(&mut self, context: &mut Context, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let event = std::mem::take(&mut self.event);
        self.line = 0;
        let data: Vec<&str> = lines(&event)
            .filter_map(|(line, _)| data_of(line))
            .collect();
        let masked = if data.is_empty() {
            None
        } else {
            self.masked_data(&data.join("\n"), context)?
        };
        let Some(masked) = masked else {
            for (line, end) in lines(&event) {
                match data_of(line) {
                    Some(_) => out.extend_from_slice(line.as_bytes()),
                    None => put_line(line, context, out),
                }
                out.extend_from_slice(end.as_bytes());
            }
            return Ok(());
        };
        let mut instead = masked.split('\n');
        let same_count = instead.clone().count() == data.len();
        for (line, end) in lines(&event) {
            if data_of(line).is_none() {
                put_line(line, context, out);
                out.extend_from_slice(end.as_bytes());
                continue;
            }
            // Where the lines do not match, all stand in place of the first.
            let count = if same_count { 1 } else { usize::MAX };
            for (index, data) in instead.by_ref().take(count).enumerate() {
                if index > 0 && end.is_empty() {
                    out.push(b'\n');
                }
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(data.as_bytes());
                out.extend_from_slice(end.as_bytes());
            }
        }
        Ok(())
    }

    /// What becomes of an event's data, if it does not stay as it is.
    fn masked_data(
        &mut self,
        data: &str,
        context: &mut Context,
    ) -> Result<Option<String>, CannotMask> {
        if data.trim_start().starts_with(['{', '[']) {
            let known = context.marks.len();
            let mut masked = Vec::new();
            let read = self
                .json
                .feed(data, context, &mut masked)
                .and_then(|()| self.json.finish(context, &mut masked));
            match read {
                Ok(()) if masked == data.as_bytes() => return Ok(None),
                Ok(()) => {
                    let masked = String::from_utf8(masked).map_err(|_| CannotMask::NotUtf8)?;
                    return Ok(Some(masked));
                }
                // What is clearly meant as JSON and is none may hold fields that nobody finds in it.
                Err(error @ CannotMask::Malformed { .. })
                    if context.rules.has_names()
                        && super::looks_like_json(data.as_bytes()) == Some(true) =>
                {
                    return Err(error);
                }
                Err(CannotMask::Malformed { .. }) => {
                    self.json = Json::new(context.rules.as_ref());
                    context.marks.truncate(known);
                }
                Err(error) => return Err(error),
            }
        }
        let masked = context.masked_prose(data);
        if masked.is_some() {
            context.marks.add("");
        }
        // A return would end a line.
        Ok(masked.map(|masked| masked.replace("\r\n", "\n").replace('\r', "\n")))
    }
}

/// The data in a line, if that is what it holds.
fn data_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("data")?;
    if rest.is_empty() {
        return Some("");
    }
    let value = rest.strip_prefix(':')?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}

/// Lines, and what ends each.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(length)?;
        let end = ["\r\n", "\n", "\r"]
            .iter()
            .find(|end| after.starts_with(**end));
        let (end, after) = after.split_at_checked(end.map_or(0, |end| end.len()))?;
        rest = after;
        Some((line, end))
    })
}

/// Writes a line that holds no data. It stays one line, and does not become a blank one.
fn put_line(line: &str, context: &mut Context, out: &mut Vec<u8>) {
    let Some(masked) = context.masked_prose(line) else {
        out.extend_from_slice(line.as_bytes());
        return;
    };
    context.marks.add("");
    let masked = masked.replace(['\r', '\n'], " ");
    let masked = if masked.is_empty() { ":" } else { &masked };
    out.extend_from_slice(masked.as_bytes());
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
