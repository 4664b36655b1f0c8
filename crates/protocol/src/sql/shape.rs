//! The shape of a text: the text with its plain literals replaced, so that statements that differ in nothing else
//! are read once.
//!
//! Sound by being narrow: only digits that cannot be part of anything else and `'...'` without a prefix or a
//! backslash are replaced, and a text with a comment, a dollar quote or anything unusual has no shape.

/// The longest text that has a shape: longer ones are rarely repeated.
const MAX_SHAPE_BYTES: usize = 8 << 10;

/// The most digits that the grammar reads as a number of one and the same kind (`int`).
const MAX_DIGITS: usize = 9;

/// Writes the shape of `text` to `shape`; `false` when it has none.
pub(crate) fn shape_of(text: &str, shape: &mut String) -> bool {
    shape.clear();
    if text.len() > MAX_SHAPE_BYTES {
        return false;
    }
    shape.reserve(text.len());
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let (mut next, mut copied, mut replaced) = (0, 0, false);
    while next < bytes.len() {
        let byte = at(next);
        let literal_end = match byte {
            b'\'' => match string_end(bytes, next) {
                Some(end) if !is_word(before(bytes, next)) && before(bytes, next) != b'&' => {
                    Some(end)
                }
                _ => return false,
            },
            b'0'..=b'9' if !is_word(before(bytes, next)) => match number_end(bytes, next) {
                Some(end) if before(bytes, next) != b'.' => Some(end),
                _ => return false,
            },
            b'"' => match quoted_end(bytes, next) {
                Some(end) => {
                    next = end;
                    continue;
                }
                None => return false,
            },
            b'\\' | 0 => return false,
            b'-' if at(next + 1) == b'-' => return false,
            b'/' if at(next + 1) == b'*' => return false,
            b'$' if !at(next + 1).is_ascii_digit() => return false,
            _ => None,
        };
        let Some(end) = literal_end else {
            next += 1;
            continue;
        };
        shape.push_str(text.get(copied..next).unwrap_or_default());
        shape.push_str(if byte == b'\'' { "''" } else { "0" });
        replaced = true;
        next = end;
        copied = end;
    }
    shape.push_str(text.get(copied..).unwrap_or_default());
    replaced
}

fn before(bytes: &[u8], index: usize) -> u8 {
    index
        .checked_sub(1)
        .and_then(|index| bytes.get(index).copied())
        .unwrap_or(b' ')
}

/// What can be part of an identifier or of a parameter.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
}

/// Past the closing quote of a string without backslashes.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut next = start + 1;
    loop {
        let rest = bytes.get(next..)?;
        let found = memchr::memchr2(b'\'', b'\\', rest)?;
        next += found + 1;
        if rest.get(found) == Some(&b'\\') {
            return None;
        }
        if bytes.get(next) != Some(&b'\'') {
            return Some(next);
        }
        next += 1;
    }
}

/// Past the closing quote of a quoted identifier, which is kept.
fn quoted_end(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start + 1..)?;
    memchr::memchr(b'"', rest).map(|found| start + found + 2)
}

/// Past a whole number that nothing is joined to.
fn number_end(bytes: &[u8], start: usize) -> Option<usize> {
    let digits = bytes
        .get(start..)?
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let end = start + digits;
    let joined = bytes
        .get(end)
        .is_some_and(|byte| is_word(*byte) || *byte == b'.');
    (digits <= MAX_DIGITS && !joined).then_some(end)
}
