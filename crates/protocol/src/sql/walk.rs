//! The walk over one statement's tree: what it collects, and the limits that it keeps.

use std::sync::Arc;

use pg_query::NodeEnum;

use super::lineage::{Expr, Level, LevelId, Lineage};
use super::statement::Statement;
use super::walk_set::pinned_setting;
use super::{Effect, Name, ReadError, RoutineUse, Target, Use};

/// How many subqueries may stand inside each other. Generated statements reach tens; each level takes
/// a few kilobytes of stack here and when names are resolved.
pub(crate) const MAX_LEVELS_DEEP: usize = 200;

/// A common table expression that can be named here.
pub(crate) struct VisibleCte {
    pub(crate) name: String,
    pub(crate) level: LevelId,
}

/// Everything that is collected of one statement.
#[derive(Default)]
pub(crate) struct Walk {
    pub(crate) uses: Vec<Use>,
    pub(crate) routines: Vec<RoutineUse>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) lineage: Lineage,
    pub(crate) ctes: Vec<VisibleCte>,
    pub(crate) every_row: bool,
    pub(crate) returns_rows: bool,
    pub(crate) explain: bool,
    pub(crate) literal_matters: bool,
    /// The schema that CREATE SCHEMA makes, where its elements go.
    pub(crate) new_schema: Option<String>,
    /// The only setting that a computed `name` can be in this statement.
    pub(crate) pinned_setting: Option<String>,
    routine_index: std::collections::HashMap<RoutineUse, usize>,
    depth: usize,
}

impl Walk {
    /// Reads one statement.
    pub(crate) fn statement(node: &NodeEnum) -> Result<Statement, ReadError> {
        let mut walk = Self {
            pinned_setting: pinned_setting(node),
            ..Self::default()
        };
        let kind = walk.top(node)?;
        Ok(walk.finish(kind))
    }

    /// Reads a statement that another one keeps: prepared, or behind a cursor.
    pub(crate) fn nested(&mut self, node: &NodeEnum) -> Result<Arc<Statement>, ReadError> {
        self.enter()?;
        let mut walk = Self {
            pinned_setting: pinned_setting(node),
            depth: self.depth,
            ..Self::default()
        };
        let kind = walk.top(node)?;
        self.leave();
        Ok(Arc::new(walk.finish(kind)))
    }

    fn finish(mut self, kind: &'static str) -> Statement {
        self.uses.sort();
        self.uses.dedup();
        Statement {
            kind,
            uses: self.uses,
            routines: self.routines,
            effects: self.effects,
            has_where: !self.every_row,
            returns_rows: self.returns_rows,
            explain: self.explain,
            statement_count: 1,
            range: None,
            literal_matters: self.literal_matters,
            lineage: self.lineage,
        }
    }

    pub(crate) fn enter(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        if self.depth > MAX_LEVELS_DEEP {
            return Err(ReadError::TooDeep);
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(crate) fn need(&mut self, action: &'static str, target: Target) {
        self.uses.push(Use { action, target });
    }

    pub(crate) fn routine(&mut self, name: Name, attribute: bool) -> usize {
        let routine = RoutineUse { name, attribute };
        let routines = &mut self.routines;
        *self
            .routine_index
            .entry(routine)
            .or_insert_with_key(|routine| {
                routines.push(routine.clone());
                routines.len() - 1
            })
    }

    /// Keeps a place for a level, so that others can refer to it before it is complete.
    pub(crate) fn reserve(&mut self, parent: Option<LevelId>) -> LevelId {
        self.lineage.levels.push(Level {
            parent,
            parent_sees: parent
                .and_then(|parent| self.lineage.levels.get(parent))
                .map_or(0, |parent| parent.from.len()),
            ..Level::default()
        });
        self.lineage.levels.len() - 1
    }

    /// Completes a level.
    pub(crate) fn complete(&mut self, id: LevelId, mut level: Level) {
        if let Some(place) = self.lineage.levels.get_mut(id) {
            level.parent_sees = place.parent_sees;
            *place = level;
        }
        self.lineage.order.push(id);
    }

    /// What is known of a level so far: `from` is kept current, because subqueries look into it.
    pub(crate) fn level(&self, id: LevelId) -> Option<&Level> {
        self.lineage.levels.get(id)
    }

    /// Reads an expression that belongs to a definition: what it calls and queries counts, its columns do not.
    pub(crate) fn embedded(&mut self, node: Option<&NodeEnum>) -> Result<(), ReadError> {
        if let Some(node) = node {
            let (mut searched, mut expr) = (Expr::default(), Expr::default());
            self.expr(node, None, &mut expr, &mut searched)?;
        }
        Ok(())
    }

    /// The same for several.
    pub(crate) fn embedded_each<'t>(
        &mut self,
        nodes: impl Iterator<Item = &'t NodeEnum>,
    ) -> Result<(), ReadError> {
        for node in nodes {
            self.embedded(Some(node))?;
        }
        Ok(())
    }
}
