//! SELECT, VALUES, TABLE and set operations: one level each, and what stands in its FROM.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    IntoClause, Node, ResTarget, SelectStmt, SetOperation, SortBy, WithClause, a_const::Val,
};

use super::actions;
use super::lineage::{ColumnRef, Expr, FromItem, Level, LevelId, OutItem, Source};
use super::tree::{each, inner, is_temporary, owned, relation_name};
use super::walk::{VisibleCte, Walk};
use super::walk_decides::is_many;
use super::{Effect, ReadError, Target};

impl Walk {
    /// Any query that can stand inside another statement.
    pub(crate) fn query(
        &mut self,
        node: &NodeEnum,
        parent: Option<LevelId>,
    ) -> Result<LevelId, ReadError> {
        self.enter()?;
        let level = match node {
            NodeEnum::SelectStmt(select) => self.select(select, parent),
            NodeEnum::InsertStmt(insert) => self.insert(insert, parent),
            NodeEnum::UpdateStmt(update) => self.update(update, parent),
            NodeEnum::DeleteStmt(delete) => self.delete(delete, parent),
            NodeEnum::MergeStmt(merge) => self.merge(merge, parent),
            _ => Err(ReadError::Unknown("a query")),
        }?;
        self.leave();
        Ok(level)
    }

    fn select(
        &mut self,
        select: &SelectStmt,
        parent: Option<LevelId>,
    ) -> Result<LevelId, ReadError> {
        let id = self.reserve(parent);
        let outer_ctes = self.ctes.len();
        self.with(select.with_clause.as_ref(), parent)?;
        let mut level = Level {
            parent,
            ..Level::default()
        };
        if select.op() == SetOperation::SetopNone || select.op() == SetOperation::Undefined {
            self.sources(&select.from_clause, id, &mut level)?;
            self.targets(&select.target_list, id, &mut level)?;
            self.values(&select.values_lists, id, &mut level)?;
        } else {
            self.arms(select, id, &mut level)?;
        }
        self.conditions(select, id, &mut level)?;
        if let Some(into) = into_clause(select) {
            self.makes_table(into, id);
        }
        self.complete(id, level);
        if !select.locking_clause.is_empty() {
            self.locks(select, id);
        }
        self.ctes.truncate(outer_ctes);
        Ok(id)
    }

    /// WITH: each query becomes visible to those after it, and to all of them when it is RECURSIVE.
    pub(crate) fn with(
        &mut self,
        with: Option<&WithClause>,
        parent: Option<LevelId>,
    ) -> Result<(), ReadError> {
        let Some(with) = with else { return Ok(()) };
        let expressions = || {
            each(&with.ctes).filter_map(|node| match node {
                NodeEnum::CommonTableExpr(cte) => Some(cte),
                _ => None,
            })
        };
        if !with.recursive {
            for cte in expressions() {
                let wrapper = self.reserve(parent);
                self.common_table(cte, parent, wrapper)?;
                self.ctes.push(VisibleCte {
                    name: cte.ctename.clone(),
                    level: wrapper,
                });
            }
            return Ok(());
        }
        let first = self.ctes.len();
        for cte in expressions() {
            let level = self.reserve(parent);
            self.ctes.push(VisibleCte {
                name: cte.ctename.clone(),
                level,
            });
        }
        for (offset, cte) in expressions().enumerate() {
            if let Some(level) = self.ctes.get(first + offset).map(|cte| cte.level) {
                self.common_table(cte, parent, level)?;
            }
        }
        Ok(())
    }

    /// One common table expression: a level that gives out everything of its query, under the names in its head.
    fn common_table(
        &mut self,
        cte: &pg_query::protobuf::CommonTableExpr,
        parent: Option<LevelId>,
        wrapper: LevelId,
    ) -> Result<(), ReadError> {
        let query = inner(cte.ctequery.as_deref())
            .ok_or(ReadError::Unknown("a common table expression"))?;
        let level = self.query(query, parent)?;
        let mut searched = Expr::default();
        let mut outputs = vec![star()];
        if let Some(cycle) = &cte.cycle_clause {
            for value in [&cycle.cycle_mark_value, &cycle.cycle_mark_default] {
                if let Some(value) = inner(value.as_deref()) {
                    self.expr(value, Some(wrapper), &mut Expr::default(), &mut searched)?;
                }
            }
            outputs.push(path_of(&cycle.cycle_mark_column, level));
            outputs.push(path_of(&cycle.cycle_path_column, level));
        }
        if let Some(search) = &cte.search_clause {
            outputs.push(path_of(&search.search_seq_column, level));
        }
        let level = Level {
            parent,
            from: vec![FromItem {
                alias: Some(cte.ctename.clone()),
                column_aliases: owned(&cte.aliascolnames),
                source: Source::Level(level),
            }],
            outputs,
            searched,
            ..Level::default()
        };
        self.complete(wrapper, level);
        Ok(())
    }

