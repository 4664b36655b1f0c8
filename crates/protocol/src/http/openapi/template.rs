//! Templates of paths: `/users/{id}/avatar.{format}`.

use super::super::path::{Part, PathError, check_name, decoded};
use super::{MAX_TEMPLATE, MAX_TEMPLATE_SEGMENTS, OpenApiError};
use std::collections::BTreeSet;

/// What one segment of a path has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text, without escapes.
    Literal(String),
    /// Anything. Its name.
    Parameter(String),
    /// Something with this text in it: `{id}.json`.
    Mixed(Pattern),
}

/// A text with gaps: `Some` is a text, `None` a gap of at least one character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern(Vec<Option<String>>);

/// A template, read.
#[derive(Debug)]
pub(super) struct Template {
    /// Its segments.
    pub(super) segments: Vec<Segment>,
    /// Whether it ends with a slash.
    pub(super) slash: bool,
}

impl Pattern {
    /// How much of a segment is given; the pattern with more goes first.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().flatten().map(String::len).sum()
    }

    /// Whether the whole of `text` fits.
    pub(super) fn fits(&self, text: &str) -> bool {
        self.fitted(text).is_some()
    }

    /// A text between two gaps is taken where it is first: if that leaves too little, every later place does.
    fn fitted(&self, text: &str) -> Option<()> {
        let (middle, mut rest) = match self.0.split_last() {
            Some((Some(end), middle)) => (middle, text.strip_suffix(end.as_str())?),
            _ => (self.0.as_slice(), text),
        };
        let mut in_gap = false;
        for piece in middle {
            match piece {
                None => {
                    let mut chars = rest.chars();
                    chars.next()?;
                    rest = chars.as_str();
                    in_gap = true;
                }
                Some(text) if in_gap => {
                    (_, rest) = rest.split_once(text.as_str())?;
                    in_gap = false;
                }
                Some(text) => rest = rest.strip_prefix(text.as_str())?,
            }
        }
        (in_gap || rest.is_empty()).then_some(())
    }
}

/// Reads a template.
pub(super) fn read(text: &str) -> Result<Template, OpenApiError> {
    let too_much = |most, unit| OpenApiError::TooMuch {
        place: shown(text),
        most,
        unit,
    };
    if text.len() > MAX_TEMPLATE {
        return Err(too_much(MAX_TEMPLATE, "bytes"));
    }
    let malformed = |expected| OpenApiError::Malformed {
        place: shown(text),
        expected,
    };
    let rest = text.strip_prefix('/');
    let rest = rest.ok_or_else(|| malformed("a path that begins with a slash"))?;
    let (rest, slash) = match rest.strip_suffix('/') {
        Some(rest) => (rest, true),
        None => (rest, rest.is_empty()),
    };
    let mut names = BTreeSet::new();
    let mut segments = Vec::new();
    // The root has no segment, not an empty one.
    for raw in rest.split('/').skip(usize::from(text == "/")) {
        if segments.len() == MAX_TEMPLATE_SEGMENTS {
            return Err(too_much(MAX_TEMPLATE_SEGMENTS, "segments"));
        }
        let pieces = pieces(raw).ok_or_else(|| malformed("a name in each pair of braces"))?;
        for piece in &pieces {
            if let Piece::Name(name) = piece
                && !names.insert(*name)
            {
                return Err(malformed("parameters with different names"));
            }
        }
        segments.push(segment(&pieces).map_err(|reason| OpenApiError::Path {
            place: shown(text),
            reason,
        })?);
    }
    Ok(Template { segments, slash })
}

/// The place of a template. No more of it than is accepted, and nothing that a terminal would obey.
fn shown(text: &str) -> String {
    let visible = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let shown: String = text.chars().take(MAX_TEMPLATE).map(visible).collect();
    ["paths.", &shown].concat()
}

