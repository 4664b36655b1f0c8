//! Things that happen and that nobody has to decide. Whoever notices one says so and goes on; the same thing over and
//! over is told once a minute, with how often it was.

use super::declared::EventKind;
use super::message::Fact;
use serde::{Deserialize, Serialize};
use sluice_model::{PrincipalId, SessionId, Timestamp};
use std::collections::BTreeMap;

/// How long the same thing is gathered before it is told again, in seconds: often enough to be news, rarely enough that a
/// job that is refused in a loop does not fill a channel.
const GATHERED: i64 = 60;
/// Different things that are gathered at a time; beyond it, new ones are only counted. More than anybody reads in a minute.
const MAX_GATHERED: usize = 1_000;
/// The same with alerts, which find room when everything else does not. A gap of the log is one thing and always does.
const MAX_WITH_ALERTS: usize = 2 * MAX_GATHERED;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// An operation was refused.
    Refused {
        /// Whose.
        principal: PrincipalId,
        /// On which connection.
        connection: String,
        /// By which policy, where one said so.
        policy: Option<String>,
        /// What the caller was told.
        message: String,
        /// In which session.
        session: SessionId,
        /// The number of the operation in it.
        op: u64,
        /// When.
        at: Timestamp,
    },
    /// Values were masked.
    Masked {
        /// For whom.
        principal: PrincipalId,
        /// On which connection.
        connection: String,
        /// Of which data classes.
        classes: Vec<String>,
        /// In which session.
        session: SessionId,
        /// The number of the operation in it.
        op: u64,
        /// When.
        at: Timestamp,
    },
    /// A session began with emergency access.
    BreakGlass {
        /// Whose.
        principal: PrincipalId,
        /// On which connection.
        connection: String,
        /// Why, as they said.
        reason: Option<String>,
        /// Which session.
        session: SessionId,
        /// When.
        at: Timestamp,
    },
    /// Something could not be recorded.
    LogGap {
        /// What is known about it.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A connection was declared.
    NewConnection {
        /// Its name.
        connection: String,
        /// By whom.
        by: PrincipalId,
        /// When.
        at: Timestamp,
    },
}

impl Notice {
    pub(crate) fn event(&self) -> EventKind {
        match self {
            Self::Refused { .. } => EventKind::Refused,
            Self::Masked { .. } => EventKind::Masked,
            Self::BreakGlass { .. } => EventKind::BreakGlass,
            Self::LogGap { .. } => EventKind::LogGap,
            Self::NewConnection { .. } => EventKind::NewConnection,
        }
    }

    /// The connection that it is about.
    pub(crate) fn connection(&self) -> Option<&str> {
        match self {
            Self::Refused { connection, .. }
            | Self::Masked { connection, .. }
            | Self::BreakGlass { connection, .. }
            | Self::NewConnection { connection, .. } => Some(connection),
            Self::LogGap { .. } => None,
        }
    }

