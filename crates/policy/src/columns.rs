//! Which data classes a column is in: the column patterns, compiled once per snapshot.

use crate::source::Problem;
use parking_lot::RwLock;
use regex::{Regex, RegexBuilder};
use sluice_model::{ColumnPattern, DataClass};
use std::collections::HashMap;
use std::sync::Arc;

/// Stands for every column of a table in a question.
const ALL_COLUMNS: &str = "*";

/// A compiled pattern may use this much memory; the patterns that people write need a few kilobytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Answers kept; a database with more columns in use only makes the cache start afresh.
const MAX_KEPT: usize = 20_000;

/// One pattern. A part that is absent matches anything.
#[derive(Debug)]
enum Pattern {
    Glob {
        schema: Option<Regex>,
        table: Option<Regex>,
        column: Regex,
    },
    Expression(Regex),
}

/// Schema, table, column.
type ColumnName = (String, String, String);

/// The patterns of all classes. A class is known by its position in the snapshot.
#[derive(Debug)]
pub(crate) struct ColumnClasses {
    patterns: Vec<(usize, Pattern)>,
    kept: RwLock<HashMap<ColumnName, Arc<[usize]>>>,
}

impl ColumnClasses {
    pub(crate) fn compile(classes: &[DataClass]) -> Result<Self, Vec<Problem>> {
        let mut patterns = Vec::new();
        let mut problems = Vec::new();
        for (index, class) in classes.iter().enumerate() {
            for column in &class.columns {
                match compile(column) {
                    Ok(pattern) => patterns.push((index, pattern)),
                    Err(why) => {
                        problems.push(Problem::elsewhere(format!(
                            "data class {:?}: {why}",
                            class.name
                        )));
                    }
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            patterns,
            kept: RwLock::default(),
        })
    }

    /// The classes of one column, in the order of the snapshot. `*` asks for any column of the table.
    pub(crate) fn of(&self, schema: &str, table: &str, column: &str) -> Arc<[usize]> {
        if self.patterns.is_empty() {
            return Arc::from([]);
        }
        let name = (schema.to_owned(), table.to_owned(), column.to_owned());
        if let Some(found) = self.kept.read().get(&name) {
            return Arc::clone(found);
        }
        let found: Arc<[usize]> = self.any(Some(schema), Some(table), column).into();
        let mut kept = self.kept.write();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(name, Arc::clone(&found));
        found
    }

    /// The classes that a column can be in when only some of its name is known.
    pub(crate) fn any(
        &self,
        schema: Option<&str>,
        table: Option<&str>,
        column: &str,
    ) -> Vec<usize> {
        self.matching(|pattern| match pattern {
            Pattern::Glob {
                schema: s,
                table: t,
                column: c,
            } => {
                part_matches(s.as_ref(), schema)
                    && part_matches(t.as_ref(), table)
                    && (column == ALL_COLUMNS || c.is_match(column))
            }
            Pattern::Expression(regex) => match (schema, table) {
                (Some(schema), Some(table)) if column != ALL_COLUMNS => {
                    regex.is_match(&format!("{schema}.{table}.{column}"))
                }
                // What cannot be told is taken to match.
                _ => true,
            },
        })
    }

    /// The classes whose patterns match a column of an answer by its name alone.
    pub(crate) fn by_name(&self, name: &str) -> Vec<usize> {
        let open = |part: &Option<Regex>| part.as_ref().is_none_or(|p| p.as_str() == ANYTHING);
        self.matching(|pattern| match pattern {
            Pattern::Glob {
                schema,
                table,
                column,
            } => open(schema) && open(table) && column.is_match(name),
            Pattern::Expression(regex) => regex.is_match(name),
        })
    }

    fn matching(&self, test: impl Fn(&Pattern) -> bool) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .patterns
            .iter()
            .filter(|(_, p)| test(p))
            .map(|(index, _)| *index)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn part_matches(pattern: Option<&Regex>, part: Option<&str>) -> bool {
    match (pattern, part) {
        (Some(pattern), Some(part)) => pattern.is_match(part),
        _ => true,
    }
}

/// What the glob `*` becomes.
const ANYTHING: &str = "^.*$";

fn compile(pattern: &ColumnPattern) -> Result<Pattern, String> {
    match pattern {
        ColumnPattern::Regex { regex } => expression(regex)
            .map(Pattern::Expression)
            .map_err(|e| format!("the column expression {regex:?} cannot be used: {e}")),
        ColumnPattern::Glob(glob) => {
            let parts: Vec<&str> = glob.split('.').collect();
            if parts.iter().any(|part| part.is_empty()) {
                return Err(format!(
                    "the column pattern {glob:?} has an empty part; expected [[schema.]table.]column"
                ));
            }
            let part = |glob: &str| {
                let escaped: Vec<String> = glob.split('*').map(regex::escape).collect();
                expression(&format!("^{}$", escaped.join(".*")))
                    .map_err(|e| format!("the column pattern {glob:?} cannot be used: {e}"))
            };
            let (schema, table, column) = match parts.as_slice() {
                [column] => (None, None, *column),
                [table, column] => (None, Some(*table), *column),
                [schema, table, column] => (Some(*schema), Some(*table), *column),
                _ => {
                    return Err(format!(
                        "the column pattern {glob:?} has {} parts; expected [[schema.]table.]column",
                        parts.len()
                    ));
                }
            };
            Ok(Pattern::Glob {
                schema: schema.map(part).transpose()?,
                table: table.map(part).transpose()?,
                column: part(column)?,
            })
        }
    }
}

pub(crate) fn expression(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::Mask;

    fn classes(pattern: ColumnPattern) -> Result<ColumnClasses, Vec<Problem>> {
        ColumnClasses::compile(&[DataClass {
            fields: Vec::new(),
            name: "ssn".into(),
            columns: vec![pattern],
            detectors: vec![],
            mask: Mask::Redact,
        }])
    }

    #[test]
    fn patterns_match_part_by_part_and_without_case() {
        let glob = |g: &str| ColumnPattern::Glob(g.into());
        let regex = |r: &str| ColumnPattern::Regex { regex: r.into() };
        for (pattern, name, expected) in [
            (glob("ssn"), "public.customers.ssn", true),
            (glob("ssn"), "hr.people.SSN", true),
            (glob("ssn"), "public.customers.ssn2", false),
            (glob("ssn*"), "public.customers.ssn2", true),
            (
                glob("*.social_security*"),
                "public.customers.social_security_number",
                true,
            ),
            (
                glob("*.social_security*"),
                "public.customers.a_social_security",
                false,
            ),
            (glob("customers.ssn"), "public.customers.ssn", true),
            (glob("customers.ssn"), "public.suppliers.ssn", false),
            (glob("hr.*.ssn"), "hr.people.ssn", true),
            (glob("hr.*.ssn"), "public.people.ssn", false),
            (glob("a+b"), "x.y.a+b", true),
            (glob("a+b"), "x.y.aab", false),
            (regex(r"^hr\..*\.(ssn|sin)$"), "hr.people.SIN", true),
            (regex(r"^hr\..*\.(ssn|sin)$"), "public.people.sin", false),
            (glob("s*n"), "x.y.s\nn", true),
            (glob("ssn"), "public.customers.*", true),
            (glob("hr.*.ssn"), "public.customers.*", false),
            (regex("x"), "public.customers.*", true),
        ] {
            let parts: Vec<&str> = name.splitn(3, '.').collect();
            let found = classes(pattern.clone())
                .unwrap()
                .of(parts[0], parts[1], parts[2]);
            assert_eq!(!found.is_empty(), expected, "{pattern:?} on {name}");
        }
        for bad in [
            glob(""),
            glob("a..b"),
            glob("a.b.c.d"),
            regex("("),
            regex("(a{1000}){1000}"),
        ] {
            assert!(classes(bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn unknown_parts_match_anything() {
        let classes = classes(ColumnPattern::Glob("hr.people.ssn".into())).unwrap();
        for (schema, table, column, expected) in [
            (None, None, "ssn", true),
            (Some("hr"), None, "ssn", true),
            (Some("public"), None, "ssn", false),
            (None, Some("people"), "*", true),
            (None, None, "name", false),
        ] {
            assert_eq!(
                !classes.any(schema, table, column).is_empty(),
                expected,
                "{schema:?} {table:?} {column}"
            );
        }
    }

    #[test]
    fn answers_are_matched_by_name_only_where_a_pattern_asks_for_nothing_else() {
        for (glob, expected) in [
            ("ssn", true),
            ("*.ssn", true),
            ("*.*.s*", true),
            ("customers.ssn", false),
        ] {
            let classes = classes(ColumnPattern::Glob(glob.into())).unwrap();
            assert_eq!(!classes.by_name("SSN").is_empty(), expected, "{glob}");
        }
    }
}
