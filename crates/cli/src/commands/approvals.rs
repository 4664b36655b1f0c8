//! Asking humans and answering: `request`, `approvals`, `approve`, `deny`.

use crate::context::Context;
use crate::duration::Length;
use crate::failure::Failure;
use crate::output::{Output, Tone, inert, moment, names, one_line};
use clap::Args;
use sluice_control::api::types::{
    ApprovalInfo, ApprovalList, Approve as Consent, ApproveScope, CreateRequest, Reason,
};
use sluice_model::{ApprovalId, ApprovalScope, ApprovalState};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `sluice request shop --for 2h --reason "..."`.
#[derive(Debug, Args)]
pub struct Request {
    /// The connection's name
    connection: String,
    /// For how long, such as 30m or 2h; the clock starts when the last approver agrees
    #[arg(long = "for", value_name = "LENGTH")]
    window: Length,
    /// Why; approvers see it
    #[arg(long)]
    reason: String,
}

impl Request {
    /// Asks.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = CreateRequest {
            connection: self.connection,
            window_seconds: self.window.0,
            reason: self.reason,
        };
        let info: ApprovalInfo = context
            .gateway()?
            .client()?
            .post("/v1/requests", &request)
            .await?;
        let out = context.out;
        out.show(&info, |info| {
            let tell = match info.state {
                ApprovalState::Pending => format!(
                    "\nwaiting for {}; an approver runs: sluice approve {}",
                    needed(info),
                    info.id
                ),
                _ => String::new(),
            };
            format!("{} is {}{tell}", info.id, state(out, info.state))
        })
    }
}

/// `sluice approvals`.
#[derive(Debug, Args)]
pub struct Approvals {
    /// Show only this one, with everything about it
    id: Option<ApprovalId>,
    /// Also what is decided already
    #[arg(long)]
    all: bool,
}

impl Approvals {
    /// Lists them, or shows one.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.gateway()?.client()?;
        let out = context.out;
        if let Some(id) = self.id {
            let info: ApprovalInfo = client.get(&format!("/v1/approvals/{id}")).await?;
            return out.show(&info, |info| details(out, info));
        }
        let path = if self.all {
            "/v1/approvals?all=true"
        } else {
            "/v1/approvals"
        };
        let list: ApprovalList = client.get(path).await?;
        out.show(&list, |list| {
            let rows = list.approvals.iter().map(row).collect();
            let header = [
                "ID",
                "STATE",
                "CLIENT",
                "WHO",
                "CONNECTION",
                "ROWS",
                "NEEDS",
                "ASKED",
                "WHAT",
            ];
            out.table(&header, rows, "nothing waits for approval")
        })
    }
}

/// `sluice approve a-... [--once | --session | --for 2h]`.
#[derive(Debug, Args)]
pub struct Approve {
    /// The request's id, as in `approvals`
    id: ApprovalId,
    /// One run of exactly this operation, or the window that was requested (default)
    #[arg(long, conflicts_with_all = ["session", "window"])]
    once: bool,
    /// Everything that the policy asks for in that session
    #[arg(long, conflicts_with = "window")]
    session: bool,
    /// Everything that the policy asks for on that connection, for this long from now; at most 7d
    #[arg(long = "for", value_name = "LENGTH")]
    window: Option<Length>,
}

impl Approve {
    fn scope(&self) -> ApproveScope {
        match self.window {
            Some(window) => ApproveScope::Window { seconds: window.0 },
            None if self.session => ApproveScope::Session,
            None => ApproveScope::Once,
        }
    }

    /// Agrees.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let body = Consent {
            scope: self.scope(),
        };
        let path = format!("/v1/approvals/{}/approve", self.id);
        let info: ApprovalInfo = context.gateway()?.client()?.post(&path, &body).await?;
        let out = context.out;
        out.show(&info, |info| decided(out, info))
    }
}

/// `sluice deny a-... --reason "..."`.
#[derive(Debug, Args)]
pub struct Deny {
    /// The request's id, as in `approvals`
    id: ApprovalId,
    /// Why; the requester sees it
    #[arg(long)]
    reason: String,
}

impl Deny {
    /// Refuses.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let body = Reason {
            reason: Some(self.reason),
        };
        let path = format!("/v1/approvals/{}/deny", self.id);
        let info: ApprovalInfo = context.gateway()?.client()?.post(&path, &body).await?;
        let out = context.out;
        out.show(&info, |info| decided(out, info))
    }
}

