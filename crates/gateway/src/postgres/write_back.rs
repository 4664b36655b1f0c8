//! Keeps masks from being written back: a client that reads a row, changes one field and writes all of it
//! would otherwise replace the real values by their masks.

use super::analyst::Analysis;
use super::capture;
use super::names::Portal;
use super::refusal::{NOT_ALLOWED, Refusal};
use sluice_model::{RecordedValue, Resource, Timestamp};
use sluice_policy::SessionView;
use sluice_policy::mask::looks_masked;
use sluice_protocol::sql::Catalog as _;

/// Actions that put values into a table.
const WRITES: &[&str] = &["sql:insert", "sql:update", "sql:merge"];

/// Refuses a statement that writes what looks like one of our masks into a table with masked columns.
///
/// # Errors
/// It does.
pub fn check(
    analysis: &Analysis,
    text: &str,
    bound: Option<&Portal>,
    view: &SessionView,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !view.has_classes() || !writes_to_masked_table(analysis, view, now) {
        return Ok(());
    }
    let binds_mask = bound.map(binds_mask).transpose()?.unwrap_or_default();
    if binds_mask || literals(text).any(looks_masked) {
        return Err(Refusal::new(
            NOT_ALLOWED,
            "refused: the statement writes a masked value back, which would destroy the real one",
        )
        .hint("write only the columns that you mean to change"));
    }
    Ok(())
}

/// Looks at what the client sent as it sent it: what is kept for the record is cut, and masked itself.
fn binds_mask(portal: &Portal) -> Result<bool, Refusal> {
    let mut found = false;
    portal.bound_values(|value, type_oid, format| {
        if let RecordedValue::Text(text) = capture::whole_value(value, type_oid, format) {
            found |= looks_masked(&text);
        }
    })?;
    Ok(found)
}

fn writes_to_masked_table(analysis: &Analysis, view: &SessionView, now: Timestamp) -> bool {
    let accesses = analysis.resolved.accesses.iter();
    accesses
        .filter(|access| WRITES.contains(&access.action.as_str()))
        .any(|access| match &access.resource {
            Resource::Table { schema, table, .. } => {
                match analysis.catalog.relation(schema, table) {
                    Some(relation) => relation.columns.iter().any(|column| {
                        !view
                            .unrevealed(Some(schema), Some(table), column, now)
                            .is_empty()
                    }),
                    None => true,
                }
            }
            _ => true,
        })
}

/// What stands between quotes, roughly: a doubled quote parts a text in two, which is enough here.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('\'').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_what_stands_between_quotes() {
        let cases: &[(&str, &[&str])] = &[
            ("UPDATE t SET a = 1", &[]),
            ("UPDATE t SET a = 'x', b = 'y z'", &["x", "y z"]),
            ("INSERT INTO t VALUES ('it''s')", &["it", "s"]),
            ("SELECT 'open", &["open"]),
        ];
        for (text, expected) in cases {
            assert_eq!(&literals(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
