//! How many messages wait, for whom and about whom, kept in memory: nobody counts rows while somebody waits for an approval.
//! One person's messages cannot take the room of everybody's, and no messages can take that of alerts.

use super::message::Step;
use super::outbox::Delivery;
use std::collections::BTreeMap;

/// Messages of one notifier that wait; what comes on top goes to the dead letters at once. Many times what people read in
/// the day that they are kept.
const MAX_PENDING: u64 = 10_000;
/// Of these about one person: their open requests, each mailed to a team.
const MAX_PENDING_EACH: u64 = 2_000;
/// Alerts about one person that wait: a thousand pages say what there is to say. What is about nobody always has room: it
/// is told once a minute at most.
const MAX_ALERTS_EACH: u64 = 1_000;

const TOO_MANY: &str = "too many messages wait for this notifier";
const TOO_MANY_ABOUT: &str = "too many messages about this person wait for this notifier";

/// Of one notifier.
#[derive(Debug, Default)]
struct Queue {
    /// All but alerts.
    ordinary: u64,
    /// By whom they are about, alerts apart.
    about: BTreeMap<(bool, String), u64>,
}

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Waiting(BTreeMap<String, Queue>);

impl Waiting {
    /// So many more wait.
    pub(crate) fn add(&mut self, notifier: &str, alert: bool, about: &str, count: u64) {
        let queue = self.0.entry(notifier.to_owned()).or_default();
        if !alert {
            queue.ordinary = queue.ordinary.saturating_add(count);
        }
        let about = queue.about.entry((alert, about.to_owned())).or_default();
        *about = about.saturating_add(count);
    }

    /// So many fewer do.
    pub(crate) fn take(&mut self, notifier: &str, alert: bool, about: &str, count: u64) {
        let Some(queue) = self.0.get_mut(notifier) else {
            return;
        };
        if !alert {
            queue.ordinary = queue.ordinary.saturating_sub(count);
        }
        if let Some(about) = queue.about.get_mut(&(alert, about.to_owned())) {
            *about = about.saturating_sub(count);
        }
        queue.about.retain(|_, count| *count > 0);
    }

    /// Why a new message cannot wait as well, with as many that are added along with it.
    pub(crate) fn refusal(&self, delivery: &Delivery, along: u64) -> Option<&'static str> {
        // What became of a request follows what was told of it, which was counted.
        let step = delivery.message.request().map(|(step, _)| step);
        if step.is_some_and(|s| s.is_vain() || *s == Step::Approved) {
            return None;
        }
        let queue = self.0.get(&delivery.notifier);
        let (alert, about) = (delivery.is_alert(), delivery.about());
        let ordinary = queue.map_or(0, |q| q.ordinary).saturating_add(along);
        if !alert && ordinary >= MAX_PENDING {
            return Some(TOO_MANY);
        }
        let most = match alert {
            true => MAX_ALERTS_EACH,
            false => MAX_PENDING_EACH,
        };
        let nobody = about.is_empty();
        let each = queue.and_then(|q| q.about.get(&(alert, about)).copied());
        let each = each.unwrap_or(0).saturating_add(along);
        (!nobody && each >= most).then_some(TOO_MANY_ABOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{DeliveryState, Message, Notice, Subject};
    use sluice_model::{PrincipalId, SessionId, Timestamp};

    fn delivery(notice: Notice) -> Delivery {
        Delivery {
            number: 1,
            notifier: "n".into(),
            recipient: None,
            message: Message {
                at: Timestamp(0),
                subject: Subject::Notice { notice, count: 1 },
            },
            once: "1".into(),
            state: DeliveryState::Pending,
            tries: 0,
            next: Timestamp(0),
            created: Timestamp(0),
            sent: None,
            shown: None,
            last_error: None,
        }
    }

    fn masked(who: &str) -> Delivery {
        delivery(Notice::Masked {
            principal: PrincipalId::user(who),
            connection: "shop".into(),
            classes: Vec::new(),
            session: SessionId::from_bits(1),
            op: 1,
            at: Timestamp(0),
        })
    }

    fn break_glass(who: &str) -> Delivery {
        delivery(Notice::BreakGlass {
            principal: PrincipalId::user(who),
            connection: "shop".into(),
            reason: None,
            session: SessionId::from_bits(1),
            at: Timestamp(0),
        })
    }

    fn gap() -> Delivery {
        let why = "the disk is full".to_owned();
        delivery(Notice::LogGap {
            why,
            at: Timestamp(0),
        })
    }

    #[test]
    fn nobody_takes_everybodys_room_and_nothing_takes_that_of_alerts() {
        let mut waiting = Waiting::default();
        let about = |d: &Delivery| (d.is_alert(), d.about());
        let (alert, ada) = about(&masked("ada"));
        waiting.add("n", alert, &ada, MAX_PENDING_EACH);
        assert_eq!(waiting.refusal(&masked("ada"), 0), Some(TOO_MANY_ABOUT));
        assert_eq!(waiting.refusal(&masked("bob"), 0), None);
        for other in 0..4 {
            waiting.add("n", alert, &other.to_string(), MAX_PENDING_EACH);
        }
        assert_eq!(waiting.refusal(&masked("bob"), 0), Some(TOO_MANY));
        for told in [break_glass("ada"), gap()] {
            assert_eq!(waiting.refusal(&told, 0), None, "{told:?}");
        }
        let (alert, ada) = about(&break_glass("ada"));
        waiting.add("n", alert, &ada, MAX_ALERTS_EACH);
        assert_eq!(
            waiting.refusal(&break_glass("ada"), 0),
            Some(TOO_MANY_ABOUT)
        );
        assert_eq!(waiting.refusal(&break_glass("bob"), 0), None);
        waiting.add("n", true, "", 1_000_000);
        assert_eq!(waiting.refusal(&gap(), 0), None);
        waiting.take("n", alert, &ada, 1);
        assert_eq!(waiting.refusal(&break_glass("ada"), 0), None);
        assert_eq!(
            waiting.refusal(&break_glass("ada"), 1),
            Some(TOO_MANY_ABOUT)
        );
    }
}
