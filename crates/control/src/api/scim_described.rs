//! What SCIM calls the kinds of resources and their schemas (RFC 7643, sections 6 to 8), as far as they mean something
//! here or are of use to those who look at what a provider sent.

use serde_json::{Value, json};
use sluice_identity::scim::{ENTERPRISE, GROUP, USER};

const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

pub(super) fn kinds() -> Vec<Value> {
    let kind = |name: &str, schema: &str, extensions: Value| {
        json!({
            "schemas": [RESOURCE_TYPE], "id": name, "name": name, "endpoint": format!("/{name}s"),
            "description": format!("{name}s that are provisioned"),
            "schema": schema, "schemaExtensions": extensions,
        })
    };
    let enterprise = json!([{"schema": ENTERPRISE, "required": false}]);
    vec![
        kind("User", USER, enterprise),
        kind("Group", GROUP, json!([])),
    ]
}

/// How an attribute is: plain, or of these parts.
fn attribute(name: &str, kind: &str, parts: &[&str]) -> Value {
    let described = json!({
        "name": name, "type": kind, "multiValued": false, "required": false, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
        "description": format!("the {name}"),
    });
    if parts.is_empty() {
        return described;
    }
    let parts: Vec<Value> = parts.iter().map(|part| part_named(part)).collect();
    with(described, "subAttributes", parts.into())
}

fn part_named(name: &str) -> Value {
    match name {
        "primary" => attribute(name, "boolean", &[]),
        "$ref" => {
            let reference = attribute(name, "reference", &[]);
            with(reference, "referenceTypes", json!(["User", "Group"]))
        }
        _ => attribute(name, "string", &[]),
    }
}

fn texts(names: &[&str]) -> Vec<Value> {
    let text = |name: &&str| attribute(name, "string", &[]);
    names.iter().map(text).collect()
}

/// A list of values with these parts.
fn list(name: &str, parts: &[&str]) -> Value {
    with(
        attribute(name, "complex", parts),
        "multiValued",
        json!(true),
    )
}

fn with(mut attribute: Value, name: &str, value: Value) -> Value {
    if let Some(object) = attribute.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
    attribute
}

fn schema(id: &str, name: &str, attributes: Vec<Value>) -> Value {
    json!({
        "schemas": [SCHEMA], "id": id, "name": name, "description": name, "attributes": attributes,
    })
}

/// Of a member it is sent who it is; the gateway says the rest.
fn members() -> Vec<Value> {
    let part = |name: &str, changes: &str| with(part_named(name), "mutability", json!(changes));
    vec![
        part("value", "immutable"),
        part("$ref", "immutable"),
        part("display", "readOnly"),
        part("type", "readOnly"),
    ]
}

pub(super) fn schemas() -> Vec<Value> {
    let required = |attribute| with(attribute, "required", json!(true));
    let unique = |attribute| with(attribute, "uniqueness", json!("server"));
    let name = [
        "formatted",
        "familyName",
        "givenName",
        "middleName",
        "honorificPrefix",
        "honorificSuffix",
    ];
    let plain = [
        "displayName",
        "nickName",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
    ];
    let value = ["value", "display", "type", "primary"];
    let mut user = vec![
        unique(required(attribute("userName", "string", &[]))),
        attribute("name", "complex", &name),
        attribute("active", "boolean", &[]),
        list("emails", &value),
        list("phoneNumbers", &value),
        with(
            list("groups", &["value", "$ref", "display"]),
            "mutability",
            json!("readOnly"),
        ),
    ];
    user.extend(texts(&plain));
    let group = vec![
        unique(required(attribute("displayName", "string", &[]))),
        with(
            list("members", &["value"]),
            "subAttributes",
            members().into(),
        ),
    ];
    let mut enterprise = texts(&[
        "employeeNumber",
        "costCenter",
        "organization",
        "division",
        "department",
    ]);
    enterprise.push(attribute("manager", "complex", &["value", "displayName"]));
    vec![
        schema(USER, "User", user),
        schema(GROUP, "Group", group),
        schema(ENTERPRISE, "EnterpriseUser", enterprise),
    ]
}
