//! Where names without a schema are found.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::{Catalog, Name, NameScope, Relation, Risk, Volatility, builtin_risk};

/// The schema of the session's own temporary tables, as [`Catalog`] is asked for it.
const TEMPORARY: &str = "pg_temp";
/// The schema of the server's own things.
pub(crate) const BUILTIN: &str = "pg_catalog";

/// A relation whose name is resolved.
pub(crate) struct Found<'c> {
    pub(crate) schema: String,
    pub(crate) name: String,
    /// `None`: no such relation is known.
    pub(crate) relation: Option<&'c Relation>,
}

/// What calling a routine means for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Calling {
    /// Nothing.
    Harmless,
    /// A sequence moves.
    Sequence,
    /// Code runs that is not known to be harmless: this routine.
    Runs { schema: String, known: bool },
    /// An attribute that is no routine.
    NoRoutine,
}

pub(crate) struct Names<'c> {
    catalog: &'c dyn Catalog,
    pub(crate) scope: &'c NameScope,
    /// What was looked up already: a column without a table asks every table in sight.
    found: RefCell<HashMap<Name, Rc<Found<'c>>>>,
}

impl<'c> Names<'c> {
    pub(crate) fn new(catalog: &'c dyn Catalog, scope: &'c NameScope) -> Self {
        Self {
            catalog,
            scope,
            found: RefCell::default(),
        }
    }

    /// The schema in which new things without one are made.
    pub(crate) fn first_schema(&self) -> String {
        self.scope
            .search_path
            .iter()
            .find(|schema| *schema != BUILTIN && *schema != TEMPORARY)
            .cloned()
            .unwrap_or_else(|| "public".to_owned())
    }

    /// The schemas in the order in which the server looks, with those that it looks into unasked.
    fn path(&self, with_temporary: bool) -> impl Iterator<Item = &str> {
        let listed = &self.scope.search_path;
        let implied = move |schema: &'static str| {
            let unlisted = !listed.iter().any(|listed| listed == schema);
            unlisted.then_some(schema)
        };
        let temporary = if with_temporary {
            implied(TEMPORARY)
        } else {
            None
        };
        temporary
            .into_iter()
            .chain(implied(BUILTIN))
            .chain(listed.iter().map(String::as_str))
    }

    pub(crate) fn relation(&self, name: &Name) -> Rc<Found<'c>> {
        if let Some(found) = self.found.borrow().get(name) {
            return Rc::clone(found);
        }
        let found = Rc::new(self.look_up(name));
        self.found
            .borrow_mut()
            .insert(name.clone(), Rc::clone(&found));
        found
    }

    fn look_up(&self, name: &Name) -> Found<'c> {
        if let Some(schema) = &name.schema {
            let asked = if schema.starts_with("pg_temp_") {
                TEMPORARY
            } else {
                schema
            };
            return Found {
                schema: asked.to_owned(),
                name: name.name.clone(),
                relation: self.catalog.relation(asked, &name.name),
            };
        }
        for schema in self.path(true) {
            if let Some(relation) = self.catalog.relation(schema, &name.name) {
                return Found {
                    schema: schema.to_owned(),
                    name: name.name.clone(),
                    relation: Some(relation),
                };
            }
        }
        Found {
            schema: self.first_schema(),
            name: name.name.clone(),
            relation: None,
        }
    }

    /// What a call means. A routine of somebody's own is code that runs, whatever it declares. One of the
    /// server's own name without a schema can be somebody's own too, when that fits the arguments better.
    pub(crate) fn calling(&self, name: &Name, attribute: bool) -> Calling {
        if let Some(schema) = &name.schema {
            return match schema.as_str() {
                BUILTIN | "information_schema" => self.builtin(schema, &name.name),
                own => Calling::Runs {
                    schema: own.to_owned(),
                    known: self.catalog.routine(own, &name.name).is_some(),
                },
            };
        }
        let own = self
            .path(false)
            .filter(|schema| *schema != BUILTIN)
            .find(|schema| self.catalog.routine(schema, &name.name).is_some());
        if let Some(schema) = own {
            return Calling::Runs {
                schema: schema.to_owned(),
                known: true,
            };
        }
        match self.builtin(BUILTIN, &name.name) {
            // Neither the server's nor anybody's: old knowledge, or a mistake that the server will tell of.
            Calling::Runs { known: false, .. } if attribute => Calling::NoRoutine,
            Calling::Runs { known: false, .. } => Calling::Runs {
                schema: self.first_schema(),
                known: false,
            },
            calling => calling,
        }
    }

    fn builtin(&self, schema: &str, name: &str) -> Calling {
        let runs = |known| Calling::Runs {
            schema: schema.to_owned(),
            known,
        };
        match builtin_risk(name) {
            // What it sets was read with the statement.
            Risk::Harmless | Risk::Setting => Calling::Harmless,
            Risk::Sequence => Calling::Sequence,
            Risk::Dangerous => runs(true),
            Risk::Unlisted => match self.catalog.routine(schema, name) {
                Some(Volatility::Immutable | Volatility::Stable) => Calling::Harmless,
                Some(Volatility::Volatile) => runs(true),
                None => runs(false),
            },
        }
    }
}
