//! What follows the question mark. It is sent as it came; its names are what rules may speak of.

use super::error::{Part, PathError};
use super::escape::{Unit, Units};
use std::collections::BTreeSet;

/// The most bytes of a query: as many as a whole request target may have.
pub const MAX_QUERY: usize = 16 * 1024;
/// The most pairs in a query. Common servers read 1,000 and drop or refuse the rest.
pub const MAX_PAIRS: usize = 1_000;

/// Checks a query: the text as it came, and its names without escapes.
pub(super) fn read(raw: &[u8]) -> Result<(String, BTreeSet<String>), PathError> {
    let part = Part::Query;
    let too_long = |most, unit| PathError::TooLong { part, most, unit };
    if raw.len() > MAX_QUERY {
        return Err(too_long(MAX_QUERY, "bytes"));
    }
    // Older servers separate pairs by it, and so see names that others do not.
    if raw.contains(&b';') {
        return Err(PathError::Semicolon);
    }
    let mut names = BTreeSet::new();
    let pairs = raw.split(|byte| *byte == b'&');
    for (count, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
        if count == MAX_PAIRS {
            return Err(too_long(MAX_PAIRS, "pairs"));
        }
        let mut sides = pair.splitn(2, |byte| *byte == b'=');
        let name = decoded(sides.next().unwrap_or_default())?;
        let value = decoded(sides.next().unwrap_or_default())?;
        // Values may be texts of several lines, such as a query in a language of its own.
        let is_line = |c: char| matches!(c, '\t' | '\n' | '\r');
        let controls = |c: char| c.is_control() && !is_line(c);
        if name.contains(char::is_control) || value.contains(controls) {
            return Err(PathError::Control { part });
        }
        names.insert(name);
    }
    let query = String::from_utf8(raw.to_vec()).map_err(|_| PathError::Character { part })?;
    Ok((query, names))
}

/// A name or a value as forms write them: a plus is a space.
fn decoded(raw: &[u8]) -> Result<String, PathError> {
    let part = Part::Query;
    let byte = |unit| match unit {
        Unit::Plain(b'+') => Ok(b' '),
        Unit::Plain(byte) if byte.is_ascii_graphic() && byte != b'#' => Ok(byte),
        Unit::Plain(_) => Err(PathError::Character { part }),
        Unit::Escaped(byte) => Ok(byte),
    };
    let bytes: Result<Vec<u8>, _> = Units::new(raw, part)
        .map(|unit| unit.and_then(byte))
        .collect();
    String::from_utf8(bytes?).map_err(|_| PathError::Text { part })
}
