//! Messages that the gateway writes, to clients and to targets. Each function appends one whole message.
//!
//! What goes to a client always can be written: its texts are the gateway's own, cut at a limit and freed of
//! NUL. What goes to a target is refused when it would be read there as something else than it is here.

use super::startup::{CancelKey, ProtocolVersion};
use super::types::{Formats, Named, TransactionStatus};
use bytes::{BufMut, BytesMut};

/// The longest text in a message to a client. More than any policy message or planner error needs.
const MAX_TEXT: usize = 64 * 1024;

/// Why a message to a target could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotEncode {
    /// A text with a NUL inside, where the target would stop reading.
    #[error("a text for a {0} message contains a NUL byte; expected none, remove it")]
    Nul(&'static str),
    /// More or larger things than the message's counts can say.
    #[error("a {0} message would be too large for the protocol; send less at once")]
    TooLarge(&'static str),
}

/// What an error or notice says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report<'a> {
    /// `ERROR`, `FATAL`, `WARNING`, `NOTICE` and such.
    pub severity: &'a str,
    /// Five characters.
    pub sqlstate: &'a str,
    /// One line.
    pub message: &'a str,
    /// More lines.
    pub detail: Option<&'a str>,
    /// What to do.
    pub hint: Option<&'a str>,
}

/// Appends a message whose length is known to fit.
fn put(out: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(tag);
    let at = out.len();
    out.put_i32(0);
    body(out);
    patch_length(out, at);
}

/// Writes the length of what was appended since `at` into the four bytes there. Saturates: the callers'
/// limits are far below, and a saturated length is one that every reader refuses.
pub(super) fn patch_length(out: &mut BytesMut, at: usize) {
    let length = i32::try_from(out.len().saturating_sub(at)).unwrap_or(i32::MAX);
    if let Some(field) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) {
        *field = length.to_be_bytes();
    }
}

/// A text of the gateway's own.
fn put_text(out: &mut BytesMut, text: &str) {
    let text = text
        .get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or(text);
    out.extend(text.bytes().filter(|b| *b != 0));
    out.put_u8(0);
}

/// A text that must arrive as it is.
fn put_exact(out: &mut BytesMut, name: &'static str, text: &str) -> Result<(), CannotEncode> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(CannotEncode::Nul(name));
    }
    out.put_slice(text.as_bytes());
    out.put_u8(0);
    Ok(())
}

/// Appends a message to a target; `out` is as before when it cannot be written. No tag: the first packet.
fn try_put(
    out: &mut BytesMut,
    tag: Option<u8>,
    name: &'static str,
    body: impl FnOnce(&mut BytesMut) -> Result<(), CannotEncode>,
) -> Result<(), CannotEncode> {
    let start = out.len();
    out.extend(tag);
    let at = out.len();
    out.put_i32(0);
    let written = body(out).and_then(|()| {
        i32::try_from(out.len() - at)
            .map(drop)
            .map_err(|_| CannotEncode::TooLarge(name))
    });
    match written {
        Ok(()) => patch_length(out, at),
        Err(_) => out.truncate(start),
    }
    written
}

fn put_count(out: &mut BytesMut, name: &'static str, count: usize) -> Result<(), CannotEncode> {
    out.put_u16(u16::try_from(count).map_err(|_| CannotEncode::TooLarge(name))?);
    Ok(())
}

// To clients.

/// AuthenticationOk.
pub fn authentication_ok(out: &mut BytesMut) {
    put(out, b'R', |o| o.put_i32(0));
}

/// AuthenticationCleartextPassword; only ever sent inside TLS or on a loopback listener that says so.
pub fn authentication_cleartext_password(out: &mut BytesMut) {
    put(out, b'R', |o| o.put_i32(3));
}

/// AuthenticationSASL with this one mechanism.
pub fn authentication_sasl(out: &mut BytesMut, mechanism: &str) {
    put(out, b'R', |o| {
        o.put_i32(10);
        o.put_slice(mechanism.as_bytes());
        o.put_slice(b"\0\0");
    });
}

/// AuthenticationSASLContinue.
pub fn authentication_sasl_continue(out: &mut BytesMut, data: &str) {
    put(out, b'R', |o| {
        o.put_i32(11);
        o.put_slice(data.as_bytes());
    });
}

/// ErrorResponse.
pub fn error_response(out: &mut BytesMut, report: &Report<'_>) {
    put(out, b'E', |o| put_report(o, report));
}

/// NoticeResponse.
pub fn notice_response(out: &mut BytesMut, report: &Report<'_>) {
    put(out, b'N', |o| put_report(o, report));
}

