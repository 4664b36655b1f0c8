//! The prepared statements and portals (cursors among them) of one session, as the target has them.

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sluice_protocol::postgres::types::{Format, Formats};
use sluice_protocol::postgres::{Violation, frontend};
use sluice_protocol::sql::{Resolved, Script, Statement};
use std::collections::HashMap;
use std::sync::Arc;

/// The most named statements of a session. Drivers that cache keep a few hundred.
pub const MAX_STATEMENTS: usize = 10_000;
/// The most open portals of a session.
pub const MAX_PORTALS: usize = 10_000;

/// The most bytes of their texts and bound values: one large Bind message.
pub const MAX_BYTES: usize = 64 * 1024 * 1024 + 4096;

/// A statement wherever it stands: one of a script that was sent, or one inside another statement
/// (`PREPARE x AS ...`, `DECLARE c CURSOR FOR ...`). Holding it keeps its address its own.
#[derive(Debug, Clone)]
pub enum StatementRef {
    /// Of a script, by its place.
    Sent(Arc<Script>, usize),
    /// Inside another statement.
    Nested(Arc<Statement>),
    /// An empty text: does nothing.
    Empty,
}

impl StatementRef {
    /// The statement; `None` for an empty text.
    #[must_use]
    pub fn get(&self) -> Option<&Statement> {
        match self {
            Self::Sent(script, index) => script.statements.get(*index),
            Self::Nested(statement) => Some(statement),
            Self::Empty => None,
        }
    }
}

/// What the target said the rows of a prepared statement look like: the body of its RowDescription, or
/// that there are no rows.
pub type Shape = Option<bytes::Bytes>;

/// A prepared statement.
#[derive(Debug)]
pub struct Prepared {
    /// As the client sent it.
    pub text: Arc<str>,
    /// What was read.
    pub statement: StatementRef,
    /// The parameter types that the client gave; 0 leaves one to the target.
    pub parameter_types: Vec<u32>,
    /// The parameter types as the target told them.
    pub told_types: Mutex<Option<Vec<u32>>>,
    /// The shape of its rows, once the target has told, and under which meaning of names.
    pub shape: Mutex<Option<(u64, Shape)>>,
}

impl Prepared {
    /// The shape, when it was told under this meaning of names.
    #[must_use]
    pub fn known_shape(&self, scope: u64) -> Option<Shape> {
        self.shape
            .lock()
            .as_ref()
            .filter(|(at, _)| *at == scope)
            .map(|(_, shape)| shape.clone())
    }
}

/// A portal.
#[derive(Debug)]
pub struct Portal {
    /// What runs in it.
    pub prepared: Arc<Prepared>,
    /// The formats of its result columns.
    pub result_formats: Formats,
    /// The bound parameters, as they were sent (the body of Bind from the parameter formats on).
    pub bound: bytes::Bytes,
    /// It is a cursor of SQL, so that rows come by FETCH: what it needs, as it was decided.
    pub cursor: Option<Arc<Resolved>>,
    /// The step that it was bound in.
    pub step: u64,
    /// How often the search path had changed by then.
    pub scope: u64,
    /// It outlives its transaction.
    pub hold: bool,
}

impl Portal {
    /// What is bound, in order: `read` is given each value as it was sent (`None` is NULL), its type and its format. A
    /// cursor of SQL has nothing bound.
    ///
    /// # Errors
    /// It was not sent as the protocol wants it.
    pub fn bound_values<T>(
        &self,
        mut read: impl FnMut(Option<&[u8]>, u32, Format) -> T,
    ) -> Result<Vec<T>, Violation> {
        if self.bound.is_empty() {
            return Ok(Vec::new());
        }
        let bind = frontend::bound(&self.bound)?;
        let told = self.prepared.told_types.lock();
        let types = told.as_ref().unwrap_or(&self.prepared.parameter_types);
        let each = bind.parameters.iter().enumerate();
        let each = each.map(|(index, value)| {
            let type_oid = types.get(index).copied().unwrap_or_default();
            read(*value, type_oid, bind.parameter_formats.of(index))
        });
        Ok(each.collect())
    }
}

/// Everything that has a name.
#[derive(Debug, Default)]
pub struct Names {
    statements: HashMap<Box<str>, Arc<Prepared>, RandomState>,
    portals: HashMap<Box<str>, Arc<Portal>, RandomState>,
    bytes: usize,
}

impl Names {
    /// A prepared statement by name.
    #[must_use]
    pub fn statement(&self, name: &str) -> Option<&Arc<Prepared>> {
        self.statements.get(name)
    }

