//! All classes' detectors of one snapshot, and the scanner of those that a session may not see in clear.

use std::cmp::Reverse;
use std::sync::Arc;

use sluice_model::{DataClass, Secret, TextMask};

use super::detector::{DETECTOR_COUNT, DETECTORS, Detector, DetectorError, Detectors, resolve};
use super::network::NetworkScan;
use super::number::NumberScan;
use super::scan::Hits;
use super::token::{TokenIndex, TokenScan};
use super::value::{HashKey, REDACTED, TextRule};

/// One class that has detectors.
#[derive(Debug)]
struct ClassRule {
    index: usize,
    detectors: Detectors,
    rule: TextRule,
}

/// Every data class with its detectors and mask, compiled once per snapshot.
#[derive(Debug)]
pub struct DetectorSet {
    classes: Vec<ClassRule>,
    tokens: TokenIndex,
    key: HashKey,
}

impl DetectorSet {
    /// Compiles `classes`; each comes with the index by which the caller knows it.
    ///
    /// # Errors
    /// [`DetectorError`] for a detector that does not exist, or a hash key that is too short.
    pub fn compile(
        classes: &[(usize, &DataClass)],
        hash_key: &Secret,
    ) -> Result<Self, DetectorError> {
        let key = HashKey::new(hash_key)?;
        let mut compiled = Vec::with_capacity(classes.len());
        let mut all = Detectors::default();
        for (index, class) in classes {
            let mut detectors = Detectors::default();
            for name in &class.detectors {
                resolve(name, &mut detectors).map_err(|suggestion| DetectorError::Unknown {
                    class: class.name.clone(),
                    name: name.clone(),
                    suggestion,
                })?;
            }
            all.extend(detectors);
            compiled.push(ClassRule {
                index: *index,
                detectors,
                rule: TextRule::new(&class.mask, &key),
            });
        }
        Ok(Self {
            classes: compiled,
            tokens: TokenIndex::new(all)?,
            key,
        })
    }

    /// The key of hash masks, for [`super::whole_text`].
    #[must_use]
    pub fn hash_key(&self) -> &HashKey {
        &self.key
    }

    /// The scanner for a session: it masks the finds of every class that is not `revealed`. Nothing is compiled
    /// again; a caller still does well to keep it per set of revealed classes.
    #[must_use]
    pub fn scanner(&self, revealed: &dyn Fn(usize) -> bool) -> Arc<Scanner> {
        let mut rules = [const { None::<TextRule> }; DETECTOR_COUNT];
        let mut active = Detectors::default();
        for class in self.classes.iter().filter(|class| !revealed(class.index)) {
            active.extend(class.detectors);
            for spec in DETECTORS
                .iter()
                .filter(|spec| class.detectors.has(spec.kind))
            {
                if let Some(rule) = rules.get_mut(spec.kind as usize) {
                    *rule = Some(strictest(rule.take(), &class.rule));
                }
            }
        }
        Arc::new(Scanner {
            is_empty: active == Detectors::default(),
            rules,
            numbers: NumberScan::new(active),
            network: NetworkScan::new(active),
            tokens: TokenScan::new(&self.tokens, active),
        })
    }
}

/// What becomes of a value under two masks: what they agree on, or nothing of it stays.
fn strictest(first: Option<TextRule>, second: &TextRule) -> TextRule {
    match first {
        Some(first) if !first.is_same(second) => TextRule::redact(),
        _ => second.clone(),
    }
}

/// Finds what a session may not see inside texts, and masks it. A text without a find is left alone.
#[derive(Debug)]
pub struct Scanner {
    rules: [Option<TextRule>; DETECTOR_COUNT],
    is_empty: bool,
    numbers: NumberScan,
    network: NetworkScan,
    tokens: TokenScan,
}

impl Scanner {
    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Every find, leftmost first and of those at one place the longest first.
    fn find(&self, text: &str) -> Hits {
        let mut hits = Hits::new();
        self.numbers.find(text.as_bytes(), &mut hits);
        self.network.find(text.as_bytes(), &mut hits);
        self.tokens.find(text.as_bytes(), &mut hits);
        if hits.len() < 2 {
            return hits;
        }
        hits.sort_unstable_by_key(|hit| (hit.span.start, Reverse(hit.span.end), hit.detector));
        hits
    }

    fn rule(&self, detector: Detector) -> Option<&TextRule> {
        self.rules.get(detector as usize)?.as_ref()
    }

    /// Appends `text` with its finds masked; `None` when a find does not fall between characters.
    ///
    /// Finds that overlap are masked as one: the leftmost and longest decides how; where another sticks out of it,
    /// or another mask is asked for the same bytes, the whole is redacted.
    fn write(&self, text: &str, hits: &Hits, out: &mut String) -> Option<()> {
        let mut done = 0;
        let mut hits = hits.iter().peekable();
        while let Some(first) = hits.next() {
            let mut span = first.span.clone();
            let mut rule = self.rule(first.detector);
            while let Some(other) = hits.next_if(|other| other.span.start < span.end) {
                let agrees =
                    matches!((rule, self.rule(other.detector)), (Some(a), Some(b)) if a.is_same(b));
                if other.span.end > span.end || (other.span == span && !agrees) {
                    rule = None;
                }
                span.end = span.end.max(other.span.end);
            }
            out.push_str(text.get(done..span.start)?);
            let value = text.get(span.clone())?;
            match rule {
                Some(rule) => rule.apply(value, out),
                None => out.push_str(REDACTED),
            }
            done = span.end;
        }
        out.push_str(text.get(done..)?);
        Some(())
    }
}

impl TextMask for Scanner {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let hits = self.find(text);
        if hits.is_empty() {
            return false;
        }
        let start = out.len();
        if self.write(text, &hits, out).is_none() {
            out.truncate(start);
            out.push_str(REDACTED);
        }
        true
    }
}