fn state(out: Output, state: ApprovalState) -> String {
    match state {
        ApprovalState::Pending => out.tone(Tone::Waiting, "pending"),
        ApprovalState::Approved => out.tone(Tone::Good, "approved"),
        ApprovalState::Denied => out.tone(Tone::Bad, "denied"),
        ApprovalState::Spent => out.tone(Tone::Good, "approved and used"),
        ApprovalState::Cancelled => out.tone(Tone::Faint, "cancelled"),
        ApprovalState::Expired => out.tone(Tone::Faint, "expired"),
    }
}

/// Whose consent is missing: any one set of groups, and the number of people where it is more than the set.
fn needed(info: &ApprovalInfo) -> String {
    let sets: Vec<String> = info.group_sets.iter().map(together).collect();
    let given = info.given.len();
    let people = match info.people {
        0 | 1 => String::new(),
        people => format!(" ({given} of {people} people)"),
    };
    format!("{}{people}", sets.join(" or "))
}

fn together(set: &BTreeSet<String>) -> String {
    set.iter()
        .map(|group| inert(group).into_owned())
        .collect::<Vec<_>>()
        .join(" + ")
}

/// What is asked for, on one line.
fn what(info: &ApprovalInfo) -> String {
    match info.window_seconds.map(Length) {
        Some(window) => format!("the connection for {window}"),
        None => one_line(&info.text),
    }
}

fn row(info: &ApprovalInfo) -> Vec<String> {
    vec![
        info.id.to_string(),
        state(Output::plain(), info.state),
        match info.waiting {
            None => "-".to_owned(),
            Some(0) => "gone".to_owned(),
            Some(_) => "waits".to_owned(),
        },
        inert(&info.principal.to_string()).into_owned(),
        inert(&info.connection).into_owned(),
        info.estimated_rows
            .map_or_else(|| "-".to_owned(), |rows| format!("~{rows}")),
        if info.state == ApprovalState::Pending {
            needed(info)
        } else {
            String::new()
        },
        moment(info.created),
        what(info),
    ]
}

/// Whether a client waits, and what an approval does then; nothing where nobody is to wait.
fn who_waits(info: &ApprovalInfo) -> String {
    let Some(waiting) = info.waiting else {
        return String::new();
    };
    let runs = if info.connect { "is let in" } else { "runs" };
    let client = info.client.as_deref().unwrap_or("a client");
    match waiting {
        0 => format!("waits no more; it {runs} once when they ask again"),
        1 => format!("{} waits; it {runs} once approved", inert(client)),
        many => format!("{many} wait; one {runs} once approved"),
    }
}

/// After a decision: where it stands and what for.
fn decided(out: Output, info: &ApprovalInfo) -> String {
    let scope = match &info.scope {
        Some(ApprovalScope::Once { .. }) if info.connect => " for one session",
        Some(ApprovalScope::Login { .. }) => " for one session",
        Some(ApprovalScope::Once { .. }) => " for one run",
        Some(ApprovalScope::Session { .. }) => " for the session",
        Some(ApprovalScope::Window { until }) => {
            return format!(
                "{} is {} until {}",
                info.id,
                state(out, info.state),
                moment(*until)
            );
        }
        None => "",
    };
    let tail = match info.state {
        ApprovalState::Pending => format!("; still waiting for {}", needed(info)),
        ApprovalState::Approved if info.waiting == Some(0) => format!(
            "{scope}; nobody waits any more, so it is good when they ask again, until {}",
            moment(info.expires)
        ),
        ApprovalState::Approved | ApprovalState::Spent => scope.to_owned(),
        _ => String::new(),
    };
    format!("{} is {}{tail}", info.id, state(out, info.state))
}

