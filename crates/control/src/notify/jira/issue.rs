//! An issue as Jira shows it now, and whether an approval may rest on it: nobody has edited what it shows since it was made,
//! and it still stands where it was moved to. Whoever asked may edit the issue, also for the blink of an eye in which
//! somebody looks at it; only its history tells.

use super::super::declared::Jira;
use super::super::http::Request;
use super::super::send::Failure;
use super::{authorized, site};
use crate::identity::fetch::Fetcher;
use crate::keys::hex;
use aws_lc_rs::digest;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

/// Between the key of an issue and the digest of what it showed.
const BETWEEN: char = ' ';
/// The longest key of an issue: ten letters of a project, a dash and a number.
const MAX_KEY: usize = 32;
/// What is asked for of an issue.
const WANTED: &str = "fields=summary,description,status&expand=changelog";
/// The fields that show what is asked for.
const SHOWING: [&str; 2] = ["summary", "description"];

/// An issue.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Issue {
    fields: Fields,
    /// Without a history nothing is known about edits.
    #[serde(default)]
    changelog: Option<History>,
}

#[derive(Debug, Default, Deserialize)]
struct Fields {
    #[serde(default)]
    summary: String,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Debug, Deserialize)]
struct Status {
    name: String,
}

#[derive(Debug, Deserialize)]
struct History {
    total: usize,
    histories: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    field: String,
    #[serde(default)]
    field_id: Option<String>,
}

impl Issue {
    /// One as it is sent.
    pub(crate) fn new(summary: String, description: Value) -> Self {
        Self {
            fields: Fields {
                summary,
                description,
                status: None,
            },
            changelog: None,
        }
    }

    /// Whether its history is there, whole, and has no edit of what it shows. An edit that was undone is one.
    pub(crate) fn is_untouched(&self) -> bool {
        let Some(history) = &self.changelog else {
            return false;
        };
        let shows = |name: &str| SHOWING.iter().any(|field| field.eq_ignore_ascii_case(name));
        let edits = |item: &Item| shows(&item.field) || item.field_id.as_deref().is_some_and(shows);
        let mut items = history.histories.iter().flat_map(|change| &change.items);
        history.total <= history.histories.len() && !items.any(edits)
    }

    /// Its words without spaces, which Jira keeps otherwise than they were sent.
    pub(crate) fn words(&self) -> String {
        let mut text = self.fields.summary.clone();
        gather(&self.fields.description, &mut text);
        text.retain(|c| !c.is_whitespace());
        text
    }

    /// A digest of everything that it shows: words, spaces, marks, nodes and their attributes.
    fn digest(&self) -> String {
        let mut text = String::new();
        canonical(&Value::from(self.fields.summary.as_str()), &mut text);
        canonical(&self.fields.description, &mut text);
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }

    /// Why an approval cannot rest on it: it was made with this reference, and moved to this status if it was moved.
    pub(crate) fn objection(&self, told: &str, moved_to: Option<&str>) -> Option<&'static str> {
        let is_same = parts(told).is_some_and(|(_, shown)| shown == self.digest());
        if !is_same || !self.is_untouched() {
            let why = "the issue was edited, or its history cannot be read whole, so that it may have shown something else than what waits; decide in the console";
            return Some(why);
        }
        let status = self.fields.status.as_ref().map(|s| s.name.as_str());
        let stands = moved_to.is_none_or(|moved_to| status == Some(moved_to));
        (!stands).then_some("the issue is not in the status any more that approves; move it there again, or decide in the console")
    }
}

/// What an issue that shows this is referred to by.
pub(crate) fn reference(key: &str, shown: &Issue) -> String {
    format!("{key}{BETWEEN}{}", shown.digest())
}

/// The key of an issue and the digest of what it showed, in what the message is referred to by.
pub(crate) fn parts(reference: &str) -> Option<(&str, &str)> {
    let (key, shown) = reference.split_once(BETWEEN)?;
    is_key(key).then_some((key, shown))
}

/// Whether a text is the key of an issue, which is all that is put into an address.
pub(crate) fn is_key(text: &str) -> bool {
    let Some((project, number)) = text.split_once('-') else {
        return false;
    };
    let letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let named =
        project.starts_with(|c: char| c.is_ascii_uppercase()) && project.chars().all(letters);
    let numbered = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    text.len() <= MAX_KEY && named && numbered
}

