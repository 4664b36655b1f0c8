//! Which fields of a document are masked, by the names that lead to them.

use crate::columns::expression;
use crate::core::Core;
use crate::plan::ColumnPlan;
use crate::session::SessionView;
use crate::source::Problem;
use regex::Regex;
use sluice_model::{ColumnPattern, DataClass, TextMask, Timestamp};
use std::fmt;
use std::sync::Arc;

/// What stands for the whole document at the beginning of a pattern.
const ROOT: &str = "$";
/// Names in one pattern: documents nest about ten deep.
const MAX_NAMES: usize = 32;

/// One pattern.
#[derive(Debug)]
enum Pattern {
    /// The last names that lead to a field; all of them where it is `anchored`.
    Names { names: Vec<Regex>, anchored: bool },
    /// Over all names, with dots between.
    Expression(Regex),
}

impl Pattern {
    fn of_names(text: &str) -> Result<Self, String> {
        let mut names: Vec<&str> = text.split('.').collect();
        let anchored = names.first() == Some(&ROOT);
        if anchored {
            names.remove(0);
        }
        if names.is_empty() || names.len() > MAX_NAMES || names.iter().any(|n| n.is_empty()) {
            return Err(format!(
                "the field {text:?} cannot be used; expected names with dots between, such as customer.ssn or $.ssn"
            ));
        }
        let part = |name: &&str| {
            let escaped: Vec<String> = name.split('*').map(regex::escape).collect();
            expression(&format!("^{}$", escaped.join(".*")))
                .map_err(|e| format!("the field {text:?} cannot be used: {e}"))
        };
        let names = names.iter().map(part).collect::<Result<_, _>>()?;
        Ok(Self::Names { names, anchored })
    }

    fn matches(&self, path: &[&str]) -> bool {
        match self {
            Self::Names { names, anchored } => {
                let start = path.len().checked_sub(names.len());
                let Some(last) = start.and_then(|start| path.get(start..)) else {
                    return false;
                };
                (!anchored || last.len() == path.len())
                    && names.iter().zip(last).all(|(n, name)| n.is_match(name))
            }
            Self::Expression(regex) => !path.is_empty() && regex.is_match(&path.join(".")),
        }
    }
}

/// The patterns of all classes. A class is known by its position in the snapshot.
#[derive(Debug)]
pub(crate) struct FieldClasses(Vec<(usize, Pattern)>);

impl FieldClasses {
    /// Patterns of columns are patterns of fields as well: a document is what rows became.
    pub(crate) fn compile(classes: &[DataClass]) -> Result<Self, Vec<Problem>> {
        let mut patterns = Vec::new();
        let mut problems = Vec::new();
        for (index, class) in classes.iter().enumerate() {
            let columns = class.columns.iter().map(|column| match column {
                ColumnPattern::Glob(glob) => Pattern::of_names(glob),
                ColumnPattern::Regex { regex } => expression(regex)
                    .map(Pattern::Expression)
                    .map_err(|e| e.to_string()),
            });
            let fields = class.fields.iter().map(|field| Pattern::of_names(field));
            for pattern in fields.chain(columns) {
                match pattern {
                    Ok(pattern) => patterns.push((index, pattern)),
                    Err(why) => problems.push(Problem::elsewhere(format!(
                        "data class {:?}: {why}",
                        class.name
                    ))),
                }
            }
        }
        match problems.is_empty() {
            true => Ok(Self(patterns)),
            false => Err(problems),
        }
    }

    fn of<'a>(&'a self, path: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
        let matching = self.0.iter().filter(|(_, pattern)| pattern.matches(path));
        matching.map(|(class, _)| *class)
    }
}

/// What is to be done with the fields of documents, as one session may see them at one moment.
#[derive(Clone)]
pub struct FieldPlan {
    core: Arc<Core>,
    /// What becomes of fields of each class; `None` for those that are shown.
    hidden: Arc<[Option<ColumnPlan>]>,
    /// The detectors of every class that is hidden.
    pub scan: Arc<dyn TextMask>,
    /// Whether these look for anything.
    scans: bool,
}

impl fmt::Debug for FieldPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldPlan").finish_non_exhaustive()
    }
}

impl FieldPlan {
    /// Whether nothing is to be done with any document.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        !self.scans && self.hidden.iter().all(Option::is_none)
    }

    /// Whether a class is hidden here that is not hidden there.
    #[must_use]
    pub fn hides_more_than(&self, other: &Self) -> bool {
        let mut pairs = self.hidden.iter().zip(other.hidden.iter());
        self.hidden.len() != other.hidden.len()
            || pairs.any(|(here, there)| here.is_some() && there.is_none())
    }

    /// Whether a hidden class is known by names of fields, which text has none of.
    #[must_use]
    pub fn goes_by_names(&self) -> bool {
        let hidden = |class: &usize| self.hidden.get(*class).is_some_and(Option::is_some);
        self.core.fields.0.iter().any(|(class, _)| hidden(class))
    }

    /// What is to be done with the value that these names lead to.
    #[must_use]
    pub fn of(&self, path: &[&str]) -> ColumnPlan {
        let classes = self.core.fields.of(path);
        let mut hidden = classes.filter_map(|class| self.hidden.get(class)?.as_ref());
        match hidden.next() {
            Some(plan) => plan.clone(),
            None if self.scans => ColumnPlan::Scan,
            None => ColumnPlan::Clear,
        }
    }
}

impl SessionView {
    /// What is to be done with documents that this session is answered with. A class that is revealed to it is shown,
    /// whatever its fields are called; text that is shown is still gone over by the detectors of hidden classes.
    #[must_use]
    pub fn fields(&self, now: Timestamp) -> FieldPlan {
        let (scan, scans) = self.scanner(now);
        let classes = 0..self.core().data_classes.len();
        let plan = |class: usize| (!self.class_revealed(class, now)).then(|| self.mask_for(class));
        FieldPlan {
            core: Arc::clone(&self.snapshot.core),
            hidden: classes.map(plan).collect(),
            scan,
            scans,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_fields() {
        for (pattern, path, expected) in [
            ("ssn", "ssn", true),
            ("ssn", "customer.ssn", true),
            ("ssn", "customer.SSN", true),
            ("ssn", "customer.ssn2", false),
            ("ssn", "ssn.value", false),
            ("customer.ssn", "orders.customer.ssn", true),
            ("customer.ssn", "ssn", false),
            ("customer.ssn", "customer.first.ssn", false),
            ("$.ssn", "ssn", true),
            ("$.ssn", "customer.ssn", false),
            ("$.customer.ssn", "customer.ssn", true),
            ("$.*.ssn", "customer.ssn", true),
            ("*_number", "card.card_number", true),
            ("ssn", "", false),
        ] {
            let path: Vec<&str> = path.split('.').filter(|p| !p.is_empty()).collect();
            let got = Pattern::of_names(pattern).unwrap().matches(&path);
            assert_eq!(got, expected, "{pattern} {path:?}");
        }
        for wrong in ["", "$", "a..b", ".a", "a."] {
            assert!(Pattern::of_names(wrong).is_err(), "{wrong}");
        }
    }
}