fn put_report(out: &mut BytesMut, report: &Report<'_>) {
    let fields = [
        (b'S', Some(report.severity)),
        (b'V', Some(report.severity)),
        (b'C', Some(report.sqlstate)),
        (b'M', Some(report.message)),
        (b'D', report.detail),
        (b'H', report.hint),
    ];
    for (letter, text) in fields {
        if let Some(text) = text {
            out.put_u8(letter);
            put_text(out, text);
        }
    }
    out.put_u8(0);
}

/// ParameterStatus.
pub fn parameter_status(out: &mut BytesMut, name: &str, value: &str) {
    put(out, b'S', |o| {
        put_text(o, name);
        put_text(o, value);
    });
}

/// BackendKeyData with a key of the gateway's own.
pub fn backend_key_data(out: &mut BytesMut, key: &CancelKey) {
    put(out, b'K', |o| {
        o.put_i32(key.process_id);
        o.put_slice(&key.secret);
    });
}

/// ReadyForQuery.
pub fn ready_for_query(out: &mut BytesMut, status: TransactionStatus) {
    put(out, b'Z', |o| o.put_u8(status.byte()));
}

/// NegotiateProtocolVersion: the newest version that is spoken, and the options that are not known.
pub fn negotiate_protocol_version(
    out: &mut BytesMut,
    newest: ProtocolVersion,
    unknown_options: &[String],
) {
    put(out, b'v', |o| {
        o.put_i32(newest.code());
        o.put_i32(i32::try_from(unknown_options.len()).unwrap_or(i32::MAX));
        for option in unknown_options {
            put_text(o, option);
        }
    });
}

/// CommandComplete with a command tag such as `SET`.
pub fn command_complete(out: &mut BytesMut, tag: &str) {
    put(out, b'C', |o| put_text(o, tag));
}

/// EmptyQueryResponse.
pub fn empty_query_response(out: &mut BytesMut) {
    put(out, b'I', |_| {});
}

/// ParseComplete.
pub fn parse_complete(out: &mut BytesMut) {
    put(out, b'1', |_| {});
}

/// BindComplete.
pub fn bind_complete(out: &mut BytesMut) {
    put(out, b'2', |_| {});
}

/// CloseComplete.
pub fn close_complete(out: &mut BytesMut) {
    put(out, b'3', |_| {});
}

/// NoData.
pub fn no_data(out: &mut BytesMut) {
    put(out, b'n', |_| {});
}

/// NotificationResponse, after its payload was looked at.
pub fn notification_response(out: &mut BytesMut, process_id: i32, channel: &str, payload: &str) {
    put(out, b'A', |o| {
        o.put_i32(process_id);
        put_text(o, channel);
        put_text(o, payload);
    });
}

// To targets.

/// SSLRequest.
pub fn ssl_request(out: &mut BytesMut) {
    out.put_i32(8);
    out.put_i32(super::startup::SSL_REQUEST_CODE);
}

/// CancelRequest with the target's own key.
///
/// # Errors
/// The key is longer than the protocol has.
pub fn cancel_request(out: &mut BytesMut, key: &CancelKey) -> Result<(), CannotEncode> {
    if key.secret.len() > super::backend::MAX_CANCEL_KEY {
        return Err(CannotEncode::TooLarge("CancelRequest"));
    }
    try_put(out, None, "CancelRequest", |o| {
        o.put_i32(super::startup::CANCEL_REQUEST_CODE);
        o.put_i32(key.process_id);
        o.put_slice(&key.secret);
        Ok(())
    })
}

/// StartupMessage.
///
/// # Errors
/// A name or value has a NUL.
pub fn startup<'p>(
    out: &mut BytesMut,
    version: ProtocolVersion,
    parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> Result<(), CannotEncode> {
    const NAME: &str = "Startup";
    try_put(out, None, NAME, |o| {
        o.put_i32(version.code());
        for (name, value) in parameters {
            put_exact(o, NAME, name)?;
            put_exact(o, NAME, value)?;
        }
        o.put_u8(0);
        Ok(())
    })
}

/// PasswordMessage: a cleartext password or the md5 response.
///
/// # Errors
/// The password has a NUL.
pub fn password(out: &mut BytesMut, password: &str) -> Result<(), CannotEncode> {
    try_put(out, Some(b'p'), "Password", |o| {
        put_exact(o, "Password", password)
    })
}

