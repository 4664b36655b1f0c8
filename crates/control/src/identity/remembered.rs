//! What another party says of itself: had from it, used for a while, and used on for a day at most while it cannot be
//! had again.

use parking_lot::Mutex;
use sluice_model::Timestamp;

/// How long what was fetched is used before it is fetched again, in seconds.
pub(super) const FETCHED_FRESH: i64 = 3_600;
/// The same of what is read from a file, so that a change of it is felt.
pub(super) const FILE_FRESH: i64 = 10;
/// How long it is used at most, in seconds: an outage of theirs is not one of ours, and what they withdrew does not live
/// on for long.
const USABLE: i64 = 86_400;
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
pub(super) struct Remembered<T> {
    /// How long it is used before it is had again, in seconds.
    fresh: i64,
    state: Mutex<State<T>>,
}

struct State<T> {
    kept: Option<(T, Timestamp)>,
    failed: Option<Timestamp>,
}

impl<T: Clone> Remembered<T> {
    pub(super) fn new(fresh: i64) -> Self {
        let state = State {
            kept: None,
            failed: None,
        };
        Self {
            fresh,
            state: Mutex::new(state),
        }
    }

    pub(super) fn known(&self, now: Timestamp) -> Known<T> {
        let pausing = self.is_pausing(now);
        let kept = self.state.lock().kept.clone();
        match kept.filter(|(_, at)| now < at.plus_seconds(USABLE)) {
            Some((value, at)) if pausing || now < at.plus_seconds(self.fresh) => {
                Known::Fresh(value)
            }
            None if pausing => Known::Pausing,
            kept => Known::Due(kept.map(|(value, _)| value)),
        }
    }

    pub(super) fn keep(&self, value: T, now: Timestamp) {
        *self.state.lock() = State {
            kept: Some((value, now)),
            failed: None,
        };
    }

    /// It could not be had; whoever comes next does not wait for the same silence.
    pub(super) fn failed(&self, now: Timestamp) {
        self.state.lock().failed = Some(now);
    }

    /// Whether it was had so long ago, in seconds, that it may be had again out of turn.
    pub(super) fn is_older_than(&self, seconds: i64, now: Timestamp) -> bool {
        let kept = self.state.lock().kept.as_ref().map(|(_, at)| *at);
        kept.is_none_or(|at| now >= at.plus_seconds(seconds)) && !self.is_pausing(now)
    }

    pub(super) fn is_pausing(&self, now: Timestamp) -> bool {
        let failed = self.state.lock().failed;
        failed.is_some_and(|at| now < at.plus_seconds(PAUSE))
    }
}
