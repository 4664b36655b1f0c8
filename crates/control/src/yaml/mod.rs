//! YAML with places: a file becomes trees whose every node knows its line and column, and a tree becomes a
//! typed value whose every error names the place, what was expected and what was probably meant.

mod typed;

use crate::api::types::ProblemInfo;
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

pub(crate) use typed::typed;

/// The longest file that is read: a thousand connections fit several times over.
pub(crate) const MAX_FILE_BYTES: usize = 4 << 20;
/// The most documents in one file, for the same reason.
const MAX_DOCUMENTS: usize = 10_000;

/// A place in a file: line and column, both from 1.
pub(crate) type Place = (u32, u32);

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where it begins.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// `- a` or `[a]`.
    List(Vec<Node>),
    /// `a: b` or `{a: b}`; the keys have places of their own.
    Map(Vec<(Key, Node)>),
}

/// The key of an entry.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Where it begins.
    pub(crate) place: Place,
    /// Its text.
    pub(crate) name: String,
}

impl Node {
    /// The entry of a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.name == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The entry of a list.
    pub(crate) fn item(&self, index: usize) -> Option<&Self> {
        match &self.value {
            Value::List(items) => items.get(index),
            _ => None,
        }
    }

    /// The place of what a path of keys leads to, or of the last node on the way.
    pub(crate) fn place_of(&self, path: &[&str]) -> Place {
        path.iter()
            .try_fold(self, |node, name| match name.parse() {
                Ok(index) => node.item(index).ok_or(node.place),
                Err(_) => node.get(name).ok_or(node.place),
            })
            .map_or_else(|place| place, |node| node.place)
    }

    /// Takes an entry out of a map.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        match &mut self.value {
            Value::Map(entries) => {
                let at = entries.iter().position(|(k, _)| k.name == name)?;
                Some(entries.remove(at).1)
            }
            _ => None,
        }
    }
}

/// Reads all documents of a file. A document that cannot be read is a problem and the others are still read.
pub(crate) fn documents(file: &str, text: &str) -> (Vec<Node>, Vec<ProblemInfo>) {
    let mut nodes = Vec::new();
    let mut problems = Vec::new();
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file is longer than {MAX_FILE_BYTES} bytes; split it");
        return (nodes, vec![ProblemInfo::of_file(file, message)]);
    }
    for (count, (first_line, part)) in split(text).into_iter().enumerate() {
        if count >= MAX_DOCUMENTS {
            let message = format!("the file has more than {MAX_DOCUMENTS} documents; split it");
            problems.push(ProblemInfo::at(file, (first_line, 1), message));
            break;
        }
        let empty = |l: &str| l.trim().is_empty() || l.trim_start().starts_with('#');
        if part.lines().all(empty) {
            continue;
        }
        match serde_saphyr::from_str::<Spanned<Raw>>(part) {
            Ok(raw) => nodes.push(raw.into_node(first_line.saturating_sub(1))),
            Err(e) => problems.push(unreadable(file, first_line, &e)),
        }
    }
    (nodes, problems)
}

/// The documents as (first line, text). `---` at the beginning of a line ends a document wherever it stands
/// (YAML 1.2.2, 9.1.2: it is forbidden inside one).
fn split(text: &str) -> Vec<(u32, &str)> {
    let mut parts = Vec::new();
    let (mut begin, mut begin_line, mut at, mut line) = (0, 1, 0, 1);
    for full in text.split_inclusive('\n') {
        let bare = full.trim_end();
        if bare == "---" || bare.starts_with("--- ") {
            parts.push((begin_line, text.get(begin..at).unwrap_or_default()));
            begin = at.saturating_add(3);
            begin_line = line;
        }
        at = at.saturating_add(full.len());
        line += 1;
    }
    parts.push((begin_line, text.get(begin..).unwrap_or_default()));
    parts
}

