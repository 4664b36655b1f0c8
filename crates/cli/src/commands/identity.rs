//! Who there is and who one is: `whoami`, `principals`, `disable`, `enable`.

use crate::client::segment;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, inert, moment, names};
use clap::Args;
use sluice_control::api::types::{PrincipalInfo, PrincipalList, Reason, WhoAmI as Identity};
use sluice_model::PrincipalId;

/// `sluice whoami`.
#[derive(Debug, Args)]
pub struct WhoAmI {}

impl WhoAmI {
    /// Asks the gateway.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let gateway = context.gateway()?;
        let identity: Identity = gateway.client()?.get("/v1/whoami").await?;
        context.out.show(&identity, |identity| {
            let role = if identity.admin {
                " (administrator)"
            } else {
                ""
            };
            let mut text = format!(
                "{}{role} at {}",
                inert(&identity.principal.to_string()),
                gateway.url
            );
            if !identity.groups.is_empty() {
                text.push_str(&format!("\ngroups: {}", names(&identity.groups)));
            }
            if let Some(owner) = &identity.owner {
                text.push_str(&format!("\nfor {}", inert(&owner.to_string())));
            }
            match (&identity.token, identity.expires) {
                (Some(token), Some(end)) => {
                    text.push_str(&format!("\ntoken {token} until {}", moment(end)))
                }
                (Some(token), None) => text.push_str(&format!("\ntoken {token}")),
                (None, Some(end)) => {
                    text.push_str(&format!("\n{} until {}", identity.way, moment(end)))
                }
                (None, None) => text.push_str("\nlocal admin credential"),
            }
            text
        })
    }
}

/// `sluice principals`.
#[derive(Debug, Args)]
pub struct Principals {}

impl Principals {
    /// Lists them.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let list: PrincipalList = context.gateway()?.client()?.get("/v1/principals").await?;
        let out = context.out;
        out.show(&list, |list| render_principals(out, list))
    }
}

fn render_principals(out: Output, list: &PrincipalList) -> String {
    let row = |info: &PrincipalInfo| {
        vec![
            inert(&info.principal.to_string()).into_owned(),
            if info.disabled { "off" } else { "on" }.to_owned(),
            names(&info.groups),
            info.owner
                .as_ref()
                .map_or_else(String::new, |owner| inert(&owner.to_string()).into_owned()),
            info.source.clone(),
        ]
    };
    let rows = list.principals.iter().map(row).collect();
    out.table(
        &["PRINCIPAL", "STATE", "GROUPS", "OWNER", "FROM"],
        rows,
        "no principals; add `kind: User` resources",
    )
}

/// `sluice disable user:ada`.
#[derive(Debug, Args)]
pub struct Disable {
    /// Whom: user:NAME, service:NAME or agent:NAME
    #[arg(value_name = "PRINCIPAL")]
    principal: PrincipalId,
    /// Why; kept in the record
    #[arg(long)]
    reason: Option<String>,
}

impl Disable {
    /// Switches the principal off. Its live sessions end within a second.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        switch(context, &self.principal, self.reason, "disable").await
    }
}

/// `sluice enable user:ada`.
#[derive(Debug, Args)]
pub struct Enable {
    /// Whom: user:NAME, service:NAME or agent:NAME
    #[arg(value_name = "PRINCIPAL")]
    principal: PrincipalId,
    /// Why; kept in the record
    #[arg(long)]
    reason: Option<String>,
}

impl Enable {
    /// Switches the principal on again.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        switch(context, &self.principal, self.reason, "enable").await
    }
}

async fn switch(
    context: &Context,
    principal: &PrincipalId,
    reason: Option<String>,
    verb: &str,
) -> Result<(), Failure> {
    let path = format!("/v1/principals/{}/{verb}", segment(&principal.to_string()));
    let info: PrincipalInfo = context
        .gateway()?
        .client()?
        .post(&path, &Reason { reason })
        .await?;
    context.out.show(&info, |info| {
        let state = if info.disabled {
            "off; its live sessions end now"
        } else {
            "on"
        };
        format!("{} is {state}", inert(&info.principal.to_string()))
    })
}
