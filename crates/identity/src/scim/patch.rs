//! Changes of a resource (RFC 7644, section 3.5.2), also as the large providers write them.

use super::filter::AttributePath;
use super::{Filter, MAX_FILTER, Result, ScimError, get, key_of};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What no change touches: the gateway says it.
const READ_ONLY: [&str; 4] = ["id", "meta", "schemas", "groups"];
/// Changes in one request.
const MAX_CHANGES: usize = 1_000;
/// Values of one attribute: the members of a large group.
const MAX_VALUES: usize = 50_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    verb: Verb,
    target: Option<Target>,
    value: Option<Value>,
}

/// What a path leads to: an attribute, or those values of one that a filter selects, or a part of either.
#[derive(Debug, Clone, PartialEq)]
struct Target {
    attribute: AttributePath,
    selected: Option<Filter>,
}

impl Target {
    fn read(text: &str) -> Result<Self> {
        if text.len() > MAX_FILTER {
            return Err(ScimError::InvalidPath("it is too long"));
        }
        let Some((name, rest)) = text.split_once('[') else {
            return Ok(Self {
                attribute: AttributePath::read(text)?,
                selected: None,
            });
        };
        let wrong =
            ScimError::InvalidPath("expected a path such as emails[type eq \"work\"].value");
        let (filter, rest) = rest.rsplit_once(']').ok_or(wrong.clone())?;
        let mut attribute = AttributePath::read(name)?;
        attribute.sub = match (rest.strip_prefix('.'), rest) {
            (_, "") if attribute.sub.is_none() => None,
            (Some(sub), _) if attribute.sub.is_none() => AttributePath::read(sub)
                .ok()
                .filter(|path| path.sub.is_none() && path.extension.is_none())
                .map(|path| Some(path.name))
                .ok_or(wrong)?,
            _ => return Err(wrong),
        };
        Ok(Self {
            attribute,
            selected: Some(Filter::read(filter)?),
        })
    }
}

impl Target {
    /// What a key of a whole object leads to: an extension is an object of its own.
    fn of_key(name: &str, value: &Value) -> Result<Self> {
        match AttributePath::of_extension(name).filter(|_| value.is_object()) {
            Some(attribute) => Ok(Self {
                attribute,
                selected: None,
            }),
            None => Self::read(name),
        }
    }
}

impl Change {
    /// Reads the changes of a request.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn read_all(request: &Map<String, Value>) -> Result<Vec<Self>> {
        let syntax = |text: &str| ScimError::InvalidSyntax(text.to_owned());
        let operations = get(request, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| syntax("expected a list of \"Operations\""))?;
        if operations.len() > MAX_CHANGES {
            return Err(syntax("expected at most 1000 operations in one request"));
        }
        operations.iter().map(Self::read).collect()
    }

    fn read(operation: &Value) -> Result<Self> {
        let syntax = |text: &str| ScimError::InvalidSyntax(text.to_owned());
        let operation = operation
            .as_object()
            .ok_or_else(|| syntax("expected an operation to be an object"))?;
        let verb = get(operation, "op").and_then(Value::as_str);
        let verb = match verb.map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Verb::Add,
            Some("replace") => Verb::Replace,
            Some("remove") => Verb::Remove,
            _ => return Err(syntax("expected \"op\" to be add, replace or remove")),
        };
        let target = match get(operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() => None,
            Some(Value::String(path)) => Some(Target::read(path)?),
            Some(_) => return Err(syntax("expected \"path\" to be a text")),
        };
        let value = get(operation, "value").cloned();
        match (verb, &target, &value) {
            (Verb::Remove, None, _) => Err(ScimError::NoTarget),
            (Verb::Add | Verb::Replace, _, None) => {
                Err(ScimError::InvalidValue("expected a \"value\"".to_owned()))
            }
            _ => Ok(Self {
                verb,
                target,
                value,
            }),
        }
    }
}

/// Makes the changes, all of them or none.
///
/// # Errors
/// The first change that cannot be made.
pub fn apply(resource: &Map<String, Value>, changes: &[Change]) -> Result<Map<String, Value>> {
    let mut changed = resource.clone();
    for change in changes {
        match &change.target {
            Some(target) => {
                let value = change.value.clone().unwrap_or(Value::Null);
                at_target(&mut changed, change.verb, target, value)?;
            }
            None => {
                let parts = change.value.as_ref().and_then(Value::as_object);
                let expected = "expected an object of attributes as \"value\" without \"path\"";
                let parts = parts.ok_or_else(|| ScimError::InvalidValue(expected.to_owned()))?;
                for (name, value) in parts {
                    let target = Target::of_key(name, value)?;
                    // What the gateway says itself comes along in whole objects.
                    if !is_read_only(&target.attribute) {
                        at_target(&mut changed, change.verb, &target, value.clone())?;
                    }
                }
            }
        }
    }
    Ok(changed)
}

fn is_read_only(attribute: &AttributePath) -> bool {
    let same = |name: &str| name.eq_ignore_ascii_case(&attribute.name);
    attribute.extension.is_none() && READ_ONLY.iter().any(|name| same(name))
}

