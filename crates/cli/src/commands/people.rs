//! What people hold: `agents`, `sign-ins`, `offboard`.

use crate::client::segment;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, inert, moment, names, one_line};
use clap::{Args, Subcommand};
use reqwest::Method;
use sluice_control::api::types::{
    AgentInfo, AgentList, Leftovers, OffboardRequest, SignInInfo, SignInList,
};
use sluice_model::{PrincipalId, SignInId};

/// What is done with agents.
#[derive(Debug, Subcommand)]
pub enum Agents {
    /// List agents: yours, or everybody's for administrators
    List(ListAgents),
    /// End an agent for good, with its tokens and live sessions
    End(EndAgent),
}

/// `sluice agents list`.
#[derive(Debug, Args)]
pub struct ListAgents {}

/// `sluice agents end agent:NAME`.
#[derive(Debug, Args)]
pub struct EndAgent {
    /// The agent: agent:NAME
    #[arg(value_name = "AGENT")]
    agent: PrincipalId,
}

impl Agents {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.gateway()?.client()?;
        match self {
            Self::List(ListAgents {}) => {
                let list: AgentList = client.get("/v1/agents").await?;
                let out = context.out;
                out.show(&list, |list| render_agents(out, list))
            }
            Self::End(EndAgent { agent }) => {
                let name = agent.to_string();
                let path = format!("/v1/agents/{}/end", segment(&name));
                client.send(Method::POST, &path, None::<&()>).await?;
                context
                    .out
                    .show(&agent, |_| format!("{} is ended", inert(&name)))
            }
        }
    }
}

fn render_agents(out: Output, list: &AgentList) -> String {
    let row = |info: &AgentInfo| {
        vec![
            inert(&info.agent.to_string()).into_owned(),
            if info.on { "on" } else { "off" }.to_owned(),
            inert(&info.owner.to_string()).into_owned(),
            names(&info.groups),
            info.tokens.to_string(),
        ]
    };
    out.table(
        &["AGENT", "STATE", "OWNER", "GROUPS", "TOKENS"],
        list.agents.iter().map(row).collect(),
        "no agents; make one with `sluice token create --agent NAME --ttl 30d`",
    )
}

/// What is done with sign-ins.
#[derive(Debug, Subcommand)]
pub enum SignIns {
    /// List sign-ins: yours, or everybody's for administrators
    List(ListSignIns),
    /// End a sign-in with the tokens and browser sessions that hang from it
    End(EndSignIn),
}

/// `sluice sign-ins list`.
#[derive(Debug, Args)]
pub struct ListSignIns {}

/// `sluice sign-ins end i-...`.
#[derive(Debug, Args)]
pub struct EndSignIn {
    /// The sign-in's id, as in `sign-ins list`
    id: SignInId,
}

impl SignIns {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.gateway()?.client()?;
        match self {
            Self::List(ListSignIns {}) => {
                let list: SignInList = client.get("/v1/sign-ins").await?;
                let out = context.out;
                out.show(&list, |list| render_sign_ins(out, &list.sign_ins))
            }
            Self::End(EndSignIn { id }) => {
                let path = format!("/v1/sign-ins/{id}/end");
                client.send(Method::POST, &path, None::<&()>).await?;
                context.out.show(&id, |id| format!("{id} is ended"))
            }
        }
    }
}

fn render_sign_ins(out: Output, list: &[SignInInfo]) -> String {
    let row = |info: &SignInInfo| {
        vec![
            info.id.clone(),
            inert(&info.principal.to_string()).into_owned(),
            info.provider.clone(),
            moment(info.created),
            moment(info.ends),
            info.address.clone(),
            one_line(&info.application),
        ]
    };
    out.table(
        &["ID", "WHO", "PROVIDER", "SINCE", "UNTIL", "FROM", "WITH"],
        list.iter().map(row).collect(),
        "nobody is signed in",
    )
}

/// `sluice offboard user:ada`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Without --yes nothing is ended: what would be is listed. With it, the person and the services that they answer for \
are switched off, their agents end, every token of theirs and every token that they made for others is revoked, \
their sign-ins end and their requests are withdrawn; live sessions of all of these end within a second.")]
pub struct Offboard {
    /// Whom: user:NAME
    #[arg(value_name = "PERSON")]
    person: PrincipalId,
    /// End it all
    #[arg(long)]
    yes: bool,
    /// Why; kept in the log
    #[arg(long)]
    reason: Option<String>,
}

impl Offboard {
    /// Shows what is left of a person, and ends it with `--yes`.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = format!(
            "/v1/principals/{}/offboard",
            segment(&self.person.to_string())
        );
        let request = OffboardRequest {
            dry_run: !self.yes,
            reason: self.reason,
        };
        let left: Leftovers = context.gateway()?.client()?.post(&path, &request).await?;
        context.out.show(&left, render_leftovers)
    }
}

fn render_leftovers(left: &Leftovers) -> String {
    let person = inert(&left.principal.to_string()).into_owned();
    let mut lines = vec![match left.ended {
        true => format!("{person} is switched off, and this has ended:"),
        false => format!("{person} holds this; `sluice offboard {person} --yes` ends it all:"),
    }];
    let mut say = |what: &str, items: Vec<String>| {
        lines.push(format!("{what}: {}", items.len()));
        lines.extend(items.into_iter().map(|item| format!("  {item}")));
    };
    let principal = |p: &PrincipalId| inert(&p.to_string()).into_owned();
    let tokens = left.tokens.iter().map(|t| {
        let name = one_line(t.name.as_deref().unwrap_or_default());
        format!(
            "{} for {} until {} {name}",
            t.id,
            principal(&t.principal),
            moment(t.expires)
        )
    });
    say("tokens", tokens.collect());
    say("agents", left.agents.iter().map(principal).collect());
    say("services", left.services.iter().map(principal).collect());
    let sign_ins = left.sign_ins.iter();
    say(
        "sign-ins",
        sign_ins
            .map(|s| format!("{} at {} from {}", s.id, s.provider, s.address))
            .collect(),
    );
    let requests = left.requests.iter().map(|r| {
        format!(
            "{} on {} of {}",
            r.id,
            inert(&r.connection),
            principal(&r.principal)
        )
    });
    say("requests and windows", requests.collect());
    let sessions = left.sessions.iter().map(|s| {
        format!(
            "{} on {} of {}",
            s.id,
            inert(&s.connection),
            principal(&s.principal)
        )
    });
    say("live sessions", sessions.collect());
    lines.join("\n")
}
