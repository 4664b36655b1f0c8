//! Messages from the target, read strictly: a hostile or broken target is a violation, never a guess.

use super::read::Reader;
use super::tags::{BackendTag, Tag};
use super::types::{Format, Formats, TransactionStatus, read_format};
use super::violation::{Peer, Violation};

/// The most bytes that a cancel key may have (protocol 3.2).
pub const MAX_CANCEL_KEY: usize = 256;

/// One message, borrowing from its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendMessage<'a> {
    /// A step of the login.
    Authentication(Authentication<'a>),
    /// The key to cancel with.
    BackendKeyData {
        /// The server process.
        process_id: i32,
        /// The secret: 4 bytes in protocol 3.0, up to [`MAX_CANCEL_KEY`] in 3.2.
        secret: &'a [u8],
    },
    /// Bind worked.
    BindComplete,
    /// Close worked.
    CloseComplete,
    /// A statement ended; its command tag, such as `INSERT 0 1`.
    CommandComplete(&'a str),
    /// COPY in both directions began.
    CopyBothResponse(CopyShape),
    /// A piece of COPY data.
    CopyData(&'a [u8]),
    /// COPY data ended.
    CopyDone,
    /// The target waits for COPY data.
    CopyInResponse(CopyShape),
    /// COPY data follows.
    CopyOutResponse(CopyShape),
    /// One row; see `rows`.
    DataRow(DataRow<'a>),
    /// The statement was empty.
    EmptyQueryResponse,
    /// An error.
    ErrorResponse(Fields<'a>),
    /// The answer to a function call.
    FunctionCallResponse(Option<&'a [u8]>),
    /// The target speaks an older minor version or not all options.
    NegotiateProtocolVersion {
        /// The newest minor version that it speaks.
        newest_minor: i32,
        /// Options that it does not know.
        unknown_options: Vec<&'a str>,
    },
    /// The statement answers without rows.
    NoData,
    /// A notice.
    NoticeResponse(Fields<'a>),
    /// What another session notified.
    NotificationResponse {
        /// Its server process.
        process_id: i32,
        /// The channel.
        channel: &'a str,
        /// The payload.
        payload: &'a str,
    },
    /// Type numbers of a statement's parameters.
    ParameterDescription(Vec<u32>),
    /// A setting that is reported.
    ParameterStatus {
        /// Its name.
        name: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// Parse worked.
    ParseComplete,
    /// The row limit of an Execute was reached.
    PortalSuspended,
    /// The target waits for the next statement.
    ReadyForQuery(TransactionStatus),
    /// The shape of an answer.
    RowDescription(Vec<FieldDescription<'a>>),
}

/// A step of the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// Done.
    Ok,
    /// The password itself is wanted.
    CleartextPassword,
    /// MD5 of password, user and this salt is wanted.
    Md5Password {
        /// The salt.
        salt: [u8; 4],
    },
    /// One of these mechanisms is wanted.
    Sasl(Vec<&'a str>),
    /// The mechanism's next challenge.
    SaslContinue(&'a [u8]),
    /// The mechanism's outcome.
    SaslFinal(&'a [u8]),
    /// A kind that the gateway does not do (Kerberos, GSSAPI, SSPI and such), by its number.
    Unsupported(i32),
}

/// One column of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldDescription<'a> {
    /// What the answer calls it.
    pub name: &'a str,
    /// Number of its table; 0 when it is not a plain column.
    pub table_oid: u32,
    /// Its number in the table; 0 when it is not a plain column.
    pub column: i16,
    /// Number of its type.
    pub type_oid: u32,
    /// Size of the type; negative for variable.
    pub type_size: i16,
    /// The type's modifier.
    pub type_modifier: i32,
    /// How values are written.
    pub format: Format,
}

/// What a Copy*Response says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyShape {
    /// Of the whole copy.
    pub format: Format,
    /// Of each column.
    pub columns: Formats,
}

/// The fields of a DataRow, walked one by one with every length checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRow<'a> {
    count: usize,
    fields: &'a [u8],
}

impl<'a> DataRow<'a> {
    /// The number of fields that the row says it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All fields; `None` is NULL.
    ///
    /// # Errors
    /// A length leads out of the row, or the row goes on after its last field.
    pub fn fields(&self) -> Result<Vec<Option<&'a [u8]>>, Violation> {
        let mut reader = Reader::new(Peer::Target, BackendTag::DataRow.rule().name, self.fields);
        let mut fields = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            fields.push(reader.value("a field")?);
        }
        reader.end()?;
        Ok(fields)
    }
}

/// The fields of an error or notice: a letter and a text each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields<'a>(Vec<(u8, &'a [u8])>);

impl<'a> Fields<'a> {
    /// Each letter with its text, in the order sent. Texts are UTF-8 except before the encoding is settled.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + '_ {
        self.0.iter().copied()
    }

    /// The text of `letter` (such as `C` for the SQLSTATE, `M` for the message), if there is one in UTF-8.
    #[must_use]
    pub fn get(&self, letter: u8) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(l, _)| *l == letter)
            .and_then(|(_, text)| std::str::from_utf8(text).ok())
    }

    /// The SQLSTATE.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&'a str> {
        self.get(b'C')
    }

    /// Whether the server closes the connection after it.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        matches!(self.get(b'V'), Some("FATAL" | "PANIC"))
    }
}

