//! How many rows a statement would touch, as the target's planner expects: for approvers, and for policies that
//! read `context.sql.estimated_rows`.
//!
//! The planner is asked with EXPLAIN (never ANALYZE) on a connection of the gateway's own that can only read, and
//! only where planning runs nothing but the server's own code. That it is asked is recorded before it is sent.
//! Where it is not asked, or does not answer in time, there is no estimate, and nothing is decided as if there were.

use super::Shared;
use super::analyst::Analysis;
use super::catalog::{CatalogError, answers};
use super::expect::{Admitted, Resume};
use super::names::Portal;
use super::session::{End, Session};
use super::target::TargetSession;
use sluice_model::{EventBody, Fact, Operation, RecordedValue, Resource, SessionContext};
use sluice_protocol::postgres::encode;
use sluice_protocol::postgres::frontend::{self, Bind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// What policies call it.
pub const ESTIMATED_ROWS: &str = "estimated_rows";
/// How long an operation waits for its estimate. Planning takes milliseconds; a target that is slow to log in to
/// must not keep a request from being made.
const PATIENCE: Duration = Duration::from_millis(800);
/// The same for the target, in milliseconds: it gives up where nobody waits any more.
const PATIENCE_OF_TARGET: &str = "800";
/// The most statements of one message that are estimated; the others have none.
const MAX_ESTIMATES: usize = 16;
/// A transaction that cannot be made to write any more once it has a snapshot, and whose end takes back every setting.
const BEGIN: &str = "BEGIN READ ONLY; SELECT 1";

/// What is known of the rows that a statement would touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Estimate {
    /// No policy wants to know.
    #[default]
    NotAsked,
    /// What the planner expects; `None` where it cannot tell.
    Asked(Option<i64>),
    /// A policy wants to know, and too many statements of the message need one: it is refused.
    TooMany,
}

impl Estimate {
    /// An operation with what is known of it.
    #[must_use]
    pub fn in_facts_of(self, mut operation: Operation) -> Operation {
        if let Self::Asked(Some(rows)) = self {
            let values = &mut operation.facts.values;
            values.insert(ESTIMATED_ROWS.to_owned(), Fact::Long(rows));
        }
        operation
    }
}

/// Asks the planner for one session.
#[derive(Debug, Default)]
pub struct Estimator {
    /// The connection and the search path that it has; kept while policies read estimates.
    open: Option<(String, TargetSession)>,
    /// Whether policies do, at that epoch.
    wanted: Option<(u64, bool)>,
}

impl Session {
    /// Estimates for each statement of a message whose decision depends on one; nothing where no policy reads it.
    pub(super) async fn estimates(
        &mut self,
        statements: &[(Arc<Analysis>, Arc<str>)],
        portal: Option<&Portal>,
        parameters: &[RecordedValue],
    ) -> Result<Vec<Estimate>, End> {
        let mut estimates = Vec::new();
        if !self.policies_read_estimates() {
            return Ok(estimates);
        }
        for (at, (analysis, text)) in statements.iter().enumerate() {
            let (view, now) = (self.pipeline.view(), crate::clock::now());
            // What cannot be an operation is refused when it is decided.
            let operation = analysis.operation(text, &self.context, view, now);
            let wants = |operation: &Operation| view.wants_fact(ESTIMATED_ROWS, operation, now);
            let estimate = if !operation.is_ok_and(|operation| wants(&operation)) {
                Estimate::NotAsked
            } else if at < MAX_ESTIMATES {
                Estimate::Asked(self.ask_planner(analysis, text, portal, parameters).await?)
            } else {
                Estimate::TooMany
            };
            estimates.push(estimate);
        }
        Ok(estimates)
    }

    fn policies_read_estimates(&mut self) -> bool {
        let epoch = self.pipeline.epoch();
        match self.estimator.wanted {
            Some((at, wanted)) if at == epoch => wanted,
            _ => {
                let wanted = self.pipeline.view().reads_fact(ESTIMATED_ROWS);
                self.estimator.wanted = Some((epoch, wanted));
                wanted
            }
        }
    }

