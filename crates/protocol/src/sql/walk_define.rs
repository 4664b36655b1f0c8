//! Definitions: what makes, changes and drops the things that hold data or code.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, CreateFunctionStmt, CreateSchemaStmt,
    CreateStmt, CreateTrigStmt, DropStmt, IndexStmt, ObjectType, RangeVar, RenameStmt, RuleStmt,
    ViewStmt,
};

use super::actions;
use super::lineage::{Expr, FromItem, Level, Source};
use super::objects::{object_action, object_target};
use super::tree::{each, inner, is_temporary, name, relation_name};
use super::walk::Walk;
use super::{Effect, Name, ReadError, Target};

impl Walk {
    /// Tables and what belongs to them, views, schemas, routines.
    pub(crate) fn defines(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        if let Some(kind) = self.defines_relation(node)? {
            return Ok(Some(kind));
        }
        if let Some(kind) = self.defines_beside(node)? {
            return Ok(Some(kind));
        }
        Ok(self.redefines(node))
    }

    /// What holds rows, and the schemas that hold it.
    fn defines_relation(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        Ok(Some(match node {
            NodeEnum::CreateStmt(create) => {
                self.create_table(create)?;
                "CREATE TABLE"
            }
            NodeEnum::CreateForeignTableStmt(create) => {
                if let Some(base) = &create.base_stmt {
                    self.create_table(base)?;
                }
                self.need(actions::FOREIGN, Target::Database);
                "CREATE FOREIGN TABLE"
            }
            NodeEnum::ViewStmt(view) => {
                self.create_view(view)?;
                "CREATE VIEW"
            }
            NodeEnum::IndexStmt(index) => {
                self.create_index(index)?;
                "CREATE INDEX"
            }
            NodeEnum::CreateSchemaStmt(create) => {
                self.create_schema(create)?;
                "CREATE SCHEMA"
            }
            NodeEnum::CreateSeqStmt(create) => {
                self.new_relation(create.sequence.as_ref());
                "CREATE SEQUENCE"
            }
            NodeEnum::AlterSeqStmt(alter) => {
                self.alters_table(alter.sequence.as_ref());
                "ALTER SEQUENCE"
            }
            NodeEnum::AlterTableStmt(alter) => {
                self.alter_table(alter)?;
                alter_kind(alter.objtype())
            }
            NodeEnum::RefreshMatViewStmt(refresh) => {
                if let Some(relation) = &refresh.relation {
                    self.need(actions::REFRESH, Target::Table(relation_name(relation)));
                }
                "REFRESH MATERIALIZED VIEW"
            }
            _ => return Ok(None),
        }))
    }

