//! How a body is read, by its media type.

use memchr::memchr3;

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON (RFC 8259), also several documents after each other: NDJSON, and text sequences (RFC 7464).
    Json,
    /// Pairs of a form: `application/x-www-form-urlencoded`.
    Form,
    /// Comma-separated values (RFC 4180).
    Csv {
        /// What is between fields: an ASCII character, and no quote or line end.
        separator: u8,
        /// The first record holds the names. If not, columns are called `column1`, `column2`, and so on.
        header: bool,
    },
    /// XML 1.0.
    Xml,
    /// Plain text and what can be treated so, line by line.
    Text,
    /// A stream of events: `text/event-stream`.
    Events,
}

/// Media types that tell their kind by no suffix.
const KINDS: &[(&str, Kind)] = &[
    ("application/json", Kind::Json),
    ("application/json-seq", Kind::Json),
    ("application/jsonl", Kind::Json),
    ("application/jsonlines", Kind::Json),
    ("application/ndjson", Kind::Json),
    ("application/x-amz-json-1.0", Kind::Json),
    ("application/x-amz-json-1.1", Kind::Json),
    ("application/x-json", Kind::Json),
    ("application/x-jsonlines", Kind::Json),
    ("application/x-ndjson", Kind::Json),
    ("text/json", Kind::Json),
    ("text/x-json", Kind::Json),
    ("application/x-www-form-urlencoded", Kind::Form),
    ("application/csv", COMMAS),
    ("application/x-csv", COMMAS),
    ("text/comma-separated-values", COMMAS),
    ("text/csv", COMMAS),
    ("text/x-csv", COMMAS),
    ("text/tab-separated-values", TABS),
    ("application/xml", Kind::Xml),
    ("text/xml", Kind::Xml),
    ("text/event-stream", Kind::Events),
    ("application/ecmascript", Kind::Text),
    ("application/graphql", Kind::Text),
    ("application/javascript", Kind::Text),
    ("application/sql", Kind::Text),
    ("application/toml", Kind::Text),
    ("application/x-javascript", Kind::Text),
    ("application/x-sh", Kind::Text),
    ("application/x-yaml", Kind::Text),
    ("application/yaml", Kind::Text),
];

/// Suffixes (RFC 6838 section 4.2.8, RFC 8091, RFC 9512).
const SUFFIXES: &[(&str, Kind)] = &[
    ("json", Kind::Json),
    ("json-seq", Kind::Json),
    ("xml", Kind::Xml),
    ("yaml", Kind::Text),
];

/// Of the `text` types, those that are parts of something else and cannot be read alone.
const NOT_TEXT: &[&str] = &["text/xml-external-parsed-entity", "text/xml-dtd"];

const COMMAS: Kind = Kind::Csv {
    separator: b',',
    header: true,
};
const TABS: Kind = Kind::Csv {
    separator: b'\t',
    header: true,
};

/// How much of a text is looked at to tell what it is.
const LOOKED_AT: usize = 512;

/// Whether a text begins as a JSON object, or as a list of such, of lists or of texts. `None` while that cannot be told yet.
/// What begins so and is no JSON (a template, a line of a log) is told apart by its second sign.
#[must_use]
pub fn looks_like_json(text: &[u8]) -> Option<bool> {
    let beginning = String::from_utf8_lossy(text.get(..LOOKED_AT).unwrap_or(text));
    let blank = |c: &char| c.is_whitespace() || *c == '\u{feff}';
    let mut signs = beginning.chars().filter(|c| !blank(c));
    match signs.next()? {
        '{' => signs.next().map(|next| matches!(next, '"' | '}')),
        '[' => signs
            .next()
            .map(|next| matches!(next, '{' | '[' | '"' | ']')),
        _ => Some(false),
    }
}

/// How a body with this `Content-Type` (RFC 9110 section 8.3) is read. `None` when the type is unknown, when its
/// characters are in another set than UTF-8, or when the header itself is not clear.
#[must_use]
pub fn kind_of(content_type: &str) -> Option<Kind> {
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let media_type = media_type.trim_matches(SPACE).to_ascii_lowercase();
    let parameters = read_parameters(parameters)?;
    let all = |name: &'static str| {
        parameters
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    if !all("charset").all(is_utf8) {
        return None;
    }
    let kind = by_type(&media_type)?;
    let Kind::Csv { separator, .. } = kind else {
        return Some(kind);
    };
    // RFC 4180 section 3.
    let header = match (all("header").next(), all("header").nth(1)) {
        (None, _) => true,
        (Some(value), None) if value.eq_ignore_ascii_case("present") => true,
        (Some(value), None) if value.eq_ignore_ascii_case("absent") => false,
        _ => return None,
    };
    Some(Kind::Csv { separator, header })
}

