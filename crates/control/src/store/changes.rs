//! Writing: whatever belongs together is kept in one transaction, all of it or nothing.

use super::{Result, Store};
use crate::approvals::Approval;
use crate::identity::roster::{OwnedAgent, Person, ProvisionedGroup};
use crate::identity::sign_in::SignIn;
use crate::keys::hex;
use crate::notify::Delivery;
use crate::tokens::TokenRow;
use sluice_model::{ApprovalState, PrincipalId, Timestamp, TokenId};
use sqlx::Sqlite;

/// What changes together.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// New ones, and those that end otherwise than they did.
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) people: Vec<Person>,
    /// People who are no more, by name.
    pub(crate) people_gone: Vec<String>,
    pub(crate) groups: Vec<ProvisionedGroup>,
    /// Provisioned groups that are no more, by id.
    pub(crate) groups_gone: Vec<String>,
    pub(crate) sign_ins: Vec<SignIn>,
    pub(crate) agents: Vec<OwnedAgent>,
    /// Agents that are no more, by name.
    pub(crate) agents_gone: Vec<String>,
    /// Principals that are switched off.
    pub(crate) disabled: Vec<Disabled>,
    /// Principals that are switched on again.
    pub(crate) enabled: Vec<PrincipalId>,
}

/// A principal that is switched off, by whom and when.
#[derive(Debug)]
pub(crate) struct Disabled {
    pub(crate) principal: PrincipalId,
    pub(crate) at: Timestamp,
    pub(crate) actor: PrincipalId,
}

impl Changes {
    /// Approvals alone.
    pub(crate) fn approvals(approvals: Vec<Approval>) -> Self {
        Self {
            approvals,
            ..Self::default()
        }
    }
}

impl Changes {
    /// Whether it is about principals or what they hold.
    pub(crate) fn touches_principals(&self) -> bool {
        let untouched = self.tokens.is_empty()
            && self.people.is_empty()
            && self.people_gone.is_empty()
            && self.groups.is_empty()
            && self.groups_gone.is_empty()
            && self.sign_ins.is_empty()
            && self.agents.is_empty()
            && self.agents_gone.is_empty()
            && self.disabled.is_empty()
            && self.enabled.is_empty();
        !untouched
    }
}

impl Store {
    /// Keeps all of it, and what is told about it.
    pub(crate) async fn write(&self, changes: &Changes, told: &[Delivery]) -> Result<()> {
        let mut tx = self.changing().await?;
        for statement in changes.statements() {
            statement.execute(&mut *tx).await?;
        }
        let added = self.insert_deliveries(&mut tx, told).await?;
        tx.commit().await?;
        self.now_wait(&added);
        Ok(())
    }

    /// Keeps when tokens were last used.
    pub(crate) async fn write_last_used(&self, used: &[(TokenId, Timestamp)]) -> Result<()> {
        let mut tx = self.changing().await?;
        for (id, at) in used {
            sqlx::query("UPDATE tokens SET last_used = $2 WHERE id = $1")
                .bind(id.as_str())
                .bind(at.0)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }
}

type Statement<'q> = sqlx::query::Query<'q, Sqlite, <Sqlite as sqlx::Database>::Arguments>;

impl Changes {
    fn statements(&self) -> impl Iterator<Item = Statement<'_>> {
        let agents = gone("DELETE FROM agents WHERE name = $1", &self.agents_gone);
        let people = gone("DELETE FROM people WHERE name = $1", &self.people_gone);
        let groups = gone(
            "DELETE FROM provisioned_groups WHERE id = $1",
            &self.groups_gone,
        );
        let on = self.enabled.iter().map(|id| {
            sqlx::query("DELETE FROM disabled WHERE principal = $1").bind(id.to_string())
        });
        agents
            .chain(people)
            .chain(groups)
            .chain(on)
            .chain(self.groups.iter().map(group))
            .chain(self.disabled.iter().map(disabled))
            .chain(self.people.iter().map(person))
            .chain(self.sign_ins.iter().map(sign_in))
            .chain(self.agents.iter().map(agent))
            .chain(self.tokens.iter().map(token))
            .chain(self.approvals.iter().map(approval))
    }
}