/// Everything that an approver should know.
fn details(out: Output, info: &ApprovalInfo) -> String {
    let mut text = format!(
        "{} {}\nwho         {}\nconnection  {}",
        out.tone(Tone::Strong, info.id.as_str()),
        state(out, info.state),
        inert(&info.principal.to_string()),
        inert(&info.connection)
    );
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = write!(text, "\n{name:<11} {value}");
        }
    };
    line("account", inert(&info.account).into_owned());
    line("database", inert(&info.database).into_owned());
    line(
        "session",
        info.session
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    );
    line("client", who_waits(info));
    line(
        "reason",
        info.reason.as_deref().map(one_line).unwrap_or_default(),
    );
    line(
        "rows",
        info.estimated_rows
            .map(|rows| format!("about {rows} would be touched"))
            .unwrap_or_default(),
    );
    line("needs", needed(info));
    for consent in &info.given {
        let by = format!(
            "{} as {} at {}",
            inert(&consent.by.to_string()),
            names(&consent.groups),
            moment(consent.at)
        );
        line("agreed", by);
    }
    line(
        "refused",
        info.refusal.as_deref().map(one_line).unwrap_or_default(),
    );
    line("asked", moment(info.created));
    line("ends", moment(info.expires));
    if let Some(window) = info.window_seconds.map(Length) {
        line("for", window.to_string());
    }
    if !info.text.is_empty() {
        let _ = write!(text, "\n\n{}", inert(&info.text));
    }
    for parameter in &info.parameters {
        let _ = write!(text, "\n  {}", parameter.line(one_line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_control::api::types::GivenConsent;
    use sluice_model::{PrincipalId, Timestamp};

    fn info() -> ApprovalInfo {
        let parameters = sluice_model::HeldParameter::numbered([Some("42".into()), None]);
        ApprovalInfo {
            id: ApprovalId::from_bits(7),
            state: ApprovalState::Pending,
            principal: PrincipalId::user("ada"),
            owner: None,
            connection: "shop".into(),
            account: "app".into(),
            database: "shop".into(),
            session: None,
            connect: false,
            text: "DELETE FROM orders\x1b[2J WHERE id = $1".into(),
            parameters: parameters.into_iter().map(Into::into).collect(),
            estimated_rows: Some(3),
            reason: Some("cleanup".into()),
            protocol: "postgres".into(),
            policies: vec!["deletes".into()],
            group_sets: vec![
                ["dba".to_owned()].into(),
                ["lead".to_owned(), "security".to_owned()].into(),
            ],
            people: 2,
            given: vec![GivenConsent {
                by: PrincipalId::user("bob"),
                groups: ["dba".to_owned()].into(),
                at: Timestamp(0),
            }],
            scope: None,
            window_seconds: None,
            refusal: None,
            created: Timestamp(0),
            expires: Timestamp(0),
            may_decide: true,
            waiting: Some(1),
            client: Some("psql".into()),
        }
    }

    #[test]
    fn an_approver_is_shown_everything_and_nothing_that_steers_a_terminal() {
        let text = details(Output::plain(), &info());
        for part in [
            "user:ada",
            "client      psql waits; it runs once approved",
            "about 3 would be touched",
            "dba or lead + security (1 of 2 people)",
            "agreed      user:bob as dba at 1970-01-01 00:00:00Z",
            "DELETE FROM orders\\x1b[2J WHERE id = $1",
            "$1 = 42",
            "$2 = NULL",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn whether_the_client_still_waits_is_said_where_it_is_known() {
        for (waiting, connect, in_list, words) in [
            (Some(1), false, "waits", "psql waits; it runs once approved"),
            (
                Some(0),
                false,
                "gone",
                "waits no more; it runs once when they ask again",
            ),
            (
                Some(3),
                true,
                "waits",
                "3 wait; one is let in once approved",
            ),
            (None, false, "-", ""),
        ] {
            let info = ApprovalInfo {
                waiting,
                connect,
                ..info()
            };
            assert_eq!(who_waits(&info), words);
            assert_eq!(row(&info)[2], in_list);
        }
    }

    #[test]
    fn a_decision_says_what_it_is_for() {
        for (state, scope, expected) in [
            (
                ApprovalState::Pending,
                None,
                "is pending; still waiting for dba or",
            ),
            (
                ApprovalState::Approved,
                Some(ApprovalScope::Once {
                    digest: String::new(),
                }),
                "is approved for one run; nobody waits any more, so it is good when",
            ),
            (
                ApprovalState::Approved,
                Some(ApprovalScope::Window {
                    until: Timestamp(0),
                }),
                "is approved until 1970-01-01",
            ),
            (ApprovalState::Denied, None, "is denied"),
        ] {
            let text = decided(
                Output::plain(),
                &ApprovalInfo {
                    state,
                    scope,
                    waiting: Some(0),
                    ..info()
                },
            );
            assert!(text.contains(expected), "{expected:?} in {text}");
        }
    }

    #[test]
    fn the_scope_is_what_the_options_say() {
        let approve = |once, session, window: Option<u32>| Approve {
            id: ApprovalId::from_bits(1),
            once,
            session,
            window: window.map(Length),
        };
        assert_eq!(approve(false, false, None).scope(), ApproveScope::Once);
        assert_eq!(approve(true, false, None).scope(), ApproveScope::Once);
        assert_eq!(approve(false, true, None).scope(), ApproveScope::Session);
        assert_eq!(
            approve(false, false, Some(60)).scope(),
            ApproveScope::Window { seconds: 60 }
        );
    }
}
