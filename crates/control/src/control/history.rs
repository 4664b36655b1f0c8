//! What became of the resources, and what the differences between two of their states are.

use super::Control;
use crate::api::types::{HistoryDiff, HistoryList};
use crate::error::ControlError;
use crate::resources::changes;
use crate::store::Wanted;

/// Changes that are listed unless a number is given.
const DEFAULT_LIMIT: u32 = 50;
/// Changes that are listed at most: what somebody looks through before they ask for more.
const MAX_LIMIT: u32 = 200;

/// Which changes to list.
#[derive(Debug, Default)]
pub(crate) struct HistoryFilter {
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
}

impl Control {
    /// Lists the changes of the resources, newest first.
    pub(crate) async fn history(&self, filter: HistoryFilter) -> Result<HistoryList, ControlError> {
        let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let what = format!("expected a limit of 1 to {MAX_LIMIT}, got {limit}");
            return Err(ControlError::Invalid(what, "go on with `next`"));
        }
        let before = filter.cursor.map(|cursor| cursor.parse::<i64>());
        let before = before.transpose().map_err(|_| {
            let what = "the cursor is none of a list of changes".to_owned();
            ControlError::Invalid(what, "take `next` of a list before as it is")
        })?;
        let wanted = Wanted {
            kind: filter.kind.as_deref(),
            name: filter.name.as_deref(),
            before,
            // One more, to know whether there are any.
            limit: i64::from(limit) + 1,
        };
        let mut changes = self.stored(self.0.store.history(&wanted).await)?;
        let more = changes.len() > limit as usize;
        changes.truncate(limit as usize);
        let next = changes.last().filter(|_| more);
        let next = next.map(|last| last.number.to_string());
        Ok(HistoryList { changes, next })
    }

    /// What differs between two states of the resources: what the changes from one to the other did or, where the
    /// first is the later one, what going back would do.
    pub(crate) async fn history_diff(
        &self,
        from: u64,
        to: u64,
    ) -> Result<HistoryDiff, ControlError> {
        let ends = self.stored(self.0.store.history_ends().await)?;
        let (first, last) = ends.unwrap_or((1, 0));
        let known = |number: u64| {
            let found = i64::try_from(number).ok();
            // The state before the first change is one as well.
            let found = found.filter(|n| (first.saturating_sub(1)..=last).contains(n));
            found.ok_or_else(|| ControlError::NotFound(format!("there is no change {number}")))
        };
        let (from, to) = (known(from)?, known(to)?);
        let states = self.0.store.states(from.min(to), from.max(to)).await;
        let states = self.stored(states)?;
        let compare = move || match from <= to {
            true => changes(&states.earlier, &states.later).0,
            false => changes(&states.later, &states.earlier).0,
        };
        // Comparing long texts takes a while.
        let changes = tokio::task::spawn_blocking(compare).await;
        let changes = changes.map_err(|_| ControlError::Unavailable)?;
        Ok(HistoryDiff { changes })
    }
}
