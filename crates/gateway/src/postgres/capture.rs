//! Keeps a part of an answer for the record, as the caller saw it, up to a stated cap.

use bytes::BytesMut;
use sluice_model::{EventBody, RecordedValue};
use sluice_protocol::postgres::BackendTag;
use sluice_protocol::postgres::backend::{self, BackendMessage};
use sluice_protocol::postgres::types::{Format, Formats};
use std::sync::Arc;

/// The most bytes of values kept of one answer. A page of rows tells an auditor what was seen; the count of
/// rows and bytes is exact whatever is kept.
pub const CAP_BYTES: usize = 16 * 1024;
/// The most rows kept of one answer.
pub const CAP_ROWS: usize = 100;
/// The most bytes kept of one value or parameter.
pub const CAP_VALUE: usize = 2 * 1024;

/// The kept part of one answer.
#[derive(Debug, Default)]
pub struct Capture {
    columns: Option<Arc<[String]>>,
    types: Vec<(u32, Format)>,
    formats: Formats,
    rows: Vec<Vec<RecordedValue>>,
    bytes: usize,
    capped: bool,
}

impl Capture {
    /// The answer's columns became known: their names, types and formats.
    pub fn describe(&mut self, columns: Arc<[String]>, types: Vec<(u32, Format)>) {
        self.columns = Some(columns);
        self.types = types;
    }

    /// Only the formats are known, because nobody asked for a description.
    pub fn choose(&mut self, formats: Formats) {
        self.formats = formats;
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
        let values = fields.iter().enumerate().map(|(index, field)| {
            let known = self.types.get(index).copied();
            let (type_oid, format) = known.unwrap_or((0, self.formats.of(index)));
            value(*field, type_oid, format)
        });
        self.rows.push(values.collect());
    }

    /// Keeps a piece of COPY data.
    pub fn copy(&mut self, data: &[u8]) {
        if self.bytes >= CAP_BYTES {
            self.capped = true;
            return;
        }
        self.bytes += data.len();
        self.rows.push(vec![value(Some(data), 0, Format::Text)]);
    }

    /// The event to record, when there is anything to keep.
    #[must_use]
    pub fn take(&mut self, op: u64) -> Option<EventBody> {
        if self.rows.is_empty() && !self.capped {
            return None;
        }
        let columns = self
            .columns
            .as_ref()
            .map(|names| names.to_vec())
            .unwrap_or_default();
        Some(EventBody::Rows {
            op,
            columns,
            rows: std::mem::take(&mut self.rows),
            capped: self.capped,
        })
    }
}

/// A value for the record: as text where it is one or can be read as one.
#[must_use]
pub fn value(field: Option<&[u8]>, type_oid: u32, format: Format) -> RecordedValue {
    let Some(bytes) = field else {
        return RecordedValue::Null;
    };
    let text = match format {
        _ if bytes.len() > CAP_VALUE => None,
        Format::Text => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Format::Binary => readable(type_oid, bytes),
    };
    text.map_or(
        RecordedValue::Bytes(bytes.len() as u64),
        RecordedValue::Text,
    )
}

/// A binary value of one of the types that nearly every parameter has. Type numbers are those of `pg_type`.
fn readable(type_oid: u32, bytes: &[u8]) -> Option<String> {
    match type_oid {
        // "char", name, text, json, xml, unknown, bpchar, varchar: the text itself.
        18 | 19 | 25 | 114 | 142 | 705 | 1042 | 1043 => String::from_utf8(bytes.to_vec()).ok(),
        // jsonb: a version, then the text.
        3802 => String::from_utf8(bytes.get(1..)?.to_vec()).ok(),
        16 => Some(if *bytes.first()? == 0 { "f" } else { "t" }.to_owned()),
        21 => Some(i16::from_be_bytes(bytes.try_into().ok()?).to_string()),
        23 => Some(i32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        20 => Some(i64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        26 => Some(u32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        700 => Some(f32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        701 => Some(f64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        _ => None,
    }
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
        let Some(EventBody::Rows { rows, capped, .. }) = capture.take(1) else {
            panic!("rows")
        };
        assert_eq!((rows.len(), capped), (CAP_ROWS, true));
    }
}
