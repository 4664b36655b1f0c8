//! What is told, before it is put into anybody's format: a title, facts, and the operation as approvers see it. Nothing
//! here decides how it looks; everything here makes sure that what is read is what is there.

use super::declared::{Details, EventKind};
use super::notice::Notice;
use crate::api::types::ApprovalInfo;
use serde::{Deserialize, Serialize};
use sluice_model::{ApprovalState, PrincipalId, Timestamp};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The longest value of a fact, in characters: a reason of the greatest length fits.
const MAX_FACT: usize = 1_000;
/// The longest title, in characters: the shortest limit of those that show one (a header in Slack has 150).
const MAX_TITLE: usize = 140;

/// One message, as the outbox keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) at: Timestamp,
    pub(crate) subject: Subject,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// A request, as it was then.
    Approval {
        step: Step,
        request: Box<ApprovalInfo>,
    },
    /// Something that happened, and how often since it was last told.
    Notice { notice: Notice, count: u32 },
    /// An administrator tries the notifier out.
    Test,
}

/// What happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Opened,
    Agreed,
    Reminder,
    /// Told here because nobody decided it where it was told first.
    Escalated {
        from: String,
    },
    Approved,
    Denied,
    Cancelled,
    Expired,
}

impl Step {
    /// What a request that was just changed calls for; nothing when it was used up.
    pub(crate) fn of(state: ApprovalState, agreed: usize) -> Option<Self> {
        Some(match state {
            ApprovalState::Pending if agreed == 0 => Self::Opened,
            ApprovalState::Pending => Self::Agreed,
            ApprovalState::Approved => Self::Approved,
            ApprovalState::Denied => Self::Denied,
            ApprovalState::Cancelled => Self::Cancelled,
            ApprovalState::Expired => Self::Expired,
            ApprovalState::Spent => return None,
        })
    }

    /// Whether there is something left to decide.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Opened | Self::Agreed | Self::Reminder | Self::Escalated { .. }
        )
    }

    /// Whether a place hears of the request for the first time.
    pub(crate) fn is_first(&self) -> bool {
        matches!(self, Self::Opened | Self::Escalated { .. })
    }

    /// Whether nothing came of the request: whoever was not told of it need not hear of its end.
    pub(crate) fn is_vain(&self) -> bool {
        matches!(self, Self::Denied | Self::Cancelled | Self::Expired)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Agreed => "agreed",
            Self::Reminder => "reminder",
            Self::Escalated { .. } => "escalated",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    fn headline(&self) -> &'static str {
        match self {
            Self::Opened => "Approval needed",
            Self::Agreed => "One more approval needed",
            Self::Reminder => "Still waiting for approval",
            Self::Escalated { .. } => "Escalated: approval needed",
            Self::Approved => "Approved",
            Self::Denied => "Denied",
            Self::Cancelled => "Withdrawn",
            Self::Expired => "Expired",
        }
    }
}

/// How much a service shows, in characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) operation: usize,
    /// Of each fact with its name.
    pub(crate) fact: usize,
    /// Of all of it.
    pub(crate) total: usize,
}

impl Room {
    pub(crate) const ENDLESS: Self = Self {
        operation: usize::MAX,
        fact: usize::MAX,
        total: usize::MAX,
    };
}

/// What stands between the name and the value of a fact, and after it.
const AROUND_FACT: usize = ": \n".len();

