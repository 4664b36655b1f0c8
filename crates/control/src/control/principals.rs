//! Principals: listing, switching off and on, agents and sign-ins.

use super::{Caller, Control, Working, hold, local_admin};
use crate::api::types::{AgentInfo, GroupInfo, PrincipalInfo, SignInInfo};
use crate::error::ControlError;
use crate::identity::roster::{Known, Source};
use crate::identity::sign_in::SignIn;
use crate::store::{Changes, Disabled};
use sluice_model::{PrincipalId, PrincipalKind, SignInId};
use std::collections::BTreeMap;

impl Control {
    /// Switches a principal off or on. Off also withdraws its requests, ends what it was granted and its sign-ins.
    pub(crate) async fn set_disabled(
        &self,
        caller: &Caller,
        principal: &PrincipalId,
        off: bool,
        reason: Option<String>,
    ) -> Result<PrincipalInfo, ControlError> {
        if *principal == local_admin().id {
            let what = "the local administrator cannot be switched off".to_owned();
            return Err(ControlError::Conflict(what));
        }
        let (mut working, caller) = self.admins_turn(caller).await?;
        let unknown = || ControlError::NotFound(format!("there is no principal {principal}"));
        if !working.roster.known(self.now()).contains_key(principal) {
            return Err(unknown());
        }
        if working.roster.disabled.contains(principal) != off {
            let mut changes = Changes::default();
            match off {
                true => self.switch_off(&working, caller.id(), principal, reason, &mut changes)?,
                false => {
                    let reason = reason.unwrap_or_default();
                    self.record(caller.id(), "principal.enable", principal, reason)?;
                    changes.enabled.push(principal.clone());
                }
            }
            self.take(&mut working, changes).await?;
        }
        let found = self.principals(&working).into_iter();
        let mut found = found.filter(|p| p.principal == *principal);
        found.next().ok_or_else(unknown)
    }

    /// Records that a principal is switched off and adds it, and what goes with it, to what is to be kept.
    pub(super) fn switch_off(
        &self,
        working: &Working,
        actor: &PrincipalId,
        principal: &PrincipalId,
        reason: Option<String>,
        changes: &mut Changes,
    ) -> Result<(), ControlError> {
        self.record(
            actor,
            "principal.disable",
            principal,
            reason.unwrap_or_default(),
        )?;
        changes
            .approvals
            .extend(hold::requests_of(working, principal));
        changes.disabled.push(Disabled {
            principal: principal.clone(),
            at: self.now(),
            actor: actor.clone(),
        });
        let theirs = working
            .sign_ins
            .values()
            .filter(|s| s.principal == *principal);
        for sign_in in theirs {
            self.end_sign_in(working, actor, sign_in, "switched off", changes)?;
        }
        Ok(())
    }

    /// Records the end of a sign-in and adds it, with the tokens that hang from it, to what is to be kept.
    pub(super) fn end_sign_in(
        &self,
        working: &Working,
        actor: &PrincipalId,
        sign_in: &SignIn,
        why: &str,
        changes: &mut Changes,
    ) -> Result<(), ControlError> {
        let detail = format!("of {}: {why}", sign_in.principal);
        self.record(actor, "sign_in.end", &sign_in.id, detail)?;
        let hanging = working
            .tokens
            .values()
            .filter(|t| t.sign_in.as_ref() == Some(&sign_in.id) && t.revoked.is_none());
        for row in hanging {
            self.revoke(working, actor, row, changes)?;
        }
        changes.sign_ins.push(SignIn {
            ended: Some(self.now()),
            refresh_token: None,
            id_token: None,
            ..sign_in.clone()
        });
        Ok(())
    }

    /// Ends one sign-in: one's own, or anybody's for administrators.
    pub(crate) async fn sign_out(
        &self,
        caller: &Caller,
        id: &SignInId,
    ) -> Result<(), ControlError> {
        let (mut working, caller) = self.turn(caller).await?;
        let visible = |s: &&SignIn| caller.is_admin() || s.principal == *caller.id();
        let found = working.sign_ins.get(id).filter(visible).cloned();
        let sign_in =
            found.ok_or_else(|| ControlError::NotFound(format!("there is no sign-in {id}")))?;
        let mut changes = Changes::default();
        self.end_sign_in(&working, caller.id(), &sign_in, "signed out", &mut changes)?;
        self.take(&mut working, changes).await
    }

    /// Everybody's sign-ins for administrators, one's own for others; newest first.
    pub(crate) async fn list_sign_ins(&self, caller: &Caller) -> Vec<SignInInfo> {
        let working = self.0.working.lock().await;
        let now = self.now();
        let seen = working
            .sign_ins
            .values()
            .filter(|s| s.is_live(now) && (caller.is_admin() || s.principal == *caller.id()));
        let mut list: Vec<SignInInfo> = seen.map(sign_in_info).collect();
        list.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        list
    }

