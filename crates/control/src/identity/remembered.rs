//! What another party says of itself: fetched, used for an hour, and used on while it cannot be fetched again.

use parking_lot::Mutex;
use sluice_model::Timestamp;

/// How long it is used before it is fetched again, in seconds.
const FRESH: i64 = 3_600;
/// How long is waited after a failed fetch, in seconds.
const PAUSE: i64 = 5;

/// What is known at a moment.
pub(super) enum Known<T> {
    /// To be used as it is.
    Fresh(T),
    /// To be fetched again; the last one is used if that fails.
    Due(Option<T>),
    /// Nothing, and it failed a moment ago.
    Pausing,
}

/// One such thing.
pub(super) struct Remembered<T>(Mutex<State<T>>);

struct State<T> {
    kept: Option<(T, Timestamp)>,
    failed: Option<Timestamp>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::new(State {
            kept: None,
            failed: None,
        }))
    }
}

impl<T: Clone> Remembered<T> {
    pub(super) fn known(&self, now: Timestamp) -> Known<T> {
        let pausing = self.is_pausing(now);
        match self.0.lock().kept.clone() {
            Some((value, at)) if pausing || now < at.plus_seconds(FRESH) => Known::Fresh(value),
            None if pausing => Known::Pausing,
            kept => Known::Due(kept.map(|(value, _)| value)),
        }
    }

    pub(super) fn keep(&self, value: T, now: Timestamp) {
        *self.0.lock() = State {
            kept: Some((value, now)),
            failed: None,
        };
    }

    /// It could not be had; whoever comes next does not wait for the same silence.
    pub(super) fn failed(&self, now: Timestamp) {
        self.0.lock().failed = Some(now);
    }

    /// Whether it was had so long ago, in seconds, that it may be had again out of turn.
    pub(super) fn is_older_than(&self, seconds: i64, now: Timestamp) -> bool {
        let kept = self.0.lock().kept.as_ref().map(|(_, at)| *at);
        kept.is_none_or(|at| now >= at.plus_seconds(seconds)) && !self.is_pausing(now)
    }

    pub(super) fn is_pausing(&self, now: Timestamp) -> bool {
        let failed = self.0.lock().failed;
        failed.is_some_and(|at| now < at.plus_seconds(PAUSE))
    }
}