/// A part of a segment as it is written.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Takes a segment apart at its braces; `None` if they do not pair.
fn pieces(raw: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = raw;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let is_name = !name.is_empty() && !name.contains(|c: char| c == '{' || c.is_control());
        if text.contains('}') || !is_name {
            return None;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        pieces.push(Piece::Name(name));
        rest = after;
    }
    if rest.contains('}') {
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Some(pieces)
}

/// Makes a segment of its pieces, if a request can have it.
fn segment(pieces: &[Piece<'_>]) -> Result<Segment, PathError> {
    if let [Piece::Name(name)] = pieces {
        return Ok(Segment::Parameter((*name).to_owned()));
    }
    let mut pattern = Vec::new();
    // One of the texts that fit.
    let mut example = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) if text.contains(['?', '#']) => {
                return Err(PathError::Character { part: Part::Path });
            }
            Piece::Text(text) => {
                let text = decoded(text, Part::Path)?;
                example.push_str(&text);
                pattern.push(Some(text));
            }
            Piece::Name(_) => {
                example.push('a');
                pattern.push(None);
            }
        }
    }
    check_name(&example)?;
    if pattern.iter().all(Option::is_some) {
        Ok(Segment::Literal(example))
    } else {
        Ok(Segment::Mixed(Pattern(pattern)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_segments() {
        let check = |template: &str, fitting: &[&str], others: &[&str]| {
            let pieces = pieces(template).unwrap();
            let Segment::Mixed(pattern) = segment(&pieces).unwrap() else {
                panic!("{template} is not mixed");
            };
            for text in fitting {
                assert!(pattern.fits(text), "{template} {text}");
            }
            for text in others {
                assert!(!pattern.fits(text), "{template} {text}");
            }
        };
        check(
            "{id}.json",
            &["a.json", ".json.json", "\u{e4}.json"],
            &[".json", "a.jso", "a.json2", ""],
        );
        check(
            "v{version}",
            &["v1", "vv", "v\u{e4}"],
            &["v", "1v", "w1", ""],
        );
        check(
            "{a}-{b}",
            &["a-b", "--b", "a--", "---"],
            &["-b", "a-", "--", "ab", ""],
        );
        check(
            "{a}{b}",
            &["ab", "abc", "\u{e4}\u{e4}"],
            &["a", "\u{e4}", ""],
        );
        check(
            "{a}:{b}:x",
            &["a:b:x", "a:::x"],
            &["a:b:", "a::x", ":b:x", "a:x"],
        );
        check(
            "f(x='{x}',y={y})",
            &["f(x='1',y=2)", "f(x='',y=',y=2)"],
            &["f(x='1',y=)", "f(x='',y=2)"],
        );
        check("a{x}a", &["aba", "aaa"], &["aa", "a", "ab"]);
        check("%7B{x}%2e", &["{a."], &["%7Ba%2e"]);
    }

    #[test]
    fn templates_are_read_or_refused() {
        let check = |text: &str, expected: Option<(usize, bool)>| {
            let got = read(text)
                .ok()
                .map(|template| (template.segments.len(), template.slash));
            assert_eq!(got, expected, "{text}");
        };
        check("/", Some((0, true)));
        check("/a", Some((1, false)));
        check("/a/", Some((1, true)));
        check("/a b/%c3%a4/\u{e4}/{x y}/..{z}", Some((5, false)));
        check(
            &"/a".repeat(MAX_TEMPLATE_SEGMENTS),
            Some((MAX_TEMPLATE_SEGMENTS, false)),
        );
        check(&"/a".repeat(MAX_TEMPLATE_SEGMENTS + 1), None);
        check(&["/", &"a".repeat(MAX_TEMPLATE)].concat(), None);
        for refused in [
            "", "a", "//", "//a", "/a//b", "/a//", "/..", "/a/./b", "/%2e%2e", "/a%2fb", "/a\\b",
            "/a%", "/%ff", "/a\n", "/a?b", "/a#b", "/{", "/}", "/{}", "/{a", "/a}", "/{{a}}",
            "/{a}}", "/{a/b}", "/{a}/{a}", "/{a}-{a}", "/{a}%00", "/{a\n}",
        ] {
            check(refused, None);
        }
    }
}
