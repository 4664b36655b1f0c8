//! Definitions of everything else: types, operators, casts, languages, text search, extensions, foreign data.

use pg_query::NodeEnum;
use pg_query::protobuf::ObjectType;

use super::actions;
use super::objects::{object_action, object_target};
use super::tree::{each, inner, name, relation_name, texts};
use super::walk::Walk;
use super::{Name, ReadError, Target};

impl Walk {
    /// The rest of the definitions.
    pub(crate) fn defines_more(
        &mut self,
        node: &NodeEnum,
    ) -> Result<Option<&'static str>, ReadError> {
        if let Some(kind) = self.defines_type(node)? {
            return Ok(Some(kind));
        }
        if let Some(kind) = self
            .defines_code(node)
            .or_else(|| self.defines_access(node))
        {
            return Ok(Some(kind));
        }
        Ok(self.defines_foreign(node))
    }

    /// Types, domains, text search and comments.
    fn defines_type(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        Ok(Some(match node {
            NodeEnum::CreateEnumStmt(create) => {
                self.need(actions::CREATE, Target::SchemaOf(name(&create.type_name)));
                "CREATE TYPE"
            }
            NodeEnum::CreateRangeStmt(create) => {
                self.need(actions::CREATE, Target::SchemaOf(name(&create.type_name)));
                "CREATE TYPE"
            }
            NodeEnum::AlterEnumStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.type_name)));
                "ALTER TYPE"
            }
            NodeEnum::AlterTypeStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.type_name)));
                "ALTER TYPE"
            }
            NodeEnum::CreateDomainStmt(create) => {
                self.need(actions::CREATE, Target::SchemaOf(name(&create.domainname)));
                self.embedded_each(each(&create.constraints))?;
                "CREATE DOMAIN"
            }
            NodeEnum::AlterDomainStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.type_name)));
                self.embedded(inner(alter.def.as_deref()))?;
                "ALTER DOMAIN"
            }
            NodeEnum::AlterCollationStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.collname)));
                "ALTER COLLATION"
            }
            NodeEnum::AlterTsdictionaryStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.dictname)));
                "ALTER TEXT SEARCH DICTIONARY"
            }
            NodeEnum::AlterTsconfigurationStmt(alter) => {
                self.need(actions::ALTER, Target::SchemaOf(name(&alter.cfgname)));
                "ALTER TEXT SEARCH CONFIGURATION"
            }
            NodeEnum::CommentStmt(comment) => {
                let target = object_target(comment.objtype(), inner(comment.object.as_deref()));
                self.need(actions::COMMENT, target);
                "COMMENT"
            }
            NodeEnum::DefineStmt(define) => {
                let (action, kind) = match define.kind() {
                    ObjectType::ObjectAggregate => (actions::CREATE_ROUTINE, "CREATE AGGREGATE"),
                    ObjectType::ObjectOperator => (actions::CREATE_ROUTINE, "CREATE OPERATOR"),
                    ObjectType::ObjectType => (actions::CREATE_ROUTINE, "CREATE TYPE"),
                    ObjectType::ObjectCollation => (actions::CREATE, "CREATE COLLATION"),
                    _ => (actions::CREATE, "CREATE TEXT SEARCH"),
                };
                self.need(action, Target::SchemaOf(name(&define.defnames)));
                kind
            }
            _ => return Ok(None),
        }))
    }

    /// What the server runs by itself once it is there.
    fn defines_code(&mut self, node: &NodeEnum) -> Option<&'static str> {
        let schema_of = |names: &[pg_query::protobuf::Node]| Target::SchemaOf(name(names));
        let (action, target, kind) = match node {
            NodeEnum::AlterFunctionStmt(alter) => {
                let routine = alter.func.as_ref().map_or(Target::Database, |function| {
                    Target::Routine(name(&function.objname))
                });
                self.alter_routine(&alter.actions, &routine);
                (actions::ALTER, routine, "ALTER FUNCTION")
            }
            NodeEnum::AlterOperatorStmt(alter) => {
                let target = alter
                    .opername
                    .as_ref()
                    .map_or(Target::Database, |operator| schema_of(&operator.objname));
                (actions::ALTER, target, "ALTER OPERATOR")
            }
            NodeEnum::CreateCastStmt(create) => {
                if let Some(function) = &create.func {
                    self.routine(name(&function.objname), false);
                }
                (actions::CREATE_ROUTINE, Target::Database, "CREATE CAST")
            }
            NodeEnum::CreateTransformStmt(_) => (
                actions::CREATE_ROUTINE,
                Target::Database,
                "CREATE TRANSFORM",
            ),
            NodeEnum::CreateConversionStmt(create) => (
                actions::CREATE_ROUTINE,
                schema_of(&create.conversion_name),
                "CREATE CONVERSION",
            ),
            NodeEnum::CreatePlangStmt(_) => {
                (actions::CREATE_ROUTINE, Target::Database, "CREATE LANGUAGE")
            }
            NodeEnum::CreateEventTrigStmt(create) => {
                self.routine(name(&create.funcname), false);
                (
                    actions::CREATE_ROUTINE,
                    Target::Database,
                    "CREATE EVENT TRIGGER",
                )
            }
            NodeEnum::AlterEventTrigStmt(_) => (
                actions::CREATE_ROUTINE,
                Target::Database,
                "ALTER EVENT TRIGGER",
            ),
            _ => return None,
        };
        self.need(action, target);
        Some(kind)
    }

    /// Access methods and their operators.
    fn defines_access(&mut self, node: &NodeEnum) -> Option<&'static str> {
        let schema_of = |names: &[pg_query::protobuf::Node]| Target::SchemaOf(name(names));
        let (action, target, kind) = match node {
            NodeEnum::CreateOpClassStmt(create) => (
                actions::CREATE_ROUTINE,
                schema_of(&create.opclassname),
                "CREATE OPERATOR CLASS",
            ),
            NodeEnum::CreateOpFamilyStmt(create) => (
                actions::CREATE_ROUTINE,
                schema_of(&create.opfamilyname),
                "CREATE OPERATOR FAMILY",
            ),
            NodeEnum::AlterOpFamilyStmt(alter) => (
                actions::CREATE_ROUTINE,
                schema_of(&alter.opfamilyname),
                "ALTER OPERATOR FAMILY",
            ),
            NodeEnum::CreateAmStmt(_) => (
                actions::CREATE_ROUTINE,
                Target::Database,
                "CREATE ACCESS METHOD",
            ),
            _ => return None,
        };
        self.need(action, target);
        Some(kind)
    }

    /// SECURITY DEFINER and SET change with whose rights and settings a routine runs.
    fn alter_routine(&mut self, changes: &[pg_query::protobuf::Node], routine: &Target) {
        let widens = each(changes).any(|node| {
            matches!(node, NodeEnum::DefElem(change) if ["security", "set", "leakproof"].contains(&change.defname.as_str()))
        });
        if widens {
            self.need(actions::GRANT, routine.clone());
        }
    }

    /// Extensions and foreign data.
    fn defines_foreign(&mut self, node: &NodeEnum) -> Option<&'static str> {
        let (action, target, kind) = match node {
            NodeEnum::CreateExtensionStmt(_) => {
                (actions::EXTENSION, Target::Database, "CREATE EXTENSION")
            }
            NodeEnum::AlterExtensionStmt(_) => {
                (actions::EXTENSION, Target::Database, "ALTER EXTENSION")
            }
            NodeEnum::AlterExtensionContentsStmt(alter) => {
                let kind = alter.objtype();
                self.need(
                    object_action(kind, actions::ALTER),
                    object_target(kind, inner(alter.object.as_deref())),
                );
                (actions::EXTENSION, Target::Database, "ALTER EXTENSION")
            }
            NodeEnum::CreateFdwStmt(_) => (
                actions::FOREIGN,
                Target::Database,
                "CREATE FOREIGN DATA WRAPPER",
            ),
            NodeEnum::AlterFdwStmt(_) => (
                actions::FOREIGN,
                Target::Database,
                "ALTER FOREIGN DATA WRAPPER",
            ),
            NodeEnum::CreateForeignServerStmt(_) => {
                (actions::FOREIGN, Target::Database, "CREATE SERVER")
            }
            NodeEnum::AlterForeignServerStmt(_) => {
                (actions::FOREIGN, Target::Database, "ALTER SERVER")
            }
            NodeEnum::CreateUserMappingStmt(_) => {
                (actions::FOREIGN, Target::Database, "CREATE USER MAPPING")
            }
            NodeEnum::AlterUserMappingStmt(_) => {
                (actions::FOREIGN, Target::Database, "ALTER USER MAPPING")
            }
            NodeEnum::DropUserMappingStmt(_) => {
                (actions::FOREIGN, Target::Database, "DROP USER MAPPING")
            }
            NodeEnum::ImportForeignSchemaStmt(import) => {
                self.need(actions::CREATE, Target::Schema(import.local_schema.clone()));
                (
                    actions::FOREIGN,
                    Target::Schema(import.local_schema.clone()),
                    "IMPORT FOREIGN SCHEMA",
                )
            }
            _ => return None,
        };
        self.need(action, target);
        Some(kind)
    }

    /// GRANT and REVOKE on objects.
    pub(crate) fn grants(&mut self, grant: &pg_query::protobuf::GrantStmt) {
        use pg_query::protobuf::GrantTargetType;
        if grant.objects.is_empty() {
            self.need(actions::GRANT, Target::Database);
        }
        for object in each(&grant.objects) {
            let target = if grant.targtype() == GrantTargetType::AclTargetAllInSchema {
                object_target(ObjectType::ObjectSchema, Some(object))
            } else {
                match object {
                    NodeEnum::RangeVar(relation) => Target::Table(relation_name(relation)),
                    object => object_target(grant.objtype(), Some(object)),
                }
            };
            self.need(actions::GRANT, target);
        }
    }

    /// A row security policy: on its table, with the queries in its conditions.
    pub(crate) fn row_policy(
        &mut self,
        table: Option<&pg_query::protobuf::RangeVar>,
        conditions: [Option<&pg_query::protobuf::Node>; 2],
    ) -> Result<(), ReadError> {
        let table: Option<Name> = table.map(relation_name);
        self.need(
            actions::SECURITY,
            table.map_or(Target::Database, Target::Table),
        );
        for condition in conditions {
            self.embedded(inner(condition))?;
        }
        Ok(())
    }

    /// The tables and schemas that a publication lists.
    pub(crate) fn publishes(
        &mut self,
        objects: &[pg_query::protobuf::Node],
    ) -> Result<(), ReadError> {
        for node in each(objects) {
            let NodeEnum::PublicationObjSpec(object) = node else {
                continue;
            };
            let Some(table) = object.pubtable.as_deref() else {
                continue;
            };
            if let Some(relation) = &table.relation {
                self.need(actions::COPY_OUT, Target::Table(relation_name(relation)));
                let name = relation_name(relation);
                self.lineage.moved.push((name.clone(), None));
                for column in texts(&table.columns) {
                    self.lineage
                        .moved
                        .push((name.clone(), Some(column.to_owned())));
                }
            }
            self.embedded(inner(table.where_clause.as_deref()))?;
        }
        Ok(())
    }
}
