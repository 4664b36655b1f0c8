//! Rules, masks and checks for this module's tests.

use super::{CannotMask, FieldEdit, FieldRules, Kind, Masker, TextMask};
use std::sync::Arc;

/// Digits in a row that [`DigitMask`] hides.
pub(super) const RUN: usize = 7;

/// Finds runs of seven or more digits and makes stars of them.
pub(super) struct DigitMask;

impl TextMask for DigitMask {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let start = out.len();
        let mut found = false;
        let mut run = String::new();
        for c in text.chars().map(Some).chain([None]) {
            if let Some(digit) = c.filter(char::is_ascii_digit) {
                run.push(digit);
                continue;
            }
            if run.len() >= RUN {
                found = true;
                out.extend(run.chars().map(|_| '*'));
            } else {
                out.push_str(&run);
            }
            run.clear();
            out.extend(c);
        }
        if !found {
            out.truncate(start);
        }
        found
    }
}

/// Masks every text whole: its first letter and a text that every syntax has to quote.
pub(super) struct FirstLetter;

impl TextMask for FirstLetter {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        out.extend(text.chars().next());
        out.push_str("*, \"\\\t)}\n");
        true
    }
}

/// Makes this of every text that has a run of digits.
pub(super) struct Instead(pub(super) &'static str);

impl TextMask for Instead {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let found = digit_run(text.as_bytes()).is_some();
        if found {
            out.push_str(self.0);
        }
        found
    }
}

pub(super) fn scan() -> FieldEdit {
    FieldEdit::Scan(Arc::new(DigitMask))
}

pub(super) fn whole() -> FieldEdit {
    FieldEdit::Text(Arc::new(DigitMask))
}

pub(super) fn first_letter() -> FieldEdit {
    FieldEdit::Text(Arc::new(FirstLetter))
}

pub(super) fn constant(text: &str) -> FieldEdit {
    FieldEdit::Constant(text.into())
}

/// Rules as a table: names that lead to a field with dots between, and what is done to it. `*.name` is any field of
/// this name.
#[derive(Clone)]
pub(super) struct Table {
    edits: Vec<(&'static str, FieldEdit)>,
    otherwise: FieldEdit,
    prose: Arc<dyn TextMask>,
}

impl Table {
    /// With names and prose scanned for digits, and other fields left as they are.
    pub(super) fn new(edits: impl IntoIterator<Item = (&'static str, FieldEdit)>) -> Self {
        Self {
            edits: edits.into_iter().collect(),
            otherwise: FieldEdit::Clear,
            prose: Arc::new(DigitMask),
        }
    }

    pub(super) fn otherwise(mut self, edit: FieldEdit) -> Self {
        self.otherwise = edit;
        self
    }

    pub(super) fn with_prose(mut self, mask: impl TextMask + 'static) -> Self {
        self.prose = Arc::new(mask);
        self
    }

    /// Digits hidden everywhere.
    pub(super) fn scan() -> Self {
        Self::new([]).otherwise(scan())
    }
}

impl FieldRules for Table {
    fn edit(&self, path: &[&str]) -> FieldEdit {
        let last = path.last();
        let path = path.join(".");
        let fits = |known: &str| {
            let name = known.strip_prefix("*.");
            name.map_or(known == path, |name| last == Some(&name))
        };
        self.edits
            .iter()
            .find(|(known, _)| fits(known))
            .map_or(&self.otherwise, |(_, edit)| edit)
            .clone()
    }

