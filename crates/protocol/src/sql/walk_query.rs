//! SELECT, VALUES, TABLE and set operations: one level each, and what stands in its FROM.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    Alias, IntoClause, JoinExpr, JoinType, Node, ResTarget, SelectStmt, SetOperation, SortBy,
    WithClause, a_const::Val,
};

use super::actions;
use super::lineage::{ColumnRef, Computed, Expr, FromItem, Level, LevelId, OutItem, Source};
use super::tree::{each, inner, is_temporary, relation_name, texts};
use super::walk::{VisibleCte, Walk};
use super::{Effect, Name, ReadError, Target};

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
        if let Some(cycle) = &cte.cycle_clause {
            for value in [&cycle.cycle_mark_value, &cycle.cycle_mark_default] {
                if let Some(value) = inner(value.as_deref()) {
                    self.expr(value, Some(wrapper), &mut Expr::default(), &mut searched)?;
                }
            }
        }
        let level = Level {
            parent,
            from: vec![FromItem {
                alias: Some(cte.ctename.clone()),
                column_aliases: owned(&cte.aliascolnames),
                source: Source::Level(level),
            }],
            outputs: vec![star()],
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
        let mut pending: Vec<&SelectStmt> = Vec::new();
        pending.extend(select.rarg.as_deref());
        pending.extend(select.larg.as_deref());
        while let Some(arm) = pending.pop() {
            if is_plain_set_operation(arm) {
                pending.extend(arm.rarg.as_deref());
                pending.extend(arm.larg.as_deref());
            } else {
                self.enter()?;
                level.arms.push(self.select(arm, Some(id))?);
                self.leave();
            }
        }
        Ok(())
    }

    fn values(&mut self, lists: &[Node], id: LevelId, level: &mut Level) -> Result<(), ReadError> {
        for row in each(lists) {
            let NodeEnum::List(row) = row else { continue };
            for (position, value) in each(&row.items).enumerate() {
                let mut expr = Expr::default();
                self.expr(value, Some(id), &mut expr, &mut level.searched)?;
                match level.outputs.get_mut(position) {
                    Some(output) => output.expr.extend(expr),
                    None => level.outputs.push(OutItem {
                        name: Some(format!("column{}", position + 1)),
                        expr,
                        bare: false,
                    }),
                }
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
        let own_name = match expr.refs.as_slice() {
            [only] if bare && !only.star => only.parts.last().cloned(),
            _ => None,
        };
        let name = if target.name.is_empty() {
            own_name
        } else {
            Some(target.name.clone())
        };
        Ok(OutItem { name, expr, bare })
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

    /// A FROM list.
    pub(crate) fn sources(
        &mut self,
        nodes: &[Node],
        id: LevelId,
        level: &mut Level,
    ) -> Result<(), ReadError> {
        let mut conditions = Vec::new();
        for node in each(nodes) {
            self.source(node, id, level, &mut conditions)?;
        }
        for condition in conditions {
            self.searched(condition, id, level)?;
        }
        Ok(())
    }

    /// One entry of a FROM. Chains of joins lean to the left, so they are unrolled without recursion.
    pub(crate) fn source<'t>(
        &mut self,
        node: &'t NodeEnum,
        id: LevelId,
        level: &mut Level,
        conditions: &mut Vec<&'t NodeEnum>,
    ) -> Result<(), ReadError> {
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            let item = match node {
                NodeEnum::JoinExpr(join) => {
                    self.join(join, level, conditions)?;
                    let sides = [inner(join.rarg.as_deref()), inner(join.larg.as_deref())];
                    match &join.alias {
                        None => {
                            pending.extend(sides.into_iter().flatten());
                            continue;
                        }
                        Some(alias) => self.aliased_join(alias, sides, id, level, conditions)?,
                    }
                }
                NodeEnum::RangeTableSample(sample) => {
                    pending.extend(inner(sample.relation.as_deref()));
                    let method = super::tree::name(&sample.method);
                    level.searched.calls.push(self.routine(method, false));
                    conditions
                        .extend(each(&sample.args).chain(inner(sample.repeatable.as_deref())));
                    continue;
                }
                other => self.simple_source(other, id, level)?,
            };
            self.push_from(item, id, level);
        }
        Ok(())
    }

    /// Adds an entry of FROM, and lets subqueries see it (LATERAL, and expressions later on).
    pub(crate) fn push_from(&mut self, item: FromItem, id: LevelId, level: &mut Level) {
        if let Some(place) = self.lineage.levels.get_mut(id) {
            place.from.push(item.clone());
        }
        level.from.push(item);
    }

    /// A source that is computed: it sees the entries before it.
    fn computed(&mut self, expr: Expr, id: LevelId, level: &Level) -> Source {
        self.lineage.computed.push(Computed {
            level: id,
            sees: level.from.len(),
            expr,
        });
        Source::Computed(self.lineage.computed.len() - 1)
    }

    fn join<'t>(
        &mut self,
        join: &'t JoinExpr,
        level: &mut Level,
        conditions: &mut Vec<&'t NodeEnum>,
    ) -> Result<(), ReadError> {
        if join.jointype() == JoinType::Undefined {
            return Err(ReadError::Unknown("a join"));
        }
        conditions.extend(inner(join.quals.as_deref()));
        level.natural |= join.is_natural;
        level.joined_by_name.extend(owned(&join.using_clause));
        Ok(())
    }

    fn aliased_join<'t>(
        &mut self,
        alias: &Alias,
        sides: [Option<&'t NodeEnum>; 2],
        id: LevelId,
        level: &mut Level,
        conditions: &mut Vec<&'t NodeEnum>,
    ) -> Result<FromItem, ReadError> {
        self.enter()?;
        let first = level.from.len();
        for side in sides.into_iter().rev().flatten() {
            self.source(side, id, level, conditions)?;
        }
        self.leave();
        // Aliased joins inside this one are left out: their parts are there.
        let parts = level
            .from
            .iter()
            .enumerate()
            .skip(first)
            .filter(|(_, item)| !matches!(item.source, Source::Join(_)))
            .map(|(index, _)| index)
            .collect();
        Ok(FromItem {
            alias: Some(alias.aliasname.clone()),
            column_aliases: owned(&alias.colnames),
            source: Source::Join(parts),
        })
    }

    fn simple_source(
        &mut self,
        node: &NodeEnum,
        id: LevelId,
        level: &mut Level,
    ) -> Result<FromItem, ReadError> {
        let (alias, source) = match node {
            NodeEnum::RangeVar(relation) => {
                let name = relation_name(relation);
                let source = match self.cte(&name) {
                    Some(level) => {
                        return Ok(from_item(
                            relation.alias.as_ref(),
                            Some(&name.name),
                            Source::Level(level),
                        ));
                    }
                    None => Source::Relation(name.clone()),
                };
                self.need(actions::SELECT, Target::Table(name));
                (relation.alias.as_ref(), source)
            }
            NodeEnum::RangeSubselect(subselect) => {
                let query =
                    inner(subselect.subquery.as_deref()).ok_or(ReadError::Unknown("a subquery"))?;
                let inner_level = self.query(query, Some(id))?;
                (subselect.alias.as_ref(), Source::Level(inner_level))
            }
            NodeEnum::RangeFunction(function) => {
                let mut expr = Expr::default();
                for node in each(&function.functions) {
                    self.expr(node, Some(id), &mut expr, &mut level.searched)?;
                }
                level.searched.extend(expr.clone());
                (function.alias.as_ref(), self.computed(expr, id, level))
            }
            NodeEnum::RangeTableFunc(function) => {
                let mut expr = Expr::default();
                let parts = [&function.docexpr, &function.rowexpr];
                for node in parts.into_iter().filter_map(|node| inner(node.as_deref())) {
                    self.expr(node, Some(id), &mut expr, &mut level.searched)?;
                }
                for node in each(&function.namespaces).chain(each(&function.columns)) {
                    self.expr(node, Some(id), &mut expr, &mut level.searched)?;
                }
                (function.alias.as_ref(), self.computed(expr, id, level))
            }
            NodeEnum::JsonTable(table) => {
                let mut expr = Expr::default();
                self.expr(node, Some(id), &mut expr, &mut level.searched)?;
                (table.alias.as_ref(), self.computed(expr, id, level))
            }
            _ => return Err(ReadError::Unknown("something in FROM")),
        };
        Ok(from_item(alias, None, source))
    }

    /// The common table expression that a name means here, if it is one.
    fn cte(&self, name: &Name) -> Option<LevelId> {
        if name.schema.is_some() {
            return None;
        }
        self.ctes
            .iter()
            .rev()
            .find(|cte| cte.name == name.name)
            .map(|cte| cte.level)
    }
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

fn from_item(alias: Option<&Alias>, fallback: Option<&str>, source: Source) -> FromItem {
    FromItem {
        alias: alias
            .map(|alias| alias.aliasname.clone())
            .or_else(|| fallback.map(str::to_owned)),
        column_aliases: alias.map_or_else(Vec::new, |alias| owned(&alias.colnames)),
        source,
    }
}

fn owned(nodes: &[Node]) -> Vec<String> {
    texts(nodes).into_iter().map(str::to_owned).collect()
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
