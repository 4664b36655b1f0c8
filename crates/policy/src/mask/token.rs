//! Detectors that start at a fixed text: API keys, JSON web tokens, private key blocks.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::detector::{Detector, DetectorError, Detectors};
use super::scan::{Hit, Hits, before, byte, in_word_before, run};

/// What follows a fixed text.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Signs of `body`, at least `least` and at most `most` of them; `mixed` asks for letters and digits among them.
    Key {
        body: fn(u8) -> bool,
        least: usize,
        most: usize,
        mixed: bool,
    },
    /// The rest of a JSON web token.
    WebToken,
    /// The rest of a block with begin and end lines, when it is a private key.
    Block,
    /// A secret access key behind a name that says so.
    NamedSecret,
}

#[derive(Debug)]
struct Format {
    detector: Detector,
    prefix: &'static str,
    shape: Shape,
}

/// No upper limit: these formats have grown before, and more signs do not make them less secret.
const OPEN: usize = usize::MAX;

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// The alphabet of base64url (RFC 4648 section 5).
fn url_safe(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

fn path(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'/'
}

/// The alphabet of base32 in upper case (RFC 4648 section 6).
fn base32(b: u8) -> bool {
    matches!(b, b'A'..=b'Z' | b'2'..=b'7')
}

/// The alphabet of base64 without padding (RFC 4648 section 4).
fn base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+')
}

const fn exact(
    detector: Detector,
    prefix: &'static str,
    body: fn(u8) -> bool,
    length: usize,
) -> Format {
    Format {
        detector,
        prefix,
        shape: Shape::Key {
            body,
            least: length,
            most: length,
            mixed: false,
        },
    }
}

const fn open(
    detector: Detector,
    prefix: &'static str,
    body: fn(u8) -> bool,
    least: usize,
) -> Format {
    Format {
        detector,
        prefix,
        shape: Shape::Key {
            body,
            least,
            most: OPEN,
            mixed: false,
        },
    }
}

/// For a prefix that ordinary names begin with, too.
const fn mixed(
    detector: Detector,
    prefix: &'static str,
    body: fn(u8) -> bool,
    least: usize,
) -> Format {
    Format {
        detector,
        prefix,
        shape: Shape::Key {
            body,
            least,
            most: OPEN,
            mixed: true,
        },
    }
}

const fn shaped(detector: Detector, prefix: &'static str, shape: Shape) -> Format {
    Format {
        detector,
        prefix,
        shape,
    }
}

/// Every format. Of two that begin alike the longer stands first.
const FORMATS: &[Format] = &[
    shaped(Detector::Jwt, "eyJ", Shape::WebToken),
    shaped(Detector::PrivateKey, "-----BEGIN ", Shape::Block),
    shaped(Detector::PrivateKey, "---- BEGIN ", Shape::Block),
    exact(Detector::AwsAccessKey, "AKIA", base32, 16),
    exact(Detector::AwsAccessKey, "ASIA", base32, 16),
    exact(Detector::AwsAccessKey, "ABIA", base32, 16),
    exact(Detector::AwsAccessKey, "ACCA", base32, 16),
    shaped(Detector::AwsSecretKey, "aws_secret", Shape::NamedSecret),
    shaped(Detector::AwsSecretKey, "AWS_SECRET", Shape::NamedSecret),
    shaped(Detector::AwsSecretKey, "awsSecret", Shape::NamedSecret),
    shaped(
        Detector::AwsSecretKey,
        "secret_access_key",
        Shape::NamedSecret,
    ),
    shaped(
        Detector::AwsSecretKey,
        "SECRET_ACCESS_KEY",
        Shape::NamedSecret,
    ),
    shaped(Detector::AwsSecretKey, "ecretAccessKey", Shape::NamedSecret),
    shaped(
        Detector::AwsSecretKey,
        "ecret access key",
        Shape::NamedSecret,
    ),
    open(Detector::GithubToken, "github_pat_", word, 36),
    open(Detector::GithubToken, "ghp_", alphanumeric, 36),
    open(Detector::GithubToken, "gho_", alphanumeric, 36),
    open(Detector::GithubToken, "ghu_", alphanumeric, 36),
    open(Detector::GithubToken, "ghs_", alphanumeric, 36),
    open(Detector::GithubToken, "ghr_", alphanumeric, 36),
    open(Detector::GitlabToken, "glpat-", url_safe, 20),
    open(Detector::GitlabToken, "gldt-", url_safe, 20),
    open(Detector::GitlabToken, "glrt-", url_safe, 20),
    open(Detector::GitlabToken, "glptt-", url_safe, 20),
    open(Detector::GitlabToken, "glcbt-", url_safe, 20),
    open(Detector::GitlabToken, "gloas-", url_safe, 20),
    open(Detector::GitlabToken, "glsoat-", url_safe, 20),
    open(Detector::GitlabToken, "glagent-", url_safe, 20),
    mixed(Detector::SlackToken, "xoxb-", url_safe, 10),
    mixed(Detector::SlackToken, "xoxp-", url_safe, 10),
    mixed(Detector::SlackToken, "xoxa-", url_safe, 10),
    mixed(Detector::SlackToken, "xoxe-", url_safe, 10),
    mixed(Detector::SlackToken, "xoxr-", url_safe, 10),
    mixed(Detector::SlackToken, "xoxs-", url_safe, 10),
    mixed(Detector::SlackToken, "xapp-", url_safe, 10),
    open(Detector::SlackToken, "hooks.slack.com/services/", path, 30),
    open(Detector::StripeKey, "sk_live_", alphanumeric, 16),
    open(Detector::StripeKey, "sk_test_", alphanumeric, 16),
    open(Detector::StripeKey, "rk_live_", alphanumeric, 16),
    open(Detector::StripeKey, "rk_test_", alphanumeric, 16),
    open(Detector::StripeKey, "whsec_", base64, 16),
    exact(Detector::GoogleApiKey, "AIza", url_safe, 35),
    exact(Detector::GoogleApiKey, "GOCSPX-", url_safe, 28),
    mixed(Detector::AnthropicKey, "sk-ant-", url_safe, 20),
    mixed(Detector::OpenaiKey, "sk-", url_safe, 20),
    open(Detector::NpmToken, "npm_", alphanumeric, 36),
    mixed(Detector::SluiceToken, "sluice_", url_safe, 20),
];

