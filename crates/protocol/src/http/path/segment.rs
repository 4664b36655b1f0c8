//! One segment of a path.

use super::error::{Part, PathError};
use super::escape::{Unit, Units, is_unreserved, push_escaped, settled};

/// What a segment is without its escapes. Its normal form is appended: capitals in escapes, no escapes where
/// none is needed, all else as it came (RFC 3986, 6.2.2).
pub(super) fn read(raw: &[u8], normal: &mut String) -> Result<String, PathError> {
    let part = Part::Path;
    let mut bytes = Vec::with_capacity(raw.len());
    for unit in Units::new(raw, part) {
        match unit? {
            // Some servers read a slash.
            Unit::Plain(b'\\') => return Err(PathError::Slash),
            Unit::Plain(byte) if byte.is_ascii_graphic() && !b"#?".contains(&byte) => {
                normal.push(char::from(byte));
                bytes.push(byte);
            }
            Unit::Plain(_) => return Err(PathError::Character { part }),
            Unit::Escaped(byte) => {
                if is_unreserved(byte) {
                    normal.push(char::from(byte));
                } else {
                    push_escaped(normal, byte);
                }
                bytes.push(byte);
            }
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| PathError::Text { part })?;
    check_name(&text)?;
    Ok(text)
}

/// Refuses a segment without its escapes that does not name one thing below the segment before it, for any server.
pub(crate) fn check_name(text: &str) -> Result<(), PathError> {
    check(text)?;
    // The same has to hold for servers that undo escapes more than once.
    if text.contains('%') {
        let settled = String::from_utf8(settled(text.as_bytes()));
        check(&settled.map_err(|_| PathError::Text { part: Part::Path })?)?;
    }
    Ok(())
}

fn check(text: &str) -> Result<(), PathError> {
    if text.contains(char::is_control) {
        return Err(PathError::Control { part: Part::Path });
    }
    if text.contains(['/', '\\']) {
        return Err(PathError::Slash);
    }
    // Java's servers take parameters off before they look at dots; Windows takes off dots and spaces at the end.
    let name = text.split(';').next().unwrap_or_default();
    if name.chars().all(|c| c == '.' || c.is_whitespace()) {
        return Err(PathError::Dots);
    }
    Ok(())
}
