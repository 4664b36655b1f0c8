//! What is remembered is what would be read.

use std::sync::Arc;

use proptest::prelude::*;

use super::{scope, shop};
use crate::sql::shape::shape_of;
use crate::sql::{ReadOptions, Reader, Script, read, resolve};

fn shape(text: &str) -> Option<String> {
    let mut shape = String::new();
    shape_of(text, &mut shape).then_some(shape)
}

#[test]
fn shapes() {
    let cases = [
        (
            "SELECT a FROM t WHERE b = 42",
            Some("SELECT a FROM t WHERE b = 0"),
        ),
        (
            "UPDATE t1 SET a = a + -5 WHERE b = 'x''y'",
            Some("UPDATE t1 SET a = a + -0 WHERE b = ''"),
        ),
        ("SELECT $1, 'x'", Some("SELECT $1, ''")),
        (r#"SELECT "a'1", 2"#, Some(r#"SELECT "a'1", 0"#)),
        ("SELECT 'ü', ü1", Some("SELECT '', ü1")),
        ("SELECT a FROM t", None),
        ("SELECT E'x'", None),
        ("SELECT U&'x'", None),
        ("SELECT 'a\\'", None),
        ("SELECT 1 -- 'x'", None),
        ("SELECT 1 /* x */", None),
        ("SELECT $$x$$, 1", None),
        ("SELECT 1.5", None),
        ("SELECT 1e5", None),
        ("SELECT 0x1F", None),
        ("SELECT 12345678901", None),
        ("SELECT 'open", None),
        ("SELECT \"open, 1", None),
    ];
    for (text, expected) in cases {
        assert_eq!(shape(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn literals_share_a_reading_only_where_they_do_not_matter() {
    let reader = Reader::new();
    let same = |first: &str, second: &str| {
        let options = ReadOptions::default();
        let (first, second) = (
            reader.read(first, options).unwrap(),
            reader.read(second, options).unwrap(),
        );
        Arc::ptr_eq(&first, &second)
    };
    assert!(same(
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE b = 2"
    ));
    assert!(same(
        "INSERT INTO t VALUES (1, 'x')",
        "INSERT INTO t VALUES (22, 'yy')"
    ));
    assert!(same("SELECT 1 LIMIT 5", "SELECT 1 LIMIT 5"));
    assert!(!same(
        "SELECT a, b FROM t ORDER BY 1",
        "SELECT a, b FROM t ORDER BY 2"
    ));
    assert!(!same("SET work_mem = 1", "SET work_mem = 2"));
    assert!(!same(
        "SELECT set_config('a.b', '1', true)",
        "SELECT set_config('role', '1', true)"
    ));
    assert!(!same("EXECUTE q(1)", "EXECUTE q(2)"));
    assert!(!same("SELECT 1; SELECT 2", "SELECT 1; SELECT 3"));
}

#[test]
fn a_full_cache_forgets_and_goes_on() {
    let reader = Reader::new();
    for n in 0..70_000 {
        let text = format!("SELECT a{} FROM t", n % 100);
        assert!(reader.read(&text, ReadOptions::default()).is_ok());
    }
    let text = format!(
        "SELECT '{}' /* kept out of the cache */",
        "x".repeat(100_000)
    );
    assert!(reader.read(&text, ReadOptions::default()).is_ok());
}

fn told(script: &Script) -> String {
    script
        .statements
        .iter()
        .map(|statement| {
            let resolved = resolve(statement, &shop(), &scope());
            format!(
                "{resolved:?} {:?} {}",
                statement.effects, statement.has_where
            )
        })
        .collect()
}

const PATTERNS: &[&str] = &[
    "SELECT a, b FROM t WHERE a = {n} AND b = {s} ORDER BY {n}",
    "SELECT a FROM t WHERE {n} = {n} LIMIT {n}",
    "SELECT set_config({s}, {s}, false)",
    "DELETE FROM t WHERE a = {n} OR {s} = {s}",
    "UPDATE t SET a = {n}, b = upper({s}) WHERE a IN ({n}, {n})",
    "INSERT INTO t VALUES ({n}, {s}), ({n}, {s})",
    "SELECT {s} AS x, a{n} FROM t GROUP BY {n}",
    "SELECT {s}::int, interval {s}, {n}-{n}, -{n} FROM t",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// One reader sees many texts of few shapes; each reading is as a fresh one.
    #[test]
    fn remembered_is_as_fresh(
        pattern in proptest::sample::select(PATTERNS),
        numbers in proptest::collection::vec(prop_oneof![0u64..4, any::<u64>()], 6),
        strings in proptest::collection::vec("[a-z'\\\\;$1-]{0,6}", 6),
        others in proptest::collection::vec(0u64..4, 6),
    ) {
        let reader = Reader::new();
        let fill = |numbers: &[u64], strings: &[String]| {
            let mut text = pattern.to_owned();
            for (number, string) in numbers.iter().zip(strings) {
                text = text.replacen("{n}", &number.to_string(), 1);
                text = text.replacen("{s}", &format!("'{}'", string.replace('\'', "''")), 1);
            }
            text.replace("{n}", "7").replace("{s}", "'s'")
        };
        let plain: Vec<String> = others.iter().map(|n| format!("s{n}")).collect();
        let _ = reader.read(&fill(&others, &plain), ReadOptions::default());
        let text = fill(&numbers, &strings);
        let remembered = reader.read(&text, ReadOptions::default()).map(|script| told(&script));
        let fresh = read(&text, ReadOptions::default()).map(|script| told(&script));
        match (remembered, fresh) {
            (Ok(remembered), Ok(fresh)) => prop_assert_eq!(remembered, fresh, "{}", text),
            // A literal that does not fit its place is the server's to refuse.
            (_, Err(_)) => {}
            (Err(_), Ok(_)) => prop_assert!(false, "{}", text),
        }
    }
}
