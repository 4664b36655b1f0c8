//! What an object's kind means for an access: which resource it is, and which action stands for changing it.

use pg_query::NodeEnum;
use pg_query::protobuf::ObjectType;

use super::actions;
use super::tree::{name_of_parts, object_parts};
use super::{Name, Target};

/// The resource that an object is, or the nearest one that holds it.
pub(crate) fn object_target(kind: ObjectType, object: Option<&NodeEnum>) -> Target {
    let parts = object.map(object_parts).unwrap_or_default();
    let without_last = || {
        let count = parts.len().saturating_sub(1);
        name_of_parts(parts.get(..count).unwrap_or_default())
    };
    let without_first = || name_of_parts(parts.get(1..).unwrap_or_default());
    let named = |name: Name, target: fn(Name) -> Target| {
        if name.name.is_empty() {
            Target::Database
        } else {
            target(name)
        }
    };
    match kind {
        ObjectType::ObjectTable
        | ObjectType::ObjectView
        | ObjectType::ObjectMatview
        | ObjectType::ObjectForeignTable
        | ObjectType::ObjectSequence
        | ObjectType::ObjectPublicationRel => named(name_of_parts(&parts), Target::Table),
        ObjectType::ObjectColumn
        | ObjectType::ObjectRule
        | ObjectType::ObjectTrigger
        | ObjectType::ObjectPolicy
        | ObjectType::ObjectTabconstraint => named(without_last(), Target::Table),
        ObjectType::ObjectFunction
        | ObjectType::ObjectProcedure
        | ObjectType::ObjectRoutine
        | ObjectType::ObjectAggregate => named(name_of_parts(&parts), Target::Routine),
        ObjectType::ObjectSchema | ObjectType::ObjectPublicationNamespace => {
            parts.last().map_or(Target::Database, |schema| {
                Target::Schema((*schema).to_owned())
            })
        }
        ObjectType::ObjectDatabase => parts.last().map_or(Target::Database, |name| {
            Target::OtherDatabase((*name).to_owned())
        }),
        // The access method comes first.
        ObjectType::ObjectOpclass | ObjectType::ObjectOpfamily => {
            named(without_first(), Target::SchemaOf)
        }
        ObjectType::ObjectIndex
        | ObjectType::ObjectType
        | ObjectType::ObjectDomain
        | ObjectType::ObjectCollation
        | ObjectType::ObjectConversion
        | ObjectType::ObjectOperator
        | ObjectType::ObjectStatisticExt
        | ObjectType::ObjectTsconfiguration
        | ObjectType::ObjectTsdictionary
        | ObjectType::ObjectTsparser
        | ObjectType::ObjectTstemplate => named(name_of_parts(&parts), Target::SchemaOf),
        // The rest has no schema: roles, extensions, languages, what belongs to the server.
        _ => Target::Database,
    }
}

/// The action that stands for creating, altering or dropping such an object: `usual`, unless its kind has one of
/// its own.
pub(crate) fn object_action(kind: ObjectType, usual: &'static str) -> &'static str {
    match kind {
        ObjectType::ObjectExtension => actions::EXTENSION,
        ObjectType::ObjectFdw
        | ObjectType::ObjectForeignServer
        | ObjectType::ObjectForeignTable
        | ObjectType::ObjectUserMapping => actions::FOREIGN,
        ObjectType::ObjectPolicy => actions::SECURITY,
        ObjectType::ObjectPublication
        | ObjectType::ObjectPublicationNamespace
        | ObjectType::ObjectPublicationRel
        | ObjectType::ObjectSubscription => actions::REPLICATION,
        ObjectType::ObjectRole => actions::ROLE,
        ObjectType::ObjectTablespace => actions::TABLESPACE,
        ObjectType::ObjectDatabase => actions::ALTER_DATABASE,
        _ => usual,
    }
}
