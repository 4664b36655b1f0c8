//! Small readers of the parser's tree.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, RangeVar};

use super::Name;

/// The content of an optional boxed node.
pub(crate) fn inner(node: Option<&Node>) -> Option<&NodeEnum> {
    node.and_then(|node| node.node.as_ref())
}

/// The contents of a list of nodes.
pub(crate) fn each(nodes: &[Node]) -> impl DoubleEndedIterator<Item = &NodeEnum> {
    nodes.iter().filter_map(|node| node.node.as_ref())
}

/// The text of a `String` node.
pub(crate) fn text(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::String(string) => Some(&string.sval),
        _ => None,
    }
}

/// The texts of a list of `String` nodes.
pub(crate) fn texts(nodes: &[Node]) -> Vec<&str> {
    each(nodes).filter_map(text).collect()
}

/// A dotted name: the last part, and the one before it as the schema. A database before that is the session's
/// own, or the server refuses.
pub(crate) fn name_of_parts(parts: &[&str]) -> Name {
    let mut from_last = parts.iter().rev();
    Name {
        name: from_last
            .next()
            .map_or_else(String::new, |s| (*s).to_owned()),
        schema: from_last.next().map(|s| (*s).to_owned()),
    }
}

/// The name in a list of `String` nodes.
pub(crate) fn name(nodes: &[Node]) -> Name {
    name_of_parts(&texts(nodes))
}

/// The name of a relation.
pub(crate) fn relation_name(relation: &RangeVar) -> Name {
    Name {
        schema: (!relation.schemaname.is_empty()).then(|| relation.schemaname.clone()),
        name: relation.relname.clone(),
    }
}

/// Whether a relation that is made lasts for the session only.
pub(crate) fn is_temporary(relation: &RangeVar) -> bool {
    relation.relpersistence == "t"
        || relation.schemaname == "pg_temp"
        || relation.schemaname.starts_with("pg_temp_")
}

/// The parts of an object's name, however the grammar wraps it.
pub(crate) fn object_parts(node: &NodeEnum) -> Vec<&str> {
    match node {
        NodeEnum::String(string) => vec![&string.sval],
        NodeEnum::List(list) => each(&list.items).flat_map(object_parts).collect(),
        NodeEnum::TypeName(type_name) => texts(&type_name.names),
        NodeEnum::ObjectWithArgs(object) => texts(&object.objname),
        NodeEnum::RangeVar(relation) => {
            let mut parts = Vec::with_capacity(2);
            if !relation.schemaname.is_empty() {
                parts.push(relation.schemaname.as_str());
            }
            parts.push(&relation.relname);
            parts
        }
        _ => Vec::new(),
    }
}

/// The texts of a list of `String` nodes, to keep.
pub(crate) fn owned(nodes: &[Node]) -> Vec<String> {
    texts(nodes).into_iter().map(str::to_owned).collect()
}