    /// A portal or cursor by name.
    #[must_use]
    pub fn portal(&self, name: &str) -> Option<&Arc<Portal>> {
        self.portals.get(name)
    }

    /// Sets or removes a statement; returns what was there.
    pub fn set_statement(
        &mut self,
        name: &str,
        prepared: Option<Arc<Prepared>>,
    ) -> Option<Arc<Prepared>> {
        let size = |prepared: &Arc<Prepared>| prepared.text.len();
        let added = prepared.as_ref().map_or(0, size);
        let before = match prepared {
            Some(prepared) => self.statements.insert(name.into(), prepared),
            None => self.statements.remove(name),
        };
        self.count(added, before.as_ref().map_or(0, size));
        before
    }

    /// Sets or removes a portal; returns what was there.
    pub fn set_portal(&mut self, name: &str, portal: Option<Arc<Portal>>) -> Option<Arc<Portal>> {
        let added = portal.as_ref().map_or(0, |portal| portal.bound.len());
        let before = match portal {
            Some(portal) => self.portals.insert(name.into(), portal),
            None => self.portals.remove(name),
        };
        self.count(
            added,
            before.as_ref().map_or(0, |portal| portal.bound.len()),
        );
        before
    }

    /// Whether one more statement or portal may be named, of so many bytes.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.statements.len() < MAX_STATEMENTS
            && self.portals.len() < MAX_PORTALS
            && self.bytes.saturating_add(bytes) <= MAX_BYTES
    }

    fn count(&mut self, added: usize, removed: usize) {
        self.bytes = self.bytes.saturating_add(added).saturating_sub(removed);
    }

    /// DEALLOCATE ALL.
    pub fn forget_statements(&mut self) {
        self.statements.clear();
        self.recount();
    }

    /// CLOSE ALL.
    pub fn forget_portals(&mut self) {
        self.portals.clear();
        self.recount();
    }

    /// A transaction ended with this step: only held cursors are left, and what was bound after it.
    pub fn end_transaction(&mut self, step: u64) {
        let mut freed = 0;
        self.portals.retain(|_, portal| {
            let stays = portal.hold || portal.step > step;
            freed += if stays { 0 } else { portal.bound.len() };
            stays
        });
        self.count(0, freed);
    }

    fn recount(&mut self) {
        let texts: usize = self.statements.values().map(|p| p.text.len()).sum();
        let bound: usize = self.portals.values().map(|p| p.bound.len()).sum();
        self.bytes = texts.saturating_add(bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> Arc<Prepared> {
        Arc::new(Prepared {
            text: Arc::from(text),
            statement: StatementRef::Empty,
            parameter_types: Vec::new(),
            told_types: Mutex::default(),
            shape: Mutex::default(),
        })
    }

    fn portal(step: u64, hold: bool, bound: usize) -> Arc<Portal> {
        Arc::new(Portal {
            prepared: prepared(""),
            result_formats: Formats::default(),
            bound: bytes::Bytes::from(vec![0; bound]),
            cursor: None,
            hold,
            step,
            scope: 0,
        })
    }

    #[test]
    fn the_end_of_a_transaction_keeps_held_cursors_and_what_was_bound_since() {
        let mut names = Names::default();
        for (name, step, hold) in [("old", 1, false), ("held", 1, true), ("new", 2, false)] {
            names.set_portal(name, Some(portal(step, hold, 0)));
        }
        names.end_transaction(1);
        let left = ["old", "held", "new"].map(|name| names.portal(name).is_some());
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn what_is_open_has_a_limit_and_closing_makes_room() {
        let mut names = Names::default();
        names.set_portal("a", Some(portal(1, false, MAX_BYTES - 10)));
        names.set_statement("s", Some(prepared("12345")));
        assert!(names.has_room(5) && !names.has_room(6));
        names.set_statement("s", Some(prepared("1")));
        assert!(names.has_room(9) && !names.has_room(10));
        names.set_statement("s", None);
        names.set_portal("a", Some(portal(1, false, 1)));
        assert!(names.has_room(MAX_BYTES - 1) && !names.has_room(MAX_BYTES));
        names.forget_portals();
        assert!(names.has_room(MAX_BYTES));
    }

    #[test]
    fn a_shape_is_known_only_under_the_meaning_of_names_it_was_told_under() {
        let statement = prepared("SELECT 1");
        assert_eq!(statement.known_shape(3), None);
        *statement.shape.lock() = Some((3, None));
        assert_eq!(statement.known_shape(3), Some(None));
        assert_eq!(statement.known_shape(4), None);
    }
}
