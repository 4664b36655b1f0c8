//! What happens to requests that nobody decides: told again, told elsewhere, over earlier.

use super::message::Step;
use super::outbox::{Delivery, fits};
use super::{Desk, Notifier};
use crate::approvals::Approval;
use sluice_model::{ApprovalId, ApprovalState, Timestamp};
use sluice_policy::Snapshot;

/// A rule that has something to do, by what it is remembered by.
pub(crate) type Done = (ApprovalId, String);

impl Desk {
    /// The request with the earliest end that a notifier gives it; never a later one than its own.
    pub(crate) fn narrowed(&self, mut approval: Approval, snapshot: &Snapshot) -> Approval {
        for notifier in self.declared().values() {
            let Some(seconds) = notifier.expire_after_seconds else {
                continue;
            };
            if fits(notifier, &approval, snapshot) {
                let end = approval.created.plus_seconds(i64::from(seconds));
                approval.expires = approval.expires.min(end);
            }
        }
        approval
    }

    /// What rules call for now about an open request, of what was not done already.
    pub(crate) fn ruled(
        &self,
        approval: &Approval,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Vec<(Done, Vec<Delivery>)> {
        if approval.state != ApprovalState::Pending || now >= approval.expires {
            return Vec::new();
        }
        let declared = self.declared();
        let is_due = |seconds: u32| now >= approval.created.plus_seconds(i64::from(seconds));
        let mut found = Vec::new();
        let mut add = |notifier: &Notifier, step: Step| {
            let done = (
                approval.id.clone(),
                format!("{} {}", notifier.name, step.name()),
            );
            if !self.ruled.lock().contains(&done) {
                let deliveries = self.of_request(notifier, approval, step, snapshot, now);
                found.push((done, deliveries));
            }
        };
        for notifier in declared.values().filter(|n| fits(n, approval, snapshot)) {
            if notifier.remind_after_seconds.is_some_and(is_due) {
                add(notifier, Step::Reminder);
            }
            let escalate = notifier
                .escalate
                .as_ref()
                .filter(|e| is_due(e.after_seconds));
            if let Some(to) = escalate.and_then(|e| declared.get(&e.to)) {
                let from = notifier.name.clone();
                add(to, Step::Escalated { from });
            }
        }
        found
    }

    /// These were done; those of requests that are gone are forgotten.
    pub(crate) fn done(&self, done: Vec<Done>, is_open: impl Fn(&ApprovalId) -> bool) {
        let mut ruled = self.ruled.lock();
        ruled.extend(done);
        ruled.retain(|(id, _)| is_open(id));
    }
}
