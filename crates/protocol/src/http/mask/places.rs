//! The places of a document, by the names that lead to them, and what rules say about each.
//!
//! Documents repeat their names, so what was said about a place is remembered, up to a limit. Places beyond that are
//! known only as long as the reader is in them.

use super::FieldRules;
use super::edit::{MAX_SHOWN, Marks};
use super::{CannotMask, MAX_PATH};
use crate::edit::FieldEdit;
use std::collections::HashMap;

/// Places that are remembered: some schemas have hundreds, and only documents with data in their names have more.
const MAX_KEPT: usize = 4096;
/// Bytes of their names, at 64 for each.
const MAX_KEPT_BYTES: usize = MAX_KEPT * 64;

/// A place, by its index.
pub(super) type PlaceId = usize;

/// The place that no name leads to. No member has this one, so that it stands for none too.
pub(super) const ROOT: PlaceId = 0;

/// One place.
pub(super) struct Place {
    parent: PlaceId,
    /// Its name as the document writes it.
    pub(super) written: Box<str>,
    /// Its name as it is meant.
    name: Box<str>,
    /// The masked form of its name, where there is something in it.
    pub(super) masked_name: Option<Box<str>>,
    /// What is done to its value.
    pub(super) edit: FieldEdit,
    /// Bytes of all names that lead here.
    path_length: usize,
    children: HashMap<Box<str>, PlaceId>,
    /// The member that came first the last time.
    first: PlaceId,
    /// The member that came next in the same object the last time.
    next: PlaceId,
    /// It is among the fields that were changed.
    marked: bool,
}

/// The places that are known now.
pub(super) struct Places {
    places: Vec<Place>,
    /// How many of them, from the front, are remembered.
    kept: usize,
    kept_bytes: usize,
    /// Stands for a place that is asked for and not there, which does not happen.
    missing: Place,
}

impl Places {
    pub(super) fn new(rules: &dyn FieldRules) -> Self {
        Self {
            places: vec![Place::nameless(rules.edit(&[]))],
            kept: 1,
            kept_bytes: 0,
            missing: Place::nameless(FieldEdit::Redact),
        }
    }

    pub(super) fn get(&self, id: PlaceId) -> &Place {
        self.places.get(id).unwrap_or(&self.missing)
    }

    /// The member of `parent` whose name in quotes is at this place and ends before the one that is returned, if it
    /// came after `last` ([`ROOT`]: as the first) the last time.
    pub(super) fn guess(
        &self,
        parent: PlaceId,
        last: PlaceId,
        bytes: &[u8],
        at: usize,
    ) -> Option<(PlaceId, usize)> {
        let id = if last == ROOT {
            self.get(parent).first
        } else {
            self.get(last).next
        };
        if id == ROOT {
            return None;
        }
        let written = self.get(id).written.as_bytes();
        let end = at + written.len() + 1;
        let is_here = bytes.get(at) == Some(&b'"')
            && bytes.get(end) == Some(&b'"')
            && bytes.get(at + 1..end) == Some(written);
        is_here.then_some((id, end + 1))
    }

    /// The member of `parent` that is written so, if it is remembered; it came after `last`.
    pub(super) fn find(
        &mut self,
        parent: PlaceId,
        last: PlaceId,
        written: &str,
    ) -> Option<PlaceId> {
        let found = *self.get(parent).children.get(written)?;
        self.learn(parent, last, found);
        Some(found)
    }

    /// Adds a member of `parent` that was not found. Whatever is known below other members that are not remembered is
    /// forgotten.
    ///
    /// # Errors
    /// The names that lead to it are too long.
    pub(super) fn add(
        &mut self,
        parent: PlaceId,
        last: PlaceId,
        name: Name<'_>,
        rules: &dyn FieldRules,
    ) -> Result<PlaceId, CannotMask> {
        let path_length = self.get(parent).path_length + name.meant.len();
        if path_length > MAX_PATH {
            return Err(CannotMask::TooLong);
        }
        self.places.truncate(self.kept.max(parent + 1));
        let id = self.places.len();
        let mut path = self.path(parent);
        path.push(name.meant);
        let edit = rules.edit(&path);
        let bytes = self.kept_bytes + name.written.len() + name.meant.len();
        let keep = id == self.kept && self.kept < MAX_KEPT && bytes <= MAX_KEPT_BYTES;
        self.places.push(Place {
            parent,
            written: name.written.into(),
            name: name.meant.into(),
            masked_name: name.masked.map(Into::into),
            path_length,
            ..Place::nameless(edit)
        });
        if keep {
            self.kept += 1;
            self.kept_bytes = bytes;
            if let Some(place) = self.places.get_mut(parent) {
                place.children.insert(name.written.into(), id);
            }
            self.learn(parent, last, id);
        }
        Ok(id)
    }

