//! Tokens: making, replacing, listing, revoking.

use super::{ADMINS, Caller, Control, Working, hold};
use crate::api::types::{CreateToken, CreatedToken, RotateToken, TokenInfo};
use crate::error::ControlError;
use crate::identity::roster::{OwnedAgent, Source};
use crate::store::Changes;
use crate::tokens::{self, Purpose, TokenRow};
use sluice_model::{
    Network, Principal, PrincipalId, PrincipalKind, SignInId, Timestamp, TokenId, Workload,
};
use std::sync::Arc;

/// The longest description of a token.
const MAX_TOKEN_NAME: usize = 200;
/// Valid tokens that one principal can have at a time: enough for every job of a service, few enough to review.
const MAX_TOKENS_EACH: usize = 100;
/// Those that were exchanged for workloads' own, which jobs ask for as they start: counted for themselves, so that jobs
/// do not keep people from making one.
const MAX_EXCHANGED_EACH: usize = 1_000;
/// Ranges of addresses of one token: a company's offices and networks.
const MAX_NETWORKS: usize = 32;
/// Agents that one user can own: enough for a person's tools, few enough to look through.
const MAX_AGENTS_EACH: usize = 50;
/// The longest time that a replaced token goes on: a job that runs once a week picks the new one up.
const MAX_OVERLAP_SECONDS: u32 = 7 * 86_400;

/// What a new token is to be.
pub(super) struct Wanted {
    pub(super) principal: PrincipalId,
    pub(super) purpose: Purpose,
    pub(super) name: Option<String>,
    pub(super) networks: Vec<Network>,
    pub(super) sign_in: Option<SignInId>,
    pub(super) workload: Option<Arc<Workload>>,
    pub(super) audience: Option<String>,
    pub(super) creator: PrincipalId,
    pub(super) expires: Timestamp,
}

impl Control {
    /// Makes a token, and the agent that it is for where that is asked.
    pub(crate) async fn create_token(
        &self,
        caller: &Caller,
        wanted: CreateToken,
    ) -> Result<CreatedToken, ControlError> {
        let name = check_name(wanted.name.clone())?;
        let (mut working, caller) = self.turn(caller).await?;
        let caller = &caller;
        let now = self.now();
        let agent = match &wanted.agent {
            None => None,
            Some(new) => self.new_agent(&working, caller, &wanted.principal, new.groups.clone())?,
        };
        if agent.is_none() {
            self.may_issue_for(&working, caller, &wanted.principal)?;
        }
        let (networks, sign_in, workload) = inherited(&working, caller, &wanted)?;
        let mut expires = self.end_of(&working, caller, &wanted.principal, wanted.ttl_seconds)?;
        if sign_in.is_some() || workload.is_some() {
            expires = caller.expires.map_or(expires, |end| expires.min(end));
        }
        let new = Wanted {
            principal: wanted.principal,
            purpose: Purpose::Access,
            name,
            networks,
            sign_in,
            workload,
            audience: None,
            creator: caller.id().clone(),
            expires,
        };
        let mut changes = Changes::default();
        if let Some(agent) = agent {
            let subject = crate::identity::roster::agent_id(&agent.name);
            self.record(
                caller.id(),
                "agent.create",
                subject,
                format!("of {}", agent.owner),
            )?;
            changes.agents.push(agent);
        }
        let created = self.issue(&working, caller.id(), new, now, &mut changes)?;
        self.take(&mut working, changes).await?;
        Ok(created)
    }

    /// Records a new token and adds it to what is to be kept. The secret leaves only once that was kept.
    pub(super) fn issue(
        &self,
        working: &Working,
        actor: &PrincipalId,
        wanted: Wanted,
        now: Timestamp,
        changes: &mut Changes,
    ) -> Result<CreatedToken, ControlError> {
        let is_exchanged = wanted.workload.is_some();
        let most = if is_exchanged {
            MAX_EXCHANGED_EACH
        } else {
            MAX_TOKENS_EACH
        };
        let of_it = working.tokens.values().filter(|t| {
            t.principal == wanted.principal
                && t.purpose == wanted.purpose
                && t.workload.is_some() == is_exchanged
                && t.is_valid(now)
        });
        if of_it.count() >= most {
            let what = format!(
                "{} has {most} valid tokens; revoke some first",
                wanted.principal
            );
            return Err(ControlError::TooMany(what));
        }
        let (row, secret) = new_token(wanted, now)?;
        let detail = format!(
            "{} for {} until {}",
            row.purpose, row.principal, row.expires.0
        );
        self.record(actor, "token.create", &row.id, detail)?;
        let created = CreatedToken {
            id: row.id.clone(),
            secret,
            principal: row.principal.clone(),
            expires: row.expires,
        };
        changes.tokens.push(row);
        Ok(created)
    }

