//! Keeps a part of an answer for the record, as the caller saw it, up to a stated cap.

use super::shape::BoundPlan;
use crate::pipeline::{Pipeline, Unrecorded};
use bytes::BytesMut;
use sluice_model::RecordedValue;
use sluice_protocol::postgres::BackendTag;
use sluice_protocol::postgres::backend::{self, BackendMessage};
use sluice_protocol::postgres::types::{Format, Formats};
use sluice_record::{RowsJson, ValueRef};
use std::borrow::Cow;
use std::sync::Arc;

/// The most bytes of values kept of one answer. A page of rows tells an auditor what was seen; the count of
/// rows and bytes is exact whatever is kept.
pub const CAP_BYTES: usize = 16 * 1024;
/// The most rows kept of one answer.
pub const CAP_ROWS: usize = 100;
/// The most bytes kept of one value or parameter.
pub const CAP_VALUE: usize = 2 * 1024;

/// The kept part of one answer.
#[derive(Default)]
pub struct Capture {
    plan: Option<Arc<BoundPlan>>,
    formats: Formats,
    /// The client chose the formats.
    chosen: bool,
    rows: RowsJson,
    bytes: usize,
    capped: bool,
}

impl Capture {
    /// The answer's columns became known, and the formats if the client chose them.
    pub fn describe(&mut self, plan: Arc<BoundPlan>, formats: Option<&Formats>) {
        self.plan = Some(plan);
        self.choose(formats);
    }

    /// Only the formats are known, because nobody asked for a description.
    pub fn choose(&mut self, formats: Option<&Formats>) {
        self.chosen = formats.is_some();
        self.formats = formats.cloned().unwrap_or_default();
    }

    /// Whether another row would be kept.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        !self.capped
    }

    /// Keeps one row, given as the body of the DataRow that the caller is sent.
    pub fn row(&mut self, body: &[u8]) {
        if self.rows.len() >= CAP_ROWS || self.bytes >= CAP_BYTES {
            self.capped = true;
            return;
        }
        let Ok(BackendMessage::DataRow(row)) = backend::parse(BackendTag::DataRow, body) else {
            return;
        };
        let Ok(fields) = row.fields() else { return };
        self.bytes += body.len();
        self.rows.begin(body.len());
        let edits = self.plan.as_ref().map_or(&[][..], |plan| &plan.edits);
        for (index, field) in fields.into_iter().enumerate() {
            let known = edits.get(index);
            let type_oid = known.map_or(0, |column| column.type_oid);
            let format = match known {
                Some(column) if !self.chosen => column.format,
                _ => self.formats.of(index),
            };
            match readable(field, type_oid, format, CAP_VALUE) {
                Readable::Null => self.rows.push(ValueRef::Null),
                Readable::Text(text) => self.rows.push(ValueRef::Text(&text)),
                Readable::Bytes(bytes) => self.rows.push(ValueRef::Bytes(bytes)),
            }
        }
    }

    /// Keeps a piece of COPY data.
    pub fn copy(&mut self, data: &[u8]) {
        if self.bytes >= CAP_BYTES {
            self.capped = true;
            return;
        }
        self.bytes += data.len();
        self.rows.begin(data.len());
        match readable(Some(data), 0, Format::Text, CAP_VALUE) {
            Readable::Text(text) => self.rows.push(ValueRef::Text(&text)),
            _ => self.rows.push(ValueRef::Bytes(data.len() as u64)),
        }
    }

    /// Records what was kept, when there is anything.
    ///
    /// # Errors
    /// [`Unrecorded`] ends the session.
    pub fn record(self, op: u64, pipeline: &mut Pipeline) -> Result<(), Unrecorded> {
        if self.rows.is_empty() && !self.capped {
            return Ok(());
        }
        let columns = self.plan.as_ref().map(|plan| &plan.names_json);
        pipeline.rows(op, columns, self.rows, self.capped)
    }
}

/// A value for the record: as text where it is one or can be read as one.
enum Readable<'a> {
    Null,
    Text(Cow<'a, str>),
    Bytes(u64),
}

