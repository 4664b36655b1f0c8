//! INSERT, UPDATE, DELETE and MERGE.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    BoolExprType, CmdType, DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, Node,
    OnConflictAction, OnConflictClause, RangeVar, ReturningClause, ReturningOptionKind, UpdateStmt,
};

use super::actions;
use super::lineage::{ColumnRef, Expr, FromItem, Level, LevelId, Source};
use super::tree::{each, inner, relation_name};
use super::walk::Walk;
use super::{Name, ReadError, Target};

impl Walk {
    pub(crate) fn insert(
        &mut self,
        insert: &InsertStmt,
        parent: Option<LevelId>,
    ) -> Result<LevelId, ReadError> {
        let id = self.reserve(parent);
        let outer_ctes = self.ctes.len();
        self.with(insert.with_clause.as_ref(), parent)?;
        let mut level = Level {
            parent,
            ..Level::default()
        };
        let table = self.changed(insert.relation.as_ref(), actions::INSERT, id, &mut level)?;
        if let Some(source) = inner(insert.select_stmt.as_deref()) {
            level.copied.levels.push(self.query(source, parent)?);
        }
        for column in each(&insert.cols) {
            self.expr(column, Some(id), &mut Expr::default(), &mut Expr::default())?;
        }
        if let Some(conflict) = insert.on_conflict_clause.as_deref() {
            self.on_conflict(conflict, &table, id, &mut level)?;
        }
        self.returning(insert.returning_clause.as_ref(), &table, id, &mut level)?;
        self.complete(id, level);
        self.ctes.truncate(outer_ctes);
        Ok(id)
    }

    fn on_conflict(
        &mut self,
        conflict: &OnConflictClause,
        table: &Name,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let proposed = FromItem {
            alias: Some("excluded".to_owned()),
            column_aliases: Vec::new(),
            source: Source::Proposed,
        };
        self.push_from(proposed, id, level);
        if let Some(infer) = conflict.infer.as_deref() {
            for node in each(&infer.index_elems).chain(inner(infer.where_clause.as_deref())) {
                if let NodeEnum::IndexElem(element) = node
                    && !element.name.is_empty()
                {
                    level.searched.refs.push(ColumnRef {
                        parts: vec![element.name.clone()],
                        star: false,
                    });
                }
                self.searched(node, id, level)?;
            }
        }
        if conflict.action() == OnConflictAction::OnconflictUpdate {
            self.need(actions::UPDATE, Target::Table(table.clone()));
            self.assignments(&conflict.target_list, id, level)?;
        }
        if let Some(condition) = inner(conflict.where_clause.as_deref()) {
            self.searched(condition, id, level)?;
        }
        Ok(())
    }

    pub(crate) fn update(
        &mut self,
        update: &UpdateStmt,
        parent: Option<LevelId>,
    ) -> Result<LevelId, ReadError> {
        let id = self.reserve(parent);
        let outer_ctes = self.ctes.len();
        self.with(update.with_clause.as_ref(), parent)?;
        let mut level = Level {
            parent,
            ..Level::default()
        };
        let table = self.changed(update.relation.as_ref(), actions::UPDATE, id, &mut level)?;
        self.sources(&update.from_clause, id, &mut level)?;
        self.assignments(&update.target_list, id, &mut level)?;
        self.row_condition(update.where_clause.as_deref(), id, &mut level)?;
        self.returning(update.returning_clause.as_ref(), &table, id, &mut level)?;
        self.complete(id, level);
        self.ctes.truncate(outer_ctes);
        Ok(id)
    }

    pub(crate) fn delete(
        &mut self,
        delete: &DeleteStmt,
        parent: Option<LevelId>,
    ) -> Result<LevelId, ReadError> {
        let id = self.reserve(parent);
        let outer_ctes = self.ctes.len();
        self.with(delete.with_clause.as_ref(), parent)?;
        let mut level = Level {
            parent,
            ..Level::default()
        };
        let table = self.changed(delete.relation.as_ref(), actions::DELETE, id, &mut level)?;
        self.sources(&delete.using_clause, id, &mut level)?;
        self.row_condition(delete.where_clause.as_deref(), id, &mut level)?;
        self.returning(delete.returning_clause.as_ref(), &table, id, &mut level)?;
        self.complete(id, level);
        self.ctes.truncate(outer_ctes);
        Ok(id)
    }

    pub(crate) fn merge(
        &mut self,
        merge: &MergeStmt,
        parent: Option<LevelId>,
    ) -> Result<LevelId, ReadError> {
        let id = self.reserve(parent);
        let outer_ctes = self.ctes.len();
        self.with(merge.with_clause.as_ref(), parent)?;
        let mut level = Level {
            parent,
            ..Level::default()
        };
        let table = self.changed(merge.relation.as_ref(), actions::MERGE, id, &mut level)?;
        let mut conditions: Vec<&NodeEnum> =
            inner(merge.join_condition.as_deref()).into_iter().collect();
        if let Some(source) = inner(merge.source_relation.as_deref()) {
            self.source(source, id, &mut level, &mut conditions)?;
        }
        for condition in conditions {
            self.searched(condition, id, &mut level)?;
        }
        for node in each(&merge.merge_when_clauses) {
            let NodeEnum::MergeWhenClause(arm) = node else {
                return Err(ReadError::Unknown("an arm of MERGE"));
            };
            self.merge_arm(arm, &table, id, &mut level)?;
        }
        self.returning(merge.returning_clause.as_ref(), &table, id, &mut level)?;
        self.complete(id, level);
        self.ctes.truncate(outer_ctes);
        Ok(id)
    }

