//! Which operation of an OpenAPI document a request is (OpenAPI 3.0 and 3.1, Swagger 2.0).
//!
//! A document says which paths an interface has; policies speak of its operations by their ids. `document` reads
//! one, `servers` finds the paths below which it is served, `template` reads `/users/{id}`, and `tree` finds the
//! template of a path. A document in which one request could be two operations is refused: a rule about one of
//! them would say nothing about the other.

mod document;
mod error;
mod servers;
mod template;
#[cfg(test)]
mod tests;
mod tree;

pub use error::OpenApiError;

use super::path::Target;
use http::Method;
use serde_json::Value;
use template::Segment;
use tree::Tree;

/// The most operations of a document. The largest public interfaces have a few thousand.
pub const MAX_OPERATIONS: usize = 10_000;
/// The most bytes of a path's template; the longest in use have about 300.
pub const MAX_TEMPLATE: usize = 2_048;
/// The most segments of a template, its base path not counted; the deepest in use have about 25.
pub const MAX_TEMPLATE_SEGMENTS: usize = 64;
/// The most bytes of an `operationId`. Generators spell out long paths in them.
pub const MAX_ID: usize = 512;
/// The most base paths that servers of one document, path or operation may have.
pub const MAX_BASES: usize = 8;
/// The most references that are followed from one path, so that a ring of them ends.
pub const MAX_REFERENCES: usize = 8;

/// A document, ready to say which operation a request is.
#[derive(Debug)]
pub struct Document {
    operations: Vec<Operation>,
    tree: Tree,
}

/// One operation of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its `operationId`; `METHOD /template` if it has none.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path as the document writes it: `/users/{id}`.
    pub template: String,
    segments: Vec<Segment>,
}

impl Document {
    /// Reads a document that has been parsed from JSON or YAML.
    ///
    /// # Errors
    /// It is not of a version that is read here, something in it is not what it has to be, two of its operations
    /// cannot be told apart, or a limit is exceeded.
    pub fn read(document: &Value) -> Result<Self, OpenApiError> {
        document::read(document)
    }

    /// The operation that a request is. A segment of letters goes before one with a parameter, wherever both
    /// fit; a slash at the end is only looked at where the document has both paths.
    #[must_use]
    pub fn find(&self, method: &Method, target: &Target) -> Option<&Operation> {
        let found = self
            .tree
            .find(method, target.segments(), target.ends_with_slash());
        found.and_then(|index| self.operations.get(index))
    }

    /// All operations.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

impl Operation {
    /// The names and values of the parameters that are whole segments, for a request that is this operation.
    /// Where a segment holds a parameter and more, servers differ in what the value is.
    pub fn parameters<'a>(
        &'a self,
        target: &'a Target,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        // From the end, because a base path comes before.
        let pairs = self
            .segments
            .iter()
            .rev()
            .zip(target.segments().iter().rev());
        pairs.filter_map(|(segment, value)| match segment {
            Segment::Parameter(name) => Some((name.as_str(), value.as_str())),
            Segment::Literal(_) | Segment::Mixed(_) => None,
        })
    }
}
