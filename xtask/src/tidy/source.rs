//! Rules about source files: each says its purpose, files and functions stay short, nothing names this machine.

use super::ratchet::Size;
use super::{File, Findings, is_test_path, without_tests};

/// Lines of a file, its unit tests not counted.
const MAX_FILE_LINES: usize = 600;
/// Lines of a function, from its signature to its closing brace.
const MAX_FUNCTION_LINES: usize = 70;

/// Home and build directories of single machines; written in parts, so that this file does not break its own rule.
const MACHINE_PATHS: &[&str] = &[
    concat!("/", "root/"),
    concat!("/", "work/"),
    concat!("/", "farm/"),
    concat!("/home/", "runner"),
];

pub fn look(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        machine_paths(file, found);
        if file.path.ends_with(".rs") {
            if !file.text.starts_with("//!") {
                found.problems.push(format!(
                    "{}: expected its purpose in a first line `//! ...`",
                    file.path
                ));
            }
            if !is_test_path(&file.path) {
                sizes(file, found);
            }
        }
    }
}

fn machine_paths(file: &File, found: &mut Findings) {
    for (number, line) in file.text.lines().enumerate() {
        if MACHINE_PATHS.iter().any(|path| line.contains(path)) {
            found.problems.push(format!(
                "{}:{}: names a path of one machine",
                file.path,
                number + 1
            ));
        }
    }
}

fn sizes(file: &File, found: &mut Findings) {
    let text = without_tests(&file.text);
    found.sizes.push(Size {
        key: format!("file {}", file.path),
        size: text.lines().count(),
        limit: MAX_FILE_LINES,
        advice: "split it into modules",
    });
    for (name, lines) in functions(text) {
        found.sizes.push(Size {
            key: format!("function {}::{name}", file.path),
            size: lines,
            limit: MAX_FUNCTION_LINES,
            advice: "give its parts names of their own",
        });
    }
}

/// Names and lengths of functions, by the layout that rustfmt gives: the body ends with a brace at the indentation
/// of the signature.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indentation = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indentation));
        let rest = lines.get(start..).unwrap_or_default();
        // A signature that ends with `;` has no body; one that ends with `}` is a single line.
        let signature_only = rest
            .iter()
            .take_while(|line| !line.ends_with('{'))
            .any(|line| line.ends_with(';') || line.ends_with('}'));
        if signature_only {
            continue;
        }
        let length = rest
            .iter()
            .position(|line| *line == closing)
            .map_or(1, |end| end + 1);
        functions.push((name.to_owned(), length));
    }
    functions
}

fn function_name(line: &str) -> Option<&str> {
    const BEFORE: &[&str] = &[
        "pub",
        "pub(crate)",
        "pub(super)",
        "async",
        "const",
        "extern",
        "\"C\"",
    ];
    let mut words = line.trim_start();
    loop {
        let (word, rest) = words.split_once(' ')?;
        if word == "fn" {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            return rest.get(..end);
        }
        if !BEFORE.contains(&word) {
            return None;
        }
        words = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::functions;

    fn check(text: &str, expected: &[(&str, usize)]) {
        let found = functions(text);
        let found: Vec<(&str, usize)> = found
            .iter()
            .map(|(name, lines)| (name.as_str(), *lines))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        check("fn a() {\n    b();\n}\n", &[("a", 3)]);
        check(
            "impl A {\n    pub async fn a(\n        x: u8,\n    ) {\n        if x {\n        }\n    }\n}\n",
            &[("a", 6)],
        );
        check("trait A {\n    fn a();\n}\nfn b() {}\n", &[]);
        check("// fn a() {\n", &[]);
    }
}
