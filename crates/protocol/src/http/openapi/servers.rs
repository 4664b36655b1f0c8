//! Below which paths an interface is served: `servers`, or `basePath` in Swagger 2.0.

use super::super::path::BasePath;
use super::{MAX_BASES, OpenApiError};
use serde_json::Value;
use std::collections::BTreeSet;

/// Base paths as segments without escapes; the root has none.
pub(super) type Bases = BTreeSet<Vec<String>>;

/// The most addresses that variables make of one server, so that many variables with many values end. A dozen
/// regions in a few environments make less than 100.
const MAX_ADDRESSES: usize = 1_000;

/// Reads `basePath` of a Swagger document.
pub(super) fn of_swagger(document: &Value) -> Result<Bases, OpenApiError> {
    let place = "basePath";
    let text = match document.get(place) {
        Some(value) => value.as_str().ok_or_else(|| not_a_path(place))?,
        None => "",
    };
    Ok(Bases::from([base(text, place)?]))
}

/// Reads `servers` of a document, a path or an operation; `None` if there are none.
pub(super) fn of_openapi(
    owner: Option<&Value>,
    place: &str,
) -> Result<Option<Bases>, OpenApiError> {
    let Some(servers) = owner else {
        return Ok(None);
    };
    let malformed = |expected| OpenApiError::Malformed {
        place: place.to_owned(),
        expected,
    };
    let servers = servers.as_array();
    let servers = servers.ok_or_else(|| malformed("a list of servers"))?;
    let mut bases = Bases::new();
    for server in servers {
        for address in addresses(server, place)? {
            let path = path_of(&address).ok_or_else(|| not_a_path(place))?;
            bases.insert(base(path, place)?);
            if bases.len() > MAX_BASES {
                return Err(too_much(place, MAX_BASES, "base paths"));
            }
        }
    }
    Ok(if bases.is_empty() { None } else { Some(bases) })
}

/// Each address of a server: its URL with each value of each variable.
fn addresses(server: &Value, place: &str) -> Result<Vec<String>, OpenApiError> {
    let url = server.get("url").and_then(Value::as_str);
    let mut open = vec![url.ok_or_else(|| not_a_path(place))?.to_owned()];
    let mut done = Vec::new();
    while let Some(address) = open.pop() {
        let Some((before, rest)) = address.split_once('{') else {
            done.push(address);
            continue;
        };
        let (name, after) = rest.split_once('}').ok_or_else(|| not_a_path(place))?;
        for value in values(server, name, place)? {
            if open.len() + done.len() == MAX_ADDRESSES {
                return Err(too_much(place, MAX_ADDRESSES, "addresses of one server"));
            }
            open.push([before, value, after].concat());
        }
    }
    Ok(done)
}

/// What a variable can be: what it is limited to, else its default.
fn values<'a>(server: &'a Value, name: &str, place: &str) -> Result<Vec<&'a str>, OpenApiError> {
    let variable = server
        .get("variables")
        .and_then(|variables| variables.get(name));
    let field = |key| variable.and_then(|variable| variable.get(key));
    let values = match field("enum").and_then(Value::as_array) {
        Some(values) if !values.is_empty() => values.iter().map(Value::as_str).collect(),
        _ => field("default")
            .map(|value| vec![value.as_str()])
            .unwrap_or_default(),
    };
    // Without braces, so that a value does not bring in a variable, perhaps its own.
    let plain = |value: &Option<&str>| value.is_some_and(|value| !value.contains(['{', '}']));
    if values.is_empty() || !values.iter().all(plain) {
        return Err(OpenApiError::Malformed {
            place: place.to_owned(),
            expected: "a default, or a list of values, for each variable",
        });
    }
    Ok(values.into_iter().flatten().collect())
}

/// What follows the host in an address, or the whole of a path.
fn path_of(address: &str) -> Option<&str> {
    let rest = address.split_once("://").map(|(_, rest)| rest);
    match rest.or_else(|| address.strip_prefix("//")) {
        Some(rest) => Some(
            rest.find('/')
                .and_then(|at| rest.get(at..))
                .unwrap_or_default(),
        ),
        None => address.starts_with('/').then_some(address),
    }
}

fn base(path: &str, place: &str) -> Result<Vec<String>, OpenApiError> {
    let base = BasePath::parse(path).map_err(|reason| OpenApiError::Path {
        place: place.to_owned(),
        reason,
    })?;
    Ok(base.segments().to_vec())
}

fn not_a_path(place: &str) -> OpenApiError {
    OpenApiError::Malformed {
        place: place.to_owned(),
        expected: "addresses with a host, or paths that begin with a slash",
    }
}

fn too_much(place: &str, most: usize, unit: &'static str) -> OpenApiError {
    OpenApiError::TooMuch {
        place: place.to_owned(),
        most,
        unit,
    }
}