    /// The rows that an operation would touch which humans are asked about.
    pub(super) async fn blast_radius(
        &mut self,
        batch: &[Admitted],
        resume: &Resume,
    ) -> Result<Option<i64>, End> {
        let [only] = batch else {
            return Ok(None);
        };
        if let Estimate::Asked(rows) = only.estimate {
            return Ok(rows);
        }
        let portal = match resume {
            Resume::Query(_) => None,
            Resume::Execute(_, portal) => Some(portal.as_ref()),
        };
        let (analysis, text) = (Arc::clone(&only.analysis), Arc::clone(&only.text));
        self.ask_planner(&analysis, &text, portal, &only.bound.recorded)
            .await
    }

    async fn ask_planner(
        &mut self,
        analysis: &Analysis,
        text: &str,
        portal: Option<&Portal>,
        parameters: &[RecordedValue],
    ) -> Result<Option<i64>, End> {
        let Some(path) = self.analyst.search_path() else {
            return Ok(None);
        };
        if !is_plannable(analysis) {
            return Ok(None);
        }
        self.pipeline.note(&EventBody::EstimateAsked {
            text: text.to_owned(),
            parameters: parameters.to_vec(),
        })?;
        self.pipeline.flush()?;
        let asked = self
            .estimator
            .rows(&self.shared, &self.context, path, text, portal);
        let rows = timeout(PATIENCE, asked).await.ok().flatten();
        self.pipeline.note(&EventBody::EstimateAnswered { rows })?;
        if !self.policies_read_estimates() {
            self.estimator.close().await;
        }
        Ok(rows)
    }
}

impl Estimator {
    /// An answer that does not come, or an error, costs the connection: what else it would say is not known.
    async fn rows(
        &mut self,
        shared: &Shared,
        context: &SessionContext,
        path: String,
        text: &str,
        portal: Option<&Portal>,
    ) -> Option<i64> {
        let kept = self.open.take().filter(|(kept, _)| *kept == path);
        let mut session = match still_quiet(kept).await {
            Some(kept) => kept,
            None => open(shared, context, &path).await.ok()?,
        };
        plain(&mut session, BEGIN).await.ok()?;
        let rows = explain(&mut session, text, portal).await.ok()?;
        plain(&mut session, "ROLLBACK").await.ok()?;
        self.open = Some((path, session));
        rows
    }

    async fn close(&mut self) {
        if let Some((_, mut session)) = self.open.take() {
            encode::terminate(&mut session.side.outbox);
            // The answer is here; how the session ends does not matter.
            let _ = timeout(PATIENCE, session.side.finish()).await;
        }
    }
}

async fn open(
    shared: &Shared,
    context: &SessionContext,
    path: &str,
) -> Result<TargetSession, CatalogError> {
    let settings = [
        ("search_path", path),
        ("statement_timeout", PATIENCE_OF_TARGET),
    ];
    shared
        .catalogs
        .own_session(
            &context.connection,
            &context.account,
            &context.database,
            &settings,
        )
        .await
}

/// A kept connection on which the target said nothing since: one that it closed, or talks on, is of no use.
async fn still_quiet(kept: Option<(String, TargetSession)>) -> Option<TargetSession> {
    let (_, mut session) = kept?;
    let quiet = session.side.inbox.is_empty()
        && timeout(Duration::ZERO, session.side.receive())
            .await
            .is_err();
    quiet.then_some(session)
}

/// Whether the planner can be asked: a plain statement, of which planning runs no code but the server's own.
fn is_plannable(analysis: &Analysis) -> bool {
    let kinds = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"];
    let kind = analysis.get().map(|statement| statement.kind);
    if !kind.is_some_and(|kind| kinds.contains(&kind)) || analysis.resolved.unresolved {
        return false;
    }
    let accesses = &analysis.resolved.accesses;
    let calls = accesses.iter().any(|access| {
        matches!(access.resource, Resource::Routine { .. })
            || ["sql:function", "sql:do", "sql:call"].contains(&access.action.as_str())
    });
    let tables = accesses.iter().filter_map(|access| match &access.resource {
        Resource::Table { schema, table, .. } => Some((schema.as_str(), table.as_str())),
        _ => None,
    });
    !calls && analysis.catalog.plans_quietly(tables)
}

