//! What a request's target means, decided once. What is matched, what is recorded and what is sent are parts of
//! one [`Target`], so that the rules and the server behind them cannot read two paths in one.
//!
//! Whatever two readers could understand in two ways is refused: dots that walk up, slashes and backslashes in
//! disguise, empty segments, escapes of escapes of these. `escape` undoes escapes, `segment` and `query` read the
//! two parts.

mod error;
mod escape;
mod query;
mod segment;
#[cfg(test)]
mod tests;

pub use error::{Part, PathError};
pub(crate) use escape::{Unit, Units, decoded, is_unreserved, push_escaped};
pub use query::{MAX_PAIRS, MAX_QUERY};
pub(crate) use segment::check_name;

use http::Method;
use std::collections::BTreeSet;
use std::fmt;

/// The most bytes of a path: half of what a request target may have. Object keys, the longest in use, have at
/// most 1,024 bytes, and three times that with every byte escaped.
pub const MAX_PATH: usize = 8 * 1024;
/// The most segments of a path. Interfaces nest about 20 deep, trees of files and object keys up to 100.
pub const MAX_SEGMENTS: usize = 256;

/// A path and its query as they are decided on and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    path: String,
    segments: Vec<String>,
    query: Option<String>,
    query_names: BTreeSet<String>,
}

impl Target {
    /// Reads a request target in origin form: `/a/b%20c;v=1?x=1&y`.
    ///
    /// # Errors
    /// It is not a path, or not one that every server reads in the same way; or a limit is exceeded.
    pub fn parse(raw: &[u8]) -> Result<Self, PathError> {
        let mut parts = raw.splitn(2, |byte| *byte == b'?');
        let path = parts.next().unwrap_or_default();
        let (path, segments) = read_path(path)?;
        let (query, query_names) = match parts.next() {
            Some(raw) => query::read(raw).map(|(query, names)| (Some(query), names))?,
            None => (None, BTreeSet::new()),
        };
        Ok(Self {
            path,
            segments,
            query,
            query_names,
        })
    }

    /// The path in its normal form, as it is sent: escapes in capitals and only where they are needed.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The segments without escapes, for matching and for policies; none for `/`. A slash at the end makes no
    /// segment: most servers do not tell `/a/` from `/a`, and a rule about one has to hold for the other.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether the path ends with a slash. `/` does.
    #[must_use]
    pub fn ends_with_slash(&self) -> bool {
        self.path.ends_with('/')
    }

    /// Whether a segment has parameters: `/a;v=1`. Java's servers take them off before they choose what to run,
    /// others do not; so rules about `a` may or may not be meant.
    #[must_use]
    pub fn has_parameters(&self) -> bool {
        self.segments.iter().any(|segment| segment.contains(';'))
    }

    /// What follows `?`, as it came and is sent.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The names in the query, without escapes.
    #[must_use]
    pub fn query_names(&self) -> &BTreeSet<String> {
        &self.query_names
    }

    /// The path and the query as one request target in origin form.
    #[must_use]
    pub fn sent(&self) -> String {
        match &self.query {
            Some(query) => [self.path.as_str(), "?", query].concat(),
            None => self.path.clone(),
        }
    }

    /// The rest after this many segments, such as the two of `/c/reports` that say which connection is meant.
    /// `None` if there are fewer.
    #[must_use]
    pub fn stripped(&self, prefix_segments: usize) -> Option<Self> {
        let segments = self.segments.get(prefix_segments..)?.to_vec();
        // Before each segment is one slash, and no other is in the normal form but one at the end.
        let path = match self.path.match_indices('/').nth(prefix_segments) {
            Some((at, _)) => self.path.get(at..)?.to_owned(),
            None => "/".to_owned(),
        };
        Some(Self {
            path,
            segments,
            query: self.query.clone(),
            query_names: self.query_names.clone(),
        })
    }
}

/// Without what was sent: a path or a query may hold a secret.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("segments", &self.segments.len())
            .field("query_names", &self.query_names.len())
            .finish_non_exhaustive()
    }
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// The server as a whole: `OPTIONS *`.
    Server,
    /// Something at a path.
    Path(Target),
}

impl Requested {
    /// Reads a request target in origin form, or `*` if the method is OPTIONS.
    ///
    /// # Errors
    /// As for [`Target::parse`].
    pub fn parse(method: &Method, raw: &[u8]) -> Result<Self, PathError> {
        if raw == b"*" && *method == Method::OPTIONS {
            Ok(Self::Server)
        } else {
            Target::parse(raw).map(Self::Path)
        }
    }
}

/// The path below which a target's interface is: `/api/v2`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasePath {
    /// In normal form, without a slash at the end; empty for none.
    path: String,
    segments: Vec<String>,
}

impl BasePath {
    /// Reads a base path by the rules of targets. A slash at its end means nothing; `/` and the empty text are
    /// no base path.
    ///
    /// # Errors
    /// It is not a path by these rules, or it has a query.
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        if raw.is_empty() {
            return Ok(Self::default());
        }
        let (mut path, segments) = read_path(raw.as_bytes())?;
        if path.ends_with('/') {
            path.pop();
        }
        Ok(Self { path, segments })
    }

    /// In normal form, without a slash at the end; empty for none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The segments without escapes.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

/// `target` with `base` in front: what is sent to a target that has a base path.
#[must_use]
pub fn joined(base: &BasePath, target: &Target) -> Target {
    Target {
        path: [base.path.as_str(), target.path.as_str()].concat(),
        segments: [base.segments.as_slice(), target.segments.as_slice()].concat(),
        query: target.query.clone(),
        query_names: target.query_names.clone(),
    }
}

/// The normal form of a path, and its segments without escapes.
fn read_path(raw: &[u8]) -> Result<(String, Vec<String>), PathError> {
    let [b'/', rest @ ..] = raw else {
        return Err(PathError::NotAPath);
    };
    if raw.len() > MAX_PATH {
        return Err(PathError::TooLong {
            part: Part::Path,
            most: MAX_PATH,
            unit: "bytes",
        });
    }
    let mut normal = String::with_capacity(raw.len());
    let mut segments = Vec::new();
    let mut parts = rest.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        normal.push('/');
        // Nothing after the last slash is no segment; nothing between two is refused below.
        if part.is_empty() && parts.peek().is_none() {
            break;
        }
        if segments.len() == MAX_SEGMENTS {
            return Err(PathError::TooLong {
                part: Part::Path,
                most: MAX_SEGMENTS,
                unit: "segments",
            });
        }
        segments.push(segment::read(part, &mut normal)?);
    }
    Ok((normal, segments))
}