/// Reads an issue as it is now.
pub(crate) async fn read(jira: &Jira, fetcher: &Fetcher, key: &str) -> Result<Issue, Failure> {
    let request = Request {
        method: Method::GET,
        url: format!("{}/rest/api/3/issue/{key}?{WANTED}", site(jira)),
        headers: Vec::new(),
        body: None,
    };
    let answer = authorized(jira, request)?.send(fetcher).await?;
    let wrong = |_| Failure::new("jira answered something else than an issue".to_owned());
    serde_json::from_slice(&answer.body).map_err(wrong)
}

fn gather(node: &Value, text: &mut String) {
    text.extend(node.get("text").and_then(Value::as_str));
    let children = node.get("content").and_then(Value::as_array);
    for child in children.into_iter().flatten() {
        gather(child, text);
    }
}

/// JSON in the one way: the order of names is nothing that anybody sees.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, field) in fields {
                canonical(&Value::from(name.as_str()), out);
                out.push(':');
                canonical(field, out);
                out.push(',');
            }
            out.push('}');
        }
        plain => {
            let _ = write!(out, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_keys_of_issues_are_put_into_addresses() {
        for (text, good) in [
            ("OPS-1", true),
            ("A1_B-99", true),
            ("ops-1", false),
            ("OPS-", false),
            ("OPS-1/../2", false),
            ("-1", false),
            ("1A-1", false),
            ("OPS-1?x", false),
            ("", false),
        ] {
            assert_eq!(is_key(text), good, "{text}");
        }
    }

    #[test]
    fn everything_that_is_shown_is_in_the_digest() {
        let digest = |summary: &str, description: Value| {
            Issue::new(summary.to_owned(), description).digest()
        };
        let node = |text: &str| json!({"type": "text", "text": text});
        let plain = json!({"type": "doc", "content": [node("a\nb")]});
        let same = json!({"content": [{"text": "a\nb", "type": "text"}], "type": "doc"});
        assert_eq!(digest("s", plain.clone()), digest("s", same));
        let marked = |mark: Value| json!({"type": "doc", "content": [{"type": "text", "text": "a\nb", "marks": [mark]}]});
        let all = [
            digest("s", plain.clone()),
            digest("s ", plain),
            digest("s", json!({"type": "doc", "content": [node("a b")]})),
            digest("s", json!({"type": "doc", "content": [node("ab")]})),
            digest(
                "s",
                json!({"type": "doc", "content": [node("a\n"), node("b")]}),
            ),
            digest("s", marked(json!({"type": "strike"}))),
            digest(
                "s",
                marked(json!({"type": "textColor", "attrs": {"color": "#ffffff"}})),
            ),
            digest(
                "s",
                marked(json!({"type": "textColor", "attrs": {"color": "#000000"}})),
            ),
            digest(
                "s",
                json!({"type": "doc", "content": [node("a\nb"), {"type": "status", "attrs": {"text": "x"}}]}),
            ),
            digest("s", Value::Null),
        ];
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_history_has_to_be_there_whole_and_without_edits() {
        let issue = |changelog: Value| -> Option<bool> {
            let issue = json!({"fields": {"summary": "s"}, "changelog": changelog});
            serde_json::from_value::<Issue>(issue)
                .ok()
                .map(|i| i.is_untouched())
        };
        let item = |field: &str, id: &str| json!({"items": [{"field": field, "fieldId": id}]});
        for (changelog, expected) in [
            (json!(null), Some(false)),
            (json!({"total": 0, "histories": []}), Some(true)),
            (
                json!({"total": 1, "histories": [item("status", "status")]}),
                Some(true),
            ),
            (
                json!({"total": 2, "histories": [item("status", "status")]}),
                Some(false),
            ),
            (
                json!({"total": 1, "histories": [item("description", "description")]}),
                Some(false),
            ),
            (
                json!({"total": 1, "histories": [item("Summary", "x")]}),
                Some(false),
            ),
            (
                json!({"total": 1, "histories": [item("Zusammenfassung", "summary")]}),
                Some(false),
            ),
            (json!({"histories": []}), None),
            (json!({"total": 1, "histories": [{}]}), None),
        ] {
            assert_eq!(issue(changelog.clone()), expected, "{changelog}");
        }
    }
}
