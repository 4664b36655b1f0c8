//! What a reference in an expression means: which entries of FROM it can name, at its own level and around it.

use std::collections::BTreeSet;

use super::super::lineage::{ColumnRef, Expr, FromItem, Level, LevelId, Source};
use super::super::scope::BUILTIN;
use super::super::{ColumnMention, ColumnPart};
use super::{Carried, Columns, Form, Out, flag, unknown};

/// Columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Where the server keeps values that it sampled from any column, or texts that others sent: table, and how the
/// names of those columns begin.
const KEPT_VALUES: &[(&str, &[&str])] = &[
    ("pg_largeobject", &["data"]),
    ("pg_stat_activity", &["query"]),
    ("pg_statistic", &["stavalues"]),
    ("pg_statistic_ext_data", &["stxd"]),
    ("pg_stats", &["most_common", "histogram", "range_"]),
    ("pg_stats_ext", &["most_common"]),
    (
        "pg_stats_ext_exprs",
        &["most_common", "histogram", "range_", "expr"],
    ),
];

/// How sure it is that an entry of FROM has a column.
pub(super) enum Lookup {
    /// It has.
    Has(Carried),
    /// Its columns are not known; it may have.
    May(Carried),
    /// It has not.
    HasNot,
}

impl<'l> Columns<'l, '_> {
    /// Everything that an expression of a level draws on.
    pub(super) fn expr(&self, expr: &Expr, id: LevelId) -> Carried {
        self.expr_seeing(expr, id, usize::MAX)
    }

    /// The same for an expression that sees only so many entries of its level's FROM.
    fn expr_seeing(&self, expr: &Expr, id: LevelId, sees: usize) -> Carried {
        let mut carried = Carried {
            opaque: expr
                .calls
                .iter()
                .any(|call| flag(&self.opaque_calls, *call)),
            ..Carried::default()
        };
        let mut seen = BTreeSet::new();
        for reference in &expr.refs {
            if seen.insert((&reference.parts, reference.star)) {
                self.add(&mut carried, &self.reference(reference, id, sees));
            }
        }
        for level in &expr.levels {
            for out in self.known_outputs(*level).iter() {
                self.add(&mut carried, &out.carried);
            }
        }
        carried
    }

    fn reference(&self, reference: &ColumnRef, id: LevelId, sees: usize) -> Carried {
        if reference.star {
            let mut carried = Carried::default();
            if reference.parts.is_empty() {
                // count(*) is written without a star by the grammar; anything else means the whole row.
                if let Some(level) = self.lineage.levels.get(id) {
                    for item in &level.from {
                        self.add(&mut carried, &self.whole_row(item, level));
                    }
                }
                return carried;
            }
            return match self.item_named(&reference.parts, id, sees) {
                Some((item, level)) => self.whole_row(item, level),
                None => unknown(ColumnPart::All),
            };
        }
        match reference.parts.as_slice() {
            [] => Carried::default(),
            [column] => self.unqualified(column, id, sees),
            [table @ .., column] => match self.item_named(table, id, sees) {
                Some((item, level)) => match self.column_of(item, column, level) {
                    Lookup::Has(carried) => carried,
                    Lookup::May(mut carried) => {
                        self.attributes.borrow_mut().insert(column.clone());
                        self.add(&mut carried, &self.whole_row(item, level));
                        carried
                    }
                    Lookup::HasNot => {
                        // Written like a column, `c.upper` calls upper(c).
                        self.attributes.borrow_mut().insert(column.clone());
                        self.whole_row(item, level)
                    }
                },
                None => {
                    self.attributes.borrow_mut().insert(column.clone());
                    self.missing.set(true);
                    unknown(ColumnPart::All)
                }
            },
        }
    }

    /// A column without a table: of this level, or else of the one around it.
    fn unqualified(&self, column: &str, id: LevelId, sees: usize) -> Carried {
        let mut maybe = Carried::default();
        let mut any_maybe = false;
        let mut whole = None;
        let mut sees = sees;
        let mut next = Some(id);
        while let Some(level) = next.and_then(|id| self.lineage.levels.get(id)) {
            let mut sure = Carried::default();
            let mut any_sure = false;
            self.step(level.from.len().min(sees));
            for item in level.from.iter().take(sees) {
                if self.gave_up() {
                    return maybe;
                }
                match self.column_of(item, column, level) {
                    Lookup::Has(found) => {
                        any_sure = true;
                        self.add(&mut sure, &found);
                    }
                    Lookup::May(found) => {
                        any_maybe = true;
                        self.add(&mut maybe, &found);
                    }
                    Lookup::HasNot => {}
                }
                if whole.is_none() && item_name(item) == Some(column) {
                    whole = Some(self.whole_row(item, level));
                }
            }
            if any_sure {
                self.add(&mut sure, &maybe);
                return sure;
            }
            sees = level.parent_sees;
            next = level.parent;
        }
        match whole {
            Some(whole) => self.add(&mut maybe, &whole),
            None if any_maybe => {}
            None if SYSTEM_COLUMNS.contains(&column) => {}
            None => {
                self.missing.set(true);
                let named = unknown(ColumnPart::Named(column.to_owned()));
                self.add(&mut maybe, &named);
            }
        }
        maybe
    }

    /// The entry of FROM that a qualifier means, at this level or around it.
    pub(super) fn item_named(
        &self,
        qualifier: &[String],
        id: LevelId,
        mut sees: usize,
    ) -> Option<(&'l FromItem, &'l Level)> {
        let (table, schema) = match qualifier {
            [table] => (table, None),
            [.., schema, table] => (table, Some(schema)),
            [] => return None,
        };
        let mut next = Some(id);
        while let Some(level) = next.and_then(|id| self.lineage.levels.get(id)) {
            self.step(level.from.len().min(sees));
            let found = level
                .from
                .iter()
                .take(sees)
                .find(|item| match (schema, &item.source) {
                    (None, _) => item_name(item) == Some(table.as_str()),
                    (Some(schema), Source::Relation(name)) => {
                        name.name == *table && self.names.relation(name).schema == *schema
                    }
                    (Some(_), _) => false,
                });
            if let Some(item) = found {
                return Some((item, level));
            }
            sees = level.parent_sees;
            next = level.parent;
        }
        None
    }

    pub(super) fn column_of(&self, item: &FromItem, column: &str, level: &Level) -> Lookup {
        let alias = item.column_aliases.iter().position(|alias| alias == column);
        match &item.source {
            Source::Relation(name) => {
                let found = self.names.relation(name);
                let mention = |column| self.base(&found.schema, &found.name, column);
                match (found.relation, alias) {
                    (Some(relation), Some(position)) => {
                        Lookup::Has(mention(relation.columns.get(position)))
                    }
                    (Some(relation), None) if relation.columns.iter().any(|c| c == column) => {
                        Lookup::Has(mention(Some(&column.to_owned())))
                    }
                    (Some(_), None) => Lookup::HasNot,
                    (None, Some(_)) => Lookup::Has(mention(None)),
                    (None, None) => Lookup::May(mention(Some(&column.to_owned()))),
                }
            }
            Source::Level(id) => self.column_of_level(*id, column, alias),
            Source::Computed(index) => {
                let carried = self.computed(*index);
                if alias.is_some() || item.alias.as_deref() == Some(column) {
                    Lookup::Has(carried)
                } else {
                    Lookup::May(carried)
                }
            }
            Source::Join(parts) => self.column_of_join(parts, column, level, alias.is_some()),
            Source::Proposed => Lookup::May(Carried::default()),
        }
    }

    fn column_of_join(
        &self,
        parts: &[usize],
        column: &str,
        level: &Level,
        aliased: bool,
    ) -> Lookup {
        let mut carried = Carried::default();
        let mut known = false;
        let mut maybe = false;
        for part in parts.iter().filter_map(|part| level.from.get(*part)) {
            if aliased {
                self.add(&mut carried, &self.whole_row(part, level));
                known = true;
                continue;
            }
            match self.column_of(part, column, level) {
                Lookup::Has(found) => {
                    self.add(&mut carried, &found);
                    known = true;
                }
                Lookup::May(found) => {
                    self.add(&mut carried, &found);
                    maybe = true;
                }
                Lookup::HasNot => {}
            }
        }
        match (known, maybe) {
            (true, _) => Lookup::Has(carried),
            (false, true) => Lookup::May(carried),
            (false, false) => Lookup::HasNot,
        }
    }

    fn column_of_level(&self, id: LevelId, column: &str, alias: Option<usize>) -> Lookup {
        let outs = self.known_outputs(id);
        if !self.outputs.contains_key(&id) {
            // Recursion: the level's outputs are merged when they are known.
            return Lookup::Has(Carried::default());
        }
        let all = |outs: &[Out]| self.merged(outs).carried;
        let star = outs.iter().any(|out| out.form == Form::Star);
        if let Some(position) = alias {
            return Lookup::Has(match outs.get(position) {
                Some(out) if !star => out.carried.clone(),
                _ => all(&outs),
            });
        }
        let named: Vec<Out> = outs
            .iter()
            .filter(|out| out.name.as_deref() == Some(column))
            .cloned()
            .collect();
        if !named.is_empty() {
            return Lookup::Has(all(&named));
        }
        let unnamed: Vec<Out> = outs
            .iter()
            .filter(|out| out.name.is_none())
            .cloned()
            .collect();
        if unnamed.is_empty() {
            Lookup::HasNot
        } else {
            Lookup::May(all(&unnamed))
        }
    }

    /// Everything of one entry of FROM.
    pub(super) fn whole_row(&self, item: &FromItem, level: &Level) -> Carried {
        match &item.source {
            Source::Relation(name) => {
                let found = self.names.relation(name);
                self.base(&found.schema, &found.name, None)
            }
            Source::Level(id) => {
                let mut carried = Carried::default();
                for out in self.known_outputs(*id).iter() {
                    self.add(&mut carried, &out.carried);
                }
                carried
            }
            Source::Computed(index) => self.computed(*index),
            Source::Join(parts) => {
                let mut carried = Carried::default();
                for part in parts.iter().filter_map(|part| level.from.get(*part)) {
                    self.add(&mut carried, &self.whole_row(part, level));
                }
                carried
            }
            Source::Proposed => Carried::default(),
        }
    }

    /// A column (or any) of a table.
    pub(super) fn base(&self, schema: &str, table: &str, column: Option<&String>) -> Carried {
        if schema == BUILTIN && keeps_values(table, column) {
            return Carried {
                opaque: true,
                ..unknown(ColumnPart::All)
            };
        }
        Carried::one(ColumnMention {
            schema: Some(schema.to_owned()),
            table: Some(table.to_owned()),
            column: column.map_or(ColumnPart::All, |column| ColumnPart::Named(column.clone())),
        })
    }

    /// What a computed source draws on. Those before it are found first: it can only draw on them.
    fn computed(&self, index: usize) -> Carried {
        let known = |index: usize| self.computed.borrow().get(index).cloned().flatten();
        if let Some(carried) = known(index) {
            return carried;
        }
        for (earlier, source) in self.lineage.computed.iter().enumerate().take(index + 1) {
            if known(earlier).is_none() {
                let carried = self.expr_seeing(&source.expr, source.level, source.sees);
                if let Some(place) = self.computed.borrow_mut().get_mut(earlier) {
                    *place = Some(carried);
                }
            }
        }
        known(index).unwrap_or_default()
    }
}

/// The name by which an entry of FROM is called.
fn item_name(item: &FromItem) -> Option<&str> {
    match (&item.alias, &item.source) {
        (Some(alias), _) => Some(alias),
        (None, Source::Relation(name)) => Some(&name.name),
        (None, _) => None,
    }
}

/// Whether a column (or any) of a table of the server's own can hold values of any other table.
fn keeps_values(table: &str, column: Option<&String>) -> bool {
    KEPT_VALUES
        .iter()
        .filter(|(kept, _)| *kept == table)
        .flat_map(|(_, prefixes)| *prefixes)
        .any(|prefix| column.is_none_or(|column| column.starts_with(prefix)))
}