    /// Keeps changes in the store and in memory, and tells everybody.
    pub(super) async fn take(
        &self,
        working: &mut Working,
        changes: Changes,
    ) -> Result<(), ControlError> {
        self.write(&changes).await?;
        for token in changes.tokens {
            working.tokens.insert(token.id.clone(), token);
        }
        for name in changes.people_gone {
            working.roster.people.remove(&name);
        }
        for person in changes.people {
            working.roster.people.insert(person.name.clone(), person);
        }
        for id in changes.groups_gone {
            working.roster.groups.remove(&id);
        }
        for group in changes.groups {
            let id = group.provisioned.id.clone();
            working.roster.groups.insert(id, group);
        }
        for agent in changes.agents {
            working.roster.agents.insert(agent.name.clone(), agent);
        }
        for name in changes.agents_gone {
            working.roster.agents.remove(&name);
        }
        for sign_in in changes.sign_ins {
            match sign_in.ended {
                None => working.sign_ins.insert(sign_in.id.clone(), sign_in),
                Some(_) => working.sign_ins.remove(&sign_in.id),
            };
        }
        for off in changes.disabled {
            working.roster.disabled.insert(off.principal);
        }
        for on in changes.enabled {
            working.roster.disabled.remove(&on);
        }
        hold::keep(working, changes.approvals);
        let demoted = hold::requests_of_the_demoted(
            working,
            &self.snapshot(),
            &working.roster.standing(self.now()),
        );
        if !demoted.is_empty() {
            // A withdrawal that cannot be kept still holds in this process: it only takes away.
            let _ = self.write(&Changes::approvals(demoted.clone())).await;
            hold::keep(working, demoted);
        }
        self.publish(working);
        Ok(())
    }

    /// Whether a caller may have a token made that stands for this principal.
    fn may_issue_for(
        &self,
        working: &Working,
        caller: &Caller,
        principal: &PrincipalId,
    ) -> Result<(), ControlError> {
        let own = principal == caller.id();
        if !own && !caller.is_admin() && !owns(working, caller, principal, self.now()) {
            return Err(only_admins());
        }
        if self.snapshot().principal(principal).is_none() {
            let what = format!("there is no principal {principal} that is switched on");
            return Err(ControlError::NotFound(what));
        }
        Ok(())
    }

    /// The agent to make; none where the caller has it already.
    fn new_agent(
        &self,
        working: &Working,
        caller: &Caller,
        agent: &PrincipalId,
        groups: Option<std::collections::BTreeSet<String>>,
    ) -> Result<Option<OwnedAgent>, ControlError> {
        if agent.kind != PrincipalKind::Agent {
            let what = format!("expected agent:NAME, got {agent}");
            return Err(ControlError::Invalid(
                what,
                "only agents are made with a token",
            ));
        }
        if owns(working, caller, agent, self.now()) {
            return Ok(None);
        }
        let own = caller.principal.id.kind == PrincipalKind::User;
        if !own || *caller.id() == super::local_admin().id {
            let why = "only a person who signed in owns agents".to_owned();
            let hint = "declare the agent with its owner in a file instead".to_owned();
            return Err(ControlError::Forbidden(why, Some(hint)));
        }
        if let Some(problem) = crate::resources::principal_name_problem(&agent.name) {
            return Err(ControlError::Invalid(problem, "choose another name"));
        }
        if working.roster.is_taken(agent) {
            return Err(ControlError::Conflict(format!(
                "there is an agent {:?} of somebody else; choose another name",
                agent.name
            )));
        }
        let owned = working.roster.agents.values();
        if owned.filter(|a| a.owner == *caller.id()).count() >= MAX_AGENTS_EACH {
            let what = format!("you own {MAX_AGENTS_EACH} agents; end some first");
            return Err(ControlError::TooMany(what));
        }
        if let Some(foreign) = groups
            .iter()
            .flatten()
            .find(|g| !caller.principal.groups.contains(*g))
        {
            let why = format!("you are not in group {foreign:?}, so no agent of yours can be");
            return Err(ControlError::Forbidden(why, None));
        }
        Ok(Some(OwnedAgent {
            name: agent.name.clone(),
            owner: caller.id().clone(),
            groups,
            created: self.now(),
        }))
    }