/// Reads the body of a message of type `tag`.
///
/// # Errors
/// [`Violation::Malformed`] when the body is not that of such a message, exactly.
pub fn parse(tag: BackendTag, body: &[u8]) -> Result<BackendMessage<'_>, Violation> {
    use BackendMessage as M;
    let mut reader = Reader::new(Peer::Target, tag.rule().name, body);
    let r = &mut reader;
    let message = match tag {
        BackendTag::Authentication => M::Authentication(authentication(r)?),
        BackendTag::BackendKeyData => key_data(r)?,
        BackendTag::BindComplete => M::BindComplete,
        BackendTag::CloseComplete => M::CloseComplete,
        BackendTag::CommandComplete => M::CommandComplete(r.cstr("a command tag")?),
        BackendTag::CopyBothResponse => M::CopyBothResponse(copy_shape(r)?),
        BackendTag::CopyData => M::CopyData(r.rest()),
        BackendTag::CopyDone => M::CopyDone,
        BackendTag::CopyInResponse => M::CopyInResponse(copy_shape(r)?),
        BackendTag::CopyOutResponse => M::CopyOutResponse(copy_shape(r)?),
        BackendTag::DataRow => M::DataRow(DataRow {
            count: r.count(4, "as many fields as it says")?,
            fields: r.rest(),
        }),
        BackendTag::EmptyQueryResponse => M::EmptyQueryResponse,
        BackendTag::ErrorResponse => M::ErrorResponse(fields(r)?),
        BackendTag::FunctionCallResponse => M::FunctionCallResponse(r.value("a value")?),
        BackendTag::NegotiateProtocolVersion => negotiate(r)?,
        BackendTag::NoData => M::NoData,
        BackendTag::NoticeResponse => M::NoticeResponse(fields(r)?),
        BackendTag::NotificationResponse => M::NotificationResponse {
            process_id: r.i32("a process number")?,
            channel: r.cstr("a channel")?,
            payload: r.cstr("a payload")?,
        },
        BackendTag::ParameterDescription => M::ParameterDescription(parameter_types(r)?),
        BackendTag::ParameterStatus => M::ParameterStatus {
            name: r.cstr("a setting's name")?,
            value: r.cstr("a setting's value")?,
        },
        BackendTag::ParseComplete => M::ParseComplete,
        BackendTag::PortalSuspended => M::PortalSuspended,
        BackendTag::ReadyForQuery => M::ReadyForQuery(transaction_status(r)?),
        BackendTag::RowDescription => M::RowDescription(row_description(r)?),
    };
    reader.end()?;
    Ok(message)
}

