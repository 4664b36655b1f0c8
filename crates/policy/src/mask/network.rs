//! Detectors of the network family.

use super::detector::Detectors;
use super::scan::Hits;

/// Finds the family's values.
#[derive(Debug)]
pub(super) struct NetworkScan {
    active: Detectors,
}

impl NetworkScan {
    pub(super) fn new(active: Detectors) -> Self {
        Self { active }
    }

    pub(super) fn find(&self, _text: &[u8], _hits: &mut Hits) {
        let _ = self.active;
    }
}
