//! Somebody leaves: everything that hangs from them is shown, and ended in one step.

use super::issue::token_info;
use super::principals::sign_in_info;
use super::{Caller, Control, Working, local_admin};
use crate::api::types::{Leftovers, OffboardRequest};
use crate::error::ControlError;
use crate::identity::roster::Known;
use crate::ports::LiveSessions;
use crate::store::Changes;
use crate::tokens::TokenRow;
use sluice_model::{PrincipalId, PrincipalKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a person answers for.
struct Estate {
    agents: Vec<PrincipalId>,
    services: Vec<PrincipalId>,
    /// Themselves and all of these.
    everybody: BTreeSet<PrincipalId>,
}

impl Estate {
    fn of(person: &PrincipalId, known: &BTreeMap<PrincipalId, Known>) -> Self {
        let owned = |kind: PrincipalKind| -> Vec<PrincipalId> {
            let of_kind = known.iter().filter(|(id, _)| id.kind == kind);
            of_kind
                .filter(|(_, known)| known.owner.as_ref() == Some(person))
                .map(|(id, _)| id.clone())
                .collect()
        };
        let (agents, services) = (owned(PrincipalKind::Agent), owned(PrincipalKind::Service));
        let all = agents.iter().chain(&services).chain([person]);
        let everybody = all.cloned().collect();
        Self {
            agents,
            services,
            everybody,
        }
    }

    /// Tokens of theirs, and those that the person made for others.
    fn holds(&self, person: &PrincipalId, token: &TokenRow) -> bool {
        self.everybody.contains(&token.principal) || token.creator.as_ref() == Some(person)
    }
}

impl Control {
    /// Shows everything that hangs from a person, and ends it unless that is a dry run.
    pub(crate) async fn offboard(
        &self,
        caller: &Caller,
        person: &PrincipalId,
        request: OffboardRequest,
        sessions: &dyn LiveSessions,
    ) -> Result<Leftovers, ControlError> {
        let (mut working, caller) = self.admins_turn(caller).await?;
        let caller = &caller;
        let known = working.roster.known(self.now());
        if person.kind != PrincipalKind::User || *person == local_admin().id {
            let what = format!("expected a person such as user:ada, got {person}");
            let hint =
                "switch services off with `sluice disable`, end agents with `sluice agents end`";
            return Err(ControlError::Invalid(what, hint));
        }
        let holds = |t: &TokenRow| t.principal == *person || t.creator.as_ref() == Some(person);
        let lives_on = working.tokens.values().any(holds)
            || known.values().any(|k| k.owner.as_ref() == Some(person));
        if !known.contains_key(person) && !lives_on {
            return Err(ControlError::NotFound(format!(
                "there is no principal {person}"
            )));
        }
        let estate = Estate::of(person, &known);
        let mut left = self.leftovers(&working, caller, person, &estate, sessions);
        if request.dry_run {
            return Ok(left);
        }
        let mut changes = Changes::default();
        let actor = caller.id();
        let why = request.reason.clone().unwrap_or_default();
        self.record(actor, "principal.offboard", person, why)?;
        // Who is nobody any more is not switched off: it would meet the next of that name.
        let off = [person].into_iter().filter(|id| known.contains_key(*id));
        let off = off.chain(&estate.services);
        for id in off.filter(|id| !working.roster.disabled.contains(*id)) {
            self.switch_off(&working, actor, id, request.reason.clone(), &mut changes)?;
        }
        for agent in &estate.agents {
            if let Some(found) = known.get(agent) {
                self.end_one_agent(&working, actor, agent, found, &mut changes)?;
            }
        }
        let done: BTreeSet<_> = changes.tokens.iter().map(|t| t.id.clone()).collect();
        let rest = working
            .tokens
            .values()
            .filter(|t| t.is_valid(self.now()) && estate.holds(person, t) && !done.contains(&t.id));
        for row in rest {
            self.revoke(&working, actor, row, &mut changes)?;
        }
        self.take(&mut working, changes).await?;
        left.ended = true;
        Ok(left)
    }

    fn leftovers(
        &self,
        working: &Working,
        caller: &Caller,
        person: &PrincipalId,
        estate: &Estate,
        sessions: &dyn LiveSessions,
    ) -> Leftovers {
        let now = self.now();
        let tokens = working.tokens.values();
        let tokens = tokens.filter(|t| t.is_valid(now) && estate.holds(person, t));
        let sign_ins = working.sign_ins.values();
        let sign_ins = sign_ins.filter(|s| s.is_live(now) && s.principal == *person);
        let requests = working.approvals.values();
        let requests = requests.filter(|a| !a.is_over() && estate.everybody.contains(&a.principal));
        let live = sessions.list().into_iter();
        Leftovers {
            principal: person.clone(),
            ended: false,
            tokens: tokens.map(|t| token_info(t, now)).collect(),
            agents: estate.agents.clone(),
            services: estate.services.clone(),
            sign_ins: sign_ins.map(sign_in_info).collect(),
            requests: requests
                .map(|a| self.info(working, a, &caller.principal))
                .collect(),
            sessions: live
                .filter(|s| estate.everybody.contains(&s.principal))
                .collect(),
        }
    }
}
