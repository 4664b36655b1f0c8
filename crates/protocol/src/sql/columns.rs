//! Which columns of which tables a value may come from.
//!
//! Errs on the side of more: a name that could mean several things means all of them, and one that means nothing
//! is kept as it was written.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::lineage::{ColumnRef, Expr, FromItem, Level, LevelId, Lineage, OutItem, Source};
use super::routines::keeps_arguments;
use super::scope::{BUILTIN, Calling, Names};
use super::{ColumnMention, ColumnPart, Name, Output, RoutineUse};

/// Columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Where the server keeps values that it sampled from any column.
const VALUE_STATISTICS: &[&str] = &[
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
];

/// What a value may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Carried {
    from: BTreeSet<ColumnMention>,
    opaque: bool,
}

impl Carried {
    fn one(mention: ColumnMention) -> Self {
        Self {
            from: BTreeSet::from([mention]),
            opaque: false,
        }
    }
}

/// One output of a level.
#[derive(Debug, Clone)]
struct Out {
    name: Option<String>,
    carried: Carried,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    Star,
    Computed,
}

/// How sure it is that an entry of FROM has a column.
enum Lookup {
    /// It has.
    Has(Carried),
    /// Its columns are not known; it may have.
    May(Carried),
    /// It has not.
    HasNot,
}

/// Steps of looking up and merging before a statement counts as too tangled to tell: about 100 ms. A large but
/// ordinary statement (50 tables, 500 columns) takes 30,000.
const MAX_STEPS: usize = 2_000_000;

/// The most columns that a query of PostgreSQL has.
const MAX_OUTPUTS: usize = 1_664;

pub(crate) struct Columns<'l, 'c> {
    lineage: &'l Lineage,
    names: &'l Names<'c>,
    /// Which of the statement's routines can hand out anything.
    opaque_calls: Vec<bool>,
    /// Which of them keep their arguments.
    keeping_calls: Vec<bool>,
    outputs: HashMap<LevelId, Rc<Vec<Out>>>,
    /// What the computed sources draw on, as far as they were asked for; in order.
    computed: RefCell<Vec<Option<Carried>>>,
    /// Levels that were asked for before they were known: recursion.
    recursive: RefCell<BTreeSet<LevelId>>,
    /// Attributes that are no columns, and so may be calls.
    attributes: RefCell<BTreeSet<String>>,
    /// How much work is left before this gives up.
    budget: Cell<usize>,
}

impl<'l, 'c> Columns<'l, 'c> {
    pub(crate) fn new(
        lineage: &'l Lineage,
        names: &'l Names<'c>,
        callings: &[Calling],
        routines: &[RoutineUse],
    ) -> Self {
        Self {
            lineage,
            names,
            opaque_calls: callings
                .iter()
                .map(|calling| matches!(calling, Calling::Runs { .. }))
                .collect(),
            keeping_calls: routines
                .iter()
                .map(|routine| keeps_arguments(&routine.name.name))
                .collect(),
            outputs: HashMap::new(),
            recursive: RefCell::default(),
            attributes: RefCell::default(),
            computed: RefCell::new(vec![None; lineage.computed.len()]),
            budget: Cell::new(MAX_STEPS),
        }
    }

    /// Finds the outputs of every level. Gives back the attributes that may be calls of routines.
    pub(crate) fn run(&mut self) -> BTreeSet<String> {
        self.pass();
        if !self.recursive.borrow().is_empty() {
            // What was computed before a recursive level was known lacks that level's columns.
            self.computed.borrow_mut().fill(None);
            self.pass();
        }
        std::mem::take(&mut *self.attributes.borrow_mut())
    }

    fn pass(&mut self) {
        for id in &self.lineage.order {
            if let Some(level) = self.lineage.levels.get(*id) {
                let mut outs = self.level_outputs(*id, level);
                if self.recursive.borrow().contains(id) {
                    self.merge_all(&mut outs);
                }
                if outs.len() > MAX_OUTPUTS {
                    outs = vec![self.merged(&outs)];
                }
                self.outputs.insert(*id, Rc::new(outs));
            }
        }
    }

    /// Counts work. When there was too much, nothing that was found means anything: see [`Self::gave_up`].
    fn step(&self, work: usize) -> bool {
        let left = self.budget.get().saturating_sub(work);
        self.budget.set(left);
        left > 0
    }

    /// The statement is too tangled: any column may be anywhere in it.
    fn gave_up(&self) -> bool {
        self.budget.get() == 0
    }

    fn add(&self, to: &mut Carried, other: &Carried) {
        if self.step(other.from.len() + 1) {
            to.from.extend(other.from.iter().cloned());
            to.opaque |= other.opaque;
        }
    }

