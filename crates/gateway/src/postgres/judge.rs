//! What snapshots decide about a text. It is read once, against what exists on the target as it is connected to now.

use super::Shared;
use super::analyst::{Analysis, Analyst};
use super::catalog::Age;
use super::estimate::ESTIMATED_ROWS;
use super::names::{Names, StatementRef};
use crate::clock;
use crate::judging::{CannotJudge, JudgeRequest, Judged, worst};
use sluice_model::{ApprovalFacts, Decision, Denial, SessionContext};
use sluice_policy::{SessionView, Snapshot};
use sluice_protocol::sql::ReadOptions;
use std::sync::Arc;

/// What each snapshot decides.
pub async fn judge(
    shared: &Arc<Shared>,
    snapshots: &[Arc<Snapshot>],
    asked: &JudgeRequest,
) -> Judged {
    let mut understood = None;
    let mut judged = Vec::with_capacity(snapshots.len());
    for snapshot in snapshots {
        let database = database_of(asked, snapshot);
        let (context, view) = match asked.session(snapshot, &database) {
            Ok(session) => session,
            Err(denial) => {
                judged.push(Ok(Decision::Deny(denial)));
                continue;
            }
        };
        if let Some(decision) = asked.before_reading(&view) {
            judged.push(Ok(decision));
            continue;
        }
        if understood.is_none() {
            understood = Some(understand(shared, asked).await);
        }
        judged.push(match &understood {
            Some(Ok(statements)) => decide(statements, &context, &view),
            Some(Err(why)) => Err(why.clone()),
            None => Err(CannotJudge::text("it was not read")),
        });
    }
    judged
}

/// The database that is meant. Where there is none, no session could be opened either, and that is decided first.
fn database_of(asked: &JudgeRequest, snapshot: &Snapshot) -> String {
    let usual = || {
        let connection = snapshot.connection(&asked.connection)?;
        connection.target.database.clone()
    };
    asked.database.clone().or_else(usual).unwrap_or_default()
}

/// The statements of a text, with what each needs. Names are looked up on the target of the connection that is in
/// force: one that is only thought of is not connected to.
async fn understand(
    shared: &Arc<Shared>,
    asked: &JudgeRequest,
) -> Result<Vec<(Arc<str>, Arc<Analysis>)>, CannotJudge> {
    let snapshot = Arc::clone(&shared.port.snapshots().borrow());
    let database = database_of(asked, &snapshot);
    if database.is_empty() {
        let why = "name a database: the connection has no default one";
        return Err(CannotJudge::text(why));
    }
    let not_there = |denial: Denial| {
        CannotJudge::Text(format!(
            "what it touches is not known before the connection is in force: {}",
            denial.message
        ))
    };
    let (context, _) = asked.session(&snapshot, &database).map_err(not_there)?;
    let script = shared
        .reader
        .read(&asked.text, ReadOptions::default())
        .map_err(CannotJudge::text)?;
    let mut analyst = Analyst::new(Arc::clone(&shared.catalogs), context);
    // A name that is not found is no reason to read the catalog again: many texts are asked about at once.
    analyst.changing_catalog = true;
    let catalog = analyst.current(Age::Fresh).await;
    catalog.map_err(|error| CannotJudge::Target(error.to_string()))?;
    let names = Names::default();
    let (mut statements, mut before) = (Vec::new(), Vec::new());
    for (index, statement) in script.statements.iter().enumerate() {
        let reference = StatementRef::Sent(Arc::clone(&script), index);
        let analysis = analyst.analyse(&reference, &names, &before).await;
        let analysis = analysis.map_err(|refusal| CannotJudge::Text(refusal.message))?;
        if analysis.resolved.unresolved {
            let why = "it names something that is not there, or that only its session knows";
            return Err(CannotJudge::text(why));
        }
        statements.push((Arc::from(statement.text(&asked.text)), analysis));
        before.push(statement);
    }
    Ok(statements)
}

fn decide(
    statements: &[(Arc<str>, Arc<Analysis>)],
    context: &SessionContext,
    view: &SessionView,
) -> Result<Decision, CannotJudge> {
    let now = clock::now();
    let mut decisions = Vec::with_capacity(statements.len());
    for (text, analysis) in statements {
        let operation = match analysis.operation(text, context, view, now) {
            Ok(operation) => operation,
            Err(refusal) => {
                decisions.push(Decision::Deny(refusal.denial()));
                continue;
            }
        };
        if view.wants_fact(ESTIMATED_ROWS, &operation, now) {
            let why = "a policy reads estimated_rows, which is not known here: the planner is asked when the statement is run";
            return Err(CannotJudge::text(why));
        }
        decisions.push(view.decide(&operation, now, &ApprovalFacts::default()));
    }
    Ok(worst(decisions))
}
