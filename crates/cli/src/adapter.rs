//! Joins the two planes: the control plane as the gateway asks for it, and the gateway as the control plane asks
//! for it. Only types change hands here; nothing is decided.

use serde_json::Value;
use sluice_control::api::types::{
    ExplainRequest, ExplainResponse, ExplainedAccess, ExplainedStatement, OperationCounts,
    SessionInfo, TargetHealth, TestStep,
};
use sluice_control::{
    ApprovalProgress, CannotJudge, Control, Explainer, Explaining, JudgeRequest, Judging,
    LiveSessions, Targets, Testing,
};
use sluice_gateway::{
    Authenticated, ControlPort, Entered, Gateway, HoldProgress, Live, Looked, PortError,
    PortFuture, Registry, Spent, Ticket, TriedStep,
};
use sluice_model::{
    ApprovalId, Connection, HeldOperation, Lease, OperationDigest, Principal, PrincipalId,
    SessionContext, SessionId, WaysIn,
};
use sluice_policy::{AccessExplanation, Snapshot};
use sluice_record::Log;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// The local control plane behind the gateway's port.
pub struct LocalControl(pub Control);

fn refused(error: impl ToString) -> PortError {
    PortError(error.to_string())
}

impl ControlPort for LocalControl {
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshots()
    }

    fn ready(&self) -> Result<(), PortError> {
        let health = self.0.health();
        let health = health.borrow();
        if health.is_ready() {
            return Ok(());
        }
        Err(PortError(format!(
            "the gateway takes no new sessions now: {}; try again shortly",
            health.failing().join(", ")
        )))
    }

    fn authenticate<'a>(
        &'a self,
        secret: &'a str,
        ways: WaysIn,
        from: IpAddr,
    ) -> PortFuture<'a, Result<Authenticated, PortError>> {
        Box::pin(async move {
            let found = self.0.authenticate(secret, ways, from).await;
            let found = found.map_err(refused)?;
            Ok(Authenticated {
                principal: found.principal,
                credential: found.credential,
                expires: found.expires,
                audience: found.audience,
            })
        })
    }

    fn lease<'a>(
        &'a self,
        connection: &'a Connection,
        account: &'a str,
    ) -> PortFuture<'a, Result<Lease, PortError>> {
        Box::pin(async move {
            let lease = self.0.lease(connection, account).await;
            lease.map_err(refused)
        })
    }

    fn description<'a>(&'a self, file: &'a str) -> PortFuture<'a, Result<Value, PortError>> {
        Box::pin(async move { self.0.description(file).await.map_err(PortError) })
    }

    fn identity(&self, context: &SessionContext, audience: &str) -> Result<Arc<str>, PortError> {
        let token = self.0.assert_identity(context, audience);
        token.map(Into::into).map_err(refused)
    }

    fn enter<'a>(
        &'a self,
        code: &'a str,
        challenge: &'a str,
        connection: &'a str,
    ) -> PortFuture<'a, Result<Entered, PortError>> {
        Box::pin(async move {
            let entered = self.0.enter_site(code, challenge, connection).await;
            let entered = entered.map_err(refused)?;
            Ok(Entered {
                token: entered.token,
                seconds: entered.seconds,
            })
        })
    }

    fn look<'a>(
        &'a self,
        id: &'a ApprovalId,
        principal: &'a PrincipalId,
    ) -> PortFuture<'a, Option<Looked>> {
        Box::pin(async move {
            let look = self.0.look_at_approval(id, principal).await?;
            Some(Looked {
                state: look.state,
                people_given: look.people_given,
                people_needed: look.people_needed,
                expires: look.expires,
            })
        })
    }

    fn hold(&self, held: HeldOperation) -> PortFuture<'_, Result<Ticket, PortError>> {
        Box::pin(async move {
            let ticket = self.0.request_approval(held).await.map_err(refused)?;
            Ok(Ticket {
                id: ticket.id,
                url: ticket.url,
                progress: followed(ticket.progress, ticket.present),
            })
        })
    }

    fn cancel_hold<'a>(&'a self, id: &'a ApprovalId) -> PortFuture<'a, ()> {
        Box::pin(async move { self.0.cancel_approval(id).await })
    }

    fn leave_open<'a>(&'a self, id: &'a ApprovalId) -> PortFuture<'a, ()> {
        Box::pin(async move { self.0.expire_wait(id).await })
    }

    fn spend<'a>(
        &'a self,
        id: Option<&'a ApprovalId>,
        digest: OperationDigest,
        principal: &'a PrincipalId,
        connection: &'a str,
        session: &'a SessionId,
    ) -> PortFuture<'a, Result<Option<Spent>, PortError>> {
        Box::pin(async move {
            let spent = self
                .0
                .spend(id, &digest.to_hex(), principal, connection, session)
                .await
                .map_err(refused)?;
            Ok(spent.map(|spent| Spent {
                id: spent.approval,
                facts: spent.facts,
                by: spent.by,
            }))
        })
    }
}