async fn plain(session: &mut TargetSession, text: &str) -> Result<(), CatalogError> {
    let cannot = |error: encode::CannotEncode| CatalogError::Answer(error.to_string());
    encode::query(&mut session.side.outbox, text).map_err(cannot)?;
    answers(session, |_| Some(())).await
}

/// Plans a statement with the values that are bound to it, exactly as they were sent.
async fn explain(
    session: &mut TargetSession,
    text: &str,
    portal: Option<&Portal>,
) -> Result<Option<i64>, CatalogError> {
    let cannot = |error: &dyn std::fmt::Display| CatalogError::Answer(error.to_string());
    let bound = portal
        .map(|portal| frontend::bound(&portal.bound))
        .transpose()
        .map_err(|e| cannot(&e))?;
    let types = portal.map_or(&[][..], |portal| &portal.prepared.parameter_types);
    let (parameter_formats, parameters) = bound
        .map(|bind| (bind.parameter_formats, bind.parameters))
        .unwrap_or_default();
    let out = &mut session.side.outbox;
    encode::parse(out, "", &format!("EXPLAIN (FORMAT JSON) {text}"), types)
        .map_err(|e| cannot(&e))?;
    let bind = Bind {
        portal: "",
        statement: "",
        parameter_formats,
        parameters,
        result_formats: Default::default(),
    };
    encode::bind(out, &bind).map_err(|e| cannot(&e))?;
    encode::execute(out, "", 0).map_err(|e| cannot(&e))?;
    encode::sync(out);
    let mut plan = String::new();
    answers(session, |row| {
        plan.push_str(row.first()?.as_deref()?);
        Some(())
    })
    .await?;
    let plan: serde_json::Value = serde_json::from_str(&plan).map_err(|e| cannot(&e))?;
    Ok(plan.get(0).and_then(|top| touched(top.get("Plan")?)))
}

/// The rows that a plan returns, or changes where that is more: a statement that changes rows may return none of
/// them, or hide the change in a `WITH`.
fn touched(plan: &serde_json::Value) -> Option<i64> {
    let returned = plan.get("Plan Rows")?.as_i64()?;
    Some(returned.max(changed(plan)))
}

/// The rows that all parts of a plan change.
fn changed(node: &serde_json::Value) -> i64 {
    let text = |node: &serde_json::Value, field: &str| {
        let value = node.get(field).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let changes = text(node, "Node Type") == "ModifyTable";
    let below = node.get("Plans").and_then(serde_json::Value::as_array);
    let mut rows = 0_i64;
    for child in below.into_iter().flatten() {
        let feeds = ["Outer", "Member"].contains(&text(child, "Parent Relationship").as_str());
        if changes && feeds {
            let more = child.get("Plan Rows").and_then(serde_json::Value::as_i64);
            rows = rows.saturating_add(more.unwrap_or_default());
        }
        rows = rows.saturating_add(changed(child));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_returned_or_changed_wherever_the_change_stands() {
        let scan = |rows: i64, relation: &str| serde_json::json!({"Node Type": "Seq Scan", "Parent Relationship": relation, "Plan Rows": rows});
        let modify = |relation: &str, plans: Vec<serde_json::Value>| serde_json::json!({"Node Type": "ModifyTable", "Parent Relationship": relation, "Plan Rows": 0, "Plans": plans});
        let with = serde_json::json!({"Node Type": "Aggregate", "Plan Rows": 1, "Plans": [
            modify("InitPlan", vec![scan(600, "Outer")]), scan(600, "Outer")
        ]});
        for (plan, expected) in [
            (scan(7, ""), Some(7)),
            (modify("", vec![scan(9, "Outer")]), Some(9)),
            (
                modify("", vec![scan(9, "Outer"), scan(5, "InitPlan")]),
                Some(9),
            ),
            (
                modify("", vec![scan(9, "Member"), scan(5, "Member")]),
                Some(14),
            ),
            (with, Some(600)),
            (serde_json::json!({}), None),
            (serde_json::json!({"Plan Rows": "many"}), None),
        ] {
            assert_eq!(touched(&plan), expected, "{plan}");
        }
    }
}
