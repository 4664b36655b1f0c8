//! Principals, connections and resources as Cedar entities.

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use sluice_model::{Connection, Principal, PrincipalId, Resource};
use std::collections::{HashMap, HashSet};

/// The names of the entity types, parsed once.
#[derive(Debug)]
pub(crate) struct Types(HashMap<&'static str, EntityTypeName>);

/// An entity could not be made. It cannot happen with the names of the schema; if it does, the decision is a denial.
#[derive(Debug, thiserror::Error)]
#[error("an entity could not be made for the decision")]
pub(crate) struct EntityError;

impl Types {
    pub(crate) fn new() -> Result<Self, EntityError> {
        let names = crate::schema::entity_types().iter().map(|(name, _)| *name);
        names
            .chain(["Action"])
            .map(|name| Ok((name, name.parse().map_err(|_| EntityError)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(crate) fn uid(&self, kind: &str, id: &str) -> Result<EntityUid, EntityError> {
        let name = self.0.get(kind).ok_or(EntityError)?;
        Ok(EntityUid::from_type_name_and_id(
            name.clone(),
            EntityId::new(id),
        ))
    }

    pub(crate) fn principal(&self, id: &PrincipalId) -> Result<EntityUid, EntityError> {
        self.uid(id.kind.entity_type(), &id.name)
    }

    /// A principal with its groups; an agent comes with its owner.
    pub(crate) fn principal_entities(
        &self,
        principal: &Principal,
    ) -> Result<Vec<Entity>, EntityError> {
        let uid = self.principal(&principal.id)?;
        let groups = principal
            .groups
            .iter()
            .map(|group| self.uid("Group", group))
            .collect::<Result<HashSet<_>, _>>()?;
        let Some(owner) = &principal.owner else {
            return Ok(vec![Entity::new_no_attrs(uid, groups)]);
        };
        let owner_uid = RestrictedExpression::new_entity_uid(self.principal(&owner.id)?);
        let attributes = HashMap::from([("owner".to_owned(), owner_uid)]);
        let mut entities = self.principal_entities(owner)?;
        entities.push(Entity::new(uid, attributes, groups).map_err(|_| EntityError)?);
        Ok(entities)
    }

    /// A connection's environment and labels.
    pub(crate) fn connection_parents(
        &self,
        connection: &Connection,
    ) -> Result<HashSet<EntityUid>, EntityError> {
        let labels = connection
            .labels
            .iter()
            .map(|(key, value)| self.uid("Label", &format!("{key}={value}")));
        std::iter::once(self.uid("Environment", &connection.environment))
            .chain(labels)
            .collect()
    }

    /// A resource under a connection, with everything that it is in as direct parents, so that no other entity is
    /// needed to tell. `above` are the connection and its own parents; `classes` those that a column is in.
    pub(crate) fn resource(
        &self,
        connection: &str,
        above: &HashSet<EntityUid>,
        resource: &Resource,
        classes: &[&str],
    ) -> Result<Entity, EntityError> {
        let mut parents = above.clone();
        let uid = match resource {
            Resource::Connection => {
                let uid = self.uid("Connection", connection)?;
                parents.remove(&uid);
                uid
            }
            Resource::Database { database } => {
                self.uid("Database", &path(&[connection, database]))?
            }
            Resource::Schema { database, schema } => {
                parents.insert(self.uid("Database", &path(&[connection, database]))?);
                self.uid("Schema", &path(&[connection, database, schema]))?
            }
            Resource::Table {
                database,
                schema,
                table: name,
            }
            | Resource::Routine {
                database,
                schema,
                routine: name,
            } => {
                parents.insert(self.uid("Database", &path(&[connection, database]))?);
                parents.insert(self.uid("Schema", &path(&[connection, database, schema]))?);
                let kind = crate::schema::type_name(resource.kind());
                self.uid(kind, &path(&[connection, database, schema, name]))?
            }
            Resource::Column {
                database,
                schema,
                table,
                column,
            } => {
                parents.insert(self.uid("Database", &path(&[connection, database]))?);
                parents.insert(self.uid("Schema", &path(&[connection, database, schema]))?);
                parents.insert(self.uid("Table", &path(&[connection, database, schema, table]))?);
                for class in classes {
                    parents.insert(self.uid("DataClass", class)?);
                }
                self.uid(
                    "Column",
                    &path(&[connection, database, schema, table, column]),
                )?
            }
            Resource::Endpoint { parts } => self.endpoint(connection, parts, &mut parents)?,
            Resource::DataClass { name } => self.uid("DataClass", name)?,
        };
        Ok(Entity::new_no_attrs(uid, parents))
    }

    /// An endpoint, which is in every shorter path.
    fn endpoint(
        &self,
        connection: &str,
        parts: &[String],
        parents: &mut HashSet<EntityUid>,
    ) -> Result<EntityUid, EntityError> {
        let whole: Vec<&str> = std::iter::once(connection)
            .chain(parts.iter().map(String::as_str))
            .collect();
        // The root is an endpoint as well: the slash alone.
        let root = self.uid("Endpoint", &path(&[connection, ""]))?;
        if parts.is_empty() {
            return Ok(root);
        }
        parents.insert(root);
        for length in 2..whole.len() {
            let shorter = whole.get(..length).unwrap_or_default();
            parents.insert(self.uid("Endpoint", &path(shorter))?);
        }
        self.uid("Endpoint", &path(&whole))
    }
}

/// The id of what lies under a connection: its parts joined by `/`, with `/` and `%` in a part escaped, so that no
/// two paths have one id.
pub(crate) fn path(parts: &[&str]) -> String {
    let mut out = String::with_capacity(parts.iter().map(|p| p.len() + 1).sum());
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push('/');
        }
        for c in part.chars() {
            match c {
                '/' => out.push_str("%2F"),
                '%' => out.push_str("%25"),
                c => out.push(c),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn different_paths_have_different_ids() {
        for (parts, id) in [
            (&["shop", "app"][..], "shop/app"),
            (&["shop", "a/b"], "shop/a%2Fb"),
            (&["shop", "a", "b"], "shop/a/b"),
            (&["shop", "a%2Fb"], "shop/a%252Fb"),
        ] {
            assert_eq!(path(parts), id);
        }
    }
}