/// A name and a value.
pub(crate) type Fact = (&'static str, String);

impl Message {
    pub(crate) fn event(&self) -> EventKind {
        match &self.subject {
            Subject::Approval { .. } => EventKind::Approval,
            Subject::Notice { notice, .. } => notice.event(),
            Subject::Test => EventKind::Test,
        }
    }

    /// The request that it is about, and what happened to it.
    pub(crate) fn request(&self) -> Option<(&Step, &ApprovalInfo)> {
        match &self.subject {
            Subject::Approval { step, request } => Some((step, request)),
            Subject::Notice { .. } | Subject::Test => None,
        }
    }

    /// What happened to the request, by name; of anything else nothing.
    pub(crate) fn step_name(&self) -> Option<&'static str> {
        self.request().map(|(step, _)| step.name())
    }

    /// One line.
    pub(crate) fn title(&self) -> String {
        let title = match &self.subject {
            Subject::Approval { step, request } => format!(
                "{}: {} on {}",
                step.headline(),
                request.principal,
                request.connection
            ),
            Subject::Notice { notice, .. } => notice.title(),
            Subject::Test => "A test message: this notifier works".to_owned(),
        };
        capped(&on_one_line(&title), MAX_TITLE)
    }

    /// Whom it is about: of an agent its owner, so that many agents are no more than one person.
    pub(crate) fn whose(&self) -> Option<&PrincipalId> {
        match &self.subject {
            Subject::Approval { request, .. } => {
                Some(request.owner.as_ref().unwrap_or(&request.principal))
            }
            Subject::Notice { notice, .. } => notice.principal(),
            Subject::Test => None,
        }
    }

    /// What there is to know, in the order of reading.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let whole = self.whole_facts().into_iter();
        whole
            .map(|(name, value)| (name, capped(&value, MAX_FACT)))
            .collect()
    }

    fn whole_facts(&self) -> Vec<Fact> {
        let facts = match &self.subject {
            Subject::Approval { step, request } => request_facts(step, request),
            Subject::Notice { notice, count } => notice_facts(notice, *count),
            Subject::Test => Vec::new(),
        };
        let facts = facts.into_iter().chain([("At", moment(self.at))]);
        facts
            .map(|(name, value)| (name, on_one_line(&value)))
            .collect()
    }

    /// Whether everything that is asked for is shown in so much room: the operation with its parameters, and no fact cut.
    pub(crate) fn is_shown_whole(&self, details: Details, room: Room) -> bool {
        let Some((_, request)) = self.request() else {
            return false;
        };
        let text = operation(request);
        let length = text.chars().count();
        let operation = length == 0 || (details == Details::Full && length <= room.operation);
        let mut total = length;
        let facts = self.whole_facts().into_iter().all(|(name, value)| {
            let length = value.chars().count();
            let with_name = length + name.len() + AROUND_FACT;
            total += with_name;
            length <= MAX_FACT && with_name <= room.fact
        });
        operation && facts && total <= room.total
    }

    /// The operation with its parameters, as approvers see it; nothing where it must not leave.
    pub(crate) fn operation(&self, details: Details) -> Option<String> {
        let (_, request) = self.request()?;
        let text = operation(request);
        (details == Details::Full && !text.is_empty()).then_some(text)
    }

    /// What somebody is asked for, in a word.
    pub(crate) fn reason(&self) -> String {
        let reason = self.request().and_then(|(_, r)| r.reason.clone());
        capped(&on_one_line(&reason.unwrap_or_default()), MAX_FACT)
    }
}

/// The operation of a request with its parameters, in full.
pub(crate) fn operation(request: &ApprovalInfo) -> String {
    let mut text = in_lines(&request.text);
    for parameter in &request.parameters {
        let _ = write!(text, "\n{}", parameter.line(on_one_line));
    }
    text
}

fn request_facts(step: &Step, request: &ApprovalInfo) -> Vec<Fact> {
    let mut facts = vec![("Who", request.principal.to_string())];
    facts.extend(
        request
            .owner
            .as_ref()
            .map(|o| ("On behalf of", o.to_string())),
    );
    facts.push(("Connection", request.connection.clone()));
    let said = |name, value: &str| (!value.is_empty()).then(|| (name, value.to_owned()));
    facts.extend(said("Account", &request.account));
    facts.extend(said("Database", &request.database));
    facts.push(("Asks for", asked_for(request)));
    facts.extend(
        request
            .estimated_rows
            .map(|n| ("Rows, estimated", n.to_string())),
    );
    facts.extend(request.reason.as_deref().and_then(|r| said("Reason", r)));
    facts.push(("Who can decide", deciders(request)));
    let agreed: Vec<String> = request.given.iter().map(|g| g.by.to_string()).collect();
    facts.extend(said("Agreed", &agreed.join(", ")));
    facts.extend(
        request
            .refusal
            .as_deref()
            .and_then(|r| said("Denied by", r)),
    );
    if let Step::Escalated { from } = step {
        facts.push(("Not decided at", from.clone()));
    }
    if step.is_open() {
        facts.extend(request.waiting.map(|n| ("Client", client(n).to_owned())));
        facts.push(("Ends", moment(request.expires)));
    }
    facts.push(("Request", request.id.to_string()));
    facts
}

