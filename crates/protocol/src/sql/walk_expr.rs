//! Expressions: the columns, subqueries and routines in them. A list of what is still to be seen takes the place
//! of recursion, so that only subqueries take stack.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    ColumnRef as TreeRef, Constraint, FuncCall, JsonBehavior, JsonValueExpr, Node, WindowDef,
};

use super::actions;
use super::lineage::{ColumnRef, Expr, LevelId};
use super::tree::{each, inner, name, relation_name, text, texts};
use super::walk::Walk;
use super::walk_decides::{decides, picks};
use super::{ReadError, Target};

/// What is still to be seen: a node, and whether it decides something rather than being the value.
struct Pending<'t>(Vec<(&'t NodeEnum, bool)>);

impl<'t> Pending<'t> {
    fn one(&mut self, node: Option<&'t Node>, searched: bool) {
        self.0.extend(inner(node).map(|node| (node, searched)));
    }

    fn boxed(&mut self, node: &'t Option<Box<Node>>, searched: bool) {
        self.one(node.as_deref(), searched);
    }

    fn all(&mut self, nodes: &'t [Node], searched: bool) {
        self.0.extend(each(nodes).map(|node| (node, searched)));
    }

    fn window(&mut self, window: Option<&'t WindowDef>) {
        if let Some(window) = window {
            self.all(&window.partition_clause, true);
            self.all(&window.order_clause, true);
            self.boxed(&window.start_offset, true);
            self.boxed(&window.end_offset, true);
        }
    }

    fn json_value(&mut self, value: Option<&'t JsonValueExpr>, searched: bool) {
        if let Some(value) = value {
            self.boxed(&value.raw_expr, searched);
            self.boxed(&value.formatted_expr, searched);
        }
    }

    fn json_behavior(&mut self, behavior: Option<&'t JsonBehavior>, searched: bool) {
        if let Some(behavior) = behavior {
            self.boxed(&behavior.expr, searched);
        }
    }

    fn constraint(&mut self, constraint: &'t Constraint, searched: bool) {
        self.boxed(&constraint.raw_expr, searched);
        self.boxed(&constraint.where_clause, searched);
        self.all(&constraint.exclusions, searched);
    }
}

fn column_ref(tree: &TreeRef) -> ColumnRef {
    ColumnRef {
        parts: texts(&tree.fields).into_iter().map(str::to_owned).collect(),
        star: matches!(each(&tree.fields).next_back(), Some(NodeEnum::AStar(_))),
    }
}

impl Walk {
    /// Sees a whole expression. What it draws on is added to `out`; what decides (CASE conditions, FILTER, orders and
    /// partitions, comparisons, and whatever can fail) is added to `searched` as well.
    pub(crate) fn expr(
        &mut self,
        node: &NodeEnum,
        level: Option<LevelId>,
        out: &mut Expr,
        searched: &mut Expr,
    ) -> Result<(), ReadError> {
        let mut pending = Pending(vec![(node, false)]);
        while let Some((node, deciding)) = pending.0.pop() {
            let mut found = Expr::default();
            let deciding = deciding || decides(node);
            if !self.value(node, deciding, &mut found, &mut pending)
                && !self.composed(node, deciding, level, &mut found, &mut pending)?
                && !self.json(node, deciding, level, &mut found, &mut pending)?
                && !self.definition(node, deciding, &mut pending)
            {
                return Err(ReadError::Unknown("an expression"));
            }
            if deciding {
                searched.extend(found.clone());
            }
            out.extend(found);
        }
        Ok(())
    }

