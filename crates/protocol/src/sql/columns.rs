//! Which columns of which tables a value may come from.
//!
//! Errs on the side of more: a name that could mean several things means all of them, and one that means nothing
//! is kept as it was written.

mod lookup;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::lineage::{ColumnRef, FromItem, Level, LevelId, Lineage, OutItem, Source};
use super::routines::keeps_arguments;
use super::scope::{Calling, Names};
use super::{ColumnMention, ColumnPart, Name, Output, RoutineUse};
use lookup::Lookup;

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

/// Steps of looking up and merging before a statement counts as too tangled to tell: some 100 ms. A large but
/// ordinary statement (50 tables, 500 columns) takes 30,000.
const MAX_STEPS: usize = 500_000;

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
    /// Some column was found nowhere.
    missing: Cell<bool>,
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
            missing: Cell::new(false),
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

    /// Whether a column that the answer draws on was found nowhere: what is known of the tables is old.
    pub(crate) fn is_missing_one(&self) -> bool {
        self.missing.get()
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
            schema: Some(found.schema.clone()),
            table: Some(found.name.clone()),
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
            form: match (item.many, item.bare) {
                (true, _) => Form::Star,
                (false, true) => Form::Bare,
                (false, false) => Form::Computed,
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
}

fn unknown(column: ColumnPart) -> Carried {
    Carried::one(ColumnMention {
        schema: None,
        table: None,
        column,
    })
}

fn flag(flags: &[bool], index: usize) -> bool {
    flags.get(index).copied().unwrap_or(true)
}
