//! Trying resources out before they are in force: the snapshot that they would make, and policy tests under it.

use super::apply::changed;
use super::{Caller, Control, Working, local_admin, standing};
use crate::api::types::{
    PolicyTestReport, PolicyTestRequest, PolicyTestResult, ResourceRef, SourceFile,
};
use crate::error::ControlError;
use crate::identity::roster::Roster;
use crate::ports::{CannotJudge, Explainer, JudgeRequest};
use crate::problems::did_you_mean;
use crate::resources::{Expected, PolicyTest, ResourceSet};
use sluice_model::{Decision, Timestamp};
use sluice_policy::{Snapshot, Standing};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

/// How long deciding may take altogether: as long as somebody waits for an answer in a browser, and shorter than the
/// route has.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// What is decided: one thing at a time for the whole gateway, until this is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// Resources that are only thought of.
pub(super) struct Candidate {
    pub(super) set: ResourceSet,
    /// With everybody as they would stand.
    pub(super) snapshot: Arc<Snapshot>,
}

impl Control {
    /// What the resources would be with these files, and without these resources.
    ///
    /// # Errors
    /// Everything that is wrong with them, as an apply would say.
    pub(super) async fn candidate(
        &self,
        caller: &Caller,
        files: &[SourceFile],
        delete: &[ResourceRef],
    ) -> Result<(Candidate, Caller), ControlError> {
        let sent = self.parsed(files)?;
        let (working, caller) = self.admins_turn(caller).await?;
        if working.cut_off {
            return Err(ControlError::Unavailable);
        }
        let set = changed(&working, working.resources.clone(), sent, delete)?;
        let standing = standing_with(&working, &set, self.now());
        let version = working.version;
        drop(working);
        let snapshot = self.built(&set).await?;
        let snapshot = Arc::new(snapshot.with_standing(version, standing));
        Ok((Candidate { set, snapshot }, caller))
    }

    /// Runs the policy tests.
    pub(crate) async fn test_policies(
        &self,
        caller: &Caller,
        (explainer, turn): (Arc<dyn Explainer>, Turn),
        request: PolicyTestRequest,
    ) -> Result<PolicyTestReport, ControlError> {
        let found = self.candidate(caller, &request.files, &request.delete);
        let (candidate, caller) = found.await?;
        let tests = candidate.set.policy_tests();
        // A target may be asked what exists there, and it hears nothing unrecorded.
        let detail = format!("{} tests", tests.len());
        self.record(caller.id(), "policy.test", "policies", detail)?;
        let work = async move {
            let deadline = Instant::now() + DEADLINE;
            let mut results = Vec::with_capacity(tests.len());
            for test in &tests {
                let run = run(explainer.as_ref(), &candidate.snapshot, test);
                let outcome = timeout_at(deadline, run).await;
                let late = |_| Err("the time was up before it was decided".to_owned());
                results.push(result(test, outcome.unwrap_or_else(late)));
            }
            drop(turn);
            PolicyTestReport { tests: results }
        };
        off_the_threads(work).await
    }
}

/// Works something out off the threads that serve: reading statements takes the time of a processor.
pub(super) async fn off_the_threads<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ControlError> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    done.map_err(|_| ControlError::Unavailable)
}

/// Everybody as they would stand under other resources.
fn standing_with(working: &Working, set: &ResourceSet, now: Timestamp) -> Standing {
    let roster = Roster {
        declared: set.principals(),
        provisioning: set.provisioning(),
        ..working.roster.clone()
    };
    let mut principals = roster.standing(now);
    principals.push(local_admin());
    Standing {
        principals,
        ..standing(working, now)
    }
}