    fn finish(&self, found: Carried) -> Vec<ColumnMention> {
        if self.gave_up() {
            return unknown(ColumnPart::All).from.into_iter().collect();
        }
        found.from.into_iter().collect()
    }

    /// The outputs of one level, for the answer.
    pub(crate) fn outputs(&self, id: LevelId) -> Vec<Output> {
        if self.gave_up() {
            return vec![Output::Star(self.finish(Carried::default()))];
        }
        let outs = self.outputs.get(&id).cloned().unwrap_or_default();
        outs.iter()
            .map(|out| {
                let from: Vec<ColumnMention> = out.carried.from.iter().cloned().collect();
                match out.form {
                    Form::Star => Output::Star(from),
                    _ if out.carried.opaque => Output::Opaque(from),
                    Form::Bare => Output::Plain(from),
                    Form::Computed => Output::Derived(from),
                }
            })
            .collect()
    }

    /// All columns of all tables that are read anywhere.
    pub(crate) fn everything(&self) -> Vec<ColumnMention> {
        let mut all = Carried::default();
        for level in &self.lineage.levels {
            for item in &level.from {
                self.add(&mut all, &self.whole_row(item, level));
            }
        }
        self.finish(all)
    }

    pub(crate) fn searched(&self) -> Vec<ColumnMention> {
        let mut all = Carried::default();
        for (id, level) in self.lineage.levels.iter().enumerate() {
            self.add(&mut all, &self.expr(&level.searched, id));
            let outs = self.outputs.get(&id).cloned().unwrap_or_default();
            let star = outs.iter().any(|out| out.form == Form::Star);
            for position in &level.searched_outputs {
                match outs.get(*position) {
                    Some(out) if !star => self.add(&mut all, &out.carried),
                    _ => outs.iter().for_each(|out| self.add(&mut all, &out.carried)),
                }
            }
            for column in &level.joined_by_name {
                for item in &level.from {
                    if let Lookup::Has(found) | Lookup::May(found) =
                        self.column_of(item, column, level)
                    {
                        self.add(&mut all, &found);
                    }
                }
            }
            if level.natural {
                for item in &level.from {
                    self.add(&mut all, &self.whole_row(item, level));
                }
            }
        }
        for (table, column) in &self.lineage.referenced {
            self.add(&mut all, &self.named(table, column.as_deref()));
        }
        self.finish(all)
    }

    pub(crate) fn copied(&self) -> Vec<ColumnMention> {
        let mut all = Carried::default();
        for (id, level) in self.lineage.levels.iter().enumerate() {
            self.add(&mut all, &self.expr(&level.copied, id));
            let kept = level
                .outputs
                .iter()
                .map(|output| &output.expr)
                .chain([&level.searched, &level.copied])
                .filter(|expr| {
                    expr.calls
                        .iter()
                        .any(|call| flag(&self.keeping_calls, *call))
                });
            for expr in kept {
                self.add(&mut all, &self.expr(expr, id));
            }
        }
        for (table, column) in &self.lineage.moved {
            self.add(&mut all, &self.named(table, column.as_deref()));
        }
        self.finish(all)
    }

    fn named(&self, table: &Name, column: Option<&str>) -> Carried {
        let found = self.names.relation(table);
        Carried::one(ColumnMention {
            schema: Some(found.schema),
            table: Some(found.name),
            column: column.map_or(ColumnPart::All, |column| {
                ColumnPart::Named(column.to_owned())
            }),
        })
    }

    fn level_outputs(&self, id: LevelId, level: &Level) -> Vec<Out> {
        let mut outs = Vec::new();
        for item in &level.outputs {
            self.output(item, id, level, &mut outs);
        }
        for arm in &level.arms {
            let arm = self.known_outputs(*arm);
            let aligned = !arm.iter().chain(&outs).any(|out| out.form == Form::Star);
            if outs.is_empty() {
                outs = arm.as_ref().clone();
            } else if aligned && arm.len() == outs.len() {
                for (out, other) in outs.iter_mut().zip(arm.iter()) {
                    self.add(&mut out.carried, &other.carried);
                    if other.form != Form::Bare {
                        out.form = other.form;
                    }
                }
            } else {
                outs.extend(arm.iter().cloned());
                self.merge_all(&mut outs);
            }
        }
        outs
    }

    /// Positions mean nothing any more: every output may be any of them.
    fn merge_all(&self, outs: &mut [Out]) {
        let all = self.merged(outs).carried;
        for out in outs {
            self.add(&mut out.carried, &all);
            if out.form == Form::Bare {
                out.form = Form::Computed;
            }
        }
    }

