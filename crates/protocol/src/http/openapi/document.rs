//! Reading a document: its version, and each operation of each path.

use super::super::path::{Part, decoded};
use super::servers::{self, Bases};
use super::template::{self, Segment, Template};
use super::tree::{MAX_NODES, Refusal, Tree};
use super::{Document, MAX_ID, MAX_OPERATIONS, MAX_REFERENCES, OpenApiError, Operation};
use http::Method;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The methods that a path has operations for.
const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];
/// Where later versions have operations too. To leave these out would be to know less than the server.
const LATER: [&str; 2] = ["query", "additionaloperations"];

/// A document while it is read.
struct Reader<'d> {
    document: &'d Value,
    /// Whether paths and operations may have servers of their own.
    has_servers: bool,
    operations: Vec<Operation>,
    ids: HashSet<String>,
    tree: Tree,
}

/// Reads a whole document.
pub(super) fn read(document: &Value) -> Result<Document, OpenApiError> {
    let has_servers = is_openapi(document)?;
    let bases = if has_servers {
        servers::of_openapi(document.get("servers"), "servers")?
    } else {
        Some(servers::of_swagger(document)?)
    };
    let bases = bases.unwrap_or_else(|| Bases::from([Vec::new()]));
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or_else(|| malformed("paths".to_owned(), "an object with paths"))?;
    let mut reader = Reader {
        document,
        has_servers,
        operations: Vec::new(),
        ids: HashSet::new(),
        tree: Tree::new(),
    };
    for (text, item) in paths {
        if !text.starts_with("x-") {
            reader.path(text, item, &bases)?;
        }
    }
    Ok(Document {
        operations: reader.operations,
        tree: reader.tree,
    })
}

/// Whether it is OpenAPI 3; otherwise it is Swagger 2.0. YAML may have made a number of the version.
fn is_openapi(document: &Value) -> Result<bool, OpenApiError> {
    let version = |key| match document.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => Some(String::new()),
        None => None,
    };
    let within = |text: &str, version: &str| {
        let rest = text.strip_prefix(version);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match (version("openapi"), version("swagger")) {
        (Some(text), None) if within(&text, "3.0") || within(&text, "3.1") => Ok(true),
        (None, Some(text)) if text == "2.0" => Ok(false),
        _ => Err(OpenApiError::Version),
    }
}

impl<'d> Reader<'d> {
    /// Takes in the operations of one path.
    fn path(&mut self, text: &str, item: &'d Value, bases: &Bases) -> Result<(), OpenApiError> {
        let template = template::read(text)?;
        let place = || format!("paths.{text}");
        let item = self.followed(item, place)?;
        let own = self.own_bases(item, place)?;
        let bases = own.as_ref().unwrap_or(bases);
        for (key, value) in item {
            let lower = key.to_ascii_lowercase();
            let known = METHODS.iter().find(|(name, _)| *name == lower);
            let place = || format!("paths.{text}.{key}");
            match known {
                Some((name, method)) if name == key => {
                    let fields = value
                        .as_object()
                        .filter(|fields| !fields.contains_key("$ref"));
                    let fields = fields.ok_or_else(|| malformed(place(), "an operation"))?;
                    let own = self.own_bases(fields, place)?;
                    let id = id(fields, method, text, place)?;
                    self.operation(id, method, text, &template, own.as_ref().unwrap_or(bases))?;
                }
                Some(_) => return Err(malformed(place(), "methods in small letters")),
                None if LATER.contains(&lower.as_str()) => {
                    return Err(malformed(place(), "methods of OpenAPI 3.1"));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Takes in one operation, below each of its base paths.
    fn operation(
        &mut self,
        id: String,
        method: &Method,
        text: &str,
        template: &Template,
        bases: &Bases,
    ) -> Result<(), OpenApiError> {
        let index = self.operations.len();
        if index == MAX_OPERATIONS {
            return Err(too_much("paths".to_owned(), MAX_OPERATIONS, "operations"));
        }
        for base in bases {
            let base: Vec<Segment> = base.iter().cloned().map(Segment::Literal).collect();
            let segments = base.iter().chain(&template.segments);
            let inserted = self.tree.insert(segments, template.slash, method, index);
            inserted.map_err(|refusal| match refusal {
                Refusal::Full => too_much("paths".to_owned(), MAX_NODES, "different segments"),
                Refusal::Ambiguous(other) => {
                    let other = self.operations.get(other);
                    let other = other.map_or(text, |other| &other.template);
                    // In the same order, however the document's parts are ordered.
                    let (first, second) = (other.min(text), other.max(text));
                    OpenApiError::Ambiguous {
                        method: method.clone(),
                        first: first.to_owned(),
                        second: second.to_owned(),
                    }
                }
            })?;
        }
        if !self.ids.insert(id.clone()) {
            return Err(OpenApiError::DuplicateId { id });
        }
        self.operations.push(Operation {
            id,
            method: method.clone(),
            template: text.to_owned(),
            segments: template.segments.clone(),
        });
        Ok(())
    }

    /// The base paths of a path or an operation that has its own.
    fn own_bases(
        &self,
        owner: &Map<String, Value>,
        place: impl Fn() -> String,
    ) -> Result<Option<Bases>, OpenApiError> {
        match owner.get("servers") {
            Some(servers) if self.has_servers => {
                servers::of_openapi(Some(servers), &format!("{}.servers", place()))
            }
            _ => Ok(None),
        }
    }

    /// A path's item, or the one that its references lead to.
    fn followed(
        &self,
        mut item: &'d Value,
        place: impl Fn() -> String,
    ) -> Result<&'d Map<String, Value>, OpenApiError> {
        for _ in 0..=MAX_REFERENCES {
            let fields = item.as_object();
            let fields = fields.ok_or_else(|| malformed(place(), "an object with operations"))?;
            let Some(reference) = fields.get("$ref") else {
                return Ok(fields);
            };
            // Readers differ in what counts then.
            if METHODS.iter().any(|(name, _)| fields.contains_key(*name)) {
                return Err(malformed(place(), "a reference or operations, not both"));
            }
            let referred = reference.as_str().and_then(|text| self.referred(text));
            item = referred.ok_or_else(|| OpenApiError::Reference { place: place() })?;
        }
        Err(OpenApiError::Reference { place: place() })
    }

    /// What a reference within the document leads to: `#/paths/~1users`.
    fn referred(&self, reference: &str) -> Option<&'d Value> {
        let pointer = reference
            .strip_prefix('#')
            .filter(|pointer| pointer.starts_with('/'))?;
        self.document.pointer(&decoded(pointer, Part::Path).ok()?)
    }
}

/// An operation's id, or what stands for it.
fn id(
    fields: &Map<String, Value>,
    method: &Method,
    text: &str,
    place: impl Fn() -> String,
) -> Result<String, OpenApiError> {
    let Some(value) = fields.get("operationId") else {
        return Ok(format!("{method} {text}"));
    };
    let place = || format!("{}.operationId", place());
    let fits = |id: &&str| !id.is_empty() && !id.contains(char::is_control);
    let id = value.as_str().filter(fits);
    let id = id.ok_or_else(|| malformed(place(), "a text without control characters"))?;
    if id.len() > MAX_ID {
        return Err(too_much(place(), MAX_ID, "bytes"));
    }
    Ok(id.to_owned())
}

fn malformed(place: String, expected: &'static str) -> OpenApiError {
    OpenApiError::Malformed { place, expected }
}

fn too_much(place: String, most: usize, unit: &'static str) -> OpenApiError {
    OpenApiError::TooMuch { place, most, unit }
}