fn at_target(
    resource: &mut Map<String, Value>,
    verb: Verb,
    target: &Target,
    value: Value,
) -> Result<()> {
    let attribute = &target.attribute;
    if is_read_only(attribute) {
        return Err(ScimError::Mutability(attribute.name.clone()));
    }
    let root = match &attribute.extension {
        None => resource,
        Some(urn) => object_at(resource, urn)?,
    };
    match (&target.selected, &attribute.sub) {
        (None, None) => whole(root, &attribute.name, verb, value),
        (None, Some(sub)) => {
            let inner = object_at(root, &attribute.name)?;
            whole(inner, sub, verb, value)
        }
        (Some(filter), sub) => selected(root, attribute, filter, sub.as_deref(), verb, value),
    }
}

/// The object under a name, made where there is none.
fn object_at<'m>(
    root: &'m mut Map<String, Value>,
    name: &str,
) -> Result<&'m mut Map<String, Value>> {
    let key = key_of(root, name);
    let place = root.entry(key).or_insert_with(|| Map::new().into());
    place.as_object_mut().ok_or(ScimError::InvalidPath(
        "it leads into something that has no parts",
    ))
}

/// Changes an attribute as a whole.
fn whole(root: &mut Map<String, Value>, name: &str, verb: Verb, value: Value) -> Result<()> {
    let key = key_of(root, name);
    match (verb, root.get_mut(&key), value) {
        // Some providers say which values to remove by the value and not by the path, one of them without a list.
        (Verb::Remove, Some(Value::Array(items)), Value::Object(gone)) => {
            let gone = Value::Object(gone);
            items.retain(|item| identity(item) != identity(&gone));
        }
        (Verb::Remove, Some(Value::Array(items)), Value::Array(gone)) if !gone.is_empty() => {
            let gone: HashSet<_> = gone.iter().map(identity).collect();
            items.retain(|item| !gone.contains(&identity(item)));
        }
        (Verb::Remove, _, _) | (Verb::Replace, _, Value::Null) => {
            root.remove(&key);
        }
        (Verb::Add, Some(Value::Array(items)), Value::Array(more)) => add_all(items, more)?,
        (Verb::Add, Some(Value::Array(items)), one) => add_all(items, vec![one])?,
        (_, Some(Value::Object(object)), Value::Object(parts)) => {
            for (name, value) in parts {
                whole(object, &name, verb, value)?;
            }
        }
        (_, _, value) => {
            root.insert(key, value);
        }
    }
    Ok(())
}

fn add_all(items: &mut Vec<Value>, more: Vec<Value>) -> Result<()> {
    if items.len().saturating_add(more.len()) > 2 * MAX_VALUES {
        return Err(too_many());
    }
    let mut known: HashSet<_> = items.iter().map(identity).collect();
    let is_new: Vec<bool> = more.iter().map(|v| known.insert(identity(v))).collect();
    drop(known);
    let fresh = more.into_iter().zip(is_new).filter(|(_, is_new)| *is_new);
    items.extend(fresh.map(|(value, _)| value));
    match items.len() > MAX_VALUES {
        true => Err(too_many()),
        false => Ok(()),
    }
}

fn too_many() -> ScimError {
    ScimError::InvalidValue("too many values".to_owned())
}

/// What makes a value of a list the one that it is: what it holds as `value`, where it is an object that does.
fn identity(value: &Value) -> (bool, &Value) {
    let named = value.as_object().and_then(|object| get(object, "value"));
    named.map_or((false, value), |named| (true, named))
}

/// Changes those values of a list that a filter selects.
fn selected(
    root: &mut Map<String, Value>,
    attribute: &AttributePath,
    filter: &Filter,
    sub: Option<&str>,
    verb: Verb,
    value: Value,
) -> Result<()> {
    let key = key_of(root, &attribute.name);
    let place = root.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(items) = place else {
        return Err(ScimError::InvalidPath(
            "it selects of something that is no list",
        ));
    };
    let is_selected = |item: &Value| item.as_object().is_some_and(|o| filter.matches(o));
    if verb == Verb::Remove && sub.is_none() {
        items.retain(|item| !is_selected(item));
        return Ok(());
    }
    if !items.iter().any(is_selected) {
        // Providers add and set the work address in this way where there is none.
        let made = filter.equality().filter(|_| verb != Verb::Remove);
        let (path, wanted) = made.ok_or(ScimError::NoTarget)?;
        let mut fresh = Map::new();
        fresh.insert(path.name.clone(), wanted.clone());
        items.push(fresh.into());
    }
    for item in items.iter_mut().filter(|item| is_selected(item)) {
        let Some(object) = item.as_object_mut() else {
            continue;
        };
        match (sub, &value) {
            (Some(sub), value) => whole(object, sub, verb, value.clone())?,
            (None, Value::Object(parts)) => {
                for (name, value) in parts {
                    whole(object, name, verb, value.clone())?;
                }
            }
            (None, _) => {
                let expected = "expected an object as \"value\" of a selected value";
                return Err(ScimError::InvalidValue(expected.to_owned()));
            }
        }
    }
    Ok(())
}