    /// Everybody who is known, and the local administrator.
    pub(crate) async fn list_principals(&self) -> Vec<PrincipalInfo> {
        self.principals(&*self.0.working.lock().await)
    }

    /// The groups that somebody is in.
    pub(crate) async fn list_groups(&self) -> Vec<GroupInfo> {
        let mut groups: BTreeMap<String, Vec<PrincipalId>> = BTreeMap::new();
        for one in self.list_principals().await {
            for group in one.groups {
                groups.entry(group).or_default().push(one.principal.clone());
            }
        }
        let info = |(name, members)| GroupInfo { name, members };
        groups.into_iter().map(info).collect()
    }

    fn principals(&self, working: &Working) -> Vec<PrincipalInfo> {
        let known = working.roster.known(self.now()).into_iter();
        let mut list: Vec<PrincipalInfo> = known.map(principal_info).collect();
        let admin = local_admin();
        list.push(PrincipalInfo {
            principal: admin.id,
            groups: admin.groups,
            owner: None,
            source: "local".to_owned(),
            disabled: false,
        });
        list.sort_by(|a, b| a.principal.cmp(&b.principal));
        list
    }

    /// Everybody's agents for administrators, one's own for others.
    pub(crate) async fn list_agents(&self, caller: &Caller) -> Vec<AgentInfo> {
        let working = self.0.working.lock().await;
        let now = self.now();
        let known = working.roster.known(now);
        let is_on = |id: &PrincipalId| known.get(id).is_some_and(|k| !k.off);
        let mut list = Vec::new();
        for (id, found) in known
            .iter()
            .filter(|(id, _)| id.kind == PrincipalKind::Agent)
        {
            let Some(owner) = &found.owner else { continue };
            if !caller.is_admin() && owner != caller.id() {
                continue;
            }
            let tokens = working.tokens.values();
            list.push(AgentInfo {
                agent: id.clone(),
                owner: owner.clone(),
                groups: found.groups.clone(),
                tokens: tokens
                    .filter(|t| t.principal == *id && t.is_valid(now))
                    .count(),
                on: is_on(id) && is_on(owner),
            });
        }
        list
    }

    /// Ends an agent for good: one's own, or anybody's for administrators. One that a file declares is switched off.
    pub(crate) async fn end_agent(
        &self,
        caller: &Caller,
        agent: &PrincipalId,
    ) -> Result<(), ControlError> {
        let (mut working, caller) = self.turn(caller).await?;
        let known = working.roster.known(self.now());
        let found = known
            .get(agent)
            .filter(|_| agent.kind == PrincipalKind::Agent);
        let theirs = |k: &&Known| caller.is_admin() || k.owner.as_ref() == Some(caller.id());
        let found = found
            .filter(theirs)
            .ok_or_else(|| ControlError::NotFound(format!("there is no {agent}")))?;
        let mut changes = Changes::default();
        self.end_one_agent(&working, caller.id(), agent, found, &mut changes)?;
        self.take(&mut working, changes).await
    }

    /// Records the end of an agent and adds it to what is to be kept.
    pub(super) fn end_one_agent(
        &self,
        working: &Working,
        actor: &PrincipalId,
        agent: &PrincipalId,
        known: &Known,
        changes: &mut Changes,
    ) -> Result<(), ControlError> {
        let tokens = working.tokens.values();
        for row in tokens.filter(|t| t.principal == *agent && t.revoked.is_none()) {
            self.revoke(working, actor, row, changes)?;
        }
        if known.source != Source::Owner {
            return self.switch_off(working, actor, agent, None, changes);
        }
        self.record(actor, "agent.end", agent, "")?;
        changes.approvals.extend(hold::requests_of(working, agent));
        changes.agents_gone.push(agent.name.clone());
        Ok(())
    }
}

pub(super) fn sign_in_info(s: &SignIn) -> SignInInfo {
    SignInInfo {
        id: s.id.to_string(),
        principal: s.principal.clone(),
        provider: s.provider.clone(),
        address: s.address.clone(),
        application: s.application.clone(),
        created: s.created,
        refreshed: s.refreshed,
        ends: s.ends,
    }
}

fn principal_info((id, known): (PrincipalId, Known)) -> PrincipalInfo {
    PrincipalInfo {
        principal: id,
        groups: known.groups,
        owner: known.owner,
        source: match known.source {
            Source::Declared => "declared".to_owned(),
            Source::Provider(name) => name,
            Source::Owner => "owner".to_owned(),
        },
        disabled: known.off,
    }
}