    /// When a token would end that a caller wants to live so long.
    fn end_of(
        &self,
        working: &Working,
        caller: &Caller,
        principal: &PrincipalId,
        ttl_seconds: u32,
    ) -> Result<Timestamp, ControlError> {
        let longest = self.0.config.token_max_seconds;
        if !(1..=longest).contains(&ttl_seconds) {
            let what = format!("expected a life of 1 to {longest} seconds, got {ttl_seconds}");
            return Err(ControlError::Invalid(
                what,
                "token_max_days in the gateway's configuration says how long tokens may live",
            ));
        }
        let now = self.now();
        let expires = now.plus_seconds(i64::from(ttl_seconds));
        if caller.is_admin() {
            return Ok(expires);
        }
        // An agent of somebody whose identity provider stands for them ends when the provider does not any more.
        let vouched = working
            .roster
            .known(now)
            .get(caller.id())
            .is_some_and(|known| {
                matches!(known.source, Source::Provider(_)) && principal != caller.id()
            });
        Ok(match vouched {
            true => expires,
            // Nobody prolongs their own access.
            false => caller.expires.map_or(now, |end| expires.min(end)),
        })
    }

    /// Replaces a token: a new secret for the same, and an end for the old one.
    pub(crate) async fn rotate_token(
        &self,
        caller: &Caller,
        id: &TokenId,
        wanted: RotateToken,
    ) -> Result<CreatedToken, ControlError> {
        if wanted.overlap_seconds > MAX_OVERLAP_SECONDS {
            let what = format!(
                "expected an overlap of at most {MAX_OVERLAP_SECONDS} seconds, got {}",
                wanted.overlap_seconds
            );
            return Err(ControlError::Invalid(what, "seven days are the longest"));
        }
        let (mut working, caller) = self.turn(caller).await?;
        let caller = &caller;
        let now = self.now();
        let old = self.visible_token(&working, caller, id)?.clone();
        if !old.is_valid(now) || old.purpose == Purpose::Browser {
            return Err(ControlError::Conflict(format!(
                "token {id} is over; create a new one"
            )));
        }
        self.may_issue_for(&working, caller, &old.principal)?;
        let mut expires = self.end_of(&working, caller, &old.principal, wanted.ttl_seconds)?;
        if old.sign_in.is_some() || old.workload.is_some() {
            expires = expires.min(old.expires);
        }
        let new = Wanted {
            principal: old.principal.clone(),
            purpose: old.purpose,
            name: old.name.clone(),
            networks: old.networks.clone(),
            sign_in: old.sign_in.clone(),
            workload: old.workload.clone(),
            audience: old.audience.clone(),
            creator: caller.id().clone(),
            expires,
        };
        let mut changes = Changes::default();
        let created = self.issue(&working, caller.id(), new, now, &mut changes)?;
        let end = now
            .plus_seconds(i64::from(wanted.overlap_seconds))
            .min(old.expires);
        let detail = format!("by {}, ends at {}", created.id, end.0);
        self.record(caller.id(), "token.rotate", id, detail)?;
        changes.tokens.push(TokenRow {
            expires: end,
            ..old
        });
        self.take(&mut working, changes).await?;
        Ok(created)
    }

    /// Everybody's tokens for administrators, one's own and one's agents' for others; newest first.
    pub(crate) async fn list_tokens(&self, caller: &Caller) -> Vec<TokenInfo> {
        let working = self.0.working.lock().await;
        let (now, used) = (self.now(), self.0.used.lock().clone());
        let seen = working
            .tokens
            .values()
            .filter(|t| is_visible(&working, caller, t, now));
        let mut list: Vec<TokenInfo> = seen
            .map(|t| TokenInfo {
                last_used: used.get(&t.id).copied().or(t.last_used),
                ..token_info(t, now)
            })
            .collect();
        list.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        list
    }

    fn visible_token<'w>(
        &self,
        working: &'w Working,
        caller: &Caller,
        id: &TokenId,
    ) -> Result<&'w TokenRow, ControlError> {
        let found = working.tokens.get(id);
        found
            .filter(|t| is_visible(working, caller, t, self.now()))
            .ok_or_else(|| ControlError::NotFound(format!("there is no token {id}")))
    }

    /// Revokes a token: one's own or one's agents', or anybody's for administrators.
    pub(crate) async fn revoke_token(
        &self,
        caller: &Caller,
        id: &TokenId,
    ) -> Result<TokenInfo, ControlError> {
        let (mut working, caller) = self.turn(caller).await?;
        let caller = &caller;
        let row = self.visible_token(&working, caller, id)?.clone();
        if row.revoked.is_none() {
            let mut changes = Changes::default();
            self.revoke(&working, caller.id(), &row, &mut changes)?;
            self.take(&mut working, changes).await?;
        }
        Ok(token_info(
            self.visible_token(&working, caller, id)?,
            self.now(),
        ))
    }

    /// Records the end of a token and adds it to what is to be kept, with the requests that were made with it.
    pub(super) fn revoke(
        &self,
        working: &Working,
        actor: &PrincipalId,
        row: &TokenRow,
        changes: &mut Changes,
    ) -> Result<(), ControlError> {
        self.record(actor, "token.revoke", &row.id, "")?;
        changes
            .approvals
            .extend(hold::requests_with(working, row.id.as_str()));
        changes.tokens.push(TokenRow {
            revoked: Some(self.now()),
            ..row.clone()
        });
        Ok(())
    }
}