    /// Routines, triggers, rules, statistics and row types.
    fn defines_beside(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        Ok(Some(match node {
            NodeEnum::CreateFunctionStmt(create) => {
                self.create_function(create)?;
                if create.is_procedure {
                    "CREATE PROCEDURE"
                } else {
                    "CREATE FUNCTION"
                }
            }
            NodeEnum::CreateTrigStmt(create) => {
                self.create_trigger(create)?;
                "CREATE TRIGGER"
            }
            NodeEnum::RuleStmt(rule) => {
                self.create_rule(rule)?;
                "CREATE RULE"
            }
            NodeEnum::CreateStatsStmt(create) => {
                self.need(actions::CREATE, Target::SchemaOf(name(&create.defnames)));
                self.tables_of(&create.relations, actions::ALTER);
                self.embedded_each(each(&create.exprs))?;
                "CREATE STATISTICS"
            }
            NodeEnum::AlterStatsStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.defnames)));
                "ALTER STATISTICS"
            }
            NodeEnum::CompositeTypeStmt(create) => {
                if let Some(relation) = &create.typevar {
                    self.need(actions::CREATE, Target::SchemaOf(relation_name(relation)));
                }
                "CREATE TYPE"
            }
            _ => return Ok(None),
        }))
    }

    /// What drops, renames, moves or hands on an object of any kind.
    fn redefines(&mut self, node: &NodeEnum) -> Option<&'static str> {
        Some(match node {
            NodeEnum::DropStmt(drop) => self.drop_objects(drop),
            NodeEnum::RenameStmt(rename) => self.rename(rename),
            NodeEnum::AlterObjectSchemaStmt(alter) => {
                let target = altered(
                    alter.relation.as_ref(),
                    alter.object_type(),
                    alter.object.as_deref(),
                );
                self.moves(&target, None);
                self.need(object_action(alter.object_type(), actions::ALTER), target);
                self.need(actions::CREATE, Target::Schema(alter.newschema.clone()));
                "ALTER SET SCHEMA"
            }
            NodeEnum::AlterOwnerStmt(alter) => {
                let target = altered(
                    alter.relation.as_ref(),
                    alter.object_type(),
                    alter.object.as_deref(),
                );
                self.need(
                    object_action(alter.object_type(), actions::ALTER),
                    target.clone(),
                );
                self.need(actions::GRANT, target);
                "ALTER OWNER"
            }
            NodeEnum::AlterObjectDependsStmt(alter) => {
                let target = altered(
                    alter.relation.as_ref(),
                    alter.object_type(),
                    alter.object.as_deref(),
                );
                self.need(actions::ALTER, target);
                "ALTER DEPENDS"
            }
            _ => return None,
        })
    }

    /// A relation that this statement makes.
    pub(crate) fn new_relation(&mut self, relation: Option<&RangeVar>) {
        let Some(relation) = relation else { return };
        let mut name = relation_name(relation);
        if is_temporary(relation) {
            self.effects.push(Effect::TemporaryTable(name.name.clone()));
            self.need(actions::CREATE_TEMPORARY, Target::TemporaryTable(name.name));
            return;
        }
        name.schema = name.schema.or_else(|| self.new_schema.clone());
        self.need(actions::CREATE, Target::NewTable(name));
    }

    fn alters_table(&mut self, relation: Option<&RangeVar>) {
        if let Some(relation) = relation {
            self.need(actions::ALTER, Target::Table(relation_name(relation)));
        }
    }

    fn tables_of(&mut self, relations: &[pg_query::protobuf::Node], action: &'static str) {
        for node in each(relations) {
            if let NodeEnum::RangeVar(relation) = node {
                self.need(action, Target::Table(relation_name(relation)));
            }
        }
    }

    fn create_table(&mut self, create: &CreateStmt) -> Result<(), ReadError> {
        self.new_relation(create.relation.as_ref());
        // A parent's rows will include the new table's, and its definition changes hands.
        self.tables_of(&create.inh_relations, actions::ALTER);
        self.embedded_each(each(&create.table_elts).chain(each(&create.constraints)))?;
        if let Some(spec) = &create.partspec {
            self.embedded(Some(&NodeEnum::PartitionSpec(spec.clone())))?;
        }
        if let Some(bound) = &create.partbound {
            self.embedded(Some(&NodeEnum::PartitionBoundSpec(bound.clone())))?;
        }
        Ok(())
    }

    fn create_view(&mut self, view: &ViewStmt) -> Result<(), ReadError> {
        self.new_relation(view.view.as_ref());
        if view.replace
            && let Some(relation) = &view.view
            && !is_temporary(relation)
        {
            self.need(actions::ALTER, Target::NewTable(relation_name(relation)));
        }
        if let Some(query) = inner(view.query.as_deref()) {
            let level = self.query(query, None)?;
            self.copies(level);
        }
        Ok(())
    }

    fn create_index(&mut self, index: &IndexStmt) -> Result<(), ReadError> {
        if let Some(relation) = &index.relation {
            self.need(actions::CREATE, Target::Table(relation_name(relation)));
        }
        self.embedded_each(each(&index.index_params))?;
        self.embedded(inner(index.where_clause.as_deref()))
    }

    fn create_schema(&mut self, create: &CreateSchemaStmt) -> Result<(), ReadError> {
        let schema = if create.schemaname.is_empty() {
            create
                .authrole
                .as_ref()
                .map_or_else(String::new, |role| role.rolename.clone())
        } else {
            create.schemaname.clone()
        };
        self.need(actions::CREATE, Target::Schema(schema.clone()));
        if create.authrole.is_some() {
            self.need(actions::GRANT, Target::Schema(schema.clone()));
        }
        self.new_schema = Some(schema);
        for element in each(&create.schema_elts) {
            self.enter()?;
            self.top(element)?;
            self.leave();
        }
        self.returns_rows = false;
        Ok(())
    }

    fn create_function(&mut self, create: &CreateFunctionStmt) -> Result<(), ReadError> {
        self.need(
            actions::CREATE_ROUTINE,
            Target::SchemaOf(name(&create.funcname)),
        );
        self.embedded_each(each(&create.parameters))?;
        // BEGIN ATOMIC ... END is a list of lists of statements; RETURN is one expression.
        let mut pending: Vec<&NodeEnum> = inner(create.sql_body.as_deref()).into_iter().collect();
        while let Some(node) = pending.pop() {
            match node {
                NodeEnum::List(list) => pending.extend(each(&list.items)),
                NodeEnum::ReturnStmt(returned) => {
                    self.embedded(inner(returned.returnval.as_deref()))?
                }
                statement => {
                    self.enter()?;
                    self.top(statement)?;
                    self.leave();
                }
            }
        }
        self.returns_rows = false;
        self.lineage.answer = super::lineage::Answer::None;
        Ok(())
    }

    fn create_trigger(&mut self, create: &CreateTrigStmt) -> Result<(), ReadError> {
        if let Some(relation) = &create.relation {
            self.need(
                actions::CREATE_ROUTINE,
                Target::Table(relation_name(relation)),
            );
        }
        if let Some(relation) = &create.constrrel {
            self.need(actions::SELECT, Target::Table(relation_name(relation)));
        }
        let routine = name(&create.funcname);
        self.routine(routine, false);
        self.embedded(inner(create.when_clause.as_deref()))
    }

    fn create_rule(&mut self, rule: &RuleStmt) -> Result<(), ReadError> {
        if let Some(relation) = &rule.relation {
            self.need(
                actions::CREATE_ROUTINE,
                Target::Table(relation_name(relation)),
            );
        }
        self.embedded(inner(rule.where_clause.as_deref()))?;
        for action in each(&rule.actions) {
            if matches!(action, NodeEnum::NotifyStmt(_)) {
                self.need(actions::NOTIFY, Target::Database);
                continue;
            }
            let level = self.query(action, None)?;
            self.copies(level);
        }
        Ok(())
    }

    fn alter_table(&mut self, alter: &AlterTableStmt) -> Result<(), ReadError> {
        let Some(relation) = &alter.relation else {
            return Err(ReadError::Unknown("ALTER without its object"));
        };
        let table = relation_name(relation);
        let target = match alter.objtype() {
            ObjectType::ObjectIndex | ObjectType::ObjectType => Target::SchemaOf(table.clone()),
            _ => Target::Table(table.clone()),
        };
        self.need(
            object_action(alter.objtype(), actions::ALTER),
            target.clone(),
        );
        let id = self.reserve(None);
        let mut level = Level {
            from: vec![FromItem {
                alias: None,
                column_aliases: Vec::new(),
                source: Source::Relation(table.clone()),
            }],
            ..Level::default()
        };
        for node in each(&alter.cmds) {
            match node {
                NodeEnum::AlterTableCmd(command) => {
                    self.alter_command(command, &table, &target)?;
                    // USING and GENERATED fill a column from others.
                    if let Some(definition) =
                        inner(command.def.as_deref()).filter(|node| holds_expression(node))
                    {
                        let mut copied = Expr::default();
                        self.expr(definition, Some(id), &mut copied, &mut level.searched)?;
                        level.copied.extend(copied);
                    }
                }
                NodeEnum::AlterTableMoveAllStmt(_) => {}
                _ => return Err(ReadError::Unknown("a command of ALTER TABLE")),
            }
        }
        self.complete(id, level);
        Ok(())
    }

    fn alter_command(
        &mut self,
        command: &AlterTableCmd,
        table: &Name,
        target: &Target,
    ) -> Result<(), ReadError> {
        use AlterTableType as Kind;
        match command.subtype() {
            Kind::Undefined => return Err(ReadError::Unknown("a command of ALTER TABLE")),
            Kind::AtChangeOwner => self.need(actions::GRANT, target.clone()),
            Kind::AtEnableRowSecurity
            | Kind::AtDisableRowSecurity
            | Kind::AtForceRowSecurity
            | Kind::AtNoForceRowSecurity => self.need(actions::SECURITY, target.clone()),
            Kind::AtDropColumn => self.need(actions::DROP, target.clone()),
            Kind::AtAttachPartition
            | Kind::AtAddInherit
            | Kind::AtDetachPartition
            | Kind::AtDropInherit => {
                let other = match inner(command.def.as_deref()) {
                    Some(NodeEnum::RangeVar(relation)) => Some(relation),
                    Some(NodeEnum::PartitionCmd(partition)) => partition.name.as_ref(),
                    _ => None,
                };
                if let Some(other) = other {
                    let other = relation_name(other);
                    self.need(actions::ALTER, Target::Table(other.clone()));
                    // The rows of one can now be read through the other, under that one's name.
                    self.lineage.moved.push((table.clone(), None));
                    self.lineage.moved.push((other, None));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn drop_objects(&mut self, drop: &DropStmt) -> &'static str {
        let kind = drop.remove_type();
        for object in each(&drop.objects) {
            self.need(
                object_action(kind, actions::DROP),
                object_target(kind, Some(object)),
            );
        }
        drop_kind(kind)
    }

    fn rename(&mut self, rename: &RenameStmt) -> &'static str {
        let kind = rename.rename_type();
        let target = match kind {
            ObjectType::ObjectDatabase => Target::OtherDatabase(rename.subname.clone()),
            ObjectType::ObjectSchema => Target::Schema(rename.subname.clone()),
            ObjectType::ObjectIndex => rename
                .relation
                .as_ref()
                .map_or(Target::Database, |relation| {
                    Target::SchemaOf(relation_name(relation))
                }),
            _ => altered(rename.relation.as_ref(), kind, rename.object.as_deref()),
        };
        match kind {
            ObjectType::ObjectColumn => self.moves(&target, Some(&rename.subname)),
            ObjectType::ObjectSchema => {}
            _ => self.moves(&target, None),
        }
        self.need(object_action(kind, actions::ALTER), target);
        "ALTER RENAME"
    }

    /// Data classes are told by names: what gets another name would no longer be one.
    fn moves(&mut self, target: &Target, column: Option<&str>) {
        if let Target::Table(name) = target {
            self.lineage
                .moved
                .push((name.clone(), column.map(str::to_owned)));
        }
    }
}

/// What an ALTER of any object is about.
fn altered(
    relation: Option<&RangeVar>,
    kind: ObjectType,
    object: Option<&pg_query::protobuf::Node>,
) -> Target {
    match relation {
        Some(relation) => Target::Table(relation_name(relation)),
        None => object_target(kind, inner(object)),
    }
}

/// Whether the definition of an ALTER TABLE command is of a kind that can hold an expression.
fn holds_expression(node: &NodeEnum) -> bool {
    !matches!(
        node,
        NodeEnum::RangeVar(_)
            | NodeEnum::PartitionCmd(_)
            | NodeEnum::ReplicaIdentityStmt(_)
            | NodeEnum::DefElem(_)
            | NodeEnum::RoleSpec(_)
            | NodeEnum::AtalterConstraint(_)
            | NodeEnum::List(_)
    )
}

fn alter_kind(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::ObjectView => "ALTER VIEW",
        ObjectType::ObjectMatview => "ALTER MATERIALIZED VIEW",
        ObjectType::ObjectIndex => "ALTER INDEX",
        ObjectType::ObjectSequence => "ALTER SEQUENCE",
        ObjectType::ObjectForeignTable => "ALTER FOREIGN TABLE",
        ObjectType::ObjectType => "ALTER TYPE",
        _ => "ALTER TABLE",
    }
}