/// Every find holds, or is named by, a run of so many signs of base64 in either alphabet; the shortest is
/// `xoxb-` with ten more. Words of prose seldom are as long, so that most texts are not searched at all.
const LONG_RUN: usize = 15;

/// Whether `text` holds a run of [`LONG_RUN`] such signs. Looks at every fifteenth byte, and around it only
/// when that one is such a sign, since a run of this length cannot stand between.
fn has_long_run(text: &[u8]) -> bool {
    let is_sign = |b: u8| url_safe(b) || base64(b);
    let mut at = LONG_RUN - 1;
    while let Some(b) = text.get(at) {
        if is_sign(*b) {
            let left = text.get(..at).unwrap_or_default().iter().rev();
            let left = left.take(LONG_RUN - 1).take_while(|b| is_sign(**b)).count();
            let right = run(text, at + 1, LONG_RUN - 1, is_sign);
            if left + 1 + right >= LONG_RUN {
                return true;
            }
            at += right + 1;
        }
        at += LONG_RUN;
    }
    false
}

/// The fixed texts of the detectors that any class names.
#[derive(Debug, Clone)]
pub(super) struct TokenIndex {
    prefixes: Option<AhoCorasick>,
    formats: Arc<[&'static Format]>,
}

impl TokenIndex {
    /// Indexes the formats of `detectors`.
    pub(super) fn new(detectors: Detectors) -> Result<Self, DetectorError> {
        let formats: Arc<[&Format]> = FORMATS
            .iter()
            .filter(|format| detectors.has(format.detector))
            .collect();
        let prefixes = if formats.is_empty() {
            None
        } else {
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(formats.iter().map(|format| format.prefix));
            Some(built.map_err(|_| DetectorError::Index)?)
        };
        Ok(Self { prefixes, formats })
    }
}

/// Finds values that start at a fixed text.
#[derive(Debug)]
pub(super) struct TokenScan {
    index: TokenIndex,
    active: Detectors,
    any: bool,
}

impl TokenScan {
    pub(super) fn new(index: &TokenIndex, active: Detectors) -> Self {
        let any = index
            .formats
            .iter()
            .any(|format| active.has(format.detector));
        Self {
            index: index.clone(),
            active,
            any,
        }
    }

