//! `sluice token create | list | revoke`.

use crate::context::Context;
use crate::duration::Length;
use crate::failure::Failure;
use crate::output::{Output, inert, moment, moment_or_dash, one_line};
use clap::{Args, Subcommand};
use sluice_control::api::types::{CreateToken, CreatedToken, TokenInfo, TokenList};
use sluice_model::{PrincipalId, TokenId};

/// What is done with tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token; its secret is all that is printed, and is never shown again
    Create(Create),
    /// List tokens, newest first
    List(List),
    /// Revoke a token; sessions opened with it end within a second
    Revoke(Revoke),
}

/// `sluice token create --for user:ada --ttl 8h`.
#[derive(Debug, Args)]
pub struct Create {
    /// Whom it stands for: user:NAME, service:NAME or agent:NAME
    #[arg(long = "for", value_name = "PRINCIPAL")]
    principal: PrincipalId,
    /// How long it lives, such as 30m, 8h or 7d; at most 90d
    #[arg(long, value_name = "LENGTH")]
    ttl: Length,
    /// What it is for, in words
    #[arg(long)]
    name: Option<String>,
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
            Self::List(command) => command.run(context).await,
            Self::Revoke(command) => command.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = CreateToken {
            principal: self.principal,
            ttl_seconds: self.ttl.0,
            name: self.name,
        };
        let created: CreatedToken = context
            .gateway()?
            .client()?
            .post("/v1/tokens", &request)
            .await?;
        // The one secret that is ever printed: alone, so that `TOKEN=$(sluice token create ..)` works.
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