/// SASLInitialResponse.
///
/// # Errors
/// The mechanism has a NUL.
pub fn sasl_initial_response(
    out: &mut BytesMut,
    mechanism: &str,
    response: &[u8],
) -> Result<(), CannotEncode> {
    const NAME: &str = "SASLInitialResponse";
    try_put(out, Some(b'p'), NAME, |o| {
        put_exact(o, NAME, mechanism)?;
        put_value(o, NAME, Some(response))
    })
}

/// SASLResponse.
pub fn sasl_response(out: &mut BytesMut, response: &[u8]) {
    put(out, b'p', |o| o.put_slice(response));
}

/// Query.
///
/// # Errors
/// The statement has a NUL.
pub fn query(out: &mut BytesMut, text: &str) -> Result<(), CannotEncode> {
    try_put(out, Some(b'Q'), "Query", |o| put_exact(o, "Query", text))
}

/// Parse.
///
/// # Errors
/// The name or statement has a NUL, or there are too many types.
pub fn parse(
    out: &mut BytesMut,
    name: &str,
    text: &str,
    parameter_types: &[u32],
) -> Result<(), CannotEncode> {
    try_put(out, Some(b'P'), "Parse", |o| {
        put_exact(o, "Parse", name)?;
        put_exact(o, "Parse", text)?;
        put_count(o, "Parse", parameter_types.len())?;
        for oid in parameter_types {
            o.put_u32(*oid);
        }
        Ok(())
    })
}

/// Bind.
///
/// # Errors
/// A name has a NUL, there are too many values, or one is too long.
pub fn bind(out: &mut BytesMut, bind: &super::frontend::Bind<'_>) -> Result<(), CannotEncode> {
    const NAME: &str = "Bind";
    try_put(out, Some(b'B'), NAME, |o| {
        put_exact(o, NAME, bind.portal)?;
        put_exact(o, NAME, bind.statement)?;
        put_formats(o, NAME, &bind.parameter_formats)?;
        put_count(o, NAME, bind.parameters.len())?;
        for value in &bind.parameters {
            put_value(o, NAME, *value)?;
        }
        put_formats(o, NAME, &bind.result_formats)
    })
}

fn put_formats(
    out: &mut BytesMut,
    name: &'static str,
    formats: &Formats,
) -> Result<(), CannotEncode> {
    put_count(out, name, formats.codes().len())?;
    for format in formats.codes() {
        out.put_i16(format.code());
    }
    Ok(())
}

fn put_value(
    out: &mut BytesMut,
    name: &'static str,
    value: Option<&[u8]>,
) -> Result<(), CannotEncode> {
    match value {
        None => out.put_i32(-1),
        Some(value) => {
            let length = i32::try_from(value.len()).map_err(|_| CannotEncode::TooLarge(name))?;
            out.put_i32(length);
            out.put_slice(value);
        }
    }
    Ok(())
}

/// Describe.
///
/// # Errors
/// The name has a NUL.
pub fn describe(out: &mut BytesMut, what: Named<'_>) -> Result<(), CannotEncode> {
    try_put(out, Some(b'D'), "Describe", |o| {
        put_named(o, "Describe", what)
    })
}

/// Close.
///
/// # Errors
/// The name has a NUL.
pub fn close(out: &mut BytesMut, what: Named<'_>) -> Result<(), CannotEncode> {
    try_put(out, Some(b'C'), "Close", |o| put_named(o, "Close", what))
}

fn put_named(
    out: &mut BytesMut,
    message: &'static str,
    what: Named<'_>,
) -> Result<(), CannotEncode> {
    let (kind, name) = match what {
        Named::Statement(name) => (b'S', name),
        Named::Portal(name) => (b'P', name),
    };
    out.put_u8(kind);
    put_exact(out, message, name)
}

/// Execute.
///
/// # Errors
/// The portal's name has a NUL.
pub fn execute(out: &mut BytesMut, portal: &str, max_rows: i32) -> Result<(), CannotEncode> {
    try_put(out, Some(b'E'), "Execute", |o| {
        put_exact(o, "Execute", portal)?;
        o.put_i32(max_rows);
        Ok(())
    })
}

/// Sync.
pub fn sync(out: &mut BytesMut) {
    put(out, b'S', |_| {});
}

/// Flush.
pub fn flush(out: &mut BytesMut) {
    put(out, b'H', |_| {});
}

/// Terminate.
pub fn terminate(out: &mut BytesMut) {
    put(out, b'X', |_| {});
}

/// CopyFail with the gateway's reason.
pub fn copy_fail(out: &mut BytesMut, reason: &str) {
    put(out, b'f', |o| put_text(o, reason));
}
