//! Small things that both directions speak of: value formats and the server's own types by number.

use super::read::Reader;
use super::violation::Violation;

/// How a value is written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// The type's text form.
    #[default]
    Text,
    /// The type's binary form.
    Binary,
}

impl Format {
    /// The code on the wire.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

/// The format codes of a list of values: none (all text), one (for all), or one each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formats(Vec<Format>);

impl Formats {
    /// These codes.
    #[must_use]
    pub fn new(codes: Vec<Format>) -> Self {
        Self(codes)
    }

    /// The codes as sent.
    #[must_use]
    pub fn codes(&self) -> &[Format] {
        &self.0
    }

    /// The format of value `index`, of a list whose length was checked with [`Formats::fits`].
    #[must_use]
    pub fn of(&self, index: usize) -> Format {
        match self.0.as_slice() {
            [] => Format::Text,
            [one] => *one,
            many => many.get(index).copied().unwrap_or_default(),
        }
    }

    /// Whether the codes can be for `values` values.
    #[must_use]
    pub fn fits(&self, values: usize) -> bool {
        self.0.len() <= 1 || self.0.len() == values
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Violation> {
        let n = reader.count(2, "a list of format codes")?;
        let mut codes = Vec::with_capacity(n);
        for _ in 0..n {
            codes.push(read_format(reader)?);
        }
        Ok(Self(codes))
    }
}

pub(super) fn read_format(reader: &mut Reader<'_>) -> Result<Format, Violation> {
    match reader.i16("a format code")? {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        _ => Err(reader.malformed("format code 0 (text) or 1 (binary)")),
    }
}

/// What a Describe or Close names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Named<'a> {
    /// A prepared statement; the empty name is the unnamed one.
    Statement(&'a str),
    /// A portal; the empty name is the unnamed one.
    Portal(&'a str),
}

/// What ReadyForQuery says of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TransactionStatus {
    /// Not in a transaction block.
    #[default]
    Idle,
    /// In a transaction block.
    InBlock,
    /// In a transaction block that failed.
    Failed,
}

impl TransactionStatus {
    /// The byte on the wire.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::InBlock => b'T',
            Self::Failed => b'E',
        }
    }
}
