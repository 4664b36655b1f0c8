//! `sluice token create | exchange | rotate | list | revoke`.

use super::login::Exchange;
use crate::context::Context;
use crate::duration::Length;
use crate::failure::Failure;
use crate::output::{Output, inert, moment, moment_or_dash, one_line};
use clap::{Args, Subcommand};
use sluice_control::api::types::{
    CreateToken, CreatedToken, NewAgent, RotateToken, TokenInfo, TokenList, WhoAmI,
};
use sluice_model::{Network, PrincipalId, PrincipalKind, TokenId};

/// What is done with tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token; its secret is all that is printed, and is never shown again
    Create(Create),
    /// Exchange a token of a trusted issuer (a CI job's, say) for one of the gateway's, and print it
    Exchange(Exchange),
    /// Replace a token: print a new secret for the same, while the old one goes on for a while
    Rotate(Rotate),
    /// List tokens, newest first
    List(List),
    /// Revoke a token; sessions opened with it end within a second
    Revoke(Revoke),
}

/// `sluice token create --for user:ada --ttl 8h`, `sluice token create --agent NAME --ttl 30d`.
#[derive(Debug, Args)]
pub struct Create {
    /// Whom it stands for: user:NAME, service:NAME or agent:NAME; yourself when neither this nor --agent is given
    #[arg(long = "for", value_name = "PRINCIPAL", conflicts_with = "agent")]
    principal: Option<PrincipalId>,
    /// An agent of yours, made now unless you have one of that name: it can do no more than you
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// A group of yours that the new agent acts in (may be given several times); all of yours when absent
    #[arg(long = "group", value_name = "GROUP", requires = "agent")]
    groups: Vec<String>,
    /// How long it lives, such as 30m, 8h or 7d
    #[arg(long, value_name = "LENGTH")]
    ttl: Length,
    /// What it is for, in words
    #[arg(long)]
    name: Option<String>,
    /// An address or range that it may be used from, such as 10.0.0.0/8 (may be given several times)
    #[arg(long = "from", value_name = "RANGE")]
    networks: Vec<Network>,
}

/// `sluice token rotate t-... --ttl 90d --overlap 1h`.
#[derive(Debug, Args)]
pub struct Rotate {
    /// The token's id, as in `token list`
    id: TokenId,
    /// How long the new one lives
    #[arg(long, value_name = "LENGTH")]
    ttl: Length,
    /// How long the old one still works; at most 7d
    #[arg(long, value_name = "LENGTH", default_value = "1h")]
    overlap: Length,
}

/// `sluice token list`.
#[derive(Debug, Args)]
pub struct List {
    /// Also those that open nothing any more
    #[arg(long)]
    all: bool,
}

/// `sluice token revoke t-...`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The token's id, as in `token list`
    id: TokenId,
}

impl Token {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(command) => command.run(context).await,
            Self::Exchange(command) => command.run(context).await,
            Self::Rotate(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Revoke(command) => command.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.gateway()?.client()?;
        let principal = match (self.principal, self.agent.as_deref()) {
            (Some(principal), _) => principal,
            (None, Some(name)) => PrincipalId {
                kind: PrincipalKind::Agent,
                name: name.strip_prefix("agent:").unwrap_or(name).to_owned(),
            },
            (None, None) => client.get::<WhoAmI>("/v1/whoami").await?.principal,
        };
        let request = CreateToken {
            principal,
            ttl_seconds: self.ttl.0,
            name: self.name,
            networks: self.networks,
            agent: self.agent.map(|_| NewAgent {
                groups: (!self.groups.is_empty()).then(|| self.groups.into_iter().collect()),
            }),
        };
        let created: CreatedToken = client.post("/v1/tokens", &request).await?;
        // The one secret that is ever printed: alone, so that `TOKEN=$(sluice token create ..)` works.
        context.out.show(&created, |created| created.secret.clone())
    }
}

impl Rotate {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = RotateToken {
            ttl_seconds: self.ttl.0,
            overlap_seconds: self.overlap.0,
        };
        let path = format!("/v1/tokens/{}/rotate", self.id);
        let created: CreatedToken = context.gateway()?.client()?.post(&path, &request).await?;
        context.out.show(&created, |created| created.secret.clone())
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut list: TokenList = context.gateway()?.client()?.get("/v1/tokens").await?;
        if !self.all {
            list.tokens.retain(|token| token.valid);
        }
        let out = context.out;
        out.show(&list, |list| render(out, list))
    }
}

fn render(out: Output, list: &TokenList) -> String {
    let rows = list.tokens.iter().map(row).collect();
    let header = [
        "ID",
        "FOR",
        "STATE",
        "CREATED",
        "EXPIRES",
        "LAST USED",
        "NAME",
    ];
    out.table(
        &header,
        rows,
        "no tokens; make one with `sluice token create --for user:NAME --ttl 8h`",
    )
}

fn row(token: &TokenInfo) -> Vec<String> {
    let state = match (token.valid, token.revoked) {
        (true, _) => "valid",
        (false, Some(_)) => "revoked",
        (false, None) => "ended",
    };
    vec![
        token.id.to_string(),
        inert(&token.principal.to_string()).into_owned(),
        state.to_owned(),
        moment(token.created),
        moment(token.expires),
        moment_or_dash(token.last_used),
        one_line(token.name.as_deref().unwrap_or_default()),
    ]
}

impl Revoke {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = format!("/v1/tokens/{}/revoke", self.id);
        let token: TokenInfo = context.gateway()?.client()?.post(&path, &()).await?;
        context.out.show(&token, |token| {
            format!(
                "{} of {} is revoked",
                token.id,
                inert(&token.principal.to_string())
            )
        })
    }
}
