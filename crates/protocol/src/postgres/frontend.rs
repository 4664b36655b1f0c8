//! Messages from the client, read strictly: every byte accounted for, texts NUL-terminated and UTF-8.

use super::read::Reader;
use super::tags::{FrontendTag, Tag};
use super::types::{Formats, Named};
use super::violation::{Peer, Violation};

/// One message, borrowing from its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrontendMessage<'a> {
    /// A simple query: one or more statements.
    Query(&'a str),
    /// A statement to prepare.
    Parse(Parse<'a>),
    /// Values for a prepared statement.
    Bind(Bind<'a>),
    /// A wish for a shape.
    Describe(Named<'a>),
    /// A portal to run.
    Execute(Execute<'a>),
    /// A statement or portal to forget.
    Close(Named<'a>),
    /// The end of a pipeline's step.
    Sync,
    /// A wish to see answers now.
    Flush,
    /// A piece of COPY data.
    CopyData(&'a [u8]),
    /// The end of COPY data.
    CopyDone,
    /// COPY given up, with the client's reason.
    CopyFail(&'a str),
    /// The password, without its NUL.
    Password(PasswordText<'a>),
    /// A call of a function by number; its arguments are not looked at because it is always refused.
    FunctionCall,
    /// The client leaves.
    Terminate,
}

/// A password as sent; blank in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PasswordText<'a>(&'a str);

impl<'a> PasswordText<'a> {
    /// The text itself.
    #[must_use]
    pub fn expose(self) -> &'a str {
        self.0
    }
}

impl std::fmt::Debug for PasswordText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordText(..)")
    }
}

/// A Parse message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parse<'a> {
    /// The statement's name; empty for the unnamed one.
    pub name: &'a str,
    /// Its text.
    pub query: &'a str,
    /// Type numbers of the first parameters; 0 leaves one to the server.
    pub parameter_types: Vec<u32>,
}

/// A Bind message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind<'a> {
    /// The portal's name; empty for the unnamed one.
    pub portal: &'a str,
    /// The statement's name; empty for the unnamed one.
    pub statement: &'a str,
    /// How the values are written; fits `parameters`.
    pub parameter_formats: Formats,
    /// The values; `None` is NULL.
    pub parameters: Vec<Option<&'a [u8]>>,
    /// How the columns of the answer shall be written.
    pub result_formats: Formats,
}

/// An Execute message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execute<'a> {
    /// The portal's name; empty for the unnamed one.
    pub portal: &'a str,
    /// The most rows wanted; zero or less for all.
    pub max_rows: i32,
}

/// Reads the body of a message of type `tag`.
///
/// # Errors
/// [`Violation::Malformed`] when the body is not that of such a message, exactly.
pub fn parse(tag: FrontendTag, body: &[u8]) -> Result<FrontendMessage<'_>, Violation> {
    let mut reader = Reader::new(Peer::Client, tag.rule().name, body);
    let message = match tag {
        FrontendTag::Query => FrontendMessage::Query(reader.cstr("a statement")?),
        FrontendTag::Parse => FrontendMessage::Parse(parse_parse(&mut reader)?),
        FrontendTag::Bind => FrontendMessage::Bind(parse_bind(&mut reader)?),
        FrontendTag::Describe => FrontendMessage::Describe(named(&mut reader)?),
        FrontendTag::Execute => FrontendMessage::Execute(Execute {
            portal: reader.cstr("a portal name")?,
            max_rows: reader.i32("a row limit")?,
        }),
        FrontendTag::Close => FrontendMessage::Close(named(&mut reader)?),
        FrontendTag::Sync => FrontendMessage::Sync,
        FrontendTag::Flush => FrontendMessage::Flush,
        FrontendTag::CopyData => FrontendMessage::CopyData(reader.rest()),
        FrontendTag::CopyDone => FrontendMessage::CopyDone,
        FrontendTag::CopyFail => FrontendMessage::CopyFail(reader.cstr("a reason")?),
        FrontendTag::Password => {
            FrontendMessage::Password(PasswordText(reader.cstr("a password")?))
        }
        FrontendTag::FunctionCall => {
            reader.rest();
            FrontendMessage::FunctionCall
        }
        FrontendTag::Terminate => FrontendMessage::Terminate,
    };
    reader.end()?;
    Ok(message)
}

fn parse_parse<'a>(reader: &mut Reader<'a>) -> Result<Parse<'a>, Violation> {
    let name = reader.cstr("a statement name")?;
    let query = reader.cstr("a statement")?;
    let n = reader.count(4, "a list of parameter types")?;
    let mut parameter_types = Vec::with_capacity(n);
    for _ in 0..n {
        parameter_types.push(reader.u32("a parameter type")?);
    }
    Ok(Parse {
        name,
        query,
        parameter_types,
    })
}

/// Reads the part of a Bind body that follows its two names, which are left empty.
///
/// # Errors
/// As [`parse`].
pub fn bound(body: &[u8]) -> Result<Bind<'_>, Violation> {
    let mut reader = Reader::new(Peer::Client, FrontendTag::Bind.rule().name, body);
    let bind = parse_bound(&mut reader, "", "")?;
    reader.end()?;
    Ok(bind)
}

fn parse_bind<'a>(reader: &mut Reader<'a>) -> Result<Bind<'a>, Violation> {
    let portal = reader.cstr("a portal name")?;
    let statement = reader.cstr("a statement name")?;
    parse_bound(reader, portal, statement)
}

fn parse_bound<'a>(
    reader: &mut Reader<'a>,
    portal: &'a str,
    statement: &'a str,
) -> Result<Bind<'a>, Violation> {
    let parameter_formats = Formats::read(reader)?;
    let n = reader.count(4, "a list of values")?;
    if !parameter_formats.fits(n) {
        return Err(reader.malformed("no format code, one, or one for each value"));
    }
    let mut parameters = Vec::with_capacity(n);
    for _ in 0..n {
        parameters.push(reader.value("a value")?);
    }
    let result_formats = Formats::read(reader)?;
    Ok(Bind {
        portal,
        statement,
        parameter_formats,
        parameters,
        result_formats,
    })
}

fn named<'a>(reader: &mut Reader<'a>) -> Result<Named<'a>, Violation> {
    match reader.u8("S or P")? {
        b'S' => reader.cstr("a statement name").map(Named::Statement),
        b'P' => reader.cstr("a portal name").map(Named::Portal),
        _ => Err(reader.malformed("S (statement) or P (portal)")),
    }
}