    /// The arms of a set operation, from left to right: the first one names the outputs. Long chains lean to the left,
    /// so they are unrolled without recursion.
    fn arms(
        &mut self,
        select: &SelectStmt,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let mut pending: Vec<(&SelectStmt, bool)> =
            sides(select, false).into_iter().flatten().collect();
        while let Some((arm, compared)) = pending.pop() {
            if is_plain_set_operation(arm) {
                pending.extend(sides(arm, compared).into_iter().flatten());
            } else {
                self.enter()?;
                let arm = self.select(arm, Some(id))?;
                self.leave();
                level.arms.push(arm);
                if compared {
                    level.searched.levels.push(arm);
                }
            }
        }
        Ok(())
    }

    fn values(&mut self, lists: &[Node], id: LevelId, level: &mut Level) -> Result<(), ReadError> {
        let mut many = false;
        for row in each(lists) {
            let NodeEnum::List(row) = row else { continue };
            for (position, value) in each(&row.items).enumerate() {
                many |= is_many(value);
                let mut expr = Expr::default();
                self.expr(value, Some(id), &mut expr, &mut level.searched)?;
                match level.outputs.get_mut(position) {
                    Some(output) => output.expr.extend(expr),
                    None => level.outputs.push(OutItem {
                        name: Some(format!("column{}", position + 1)),
                        expr,
                        bare: false,
                        many: false,
                    }),
                }
            }
        }
        if many {
            // What stands in one position comes out in another.
            for output in &mut level.outputs {
                output.name = None;
                output.many = true;
            }
        }
        Ok(())
    }

    /// A target list: of SELECT or of RETURNING.
    pub(crate) fn targets(
        &mut self,
        targets: &[Node],
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        for node in each(targets) {
            let NodeEnum::ResTarget(target) = node else {
                return Err(ReadError::Unknown("a target"));
            };
            let output = self.target(target, id, &mut level.searched)?;
            level.outputs.push(output);
        }
        Ok(())
    }

    fn target(
        &mut self,
        target: &ResTarget,
        id: LevelId,
        searched: &mut Expr,
    ) -> Result<OutItem, ReadError> {
        let value = inner(target.val.as_deref()).ok_or(ReadError::Unknown("a target"))?;
        let mut expr = Expr::default();
        self.expr(value, Some(id), &mut expr, searched)?;
        let bare = matches!(value, NodeEnum::ColumnRef(_));
        let many = !bare && is_many(value);
        let own_name = match expr.refs.as_slice() {
            [only] if bare && !only.star => only.parts.last().cloned(),
            _ => None,
        };
        let name = if many {
            None
        } else if target.name.is_empty() {
            own_name
        } else {
            Some(target.name.clone())
        };
        Ok(OutItem {
            name,
            expr,
            bare,
            many,
        })
    }

    fn conditions(
        &mut self,
        select: &SelectStmt,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let singles = [
            &select.where_clause,
            &select.having_clause,
            &select.limit_offset,
            &select.limit_count,
        ];
        for node in singles
            .into_iter()
            .filter_map(|node| inner(node.as_deref()))
        {
            self.searched(node, id, level)?;
        }
        for node in each(&select.window_clause) {
            self.searched(node, id, level)?;
        }
        let distinct = &select.distinct_clause;
        if !distinct.is_empty() && each(distinct).next().is_none() {
            // DISTINCT by itself compares whole rows.
            for output in &level.outputs {
                level.searched.extend(output.expr.clone());
            }
        }
        for node in each(&select.group_clause).chain(each(&select.distinct_clause)) {
            self.grouped(node, id, level)?;
        }
        for node in each(&select.sort_clause) {
            match node {
                NodeEnum::SortBy(sort) => self.sorted(sort, id, level)?,
                other => self.searched(other, id, level)?,
            }
        }
        Ok(())
    }

    /// An expression whose value decides which rows there are, or in what order.
    pub(crate) fn searched(
        &mut self,
        node: &NodeEnum,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let mut found = Expr::default();
        self.expr(node, Some(id), &mut found, &mut level.searched)?;
        level.searched.extend(found);
        Ok(())
    }

    fn sorted(&mut self, sort: &SortBy, id: LevelId, level: &mut Level) -> Result<(), ReadError> {
        let Some(node) = inner(sort.node.as_deref()) else {
            return Ok(());
        };
        if !sort.use_op.is_empty() {
            // USING an operator: the whole node, so that the operator is seen.
            return self.searched(&NodeEnum::SortBy(Box::new(sort.clone())), id, level);
        }
        self.grouped(node, id, level)
    }

