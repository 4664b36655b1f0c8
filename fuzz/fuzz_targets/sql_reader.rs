//! Any text is read or refused, and whatever is read can be resolved: no panic, no hang, no empty list of accesses.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sluice_protocol::sql::{
    Catalog, NameScope, ReadOptions, Reader, Relation, RelationKind, Volatility, resolve,
};

struct OneTable;

static TABLE: LazyLock<Relation> = LazyLock::new(|| Relation {
    kind: RelationKind::Table,
    columns: ["a", "b", "ssn"].map(str::to_owned).to_vec(),
});

impl Catalog for OneTable {
    fn relation(&self, _: &str, name: &str) -> Option<&Relation> {
        (name == "t").then_some(&TABLE)
    }

    fn routine(&self, schema: &str, name: &str) -> Option<Volatility> {
        (schema == "pg_catalog" && name == "upper").then_some(Volatility::Immutable)
    }
}

static READER: LazyLock<Reader> = LazyLock::new(Reader::new);

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let options = ReadOptions {
        standard_conforming_strings: first & 1 == 0,
        backslash_quote: first & 2 == 0,
    };
    let scope = NameScope {
        database: "fuzz".to_owned(),
        search_path: vec!["public".to_owned()],
    };
    if let Ok(script) = READER.read(text, options) {
        for statement in &script.statements {
            let resolved = resolve(statement, &OneTable, &scope);
            assert!(
                !resolved.accesses.is_empty(),
                "{} needs nothing",
                statement.kind
            );
            assert!(statement.text(text).len() <= text.len());
        }
    }
});
