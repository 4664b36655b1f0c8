//! Keeps a part of an answer for the record, as the caller saw it, up to a stated cap.

use bytes::BytesMut;
use sluice_model::{EventBody, RecordedValue};
use sluice_protocol::postgres::BackendTag;
use sluice_protocol::postgres::backend::{self, BackendMessage};
use sluice_protocol::postgres::types::Format;
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
    formats: Vec<Format>,
    rows: Vec<Vec<RecordedValue>>,
    bytes: usize,
    capped: bool,
}

impl Capture {
    /// The answer's columns became known.
    pub fn describe(&mut self, columns: Arc<[String]>, formats: Vec<Format>) {
        self.columns = Some(columns);
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
            let format = self.formats.get(index).copied().unwrap_or_default();
            value(*field, format)
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
        self.rows.push(vec![value(Some(data), Format::Text)]);
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

/// A value for the record.
#[must_use]
pub fn value(field: Option<&[u8]>, format: Format) -> RecordedValue {
    match field {
        None => RecordedValue::Null,
        Some(bytes) if format == Format::Text && bytes.len() <= CAP_VALUE => {
            match std::str::from_utf8(bytes) {
                Ok(text) => RecordedValue::Text(text.to_owned()),
                Err(_) => RecordedValue::Bytes(bytes.len() as u64),
            }
        }
        Some(bytes) => RecordedValue::Bytes(bytes.len() as u64),
    }
}

/// The body of the message that was appended to `out` at `from`.
#[must_use]
pub fn appended(out: &BytesMut, from: usize) -> &[u8] {
    out.get(from + sluice_protocol::postgres::frame::HEADER_LEN..)
        .unwrap_or_default()
}