    pub(crate) fn principal(&self) -> Option<&PrincipalId> {
        match self {
            Self::Refused { principal, .. }
            | Self::Masked { principal, .. }
            | Self::BreakGlass { principal, .. } => Some(principal),
            Self::NewConnection { by, .. } => Some(by),
            Self::LogGap { .. } => None,
        }
    }

    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Refused { at, .. }
            | Self::Masked { at, .. }
            | Self::BreakGlass { at, .. }
            | Self::LogGap { at, .. }
            | Self::NewConnection { at, .. } => *at,
        }
    }

    /// What makes two of them the same thing again.
    fn key(&self) -> String {
        let parts = match self {
            Self::Refused {
                principal,
                connection,
                policy,
                ..
            } => [
                principal.to_string(),
                connection.clone(),
                policy.clone().unwrap_or_default(),
            ],
            Self::Masked {
                principal,
                connection,
                classes,
                ..
            } => [principal.to_string(), connection.clone(), classes.join(",")],
            // Not by session: whoever logs in a thousand times is told of once a minute.
            Self::BreakGlass {
                principal,
                connection,
                ..
            } => [principal.to_string(), connection.clone(), String::new()],
            Self::LogGap { .. } => Default::default(),
            Self::NewConnection { connection, .. } => {
                [connection.clone(), String::new(), String::new()]
            }
        };
        format!("{}\n{}", self.event().name(), parts.join("\n"))
    }

    pub(crate) fn title(&self) -> String {
        match self {
            Self::Refused {
                principal,
                connection,
                ..
            } => {
                format!("Refused: {principal} on {connection}")
            }
            Self::Masked {
                principal,
                connection,
                ..
            } => {
                format!("Masked for {principal} on {connection}")
            }
            Self::BreakGlass {
                principal,
                connection,
                ..
            } => {
                format!("Emergency access: {principal} on {connection}")
            }
            Self::LogGap { .. } => "The log has a gap".to_owned(),
            Self::NewConnection { connection, .. } => format!("New connection: {connection}"),
        }
    }

    pub(crate) fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        facts.extend(self.principal().map(|who| ("Who", who.to_string())));
        facts.extend(
            self.connection()
                .map(|name| ("Connection", name.to_owned())),
        );
        match self {
            Self::Refused {
                policy,
                message,
                session,
                op,
                ..
            } => {
                facts.extend(policy.as_ref().map(|policy| ("Policy", policy.clone())));
                facts.push(("Message", message.clone()));
                facts.push(("Session", format!("{session}, operation {op}")));
            }
            Self::Masked {
                classes,
                session,
                op,
                ..
            } => {
                facts.push(("Data classes", classes.join(", ")));
                facts.push(("Session", format!("{session}, operation {op}")));
            }
            Self::BreakGlass {
                reason, session, ..
            } => {
                facts.extend(reason.as_ref().map(|reason| ("Reason", reason.clone())));
                facts.push(("Session", session.to_string()));
            }
            Self::LogGap { why, .. } => facts.push(("What is known", why.clone())),
            Self::NewConnection { .. } => {}
        }
        facts
    }
}

/// What was heard and is not told yet, and what was told lately.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    by_key: BTreeMap<String, Gathered>,
    /// Those that there was no room for.
    dropped: u64,
}

#[derive(Debug)]
struct Gathered {
    /// When it was last told.
    told: Option<Timestamp>,
    waiting: Option<(Notice, u32)>,
}

