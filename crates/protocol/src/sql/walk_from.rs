//! What stands in a FROM: tables, common table expressions, subqueries, functions, and joins of them.

use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, JoinExpr, JoinType, Node};

use super::actions;
use super::lineage::{Computed, Expr, FromItem, Level, LevelId, Source};
use super::tree::{each, inner, name, owned, relation_name};
use super::walk::Walk;
use super::{Name, ReadError, Target};

/// The server's own ways of sampling a table.
const OWN_SAMPLING: &[&str] = &["bernoulli", "system"];

impl Walk {
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
                    // The alias of USING names the columns that were joined by, out of both sides.
                    match join.alias.as_ref().or(join.join_using_alias.as_ref()) {
                        None => {
                            pending.extend(sides.into_iter().flatten());
                            continue;
                        }
                        Some(alias) => self.aliased_join(alias, sides, id, level, conditions)?,
                    }
                }
                NodeEnum::RangeTableSample(sample) => {
                    pending.extend(inner(sample.relation.as_deref()));
                    let method = name(&sample.method);
                    if !OWN_SAMPLING.contains(&method.name.as_str()) {
                        level.searched.calls.push(self.routine(method, false));
                    }
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
                // What it is given decides how many rows there are.
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
                level.searched.extend(expr.clone());
                (function.alias.as_ref(), self.computed(expr, id, level))
            }
            NodeEnum::JsonTable(table) => {
                let mut expr = Expr::default();
                self.expr(node, Some(id), &mut expr, &mut level.searched)?;
                level.searched.extend(expr.clone());
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

fn from_item(alias: Option<&Alias>, fallback: Option<&str>, source: Source) -> FromItem {
    FromItem {
        alias: alias
            .map(|alias| alias.aliasname.clone())
            .or_else(|| fallback.map(str::to_owned)),
        column_aliases: alias.map_or_else(Vec::new, |alias| owned(&alias.colnames)),
        source,
    }
}