fn drop_kind(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::ObjectTable => "DROP TABLE",
        ObjectType::ObjectView => "DROP VIEW",
        ObjectType::ObjectMatview => "DROP MATERIALIZED VIEW",
        ObjectType::ObjectSequence => "DROP SEQUENCE",
        ObjectType::ObjectIndex => "DROP INDEX",
        ObjectType::ObjectSchema => "DROP SCHEMA",
        ObjectType::ObjectType => "DROP TYPE",
        ObjectType::ObjectDomain => "DROP DOMAIN",
        ObjectType::ObjectFunction => "DROP FUNCTION",
        ObjectType::ObjectProcedure => "DROP PROCEDURE",
        ObjectType::ObjectRoutine => "DROP ROUTINE",
        ObjectType::ObjectAggregate => "DROP AGGREGATE",
        ObjectType::ObjectExtension => "DROP EXTENSION",
        ObjectType::ObjectTrigger => "DROP TRIGGER",
        ObjectType::ObjectRule => "DROP RULE",
        ObjectType::ObjectPolicy => "DROP POLICY",
        ObjectType::ObjectForeignTable => "DROP FOREIGN TABLE",
        ObjectType::ObjectForeignServer => "DROP SERVER",
        ObjectType::ObjectPublication => "DROP PUBLICATION",
        _ => "DROP",
    }
}
