//! All classes' detectors of one snapshot, and the scanner of those that a session may not see in clear.

use std::sync::Arc;

use sluice_model::{DataClass, Secret, TextMask};

use super::detector::{DETECTORS, Detector, DetectorError, Detectors, resolve};
use super::network::NetworkScan;
use super::number::NumberScan;
use super::scan::{Hit, Hits};
use super::token::TokenScan;
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
    key: HashKey,
}

impl DetectorSet {
    /// Compiles `classes`; each comes with the index by which the caller knows it.
    ///
    /// # Errors
    /// [`DetectorError`] for a detector that does not exist, or a hash key that is too short.
    pub fn compile(classes: &[(usize, &DataClass)], hash_key: &Secret) -> Result<Self, DetectorError> {
        let key = HashKey::new(hash_key)?;
        let mut compiled = Vec::with_capacity(classes.len());
        for (index, class) in classes {
            let mut detectors = Detectors::default();
            for name in &class.detectors {
                resolve(name, &mut detectors).map_err(|suggestion| DetectorError::Unknown {
                    class: class.name.clone(),
                    name: name.clone(),
                    suggestion,
                })?;
            }
            if detectors != Detectors::default() {
                compiled.push(ClassRule { index: *index, detectors, rule: TextRule::new(&class.mask, &key) });
            }
        }
        Ok(Self { classes: compiled, key })
    }

    /// The key of hash masks, for [`super::whole_text`].
    #[must_use]
    pub fn hash_key(&self) -> &HashKey {
        &self.key
    }

    /// The scanner for a session: it masks the finds of every class that is not `revealed`.
    /// Costs some microseconds; a caller keeps it per set of revealed classes.
    #[must_use]
    pub fn scanner(&self, revealed: &dyn Fn(usize) -> bool) -> Arc<Scanner> {
        let mut rules: Vec<(Detector, TextRule)> = Vec::new();
        let mut active = Detectors::default();
        for class in self.classes.iter().filter(|class| !revealed(class.index)) {
            for kind in DETECTORS.iter().map(|spec| spec.kind).filter(|kind| class.detectors.has(*kind)) {
                active.insert(kind);
                rules.push((kind, class.rule.clone()));
            }
        }
        Arc::new(Scanner {
            rules,
            numbers: NumberScan::new(active),
            network: NetworkScan::new(active),
            tokens: TokenScan::new(active),
        })
    }
}

/// Finds what a session may not see inside texts, and masks it. An edit of the text only where something is found.
#[derive(Debug)]
pub struct Scanner {
    rules: Vec<(Detector, TextRule)>,
    numbers: NumberScan,
    network: NetworkScan,
    tokens: TokenScan,
}

impl Scanner {
    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn find(&self, text: &str) -> Hits {
        let mut hits = Hits::new();
        self.numbers.find(text.as_bytes(), &mut hits);
        self.network.find(text.as_bytes(), &mut hits);
        self.tokens.find(text.as_bytes(), &mut hits);
        hits
    }
}

impl TextMask for Scanner {
    fn mask_text(&self, text: &str, out: &mut String) -> bool {
        let hits = self.find(text);
        if hits.is_empty() {
            return false;
        }
        let _: Vec<Hit> = hits;
        out.push_str(REDACTED);
        true
    }
}
