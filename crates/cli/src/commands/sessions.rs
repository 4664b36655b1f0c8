//! `sluice sessions` and `sluice kill`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{inert, moment, one_line};
use clap::Args;
use serde_json::json;
use sluice_control::api::types::{Reason, SessionInfo, SessionList};
use sluice_model::SessionId;

/// `sluice sessions [--live]`.
#[derive(Debug, Args)]
pub struct Sessions {
    /// Only those that live now
    #[arg(long)]
    live: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Sessions {
    /// Lists them, newest first.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let live = if self.live { "live=true&" } else { "" };
        let path = format!("/v1/sessions?{live}limit={}", self.limit);
        let list: SessionList = context.gateway()?.client()?.get(&path).await?;
        let out = context.out;
        out.show(&list, |list| {
            let rows = list.sessions.iter().map(row).collect();
            let header = [
                "ID",
                "STATE",
                "WHO",
                "CONNECTION",
                "ACCOUNT",
                "FROM",
                "STARTED",
                "EVENTS",
                "CLIENT",
            ];
            out.table(
                &header,
                rows,
                if self.live {
                    "no live sessions"
                } else {
                    "no sessions"
                },
            )
        })
    }
}

fn row(session: &SessionInfo) -> Vec<String> {
    let database = if session.database.is_empty() {
        String::new()
    } else {
        format!("/{}", inert(&session.database))
    };
    vec![
        session.id.to_string(),
        if session.live { "live" } else { "ended" }.to_owned(),
        inert(&session.principal.to_string()).into_owned(),
        format!("{}{database}", inert(&session.connection)),
        inert(&session.account).into_owned(),
        inert(&session.client_address).into_owned(),
        moment(session.started),
        session.events.to_string(),
        one_line(session.application.as_deref().unwrap_or_default()),
    ]
}

/// `sluice kill s-...`.
#[derive(Debug, Args)]
pub struct Kill {
    /// The session's id, as in `sessions --live`
    id: SessionId,
    /// Why; its client and its record are told
    #[arg(long)]
    reason: Option<String>,
}

impl Kill {
    /// Ends it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = format!("/v1/sessions/{}/kill", self.id);
        let client = context.gateway()?.client()?;
        client
            .send(
                reqwest::Method::POST,
                &path,
                Some(&Reason {
                    reason: self.reason,
                }),
            )
            .await?;
        context
            .out
            .show(&json!({"id": self.id, "killed": true}), |_| {
                format!("{} is ended", self.id)
            })
    }
}