    /// Adds the place to the fields that were changed.
    pub(super) fn mark(&mut self, id: PlaceId, marks: &mut Marks) {
        if marks.is_full() || self.get(id).marked {
            return;
        }
        let mut names: Vec<&str> = self.to_root(id).map(Place::shown).collect();
        names.reverse();
        let mut path = String::new();
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                path.push('.');
            }
            path.push_str(name);
            if path.len() > MAX_SHOWN {
                break;
            }
        }
        marks.add(&path);
        if let Some(place) = self.places.get_mut(id) {
            place.marked = true;
        }
    }

    fn path(&self, id: PlaceId) -> Vec<&str> {
        let mut path: Vec<&str> = self.to_root(id).map(|place| place.name.as_ref()).collect();
        path.reverse();
        path
    }

    /// The place and those above it, without the root.
    fn to_root(&self, id: PlaceId) -> impl Iterator<Item = &Place> {
        std::iter::successors(Some(id), |id| Some(self.get(*id).parent))
            .take_while(|id| *id != ROOT)
            .map(|id| self.get(id))
    }

    fn learn(&mut self, parent: PlaceId, last: PlaceId, id: PlaceId) {
        if id >= self.kept {
            return;
        }
        if last == ROOT {
            if let Some(place) = self.places.get_mut(parent) {
                place.first = id;
            }
        } else if let Some(place) = self.places.get_mut(last) {
            place.next = id;
        }
    }
}

/// A name that a place gets.
pub(super) struct Name<'a> {
    /// As the document writes it.
    pub(super) written: &'a str,
    /// As it is meant.
    pub(super) meant: &'a str,
    /// Its masked form, where there is something in it.
    pub(super) masked: Option<String>,
}

impl Place {
    /// Its name as it may be told.
    fn shown(&self) -> &str {
        self.masked_name.as_deref().unwrap_or(&self.name)
    }

    /// Whether there is something in its name that has to be masked.
    pub(super) fn is_renamed(&self) -> bool {
        self.masked_name.is_some()
    }

    fn nameless(edit: FieldEdit) -> Self {
        Self {
            parent: ROOT,
            written: Box::default(),
            name: Box::default(),
            masked_name: None,
            edit,
            path_length: 0,
            children: HashMap::new(),
            first: ROOT,
            next: ROOT,
            marked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::mask::TextMask;
    use crate::http::mask::testing::Table;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Rules whose edit tells the path.
    struct Tells;

    impl FieldRules for Tells {
        fn edit(&self, path: &[&str]) -> FieldEdit {
            FieldEdit::Constant(path.join("/").into())
        }

        fn prose(&self) -> Arc<dyn TextMask> {
            Table::scan().prose()
        }
    }

    fn told(places: &Places, id: PlaceId) -> String {
        match &places.get(id).edit {
            FieldEdit::Constant(path) => path.to_string(),
            _ => "none".to_owned(),
        }
    }

    /// A walk through a document, step by step: into a member of this number, or (`None`) back.
    fn walk(names: &[String], steps: &[Option<usize>]) {
        let mut places = Places::new(&Tells);
        // Where the walk is: the place, its path and its last member.
        let mut stack = vec![(ROOT, String::new(), ROOT)];
        let mut deepest = 0;
        for step in steps {
            let Some(number) = step else {
                if stack.len() > 1 {
                    stack.pop();
                }
                continue;
            };
            let name = &names[number % names.len()];
            let (parent, path, last) = stack.last_mut().unwrap();
            let quoted = format!("\"{name}\"");
            let guess = places.guess(*parent, *last, quoted.as_bytes(), 0);
            let found = match guess {
                Some((id, end)) => {
                    assert_eq!(end, quoted.len());
                    Some(id)
                }
                None => places.find(*parent, *last, name),
            };
            let name = Name {
                written: name,
                meant: name,
                masked: None,
            };
            let mut path = path.clone();
            if *parent != ROOT {
                path.push('/');
            }
            path.push_str(name.meant);
            let id = match found {
                Some(id) => id,
                None => match places.add(*parent, *last, name, &Tells) {
                    Ok(id) => id,
                    Err(_) => continue,
                },
            };
            *last = id;
            stack.push((id, path, ROOT));
            for (id, path, _) in &stack {
                assert_eq!(told(&places, *id), *path);
            }
            assert!(places.kept_bytes <= MAX_KEPT_BYTES && places.kept <= MAX_KEPT);
            deepest = deepest.max(stack.len());
            assert!(places.places.len() <= places.kept + deepest);
        }
    }

    proptest! {
        #[test]
        fn every_place_is_told_by_its_path(
            lengths in proptest::collection::vec(prop_oneof![1..4_usize, 9_000..16_000_usize], 1..40),
            steps in proptest::collection::vec(proptest::option::weighted(0.6, any::<usize>()), 0..300),
        ) {
            let names: Vec<String> = lengths
                .iter()
                .enumerate()
                .map(|(number, length)| format!("{number:x>length$}"))
                .collect();
            walk(&names, &steps);
        }
    }

    #[test]
    fn some_places_are_remembered() {
        let names: Vec<String> = (0..3 * MAX_KEPT).map(|n| n.to_string()).collect();
        let steps: Vec<Option<usize>> = (0..names.len())
            .flat_map(|n| [Some(n), Some(0), Some(1), None, None, None])
            .collect();
        walk(&names, &steps);
    }
}