/// Whether somebody still waits, and what an approval does then.
fn client(waiting: u32) -> &'static str {
    match waiting {
        0 => "waits no more: an approval is good when they ask again",
        _ => "waits: it goes on as soon as it is approved",
    }
}

fn asked_for(request: &ApprovalInfo) -> String {
    match (request.window_seconds, request.connect) {
        (Some(seconds), _) => format!("a window of {}", span(seconds)),
        (None, true) => "connecting, for one session".to_owned(),
        (None, false) => "one run of an operation".to_owned(),
    }
}

fn deciders(request: &ApprovalInfo) -> String {
    let set = |set: &BTreeSet<String>| match set.is_empty() {
        true => "anybody else".to_owned(),
        false => set
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" and "),
    };
    let sets: Vec<String> = request.group_sets.iter().map(set).collect();
    let sets = sets.join(", or ");
    match request.people {
        0 | 1 => sets,
        people => format!("{sets} ({people} people)"),
    }
}

fn notice_facts(notice: &Notice, count: u32) -> Vec<Fact> {
    let mut facts = notice.facts();
    if count > 1 {
        facts.push(("How often", format!("{count} times since it was last told")));
    }
    facts
}

/// So many seconds, as people say it.
fn span(seconds: u32) -> String {
    match seconds {
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// A moment, in UTC: people who read it sit anywhere.
pub(crate) fn moment(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same for programs (RFC 3339).
pub(crate) fn moment_for_programs(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// At most so many characters; what was cut is seen to be cut.
pub(crate) fn capped(text: &str, longest: usize) -> String {
    match text.chars().nth(longest) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
            kept + "\u{2026}"
        }
    }
}

/// Hostile text as what it is, on one line.
pub(crate) fn on_one_line(text: &str) -> String {
    visible(text, |c| c == '\n' || c == '\t')
}

/// Hostile text as what it is, in the lines that it has.
pub(crate) fn in_lines(text: &str) -> String {
    visible(&text.replace("\r\n", "\n"), |_| false)
}

fn visible(text: &str, also: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let plain = matches!(c, '\n' | '\t') && !also(c);
        match !plain && (c.is_control() || is_unseen(c)) {
            true => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            false => out.push(c),
        }
    }
    out
}

/// Characters that show nothing, or change how others are shown: directions, joiners, marks of order, tags.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_made_visible() {
        for (text, line, lines) in [
            (
                "plain \u{e4} \u{1f600}",
                "plain \u{e4} \u{1f600}",
                "plain \u{e4} \u{1f600}",
            ),
            ("a\nb\tc", "a\\u{a}b\\u{9}c", "a\nb\tc"),
            ("a\r\nb\rc", "a\\u{d}\\u{a}b\\u{d}c", "a\nb\\u{d}c"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("ad\u{200b}min", "ad\\u{200b}min", "ad\\u{200b}min"),
            ("\u{1b}[2J", "\\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{e0041}", "\\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(on_one_line(text), line, "{text:?}");
            assert_eq!(in_lines(text), lines, "{text:?}");
        }
    }

    #[test]
    fn what_is_cut_is_seen_to_be_cut() {
        for (text, longest, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab\u{2026}"),
            ("\u{e4}\u{f6}\u{fc}\u{df}", 2, "\u{e4}\u{2026}"),
            ("", 0, ""),
        ] {
            assert_eq!(capped(text, longest), expected, "{text:?} {longest}");
        }
    }
}
