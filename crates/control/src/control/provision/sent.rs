//! What a provider sends as a person or a group.

use super::{Object, Result, invalid};
use crate::identity::provider::DeclaredProvider;
use crate::identity::roster::Person;
use serde_json::Value;
use sluice_identity::scim::get;
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of one person or group for the provider, in bytes of JSON.
const MAX_ATTRIBUTES: usize = 32 << 10;
/// The longest of the texts that mean something here.
const MAX_TEXT: usize = 512;

/// A person as a provider sends them.
pub(super) struct SentPerson {
    pub(super) name: String,
    pub(super) active: Option<bool>,
    pub(super) external_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) display: Option<String>,
    pub(super) attributes: Object,
}

/// A group as a provider sends it.
pub(super) struct SentGroup {
    pub(super) name: String,
    pub(super) external_id: Option<String>,
    pub(super) members: BTreeSet<String>,
    pub(super) attributes: Object,
}

/// Reads a person. A password is never kept.
pub(super) fn sent_person(mut object: Object) -> Result<SentPerson> {
    let name = text(&mut object, "userName")?;
    let name = name.ok_or_else(|| invalid("expected \"userName\""))?;
    let active = match taken(&mut object, "active") {
        Value::Null => None,
        Value::Bool(active) => Some(active),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => return Err(invalid("expected \"active\" to be true or false")),
    };
    let external_id = text(&mut object, "externalId")?;
    taken(&mut object, "password");
    let emails = get(&object, "emails").and_then(Value::as_array);
    let emails = emails.map(Vec::as_slice).unwrap_or_default();
    let is_primary = |email: &&Value| email.get("primary") == Some(&Value::Bool(true));
    let email = emails.iter().find(is_primary).or(emails.first());
    let email = email.and_then(|e| get(e.as_object()?, "value")?.as_str());
    let display = get(&object, "displayName").and_then(Value::as_str);
    Ok(SentPerson {
        name,
        active,
        external_id,
        email: email.map(str::to_owned),
        display: display.map(str::to_owned),
        attributes: kept(object)?,
    })
}

/// Reads a group whose members are among these people.
pub(super) fn sent_group(
    provider: &DeclaredProvider,
    people: &BTreeMap<&str, &Person>,
    mut object: Object,
) -> Result<SentGroup> {
    let name = text(&mut object, "displayName")?;
    let name = name.ok_or_else(|| invalid("expected \"displayName\""))?;
    if let Err(problem) = provider.groups.checked(&name) {
        return Err(invalid(&format!(
            "it cannot be a group here: {problem}; an administrator can map it with groups.map of the identity provider"
        )));
    }
    let sent = taken(&mut object, "members");
    let mut members = BTreeSet::new();
    let sent = match sent {
        Value::Null => Vec::new(),
        Value::Array(all) => all,
        _ => return Err(invalid("expected \"members\" to be a list")),
    };
    for member in &sent {
        let value = member.as_object().and_then(|m| get(m, "value"));
        let value = value.and_then(Value::as_str);
        let value = value.ok_or_else(|| invalid("expected each member to have a \"value\""))?;
        if !people.contains_key(value) {
            let what =
                "expected members to be people who were provisioned; groups in groups are not read";
            return Err(invalid(what));
        }
        members.insert(value.to_owned());
    }
    Ok(SentGroup {
        name,
        external_id: text(&mut object, "externalId")?,
        members,
        attributes: kept(object)?,
    })
}

fn taken(object: &mut Object, name: &str) -> Value {
    let key = object.keys().find(|k| k.eq_ignore_ascii_case(name));
    let key = key.cloned();
    key.and_then(|key| object.remove(&key)).unwrap_or_default()
}

fn text(object: &mut Object, name: &str) -> Result<Option<String>> {
    match taken(object, name) {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if text.len() <= MAX_TEXT => Ok(Some(text)),
        _ => Err(invalid(&format!(
            "expected {name:?} to be a text of at most {MAX_TEXT} bytes"
        ))),
    }
}

/// What is kept for the provider: everything but what the gateway says itself.
fn kept(mut object: Object) -> Result<Object> {
    for name in ["schemas", "id", "meta", "groups"] {
        taken(&mut object, name);
    }
    let size = serde_json::to_string(&object).map_or(usize::MAX, |text| text.len());
    match size > MAX_ATTRIBUTES {
        true => Err(invalid("expected less than 32 KiB of attributes")),
        false => Ok(object),
    }
}