    fn prose(&self) -> Arc<dyn TextMask> {
        Arc::clone(&self.prose)
    }
}

/// What came of a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Got {
    /// Everything that was appended, also before an error.
    pub(super) out: Vec<u8>,
    /// What was appended before the end was told.
    pub(super) streamed: usize,
    pub(super) masked: Vec<String>,
    pub(super) error: Option<CannotMask>,
}

/// Masks a body that comes in these pieces.
pub(super) fn run<'p>(
    kind: Kind,
    rules: &Table,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Got {
    let mut masker = Masker::new(kind, Arc::new(rules.clone()));
    let mut out = Vec::new();
    let mut fed = Ok(());
    for piece in pieces {
        fed = fed.and_then(|()| masker.feed(piece, &mut out));
    }
    let streamed = out.len();
    let error = fed.and_then(|()| masker.finish(&mut out)).err();
    if let Some(error) = error {
        let before = out.len();
        assert_eq!(masker.feed(b"x", &mut out), Err(error));
        assert_eq!(masker.finish(&mut out), Err(error));
        assert_eq!(out.len(), before, "something came after an error");
    }
    Got {
        out,
        streamed,
        masked: masker.masked().map(str::to_owned).collect(),
        error,
    }
}

/// The longest text that is cut at every place; longer ones are cut at some.
const CUT_EVERYWHERE: usize = 1024;

/// What came of a body, wherever it is cut.
#[track_caller]
fn run_cut(kind: Kind, rules: &Table, sent: &[u8]) -> Got {
    let whole = run(kind, rules, [sent]);
    let step = (sent.len() / CUT_EVERYWHERE).max(1) * 997;
    let step = if sent.len() <= CUT_EVERYWHERE {
        1
    } else {
        step
    };
    for cut in (0..=sent.len()).step_by(step) {
        let (before, after) = sent.split_at(cut);
        assert_same(&run(kind, rules, [before, after]), &whole, cut);
    }
    if step == 1 {
        assert_same(&run(kind, rules, sent.chunks(1)), &whole, sent.len());
    }
    whole
}

/// Whether two ways of cutting gave the same. Of a body that is refused, more may have come out of longer pieces.
#[track_caller]
pub(super) fn assert_same(got: &Got, whole: &Got, cut: usize) {
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        got.error.is_some(),
        whole.error.is_some(),
        "cut at {cut}: {:?} and {:?}",
        got.error,
        whole.error
    );
    if whole.error.is_some() {
        let one_begins_other = got.out.starts_with(&whole.out) || whole.out.starts_with(&got.out);
        assert!(
            one_begins_other,
            "cut at {cut}: {} and {}",
            show(&got.out),
            show(&whole.out)
        );
        return;
    }
    assert_eq!(show(&got.out), show(&whole.out), "cut at {cut}");
    assert_eq!(got.masked, whole.masked, "cut at {cut}");
}

/// Masks a body, also cut at every place, and compares what comes out and which fields were changed.
#[track_caller]
pub(super) fn check(
    kind: Kind,
    rules: &Table,
    sent: impl AsRef<[u8]>,
    expected: impl AsRef<[u8]>,
    masked: &[&str],
) {
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let sent = sent.as_ref();
    let got = run_cut(kind, rules, sent);
    let about: String = show(sent).chars().take(200).collect();
    assert_eq!(got.error, None, "{about}");
    assert!(
        got.out == expected.as_ref(),
        "{about}\n     got {}\nexpected {}",
        show(&got.out),
        show(expected.as_ref())
    );
    assert_eq!(got.masked, masked, "{about}");
}

/// Checks that a body is refused, wherever it is cut, and that nothing that has to be hidden came out before.
#[track_caller]
pub(super) fn refused(kind: Kind, rules: &Table, sent: impl AsRef<[u8]>, expected: CannotMask) {
    let sent = sent.as_ref();
    let got = run_cut(kind, rules, sent);
    let about: String = String::from_utf8_lossy(sent).chars().take(200).collect();
    match (got.error, expected) {
        (Some(CannotMask::Malformed { kind: got, .. }), CannotMask::Malformed { kind, .. }) => {
            assert_eq!(got, kind, "{about}");
        }
        (got, expected) => assert_eq!(got, Some(expected), "{about}"),
    }
    assert_eq!(digit_run(&got.out), None, "{about}");
}

/// The first run of digits that should have been hidden.
pub(super) fn digit_run(bytes: &[u8]) -> Option<String> {
    bytes
        .split(|b| !b.is_ascii_digit())
        .find(|run| run.len() >= RUN)
        .map(|run| String::from_utf8_lossy(run).into_owned())
}