impl Gathering {
    pub(crate) fn hear(&mut self, notice: Notice) {
        let key = notice.key();
        let room = match notice {
            Notice::LogGap { .. } => usize::MAX,
            Notice::BreakGlass { .. } => MAX_WITH_ALERTS,
            _ => MAX_GATHERED,
        };
        if self.by_key.len() >= room && !self.by_key.contains_key(&key) {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let gathered = self.by_key.entry(key).or_insert(Gathered {
            told: None,
            waiting: None,
        });
        let before = gathered.waiting.take().map_or(0, |(_, count)| count);
        gathered.waiting = Some((notice, before.saturating_add(1)));
    }

    /// What is to be told now, and how many were dropped since this was last asked.
    pub(crate) fn due(&mut self, now: Timestamp) -> (Vec<(Notice, u32)>, u64) {
        let mut due = Vec::new();
        let is_over =
            |told: Option<Timestamp>| told.is_none_or(|t| now >= t.plus_seconds(GATHERED));
        self.by_key.retain(|_, gathered| {
            if !is_over(gathered.told) {
                return true;
            }
            let Some(told) = gathered.waiting.take() else {
                return false;
            };
            due.push(told);
            gathered.told = Some(now);
            true
        });
        (due, std::mem::take(&mut self.dropped))
    }

    /// What could not be kept is told the next time.
    pub(crate) fn give_back(&mut self, notices: Vec<(Notice, u32)>) {
        for (notice, count) in notices {
            if let Some(gathered) = self.by_key.get_mut(&notice.key()) {
                let since = gathered.waiting.take();
                let count = count.saturating_add(since.map_or(0, |(_, n)| n));
                gathered.waiting = Some((notice, count));
                gathered.told = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(who: &str, second: i64) -> Notice {
        Notice::Refused {
            principal: PrincipalId::user(who),
            connection: "shop".into(),
            policy: Some("no-drops".into()),
            message: "never".into(),
            session: SessionId::from_bits(1),
            op: 1,
            at: Timestamp(second * 1_000_000),
        }
    }

    #[test]
    fn the_same_thing_is_told_once_a_minute_with_how_often_it_was() {
        let mut heard = Gathering::default();
        let mut told = Vec::new();
        for second in 0..130 {
            heard.hear(refused("ada", second));
            if second == 5 {
                heard.hear(refused("bob", second));
            }
            let (due, dropped) = heard.due(Timestamp(second * 1_000_000));
            assert_eq!(dropped, 0);
            told.extend(
                due.into_iter().map(|(notice, count)| {
                    (second, notice.principal().unwrap().name.clone(), count)
                }),
            );
        }
        let expected = [
            (0, "ada", 1),
            (5, "bob", 1),
            (60, "ada", 60),
            (120, "ada", 60),
        ];
        assert_eq!(told, expected.map(|(at, who, n)| (at, who.to_owned(), n)));
        let (due, _) = heard.due(Timestamp(1_000_000_000));
        assert_eq!(due.len(), 1);
        let (due, _) = heard.due(Timestamp(2_000_000_000));
        assert!(due.is_empty() && heard.by_key.is_empty());
    }

    #[test]
    fn emergencies_are_told_by_person_and_connection_and_find_room_in_a_flood() {
        let mut heard = Gathering::default();
        for i in 0..=MAX_GATHERED {
            heard.hear(refused(&i.to_string(), 0));
        }
        let gap = Notice::LogGap {
            why: "the disk is full".into(),
            at: Timestamp(0),
        };
        for session in 0..1_000 {
            heard.hear(Notice::BreakGlass {
                principal: PrincipalId::user("ada"),
                connection: "shop".into(),
                reason: None,
                session: SessionId::from_bits(session),
                at: Timestamp(0),
            });
        }
        heard.hear(gap.clone());
        let (due, dropped) = heard.due(Timestamp(0));
        assert_eq!((due.len(), dropped), (MAX_GATHERED + 2, 1));
        let count = |event| due.iter().find(|(n, _)| n.event() == event).map(|d| d.1);
        assert_eq!(count(EventKind::BreakGlass), Some(1_000));
        assert_eq!(count(EventKind::LogGap), Some(1));
        for i in 0..MAX_WITH_ALERTS {
            heard.hear(Notice::BreakGlass {
                principal: PrincipalId::user(i.to_string()),
                connection: "shop".into(),
                reason: None,
                session: SessionId::from_bits(1),
                at: Timestamp(0),
            });
        }
        heard.due(Timestamp(0).plus_seconds(GATHERED));
        heard.hear(gap);
        let (due, _) = heard.due(Timestamp(0).plus_seconds(2 * GATHERED));
        assert!(due.iter().any(|(n, _)| n.event() == EventKind::LogGap));
    }

    #[test]
    fn a_flood_of_different_things_is_bounded_and_what_was_not_kept_comes_again() {
        let mut heard = Gathering::default();
        for i in 0..MAX_GATHERED + 7 {
            heard.hear(refused(&i.to_string(), 0));
        }
        let (due, dropped) = heard.due(Timestamp(0));
        assert_eq!((due.len(), dropped), (MAX_GATHERED, 7));
        heard.hear(refused("0", 0));
        heard.give_back(due);
        let (due, dropped) = heard.due(Timestamp(1));
        assert_eq!((due.len(), dropped), (MAX_GATHERED, 0));
        assert_eq!(due.iter().map(|(_, count)| count).max(), Some(&2));
    }
}
