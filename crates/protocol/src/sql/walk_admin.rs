//! Statements that change the server itself: roles, databases, settings for others, replication, upkeep.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ReindexObjectType};

use super::actions;
use super::objects::object_target;
use super::tree::{each, inner, relation_name};
use super::walk::Walk;
use super::{Effect, ReadError, Target};

impl Walk {
    /// Everything that an administrator does.
    pub(crate) fn administers(
        &mut self,
        node: &NodeEnum,
    ) -> Result<Option<&'static str>, ReadError> {
        if let Some(kind) = self.rights(node)? {
            return Ok(Some(kind));
        }
        if let Some(kind) = self.replicates(node)? {
            return Ok(Some(kind));
        }
        if let Some(kind) = self.databases(node) {
            return Ok(Some(kind));
        }
        Ok(self.upkeep(node))
    }

    /// Roles, privileges, policies, labels.
    fn rights(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        Ok(Some(match node {
            NodeEnum::GrantStmt(grant) => {
                self.grants(grant);
                if grant.is_grant { "GRANT" } else { "REVOKE" }
            }
            NodeEnum::GrantRoleStmt(grant) => {
                self.need(actions::ROLE, Target::Database);
                if grant.is_grant {
                    "GRANT ROLE"
                } else {
                    "REVOKE ROLE"
                }
            }
            NodeEnum::AlterDefaultPrivilegesStmt(_) => {
                self.need(actions::GRANT, Target::Database);
                "ALTER DEFAULT PRIVILEGES"
            }
            NodeEnum::CreateRoleStmt(_) => {
                self.need(actions::ROLE, Target::Database);
                "CREATE ROLE"
            }
            NodeEnum::AlterRoleStmt(_) | NodeEnum::AlterRoleSetStmt(_) => {
                self.need(actions::ROLE, Target::Database);
                "ALTER ROLE"
            }
            NodeEnum::DropRoleStmt(_) => {
                self.need(actions::ROLE, Target::Database);
                "DROP ROLE"
            }
            NodeEnum::DropOwnedStmt(_) => {
                self.need(actions::ROLE, Target::Database);
                self.need(actions::DROP, Target::Database);
                self.effects.push(Effect::CatalogChanged);
                "DROP OWNED"
            }
            NodeEnum::ReassignOwnedStmt(_) => {
                self.need(actions::ROLE, Target::Database);
                self.need(actions::GRANT, Target::Database);
                "REASSIGN OWNED"
            }
            NodeEnum::SecLabelStmt(label) => {
                let target = object_target(label.objtype(), inner(label.object.as_deref()));
                self.need(actions::SECURITY, target);
                "SECURITY LABEL"
            }
            NodeEnum::CreatePolicyStmt(policy) => {
                self.row_policy(
                    policy.table.as_ref(),
                    [policy.qual.as_deref(), policy.with_check.as_deref()],
                )?;
                "CREATE POLICY"
            }
            NodeEnum::AlterPolicyStmt(policy) => {
                self.row_policy(
                    policy.table.as_ref(),
                    [policy.qual.as_deref(), policy.with_check.as_deref()],
                )?;
                "ALTER POLICY"
            }
            _ => return Ok(None),
        }))
    }

    /// Publications and subscriptions.
    fn replicates(&mut self, node: &NodeEnum) -> Result<Option<&'static str>, ReadError> {
        let kind = match node {
            NodeEnum::CreatePublicationStmt(create) => {
                self.publishes(&create.pubobjects)?;
                "CREATE PUBLICATION"
            }
            NodeEnum::AlterPublicationStmt(alter) => {
                self.publishes(&alter.pubobjects)?;
                "ALTER PUBLICATION"
            }
            NodeEnum::CreateSubscriptionStmt(_) => "CREATE SUBSCRIPTION",
            NodeEnum::AlterSubscriptionStmt(_) => "ALTER SUBSCRIPTION",
            NodeEnum::DropSubscriptionStmt(_) => "DROP SUBSCRIPTION",
            _ => return Ok(None),
        };
        self.need(actions::REPLICATION, Target::Database);
        Ok(Some(kind))
    }

    /// Databases, tablespaces, the server's own settings.
    fn databases(&mut self, node: &NodeEnum) -> Option<&'static str> {
        let named = |name: &str| Target::OtherDatabase(name.to_owned());
        let (action, target, kind) = match node {
            NodeEnum::CreatedbStmt(create) => (
                actions::CREATE_DATABASE,
                named(&create.dbname),
                "CREATE DATABASE",
            ),
            NodeEnum::DropdbStmt(drop) => {
                (actions::DROP_DATABASE, named(&drop.dbname), "DROP DATABASE")
            }
            NodeEnum::AlterDatabaseStmt(alter) => (
                actions::ALTER_DATABASE,
                named(&alter.dbname),
                "ALTER DATABASE",
            ),
            NodeEnum::AlterDatabaseRefreshCollStmt(alter) => (
                actions::ALTER_DATABASE,
                named(&alter.dbname),
                "ALTER DATABASE",
            ),
            NodeEnum::AlterDatabaseSetStmt(alter) => (
                actions::ALTER_DATABASE,
                named(&alter.dbname),
                "ALTER DATABASE",
            ),
            NodeEnum::CreateTableSpaceStmt(_) => {
                (actions::TABLESPACE, Target::Database, "CREATE TABLESPACE")
            }
            NodeEnum::DropTableSpaceStmt(_) => {
                (actions::TABLESPACE, Target::Database, "DROP TABLESPACE")
            }
            NodeEnum::AlterTableSpaceOptionsStmt(_) | NodeEnum::AlterTableMoveAllStmt(_) => {
                (actions::TABLESPACE, Target::Database, "ALTER TABLESPACE")
            }
            NodeEnum::AlterSystemStmt(_) => {
                (actions::ALTER_SYSTEM, Target::Database, "ALTER SYSTEM")
            }
            NodeEnum::LoadStmt(_) => (actions::LOAD, Target::Database, "LOAD"),
            _ => return None,
        };
        self.need(action, target);
        Some(kind)
    }

    /// VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT.
    fn upkeep(&mut self, node: &NodeEnum) -> Option<&'static str> {
        Some(match node {
            NodeEnum::VacuumStmt(vacuum) => {
                let (action, kind) = if vacuum.is_vacuumcmd {
                    (actions::VACUUM, "VACUUM")
                } else {
                    (actions::ANALYZE, "ANALYZE")
                };
                self.upkeep_of(&vacuum.rels, action);
                kind
            }
            NodeEnum::ClusterStmt(cluster) => {
                let target = cluster
                    .relation
                    .as_ref()
                    .map_or(Target::Database, |relation| {
                        Target::Table(relation_name(relation))
                    });
                self.need(actions::CLUSTER, target);
                "CLUSTER"
            }
            NodeEnum::ReindexStmt(reindex) => {
                let named = reindex.relation.as_ref().map(relation_name);
                let target = match (reindex.kind(), named) {
                    (ReindexObjectType::ReindexObjectTable, Some(name)) => Target::Table(name),
                    (_, Some(name)) => Target::SchemaOf(name),
                    (ReindexObjectType::ReindexObjectSchema, None) => {
                        Target::Schema(reindex.name.clone())
                    }
                    (_, None) => Target::Database,
                };
                self.need(actions::REINDEX, target);
                "REINDEX"
            }
            NodeEnum::CheckPointStmt(_) => {
                self.need(actions::CHECKPOINT, Target::Database);
                "CHECKPOINT"
            }
            _ => return None,
        })
    }

    fn upkeep_of(&mut self, relations: &[Node], action: &'static str) {
        if relations.is_empty() {
            self.need(action, Target::Database);
        }
        for node in each(relations) {
            if let NodeEnum::VacuumRelation(relation) = node
                && let Some(relation) = &relation.relation
            {
                self.need(action, Target::Table(relation_name(relation)));
            }
        }
    }
}
