//! What time it is: the system's clock, or one that a test moves.

use sluice_model::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of "now".
#[derive(Debug, Clone, Default)]
pub(crate) enum Clock {
    /// The system's.
    #[default]
    System,
    /// Stands still unless moved; holds microseconds since the epoch.
    #[cfg(test)]
    Manual(std::sync::Arc<std::sync::atomic::AtomicI64>),
}

impl Clock {
    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            #[cfg(test)]
            Self::Manual(at) => Timestamp(at.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }
}