/// What is decided about the operation of a test; in words why nothing can be.
async fn run(
    explainer: &dyn Explainer,
    snapshot: &Arc<Snapshot>,
    test: &PolicyTest,
) -> Result<Decision, String> {
    if snapshot.principal(&test.principal).is_none() {
        let who = &test.principal;
        return Err(format!("there is no principal {who} that is switched on"));
    }
    if snapshot.connection(&test.connection).is_none() {
        let names = snapshot.connections().map(|c| c.name.as_str());
        let help = did_you_mean(&test.connection, names);
        let help = help.map_or_else(String::new, |help| format!(" ({help})"));
        let name = &test.connection;
        return Err(format!("there is no connection {name:?}{help}"));
    }
    let asked = JudgeRequest {
        principal: test.principal.clone(),
        connection: test.connection.clone(),
        account: test.account.clone(),
        database: test.database.clone(),
        text: test.operation.clone(),
        recorded: false,
    };
    let snapshots = [Arc::clone(snapshot)];
    let mut judged = explainer.judge(&snapshots, &asked).await.into_iter();
    let nothing = || Err(CannotJudge::Text("nothing was decided".to_owned()));
    judged
        .next()
        .unwrap_or_else(nothing)
        .map_err(|why| why.to_string())
}

/// The policies that a decision names.
pub(super) fn policies_of(decision: &Decision) -> &[String] {
    match decision {
        Decision::Allow(allowed) => &allowed.policies,
        Decision::Ask(ask) => &ask.policies,
        Decision::Deny(denial) => denial.policy.as_slice(),
    }
}

fn result(test: &PolicyTest, outcome: Result<Decision, String>) -> PolicyTestResult {
    let (decision, message) = match outcome {
        Err(why) => (None, Some(why)),
        Ok(decision) => {
            let message = missed(test, &decision);
            (Some(decision), message)
        }
    };
    PolicyTestResult {
        name: test.name.clone(),
        ok: message.is_none(),
        expected: test.expect.name().to_owned(),
        decision,
        message,
    }
}

/// What a decision is not that the test expects; `None` where it is all of it.
fn missed(test: &PolicyTest, decision: &Decision) -> Option<String> {
    let got = match decision {
        Decision::Allow(_) => Expected::Allow,
        Decision::Ask(_) => Expected::Ask,
        Decision::Deny(_) => Expected::Deny,
    };
    if got != test.expect {
        return Some(format!(
            "expected {}, and it comes to {}",
            test.expect.name(),
            got.name()
        ));
    }
    let wanted = test.policy.as_ref()?;
    let policies = policies_of(decision);
    match policies {
        _ if policies.contains(wanted) => None,
        [] => Some(format!(
            "expected policy {wanted:?} to decide, and no policy speaks of it"
        )),
        others => Some(format!(
            "expected policy {wanted:?} to decide, and {} does",
            others.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, Denial};

    #[test]
    fn a_test_tells_what_it_missed() {
        let test = |expect: &str, policy: Option<&str>| -> PolicyTest {
            let body = serde_json::json!({
                "name": "t", "principal": "user:ada", "connection": "shop", "operation": "x", "expect": expect,
                "policy": policy,
            });
            serde_json::from_value(body).unwrap()
        };
        let allow = Decision::Allow(Allowed {
            policies: vec!["reads".to_owned(), "staff".to_owned()],
        });
        let unspoken = Decision::Deny(Denial {
            policy: None,
            message: String::new(),
        });
        for (test, decision, expected) in [
            (test("allow", None), &allow, None),
            (test("allow", Some("reads")), &allow, None),
            (
                test("allow", Some("writes")),
                &allow,
                Some("reads, staff does"),
            ),
            (test("ask", None), &allow, Some("comes to allow")),
            (test("deny", None), &unspoken, None),
            (
                test("deny", Some("writes")),
                &unspoken,
                Some("no policy speaks of it"),
            ),
        ] {
            let got = missed(&test, decision);
            match (&got, expected) {
                (None, None) => {}
                (Some(got), Some(expected)) => assert!(got.contains(expected), "{got}"),
                _ => panic!("{got:?} instead of {expected:?}"),
            }
        }
        let late = result(&test("allow", None), Err("late".to_owned()));
        assert!(!late.ok && late.decision.is_none() && late.message.is_some());
    }
}
