//! XML that everybody reads alike: no document types, no comments, no processing instructions, no id that stands twice.

use super::{MAX_MESSAGE, Result, SamlError};
use roxmltree::{Document, Node, NodeType, ParsingOptions};
use sluice_model::Timestamp;
use std::collections::BTreeSet;

pub(super) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(super) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Elements and texts of one document: an assertion with a thousand attributes has some five thousand.
const MAX_NODES: u32 = 20_000;
/// How deep elements may nest: messages of identity providers nest about twelve deep.
const MAX_DEPTH: usize = 48;
/// Different declarations of namespaces in one document. What the reader does for an element grows with the square of
/// those in scope; messages declare about ten, some of them on every value again.
const MAX_NAMESPACES: usize = 64;
/// Attributes of one element, whose number counts in the same way. Messages have about eight.
const MAX_ATTRIBUTES: usize = 64;

/// Reads a message.
pub(super) fn parse(text: &str) -> Result<Document<'_>> {
    let document = well_formed(text)?;
    let mut ids = BTreeSet::new();
    for node in document.descendants() {
        match node.node_type() {
            NodeType::Comment => return Err(SamlError::Xml("it holds a comment")),
            NodeType::PI => return Err(SamlError::Xml("it holds a processing instruction")),
            NodeType::Root | NodeType::Element | NodeType::Text => {}
        }
        let ids_here = node
            .attributes()
            .filter(|a| a.name().eq_ignore_ascii_case("id"));
        for id in ids_here {
            if !ids.insert(id.value()) {
                return Err(SamlError::Xml("an id stands twice"));
            }
        }
    }
    Ok(document)
}

/// Reads metadata, which may hold what messages may not: whoever declared it is believed.
pub(super) fn well_formed(text: &str) -> Result<Document<'_>> {
    if text.len() > MAX_MESSAGE {
        return Err(SamlError::TooLong);
    }
    declares_utf8(text)?;
    is_quickly_read(text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        entity_resolver: None,
    };
    let read = Document::parse_with_options(text, options);
    let document = read.map_err(|_| SamlError::Xml("it is not well formed"))?;
    let too_deep = |node: Node<'_, '_>| node.ancestors().nth(MAX_DEPTH + 2).is_some();
    match document.descendants().any(too_deep) {
        true => Err(SamlError::Xml("it nests too deep")),
        false => Ok(document),
    }
}

/// Refuses what would keep the reader busy, before it reads anything: whoever sends it has proved nothing yet.
fn is_quickly_read(text: &str) -> Result<()> {
    let declarations = text.split("xmlns").skip(1);
    let mut seen = BTreeSet::new();
    for declaration in declarations {
        let end = declaration.match_indices(['"', '\'']).nth(1);
        let whole = end.and_then(|(end, _)| declaration.get(..end));
        seen.insert(whole.unwrap_or(declaration));
        if seen.len() > MAX_NAMESPACES {
            return Err(SamlError::Xml("it declares too many namespaces"));
        }
    }
    // Each has one, and text has few.
    let attributes = |tag: &str| tag.matches('=').count();
    match text.split('<').any(|tag| attributes(tag) > MAX_ATTRIBUTES) {
        true => Err(SamlError::Xml("an element has too many attributes")),
        false => Ok(()),
    }
}

/// Bytes that say that they are in another encoding would be another text to others.
fn declares_utf8(text: &str) -> Result<()> {
    let declaration = text.strip_prefix("<?xml");
    let declaration = declaration.and_then(|rest| rest.split_once("?>"));
    let Some((_, said)) = declaration.and_then(|(inside, _)| inside.split_once("encoding")) else {
        return Ok(());
    };
    let name = said.split(['"', '\'']).nth(1).unwrap_or_default();
    match name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") {
        true => Ok(()),
        false => Err(SamlError::Xml("it says that it is not in UTF-8")),
    }
}

/// Whether an element is called that.
pub(super) fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element()
        && node.tag_name().namespace() == Some(namespace)
        && node.tag_name().name() == name
}

