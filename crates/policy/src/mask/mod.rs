//! Sensitive values in text: detectors that find them, and the masks that replace them.
//!
//! A data class names detectors and a mask. [`DetectorSet`] joins all classes of a snapshot; a [`Scanner`]
//! holds those that one session may not see in clear, and replaces each hit inside a text.
//! A column that is known to hold a class needs no detector: [`whole_text`] masks its values entirely.
//!
//! Detectors read bytes by hand instead of through regular expressions: each looks only where its own
//! trigger stands (a digit, `@`, `:`, or a key's fixed prefix), so that text without any costs one pass.

mod detector;
mod digit_runs;
mod iban;
mod network;
mod number;
mod scan;
mod set;
mod token;
mod value;

#[cfg(test)]
mod tests;

pub use detector::{API_KEY_GROUP, DETECTORS, DetectorError, DetectorSpec};
pub use set::{DetectorSet, Scanner};
pub use value::{HashKey, REDACTED, looks_masked, whole_text};
