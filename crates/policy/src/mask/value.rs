//! What becomes of a sensitive value: the masks, and how their output is known again.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use sluice_model::{Mask, Secret, TextMask};

use super::detector::DetectorError;

/// What stands in place of a redacted value.
pub const REDACTED: &str = "[redacted]";

/// What a hash mask begins with.
const HASH_PREFIX: &str = "h_";

/// Length of a hash mask after its prefix: 80 bits, so that two of a billion distinct values collide with
/// a chance of about one in two million.
const HASH_CHARS: usize = 16;

/// The least length of a hash key in bytes: 128 bits, beyond guessing.
const MIN_HASH_KEY: usize = 16;

/// The alphabet of base32 (RFC 4648 section 6) in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The key of hash masks. Equal values become equal hashes under one key; without it they cannot be guessed.
#[derive(Clone)]
pub struct HashKey(Arc<hmac::Key>);

impl HashKey {
    /// Takes the key's text as it is.
    ///
    /// # Errors
    /// [`DetectorError::ShortHashKey`] below 16 bytes.
    pub fn new(secret: &Secret) -> Result<Self, DetectorError> {
        let bytes = secret.expose().as_bytes();
        if bytes.len() < MIN_HASH_KEY {
            return Err(DetectorError::ShortHashKey {
                got: bytes.len(),
                expected: MIN_HASH_KEY,
            });
        }
        Ok(Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes))))
    }

    /// Appends the hash of `value`: the prefix, then the first 80 bits of HMAC-SHA-256 in base32.
    fn hash_into(&self, value: &str, out: &mut String) {
        let tag = hmac::sign(&self.0, value.as_bytes());
        out.push_str(HASH_PREFIX);
        let (mut bits, mut held) = (0_u32, 0_u32);
        let mut left = HASH_CHARS;
        for byte in tag.as_ref() {
            bits = (bits << 8) | u32::from(*byte);
            held += 8;
            while held >= 5 && left > 0 {
                held -= 5;
                left -= 1;
                let index = (bits >> held) & 31;
                out.push(BASE32.get(index as usize).copied().map_or('a', char::from));
            }
            bits &= (1 << held) - 1;
            if left == 0 {
                break;
            }
        }
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// A mask, ready to be applied to texts.
#[derive(Debug, Clone)]
pub(super) enum TextRule {
    Constant(Arc<str>),
    KeepFirst(usize),
    KeepLast(usize),
    Hash(HashKey),
}

impl TextRule {
    /// Inside a text there is no null, so that [`Mask::Null`] redacts like [`Mask::Redact`].
    pub(super) fn new(mask: &Mask, key: &HashKey) -> Self {
        match mask {
            Mask::Redact | Mask::Null => Self::redact(),
            Mask::Constant(text) => Self::Constant(text.as_str().into()),
            Mask::KeepFirst(count) => Self::KeepFirst(usize::from(*count)),
            Mask::KeepLast(count) => Self::KeepLast(usize::from(*count)),
            Mask::Hash => Self::Hash(key.clone()),
        }
    }

    /// The rule that shows nothing.
    pub(super) fn redact() -> Self {
        Self::Constant(REDACTED.into())
    }

    /// Whether both make the same of every value. There is one hash key per snapshot.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => a == b,
            (Self::KeepFirst(a), Self::KeepFirst(b)) | (Self::KeepLast(a), Self::KeepLast(b)) => {
                a == b
            }
            (Self::Hash(_), Self::Hash(_)) => true,
            _ => false,
        }
    }

    /// Appends what becomes of `value`.
    pub(super) fn apply(&self, value: &str, out: &mut String) {
        match self {
            Self::Constant(text) => out.push_str(text),
            Self::Hash(key) => key.hash_into(value, out),
            Self::KeepFirst(count) => keep(value, *count, End::First, out),
            Self::KeepLast(count) => keep(value, *count, End::Last, out),
        }
    }
}

impl TextMask for TextRule {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        self.apply(text, out);
        true
    }
}

/// The mask of a whole value, for a column that is known to hold a data class. [`Mask::Null`] redacts:
/// whoever can answer null does so without this.
#[must_use]
pub fn whole_text(mask: &Mask, key: &HashKey) -> Arc<dyn TextMask> {
    Arc::new(TextRule::new(mask, key))
}

/// Which end of a value stays.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// Keeps `count` letters and digits at one end and stars the others. Spaces and ASCII punctuation stay, since
/// they carry a value's form; any other sign is starred, since a value may consist of them. A value with no more
/// than `count` letters and digits is starred whole, and so is the punctuation of one that has none.
fn keep(value: &str, count: usize, end: End, out: &mut String) {
    let total = value.chars().filter(|c| c.is_alphanumeric()).count();
    let kept = match end {
        _ if total <= count => 0..0,
        End::First => 0..count,
        End::Last => total - count..total,
    };
    out.reserve(value.len());
    let mut seen = 0;
    for c in value.chars() {
        if c.is_alphanumeric() {
            out.push(if kept.contains(&seen) { c } else { '*' });
            seen += 1;
        } else if c.is_whitespace() || (total > 0 && c.is_ascii_punctuation()) {
            out.push(c);
        } else {
            out.push('*');
        }
    }
}

/// The least number of stars that tells a mask from ordinary text such as `*.example.com` or `a * b`.
const MIN_STARS: usize = 3;

/// Whether `text` is, or contains, the output of one of our masks, so that writing it back would destroy data.
/// Constants cannot be told from data and are not recognised.
#[must_use]
pub fn looks_masked(text: &str) -> bool {
    if text.contains(REDACTED) || contains_hash(text) {
        return true;
    }
    let stars = memchr::memchr_iter(b'*', text.as_bytes()).count();
    stars >= MIN_STARS && (is_starred(text) || text.split_whitespace().any(is_starred_word))
}

fn contains_hash(text: &str) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), HASH_PREFIX).any(|at| {
        let (before, rest) = text.as_bytes().split_at(at);
        let body = rest.get(HASH_PREFIX.len()..).unwrap_or_default();
        let length = body.iter().take_while(|byte| BASE32.contains(byte)).count();
        let inside_word =
            |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        length == HASH_CHARS && !inside_word(before.last()) && !inside_word(body.get(length))
    })
}

/// Whether the letters and digits of `text` stand all before or all after its stars (three or more).
fn is_starred(text: &str) -> bool {
    let signs = text.chars().filter(|c| *c == '*' || c.is_alphanumeric());
    let (mut turns, mut stars, mut previous) = (0, 0, None);
    for sign in signs {
        let star = sign == '*';
        stars += usize::from(star);
        turns += usize::from(previous.is_some_and(|before| before != star));
        previous = Some(star);
    }
    stars >= MIN_STARS && turns <= 1
}

/// A starred word within a longer text. Letters and stars alone are more likely to be emphasis (`***word`).
fn is_starred_word(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '@')) && is_starred(word)
}