    /// Linear in the text: a format that fails has looked at a bounded number of bytes, or at a run that the
    /// next candidate cannot be inside of.
    pub(super) fn find(&self, text: &[u8], hits: &mut Hits) {
        if !self.any || !has_long_run(text) {
            return;
        }
        let Some(prefixes) = &self.index.prefixes else {
            return;
        };
        let mut at = 0;
        while let Some(found) = prefixes.find(Input::new(text).range(at..)) {
            at = found.start() + 1;
            let Some(format) = self.index.formats.get(found.pattern().as_usize()) else {
                continue;
            };
            if !self.active.has(format.detector) {
                continue;
            }
            if let Some(span) = format.shape.read(text, found.start()..found.end()) {
                at = span.end;
                hits.push(Hit {
                    detector: format.detector,
                    span,
                });
            }
        }
    }
}

impl Shape {
    /// The span to mask, given where the fixed text stands.
    fn read(self, text: &[u8], prefix: Range<usize>) -> Option<Range<usize>> {
        match self {
            Self::Key {
                body,
                least,
                most,
                mixed,
            } => {
                if in_word_before(text, prefix.start) {
                    return None;
                }
                // Tested on its head before the whole is measured: a run may hold many prefixes that all fail.
                let head = run(text, prefix.end, MIXED_WITHIN, body);
                if mixed && !is_mixed(text.get(prefix.end..prefix.end + head)?) {
                    return None;
                }
                let length = run(text, prefix.end, most.saturating_add(1), body);
                (least..=most)
                    .contains(&length)
                    .then_some(prefix.start..prefix.end + length)
            }
            Self::WebToken => web_token(text, prefix),
            Self::Block => private_key_block(text, prefix),
            Self::NamedSecret => named_secret(text, prefix.end),
        }
    }
}

/// How much of a key decides whether it looks random; words of a name that long without a digit do not.
const MIXED_WITHIN: usize = 64;

/// Whether letters and digits both occur, which names such as `sk-learn-...` and `sluice_sessions_opened_total` lack.
fn is_mixed(head: &[u8]) -> bool {
    head.iter().any(u8::is_ascii_digit) && head.iter().any(u8::is_ascii_alphabetic)
}

/// The least base64url signs of a token's header; the shortest, `{"alg":"none"}`, has 19.
const MIN_HEADER: usize = 16;

/// Compact form (RFC 7515 section 3.1, RFC 7516 section 3.1): three parts when signed, five when encrypted.
fn web_token(text: &[u8], prefix: Range<usize>) -> Option<Range<usize>> {
    if in_word_before(text, prefix.start) || matches!(before(text, prefix.start, 1), b'_' | b'-') {
        return None;
    }
    let part = |at: usize| run(text, at, usize::MAX, url_safe);
    let header = prefix.len() + part(prefix.end);
    if header < MIN_HEADER {
        return None;
    }
    let mut end = prefix.start + header;
    let (mut parts, mut signs) = (1, 0);
    while parts < 5 && byte(text, end) == b'.' {
        let length = part(end + 1);
        signs += length;
        end += 1 + length;
        parts += 1;
    }
    (parts >= 3 && signs > 0).then_some(prefix.start..end)
}

/// The longest name of a block that is looked at; `PGP PRIVATE KEY BLOCK` has 21 signs.
const MAX_LABEL: usize = 64;

/// RFC 7468, RFC 4716, RFC 9580 section 6.2. Without its end line, everything to the end of the text is the key.
fn private_key_block(text: &[u8], prefix: Range<usize>) -> Option<Range<usize>> {
    let length = run(text, prefix.end, MAX_LABEL, |b| {
        b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' '
    });
    let label = text.get(prefix.end..prefix.end + length)?;
    let names = |word: &[u8]| memchr::memmem::find(label, word).is_some();
    if !names(b"PRIVATE KEY") || byte(text, prefix.end + length) != b'-' {
        return None;
    }
    let body = prefix.end + length;
    let rest = text.get(body..)?;
    let is_mark = |found: &usize| {
        rest.get(..*found)
            .is_some_and(|r| r.ends_with(b"-----") || r.ends_with(b"---- "))
    };
    let end = memchr::memmem::find_iter(rest, b"END ").find(is_mark);
    let end = end.map_or(text.len(), |found| {
        let mark = body + found;
        mark + run(text, mark, MAX_LABEL, |b| {
            b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b' ')
        })
    });
    Some(prefix.start..end)
}

/// The length of an AWS secret access key.
const SECRET_LENGTH: usize = 40;

/// The most letters between the fixed text and what separates it from the key (`_access_key`).
const MAX_NAME_REST: usize = 24;

/// The most signs of punctuation and space between a name and its key.
const MAX_ASSIGNMENT: usize = 16;

/// A secret access key behind the name that ends at `at`.
fn named_secret(text: &[u8], at: usize) -> Option<Range<usize>> {
    let name = at
        + run(text, at, MAX_NAME_REST, |b| {
            b.is_ascii_alphabetic() || b == b'_'
        });
    let gap = run(text, name, MAX_ASSIGNMENT, |b| {
        b.is_ascii_whitespace()
            || matches!(
                b,
                b'"' | b'\'' | b'=' | b':' | b'>' | b',' | b'|' | b'`' | b'\\'
            )
    });
    let start = name + gap;
    let length = run(text, start, SECRET_LENGTH + 1, base64);
    (gap > 0 && length == SECRET_LENGTH).then_some(start..start + length)
}