/// Takes away what these keys name.
fn gone<'q>(sql: &'static str, keys: &'q [String]) -> impl Iterator<Item = Statement<'q>> {
    keys.iter().map(move |key| sqlx::query(sql).bind(key))
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    // Only types of our own are kept, none of which can fail.
    serde_json::to_string(value).unwrap_or_default()
}

fn disabled(off: &Disabled) -> Statement<'_> {
    let sql = "INSERT INTO disabled (principal, at, actor) VALUES ($1, $2, $3) \
               ON CONFLICT (principal) DO NOTHING";
    sqlx::query(sql)
        .bind(off.principal.to_string())
        .bind(off.at.0)
        .bind(off.actor.to_string())
}

fn person(person: &Person) -> Statement<'_> {
    let sql = "INSERT INTO people (name, provider, subject, body) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (name) DO UPDATE SET provider = excluded.provider, subject = excluded.subject, body = excluded.body";
    sqlx::query(sql)
        .bind(&person.name)
        .bind(&person.provider)
        .bind(person.subject.as_deref())
        .bind(json(person))
}

fn group(group: &ProvisionedGroup) -> Statement<'_> {
    let sql = "INSERT INTO provisioned_groups (id, provider, body) VALUES ($1, $2, $3) \
               ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    sqlx::query(sql)
        .bind(&group.provisioned.id)
        .bind(&group.provider)
        .bind(json(group))
}

fn sign_in(sign_in: &SignIn) -> Statement<'_> {
    let sql = "INSERT INTO sign_ins (id, principal, ends, ended, body) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (id) DO UPDATE SET ends = excluded.ends, ended = excluded.ended, body = excluded.body";
    sqlx::query(sql)
        .bind(sign_in.id.as_str())
        .bind(sign_in.principal.to_string())
        .bind(sign_in.ends.0)
        .bind(sign_in.ended.map(|at| at.0))
        .bind(json(sign_in))
}

fn agent(agent: &OwnedAgent) -> Statement<'_> {
    let sql = "INSERT INTO agents (name, owner, body) VALUES ($1, $2, $3) \
               ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, body = excluded.body";
    sqlx::query(sql)
        .bind(&agent.name)
        .bind(agent.owner.to_string())
        .bind(json(agent))
}

fn token(token: &TokenRow) -> Statement<'_> {
    let sql = "INSERT INTO tokens (id, name, principal, hash, created, expires, revoked, \
               purpose, networks, sign_in, workload, creator, audience) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, revoked = excluded.revoked";
    sqlx::query(sql)
        .bind(token.id.as_str())
        .bind(&token.name)
        .bind(token.principal.to_string())
        .bind(hex(&token.hash))
        .bind(token.created.0)
        .bind(token.expires.0)
        .bind(token.revoked.map(|at| at.0))
        .bind(token.purpose.name())
        .bind(json(&token.networks))
        .bind(token.sign_in.as_ref().map(|id| id.as_str()))
        .bind(token.workload.as_ref().map(json))
        .bind(token.creator.as_ref().map(ToString::to_string))
        .bind(&token.audience)
}

fn approval(approval: &Approval) -> Statement<'_> {
    let state = match approval.state {
        ApprovalState::Pending => "pending",
        ApprovalState::Approved => "approved",
        ApprovalState::Denied => "denied",
        ApprovalState::Spent => "spent",
        ApprovalState::Cancelled => "cancelled",
        ApprovalState::Expired => "expired",
    };
    let sql = "INSERT INTO approvals (id, state, created, body) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body";
    sqlx::query(sql)
        .bind(approval.id.as_str())
        .bind(state)
        .bind(approval.created.0)
        .bind(json(approval))
}
