//! The blast radius of a statement that waits for approval: the planner's row estimate, asked for on a
//! connection of its own that can only read.

use super::Shared;
use super::analyst::Analyst;
use super::catalog::ask;
use super::expect::Admitted;
use sluice_model::SessionContext;
use std::time::Duration;
use tokio::time::timeout;

/// How long a request for approval waits for the estimate. Planning takes milliseconds; a target that is slow
/// to log in to must not keep the request from being made.
const PATIENCE: Duration = Duration::from_millis(800);

/// The rows that the planner expects a statement to touch, where it can tell.
pub async fn rows(
    shared: &Shared,
    context: &SessionContext,
    analyst: &Analyst,
    held: &Admitted,
) -> Option<i64> {
    let kind = held.analysis.get()?.kind;
    if !matches!(kind, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE")
        || !held.parameters.is_empty()
    {
        return None;
    }
    timeout(PATIENCE, explain(shared, context, analyst, &held.text))
        .await
        .ok()
        .flatten()
}

async fn explain(
    shared: &Shared,
    context: &SessionContext,
    analyst: &Analyst,
    text: &str,
) -> Option<i64> {
    let mut session = shared
        .catalogs
        .own_session(&context.connection, &context.account, &context.database)
        .await
        .ok()?;
    if let Some(path) = analyst.search_path_sql() {
        ask(&mut session, &path, |_| Some(())).await.ok()?;
    }
    let mut plan = String::new();
    ask(
        &mut session,
        &format!("EXPLAIN (FORMAT JSON) {text}"),
        |row| {
            plan.push_str(row.first()?.as_deref()?);
            Some(())
        },
    )
    .await
    .ok()?;
    let _ = session.side.finish().await;
    let plan: serde_json::Value = serde_json::from_str(&plan).ok()?;
    let top = plan.get(0)?.get("Plan")?;
    // A statement that changes rows says 0 itself; the rows are those of the plan below it.
    let changed = top
        .get("Plans")
        .and_then(|plans| plans.get(0))
        .filter(|_| top.get("Node Type").is_some_and(|t| t == "ModifyTable"));
    changed.unwrap_or(top).get("Plan Rows")?.as_i64()
}
