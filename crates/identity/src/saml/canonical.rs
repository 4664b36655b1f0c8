//! Exclusive XML Canonicalization 1.0: the bytes that a signature is over.

use super::xml;
use roxmltree::{Node, NodeId};
use std::collections::BTreeMap;

/// The name of this way, and the namespace of its parameters.
pub(super) const NAMESPACE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The same, and its name with comments, of which documents here hold none.
pub(super) const EXCLUSIVE: [&str; 2] = [
    NAMESPACE,
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
];

/// Namespaces by prefix.
type Namespaces<'a> = BTreeMap<&'a str, &'a str>;

/// An element and everything in it but `without`. Namespaces with a prefix in `inclusive` (`#default` for the one
/// without) are declared wherever they are in scope, others where they are used.
pub(super) fn canonical(
    apex: Node<'_, '_>,
    without: Option<Node<'_, '_>>,
    inclusive: &[&str],
) -> String {
    let mut writer = Writer {
        out: String::new(),
        without: without.map(|node| node.id()),
        inclusive,
        declared: Vec::new(),
    };
    writer.element(apex);
    writer.out
}

struct Writer<'w, 'a> {
    out: String,
    without: Option<NodeId>,
    inclusive: &'w [&'w str],
    /// What the elements around the next one declare in the output, the innermost last.
    declared: Vec<(&'a str, &'a str)>,
}

impl<'a> Writer<'_, 'a> {
    /// Nesting is bounded where documents are read.
    fn element(&mut self, node: Node<'a, '_>) {
        let prefix = xml::prefix(node);
        let name = qualified(prefix, node.tag_name().name());
        let outside = self.declared.len();
        self.out.push('<');
        self.out.push_str(&name);
        for (prefix, uri) in self.used(node, prefix) {
            let mut declared = self.declared.iter().rev();
            let known = declared.find(|(known, _)| *known == prefix);
            // Without a declaration, no prefix means no namespace.
            let already = known.map_or(prefix.is_empty() && uri.is_empty(), |(_, known)| {
                *known == uri
            });
            if already {
                continue;
            }
            self.declared.push((prefix, uri));
            let attribute = match prefix {
                "" => "xmlns".to_owned(),
                prefix => format!("xmlns:{prefix}"),
            };
            self.attribute(&attribute, uri);
        }
        self.attributes(node);
        self.out.push('>');
        for child in node.children() {
            if child.is_element() && Some(child.id()) != self.without {
                self.element(child);
            } else if child.is_text() {
                self.text(child.text().unwrap_or_default());
            }
        }
        self.out.push_str("</");
        self.out.push_str(&name);
        self.out.push('>');
        self.declared.truncate(outside);
    }

    fn attributes(&mut self, node: Node<'a, '_>) {
        let mut attributes: Vec<_> = node.attributes().collect();
        attributes.sort_by_key(|a| (a.namespace().unwrap_or_default(), a.name()));
        for attribute in attributes {
            let prefix = xml::attribute_prefix(node, &attribute);
            self.attribute(&qualified(prefix, attribute.name()), attribute.value());
        }
    }

    /// The namespaces that an element and its attributes are in, and those that are declared in any case.
    fn used(&self, node: Node<'a, '_>, prefix: &'a str) -> Namespaces<'a> {
        let mut used = Namespaces::new();
        used.insert(prefix, node.tag_name().namespace().unwrap_or_default());
        for attribute in node.attributes() {
            let prefix = xml::attribute_prefix(node, &attribute);
            used.extend(attribute.namespace().map(|uri| (prefix, uri)));
        }
        for wanted in self.inclusive {
            let prefix = Some(*wanted).filter(|wanted| *wanted != "#default");
            let found = node.namespaces().find(|n| n.name() == prefix);
            if let Some(found) = found {
                let uri = node.lookup_namespace_uri(prefix).unwrap_or_default();
                used.insert(found.name().unwrap_or_default(), uri);
            }
        }
        used.retain(|_, uri| !xml::is_xml(uri));
        used
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        for c in value.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' => self.out.push_str("&#x9;"),
                '\n' => self.out.push_str("&#xA;"),
                '\r' => self.out.push_str("&#xD;"),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#xD;"),
                c => self.out.push(c),
            }
        }
    }
}

fn qualified(prefix: &str, name: &str) -> String {
    match prefix {
        "" => name.to_owned(),
        prefix => format!("{prefix}:{name}"),
    }
}