/// What the gateway's waiting task needs to know of a request.
fn step(progress: &ApprovalProgress) -> HoldProgress {
    match progress {
        ApprovalProgress::Pending => HoldProgress::Waiting,
        ApprovalProgress::Approved { facts, by, .. } => HoldProgress::Approved {
            facts: facts.clone(),
            by: by.clone(),
        },
        ApprovalProgress::Denied { by, reason } => HoldProgress::Denied {
            by: by.clone(),
            reason: reason.clone(),
        },
        ApprovalProgress::Cancelled | ApprovalProgress::Expired => HoldProgress::Ended,
    }
}

/// Follows a request for as long as somebody waits for it, which approvers see.
fn followed(
    mut progress: watch::Receiver<ApprovalProgress>,
    present: impl Send + 'static,
) -> watch::Receiver<HoldProgress> {
    let (sender, receiver) = watch::channel(step(&progress.borrow_and_update()));
    tokio::spawn(async move {
        let _present = present;
        loop {
            let changed = tokio::select! {
                changed = progress.changed() => changed,
                () = sender.closed() => return,
            };
            let now = match changed {
                Ok(()) => step(&progress.borrow_and_update()),
                // A request that nobody answers for any more is over, unless it was decided already.
                Err(_) => match step(&progress.borrow()) {
                    HoldProgress::Waiting => HoldProgress::Ended,
                    decided => decided,
                },
            };
            sender.send_replace(now);
            if changed.is_err() {
                return;
            }
        }
    });
    receiver
}

/// The gateway's live sessions for the control plane.
pub struct GatewaySessions {
    /// Who is here.
    pub registry: Arc<Registry>,
    /// What is on record of them.
    pub log: Log,
}

impl LiveSessions for GatewaySessions {
    fn list(&self) -> Vec<SessionInfo> {
        let live = self.registry.list();
        let events = self.log.event_counts();
        let info = |live: &Arc<Live>| info(live, events.get(&live.id).copied().unwrap_or_default());
        live.iter().map(info).collect()
    }

    fn kill(&self, id: &SessionId, why: &str) -> bool {
        self.registry.end(id, why)
    }
}

fn info(live: &Live, events: u64) -> SessionInfo {
    SessionInfo {
        id: live.id.clone(),
        principal: live.principal.clone(),
        connection: live.connection.clone(),
        account: live.account.clone(),
        database: live.database.clone(),
        client_address: live.client_address.clone(),
        application: live.application.clone(),
        started: live.since,
        live: true,
        events,
        protocol: String::new(),
        ended: None,
        counts: OperationCounts::default(),
    }
}

/// The gateway's reading of statements for the control plane.
pub struct GatewayExplainer(pub Arc<Gateway>);

impl Explainer for GatewayExplainer {
    fn explain<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a ExplainRequest,
    ) -> Explaining<'a> {
        let asked = sluice_gateway::ExplainRequest {
            principal: principal.clone(),
            connection: request.connection.clone(),
            account: request.account.clone(),
            database: request.database.clone(),
            text: request.operation.clone(),
        };
        Box::pin(async move {
            let found = self
                .0
                .explain(asked)
                .await
                .map_err(|error| error.to_string())?;
            let statements = found
                .statements
                .into_iter()
                .map(|one| explained(one, &principal.id));
            Ok(ExplainResponse {
                connect: found.connect,
                statements: statements.collect(),
            })
        })
    }

    fn judge<'a>(
        &'a self,
        snapshots: &'a [Arc<Snapshot>],
        request: &'a JudgeRequest,
    ) -> Judging<'a> {
        let asked = sluice_gateway::JudgeRequest {
            principal: request.principal.clone(),
            connection: request.connection.clone(),
            account: request.account.clone(),
            database: request.database.clone(),
            text: request.text.clone(),
            recorded: request.recorded,
        };
        Box::pin(async move {
            let judged = self.0.judge(snapshots, &asked).await.into_iter();
            judged.map(|one| one.map_err(cannot)).collect()
        })
    }
}