    /// One output for any number of them.
    fn merged(&self, outs: &[Out]) -> Out {
        let mut carried = Carried::default();
        for out in outs {
            self.add(&mut carried, &out.carried);
        }
        Out {
            name: None,
            carried,
            form: Form::Star,
        }
    }

    fn known_outputs(&self, id: LevelId) -> Rc<Vec<Out>> {
        match self.outputs.get(&id) {
            Some(outs) => Rc::clone(outs),
            None => {
                self.recursive.borrow_mut().insert(id);
                Rc::default()
            }
        }
    }

    fn output(&self, item: &OutItem, id: LevelId, level: &Level, outs: &mut Vec<Out>) {
        if let ([reference], true) = (item.expr.refs.as_slice(), item.bare)
            && reference.star
        {
            self.star(reference, id, level, outs);
            return;
        }
        outs.push(Out {
            name: item.name.clone(),
            carried: self.expr(&item.expr, id),
            form: if item.bare {
                Form::Bare
            } else {
                Form::Computed
            },
        });
    }

    /// `*` and `t.*`, column by column where they are known.
    fn star(&self, reference: &ColumnRef, id: LevelId, level: &Level, outs: &mut Vec<Out>) {
        let end = level.returning_names.unwrap_or(level.from.len());
        let everywhere = reference.parts.is_empty();
        let merged = everywhere && (level.natural || !level.joined_by_name.is_empty());
        let items: Vec<&FromItem> = if everywhere {
            level.from.iter().take(end).collect()
        } else {
            self.item_named(&reference.parts, id, usize::MAX)
                .into_iter()
                .map(|(item, _)| item)
                .collect()
        };
        if items.is_empty() || merged {
            let mut carried = Carried::default();
            for item in &items {
                self.add(&mut carried, &self.whole_row(item, level));
            }
            if items.is_empty() && !everywhere {
                self.add(&mut carried, &unknown(ColumnPart::All));
            }
            outs.push(Out {
                name: None,
                carried,
                form: Form::Star,
            });
            return;
        }
        for item in items {
            match &item.source {
                // Its parts are entries of their own.
                Source::Join(_) if everywhere => {}
                _ => self.expand(item, level, outs),
            }
        }
    }

    fn expand(&self, item: &FromItem, level: &Level, outs: &mut Vec<Out>) {
        let alias = |position: usize| item.column_aliases.get(position).cloned();
        match &item.source {
            Source::Relation(name) => {
                let found = self.names.relation(name);
                if let Some(relation) = found.relation {
                    for (position, column) in relation.columns.iter().enumerate() {
                        outs.push(Out {
                            name: alias(position).or_else(|| Some(column.clone())),
                            carried: self.base(&found.schema, &found.name, Some(column)),
                            form: Form::Bare,
                        });
                    }
                    return;
                }
            }
            Source::Level(id) => {
                let inner = self.known_outputs(*id);
                let known = self.outputs.contains_key(id);
                if known && !inner.iter().any(|out| out.form == Form::Star) {
                    for (position, out) in inner.iter().enumerate() {
                        outs.push(Out {
                            name: alias(position).or_else(|| out.name.clone()),
                            carried: out.carried.clone(),
                            form: Form::Bare,
                        });
                    }
                    return;
                }
            }
            _ => {}
        }
        outs.push(Out {
            name: None,
            carried: self.whole_row(item, level),
            form: Form::Star,
        });
    }

    /// Everything that an expression of a level draws on.
    fn expr(&self, expr: &Expr, id: LevelId) -> Carried {
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
                    unknown(ColumnPart::Named(column.clone()))
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
            None => self.add(&mut maybe, &unknown(ColumnPart::Named(column.to_owned()))),
        }
        maybe
    }

    /// The entry of FROM that a qualifier means, at this level or around it.
    fn item_named(
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

    fn column_of(&self, item: &FromItem, column: &str, level: &Level) -> Lookup {
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
    fn whole_row(&self, item: &FromItem, level: &Level) -> Carried {
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
    fn base(&self, schema: &str, table: &str, column: Option<&String>) -> Carried {
        if schema == BUILTIN && VALUE_STATISTICS.contains(&table) {
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

fn unknown(column: ColumnPart) -> Carried {
    Carried::one(ColumnMention {
        schema: None,
        table: None,
        column,
    })
}

/// The name by which an entry of FROM is called.
fn item_name(item: &FromItem) -> Option<&str> {
    match (&item.alias, &item.source) {
        (Some(alias), _) => Some(alias),
        (None, Source::Relation(name)) => Some(&name.name),
        (None, _) => None,
    }
}

fn flag(flags: &[bool], index: usize) -> bool {
    flags.get(index).copied().unwrap_or(true)
}