const SPACE: [char; 2] = [' ', '\t'];

fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"]
        .iter()
        .any(|known| charset.eq_ignore_ascii_case(known))
}

fn by_type(media_type: &str) -> Option<Kind> {
    if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == media_type) {
        return Some(*kind);
    }
    let (main, subtype) = media_type.split_once('/')?;
    if subtype.is_empty() || !media_type.bytes().all(|b| b == b'/' || is_token(b)) {
        return None;
    }
    let suffix = subtype.rsplit_once('+').map(|(_, suffix)| suffix);
    if let Some((_, kind)) = SUFFIXES.iter().find(|(known, _)| Some(*known) == suffix) {
        return Some(*kind);
    }
    (main == "text" && !NOT_TEXT.contains(&media_type)).then_some(Kind::Text)
}

/// Characters of a token (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Names, in lower case, and values of parameters (RFC 9110 section 5.6.6).
fn read_parameters(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some(found);
        }
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => read_quoted(quoted)?,
            None => {
                let end = memchr3(b';', b' ', b'\t', after.as_bytes()).unwrap_or(after.len());
                let (value, after) = after.split_at_checked(end)?;
                if value.is_empty() || !value.bytes().all(is_token) {
                    return None;
                }
                (value.to_owned(), after)
            }
        };
        rest = rest.trim_start_matches(SPACE);
        if !rest.is_empty() && !rest.starts_with(';') {
            return None;
        }
        found.push((name.to_ascii_lowercase(), value));
    }
}

/// What a quoted string means, after its opening quote, and what follows it.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_media_type() {
        let check = |content_type: &str, expected: Option<Kind>| {
            assert_eq!(kind_of(content_type), expected, "{content_type}");
        };
        let csv = |separator, header| Some(Kind::Csv { separator, header });
        for (media_type, kind) in KINDS {
            check(media_type, Some(*kind));
            check(&media_type.to_ascii_uppercase(), Some(*kind));
        }
        for (content_type, expected) in [
            ("application/json; charset=utf-8", Some(Kind::Json)),
            (" Application/JSON ;Charset=\"UTF-8\"", Some(Kind::Json)),
            ("application/json;", Some(Kind::Json)),
            ("application/json; charset=us-ascii", Some(Kind::Json)),
            ("application/vnd.api+json", Some(Kind::Json)),
            ("application/problem+json", Some(Kind::Json)),
            ("application/geo+json-seq", Some(Kind::Json)),
            ("application/a+b+json", Some(Kind::Json)),
            ("model/gltf+json", Some(Kind::Json)),
            ("application/atom+xml", Some(Kind::Xml)),
            ("image/svg+xml", Some(Kind::Xml)),
            ("text/html; charset=\"ut\\f-8\"", Some(Kind::Text)),
            ("text/plain; format=flowed", Some(Kind::Text)),
            ("text/csv", csv(b',', true)),
            ("text/csv; header=absent", csv(b',', false)),
            ("text/csv; header=Present", csv(b',', true)),
            ("text/tab-separated-values;header=absent", csv(b'\t', false)),
            ("multipart/x; boundary=\";charset=latin1\"", None),
            ("text/plain; x=\";charset=latin1\"", Some(Kind::Text)),
        ] {
            check(content_type, expected);
        }
        for unclear in [
            "",
            "text",
            "text/",
            "/json",
            "json",
            "application/octet-stream",
            "application/xml-dtd",
            "text/xml-external-parsed-entity",
            "application/json5",
            "application/jwt",
            "image/png",
            "multipart/form-data; boundary=x",
            "text/plain, text/html",
            "text/pla in",
            "text/csv; header=maybe",
            "text/csv; header=present; header=absent",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=utf-16",
            "text/plain; charset=iso-8859-1",
            "text/plain; charset=",
            "text/plain; charset",
            "text/plain; charset=\"utf-8",
            "text/plain; charset=utf-8 x",
            "text/plain; charset = latin1",
            "text/plain; ; =x",
        ] {
            check(unclear, None);
        }
    }
}
