//! COPY in binary: a header, rows in the layout of DataRow, a trailer.

use super::CopyError;
use crate::postgres::rows::FieldsEditor;
use crate::postgres::values::ColumnEdit;
use bytes::{BufMut, BytesMut};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the extension.
const HEADER_LEN: usize = 19;
/// The longest header extension. None is defined.
const MAX_EXTENSION: usize = 1024;

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Rows,
    /// Nothing: the trailer was there.
    End,
}

/// The rows of one COPY.
pub(super) struct Tuples {
    stage: Stage,
    /// Bytes without which looking for an end again is of no use.
    needed: usize,
    fields: FieldsEditor,
}

impl Tuples {
    pub(super) fn new(columns: Vec<ColumnEdit>) -> Self {
        Self {
            stage: Stage::Header,
            needed: 0,
            fields: FieldsEditor::new(columns),
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.stage == Stage::End
    }

    /// Where the unit at the front of `data` ends, once all of it is there.
    pub(super) fn find_end(&mut self, data: &[u8]) -> Result<Option<usize>, CopyError> {
        if data.len() < self.needed {
            return Ok(None);
        }
        let needed = match self.stage {
            Stage::Header => header_end(data)?,
            Stage::Rows => tuple_end(data)?,
            Stage::End if data.is_empty() => return Ok(None),
            Stage::End => return Err(CopyError::Malformed("nothing after the trailer")),
        };
        if needed <= data.len() {
            self.needed = 0;
            return Ok(Some(needed));
        }
        if needed > super::MAX_ROW {
            return Err(CopyError::RowTooLarge);
        }
        self.needed = needed;
        Ok(None)
    }

    /// Appends a whole unit, edited; says whether it is a row.
    pub(super) fn edit(&mut self, unit: &[u8], out: &mut BytesMut) -> Result<bool, CopyError> {
        let is_row = self.stage == Stage::Rows && unit != TRAILER;
        if !is_row || !self.fields.edit(unit, out)? {
            out.put_slice(unit);
        }
        if !is_row {
            self.stage = match self.stage {
                Stage::Header => Stage::Rows,
                Stage::Rows | Stage::End => Stage::End,
            };
        }
        Ok(is_row)
    }
}

/// A number of fields that no row has.
const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Where the header ends, or a larger number than there are bytes.
fn header_end(data: &[u8]) -> Result<usize, CopyError> {
    let Some(header) = data.first_chunk::<HEADER_LEN>() else {
        return Ok(HEADER_LEN);
    };
    let &[.., a, b, c, d] = header;
    let extension = usize::try_from(u32::from_be_bytes([a, b, c, d]))
        .ok()
        .filter(|length| header.starts_with(SIGNATURE) && *length <= MAX_EXTENSION)
        .ok_or(CopyError::Malformed("the header of a binary COPY"))?;
    Ok(HEADER_LEN + extension)
}

/// Where the row or trailer ends, or a larger number than there are bytes.
fn tuple_end(data: &[u8]) -> Result<usize, CopyError> {
    let Some(count) = data.first_chunk::<2>() else {
        return Ok(2);
    };
    let count = i16::from_be_bytes(*count);
    if count < -1 {
        return Err(CopyError::Malformed("a number of fields"));
    }
    let mut at = 2_usize;
    for _ in 0..count {
        let Some(length) = data.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(at.saturating_add(4));
        };
        at += 4;
        at = match i32::from_be_bytes(*length) {
            -1 => at,
            length => usize::try_from(length)
                .map(|length| at.saturating_add(length))
                .map_err(|_| CopyError::Malformed("the length of a field"))?,
        };
    }
    Ok(at)
}