fn only_admins() -> ControlError {
    let why = "only administrators create tokens for others".to_owned();
    ControlError::Forbidden(why, Some(format!("the group is {ADMINS:?}")))
}

/// Whether a caller is the person who answers for an agent.
fn owns(working: &Working, caller: &Caller, agent: &PrincipalId, now: Timestamp) -> bool {
    let a_person = |p: &Principal| p.id.kind == PrincipalKind::User;
    agent.kind == PrincipalKind::Agent
        && a_person(&caller.principal)
        && working
            .roster
            .known(now)
            .get(agent)
            .is_some_and(|known| known.owner.as_ref() == Some(caller.id()))
}

fn is_visible(working: &Working, caller: &Caller, token: &TokenRow, now: Timestamp) -> bool {
    caller.is_admin()
        || token.principal == *caller.id()
        || owns(working, caller, &token.principal, now)
}

type Inherited = (Vec<Network>, Option<SignInId>, Option<Arc<Workload>>);

/// What a token has from the one that it was asked for with: it may be used from where that may, it ends with that
/// one's sign-in, and it opens no more than that one's workload does.
fn inherited(
    working: &Working,
    caller: &Caller,
    wanted: &CreateToken,
) -> Result<Inherited, ControlError> {
    if wanted.networks.len() > MAX_NETWORKS {
        let what = format!("expected at most {MAX_NETWORKS} ranges of addresses");
        return Err(ControlError::Invalid(
            what,
            "widen them, or create several tokens",
        ));
    }
    let parent = caller
        .credential
        .token()
        .and_then(|id| working.tokens.get(id));
    let bound = parent.map(|p| p.networks.clone()).unwrap_or_default();
    if !bound.is_empty() && !wanted.networks.is_empty() && wanted.networks != bound {
        let why =
            "your own token is bound to addresses, and one that you make is bound to the same";
        return Err(ControlError::Forbidden(why.to_owned(), None));
    }
    let networks = match bound.is_empty() {
        true => wanted.networks.clone(),
        false => bound,
    };
    if caller.is_admin() && wanted.principal != *caller.id() {
        return Ok((wanted.networks.clone(), None, None));
    }
    let own = wanted.principal == *caller.id();
    let sign_in = parent.filter(|_| own).and_then(|p| p.sign_in.clone());
    let workload = match &caller.credential {
        sluice_model::Credential::Workload(workload) => Some(Arc::clone(workload)),
        _ => parent.and_then(|p| p.workload.clone()),
    };
    Ok((networks, sign_in, workload))
}

fn check_name(name: Option<String>) -> Result<Option<String>, ControlError> {
    match &name {
        Some(n) if n.len() > MAX_TOKEN_NAME || n.chars().any(char::is_control) => {
            let what = format!(
                "expected a name of at most {MAX_TOKEN_NAME} bytes without control characters"
            );
            Err(ControlError::Invalid(
                what,
                "the name says what the token is for",
            ))
        }
        _ => Ok(name),
    }
}

fn new_token(wanted: Wanted, created: Timestamp) -> Result<(TokenRow, String), ControlError> {
    let secret = tokens::mint().map_err(|_| ControlError::Unavailable)?;
    let hash = tokens::hash(secret.expose()).ok_or(ControlError::Unavailable)?;
    let bits = crate::keys::random::<16>().map_err(|_| ControlError::Unavailable)?;
    let id = TokenId::from_bits(u128::from_be_bytes(*bits) & ((1 << 60) - 1));
    let row = TokenRow {
        id,
        name: wanted.name,
        principal: wanted.principal,
        purpose: wanted.purpose,
        hash,
        networks: wanted.networks,
        sign_in: wanted.sign_in,
        workload: wanted.workload,
        audience: wanted.audience,
        creator: Some(wanted.creator),
        created,
        expires: wanted.expires,
        last_used: None,
        revoked: None,
    };
    Ok((row, secret.expose().to_owned()))
}

pub(super) fn token_info(t: &TokenRow, now: Timestamp) -> TokenInfo {
    TokenInfo {
        id: t.id.clone(),
        name: t.name.clone(),
        principal: t.principal.clone(),
        purpose: t.purpose.to_string(),
        networks: t.networks.clone(),
        creator: t.creator.clone(),
        created: t.created,
        expires: t.expires,
        last_used: t.last_used,
        revoked: t.revoked,
        valid: t.is_valid(now),
    }
}