/// The elements in an element, which holds nothing else.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>> {
    let mut found = Vec::new();
    for child in node.children() {
        if child.is_element() {
            found.push(child);
        } else if child.text().is_some_and(|text| !text.trim().is_empty()) && child.is_text() {
            return Err(SamlError::Xml("text stands between elements"));
        }
    }
    Ok(found)
}

/// The elements in an element that are called that.
pub(super) fn all<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &str,
    name: &str,
) -> Result<Vec<Node<'a, 'i>>> {
    let mut found = elements(node)?;
    found.retain(|child| is(*child, namespace, name));
    Ok(found)
}

/// The element in an element that is called that, if there is one; an error for several.
pub(super) fn maybe<'a, 'i>(
    node: Node<'a, 'i>,
    (namespace, name): (&str, &'static str),
) -> Result<Option<Node<'a, 'i>>> {
    let found = all(node, namespace, name)?;
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => Err(SamlError::Expected(name)),
    }
}

/// The one element in an element that is called that.
pub(super) fn only<'a, 'i>(
    node: Node<'a, 'i>,
    wanted: (&str, &'static str),
) -> Result<Node<'a, 'i>> {
    maybe(node, wanted)?.ok_or(SamlError::Expected(wanted.1))
}

/// An attribute without a namespace.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let mut attributes = node.attributes();
    let found = attributes.find(|a| a.namespace().is_none() && a.name() == name);
    found.map(|a| a.value())
}

/// The same, where it has to be there.
pub(super) fn needed<'a>(node: Node<'a, '_>, name: &'static str) -> Result<&'a str> {
    attribute(node, name).ok_or(SamlError::Expected(name))
}

/// The text of an element that holds nothing but text, as it is.
pub(super) fn text(node: Node<'_, '_>) -> Result<String> {
    let mut all = String::new();
    for child in node.children() {
        match child.text().filter(|_| child.is_text()) {
            Some(text) => all.push_str(text),
            None => return Err(SamlError::Xml("an element stands in a text")),
        }
    }
    Ok(all)
}

/// The text of an element whose value has no white space around it, such as an address: documents that are laid out for
/// readers have it all the same.
pub(super) fn token(node: Node<'_, '_>) -> Result<String> {
    Ok(text(node)?.trim_ascii().to_owned())
}

/// The text of an element that is somebody's name, or in what somebody is. White space around it is part of it
/// (SAML Core, section 1.3.1): another name, which could be taken for the one without.
pub(super) fn name(node: Node<'_, '_>) -> Result<String> {
    let name = text(node)?;
    match name.trim() == name {
        true => Ok(name),
        false => Err(SamlError::Xml("white space stands around a name")),
    }
}

/// A moment as SAML writes it (Core, section 1.3.3): UTC, with or without fractions of seconds.
pub(super) fn moment(text: &str, what: &'static str) -> Result<Timestamp> {
    let expected = || SamlError::Expected(what);
    if !text.ends_with('Z') {
        return Err(expected());
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| expected())?;
    Ok(Timestamp(at.as_microsecond()))
}

/// The same, as SAML writes it.
pub(super) fn written(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_string()
}

/// The moment that an attribute gives.
pub(super) fn moment_of(node: Node<'_, '_>, name: &'static str) -> Result<Option<Timestamp>> {
    let said = attribute(node, name);
    said.map(|text| moment(text, name)).transpose()
}

/// The prefix of an element, empty where it has none. Only the source knows it.
pub(super) fn prefix<'i>(node: Node<'_, 'i>) -> &'i str {
    let source = node.document().input_text();
    let start = source.get(node.range()).unwrap_or_default();
    let name = start.strip_prefix('<').unwrap_or_default();
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// The prefix of an attribute, empty where it has none.
pub(super) fn attribute_prefix<'i>(
    node: Node<'_, 'i>,
    attribute: &roxmltree::Attribute<'_, '_>,
) -> &'i str {
    let source = node.document().input_text();
    let name = source.get(attribute.range_qname()).unwrap_or_default();
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// Whether that is the namespace of `xml:lang` and its like.
pub(super) fn is_xml(namespace: &str) -> bool {
    namespace == XML
}

/// A text as it stands in an element or in an attribute in double quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
    out
}