fn authentication<'a>(r: &mut Reader<'a>) -> Result<Authentication<'a>, Violation> {
    Ok(match r.i32("a kind of authentication")? {
        0 => Authentication::Ok,
        3 => Authentication::CleartextPassword,
        5 => {
            let salt = r.bytes(4, "a salt of 4 bytes")?;
            Authentication::Md5Password {
                salt: salt
                    .try_into()
                    .map_err(|_| r.malformed("a salt of 4 bytes"))?,
            }
        }
        10 => {
            let mut mechanisms = Vec::new();
            loop {
                let name = r.cstr("a mechanism name")?;
                if name.is_empty() {
                    break Authentication::Sasl(mechanisms);
                }
                mechanisms.push(name);
            }
        }
        11 => Authentication::SaslContinue(r.rest()),
        12 => Authentication::SaslFinal(r.rest()),
        other => {
            r.rest();
            Authentication::Unsupported(other)
        }
    })
}

fn key_data<'a>(r: &mut Reader<'a>) -> Result<BackendMessage<'a>, Violation> {
    let process_id = r.i32("a process number")?;
    let secret = r.rest();
    if !(4..=MAX_CANCEL_KEY).contains(&secret.len()) {
        return Err(r.malformed("a secret of 4 to 256 bytes"));
    }
    Ok(BackendMessage::BackendKeyData { process_id, secret })
}

fn copy_shape(r: &mut Reader<'_>) -> Result<CopyShape, Violation> {
    let format = match r.u8("a format")? {
        0 => Format::Text,
        1 => Format::Binary,
        _ => return Err(r.malformed("format 0 (text) or 1 (binary)")),
    };
    Ok(CopyShape {
        format,
        columns: Formats::read(r)?,
    })
}

fn fields<'a>(r: &mut Reader<'a>) -> Result<Fields<'a>, Violation> {
    let mut fields = Vec::new();
    loop {
        match r.u8("a field or the end")? {
            0 => break Ok(Fields(fields)),
            letter => fields.push((letter, r.cbytes("a field's text")?)),
        }
    }
}

fn negotiate<'a>(r: &mut Reader<'a>) -> Result<BackendMessage<'a>, Violation> {
    let newest_minor = r.i32("a minor version")?;
    let n = r.i32("a number of options")?;
    let mut unknown_options = Vec::new();
    for _ in 0..n {
        unknown_options.push(r.cstr("an option's name")?);
    }
    Ok(BackendMessage::NegotiateProtocolVersion {
        newest_minor,
        unknown_options,
    })
}

fn parameter_types(r: &mut Reader<'_>) -> Result<Vec<u32>, Violation> {
    let n = r.count(4, "a list of types")?;
    let mut types = Vec::with_capacity(n);
    for _ in 0..n {
        types.push(r.u32("a type")?);
    }
    Ok(types)
}

fn transaction_status(r: &mut Reader<'_>) -> Result<TransactionStatus, Violation> {
    match r.u8("a transaction status")? {
        b'I' => Ok(TransactionStatus::Idle),
        b'T' => Ok(TransactionStatus::InBlock),
        b'E' => Ok(TransactionStatus::Failed),
        _ => Err(r.malformed("transaction status I, T or E")),
    }
}

fn row_description<'a>(r: &mut Reader<'a>) -> Result<Vec<FieldDescription<'a>>, Violation> {
    // A name's NUL and 18 bytes of numbers.
    let n = r.count(19, "as many columns as it says")?;
    let mut columns = Vec::with_capacity(n);
    for _ in 0..n {
        columns.push(FieldDescription {
            name: r.cstr("a column name")?,
            table_oid: r.u32("a table")?,
            column: r.i16("a column number")?,
            type_oid: r.u32("a type")?,
            type_size: r.i16("a type size")?,
            type_modifier: r.i32("a type modifier")?,
            format: read_format(r)?,
        });
    }
    Ok(columns)
}
