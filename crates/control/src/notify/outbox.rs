//! Deliveries: which ones a change calls for, when one is tried again, and when it is given up. No I/O and no clock.

use super::Desk;
use super::declared::{EventKind, Notifier};
use super::message::{Message, Step, Subject};
use crate::approvals::Approval;
use crate::control::described;
use sluice_model::{Principal, PrincipalId, Timestamp};
use sluice_policy::Snapshot;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The first wait after a failure, in seconds; each next one is twice as long.
const FIRST_WAIT: i64 = 5;
/// The longest wait between two tries, in seconds: a service that comes back is noticed within it.
const LONGEST_WAIT: i64 = 900;
/// How much longer than planned a wait may be, as a divisor: a quarter, so that what failed together does not come back
/// together.
const JITTER: i64 = 4;
/// How long something is tried, in seconds: as long as a request can be open.
const GIVEN_UP_AFTER: i64 = 86_400;
/// How often at most: more than fit into that time.
const MAX_TRIES: u32 = 200;
/// People that one message is mailed to: larger groups have a list of their own.
const MAX_RECIPIENTS: usize = 100;
/// The longest error that is kept, in characters.
pub(crate) const MAX_ERROR: usize = 300;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    Pending,
    Sent,
    Dead,
}

impl DeliveryState {
    pub(crate) const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Dead];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// One message to one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    /// Grows with time, and is what the other side knows it by when it comes again.
    pub(crate) number: i64,
    pub(crate) notifier: String,
    /// Of mail, whom to.
    pub(crate) recipient: Option<String>,
    pub(crate) message: Message,
    /// What happens once is told once.
    pub(crate) once: String,
    pub(crate) state: DeliveryState,
    pub(crate) tries: u32,
    pub(crate) next: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) sent: Option<Timestamp>,
    /// Of one that was sent and showed all that is asked for: where.
    pub(crate) shown: Option<String>,
    pub(crate) last_error: Option<String>,
}

impl Delivery {
    /// What it is called: by administrators, and by the other side.
    pub(crate) fn id(&self) -> String {
        format!("d-{}", self.number)
    }

    /// The number in what it is called.
    pub(crate) fn number_of(id: &str) -> Option<i64> {
        let digits = id.strip_prefix("d-")?;
        let number: i64 = digits.parse().ok()?;
        (number.to_string() == digits).then_some(number)
    }

    pub(crate) fn approval(&self) -> Option<&str> {
        self.message.request().map(|(_, r)| r.id.as_str())
    }

    /// Whether it goes before others: somebody may be at work right now.
    pub(crate) fn is_alert(&self) -> bool {
        let event = self.message.event();
        matches!(event, EventKind::BreakGlass | EventKind::LogGap)
    }