    fn merge_arm(
        &mut self,
        arm: &MergeWhenClause,
        table: &Name,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let action = match arm.command_type() {
            CmdType::CmdInsert => Some(actions::INSERT),
            CmdType::CmdUpdate => Some(actions::UPDATE),
            CmdType::CmdDelete => Some(actions::DELETE),
            CmdType::CmdNothing => None,
            _ => return Err(ReadError::Unknown("an arm of MERGE")),
        };
        if let Some(action) = action {
            self.need(action, Target::Table(table.clone()));
        }
        if let Some(condition) = inner(arm.condition.as_deref()) {
            self.searched(condition, id, level)?;
        }
        if action == Some(actions::UPDATE) {
            self.assignments(&arm.target_list, id, level)?;
        }
        for value in each(&arm.values) {
            let mut copied = Expr::default();
            self.expr(value, Some(id), &mut copied, &mut level.searched)?;
            level.copied.extend(copied);
        }
        Ok(())
    }

    /// The table that a statement changes. It is never a common table expression.
    fn changed(
        &mut self,
        relation: Option<&RangeVar>,
        action: &'static str,
        id: LevelId,
        level: &mut Level,
    ) -> Result<Name, ReadError> {
        let relation = relation.ok_or(ReadError::Unknown("a statement without its table"))?;
        let name = relation_name(relation);
        self.need(action, Target::Table(name.clone()));
        let item = FromItem {
            alias: relation.alias.as_ref().map(|alias| alias.aliasname.clone()),
            column_aliases: Vec::new(),
            source: Source::Relation(name.clone()),
        };
        self.push_from(item, id, level);
        Ok(name)
    }

    /// `SET a = expr, ...`: what the expressions draw on is copied.
    fn assignments(
        &mut self,
        targets: &[Node],
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        for target in each(targets) {
            let mut copied = Expr::default();
            self.expr(target, Some(id), &mut copied, &mut level.searched)?;
            level.copied.extend(copied);
        }
        Ok(())
    }

    /// RETURNING reads the table, also the old and the new row by their names.
    fn returning(
        &mut self,
        returning: Option<&ReturningClause>,
        table: &Name,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let Some(returning) = returning else {
            return Ok(());
        };
        self.need(actions::SELECT, Target::Table(table.clone()));
        let (mut old, mut new) = ("old".to_owned(), "new".to_owned());
        for option in each(&returning.options) {
            if let NodeEnum::ReturningOption(option) = option {
                match option.option() {
                    ReturningOptionKind::ReturningOptionOld => old.clone_from(&option.value),
                    ReturningOptionKind::ReturningOptionNew => new.clone_from(&option.value),
                    ReturningOptionKind::Undefined => {}
                }
            }
        }
        let width = level.from.len();
        for alias in [old, new] {
            let row = FromItem {
                alias: Some(alias),
                column_aliases: Vec::new(),
                source: Source::Relation(table.clone()),
            };
            self.push_from(row, id, level);
        }
        self.targets(&returning.exprs, id, level)?;
        // The two names are no entries of FROM for `*`; keep them reachable as a join's would be.
        level.returning_names = Some(width);
        Ok(())
    }

    /// The WHERE of UPDATE and DELETE. One that does not depend on the row is as good as none.
    fn row_condition(
        &mut self,
        condition: Option<&Node>,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let chooses = match inner(condition) {
            Some(condition) => self.chooses_rows(condition, id, level)?,
            None => false,
        };
        self.every_row |= !chooses;
        Ok(())
    }

    /// Whether a condition can be true for one row and false for another, as far as its form tells: OR needs that
    /// of every arm, AND of one. Sees the whole condition on the way.
    fn chooses_rows(
        &mut self,
        node: &NodeEnum,
        id: LevelId,
        level: &mut Level,
    ) -> Result<bool, ReadError> {
        if let NodeEnum::BoolExpr(expr) = node {
            self.enter()?;
            let mut arms = Vec::with_capacity(expr.args.len());
            for arm in each(&expr.args) {
                arms.push(self.chooses_rows(arm, id, level)?);
            }
            self.leave();
            return Ok(match expr.boolop() {
                BoolExprType::OrExpr => arms.iter().all(|chooses| *chooses),
                _ => arms.iter().any(|chooses| *chooses),
            });
        }
        let mut found = Expr::default();
        self.expr(node, Some(id), &mut found, &mut level.searched)?;
        let chooses =
            found.current_of || !found.refs.is_empty() || self.looks_outside(&found.levels, level);
        level.searched.extend(found);
        Ok(chooses)
    }

    /// Whether a subquery in a condition can depend on the row: it mentions the changed table, or a column
    /// without saying whose.
    fn looks_outside(&self, levels: &[LevelId], around: &Level) -> bool {
        let own_name = around.from.first().and_then(|item| match &item.source {
            Source::Relation(name) => item.alias.as_ref().or(Some(&name.name)),
            _ => None,
        });
        let mut pending = levels.to_vec();
        let mut seen = std::collections::BTreeSet::new();
        while let Some(id) = pending.pop() {
            let Some(level) = self.level(id).filter(|_| seen.insert(id)) else {
                continue;
            };
            let exprs = level
                .outputs
                .iter()
                .map(|output| &output.expr)
                .chain([&level.searched]);
            for expr in exprs {
                if expr
                    .refs
                    .iter()
                    .any(|reference| match reference.parts.as_slice() {
                        [] => false,
                        [_] => !reference.star,
                        [.., table, _] => Some(table) == own_name,
                    })
                {
                    return true;
                }
                pending.extend(&expr.levels);
            }
            pending.extend(&level.arms);
            pending.extend(level.from.iter().filter_map(|item| match &item.source {
                Source::Level(id) => Some(*id),
                _ => None,
            }));
        }
        false
    }
}
