//! Taking data out of the target's errors and notices.

use super::tags::BackendTag;
use super::violation::Violation;
use bytes::BytesMut;
use sluice_model::TextMask;

/// How much is taken out.
#[derive(Clone, Copy)]
pub enum Scrub<'a> {
    /// What the mask finds in any text.
    Found(&'a dyn TextMask),
    /// That, and everything that may repeat a value: details, hints, contexts, quoted values. For sessions
    /// to which columns are hidden that no detector knows.
    Strict(&'a dyn TextMask),
}

/// Appends the ErrorResponse or NoticeResponse `tag` with this `body`, scrubbed.
///
/// # Errors
/// The body cannot be read.
pub fn scrub_report(
    _tag: BackendTag,
    _body: &[u8],
    _scrub: Scrub<'_>,
    _out: &mut BytesMut,
) -> Result<(), Violation> {
    Ok(())
}