fn cannot(why: sluice_gateway::CannotJudge) -> CannotJudge {
    match why {
        sluice_gateway::CannotJudge::Text(why) => CannotJudge::Text(why),
        sluice_gateway::CannotJudge::Target(why) => CannotJudge::Target(why),
    }
}

/// The gateway's targets for the control plane.
pub struct GatewayTargets(pub Arc<Gateway>);

impl Targets for GatewayTargets {
    fn test<'a>(&'a self, connection: &'a Connection, account: &'a str) -> Testing<'a> {
        Box::pin(async move {
            let steps = self.0.try_target(connection, account).await.into_iter();
            let step = |step: TriedStep| TestStep {
                name: step.name.to_owned(),
                ok: step.ok,
                micros: step.micros,
                detail: step.detail,
            };
            steps.map(step).collect()
        })
    }

    fn health(&self, connection: &str) -> Option<TargetHealth> {
        let health = self.0.target_health(connection)?;
        Some(TargetHealth {
            ok: health.ok,
            at: health.at,
            detail: health.detail,
        })
    }
}

fn explained(
    statement: sluice_gateway::ExplainedStatement,
    asked: &PrincipalId,
) -> ExplainedStatement {
    let accesses = statement
        .accesses
        .into_iter()
        .map(|access| explained_access(access, asked));
    ExplainedStatement {
        text: statement.text,
        decision: statement.decision,
        accesses: accesses.collect(),
        masked: statement.masked,
        notes: statement.notes,
    }
}

/// One access; its resource also says the data class, and for an agent whose right is asked about.
fn explained_access(access: AccessExplanation, asked: &PrincipalId) -> ExplainedAccess {
    let mut resource = access.resource;
    if let Some(class) = access.class {
        resource.push_str(&format!(" ({class})"));
    }
    if access.principal != *asked {
        resource.push_str(&format!(" for {}", access.principal));
    }
    ExplainedAccess {
        action: access.action,
        resource,
        decision: access.decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::ApprovalFacts;

    #[test]
    fn each_step_of_a_request_is_told_as_what_it_means() {
        let bob = PrincipalId::user("bob");
        let facts = ApprovalFacts {
            groups: ["dba".to_owned()].into(),
            people: 1,
        };
        let scope = sluice_model::ApprovalScope::Once {
            digest: String::new(),
        };
        for (progress, expected) in [
            (ApprovalProgress::Pending, HoldProgress::Waiting),
            (
                ApprovalProgress::Approved {
                    scope,
                    facts: facts.clone(),
                    by: vec![bob.clone()],
                },
                HoldProgress::Approved {
                    facts,
                    by: vec![bob.clone()],
                },
            ),
            (
                ApprovalProgress::Denied {
                    by: bob.clone(),
                    reason: Some("no".into()),
                },
                HoldProgress::Denied {
                    by: bob,
                    reason: Some("no".into()),
                },
            ),
            (ApprovalProgress::Cancelled, HoldProgress::Ended),
            (ApprovalProgress::Expired, HoldProgress::Ended),
        ] {
            assert_eq!(step(&progress), expected);
        }
    }

    #[tokio::test]
    async fn a_request_is_followed_to_its_end() {
        let (sender, receiver) = watch::channel(ApprovalProgress::Pending);
        let mut followed = followed(receiver, ());
        assert_eq!(*followed.borrow(), HoldProgress::Waiting);
        let denied = ApprovalProgress::Denied {
            by: PrincipalId::user("bob"),
            reason: None,
        };
        sender.send_replace(denied);
        let told = followed
            .wait_for(|step| *step != HoldProgress::Waiting)
            .await
            .unwrap()
            .clone();
        assert_eq!(
            told,
            HoldProgress::Denied {
                by: PrincipalId::user("bob"),
                reason: None
            }
        );
    }

    #[tokio::test]
    async fn a_request_that_nobody_answers_for_is_over() {
        let (sender, receiver) = watch::channel(ApprovalProgress::Pending);
        let mut followed = followed(receiver, ());
        drop(sender);
        let told = followed
            .wait_for(|step| *step != HoldProgress::Waiting)
            .await
            .unwrap()
            .clone();
        assert_eq!(told, HoldProgress::Ended);
    }
}