fn unreadable(file: &str, first_line: u32, error: &serde_saphyr::Error) -> ProblemInfo {
    let place = error.location().map_or((first_line, 0), |l| {
        let line = u32::try_from(l.line()).unwrap_or(1);
        let column = u32::try_from(l.column()).unwrap_or(0);
        (line.saturating_add(first_line.saturating_sub(1)), column)
    });
    let whole = error.without_snippet().to_string();
    let message = whole.lines().next().unwrap_or_default();
    ProblemInfo::at(
        file,
        place,
        format!("this is not readable as YAML: {message}"),
    )
}

/// A value as the YAML reader hands it over.
#[derive(Debug)]
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

trait IntoNode {
    fn into_node(self, lines_before: u32) -> Node;
}

fn place(location: serde_saphyr::Location, lines_before: u32) -> Place {
    let line = u32::try_from(location.line()).unwrap_or(0);
    let column = u32::try_from(location.column()).unwrap_or(0);
    (line.saturating_add(lines_before), column)
}

impl IntoNode for Spanned<Raw> {
    /// The depth is bounded by the YAML reader's own budget.
    fn into_node(self, lines_before: u32) -> Node {
        let value = match self.value {
            Raw::Null => Value::Null,
            Raw::Bool(v) => Value::Bool(v),
            Raw::Int(v) => Value::Int(v),
            Raw::Float(v) => Value::Float(v),
            Raw::Text(v) => Value::Text(v),
            Raw::List(items) => Value::List(
                items
                    .into_iter()
                    .map(|n| n.into_node(lines_before))
                    .collect(),
            ),
            Raw::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(k, v)| {
                        let place = place(k.referenced, lines_before);
                        (
                            Key {
                                place,
                                name: k.value,
                            },
                            v.into_node(lines_before),
                        )
                    })
                    .collect(),
            ),
        };
        Node {
            place: place(self.referenced, lines_before),
            value,
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Raw, E> {
        Ok(Raw::Int(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Raw, E> {
        // A number beyond i64 is beyond every setting there is; as a float it fails where it is used.
        Ok(i64::try_from(v).map_or(Raw::Float(f64::MAX), Raw::Int))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Raw, E> {
        Ok(Raw::Float(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<Raw, E> {
        Ok(Raw::Text(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Raw, E> {
        Ok(Raw::Text(v))
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_some<D: serde::Deserializer<'de>>(self, d: D) -> Result<Raw, D::Error> {
        Raw::deserialize(d)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_knows_its_place() {
        let text = "# c\na: 1\nb:\n  - x\n  - {k: v}\n---\n\nname: two\n--- \n# nothing\n";
        let (nodes, problems) = documents("f", text);
        assert_eq!(problems, vec![]);
        assert_eq!(nodes.len(), 2);
        let places: Vec<Place> = [&["a"][..], &["b", "0"], &["b", "1", "k"], &["b", "9"]]
            .into_iter()
            .map(|path| nodes[0].place_of(path))
            .collect();
        assert_eq!(places, [(2, 4), (4, 5), (5, 9), (4, 3)]);
        assert_eq!(nodes[1].place_of(&["name"]), (8, 7));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
        #[test]
        fn no_text_stops_the_reader(text in "([a-c:{}\\[\\]&*|>'\"#!~ \t\n-]|---\n|kind: User\n){0,80}") {
            let (nodes, problems) = documents("f", &text);
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            let places = nodes.iter().map(|n| n.place.0).chain(problems.iter().map(|p| p.line));
            for line in places {
                proptest::prop_assert!(line <= lines, "{line} of {lines}");
            }
        }
    }

    #[test]
    fn one_bad_document_does_not_hide_the_others() {
        let (nodes, problems) = documents("f", "a: [1\n---\nb: 2\n---\nc: {\n");
        assert_eq!(nodes.len(), 1);
        assert_eq!(problems.len(), 2);
        assert!(problems[1].line >= 5, "{problems:?}");
    }
}
