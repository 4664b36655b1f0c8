//! What a suite's output says, and which differences `docs/driver-suites.md` explains.

use std::collections::BTreeSet;

/// What a run ended with.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The runner's own last words.
    pub totals: String,
    /// The tests that failed, by name.
    pub failed: BTreeSet<String>,
}

/// Reads the last words and the failed tests of unittest and pytest.
pub fn read(text: &str) -> Outcome {
    let failed = text
        .lines()
        .filter_map(|line| {
            ["FAILED ", "ERROR ", "FAIL: ", "ERROR: "]
                .iter()
                .find_map(|mark| line.strip_prefix(mark))
        })
        .filter_map(test_name)
        .collect();
    let totals = text
        .lines()
        .rev()
        .map(|line| line.trim_matches('=').trim())
        .filter(|line| {
            line.starts_with("Ran ")
                || line.starts_with("FAILED (")
                || line.starts_with("OK")
                || line.contains(" passed")
        })
        .take(2)
        .collect::<Vec<_>>()
        .join("; ");
    Outcome { totals, failed }
}

/// pytest's `file::class::test - why`; unittest's `test (module.class.test)`, whose totals begin alike.
fn test_name(rest: &str) -> Option<String> {
    if rest.starts_with('(') {
        return None;
    }
    if rest.contains("::") {
        return rest.split(" - ").next().map(|name| name.trim().to_owned());
    }
    let (_, name) = rest.split_once('(')?;
    name.split(')').next().map(str::to_owned)
}

/// The names of tests, `*` standing for any part of one, in the first column of the tables below the heading
/// that begins with the suite's name.
pub fn explained(docs: &str, suite: &str) -> Vec<String> {
    let (name, _) = suite.split_once("==").unwrap_or((suite, ""));
    docs.lines()
        .skip_while(|line| !(line.starts_with("## ") && line.contains(name)))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// Whether a pattern stands for a test.
pub fn stands_for(pattern: &str, test: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == test,
        Some((before, after)) => test.strip_prefix(before).is_some_and(|rest| {
            after.is_empty()
                || (0..=rest.len())
                    .any(|at| rest.get(at..).is_some_and(|rest| stands_for(after, rest)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, totals: &str, failed: &[&str]) {
        let outcome = read(text);
        assert_eq!(outcome.totals, totals);
        assert_eq!(
            outcome
                .failed
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            failed
        );
    }

    #[test]
    fn both_runners_are_read() {
        check(
            "FAIL: test_a (tests.A.test_a)\n----\nRan 7 tests in 1.0s\n\nFAILED (failures=1)\n",
            "FAILED (failures=1); Ran 7 tests in 1.0s",
            &["tests.A.test_a"],
        );
        check(
            "FAILED test/a.py::b - AssertionError\nERROR test/a.py::c[d - e]\n= 1 failed, 6 passed in 2s =\n",
            "1 failed, 6 passed in 2s",
            &["test/a.py::b", "test/a.py::c[d"],
        );
    }

    #[test]
    fn the_docs_name_tests_by_pattern() {
        let docs =
            "## a 1\n| `x.*` | why |\n|---|---|\n| `y`, `*z` | why `not` |\n## b\n| `other` | |\n";
        assert_eq!(explained(docs, "a==1"), ["x.*", "y", "*z"]);
        for (pattern, test, expected) in [
            ("x.*", "x.1", true),
            ("x.*", "y.1", false),
            ("*z", "a.z", true),
            ("*z", "a.zz", true),
            ("*z", "a.za", false),
            ("a*b*c", "a1b2c", true),
            ("y", "y1", false),
        ] {
            assert_eq!(stands_for(pattern, test), expected, "{pattern} {test}");
        }
    }
}