/// A parameter for the record: as text where it is one or can be read as one.
#[must_use]
pub fn value(field: Option<&[u8]>, type_oid: u32, format: Format) -> RecordedValue {
    recorded(readable(field, type_oid, format, CAP_VALUE))
}

/// The same for people who judge it: whole, however long.
#[must_use]
pub fn whole_value(field: Option<&[u8]>, type_oid: u32, format: Format) -> RecordedValue {
    recorded(readable(field, type_oid, format, usize::MAX))
}

fn recorded(value: Readable<'_>) -> RecordedValue {
    match value {
        Readable::Null => RecordedValue::Null,
        Readable::Text(text) => RecordedValue::Text(text.into_owned()),
        Readable::Bytes(bytes) => RecordedValue::Bytes(bytes),
    }
}

fn readable(field: Option<&[u8]>, type_oid: u32, format: Format, cap: usize) -> Readable<'_> {
    let Some(bytes) = field else {
        return Readable::Null;
    };
    let text = match format {
        _ if bytes.len() > cap => None,
        Format::Text => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Format::Binary => binary(type_oid, bytes),
    };
    text.map_or(Readable::Bytes(bytes.len() as u64), Readable::Text)
}

/// A binary value of one of the types that nearly every parameter has. Type numbers are those of `pg_type`.
fn binary(type_oid: u32, bytes: &[u8]) -> Option<Cow<'_, str>> {
    match type_oid {
        // "char", name, text, json, xml, unknown, bpchar, varchar: the text itself.
        18 | 19 | 25 | 114 | 142 | 705 | 1042 | 1043 => {
            Some(std::str::from_utf8(bytes).ok()?.into())
        }
        // jsonb: a version, then the text.
        3802 => Some(std::str::from_utf8(bytes.get(1..)?).ok()?.into()),
        16 => Some(if *bytes.first()? == 0 { "f" } else { "t" }.into()),
        _ => number(type_oid, bytes).map(Cow::Owned),
    }
}

fn number(type_oid: u32, bytes: &[u8]) -> Option<String> {
    Some(match type_oid {
        21 => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
        23 => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        20 => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        26 => u32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        700 => f32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        701 => f64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        _ => return None,
    })
}

/// The body of the message that was appended to `out` at `from`.
#[must_use]
pub fn appended(out: &BytesMut, from: usize) -> &[u8] {
    out.get(from + sluice_protocol::postgres::frame::HEADER_LEN..)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_as_text_where_they_can_be_read() {
        let text = |text: &str| RecordedValue::Text(text.to_owned());
        let cases: &[(Option<&[u8]>, u32, Format, RecordedValue)] = &[
            (None, 25, Format::Text, RecordedValue::Null),
            (Some(b"abc"), 0, Format::Text, text("abc")),
            (Some(b"\xff"), 25, Format::Text, RecordedValue::Bytes(1)),
            (Some(b"abc"), 25, Format::Binary, text("abc")),
            (Some(&[0, 0, 0, 7]), 23, Format::Binary, text("7")),
            (Some(&[0, 7]), 23, Format::Binary, RecordedValue::Bytes(2)),
            (Some(&[255; 8]), 20, Format::Binary, text("-1")),
            (Some(b"\x01{}"), 3802, Format::Binary, text("{}")),
            (Some(b""), 3802, Format::Binary, RecordedValue::Bytes(0)),
            (Some(&[1, 2]), 1700, Format::Binary, RecordedValue::Bytes(2)),
            (
                Some(&[b'x'; CAP_VALUE + 1]),
                25,
                Format::Text,
                RecordedValue::Bytes(2049),
            ),
        ];
        for (field, type_oid, format, expected) in cases {
            assert_eq!(
                value(*field, *type_oid, *format),
                *expected,
                "{field:?} of {type_oid}"
            );
        }
    }

    #[test]
    fn an_answer_is_kept_up_to_the_cap_and_says_so() {
        let mut capture = Capture::default();
        let row = [0, 1, 0, 0, 0, 1, b'x'];
        for _ in 0..CAP_ROWS {
            capture.row(&row);
        }
        assert!(capture.wants_more());
        capture.row(&row);
        assert!(!capture.wants_more());
        assert_eq!((capture.rows.len(), capture.capped), (CAP_ROWS, true));
    }
}