    /// Constants, columns, operators, casts and calls.
    fn value<'t>(
        &mut self,
        node: &'t NodeEnum,
        deciding: bool,
        found: &mut Expr,
        pending: &mut Pending<'t>,
    ) -> bool {
        match node {
            NodeEnum::AConst(_)
            | NodeEnum::ParamRef(_)
            | NodeEnum::SetToDefault(_)
            | NodeEnum::SqlvalueFunction(_)
            | NodeEnum::MergeSupportFunc(_)
            | NodeEnum::AStar(_)
            | NodeEnum::Integer(_)
            | NodeEnum::Float(_)
            | NodeEnum::Boolean(_)
            | NodeEnum::String(_)
            | NodeEnum::BitString(_)
            | NodeEnum::TypeName(_) => {}
            NodeEnum::CurrentOfExpr(_) => found.current_of = true,
            NodeEnum::ColumnRef(column) => found.refs.push(column_ref(column)),
            NodeEnum::AExpr(expr) => {
                self.operator(&expr.name, found);
                pending.boxed(&expr.lexpr, deciding);
                pending.boxed(&expr.rexpr, deciding || picks(expr));
            }
            NodeEnum::BoolExpr(expr) => pending.all(&expr.args, deciding),
            NodeEnum::TypeCast(cast) => pending.boxed(&cast.arg, deciding),
            NodeEnum::CollateClause(collate) => pending.boxed(&collate.arg, deciding),
            NodeEnum::FuncCall(call) => self.call(call, deciding, found, pending),
            // Outside of the array there is NULL.
            NodeEnum::AIndices(indices) => {
                pending.boxed(&indices.lidx, true);
                pending.boxed(&indices.uidx, true);
            }
            NodeEnum::AIndirection(indirection) => {
                for attribute in each(&indirection.indirection).filter_map(text) {
                    found
                        .calls
                        .push(self.routine(super::Name::bare(attribute), true));
                }
                pending.boxed(&indirection.arg, deciding);
                pending.all(&indirection.indirection, deciding);
            }
            _ => return false,
        }
        true
    }

    /// The kinds of expression that are made of others.
    fn composed<'t>(
        &mut self,
        node: &'t NodeEnum,
        deciding: bool,
        level: Option<LevelId>,
        found: &mut Expr,
        pending: &mut Pending<'t>,
    ) -> Result<bool, ReadError> {
        match node {
            NodeEnum::AArrayExpr(array) => pending.all(&array.elements, deciding),
            NodeEnum::RowExpr(row) => pending.all(&row.args, deciding),
            NodeEnum::List(list) => pending.all(&list.items, deciding),
            NodeEnum::NamedArgExpr(argument) => pending.boxed(&argument.arg, deciding),
            NodeEnum::CaseExpr(case) => {
                pending.boxed(&case.arg, true);
                pending.all(&case.args, deciding);
                pending.boxed(&case.defresult, deciding);
            }
            NodeEnum::CaseWhen(when) => {
                pending.boxed(&when.expr, true);
                pending.boxed(&when.result, deciding);
            }
            NodeEnum::CoalesceExpr(expr) => pending.all(&expr.args, deciding),
            NodeEnum::MinMaxExpr(expr) => pending.all(&expr.args, deciding),
            NodeEnum::XmlExpr(expr) => {
                pending.all(&expr.named_args, deciding);
                pending.all(&expr.args, deciding);
            }
            NodeEnum::XmlSerialize(expr) => pending.boxed(&expr.expr, deciding),
            NodeEnum::NullTest(test) => pending.boxed(&test.arg, deciding),
            NodeEnum::BooleanTest(test) => pending.boxed(&test.arg, deciding),
            NodeEnum::GroupingFunc(grouping) => pending.all(&grouping.args, deciding),
            NodeEnum::GroupingSet(set) => pending.all(&set.content, deciding),
            NodeEnum::SubLink(link) => {
                pending.boxed(&link.testexpr, true);
                self.operator(&link.oper_name, found);
                if let Some(query) = inner(link.subselect.as_deref()) {
                    found.levels.push(self.query(query, level)?);
                }
            }
            NodeEnum::MultiAssignRef(assign) => pending.boxed(&assign.source, deciding),
            NodeEnum::ResTarget(target) => {
                pending.boxed(&target.val, deciding);
                pending.all(&target.indirection, deciding);
            }
            NodeEnum::SortBy(sort) => {
                self.operator(&sort.use_op, found);
                pending.boxed(&sort.node, true);
            }
            NodeEnum::WindowDef(window) => pending.window(Some(window)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// An operator named with a schema other than the server's own is somebody's code.
    fn operator(&mut self, operator: &[Node], found: &mut Expr) {
        let operator = name(operator);
        if operator
            .schema
            .as_deref()
            .is_some_and(|schema| schema != "pg_catalog")
        {
            found.calls.push(self.routine(operator, false));
        }
    }

    fn call<'t>(
        &mut self,
        call: &'t FuncCall,
        deciding: bool,
        found: &mut Expr,
        pending: &mut Pending<'t>,
    ) {
        let routine = name(&call.funcname);
        if routine.name == "set_config" {
            self.set_config(call);
        }
        found.calls.push(self.routine(routine, false));
        pending.all(&call.args, deciding);
        pending.all(&call.agg_order, true);
        pending.boxed(&call.agg_filter, true);
        pending.window(call.over.as_deref());
    }

    /// The kinds of expression of SQL/JSON.
    fn json<'t>(
        &mut self,
        node: &'t NodeEnum,
        deciding: bool,
        level: Option<LevelId>,
        found: &mut Expr,
        pending: &mut Pending<'t>,
    ) -> Result<bool, ReadError> {
        match node {
            NodeEnum::JsonIsPredicate(test) => pending.boxed(&test.expr, deciding),
            NodeEnum::JsonValueExpr(value) => pending.json_value(Some(value), deciding),
            NodeEnum::JsonArgument(argument) => {
                pending.json_value(argument.val.as_deref(), deciding)
            }
            NodeEnum::JsonBehavior(behavior) => pending.json_behavior(Some(behavior), deciding),
            NodeEnum::JsonFuncExpr(expr) => {
                pending.json_value(expr.context_item.as_deref(), deciding);
                pending.boxed(&expr.pathspec, deciding);
                pending.all(&expr.passing, deciding);
                pending.json_behavior(expr.on_empty.as_deref(), deciding);
                pending.json_behavior(expr.on_error.as_deref(), deciding);
            }
            NodeEnum::JsonParseExpr(expr) => pending.json_value(expr.expr.as_deref(), deciding),
            NodeEnum::JsonScalarExpr(expr) => pending.boxed(&expr.expr, deciding),
            NodeEnum::JsonSerializeExpr(expr) => pending.json_value(expr.expr.as_deref(), deciding),
            NodeEnum::JsonObjectConstructor(object) => pending.all(&object.exprs, deciding),
            NodeEnum::JsonArrayConstructor(array) => pending.all(&array.exprs, deciding),
            NodeEnum::JsonKeyValue(pair) => {
                pending.boxed(&pair.key, deciding);
                pending.json_value(pair.value.as_deref(), deciding);
            }
            NodeEnum::JsonArrayQueryConstructor(array) => {
                if let Some(query) = inner(array.query.as_deref()) {
                    found.levels.push(self.query(query, level)?);
                }
            }
            NodeEnum::JsonObjectAgg(aggregate) => {
                if let Some(pair) = aggregate.arg.as_deref() {
                    pending.boxed(&pair.key, deciding);
                    pending.json_value(pair.value.as_deref(), deciding);
                }
                self.json_aggregate(aggregate.constructor.as_deref(), pending);
            }
            NodeEnum::JsonArrayAgg(aggregate) => {
                pending.json_value(aggregate.arg.as_deref(), deciding);
                self.json_aggregate(aggregate.constructor.as_deref(), pending);
            }
            NodeEnum::JsonTable(table) => {
                pending.json_value(table.context_item.as_deref(), deciding);
                pending.all(&table.passing, deciding);
                pending.all(&table.columns, deciding);
                pending.json_behavior(table.on_error.as_deref(), deciding);
            }
            NodeEnum::JsonTableColumn(column) => {
                pending.all(&column.columns, deciding);
                pending.json_behavior(column.on_empty.as_deref(), deciding);
                pending.json_behavior(column.on_error.as_deref(), deciding);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn json_aggregate<'t>(
        &self,
        constructor: Option<&'t pg_query::protobuf::JsonAggConstructor>,
        pending: &mut Pending<'t>,
    ) {
        if let Some(constructor) = constructor {
            pending.boxed(&constructor.agg_filter, true);
            pending.all(&constructor.agg_order, true);
            pending.window(constructor.over.as_deref());
        }
    }

    /// The parts of definitions that hold expressions.
    fn definition<'t>(
        &mut self,
        node: &'t NodeEnum,
        deciding: bool,
        pending: &mut Pending<'t>,
    ) -> bool {
        match node {
            NodeEnum::RangeTableFuncCol(column) => {
                pending.boxed(&column.colexpr, deciding);
                pending.boxed(&column.coldefexpr, deciding);
            }
            NodeEnum::ColumnDef(column) => {
                pending.boxed(&column.raw_default, deciding);
                pending.all(&column.constraints, deciding);
            }
            NodeEnum::Constraint(constraint) => {
                pending.constraint(constraint, deciding);
                self.references(constraint);
            }
            NodeEnum::IndexElem(element) => pending.boxed(&element.expr, deciding),
            NodeEnum::PartitionElem(element) => pending.boxed(&element.expr, deciding),
            NodeEnum::PartitionSpec(spec) => pending.all(&spec.part_params, deciding),
            NodeEnum::PartitionBoundSpec(bound) => {
                pending.all(&bound.listdatums, deciding);
                pending.all(&bound.lowerdatums, deciding);
                pending.all(&bound.upperdatums, deciding);
            }
            NodeEnum::PartitionRangeDatum(datum) => pending.boxed(&datum.value, deciding),
            NodeEnum::FunctionParameter(parameter) => pending.boxed(&parameter.defexpr, deciding),
            NodeEnum::StatsElem(element) => pending.boxed(&element.expr, deciding),
            NodeEnum::TableLikeClause(like) => {
                if let Some(relation) = &like.relation {
                    self.need(actions::SELECT, Target::Table(relation_name(relation)));
                }
            }
            _ => return false,
        }
        true
    }

    /// A foreign key tells whether a value is in another table.
    fn references(&mut self, constraint: &Constraint) {
        let Some(table) = &constraint.pktable else {
            return;
        };
        let table = relation_name(table);
        self.need(actions::SELECT, Target::Table(table.clone()));
        for column in texts(&constraint.pk_attrs) {
            self.lineage
                .referenced
                .push((table.clone(), Some(column.to_owned())));
        }
    }
}