    /// Whom it is about; empty where that is nobody.
    pub(crate) fn about(&self) -> String {
        self.message
            .whose()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// Whether nothing came of the request that it is about.
    pub(crate) fn is_vain(&self) -> bool {
        self.message
            .request()
            .is_some_and(|(step, _)| step.is_vain())
    }

    /// After a failure: tried again later, or given up. `chance` is any number; `asked` is how long the other side asks
    /// to be left alone.
    pub(crate) fn failed(
        mut self,
        why: &str,
        asked: Option<i64>,
        now: Timestamp,
        chance: u8,
    ) -> Self {
        self.tries = self.tries.saturating_add(1);
        self.last_error = Some(super::message::capped(why, MAX_ERROR));
        let doubled = FIRST_WAIT << (self.tries.saturating_sub(1)).min(16);
        let wait = doubled.max(asked.unwrap_or(0)).min(LONGEST_WAIT);
        let wait = wait + wait * i64::from(chance) / i64::from(u8::MAX) / JITTER;
        self.next = now.plus_seconds(wait);
        let over = self.next >= self.created.plus_seconds(GIVEN_UP_AFTER);
        if over || self.tries >= MAX_TRIES {
            self.state = DeliveryState::Dead;
        }
        self
    }

    /// An administrator has it tried again: as if it were new, so that it is not given up at once.
    pub(crate) fn anew(mut self, now: Timestamp) -> Self {
        self.state = DeliveryState::Pending;
        self.tries = 0;
        (self.next, self.created) = (now, now);
        self
    }
}

impl Desk {
    /// What these requests, as they are now, call for.
    pub(crate) fn about(
        &self,
        approvals: &[Approval],
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Vec<Delivery> {
        let mut found = Vec::new();
        for approval in approvals {
            let Some(step) = Step::of(approval.state, approval.given.len()) else {
                continue;
            };
            for notifier in self.concerned(approval, snapshot, now) {
                found.extend(self.of_request(&notifier, approval, step.clone(), snapshot, now));
            }
        }
        found
    }

    /// The notifiers that are told about a request: those that it fits, and those that it was escalated to.
    fn concerned(
        &self,
        approval: &Approval,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Vec<Arc<Notifier>> {
        let declared = self.declared();
        let fitting = || declared.values().filter(|n| fits(n, approval, snapshot));
        let escalated = fitting().filter_map(|n| {
            let escalate = n.escalate.as_ref()?;
            let after = i64::from(escalate.after_seconds);
            let due = now >= approval.created.plus_seconds(after);
            declared.get(&escalate.to).filter(|_| due)
        });
        let mut names = BTreeSet::new();
        let all = fitting().chain(escalated);
        all.filter(|n| names.insert(n.name.as_str()))
            .cloned()
            .collect()
    }

    /// The deliveries of one step of a request through one notifier.
    pub(crate) fn of_request(
        &self,
        notifier: &Notifier,
        approval: &Approval,
        step: Step,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Vec<Delivery> {
        // Each consent is news; everything else happens once.
        let which = match step {
            Step::Agreed => approval.given.len(),
            _ => 0,
        };
        let once = format!("{} {} {which}", approval.id, step.name());
        let recipients = self.recipients(notifier, Some(approval), snapshot);
        let subject = Subject::Approval {
            step,
            request: Box::new(described(approval)),
        };
        let message = Message { at: now, subject };
        self.addressed(notifier, recipients, &message, &once, now)
    }

    /// The deliveries of something else, through every notifier that wants it.
    pub(crate) fn of_notice(
        &self,
        message: &Message,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Vec<Delivery> {
        let Subject::Notice { notice, .. } = &message.subject else {
            return Vec::new();
        };
        let wants = |n: &&Arc<Notifier>| {
            let connection = notice.connection();
            n.events.contains(&notice.event())
                && connection.is_none_or(|name| {
                    n.only
                        .has_connection(name, snapshot.connection(name).map(AsRef::as_ref))
                })
        };
        let declared = self.declared();
        let told = declared.values().filter(wants).flat_map(|notifier| {
            let recipients = self.recipients(notifier, None, snapshot);
            self.addressed(notifier, recipients, message, "", now)
        });
        told.collect()
    }

    /// One delivery to each recipient. Without a `once` of its own, each is told.
    pub(crate) fn addressed(
        &self,
        notifier: &Notifier,
        recipients: Vec<Option<String>>,
        message: &Message,
        once: &str,
        now: Timestamp,
    ) -> Vec<Delivery> {
        let delivery = |recipient: Option<String>| {
            let number = self.number(now);
            let to = recipient.as_deref().unwrap_or_default();
            let once = match once.is_empty() {
                true => number.to_string(),
                false => format!("{} {to} {once}", notifier.name),
            };
            Delivery {
                number,
                notifier: notifier.name.clone(),
                recipient,
                message: message.clone(),
                once,
                state: DeliveryState::Pending,
                tries: 0,
                next: now,
                created: now,
                sent: None,
                shown: None,
                last_error: None,
            }
        };
        recipients.into_iter().map(delivery).collect()
    }

    /// Whom a message goes to. All but mail goes to one place.
    pub(crate) fn recipients(
        &self,
        notifier: &Notifier,
        approval: Option<&Approval>,
        snapshot: &Snapshot,
    ) -> Vec<Option<String>> {
        let Some(email) = &notifier.email else {
            return vec![None];
        };
        let mut to = email.to.clone();
        if let Some(approval) = approval.filter(|_| email.to_approvers) {
            let can = |user: &str| {
                let id = PrincipalId::user(user);
                let found: Option<&Principal> = snapshot.principal(&id);
                found.is_some_and(|who| approval.may_decide(who).is_ok())
            };
            let known = self.addresses_of(notifier);
            to.extend(
                known
                    .into_iter()
                    .filter(|(_, user)| can(user))
                    .map(|(at, _)| at),
            );
        }
        if to.len() > MAX_RECIPIENTS {
            tracing::warn!(notifier = %notifier.name, "more people than {MAX_RECIPIENTS} would be written to; the rest is not");
        }
        to.into_iter().take(MAX_RECIPIENTS).map(Some).collect()
    }
}

/// Whether a notifier is told about a request.
pub(crate) fn fits(notifier: &Notifier, approval: &Approval, snapshot: &Snapshot) -> bool {
    let connection = snapshot.connection(&approval.connection);
    notifier.events.contains(&EventKind::Approval)
        && notifier
            .only
            .has_connection(&approval.connection, connection.map(AsRef::as_ref))
        && notifier.only.has_group(&approval.group_sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            number: 1,
            notifier: "n".into(),
            recipient: None,
            message: Message {
                at: Timestamp(0),
                subject: Subject::Test,
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

    #[test]
    fn waits_double_are_spread_and_end() {
        let mut one = delivery();
        let mut waits = Vec::new();
        let mut now = Timestamp(0);
        while one.state == DeliveryState::Pending {
            one = one.failed("it broke", None, now, 0);
            waits.push((one.next.0 - now.0) / 1_000_000);
            now = one.next;
        }
        assert_eq!(waits[..9], [5, 10, 20, 40, 80, 160, 320, 640, 900]);
        assert!(
            waits.len() > 90 && now >= Timestamp(0).plus_seconds(GIVEN_UP_AFTER),
            "{waits:?}"
        );
        for (asked, chance, expected) in [
            (None, 255, 6),
            (Some(60), 0, 60),
            (Some(60), 255, 75),
            (Some(86_400), 0, 900),
            (Some(-1), 0, 5),
        ] {
            let next = delivery().failed("", asked, Timestamp(0), chance).next;
            assert_eq!(next.seconds(), expected, "{asked:?} {chance}");
        }
        let again = one.anew(now);
        assert_eq!((again.state, again.tries), (DeliveryState::Pending, 0));
        assert_eq!(again.failed("", None, now, 0).state, DeliveryState::Pending);
    }

    #[test]
    fn ids_are_read_in_one_way_only() {
        for (id, number) in [
            ("d-17", Some(17)),
            ("d-017", None),
            ("d-+17", None),
            ("17", None),
            ("d-", None),
            ("d-99999999999999999999", None),
        ] {
            assert_eq!(Delivery::number_of(id), number, "{id}");
        }
    }
}
