//! Recorded operations, decided again under resources that are only thought of.

use super::judge::{DEADLINE, Turn, off_the_threads};
use super::{Caller, Control};
use crate::api::types::{Difference, DryRun, DryRunRequest, OperationInfo};
use crate::error::ControlError;
use crate::index::{Filter, is_cut};
use crate::ports::{CannotJudge, Explainer, JudgeRequest};
use sluice_model::{Decision, PrincipalId};
use sluice_policy::Snapshot;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// Operations that are decided again at most: some days of a busy connection.
const MAX_OPERATIONS: u32 = 5_000;
/// What two snapshots decide about one text.
type Both = Result<(Decision, Decision), CannotJudge>;
/// One text of one principal somewhere: it is decided once.
type Key = (PrincipalId, String, String, String, String);

impl Control {
    /// Decides recorded operations again.
    pub(crate) async fn dry_run(
        &self,
        caller: &Caller,
        from: IpAddr,
        (explainer, turn): (Arc<dyn Explainer>, Turn),
        request: DryRunRequest,
    ) -> Result<DryRun, ControlError> {
        let limit = request.limit;
        if !(1..=MAX_OPERATIONS).contains(&limit) {
            let what = format!("expected a limit of 1 to {MAX_OPERATIONS} operations, got {limit}");
            return Err(ControlError::Invalid(
                what,
                "ask for fewer, or narrow what is asked for",
            ));
        }
        let found = self.candidate(caller, &request.files, &request.delete);
        let (candidate, caller) = found.await?;
        let of = request.principal.as_ref().map(ToString::to_string);
        let on = request.connection.clone();
        let wanted = Filter {
            connection: request.connection,
            principal: request.principal.map(|id| id.to_string()),
            from: request.from,
            ..Filter::default()
        };
        self.freshen().await;
        let scope = self.watched(&caller, from);
        let found = self
            .index()
            .operations(&wanted, &scope, None, limit as usize)
            .await?;
        let operations = found.items;
        let names = request.files.iter().map(|file| file.name.clone());
        let gone = request.delete.iter();
        let gone = gone.map(|gone| format!("-{} {}", gone.kind, gone.name));
        let names: Vec<String> = names.chain(gone).take(MAX_NAMED).collect();
        let detail = format!(
            "{} operations of {} on {} with {}",
            operations.len(),
            of.as_deref().unwrap_or("everybody"),
            on.as_deref().unwrap_or("every connection"),
            names.join(", ")
        );
        self.record(caller.id(), "policy.dry-run", "policies", detail)?;
        let snapshots = [self.snapshot(), candidate.snapshot];
        let work = async move {
            let done = decide_again(explainer.as_ref(), &snapshots, operations).await;
            drop(turn);
            done
        };
        off_the_threads(work).await
    }
}

/// Files and resources that the log names of one dry run: it has a limit of its own for an entry.
const MAX_NAMED: usize = 100;

/// Decides operations under both snapshots, for as long as there is time.
pub(super) async fn decide_again(
    explainer: &dyn Explainer,
    snapshots: &[Arc<Snapshot>; 2],
    operations: Vec<OperationInfo>,
) -> DryRun {
    let deadline = Instant::now() + DEADLINE;
    let mut known: HashMap<Key, Both> = HashMap::new();
    let mut unreachable = HashSet::new();
    let mut done = DryRun {
        decided: 0,
        left_out: 0,
        incomplete: false,
        differences: Vec::new(),
    };
    for operation in operations {
        let place = (
            operation.connection.clone(),
            operation.account.clone(),
            operation.database.clone(),
        );
        if !is_known(&snapshots[0], &operation) || unreachable.contains(&place) {
            done.left_out += 1;
            continue;
        }
        let key = key_of(&operation);
        let both = match known.get(&key) {
            Some(both) => both.clone(),
            None => {
                let judged = judge(explainer, snapshots, &operation);
                let Ok(both) = timeout_at(deadline, judged).await else {
                    done.incomplete = true;
                    return done;
                };
                known.insert(key, both.clone());
                both
            }
        };
        match both {
            Ok((before, after)) => {
                done.decided += 1;
                if differ(&before, &after) {
                    done.differences.push(Difference {
                        operation,
                        before,
                        after,
                    });
                }
            }
            Err(why) => {
                done.left_out += 1;
                if matches!(why, CannotJudge::Target(_)) {
                    unreachable.insert(place);
                }
            }
        }
    }
    done
}

/// Whether it can be decided again as it was: all of its text is there, and so are its principal and its connection.
fn is_known(snapshot: &Snapshot, operation: &OperationInfo) -> bool {
    let connection = snapshot.connection(&operation.connection);
    let account =
        connection.is_some_and(|c| c.accounts.iter().any(|a| a.name == operation.account));
    !is_cut(&operation.text) && account && snapshot.principal(&operation.principal).is_some()
}

fn key_of(operation: &OperationInfo) -> Key {
    (
        operation.principal.clone(),
        operation.connection.clone(),
        operation.account.clone(),
        operation.database.clone(),
        operation.text.clone(),
    )
}

async fn judge(
    explainer: &dyn Explainer,
    snapshots: &[Arc<Snapshot>; 2],
    operation: &OperationInfo,
) -> Both {
    let database = Some(&operation.database).filter(|database| !database.is_empty());
    let asked = JudgeRequest {
        principal: operation.principal.clone(),
        connection: operation.connection.clone(),
        account: Some(operation.account.clone()),
        database: database.cloned(),
        text: operation.text.clone(),
        recorded: true,
    };
    let mut judged = explainer.judge(snapshots, &asked).await.into_iter();
    let nothing = || Err(CannotJudge::Text("nothing was decided".to_owned()));
    let mut next = || judged.next().unwrap_or_else(nothing);
    Ok((next()?, next()?))
}

/// Whether an operation comes to something else, by whichever policies.
fn differ(before: &Decision, after: &Decision) -> bool {
    match (before, after) {
        (Decision::Allow(_), Decision::Allow(_)) | (Decision::Deny(_), Decision::Deny(_)) => false,
        (Decision::Ask(before), Decision::Ask(after)) => {
            (&before.group_sets, before.people) != (&after.group_sets, after.people)
        }
        _ => true,
    }
}
