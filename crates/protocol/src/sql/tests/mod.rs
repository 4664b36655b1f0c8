//! Tests of reading SQL, as tables of statements. The catalog is a small shop.

mod accesses;
mod administering;
mod columns;
mod effects;
mod facts;
mod limits;
mod reader;

use std::collections::HashMap;

use super::{
    Catalog, NameScope, ReadOptions, Relation, RelationKind, Resolved, Statement, Volatility, read,
    resolve,
};

/// A catalog in memory.
#[derive(Default)]
pub(super) struct Shop {
    relations: HashMap<(String, String), Relation>,
    routines: HashMap<(String, String), Volatility>,
}

impl Catalog for Shop {
    fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations.get(&(schema.to_owned(), name.to_owned()))
    }

    fn routine(&self, schema: &str, name: &str) -> Option<Volatility> {
        self.routines
            .get(&(schema.to_owned(), name.to_owned()))
            .copied()
    }
}

pub(super) fn shop() -> Shop {
    let mut shop = Shop::default();
    let tables: &[(&str, &str, &[&str])] = &[
        ("public", "customers", &["id", "name", "ssn"]),
        ("public", "orders", &["id", "customer_id", "total"]),
        ("public", "t", &["a", "b"]),
        ("public", "u", &["a", "c"]),
        ("archive", "orders", &["id", "total"]),
        ("public", "users", &["id", "email"]),
        ("pg_catalog", "pg_class", &["oid", "relname"]),
        (
            "pg_catalog",
            "pg_stats",
            &["tablename", "attname", "histogram_bounds"],
        ),
        ("pg_temp", "scratch", &["a"]),
    ];
    for (schema, name, columns) in tables {
        shop.relations.insert(
            ((*schema).to_owned(), (*name).to_owned()),
            Relation {
                kind: RelationKind::Table,
                columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            },
        );
    }
    let routines = [
        ("pg_catalog", "upper", Volatility::Immutable),
        ("pg_catalog", "lower", Volatility::Immutable),
        ("pg_catalog", "count", Volatility::Immutable),
        ("pg_catalog", "sum", Volatility::Immutable),
        ("pg_catalog", "max", Volatility::Immutable),
        ("pg_catalog", "now", Volatility::Stable),
        ("pg_catalog", "row_to_json", Volatility::Stable),
        ("pg_catalog", "array_agg", Volatility::Immutable),
        ("pg_catalog", "unnest", Volatility::Immutable),
        ("pg_catalog", "generate_series", Volatility::Immutable),
        ("pg_catalog", "table_to_xml", Volatility::Stable),
        ("pg_catalog", "pg_get_viewdef", Volatility::Stable),
        ("pg_catalog", "txid_status", Volatility::Volatile),
        ("public", "pay", Volatility::Immutable),
        ("public", "lower", Volatility::Volatile),
        ("public", "initials", Volatility::Stable),
    ];
    for (schema, name, volatility) in routines {
        shop.routines
            .insert((schema.to_owned(), name.to_owned()), volatility);
    }
    shop
}

pub(super) fn scope() -> NameScope {
    NameScope {
        database: "shop".to_owned(),
        search_path: vec!["app".to_owned(), "public".to_owned()],
    }
}

/// Reads a text of one statement.
pub(super) fn one(sql: &str) -> Statement {
    let script = read(sql, ReadOptions::default()).unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(script.statements.len(), 1, "{sql}");
    script.statements.into_iter().next().unwrap()
}

pub(super) fn resolved(sql: &str) -> Resolved {
    resolve(&one(sql), &shop(), &scope())
}

/// The accesses of a statement as `action resource`, in order.
pub(super) fn accesses(sql: &str) -> Vec<String> {
    resolved(sql)
        .accesses
        .iter()
        .map(|access| {
            let action = access.action.as_str();
            format!(
                "{} {}",
                action.strip_prefix("sql:").unwrap_or(action),
                access.resource
            )
        })
        .collect()
}