    /// An entry of ORDER BY, GROUP BY or DISTINCT ON, which can be the position or the name of an output.
    fn grouped(
        &mut self,
        node: &NodeEnum,
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        if let NodeEnum::AConst(constant) = node {
            self.literal_matters = true;
            if let Some(Val::Ival(position)) = &constant.val {
                let position = usize::try_from(position.ival).unwrap_or(0);
                level.searched_outputs.extend(position.checked_sub(1));
            }
            return Ok(());
        }
        let mut found = Expr::default();
        self.expr(node, Some(id), &mut found, &mut level.searched)?;
        let named = match (node, found.refs.as_slice()) {
            (NodeEnum::ColumnRef(_), [only]) if !only.star => output_named(level, only),
            _ => None,
        };
        level.searched_outputs.extend(named);
        // A name can mean an input column too; only a set operation has outputs alone.
        if level.arms.is_empty() {
            level.searched.extend(found);
        } else if named.is_none() && !found.refs.is_empty() {
            level.searched.levels.extend(level.arms.iter().copied());
        }
        Ok(())
    }

    /// FOR UPDATE and FOR SHARE: locks what is named, or everything that the level reads, also in subqueries.
    fn locks(&mut self, select: &SelectStmt, id: LevelId) {
        let named: Vec<String> = each(&select.locking_clause)
            .filter_map(|node| match node {
                NodeEnum::LockingClause(lock) => Some(lock),
                _ => None,
            })
            .flat_map(|lock| each(&lock.locked_rels))
            .filter_map(|node| match node {
                NodeEnum::RangeVar(relation) => Some(relation.relname.clone()),
                _ => None,
            })
            .collect();
        let all = each(&select.locking_clause).any(
            |node| matches!(node, NodeEnum::LockingClause(lock) if lock.locked_rels.is_empty()),
        );
        let mut pending = vec![(id, true)];
        let mut seen = std::collections::BTreeSet::new();
        while let Some((id, top)) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(level) = self.lineage.levels.get(id) else {
                continue;
            };
            pending.extend(level.arms.iter().map(|arm| (*arm, false)));
            let mut locked = Vec::new();
            for item in &level.from {
                let own_name = match (&item.alias, &item.source) {
                    (Some(alias), _) => Some(alias),
                    (None, Source::Relation(name)) => Some(&name.name),
                    _ => None,
                };
                if top && !all && !own_name.is_some_and(|name| named.contains(name)) {
                    continue;
                }
                match &item.source {
                    Source::Relation(name) => locked.push(name.clone()),
                    Source::Level(inner) => pending.push((*inner, false)),
                    _ => {}
                }
            }
            for name in locked {
                self.need(actions::LOCK, Target::Table(name));
            }
        }
    }

    /// SELECT INTO, CREATE TABLE AS: a new table takes the level's outputs.
    pub(crate) fn makes_table(&mut self, into: &IntoClause, from: LevelId) {
        if let Some(relation) = &into.rel {
            let name = relation_name(relation);
            self.effects.push(Effect::CatalogChanged);
            if is_temporary(relation) {
                self.effects.push(Effect::TemporaryTable(name.name.clone()));
                self.need(actions::CREATE_TEMPORARY, Target::TemporaryTable(name.name));
            } else {
                self.need(actions::CREATE, Target::NewTable(name));
            }
        }
        self.copies(from);
    }

    /// The outputs of a level go somewhere other than the answer.
    pub(crate) fn copies(&mut self, from: LevelId) {
        let keeper = self.reserve(None);
        let level = Level {
            copied: Expr {
                levels: vec![from],
                ..Expr::default()
            },
            ..Level::default()
        };
        self.complete(keeper, level);
    }
}

/// The two sides of a set operation, the right one first, each with whether its rows are compared: they are
/// without ALL, and so are those of every operation inside.
fn sides(operation: &SelectStmt, compared: bool) -> [Option<(&SelectStmt, bool)>; 2] {
    let compared = compared || !operation.all;
    [&operation.rarg, &operation.larg].map(|arm| arm.as_deref().map(|arm| (arm, compared)))
}

/// The INTO of a SELECT; in a set operation it stands in the leftmost arm, which is walked by itself.
fn into_clause(select: &SelectStmt) -> Option<&IntoClause> {
    select.into_clause.as_deref()
}

fn is_plain_set_operation(select: &SelectStmt) -> bool {
    !matches!(
        select.op(),
        SetOperation::SetopNone | SetOperation::Undefined
    ) && select.with_clause.is_none()
        && select.sort_clause.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.locking_clause.is_empty()
        && select.into_clause.is_none()
}

/// A column that SEARCH or CYCLE adds: made of the rows' own columns.
fn path_of(name: &str, level: LevelId) -> OutItem {
    OutItem {
        name: Some(name.to_owned()),
        expr: Expr {
            levels: vec![level],
            ..Expr::default()
        },
        bare: false,
        many: false,
    }
}

/// `*`
fn star() -> OutItem {
    OutItem {
        name: None,
        expr: Expr {
            refs: vec![ColumnRef {
                parts: Vec::new(),
                star: true,
            }],
            ..Expr::default()
        },
        bare: true,
        many: false,
    }
}

/// The position of the output with this name, unless it is the very column of that name.
fn output_named(level: &Level, reference: &ColumnRef) -> Option<usize> {
    let [name] = reference.parts.as_slice() else {
        return None;
    };
    level
        .outputs
        .iter()
        .position(|output| output.name.as_ref() == Some(name))
}
